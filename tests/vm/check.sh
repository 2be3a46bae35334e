#!/bin/sh
# timeout: 4800
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The cases of tests/vm/cases on Debian's 6.12 kernel, and those that say so ("# kernels: 6.12 6.1") on 6.1 too. Two guests run
# beside each other: one boot of 6.12 with the cases that are for it alone, and boots of each kernel with those for both.
# Those that rest on being on time ("# time: counted") have a boot of their own, in which time is the count of instructions:
# however busy this machine is, the guest is not late.
# VM_KERNELS="new" instead: those for 6.12, and those that say so, on the newest kernel of Debian's backports. As that one
# is another from week to week, make check leaves it out.
# Prints result lines (see guest.sh), those of another kernel than 6.12 with its name in front. Without qemu or the kernel: a visible skip,
# and under CI=true a failure. Arguments: names of cases, to run these alone.
#
# A case can leave what damontop said in /out, and lines "NAME JUDGE-ARGUMENTS" in /out/judge.list: these are judged here,
# by tests/lib/judge.py, against the truth beside it (the case's own name stands in front). Judge argument "family": by
# tests/lib/family_judge.py.
set -u

here=$(cd "$(dirname "$0")" && pwd)
BUILD=${BUILD:-$here/../../build}
rc=0

# The cases for kernel $1, of those named in the arguments that follow, or of all.
cases_for() {
	k=$1
	shift
	# Those that say "# by name only" depend on how fast the emulator is; the rest is what make check runs.
	[ $# -gt 0 ] || set -- $(cd "$here/cases" && grep -L '^# by name only' *.sh | sed 's/\.sh$//')
	for c in "$@"; do
		kernels=$(sed -n 's/^# kernels: //p' "$here/cases/$c.sh")
		case "$k ${kernels:-6.12} " in *"$k "*"$k "* | "new "*6.12\ *) echo "$here/cases/$c.sh" ;; esac
	done
}

# What the guest left in $1 to judge: "CASE|RESULT LINE" of tests/lib/judge.py.
judge() {
	[ -f "$1/judge.list" ] || return 0
	while read -r case name what file rest; do
		if [ "$what" = family ]; then
			# shellcheck disable=SC2086
			python3 "$here/../lib/family_judge.py" "$1/$file.truth" "$1/$file.json" $rest |
				sed -n "s/^\(ok\|not ok\) /$case|\1 $name: /p"
			continue
		fi
		# shellcheck disable=SC2086
		if python3 "$here/../lib/judge.py" "$what" "$1/$file.json" "$1/$file.truth" $rest >"$1/$name.log" 2>&1; then
			echo "$case|ok $name"
		else
			echo "$case|not ok $name: $(tail -n 3 "$1/$name.log" | tr '\n' ' ')"
		fi
	done <"$1/judge.list"
}

# Boot $1, of kernel $2 with the case files that follow: "CASE|RESULT LINE". Status 77: there is no guest here.
boot_once() {
	boot=$1
	boot_k=$2
	shift 2
	rm -rf "$BUILD/vm/out-$boot"
	case $boot in *-counted) export VM_ICOUNT=3 ;; *) unset VM_ICOUNT ;; esac
	"$here/guest.sh" -k "$boot_k" -o "$BUILD/vm/out-$boot" "$@" 2>"$BUILD/vm/err-$boot" >"$BUILD/vm/said-$boot"
	boot_status=$?
	[ $boot_status = 77 ] && return 77
	cat "$BUILD/vm/err-$boot" >&2
	awk '/^case / { c = $2; next } { print c "|" $0 }' "$BUILD/vm/said-$boot"
	judge "$BUILD/vm/out-$boot"
}

