# SPDX-License-Identifier: GPL-2.0-or-later
# An ordinary user whose ring memory is limited to a page for each CPU: rings are halved until they fit, and that is said.
# Nobody reads while pages are touched: what is lost is what was touched and not reported.
mlock=/proc/sys/kernel/perf_event_mlock_kb
paranoid=/proc/sys/kernel/perf_event_paranoid
before="$(cat $mlock) $(cat $paranoid)"
cat >/tmp/ring.phases <<X
pages yes
map burst anon 8M populate=no
map after anon 1M populate=no
phase burst 5s
  access burst op=write pattern=touch
phase after 5s
  access after op=write pattern=touch
X
echo 8 >$mlock
echo 2 >$paranoid
chmod 1777 /tmp /out
T=/out/perf-ring.truth
echo 'workload -w -o /out/perf-ring.truth /tmp/ring.phases >/tmp/ready &
P=$!
echo $P >/tmp/pid
ulimit -l 0
while ! grep -qs ready /tmp/ready; do usleep 50000; done
damontop -b --json --aggr 500ms -s perf -e perf::PAGE-FAULTS -c 1 -p $P >/out/perf-ring.json 2>/tmp/ring.err &
echo $! >/tmp/watcher
wait $!
echo $? >/tmp/status' >/tmp/ring.sh
taskset 1 su -s /bin/sh nobody -c 'sh /tmp/ring.sh' &
su=$!
wait_for 30 test -s /out/perf-ring.json || not_ok perf-ring "no snapshot: $(cat /tmp/ring.err)"
P=$(cat /tmp/pid)
d=$(cat /tmp/watcher)
kill -STOP $d
kill -USR1 $P
wait_for 10 grep -q '"phase":"burst"' $T
sleep 1
kill -CONT $d
wait $su
set -- $before
echo $1 >$mlock
echo $2 >$paranoid
check perf-ring-exit "$(cat /tmp/ring.err)" [ "$(cat /tmp/status)" = 0 ]
check perf-ring-halved "$(head -n 1 /out/perf-ring.json | cut -c1-600)" grep -q '"note": *"[^"]*rings 4 KiB' /out/perf-ring.json
to_judge perf-ring-lost counts perf-ring --min-lost 1000
