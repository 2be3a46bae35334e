#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The workload and the judges themselves: that the workload's counts are right, and that the judges can say no.
# timeout: 60
. "$(dirname "$0")/../lib/lib.sh"
need "$workload" python3

cat >"$tmp/plan" <<'END'
slice 200ms
pages yes
map heap anon 64M
map set anon 64K count=20 stride=256K
map file file 4M
phase one 1s rate=2m
  access heap+16M:16M weight=9
  access heap
phase two 1s rate=2m
  access heap+40M:16M weight=9
  access heap
phase three 600ms rate=1m
  access set part=2:5:4
END
"$workload" "$tmp/plan" >"$tmp/truth" || { not_ok workload "exit status $?"; exit 0; }

# Snapshots as a damontop would print them that knows the truth, its regions shifted by so many bytes: fake SHIFT
fake() {
	python3 - "$tmp/truth" "$1" <<'END'
import json, sys
shift = int(sys.argv[2])
for seq, s in enumerate(l for l in map(json.loads, open(sys.argv[1])) if l["type"] == "slice"):
    edges = sorted({int(r[k], 16) for r in s["ranges"] for k in ("start", "end")})
    regions = []
    for a, b in zip(edges, edges[1:]):
        heat = sum(r["accesses"] / (int(r["end"], 16) - int(r["start"], 16)) for r in s["ranges"]
                   if int(r["start"], 16) <= a and b <= int(r["end"], 16))
        if heat:
            regions.append({"start": hex(a + shift), "end": hex(b + shift), "heat": heat, "anon_bytes": b - a, "file_bytes": 0})
    print(json.dumps({"seq": seq, "time_ns": s["end_ns"], "duration_ns": s["end_ns"] - s["begin_ns"],
                      "stats": {"reports": 1}, "regions": regions}))
END
}

# judged NAME STATUS REGEX ARGUMENT...: the judge ends with STATUS and says REGEX.
judged() {
	local name=$1 status=$2 regex=$3 said rc
	shift 3
	said=$($judge "$@" 2>&1)
	rc=$?
	if [ $rc = "$status" ] && grep -qE -- "$regex" <<<"$said"; then ok "$name"; else not_ok "$name" "status $rc: $(tail -n 4 <<<"$said")"; fi
}

fake 0 >"$tmp/right"
fake $((4 << 20)) >"$tmp/shifted"
head -n 10 "$tmp/right" >"$tmp/right12"
head -n 10 "$tmp/shifted" >"$tmp/shifted12"
judged "overlap: the truth itself" 0 '^worst 1\.0000' overlap "$tmp/right12" "$tmp/truth" --hot 16M --min-median 0.99 --min-worst 0.99
judged "overlap: a quarter beside it" 1 '^median 0\.7[5-9].*BELOW' overlap "$tmp/shifted12" "$tmp/truth" --hot 16M --min-median 0.95
judged "pages: the truth itself" 0 '^worst recall 1\.0000' pages "$tmp/right" "$tmp/truth" --min-precision 1 --min-recall 1
judged "pages: shifted" 1 'BELOW' pages "$tmp/shifted" "$tmp/truth" --min-precision 0.99
# The last slice of phase one, as if it had reached 2 ms into phase two: little heat, but maybe all of its pages.
python3 -c 'import json, sys
snap = json.loads(sys.stdin.readlines()[4])
snap["time_ns"] += 2000000
print(json.dumps(snap))' <"$tmp/right" >"$tmp/border"
judged "overlap: a moment in the next phase is judged" 0 '^worst (1|0\.9)' overlap "$tmp/border" "$tmp/truth" --hot 16M --min-worst 0.9
judged "pages: a moment in the next phase is not" 1 'nothing to judge' pages "$tmp/border" "$tmp/truth"
tail -n 3 "$tmp/right" >"$tmp/right3"
tail -n 3 "$tmp/shifted" >"$tmp/shifted3"
judged "members: the truth itself" 0 '5 members hot, 5 of them' members "$tmp/right3" "$tmp/truth" --map set --min-precision 1
judged "members: shifted" 1 'BELOW' members "$tmp/shifted3" "$tmp/truth" --map set --min-precision 1
judged "attrs: what is missing is wrong" 1 'file file_bytes: 0 of 4194304 WRONG' attrs "$tmp/right" "$tmp/truth"
: >"$tmp/empty"
judged "nothing to judge is a failure" 1 'nothing to judge' overlap "$tmp/empty" "$tmp/truth" --hot 16M

# What the plan says and what was done.
python3 - "$tmp/truth" >"$tmp/said" <<'END'
import json, sys
lines = [json.loads(l) for l in open(sys.argv[1])]
slices = [l for l in lines if l["type"] == "slice"]
one = [s for s in slices if s["phase"] == "one"]
n = {r["start"] + r["end"]: 0 for s in one for r in s["ranges"]}
for s in one:
    for r in s["ranges"]:
        n[r["start"] + r["end"]] += r["accesses"]
total = sum(n.values())
print("ok workload: two ranges, 9 to 1" if len(n) == 2 and abs(max(n.values()) / total - 0.9) < 0.02 else f"not ok workload: two ranges, 9 to 1: {n}")
print("ok workload: slices follow each other" if all(a["end_ns"] == b["begin_ns"] for a, b in zip(one, one[1:])) and len(one) == 5 else "not ok workload: slices follow each other")
rate = total / (one[-1]["end_ns"] - one[0]["begin_ns"]) * 1e3
print("ok workload: not faster than its rate" if 0.2 < rate <= 2.1 else f"not ok workload: not faster than its rate: {rate} million a second")
pages = {r["pages"] for s in one for r in s["ranges"] if int(r["end"], 16) - int(r["start"], 16) == 16 << 20}
print("ok workload: every page of the hot range in every slice" if pages == {4096} else f"not ok workload: every page of the hot range: {pages}")
parts = {r["part"] for s in slices if s["phase"] == "three" for r in s["ranges"]}
print("ok workload: members" if parts == {2, 6, 10, 14, 18} else f"not ok workload: members: {parts}")
END
cat "$tmp/said"

printf 'map a anon 4M\nphase p 1s\n  access a+1M:4M\n' >"$tmp/bad"
"$workload" "$tmp/bad" >/dev/null 2>"$tmp/err"
check "workload: a wrong plan is refused with its line" "$(cat "$tmp/err")" grep -q 'bad:3: ' "$tmp/err"
