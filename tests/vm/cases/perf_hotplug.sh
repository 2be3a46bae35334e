# SPDX-License-Identifier: GPL-2.0-or-later
# CPU 1 goes off and comes back twice while two threads touch pages for the first time: each page is reported once.
online=/sys/devices/system/cpu/cpu1/online
cat >/tmp/hotplug.phases <<X
pages yes
map one anon 24M populate=no
map two anon 24M populate=no
phase touch 14s threads=2
  access one op=write pattern=touch rate=512
  access two op=write pattern=touch rate=512 thread=1
X
T=/out/hotplug.truth
workload -w -o $T /tmp/hotplug.phases >/tmp/ready &
P=$!
wait_for 20 grep -q ready /tmp/ready || not_ok hotplug "workload has not begun"
damontop -b --json -s perf -e perf::PAGE-FAULTS -c 1 -p $P >/out/hotplug.json 2>/tmp/hotplug.err &
d=$!
wait_for 20 test -s /out/hotplug.json || not_ok hotplug "no snapshot: $(cat /tmp/hotplug.err)"
kill -USR1 $P
sleep 2
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
wait $P
to_judge hotplug-counts counts hotplug
