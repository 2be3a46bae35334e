# kernels: 6.12 6.1
# SPDX-License-Identifier: GPL-2.0-or-later
# 16 MiB of 256 MiB, in huge pages.
play huge
for s in mglru clear_refs; do
	line=$(harvest_judge -s $s -p $P -t $T -n 1 -i 300)
	judged huge-$s "$line" 0.99
	check huge-$s-units "$line" [ "$(field "$line" huge)" = 4096 ] 
	check huge-$s-wrong "$line" [ "$(field "$line" huge_wrong)" = 0 ] 
done
