#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What perf record writes, against what the workload really did: each page that was touched, and no other; of several
# processes the one that -p names.
# timeout: 90
. "$(dirname "$0")/../lib/lib.sh"
need "$damontop" "$workload" python3 perf

perf record -q -e page-faults -c 1 -d -o "$tmp/try" true >/dev/null 2>"$tmp/err" ||
	{ skip perf_data "perf record is not permitted: $(head -n 1 "$tmp/err")"; exit 0; }

plan() {
	printf '%s\n' 'pages yes' 'map heap anon 64M populate=no' 'map file file 8M populate=no' \
		'map small anon 16K populate=no count=30 stride=1M' 'phase touch 400ms' "$@" >"$tmp/$name.phases"
}

# judged WHAT FILE NAME ARGUMENTS...: read with these arguments, the pages are those of NAME's truth.
judged() {
	local what=$1 file=$2 name=$3
	shift 3
	"$damontop" -b --json -r "$file" "$@" >"$tmp/out" 2>"$tmp/err" || not_ok "$what" "$(cat "$tmp/err")"
	if $judge touched "$tmp/out" "$tmp/$name.truth" >"$tmp/verdict"; then
		ok "$what ($(head -n 1 "$tmp/verdict"))"
	else
		not_ok "$what" "$(cat "$tmp/verdict" "$tmp/err")"
	fi
}

name=one
plan '  access heap+8M:20M op=write pattern=touch' '  access heap+40M:4K op=write pattern=touch' \
	'  access file+1M:2M op=write pattern=touch' '  access small op=write pattern=touch part=0:10:3'
perf record -q -e page-faults -c 1 -d -o "$tmp/one.data" "$workload" -o "$tmp/one.truth" "$tmp/one.phases" >/dev/null 2>"$tmp/err" ||
	not_ok "perf record" "$(cat "$tmp/err")"
judged "a file: the pages are those that were touched" "$tmp/one.data" one
judged "... in aggregations of 20 ms" "$tmp/one.data" one --aggr 20ms
check "one process: nothing to choose" "$(cat "$tmp/err")" test ! -s "$tmp/err"
check "the working set is exact, and the sum of it the faults' pages" "$(head -c 300 "$tmp/out")" python3 -c '
import json, sys
snaps = [json.loads(l) for l in open(sys.argv[1])]
assert all(s["wss_exact"] for s in snaps) and 0 < sum(s["wss_bytes"] for s in snaps) // 4096 <= sum(s["stats"]["reports"] for s in snaps)' "$tmp/out"
check "its JSON is as documented, and what perf does not tell is absent" "$(python3 "$top/tests/json/validate.py" "$tmp/out" 2>&1 | head -n 3)" \
	test "$(python3 "$top/tests/json/validate.py" "$tmp/out" >/dev/null 2>&1; echo $?) $(grep -cE '"(wall_ns|nr_threads|state)"' "$tmp/out")" = "0 0"

"$damontop" -r "$tmp/one.data" --aggr 20ms --dump-frame 5 --size 120x30 >"$tmp/screen" 2>"$tmp/err"
check "the screen's time is that since its begin: it has no time of day" "$(cat "$tmp/err") $(head -n 1 "$tmp/screen")" \
	grep -qE ' \+0\.(0[89]|1[0-2])s *$' <(head -n 1 "$tmp/screen")

check "... in batch form too" "$("$damontop" -b -r "$tmp/one.data" --aggr 20ms | cut -c1-20 | grep '^+')" \
	grep -qE '^\+0\.02s  pid' <("$damontop" -b -r "$tmp/one.data" --aggr 20ms)

# the same through a pipe: played as it comes
perf record -q -e page-faults -c 1 -d -o - sh -c '"$0" -o "$1" "$2" >/dev/null' "$workload" "$tmp/one.truth" "$tmp/one.phases" >"$tmp/piped" 2>"$tmp/err" ||
	not_ok "perf record -o -" "$(cat "$tmp/err")"
pid=$(python3 -c 'import json, sys; print(json.loads(open(sys.argv[1]).readline())["pid"])' "$tmp/one.truth")
judged "what a pipe wrote" "$tmp/piped" one -p "$pid"
"$damontop" -b --json -r - -p "$pid" <"$tmp/piped" >"$tmp/file" 2>"$tmp/err"
cat "$tmp/piped" | "$damontop" -b --json -r - -p "$pid" >"$tmp/through" 2>>"$tmp/err"
check "... and through a pipe" "$(cat "$tmp/err")" cmp -s "$tmp/out" "$tmp/through"
check "... and as standard input" "$(cat "$tmp/err")" cmp -s "$tmp/out" "$tmp/file"

# several processes: the shell and two of these
name=two
plan '  access heap+4M:16M op=write pattern=touch'
perf record -q -e page-faults -c 1 -d -o "$tmp/both.data" sh -c '"$0" -o "$1/one.truth" "$1/one.phases" >/dev/null & "$0" -o "$1/two.truth" "$1/two.phases" >/dev/null; wait' \
	"$workload" "$tmp" >/dev/null 2>"$tmp/err" </dev/null
for name in one two; do
	pid=$(python3 -c 'import json, sys; print(json.loads(open(sys.argv[1]).readline())["pid"])' "$tmp/$name.truth")
	judged "of several processes: -p chooses $name" "$tmp/both.data" "$name" -p "$pid"
done
"$damontop" -b --json -r "$tmp/both.data" >"$tmp/out" 2>"$tmp/err"
check "without -p: the one with most samples, and who there is" "$(cat "$tmp/err")" grep -qE "several processes, -p PID chooses; this is [0-9]+ of .*[0-9]+ workload \\([0-9]+ samples\\), [0-9]+ workload \\([0-9]+\\), [0-9]+ sh \\([0-9]+\\)" "$tmp/err"
"$damontop" -b --json -r "$tmp/both.data" -p 1 >"$tmp/out" 2>"$tmp/err"
check "a process that has none: an error, and who there is" "$? $(cat "$tmp/err")" grep -qE "no data addresses of process 1\\. It has those of [0-9]+ workload" "$tmp/err"

# a child that has not called exec has its parent's mappings
python3 - "$tmp" >"$tmp/child" <<'PYTHON'
import subprocess, sys, textwrap
program = textwrap.dedent("""
    import mmap, os
    pages = 2000
    m = mmap.mmap(-1, pages * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if not os.fork():
        for i in range(1, pages, 2):
            m[i * 4096] = 1
        print(os.getpid())
        os._exit(0)
    os.wait()
""")
subprocess.run(["perf", "record", "-q", "-e", "page-faults", "-c", "1", "-d", "-o", sys.argv[1] + "/fork.data", sys.executable, "-c", program],
               check=True, stderr=subprocess.DEVNULL)
PYTHON
"$damontop" -b --json --aggr 60s --regions 10:5000 -r "$tmp/fork.data" -p "$(cat "$tmp/child")" >"$tmp/out" 2>"$tmp/err"
check "a forked child: its pages, in the mappings of its parent" "$(cat "$tmp/err")" python3 -c '
import json, sys
regions = [r for l in open(sys.argv[1]) for r in json.loads(l)["regions"]]
assert not any(r.get("mapping") == "[recorded]" for r in regions)
assert sum(r["nr_accesses"] == 1 and int(r["end"], 16) - int(r["start"], 16) == 4096 for r in regions) >= 1000' "$tmp/out"
exit 0
