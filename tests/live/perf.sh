#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Source perf on events that any machine has, against what the workload really did: first touches, a breakpoint, a ring that
# overflows, a timer that the kernel throttles, an ordinary user.
# timeout: 180
. "$(dirname "$0")/../lib/lib.sh"
need "$damontop" "$workload" python3 taskset setpriv

# perf_event_paranoid 3 (Debian): nothing without CAP_PERFMON.
"$damontop" -b -n 1 --aggr 50ms --aging 50ms -s perf -e perf::PAGE-FAULTS -- sleep 5 >"$tmp/out" 2>"$tmp/err" </dev/null ||
	{ skip perf "$(cat "$tmp/err")"; exit 0; }

# judged WHAT ARGUMENTS...: all that the workload did was seen, or is lost.
judged() {
	local what=$1
	shift
	$judge counts "$tmp/out" "$tmp/$name.truth" "$@" >"$tmp/verdict"
	if [ $? = 0 ]; then ok "$what ($(tr '\n' ' ' <"$tmp/verdict"))"; else not_ok "$what" "$(cat "$tmp/verdict")"; fi
}

# begin NAME CPU PHASES: the workload, waiting for SIGUSR1, on this CPU.
begin() {
	name=$1
	printf '%s\n' "$3" >"$tmp/$name.phases"
	start_workload "$name" -w "$tmp/$name.phases" || return 1
	taskset -a -c -p "$2" "$wl_pid" >/dev/null
}

# watch ARGUMENTS...: in the background until the target ends; returns when the first snapshot is there. Its process is $watcher.
watch() {
	rm -f "$tmp/out"
	"$damontop" -b --json --aggr 250ms --aging 50ms -s perf "$@" -p "$wl_pid" >"$tmp/out" 2>"$tmp/err" </dev/null &
	watcher=$!
	started+=($watcher)
	poll 10 test -s "$tmp/out" || not_ok "$name" "no snapshot: $(cat "$tmp/err")"
}

# The workload begins, and both end by themselves.
finish() {
	poll "$1" ended "$watcher" || not_ok "$name" "did not end with its target"
	wait "$watcher"
	[ $? = 0 ] || not_ok "$name" "exit status: $(cat "$tmp/err")"
	poll 5 ended "$wl_pid"
}

begin first-touch 0-1 'pages yes
map heap anon 128M populate=no
phase touch 3s rate=16384
  access heap op=write pattern=touch' && {
	watch -e perf::PAGE-FAULTS -c 1
	first=$watcher
	mv "$tmp/out" "$tmp/out.first"
	watch -e perf::PAGE-FAULTS -c 1
	kill -USR1 "$wl_pid"
	poll 20 ended "$first" || not_ok "$name" "the first of two did not end with its target"
	finish 20
	judged "first touch: each page is reported once"
	mv "$tmp/out.first" "$tmp/out"
	judged "... and to both of two who ask at once"
}

# Hardware, though not the PMU's: the CPU's own watch on eight bytes.
begin breakpoint 0-1 'map m anon 64K
phase write 2s rate=5000
  access m:64 op=write' && {
	addr=$(python3 -c 'import json, sys; print(json.loads(open(sys.argv[1]).readline())["maps"][0]["start"])' "$tmp/breakpoint.truth")
	watch -e "mem:$addr/8:w" -c 1
	if [ -s "$tmp/out" ]; then
		kill -USR1 "$wl_pid"
		finish 20
		judged "breakpoint: each write is reported"
	fi
}

# So many pages have been touched.
touched_all() { [ "$(grep -o '"pages":[0-9]*' "$tmp/$name.truth" | awk -F: '{ n += $2 } END { print n + 0 }')" -ge "$1" ]; }

more_than() { [ "$(wc -l <"$tmp/out")" -gt "$1" ]; }

# Nobody reads the ring while 128 000 pages are touched; it has room for fewer (4 MiB at 48 bytes). What was lost is told in
# front of the next record of the same CPU.
begin overflow 0 'pages yes
slice 200ms
map burst anon 500M populate=no
map after anon 4M populate=no
phase burst 300s
  access burst op=write pattern=touch
phase after 2s
  access after op=write pattern=touch' && {
	watch -e perf::PAGE-FAULTS -c 1
	kill -STOP "$watcher"
	kill -USR1 "$wl_pid"
	poll 20 touched_all 128000
	told=$(wc -l <"$tmp/out")
	kill -CONT "$watcher"
	poll 20 more_than $((told + 1)) # what was in the ring has been read
	kill -USR2 "$wl_pid" # the next phase
	finish 20
	judged "overflow: lost is truth minus reports" --min-lost 10000
}

# An ordinary user, of kernel.perf_event_paranoid 2 or less: his own processes, no physical addresses, nobody else's.
ordinary() { setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all "$@"; }
[ "$(id -u)" = 0 ] && [ "$(cat /proc/sys/kernel/perf_event_paranoid)" -le 2 ] && ordinary test -x "$damontop" && {
	ordinary "$damontop" -b -n 1 --aggr 200ms -s perf -e perf::PAGE-FAULTS -c 1 --physical-addresses -- sleep 5 >"$tmp/out" 2>&1 </dev/null
	if [ "$(cat /proc/sys/kernel/perf_event_paranoid)" = 2 ]; then
		check "ordinary user: goes on without physical addresses, and says so" "$(cat "$tmp/out")" grep -q 'no physical addresses (CAP_PERFMON)' "$tmp/out"
		check "ordinary user: --sources says so too" "" grep -q 'physical addresses: not permitted' <(ordinary "$damontop" --sources)
	else
		check "ordinary user: has them" "$(cat "$tmp/out")" grep -vq 'no physical addresses' "$tmp/out"
	fi
}
exit 0
