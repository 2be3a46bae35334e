# SPDX-License-Identifier: GPL-2.0-or-later
# time: counted
# Harvests are as far apart as the aging interval says, within 10 %, and every snapshot has the attributes that were in force.
cat >/tmp/small.phases <<X
flush 50ms
map heap anon 32M
phase small 60s rate=100k
  access heap+8M:8M
X
play /tmp/small.phases

# spaced AGING_MS: the harvests of one aggregation of 4 s are as many as should be.
spaced() {
	damontop -b --json -s mglru --aging $1ms --aggr 4s -n 1 -p $P >$json
	checks=$(sed 's/.*"max_nr_accesses":\([0-9]*\).*/\1/' $json)
	us=$(sed 's/.*"aging_us":\([0-9]*\).*/\1/' $json)
	awk -v n="$checks" -v ms=$1 'BEGIN { want = 4000 / ms; exit !(n >= want * 0.9 && n <= want * 1.1) }'
}

json=/tmp/tuning.json
for aging in 100 500 2000; do
	check tuning-$aging-spacing "not within 10 % of every $aging ms" spaced $aging
	check tuning-$aging-attrs "aging_us $us" [ "$us" = ${aging}000 ]
	echo "$aging ms: $checks harvests in 4 s"
done
