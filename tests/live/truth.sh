#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What damontop calls hot is what was hot: 512 MiB, 128 MiB of it hot, which moves once; default budget, one second each.
# The hottest regions that add up to 128 MiB overlap the truth by at least 0.95 (median) and 0.85 (worst whole second).
# timeout: 900
# tries: 1, as each plan has its own
# alone: a second rests on some 200 samples of CPU time
. "$(dirname "$0")/../lib/lib.sh"
need "$damontop" "$workload" python3

# How long a second of CPU time takes here just now, for each of $1 processes that compute at once: 1 on a machine that has
# nothing else to do, up to 4 in steps of a half.
second_takes() {
	python3 - "$1" <<'END'
import math, os, signal, sys, time
others = []
for _ in range(int(sys.argv[1]) - 1):
    others.append(os.fork())
    while not others[-1]:
        pass
begin = time.monotonic()
while time.process_time() < 0.5 and time.monotonic() < begin + 4:
    pass
takes = (time.monotonic() - begin) / time.process_time()
for pid in others:
    os.kill(pid, signal.SIGKILL)
    os.wait()
print(1 if takes < 1.3 else min(4, math.ceil(takes * 2) / 2))
END
}

# One try of a plan: 0 when it holds; says on stdout what came of it. What is judged rests on the CPU time that the workload
# gets in what is called a second: where others have the CPUs too, that takes longer, and so do the plan's phases.
try_plan() {
	local second ms
	second=$(second_takes $((1 + $(grep -c 'threads=2' "$plans/$1.phases") / 2)))
	ms=$(awk "BEGIN { print $second * 1000 }")
	awk -v s="$second" '/^phase/ { $3 = $3 * s * 1000 "ms" } { print }' "$plans/$1.phases" >"$tmp/$1.phases"
	[ "$second" = 1 ] || printf 'a second of CPU time takes %s s: ' "$second"
	start_workload "$1" "$tmp/$1.phases" || return 1
	timeout $((60 * ${second%.*})) "$damontop" ${TRUTH_OPTIONS:-} -b --json --aggr "${ms}ms" -d "$(awk "BEGIN { print $second * 16500 }")ms" \
		-p "$wl_pid" >"$tmp/$1.json" 2>"$tmp/$1.err" </dev/null
	local rc=$?
	stop_workload "$wl_pid"
	$judge overlap "$tmp/$1.json" "$tmp/$1.truth" --hot 128M --min-median 0.95 --min-worst 0.85 >"$tmp/$1.verdict"
	local good=$?
	[ -n "${TRUTH_KEEP:-}" ] && cp "$tmp/$1".* "$TRUTH_KEEP/"
	if [ $rc != 0 ]; then
		echo "damontop: exit status $rc: $(cat "$tmp/$1.err")"
	elif [ "$(grep -c '^seq .*overlap' "$tmp/$1.verdict")" -lt 12 ]; then
		echo "fewer than 12 whole seconds to judge"
	elif [ $good != 0 ]; then
		tail -n 2 "$tmp/$1.verdict" | tr '\n' ' '
	else
		tail -n 2 "$tmp/$1.verdict" | sed 's/ (.*//' | tr '\n' ' '
		return 0
	fi
	return 1
}

# A second rests on some 200 samples, and fewer where others take the CPU: one of fourteen may fall short by chance, mostly
# the first after the move. On a quiet machine that is one try of seqwrite in five or ten (docs/benchmarks.md). So a plan
# that fails is tried anew, up to three times in all, and the line says so. The bench wants TRUTH_TRIES=1.
for plan in ${TRUTH_PLANS:-moving seqwrite threads chase}; do
	again=
	for try in $(seq "${TRUTH_TRIES:-3}"); do
		[ "$try" = 1 ] || again=" (again)"
		said=$(try_plan $plan)
		good=$?
		echo "==== $plan, try $try"
		cat "$tmp/$plan.err" "$tmp/$plan.verdict"
		[ $good != 0 ] || break
	done
	if [ $good = 0 ]; then ok "$plan ($said)$again"; else not_ok $plan "$said"; fi
done
