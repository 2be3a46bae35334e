/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policy RANDOM: each rule of kernel DAMON that it follows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "collector/region.h"

#define P(n)	((uint64_t)(n)*PAGE_BYTES)
#define NR_ROWS 8

/* One region of a table: its size, the counts and what is around it. */
struct row {
	uint64_t start, end; /* pages */
	uint32_t nr, last_nr, age;
};

/* 20 checks an aggregation. */
static struct attrs attrs_of(uint32_t min, uint32_t max)
{
	return (struct attrs){ .aging_us = 5000,
			       .aggregation_us = 100000,
			       .min_nr_regions = min,
			       .max_nr_regions = max,
			       .policy = REGION_POLICY_RANDOM };
}

static void open_with(struct regions *rs, const struct row *row, size_t nr)
{
	struct range v[NR_ROWS];
	struct attrs attrs = attrs_of(1, 1000);

	for (size_t i = 0; i < nr; i++)
		v[i] = (struct range){ P(row[i].start), P(row[i].end) };
	regions_init(rs, REGION_COUNT_EVENTS);
	regions_set_ranges(rs, v, nr, &attrs);
	assert_int_equal(rs->nr, nr);
	for (size_t i = 0; i < nr; i++) {
		rs->v[i].nr_accesses = row[i].nr;
		rs->v[i].last_nr_accesses = row[i].last_nr;
		rs->v[i].age = row[i].age;
	}
}

static void assert_rows(const struct regions *rs, const struct row *want, size_t nr)
{
	assert_int_equal(rs->nr, nr);
	for (size_t i = 0; i < nr; i++) {
		assert_int_equal(rs->v[i].start, P(want[i].start));
		assert_int_equal(rs->v[i].end, P(want[i].end));
		assert_int_equal(rs->v[i].nr_accesses, want[i].nr);
		assert_int_equal(rs->v[i].last_nr_accesses, want[i].last_nr);
		assert_int_equal(rs->v[i].age, want[i].age);
	}
}

static void check(const struct row *in, size_t nr_in, const struct attrs *attrs, const struct row *want, size_t nr)
{
	struct regions rs;

	open_with(&rs, in, nr_in);
	regions_aggregate(&rs, attrs);
	assert_rows(&rs, want, nr);
	regions_free(&rs);
}

/* ---- aging --------------------------------------------------------------------------------------- */

static void test_age_grows_while_the_change_is_within_the_threshold(void **state)
{
	/* the largest is 20, so the threshold is 2; gaps between all, so nothing is merged */
	struct row in[] = { { 0, 10, 20, 20, 5 }, { 20, 30, 10, 8, 5 }, { 40, 50, 10, 7, 5 }, { 60, 70, 7, 10, 5 } };
	struct row want[] = { { 0, 10, 20, 20, 6 }, { 20, 30, 10, 8, 6 }, { 40, 50, 10, 7, 0 }, { 60, 70, 7, 10, 0 } };
	struct attrs attrs = attrs_of(1, 1000);

	(void)state;
	check(in, 4, &attrs, want, 4);
}

static void test_change_from_or_to_zero_is_a_change(void **state)
{
	struct row in[] = { { 0, 10, 20, 20, 5 }, { 20, 30, 1, 0, 5 }, { 40, 50, 0, 1, 5 }, { 60, 70, 0, 0, 5 } };
	struct row want[] = { { 0, 10, 20, 20, 6 }, { 20, 30, 1, 0, 0 }, { 40, 50, 0, 1, 0 }, { 60, 70, 0, 0, 6 } };
	struct attrs attrs = attrs_of(1, 1000);

	(void)state;
	check(in, 4, &attrs, want, 4);
}

/* ---- merging ------------------------------------------------------------------------------------- */

static void test_neighbours_within_the_threshold_are_merged(void **state)
{
	/* threshold 20 / 10 = 2; means are weighted by size and rounded down */
	struct row in[] = { { 0, 10, 20, 20, 9 }, { 10, 20, 17, 17, 9 }, { 20, 50, 15, 15, 3 }, { 50, 60, 0, 0, 1 } };
	struct row want[] = { { 0, 10, 20, 20, 10 }, { 10, 50, 15, 17, 5 }, { 50, 60, 0, 0, 2 } };
	struct attrs attrs = attrs_of(1, 1000);

	(void)state;
	check(in, 4, &attrs, want, 3);
}

