# SPDX-License-Identifier: GPL-2.0-or-later
# The target ends, calls exec, moves to another cgroup, or has its cgroup removed, while it is watched.
play_small
damontop -b --json -s mglru -n 100 -p $P >/tmp/ends.json 2>/tmp/ends.err &
d=$!
wait_for 20 test -s /tmp/ends.json
kill -KILL $P
wait $d
check ends-exit "status $?: $(cat /tmp/ends.err)" [ $? = 0 ]

# exec: the same process, another address space.
cat >/tmp/after.phases <<X
flush 20ms
slice 100ms
map heap anon 128M
phase after 300s rate=400k
  access heap+16M:32M pattern=sweep
X
sh -c 'while [ ! -e /tmp/go ]; do usleep 50000; done; exec workload -o /tmp/after.truth /tmp/after.phases' >/dev/null &
P=$!
T=/tmp/after.truth
harvest_judge -s mglru -p $P -t $T -n 2 -i 300 -u /tmp/executed >/tmp/exec &
j=$!
wait_for 20 test -e /tmp/exec
harvest_again /tmp/exec
touch /tmp/go
wait_for 60 test -s $T
harvest_again /tmp/exec # in which its memory was filled
touch /tmp/executed
wait $j
judged ends-exec "$(cat /tmp/exec)" 0.99

# In a cgroup that is not the one in which its memory was touched and charged; then to another, and the first one removed.
mkdir /sys/fs/cgroup/one /sys/fs/cgroup/two
echo $P >/sys/fs/cgroup/one/cgroup.procs
lines=$(harvest_judge -s mglru -p $P -t $T -n 2 -i 300)
judged ends-charged-elsewhere "$lines" 0.99
check ends-says-so "$(echo "$lines" | tail -n 1)" eval 'echo "$lines" | grep -q "note=.*aged by clear_refs too"'
harvest_judge -s mglru -p $P -t $T -n 3 -i 300 -u /tmp/gone >/tmp/moved &
j=$!
wait_for 20 test -e /tmp/moved
harvest_again /tmp/moved
echo $P >/sys/fs/cgroup/two/cgroup.procs
rmdir /sys/fs/cgroup/one
harvest_again /tmp/moved
touch /tmp/gone
wait $j
judged ends-moves "$(cat /tmp/moved)" 0.99
kill -KILL $P

# The first thread ends before the others, after clear_refs has been opened through it.
for s in mglru clear_refs; do
	rm -f /tmp/after.truth
	workload -w -z -o /tmp/after.truth /tmp/after.phases >/dev/null &
	P=$!
	wait_for 20 test -s $T
	rm -f /tmp/begun /tmp/led
	harvest_judge -s $s -p $P -t $T -n 2 -i 300 -u /tmp/begun >/tmp/led &
	j=$!
	wait_for 20 test -e /tmp/led
	harvest_again /tmp/led
	kill -USR1 $P
	wait_for 60 grep -q '"type":"slice"' $T
	harvest_again /tmp/led
	touch /tmp/begun
	wait $j
	check ends-zombie-$s "$(head -n 3 /proc/$P/status | tr '\n' ' ')" grep -q '^State:.*Z' /proc/$P/status
	judged ends-leaderless-$s "$(cat /tmp/led)" 0.99
	kill -KILL $P
done
