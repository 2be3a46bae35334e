#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Kernel DAMON, our harvest sources and clock beside each other on the same workloads, in a guest with Debian's kernel: prints the
# table of docs/comparison.md. RUNS=3 boots three times, about five minutes each; -w writes the table into that file.
set -u

top=$(cd "$(dirname "$0")/../.." && pwd)
export BUILD=${BUILD:-$top/build}
out=$BUILD/vm/compare
doc=$top/docs/comparison.md
runs=${RUNS:-1}

guest=$(mktemp)
trap 'rm -f "$guest"' EXIT
rm -rf "$out"
load="$(cut -d' ' -f1 /proc/loadavg)"
for ((i = 1; i <= runs; i++)); do
	"$top/tests/vm/guest.sh" -o "$out/$i" "$top"/tests/vm/compare/*.sh >"$guest" || { grep -v '^ok' "$guest"; exit 1; }
	load+=", $(cut -d' ' -f1 /proc/loadavg)"
done

kernel=$(sed -n 's/.*"kernel":"\([^"]*\)".*/\1/p' "$out"/1/*.cost | head -n 1)
cat >"$out/table.md" <<EOF
Measured $(date +%F): Linux $kernel in $(qemu-system-x86_64 --version | sed -n '1s/.*version \([0-9.]*\).*/qemu \1/p') (TCG, no KVM), 2 CPUs, on a machine with $(nproc) CPUs
($(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)), whose load was $load before and after each run. Runs: $runs; of several the
median, and the lowest and highest.

$(python3 "$top/tests/bench/compare.py" "$out"/[0-9]*) 
EOF
sed -i 's/ *$//' "$out/table.md"
cat "$out/table.md"
[ "${1:-}" = -w ] || exit 0
sed -i -e "/^<!-- table -->/,/^<!-- end of table -->/{/^<!-- table -->/{p;r $out/table.md
};/^<!-- end of table -->/!d}" "$doc"
