# by name only: has failed on a busy machine (or stands beside one that has); the cause is not known
# SPDX-License-Identifier: GPL-2.0-or-later
# However damontop ends, within a second the kdamond is off and the files are as they were.
A=/sys/kernel/mm/damon/admin/kdamonds
tree() { find $A -type f | sort | while read -r f; do echo "$f $(cat "$f" 2>&1)"; done; }
restored() { tree >after && cmp -s before after && ! ps -o comm | grep -q '^kdamond'; }
nobody() { ! ps -o comm | grep -qE '^(damontop|kdamond)'; }
lines() { [ "$(wc -l <out)" -ge "$1" ]; }

printf 'flush 20ms\nmap heap anon 64M\nphase first 300s\n access heap\n' >plan
workload -o truth plan >ready 2>&1 &
wait_for 20 grep -q ready ready
pid=$(sed -n 's/^ready //p' ready)
tree >before

# end_by NAME WAY SIGNAL
end_by() {
	damontop -b --json -s damon -e "$2" -p "$pid" >out 2>err &
	top_pid=$!
	wait_for 10 lines 3 || not_ok "$1" "no snapshots: $(cat err)"
	grep -q on $A/0/state || not_ok "$1" "no kdamond runs"
	kill "-$3" $top_pid
	check "$1" "after a second: $(cat $A/nr_kdamonds) kdamonds, $(ps -o comm | grep -c '^kdamond') running" wait_for 1 restored
	check "$1-processes" "$(ps -o pid,comm | grep -E 'damontop|kdamond' | tr '\n' ' ')" wait_for 2 nobody
	wait $top_pid 2>/dev/null
}
end_by damon-sigkill damon_aggregated KILL
end_by damon-sigkill-tried tried_regions KILL
end_by damon-sigterm damon_aggregated TERM
end_by damon-sigint-tried tried_regions INT
end_by damon-sigsegv damon_aggregated SEGV

# Somebody kills the guard: then damontop puts everything back itself.
damontop -b --json -s damon -p "$pid" >out 2>err &
top_pid=$!
wait_for 10 lines 3
kill -9 "$(ps -o pid,comm | awk '$2 == "damontop-guard" { print $1; exit }')"
kill -TERM $top_pid
check damon-guard-killed "the files are not restored: $(cat $A/nr_kdamonds)" wait_for 2 restored
wait $top_pid 2>/dev/null

# The target ends.
damontop -b --json -s damon -p "$pid" >out 2>err &
top_pid=$!
wait_for 10 lines 3
kill -9 "$pid"
wait $top_pid
check damon-target-ended "exit status $?: $(cat err)" [ $? = 0 ]
check damon-target-ended-restored "$(cat err)" wait_for 1 restored
true
