# SPDX-License-Identifier: GPL-2.0-or-later
# A thousand processes a second in the target's memcg; two that watch the same target.
play_small
workload fork 1000 >/dev/null 2>&1 &
storm=$!
lines=$(harvest_judge -s mglru -p $P -t $T -n 2 -i 300)
judged crowd-forks "$lines" 0.99
kill $storm 2>/dev/null
damontop -b --json -s mglru -n 4 -p $P >/tmp/one.json 2>/tmp/one.err &
one=$!
damontop -b --json -s clear_refs -n 4 -p $P >/tmp/two.json 2>/tmp/two.err
check crowd-second "status $?: $(cat /tmp/two.err)" [ $? = 0 -a "$(wc -l </tmp/two.json)" = 4 ]
wait $one
check crowd-first "status $?: $(cat /tmp/one.err)" [ $? = 0 -a "$(wc -l </tmp/one.json)" = 4 ]
