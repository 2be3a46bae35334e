/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/rng.h"
#include "collector/sources/harvest_set.h"

#define BASE  UINT64_C(0x7f0000000000)
#define CHUNK HARVEST_CHUNK_BYTES

struct catcher {
	struct sink sink;
	struct report v[4096];
	size_t nr, nr_calls;
};

static void catch_reports(struct sink *sink, const struct report *v, size_t nr)
{
	struct catcher *c = (struct catcher *)sink;

	c->nr_calls++;
	for (size_t i = 0; i < nr && c->nr < 4096; i++)
		c->v[c->nr++] = v[i];
}

static struct catcher *new_catcher(void)
{
	struct catcher *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->sink.reports = catch_reports;
	return c;
}

#define ANON_ON(node) ((UINT64_C(1) * (node) << HARVEST_NODE_SHIFT) | HARVEST_ANON)
#define FILE_ON(node) (UINT64_C(1) * (node) << HARVEST_NODE_SHIFT)

static void mark(struct harvest_chunk *chunk, unsigned page)
{
	chunk->young[page / 64] |= UINT64_C(1) << (page % 64);
}

static void test_runs_by_attributes_across_chunks(void **state)
{
	struct harvest_chunk low = { .place = BASE | ANON_ON(1) }, low_file = { .place = BASE | FILE_ON(1) };
	struct harvest_chunk high = { .place = (BASE + CHUNK) | ANON_ON(1) };
	struct harvest_set set = { 0 };
	struct catcher *c = new_catcher();

	(void)state;
	mark(&low, 3);
	mark(&low_file, 4);
	mark(&low, 510);
	mark(&low, 511);
	mark(&high, 0);
	/* The higher one first: order is the set's own business. */
	assert_int_equal(harvest_set_add_chunk(&set, &high), 0);
	assert_int_equal(harvest_set_add_chunk(&set, &low), 0);
	assert_int_equal(harvest_set_add_chunk(&set, &low_file), 0);
	assert_int_equal(harvest_set_report(&set, &c->sink), 5);
	assert_int_equal(c->nr, 3);
	assert_int_equal(c->v[0].start, BASE + 3 * PAGE_BYTES);
	assert_int_equal(c->v[0].kind, PAGE_ANON);
	assert_int_equal(c->v[1].kind, PAGE_FILE);
	assert_int_equal(c->v[1].end, BASE + 5 * PAGE_BYTES);
	assert_int_equal(c->v[2].start, BASE + 510 * PAGE_BYTES);
	assert_int_equal(c->v[2].end, BASE + CHUNK + PAGE_BYTES);
	assert_int_equal(c->v[2].count, 3);
	assert_int_equal(c->v[2].node, 1);
	assert_int_equal(c->v[2].valid, REPORT_NODE | REPORT_KIND | REPORT_HUGE);
	assert_int_equal(harvest_set_report(&set, &c->sink), 0); /* it is empty now */
	harvest_set_free(&set);
	free(c);
}

static void test_unknown_stays_unknown(void **state)
{
	struct harvest_chunk chunk = { .place = BASE | HARVEST_UNKNOWN };
	struct harvest_set set = { 0 };
	struct catcher *c = new_catcher();

	(void)state;
	mark(&chunk, 7);
	assert_int_equal(harvest_set_add_chunk(&set, &chunk), 0);
	assert_int_equal(harvest_set_report(&set, &c->sink), 1);
	assert_int_equal(c->v[0].valid, REPORT_HUGE);
	harvest_set_free(&set);
	free(c);
}

static void test_interleaved_nodes_in_one_chunk(void **state)
{
	struct harvest_chunk even = { .place = BASE | ANON_ON(0) }, odd = { .place = BASE | ANON_ON(1023) };
	struct harvest_set set = { 0 };
	struct catcher *c = new_catcher();

	(void)state;
	for (unsigned i = 0; i < HARVEST_CHUNK_PAGES; i++)
		mark(i % 2 ? &odd : &even, i);
	assert_int_equal(harvest_set_add_chunk(&set, &odd), 0);
	assert_int_equal(harvest_set_add_chunk(&set, &even), 0);
	assert_int_equal(harvest_set_report(&set, &c->sink), 512);
	assert_int_equal(c->nr, 512);
	assert_int_equal(c->nr_calls, 2);
	for (unsigned i = 0; i < 512; i++) {
		assert_int_equal(c->v[i].start, BASE + i * PAGE_BYTES);
		assert_int_equal(c->v[i].node, i % 2 ? 1023 : 0);
	}
	harvest_set_free(&set);
	free(c);
}

static void test_huge_pages_join_and_a_page_counts_once(void **state)
{
	struct harvest_range huge = { .start = BASE, .end = BASE + 3 * CHUNK, .known = HARVEST_ANON, .huge = 1 };
	struct harvest_chunk again = { .place = BASE + CHUNK };
	struct harvest_set set = { 0 };
	struct catcher *c = new_catcher();

	(void)state;
	mark(&again, 5);
	assert_int_equal(harvest_set_add_range(&set, &huge), 0);
	assert_int_equal(harvest_set_add_range(&set, &huge), 0);
	assert_int_equal(harvest_set_add_chunk(&set, &again), 0);
	assert_int_equal(harvest_set_report(&set, &c->sink), 3 * 512);
	assert_int_equal(c->v[0].start, BASE);
	assert_int_equal(c->v[c->nr - 1].end, BASE + 3 * CHUNK);
	assert_int_equal(c->v[0].huge, 1);
	assert_int_equal(c->v[0].kind, PAGE_ANON);
	harvest_set_free(&set);
	free(c);
}

