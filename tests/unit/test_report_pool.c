/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sample of whole reports: codes, reads and writes, levels by region. */
#include <linux/perf_event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/report_pool.h"

static struct report access_to(uint64_t addr, uint64_t ip, enum report_op op)
{
	return (struct report){
		.start = addr, .end = addr + 8, .count = 1, .valid = REPORT_IP | REPORT_OP, .ip = ip, .op = (uint8_t)op
	};
}

static int set_up(void **state)
{
	static const struct report_pool none;
	struct report_pool *pool = test_malloc(sizeof(*pool));

	*pool = none;
	*state = pool;
	return report_pool_init(pool);
}

static int tear_down(void **state)
{
	report_pool_free(*state);
	test_free(*state);
	return 0;
}

static void codes_are_the_most_frequent_ones_of_each_region(void **state)
{
	struct report_pool *pool = *state;
	struct snap_region regions[] = { { .start = 0x1000, .end = 0x2000 }, { .start = 0x2000, .end = 0x4000 } };
	struct snap_code codes[8];
	struct rng rng = rng_seeded(1);

	for (int i = 0; i < 100; i++) {
		struct report r = access_to(0x1800, i < 60 ? 0xaaa : i < 90 ? 0xbbb : 0xc00 + (uint64_t)i, REPORT_READ);

		report_pool_add(pool, &r, 1, &rng);
	}
	report_pool_add(pool, &(struct report){ .start = 0x3000, .end = 0x3008, .valid = REPORT_IP, .ip = 0xddd }, 1,
			&rng);
	report_pool_sort(pool);
	assert_int_equal(report_pool_codes(pool, regions, 2, codes, 8), 5);
	assert_int_equal(codes[0].ip, 0xaaa);
	assert_int_equal(codes[0].count, 60);
	assert_int_equal(codes[1].ip, 0xbbb);
	assert_int_equal(codes[1].count, 30);
	assert_int_equal(codes[4].region, 1);
	assert_int_equal(codes[4].ip, 0xddd);
}

static void reads_and_writes_by_region(void **state)
{
	struct report_pool *pool = *state;
	struct snap_region regions[] = { { .start = 0x1000, .end = 0x2000 }, { .start = 0x2000, .end = 0x4000 } };
	struct snap_access access[2];
	struct rng rng = rng_seeded(1);

	for (int i = 0; i < 30; i++) {
		struct report r = access_to(i % 3 ? 0x1010 : 0x2010, 1, i % 2 ? REPORT_WRITE : REPORT_READ);

		r.valid |= REPORT_LATENCY;
		r.latency = 100;
		report_pool_add(pool, &r, 1, &rng);
	}
	assert_true(report_pool_has_access(pool));
	report_pool_sort(pool);
	report_pool_access(pool, regions, 2, access);
	assert_int_equal(access[0].nr_reads + access[0].nr_writes, 20);
	assert_int_equal(access[1].nr_reads, 5);
	assert_int_equal(access[1].nr_writes, 5);
	assert_int_equal(access[1].latency_sum / access[1].nr_latency, 100);
}

/* More reports than there is room for: the sample is uniform, and counts are scaled to all of them. */
static void a_full_pool_scales(void **state)
{
	struct report_pool *pool = *state;
	struct snap_region regions[] = {
		{ .start = 0x1000, .end = 0x2000, .nr_reports = 5 * REPORT_POOL_SIZE },
		{ .start = 0x2000, .end = 0x4000, .nr_reports = 15 * REPORT_POOL_SIZE },
	};
	struct snap_access access[2];
	struct rng rng = rng_seeded(9);
	const int nr = 20 * REPORT_POOL_SIZE;

	for (int i = 0; i < nr; i++) {
		/* one in four in the first region, all of them late: a sample of the first ones would miss them */
		struct report r = access_to(i >= nr * 3 / 4 ? 0x1800 : 0x2800, 7, i % 4 ? REPORT_READ : REPORT_WRITE);

		r.valid |= REPORT_LATENCY;
		r.latency = 3; /* less than one in each of the pool's shares */

		report_pool_add(pool, &r, 1, &rng);
	}
	assert_int_equal(pool->nr, REPORT_POOL_SIZE);
	report_pool_sort(pool);
	report_pool_access(pool, regions, 2, access);
	for (int i = 0; i < 2; i++) {
		uint32_t all = regions[i].nr_reports, ops = access[i].nr_reads + access[i].nr_writes;

		assert_in_range(ops, all - 2, all); /* as many as there were, but for rounding */
		assert_in_range(access[i].nr_reads, all * 71 / 100, all * 79 / 100);
		assert_int_equal(access[i].latency_sum / access[i].nr_latency, 3);
	}
}

