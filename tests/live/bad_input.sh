#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whatever is wrong: one line on stderr that says what, why and what would help; the exit status; the terminal untouched.
# timeout: 180
. "$(dirname "$0")/../lib/lib.sh"
need "$damontop" "$workload" python3

# One line of the right form, nothing on stdout, and that status: judge_message NAME STATUS WANTED REGEX
judge_message() {
	local why=
	[ "$2" = "$3" ] || why="exit status $2, not $3; "
	[ "$(wc -l <"$tmp/err")" = 1 ] || why+="$(wc -l <"$tmp/err") lines on stderr; "
	grep -q '^damontop: .\{20,\}' "$tmp/err" || why+="no message; "
	grep -qiE -- "$4" "$tmp/err" || why+="the message lacks \"$4\"; "
	[ -s "$tmp/out" ] && why+="output on stdout; "
	why+=$(python3 "$top/tests/lib/printable.py" "$tmp/err")
	if [ -z "$why" ]; then ok "$1"; else not_ok "$1" "$why: $(head -c 200 "$tmp/err" | cat -v)"; fi
}

# refused NAME STATUS REGEX ARGUMENT...: without a terminal, and on one.
refused() {
	local name=$1 status=$2 regex=$3
	shift 3
	timeout 10 "$damontop" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	judge_message "$name" $? "$status" "$regex"
	python3 "$top/tests/lib/pty_run.py" --seconds 3 "$tmp/tty" "$damontop" "$@" >"$tmp/report" 2>&1
	tr -d '\r' <"$tmp/tty" >"$tmp/text"
	if grep -qx "status $status" "$tmp/report" && grep -qx 'termios kept' "$tmp/report" && [ "$(wc -l <"$tmp/text")" = 1 ] &&
		python3 "$top/tests/lib/printable.py" "$tmp/text" >>"$tmp/report"; then
		ok "$name, on a terminal"
	else
		not_ok "$name, on a terminal" "$(cat "$tmp/report" "$tmp/text" | cat -v)"
	fi
}

# A process id that nobody has.
free_pid() {
	local pid
	pid=$(cat /proc/sys/kernel/pid_max)
	while [ -e "/proc/$((--pid))" ]; do :; done
	echo $pid
}

a_kernel_thread() {
	local d
	for d in /proc/[0-9]*; do
		[ "$(awk '/^Kthread:/ { print $2 }' "$d/status" 2>/dev/null)" = 1 ] && { echo "${d#/proc/}"; return; }
	done
	[ "$(cat /proc/2/comm 2>/dev/null)" = kthreadd ] && echo 2
}

refused "pid absent" 1 'no process|no such process' -p "$(free_pid)"
refused "pid absent, batch" 1 'no process|no such process' -b -n 1 -p "$(free_pid)"
for pid in abc 0 -1 99999999999 12x '' ' 1' 0x10; do
	refused "pid '$pid'" 2 'process id|pid' -p "$pid"
done
kthread=$(a_kernel_thread)
if [ -n "$kthread" ]; then
	refused "kernel thread" 1 'kernel thread' -p "$kthread"
else
	echo "no kernel thread can be seen here (a container): not tried"
fi

