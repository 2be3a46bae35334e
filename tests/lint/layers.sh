#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The layers: collector/ knows no screen, one file knows ncurses, and every header compiles alone.
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}

found=$(grep -nE '#include +[<"](n?curses|ncursesw/|tui/)' -r collector bpf --include='*.[ch]')
[ -z "$found" ] && echo "ok collector knows no screen" || echo "not ok collector knows no screen: $found"

found=$(grep -lE '#include +[<"](n?curses|ncursesw/)' -r tui --include='*.[ch]' | grep -v '^tui/term_curses\.c$')
[ -z "$found" ] && echo "ok one file knows ncurses" || echo "not ok one file knows ncurses: $found"

for h in collector/*.h collector/*/*.h tui/*.h; do
	out=$(${CC:-cc} -std=c11 -D_GNU_SOURCE -I. -I"$BUILD/gen" -Wall -Wextra -Werror -fsyntax-only -x c "$h" 2>&1) ||
		echo "not ok header $h compiles alone: $(head -1 <<<"$out")"
done
echo "ok headers compile alone"

found=$(git ls-files '*.c' | grep -v '^tests/' | xargs grep -nE '^[[:space:]]+static +[a-z_ ]*[a-z_]+(\[[^]]*\])? *(=|;)' | grep -v const)
[ -z "$found" ] && echo "ok no state hidden in functions" || echo "not ok no state hidden in functions: $found"

found=$(git ls-files '*.[ch]' | xargs grep -L 'SPDX-License-Identifier: GPL-2.0-or-later')
[ -z "$found" ] && echo "ok SPDX lines" || echo "not ok SPDX lines:" $found
