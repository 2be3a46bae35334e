#!/bin/sh
# timeout: 2700
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The cases of tests/vm/cases on Debian's 6.12 kernel in one boot, then those that say so ("# kernels: 6.12 6.1") on 6.1.
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

# One boot of kernel $1 with the case files that follow: "CASE|RESULT LINE". Status 77: there is no guest here.
boot_once() {
	boot_k=$1
	shift
	rm -rf "$BUILD/vm/out-$boot_k"
	"$here/guest.sh" -k "$boot_k" -o "$BUILD/vm/out-$boot_k" "$@" 2>"$BUILD/vm/err-$boot_k" >"$BUILD/vm/said-$boot_k"
	boot_status=$?
	[ $boot_status = 77 ] && return 77
	cat "$BUILD/vm/err-$boot_k" >&2
	awk '/^case / { c = $2; next } { print c "|" $0 }' "$BUILD/vm/said-$boot_k"
	judge "$BUILD/vm/out-$boot_k"
}

# The case files among those that follow which have failed, or said nothing, in the lines $1.
failed_of() {
	failed_lines=$1
	shift
	for f in "$@"; do
		c=$(basename "$f" .sh)
		echo "$failed_lines" | grep -q "^$c|" && ! echo "$failed_lines" | grep -q "^$c|not ok" || echo "$f"
	done
}

# The emulator runs on shared CPUs and can stand still for seconds, so a case that fails has a second try in a boot of its
# own. It has to hold there in all its lines, and these say "(again)"; what was wrong at first goes to stderr, thus to the log.
boot() {
	k=$1
	shift
	# shellcheck disable=SC2046
	set -- $(cases_for "$k" "$@")
	[ $# -gt 0 ] || return
	lines=$(boot_once "$k" "$@")
	if [ $? = 77 ]; then
		why=$(tail -n 1 "$BUILD/vm/err-$k")
		if [ "${CI:-}" = true ]; then lines="guest|not ok guest-$k: $why"; else lines="guest|skip guest-$k: $why"; fi
	else
		# shellcheck disable=SC2046
		set -- $(failed_of "$lines" "$@")
		if [ $# -gt 0 ]; then
			echo "$lines" | grep '|not ok ' >&2
			for f in "$@"; do
				lines=$(echo "$lines" | grep -v "^$(basename "$f" .sh)|")
			done
			lines="$(echo "$lines" | grep -v '^guest|')
$(boot_once "$k" "$@" | sed 's/|ok .*/& (again)/')"
		fi
	fi
	case $lines in *"|not ok "*) rc=1 ;; esac
	prefix=
	[ "$k" = 6.12 ] || prefix=$k-
	echo "$lines" | sed -n "s/^[^|]*|\(ok\|not ok\|skip\) /\1 $prefix/p"
}

mkdir -p "$BUILD/vm"
for k in ${VM_KERNELS:-6.12 6.1}; do
	boot "$k" "$@"
done
if [ $# = 0 ] && [ -z "${VM_KERNELS:-}" ] && [ -s "${VM_CACHE:-$BUILD/vm/cache}/vmlinuz-6.12" ]; then
	live=$(bash "$here/live.sh")
	case $live in *"not ok "*)
		echo "$live" | grep '^not ok ' >&2
		live=$(bash "$here/live.sh" | sed 's/^ok .*/& (again)/')
		;;
	esac
	echo "$live"
	case $live in *"not ok "*) rc=1 ;; esac
fi
exit $rc
