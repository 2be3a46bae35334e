#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The clock source on real programs: every address that it would report is the one that real single steps access
# (clock_steps), and real samples nearly all get one (damontop). Prints "ok NAME", "not ok NAME: why", "skip NAME: why"
# and the figures.
#
#	clock_exact.sh [SAMPLES]	of each program, 500 without
#
# timeout: 300
set -u

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${BUILD:-$top/build}
samples=${1:-500}
dir=$(mktemp -d)
pids=()
total=0

cleanup() {
	[ ${#pids[@]} -gt 0 ] && kill "${pids[@]}" 2>/dev/null
	wait 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT

have() {
	command -v "$1" >/dev/null
}

# Debian's redis-tools brings the server's program as redis-check-rdb: called by its own name it is the server. So it
# can be had here without the package that starts a service.
if ! have redis-server && have redis-check-rdb; then
	ln -s "$(command -v redis-check-rdb)" "$dir/redis-server"
	PATH=$PATH:$dir
fi

# Each leaves the process to look at in $target; what it starts ends with this script.
start_redis() {
	local port=$((20000 + $$ % 20000))

	redis-server --port $port --bind 127.0.0.1 --save "" --appendonly no --dir "$dir" >/dev/null 2>&1 &
	target=$!
	pids+=("$target")
	for _ in $(seq 50); do
		redis-cli -p $port ping >/dev/null 2>&1 && break
		sleep 0.1
	done
	redis-benchmark -p $port -n 100000000 -r 100000 -t set,get -q >/dev/null 2>&1 &
	pids+=($!)
	sleep 1
}

start_sqlite3() {
	sqlite3 :memory: "
		create table t(a integer primary key, b text, c int);
		with recursive n(x) as (select 1 union all select x + 1 from n where x < 200000)
		insert into t select x, 'k' || (x * 7919 % 200000), x * 31 % 1000 from n;
		create index i on t(c);
		with recursive n(x) as (select 1 union all select x + 1 from n where x < 100000000)
		select sum((select count(b) from t where c = x % 1000)) from n;" >/dev/null &
	target=$!
	pids+=("$target")
	sleep 1
}

start_python3() {
	# The real program, not a wrapper that starts it.
	"$(python3 -c 'import sys; print(sys.executable)')" -c '
d, l, i = {}, list(range(10000)), 0
while True:
    i += 1
    d[i % 50000] = str(i)
    l[i % 10000] = d.get((i * 7) % 50000)
' &
	target=$!
	pids+=("$target")
	sleep 0.5
}

start_sort() {
	awk 'BEGIN { srand(3); for (i = 0; i < 4000000; i++) print int(rand() * 1e9) "abc" }' >"$dir/lines"
	LC_ALL=C sort --parallel=1 -S 512M -T "$dir" "$dir/lines" >/dev/null &
	target=$!
	pids+=("$target")
	sleep 1
}

# From the JSON of several snapshots: the share of samples that got an address.
yield_of() {
	"$build/damontop" -s clock -F 1000 -b --json -n 3 -p "$1" 2>"$dir/err" | python3 -c '
import json, sys
samples = unattributed = 0
for line in sys.stdin:
    stats = json.loads(line)["stats"]
    samples += stats["samples"]
    unattributed += stats["unattributed"]
print(samples, "%.4f" % (1 - unattributed / samples if samples else 0))'
}

check_yield() {
	local name=$1 nr share

	read -r nr share <<<"$(yield_of "$2")"
	echo "$name: $nr samples, $share of them with a data address"
	if [ "${nr:-0}" -lt 50 ]; then
		echo "skip yield_$name: only ${nr:-0} samples: $(head -1 "$dir/err")"
	elif awk "BEGIN { exit !($share >= 0.95) }"; then
		echo "ok yield_$name"
	else
		echo "not ok yield_$name: $share of the samples have a data address, not 0.95"
	fi
}

check_exact() {
	local name=$1 out nr

	out=$("$build/tests/live/clock_steps" "$2" "$3" 2>"$dir/steps")
	case $? in
	0) echo "ok exact_$name" ;;
	1) echo "not ok exact_$name: $(head -1 "$dir/steps")" ;;
	*) echo "skip exact_$name: $(head -1 "$dir/steps")" ;;
	esac
	echo "$out"
	nr=$(sed -n 's/.* samples \([0-9]*\) .*/\1/p' <<<"$out")
	total=$((total + ${nr:-0}))
}

if [ "$(uname -m)" != x86_64 ]; then
	echo "skip clock: the emulator is for x86-64"
	exit 0
fi
for name in redis:redis-server sqlite3:sqlite3 python3:python3 sort:sort; do
	program=${name#*:} name=${name%:*}
	if ! have "$program"; then
		echo "skip $name: $program is not installed"
		continue
	fi
	# Afresh for each: sort comes to an end.
	for check in check_yield check_exact; do
		"start_$name"
		$check "$name" "$target" "$samples"
		kill "${pids[@]}" 2>/dev/null
		wait 2>/dev/null
		pids=()
	done
done
echo "$total samples single-stepped"