static void test_threshold_is_a_whole_tenth(void **state)
{
	/* 19 / 10 = 1 */
	struct row in[] = { { 0, 10, 19, 19, 0 }, { 10, 20, 17, 17, 0 }, { 20, 30, 16, 16, 0 } };
	struct row want[] = { { 0, 10, 19, 19, 1 }, { 10, 30, 16, 17, 1 } };
	struct attrs attrs = attrs_of(1, 1000);

	(void)state;
	check(in, 3, &attrs, want, 2);
}

static void test_nothing_is_merged_across_a_gap(void **state)
{
	struct row in[] = { { 0, 10, 5, 5, 0 }, { 11, 20, 5, 5, 0 } };
	struct row want[] = { { 0, 10, 5, 5, 1 }, { 11, 20, 5, 5, 1 } };
	struct attrs attrs = attrs_of(1, 1000);

	(void)state;
	check(in, 2, &attrs, want, 2);
}

static void test_nothing_is_merged_above_the_size_limit(void **state)
{
	/* 40 pages and at least 2 regions: 20 pages at most */
	struct row in[] = { { 0, 10, 5, 5, 0 }, { 10, 20, 5, 5, 0 }, { 20, 30, 5, 5, 0 }, { 30, 40, 5, 5, 0 } };
	struct row want[] = { { 0, 20, 5, 5, 1 }, { 20, 40, 5, 5, 1 } };
	struct attrs attrs = attrs_of(2, 1000);

	(void)state;
	check(in, 4, &attrs, want, 2);
}

static void test_threshold_doubles_while_there_are_too_many(void **state)
{
	/* thresholds 2, 4: the second walk merges what differs by 3; each walk ages, as in DAMON */
	struct row in[] = { { 0, 10, 20, 20, 0 }, { 10, 20, 17, 17, 0 }, { 20, 30, 6, 6, 0 }, { 30, 40, 0, 0, 0 } };
	struct row want[] = { { 0, 20, 18, 20, 2 }, { 20, 30, 6, 6, 2 }, { 30, 40, 0, 0, 2 } };
	struct attrs attrs = attrs_of(1, 3);

	(void)state;
	check(in, 4, &attrs, want, 3);
}

static void test_threshold_starts_at_one_when_a_tenth_is_zero(void **state)
{
	struct row in[] = { { 0, 10, 3, 3, 0 }, { 10, 20, 2, 2, 0 }, { 20, 30, 0, 0, 0 } };
	struct row want[] = { { 0, 20, 2, 3, 2 }, { 20, 30, 0, 0, 2 } };
	struct attrs attrs = attrs_of(1, 2);

	(void)state;
	check(in, 3, &attrs, want, 2);
}

static void test_merging_gives_up_at_the_largest_threshold(void **state)
{
	/* gaps everywhere: no threshold helps, and it must end. Walks with 2, 4, 8, 16, 32 (32 / 2 < 20). */
	struct row in[] = { { 0, 10, 20, 20, 0 }, { 11, 20, 20, 20, 0 }, { 21, 30, 20, 20, 0 } };
	struct row want[] = { { 0, 10, 20, 20, 5 }, { 11, 20, 20, 20, 5 }, { 21, 30, 20, 20, 5 } };
	struct attrs attrs = attrs_of(1, 2);

	(void)state;
	check(in, 3, &attrs, want, 3);
}

static void test_regions_above_the_limit_are_split_after_merging(void **state)
{
	struct row in[] = { { 0, 10, 20, 20, 3 }, { 10, 40, 0, 0, 3 } };
	struct row want[] = { { 0, 10, 20, 20, 4 }, { 10, 20, 0, 0, 4 }, { 20, 30, 0, 0, 4 }, { 30, 40, 0, 0, 4 } };
	struct attrs attrs = attrs_of(4, 1000);

	(void)state;
	check(in, 2, &attrs, want, 4);
}

/* ---- splitting ----------------------------------------------------------------------------------- */

static void begin(struct regions *rs, uint32_t max, uint64_t seed)
{
	struct attrs attrs = attrs_of(1, max);
	struct rng rng = rng_seeded(seed);

	regions_begin(rs, &attrs, &rng);
}

static void test_no_split_above_half_of_the_maximum(void **state)
{
	struct row in[] = { { 0, 100, 0, 0, 0 }, { 100, 200, 0, 0, 0 }, { 200, 300, 0, 0, 0 } };
	struct regions rs;

	(void)state;
	open_with(&rs, in, 3);
	begin(&rs, 5, 1);
	assert_int_equal(rs.nr, 3);
	begin(&rs, 6, 1);
	assert_int_equal(rs.nr, 6);
	regions_free(&rs);
}

