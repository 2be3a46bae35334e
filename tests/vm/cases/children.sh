# kernels: 6.12 6.1
# SPDX-License-Identifier: GPL-2.0-or-later
# A process with two children that use different parts of the same addresses: each source that reads access bits or marks of
# writes finds in each child's rows what that child uses, and not what its sibling does.
workload family 2 >/tmp/family.said &
P=$!
all_said() { [ "$(wc -l </tmp/family.said)" = 3 ]; }
wait_for 30 all_said || not_ok children "the workload has not begun"
for s in mglru clear_refs soft_dirty; do
	damontop -b --json --children -s $s -n 4 -p $P >/out/children-$s.json 2>/tmp/children.err
	check children-$s-runs "status $?: $(cat /tmp/children.err)" [ "$(wc -l </out/children-$s.json)" = 4 ]
	cp /tmp/family.said /out/children-$s.truth
	to_judge children-$s family children-$s
done
damontop -b --json --children -s damon -n 1 -p $P >/dev/null 2>/tmp/children.err
check children-damon-refuses "$(cat /tmp/children.err)" grep -q 'has one target' /tmp/children.err
kill $P
