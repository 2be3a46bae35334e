#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# "make guest" driven through a terminal: the hot memory is where the truth says, the node overlay shows it in two colours,
# and the aging interval follows the keys. Called by check.sh, where the guest's time is the count of its instructions: a
# second of it takes as long as it takes, and the guest is on time all the same. Prints result lines.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/lib.sh"
need tmux python3 qemu-system-x86_64

# interval aging|aggr: what the header says is in force; nothing while a change waits for the end of the aggregation.
interval() { tm_header | sed -n "s/.* $1 \([0-9.]*[mu]*s\) .*/\1/p"; }
has_changed() { [ -n "$(interval "$1")" ] && [ "$(interval "$1")" != "$2" ]; }

# press_until KEY aging|aggr INTERVAL: presses it, and waits for the header to follow, until the header says this.
press_until() {
	local n before
	for n in 1 2 3 4 5 6 7 8; do
		poll 15 has_changed "$2" '' # nothing waits any more
		before=$(interval "$2")
		[ "$before" = "$3" ] && return
		tm_keys "$1"
		poll 30 has_changed "$2" "$before" || return 1
	done
	[ "$(interval "$2")" = "$3" ]
}

# spaced AGING_MS AGGR_MS: the newest snapshot has as many harvests as fit into its interval, within 10 %.
spaced() { tm_screen | sed -n 's/.* of \([0-9]*\) checks.*/\1/p' | head -n 1 | awk -v ms="$1" -v aggr="$2" '{ exit !($1 * ms >= aggr * 0.9 && $1 * ms <= aggr * 1.1) }'; }

tm_start 130 40 "BUILD=$BUILD $here/guest.sh -i 2>$tmp/guest.err" || exit 1
if ! tm_wait 150 'of [0-9]+ checks'; then
	not_ok live-starts "$(tail -n 1 "$tmp/guest.err") $(tm_screen | grep -v '^ *$' | tail -n 2)"
	exit 1
fi
tm_keys 2
tm_wait 15 '^ NUMA node'
# Three seconds of the guest's.
clock_s() { tm_header | grep -oE '[0-9]{2}:[0-9]{2}:[0-9]{2}' | tail -n 1 | awk -F: '{ print $1 * 3600 + $2 * 60 + $3 }'; }
from=$(clock_s)
has_passed() { [ $((($(clock_s) + 86400 - from) % 86400)) -ge "$1" ]; }
poll 60 has_passed 3
tm capture-pane -p -e -t t >"$tmp/node"
for press in 'A aging 500ms 500 1000' 'a aging 100ms 100 1000' 'G aggr 2s 100 2000' 'A aging 2s 2000 2000'; do
	# shellcheck disable=SC2086
	set -- $press
	check "live-$1-$2-$3" "the header says: $(tm_header)" press_until "$1" "$2" "$3"
	check "live-$1-$2-$3-spacing" "every $4 ms in $5 ms: $(tm_screen | grep -o 'of [0-9]* checks')" poll 60 spaced "$4" "$5"
done
tm_keys q
if tm_wait 60 '"type":"start"'; then
	ok live-quits
else
	not_ok live-quits "$(tm_screen | grep -v '^ *$' | tail -n 2)"
fi
tm capture-pane -p -J -t t | grep -o '{"type":"start".*}' >"$tmp/truth"
python3 "$here/live_judge.py" "$tmp/node" "$tmp/truth" >"$tmp/judged" 2>&1
check live-nodes "$(tail -n 1 "$tmp/judged")" grep -q '^phase' "$tmp/judged"
cat "$tmp/judged"
