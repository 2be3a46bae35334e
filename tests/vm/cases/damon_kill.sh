# SPDX-License-Identifier: GPL-2.0-or-later
# However damontop ends, the kdamond is off soon and the files are as they were. "Soon" is a second, and what it was is
# printed; the emulator on a busy machine has no seconds to be judged by.
. /lib/vm/damon.sh
tree >before

# No kdamond, in the files and as a process. uptime_cs: 1/100 s.
off() { [ "$(cat $A/nr_kdamonds 2>&1)" = 0 ] && ! ps -o comm | grep -q '^kdamond'; }
uptime_cs() { sed 's/ .*//; s/\.//' /proc/uptime; }

# end_by NAME WAY SIGNAL
end_by() {
	# shellcheck disable=SC2086
	begin -e "$2" ${options:-}
	wait_for 30 lines 3 || not_ok "$1" "no snapshots: $(cat err)"
	wait_for 30 on || not_ok "$1" "no kdamond runs"
	kill "-$3" $top_pid
	from=$(uptime_cs)
	wait_for 30 off
	echo "# $1: off after $(($(uptime_cs) - from))0 ms"
	check "$1" "$(ask $A/nr_kdamonds) kdamonds, $(ps -o comm | grep -c '^kdamond') running" wait_for 30 restored
	check "$1-processes" "$(ps -o pid,comm | grep -E 'damontop|kdamond' | tr '\n' ' ')" wait_for 30 nobody
	wait $top_pid 2>/dev/null
}
end_by damon-sigkill damon_aggregated KILL
end_by damon-sigkill-tried tried_regions KILL
end_by damon-sigterm damon_aggregated TERM
end_by damon-sigint-tried tried_regions INT
end_by damon-sigsegv damon_aggregated SEGV
# An aggregation that is longer than a write of "off" is tried: the guard goes on trying.
options="--aging 100ms --aggr 3s" end_by damon-sigkill-long-tried tried_regions KILL

# Somebody kills the guard: then damontop puts everything back itself.
begin
wait_for 30 lines 3
kill -9 "$(ps -o pid,comm | awk '$2 == "damontop-guard" { print $1; exit }')"
kill -TERM $top_pid
check damon-guard-killed "the files are not restored: $(cat $A/nr_kdamonds)" wait_for 30 restored
wait $top_pid 2>/dev/null

# The target ends.
begin
wait_for 30 lines 3
kill -9 "$pid" "$other"
wait $top_pid
rc=$?
check damon-target-ended "exit status $rc: $(cat err)" [ $rc = 0 ]
check damon-target-ended-restored "$(cat err)" wait_for 30 restored
true
