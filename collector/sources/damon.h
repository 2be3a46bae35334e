/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * damon.h - the source damon: what its two files share. damon_start.c makes a
 * kdamond of ours watch, or looks on at another program's; damon.c is the
 * source: it takes what comes, and changes what is asked for. Collector thread
 * only.
 */
#ifndef COLLECTOR_SOURCES_DAMON_H
#define COLLECTOR_SOURCES_DAMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/damon_count.h"
#include "collector/damon_events.h"
#include "collector/damon_guard.h"
#include "collector/damon_pace.h"
#include "collector/damon_sysfs.h"
#include "collector/damon_zones.h"
#include "collector/source.h"

enum damon_way {
	DAMON_WAY_EVENTS,
	DAMON_WAY_TRIED,
	DAMON_NR_WAYS,
};

struct damon {
	struct source source;
	const struct damon_io *io;
	const char *root;
	const struct clock *clock;
	const struct target *target; /* NULL: physical memory */
	pid_t pid;		     /* 0: physical memory */
	struct mappings *zones;	     /* physical memory by node and zone, and the same as ranges: */
	struct damon_zone zone[DAMON_MAX_RANGES];
	size_t nr_zones;
	struct damon_range range; /* watched alone (fvaddr), or empty: vaddr */
	struct attrs attrs;	  /* in force */
	/* Written, and in force with the answer to the last commit. */
	struct attrs pending;
	struct damon_range pending_range;
	unsigned nr_commits; /* under way */
	unsigned nr_untold;  /* aggregations since the kernel was asked what it has tuned the intervals to */
	int kdamonds_fd, epoll_fd;
	struct damon_guard guard; /* closed: the kdamond is another program's */
	int other_fd;		  /* that kdamond, or -1 */
	pid_t other_pid;
	enum damon_way way;
	struct damon_events *events; /* NULL: the way is DAMON_WAY_TRIED */
	struct damon_regions tried;
	struct damon_regions cut;		     /* physical memory: the last ones, cut at the borders of zones */
	struct damon_pace pace;			     /* of the commands for them */
	struct damon_count count;		     /* of kinds of page, where nobody else can tell them */
	struct damon_range ranges[DAMON_MAX_RANGES]; /* where the regions were last */
	size_t nr_ranges;
	struct sink *sink; /* of the drain that is under way */
	uint64_t last_ns;  /* an aggregation was seen, or the kdamond looked at */
	struct source_stats stats;
};

/* Sends a command to the kernel, by the guard's worker. 0 or -EPIPE. */
int damon_command(struct damon *d, enum damon_command command, struct err *err);
/* Asks for the regions now, or when the timer says so. first: the kdamond has just begun. */
int damon_ask_for_regions(struct damon *d, bool first, struct err *err);

/*
 * Fills in what is NULL or -1 of d: a kdamond of ours that watches by the way that is wanted (an event's name, NULL: by
 * any), or another program's that watches our target already. What has been opened halfway is the caller's to close.
 */
int damon_start(struct damon *d, const char *wanted, struct err *err);

#endif
