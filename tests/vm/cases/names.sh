# SPDX-License-Identifier: GPL-2.0-or-later
# A cgroup with a name made to confuse: the target is found all the same, and nothing of the name reaches the output raw.
dir="/sys/fs/cgroup/memcg 1 $(printf '\033[31m node 0')"
mkdir "$dir"
sh -c 'echo $$ >"$0/cgroup.procs"; exec workload -o /tmp/names.truth /lib/workload/harvest.phases' "$dir" >/dev/null &
P=$!
T=/tmp/names.truth
wait_for 20 test -s $T
lines=$(harvest_judge -s mglru -p $P -t $T -n 1 -i 300)
judged names-cgroup "$lines" 0.99
damontop -b -s mglru -n 1 -p $P >/tmp/names.out 2>&1
check names-raw "an escape byte in the output" eval '! grep -q "$(printf "\\033")" /tmp/names.out'
