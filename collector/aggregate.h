/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aggregate.h - one aggregation: reports in, a snapshot out.
 *
 * Holds what has to be known until the interval ends: regions, the distinct
 * pages (sources that check access bits), a sample of whole reports. Knows no
 * source, no time and no target; all of that is handed in. Collector thread
 * only; aggregate_free() frees.
 */
#ifndef COLLECTOR_AGGREGATE_H
#define COLLECTOR_AGGREGATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/attrs.h"
#include "collector/err.h"
#include "collector/mappings.h"
#include "collector/page_set.h"
#include "collector/region.h"
#include "collector/report.h"
#include "collector/report_pool.h"
#include "collector/rng.h"
#include "collector/snapshot.h"

struct aggregate {
	struct regions regions;
	struct page_set pages;
	struct report_pool pool;
	struct rng rng;
	enum heat_unit heat_unit;
	bool wss_exact;
	bool all_events;	/* see aggregate_all_events() */
	struct range limit;	/* nothing outside of it counts; end 0: everything does */
	bool limit_is_empty;	/* nothing is mapped there of which something can be known */
	uint8_t without;	/* enum mapping_perm bits: mappings of which nothing can be known, and no region is */
	bool has_guessed_pages; /* in pages: the part within the limit of a count for a whole range */
	uint64_t nr_reports;
	/* what the last check said of whole mappings */
	struct mapping_report *mappings;
	size_t nr_mappings, cap_mappings;
	uint32_t nr_mapping_checks; /* that have said so */
	/* of an earlier check, where none was made in this aggregation; window_ns 0: not told */
	uint64_t wss_bytes, wss_window_ns, wss_age_ns;
	/* scratch: batches that do not come sorted */
	struct report *sorted;
	size_t cap_sorted;
};

/* 0 or -ENOMEM. checks: reports come from checks of access bits, and count pages. */
int aggregate_init(struct aggregate *agg, bool checks, bool wss_exact, enum heat_unit heat_unit, uint64_t seed);
void aggregate_free(struct aggregate *agg);
/*
 * No event is left out by sampling: which pages had some is known, and regions are cut at them. Not for checks; before
 * the first aggregate_add().
 */
void aggregate_all_events(struct aggregate *agg);

/* Only [start, end) from the next aggregate_set_mappings() on, rounded out to pages; both 0: everything. */
void aggregate_limit(struct aggregate *agg, uint64_t start, uint64_t end);
/* The target's mappings from now on. fresh: another program; what was known of regions is void. */
int aggregate_set_mappings(struct aggregate *agg, const struct mappings *maps, const struct attrs *attrs, bool fresh);

/* A batch of reports, in any order. 0 or -ENOMEM. */
int aggregate_add(struct aggregate *agg, const struct report *v, size_t nr);
/* What a source knows of all mappings, sorted by address; the last of an aggregation counts. 0 or -ENOMEM. */
int aggregate_keep_mappings(struct aggregate *agg, const struct mapping_report *v, size_t nr);
/* There was no check, but the working set is known from an earlier one; see struct sink. */
void aggregate_keep_working_set(struct aggregate *agg, uint64_t bytes, uint64_t window_ns, uint64_t age_ns);
/* Does a mapping's use, or what is left of it, make the working set of this aggregation? */
bool aggregate_wss_is_of_mappings(const struct aggregate *agg);
/* One aging interval has passed. */
void aggregate_end_check(struct aggregate *agg);

/*
 * Ends the aggregation: a new snapshot with regions, heat, codes, access and working set; the caller fills in the rest.
 * maps is taken over as one reference. nr_samples: all samples of the interval, also those without an address
 * (HEAT_TIME). NULL: no memory.
 */
struct snapshot *aggregate_finish(struct aggregate *agg, const struct attrs *attrs, struct mappings *maps,
				  uint64_t duration_ns, uint64_t nr_samples);
/* Begins the next, with attrs in force from now on (before: those of the one that ended). */
void aggregate_begin(struct aggregate *agg, const struct attrs *before, const struct attrs *attrs);

#endif
