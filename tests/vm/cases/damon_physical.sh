# SPDX-License-Identifier: GPL-2.0-or-later
# --physical: both nodes are there, and a workload's memory is hot on the node that it is bound to.
A=/sys/kernel/mm/damon/admin/kdamonds
# Bytes times heat on each node, of the last 10 snapshots, in MiB: "node0 node1".
hot() {
	tail -n 10 out | sed 's/},{/}\n{/g' | awk '
	function hex(s,   i, n) { n = 0; for (i = 3; i <= length(s); i++) n = n * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1; return n }
	match($0, /"start":"0x[0-9a-f]*/) { s = hex(substr($0, RSTART + 9, RLENGTH - 9))
	  match($0, /"end":"0x[0-9a-f]*/); e = hex(substr($0, RSTART + 7, RLENGTH - 7))
	  match($0, /"heat":[0-9.e-]*/); h = substr($0, RSTART + 7, RLENGTH - 7)
	  if (match($0, /\[node [01]/)) heat[substr($0, RSTART + 6, 1)] += (e - s) * h }
	END { printf "%d %d\n", heat[0] / 10485760, heat[1] / 10485760 }'
}
# DAMON takes the time that it takes to find it.
settled() {
	[ "$(wc -l <out)" -ge 12 ] || return
	set -- $(hot)
	[ $node = 1 ] && { hot=$2 cold=$1; } || { hot=$1 cold=$2; }
	[ "$hot" -gt $((3 * cold)) ] && [ "$hot" -gt 10 ]
}
for node in 1 0; do
	printf 'flush 10ms\nmap heap anon 96M node=%s\nphase first 300s\n access heap\n' $node >plan
	workload -o truth plan >ready 2>&1 &
	wait_for 30 grep -q ready ready
	pid=$(sed -n 's/^ready //p' ready)
	rm -f out
	damontop -b --json --physical --aging 20ms --aggr 400ms -d 30s >out 2>err &
	top_pid=$!
	check damon-physical-$node "not hotter by far on its own node: the line below; $(cat err)" wait_for 24 settled
	kill $top_pid
	wait $top_pid
	echo "# bound to $node: exit status $?, on its node $hot MiB are hot, on the other $cold; $(wc -l <out) snapshots"
	check damon-physical-$node-nodes "$(tail -n 1 out | head -c 300)" grep -q 'node 0.*node 1' out
	check damon-physical-$node-off "$(cat $A/nr_kdamonds)" [ "$(cat $A/nr_kdamonds)" = 0 ]
	kill "$pid"
	wait "$pid" 2>/dev/null
done
true
