# SPDX-License-Identifier: GPL-2.0-or-later
# By how much a process that writes to 64 MiB at random gets slower while soft_dirty watches it, with the default budget: many
# kernels that benchmarks run on do not mark pages, this one does. What a fault costs is measured where it runs, so the
# budget should hold under emulation too.
bench_slowdown writes 6 soft_dirty >/tmp/out 2>&1
sed 's/^\(figure\tslowdown, writes\), /\1 in the guest, /' /tmp/out | tee /out/soft_dirty.bench
check bench-soft_dirty "$(cat /tmp/out)" grep -q '^figure' /tmp/out
