#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The target exits, executes, becomes a zombie, stops, loses its first thread, and its number goes to another process.
# timeout: 180
# alone: some targets do what they do seconds after they have begun
. "$(dirname "$0")/../lib/lib.sh"
need "$damontop" "$workload" python3

field() { python3 -c 'import json,sys; [print(eval(sys.argv[1], {"s": json.loads(l)})) for l in open(sys.argv[2])]' "$1" "$tmp/out"; }
watch() { timeout 120 "$damontop" -b --json --aggr 200ms --aging 100ms --update 200ms "$@" >"$tmp/out" 2>"$tmp/err" </dev/null; }

# Watches until the target has ended, which it does when there was something to see.
nr_lines() { [ "$(wc -l <"$tmp/out")" -ge "$1" ]; }
watch_to_end() {
	rm -f "$tmp/out"
	watch -p "$wl_pid" &
	local watcher=$!
	poll 10 test -e "$tmp/out"
	poll 15 nr_lines 3
	kill "$wl_pid"
	wait $watcher
}

start_workload load load && {
	watch_to_end
	rc=$?
	check "exit: batch ends by itself" "status $rc: $(cat "$tmp/err")" test $rc = 0
	check "exit: there was something to see before" "$(wc -l <"$tmp/out")" test "$(wc -l <"$tmp/out")" -ge 3
	check "exit: the last snapshot says so" "$(field 's["state"]')" grep -qE '^(exited|zombie)$' <<<"$(field 's["state"]' | tail -n 1)"
}

start_workload zombie zombie && {
	watch -n 3 -p "$wl_pid"
	rc=$?
	if [ $rc = 1 ] && grep -qiE 'zombie|has ended|ended' "$tmp/err"; then
		ok "zombie: refused with the reason"
	elif [ $rc = 0 ] && [ "$(field 's["state"]' | sort -u)" = zombie ]; then
		ok "zombie: its state is told"
	else
		not_ok "zombie" "status $rc: $(cat "$tmp/err") $(field 's["state"]')"
	fi
}

start_workload zombie-later zombie-later 600 && {
	watch_to_end
	rc=$?
	check "becomes a zombie: batch ends by itself" "status $rc: $(cat "$tmp/err")" test $rc = 0
	check "becomes a zombie: the last snapshot says so" "$(field 's["state"]')" grep -qE '^(exited|zombie)$' <<<"$(field 's["state"]' | tail -n 1)"
}

start_workload exec exec 2 && {
	watch -n 20 -p "$wl_pid"
	rc=$?
	check "exec: goes on" "status $rc: $(cat "$tmp/err")" test $rc = 0 -a "$(wc -l <"$tmp/out")" = 20
	check "exec: is told once" "$(field 's.get("exec")')" test "$(field 's.get("exec")' | grep -c True)" = 1
	check "exec: the new program is seen" "$(field 's["stats"]["reports"]' | tr '\n' ' ')" test "$(field 's.get("exec"), s["stats"]["reports"]' |
		awk '/^\(True/ { after = 1; next } after { n += $2 } END { print n + 0 }')" -gt 0
	stop_workload "$wl_pid"
}

start_workload stop stop 1 && {
	watch -n 15 -p "$wl_pid"
	rc=$?
	check "stop: goes on" "status $rc: $(cat "$tmp/err")" test $rc = 0 -a "$(wc -l <"$tmp/out")" = 15
	check "stop: is told" "$(field 's["state"]' | tr '\n' ' ')" test "$(field 's["state"]' | tail -n 1)" = stopped
	# Access bits that were set before are found later, where clears are rare; samples end at once.
	[ "$(field 's["heat_unit"]' | tail -n 1)" = fraction ] ||
		check "stop: no more accesses from then on" "$(field 's["stats"]["reports"]' | tr '\n' ' ')" test "$(field 's["stats"]["reports"]' | tail -n 1)" = 0
	stop_workload "$wl_pid"
}

start_workload main-exits main-exits && {
	watch -n 6 -p "$wl_pid"
	rc=$?
	check "first thread ended: goes on" "status $rc: $(cat "$tmp/err")" test $rc = 0 -a "$(wc -l <"$tmp/out")" = 6
	check "first thread ended: the others are seen" "$(field 's["stats"]["reports"]' | tr '\n' ' ')" \
		test "$(field 's["stats"]["reports"]' | awk '{ n += $1 } END { print n + 0 }')" -gt 0
	kill -KILL "$wl_pid"
}

# Its number goes to another process, while damontop is stopped and cannot see the end. The kernel is told which number
# comes next; in between another process may take it, hence some attempts.
reuse() {
	local attempt
	for attempt in $(seq 200); do
		echo $(($1 - 1)) >/proc/sys/kernel/ns_last_pid || return 1
		"$workload" churn >"$tmp/reused" &
		[ $! = "$1" ] && { started+=($!); return 0; }
		kill -KILL $!
		wait $! 2>/dev/null
	done
	return 1
}
if [ -w /proc/sys/kernel/ns_last_pid ] && start_workload victim load; then
	cp "$workload" "$tmp/other"
	victim=$wl_pid
	rm -f "$tmp/out" "$tmp/reused"
	"$damontop" -b --json --aggr 200ms -p "$victim" >"$tmp/out" 2>"$tmp/err" </dev/null &
	watcher=$!
	started+=($watcher)
	poll 5 test -s "$tmp/out" || not_ok "pid reused" "no output: $(cat "$tmp/err")"
	kill -STOP $watcher
	kill -KILL "$victim"
	wait "$victim" 2>/dev/null
	nr=$(wc -l <"$tmp/out")
	workload=$tmp/other
	if reuse "$victim" 2>"$tmp/reuse.err"; then
		poll 5 grep -q ready "$tmp/reused"
		kill -CONT $watcher
		if poll 5 ended $watcher; then
			wait $watcher
			rc=$?
			check "pid reused: ends with status 0" "$(cat "$tmp/err")" test $rc = 0
		else
			not_ok "pid reused: ends" "still watching"
		fi
		check "pid reused: the new process is never shown" "$(tail -n +$((nr + 1)) "$tmp/out" | cut -c1-200)" \
			test "$(grep -c '"comm":"other"' "$tmp/out")" = 0 -a "$(field 's["stats"]["reports"]' | tail -n 1)" -ge 0
	else
		kill -KILL $watcher
		echo "the number could not be had again: $(cat "$tmp/reuse.err")"
	fi
fi
