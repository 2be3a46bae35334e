/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * damon_kinds.h - when which addresses are to be counted by DAMON's filters,
 * and what has come of it.
 *
 * The kernel looks at every page of what is counted, on the kdamond's thread,
 * which samples nothing meanwhile. So it is counted in rounds: each a window of
 * addresses that takes about DAMON_KINDS_ROUND_NS of CPU time as the rounds
 * before it tell, and after it a rest a hundred times as long. Thus a machine of
 * any size costs at most 1 % of a CPU, and what is known of it is older the
 * larger it is. Results are kept by address, and shared out to whatever regions
 * there are later.
 *
 * Pure: time and CPU time are passed in. Collector thread only;
 * damon_kinds_free() at the end.
 */
#ifndef COLLECTOR_DAMON_KINDS_H
#define COLLECTOR_DAMON_KINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/damon_filters.h"
#include "collector/report.h"

#define DAMON_KINDS_ROUND_NS  UINT64_C(50000000)
#define DAMON_KINDS_MAX_SHARE 100 /* rest for a round of CPU time 1, at least */
/* From the beginning of a round to the next, at least, and from that of a pass over all addresses. */
#define DAMON_KINDS_MIN_GAP_NS	UINT64_C(1000000000)
#define DAMON_KINDS_MIN_PASS_NS UINT64_C(10000000000)

/* A moment, and how much CPU time the kdamond has used by then. */
struct damon_moment {
	uint64_t now_ns, cpu_ns;
};

/* What a round has found of one kind. */
struct damon_piece {
	uint64_t start, end;
	uint64_t bytes;
	uint64_t counted_ns; /* when */
};

struct damon_pieces {
	struct damon_piece *v; /* sorted, none overlapping another */
	size_t nr;
};

struct damon_kinds {
	unsigned has; /* bits 1 << enum damon_filter: which are counted; 0: nothing ever is */
	struct damon_pieces pieces[DAMON_NR_FILTERS];
	struct damon_range window; /* of the round under way; end 0: none */
	uint64_t next;		   /* where the next window begins */
	uint64_t sz_window;
	bool ends_pass; /* this window is the last one */
	bool is_void;	/* what it finds is of before damon_kinds_forget() */
	uint64_t due_ns, pass_ns;
	struct damon_moment idle, begin; /* the end of the last round; the beginning of this one */
};

void damon_kinds_init(struct damon_kinds *k, unsigned has, struct damon_moment now);
void damon_kinds_free(struct damon_kinds *k);

/* Is a round due? Not while one is under way. */
bool damon_kinds_is_due(const struct damon_kinds *k, uint64_t now_ns);
/*
 * Begins one, over a part of these ranges (sorted, at least one): *window. It does not reach from one range to another
 * that touches it.
 */
void damon_kinds_begin(struct damon_kinds *k, const struct damon_range *ranges, size_t nr, struct damon_moment now,
		       struct damon_range *window);
/* What it has found of one kind; takes the place of what was known of the window. 0 or -ENOMEM: nothing is changed. */
int damon_kinds_put(struct damon_kinds *k, enum damon_filter filter, const struct damon_passed *v, size_t nr,
		    uint64_t now_ns);
/*
 * Ends it. own_ns: CPU time of ours that it has taken beside the kdamond's. done: it has found something out; otherwise
 * the same window comes again.
 */
void damon_kinds_end(struct damon_kinds *k, struct damon_moment now, uint64_t own_ns, bool done);

/* Another program runs: nothing is known any more, and a new pass is due. A round that is under way is of no use. */
void damon_kinds_forget(struct damon_kinds *k, uint64_t now_ns);

/* How much is known. */
struct damon_kinds_known {
	uint64_t bytes, known_bytes; /* of all regions, and of those that are counted whole */
	uint64_t oldest_ns;	     /* when the oldest of that was counted; meaningless while known_bytes is 0 */
};

/*
 * Says of each region (sorted) what is known: of one that has been counted whole, each piece's bytes spread evenly over
 * it.
 */
void damon_kinds_fill(const struct damon_kinds *k, struct region_report *v, size_t nr, struct damon_kinds_known *known);

#endif
