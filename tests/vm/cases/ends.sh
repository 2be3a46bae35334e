# SPDX-License-Identifier: GPL-2.0-or-later
# The target ends, calls exec, moves to another cgroup, or has its cgroup removed, while it is watched.
play harvest 300s
damontop -b --json -s mglru -n 100 -p $P >/tmp/ends.json 2>/tmp/ends.err &
d=$!
wait_for 20 test -s /tmp/ends.json
kill -KILL $P
wait $d
check ends-exit "status $?: $(cat /tmp/ends.err)" [ $? = 0 ]

# exec: the same process, another address space.
cat >/tmp/after.phases <<X
flush 50ms
map heap anon 128M
phase after 60s
  access heap+16M:32M
X
sh -c 'sleep 3; exec workload -o /tmp/after.truth /tmp/after.phases' >/dev/null &
P=$!
T=/tmp/after.truth
sleep 1
lines=$(harvest_judge -s mglru -p $P -t $T -n 8 -i 1000)
judged ends-exec "$(echo "$lines" | tail -n 2)" 0.99

# In a cgroup that is not the one in which its memory was touched and charged; then to another, and the first one removed.
mkdir /sys/fs/cgroup/one /sys/fs/cgroup/two
echo $P >/sys/fs/cgroup/one/cgroup.procs
lines=$(harvest_judge -s mglru -p $P -t $T -n 2 -i 1000)
judged ends-charged-elsewhere "$lines" 0.99
check ends-says-so "$(echo "$lines" | tail -n 1)" eval 'echo "$lines" | grep -q "note=.*aged by clear_refs too"'
harvest_judge -s mglru -p $P -t $T -n 12 -i 1000 >/tmp/moved &
j=$!
sleep 6
echo $P >/sys/fs/cgroup/two/cgroup.procs
rmdir /sys/fs/cgroup/one
wait $j
judged ends-moves "$(tail -n 3 /tmp/moved)" 0.99
kill -KILL $P

# The first thread ends before the others, after clear_refs has been opened through it.
for s in mglru clear_refs; do
	rm -f /tmp/after.truth
	workload -w -z -o /tmp/after.truth /tmp/after.phases >/dev/null &
	P=$!
	wait_for 20 test -s $T
	harvest_judge -s $s -p $P -t $T -n 5 -i 1000 >/tmp/led &
	j=$!
	sleep 2
	kill -USR1 $P
	wait $j
	check ends-zombie-$s "$(head -n 3 /proc/$P/status | tr '\n' ' ')" grep -q '^State:.*Z' /proc/$P/status
	judged ends-leaderless-$s "$(tail -n 2 /tmp/led)" 0.99
	kill -KILL $P
done
