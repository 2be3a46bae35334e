/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The set of regions: what it covers, how reports are counted, limits and changed intervals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/clock.h"
#include "collector/region.h"

#define P(n) ((uint64_t)(n)*PAGE_BYTES)

static struct attrs attrs_of(uint32_t min, uint32_t max)
{
	return (struct attrs){ .aging_us = 100000,
			       .aggregation_us = 1000000,
			       .update_us = 1000000,
			       .min_nr_regions = min,
			       .max_nr_regions = max };
}

static void assert_region(const struct regions *rs, size_t i, uint64_t start_page, uint64_t end_page)
{
	assert_true(i < rs->nr);
	assert_int_equal(rs->v[i].start, P(start_page));
	assert_int_equal(rs->v[i].end, P(end_page));
}

static void assert_covers(const struct regions *rs, const struct range *v, size_t nr)
{
	size_t k = 0;

	for (size_t i = 0; i < nr; i++) {
		uint64_t at = v[i].start;

		for (; at < v[i].end; k++) {
			assert_true(k < rs->nr);
			assert_int_equal(rs->v[k].start, at);
			assert_true(rs->v[k].end > at);
			assert_int_equal(rs->v[k].end % PAGE_BYTES, 0);
			at = rs->v[k].end;
		}
		assert_int_equal(at, v[i].end);
	}
	assert_int_equal(k, rs->nr);
}

/* ---- ranges_of_mappings ------------------------------------------------------------------------ */

static size_t ranges_of(const struct mapping *m, size_t nr, struct range *v, size_t max)
{
	struct mappings maps = { .nr = nr, .v = m };

	return ranges_of_mappings(&maps, v, max);
}

static void test_adjacent_mappings_are_one_range(void **state)
{
	struct mapping m[] = { { .start = P(1), .end = P(2), .perms = MAPPING_READ },
			       { .start = P(2), .end = P(5), .perms = MAPPING_READ | MAPPING_WRITE },
			       { .start = P(6), .end = P(7), .perms = MAPPING_EXEC } };
	struct range v[4];

	(void)state;
	assert_int_equal(ranges_of(m, 3, v, 4), 2);
	assert_int_equal(v[0].start, P(1));
	assert_int_equal(v[0].end, P(5));
	assert_int_equal(v[1].start, P(6));
	assert_int_equal(v[1].end, P(7));
}

static void test_what_cannot_be_accessed_is_left_out(void **state)
{
	struct mapping m[] = { { .start = P(1), .end = P(2), .perms = MAPPING_READ },
			       { .start = P(2), .end = P(1000) },
			       { .start = P(1000), .end = P(1001), .perms = MAPPING_READ },
			       { .start = UINT64_C(0xffffffffff600000),
				 .end = UINT64_C(0xffffffffff601000),
				 .perms = MAPPING_EXEC,
				 .kind = MAPPING_VDSO } };
	struct range v[4];

	(void)state;
	assert_int_equal(ranges_of(m, 4, v, 4), 2);
	assert_int_equal(v[0].end, P(2));
	assert_int_equal(v[1].start, P(1000));
	assert_int_equal(v[1].end, P(1001));
	assert_int_equal(ranges_of(m + 1, 1, v, 4), 0);
	assert_int_equal(ranges_of(m, 0, v, 4), 0);
	assert_int_equal(ranges_of(m, 4, v, 0), 0);
}

static void test_what_is_unknown_to_a_source_is_left_out(void **state)
{
	const struct mapping m[] = { { .start = P(1), .end = P(2), .perms = MAPPING_READ },
				     { .start = P(2), .end = P(514), .perms = MAPPING_READ | MAPPING_HUGETLB },
				     { .start = P(514), .end = P(515), .perms = MAPPING_READ } };
	const struct range everything = { 0, UINT64_MAX }, limit = { P(1), P(20) };
	struct mappings maps = { .nr = 3, .v = m };
	struct range v[4];

	(void)state;
	assert_int_equal(ranges_of_mappings_within(&maps, &everything, MAPPING_HUGETLB, v, 4), 2);
	assert_int_equal(v[0].end, P(2));
	assert_int_equal(v[1].start, P(514));
	assert_int_equal(ranges_of_mappings_within(&maps, &limit, MAPPING_HUGETLB, v, 4), 1);
	assert_int_equal(ranges_of_mappings_within(&maps, &everything, 0, v, 4), 1);
}

