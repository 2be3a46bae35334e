#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs every test, or those whose name contains one of the arguments:
#
#	tests/run.sh [PATTERN...]
#
# Script tests (tests/golden/*.sh, tests/live/*.sh, tests/vm/check.sh ...) print lines "ok NAME", "not ok NAME: why" and
# "skip NAME: why"; what else they print goes to a log that is shown when they fail. A line "# timeout: SECONDS" in a script
# sets its limit. A script whose results rest on how fast it gets on has a line "# alone: WHY", and runs when nothing else
# does; the others one after another beside the guests of tests/vm. The unit tests (cmocka) come last, so that their
# summaries stand at the end. Lines come in the same order each time. Under CI=true a script's skip is a failure. The last
# line is "N passed, N failed, N skipped"; exit status 1 if any has failed.
#
# The machine may have other things to do, and stand still for seconds. So a script of tests/live that fails has two tries
# more, when nothing else runs: it has to hold in all its lines at once then, these say "(try 2)" or "(try 3)", and what was
# wrong before is said in a line "# NAME, try 1: not ok ...". A line "# tries: 1, WHY" in a script: none more. (The guests'
# cases have their own tries: tests/vm/check.sh.)
set -u

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1
export BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$top/$BUILD ;; esac
logs=$BUILD/tests/logs
mkdir -p "$logs"
export XDG_CONFIG_HOME=$logs/no-settings # of the developer

passed=0 failed=0 skipped=0
failures=()
patterns=("$@")

chosen() {
	[ ${#patterns[@]} -eq 0 ] && return
	for p in "${patterns[@]}"; do
		[[ $1 == *"$p"* ]] && return
	done
	return 1
}

fail() {
	failed=$((failed + 1))
	failures+=("$1")
}

# One result line of script $1.
count_line() {
	case $2 in
	"ok "*)
		passed=$((passed + 1))
		echo "ok $1 ${2#ok }"
		;;
	"not ok "*)
		fail "$1 ${2#not ok }"
		echo "not ok $1 ${2#not ok }"
		;;
	"# "*) echo "# $1 ${2#\# }" ;;
	"skip "*)
		if [ "${CI:-}" = true ]; then
			fail "$1 ${2#skip } (a skip is a failure under CI=true)"
			echo "not ok $1 ${2#skip } (skipped)"
		else
			skipped=$((skipped + 1))
			echo "skip $1 ${2#skip }"
		fi
		;;
	esac
}

