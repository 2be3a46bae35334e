# SPDX-License-Identifier: GPL-2.0-or-later
# A whole pass over 1 GiB, and what a harvested page costs above the bare walk, ours against a hash map's update. The goal
# is a third; under emulation, where entering any program at all is most of it, what holds is this.
bench_harvest 1024 7 | tee /out/harvest.bench
line=$(tail -n 1 /out/harvest.bench)
check bench-harvest "$line" at_most "$(field "$line" ratio)" 0.6
