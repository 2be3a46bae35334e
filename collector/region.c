/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * region.c - the set of regions: what it covers, and how reports are counted.
 * What is common to both policies; see region_data.c and region_damon.c.
 */
#include "collector/region.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "collector/region_internal.h"

void *region_realloc(void *old, size_t nr, size_t size)
{
	void *p = reallocarray(old, nr ? nr : 1, size);

	if (!p)
		abort();
	return p;
}

/* ---- one region -------------------------------------------------------------------------------- */

struct region region_fresh(uint64_t start, uint64_t end)
{
	return (struct region){ .start = start, .end = end, .last_density = -1 };
}

struct region region_split_at(struct region *r, uint64_t at)
{
	struct region right = *r;
	uint64_t sz = region_sz(r), left_sz = at - r->start;

	assert(at > r->start && at < r->end && at % PAGE_BYTES == 0);
	right.start = at;
	r->end = at;
	r->nr_hits = pro_rata(r->nr_hits, left_sz, sz);
	right.nr_hits -= r->nr_hits;
	r->nr_reports = (uint32_t)pro_rata(r->nr_reports, left_sz, sz);
	right.nr_reports -= r->nr_reports;
	r->last_nr_hits = pro_rata(r->last_nr_hits, left_sz, sz);
	right.last_nr_hits -= r->last_nr_hits;
	r->nr_bins = right.nr_bins = 0;
	return right;
}

static uint32_t mean_by_size(uint32_t a, uint64_t sz_a, uint32_t b, uint64_t sz_b)
{
	return (uint32_t)(((unsigned __int128)a * sz_a + (unsigned __int128)b * sz_b) / (sz_a + sz_b));
}

static double mean_density(const struct region *a, const struct region *b)
{
	double sz_a = (double)region_sz(a), sz_b = (double)region_sz(b);

	if (a->last_density < 0 || b->last_density < 0)
		return a->last_density < 0 ? b->last_density : a->last_density;
	return (a->last_density * sz_a + b->last_density * sz_b) / (sz_a + sz_b);
}

void region_merge_into(struct region *a, const struct region *b)
{
	uint64_t sz_a = region_sz(a), sz_b = region_sz(b);

	assert(a->end == b->start);
	a->last_density = mean_density(a, b);
	a->nr_accesses = mean_by_size(a->nr_accesses, sz_a, b->nr_accesses, sz_b);
	a->age = mean_by_size(a->age, sz_a, b->age, sz_b);
	a->nr_idle = mean_by_size(a->nr_idle, sz_a, b->nr_idle, sz_b);
	a->nr_reports += b->nr_reports;
	a->nr_hits += b->nr_hits;
	a->last_nr_hits += b->last_nr_hits;
	a->hit_in_check |= b->hit_in_check;
	a->end = b->end;
	a->nr_bins = 0;
}

void region_move_border(struct region *a, struct region *b, uint64_t page)
{
	a->end = b->start = page << PAGE_SHIFT;
	a->nr_bins = b->nr_bins = 0;
}

/* ---- the list ---------------------------------------------------------------------------------- */

void regions_init(struct regions *rs, enum region_count count)
{
	*rs = (struct regions){ .count = count };
}

void regions_free(struct regions *rs)
{
	free(rs->v);
	free(rs->scratch);
	free(rs->ranges);
	free(rs->bins);
	evidence_free(rs->evidence);
	*rs = (struct regions){ .count = rs->count };
}

void regions_push(struct regions *rs, size_t *nr, const struct region *r)
{
	if (*nr == rs->scratch_cap) {
		rs->scratch_cap = rs->scratch_cap ? rs->scratch_cap * 2 : 64;
		rs->scratch = region_realloc(rs->scratch, rs->scratch_cap, sizeof(*rs->scratch));
	}
	rs->scratch[(*nr)++] = *r;
}

void regions_take_scratch(struct regions *rs, size_t nr)
{
	struct region *v = rs->v;
	size_t cap = rs->cap;

	rs->v = rs->scratch;
	rs->cap = rs->scratch_cap;
	rs->nr = nr;
	rs->scratch = v;
	rs->scratch_cap = cap;
}

