/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/aggregate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/clock.h"
#include "collector/region_pages.h"

#define MIB ((double)(1 << 20))

int aggregate_init(struct aggregate *agg, bool checks, bool wss_exact, enum heat_unit heat_unit, uint64_t seed)
{
	*agg = (struct aggregate){ .rng = rng_seeded(seed), .heat_unit = heat_unit, .wss_exact = wss_exact };
	regions_init(&agg->regions, checks ? REGION_COUNT_CHECKS : REGION_COUNT_EVENTS);
	page_set_init(&agg->pages, PAGE_SET_DEFAULT_CHUNKS);
	return report_pool_init(&agg->pool);
}

void aggregate_free(struct aggregate *agg)
{
	regions_free(&agg->regions);
	page_set_free(&agg->pages);
	report_pool_free(&agg->pool);
	free(agg->mappings);
	agg->mappings = NULL;
	agg->nr_mappings = agg->cap_mappings = 0;
	free(agg->sorted);
	agg->sorted = NULL;
	agg->cap_sorted = 0;
}

void aggregate_all_events(struct aggregate *agg)
{
	agg->all_events = true;
	page_set_count_hits(&agg->pages);
}

void aggregate_limit(struct aggregate *agg, uint64_t start, uint64_t end)
{
	agg->limit = (struct range){ start & ~(PAGE_BYTES - 1), end & ~(PAGE_BYTES - 1) };
	if (agg->limit.end < end && agg->limit.end <= UINT64_MAX - 2 * PAGE_BYTES)
		agg->limit.end += PAGE_BYTES;
}

int aggregate_set_mappings(struct aggregate *agg, const struct mappings *maps, const struct attrs *attrs, bool fresh)
{
	/* Half of the regions at most are spent on ranges, so that the others can show differences inside of them. */
	size_t max = attrs->max_nr_regions / 2 > 3 ? attrs->max_nr_regions / 2 : 3;
	struct range *ranges = malloc(max * sizeof(*ranges));
	const struct range everything = { 0, UINT64_MAX };
	size_t nr;

	if (!ranges)
		return -ENOMEM;
	if (fresh)
		regions_set_ranges(&agg->regions, NULL, 0, attrs);
	nr = ranges_of_mappings_within(maps, agg->limit.end ? &agg->limit : &everything, agg->without, ranges, max);
	agg->limit_is_empty = agg->limit.end && !nr;
	regions_set_ranges(&agg->regions, ranges, nr, attrs);
	free(ranges);
	return 0;
}

