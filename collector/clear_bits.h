/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clear_bits.h - /proc/PID/clear_refs, and how often it may be written.
 *
 * Each clear costs the target: every page that it uses (or writes) again has
 * to be marked again by the processor or by a fault. The pace stretches the
 * time between clears so that this stays within the budget. The bits are also
 * those that reclaim and other monitors look at. Collector thread only; the
 * caller owns the struct.
 */
#ifndef COLLECTOR_CLEAR_BITS_H
#define COLLECTOR_CLEAR_BITS_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/err.h"
#include "collector/target.h"

/* What is cleared: Documentation/filesystems/proc.rst, clear_refs. */
enum clear_bits_what {
	CLEAR_BITS_ACCESSED = 1,
	CLEAR_BITS_SOFT_DIRTY = 4,
};

/* Measured on a virtual machine: what a clear of the accessed bits costs the target for each page that it uses again.
 */
#define CLEAR_BITS_REUSE_NS 390

struct clear_bits {
	const struct target *target;
	pid_t tid; /* whose file fd is */
	int fd;
	uint64_t due_ns; /* no clear before this time */
};

#define CLEAR_BITS_CLOSED ((struct clear_bits){ .fd = -1 })

/*
 * target has to outlive cr. -EACCES: not ours; -ENOENT: a kernel without it, or hidden; -ESRCH: it has ended. Opening
 * clears nothing.
 */
int clear_bits_open(struct clear_bits *cr, const struct target *target, struct err *err);
/* Closed ones are fine. */
void clear_bits_close(struct clear_bits *cr);

/*
 * Clears. Where the thread whose file was opened has ended before the others, through one that still runs. One that
 * could not be opened is tried again. -ESRCH: the target has ended; other errors as of clear_bits_open().
 */
int clear_bits_write(struct clear_bits *cr, enum clear_bits_what what, struct err *err);

/* The target has paid cost_ns for the clear of from_ns: when does the budget (1/10 000 of the time) allow the next? */
void clear_bits_paid(struct clear_bits *cr, uint64_t from_ns, uint64_t cost_ns, uint32_t budget_bp);
static inline bool clear_bits_is_due(const struct clear_bits *cr, uint64_t now_ns)
{
	return now_ns >= cr->due_ns;
}

#endif
