/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policy DATA: cuts and joins where the reports say so. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "collector/region_internal.h"

#define P(n) ((uint64_t)(n)*PAGE_BYTES)

static struct attrs attrs_of(uint32_t min, uint32_t max)
{
	return (struct attrs){ .aging_us = 200000,
			       .aggregation_us = 1000000,
			       .min_nr_regions = min,
			       .max_nr_regions = max,
			       .policy = REGION_POLICY_DATA };
}

static void open_range(struct regions *rs, enum region_count count, uint64_t start_page, uint64_t end_page,
		       uint32_t min)
{
	struct range range = { P(start_page), P(end_page) };
	struct attrs attrs = attrs_of(min, 1000);

	regions_init(rs, count);
	regions_set_ranges(rs, &range, 1, &attrs);
}

static void add_one(struct regions *rs, uint64_t start, uint64_t end, uint64_t count)
{
	struct report report = { .start = start, .end = end, .count = count };

	regions_add(rs, &report, 1);
}

static void add_uniform(struct regions *rs, struct rng *rng, uint64_t start_page, uint64_t end_page, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		uint64_t addr = P(start_page) + rng_below(rng, P(end_page - start_page));

		add_one(rs, addr, addr + 1, 1);
	}
}

static void begin(struct regions *rs)
{
	struct attrs attrs = attrs_of(10, 1000);

	regions_begin(rs, &attrs, NULL);
}

static void aggregate(struct regions *rs, uint32_t min, uint32_t max)
{
	struct attrs attrs = attrs_of(min, max);

	regions_end_check(rs);
	regions_aggregate(rs, &attrs);
}

static const struct region *at_page(const struct regions *rs, uint64_t page)
{
	for (size_t i = 0; i < rs->nr; i++)
		if (rs->v[i].start <= P(page) && P(page) < rs->v[i].end)
			return &rs->v[i];
	return NULL;
}

static double density(const struct region *r)
{
	return (double)r->nr_hits / (double)((r->end - r->start) / PAGE_BYTES);
}

/* ---- cutting ----------------------------------------------------------------------------------- */

static void test_cut_where_the_density_changes(void **state)
{
	struct rng rng = rng_seeded(1);
	struct regions rs;

	(void)state;
	open_range(&rs, REGION_COUNT_EVENTS, 1000, 11000, 1);
	add_uniform(&rs, &rng, 1000, 4333, 10);
	add_uniform(&rs, &rng, 4333, 5555, 400);
	add_uniform(&rs, &rng, 5555, 11000, 10);
	aggregate(&rs, 1, 1000);
	assert_in_range(rs.nr, 3, 5);
	assert_in_range(at_page(&rs, 5000)->start / PAGE_BYTES, 4325, 4341);
	assert_in_range(at_page(&rs, 5000)->end / PAGE_BYTES, 5547, 5563);
	assert_in_range(at_page(&rs, 5000)->nr_hits, 396, 402);
	assert_int_equal(at_page(&rs, 5000)->nr_accesses, at_page(&rs, 5000)->nr_reports);
	regions_free(&rs);
}

static void test_one_hot_page_is_found(void **state)
{
	struct rng rng = rng_seeded(1);
	struct regions rs;

	(void)state;
	open_range(&rs, REGION_COUNT_EVENTS, 0, 1000000, 1);
	add_uniform(&rs, &rng, 0, 1000000, 50);
	add_uniform(&rs, &rng, 777777, 777778, 50);
	aggregate(&rs, 1, 1000);
	assert_int_equal(at_page(&rs, 777777)->start, P(777777));
	assert_int_equal(at_page(&rs, 777777)->end, P(777778));
	assert_int_equal(at_page(&rs, 777777)->nr_hits, 50);
	regions_free(&rs);
}

