#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# "make run": damontop on a bundled workload; without a terminal, a few snapshots in the batch form.
set -u

here=$(cd "$(dirname "$0")" && pwd)
BUILD=${BUILD:-$here/../../build}
"$BUILD/tests/workload/workload" "$here/demo.phases" >/dev/null &
pid=$!
trap 'kill $pid 2>/dev/null; wait $pid 2>/dev/null' EXIT
if [ -t 0 ] && [ -t 1 ]; then
	"$BUILD/damontop" -p $pid
else
	"$BUILD/damontop" -b -n 5 -p $pid
fi
