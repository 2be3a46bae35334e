# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 1500
# By how much a process that writes to 16 MiB at random gets slower while soft_dirty watches it, with the default budget: many
# kernels that benchmarks run on do not mark pages, this one does. To be run where time is the count of instructions (VM_ICOUNT, see
# guest.sh): the wall clock of an emulator is noisier than the goal. What a fault costs is measured where it runs, so the budget
# holds in that unit, too: a clear of 4096 pages is one in 9 s, and a window has five of them.
bench_slowdown few_writes 3 soft_dirty 45 >/tmp/out 2>&1
sed 's/^\(figure\tslowdown\), few_writes, /\1 in the guest, by instructions: writes to 16 MiB, /' /tmp/out | tee /out/soft_dirty.bench
check bench-soft_dirty "$(cat /tmp/out)" grep -q '^figure' /tmp/out
