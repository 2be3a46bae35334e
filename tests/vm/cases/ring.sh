# SPDX-License-Identifier: GPL-2.0-or-later
# By clear_refs, which walks once a harvest: a second walk would find, and lose, pages again.
# A ring far too small: what is lost is counted, page by page, and with what arrived it makes the whole. Left to itself
# the ring grows until nothing is lost.
play harvest 300s
line=$(harvest_judge -s clear_refs -p $P -t $T -n 1 -i 1500 -r 4096 -f)
echo "$line"
lost=$(field "$line" lost)
pages=$(field "$line" pages)
check ring-loses "$line" [ "$lost" -gt 0 ]
# 16384 hot pages, and those of the process's own.
check ring-counts "$pages pages and $lost lost are not 16384 and a few" [ $((pages + lost)) -ge 16384 -a $((pages + lost)) -le 16484 ]
line=$(harvest_judge -s clear_refs -p $P -t $T -n 1 -i 1500 -r 4096)
judged ring-grows "$line" 0.99
check ring-grown "$line" [ "$(field "$line" lost)" = 0 ]
