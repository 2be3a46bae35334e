/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * region_even.c - policy DATA: what of the differences between the regions of
 * one piece is chance, and the hits without it.
 *
 * The limit of size divides a piece where nothing differs. Each part has few
 * reports of its own, so one of a hot piece may by chance look no hotter than
 * one of a cold piece next to it. All of the piece's reports together say how
 * hot each part is, as far as they do not contradict it (Stein's shrinkage).
 */
#include "collector/region_internal.h"
#include "collector/region_likelihood.h"

/*
 * How much of the difference that chance alone makes on average is taken for chance. With all of it, a difference that
 * is real but not yet certain would be hidden more often than one of chance is shown.
 */
#define SHARE_OF_CHANCE 0.5
/* Of the difference this much always stays: which region has the most, for its size, is no worse a guess than none. */
#define MIN_KEPT 0.1

/* How much the regions [first, last) keep of what they differ by: MIN_KEPT to 1, all of it. Only those with reports are
 * looked at.
 */
static double share_kept(const struct model *m, const struct region *first, const struct region *last,
			 struct amount *sum)
{
	double twice_ratio = 0, by_chance = -SHARE_OF_CHANCE;

	for (const struct region *r = first; r < last; r++) {
		if (!r->nr_hits)
			continue;
		*sum = both(*sum, amount_of(r));
		twice_ratio += 2 * log_likelihood(m, amount_of(r));
		by_chance += SHARE_OF_CHANCE;
	}
	if (by_chance <= 0)
		return 1;
	twice_ratio -= 2 * log_likelihood(m, *sum);
	return twice_ratio > by_chance / (1 - MIN_KEPT) ? 1 - by_chance / twice_ratio : MIN_KEPT;
}

/* A region without any report stays without: that nothing was seen there is shown as it is. */
static void even_out(const struct model *m, struct region *first, struct region *last)
{
	struct amount sum = { 0 };
	double kept = share_kept(m, first, last, &sum);

	for (struct region *r = first; kept < 1 && r < last; r++) {
		double mean = sum.hits * (double)region_nr_pages(r) / sum.pages;

		if (r->nr_hits)
			r->even_hits = mean + kept * ((double)r->nr_hits - mean);
	}
}

void regions_even_out(struct regions *rs, const struct regions *pieces)
{
	struct model m = model_of(rs);
	size_t i = 0;

	for (size_t k = 0; k < rs->nr; k++)
		rs->v[k].even_hits = (double)rs->v[k].nr_hits;
	/* Checks look at every page: what they differ by is no chance. */
	if (!pieces || rs->count == REGION_COUNT_CHECKS)
		return;
	for (size_t k = 0; k < pieces->nr; k++) {
		size_t first;

		while (i < rs->nr && rs->v[i].start < pieces->v[k].start)
			i++;
		for (first = i; i < rs->nr && rs->v[i].end <= pieces->v[k].end;)
			i++;
		even_out(&m, &rs->v[first], &rs->v[i]);
	}
}
