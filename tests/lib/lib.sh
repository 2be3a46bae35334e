# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What script tests share: result lines, bounded waiting, workloads, a terminal (tmux). Read first by every script of
# tests/live. What a script starts through these functions is ended when the script ends.
set -u

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-$top/build}
damontop=${DAMONTOP:-$BUILD/damontop}
workload=$BUILD/tests/workload/workload
plans=$top/tests/workload
judge="python3 $top/tests/lib/judge.py"
export LC_ALL=C.UTF-8
unset NO_COLOR COLORTERM TMUX

tmp=$(mktemp -d "${TMPDIR:-/tmp}/damontop-test.XXXXXX") || exit 1
export XDG_CONFIG_HOME=$tmp/config # nobody's settings
started=() # pids to end
tmux_name=damontop-test-$$ # and a number: each terminal has a server of its own
tmux_nr=0

at_end() {
	[ ${#started[@]} -gt 0 ] && kill -KILL "${started[@]}" 2>/dev/null
	[ $tmux_nr = 0 ] || tm kill-server 2>/dev/null
	rm -rf "$tmp"
}
trap at_end EXIT
trap 'exit 1' INT TERM HUP

ok() { echo "ok $1"; }
not_ok() { echo "not ok $1: $(printf '%s' "$2" | tr '\n' ' ' | cut -c1-300)"; }
skip() { echo "skip $1: $2"; }

# check NAME WHY COMMAND...: ok where the command succeeds.
check() {
	local name=$1 why=$2
	shift 2
	if "$@"; then ok "$name"; else not_ok "$name" "$why"; fi
}

# Leaves the script with one skip for all of it.
need() {
	local tool
	for tool in "$@"; do
		command -v "$tool" >/dev/null || [ -x "$tool" ] || { skip "$(basename "$0" .sh)" "$tool is not there"; exit 0; }
	done
}

# Waits until a command succeeds: poll SECONDS COMMAND... So many on a quiet machine, that is: where it does not hold yet,
# four times as many, as no more than that it comes to hold is judged.
poll() {
	local until=$((SECONDS + $1 * 4 + 1))
	shift
	while [ $SECONDS -lt $until ]; do
		"$@" && return
		sleep 0.05
	done
	return 1
}

ended() { ! kill -0 "$1" 2>/dev/null; }
state_is() { [ "$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null)" = "$2" ]; }

# start_workload NAME ARGUMENT...: starts it, waits until it is ready; its pid is in wl_pid, the truth, where PHASES
# are played, in $tmp/NAME.truth.
start_workload() {
	local name=$1
	shift
	rm -f "$tmp/$name.ready" # of an earlier one
	"$workload" -o "$tmp/$name.truth" "$@" >"$tmp/$name.ready" 2>"$tmp/$name.err" &
	started+=($!)
	poll 20 grep -qs '^ready' "$tmp/$name.ready" || { not_ok "$name" "workload: $(cat "$tmp/$name.err")"; return 1; }
	wl_pid=$(sed -n '1s/^ready //p' "$tmp/$name.ready")
	started+=("$wl_pid")
}

# Ends it and waits.
stop_workload() {
	kill -CONT "$1" 2>/dev/null
	kill "$1" 2>/dev/null
	poll 10 ended "$1" || kill -KILL "$1" 2>/dev/null
}

# ---- a terminal ----

tm() { tmux -L "$tmux_name-$tmux_nr" -f /dev/null "$@"; }

# tm_start COLS ROWS COMMAND: a shell, so that what the program leaves behind can be seen, with the command typed in.
tm_start() {
	[ $tmux_nr = 0 ] || tm kill-server 2>/dev/null
	tmux_nr=$((tmux_nr + 1))
	tm new-session -d -x "$1" -y "$2" -s t "env PS1='PROMPT> ' TERM=tmux-256color LC_ALL=C.UTF-8 HOME=$tmp HISTFILE= bash --norc --noprofile" ||
		return 1
	tm set -g remain-on-exit on >/dev/null
	tm set -g status off >/dev/null
	tm resize-window -t t -x "$1" -y "$2" 2>/dev/null
	tm_wait 5 'PROMPT>' || return 1
	tm send-keys -t t -l "$3"
	tm send-keys -t t Enter
}

tm_keys() { tm send-keys -t t "$@"; }
tm_text() { tm send-keys -t t -l "$1"; }
tm_screen() { tm capture-pane -p -t t; }
tm_shows() { tm_screen | grep -qE -- "$1"; }
tm_header() { tm_screen | sed -n 1p; }
# tm_wait SECONDS REGEX
tm_wait() { poll "$1" tm_shows "$2"; }
tm_resize() { tm resize-window -t t -x "$1" -y "$2"; }
# The pid of the program that runs in the terminal's shell, by its name.
tm_pid() { pgrep -P "$(tm display-message -p -t t '#{pane_pid}')" -x damontop; }
# The terminal as a shell wants it: no alternate screen, cursor shown, no mouse, echo and line editing by the tty.
tm_is_restored() {
	[ "$(tm display-message -p -t t '#{alternate_on} #{cursor_flag} #{mouse_any_flag} #{keypad_flag}')" = '0 1 0 0' ]
}
