/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * region.h - adaptive regions: a bounded number of ranges that cover a target
 * of any size, finer where accesses differ.
 *
 * The words and the baseline rules are kernel DAMON's (Documentation/mm/damon/
 * design.rst, "Adaptive Regions Adjustment" and "Age Tracking"). On top of it
 * regions are cut and joined where the reports say so: a region is cut at the
 * position with the largest log-likelihood ratio, and joined with a neighbour
 * from which it does not differ by more than chance. The evidence is the list
 * of the aggregation's reports while they are few, and a small histogram over
 * each region where they are many. docs/regions.md has the reasons.
 *
 * All pure: no I/O, no time, random numbers passed in. One thread, the owner's
 * (the collector's). regions_free() frees; the array v is valid until the next
 * call that changes the set.
 *
 * The course of an aggregation:
 *
 *	regions_add(...)            any number of times, a batch of reports each
 *	regions_end_check(...)      once an aging interval: a check has been made
 *	regions_aggregate(...)      age, cut, merge: v now is the result
 *	  ... the snapshot is taken from v ...
 *	regions_begin(...)          counts to 0, ready for the next
 */
#ifndef COLLECTOR_REGION_H
#define COLLECTOR_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/attrs.h"
#include "collector/mappings.h"
#include "collector/report.h"
#include "collector/rng.h"

/* What one report counts, and so which statistics apply. */
enum region_count {
	REGION_COUNT_EVENTS, /* report.count accesses; Poisson */
	REGION_COUNT_CHECKS, /* report.count pages found accessed in one check of every page; binomial */
};

struct range {
	uint64_t start, end; /* [start, end), page aligned */
};

struct region {
	uint64_t start, end; /* [start, end), page aligned */
	/*
	 * nr_accesses as DAMON has it: of the checks of this aggregation, how many found it accessed
	 * (checks: the mean over its pages, rounded; events: the number of reports).
	 */
	uint32_t nr_accesses;
	uint32_t last_nr_accesses; /* of the previous aggregation */
	uint32_t age;		   /* aggregations for which the access pattern has stayed the same */
	uint32_t nr_idle;	   /* aggregations up to this one without a hit; 0: it has some. See region_age() */
	uint32_t nr_reports;	   /* reports that it rests on in this aggregation */
	uint64_t nr_hits;	   /* events: sum of report.count; checks: page hits */
	/*
	 * nr_hits without most of what is but chance: drawn towards the mean of the neighbours from which no border
	 * shows it to differ, the less the more these differ by more than chance. Sums stay. What heat is made of.
	 */
	double even_hits;
	double last_density;   /* hits a page (and check) of the previous aggregation; < 0: there was none */
	uint64_t last_nr_hits; /* those of the previous aggregation, as far as they fell to this range */
	bool hit_in_check;     /* this check has found it accessed; makes DAMON's nr_accesses */
	/* private: where its histogram is in bins, nr_bins parts of bin_pages pages; region_bins.c */
	uint32_t bin_first, nr_bins;
	uint64_t bin_pages, bin_recip;
};

struct evidence;

struct regions {
	struct region *v; /* sorted by address, not overlapping */
	size_t nr;
	uint32_t nr_checks;  /* in this aggregation */
	uint64_t nr_outside; /* hits of this aggregation that fell outside every region */
	enum region_count count;
	/* the rest is private to region.c */
	size_t cap;
	struct region *scratch;
	size_t scratch_cap;
	struct range *ranges;
	size_t nr_ranges;
	size_t last_nr_regions;	   /* before the previous random split, per set and not per program */
	uint32_t *bins;		   /* histograms of all regions, one after another */
	bool bins_ready;	   /* they fit the regions */
	struct evidence *evidence; /* the aggregation's reports; region_evidence.c */
};

/* Memory is taken as needed; without it the program ends by abort(), which restores the terminal. */
void regions_init(struct regions *rs, enum region_count count);
void regions_free(struct regions *rs);

/*
 * The ranges to cover: runs of mappings, adjacent ones joined, mappings without any permission and
 * those of the kernel's half ([vsyscall]) left out; while there are more than max, the two with the smallest gap
 * between them are joined. Writes at most max ranges and returns their number.
 */
size_t ranges_of_mappings(const struct mappings *maps, struct range *v, size_t max);
/*
 * The same, and nothing outside of [limit->start, limit->end), page aligned, nor mappings with any of these bits
 * (enum mapping_perm).
 */
size_t ranges_of_mappings_within(const struct mappings *maps, const struct range *limit, uint8_t without,
				 struct range *v, size_t max);

/*
 * Covers exactly these ranges (sorted, not overlapping) from now on. Regions that touch none are dropped,
 * the first and last of a range are stretched or shrunk to it, holes are filled with new regions
 * (DAMON's damon_set_regions). Afterwards no region is larger than the limit that min_nr_regions sets.
 * Best called between two aggregations; within one, counts of what is no longer covered are lost.
 */
void regions_set_ranges(struct regions *rs, const struct range *v, size_t nr, const struct attrs *attrs);

/*
 * Counts a batch of reports, sorted by start. One sweep over both. A report that spans regions is divided
 * among them by pages.
 */
void regions_add(struct regions *rs, const struct report *v, size_t nr);

/* One check of everything has been made (access bits), or one drain (events; matters to REGION_POLICY_RANDOM). */
void regions_end_check(struct regions *rs);

/* Ends the aggregation: splits (policy DATA), ages and merges, in attrs' limits. */
void regions_aggregate(struct regions *rs, const struct attrs *attrs);

/*
 * The age that is shown, in aggregations: for how long its heat has been about the same; of a region without a hit no
 * longer than since the last one. (To a sampled source none after few may be chance, which its age does not go by; yet
 * a region is not called cold for longer than nothing was seen there.)
 */
uint32_t region_age(const struct region *region);

/* Starts the next aggregation: counts become the last counts; policy RANDOM splits here, with rng. */
void regions_begin(struct regions *rs, const struct attrs *attrs, struct rng *rng);

/* The intervals have changed: ages stay the same time, counts of the last aggregation are scaled
 * (damon_update_monitoring_results). */
void regions_rescale(struct regions *rs, const struct attrs *from, const struct attrs *to);

/* The largest size of a region: the sum of all sizes over min_nr_regions, rounded up to pages. */
uint64_t regions_sz_limit(const struct regions *rs, uint32_t min_nr_regions);

#endif
