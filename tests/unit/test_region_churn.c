/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mappings that change in the middle of an aggregation, often and by much: regions that keep their bins beside new ones
 * once took more room than there was (a heap overflow on targets that map and unmap all the time).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "collector/region.h"

#define MIB	   (UINT64_C(1) << 20)
#define NR_REPORTS 512

static int compare(const void *a, const void *b)
{
	const struct report *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static void add_random_reports(struct regions *rs, struct rng *rng)
{
	struct report v[NR_REPORTS];

	for (size_t i = 0; i < NR_REPORTS; i++) {
		uint64_t start = 16 * MIB + rng_below(rng, 64 * 1024 * MIB);

		v[i] = (struct report){ .start = start, .end = start + 8, .count = 1 };
	}
	qsort(v, NR_REPORTS, sizeof(v[0]), compare);
	regions_add(rs, v, NR_REPORTS);
}

/* Ranges that grow or shrink by a factor of up to 4 096 from one call to the next. */
static void set_random_ranges(struct regions *rs, const struct attrs *attrs, struct rng *rng)
{
	struct range v[40];
	uint64_t at = 16 * MIB;
	size_t nr = 1 + rng_below(rng, 40);

	for (size_t i = 0; i < nr; i++) {
		v[i].start = at;
		at += PAGE_BYTES << rng_below(rng, 20);
		v[i].end = at;
		at += PAGE_BYTES << rng_below(rng, 12);
	}
	regions_set_ranges(rs, v, nr, attrs);
}

static void bins_of_old_and_new_regions_have_room(void **state)
{
	struct attrs attrs = attrs_default();
	struct rng rng = rng_seeded(5);
	struct regions rs;

	(void)state;
	regions_init(&rs, REGION_COUNT_EVENTS);
	for (int aggregation = 0; aggregation < 20; aggregation++) {
		uint64_t hits = 0;

		for (int change = 0; change < 40; change++) {
			set_random_ranges(&rs, &attrs, &rng);
			add_random_reports(&rs, &rng);
		}
		regions_aggregate(&rs, &attrs);
		for (size_t i = 0; i < rs.nr; i++) {
			assert_true(rs.v[i].start < rs.v[i].end && (i == 0 || rs.v[i].start >= rs.v[i - 1].end));
			hits += rs.v[i].nr_hits;
		}
		assert_true(hits <= 40 * NR_REPORTS);
		regions_begin(&rs, &attrs, &rng);
	}
	regions_free(&rs);
}

/* More reports than are kept one by one, then a new mapping, then nothing any more: no hit is lost. */
static void a_mapping_after_the_last_report_loses_nothing(void **state)
{
	struct attrs attrs = attrs_default();
	struct range range = { 1024 * MIB, 1280 * MIB };
	struct regions rs;
	uint64_t hits = 0;

	(void)state;
	regions_init(&rs, REGION_COUNT_EVENTS);
	regions_set_ranges(&rs, &range, 1, &attrs);
	for (uint64_t page = 0; page < 20000; page++) {
		uint64_t start = range.start + page * PAGE_BYTES;

		regions_add(&rs, &(struct report){ .start = start, .end = start + 8, .count = 1 }, 1);
	}
	range.start -= 8 * MIB;
	regions_set_ranges(&rs, &range, 1, &attrs);
	regions_aggregate(&rs, &attrs);
	for (size_t i = 0; i < rs.nr; i++)
		hits += rs.v[i].nr_hits;
	assert_int_equal(hits, 20000);
	regions_free(&rs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bins_of_old_and_new_regions_have_room),
		cmocka_unit_test(a_mapping_after_the_last_report_loses_nothing),
	};

	return cmocka_run_group_tests_name("region_churn", tests, NULL, NULL);
}
