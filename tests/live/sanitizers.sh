#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The real program built with AddressSanitizer and UBSan, and with ThreadSanitizer: batch and a session in a terminal, on a
# process, on a command and on the demo. Any report is a failure.
# timeout: 1200
# tries: 1, as a data race is one however seldom it shows
. "$(dirname "$0")/../lib/lib.sh"
need "$workload" tmux make

# By the name that make has for it: with another one what has changed since would not be made again.
make_log=$tmp/make.log
(cd "$top" && env -u MAKEFLAGS make --no-print-directory -j"$(nproc)" BUILD="${BUILD#"$top/"}" asan tsan) >"$make_log" 2>&1 ||
	{ not_ok build "$(grep -m 3 -iE 'error' "$make_log")"; tail -n 20 "$make_log"; exit 0; }

reports() { find "$tmp" -name 'report.*' | sort; }

# verdict NAME: nothing was reported since the last one.
verdict() {
	local found
	found=$(reports)
	if [ -z "$found" ]; then
		ok "$1"
	else
		not_ok "$1" "$(grep -hm 2 -E 'ERROR|WARNING|runtime error|SUMMARY' $found | tr '\n' ' ')"
		head -n 60 $found
		rm -f $found
	fi
}

for kind in asan tsan; do
	damontop=$BUILD/$kind/damontop
	[ -x "$damontop" ] || { not_ok "$kind" "not built"; continue; }
	export ASAN_OPTIONS=log_path=$tmp/report.asan,detect_leaks=1,abort_on_error=0
	export UBSAN_OPTIONS=log_path=$tmp/report.ubsan,print_stacktrace=1
	export TSAN_OPTIONS=log_path=$tmp/report.tsan,exitcode=66
	environment="ASAN_OPTIONS=$ASAN_OPTIONS UBSAN_OPTIONS=$UBSAN_OPTIONS TSAN_OPTIONS=$TSAN_OPTIONS"

	timeout 30 "$damontop" -b --json -n 5 --aggr 200ms --demo >"$tmp/out" 2>"$tmp/err" </dev/null
	rc=$?
	check "$kind batch demo: status" "$(head -n 3 "$tmp/err")" test $rc = 0
	verdict "$kind batch demo"
	start_workload demo "$plans/demo.phases" || continue
	timeout 40 "$damontop" -b --json -n 10 --aggr 300ms --update 300ms -p "$wl_pid" >"$tmp/out" 2>"$tmp/err" </dev/null
	rc=$?
	check "$kind batch: status" "$(head -n 3 "$tmp/err")" test $rc = 0
	verdict "$kind batch"
	timeout 40 "$damontop" -b -n 3 --aggr 300ms -- "$workload" threads 200 >"$tmp/out" 2>"$tmp/err" </dev/null
	rc=$?
	check "$kind command: status" "$(head -n 3 "$tmp/err")" test $rc = 0
	verdict "$kind command"
	timeout 40 "$damontop" --sources >"$tmp/out" 2>"$tmp/err" </dev/null
	verdict "$kind sources"

	tm_start 140 45 "clear; env $environment $damontop -p $wl_pid --aggr 300ms" || continue
	if tm_wait 20 '^ *Heat'; then
		sleep 1
		for key in '|' 2 3 4 5 6 7 8 1 h o r Down Enter M w d s Escape '#' T o Z Tab BTab A a G g ']' '}' i Down 500ms Enter c C m v Left Up Up + z 0 - n t , '\' S / heap Enter '?' Escape Space Left Left Space '|' S; do
			tm_keys $key
			sleep 0.1
		done
		for size in 1x1 200x60 20x3 500x200 100x30; do
			tm_resize "${size%x*}" "${size#*x}"
			sleep 0.3
		done
		stop_workload "$wl_pid"
		sleep 1
		tm_keys q
		poll 10 tm_shows 'PROMPT> *$' && ok "$kind terminal: q" || not_ok "$kind terminal: q" "$(tm_screen | head -n 20)"
	else
		not_ok "$kind terminal: start" "$(tm_screen | head -n 20)"
		stop_workload "$wl_pid"
	fi
	verdict "$kind terminal"
done
