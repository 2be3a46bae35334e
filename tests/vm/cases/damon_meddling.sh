# SPDX-License-Identifier: GPL-2.0-or-later
# Somebody meddles with DAMON while we use it: what is theirs stays byte for byte what it was.
. /lib/vm/damon.sh

# The process that writes commands has none under way: it waits for the next (recvfrom, 45). Who makes the kdamonds anew
# while one is, waits in the kernel for it, and it for them.
waits() { [ "$(cut -d' ' -f1 "/proc/$(ps -o pid,comm | awk '$2 == "damontop-damon" { print $1; exit }')/syscall")" = 45 ]; }
answered() { waits && usleep 200000 && waits; }

# Ours is switched off by somebody.
begin
wait_for 30 lines 2
insist off $A/0/state
wait $top_pid
check damon-meddling-switch-us-off "exit status $?: $(cat err)" grep -q 'another program has switched our DAMON off' err
check damon-meddling-switch-us-off-restored "$(ask $A/nr_kdamonds) kdamonds" [ "$(ask $A/nr_kdamonds)" = 0 ]

# Somebody takes DAMON over while ours runs: off, then a kdamond of their own.
for way in damon_aggregated tried_regions; do
	begin -e $way
	wait_for 30 lines 2
	kill -STOP $top_pid
	insist off $A/0/state
	wait_for 30 answered
	insist 1 $A/nr_kdamonds
	set_up 0 "$other"
	insist on $A/0/state
	tree >before
	kill -CONT $top_pid
	wait $top_pid
	rc=$?
	tree >after
	check damon-meddling-takeover-$way "exit status $rc: $(cat err)" grep -q 'another program has taken DAMON over' err
	check damon-meddling-takeover-$way-files "$(diff before after | head -n 4)" cmp -s before after
	clear_up
done

# Somebody gives our kdamond another target.
begin
wait_for 30 lines 2
kill -STOP $top_pid
insist off $A/0/state
insist "$other" $A/0/contexts/0/targets/0/pid_target
insist on $A/0/state
tree >before
kill -CONT $top_pid
wait $top_pid
rc=$?
tree >after
check damon-meddling-retarget "exit status $rc: $(cat err)" grep -q 'another program has taken DAMON over' err
check damon-meddling-retarget-files "$(diff before after | head -n 4)" cmp -s before after
clear_up

# Somebody begins while we begin: whoever comes first, theirs is there in the end, and whole.
bad=0
for i in 1 2 3 4 5 6; do
	begin -n 1
	usleep $((100000 + i * 50000))
	wait_for 60 sh -c "echo 2 >$A/nr_kdamonds" 2>/dev/null
	set_up 1 "$other"
	tree >before
	wait $top_pid
	echo "# began together: exit status $? $(cat err)"
	tree >after
	cmp -s before after || { bad=$((bad + 1)); diff before after | head -n 3; }
	clear_up
done
check damon-meddling-begin-together "$bad of 6 times their files were changed" [ $bad = 0 ]

# Somebody reads all the time, so that the kernel's lock is often taken.
(while :; do cat $A/0/state $A/0/pid $A/nr_kdamonds; done >/dev/null 2>&1) &
reader=$!
bad=0
for i in 1 2 3; do
	damontop -b --json -s damon -n 2 -d 60s -p "$pid" >out 2>err && lines 2 || { bad=$((bad + 1)); echo "# $(cat err)"; }
	[ "$(ask $A/nr_kdamonds)" = 0 ] || bad=$((bad + 1))
done
kill $reader
check damon-meddling-busy "$bad failures" [ $bad = 0 ]

# Two of us: the second looks on.
damontop -b --json -s damon -p "$pid" >out1 2>err1 &
top_pid=$!
wait_for 30 on
damontop -b --json -s damon -n 2 -d 60s -p "$pid" >out 2>err
check damon-meddling-two-damontops "$(cat err)" lines 2
kill $top_pid
wait $top_pid
check damon-meddling-two-damontops-restored "$(ask $A/nr_kdamonds)" [ "$(ask $A/nr_kdamonds)" = 0 ]
kill "$other" "$pid"
true
