# SPDX-License-Identifier: GPL-2.0-or-later
# Live intervals, limits and range, by both ways to the regions.
printf 'flush 20ms\nmap heap anon 256M\nphase first 300s\n access heap+32M:32M\n' >plan
workload -o truth plan >ready 2>&1 &
wait_for 20 grep -q ready ready
pid=$(sed -n 's/^ready //p' ready)
base=$(sed -n '1s/.*"name":"heap"[^}]*"start":"0x\([0-9a-f]*\)".*/\1/p' truth)
start=$(printf %x $((0x$base + 16 * 1048576)))
end=$(printf %x $((0x$base + 80 * 1048576)))
damon_tune "$pid" damon_aggregated "$start" "$end"
damon_tune "$pid" tried_regions "$start" "$end"
kill "$pid"
true