static void test_ranges_that_make_no_sense_are_refused(void **state)
{
	struct harvest_range bad[] = {
		{ .start = BASE, .end = BASE },
		{ .start = BASE + PAGE_BYTES, .end = BASE },
		{ .start = BASE + 1, .end = BASE + PAGE_BYTES },
		{ .start = 0, .end = ~UINT64_C(4095) },
	};
	struct harvest_set set = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(harvest_set_add_range(&set, &bad[i]), -EBADMSG);
	assert_int_equal(harvest_set_report(&set, NULL), 0);
	harvest_set_free(&set);
}

/* What was seen, chunk by chunk: entries of different nodes and kinds, and of huge pages, come together. */
static void test_pages_of_all_entries_of_a_chunk(void **state)
{
	struct harvest_chunk anon = { .place = (BASE + CHUNK) | ANON_ON(0) },
			     file = { .place = (BASE + CHUNK) | FILE_ON(1) };
	struct harvest_range huge = { .start = BASE, .end = BASE + CHUNK, .known = ANON_ON(0), .huge = 1 };
	struct harvest_pages pages[3];
	struct harvest_set set = { 0 };
	uint64_t starts[3];

	(void)state;
	mark(&anon, 0);
	mark(&anon, 200);
	mark(&file, 201);
	mark(&file, 200);
	assert_int_equal(harvest_set_add_chunk(&set, &anon), 0);
	assert_int_equal(harvest_set_add_range(&set, &huge), 0);
	assert_int_equal(harvest_set_add_chunk(&set, &file), 0);
	assert_int_equal(harvest_set_pages(&set, starts, pages), 2);
	assert_int_equal(starts[0], BASE);
	assert_int_equal(starts[1], BASE + CHUNK);
	for (unsigned word = 0; word < HARVEST_CHUNK_WORDS; word++) {
		assert_true(pages[0].bits[word] == ~UINT64_C(0));
		assert_true(pages[1].bits[word] == (word == 0 ? 1 : word == 3 ? UINT64_C(3) << (200 % 64) : 0));
	}
	assert_int_equal(harvest_set_report(&set, NULL), 512 + 3); /* it has not been emptied */
	harvest_set_free(&set);
}

/* Any chunks in any order: the reports are sorted, do not overlap, and are the pages that went in. */
static void test_random_sets_come_out_whole(void **state)
{
	enum { NR_CHUNKS = 12 };
	struct rng rng = rng_seeded(7);

	(void)state;
	for (int round = 0; round < 50; round++) {
		bool truth[NR_CHUNKS * HARVEST_CHUNK_PAGES] = { false };
		struct harvest_set set = { 0 };
		struct catcher *c = new_catcher();
		uint64_t nr = 0, seen = 0;

		for (int i = 0; i < 20; i++) {
			unsigned at = (unsigned)rng_below(&rng, NR_CHUNKS);
			struct harvest_chunk chunk = { .place = (BASE + at * CHUNK) | rng_below(&rng, 6) };

			for (int k = 0; k < 60; k++) {
				unsigned page = (unsigned)rng_below(&rng, HARVEST_CHUNK_PAGES);

				mark(&chunk, page);
				nr += !truth[at * HARVEST_CHUNK_PAGES + page];
				truth[at * HARVEST_CHUNK_PAGES + page] = true;
			}
			assert_int_equal(harvest_set_add_chunk(&set, &chunk), 0);
		}
		struct harvest_set copy = harvest_set_copy(&set);

		assert_int_equal(harvest_set_count(&set), nr);
		assert_int_equal(harvest_set_report(&set, &c->sink), nr);
		assert_int_equal(harvest_set_report(&copy, NULL), nr);
		harvest_set_free(&copy);
		for (size_t i = 0; i < c->nr; i++) {
			assert_true(i == 0 || c->v[i].start >= c->v[i - 1].end);
			for (uint64_t a = c->v[i].start; a < c->v[i].end; a += PAGE_BYTES, seen++)
				assert_true(truth[(a - BASE) / PAGE_BYTES]);
		}
		assert_int_equal(seen, nr);
		harvest_set_free(&set);
		free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs_by_attributes_across_chunks),
		cmocka_unit_test(test_unknown_stays_unknown),
		cmocka_unit_test(test_interleaved_nodes_in_one_chunk),
		cmocka_unit_test(test_huge_pages_join_and_a_page_counts_once),
		cmocka_unit_test(test_ranges_that_make_no_sense_are_refused),
		cmocka_unit_test(test_pages_of_all_entries_of_a_chunk),
		cmocka_unit_test(test_random_sets_come_out_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
