#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Recordings by the real program: replayed they are what was live; killed, on a full disk and cut in files nothing that was
# written is lost; damo's rules accept them.
# timeout: 180
. "$(dirname "$0")/../lib/lib.sh"
need "$damontop" python3
damo="python3 $top/tests/lib/damo_reader.py"

"$damontop" -b --demo --json -n 30 --aggr 60ms --aging 20ms -o "$tmp/rec" >"$tmp/live" 2>"$tmp/err" </dev/null
check "30 snapshots of the demo are recorded" "$(cat "$tmp/err")" test "$(wc -l <"$tmp/live")" = 30
"$damontop" -b --json -r "$tmp/rec" >"$tmp/played" 2>"$tmp/err" </dev/null
check "replayed they are the same, byte for byte" "$(diff "$tmp/live" "$tmp/played" | head -c 200)" cmp -s "$tmp/live" "$tmp/played"
check "and by damo's rules" "$($damo "$tmp/rec" 2>&1 | tail -n 1)" test "$($damo "$tmp/rec" | cut -d' ' -f 1)" = 30
check "the file is its owner's alone" "$(stat -c %a "$tmp/rec")" test "$(stat -c %a "$tmp/rec")" = 600

# the screen, live and replayed: all but the source of the time in the header
"$damontop" -r "$tmp/rec" --dump-frame 20 --size 100x30 >"$tmp/screen" 2>"$tmp/err" </dev/null
check "a replayed screen shows the recording" "$(cat "$tmp/err" "$tmp/screen" | head -n 3)" grep -q 'kv-server' "$tmp/screen"
check "and says that it is one" "$(head -n 1 "$tmp/screen")" grep -q 'replay' "$tmp/screen"

# SIGKILL at 100 random moments: what was printed was recorded before.
bad=0 nr_snapshots=0 nr_read=0
for batch in $(seq 10); do
	pids=()
	for i in $(seq 10); do
		rm -f "$tmp/k$i"
		"$damontop" -b --demo --json --aggr 4ms --aging 2ms -o "$tmp/k$i" >"$tmp/out$i" 2>/dev/null </dev/null &
		pids+=($!)
		started+=($!)
	done
	for i in $(seq 10); do
		sleep "0.0$((RANDOM % 10))$((RANDOM % 10))"
		kill -KILL "${pids[i - 1]}"
	done
	{ wait "${pids[@]}"; } 2>/dev/null
	for i in $(seq 10); do
		[ -s "$tmp/k$i" ] || { [ -s "$tmp/out$i" ] || continue; }
		printed=$(grep -c '}$' "$tmp/out$i")
		"$damontop" -b --json -r "$tmp/k$i" >"$tmp/read" 2>"$tmp/err" || { bad=$((bad + 1)); cat "$tmp/err"; }
		recorded=$(wc -l <"$tmp/read")
		[ "$recorded" -ge "$printed" ] && [ "$recorded" -le $((printed + 1)) ] ||
			{ bad=$((bad + 1)); echo "batch $batch, $i: printed $printed, recorded $recorded"; }
		nr_snapshots=$((nr_snapshots + recorded))
		$damo "$tmp/k$i" >/dev/null 2>"$tmp/err" || { bad=$((bad + 1)); echo "batch $batch, $i: damo would not read it: $(tail -n 1 "$tmp/err")"; }
		nr_read=$((nr_read + 1))
	done
done
check "killed at 100 moments: $nr_read files, each whole for damo too, no snapshot is missing" "$bad wrong" test $bad = 0
check "and there were some" "$nr_snapshots" test $nr_snapshots -gt 100

# a file that was cut off is made whole again
head -c $(($(stat -c %s "$tmp/rec") * 2 / 3)) "$tmp/rec" >"$tmp/cut"
"$damontop" -b -r "$tmp/cut" -o "$tmp/whole" >/dev/null 2>"$tmp/err" </dev/null
check "a recording that was cut off says so" "$(cat "$tmp/err")" grep -q 'cut off after' "$tmp/err"
check "and is made whole by -o" "$($damo "$tmp/whole" 2>&1 | tail -n 1)" test "$($damo "$tmp/whole" | cut -d' ' -f 1)" -gt 10

# perf.data: every fault of the process is there, and nothing else
if command -v perf >/dev/null && perf record -q -e page-faults -c 1 -d -o "$tmp/perf.data" cat /etc/passwd >/dev/null 2>&1; then
	faults=$(perf script -i "$tmp/perf.data" -F pid,addr 2>/dev/null | awk '$2 != "0"' | wc -l)
	seen=$("$damontop" -b --json -r "$tmp/perf.data" 2>"$tmp/err" | python3 -c '
import json,sys
print(sum(r["nr_accesses"] for l in sys.stdin for r in json.loads(l)["regions"]))')
	check "perf.data: as many faults as perf script prints" "$seen of $faults $(cat "$tmp/err")" test "$seen" = "$faults" -a "$faults" -gt 10
	head -c 6000 "$tmp/perf.data" >"$tmp/cut.data"
	timeout 20 "$damontop" -b -r "$tmp/cut.data" >/dev/null 2>"$tmp/err"
	check "perf.data that is cut off" "$?" test $? -le 1
fi

# a full disk
"$damontop" -b --demo -n 5 -o /dev/full >/dev/null 2>"$tmp/err" </dev/null
check "a full device is an error" "$?" grep -q 'No space left' "$tmp/err"
mkdir "$tmp/small"
if mount -t tmpfs -o size=32k tmpfs "$tmp/small" 2>/dev/null; then
	"$damontop" -b --demo --json --aggr 20ms --aging 10ms -o "$tmp/small/rec" >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
	check "a full disk ends the batch with an error" "status $status: $(cat "$tmp/err")" test $status = 1
	check "what was recorded before is whole" "$($damo "$tmp/small/rec" 2>&1 | tail -n 1)" \
		test "$($damo "$tmp/small/rec" | cut -d' ' -f 1)" = "$(wc -l <"$tmp/out")"
	umount "$tmp/small"
else
	skip "a full disk" "no right to mount a tmpfs"
fi

# files by size
"$damontop" -b --demo --json -n 40 --aggr 20ms --aging 10ms --record-size 16K -o "$tmp/part" >"$tmp/live" 2>"$tmp/err" </dev/null
"$damontop" -b --json -r "$tmp/part" >"$tmp/played" 2>"$tmp/err"
check "several files by size" "$(ls "$tmp")" test -f "$tmp/part.1"
check "the first leads through all" "$(wc -l <"$tmp/played") $(cat "$tmp/err")" cmp -s "$tmp/live" "$tmp/played"
check "each is whole by damo's rules" "$($damo "$tmp/part.1" 2>&1 | tail -n 1)" test "$($damo "$tmp/part.1" | cut -d' ' -f 1)" -gt 0
