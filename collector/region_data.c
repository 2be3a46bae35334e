/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * region_data.c - policy DATA: regions follow the reports.
 *
 * First, as if there were no limit of size, the covered memory is divided into
 * pieces of one density each: regions are cut where they differ inside, alike
 * ones are joined, borders are placed. A border between two pieces is one that the reports
 * show. Then the regions are fitted to the pieces: cut at their borders, joined
 * within them as far as the limit of size allows. So the regions keep their own
 * ages and stay where they are, and yet a border is judged by all the reports
 * on both sides of it, and the heat of a region by all those of its piece.
 * docs/regions.md has the reasons for every constant.
 */
#include <stdlib.h>
#include <string.h>

#include "collector/region_internal.h"
#include "collector/region_likelihood.h"

/* The pattern of a region has changed only if chance explains it this badly (5 in 10 000). */
#define PENALTY_AGE 6.0
/* Two regions of one piece are made even where the limit keeps them apart and one is below this share of both. */
#define MIN_SHARE 0.25

/* ---- aging ------------------------------------------------------------------------------------- */

/* DAMON's threshold is a tenth of the largest; that of a count without a maximum is a tenth of the larger of the two.
 */
static double age_threshold(const struct regions *rs, double a, double b)
{
	return rs->count == REGION_COUNT_CHECKS ? 0.1 : fmax(a, b) / 10;
}

static bool pattern_changed(const struct regions *rs, const struct model *m, const struct region *r)
{
	double pages = (double)region_nr_pages(r), chances = m->chances > 0 ? m->chances : 1;
	struct amount now = amount_of(r), before = { r->last_density * pages * chances, pages };
	double density = now.hits / (pages * chances);

	if (fabs(density - r->last_density) <= age_threshold(rs, density, r->last_density))
		return false;
	return log_likelihood_ratio(m, now, before) > PENALTY_AGE;
}

static void grow_older(struct regions *rs)
{
	for (size_t i = 0; i < rs->nr; i++)
		if (rs->v[i].last_density >= 0 && rs->v[i].age < UINT32_MAX)
			rs->v[i].age++;
}

static void start_anew_where_changed(struct regions *rs)
{
	struct model m = model_of(rs);

	for (size_t i = 0; i < rs->nr; i++)
		if (rs->v[i].last_density >= 0 && pattern_changed(rs, &m, &rs->v[i]))
			rs->v[i].age = 0;
}

/* ---- pieces ------------------------------------------------------------------------------------ */

/* A copy of the regions to find the pieces with; it shares the evidence. */
static struct regions copy_of(const struct regions *rs)
{
	struct regions copy = { .count = rs->count, .nr_checks = rs->nr_checks, .evidence = rs->evidence };

	copy.v = region_realloc(NULL, rs->nr, sizeof(*copy.v));
	copy.nr = copy.cap = rs->nr;
	if (rs->nr)
		memcpy(copy.v, rs->v, rs->nr * sizeof(*copy.v));
	return copy;
}

static void free_copy(struct regions *copy)
{
	free(copy->v);
	free(copy->scratch);
}

/*
 * Cuts first and joins then: one cut through a long piece would not see a cold gap between two hot halves, but one
 * through a region, which the limit keeps small, does.
 */
static void find_pieces(struct regions *pieces, size_t max)
{
	regions_cut(pieces);
	evidence_count(pieces);
	regions_join_alike(pieces, max);
	regions_place_borders(pieces);
}

/* Cuts the regions at the borders of the pieces. */
static void cut_at_pieces(struct regions *rs, const struct regions *pieces)
{
	size_t nr = 0, k = 0;

	for (size_t i = 0; i < rs->nr; i++) {
		struct region r = rs->v[i];

		for (; k < pieces->nr && pieces->v[k].start < r.end; k++) {
			struct region right;

			if (pieces->v[k].start <= r.start)
				continue;
			right = region_split_at(&r, pieces->v[k].start);
			regions_push(rs, &nr, &r);
			r = right;
		}
		regions_push(rs, &nr, &r);
	}
	regions_take_scratch(rs, nr);
}

static void make_even(struct region *a, struct region *b)
{
	uint64_t pages_a = region_nr_pages(a), pages_b = region_nr_pages(b), pages = pages_a + pages_b;

	if ((double)(pages_a < pages_b ? pages_a : pages_b) < MIN_SHARE * (double)pages)
		region_move_border(a, b, (a->start >> PAGE_SHIFT) + pages / 2);
}

/* A sliver that its like neighbour has no room for would show the chance of its few reports as heat of its own. */
static void make_slivers_even(struct regions *rs, const struct regions *pieces)
{
	size_t k = 0;

	for (size_t i = 0; i + 1 < rs->nr; i++) {
		struct region *a = &rs->v[i], *b = &rs->v[i + 1];

		while (k < pieces->nr && pieces->v[k].start < b->start)
			k++;
		if (a->end == b->start && (k == pieces->nr || pieces->v[k].start != b->start))
			make_even(a, b);
	}
}

/* ---- the whole --------------------------------------------------------------------------------- */

static void set_nr_accesses(struct regions *rs)
{
	for (size_t i = 0; i < rs->nr; i++) {
		struct region *r = &rs->v[i];
		uint64_t pages = region_nr_pages(r);

		r->nr_accesses = r->nr_reports;
		if (rs->count == REGION_COUNT_CHECKS)
			r->nr_accesses = (uint32_t)((r->nr_hits + pages / 2) / pages);
	}
}

void regions_aggregate_data(struct regions *rs, const struct attrs *attrs)
{
	uint64_t sz_limit = regions_sz_limit(rs, attrs->min_nr_regions);
	struct regions pieces;

	/* The ranges may have changed since the last report. */
	if (!rs->bins_ready)
		bins_prepare(rs);
	evidence_build(rs);
	regions_apply_limit(rs, sz_limit);
	grow_older(rs);
	pieces = copy_of(rs);
	find_pieces(&pieces, attrs->max_nr_regions);
	cut_at_pieces(rs, &pieces);
	evidence_count(rs);
	start_anew_where_changed(rs);
	regions_join_within(rs, &pieces, sz_limit, attrs->max_nr_regions);
	make_slivers_even(rs, &pieces);
	evidence_count(rs);
	set_nr_accesses(rs);
	regions_even_out(rs, &pieces);
	free_copy(&pieces);
}