start_workload load load && {
	if [ "$(id -u)" = 0 ]; then
		install -m 755 "$damontop" "$tmp/damontop" && chmod 755 "$tmp"
		setpriv --reuid=65534 --regid=65534 --clear-groups "$tmp/damontop" -p "$wl_pid" >"$tmp/out" 2>"$tmp/err" </dev/null
		judge_message "not ours" $? 1 'belongs|permission|permitted|not yours|another user|privilege'
	else
		refused "not ours" 1 'belongs|permission|permitted|not yours|another user|privilege' -p 1
	fi
	refused "two targets" 2 '' -p "$wl_pid" --demo

	for option in --aging --aggr --update -d; do
		for value in 5 0ms 0s -1s 999999999999h 1e999s nans '' s 5parsecs; do
			timeout 10 "$damontop" -b -n 1 "$option" "$value" -p "$wl_pid" >"$tmp/out" 2>"$tmp/err" </dev/null
			judge_message "$option '$value'" $? 2 ''
		done
	done
	refused "aging above aggregation" 2 'aging' -b --aging 2s --aggr 1s -p "$wl_pid"
	for value in 0:10 10 10:5 1:99999999999 a:b :; do
		timeout 10 "$damontop" -b -n 1 --regions "$value" -p "$wl_pid" >"$tmp/out" 2>"$tmp/err" </dev/null
		judge_message "--regions '$value'" $? 2 'region'
	done
	refused "source that is not there" 2 "source" -b --source nosuch -p "$wl_pid"

	for form in "" --json; do
		timeout 10 "$damontop" -b $form -n 1 --aggr 100ms -p "$wl_pid" 2>"$tmp/err" >/dev/full </dev/null
		rc=$?
		: >"$tmp/out"
		judge_message "stdout full $form" $rc 1 'no space|output'
		timeout 10 "$damontop" -b $form -n 1 --aggr 100ms -p "$wl_pid" 2>"$tmp/err" >&- </dev/null
		judge_message "stdout closed $form" $? 1 'output'
		{ timeout 10 "$damontop" -b $form -n 200 --aggr 10ms -p "$wl_pid" 2>"$tmp/err" </dev/null; echo $? >"$tmp/rc"; } | head -c 10 >/dev/null
		judge_message "reader gone $form" "$(cat "$tmp/rc")" 1 'output'
	done
	stop_workload "$wl_pid"
}

refused "ends before there is anything" 1 'longer -d' -b --demo --aggr 1h -d 100ms
refused "unknown option" 2 'option' --nosuch
refused "unknown overlay" 2 'overlay' --overlay nosuch --demo
refused "word too many" 2 '' nosuch
refused "command missing" 2 'command' --
refused "command that is not there" 1 'nosuch|no such file' -b -- /nosuch/program
refused "command that is no program" 1 'passwd|permission' -b -- /etc/passwd

# A theme is looked at where there is a screen; the dump of one will do.
theme() {
	timeout 10 "$damontop" --demo --dump-frame 1 --aggr 100ms --theme "$2" >"$tmp/out" 2>"$tmp/err" </dev/null
	judge_message "theme $1" $? "$3" 'theme'
}
theme "that is not there" "$tmp/nosuch.theme" 1
theme "with a name that is not there" nosuch 1
printf 'this is no theme\n' >"$tmp/bad.theme"
theme "malformed" "$tmp/bad.theme" 1
printf '\0\0\0\033]0;PWNED\007' >"$tmp/nul.theme"
theme "with NULs and escapes" "$tmp/nul.theme" 1
: >"$tmp/empty.theme"
theme "empty" "$tmp/empty.theme" 1
theme "a directory" "$tmp/" 1
mkfifo "$tmp/fifo.theme"
theme "a FIFO" "$tmp/fifo.theme" 1
theme "without an end" /dev/zero 1

# The file of settings: refused with the line, and --no-config goes without it.
mkdir -p "$XDG_CONFIG_HOME/damontop"
settings=$XDG_CONFIG_HOME/damontop/config
bad_settings() {
	refused "settings $1" 2 "settings .*$2.*--no-config" --demo
	rm -rf "$settings"
}
printf 'theme = gray\nnosuch = 1\n' >"$settings"
timeout 10 "$damontop" --demo --no-config --dump-frame 1 >"$tmp/out" 2>"$tmp/err" </dev/null
check "--no-config" "$(cat "$tmp/err")" [ -s "$tmp/out" ]
timeout 10 "$damontop" --help >"$tmp/out" 2>"$tmp/err" </dev/null
check "--help with bad settings" "$(cat "$tmp/err")" [ -s "$tmp/out" ]
bad_settings "of an unknown name" ':2: there is no setting'
printf 'aging = 5\n' >"$settings"
bad_settings "without a unit" ':1: aging'
printf 'theme = gray\0\n\033]0;PWNED\007' >"$settings"
bad_settings "with NULs and escapes" ':1: a NUL byte'
head -c 200000 /dev/zero | tr '\0' '#' >"$settings"
bad_settings "without an end" 'larger than'
mkfifo "$settings"
bad_settings "in a FIFO" 'not a regular file'
mkdir "$settings"
bad_settings "in a directory" 'not a regular file'
