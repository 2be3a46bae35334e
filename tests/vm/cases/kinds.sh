# kernels: 6.12 6.1
# SPDX-License-Identifier: GPL-2.0-or-later
# A file mapping, shared memory, a memfd and anonymous memory in one process.
play kinds
for s in mglru clear_refs; do
	line=$(harvest_judge -s $s -p $P -t $T -n 1 -i 300)
	judged kinds-$s "$line" 0.99
	check kinds-$s-exact "$line" [ "$(field "$line" kind_wrong)" = 0 ]
	check kinds-$s-bytes "$line" [ "$(field "$line" anon)/$(field "$line" file)" = 6144/10240 ]
done
watched kinds mglru 2
to_judge kinds-json attrs kinds --tolerance 0.01
