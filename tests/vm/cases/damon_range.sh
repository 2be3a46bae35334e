# SPDX-License-Identifier: GPL-2.0-or-later
# --range: nothing outside of it is watched, and that stays so when mappings are read again.
printf 'flush 20ms\nmap heap anon 256M\nphase first 300s rate=500k\n access heap+32M:32M\n' >plan
workload -o truth plan >ready 2>&1 &
wait_for 20 grep -q ready ready
pid=$(sed -n 's/^ready //p' ready)
base=$(sed -n '1s/.*"name":"heap"[^}]*"start":"0x\([0-9a-f]*\)".*/\1/p' truth)
start=$(printf %x $((0x$base + 16 * 1048576)))
end=$(printf %x $((0x$base + 80 * 1048576)))
damontop -b --json -s damon --range "$start-$end" -d 4s -p "$pid" >out 2>err
rc=$?
sed -n '$p' out | sed 's/},{/}\n{/g' | grep -o '"start":"[^"]*","end":"[^"]*"' >regions
check damon-range "exit status $rc: $(cat err)" [ "$(wc -l <out)" -gt 5 ]
check damon-range-start "$(head -n 1 regions)" grep -q "\"start\":\"0x$start\"" regions
check damon-range-end "$(tail -n 1 regions)" [ "$(sed -n '$s/.*"end":"0x\(.*\)"/\1/p' regions)" = "$end" ]
check damon-range-off "$(cat /sys/kernel/mm/damon/admin/kdamonds/nr_kdamonds)" [ "$(cat /sys/kernel/mm/damon/admin/kdamonds/nr_kdamonds)" = 0 ]
kill "$pid"
true
