# SPDX-License-Identifier: GPL-2.0-or-later
# Regions pass through as they are: one of the snapshots is, region by region, what the kernel's files say.
A=/sys/kernel/mm/damon/admin/kdamonds
C=$A/0/contexts/0
S=$C/schemes/0
printf 'flush 20ms\nmap heap anon 256M\nphase first 300s rate=500k\n access heap+32M:32M\n' >plan
workload -o truth plan >ready 2>&1 &
wait_for 20 grep -q ready ready
pid=$(sed -n 's/^ready //p' ready)

echo 1 >$A/nr_kdamonds
echo 1 >$A/0/contexts/nr_contexts
echo vaddr >$C/operations
echo 20 >$C/monitoring_attrs/nr_regions/max
echo 1 >$C/targets/nr_targets
echo "$pid" >$C/targets/0/pid_target
echo 1 >$C/schemes/nr_schemes
echo stat >$S/action
for f in sz nr_accesses age; do
	echo 4294967295 >$S/access_pattern/$f/max
done
echo 18446744073709551615 >$S/access_pattern/sz/max
echo on >$A/0/state
damontop -b --json -s damon -p "$pid" >out 2>err &
top_pid=$!
lines() { [ "$(wc -l <out)" -ge "$1" ]; }
wait_for 20 lines 5
echo update_schemes_tried_regions >$A/0/state
n=$(wc -l <out)
for i in $(ls $S/tried_regions | grep -v total | sort -n); do
	echo "$(cat $S/tried_regions/$i/start) $(cat $S/tried_regions/$i/end) $(cat $S/tried_regions/$i/nr_accesses) $(cat $S/tried_regions/$i/age)"
done >files
wait_for 20 lines $((n + 3))
kill $top_pid
wait $top_pid
echo off >$A/0/state
echo 0 >$A/nr_kdamonds

hex() { sed 's/},{/}\n{/g' | awk '
	function hex(s,   i, n) { n = 0; for (i = 3; i <= length(s); i++) n = n * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1; return n }
	function get(re, skip) { match($0, re); return substr($0, RSTART + skip, RLENGTH - skip) }
	/"start"/ { if (!match($0, /"start":"0x[0-9a-f]*/)) next
	  printf "%.0f %.0f %s %s\n", hex(get("\"start\":\"0x[0-9a-f]*", 9)), hex(get("\"end\":\"0x[0-9a-f]*", 7)), get("\"nr_accesses\":[0-9]*,\"heat", 14) + 0, get("\"age\":[0-9]*", 6) }'; }
found=
for i in $(seq $((n > 8 ? n - 8 : 1)) "$(wc -l <out)"); do
	sed -n "${i}p" out | sed 's/.*"regions"://' | hex >snapshot
	cmp -s snapshot files && found=$i
done
head -n 3 files snapshot
check damon-same "none of $(wc -l <out) snapshots is equal to the $(wc -l <files) regions of the files" [ -n "$found" -a -s files ]
kill "$pid"
true