/* More reports than are kept: the bins are the evidence, and no hit is lost. */
static void test_many_reports_cut_at_bins(void **state)
{
	struct rng rng = rng_seeded(2);
	struct regions rs;

	(void)state;
	open_range(&rs, REGION_COUNT_EVENTS, 0, 32000, 1);
	add_uniform(&rs, &rng, 0, 8000, 2000);
	add_uniform(&rs, &rng, 8000, 9000, 30000);
	add_uniform(&rs, &rng, 9000, 32000, 6000);
	aggregate(&rs, 1, 1000);
	assert_int_equal(at_page(&rs, 8500)->start, P(8000));
	assert_int_equal(at_page(&rs, 8500)->end, P(9000));
	assert_in_range(at_page(&rs, 8500)->nr_hits, 30000, 30000);
	regions_free(&rs);
}

/* Nothing to see: uniform reports are cut by chance only, less than once in 20 aggregations of 10 regions. */
static void test_uniform_reports_are_seldom_cut(void **state)
{
	enum { NR = 400 };
	struct rng rng = rng_seeded(3);
	unsigned nr_more = 0;

	(void)state;
	for (int i = 0; i < NR; i++) {
		struct regions rs;

		open_range(&rs, REGION_COUNT_EVENTS, 0, 131072, 10);
		add_uniform(&rs, &rng, 0, 131072, 250);
		aggregate(&rs, 10, 1000);
		nr_more += rs.nr > 10;
		regions_free(&rs);
	}
	assert_in_range(nr_more, 0, NR / 20);
}

static void test_too_few_reports_cut_nothing(void **state)
{
	struct regions rs;

	(void)state;
	open_range(&rs, REGION_COUNT_EVENTS, 0, 1000000, 1);
	add_one(&rs, P(500), P(500) + 1, 1);
	add_one(&rs, P(500), P(500) + 1, 1);
	aggregate(&rs, 1, 1000);
	assert_int_equal(rs.nr, 1);
	regions_free(&rs);
}

/* ---- access-bit checks --------------------------------------------------------------------------- */

static void test_checks_cut_at_the_very_page(void **state)
{
	struct regions rs;

	(void)state;
	open_range(&rs, REGION_COUNT_CHECKS, 0, 20000, 10);
	for (int i = 0; i < 5; i++) {
		add_one(&rs, P(3001), P(7777), 4776);
		if (i < 4)
			regions_end_check(&rs);
	}
	aggregate(&rs, 10, 1000);
	for (size_t i = 0; i < rs.nr; i++) {
		bool hot = rs.v[i].start >= P(3001) && rs.v[i].end <= P(7777);

		assert_true(hot || rs.v[i].end <= P(3001) || rs.v[i].start >= P(7777));
		assert_int_equal(rs.v[i].nr_accesses, hot ? 5 : 0);
	}
	regions_free(&rs);
}

static void test_small_difference_is_no_cut_however_certain(void **state)
{
	struct regions rs;

	(void)state;
	open_range(&rs, REGION_COUNT_CHECKS, 0, 1000000, 1);
	for (unsigned i = 0; i < 10; i++)
		add_one(&rs, P(100000 * i), P(100000 * (i + 1)), i < 5 ? 96000 : 90000);
	aggregate(&rs, 1, 1000);
	assert_int_equal(rs.nr, 1);
	assert_int_equal(rs.v[0].nr_hits, 930000);
	assert_int_equal(rs.v[0].nr_accesses, 1);
	regions_free(&rs);
}

/* ---- what is chance ------------------------------------------------------------------------------- */

/* Counts of one region after another, each of 1000 pages, without a report between; then what even_hits are. */
static void even_out(struct regions *rs, enum region_count count, const uint64_t *hits, size_t nr)
{
	struct regions piece;

	open_range(rs, count, 0, 1000 * nr, (uint32_t)nr);
	open_range(&piece, count, 0, 1000 * nr, 1);
	rs->nr_checks = 1000;
	assert_int_equal(rs->nr, nr);
	for (size_t i = 0; i < nr; i++)
		rs->v[i].nr_hits = hits[i];
	regions_even_out(rs, &piece);
	regions_free(&piece);
}

