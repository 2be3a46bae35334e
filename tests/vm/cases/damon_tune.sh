# SPDX-License-Identifier: GPL-2.0-or-later
# Live intervals and limits, by both ways to the regions.
printf 'flush 20ms\nmap heap anon 256M\nphase first 300s\n access heap+32M:32M\n' >plan
workload -o truth plan >ready 2>&1 &
wait_for 20 grep -q ready ready
pid=$(sed -n 's/^ready //p' ready)
damon_tune "$pid" damon_aggregated
damon_tune "$pid" tried_regions
kill "$pid"
true
