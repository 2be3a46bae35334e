# kernels: 6.12 6.1
# SPDX-License-Identifier: GPL-2.0-or-later
# Memory bound to node 0 and to node 1, and to both by turns: page-exact.
play nodes
for s in mglru clear_refs; do
	line=$(harvest_judge -s $s -p $P -t $T -n 1 -i 300)
	judged nodes-$s "$line" 0.99
	check nodes-$s-exact "$line" [ "$(field "$line" node_wrong)" = 0 ]
	check nodes-$s-pages "$line" [ "$(field "$line" node0)/$(field "$line" node1)" = 8192/2048 ]
done
watched nodes mglru 2
to_judge nodes-json attrs nodes --tolerance 0.01
