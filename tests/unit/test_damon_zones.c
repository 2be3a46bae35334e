/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Physical memory by node and zone, from the text of /proc/zoneinfo. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector/damon_zones.h"

#define ZONE(node, name, spanned, present, start)                                                                      \
	"Node " node ", zone   " name "\n  pages free     2816\n        spanned  " spanned                             \
	"\n        present  " present "\n        managed  3840\n  pagesets\n    cpu: 0\n  start_pfn:           " start \
	"\n"

static void test_zones(void **state)
{
	static const char text[] = ZONE("1", "Normal", "262144", "262144", "786432")
		ZONE("0", "DMA", "4095", "3998", "1") ZONE("0", "DMA32", "520192", "520192", "4096")
			ZONE("0", "Movable", "0", "0", "0") ZONE("0", "Device", "4096", "0", "99999999");
	struct damon_zone zones[DAMON_MAX_RANGES];
	const struct mapping *m;
	struct mappings *maps;

	(void)state;
	assert_int_equal(damon_zones_parse(text, zones), 3);
	assert_int_equal(zones[0].range.start, 4096);
	assert_int_equal(zones[0].range.end, 4096 * 4096);
	assert_string_equal(zones[1].name, "DMA32");
	assert_int_equal(zones[2].node, 1);
	assert_int_equal(zones[2].range.end, UINT64_C(1048576) * 4096);
	maps = damon_zones_mappings(zones, 3, NULL);
	assert_non_null(maps);
	m = mappings_find(maps, UINT64_C(800000) * 4096);
	assert_string_equal(mappings_name(maps, m), "[node 1 Normal]");
	mappings_put(maps);
}

/* A region's nodes by its addresses; what lies in no zone is nobody's. */
static void test_nodes(void **state)
{
	const struct damon_zone zones[] = { { { 0x1000, 0x9000 }, 0, "DMA" },
					    { { 0x9000, 0x20000 }, 0, "DMA32" },
					    { { 0x20000, 0x40000 }, 3, "Normal" } };
	struct region_report v[] = {
		{ .start = 0x2000, .end = 0xa000 },   /* two zones of one node */
		{ .start = 0xa000, .end = 0x30000 },  /* two nodes */
		{ .start = 0x30000, .end = 0x40000 }, /* one */
		{ .start = 0x40000, .end = 0x50000 }, /* none */
	};

	(void)state;
	damon_zones_fill_nodes(zones, 3, v, 4);
	assert_int_equal(v[0].valid, REPORT_NODE);
	assert_int_equal(v[0].nodes[0].node, 0);
	assert_int_equal(v[0].nodes[0].bytes, 0x8000);
	assert_int_equal(v[0].nodes[1].bytes, 0);
	assert_int_equal(v[1].nodes[0].bytes, 0x16000);
	assert_int_equal(v[1].nodes[1].node, 3);
	assert_int_equal(v[1].nodes[1].bytes, 0x10000);
	assert_int_equal(v[2].nodes[0].node, 3);
	assert_int_equal(v[2].nodes[0].bytes, 0x10000);
	assert_int_equal(v[3].valid, 0);
}

/* Regions over a border become one for each zone, and what lies in none; the others stay as they are. */
static void test_cut(void **state)
{
	const struct damon_zone zones[] = { { { 0x1000, 0x9000 }, 0, "DMA" },
					    { { 0x9000, 0x20000 }, 0, "DMA32" },
					    { { 0x30000, 0x40000 }, 3, "Normal" } };
	const struct region_report v[] = {
		{ .start = 0x2000, .end = 0x9000, .nr_accesses = 1 },
		{ .start = 0x9000, .end = 0x34000, .nr_accesses = 7, .age = 5 },
		{ .start = 0x34000, .end = 0x50000, .nr_accesses = 2 },
	};
	static const uint64_t borders[] = { 0x2000, 0x9000, 0x20000, 0x30000, 0x34000, 0x40000, 0x50000 };
	struct damon_regions cut = { 0 };

	(void)state;
	assert_int_equal(damon_zones_cut(zones, 3, v, 3, &cut), 0);
	assert_int_equal(cut.nr, 6);
	for (size_t i = 0; i < cut.nr; i++) {
		assert_int_equal(cut.v[i].start, borders[i]);
		assert_int_equal(cut.v[i].end, borders[i + 1]);
	}
	assert_int_equal(cut.v[0].nr_accesses, 1);
	for (size_t i = 1; i < 4; i++) {
		assert_int_equal(cut.v[i].nr_accesses, 7);
		assert_int_equal(cut.v[i].age, 5);
	}
	assert_int_equal(cut.v[5].nr_accesses, 2);
	assert_int_equal(damon_zones_cut(zones, 3, v, 1, &cut), 0); /* not added to what was there */
	assert_int_equal(cut.nr, 1);
	damon_regions_free(&cut);
}

static void test_overlaps(void **state)
{
	static const char text[] = ZONE("0", "Normal", "1000", "900", "5000") ZONE("1", "Normal", "1000", "900", "5500")
		ZONE("2", "Normal", "100", "100", "5600");
	struct damon_zone zones[DAMON_MAX_RANGES];

	(void)state;
	assert_int_equal(damon_zones_parse(text, zones), 2);
	assert_int_equal(zones[1].range.start, zones[0].range.end);
	assert_int_equal(zones[1].range.end, UINT64_C(6500) * 4096);
}

static void test_nonsense(void **state)
{
	struct damon_zone zones[DAMON_MAX_RANGES];
	char text[DAMON_MAX_RANGES * 300] = "";

	(void)state;
	assert_int_equal(damon_zones_parse("", zones), 0);
	assert_int_equal(damon_zones_parse("Node x, zone\n spanned\n start_pfn: -", zones), 0);
	assert_int_equal(damon_zones_parse(ZONE("0", "A", "18446744073709551615", "1", "1"), zones), 0);
	assert_int_equal(damon_zones_parse(ZONE("0", "A", "10", "1", "18446744073709551615"), zones), 0);
	for (int i = 0; i < DAMON_MAX_RANGES + 5; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), ZONE("0", "A", "10", "10", "%d"), i * 10);
	assert_int_equal(damon_zones_parse(text, zones), DAMON_MAX_RANGES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zones),	 cmocka_unit_test(test_nodes),	  cmocka_unit_test(test_cut),
		cmocka_unit_test(test_overlaps), cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