static void test_regions_of_a_piece_are_as_hot_as_all_of_it(void **state)
{
	static const uint64_t hits[] = { 29, 14, 26, 0, 27 };
	struct regions rs;
	double sum = 0;

	(void)state;
	even_out(&rs, REGION_COUNT_EVENTS, hits, 5);
	for (size_t i = 0; i < 5; i++)
		sum += rs.v[i].even_hits;
	assert_true(fabs(sum - 96) < 1e-9);
	/* The one with few is by chance what it is, mostly; one without any report stays without. */
	assert_true(rs.v[1].even_hits > 15 && rs.v[1].even_hits < rs.v[2].even_hits);
	assert_true(rs.v[0].even_hits < 29 && rs.v[0].even_hits > rs.v[2].even_hits);
	assert_true(rs.v[3].even_hits <= 0);
	regions_free(&rs);
	/* No more apart than chance makes them: little of it is kept, but their order is. */
	even_out(&rs, REGION_COUNT_EVENTS, (const uint64_t[]){ 24, 24, 26, 25, 26 }, 5);
	for (size_t i = 0; i < 5; i++)
		assert_true(fabs(rs.v[i].even_hits - 25) < 0.101);
	assert_true(rs.v[0].even_hits < rs.v[3].even_hits && rs.v[3].even_hits < rs.v[4].even_hits);
	regions_free(&rs);
}

static void test_what_is_no_chance_is_kept(void **state)
{
	static const uint64_t hits[] = { 100000, 108000, 101000, 99000 };
	struct regions rs;

	(void)state;
	even_out(&rs, REGION_COUNT_EVENTS, hits, 4);
	for (size_t i = 0; i < 4; i++)
		assert_true(fabs(rs.v[i].even_hits - (double)hits[i]) < 50);
	regions_free(&rs);
	/* Checks have seen every page. */
	even_out(&rs, REGION_COUNT_CHECKS, hits, 4);
	for (size_t i = 0; i < 4; i++)
		assert_true(fabs(rs.v[i].even_hits - (double)hits[i]) < 1e-9);
	regions_free(&rs);
}

/* ---- borders and memory ---------------------------------------------------------------------------- */

/* Evenly spaced, from the middle of the first distance on. */
static void add_even(struct regions *rs, uint64_t start_page, uint64_t end_page, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		uint64_t addr = P(start_page) + (2 * i + 1) * P(end_page - start_page) / (2 * nr);

		add_one(rs, addr, addr + 1, 1);
	}
}

/*
 * A hot range three times as hot as the rest moves by half its length, in the midst of an aggregation. Each of the two
 * changes that this makes on either side of a border is small enough to be chance; reports of before the move must not
 * place the borders of after it.
 */
static void test_two_small_changes_are_one(void **state)
{
	struct regions rs;

	(void)state;
	open_range(&rs, REGION_COUNT_EVENTS, 0, 131072, 1);
	for (int i = 0; i < 8; i++) {
		begin(&rs);
		add_even(&rs, 0, 131072, 128);
		if (i <= 6)
			add_even(&rs, 16384, 49152, i == 6 ? 32 : 64);
		if (i >= 6)
			add_even(&rs, 32768, 65536, i == 6 ? 32 : 64);
		aggregate(&rs, 1, 1000);
	}
	assert_in_range(at_page(&rs, 50000)->start, P(32768 - 1024), P(32768 + 1024));
	assert_in_range(at_page(&rs, 50000)->end, P(65536 - 1024), P(65536 + 1024));
	regions_free(&rs);
}

/* Which side of a report a border is on is not known: it comes to lie between the last report and the next. */
static void test_a_border_lies_between_reports(void **state)
{
	struct regions rs;

	(void)state;
	open_range(&rs, REGION_COUNT_EVENTS, 0, 100000, 1);
	add_even(&rs, 40000, 60000, 200);
	add_even(&rs, 0, 100000, 20);
	aggregate(&rs, 1, 1000);
	/* the outermost of 200 are at 40050 and 59950, the next ones of 20 at 37500 and 62500 */
	assert_in_range(at_page(&rs, 50000)->start, P(39900), P(40049));
	assert_in_range(at_page(&rs, 50000)->end, P(59951), P(60100));
	regions_free(&rs);
}

/* ---- aging --------------------------------------------------------------------------------------- */

