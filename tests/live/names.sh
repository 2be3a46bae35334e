#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Names of processes and files are hostile: no byte of them reaches a terminal, a pipe or JSON unescaped.
# timeout: 180
. "$(dirname "$0")/../lib/lib.sh"
need "$damontop" "$workload" python3 tmux
printable="python3 $top/tests/lib/printable.py"

for n in 0 1 2 3 4 5 6 7 8; do
	start_workload hostile hostile $n || continue
	why=
	for form in "-b" "-b --json" "--dump-frame 1 --size 200x60"; do
		timeout 20 "$damontop" $form -n 1 --aggr 300ms -p "$wl_pid" >"$tmp/out" 2>"$tmp/err" </dev/null ||
			timeout 20 "$damontop" $form --aggr 300ms -p "$wl_pid" >"$tmp/out" 2>"$tmp/err" </dev/null ||
			why+="$form: exit status $?: $(head -c 200 "$tmp/err"); "
		[ -s "$tmp/out" ] || why+="$form: no output; "
		case $form in
		--dump*) sed -i 's/\x1b\[[0-9;]*m//g' "$tmp/out" ;; # its own colours
		esac
		why+=$($printable "$tmp/out" "$tmp/err")
	done
	if [ -z "$why" ]; then ok "hostile name $n"; else not_ok "hostile name $n" "$why"; fi

	python3 "$top/tests/lib/pty_run.py" --seconds 2 --keys q "$tmp/tty" env TERM=xterm-256color "$damontop" -p "$wl_pid" --aggr 300ms >"$tmp/report" 2>&1
	if grep -qx 'status 0' "$tmp/report" && $printable --terminal "$tmp/tty" >>"$tmp/report"; then
		ok "hostile name $n on the screen"
	else
		not_ok "hostile name $n on the screen" "$(cat "$tmp/report")"
	fi
	stop_workload "$wl_pid"
done

# The list of processes shows everybody's.
start_workload hostile hostile 0 && {
	python3 "$top/tests/lib/pty_run.py" --seconds 2 --keys $'\033' "$tmp/tty" env TERM=xterm-256color "$damontop" >"$tmp/report" 2>&1
	check "the list of processes" "$(cat "$tmp/report")" $printable --terminal "$tmp/tty"
	check "the list of processes ends by escape" "$(cat "$tmp/report")" grep -qx 'status 0' "$tmp/report"
	stop_workload "$wl_pid"
}
