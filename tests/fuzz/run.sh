#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every fuzz target on its corpus for FUZZ_SECONDS (60), as many at once as there are CPUs; those whose name contains one of
# the arguments, if there are any. What was found stays in $BUILD/fuzz/found; exit status 1 if anything was.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build}
found=$build/fuzz/found
seconds=${FUZZ_SECONDS:-60}
work=$(mktemp -d "${TMPDIR:-/tmp}/damontop-fuzz.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
mkdir -p "$found"

run() {
	local name=$1 out options=() corpus=tests/fuzz/corpus/$1
	mkdir -p "$work/$name"
	[ -d "$corpus" ] || corpus= # it makes seeds of its own
	case $name in damo_*) options+=(-dict=tests/fuzz/json.dict) ;; esac
	if out=$("$build/fuzz/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -max_len=20000 -timeout=20 -rss_limit_mb=768 \
		-verbosity=0 -print_final_stats=1 -artifact_prefix="$found/$name-" "${options[@]}" "$work/$name" $corpus 2>&1); then
		echo "ok $name: $(sed -n 's/^stat::number_of_executed_units: *//p' <<<"$out") inputs in $seconds s," \
			"at most $(sed -n 's/^stat::peak_rss_mb: *//p' <<<"$out") MiB"
	else
		echo "not ok $name: $(grep -aE 'ERROR|runtime error|SUMMARY' <<<"$out" | head -n 3 | tr '\n' ' ')"
		tail -n 30 <<<"$out"
		touch "$work/failed"
	fi
}

for program in "$build"/fuzz/tests/fuzz/fuzz_*; do
	[ -x "$program" ] && [ -f "$program" ] && [[ $program != *.[od] ]] || continue
	name=${program##*/fuzz_}
	[ $# = 0 ] || grep -qE "$(IFS='|'; echo "$*")" <<<"$name" || continue
	while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do
		wait -n
	done
	run "$name" &
done
wait
[ ! -e "$work/failed" ]
