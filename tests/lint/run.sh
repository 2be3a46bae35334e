#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# make lint: layers, cppcheck, format. Prints what is wrong; exit status 1 if anything is.
set -u
cd "$(dirname "$0")/../.." || exit 1
status=0
tests/lint/layers.sh | grep '^not ok' && status=1
mapfile -t files < <(git ls-files 'collector/*.c' 'tui/*.c')
cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	--suppress=missingIncludeSystem --suppress=unknownMacro --suppress=identicalInnerCondition -D_GNU_SOURCE -I. "${files[@]}" || status=1
mapfile -t files < <(git ls-files '*.[ch]')
clang-format --dry-run -Werror "${files[@]}" 2>&1 | grep -m 20 'error:' && status=1
[ $status = 0 ] && echo "lint: nothing found"
exit $status