static void test_smallest_gaps_are_joined_first(void **state)
{
	/* gaps: 5, 1, 9, 1, 2 pages */
	struct mapping m[] = {
		{ .start = P(0), .end = P(1), .perms = 1 },   { .start = P(6), .end = P(7), .perms = 1 },
		{ .start = P(8), .end = P(9), .perms = 1 },   { .start = P(18), .end = P(19), .perms = 1 },
		{ .start = P(20), .end = P(21), .perms = 1 }, { .start = P(23), .end = P(24), .perms = 1 }
	};
	struct range v[6];

	(void)state;
	assert_int_equal(ranges_of(m, 6, v, 6), 6);
	assert_int_equal(ranges_of(m, 6, v, 3), 3);
	assert_int_equal(v[0].start, P(0));
	assert_int_equal(v[0].end, P(1));
	assert_int_equal(v[1].start, P(6));
	assert_int_equal(v[1].end, P(9));
	assert_int_equal(v[2].start, P(18));
	assert_int_equal(v[2].end, P(24));
	assert_int_equal(ranges_of(m, 6, v, 1), 1);
	assert_int_equal(v[0].start, P(0));
	assert_int_equal(v[0].end, P(24));
}

/* As many mappings as the kernel allows: the joined gaps must be the smallest ones, each of them. */
static void test_65000_mappings(void **state)
{
	enum { NR = 65000, MAX = 900 };
	struct mapping *m = calloc(NR, sizeof(*m));
	struct range *v = calloc(MAX, sizeof(*v));
	struct rng rng = rng_seeded(3);
	uint64_t at = 1, largest_joined = 0, smallest_left = UINT64_MAX;
	size_t k = 0;

	(void)state;
	for (size_t i = 0; i < NR; i++) {
		uint64_t start = at + 1 + rng_below(&rng, 1000000);

		at = start + 1 + rng_below(&rng, 10);
		m[i] = (struct mapping){ .start = P(start), .end = P(at), .perms = MAPPING_READ };
	}
	assert_int_equal(ranges_of(m, NR, v, MAX), MAX);
	assert_int_equal(v[0].start, m[0].start);
	assert_int_equal(v[MAX - 1].end, m[NR - 1].end);
	for (size_t i = 0; i + 1 < NR; i++) {
		uint64_t gap = m[i + 1].start - m[i].end;

		if (v[k].end == m[i].end) {
			k++;
			assert_int_equal(v[k].start, m[i + 1].start);
			smallest_left = gap < smallest_left ? gap : smallest_left;
		} else {
			largest_joined = gap > largest_joined ? gap : largest_joined;
		}
	}
	assert_int_equal(k, MAX - 1);
	assert_true(largest_joined <= smallest_left);
	free(m);
	free(v);
}

/* ---- regions_set_ranges ------------------------------------------------------------------------ */

static void test_first_ranges_become_even_regions_within_the_limit(void **state)
{
	struct attrs attrs = attrs_of(4, 100);
	struct range v[] = { { P(10), P(13) }, { P(100), P(137) } };
	struct regions rs;

	(void)state;
	regions_init(&rs, REGION_COUNT_EVENTS);
	regions_set_ranges(&rs, v, 2, &attrs);
	assert_int_equal(regions_sz_limit(&rs, 4), P(10)); /* 40 pages / 4 */
	assert_int_equal(rs.nr, 5);
	assert_covers(&rs, v, 2);
	assert_region(&rs, 0, 10, 13);
	for (size_t i = 1; i < 5; i++)
		assert_true(rs.v[i].end - rs.v[i].start >= P(9) && rs.v[i].end - rs.v[i].start <= P(10));
	regions_free(&rs);
}

