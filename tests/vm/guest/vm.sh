# SPDX-License-Identifier: GPL-2.0-or-later
# What every case may use. A case is a shell script (busybox) run with this file read first; it prints result lines.
ok() { echo "ok $1"; }
not_ok() { echo "not ok $1: $2"; }
skip() { echo "skip $1: $2"; }

# check NAME WHY COMMAND...: ok if the command succeeds.
check() {
	check_name=$1
	check_why=$2
	shift 2
	if "$@"; then ok "$check_name"; else not_ok "$check_name" "$check_why"; fi
}

# Waits until a command succeeds: wait_for SECONDS COMMAND... So many on a quiet machine, that is: where it does not hold
# yet, four times as many, as no more than that it comes to hold is judged.
wait_for() {
	wait_n=$(($1 * 80))
	shift
	while [ $wait_n -gt 0 ]; do
		"$@" && return 0
		usleep 50000
		wait_n=$((wait_n - 1))
	done
	return 1
}

# field LINE KEY: the value of KEY=value in a line.
field() { echo "$1" | sed -n "s/.*\\b$2=\\([^ ]*\\).*/\\1/p"; }
# at_least A B, at_most A B: numbers with a fraction.
at_least() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && a + 0 >= b + 0) }'; }
at_most() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && a + 0 <= b + 0) }'; }

# play PHASES [DURATION]: starts the workload with one of tests/workload/*.phases, or a file, every phase of this duration,
# again and again until stop.
# Its process is $P, its truth $T, and all its memory is in place.
play() {
	play_file=$1
	[ -f "$play_file" ] || play_file=/lib/workload/$1.phases
	T=/tmp/$(basename "$1" .phases).truth
	rm -f "$T"
	sed "1i loop 0
s/^\(phase [^ ]*\) [^ ]*/\1 ${2:-60s}/" "$play_file" >/tmp/play.phases
	workload -o "$T" /tmp/play.phases >/dev/null &
	P=$!
	wait_for 30 test -s "$T" || not_ok play "workload $1 has not begun"
}

# As play harvest, with less around what is hot: for cases in which that is not what matters.
play_small() {
	sed 's/512M/192M/; s/heap+333M/heap+128M/' /lib/workload/harvest.phases >/tmp/small.phases
	play /tmp/small.phases 300s
}

# The next phase of what is played: it has begun on return.
next_phase() {
	next_before=$(tail -n 1 "$T" | sed -n 's/.*"phase":"\([^"]*\)".*/\1/p')
	kill -USR2 "$P"
	wait_for 60 eval '! tail -n 1 "$T" | grep -q "\"phase\":\"$next_before\""'
}

# harvest_again FILE: waits for a harvest, of a harvest_judge -u that writes to this file, that begins after now.
harvest_again() {
	again_n=$(($(grep -c '^early=' "$1") + 2))
	wait_for 120 eval '[ "$(grep -c "^early=" "'"$1"'")" -ge $again_n ]'
}

stop() {
	kill "$P" 2>/dev/null
	wait "$P" 2>/dev/null
}

# judged NAME LINES MIN: every harvest within one phase has at least this precision and recall, and there is one.
judged() {
	echo "$2"
	judged_n=$(echo "$2" | grep '^harvest=' | grep -vc 'phase=mixed')
	judged_bad=$(echo "$2" | grep '^harvest=' | grep -v phase=mixed | awk -v min="$3" '
		{ for (i = 1; i <= NF; i++) { n = split($i, f, "="); if (n == 2) v[f[1]] = f[2] } }
		v["precision"] < min || v["recall"] < min { print "harvest", v["harvest"], v["phase"] ": precision", v["precision"], "recall", v["recall"] }')
	if [ "$judged_n" -gt 0 ] && [ -z "$judged_bad" ]; then
		ok "$1"
	else
		not_ok "$1" "$judged_n harvests judged; $(echo "$judged_bad" | tr '\n' ';')"
	fi
}

# Waits until the truth has come to this moment: a slice is written when it ends, and on busy CPUs that is late.
truth_until_now() {
	truth_now=$(awk '{ printf "%.0f", $1 * 1e9 }' /proc/uptime)
	wait_for 30 eval '! kill -0 $P 2>/dev/null || [ "$(tail -n 1 "$T" | sed -n "s/.*\"end_ns\":\([0-9]*\).*/\1/p")" -ge $truth_now ] 2>/dev/null'
}

# watched NAME SOURCE SNAPSHOTS [OPTIONS]: what damontop says of $P as JSON, kept with the truth for the judge on the host.
watched() {
	watched_name=$1
	watched_from=$(wc -l <"$T")
	damontop -b --json -s "$2" -n "$3" -p "$P" >"/out/$watched_name.json" 2>/tmp/watched.err ||
		not_ok "$watched_name" "damontop: $(cat /tmp/watched.err)"
	truth_until_now
	# Its first line, and what it says of that time.
	{ head -n 1 "$T" && tail -n "+$((watched_from > 1 ? watched_from : 2))" "$T"; } >"/out/$watched_name.truth"
}
to_judge() { echo "$CASE $*" >>/out/judge.list; }
