#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --dump-frame with --keys: each key finds the screen that the one before it has left.
. "$(dirname "$0")/../lib/lib.sh"
need "$damontop"

# shows NAME KEYS REGEX [OPTION...]: the demo's screen after its 100th snapshot and these keys holds this.
shows() {
	local name=$1 keys=$2 regex=$3
	shift 3
	timeout 20 "$damontop" --demo --dump-frame 100 --size 120x36 --keys "$keys" "$@" >"$tmp/screen" 2>"$tmp/err" </dev/null
	check "$name" "no \"$regex\": $(cat "$tmp/err") $(head -n 4 "$tmp/screen")" grep -qE -- "$regex" "$tmp/screen"
}

shows "a page back is more than a column" '<space><pgup>' 'at 12:00:5[0-9], 4[0-9]s back'
shows "find and zoom" '/heap<enter>z' '^ \[heap\]'
check "zoom shows nothing else" "$(cat "$tmp/screen")" test "$(grep -c 'unmapped' "$tmp/screen")" = 0
shows "zoom out again" '/heap<enter>z-' 'unmapped'
shows "the next hot place" 'n' '^ *Heat .* cell '
shows "a panel, and its second line" 'M<down>' '^ *Hot list'
shows "the end of the help" '?<end>' 'quit; .* too *│' --size 80x24
shows "its beginning again" '?<end><home>' 'What is shown' --size 80x24
timeout 20 "$damontop" --demo --dump-frame 1 --keys '<nosuch>' >"$tmp/screen" 2>"$tmp/err" </dev/null
check "a key that is not there is refused" "status $?, $(cat "$tmp/err")" grep -q 'no key <nosuch>' "$tmp/err"
