/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mapping_rates.h against simulated accesses of a known rate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/mapping_rates.h"
#include "collector/rng.h"

#define MSEC UINT64_C(1000000)

/* How many of nr_pages are used when each of nr accesses goes to a random one. */
static uint64_t simulate(struct rng *rng, unsigned nr_pages, unsigned nr)
{
	unsigned char used[4096] = { 0 };
	uint64_t sum = 0;

	for (unsigned i = 0; i < nr; i++)
		used[rng_below(rng, nr_pages)] = 1;
	for (unsigned i = 0; i < nr_pages; i++)
		sum += used[i];
	return sum;
}

static void read_one(struct mapping_rates *mr, uint64_t start, uint64_t nr_pages, uint64_t used, uint64_t window_ns)
{
	mapping_rates_begin(mr);
	mapping_rates_add(mr, start, start + nr_pages * PAGE_BYTES, nr_pages * PAGE_BYTES, used * PAGE_BYTES, 0,
			  window_ns);
	assert_int_equal(mapping_rates_end(mr), 0);
}

static struct mapping_report estimate(const struct mapping_rates *mr, size_t i)
{
	struct mapping_report report = { 0 };

	mapping_rates_estimate(&mr->v[i], &report);
	return report;
}

/* 100 000 accesses a second over 4096 pages: 200 in 2 ms, most of the pages in a second. */
static void test_often_used_by_short_windows(void **state)
{
	struct rng rng = rng_seeded(1);
	struct mapping_rates mr;
	struct mapping_report report;

	(void)state;
	mapping_rates_init(&mr);
	for (int i = 0; i < 20; i++) {
		read_one(&mr, PAGE_BYTES, 4096, simulate(&rng, 4096, 200), 2 * MSEC);
		read_one(&mr, PAGE_BYTES, 4096, simulate(&rng, 4096, 100000), 1000 * MSEC);
	}
	report = estimate(&mr, 0);
	assert_int_equal(report.valid, MAPPING_REPORT_RATE);
	assert_int_equal(report.nr_windows, 40);
	assert_true(report.accesses_per_sec > 95000 && report.accesses_per_sec < 105000);
	mapping_rates_free(&mr);
}

/* 100 accesses a second: short windows see next to nothing, the long ones decide. */
static void test_seldom_used_by_long_windows(void **state)
{
	struct rng rng = rng_seeded(2);
	struct mapping_rates mr;
	struct mapping_report report;

	(void)state;
	mapping_rates_init(&mr);
	for (int i = 0; i < 20; i++) {
		read_one(&mr, PAGE_BYTES, 4096, 0, 2 * MSEC);
		read_one(&mr, PAGE_BYTES, 4096, simulate(&rng, 4096, 100), 1000 * MSEC);
	}
	report = estimate(&mr, 0);
	assert_int_equal(report.valid, MAPPING_REPORT_RATE);
	assert_true(report.accesses_per_sec > 97 && report.accesses_per_sec < 103);
	mapping_rates_free(&mr);
}

/* All pages in the shortest window: at least that much. */
static void test_a_full_window_is_a_lower_bound(void **state)
{
	struct mapping_rates mr;
	struct mapping_report report;

	(void)state;
	mapping_rates_init(&mr);
	for (int i = 0; i < MAPPING_RATES_MIN_WINDOWS; i++) {
		assert_int_equal(i ? estimate(&mr, 0).valid : 0, 0); /* too few to tell */
		read_one(&mr, PAGE_BYTES, 100, 100, 1000 * MSEC);
	}
	report = estimate(&mr, 0);
	assert_int_equal(report.valid, MAPPING_REPORT_RATE | MAPPING_REPORT_RATE_MIN);
	assert_true(report.accesses_per_sec >= 100 && report.accesses_per_sec < 1000);
	for (int i = 0; i < 10; i++)
		read_one(&mr, PAGE_BYTES, 100, 100, 2 * MSEC);
	report = estimate(&mr, 0);
	assert_int_equal(report.valid, MAPPING_REPORT_RATE | MAPPING_REPORT_RATE_MIN);
	assert_true(report.accesses_per_sec >= 50000 && report.accesses_per_sec < 500000);
	mapping_rates_free(&mr);
}

/* A quarter of the pages is used 10 000 times a second and the rest never: the long window is not full, and misleads.
 */
static void test_few_hot_pages(void **state)
{
	struct rng rng = rng_seeded(3);
	struct mapping_rates mr;
	struct mapping_report report;

	(void)state;
	mapping_rates_init(&mr);
	for (int i = 0; i < 20; i++) {
		read_one(&mr, PAGE_BYTES, 1024, simulate(&rng, 256, 20), 2 * MSEC);
		read_one(&mr, PAGE_BYTES, 1024, simulate(&rng, 256, 10000), 1000 * MSEC);
	}
	report = estimate(&mr, 0);
	assert_int_equal(report.valid, MAPPING_REPORT_RATE);
	assert_true(report.accesses_per_sec > 9000 && report.accesses_per_sec < 11000);
	mapping_rates_free(&mr);
}

/* One short window that meets a cluster of uses does not make a mapping hot that is used five times a second. */
static void test_chance_is_not_evidence(void **state)
{
	struct mapping_rates mr;

	(void)state;
	mapping_rates_init(&mr);
	for (int i = 0; i < 10; i++) {
		read_one(&mr, PAGE_BYTES, 100, i == 9 ? 14 : 0, 2 * MSEC);
		read_one(&mr, PAGE_BYTES, 100, 5, 1000 * MSEC);
	}
	/* it counts as what it is: 14 pages more, in 10 s */
	assert_true(estimate(&mr, 0).accesses_per_sec > 5 && estimate(&mr, 0).accesses_per_sec < 8);
	mapping_rates_free(&mr);
}