static void test_age_grows_until_the_pattern_changes(void **state)
{
	struct rng rng = rng_seeded(5);
	struct regions rs;

	(void)state;
	open_range(&rs, REGION_COUNT_EVENTS, 0, 30000, 1);
	for (int i = 0; i < 30; i++) {
		bool moved = i >= 20;

		begin(&rs);
		add_uniform(&rs, &rng, moved ? 20000 : 5000, moved ? 25000 : 10000, 200);
		add_uniform(&rs, &rng, 0, 30000, 20);
		aggregate(&rs, 1, 1000);
		if (i == 19) {
			assert_in_range(at_page(&rs, 7000)->age, 10, 20);
			assert_in_range(at_page(&rs, 22000)->age, 10, 20);
		}
		if (i == 20) {
			assert_int_equal(at_page(&rs, 22000)->age, 0);
			assert_in_range(at_page(&rs, 29000)->age, 10, 21);
		}
	}
	assert_in_range(at_page(&rs, 22000)->age, 5, 9);
	regions_free(&rs);
}

/* One report where there was none before is chance, not a change: a cold region keeps its age. */
static void test_single_report_is_no_change(void **state)
{
	struct regions rs;

	(void)state;
	open_range(&rs, REGION_COUNT_EVENTS, 0, 30000, 1);
	for (int i = 0; i < 10; i++) {
		begin(&rs);
		if (i % 2)
			add_one(&rs, P(100), P(100) + 1, 1);
		aggregate(&rs, 1, 1000);
	}
	assert_int_equal(rs.nr, 1);
	assert_int_equal(rs.v[0].age, 10);
	regions_free(&rs);
}

/* ---- joining and limits ---------------------------------------------------------------------------- */

static void test_cooled_down_regions_are_joined(void **state)
{
	struct rng rng = rng_seeded(6);
	struct regions rs;

	(void)state;
	open_range(&rs, REGION_COUNT_EVENTS, 0, 30000, 1);
	add_uniform(&rs, &rng, 5000, 6000, 200);
	aggregate(&rs, 1, 1000);
	assert_in_range(rs.nr, 3, 4);
	begin(&rs);
	aggregate(&rs, 1, 1000);
	assert_int_equal(rs.nr, 1);
	assert_int_equal(rs.v[0].nr_hits, 0);
	regions_free(&rs);
}

static void test_nothing_is_joined_across_a_gap(void **state)
{
	struct range v[] = { { P(0), P(10) }, { P(20), P(30) }, { P(31), P(40) } };
	struct attrs attrs = attrs_of(1, 2);
	struct regions rs;

	(void)state;
	regions_init(&rs, REGION_COUNT_EVENTS);
	regions_set_ranges(&rs, v, 3, &attrs);
	aggregate(&rs, 1, 2);
	assert_int_equal(rs.nr, 3); /* more than the maximum, for nothing else covers exactly these */
	regions_free(&rs);
}

static void test_least_different_is_joined_first_above_the_maximum(void **state)
{
	struct regions rs;

	(void)state;
	open_range(&rs, REGION_COUNT_EVENTS, 0, 4000, 1);
	for (unsigned i = 0; i < 1000; i++) {
		add_one(&rs, P(i), P(i) + 1, 1);
		add_one(&rs, P(1000 + i), P(1000 + i) + 1, 10);
		add_one(&rs, P(2000 + i), P(2000 + i) + 1, 16);
		add_one(&rs, P(3000 + i), P(3000 + i) + 1, 200);
	}
	aggregate(&rs, 1, 3);
	assert_int_equal(rs.nr, 3);
	assert_true(at_page(&rs, 1500) == at_page(&rs, 2500));
	assert_true(at_page(&rs, 500) != at_page(&rs, 1500));
	assert_true(at_page(&rs, 2500) != at_page(&rs, 3500));
	regions_free(&rs);
}

static void test_join_takes_the_least_different_first(void **state)
{
	static const uint64_t hits[] = { 1000, 10000, 16000, 200000 };
	struct attrs attrs = attrs_of(4, 1000);
	struct range range = { P(0), P(4000) };
	struct regions rs;

	(void)state;
	regions_init(&rs, REGION_COUNT_EVENTS);
	regions_set_ranges(&rs, &range, 1, &attrs);
	assert_int_equal(rs.nr, 4);
	for (size_t i = 0; i < 4; i++)
		rs.v[i].nr_hits = hits[i];
	regions_join_alike(&rs, 3);
	assert_int_equal(rs.nr, 3);
	assert_int_equal(rs.v[1].nr_hits, 26000);
	regions_join_alike(&rs, 2);
	assert_int_equal(rs.v[0].nr_hits, 27000);
	regions_free(&rs);
}

