# kernels: 6.12 6.1
# SPDX-License-Identifier: GPL-2.0-or-later
# A ring far too small: what is lost is counted, page by page and once, and with what arrived it makes the whole. Left to
# itself the ring grows until nothing is lost.
play harvest 300s
for s in mglru clear_refs; do
	line=$(harvest_judge -s $s -p $P -t $T -n 1 -i 1500 -r 4096 -f)
	echo "$line"
	lost=$(field "$line" lost)
	pages=$(field "$line" pages)
	check ring-loses-$s "$line" [ "$lost" -gt 0 ]
	# 16384 hot pages, and those of the process's own.
	check ring-counts-$s "$pages pages and $lost lost are not 16384 and a few" [ $((pages + lost)) -ge 16384 -a $((pages + lost)) -le 16484 ]
	line=$(harvest_judge -s $s -p $P -t $T -n 1 -i 1500 -r 4096)
	judged ring-grows-$s "$line" 0.99
	check ring-grown-$s "$line" [ "$(field "$line" lost)" = 0 ]
done