static void test_limit_is_rounded_up_to_pages(void **state)
{
	struct attrs attrs = attrs_of(3, 100);
	struct range v = { P(1), P(11) };
	struct regions rs;

	(void)state;
	regions_init(&rs, REGION_COUNT_EVENTS);
	assert_int_equal(regions_sz_limit(&rs, 3), P(1)); /* nothing is covered yet: the smallest region */
	regions_set_ranges(&rs, &v, 1, &attrs);
	assert_int_equal(regions_sz_limit(&rs, 3), P(4));
	assert_int_equal(regions_sz_limit(&rs, 100), P(1));
	regions_free(&rs);
}

/* A set with one region for each range, whatever the limit. */
static void open_with(struct regions *rs, const struct range *v, size_t nr)
{
	struct attrs attrs = attrs_of(1, 100);

	regions_init(rs, REGION_COUNT_EVENTS);
	regions_set_ranges(rs, v, nr, &attrs);
	assert_int_equal(rs->nr, nr);
	for (size_t i = 0; i < nr; i++)
		rs->v[i].age = (uint32_t)i + 1;
}

static void test_set_ranges_drops_stretches_and_fills(void **state)
{
	struct range old[] = { { P(0), P(10) }, { P(20), P(30) }, { P(40), P(50) }, { P(90), P(95) } };
	struct range new[] = { { P(15), P(55) }, { P(60), P(70) } };
	struct attrs attrs = attrs_of(1, 100);
	struct regions rs;

	(void)state;
	open_with(&rs, old, 4);
	rs.v[1].nr_hits = 7;
	regions_set_ranges(&rs, new, 2, &attrs);
	assert_covers(&rs, new, 2);
	assert_int_equal(rs.nr, 4);
	assert_region(&rs, 0, 15, 30); /* the first is stretched to the range's start, and keeps its counts */
	assert_int_equal(rs.v[0].age, 2);
	assert_int_equal(rs.v[0].nr_hits, 7);
	assert_region(&rs, 1, 30, 40); /* the hole is new */
	assert_int_equal(rs.v[1].age, 0);
	assert_true(rs.v[1].last_density < 0);
	assert_region(&rs, 2, 40, 55); /* the last is stretched to the range's end */
	assert_int_equal(rs.v[2].age, 3);
	assert_region(&rs, 3, 60, 70); /* no region touched it */
	assert_int_equal(rs.v[3].age, 0);
	regions_free(&rs);
}

/* One report in eight aggregations: whether one has it is chance, so the age goes on. But it is not cold in between. */
static void test_cold_is_what_had_no_hit(void **state)
{
	struct report report = { .start = P(50), .end = P(50) + 8, .count = 1 };
	struct range range = { P(0), P(100) };
	struct attrs attrs = attrs_of(1, 100);
	struct rng rng = rng_seeded(1);
	struct regions rs;

	(void)state;
	regions_init(&rs, REGION_COUNT_EVENTS);
	regions_set_ranges(&rs, &range, 1, &attrs);
	for (unsigned i = 0; i < 41; i++) {
		regions_begin(&rs, &attrs, &rng);
		if (i % 8 == 0)
			regions_add(&rs, &report, 1);
		regions_end_check(&rs);
		regions_aggregate(&rs, &attrs);
		assert_int_equal(rs.nr, 1);
		assert_int_equal(rs.v[0].age, i + 1);
		assert_int_equal(region_age(&rs.v[0]), i % 8 ? i % 8 : i + 1);
	}
	regions_free(&rs);
}

static void test_set_ranges_shrinks_and_gives_a_region_to_one_range_only(void **state)
{
	struct range old[] = { { P(0), P(100) } }, new[] = { { P(10), P(20) }, { P(30), P(110) } };
	struct attrs attrs = attrs_of(1, 100);
	struct regions rs;

	(void)state;
	open_with(&rs, old, 1);
	regions_set_ranges(&rs, new, 2, &attrs);
	assert_covers(&rs, new, 2);
	assert_int_equal(rs.nr, 3 - 1);
	assert_int_equal(rs.v[0].age, 1);
	assert_int_equal(rs.v[1].age, 0);
	regions_set_ranges(&rs, NULL, 0, &attrs);
	assert_int_equal(rs.nr, 0);
	regions_free(&rs);
}

