# SPDX-License-Identifier: GPL-2.0-or-later
# Pages of hugetlbfs: whoever tests access bits or soft-dirty marks passes them by, so that nothing is known of their use.
# They are in no region, the note says how much it is; clock, which does see them, has regions there.
echo 8 >/proc/sys/vm/nr_hugepages
cat >/tmp/phases <<'END'
flush 20ms
map heap anon 8M
map pool hugetlb 8M
phase run 120s rate=200k
  access heap
  access pool
END
play /tmp/phases 120s
pool=$(head -n 1 $T | sed -n 's/.*"name":"pool","kind":"hugetlb","start":"0x\([0-9a-f]*\)".*/\1/p')
pool=$((0x$pool))
# Bytes of the pool that regions cover.
covered() {
	sed 's/.*"regions":\[//; s/{"start":"/\n/g' "$1" | sed -n 's/^0x\([0-9a-f]*\)","end":"0x\([0-9a-f]*\)".*/\1 \2/p' |
		while read -r start end; do
			start=$((0x$start)) end=$((0x$end))
			[ $start -ge $pool ] || start=$pool
			[ $end -le $((pool + 8388608)) ] || end=$((pool + 8388608))
			[ $start -ge $end ] || echo $((end - start))
		done | awk '{ n += $1 } END { print n + 0 }'
}
for s in mglru soft_dirty referenced clock; do
	damontop -b --json -s $s -n 1 -p $P >/tmp/json 2>/tmp/err || not_ok hugetlb-$s "$(cat /tmp/err)"
	note=$(sed -n 's/.*"note":"\([^"]*\)".*/\1/p' /tmp/json)
	case $s in clock) want=8388608 ;; *) want=0 ;; esac
	check hugetlb-$s "$(covered /tmp/json) bytes of the pool in regions, not $want" [ "$(covered /tmp/json)" = $want ]
	[ $s = clock ] || check hugetlb-$s-note "note: $note" eval 'echo "$note" | grep -q "8.0M of hugetlb pages: their use is unknown"'
done
stop
echo 0 >/proc/sys/vm/nr_hugepages
