#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Targets that make it hard: processes and threads that come and go, 65 000 mappings, mappings that change all the time.
# timeout: 180
# alone: aggregations have to be on time, at less than half of a CPU
. "$(dirname "$0")/../lib/lib.sh"
need "$damontop" "$workload" python3

field() { python3 -c 'import json,sys; [print(eval(sys.argv[1], {"s": json.loads(l)})) for l in open(sys.argv[2])]' "$1" "$tmp/out"; }
nr_fds() { ls "/proc/$1/fd" 2>/dev/null | wc -l; }
rss_kb() { awk '/^VmHWM/ { print $2 }' "/proc/$1/status" 2>/dev/null; }

# storm NAME MODE...: eight aggregations of half a second: all of them come, something is seen, each on time, a bounded number
# of descriptors and amount of memory, and the result is valid.
storm() {
	local name=$1 pid inner fds_early=0 fds_late=0 why= rc hwm=
	shift
	start_workload "$name" "$@" || return
	rm -f "$tmp/out"
	timeout 40 "$damontop" -b --json -n 8 --aggr 500ms --update 250ms -p "$wl_pid" >"$tmp/out" 2>"$tmp/err" </dev/null &
	pid=$!
	poll 10 test -s "$tmp/out"
	inner=$(pgrep -P $pid -x damontop)
	fds_early=$(nr_fds "$inner")
	while [ "$(wc -l <"$tmp/out")" -lt 7 ] && ! ended $pid; do
		sleep 0.1
		fds_late=$(nr_fds "$inner")
		hwm=$(rss_kb "$inner")
	done
	wait $pid
	rc=$?
	echo "$name: descriptors $fds_early then $fds_late, memory ${hwm:-?} KiB, reports $(field 's["stats"]["reports"]' | tr '\n' ' ')"
	echo "$name: aggregations $(field 'round(s["duration_ns"] / 1e6)' | tr '\n' ' ') ms, own CPU $(field 's["stats"]["cpu_us"] // 1000' | tr '\n' ' ') ms"
	[ $rc = 0 ] || why+="status $rc: $(cat "$tmp/err"); "
	[ "$(wc -l <"$tmp/out")" = 8 ] || why+="$(wc -l <"$tmp/out") snapshots; "
	[ "$(field 's["stats"]["reports"]' | awk '{ n += $1 } END { print n + 0 }')" -gt 0 ] || why+="no report; "
	[ "$(field 's["duration_ns"] < 1e9' | sort -u)" = True ] || why+="aggregations late; "
	[ "$(field 's["stats"]["cpu_us"] < s["duration_ns"] / 2000' | tail -n 4 | sort -u)" = True ] || why+="more than half of a CPU; "
	[ "${hwm:-0}" -lt 262144 ] || why+="$hwm KiB of memory; "
	[ "${fds_late:-0}" -lt $((fds_early + 200)) ] || why+="$fds_late descriptors, $fds_early at first; "
	why+=$(python3 "$top/tests/json/validate.py" "$tmp/out")
	if [ -z "$why" ]; then ok "$name"; else not_ok "$name" "$why"; fi
	stop_workload "$wl_pid"
}

storm "1000 forks a second" fork 1000
storm "1000 threads a second" threads 1000
storm "65 000 mappings" vmas 65000
storm "mappings that change" churn 2000
storm "exec now and then" exec 1
