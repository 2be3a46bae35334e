/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pagemap.h - /proc/PID/pagemap: what the kernel's page tables say of a process.
 *
 * One question, "which pages of [start, end) are so and so", with two ways to
 * ask it: the PAGEMAP_SCAN ioctl (Linux 6.7, admin-guide/mm/pagemap.rst), which
 * answers in ranges, and reading the 64-bit entries, which every kernel has.
 * Both give the same answer; the second knows fewer categories. Opened through
 * the target's directory descriptor, never by number. One thread; the caller
 * owns the struct.
 */
#ifndef COLLECTOR_PAGEMAP_H
#define COLLECTOR_PAGEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/err.h"
#include "collector/target.h"

/*
 * Categories of a page, with the values of the kernel's PAGE_IS_* (include/uapi/linux/fs.h), which Debian 12's
 * headers do not have yet.
 */
enum pagemap_category {
	PAGEMAP_FILE = 1 << 2, /* file page or shared memory; not set: anon. Says nothing unless present or swapped. */
	PAGEMAP_PRESENT = 1 << 3,
	PAGEMAP_SWAPPED = 1 << 4,
	PAGEMAP_HUGE = 1 << 6,	     /* mapped by a PMD, or hugetlb; only where the kernel has PAGEMAP_SCAN */
	PAGEMAP_SOFT_DIRTY = 1 << 7, /* written since the last "4" to clear_refs */
};

/* The bits of an entry, for pagemap_read(). */
#define PAGEMAP_ENTRY_SOFT_DIRTY (UINT64_C(1) << 55)
#define PAGEMAP_ENTRY_FILE	 (UINT64_C(1) << 61)
#define PAGEMAP_ENTRY_SWAPPED	 (UINT64_C(1) << 62)
#define PAGEMAP_ENTRY_PRESENT	 (UINT64_C(1) << 63)

struct pagemap {
	int fd;
	uint32_t scannable; /* enum pagemap_category bits that PAGEMAP_SCAN answers here; 0: no such ioctl */
};

/* A range of pages with the same categories. The layout of the kernel's struct page_region. */
struct pagemap_range {
	uint64_t start, end; /* [start, end), bytes */
	uint64_t categories; /* those of pagemap_query.tell that hold */
};

struct pagemap_query {
	uint64_t start, end; /* page aligned */
	uint32_t all;	     /* only pages with all of these ... */
	uint32_t any;	     /* ... and with at least one of these, unless it is 0 */
	uint32_t tell;	     /* categories that the answer carries */
};

#define PAGEMAP_CLOSED ((struct pagemap){ .fd = -1 })

/*
 * Opens the target's pagemap and finds out what can be scanned. It shows the program that runs now: after exec it has
 * to be opened again. -EACCES where the process is not ours, -ENOENT without CONFIG_PROC_PAGE_MONITOR, -ESRCH after
 * its end.
 */
int pagemap_open(struct pagemap *pm, const struct target *target, struct err *err);
/* Closed ones are fine. */
void pagemap_close(struct pagemap *pm);

/* Can it tell all of these categories, by whichever way? */
bool pagemap_can_tell(const struct pagemap *pm, uint32_t categories);

/* The entries of nr pages from start on. Returns how many were read (0 beyond the last address) or -errno. */
long pagemap_read(const struct pagemap *pm, uint64_t start, uint64_t *entries, size_t nr);

/*
 * Writes the ranges that the query asks for to v, in order, at most max of them, and sets *next to where a further
 * call has to go on (query->end: that was all). Returns their number or -errno: -EOPNOTSUPP for a category that it
 * cannot tell. PAGEMAP_SCAN where that knows the categories, else the entries.
 */
long pagemap_scan(const struct pagemap *pm, const struct pagemap_query *query, struct pagemap_range *v, size_t max,
		  uint64_t *next);

#endif