static size_t random_ranges(struct rng *rng, struct range *v, size_t max)
{
	size_t nr = rng_below(rng, max + 1);
	uint64_t at = 0;

	for (size_t i = 0; i < nr; i++) {
		uint64_t start = at + 1 + rng_below(rng, 50);

		at = start + 1 + rng_below(rng, 200);
		v[i] = (struct range){ P(start), P(at) };
	}
	return nr;
}

static void test_set_ranges_covers_exactly_by_the_thousand(void **state)
{
	struct rng rng = rng_seeded(11);
	struct range v[20];
	struct regions rs;

	(void)state;
	regions_init(&rs, REGION_COUNT_EVENTS);
	for (int round = 0; round < 3000; round++) {
		struct attrs attrs = attrs_of(3 + (uint32_t)rng_below(&rng, 30), 1000);
		size_t nr = random_ranges(&rng, v, 20);
		uint64_t limit;

		regions_set_ranges(&rs, v, nr, &attrs);
		assert_covers(&rs, v, nr);
		limit = regions_sz_limit(&rs, attrs.min_nr_regions);
		for (size_t i = 0; i < rs.nr; i++)
			assert_true(rs.v[i].end - rs.v[i].start <= limit);
	}
	regions_free(&rs);
}

/* ---- regions_add ------------------------------------------------------------------------------- */

static uint64_t sum_of_hits(const struct regions *rs)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < rs->nr; i++)
		sum += rs->v[i].nr_hits;
	return sum;
}

static void test_reports_go_to_their_region_and_bin(void **state)
{
	struct range v[] = { { P(0), P(64) }, { P(64), P(65) } };
	struct report reports[] = { { .start = 5, .end = 6, .count = 1 },
				    { .start = P(2), .end = P(2) + 8, .count = 3 },
				    { .start = P(63) + 4095, .end = P(64), .count = 1 },
				    { .start = P(64), .end = P(65), .count = 2 } };
	struct attrs attrs = attrs_of(1, 100);
	struct regions rs;

	(void)state;
	open_with(&rs, v, 1);
	regions_set_ranges(&rs, v, 2, &attrs);
	assert_int_equal(rs.nr, 2);
	regions_add(&rs, reports, 4);
	assert_int_equal(rs.v[0].nr_hits, 5);
	assert_int_equal(rs.v[0].nr_reports, 3);
	assert_int_equal(rs.v[0].nr_bins, 64); /* as many as it has pages */
	assert_int_equal(rs.bins[rs.v[0].bin_first], 1);
	assert_int_equal(rs.bins[rs.v[0].bin_first + 2], 3);
	assert_int_equal(rs.bins[rs.v[0].bin_first + 63], 1);
	assert_int_equal(rs.v[1].bin_first, 64);
	assert_int_equal(rs.v[1].nr_hits, 2);
	assert_int_equal(rs.nr_outside, 0);
	regions_free(&rs);
}

static void test_report_that_spans_is_divided_by_pages(void **state)
{
	struct range v[] = { { P(10), P(20) }, { P(20), P(50) }, { P(60), P(70) } };
	struct report report = { .start = P(0), .end = P(100), .count = 1000 };
	struct regions rs;

	(void)state;
	open_with(&rs, v, 3);
	regions_add(&rs, &report, 1);
	assert_int_equal(rs.v[0].nr_hits, 100);
	assert_int_equal(rs.v[1].nr_hits, 300);
	assert_int_equal(rs.v[2].nr_hits, 100);
	assert_int_equal(rs.nr_outside, 500);
	regions_free(&rs);
}

static int by_start(const void *va, const void *vb)
{
	const struct report *a = va, *b = vb;

	return (a->start > b->start) - (a->start < b->start);
}

static void test_unsorted_batch_is_counted_alike(void **state)
{
	struct range v[] = { { P(0), P(10) }, { P(20), P(30) }, { P(40), P(50) } };
	struct report reports[] = { { .start = P(45), .end = P(45) + 1, .count = 1 },
				    { .start = P(1), .end = P(1) + 1, .count = 2 },
				    { .start = P(22), .end = P(22) + 1, .count = 4 } };
	struct regions rs;

	(void)state;
	open_with(&rs, v, 3);
	regions_add(&rs, reports, 3);
	assert_int_equal(rs.v[0].nr_hits, 2);
	assert_int_equal(rs.v[1].nr_hits, 4);
	assert_int_equal(rs.v[2].nr_hits, 1);
	regions_free(&rs);
}

