#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The real program in a real terminal: keys sent, the screen read. First on the demo, then on a process.
# timeout: 240
# alone: the screen has to follow the keys within seconds
. "$(dirname "$0")/../lib/lib.sh"
need "$damontop" "$workload" tmux

screen_words() { tm_screen | grep -v '^ *$' | head -n 30 | cut -c1-110; }

# expect NAME SECONDS REGEX: the screen comes to show it.
expect() {
	if tm_wait "$2" "$3"; then ok "$1"; else not_ok "$1" "the screen lacks \"$3\": $(screen_words)"; fi
}

header_shows() { tm_header | grep -qE -- "$1"; }
expect_header() {
	if poll "$2" header_shows "$3"; then ok "$1"; else not_ok "$1" "the header lacks \"$3\": $(tm_header)"; fi
}

# The program has ended and the terminal is as the shell wants it: expect_end NAME STATUS
at_prompt() { tm_shows 'PROMPT> *$' && tm_is_restored; }
expect_end() {
	local name=$1 status=$2
	if ! poll 5 at_prompt; then
		not_ok "$name" "no prompt, or the terminal is not restored: $(tm display-message -p -t t 'alternate #{alternate_on} cursor #{cursor_flag} mouse #{mouse_any_flag} keypad #{keypad_flag}'): $(screen_words)"
		return
	fi
	tm_text 'echo status=$?, $(stty -a | grep -oE "[-]?(echo|icanon|isig|opost|icrnl)\b" | tr "\n" " ")'
	tm_keys Enter
	# readline has put the terminal in its own mode for the prompt; stty in the substitution sees what programs see
	if tm_wait 5 "^status=$status, "; then
		case $(tm_screen | grep -E '^status=' | tail -n 1) in
		*" -echo "* | *" -icanon "* | *" -isig "* | *" -opost "* | *" -icrnl "*) not_ok "$name" "$(tm_screen | grep '^status=')" ;;
		*) ok "$name" ;;
		esac
	else
		not_ok "$name" "not status $status: $(screen_words)"
	fi
}

# ---- the demo ----
tm_start 120 40 "clear; $damontop --demo --aging 100ms --aggr 200ms" || { not_ok start "tmux: no shell"; exit 0; }
expect "the map comes" 5 '^ *Heat'
expect_header "header: source" 2 '\bdemo\b'
expect_header "header: aging" 2 'aging 100ms'
expect_header "header: aggregation" 2 'aggr 200ms'
expect "addresses with their mappings" 2 '^ *\[heap\] +[0-9a-f]{8,}'
tm_keys 2
expect "key 2: NUMA node" 2 '^ *NUMA node'
expect "legend of nodes" 2 'node 0'
tm_keys 3
expect "key 3: anon or file" 2 '^ *Anon/file'
expect "legend of kinds" 2 'anon.*file'
tm_keys 1
expect "key 1: heat" 2 '^ *Heat'
tm_keys Tab
expect "Tab: the next overlay" 2 '^ *NUMA node'
tm_keys BTab
expect "shift-Tab: the one before" 2 '^ *Heat'
tm_keys A
expect_header "A: longer aging" 3 'aging 200ms'
tm_keys a
expect_header "a: shorter aging" 3 'aging 100ms'
tm_keys G
expect_header "G: longer aggregation" 3 'aggr 500ms'
tm_keys i
expect "i: settings" 2 'Settings'
tm_keys Down
tm_text 350ms
tm_keys Enter
expect_header "a typed aggregation" 3 'aggr 350ms'
tm_keys i
tm_wait 2 'Settings'
tm_keys Down
tm_text 350
tm_keys Enter
expect "a typed duration without unit is refused" 2 'unit'
tm_keys Escape
tm_keys '}'
expect_header "}: more regions at least" 3 'regions'
tm_keys ' '
expect_header "space: frozen" 2 'frozen'
# How long ago "now" was goes on above it, and what is kept on the line of times below.
the_map() { tm_screen | sed -E '1,2d; /[0-9]{2}:[0-9]{2}:[0-9]{2} [─━]/d'; }
before=$(the_map)
sleep 1
check "frozen: the map stands still" "$(diff <(echo "$before") <(the_map) | head -n 4)" test "$before" = "$(the_map)"
tm_keys ' '
expect_header "space again: live" 2 'live'
# a sequence that no terminal description has: ESC [ 9 9 ; 5 q
tm_keys -H 1b 5b 39 39 3b 35 71
tm_keys 2
expect "an unknown sequence is no keys" 2 '^ *NUMA node'
tm_keys 1
tm_keys '?'
expect "?: help" 2 'What is shown'
tm_keys NPage NPage NPage NPage
expect "help scrolls to its end" 2 'aggregation.*snapshot'
expect "help names quit" 2 '\bq\b.*quit'
tm_keys Escape
poll 3 tm_shows '^ *Heat' && ok "any key leaves help" || not_ok "any key leaves help" "$(screen_words)"
tm_keys / 'heap' Enter
tm_keys + + - z 0 n N t . , c C m v T o o o '#' '#' h o r Tab Tab Tab Tab Tab Escape Left Right Up Down Home End PPage NPage Escape
expect "it has taken all keys" 2 '^ *Heat'
tm_keys q
expect_end "q" 0

