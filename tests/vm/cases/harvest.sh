# kernels: 6.12 6.1
# SPDX-License-Identifier: GPL-2.0-or-later
# 512 MiB, 64 MiB of it hot: from the first harvest after the warm-up on, exactly the pages of the truth, and both
# agers agree. Memory of the process's own (stack, libraries) is in no map of the truth and is compared between the two.
play harvest 300s
for s in mglru clear_refs; do
	lines=$(harvest_judge -s $s -p $P -t $T -n 2 -i 300)
	judged harvest-$s "$lines" 0.99
	eval "pages_$s=$(field "$(echo "$lines" | head -n 1)" hit)"
done
check harvest-agree "mglru $pages_mglru pages, clear_refs $pages_clear_refs" \
	awk -v a="$pages_mglru" -v b="$pages_clear_refs" 'BEGIN { d = a - b; if (d < 0) d = -d; exit !(a > 0 && d <= a / 1000) }'
# clear_refs by its hook for whole page tables, and by those for each page, which it falls back to.
for k in table fentry; do
	lines=$(harvest_judge -s clear_refs -k $k -p $P -t $T -n 2 -i 300)
	judged harvest-clear_refs-$k "$lines" 0.99
	eval "pages_$k=$(field "$(echo "$lines" | head -n 1)" hit)"
done
check harvest-table-agrees "table $pages_table pages, fentry $pages_fentry" \
	awk -v a="$pages_table" -v b="$pages_fentry" 'BEGIN { d = a - b; if (d < 0) d = -d; exit !(a > 0 && d <= a / 1000) }'
lines=$(harvest_judge -s mglru -k kprobe -p $P -t $T -n 1 -i 300)
judged harvest-kprobe "$lines" 0.99
# arm64's hooks, which this kernel has too. As there, MGLRU must not go by the access bits of page tables: before 6.12 the aging
# of one node clears them and hides the pages of the next, which these hooks do not see.
echo 3 >/sys/kernel/mm/lru_gen/enabled
lines=$(harvest_judge -s mglru -k folio -p $P -t $T -n 1 -i 300)
echo 7 >/sys/kernel/mm/lru_gen/enabled
judged harvest-folio "$lines" 0.99
watched harvest mglru 4
to_judge harvest-json pages harvest --skip 1 --min-precision 0.99 --min-recall 0.99
