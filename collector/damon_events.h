/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * damon_events.h - the regions of a running kdamond from its tracepoint.
 *
 * The kernel traces damon:damon_aggregated for each region at the end of each
 * aggregation. Opened as a perf event on the kdamond's thread, it tells of that
 * kdamond alone, of every aggregation, and costs no file access. A batch, that
 * is all regions of one target, is handed over when it is complete; one with
 * lost records is not. Owned by who opened it; collector thread only.
 */
#ifndef COLLECTOR_DAMON_EVENTS_H
#define COLLECTOR_DAMON_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/damon_sysfs.h"
#include "collector/err.h"

/* Where a field is in a record: as the tracepoint's format file says. */
struct damon_field {
	uint32_t offset, size; /* size 4 or 8 */
};

enum damon_field_index {
	DAMON_FIELD_TARGET_ID,
	DAMON_FIELD_NR_REGIONS,
	DAMON_FIELD_START,
	DAMON_FIELD_END,
	DAMON_FIELD_NR_ACCESSES,
	DAMON_FIELD_AGE,
	DAMON_NR_FIELDS,
};

struct damon_format {
	struct damon_field field[DAMON_NR_FIELDS];
};

/* Reads the text of a tracepoint's format file. Pure. 0, or -EBADMSG: a field is missing or has no size that we know.
 */
int damon_format_parse(struct damon_format *format, const char *text);

struct damon_events;

/* Can the tracepoint be used at all? 0, or -errno with why not. Leaves nothing behind. */
int damon_events_probe(const char *root, struct err *err);

/*
 * Listens to the kdamond of this pid (as our pid namespace has it), to its target target_id: its index among the
 * targets. There is room for some aggregations of max_nr_regions.
 */
int damon_events_open(struct damon_events **events, const char *root, pid_t kdamond_pid, uint64_t target_id,
		      uint32_t max_nr_regions, struct err *err);
/* The same on a memory file laid out like a perf event's mapping, which stays the caller's: for tests. */
int damon_events_open_file(struct damon_events **events, const struct damon_format *format, uint64_t target_id, int fd,
			   size_t nr_pages, struct err *err);
/* NULL is fine. */
void damon_events_close(struct damon_events *events);

/* Readable when records wait. */
int damon_events_fd(const struct damon_events *events);
/* The kdamond's thread has ended: the fd says so for ever. */
bool damon_events_hung_up(const struct damon_events *events);

/*
 * All regions of one aggregation, sorted, for the receiver to fill in what else it knows of them; since_ns: from the
 * end of the previous one, 0: not known.
 */
typedef void damon_events_fn(void *ctx, struct damon_regions *regions, uint64_t since_ns);

/* Hands over the aggregations that are complete. 0 or -ENOMEM. */
int damon_events_drain(struct damon_events *events, damon_events_fn *fn, void *ctx);

struct damon_events_stats {
	uint64_t nr_aggregations; /* handed over */
	uint64_t nr_incomplete;	  /* not handed over: regions of them were lost */
	uint64_t lost;		  /* records, by the kernel */
	uint64_t malformed;
};
void damon_events_stats(const struct damon_events *events, struct damon_events_stats *stats);

#endif
