/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Distinct pages of an aggregation, against a plain array of pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/page_set.h"
#include "collector/rng.h"

#define BASE_PAGE UINT64_C(0x7f0000123) /* not at the start of a chunk */
#define NR_PAGES  4096

static struct report pages(uint64_t first, uint64_t nr)
{
	return (struct report){ .start = (BASE_PAGE + first) << PAGE_SHIFT,
				.end = (BASE_PAGE + first + nr) << PAGE_SHIFT,
				.count = nr };
}

static void a_page_counts_once(void **state)
{
	struct page_set set;
	struct report r = pages(100, 700);

	(void)state;
	page_set_init(&set, 16);
	for (int i = 0; i < 5; i++)
		page_set_add(&set, &r);
	assert_int_equal(page_set_bytes(&set), 700 * PAGE_BYTES);
	assert_true(page_set_exact(&set));
	page_set_clear(&set);
	assert_int_equal(page_set_bytes(&set), 0);
	page_set_free(&set);
}

static void of_partial_reports_the_largest_check_counts(void **state)
{
	struct page_set set;
	struct report r = pages(0, 100);

	(void)state;
	page_set_init(&set, 16);
	r.count = 30;
	page_set_add(&set, &r);
	page_set_end_check(&set);
	r.count = 20;
	page_set_add(&set, &r);
	page_set_end_check(&set);
	assert_int_equal(page_set_bytes(&set), 30 * PAGE_BYTES);
	page_set_free(&set);
}

static void a_full_set_says_that_it_is_not_exact(void **state)
{
	struct page_set set;
	struct report r = pages(0, 512 * 4);

	(void)state;
	page_set_init(&set, 2);
	page_set_add(&set, &r);
	assert_false(page_set_exact(&set));
	assert_int_equal(page_set_bytes(&set), 512 * 4 * PAGE_BYTES);
	page_set_free(&set);
}

/* Random reports with attributes; every count is held against an array with one entry a page. */
static void random_reports_match_a_plain_array(void **state)
{
	struct {
		bool touched, huge;
		int node, kind;
	} truth[NR_PAGES];
	struct rng rng = rng_seeded(3);
	struct page_set set;

	(void)state;
	page_set_init(&set, 64);
	for (int round = 0; round < 50; round++) {
		struct snap_region regions[8] = { 0 };
		struct snap_pages known[8] = { 0 };
		uint64_t distinct = 0, edge = 0;

		memset(truth, 0, sizeof(truth));
		page_set_clear(&set);
		for (int k = 0; k < 60; k++) {
			uint64_t first = rng_below(&rng, NR_PAGES), nr = 1 + rng_below(&rng, 600);
			struct report r;

			if (first + nr > NR_PAGES)
				nr = NR_PAGES - first;
			r = pages(first, nr);
			r.valid = REPORT_NODE | REPORT_KIND | REPORT_HUGE;
			r.node = (int16_t)rng_below(&rng, 3);
			r.kind = rng_below(&rng, 2) ? PAGE_ANON : PAGE_FILE;
			r.huge = rng_below(&rng, 2) & 1;
			page_set_add(&set, &r);
			for (uint64_t p = first; p < first + nr; p++) {
				truth[p].touched = true;
				truth[p].node = r.node;
				truth[p].kind = r.kind;
				truth[p].huge = r.huge;
			}
		}
		for (size_t p = 0; p < NR_PAGES; p++)
			distinct += truth[p].touched;
		assert_int_equal(page_set_bytes(&set), distinct * PAGE_BYTES);

		for (size_t i = 0; i < 8; i++) {
			uint64_t end = i == 7 ? NR_PAGES : edge + 1 + rng_below(&rng, (NR_PAGES - edge - 8) / 2);

			regions[i].start = (BASE_PAGE + edge) << PAGE_SHIFT;
			regions[i].end = (BASE_PAGE + end) << PAGE_SHIFT;
			edge = end;
		}
		page_set_fill(&set, regions, 8, known);
		for (size_t i = 0, p = 0; i < 8; i++) {
			uint32_t anon = 0, file = 0, huge = 0, nodes[3] = { 0 }, seen = 0;

			for (; p < (regions[i].end >> PAGE_SHIFT) - BASE_PAGE; p++) {
				anon += truth[p].touched && truth[p].kind == PAGE_ANON;
				file += truth[p].touched && truth[p].kind == PAGE_FILE;
				huge += truth[p].touched && truth[p].huge;
				nodes[truth[p].node] += truth[p].touched;
			}
			assert_int_equal(known[i].anon, anon);
			assert_int_equal(known[i].file, file);
			assert_int_equal(known[i].huge, huge);
			for (int n = 0; n < SNAP_NR_NODES && known[i].node_pages[n]; n++) {
				assert_int_equal(known[i].node_pages[n], nodes[known[i].node[n]]);
				assert_true(!n || known[i].node_pages[n] <= known[i].node_pages[n - 1]);
				seen += known[i].node_pages[n];
			}
			assert_int_equal(seen, anon + file);
		}
	}
	page_set_free(&set);
}

static void nothing_reported_is_nothing_known(void **state)
{
	struct snap_region region = { .start = 0x1000, .end = 0x9000 };
	struct snap_pages known = { 0 };
	struct page_set set;
	struct report r = pages(0, 4);

	(void)state;
	page_set_init(&set, 16);
	page_set_add(&set, &r); /* elsewhere, and without attributes */
	page_set_fill(&set, &region, 1, &known);
	assert_int_equal(known.valid, 0);
	page_set_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_counts_once),
		cmocka_unit_test(of_partial_reports_the_largest_check_counts),
		cmocka_unit_test(a_full_set_says_that_it_is_not_exact),
		cmocka_unit_test(random_reports_match_a_plain_array),
		cmocka_unit_test(nothing_reported_is_nothing_known),
	};

	return cmocka_run_group_tests_name("page_set", tests, NULL, NULL);
}