# ---- settings: written by key, read at the next start ----
tm_start 120 40 "clear; $damontop --demo --aggr 200ms" || exit 0
tm_wait 5 '^ *Heat'
tm_keys 4 a W
expect "W asks first" 2 'W again writes these settings'
[ -e "$XDG_CONFIG_HOME/damontop/config" ] && not_ok "W asks first, and has not written" "$(cat "$XDG_CONFIG_HOME/damontop/config")"
tm_keys W
expect "W again writes" 2 'settings are in'
tm_keys q
expect_end "settings: q" 0
tm_start 120 40 "clear; $damontop --demo" || exit 0
expect "settings: the overlay is the one that was saved" 5 '^ *Age'
expect_header "settings: so is the aging interval" 2 'aging 100ms'
tm_keys q
expect_end "settings: q again" 0
rm -r "$XDG_CONFIG_HOME"

# ---- sizes ----
tm_start 120 40 "clear; $damontop --demo --aging 50ms --aggr 100ms" || exit 0
tm_wait 5 '^ *Heat'
pid=$(tm_pid)
for size in 1x1 2x2 500x200 20x3 80x24 3x60 200x1 40x10; do
	tm_resize "${size%x*}" "${size#*x}"
	sleep 0.3
	ended "$pid" && { not_ok "resize to $size" "it has ended: $(screen_words)"; break; }
	[ "$(tm display-message -p -t t '#{pane_width}x#{pane_height}')" = "$size" ] && ok "resize to $size" || not_ok "resize to $size" "tmux: $(tm display-message -p -t t '#{pane_width}x#{pane_height}')"
done
for n in $(seq 100); do
	tm_resize $((20 + n % 50)) $((5 + n % 30))
done
tm_resize 120 40
expect "a storm of sizes, then 120x40" 5 '^ *Heat'
expect "the key line is at the bottom" 2 'quit'
tm_keys q
expect_end "q after resizing" 0

# ---- ways out ----
way_out() {
	local signal=$1 status=$2
	tm_start 100 30 "clear; $damontop --demo --aging 50ms --aggr 100ms" || return
	tm_wait 5 '^ *Heat' || not_ok "$signal: start" "$(screen_words)"
	kill "-$signal" "$(tm_pid)"
	expect_end "SIG$signal: terminal restored" "$status"
}
way_out TERM '(0|143)'
way_out INT '(0|130)'
way_out QUIT '(0|131)'
way_out HUP '(0|129)'
way_out SEGV 139
way_out ABRT 134
way_out BUS 135
tm_start 100 30 "clear; $damontop --demo --aging 50ms --aggr 100ms" && {
	tm_wait 5 '^ *Heat'
	tm_keys C-c
	expect_end "Ctrl-C" '(0|130)'
}
tm_start 100 30 "clear; $damontop --demo --aging 50ms --aggr 100ms" && {
	tm_wait 5 '^ *Heat'
	pid=$(tm_pid)
	tm_keys C-z
	if poll 3 state_is "$pid" T && poll 3 at_prompt; then
		ok "Ctrl-Z: stopped, terminal restored"
		tm_text fg
		tm_keys Enter
		expect "fg: the screen is back" 3 '^ *Heat'
		tm_keys q
		expect_end "q after Ctrl-Z" 0
	else
		not_ok "Ctrl-Z: stopped, terminal restored" "$(screen_words)"
	fi
}

# ---- terminals ----
for term in "TERM=xterm-256color" "TERM=screen" "TERM=vt100" "TERM=xterm NO_COLOR=1" "TERM=linux" "TERM=tmux-256color COLORTERM=truecolor" "LC_ALL=C TERM=xterm"; do
	tm_start 100 30 "clear; env $term $damontop --demo --aging 50ms --aggr 100ms" || continue
	expect "$term" 5 '^ *Heat'
	tm_keys q
	expect_end "$term: q" 0
done
for term in "TERM=dumb" "-u TERM" "TERM=nosuch"; do
	tm_start 100 30 "clear; env $term $damontop --demo --aging 50ms --aggr 100ms" || continue
	if poll 5 tm_shows '^ *Heat|damontop: '; then ok "$term: a screen or a message"; else not_ok "$term: a screen or a message" "$(screen_words)"; fi
	tm_keys q
	tm_keys BSpace
	poll 3 at_prompt && ok "$term: ends" || not_ok "$term: ends" "$(screen_words)"
done

# ---- a process ----
start_workload demo "$plans/demo.phases" || exit 0
tm_start 140 45 "clear; $damontop -p $wl_pid --aggr 500ms" || exit 0
expect "a process: its map" 5 '^ *Heat'
expect_header "a process: its name" 2 "\\bworkload\\b"
expect_header "a process: its pid" 2 "\\b$wl_pid\\b"
expect_header "a process: resident memory" 3 'rss [45][0-9][0-9](\.[0-9])?M'
expect "a process: its mappings" 3 'heap|cache'
tm_keys 3
expect "a process: anon or file is known" 4 'anon'
tm_keys '|'
expect "|: another source beside it" 8 '^▸[a-z_]+ '
second=$(tm_screen | grep -oE '^ (perf|clock|referenced|soft_dirty|mglru|clear_refs) ' | tail -n 1)
check "|: the other has its map below" "$(screen_words)" test -n "$second"
tm_keys '\'
expect "\\: it is in focus" 2 "^▸${second:1}"
tm_keys '|'
alone() { ! tm_shows '^▸'; }
poll 3 alone && ok "| again: one source alone" || not_ok "| again: one source alone" "$(screen_words)"
stop_workload "$wl_pid"
expect "a process: its end is told" 5 'ended|exited'
tm_keys q
expect_end "a process: q after its end" 0

tm_start 140 45 "clear; $damontop -- $workload load" || exit 0
expect "a command: its map" 6 '^ *Heat'
child=$(pgrep -P "$(tm_pid)" -x workload)
tm_keys q
expect_end "a command: q" 0
check "a command: it has ended with damontop" "$child" poll 3 ended "${child:-1}"