/* The rest of a region beside a hot range is as cold as its neighbour, but together they are too large: even halves. */
static void test_no_sliver_is_left_beside_its_like(void **state)
{
	struct rng rng = rng_seeded(12);
	struct regions rs;

	(void)state;
	open_range(&rs, REGION_COUNT_EVENTS, 0, 40000, 4);
	add_uniform(&rs, &rng, 10000, 19500, 900);
	aggregate(&rs, 4, 1000);
	assert_in_range(at_page(&rs, 15000)->end / PAGE_BYTES, 19400, 19600);
	assert_true(at_page(&rs, 19800)->end - at_page(&rs, 19800)->start >= P(4000));
	assert_true(at_page(&rs, 29000)->end - at_page(&rs, 29000)->start >= P(4000));
	regions_free(&rs);
}

static void test_a_larger_minimum_takes_effect_at_the_next_aggregation(void **state)
{
	struct regions rs;

	(void)state;
	open_range(&rs, REGION_COUNT_EVENTS, 0, 1000, 1);
	assert_int_equal(rs.nr, 1);
	add_one(&rs, P(7), P(7) + 1, 1);
	aggregate(&rs, 20, 1000);
	assert_int_equal(rs.nr, 20);
	assert_int_equal(rs.v[0].nr_hits, 1);
	regions_free(&rs);
}

struct shape {
	struct range ranges[12];
	size_t nr;
	uint64_t pages;
};

static struct shape random_shape(struct rng *rng)
{
	struct shape s = { .nr = 1 + rng_below(rng, 12) };
	uint64_t at = rng_below(rng, 100);

	for (size_t i = 0; i < s.nr; i++) {
		uint64_t start = at + rng_below(rng, 3) * rng_below(rng, 5000) + 1;

		at = start + 1 + rng_below(rng, rng_below(rng, 2) ? 20 : 4000);
		s.ranges[i] = (struct range){ P(start), P(at) };
		s.pages += at - start;
	}
	return s;
}

static void assert_sound(const struct regions *rs, const struct shape *s)
{
	size_t k = 0;

	for (size_t i = 0; i < s->nr; i++) {
		uint64_t at = s->ranges[i].start;

		for (; at < s->ranges[i].end; at = rs->v[k++].end) {
			assert_true(k < rs->nr);
			assert_int_equal(rs->v[k].start, at);
			assert_true(rs->v[k].end > at && rs->v[k].end <= s->ranges[i].end);
			assert_int_equal(rs->v[k].end % PAGE_BYTES, 0);
		}
	}
	assert_int_equal(k, rs->nr);
}

/* Bursts on some places, single reports and spans: as unlike a model as can be. Returns the hits inside the ranges. */
static uint64_t add_anything(struct regions *rs, struct rng *rng, const struct shape *s)
{
	unsigned nr = 1u << rng_below(rng, 8);
	uint64_t inside = 0;

	for (unsigned i = 0; i < nr; i++) {
		const struct range *r = &s->ranges[rng_below(rng, s->nr)];
		uint64_t start = r->start + rng_below(rng, r->end - r->start);
		uint64_t end = start + 1 + (rng_below(rng, 3) ? 0 : rng_below(rng, P(3000)));
		uint64_t count = rng_below(rng, 4) ? 1 : rng_below(rng, 100000), outside = rs->nr_outside;

		add_one(rs, start, end, count);
		inside += count - (rs->nr_outside - outside);
	}
	return inside;
}

static uint64_t sum_of_hits(const struct regions *rs)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < rs->nr; i++)
		sum += rs->v[i].nr_hits;
	return sum;
}