/* Pages used all at once, ten times a second on average, against one time: seconds are full of both, so windows decide.
 */
static void test_bursts_of_a_few_windows(void **state)
{
	struct rng rng = rng_seeded(4);
	struct mapping_rates mr;
	int right = 0;

	(void)state;
	for (int try = 0; try < 100; try++) {
		struct mapping_report often, seldom;

		mapping_rates_init(&mr);
		for (int i = 0; i < 4; i++) {
			uint64_t window_ns = i < 3 ? 128 * MSEC : 740 * MSEC;
			bool used = i == 3 || rng_below(&rng, 100) < 72,
			     by_chance = i == 3 || rng_below(&rng, 100) < 12;

			mapping_rates_begin(&mr);
			mapping_rates_add(&mr, 0, 65536, 65536, used ? 65536 : 0, 0, window_ns);
			mapping_rates_add(&mr, 65536, 131072, 65536, by_chance ? 65536 : 0, 0, window_ns);
			assert_int_equal(mapping_rates_end(&mr), 0);
		}
		often = estimate(&mr, 0);
		seldom = estimate(&mr, 1);
		right += often.accesses_per_sec > seldom.accesses_per_sec;
		mapping_rates_free(&mr);
	}
	assert_true(right >= 90);
}

/* A huge page has one bit: four of them, each used now and then, are not 2 048 pages in use. */
static void test_huge_pages_are_one_each(void **state)
{
	struct mapping_rates mr;
	struct mapping_report report;

	(void)state;
	mapping_rates_init(&mr);
	for (int i = 0; i < 8; i++) {
		mapping_rates_begin(&mr);
		mapping_rates_add(&mr, 0, 8 << 20, 8 << 20, i % 4 ? 0 : 2 << 20, 8 << 20, 100 * MSEC);
		assert_int_equal(mapping_rates_end(&mr), 0);
	}
	report = estimate(&mr, 0);
	assert_int_equal(report.valid, MAPPING_REPORT_RATE);
	assert_true(report.accesses_per_sec > 1.5 &&
		    report.accesses_per_sec < 4); /* one of four, in a quarter of them */
	mapping_rates_free(&mr);
}

static void test_follows_a_change(void **state)
{
	struct mapping_rates mr;

	(void)state;
	mapping_rates_init(&mr);
	for (int i = 0; i < 100; i++)
		read_one(&mr, PAGE_BYTES, 1000, 100, 2 * MSEC);
	for (int i = 0; i < 30; i++)
		read_one(&mr, PAGE_BYTES, 1000, 0, 2 * MSEC);
	assert_true(estimate(&mr, 0).accesses_per_sec < 0.06 * 52680);
	mapping_rates_free(&mr);
}

/* Mappings come and go: what stays keeps its past, what comes anew has none. */
static void test_mappings_come_and_go(void **state)
{
	struct mapping_rates mr;

	(void)state;
	mapping_rates_init(&mr);
	mapping_rates_begin(&mr);
	for (uint64_t i = 1; i <= 1000; i++)
		mapping_rates_add(&mr, i << 20, (i << 20) + 4096, 4096, 0, 0, MSEC);
	assert_int_equal(mapping_rates_end(&mr), 0);
	assert_int_equal(mr.nr, 1000);
	mapping_rates_begin(&mr);
	for (uint64_t i = 0; i <= 2000; i += 3)
		mapping_rates_add(&mr, i << 20, (i << 20) + 8192, 8192, 4096, 0, MSEC);
	assert_int_equal(mapping_rates_end(&mr), 0);
	assert_int_equal(mr.nr, 667);
	for (size_t i = 0; i < mr.nr; i++) {
		assert_int_equal(mr.v[i].end - mr.v[i].start, 8192);
		assert_int_equal(mr.v[i].nr_windows, i > 0 && i * 3 <= 1000 ? 2 : 1);
	}
	mapping_rates_free(&mr);
}

static void test_nothing_present_has_no_rate(void **state)
{
	struct mapping_rates mr;

	(void)state;
	mapping_rates_init(&mr);
	mapping_rates_begin(&mr);
	mapping_rates_add(&mr, 4096, 8192, 0, 0, 0, MSEC);
	mapping_rates_add(&mr, 8192, 12288, 4096, 4096, 0, 0); /* no window has passed */
	assert_int_equal(mapping_rates_end(&mr), 0);
	assert_int_equal(estimate(&mr, 0).valid, 0);
	assert_int_equal(estimate(&mr, 1).valid, 0);
	mapping_rates_free(&mr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_often_used_by_short_windows),
		cmocka_unit_test(test_seldom_used_by_long_windows),
		cmocka_unit_test(test_a_full_window_is_a_lower_bound),
		cmocka_unit_test(test_few_hot_pages),
		cmocka_unit_test(test_chance_is_not_evidence),
		cmocka_unit_test(test_bursts_of_a_few_windows),
		cmocka_unit_test(test_huge_pages_are_one_each),
		cmocka_unit_test(test_follows_a_change),
		cmocka_unit_test(test_mappings_come_and_go),
		cmocka_unit_test(test_nothing_present_has_no_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
