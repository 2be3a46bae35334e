#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Reports of a recording and live: every kind in every format; working set percentiles as damo's rules give them; metrics.
# timeout: 120
. "$(dirname "$0")/../lib/lib.sh"
need "$damontop" python3

"$damontop" -b --demo -n 45 --aggr 30ms --aging 10ms -o "$tmp/rec" >/dev/null 2>&1 </dev/null
for kind in heatmap wss regions hot mappings ages; do
	for format in text json csv; do
		"$damontop" -r "$tmp/rec" --report $kind --format $format >"$tmp/$kind.$format" 2>"$tmp/err" </dev/null ||
			not_ok "$kind $format" "$(cat "$tmp/err")"
	done
	check "$kind: JSON is one object" "$(head -c 200 "$tmp/$kind.json")" \
		python3 -c 'import json,sys; r = json.load(open(sys.argv[1])); assert r["report"] == sys.argv[2] and r["rows"] and r["source"] == "demo"' "$tmp/$kind.json" $kind
	check "$kind: CSV has a heading and as many fields in each row" "$(head -n 3 "$tmp/$kind.csv")" python3 -c '
import csv,sys
rows = list(csv.reader(open(sys.argv[1])))
assert len(rows) > 3 and len(set(map(len, rows))) == 1' "$tmp/$kind.csv"
done
check "the heatmap names mappings" "$(head -n 5 "$tmp/heatmap.text")" grep -q '^\[heap\]  *55d0c4e21000' "$tmp/heatmap.text"
check "mappings: the arena takes most" "$(sed -n 3p "$tmp/mappings.text")" grep -q ' anon$' <(sed -n 3p "$tmp/mappings.text")
check "hot: the rows of the regions with heat, node and all, by falling heat" "$(head -n 3 "$tmp/hot.csv")" cmp -s \
	<(tail -n +2 "$tmp/regions.csv" | awk -F, '$4 > 0' | sort -t, -k4,4gr -k1,1) <(tail -n +2 "$tmp/hot.csv")

"$damontop" -r "$tmp/rec" --report wss --format json | python3 -c '
import json,sys
for p, size in json.load(sys.stdin)["percentiles"].items(): print(p, size)' >"$tmp/ours"
python3 "$top/tests/lib/damo_reader.py" --wss "$tmp/rec" >"$tmp/damos" 2>&1
check "working set percentiles are those of damo's rules" "$(diff "$tmp/ours" "$tmp/damos")" cmp -s "$tmp/ours" "$tmp/damos"

# the same data as damo writes it: commas, units, text, and nothing of ours
for mode in "" --json; do
	python3 "$top/tests/lib/damo_writer.py" $mode "$tmp/rec" "$tmp/rec.damo" 2>"$tmp/err"
	"$damontop" -r "$tmp/rec.damo" --report wss --format json 2>"$tmp/err" | python3 -c '
import json,sys
for p, size in json.load(sys.stdin)["percentiles"].items(): print(p, size)' >"$tmp/of_damos"
	check "as damo writes it${mode:+, not compressed}: the same percentiles" "$(cat "$tmp/err"; diff "$tmp/of_damos" "$tmp/damos")" cmp -s "$tmp/of_damos" "$tmp/damos"
done
python3 "$top/tests/lib/damo_writer.py" "$tmp/rec" "$tmp/rec.damo"
python3 "$top/tests/lib/damo_reader.py" --wss "$tmp/rec.damo" >"$tmp/reread" 2>&1
check "what is written that way is damo's by its own rules" "$(diff "$tmp/reread" "$tmp/damos")" cmp -s "$tmp/reread" "$tmp/damos"
for report in regions hot ages; do
	"$damontop" -r "$tmp/rec.damo" --report $report --format csv >"$tmp/of_damos" 2>"$tmp/err" || not_ok "$report of damo's file" "$(cat "$tmp/err")"
