/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * damon_count.h - what kinds of pages the regions of our kdamond have, counted
 * by the kernel: rounds (damon_kinds.h) by filters (damon_filters.h).
 *
 * A round: the filters are armed in the files, DAMON_COMMAND_COUNT puts them in
 * force and waits for the result, then they are put to rest. The commands are
 * the caller's to send. Collector thread only; whoever opens it closes it. One
 * that is zeroed counts nothing.
 */
#ifndef COLLECTOR_DAMON_COUNT_H
#define COLLECTOR_DAMON_COUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/clock.h"
#include "collector/damon_kinds.h"

/*
 * The kernel keeps its files locked from a commit to the next sampling, three times in a round, and nobody can turn
 * DAMON off meanwhile: not with sampling intervals longer than this.
 */
#define DAMON_COUNT_MAX_SAMPLE_US 100000

struct damon_count {
	const struct damon_io *io;
	const struct clock *clock;
	const char *root;
	int kdamond_fd;	   /* the caller's */
	pid_t kdamond_pid; /* 0: not known, then wall time is what a round costs */
	struct damon_filters filters;
	struct damon_kinds kinds;
	bool resting; /* the round is over, and the filters are being put to rest */
};

/* With the filters that have been made for the kdamond, which runs. */
void damon_count_open(struct damon_count *c, const struct damon_io *io, const struct clock *clock, const char *root,
		      int kdamond_fd, const struct damon_filters *filters);
void damon_count_close(struct damon_count *c);

/* Is a round due, at this sampling interval? */
bool damon_count_is_due(const struct damon_count *c, uint64_t sample_us);
/*
 * Arms the filters for a part of these ranges: the next command is DAMON_COMMAND_COUNT. -errno: they cannot be armed,
 * and there will be no more rounds.
 */
int damon_count_begin(struct damon_count *c, const struct damon_range *ranges, size_t nr);
/*
 * Its answer has come: writes the filters at rest. The next command is DAMON_COMMAND_REST, before
 * damon_count_read(). rc other than 0 and -EBUSY: the kernel does not want it, and there will be no more rounds.
 */
void damon_count_end(struct damon_count *c, int rc);
/* Reads what the kernel has counted; nr_regions: how many regions DAMON has, about. */
void damon_count_read(struct damon_count *c, size_t nr_regions);
/* The answer to DAMON_COMMAND_REST: true where it must be sent once more. */
bool damon_count_rested(struct damon_count *c, int rc);

/* The target has called exec. */
void damon_count_forget(struct damon_count *c);

/* Says of each region (sorted) what has been counted, and in note, "" mostly before the first round, how old that is.
 */
void damon_count_fill(const struct damon_count *c, struct region_report *v, size_t nr, char *note, size_t sz_note);

#endif