/* A region of which the sample has nothing, as others had so many more reports: nothing is said of it. */
static void a_region_that_the_sample_has_missed(void **state)
{
	struct report_pool *pool = *state;
	struct snap_region region = { .start = 0x1000, .end = 0x2000, .nr_reports = 3 };
	struct snap_access access;
	struct rng rng = rng_seeded(1);
	struct report r = access_to(0x9000, 1, REPORT_READ);

	report_pool_add(pool, &r, 1, &rng);
	report_pool_sort(pool);
	report_pool_access(pool, &region, 1, &access);
	assert_int_equal(access.nr_reads + access.nr_writes + access.nr_latency, 0);
}

static void what_reports_do_not_say_stays_unknown(void **state)
{
	struct report_pool *pool = *state;
	struct snap_region region = { .start = 0x1000, .end = 0x2000 };
	struct snap_code code;
	struct snap_pages pages = { 0 };
	struct rng rng = rng_seeded(1);

	report_pool_add(pool, &(struct report){ .start = 0x1000, .end = 0x1008, .count = 1 }, 1, &rng);
	assert_false(report_pool_has_access(pool));
	assert_int_equal(report_pool_codes(pool, &region, 1, &code, 1), 0);
	report_pool_pages(pool, &region, 1, &pages);
	assert_int_equal(pages.valid, 0);
}

static void nodes_in_the_shares_of_the_reports(void **state)
{
	struct report_pool *pool = *state;
	struct snap_region region = { .start = 0x100000, .end = 0x200000 };
	struct snap_pages pages = { 0 };
	struct rng rng = rng_seeded(1);

	for (int i = 0; i < 100; i++) {
		struct report r = { .start = 0x100000,
				    .end = 0x100008,
				    .count = 1,
				    .valid = REPORT_NODE | REPORT_KIND,
				    .kind = PAGE_ANON,
				    .node = i % 4 ? 1 : 0 };

		report_pool_add(pool, &r, 1, &rng);
	}
	report_pool_pages(pool, &region, 1, &pages);
	assert_int_equal(pages.valid, SNAP_PAGES_NODE | SNAP_PAGES_KIND);
	assert_int_equal(pages.node[0], 1);
	assert_int_equal(pages.node_pages[0], 192);
	assert_int_equal(pages.node_pages[1], 64);
	assert_int_equal(pages.anon, 256);
	/* a region of one page has a node, too: the one that most reports tell */
	region.end = 0x101000;
	pages = (struct snap_pages){ 0 };
	report_pool_pages(pool, &region, 1, &pages);
	assert_int_equal(pages.node[0], 1);
	assert_int_equal(pages.node_pages[0], 1);
	assert_int_equal(pages.node_pages[1], 0);
	assert_int_equal(pages.anon, 1);
}

static void levels_of_data_src(void **state)
{
#define NUM(n) ((uint64_t)PERF_MEM_LVLNUM_##n << PERF_MEM_LVLNUM_SHIFT)
	static const struct {
		uint64_t data_src;
		enum snap_level level;
	} cases[] = {
		{ NUM(L1), SNAP_LEVEL_L1 },
		{ NUM(L2), SNAP_LEVEL_L2 },
		{ NUM(L3), SNAP_LEVEL_L3 },
		{ NUM(RAM), SNAP_LEVEL_LOCAL_DRAM },
		{ NUM(RAM) | (uint64_t)1 << PERF_MEM_REMOTE_SHIFT, SNAP_LEVEL_REMOTE_DRAM },
		{ NUM(ANY_CACHE) | (uint64_t)1 << PERF_MEM_REMOTE_SHIFT, SNAP_LEVEL_REMOTE_CACHE },
		{ NUM(NA) | (uint64_t)PERF_MEM_LVL_LOC_RAM << PERF_MEM_LVL_SHIFT, SNAP_LEVEL_LOCAL_DRAM },
		{ NUM(NA) | (uint64_t)PERF_MEM_LVL_REM_RAM1 << PERF_MEM_LVL_SHIFT, SNAP_LEVEL_REMOTE_DRAM },
		{ NUM(NA) | (uint64_t)PERF_MEM_LVL_NA << PERF_MEM_LVL_SHIFT, SNAP_LEVEL_OTHER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(snap_level_of_data_src(cases[i].data_src), cases[i].level);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(codes_are_the_most_frequent_ones_of_each_region),
		TEST(reads_and_writes_by_region),
		TEST(a_full_pool_scales),
		TEST(a_region_that_the_sample_has_missed),
		TEST(what_reports_do_not_say_stays_unknown),
		TEST(nodes_in_the_shares_of_the_reports),
		cmocka_unit_test(levels_of_data_src),
	};

	return cmocka_run_group_tests_name("report_pool", tests, NULL, NULL);
}
