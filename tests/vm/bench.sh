#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The benchmarks that need a kernel of their own, in the guest. Figures on stdout, then result lines.
here=$(cd "$(dirname "$0")" && pwd)
BUILD=${BUILD:-$here/../../build}
"$here/guest.sh" -o "$BUILD/vm/bench" "$here"/bench/*.sh >"$BUILD/vm/bench.lines"
rc=$?
cat "$BUILD"/vm/bench/*.bench "$BUILD/vm/bench.lines"
exit $rc
