/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the line of a region in a recording shortens or leaves out comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "collector/record_fields.h"
#include "collector/rng.h"

/* Every short form, and numbers that have none. */
static void pages_of_regions_come_back(void **state)
{
	static const uint32_t some[] = { 0, 1, 16, 17, 4096, UINT32_MAX };
	struct rng rng = rng_seeded(3);
	size_t nr_shortest = 0;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		uint64_t v[RECORD_NR_PAGES] = { 0 }, bytes = PAGE_BYTES * (round % 2 ? 17 : rng_below(&rng, 5000));
		struct snap_pages in = { .valid = rng_below(&rng, 16) & 15, .huge = rng_below(&rng, 2) & 1 },
				  out = { 0 };
		size_t nr_nodes = rng_below(&rng, SNAP_NR_NODES + 1);

		in.anon = some[rng_below(&rng, 6)];
		in.file = rng_below(&rng, 2) ? 0 : some[rng_below(&rng, 6)];
		for (size_t i = 0; i < nr_nodes; i++) {
			in.node[i] = (uint8_t)rng_below(&rng, 256);
			in.node_pages[i] = rng_below(&rng, 2) ? 17 : 1 + (uint32_t)rng_below(&rng, 100);
		}
		nr_shortest += record_pages_pack(&in, bytes, v) == 2;
		record_pages_unpack(&out, bytes, v);
		assert_memory_equal(&in, &out, sizeof(in));
	}
	assert_true(nr_shortest > 100);
}

/* What the regions' algorithm computes is not written, and comes back bit by bit. */
static void heat_that_follows_is_not_written(void **state)
{
	struct snapshot s = { .duration_ns = 1000123457, .max_nr_accesses = 19, .stats = { .samples = 12345 } };
	struct snap_region r = { .start = 0x7000, .end = 0x7000 + 37 * PAGE_BYTES, .nr_accesses = 11 };

	(void)state;
	s.heat_unit = HEAT_FRACTION;
	assert_true(record_implied_heat(&s, &r) == 11.0f / 19.0f);
	s.heat_unit = HEAT_RATE;
	assert_true(record_implied_heat(&s, &r) == (float)(11 / 1.000123457 / (37.0 / 256)));
	s.heat_unit = HEAT_TIME;
	assert_true(record_implied_heat(&s, &r) == (float)(11 / 12345.0 / (37.0 / 256)));
	s.stats.samples = 0;
	assert_true(record_implied_heat(&s, &r) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_of_regions_come_back),
		cmocka_unit_test(heat_that_follows_is_not_written),
	};

	return cmocka_run_group_tests_name("record_fields", tests, NULL, NULL);
}
