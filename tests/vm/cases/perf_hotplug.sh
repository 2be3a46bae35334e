# SPDX-License-Identifier: GPL-2.0-or-later
# CPU 1 goes off and comes back twice while two threads touch pages for the first time: each page is reported once, by
# a damontop that attaches to each thread. Another has too few descriptors for that and takes whole CPUs: a CPU that comes
# back is not seen until the next look at the list of CPUs; none is reported twice.
online=/sys/devices/system/cpu/cpu1/online
cat >/tmp/hotplug.phases <<X
pages yes
map one anon 24M populate=no
map two anon 24M populate=no
phase idle 300s threads=24
phase touch 14s threads=24
  access one op=write pattern=touch rate=512
  access two op=write pattern=touch rate=512 thread=1
X
T=/out/hotplug.truth
workload -w -o $T /tmp/hotplug.phases >/tmp/ready &
P=$!
wait_for 20 grep -q ready /tmp/ready || not_ok hotplug "workload has not begun"
kill -USR1 $P
wait_for 5 test -d /proc/$P/task/$((P + 24)) || not_ok hotplug "threads have not begun"
damontop -b --json --aggr 200ms -s perf -e perf::PAGE-FAULTS -c 1 -p $P >/out/hotplug.json 2>/tmp/hotplug.err &
d=$!
wait_for 20 test -s /out/hotplug.json || not_ok hotplug "no snapshot: $(cat /tmp/hotplug.err)"
(
	ulimit -n 40
	exec damontop -b --json --aggr 200ms -s perf -e perf::PAGE-FAULTS -c 1 -p $P >/out/hotplug_wide.json 2>/tmp/hotplug_wide.err
) &
w=$!
wait_for 20 test -s /out/hotplug_wide.json || not_ok hotplug "no snapshot by CPUs: $(cat /tmp/hotplug_wide.err)"
ln -s hotplug.truth /out/hotplug_wide.truth
events() { ls -l /proc/$1/fd | grep -c perf_event; }
check hotplug-descriptors "$(events $d) and $(events $w)" [ "$(events $d)" -ge 48 ] && [ "$(events $w)" = 2 ]
next_phase # both watch
sleep 1
for again in 1 2; do
	echo 0 >$online
	check hotplug-off-$again "$(cat $online)" [ "$(cat /sys/devices/system/cpu/online)" = 0 ]
	sleep 2
	echo 1 >$online
	check hotplug-on-$again "$(cat $online)" [ "$(cat /sys/devices/system/cpu/online)" = 0-1 ]
	sleep 3
done
wait $d
check hotplug-exit "status $?: $(cat /tmp/hotplug.err)" [ $? = 0 ]
wait $w
check hotplug-exit-wide "status $?: $(cat /tmp/hotplug_wide.err)" [ $? = 0 ]
wait $P
to_judge hotplug-counts counts hotplug
to_judge hotplug-counts-wide counts hotplug_wide --tolerance 0.1