name_of() {
	local name=${1#tests/}
	echo "${name%.sh}"
}
log_of() { echo "$logs/$(name_of "$1" | tr / -).log"; }
limit_of() {
	local limit
	limit=$(sed -n 's/^# timeout: \([0-9]*\)$/\1/p' "$1" | head -n 1)
	echo "${limit:-120}"
}

max_tries() {
	if [[ $1 == tests/live/* ]] && ! grep -q '^# tries: 1' "$1"; then echo 3; else echo 1; fi
}
declare -A tries # of each script that has run

child= # the script that runs

# Runs script $1, for $2 times its limit at most: all that it prints to its log, "STATUS SECONDS" beside that.
execute() {
	local log begin=$SECONDS
	log=$(log_of "$1")
	tries[$1]=$((${tries[$1]:-0} + 1))
	rm -f "$log.rc"
	timeout -k 10 $(($(limit_of "$1") * $2)) bash "$1" </dev/null >"$log" 2>&1 &
	child=$!
	wait $child
	echo "$? $((SECONDS - begin))" >"$log.rc"
	child=
}

# Script $1 has failed and may try again: says what was wrong.
may_try_again() {
	local log
	log=$(log_of "$1")
	[ "${tries[$1]}" -lt "$(max_tries "$1")" ] || return
	[ "$(cut -d' ' -f1 "$log.rc" 2>/dev/null)" = 0 ] && grep -qaE '^(ok|skip) ' "$log" && ! grep -qa '^not ok ' "$log" && return 1
	{
		grep -a '^not ok ' "$log"
		echo "status $(sed 's/ /, seconds /' "$log.rc")"
	} | sed "s|^|# $(name_of "$1"), try ${tries[$1]}: |"
	cp "$log" "${log%.log}.try${tries[$1]}.log"
}

# Counts what script $1 has said.
report() {
	local name log rc=lost seconds=0 line nr_before=$((passed + failed + skipped)) failed_before=$failed
	name=$(name_of "$1")
	log=$(log_of "$1")
	[ -s "$log.rc" ] && read -r rc seconds <"$log.rc"
	rm -f "$log.rc"
	while IFS= read -r line; do
		[[ ${tries[$1]:-1} -gt 1 && $line == "ok "* ]] && line+=" (try ${tries[$1]})"
		count_line "$name" "$line"
	done < <(grep -aE '^(ok|not ok|skip) |^# .* took [0-9]+ s$' "$log")
	if [ "$rc" = 124 ] || [ "$rc" = 137 ]; then
		count_line "$name" "not ok timeout: not done after $seconds s"
	elif [ "$rc" != 0 ] && [ $failed = $failed_before ]; then
		count_line "$name" "not ok exit: status $rc"
	elif [ $((passed + failed + skipped)) = $nr_before ]; then
		count_line "$name" "not ok result: the script has printed none"
	fi
	echo "# $name took $seconds s"
	if [ $failed != $failed_before ]; then
		echo "---- $name: the end of $log"
		tail -n 40 "$log" | cat -v
		echo "----"
	fi
}

# The figure of a line of cmocka's summary: nr_of TEXT LOG.
nr_of() {
	sed -n "s/^\[ *$1 *\] \(tests: \|[a-z_0-9]*: \|\)\([0-9]*\) test(s).*/\2/p" "$2" | awk '{ n += $1 } END { print n + 0 }'
}

run_unit() {
	local name=unit/${1##*/} log rc f
	chosen "$name" || return 0
	log=$logs/${name//\//-}.log
	timeout -k 10 120 "$1" </dev/null 2>&1 | tee "$log"
	rc=${PIPESTATUS[0]}
	passed=$((passed + $(nr_of PASSED "$log")))
	skipped=$((skipped + $(nr_of SKIPPED "$log")))
	f=$(sed -n 's/^\[  FAILED  \] \([A-Za-z_0-9]*\)$/\1/p' "$log" | sort -u)
	for t in $f; do
		fail "$name $t"
	done
	if [ "$rc" != 0 ] && [ -z "$f" ]; then
		fail "$name: exit status $rc"
		echo "not ok $name: exit status $rc"
	fi
}

alone=() beside=() guests=
for script in tests/lint/*.sh tests/golden/*.sh tests/fuzz/*.sh tests/regress/*.sh tests/live/*.sh; do
	[ -f "$script" ] && [ "${script##*/}" != run.sh ] && chosen "$(name_of "$script")" || continue
	if grep -q '^# alone: ' "$script"; then alone+=("$script"); else beside+=("$script"); fi
done
chosen vm/check && guests=tests/vm/check.sh

trap 'kill $child ${guests_pid:-} 2>/dev/null; exit 1' INT TERM HUP
if [ -n "$guests" ]; then
	(
		trap 'kill $child; exit 1' TERM
		execute "$guests" 1
	) &
	guests_pid=$!
fi
once_more=()
for script in "${beside[@]}"; do
	execute "$script" 3 # it has its share of the CPUs
	if may_try_again "$script"; then once_more+=("$script"); else report "$script"; fi
done
if [ -n "$guests" ]; then
	wait $guests_pid
	report "$guests"
fi
for script in "${once_more[@]}" "${alone[@]}"; do
	execute "$script" 2
	while may_try_again "$script"; do
		execute "$script" 2
	done
	report "$script"
done
for program in "$BUILD"/tests/unit/test_*; do
	[ -x "$program" ] && [ -f "$program" ] && [[ $program != *.[od] ]] && run_unit "$program"
done

if [ ${#failures[@]} -gt 0 ]; then
	echo
	echo "failed:"
	printf '  %s\n' "${failures[@]}"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
