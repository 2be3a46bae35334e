#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every option of --help is in the man page, and the other way round.
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
options() { grep -oE -- '--[a-z][a-z-]+' | sort -u; }
missing=$(comm -3 <("$BUILD/damontop" --help | grep -E '^ +(-|  *--)' | options) \
	<(sed 's/\\-/-/g; s/\\f.//g' docs/damontop.1 | grep -E '^\.BR? .*--[a-z]' | options))
[ -z "$missing" ] && echo "ok man page has the options of --help" ||
	echo "not ok man page has the options of --help: differing:" $missing
