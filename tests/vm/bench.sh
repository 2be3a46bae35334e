#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The benchmarks that need a kernel of their own, in the guest, those by instruction counts in a boot of their own. Figures
# on stdout, then result lines.
here=$(cd "$(dirname "$0")" && pwd)
BUILD=${BUILD:-$here/../../build}
"$here/guest.sh" -o "$BUILD/vm/bench" "$here"/bench/harvest.sh >"$BUILD/vm/bench.lines"
rc=$?
VM_ICOUNT=3 "$here/guest.sh" -o "$BUILD/vm/bench" "$here"/bench/soft_dirty.sh >>"$BUILD/vm/bench.lines" || rc=$?
cat "$BUILD"/vm/bench/*.bench "$BUILD/vm/bench.lines"
exit $rc
