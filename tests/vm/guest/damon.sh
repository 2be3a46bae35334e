# SPDX-License-Identifier: GPL-2.0-or-later
# For the cases on other people's DAMON: a workload that is watched (its process is $pid), a process that is not
# ($other), and somebody who uses DAMON.
A=/sys/kernel/mm/damon/admin/kdamonds
# Whoever uses the kernel's files at the same moment makes a read fail as busy: once more, for some seconds.
ask() {
	for ask_n in $(seq 200); do
		cat "$1" 2>/dev/null && return
		[ -e "$1" ] || return
		usleep 20000
	done
	echo busy
}
# All files of a tree that cannot change by itself.
tree() { find $A -type f | grep -v -e '/stats/' -e tried_regions -e effective_bytes | sort | while read -r f; do echo "$f $(ask "$f")"; done; }
lines() { [ "$(cat out 2>/dev/null | wc -l)" -ge "$1" ]; }
# begin OPTIONS: damontop on the workload, as $top_pid. What the one before it has said is gone before anybody looks.
begin() {
	rm -f out err
	damontop -b --json -s damon "$@" -p "$pid" >out 2>err &
	top_pid=$!
}
on() { [ "$(ask $A/0/state)" = on ]; }
# No file of anybody's, no kdamond that runs, none of our processes.
restored() { tree >after && cmp -s before after && ! ps -o comm | grep -q '^kdamond'; }
nobody() { ! ps -o comm | grep -qE '^(damontop|kdamond)'; }

printf 'flush 20ms\nmap heap anon 64M\nphase first 300s rate=200k\n access heap\n' >plan
workload -o truth plan >ready 2>&1 &
wait_for 20 grep -q ready ready
pid=$(sed -n 's/^ready //p' ready)
sleep 300 &
other=$!

# A kdamond $1 that watches process $2, by somebody else.
set_up() {
	echo 1 >$A/$1/contexts/nr_contexts
	echo vaddr >$A/$1/contexts/0/operations
	echo 7000 >$A/$1/contexts/0/monitoring_attrs/intervals/sample_us
	echo 140000 >$A/$1/contexts/0/monitoring_attrs/intervals/aggr_us
	echo 1 >$A/$1/contexts/0/targets/nr_targets
	echo "$2" >$A/$1/contexts/0/targets/0/pid_target
}
# Somebody else uses the files at the same moment: once more, for some seconds.
insist() {
	for insist_n in $(seq 1000); do
		echo "$1" >"$2" && return
		usleep 20000
	done 2>/dev/null
	return 1
}
clear_up() {
	for k in $A/[0-9]*; do
		[ -e "$k/state" ] && grep -q on "$k/state" && insist off "$k/state"
	done
	insist 0 $A/nr_kdamonds
}

# refused NAME REGEX [OPTIONS]: damontop says that, exits with 1, and has changed nothing.
refused() {
	refused_name=$1
	refused_why=$2
	shift 2
	tree >before
	damontop -b --json -s damon -n 2 -d 60s "$@" -p "$pid" >out 2>err
	rc=$?
	tree >after
	if [ $rc != 1 ] || ! grep -q "$refused_why" err; then
		not_ok "$refused_name" "exit status $rc: $(cat err)"
	elif ! cmp -s before after; then
		not_ok "$refused_name" "changed: $(diff before after | head -n 4 | tr '\n' ' ')"
	else
		ok "$refused_name"
	fi
}