done
check "ranges and counts of damo's file are those of ours" "$(head -n 2 "$tmp/of_damos")" cmp -s \
	<("$damontop" -b --json -r "$tmp/rec" | python3 -c '
import json,sys
for l in sys.stdin: print([(r["start"], r["end"], r["nr_accesses"], r["age"]) for r in json.loads(l)["regions"]])') \
	<("$damontop" -b --json -r "$tmp/rec.damo" | python3 -c '
import json,sys
for l in sys.stdin: print([(r["start"], r["end"], r["nr_accesses"], r["age"]) for r in json.loads(l)["regions"]])')

for kind in heatmap wss regions hot mappings ages; do
	"$damontop" -r "$tmp/rec" --report $kind --format svg --output "$tmp/$kind.svg" 2>"$tmp/err" </dev/null
	check "$kind: a picture that is XML, whose it is and in which unit" "$(cat "$tmp/err")" python3 -c '
import sys, xml.dom.minidom as m
svg = m.parse(sys.argv[1]).documentElement
text = "\n".join(t.firstChild.data for t in svg.getElementsByTagName("text") if t.firstChild)
unit = {"wss": "bytes", "ages": "bytes", "mappings": "share of the heat"}.get(sys.argv[2], "accesses a second per MiB")
assert svg.tagName == "svg" and svg.getAttribute("viewBox") and unit in text and "source demo" in text.replace("\n", " "), text
inside = [float(t.getAttribute("x") or 0) < float(svg.getAttribute("width")) for t in svg.getElementsByTagName("text")]
assert all(inside)' "$tmp/$kind.svg" $kind
done
check "the picture has axis labels, legend and names" "$(head -c 300 "$tmp/heatmap.svg")" \
	python3 -c 'import sys; t = open(sys.argv[1]).read(); assert all(w in t for w in ("[heap]", "55d0c4e21000", "acc", "stack"))' "$tmp/heatmap.svg"

"$damontop" --demo --report hot -n 2 --aggr 200ms >"$tmp/out" 2>"$tmp/err" </dev/null
check "a live report" "$(cat "$tmp/err")" grep -q '\[stack\]' "$tmp/out"
"$damontop" -r "$tmp/rec" --report cold >/dev/null 2>"$tmp/err" </dev/null
status=$?
check "a report that there is not: status 2, and which there are" "$status $(cat "$tmp/err")" \
	test $status = 2 -a "$(grep -c 'heatmap, wss' "$tmp/err")" = 1

# metrics: the file is whole at any moment
"$damontop" --demo --format openmetrics -n 60 --aggr 10ms --aging 5ms --output "$tmp/d.prom" 2>"$tmp/err" </dev/null &
pid=$!
started+=($pid)
poll 10 test -s "$tmp/d.prom"
torn=0 reads=0
while kill -0 $pid 2>/dev/null; do
	[ "$(tail -n 1 "$tmp/d.prom")" = "# EOF" ] || torn=$((torn + 1))
	reads=$((reads + 1))
done
check "metrics are never torn" "$torn of $reads" test $torn = 0 -a $reads -gt 3
check "metrics by name" "$(head -n 8 "$tmp/d.prom")" python3 -c '
import re,sys
lines = open(sys.argv[1]).read().splitlines()
samples = [l for l in lines if not l.startswith("#")]
assert lines[-1] == "# EOF" and len(samples) == len({l.rsplit(" ", 1)[0] for l in samples})
assert all(re.fullmatch(r"damontop_[a-z_]+\{[a-z_]+=\"[^\"]*\"(,[a-z_]+=\"[^\"]*\")*\} [0-9.]+", l) for l in samples), samples
names = {l.split("{")[0] for l in samples}
assert {"damontop_wss_bytes", "damontop_heat_bytes", "damontop_idle_bytes", "damontop_node_bytes", "damontop_lost_records_total"} <= names' "$tmp/d.prom"

# the format's rules, with a name that has to be escaped
cat >"$tmp/named.py" <<'PYTHON'
import ctypes, time
ctypes.CDLL(None).prctl(15, b'a"b\\c\x1b{}', 0, 0, 0)
print("ready", flush=True)
time.sleep(60)
PYTHON
python3 "$tmp/named.py" >"$tmp/named" &
pid=$!
started+=($pid)
poll 10 test -s "$tmp/named"
"$damontop" -p $pid --format openmetrics -n 1 --aggr 50ms --output "$tmp/named.prom" 2>"$tmp/err" </dev/null
check "metrics keep the format's rules: a live target" "$(python3 "$top/tests/lib/openmetrics_check.py" "$tmp/named.prom" 2>&1) $(cat "$tmp/err")" \
	python3 "$top/tests/lib/openmetrics_check.py" "$tmp/named.prom"
check "... and its name is escaped" "$(grep -m 1 '^damontop' "$tmp/named.prom")" grep -qF 'comm="a\"b\\c\\x1b{}"' "$tmp/named.prom"
check "... the demo" "$(python3 "$top/tests/lib/openmetrics_check.py" "$tmp/d.prom" 2>&1)" python3 "$top/tests/lib/openmetrics_check.py" "$tmp/d.prom"
