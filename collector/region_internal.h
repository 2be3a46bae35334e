/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * region_internal.h - what the files of region.c share: the list of regions
 * (region.c), the evidence of an aggregation (region_evidence.c), the two
 * policies (region_data.c, region_damon.c). Nobody else includes it.
 */
#ifndef COLLECTOR_REGION_INTERNAL_H
#define COLLECTOR_REGION_INTERNAL_H

#include "collector/region.h"

/*
 * The evidence of one aggregation, as the cumulative number of hits by address: points sorted by page, one at
 * every border of a region, and linear between two points.
 */
struct evidence_point {
	uint64_t page;
	double hits;	/* at addresses below this page */
	double reports; /* likewise */
};

/* So many aggregations before the present one are remembered. */
#define EVIDENCE_NR_BACK 4

/* realloc() that never returns NULL. */
void *region_realloc(void *old, size_t nr, size_t size);

static inline uint64_t region_sz(const struct region *r)
{
	return r->end - r->start;
}

static inline uint64_t region_nr_pages(const struct region *r)
{
	return region_sz(r) >> PAGE_SHIFT;
}

/* A region without any history. */
struct region region_fresh(uint64_t start, uint64_t end);

/*
 * Cuts r at address at (page aligned, inside): r becomes the left part, the right part is returned. Both inherit age,
 * nr_accesses and last_nr_accesses; hits and reports are divided by size.
 */
struct region region_split_at(struct region *r, uint64_t at);

/* Adds the right neighbour b to a: sums, and means weighted by size. */
void region_merge_into(struct region *a, const struct region *b);

/* Moves the border between two neighbours to this page. What they have counted is the caller's to renew. */
void region_move_border(struct region *a, struct region *b, uint64_t page);

/* Appends to the scratch list; regions_take_scratch() makes it the set. */
void regions_push(struct regions *rs, size_t *nr, const struct region *r);
void regions_take_scratch(struct regions *rs, size_t nr);

/* Splits every region above the limit into even parts (DAMON's damon_apply_min_nr_regions). */
void regions_apply_limit(struct regions *rs, uint64_t sz_limit);

/* ---- region_bins.c ---- */
/*
 * Lays the histograms out anew. One that has become void (nr_bins 0: its region has new borders) begins with the
 * region's hits spread evenly.
 */
void bins_prepare(struct regions *rs);
/* Counts hits of the pages [page, end_page) of the region r. */
void bins_add(struct regions *rs, const struct region *r, uint64_t page, uint64_t end_page, uint64_t nr_hits);

/* part / whole of x, without overflow. */
static inline uint64_t pro_rata(uint64_t x, uint64_t part, uint64_t whole)
{
	return (uint64_t)((unsigned __int128)x * part / whole);
}

/* ---- region_evidence.c ---- */
void evidence_free(struct evidence *ev);
/* One report, or the part of it that fell to one region. */
void evidence_add(struct regions *rs, uint64_t page, uint64_t nr_pages, uint64_t nr_hits);
/* Makes the points of the aggregation that ends. The set must not be changed between this and their use. */
void evidence_build(struct regions *rs);
/* The points, and the number of them. */
const struct evidence_point *evidence_points(const struct regions *rs, size_t *nr);
/* The index of the first point above page. */
size_t evidence_first_above(const struct evidence_point *v, size_t nr, uint64_t page);
/* Hits and reports below this page, of these points or of all. */
struct evidence_point evidence_between(const struct evidence_point *v, size_t nr, uint64_t page);
struct evidence_point evidence_at(const struct regions *rs, uint64_t page);
/* Every report of this aggregation is known one by one: evidence_window() may be asked. */
bool evidence_is_exact(const struct regions *rs);
/*
 * The points of the pages [start, end) alone, from 0 hits on, of this aggregation and nr_back (at most
 * EVIDENCE_NR_BACK) before it. Valid until the next call.
 */
const struct evidence_point *evidence_window(struct regions *rs, uint64_t start, uint64_t end, uint32_t nr_back,
					     size_t *nr);
/*
 * Hits of the pages [start, end) in this aggregation, hits[0], and in each of those before it of which every report is
 * known; returns how many these are, at most EVIDENCE_NR_BACK. Only if evidence_is_exact().
 */
uint32_t evidence_hits(const struct regions *rs, uint64_t start, uint64_t end, double hits[EVIDENCE_NR_BACK + 1]);
/* Sets nr_hits and nr_reports of every region from the points. */
void evidence_count(struct regions *rs);
/* Forgets: the next aggregation begins. */
void evidence_reset(struct regions *rs);

/* ---- steps of policy DATA ---- */
/* Cuts every region where the evidence says that its density changes (region_cut.c). Counts are the caller's to renew.
 */
void regions_cut(struct regions *rs);
/*
 * Joins neighbours that do not differ by more than chance, of any size, and further while there are more than max
 * (region_join.c).
 */
void regions_join_alike(struct regions *rs, size_t max);
/* Joins neighbours between which no border of pieces lies, up to sz_limit; and any others while more than max. */
void regions_join_within(struct regions *rs, const struct regions *pieces, uint64_t sz_limit, size_t max);
/* Moves the borders between regions that differ to where the evidence has them (region_border.c). */
void regions_place_borders(struct regions *rs);
/* Sets even_hits: of the regions of each of these pieces, or (NULL) as counted (region_even.c). */
void regions_even_out(struct regions *rs, const struct regions *pieces);

/* ---- the policies ---- */
void regions_aggregate_data(struct regions *rs, const struct attrs *attrs);
void regions_aggregate_damon(struct regions *rs, const struct attrs *attrs);
void regions_split_damon(struct regions *rs, const struct attrs *attrs, struct rng *rng);

#endif
