/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * region_damon.c - policy RANDOM: kernel DAMON's own rules for merging, aging
 * and splitting, on nr_accesses alone. The names after "rule:" are the
 * functions of mm/damon/core.c that each stands for.
 */
#include "collector/region_internal.h"

static uint32_t max_nr_accesses_of(const struct attrs *attrs)
{
	uint64_t max = attrs->aggregation_us / (attrs->aging_us ? attrs->aging_us : 1);

	return max ? (uint32_t)(max < UINT32_MAX ? max : UINT32_MAX) : 1;
}

static uint32_t max_nr_accesses_seen(const struct regions *rs)
{
	uint32_t max = 0;

	for (size_t i = 0; i < rs->nr; i++)
		if (rs->v[i].nr_accesses > max)
			max = rs->v[i].nr_accesses;
	return max;
}

static uint32_t distance(uint32_t a, uint32_t b)
{
	return a > b ? a - b : b - a;
}

static void age_one(struct region *r, uint32_t thres)
{
	bool zero_changed = !r->nr_accesses != !r->last_nr_accesses;

	if (zero_changed || distance(r->nr_accesses, r->last_nr_accesses) > thres)
		r->age = 0;
	else if (r->age < UINT32_MAX)
		r->age++;
}

/*
 * One walk from left to right. Rule: damon_merge_regions_of(). DAMON ages in every walk of one aggregation; so do we.
 */
static void merge_walk(struct regions *rs, uint32_t thres, uint64_t sz_limit)
{
	size_t nr = 0;

	for (size_t i = 0; i < rs->nr; i++) {
		struct region *r = &rs->v[i], *prev = nr ? &rs->v[nr - 1] : NULL;

		age_one(r, thres);
		if (prev && prev->end == r->start && distance(prev->nr_accesses, r->nr_accesses) <= thres &&
		    region_sz(prev) + region_sz(r) <= sz_limit)
			region_merge_into(prev, r);
		else
			rs->v[nr++] = *r;
	}
	rs->nr = nr;
}

/* Rule: kdamond_merge_regions(): once, then with twice the threshold while there are too many. */
static void merge(struct regions *rs, const struct attrs *attrs, uint64_t sz_limit)
{
	uint32_t max_thres = max_nr_accesses_of(attrs), thres = max_nr_accesses_seen(rs) / 10;

	do {
		merge_walk(rs, thres, sz_limit);
		thres = thres ? 2 * thres : 1;
	} while (rs->nr > attrs->max_nr_regions && thres / 2 < max_thres);
}

void regions_aggregate_damon(struct regions *rs, const struct attrs *attrs)
{
	uint64_t sz_limit = regions_sz_limit(rs, attrs->min_nr_regions);

	merge(rs, attrs, sz_limit);
	regions_apply_limit(rs, sz_limit);
	regions_even_out(rs, NULL);
}

/* Pushes r in nr_subs parts of random sizes. Rule: damon_split_regions_of(). */
static void push_split(struct regions *rs, size_t *nr, struct region r, unsigned nr_subs, struct rng *rng)
{
	struct region right[2];
	unsigned nr_right = 0;

	for (unsigned i = 1; i < nr_subs && region_sz(&r) > 2 * PAGE_BYTES; i++) {
		/* 10 ... 90 % of what is left, so that no part is too small to be seen. */
		uint64_t left = (1 + rng_below(rng, 9)) * region_sz(&r) / 10 & ~(PAGE_BYTES - 1);

		if (!left || left >= region_sz(&r))
			continue;
		right[nr_right++] = region_split_at(&r, r.start + left);
	}
	regions_push(rs, nr, &r);
	while (nr_right)
		regions_push(rs, nr, &right[--nr_right]);
}

/*
 * Rule: kdamond_split_regions(). Where the number of regions has not changed since the last split, the regions seem to
 * be stuck at borders that two parts cannot leave: three then.
 */
void regions_split_damon(struct regions *rs, const struct attrs *attrs, struct rng *rng)
{
	size_t nr_before = rs->nr, nr = 0;
	unsigned nr_subs = 2;

	if (rs->nr > attrs->max_nr_regions / 2)
		return;
	if (rs->nr == rs->last_nr_regions && rs->nr < attrs->max_nr_regions / 3)
		nr_subs = 3;
	for (size_t i = 0; i < rs->nr; i++)
		push_split(rs, &nr, rs->v[i], nr_subs, rng);
	regions_take_scratch(rs, nr);
	rs->last_nr_regions = nr_before;
}