/* The bin is found by a product in place of a division: it must be right for the first and last page of each. */
static void test_every_page_has_its_bin(void **state)
{
	(void)state;
	for (uint64_t pages = 8000; pages < 200000; pages += 7919) {
		struct range v = { P(0), P(pages) };
		struct regions rs;

		open_with(&rs, &v, 1);
		for (uint64_t page = 0; page < pages; page++) {
			struct report report = { .start = P(page), .end = P(page) + 1, .count = 1 };

			regions_add(&rs, &report, 1);
		}
		for (size_t b = 0; b + 1 < rs.v[0].nr_bins; b++)
			assert_int_equal(rs.bins[b], rs.v[0].bin_pages);
		regions_free(&rs);
	}
}

static void test_hits_are_conserved_by_the_thousand(void **state)
{
	struct rng rng = rng_seeded(21);
	struct range v[20];
	struct report reports[50];

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct attrs attrs = attrs_of(3 + (uint32_t)rng_below(&rng, 60), 1000);
		uint64_t sum = 0, in_bins = 0;
		struct regions rs;

		regions_init(&rs, REGION_COUNT_EVENTS);
		regions_set_ranges(&rs, v, random_ranges(&rng, v, 20), &attrs);
		for (size_t i = 0; i < 50; i++) {
			uint64_t start = rng_below(&rng, P(4000));

			reports[i] = (struct report){ .start = start,
						      .end = start + rng_below(&rng, P(60)),
						      .count = rng_below(&rng, 1000) };
			sum += reports[i].count;
		}
		/* sorted is faster, not another result */
		if (round % 2)
			qsort(reports, 50, sizeof(reports[0]), by_start);
		regions_add(&rs, reports, 50);
		assert_int_equal(sum_of_hits(&rs) + rs.nr_outside, sum);
		for (size_t i = 0; i < rs.nr; i++)
			for (size_t b = 0; b < rs.v[i].nr_bins; b++)
				in_bins += rs.bins[rs.v[i].bin_first + b];
		assert_int_equal(in_bins, sum_of_hits(&rs));
		regions_free(&rs);
	}
}

static void test_one_access_a_region_and_check(void **state)
{
	struct range v = { P(0), P(10) };
	struct report reports[] = { { .start = 0, .end = 1, .count = 1 }, { .start = 1, .end = 2, .count = 1 } };
	struct regions rs;

	(void)state;
	open_with(&rs, &v, 1);
	regions_add(&rs, reports, 2);
	regions_add(&rs, reports, 2);
	regions_end_check(&rs);
	regions_end_check(&rs);
	regions_add(&rs, reports, 1);
	regions_end_check(&rs);
	assert_int_equal(rs.nr_checks, 3);
	assert_int_equal(rs.v[0].nr_accesses, 2);
	assert_int_equal(rs.v[0].nr_hits, 5);
	regions_free(&rs);
}

/* ---- the course, and changed intervals ----------------------------------------------------------- */

static void test_begin_moves_counts_to_last(void **state)
{
	struct range v = { P(0), P(10) };
	struct report report = { .start = 0, .end = 1, .count = 20 };
	struct attrs attrs = attrs_of(1, 100);
	struct rng rng = rng_seeded(1);
	struct regions rs;

	(void)state;
	open_with(&rs, &v, 1);
	regions_add(&rs, &report, 1);
	regions_end_check(&rs);
	rs.nr_outside = 4;
	regions_begin(&rs, &attrs, &rng);
	assert_int_equal(rs.nr, 1);
	assert_int_equal(rs.v[0].nr_hits, 0);
	assert_int_equal(rs.v[0].nr_accesses, 0);
	assert_int_equal(rs.v[0].nr_reports, 0);
	assert_int_equal(rs.v[0].last_nr_hits, 20);
	assert_int_equal(rs.v[0].last_nr_accesses, 1);
	assert_true(rs.v[0].last_density == 2.0);
	assert_int_equal(rs.nr_checks, 0);
	assert_int_equal(rs.nr_outside, 0);
	regions_free(&rs);
}

