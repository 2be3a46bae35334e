# kernels: 6.12 6.1
# SPDX-License-Identifier: GPL-2.0-or-later
# A ring far too small: what is lost is counted, page by page and once, and with what arrived it makes the whole. Left to
# itself the ring grows until nothing is lost.
# 1600 pages in 400 chunks of 2 MiB, on two nodes, those of the node that is aged first at the higher addresses.
cat >/tmp/ring.phases <<X
flush 20ms
slice 500ms
map near anon 16K count=100 stride=2M node=0
map far anon 16K count=300 stride=2M node=1
phase all 300s rate=400k
  access near pattern=sweep
  access far pattern=sweep
X
play /tmp/ring.phases 300s

# counted NAME LINES LEAST: in every harvest at least so many pages are found or lost, and no more than there are: those of
# the truth and the process's own, whose number the kernel says.
counted() {
	counted_most=$(awk '/^Rss:/ { print $2 / 4 }' /proc/$P/smaps_rollup)
	counted_bad=$(echo "$2" | awk -v least="$3" -v most="$counted_most" '
		{ for (i = 1; i <= NF; i++) { n = split($i, f, "="); if (n == 2) v[f[1]] = f[2] } }
		v["pages"] + v["lost"] < least || v["pages"] + v["lost"] > most { print v["pages"], "and", v["lost"], "lost;" }')
	check "$1" "$(echo "$counted_bad" | tr '\n' ' ') they should be $3 to $counted_most" [ -n "$2" -a -n "$counted_most" -a -z "$counted_bad" ]
}

# Without the access bits of page tables, by which kernels before 6.12 pass by what another node's aging has just been
# through, one walk of each node sees everything.
echo 3 >/sys/kernel/mm/lru_gen/enabled
for s in mglru clear_refs; do
	lines=$(harvest_judge -s $s -p $P -t $T -n 2 -i 300 -r 4096 -f)
	echo "$lines"
	check ring-loses-$s "$lines" [ "$(field "$(echo "$lines" | head -n 1)" lost)" -gt 0 ]
	counted ring-counts-$s "$lines" 1600
	line=$(harvest_judge -s $s -p $P -t $T -n 3 -i 300 -r 4096 | tail -n 1)
	judged ring-grows-$s "$line" 0.99
	check ring-grown-$s "$line" [ "$(field "$line" lost)" = 0 ]
done
echo 7 >/sys/kernel/mm/lru_gen/enabled
# Where they are passed by, a harvest is more than one walk, and a later one finds no room for pages that an earlier one has
# delivered: they are not lost. After a walk that has lost pages there is none: what it has passed by comes with the next
# harvest.
for r in 4096 16384; do
	lines=$(harvest_judge -s mglru -p $P -t $T -n 4 -i 300 -r $r -f)
	echo "$lines"
	counted ring-walks-$r "$lines" 1
done
