# SPDX-License-Identifier: GPL-2.0-or-later
# What is in swap: of memory that nobody uses the kernel writes a part to a disk, and as many bytes of it are told as smaps
# counts, in the JSON and in the inspector.
disk=/dev/nvme0n1
wait_for 10 test -b $disk
mkswap $disk >/dev/null && swapon $disk || not_ok swap-on "$(ls /dev | tr '\n' ' ')"
cat >/tmp/swap.phases <<'END'
flush 50ms
map idle anon 96M
map busy anon 16M
phase run 300s rate=100k
  access busy
END
mkdir /sys/fs/cgroup/swap
sh -c 'echo $$ >/sys/fs/cgroup/swap/cgroup.procs; exec workload -o /tmp/swap.truth /tmp/swap.phases' >/dev/null &
P=$!
wait_for 30 test -s /tmp/swap.truth || not_ok swap "workload has not begun"
echo 72M >/sys/fs/cgroup/swap/memory.reclaim 2>/dev/null # less than that may be found
# KiB of the process in swap, as the kernel counts them.
swap_kb() { awk '/^Swap:/ { n += $2 } END { print n + 0 }' /proc/$P/smaps; }
for s in mglru clock; do
	before=$(swap_kb)
	damontop -b --json -s $s --aggr 1s -n 3 -p "$P" >/tmp/swap.json 2>/tmp/swap.err || not_ok swap-$s "$(cat /tmp/swap.err)"
	after=$(swap_kb)
	told=$(tail -n 1 /tmp/swap.json | grep -o '"swapped_bytes":[0-9]*' | awk -F: '{ n += $2 } END { printf "%d", n / 1024 }')
	echo "# $s: $told KiB told, smaps: $before before, $after after"
	check swap-$s "$told KiB told, by smaps $before before and $after after" [ "$before" -gt 32768 -a $((told * 20)) -ge $((before * 19)) -a $((told * 20)) -le $((before * 21)) ]
done
# The cell under the cursor, in the inspector.
start=$(sed -n '1s/.*"name":"idle"[^}]*"start":"0x\([0-9a-f]*\)".*/\1/p' /tmp/swap.truth)
damontop -s clock --dump-frame 3 --size 150x45 --keys ":$start<enter>z" -p "$P" >/tmp/screen 2>/tmp/swap.err
grep -E 'swapped|range' /tmp/screen
check swap-inspector "$(grep swapped /tmp/screen) $(cat /tmp/swap.err)" grep -qE 'swapped +[0-9.]+[KM]' /tmp/screen
kill "$P"
wait "$P" 2>/dev/null
swapoff $disk
true
