#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A short run of the fuzz target of the recording readers on its corpus: FUZZ_SECONDS (10).
# timeout: 120
cd "$(dirname "$0")/../.." || exit 1
target=${BUILD:-build}/fuzz/tests/fuzz/fuzz_recording
[ -x "$target" ] || { echo "skip fuzz_recording: make fuzz-build has not been run"; exit 0; }
work=$(mktemp -d "${TMPDIR:-/tmp}/damontop-fuzz.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
if out=$("$target" -max_total_time="${FUZZ_SECONDS:-10}" -max_len=20000 -timeout=20 -rss_limit_mb=1500 -verbosity=0 \
	-artifact_prefix="$work/" "$work" tests/fuzz/corpus/recording 2>&1); then
	echo "ok recordings: ${FUZZ_SECONDS:-10} s from the corpus"
else
	echo "not ok recordings: $(grep -aE 'ERROR|runtime error|SUMMARY' <<<"$out" | head -n 3 | tr '\n' ' ')"
	tail -n 30 <<<"$out"
fi
