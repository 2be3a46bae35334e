# SPDX-License-Identifier: GPL-2.0-or-later
# Other people's DAMON: their files stay byte for byte what they were, and damontop says what to do.
. /lib/vm/damon.sh

echo 1 >$A/nr_kdamonds
refused damon-others-empty 'echo 0 > '
set_up 0 "$other"
refused damon-others-off 'all off'
echo on >$A/0/state
refused damon-others-running 'another program uses DAMON'
clear_up

echo 2 >$A/nr_kdamonds
set_up 1 "$other"
echo on >$A/1/state
refused damon-others-two 'kdamonds: 2, running: 1'
clear_up

for m in damon_reclaim damon_lru_sort damon_stat; do
	[ -e /sys/module/$m ] || continue # damon_stat: newer kernels, where it is on by itself
	echo Y >/sys/module/$m/parameters/enabled
	sleep 1
	refused damon-others-$m "echo N > /sys/module/$m/parameters/enabled"
	check damon-others-$m-on "it is off now" grep -q Y /sys/module/$m/parameters/enabled
	echo N >/sys/module/$m/parameters/enabled
	sleep 1
done

# Theirs watches our target: its regions are shown, by its intervals, and nothing is written.
echo 1 >$A/nr_kdamonds
set_up 0 "$pid"
echo on >$A/0/state
tree >before
damontop -b --json -s damon -n 3 -p "$pid" >out 2>err
rc=$?
tree >after
check damon-others-looking-on "exit status $rc, $(wc -l <out) snapshots: $(cat err)" lines 3
check damon-others-looking-on-intervals "$(head -c 400 out)" grep -q '"aging_us":7000,"aggregation_us":140000' out
check damon-others-looking-on-files "$(diff before after | head -n 4)" cmp -s before after
# ... and is switched off while we look on.
begin
wait_for 30 lines 2
echo off >$A/0/state
wait $top_pid
check damon-others-looked-on-off "exit status $?: $(cat err)" grep -q 'the other program has switched its DAMON off' err
check damon-others-looked-on-left "$(ask $A/nr_kdamonds)" [ "$(ask $A/nr_kdamonds)" = 1 ]
clear_up
kill "$other" "$pid"
true