# Boot $1 of kernel $2 with the case files that follow: its lines go to the file $1.lines, the status to $1.status.
run_boot() {
	run_name=$1
	shift
	[ $# -gt 1 ] || return 0
	boot_once "$run_name" "$@" >"$BUILD/vm/$run_name.lines"
	echo $? >"$BUILD/vm/$run_name.status"
}

# The case files among those that follow which have failed, or said nothing, in the lines $1.
failed_of() {
	failed_lines=$1
	shift
	for f in "$@"; do
		c=$(basename "$f" .sh)
		echo "$failed_lines" | grep -q "^$c|[^#]" && ! echo "$failed_lines" | grep -q "^$c|not ok" || echo "$f"
	done
}

# What boot $1 of kernel $2 with the case files that follow came to: result lines. The emulator runs on shared CPUs and can
# stand still for seconds, so the cases that fail have a second try in a boot of their own, when no other guest runs, and
# those that fail there a third. A case has to hold in all its lines at once, and these say "(try 2)" or "(try 3)"; what
# was wrong before goes to stderr, thus to the log.
tell() {
	name=$1
	k=$2
	shift 2
	[ $# -gt 0 ] || return 0
	lines=$(cat "$BUILD/vm/$name.lines")
	if [ "$(cat "$BUILD/vm/$name.status")" = 77 ]; then
		why=$(tail -n 1 "$BUILD/vm/err-$name")
		if [ "${CI:-}" = true ]; then lines="guest|not ok guest-$k: $why"; else lines="guest|skip guest-$k: $why"; fi
	else
		for try in 2 3; do
			# shellcheck disable=SC2046
			set -- $(failed_of "$lines" "$@")
			[ $# -gt 0 ] || break
			echo "$lines" | grep '|not ok ' >&2
			for f in "$@"; do
				lines=$(echo "$lines" | grep -v "^$(basename "$f" .sh)|")
			done
			lines="$(echo "$lines" | grep -v '^guest|')
$(boot_once "$name" "$k" "$@" | sed "s/|ok .*/& (try $try)/")"
		done
	fi
	case $lines in *"|not ok "*) rc=1 ;; esac
	prefix=
	[ "$k" = 6.12 ] || prefix=$k-
	echo "$lines" | sed -n "s/^[^|]*|\(ok\|not ok\|skip\|#\) /\1 $prefix/p"
}

# Of the case files that follow those which are for 6.12 alone ($1 is "one") or for 6.1 too ("both"), or "counted".
for_kernels() {
	which=$1
	shift
	for f in "$@"; do
		if grep -q '^# time: counted' "$f"; then
			[ "$which" != counted ] || echo "$f"
			continue
		fi
		if [ "$which" = counted ]; then continue; fi
		if grep -q '^# kernels:.* 6\.1\( \|$\)' "$f"; then [ "$which" = both ]; else [ "$which" = one ]; fi && echo "$f"
	done
}

# The screen's guest. Its time is counted, too, so that a harvest of its 512 MiB takes a fraction of 100 ms.
run_live() {
	rm -f "$BUILD/vm/live.lines"
	[ -s "${VM_CACHE:-$BUILD/vm/cache}/vmlinuz-6.12" ] || return 0
	VM_ICOUNT=0 bash "$here/live.sh" >"$BUILD/vm/live.lines"
}
tell_live() {
	live=$(cat "$BUILD/vm/live.lines" 2>/dev/null)
	for try in 2 3; do
		case $live in *"not ok "*) ;; *) break ;; esac
		echo "$live" | grep '^not ok ' >&2
		run_live
		live=$(sed "s/^ok .*/& (try $try)/" "$BUILD/vm/live.lines")
	done
	echo "$live"
	case $live in *"not ok "*) rc=1 ;; esac
}

# Both kernels, each once, and the screen's guest where nothing has been chosen.
check_all() {
	all=$(cases_for 6.12 "$@")
	# shellcheck disable=SC2086
	one=$(for_kernels one $all) both=$(for_kernels both $all) counted=$(for_kernels counted $all) old=$(cases_for 6.1 "$@")
	# shellcheck disable=SC2086
	{
		"$here/guest.sh" -k 6.12 -f && "$here/guest.sh" -k 6.1 -f
		{
			run_boot 6.12-counted 6.12 $counted
			run_boot 6.12 6.12 $one
		} &
		run_boot 6.12-both 6.12 $both
		run_boot 6.1 6.1 $old
		[ $# -gt 0 ] || run_live
		wait
		tell 6.12-counted 6.12 $counted
		tell 6.12 6.12 $one
		tell 6.12-both 6.12 $both
		tell 6.1 6.1 $old
		[ $# -gt 0 ] || tell_live
	}
}

# Kernel $1, its cases one after another.
check_kernel() {
	k=$1
	shift
	cases=$(cases_for "$k" "$@")
	# shellcheck disable=SC2086
	{
		one=$(for_kernels one $cases; for_kernels both $cases) counted=$(for_kernels counted $cases)
		run_boot "$k-counted" "$k" $counted
		run_boot "$k" "$k" $one
		tell "$k-counted" "$k" $counted
		tell "$k" "$k" $one
	}
}

mkdir -p "$BUILD/vm"
if [ -n "${VM_KERNELS:-}" ]; then
	for k in $VM_KERNELS; do
		check_kernel "$k" "$@"
	done
else
	check_all "$@"
fi
exit $rc
