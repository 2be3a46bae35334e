#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The source referenced as an ordinary user on a process of one's own: 400 mappings of 64 KiB, 40 of them hot, must be told
# apart by access rate; the bytes in use of three larger ones must be exact. The same beside the source clock.
# timeout: 150
# alone: who looks rarely tells rates apart less well
. "$(dirname "$0")/../lib/lib.sh"
need "$workload" "$damontop" python3

cat >"$tmp/phases" <<'END'
map sparse anon 64K count=400 stride=128K
map full anon 16M
map part anon 16M
map none anon 16M
phase run 60s threads=2
access sparse part=0:40:10 rate=18000
access sparse rate=2000
access full pattern=sequential rate=2m thread=1
access part+0:4M pattern=sequential rate=1m thread=1
END

cat >"$tmp/judge.py" <<'END'
import json, sys

truth = [json.loads(line) for line in open(sys.argv[1])]
maps = {m["name"]: m for m in truth[0]["maps"]}
base, stride = int(maps["sparse"]["start"], 16), maps["sparse"]["stride"]
want = {"full": 16 << 20, "part": 4 << 20, "none": 0}
seen, right, wrong = {name: [] for name in want}, [], []
for line in open(sys.argv[2]):
    d = json.loads(line)
    if "mappings" not in d:  # a look that was put off: the working set is the last one's
        if not d["wss_exact"] or d["wss_bytes"] != used or not d["wss_age_ns"]:
            wrong.append("without a look: working set %d (exact: %s), %d before" % (d["wss_bytes"], d["wss_exact"], used))
        continue
    rates, known = {}, 0
    for m in d["mappings"]:
        at = int(m["start"], 16)
        for name in want:
            if at == int(maps[name]["start"], 16):
                seen[name].append(m["referenced_bytes"])
        i, rest = divmod(at - base, stride)
        if 0 <= i < 400 and rest == 0:
            rates[i] = m.get("accesses_per_sec", 0)
            known += "accesses_per_sec" in m
    top = set(sorted(rates, key=lambda i: -rates[i])[:40])
    if known == 400:  # a few windows are no rate, and do not pass for one
        right.append(len(top & set(range(0, 400, 10))))
    used = sum(m["referenced_bytes"] for m in d["mappings"])
    heat = used if "regions_from" in d else sum(r["heat"] * (int(r["end"], 16) - int(r["start"], 16)) for r in d["regions"])
    if not d["wss_exact"] or d["wss_bytes"] != used:
        wrong.append("working set %d (exact: %s), mappings %d" % (d["wss_bytes"], d["wss_exact"], used))
    if abs(heat - used) > 4096:
        wrong.append("heat x bytes over the regions is %d, bytes in use %d" % (heat, used))
# A machine that is busy with other things gives the source few readings: most snapshots have to be right, not each.
print("of the 40 hottest by rate, the true ones in each snapshot with rates:", right)
good = len(right) > 2 and sorted(right[1:])[len(right[1:]) // 2] == 40 and min(right) >= 24
print("ok rates" if good else "not ok rates: the true ones of the 40 hottest: %s" % right)
for name, bytes in want.items():
    # Never more; a page may be used through a translation cached since before the clear, and then is not marked.
    bad = [b for b in seen[name] if not bytes * 0.99 <= b <= bytes]
    print("not ok bytes-%s: want %d in each check, got %s" % (name, bytes, bad) if bad or not seen[name]
          else "ok bytes-%s" % name)
print("not ok sums: " + wrong[0] if wrong else "ok sums")
END

# As nobody, where we are root: programs and files have to be within its reach.
as_user=()
if [ "$(id -u)" = 0 ]; then
	need setpriv
	as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	chmod 777 "$tmp"
fi
cp "$workload" "$damontop" "$tmp/" && chmod 755 "$tmp"/workload "$tmp"/damontop && chmod 644 "$tmp/phases"
"${as_user[@]}" "$tmp/workload" -o "$tmp/truth" "$tmp/phases" >"$tmp/ready" &
started+=($!)
poll 20 grep -qs '^ready' "$tmp/ready" || { not_ok workload "does not start"; exit 1; }
pid=$(sed -n '1s/^ready //p' "$tmp/ready")
"${as_user[@]}" "$tmp/damontop" -b --json -n 10 -s referenced -p "$pid" >"$tmp/out" 2>"$tmp/err" || not_ok run "$(cat "$tmp/err")"
check "the form that docs/json.md describes" "see above" python3 "$top/tests/json/validate.py" "$tmp/out"
python3 "$tmp/judge.py" "$tmp/truth" "$tmp/out"
note() { sed -n 's/.*"note":"\([^"]*\)".*/\1/p' "$tmp/out"; }
note
# The same with clock for what is inside the mappings.
if ! "${as_user[@]}" "$tmp/damontop" --sources | grep -q '^clock+referenced *yes'; then
	skip combined "$("$tmp/damontop" --sources | grep -A 1 '^clock+referenced')"
	exit 0
fi
"${as_user[@]}" "$tmp/damontop" -b --json -n 10 -s clock+referenced -p "$pid" >"$tmp/out" 2>"$tmp/err" || not_ok run "$(cat "$tmp/err")"
python3 "$top/tests/json/validate.py" "$tmp/out"
python3 "$tmp/judge.py" "$tmp/truth" "$tmp/out" | sed 's/^\(ok\|not ok\) /&combined-/'
check "combined: says which part is whose" "$(head -c 400 "$tmp/out")" grep -q '"regions_from":"clock","mappings_from":"referenced"' "$tmp/out"
check "combined: regions are clock's" "no report at all" grep -q '"reports":[1-9]' "$tmp/out"
check "combined: the working set without ~" "see above" grep -qE 'wss [0-9]' <("${as_user[@]}" "$tmp/damontop" -b -n 1 -s clock+referenced -p "$pid")
note

# A filter that refuses the write where the file could be opened: who asks for it is told why; by itself clock goes on alone.
cat >"$tmp/filter.py" <<'END'
import ctypes, errno, os, platform, struct, sys

NR_PWRITE64 = 18  # x86-64
code = b"".join(struct.pack("HBBI", *i) for i in (
    (0x20, 0, 0, 0), (0x15, 0, 1, NR_PWRITE64), (0x06, 0, 0, 0x00050000 | errno.EPERM), (0x06, 0, 0, 0x7fff0000)))
text = ctypes.create_string_buffer(code)
program = struct.pack("HxxxxxxP", 4, ctypes.addressof(text))
libc = ctypes.CDLL(None, use_errno=True)
if platform.machine() != "x86_64" or libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program):
    sys.exit(77)
os.execvp(sys.argv[1], sys.argv[1:])
END
filtered() { python3 "$tmp/filter.py" "${as_user[@]}" "$tmp/damontop" -b -n 2 -p "$pid" "$@"; }
filtered -s referenced >"$tmp/out" 2>"$tmp/err"
if [ $? = 77 ]; then
	skip "refused by a filter" "no seccomp here"
else
	check "refused by a filter: said, and what goes without" "$(cat "$tmp/err")" grep -q 'writing clear_refs .*-s clock' "$tmp/err"
	check "refused by a filter: nothing is said of what was not seen" "$(cat "$tmp/out")" [ ! -s "$tmp/out" ]
	filtered >"$tmp/out" 2>"$tmp/err"
	check "refused by a filter: auto goes on with clock" "$(cat "$tmp/out" "$tmp/err")" grep -q 'wss ~.*referenced rests: writing clear_refs' "$tmp/out"
fi