static void property_round(struct rng *rng, enum region_count count, unsigned extra)
{
	uint32_t min = 3 + (uint32_t)rng_below(rng, 20), max = 40 + (uint32_t)rng_below(rng, 100);
	struct shape s = random_shape(rng);
	struct attrs attrs = attrs_of(min, max);
	struct regions rs;
	uint64_t limit;

	regions_init(&rs, count);
	regions_set_ranges(&rs, s.ranges, s.nr, &attrs);
	limit = regions_sz_limit(&rs, min);
	for (int i = 0; i < 4; i++) {
		uint64_t inside = 0;

		begin(&rs);
		inside += add_anything(&rs, rng, &s);
		for (unsigned k = 0; k < extra; k++)
			inside += add_anything(&rs, rng, &s);
		aggregate(&rs, min, max);
		assert_sound(&rs, &s);
		assert_int_equal(sum_of_hits(&rs), inside);
		assert_true(rs.nr <= max);
		/* the limit is rounded up to pages, so that few pages make fewer regions than min */
		assert_true(rs.nr * (limit / PAGE_BYTES) >= s.pages);
		for (size_t r = 0; r < rs.nr; r++)
			assert_true(rs.v[r].end - rs.v[r].start <= limit);
	}
	regions_free(&rs);
}

static void test_properties_by_the_thousand(void **state)
{
	struct rng rng = rng_seeded(7);

	(void)state;
	for (int round = 0; round < 2000; round++)
		property_round(&rng, round % 2 ? REGION_COUNT_EVENTS : REGION_COUNT_CHECKS, 0);
}

static void test_properties_with_more_reports_than_are_kept(void **state)
{
	struct rng rng = rng_seeded(8);

	(void)state;
	for (int round = 0; round < 15; round++)
		property_round(&rng, round % 2 ? REGION_COUNT_EVENTS : REGION_COUNT_CHECKS, 600);
}

static void test_density_of_a_stable_picture_is_stable(void **state)
{
	struct rng rng = rng_seeded(9);
	struct regions rs;

	(void)state;
	open_range(&rs, REGION_COUNT_EVENTS, 0, 131072, 10);
	for (int i = 0; i < 100; i++) {
		begin(&rs);
		add_uniform(&rs, &rng, 40000, 72768, 225);
		add_uniform(&rs, &rng, 0, 131072, 25);
		aggregate(&rs, 10, 1000);
		assert_in_range(rs.nr, 10, 24);
		if (i > 3)
			assert_true(density(at_page(&rs, 56000)) > 5 * density(at_page(&rs, 100000)));
	}
	regions_free(&rs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_where_the_density_changes),
		cmocka_unit_test(test_one_hot_page_is_found),
		cmocka_unit_test(test_many_reports_cut_at_bins),
		cmocka_unit_test(test_uniform_reports_are_seldom_cut),
		cmocka_unit_test(test_too_few_reports_cut_nothing),
		cmocka_unit_test(test_checks_cut_at_the_very_page),
		cmocka_unit_test(test_small_difference_is_no_cut_however_certain),
		cmocka_unit_test(test_regions_of_a_piece_are_as_hot_as_all_of_it),
		cmocka_unit_test(test_what_is_no_chance_is_kept),
		cmocka_unit_test(test_two_small_changes_are_one),
		cmocka_unit_test(test_a_border_lies_between_reports),
		cmocka_unit_test(test_age_grows_until_the_pattern_changes),
		cmocka_unit_test(test_single_report_is_no_change),
		cmocka_unit_test(test_cooled_down_regions_are_joined),
		cmocka_unit_test(test_nothing_is_joined_across_a_gap),
		cmocka_unit_test(test_least_different_is_joined_first_above_the_maximum),
		cmocka_unit_test(test_join_takes_the_least_different_first),
		cmocka_unit_test(test_no_sliver_is_left_beside_its_like),
		cmocka_unit_test(test_a_larger_minimum_takes_effect_at_the_next_aggregation),
		cmocka_unit_test(test_properties_by_the_thousand),
		cmocka_unit_test(test_properties_with_more_reports_than_are_kept),
		cmocka_unit_test(test_density_of_a_stable_picture_is_stable),
	};

	return cmocka_run_group_tests_name("region_data", tests, NULL, NULL);
}
