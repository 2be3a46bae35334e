#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What damontop calls hot is what was hot: 512 MiB, 128 MiB of it hot, which moves once; default budget, one second each.
# The hottest regions that add up to 128 MiB overlap the truth by at least 0.95 (median) and 0.85 (worst whole second).
# timeout: 240
. "$(dirname "$0")/../lib/lib.sh"
need "$damontop" "$workload" python3

for plan in ${TRUTH_PLANS:-moving seqwrite threads chase}; do
	start_workload $plan "$plans/$plan.phases" || continue
	timeout 60 "$damontop" -b --json --aggr 1s -d 16500ms -p "$wl_pid" >"$tmp/$plan.json" 2>"$tmp/$plan.err" </dev/null
	rc=$?
	stop_workload "$wl_pid"
	echo "==== $plan"
	cat "$tmp/$plan.err"
	$judge overlap "$tmp/$plan.json" "$tmp/$plan.truth" --hot 128M --min-median 0.95 --min-worst 0.85 >"$tmp/$plan.verdict"
	good=$?
	cat "$tmp/$plan.verdict"
	[ -n "${TRUTH_KEEP:-}" ] && cp "$tmp/$plan".* "$TRUTH_KEEP/"
	if [ $rc != 0 ]; then
		not_ok $plan "damontop: exit status $rc: $(cat "$tmp/$plan.err")"
	elif [ "$(grep -c '^seq .*overlap' "$tmp/$plan.verdict")" -lt 12 ]; then
		not_ok $plan "fewer than 12 whole seconds to judge"
	elif [ $good != 0 ]; then
		not_ok $plan "$(tail -n 2 "$tmp/$plan.verdict" | tr '\n' ' ')"
	else
		ok "$plan ($(tail -n 2 "$tmp/$plan.verdict" | sed 's/ (.*//' | tr '\n' ' '))"
	fi
done
