#!/bin/sh
# timeout: 2700
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The cases of tests/vm/cases on Debian's 6.12 kernel in one boot, then those that say so ("# kernels: 6.12 6.1") on 6.1.
# Prints result lines (see guest.sh), those of 6.1 with that name in front. Without qemu or the kernel: a visible skip,
# and under CI=true a failure. Arguments: names of cases, to run these alone.
#
# A case can leave what damontop said in /out, and lines "NAME JUDGE-ARGUMENTS" in /out/judge.list: these are judged here,
# by tests/lib/judge.py, against the truth beside it.
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
		case " ${kernels:-6.12} " in *" $k "*) echo "$here/cases/$c.sh" ;; esac
	done
}

# What the guest left to judge: result lines of tests/lib/judge.py.
judge() {
	[ -f "$1/judge.list" ] || return 0
	while read -r name what file rest; do
		# shellcheck disable=SC2086
		if python3 "$here/../lib/judge.py" "$what" "$1/$file.json" "$1/$file.truth" $rest >"$1/$name.log" 2>&1; then
			echo "ok $name"
		else
			echo "not ok $name: $(tail -n 3 "$1/$name.log" | tr '\n' ' ')"
		fi
	done <"$1/judge.list"
}

boot() {
	k=$1
	shift
	# shellcheck disable=SC2046
	set -- $(cases_for "$k" "$@")
	[ $# -gt 0 ] || return
	rm -rf "$BUILD/vm/out-$k"
	lines=$("$here/guest.sh" -k "$k" -o "$BUILD/vm/out-$k" "$@" 2>"$BUILD/vm/err-$k")
	status=$?
	if [ $status = 77 ]; then
		why=$(tail -n 1 "$BUILD/vm/err-$k")
		if [ "${CI:-}" = true ]; then
			lines="not ok guest-$k: $why" status=1
		else
			lines="skip guest-$k: $why" status=0
		fi
	else
		cat "$BUILD/vm/err-$k" >&2
		lines=$lines$(echo && judge "$BUILD/vm/out-$k")
		case $lines in *"not ok "*) status=1 ;; esac
	fi
	[ "$k" = 6.12 ] || lines=$(echo "$lines" | sed "s/^\(ok\|not ok\|skip\) /&$k-/")
	echo "$lines" | sed '/^$/d'
	[ $status = 0 ] || rc=1
}

mkdir -p "$BUILD/vm"
boot 6.12 "$@"
boot 6.1 "$@"
if [ $# = 0 ] && [ -s "$BUILD/vm/cache/vmlinuz-6.12" ]; then
	bash "$here/live.sh" | tee "$BUILD/vm/live.log"
	grep -q '^not ok' "$BUILD/vm/live.log" && rc=1
fi
exit $rc
