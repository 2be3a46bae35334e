# SPDX-License-Identifier: GPL-2.0-or-later
# A whole pass over 1 GiB, by clear_refs and by MGLRU's aging, and what a harvested page costs above the bare walk, ours
# against a hash map's update. The goal is a third.
bench_harvest 1024 9 | tee /out/harvest.bench
line=$(tail -n 1 /out/harvest.bench)
check bench-harvest "$line" at_most "$(field "$line" table)" 0.333
