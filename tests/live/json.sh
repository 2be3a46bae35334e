#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Batch and JSON of a real process and of the demo: the form that docs/json.md describes, the number of snapshots, the attributes.
# timeout: 120
# alone: aggregations have to be within 10 % of what was asked for, but for the time that damontop waits for a CPU
. "$(dirname "$0")/../lib/lib.sh"
need "$damontop" "$workload" python3
validate="python3 $top/tests/json/validate.py"

field() { python3 -c 'import json,sys; [print(eval(sys.argv[1], {"s": json.loads(l)})) for l in sys.stdin]' "$1"; }

# run NAME ARGUMENT...: into $tmp/out; fails the test where the exit status is not 0.
run() {
	local name=$1
	shift
	timeout 30 "$damontop" -b "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || { not_ok "$name" "exit status $?: $(cat "$tmp/err")"; return 1; }
}

valid() {
	if $validate "$tmp/out" >"$tmp/wrong"; then ok "$1 is valid"; else not_ok "$1 is valid" "$(head -n 3 "$tmp/wrong")"; fi
}

run demo --demo --json -n 5 --aggr 200ms && {
	valid demo
	check "demo: five snapshots" "$(wc -l <"$tmp/out")" test "$(wc -l <"$tmp/out")" = 5
}
start_workload load load || exit 0
timeout 60 python3 "$top/tests/lib/on_time.py" 500 10 "$tmp/out" \
	"$damontop" -b -p "$wl_pid" --json -n 4 --aggr 500ms --aging 100ms --update 2s --regions 20:200 >"$tmp/times" 2>"$tmp/err"
rc=$?
[ $rc = 0 ] || [ $rc = 99 ] || not_ok process "exit status $rc: $(cat "$tmp/err")"
check "each aggregation within 10 % of 500 ms" "$(cat "$tmp/times")" test $rc = 0
[ -s "$tmp/out" ] && {
	valid process
	check "process: four snapshots" "$(wc -l <"$tmp/out")" test "$(wc -l <"$tmp/out")" = 4
	check "attributes as asked for" "$(field 's["attrs"]' <"$tmp/out")" test \
		"$(field '[s["attrs"][k] for k in ("aging_us","aggregation_us","update_us","min_nr_regions","max_nr_regions")]' <"$tmp/out" | sort -u)" = \
		"[100000, 500000, 2000000, 20, 200]"
	check "pid and comm" "$(field 's["pid"],s["comm"]' <"$tmp/out")" test "$(field 's["pid"],s["comm"]' <"$tmp/out" | sort -u)" = "($wl_pid, 'workload')"
	check "numbers of regions within limits" "$(field 'len(s["regions"])' <"$tmp/out")" test \
		"$(field '20 <= len(s["regions"]) <= 200' <"$tmp/out" | sort -u)" = True
	check "resident memory within 1 MiB" "$(field 's["rss_bytes"]' <"$tmp/out")" \
		test "$(field "abs(s['rss_bytes'] - $(awk '/^VmRSS/ { print $2 }' "/proc/$wl_pid/status") * 1024) <= 1 << 20" <"$tmp/out" | tail -n 1)" = True
}
run duration -p "$wl_pid" --json -d 2s --aggr 500ms && {
	nr=$(wc -l <"$tmp/out")
	check "2 s make 3 or 4 aggregations of 500 ms" "$nr" test "$nr" -ge 3 -a "$nr" -le 4
}
usable() { "$damontop" --sources | grep -q "^$1 *yes "; }
if ! usable clock || ! usable referenced; then skip "two sources" "$("$damontop" --sources | grep -A 1 -E '^(clock|referenced) ' | tr '\n' ' ')"
else run "two sources" -p "$wl_pid" --json -n 3 --aggr 400ms -s clock,referenced && {
	valid "two sources"
	check "of three aggregations, a snapshot of each source" "$(field 's["source"],s["source_index"]' <"$tmp/out")" test \
		"$(field 's["source"],s["source_index"]' <"$tmp/out" | tr -d '\n')" = \
		"$(printf "('clock', 0)('referenced', 1)%.0s" 1 2 3)"
	check "the two have one number and one time" "$(field 's["seq"],s["time_ns"]' <"$tmp/out")" test \
		"$(field '[s[k] for k in ("seq","time_ns","wall_ns")]' <"$tmp/out" | sort -u | wc -l)" = 3
	check "each in its own unit" "$(field 's["source"],s["heat_unit"]' <"$tmp/out")" test \
		"$(field 's["source"],s["heat_unit"],"mappings" in s' <"$tmp/out" | sort -u | tr -d '\n')" = \
		"('clock', 'time', False)('referenced', 'fraction', True)"
	check "the bytes in use are not the clock's: at most what is resident" "$(field 's["source"],s["wss_bytes"],s["rss_bytes"]' <"$tmp/out")" \
		test "$(field 's["source"] == "clock" or (12 << 20) < s["wss_bytes"] <= s["rss_bytes"]' <"$tmp/out" | sort -u)" = True
}
fi
"$damontop" -b -n 1 -p "$wl_pid" -s referenced,clear_refs >"$tmp/out" 2>&1
check "two that clear the same bits are refused: exit status $?" "$(cat "$tmp/out")" grep -q 'both clear the access bits' "$tmp/out"
run text -p "$wl_pid" -n 2 --aggr 300ms && {
	check "text names the process" "$(head -n 1 "$tmp/out")" grep -q "pid $wl_pid workload" "$tmp/out"
	check "text is printable" "$(python3 "$top/tests/lib/printable.py" "$tmp/out")" python3 "$top/tests/lib/printable.py" "$tmp/out"
}
stop_workload "$wl_pid"

run command --json -n 2 --aggr 300ms -- "$workload" load && {
	grep '^{' "$tmp/out" >"$tmp/out.json"
	mv "$tmp/out.json" "$tmp/out"
	valid "a command"
	check "a command is watched from its start" "$(field 's["comm"]' <"$tmp/out")" test "$(field 's["comm"]' <"$tmp/out" | sort -u)" = workload
}

"$damontop" --sources >"$tmp/out" 2>&1
for source in perf mglru clear_refs damon clock clock+referenced referenced soft_dirty demo; do
	line=$(grep -A 1 "^$source " "$tmp/out")
	check "--sources: $source" "$line" grep -qE "^${source/+/\\+} +(yes|no) " <<<"$line"
done
check "--sources: nothing that -s does not take" "$(cat "$tmp/out")" test "$(grep -c '^replay' "$tmp/out")" = 0
check "--sources says why not" "$(cat "$tmp/out")" test "$(grep -cE '^[a-z_+]+ +no ' "$tmp/out")" = "$(grep -c 'why not: .' "$tmp/out")"
