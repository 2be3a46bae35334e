/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Regions cut at the pages that were accessed, against a plain array of pages. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/region_pages.h"
#include "collector/rng.h"

#define BASE_PAGE UINT64_C(0x7f0000123) /* not at the start of a chunk */
#define NR_PAGES  4000

static uint64_t addr(uint64_t page)
{
	return (BASE_PAGE + page) << PAGE_SHIFT;
}

static void touch(struct page_set *set, uint32_t *hits, uint64_t page, uint64_t count)
{
	struct report r = { .start = addr(page) + 77, .end = addr(page) + 78, .count = count };

	page_set_add(set, &r);
	hits[page] += (uint32_t)count;
}

/* Runs of touched pages at random, long and short, and the same in hits. */
static void touch_some(struct page_set *set, uint32_t *hits, struct rng *rng)
{
	page_set_init(set, 64);
	page_set_count_hits(set);
	memset(hits, 0, NR_PAGES * sizeof(*hits));
	for (int i = 0; i < 30; i++) {
		uint64_t first = rng_below(rng, NR_PAGES), nr = 1 + rng_below(rng, i % 3 ? 3 : 700);

		for (uint64_t p = first; p < first + nr && p < NR_PAGES; p++)
			touch(set, hits, p, 1 + rng_below(rng, 3));
	}
}

/* Every piece has pages that were all accessed or none that was, and their counts; they cover what v covers. */
static void check_pieces(const struct snap_region *v, size_t nr, const uint32_t *hits, bool exact)
{
	uint64_t page = 0;

	for (size_t i = 0; i < nr; i++) {
		uint64_t first = (v[i].start >> PAGE_SHIFT) - BASE_PAGE, end = (v[i].end >> PAGE_SHIFT) - BASE_PAGE;
		uint64_t sum = 0;

		assert_true(first == page && end > first && end <= NR_PAGES);
		for (page = first; page < end; page++) {
			if (exact)
				assert_int_equal(!!hits[page], !!hits[first]);
			sum += hits[page];
		}
		assert_int_equal(v[i].nr_accesses, sum);
	}
	assert_int_equal(page, NR_PAGES);
}

static void pieces_are_the_pages_that_were_accessed(void **state)
{
	static uint32_t hits[NR_PAGES];
	struct rng rng = rng_seeded(5);

	(void)state;
	for (int round = 0; round < 50; round++) {
		/* two regions that meet at any page */
		uint64_t border = 1 + rng_below(&rng, NR_PAGES - 1);
		struct snap_region in[2] = { { .start = addr(0), .end = addr(border), .age = 3 },
					     { .start = addr(border), .end = addr(NR_PAGES), .age = 8 } };
		struct snap_region *out;
		struct page_set set;
		ssize_t nr;

		touch_some(&set, hits, &rng);
		nr = region_pages_cut(&set, NULL, in, 2, 1000, &out);
		check_pieces(out, (size_t)nr, hits, true);
		for (ssize_t i = 0; i < nr; i++)
			assert_int_equal(out[i].age, out[i].start < addr(border) ? 3 : 8);
		free(out);
		/* since when a part of an accessed one has had none is not known */
		in[0].nr_accesses = in[1].nr_accesses = 1;
		nr = region_pages_cut(&set, NULL, in, 2, 1000, &out);
		for (ssize_t i = 0; i < nr; i++)
			assert_int_equal(out[i].age, !out[i].nr_accesses ? 0 : out[i].start < addr(border) ? 3 : 8);
		free(out);
		page_set_free(&set);
	}
}

static void there_are_no_more_than_max_and_the_large_gaps_stay(void **state)
{
	static uint32_t hits[NR_PAGES];
	struct snap_region in = { .start = addr(0), .end = addr(NR_PAGES) };
	struct snap_region *out;
	struct page_set set;
	ssize_t nr;

	(void)state;
	page_set_init(&set, 64);
	page_set_count_hits(&set);
	memset(hits, 0, sizeof(hits));
	for (uint64_t p = 0; p < 1000; p += 2) /* 500 gaps of a page */
		touch(&set, hits, p, 1);
	for (uint64_t p = 1500; p < 2000; p++)
		touch(&set, hits, p, 1);
	for (size_t max = 1; max < 1200; max = max * 3 / 2 + 1) {
		nr = region_pages_cut(&set, NULL, &in, 1, max, &out);
		assert_true(nr >= 1 && (size_t)nr <= max);
		check_pieces(out, (size_t)nr, hits, max > 1003);
		if (max >= 4) /* accessed, not, accessed, not */
			assert_true(nr >= 4 && out[nr - 1].start == addr(2000) && out[nr - 2].start == addr(1500) &&
				    out[nr - 3].start == addr(999));
		free(out);
	}
	page_set_free(&set);
}

/* Of two mappings side by side each has its own regions. */
static void a_region_does_not_lead_into_another_mapping(void **state)
{
	static uint32_t hits[NR_PAGES];
	struct snap_region in = { .start = addr(0), .end = addr(NR_PAGES) }, *out;
	struct mappings *maps;
	struct page_set set;
	char text[256];
	int len = snprintf(text, sizeof(text),
			   "%" PRIx64 "-%" PRIx64 " rw-p 0 0:0 0 \n%" PRIx64 "-%" PRIx64 " rw-p 0 0:0 7 /a\n", addr(0),
			   addr(1000), addr(1000), addr(NR_PAGES));

	(void)state;
	maps = mappings_parse(text, (size_t)len, NULL);
	page_set_init(&set, 64);
	page_set_count_hits(&set);
	memset(hits, 0, sizeof(hits));
	for (uint64_t p = 900; p < 1100; p++)
		touch(&set, hits, p, 2);
	assert_int_equal(region_pages_cut(&set, maps, &in, 1, 100, &out), 4);
	check_pieces(out, 4, hits, true);
	assert_int_equal(out[1].end, addr(1000));
	assert_int_equal(out[1].nr_accesses, 200);
	free(out);
	page_set_free(&set);
	mappings_put(maps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_the_pages_that_were_accessed),
		cmocka_unit_test(a_region_does_not_lead_into_another_mapping),
		cmocka_unit_test(there_are_no_more_than_max_and_the_large_gaps_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