static int compare_reports(const void *a, const void *b)
{
	const struct report *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static bool is_sorted(const struct report *v, size_t nr)
{
	for (size_t i = 1; i < nr; i++)
		if (v[i].start < v[i - 1].start)
			return false;
	return true;
}

/* The batch in address order: itself, or a copy. */
static const struct report *sorted(struct aggregate *agg, const struct report *v, size_t nr)
{
	if (is_sorted(v, nr))
		return v;
	if (nr > agg->cap_sorted) {
		struct report *more = realloc(agg->sorted, nr * sizeof(*more));

		if (!more)
			return NULL;
		agg->sorted = more;
		agg->cap_sorted = nr;
	}
	memcpy(agg->sorted, v, nr * sizeof(*v));
	qsort(agg->sorted, nr, sizeof(*v), compare_reports);
	return agg->sorted;
}

/* The part of a report that counts. */
static void add_pages(struct aggregate *agg, const struct report *report)
{
	struct report part = *report;

	if (agg->limit.end) {
		part.start = part.start > agg->limit.start ? part.start : agg->limit.start;
		part.end = part.end < agg->limit.end ? part.end : agg->limit.end;
	}
	if (part.start >= part.end)
		return;
	/* How many pages of a range were accessed does not say how many of a part of it. */
	if (part.end - part.start < report->end - report->start &&
	    report->count < (report->end - report->start) / PAGE_BYTES) {
		part.count = (uint64_t)((double)report->count * (double)(part.end - part.start) /
					(double)(report->end - report->start));
		agg->has_guessed_pages = true;
	}
	page_set_add(&agg->pages, &part);
}

int aggregate_add(struct aggregate *agg, const struct report *v, size_t nr)
{
	v = sorted(agg, v, nr);
	if (!v)
		return -ENOMEM;
	agg->nr_reports += nr;
	regions_add(&agg->regions, v, nr);
	if (agg->regions.count == REGION_COUNT_CHECKS || agg->all_events)
		for (size_t i = 0; i < nr; i++)
			add_pages(agg, &v[i]);
	if (agg->regions.count == REGION_COUNT_EVENTS)
		report_pool_add(&agg->pool, v, nr, &agg->rng);
	return 0;
}

int aggregate_keep_mappings(struct aggregate *agg, const struct mapping_report *v, size_t nr)
{
	if (nr > agg->cap_mappings) {
		struct mapping_report *more = realloc(agg->mappings, nr * sizeof(*more));

		if (!more)
			return -ENOMEM;
		agg->mappings = more;
		agg->cap_mappings = nr;
	}
	agg->nr_mappings = 0;
	for (size_t i = 0; i < nr; i++)
		if (!agg->limit.end || (v[i].start < agg->limit.end && v[i].end > agg->limit.start))
			agg->mappings[agg->nr_mappings++] = v[i];
	agg->nr_mapping_checks++;
	return 0;
}

void aggregate_keep_working_set(struct aggregate *agg, uint64_t bytes, uint64_t window_ns, uint64_t age_ns)
{
	agg->wss_bytes = bytes;
	agg->wss_window_ns = window_ns;
	agg->wss_age_ns = age_ns;
}

/* A mapping that is watched in part has no exact part. */
bool aggregate_wss_is_of_mappings(const struct aggregate *agg)
{
	return !agg->limit.end && (agg->nr_mapping_checks || agg->wss_window_ns);
}

void aggregate_end_check(struct aggregate *agg)
{
	regions_end_check(&agg->regions);
	page_set_end_check(&agg->pages);
}

/* See enum heat_unit. */
static float heat_of(const struct aggregate *agg, double size, double hits, uint64_t duration_ns, uint64_t nr_samples)
{
	switch (agg->heat_unit) {
	case HEAT_FRACTION:
		return agg->regions.nr_checks ? (float)(hits / (size / (double)PAGE_BYTES) / agg->regions.nr_checks)
					      : 0;
	case HEAT_RATE:
		return duration_ns ? (float)(hits / ((double)duration_ns / 1e9) / (size / MIB)) : 0;
	case HEAT_TIME:
		return nr_samples ? (float)(hits / (double)nr_samples / (size / MIB)) : 0;
	}
	return 0;
}

/* The regions as a snapshot has them: a new array, or NULL. */
static struct snap_region *make_regions(const struct aggregate *agg, uint64_t duration_ns, uint64_t nr_samples)
{
	struct snap_region *v = malloc((agg->regions.nr + 1) * sizeof(*v));

	for (size_t i = 0; v && i < agg->regions.nr; i++) {
		const struct region *r = &agg->regions.v[i];

		v[i] = (struct snap_region){
			.start = r->start,
			.end = r->end,
			.nr_accesses = r->nr_accesses,
			.age = region_age(r),
			.heat = heat_of(agg, (double)(r->end - r->start), r->even_hits, duration_ns, nr_samples),
			.nr_reports = r->nr_reports,
		};
	}
	return v;
}

/* Where every page is known they are cut at those. False: no memory. */
static bool cut_at_pages(struct aggregate *agg, const struct attrs *attrs, const struct mappings *maps,
			 struct snap_region **v, size_t *nr, uint64_t duration_ns, uint64_t nr_samples)
{
	struct snap_region *pieces;
	ssize_t n;

	if (!agg->all_events || !page_set_exact(&agg->pages))
		return true;
	n = region_pages_cut(&agg->pages, maps, *v, *nr, attrs->max_nr_regions, &pieces);
	if (n < 0)
		return false;
	for (ssize_t i = 0; i < n; i++)
		pieces[i].heat = heat_of(agg, (double)(pieces[i].end - pieces[i].start), pieces[i].nr_accesses,
					 duration_ns, nr_samples);
	free(*v);
	*v = pieces;
	*nr = (size_t)n;
	return true;
}

/* Mapped bytes of [start, end): a region may hold gaps between the mappings of its range. */
static uint64_t mapped_bytes(const struct mappings *maps, uint64_t start, uint64_t end)
{
	const struct mapping *m = mappings_from(maps, start), *stop = maps->v + maps->nr;
	uint64_t bytes = 0;

	for (; m && m < stop && m->start < end; m++)
		bytes += (m->end < end ? m->end : end) - (m->start > start ? m->start : start);
	return bytes;
}

/* Where reports are samples, but the bytes in use of each mapping are known. */
static void fill_wss_of_mappings(const struct aggregate *agg, struct snapshot *snap)
{
	snap->flags |= SNAP_WSS_KNOWN;
	if (agg->wss_exact && agg->nr_mapping_checks <= 1)
		snap->flags |= SNAP_WSS_EXACT;
	if (!agg->nr_mapping_checks) {
		snap->wss_bytes = agg->wss_bytes;
		snap->wss_window_ns = agg->wss_window_ns;
		snap->wss_age_ns = agg->wss_age_ns;
		return;
	}
	for (size_t i = 0; i < agg->nr_mappings; i++)
		snap->wss_bytes += agg->mappings[i].referenced_bytes;
}

/* All bytes of a check were collected for as long. Of several checks nobody knows how long it was for all of them. */
static void fill_wss_window(const struct aggregate *agg, struct snapshot *snap)
{
	if (agg->nr_mapping_checks == 1 && agg->nr_mappings && !agg->limit.end)
		snap->wss_window_ns = agg->mappings[0].window_ns;
}

/* Sources that check, and have not: nothing is known of this aggregation, which is not the same as nothing accessed. */
static bool is_unknown(const struct aggregate *agg)
{
	return agg->regions.count == REGION_COUNT_CHECKS && !agg->regions.nr_checks;
}

static void fill_wss(const struct aggregate *agg, struct snapshot *snap)
{
	if (is_unknown(agg))
		return;
	fill_wss_window(agg, snap);
	if (agg->regions.count == REGION_COUNT_CHECKS || agg->all_events) {
		snap->wss_bytes = page_set_bytes(&agg->pages);
		snap->flags |= SNAP_WSS_KNOWN;
		if (agg->wss_exact && !agg->has_guessed_pages && page_set_exact(&agg->pages))
			snap->flags |= SNAP_WSS_EXACT;
		return;
	}
	if (aggregate_wss_is_of_mappings(agg)) {
		fill_wss_of_mappings(agg, snap);
		return;
	}
	for (size_t i = 0; i < snap->nr_regions; i++)
		if (snap->regions[i].nr_reports)
			snap->wss_bytes += mapped_bytes(snap->maps, snap->regions[i].start, snap->regions[i].end);
	snap->flags |= SNAP_WSS_KNOWN;
}

/* A snapshot of these regions, with what reports say of them. NULL: no memory; maps is given back. */
static struct snapshot *fill_snapshot(struct aggregate *agg, const struct snap_region *v, size_t nr,
				      struct mappings *maps)
{
	struct snapshot *snap;
	size_t cap_codes;

	report_pool_sort(&agg->pool);
	cap_codes = agg->pool.valid & REPORT_IP ? nr * REPORT_POOL_CODES : 0;
	if (cap_codes > agg->pool.nr)
		cap_codes = agg->pool.nr;
	snap = snapshot_new(nr, report_pool_has_access(&agg->pool), cap_codes, maps);
	if (!snap)
		return NULL;
	memcpy(snap->regions, v, nr * sizeof(*v));
	snap->heat_unit = agg->heat_unit;
	snap->max_nr_accesses = agg->heat_unit == HEAT_FRACTION ? agg->regions.nr_checks : 0;
	if (cap_codes)
		snap->nr_codes = report_pool_codes(&agg->pool, v, nr, snap->open.codes, cap_codes);
	if (snap->open.access)
		report_pool_access(&agg->pool, v, nr, snap->open.access);
	report_pool_pages(&agg->pool, v, nr, snap->open.pages);
	if (agg->regions.count == REGION_COUNT_CHECKS)
		page_set_fill(&agg->pages, v, nr, snap->open.pages);
	return snap;
}

struct snapshot *aggregate_finish(struct aggregate *agg, const struct attrs *attrs, struct mappings *maps,
				  uint64_t duration_ns, uint64_t nr_samples)
{
	struct snapshot *snap = NULL;
	struct snap_region *v;
	size_t nr;

	regions_aggregate(&agg->regions, attrs);
	nr = agg->regions.nr;
	v = make_regions(agg, duration_ns, nr_samples);
	if (v && cut_at_pages(agg, attrs, maps, &v, &nr, duration_ns, nr_samples))
		snap = fill_snapshot(agg, v, is_unknown(agg) ? 0 : nr, maps);
	else
		mappings_put(maps);
	free(v);
	if (!snap)
		return NULL;
	snap->duration_ns = duration_ns;
	fill_wss(agg, snap);
	if (agg->nr_mapping_checks && snapshot_set_mappings(snap, agg->mappings, agg->nr_mappings)) {
		snapshot_free(snap);
		return NULL;
	}
	snap->stats.reports = agg->nr_reports;
	snap->stats.outside = agg->regions.nr_outside;
	return snap;
}

void aggregate_begin(struct aggregate *agg, const struct attrs *before, const struct attrs *attrs)
{
	regions_begin(&agg->regions, attrs, &agg->rng);
	if (before->aging_us != attrs->aging_us || before->aggregation_us != attrs->aggregation_us)
		regions_rescale(&agg->regions, before, attrs);
	page_set_clear(&agg->pages);
	report_pool_clear(&agg->pool);
	agg->nr_reports = 0;
	agg->nr_mapping_checks = 0;
	agg->wss_window_ns = 0;
	agg->has_guessed_pages = false;
}
