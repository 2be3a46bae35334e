# kernels: 6.12 6.1
# SPDX-License-Identifier: GPL-2.0-or-later
# NUMA node and kind of pages, as an ordinary user: 64 MiB on node 0, 96 MiB on node 1, all of it anon.
cat >/tmp/phases <<'END'
map near anon 64M node=0
map far  anon 96M node=1
phase run 60s
  access near rate=20k
  access far  rate=20k
END
chmod 644 /tmp/phases
chmod 777 /tmp
su -s /bin/sh nobody -c 'workload -o /tmp/truth /tmp/phases >/tmp/ready' &
wait_for 20 grep -q '^ready' /tmp/ready
pid=$(sed -n '1s/^ready //p' /tmp/ready)
su -s /bin/sh nobody -c "damontop -s referenced -b --json --aggr 2s -n 2 -p $pid" >/tmp/json || not_ok page_attrs-program "exit status $?"
tail -n 1 /tmp/json | sed 's/.*"regions":\[//; s/{"start":"/\n/g' >/tmp/regions
head -c 3000 /tmp/regions
echo

# sum KEY: over all regions.
sum() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" /tmp/regions | awk '{ n += $1 } END { print n + 0 }'; }
near=$(sum 0) far=$(sum 1) anon=$(sum anon_bytes)
check page_attrs-near "want 16384 pages on node 0, got $near" [ $near -ge 15500 -a $near -le 18500 ]
check page_attrs-far "want 24576 pages on node 1, got $far" [ $far -ge 23500 -a $far -le 26500 ]
check page_attrs-anon "want 160 MiB anon, got $anon bytes" [ $anon -ge 164000000 -a $anon -le 176000000 ]
true
