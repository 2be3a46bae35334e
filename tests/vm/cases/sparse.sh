# SPDX-License-Identifier: GPL-2.0-or-later
# 400 separate mappings of 64 KiB, 1 MiB apart, 40 of them hot, then another 40.
play sparse 300s
harvest_judge -s mglru -p $P -t $T -n 2 -i 300 -u /tmp/other >/tmp/sparse &
j=$!
wait_for 20 test -e /tmp/sparse
harvest_again /tmp/sparse
next_phase
harvest_again /tmp/sparse
touch /tmp/other
wait $j
judged sparse-pages "$(cat /tmp/sparse)" 0.97
check sparse-phase "$(cat /tmp/sparse)" grep -q '^harvest=1 phase=second ' /tmp/sparse
# The other way round, as the program tells it: from one phase to the next.
watched sparse mglru 8 &
w=$!
lines() { [ "$(wc -l </out/sparse.json)" -ge "$1" ]; } 2>/dev/null
wait_for 120 lines 4
next_phase
wait $w
to_judge sparse-json pages sparse --skip 1 --min-precision 0.97 --min-recall 0.97 --min-judged 3