static void test_split_is_at_a_whole_tenth_rounded_down_to_pages(void **state)
{
	bool seen[10] = { false };

	(void)state;
	for (uint64_t seed = 0; seed < 400; seed++) {
		struct row in = { 100, 203, 0, 0, 0 }; /* 103 pages */
		struct regions rs;
		uint64_t left, tenth;

		open_with(&rs, &in, 1);
		begin(&rs, 1000, seed);
		assert_int_equal(rs.nr, 2);
		assert_int_equal(rs.v[0].end, rs.v[1].start);
		assert_int_equal(rs.v[1].end, P(203));
		left = (rs.v[0].end - rs.v[0].start) / PAGE_BYTES;
		tenth = (left * 10 + 102) / 103;
		assert_true(tenth >= 1 && tenth <= 9);
		assert_int_equal(left, tenth * 103 / 10);
		seen[tenth] = true;
		regions_free(&rs);
	}
	for (size_t i = 1; i <= 9; i++)
		assert_true(seen[i]);
}

static void test_children_inherit(void **state)
{
	struct row in = { 0, 100, 7, 6, 5 };
	struct regions rs;

	(void)state;
	open_with(&rs, &in, 1);
	begin(&rs, 1000, 1);
	assert_int_equal(rs.nr, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(rs.v[i].age, 5);
		assert_int_equal(rs.v[i].last_nr_accesses, 7);
		assert_int_equal(rs.v[i].nr_accesses, 0);
	}
	regions_free(&rs);
}

static void test_three_parts_where_the_number_has_not_changed(void **state)
{
	struct row in[] = { { 0, 100, 0, 0, 0 }, { 100, 200, 0, 0, 0 } };
	struct regions rs;

	(void)state;
	open_with(&rs, in, 2);
	rs.last_nr_regions = 2;
	begin(&rs, 9, 1); /* 2 < 9 / 3 */
	assert_int_equal(rs.nr, 6);
	assert_int_equal(rs.last_nr_regions, 2); /* the number before the split */
	regions_free(&rs);

	open_with(&rs, in, 2);
	rs.last_nr_regions = 2;
	begin(&rs, 8, 1); /* 2 is not below 8 / 3 */
	assert_int_equal(rs.nr, 4);
	regions_free(&rs);

	open_with(&rs, in, 2);
	rs.last_nr_regions = 3;
	begin(&rs, 1000, 1);
	assert_int_equal(rs.nr, 4);
	regions_free(&rs);
}

/* The second split works on the left part: so the right part keeps a whole number of tenths of all. */
static void test_second_split_is_of_the_left_part(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 100; seed++) {
		struct row in = { 0, 1000, 0, 0, 0 };
		struct regions rs;
		uint64_t first;

		open_with(&rs, &in, 1);
		rs.last_nr_regions = 1;
		begin(&rs, 1000, seed);
		assert_int_equal(rs.nr, 3);
		first = rs.v[1].end / PAGE_BYTES;
		assert_int_equal(first % 100, 0);
		assert_int_equal(rs.v[0].end / PAGE_BYTES % (first / 10), 0);
		assert_int_equal(rs.v[1].start, rs.v[0].end);
		assert_int_equal(rs.v[2].start, rs.v[1].end);
		regions_free(&rs);
	}
}

static void test_small_regions_are_not_split(void **state)
{
	struct row in[] = { { 0, 1, 0, 0, 0 }, { 1, 3, 0, 0, 0 } };

	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct regions rs;

		open_with(&rs, in, 2);
		begin(&rs, 1000, seed);
		assert_int_equal(rs.nr, 2);
		regions_free(&rs);
	}
}

static void test_no_split_of_no_pages(void **state)
{
	bool split = false, whole = false;

	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct row in = { 0, 4, 0, 0, 0 }; /* one or two tenths of 4 pages are less than a page */
		struct regions rs;

		open_with(&rs, &in, 1);
		begin(&rs, 1000, seed);
		split |= rs.nr == 2;
		whole |= rs.nr == 1;
		assert_true(rs.v[0].end > rs.v[0].start);
		regions_free(&rs);
	}
	assert_true(split && whole);
}

