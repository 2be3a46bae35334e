#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A process with its children: three that read different parts of the same addresses, judged against what each does; some that
# come and go; a storm of forks; one that may not be watched; the screen.
# timeout: 240
. "$(dirname "$0")/../lib/lib.sh"
need "$damontop" "$workload" python3

family_judge=$top/tests/lib/family_judge.py
validate=$top/tests/json/validate.py

# start NAME MODE [ARGUMENT]: what the mode says is in $tmp/NAME.ready
start() { local name=$1; shift; start_workload "$name" "$@"; }

# snapshots NAME SOURCE NUMBER [OPTION]...: of wl_pid and its children, to $tmp/NAME.json
snapshots() {
	local name=$1 source=$2 nr=$3
	shift 3
	timeout 60 "$damontop" --json --children -p "$wl_pid" -s "$source" -n "$nr" "$@" >"$tmp/$name.json" 2>"$tmp/$name.err" ||
		not_ok "$name" "$(cat "$tmp/$name.err")"
	check "$name: the form that docs/json.md describes" "$("$validate" "$tmp/$name.json" | head -n 3)" "$validate" "$tmp/$name.json"
}
judged() { "$family_judge" "$tmp/$1.ready" "$tmp/$2.json" | sed "s/^\(ok\|not ok\) /\1 $2: /"; }
usable() { "$damontop" --sources -p "$wl_pid" | grep -q "^$1 *yes"; }
value() { python3 -c 'import json,sys
s = [json.loads(line) for line in open(sys.argv[1])]
print(eval(sys.argv[2]))' "$tmp/$1.json" "$2"; }
# value_is NAME EXPRESSION-OF-s WANT
value_is() { [ "$(value "$1" "$2")" = "$3" ]; }

# ---- three that stay ----
start family family 3 || exit 1
for source in clock clock+referenced; do
	if ! usable "$source"; then
		skip "$source" "cannot be used here"
		continue
	fi
	snapshots "$source" "$source" 6 --aggr 500ms
	judged family "$source"
	check "$source: all four processes are taken in" "$(value "$source" '[len(x["processes"]) for x in s]')" \
		value_is "$source" 'len(s[-1]["processes"])' 4
done
# recorded and played: the same processes, the same addresses
timeout 60 "$damontop" -b --children -p "$wl_pid" -s clock -n 4 --aggr 500ms -o "$tmp/rec" >"$tmp/text" 2>&1
timeout 60 "$damontop" --json -r "$tmp/rec" >"$tmp/replay.json" 2>"$tmp/replay.err"
check "a replay has the form, too" "$("$validate" "$tmp/replay.json" | head -n 3) $(cat "$tmp/replay.err")" "$validate" "$tmp/replay.json"
judged family replay
check "text says whose memory it is" "$(head -n 4 "$tmp/text")" grep -q '  pid  range' "$tmp/text"
stop_workload "$wl_pid"

# ---- some that come and go ----
start brood brood 1 || exit 1
snapshots brood clock 9 --aggr 500ms
judged brood brood
check "brood: children come" "$(value brood '[[p["pid"] for p in x["processes"]] for x in s]')" \
	value_is brood 'len({p["pid"] for x in s for p in x["processes"]}) >= 4' True
check "brood: and go" "$(value brood '[len(x["processes"]) for x in s]')" \
	value_is brood 'len({p["pid"] for x in s for p in x["processes"]} - {p["pid"] for p in s[-1]["processes"]}) >= 1' True
stop_workload "$wl_pid"

# ---- a thousand forks a second, each for a moment: none is taken in, no descriptor stays ----
start storm fork 1000 || exit 1
: >"$tmp/storm.json"
timeout 60 "$damontop" --json --children -p "$wl_pid" -s clock --aggr 500ms -n 1000 >"$tmp/storm.json" 2>"$tmp/storm.err" &
started+=($!)
own=$!
nr_lines() { [ "$(wc -l <"$tmp/storm.json")" -ge "$1" ]; }
own_fds() { ls "/proc/$(pgrep -P $own -x damontop || echo $own)/fd" 2>/dev/null | wc -l; }
poll 20 nr_lines 2
fds=$(own_fds)
poll 20 nr_lines 8
check "storm: no descriptor stays" "$fds before, $(own_fds) after" [ "$(own_fds)" -le $((fds + 4)) ]
kill $own
# one that waits for a processor for so long is as old as any other
check "storm: who lives for a moment is not taken in" "$(value storm '[len(x["processes"]) for x in s]')" \
	value_is storm 'len({p["pid"] for x in s for p in x["processes"]}) < 100' True
stop_workload "$wl_pid"

# ---- one that may not be watched is counted, and the others go on ----
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$tmp"
	cp "$workload" "$damontop" "$tmp/" && chmod 755 "$tmp/workload" "$tmp/damontop"
	# a shell of nobody's, of whose children one is another user's
	(
		"$tmp/workload" family 0 >/dev/null &
		exec setpriv --reuid 65534 --regid 65534 --clear-groups bash -c "'$tmp/workload' load & wait"
	) &
	started+=($!)
	wl_pid=$!
	poll 10 pgrep -P "$wl_pid" -U nobody -x workload >/dev/null
	sleep 0.2
	timeout 60 setpriv --reuid 65534 --regid 65534 --clear-groups "$tmp/damontop" --json --children -p "$wl_pid" -s clock -n 3 \
		>"$tmp/refused.json" 2>"$tmp/refused.err"
	check "one that may not be watched is counted" "$(value refused '[(len(x["processes"]), x["processes_refused"]) for x in s]') $(cat "$tmp/refused.err")" \
		value_is refused '(len(s[-1]["processes"]), s[-1]["processes_refused"])' '(2, 1)'
	for pid in $(pgrep -P "$wl_pid"); do kill "$pid"; done
else
	skip "one that may not be watched" "needs root, to be two users"
fi

# ---- the screen: by key from the first process on, and without the one that ends ----
if command -v tmux >/dev/null && start screen family 2 &&
	tm_start 130 40 "clear; $damontop --no-config -p $wl_pid -s clock --aggr 500ms"; then
	shows() { if tm_wait 15 "$2"; then ok "$1"; else not_ok "$1" "the screen lacks \"$2\": $(tm_screen | head -n 12)"; fi; }
	shows "the process alone" 'regions [0-9]+'
	tm_keys P
	shows "key P: the header counts processes" '3 processes'
	shows "rows grouped by process" '^.[0-9]+ child-1 '
	kill "$(sed -n 's/^child \([0-9]*\) .*/\1/p' "$tmp/screen.ready" | head -n 1)"
	shows "one that ends goes" '2 processes'
	tm_keys P
	shows "key P: alone again" 'alone from the next aggregation'
	tm_keys q
	stop_workload "$wl_pid"
else
	skip "the screen" "no tmux"
fi

# ---- what goes with it, and what does not ----
refused() { timeout 20 "$damontop" "$@" 2>&1 | grep -q -- "$want"; }
want='has one target' check "kernel DAMON refuses, and says what does not" "" refused -p $$ --children -s damon -b -n 1
want='goes with a process' check "a demo has no children" "" refused --demo --children -b -n 1