uint64_t regions_sz_limit(const struct regions *rs, uint32_t min_nr_regions)
{
	uint64_t sum = 0, limit;

	for (size_t i = 0; i < rs->nr; i++)
		sum += region_sz(&rs->v[i]);
	limit = sum / (min_nr_regions ? min_nr_regions : 1);
	limit = (limit + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	return limit < PAGE_BYTES ? PAGE_BYTES : limit;
}

static bool any_above(const struct regions *rs, uint64_t sz)
{
	for (size_t i = 0; i < rs->nr; i++)
		if (region_sz(&rs->v[i]) > sz)
			return true;
	return false;
}

/* Pushes r in even parts of at most sz_limit. */
static void push_in_parts(struct regions *rs, size_t *nr, struct region r, uint64_t sz_limit)
{
	uint64_t parts = (region_sz(&r) + sz_limit - 1) / sz_limit;

	for (; parts > 1; parts--) {
		uint64_t pages = region_nr_pages(&r) / parts;
		struct region right = region_split_at(&r, r.start + (pages << PAGE_SHIFT));

		regions_push(rs, nr, &r);
		r = right;
	}
	regions_push(rs, nr, &r);
}

void regions_apply_limit(struct regions *rs, uint64_t sz_limit)
{
	size_t nr = 0;

	if (!any_above(rs, sz_limit))
		return;
	for (size_t i = 0; i < rs->nr; i++) {
		if (region_sz(&rs->v[i]) > sz_limit)
			push_in_parts(rs, &nr, rs->v[i], sz_limit);
		else
			regions_push(rs, &nr, &rs->v[i]);
	}
	regions_take_scratch(rs, nr);
}

/* ---- what is covered --------------------------------------------------------------------------- */

struct gap {
	uint64_t sz;
	size_t after; /* index of the range before it */
};

static int gap_cmp(const void *va, const void *vb)
{
	const struct gap *a = va, *b = vb;

	if (a->sz != b->sz)
		return a->sz < b->sz ? -1 : 1;
	return a->after < b->after ? -1 : 1;
}

static bool to_be_covered(const struct mapping *m, uint8_t without)
{
	bool accessible = m->perms & (MAPPING_READ | MAPPING_WRITE | MAPPING_EXEC);

	return accessible && !(m->perms & without) && !(m->start >> 63) && m->end > m->start;
}

static size_t runs_of_mappings(const struct mappings *maps, uint8_t without, struct range *v)
{
	size_t nr = 0;

	for (size_t i = 0; i < maps->nr; i++) {
		const struct mapping *m = &maps->v[i];

		if (!to_be_covered(m, without))
			continue;
		if (nr && v[nr - 1].end == m->start)
			v[nr - 1].end = m->end;
		else
			v[nr++] = (struct range){ m->start, m->end };
	}
	return nr;
}

/* Joins over the smallest gaps until max (> 0) are left; returns how many are. */
static size_t join_over_gaps(struct range *v, size_t nr, size_t max)
{
	struct gap *gaps = region_realloc(NULL, nr, sizeof(*gaps));
	size_t nr_out = 0;

	for (size_t i = 0; i + 1 < nr; i++)
		gaps[i] = (struct gap){ v[i + 1].start - v[i].end, i };
	qsort(gaps, nr - 1, sizeof(*gaps), gap_cmp);
	/* A range that is joined with its successor hands its start on and becomes empty. */
	for (size_t i = 0; i < nr - max; i++)
		v[gaps[i].after].end = 0;
	free(gaps);
	for (size_t i = 0; i < nr; i++) {
		uint64_t start = v[i].start;

		while (!v[i].end)
			i++;
		v[nr_out++] = (struct range){ start, v[i].end };
	}
	return nr_out;
}

static size_t clip_ranges(struct range *v, size_t nr, const struct range *limit)
{
	size_t nr_out = 0;

	for (size_t i = 0; i < nr; i++) {
		uint64_t start = v[i].start > limit->start ? v[i].start : limit->start;
		uint64_t end = v[i].end < limit->end ? v[i].end : limit->end;

		if (start < end)
			v[nr_out++] = (struct range){ start, end };
	}
	return nr_out;
}

size_t ranges_of_mappings(const struct mappings *maps, struct range *v, size_t max)
{
	const struct range everything = { 0, UINT64_MAX };

	return ranges_of_mappings_within(maps, &everything, 0, v, max);
}

size_t ranges_of_mappings_within(const struct mappings *maps, const struct range *limit, uint8_t without,
				 struct range *v, size_t max)
{
	struct range *all;
	size_t nr;

	if (!max || !maps->nr)
		return 0;
	all = region_realloc(NULL, maps->nr, sizeof(*all));
	nr = clip_ranges(all, runs_of_mappings(maps, without, all), limit);
	if (nr > max)
		nr = join_over_gaps(all, nr, max);
	memcpy(v, all, nr * sizeof(*v));
	free(all);
	return nr;
}

/* The region with new borders; what it has counted stays. */
static struct region stretched(const struct region *r, uint64_t start, uint64_t end)
{
	struct region s = *r;

	if (r->start == start && r->end == end)
		return s;
	s.start = start;
	s.end = end;
	s.nr_bins = 0;
	return s;
}

static void push_hole(struct regions *rs, size_t *nr, uint64_t start, uint64_t end)
{
	struct region hole;

	if (start >= end)
		return;
	hole = region_fresh(start, end);
	regions_push(rs, nr, &hole);
}

/*
 * Pushes what covers one range, of the old regions from *i on; *i moves past those that touch it. A region that touches
 * two ranges goes to the first.
 */
static void cover_range(struct regions *rs, size_t *nr, size_t *i, const struct range *range)
{
	uint64_t at = range->start;

	while (*i < rs->nr && rs->v[*i].end <= range->start)
		(*i)++;
	for (; *i < rs->nr && rs->v[*i].start < range->end; (*i)++) {
		const struct region *r = &rs->v[*i];
		bool first = at == range->start;
		bool last = *i + 1 == rs->nr || r[1].start >= range->end;
		uint64_t start = first ? range->start : r->start;
		uint64_t end = last ? range->end : r->end;
		struct region s = stretched(r, start, end);

		push_hole(rs, nr, at, start);
		regions_push(rs, nr, &s);
		at = end;
	}
	push_hole(rs, nr, at, range->end);
}

static void remember_ranges(struct regions *rs, const struct range *v, size_t nr)
{
	rs->ranges = region_realloc(rs->ranges, nr, sizeof(*rs->ranges));
	if (nr)
		memcpy(rs->ranges, v, nr * sizeof(*v));
	rs->nr_ranges = nr;
}

void regions_set_ranges(struct regions *rs, const struct range *v, size_t nr, const struct attrs *attrs)
{
	size_t nr_new = 0, i = 0;

	if (nr)
		remember_ranges(rs, v, nr);
	rs->nr_ranges = nr;
	for (size_t k = 0; k < nr; k++)
		cover_range(rs, &nr_new, &i, &v[k]);
	regions_take_scratch(rs, nr_new);
	regions_apply_limit(rs, regions_sz_limit(rs, attrs->min_nr_regions));
	rs->bins_ready = false;
}

/* ---- counting ---------------------------------------------------------------------------------- */

static inline void region_add(struct regions *rs, struct region *r, uint64_t page, uint64_t end_page, uint64_t nr_hits)
{
	r->nr_hits += nr_hits;
	r->nr_reports++;
	r->hit_in_check = true;
	bins_add(rs, r, page, end_page, nr_hits);
	evidence_add(rs, page, end_page - page, nr_hits);
}

/* A report that is not inside one region: by pages to those it touches, from the k-th on. */
static void add_divided(struct regions *rs, size_t k, uint64_t page, uint64_t end_page, uint64_t nr_hits)
{
	uint64_t nr_pages = end_page - page, inside = 0;

	for (; k < rs->nr && rs->v[k].start >> PAGE_SHIFT < end_page; k++) {
		struct region *r = &rs->v[k];
		uint64_t from = r->start >> PAGE_SHIFT, to = r->end >> PAGE_SHIFT;
		uint64_t share;

		from = from > page ? from : page;
		to = to < end_page ? to : end_page;
		share = pro_rata(nr_hits, to - page, nr_pages) - pro_rata(nr_hits, from - page, nr_pages);
		region_add(rs, r, from, to, share);
		inside += share;
	}
	rs->nr_outside += nr_hits - inside;
}

/* The first region from k on that ends above addr. */
static size_t region_from(const struct regions *rs, size_t k, uint64_t addr)
{
	size_t end = rs->nr;

	/* In a sorted batch the next one is mostly near. */
	for (int i = 0; i < 8; i++, k++)
		if (k == end || rs->v[k].end > addr)
			return k;
	while (k < end) {
		size_t mid = k + (end - k) / 2;

		if (rs->v[mid].end > addr)
			end = mid;
		else
			k = mid + 1;
	}
	return k;
}

void regions_add(struct regions *rs, const struct report *v, size_t nr)
{
	uint64_t prev = 0;
	size_t k = 0;

	if (!rs->bins_ready)
		bins_prepare(rs);
	for (size_t i = 0; i < nr; i++) {
		uint64_t start = v[i].start, end = v[i].end > start ? v[i].end : start + 1;
		uint64_t page = start >> PAGE_SHIFT, end_page = ((end - 1) >> PAGE_SHIFT) + 1;

		if (start < prev) /* not sorted after all: slow, not wrong */
			k = 0;
		prev = start;
		k = region_from(rs, k, start);
		if (k < rs->nr && start >= rs->v[k].start && end <= rs->v[k].end)
			region_add(rs, &rs->v[k], page, end_page, v[i].count);
		else
			add_divided(rs, k, page, end_page, v[i].count);
	}
}

void regions_end_check(struct regions *rs)
{
	rs->nr_checks++;
	for (size_t i = 0; i < rs->nr; i++) {
		rs->v[i].nr_accesses += rs->v[i].hit_in_check;
		rs->v[i].hit_in_check = false;
	}
}

/* ---- the course of an aggregation -------------------------------------------------------------- */

void regions_aggregate(struct regions *rs, const struct attrs *attrs)
{
	if (attrs->policy == REGION_POLICY_RANDOM)
		regions_aggregate_damon(rs, attrs);
	else
		regions_aggregate_data(rs, attrs);
	for (size_t i = 0; i < rs->nr; i++) {
		struct region *r = &rs->v[i];

		r->nr_idle = r->nr_hits ? 0 : r->nr_idle < UINT32_MAX ? r->nr_idle + 1 : UINT32_MAX;
	}
}

uint32_t region_age(const struct region *r)
{
	return r->nr_idle && r->nr_idle < r->age ? r->nr_idle : r->age;
}

/* What one page could have counted in this aggregation: checks, or 1 for an open-ended count. */
static double exposure_of_page(const struct regions *rs)
{
	return rs->count == REGION_COUNT_CHECKS && rs->nr_checks ? rs->nr_checks : 1;
}

void regions_begin(struct regions *rs, const struct attrs *attrs, struct rng *rng)
{
	double exposure = exposure_of_page(rs);

	for (size_t i = 0; i < rs->nr; i++) {
		struct region *r = &rs->v[i];

		r->last_density = (double)r->nr_hits / ((double)region_nr_pages(r) * exposure);
		r->last_nr_hits = r->nr_hits;
		r->last_nr_accesses = r->nr_accesses;
		r->nr_hits = 0;
		r->nr_reports = 0;
		r->nr_accesses = 0;
		r->hit_in_check = false;
		r->nr_bins = 0;
	}
	rs->bins_ready = false;
	rs->nr_checks = 0;
	rs->nr_outside = 0;
	evidence_reset(rs);
	if (attrs->policy == REGION_POLICY_RANDOM)
		regions_split_damon(rs, attrs, rng);
}

/* nr of old_max, as so much of new_max, by way of basis points as damon_update_monitoring_result() does it. */
static uint32_t rescaled(uint32_t nr, uint64_t old_max, uint64_t new_max)
{
	uint64_t x = pro_rata(pro_rata(nr, 10000, old_max), new_max, 10000);

	return x < UINT32_MAX ? (uint32_t)x : UINT32_MAX;
}

static uint64_t nr_checks_of(const struct attrs *attrs)
{
	uint64_t nr = attrs->aging_us ? attrs->aggregation_us / attrs->aging_us : 1;

	return nr ? nr : 1;
}

/* How many aggregations by the new rules so many by the old ones are. */
static uint32_t as_many_of(uint32_t nr, const struct attrs *from, const struct attrs *to)
{
	uint64_t now = pro_rata(nr, from->aggregation_us, to->aggregation_us);

	return now < UINT32_MAX ? (uint32_t)now : UINT32_MAX;
}

void regions_rescale(struct regions *rs, const struct attrs *from, const struct attrs *to)
{
	uint64_t old_max = nr_checks_of(from), new_max = nr_checks_of(to);

	for (size_t i = 0; i < rs->nr; i++) {
		struct region *r = &rs->v[i];

		r->age = as_many_of(r->age, from, to);
		if (r->nr_idle) /* and that remains: the last one was */
			r->nr_idle = 1 + as_many_of(r->nr_idle - 1, from, to);
		r->nr_accesses = rescaled(r->nr_accesses, old_max, new_max);
		r->last_nr_accesses = rescaled(r->last_nr_accesses, old_max, new_max);
		/* Events grow with the time that is counted; a share of the checks does not. */
		if (rs->count == REGION_COUNT_EVENTS && r->last_density > 0)
			r->last_density *= (double)to->aggregation_us / (double)from->aggregation_us;
	}
}