/* The rule is damon_update_monitoring_results(): ages keep their time, counts their share of the maximum. */
static void test_rescale(void **state)
{
	static const struct {
		uint64_t aging, aggr, new_aging, new_aggr;
		uint32_t age, nr, want_age, want_nr;
	} row[] = {
		{ 5000, 100000, 5000, 100000, 7, 13, 7, 13 },
		{ 5000, 100000, 5000, 200000, 7, 10, 3, 20 },
		{ 5000, 100000, 10000, 100000, 7, 10, 7, 5 },
		{ 5000, 100000, 5000, 50000, 7, 20, 14, 10 },
		{ 200000, 1000000, 300000, 1000000, 1, 3, 1, 1 }, /* 6000 bp of 3 */
		{ 100000, 1000000, 2000000, 2000000, 5, 10, 2, 1 },
		{ 1000, 86400000000, 1000, 1000, 4000000000u, 1, UINT32_MAX, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct attrs from = { .aging_us = row[i].aging, .aggregation_us = row[i].aggr };
		struct attrs to = { .aging_us = row[i].new_aging, .aggregation_us = row[i].new_aggr };
		struct range v = { P(0), P(10) };
		struct regions rs;

		open_with(&rs, &v, 1);
		rs.v[0].age = row[i].age;
		rs.v[0].nr_accesses = rs.v[0].last_nr_accesses = row[i].nr;
		rs.v[0].last_density = 3;
		regions_rescale(&rs, &from, &to);
		assert_int_equal(rs.v[0].age, row[i].want_age);
		assert_int_equal(rs.v[0].nr_accesses, row[i].want_nr);
		assert_int_equal(rs.v[0].last_nr_accesses, row[i].want_nr);
		assert_true(rs.v[0].last_density == 3.0 * (double)row[i].new_aggr / (double)row[i].aggr);
		regions_free(&rs);
	}
}

static void test_empty_set(void **state)
{
	struct attrs attrs = attrs_of(10, 100);
	struct report report = { .start = 0, .end = 1, .count = 1 };
	struct rng rng = rng_seeded(1);
	struct regions rs;

	(void)state;
	regions_init(&rs, REGION_COUNT_CHECKS);
	for (int i = 0; i < 4; i++) {
		attrs.policy = i % 2 ? REGION_POLICY_RANDOM : REGION_POLICY_DATA;
		regions_begin(&rs, &attrs, &rng);
		regions_add(&rs, &report, 1);
		regions_end_check(&rs);
		assert_int_equal(rs.nr_outside, 1);
		regions_aggregate(&rs, &attrs);
		assert_int_equal(rs.nr, 0);
	}
	regions_free(&rs);
	regions_free(&rs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adjacent_mappings_are_one_range),
		cmocka_unit_test(test_what_cannot_be_accessed_is_left_out),
		cmocka_unit_test(test_what_is_unknown_to_a_source_is_left_out),
		cmocka_unit_test(test_smallest_gaps_are_joined_first),
		cmocka_unit_test(test_65000_mappings),
		cmocka_unit_test(test_first_ranges_become_even_regions_within_the_limit),
		cmocka_unit_test(test_limit_is_rounded_up_to_pages),
		cmocka_unit_test(test_set_ranges_drops_stretches_and_fills),
		cmocka_unit_test(test_cold_is_what_had_no_hit),
		cmocka_unit_test(test_set_ranges_shrinks_and_gives_a_region_to_one_range_only),
		cmocka_unit_test(test_set_ranges_covers_exactly_by_the_thousand),
		cmocka_unit_test(test_reports_go_to_their_region_and_bin),
		cmocka_unit_test(test_report_that_spans_is_divided_by_pages),
		cmocka_unit_test(test_unsorted_batch_is_counted_alike),
		cmocka_unit_test(test_every_page_has_its_bin),
		cmocka_unit_test(test_hits_are_conserved_by_the_thousand),
		cmocka_unit_test(test_one_access_a_region_and_check),
		cmocka_unit_test(test_begin_moves_counts_to_last),
		cmocka_unit_test(test_rescale),
		cmocka_unit_test(test_empty_set),
	};

	return cmocka_run_group_tests_name("region", tests, NULL, NULL);
}
