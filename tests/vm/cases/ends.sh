# SPDX-License-Identifier: GPL-2.0-or-later
# The target ends, calls exec, moves to another cgroup, or has its cgroup removed, while it is watched.
before=$(harvest_judge -l)
# The hooks are in place: harvests begin.
watches() { [ "$(harvest_judge -l)" -gt "$before" ]; }
play_small
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
phase after 60s rate=1m
  access heap+16M:32M
X
sh -c 'while [ ! -e /tmp/go ]; do usleep 50000; done; exec workload -o /tmp/after.truth /tmp/after.phases' >/dev/null &
P=$!
T=/tmp/after.truth
harvest_judge -s mglru -p $P -t $T -n 7 -i 1000 >/tmp/exec &
j=$!
wait_for 20 watches
touch /tmp/go
wait $j
judged ends-exec "$(tail -n 2 /tmp/exec)" 0.99

# In a cgroup that is not the one in which its memory was touched and charged; then to another, and the first one removed.
mkdir /sys/fs/cgroup/one /sys/fs/cgroup/two
echo $P >/sys/fs/cgroup/one/cgroup.procs
lines=$(harvest_judge -s mglru -p $P -t $T -n 2 -i 1000)
judged ends-charged-elsewhere "$lines" 0.99
check ends-says-so "$(echo "$lines" | tail -n 1)" eval 'echo "$lines" | grep -q "note=.*aged by clear_refs too"'
harvest_judge -s mglru -p $P -t $T -n 8 -i 1000 >/tmp/moved &
j=$!
wait_for 20 watches
sleep 2
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
	harvest_judge -s $s -p $P -t $T -n 4 -i 1000 >/tmp/led &
	j=$!
	wait_for 20 watches
	kill -USR1 $P
	wait $j
	check ends-zombie-$s "$(head -n 3 /proc/$P/status | tr '\n' ' ')" grep -q '^State:.*Z' /proc/$P/status
	judged ends-leaderless-$s "$(tail -n 2 /tmp/led)" 0.99
	kill -KILL $P
done
