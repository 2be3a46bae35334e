#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A short run of every fuzz target, from its corpus. The long one is make fuzz.
# timeout: 120
cd "$(dirname "$0")/../.." || exit 1
for source in tests/fuzz/fuzz_*.c; do
	name=${source##*/}
	[ -x "${BUILD:-build}/fuzz/tests/fuzz/${name%.c}" ] || { echo "skip fuzz: make fuzz-build has not been run"; exit 0; }
done
FUZZ_SECONDS=2 exec tests/fuzz/run.sh
