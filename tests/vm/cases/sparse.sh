# SPDX-License-Identifier: GPL-2.0-or-later
# 400 separate mappings of 64 KiB, 1 MiB apart, 40 of them hot, then another 40.
play sparse 4s
lines=$(harvest_judge -s mglru -p $P -t $T -n 6 -i 1000)
judged sparse-pages "$lines" 0.97
watched sparse mglru 8
to_judge sparse-json pages sparse --skip 1 --min-precision 0.97 --min-recall 0.97
