/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * damon_filters.h - DAMON's own count of what pages there are: one scheme for
 * each kind, which does nothing ("stat") but pass the pages through a filter
 * (ops_filters); tried_regions then says for each region how many bytes passed.
 *
 * The kernel looks at every page of the schemes' regions whenever it applies
 * them. So they are made at rest, with an access pattern that matches nothing,
 * and armed for one application at a time, by a commit (damon_kinds.h says
 * when). Files only; where the kernel lacks them there are no filters, which is
 * no error. Collector thread only.
 */
#ifndef COLLECTOR_DAMON_FILTERS_H
#define COLLECTOR_DAMON_FILTERS_H

#include <stdbool.h>

#include "collector/damon_sysfs.h"

/* What passes. A page is counted where the kernel can reclaim it (LRU): neither free memory nor the kernel's own. */
enum damon_filter {
	DAMON_FILTER_ANON,
	DAMON_FILTER_FILE, /* and shared memory */
	DAMON_FILTER_HUGE, /* in a block of 2 MiB at least */
	DAMON_NR_FILTERS,
};

/* From arming to application: time enough to ask for the result in between. */
#define DAMON_FILTERS_APPLY_US 200000

struct damon_filters {
	unsigned first; /* number of the first scheme of theirs */
	unsigned has;	/* bits 1 << enum damon_filter; 0: the kernel has none */
};

/*
 * Makes the schemes, behind nr_before ones that the caller fills in afterwards: all schemes are made anew by it. Those
 * of filters that the kernel does not know stay at rest for ever; without any filter there are nr_before schemes. 0 or
 * -errno: not even these.
 */
int damon_filters_make(struct damon_filters *filters, const struct damon_io *io, int kdamond_fd, unsigned nr_before);
/* For a commit: counts in this range, ... 0 or -errno. */
int damon_filters_arm(const struct damon_filters *filters, const struct damon_io *io, int kdamond_fd,
		      const struct damon_range *range);
/* ... or at rest again. */
int damon_filters_rest(const struct damon_filters *filters, const struct damon_io *io, int kdamond_fd);

/* A stretch of addresses, and how many bytes of it have passed. */
struct damon_passed {
	uint64_t start, end;
	uint64_t bytes;
};

/*
 * What the last update_schemes_tried_regions has left of one filter: at most max of them, sorted, of the last
 * application that it tells of. Their number or -errno; -EFBIG: more, -EBADMSG: not in the form that is known.
 */
long damon_filters_read(const struct damon_filters *filters, const struct damon_io *io, int kdamond_fd,
			enum damon_filter filter, struct damon_passed *v, size_t max);

#endif
