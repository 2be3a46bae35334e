# SPDX-License-Identifier: GPL-2.0-or-later
# Another process of the same memcg, busier than the target, adds nothing to the target's heat.
play_small
neighbour=$P
cat >/tmp/quiet.phases <<X
flush 20ms
slice 100ms
map heap anon 64M
phase quiet 60s rate=100k
  access heap+10M:1M pattern=sweep
X
play /tmp/quiet.phases
lines=$(harvest_judge -s mglru -p $P -t $T -n 2 -i 300)
judged neighbour "$lines" 0.99
line=$(echo "$lines" | tail -n 1)
check neighbour-adds-nothing "$line" at_most "$(field "$line" other)" 200
kill $neighbour