static void test_two_sets_do_not_share_the_last_number(void **state)
{
	struct row in[] = { { 0, 100, 0, 0, 0 }, { 100, 200, 0, 0, 0 } };
	struct regions a, b;

	(void)state;
	open_with(&a, in, 2);
	begin(&a, 1000, 1);
	open_with(&b, in, 2);
	begin(&b, 1000, 1);
	assert_int_equal(b.nr, 4); /* six if a's last number of 2 were b's */
	regions_free(&a);
	regions_free(&b);
}

/* ---- all of it, by the thousand ------------------------------------------------------------------ */

static void assert_sound(const struct regions *rs, const struct range *range)
{
	uint64_t at = range->start;

	for (size_t i = 0; i < rs->nr; i++) {
		assert_int_equal(rs->v[i].start, at);
		assert_true(rs->v[i].end > at);
		assert_int_equal(rs->v[i].end % PAGE_BYTES, 0);
		at = rs->v[i].end;
	}
	assert_int_equal(at, range->end);
}

static void test_limits_and_cover_by_the_thousand(void **state)
{
	struct attrs attrs = attrs_of(10, 100);
	struct range range = { P(7), P(5000) };
	struct rng rng = rng_seeded(4);
	struct regions rs;

	(void)state;
	regions_init(&rs, REGION_COUNT_EVENTS);
	regions_set_ranges(&rs, &range, 1, &attrs);
	for (int round = 0; round < 2000; round++) {
		uint64_t hits = 0;

		regions_begin(&rs, &attrs, &rng);
		assert_sound(&rs, &range);
		assert_in_range(rs.nr, 10, 100);
		for (int check_nr = 0; check_nr < 20; check_nr++) {
			uint64_t addr = P(7) + rng_below(&rng, P(rng_below(&rng, 2) ? 4993 : 600));
			struct report report = { .start = addr, .end = addr + 1, .count = 1 };

			regions_add(&rs, &report, 1);
			regions_end_check(&rs);
		}
		regions_aggregate(&rs, &attrs);
		assert_sound(&rs, &range);
		assert_in_range(rs.nr, 10, 100);
		for (size_t i = 0; i < rs.nr; i++) {
			assert_true(rs.v[i].nr_accesses <= 20);
			assert_true(rs.v[i].end - rs.v[i].start <= P(500));
			hits += rs.v[i].nr_hits;
		}
		assert_int_equal(hits, 20);
	}
	regions_free(&rs);
}

static void test_same_seed_same_regions(void **state)
{
	struct row in = { 0, 1000, 0, 0, 0 };
	struct regions a, b;

	(void)state;
	open_with(&a, &in, 1);
	open_with(&b, &in, 1);
	for (uint64_t i = 0; i < 6; i++) {
		begin(&a, 1000, i);
		begin(&b, 1000, i);
	}
	assert_int_equal(a.nr, b.nr);
	assert_true(a.nr >= 32);
	for (size_t i = 0; i < a.nr; i++)
		assert_int_equal(a.v[i].start, b.v[i].start);
	regions_free(&a);
	regions_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_age_grows_while_the_change_is_within_the_threshold),
		cmocka_unit_test(test_change_from_or_to_zero_is_a_change),
		cmocka_unit_test(test_neighbours_within_the_threshold_are_merged),
		cmocka_unit_test(test_threshold_is_a_whole_tenth),
		cmocka_unit_test(test_nothing_is_merged_across_a_gap),
		cmocka_unit_test(test_nothing_is_merged_above_the_size_limit),
		cmocka_unit_test(test_threshold_doubles_while_there_are_too_many),
		cmocka_unit_test(test_threshold_starts_at_one_when_a_tenth_is_zero),
		cmocka_unit_test(test_merging_gives_up_at_the_largest_threshold),
		cmocka_unit_test(test_regions_above_the_limit_are_split_after_merging),
		cmocka_unit_test(test_no_split_above_half_of_the_maximum),
		cmocka_unit_test(test_split_is_at_a_whole_tenth_rounded_down_to_pages),
		cmocka_unit_test(test_children_inherit),
		cmocka_unit_test(test_three_parts_where_the_number_has_not_changed),
		cmocka_unit_test(test_second_split_is_of_the_left_part),
		cmocka_unit_test(test_small_regions_are_not_split),
		cmocka_unit_test(test_no_split_of_no_pages),
		cmocka_unit_test(test_two_sets_do_not_share_the_last_number),
		cmocka_unit_test(test_limits_and_cover_by_the_thousand),
		cmocka_unit_test(test_same_seed_same_regions),
	};

	return cmocka_run_group_tests_name("region_damon", tests, NULL, NULL);
}
