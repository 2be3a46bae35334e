# SPDX-License-Identifier: GPL-2.0-or-later
# The source damon finds the hot range, by the tracepoint and by tried_regions; what it hands over is what the kernel's
# files say; everything is as it was afterwards.
A=/sys/kernel/mm/damon/admin/kdamonds
tree() { find $A -type f | sort | while read -r f; do echo "$f $(cat "$f" 2>&1)"; done; }
no_kdamond() { ! ps -o comm | grep -q '^kdamond'; }

# 128 MiB of 512 MiB get 9 of 10 accesses; the flush makes accesses visible under TCG (see the workload's README).
cat >plan <<'PLAN'
flush 20ms
map heap anon 512M
phase first 300s
  access heap+64M:128M weight=9
  access heap weight=1
PLAN

# The part of the 128 MiB that are hottest, by heat, and not cold altogether, of snapshot line $1 that is truly hot; in percent.
overlap() {
	sed 's/},{/}\n{/g' "$1" | grep -v '"heat":0.0,' | awk -v base="$base" '
	function hex(s,   i, n) { n = 0; for (i = 3; i <= length(s); i++) n = n * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1; return n }
	{ if (match($0, /"start":"0x[0-9a-f]*"/)) { s = hex(substr($0, RSTART + 9, RLENGTH - 10))
	  match($0, /"end":"0x[0-9a-f]*"/); e = hex(substr($0, RSTART + 7, RLENGTH - 8))
	  match($0, /"heat":[0-9.e-]*/); h = substr($0, RSTART + 7, RLENGTH - 7) + 0
	  st[++n] = s; en[n] = e; he[n] = h } }
	END { b = hex(base); lo = b + 64 * 1048576; hi = lo + 128 * 1048576; want = 128 * 1048576; got = 0
	  while (want > 0) { m = 0; for (i = 1; i <= n; i++) if (!used[i] && (!m || he[i] > he[m])) m = i
	    if (!m) break
	    used[m] = 1; size = en[m] - st[m]; take = size < want ? size : want
	    c = (en[m] < hi ? en[m] : hi) - (st[m] > lo ? st[m] : lo); if (c < 0) c = 0
	    got += c * take / size; want -= take }
	  printf "%d\n", got * 100 / (128 * 1048576) }'
}

# Three of the newest snapshots, one after another as fast as they can be looked at, the first not before the 12th: each has
# 80 % of the hot range. DAMON's own convergence takes so long as it takes.
n=0 good=0
converged() {
	m=$(cat out 2>/dev/null | wc -l)
	[ "$m" -ge 12 ] && [ "$m" -gt "$n" ] || return
	n=$m
	sed -n "${n}p" out >line
	share=$(overlap line)
	echo "# snapshot $n: $share"
	good=$((good + 1))
	[ "$share" -ge 80 ] || good=0
	[ $good -ge 3 ]
}

for way in damon_aggregated tried_regions; do
	tree >before
	workload -o truth plan >ready 2>&1 &
	wait_for 30 grep -q ready ready
	pid=$(sed -n 's/^ready //p' ready)
	base=$(sed -n '1s/.*"name":"heap"[^}]*"start":"\(0x[0-9a-f]*\)".*/\1/p' truth)
	n=0 good=0 share=none
	rm -f out
	damontop -b --json -s damon -e $way -p "$pid" >out 2>err &
	top_pid=$!
	check damon-hot-$way "$(wc -l <out) snapshots, the last with $share % of the hot range; $(cat err)" wait_for 40 converged
	kill $top_pid
	wait $top_pid
	echo "# $way: rc $? snapshots $(wc -l <out) $(cat err)"
	cp out "/out/damon-$way.json"
	cp truth "/out/damon-$way.truth"
	tree >after
	check damon-restored-$way "$(diff before after | head -n 3)" cmp -s before after
	check damon-off-$way "a kdamond runs" wait_for 30 no_kdamond
	kill -9 "$pid" 2>/dev/null
done
true
