#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whichever way it ends, damontop leaves nothing behind: no process, no file, and it ends at once.
# timeout: 120
# alone: it has to end within a second, and no other test may leave files meanwhile
. "$(dirname "$0")/../lib/lib.sh"
need "$damontop" "$workload" python3

mkdir "$tmp/home"
files() { find "$tmp/home" /tmp /dev/shm /var/tmp -maxdepth 1 -name '*damontop*' ! -path "$tmp" ! -name 'damontop-test.*' 2>/dev/null | sort; }
# Those that have not been there before: another program's may go at any time.
new_files() { comm -13 <(echo "$before") <(files); }
now_ms() { echo $(($(date +%s%N) / 1000000)); }
run() { HOME=$tmp/home TMPDIR=$tmp/home timeout 20 "$damontop" "$@" </dev/null; }

start_workload load load || exit 0
before=$(files)
threads=$(ls "/proc/$wl_pid/task")
run -b -n 3 --aggr 200ms -p "$wl_pid" >"$tmp/out" 2>"$tmp/err"
rc=$?
check "three snapshots" "$(cat "$tmp/err")" test $rc = 0
check "no file left" "$(new_files)" test -z "$(new_files)" -a -z "$(ls -A "$tmp/home")"
check "the target has the threads it had" "$(ls "/proc/$wl_pid/task")" test "$(ls "/proc/$wl_pid/task")" = "$threads"
check "the target is not traced" "$(grep TracerPid "/proc/$wl_pid/status")" grep -q '^TracerPid:.0$' "/proc/$wl_pid/status"

for signal in TERM INT HUP QUIT KILL; do
	rm -f "$tmp/out" # what the last one printed would be taken for this one's
	set -m # its own process group: INT and QUIT are not ignored then
	"$damontop" -b --json --aggr 100ms -p "$wl_pid" >"$tmp/out" 2>"$tmp/err" </dev/null &
	pid=$!
	set +m
	started+=($pid)
	poll 5 test -s "$tmp/out" || { not_ok "SIG$signal" "no output: $(cat "$tmp/err")"; continue; }
	start=$(now_ms)
	kill -$signal $pid
	wait $pid 2>/dev/null
	rc=$?
	took=$(($(now_ms) - start))
	if [ $signal = KILL ]; then
		check "SIGKILL: the target lives" "" kill -0 "$wl_pid"
	else
		check "SIG$signal: status 0 within a second" "status $rc after $took ms: $(cat "$tmp/err")" test $rc = 0 -a $took -lt 1000
		check "SIG$signal: the last line is whole" "$(tail -n 1 "$tmp/out" | tail -c 50)" python3 "$top/tests/json/validate.py" "$tmp/out"
	fi
done
check "no file left after signals" "$(new_files)" test -z "$(new_files)" -a -z "$(ls -A "$tmp/home")"

# A command that it has started ends with it, also when it is killed.
for signal in TERM KILL; do
	rm -f "$tmp/out"
	"$damontop" -b --json --aggr 100ms -- "$workload" load >"$tmp/out" 2>"$tmp/err" </dev/null &
	pid=$!
	started+=($pid)
	poll 5 test -s "$tmp/out" || { not_ok "command: SIG$signal" "no output: $(cat "$tmp/err")"; continue; }
	child=$(pgrep -P $pid -x workload)
	kill -$signal $pid
	wait $pid 2>/dev/null
	check "command: gone after SIG$signal" "child '$child' lives" poll 3 ended "${child:-1}"
done
run -b --json --aggr 100ms -- "$workload" load 1 >"$tmp/out" 2>"$tmp/err"
rc=$?
check "command: its end is the end" "$(cat "$tmp/err")" test $rc = 0
run -b -n 1 --aggr 100ms -- sh -c 'exit 3' >"$tmp/out" 2>"$tmp/err"
rc=$?
check "command that ends at once: an end, not a hang" "status $rc: $(cat "$tmp/err")" test $rc = 0 -o $rc = 1

# Two on the same target do not disturb each other.
run -b --json -n 4 --aggr 200ms -p "$wl_pid" >"$tmp/one" 2>&1 &
first=$!
run -b --json -n 4 --aggr 200ms -p "$wl_pid" >"$tmp/two" 2>&1
check "two at once: the second" "$(head -c 200 "$tmp/two")" python3 "$top/tests/json/validate.py" "$tmp/two"
wait $first
check "two at once: the first" "$(head -c 200 "$tmp/one")" python3 "$top/tests/json/validate.py" "$tmp/one"

# Little of everything: descriptors, memory.
(ulimit -n 12; run -b --json -n 2 --aggr 100ms -p "$wl_pid" >"$tmp/out" 2>"$tmp/err")
rc=$?
check "few descriptors: it works or says why" "status $rc: $(cat "$tmp/err")" test $rc = 0 -o "$(wc -l <"$tmp/err")" = 1
(ulimit -l 0; run -b --json -n 2 --aggr 100ms -p "$wl_pid" >"$tmp/out" 2>"$tmp/err")
rc=$?
check "no locked memory: it works or says why" "status $rc: $(cat "$tmp/err")" test $rc = 0 -o "$(wc -l <"$tmp/err")" = 1
(ulimit -v 200000; run -b --json -n 2 --aggr 100ms -p "$wl_pid" >"$tmp/out" 2>"$tmp/err")
rc=$?
check "little memory: it works or says why" "status $rc: $(cat "$tmp/err")" test $rc = 0 -o "$(wc -l <"$tmp/err")" = 1
stop_workload "$wl_pid"
