/* SPDX-License-Identifier: GPL-2.0-or-later */
/* page_attrs.h and page_memory.h with an asker of our own: who is asked how often, and what is made of the answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/page_attrs.h"
#include "collector/page_memory.h"
#include "collector/report.h"

#define MIB    (UINT64_C(1) << 20)
#define SEC    UINT64_C(1000000000)
#define BUDGET 2048

/* Answers by address, and counts. */
struct fake {
	struct page_asker asker; /* first */
	size_t nr_asked;	 /* since it was last set to 0 */
	uint64_t first, last;	 /* of those */
	struct page_answer (*answer)(uint64_t addr);
};

static void fake_ask(struct page_asker *asker, const struct target *target, struct page_question *v, size_t nr)
{
	struct fake *fake = (struct fake *)asker;

	(void)target;
	for (size_t i = 0; i < nr; i++) {
		assert_int_equal(v[i].addr % PAGE_BYTES, 0);
		assert_true(v[i].addr >= v[i].mapping->start && v[i].addr < v[i].mapping->end);
		if (i)
			assert_true(v[i].addr > v[i - 1].addr);
		if (!fake->nr_asked)
			fake->first = v[i].addr;
		fake->last = v[i].addr;
		fake->nr_asked++;
		v[i].answer = fake->answer(v[i].addr);
	}
}

static struct page_answer present(uint8_t node, uint8_t kind)
{
	return (struct page_answer){ .known = PAGE_KNOWN_PRESENT | PAGE_KNOWN_NODE | PAGE_KNOWN_KIND | PAGE_KNOWN_HUGE,
				     .node = node,
				     .kind = kind,
				     .present = true };
}

static struct page_answer node_by_mib(uint64_t addr)
{
	return present((uint8_t)(addr / MIB % 2), PAGE_ANON);
}

static struct page_answer all_anon(uint64_t addr)
{
	(void)addr;
	return present(0, PAGE_ANON);
}

static struct page_answer absent(uint64_t addr)
{
	(void)addr;
	return (struct page_answer){ .known = PAGE_KNOWN_PRESENT };
}

/* Every third page is in swap, every third was never touched. */
static struct page_answer third_in_swap(uint64_t addr)
{
	uint64_t page = addr >> PAGE_SHIFT;

	if (page % 3 == 0)
		return (struct page_answer){ .known = PAGE_KNOWN_PRESENT | PAGE_KNOWN_SWAP, .swapped = true };
	if (page % 3 == 1)
		return (struct page_answer){ .known = PAGE_KNOWN_PRESENT | PAGE_KNOWN_SWAP };
	return (struct page_answer){ .known = PAGE_KNOWN_PRESENT | PAGE_KNOWN_NODE | PAGE_KNOWN_KIND | PAGE_KNOWN_SWAP,
				     .kind = PAGE_ANON,
				     .present = true };
}

static struct page_answer all_in_swap(uint64_t addr)
{
	(void)addr;
	return (struct page_answer){ .known = PAGE_KNOWN_PRESENT | PAGE_KNOWN_SWAP, .swapped = true };
}

/* One of them may be in swap or not: that is not 0. */
static struct page_answer one_unknown(uint64_t addr)
{
	struct page_answer answer = third_in_swap(addr);

	if ((addr >> PAGE_SHIFT) % 16 == 7)
		answer.known &= (uint8_t)~PAGE_KNOWN_SWAP;
	return answer;
}

/* 6 nodes, node n on n + 1 of 21 pages. */
static struct page_answer six_nodes(uint64_t addr)
{
	uint64_t page = (addr >> PAGE_SHIFT) % 21;
	uint8_t node = 0;

	for (uint64_t end = 1; page >= end; end += (uint64_t)node + 1)
		node++;
	return present(node, node % 2 ? PAGE_FILE : PAGE_ANON);
}

static struct page_answer unknown_size(uint64_t addr)
{
	struct page_answer answer = node_by_mib(addr);

	answer.known &= (uint8_t)~PAGE_KNOWN_HUGE;
	return answer;
}

static struct mappings *parse(const char *text)
{
	struct mappings *maps = mappings_parse(text, strlen(text), NULL);

	assert_non_null(maps);
	return maps;
}

/* A snapshot of nr equal regions over [start, end). */
static struct snapshot *cut(const struct mappings *maps, uint64_t start, uint64_t end, size_t nr)
{
	struct snapshot *snap = snapshot_new(nr, false, 0, mappings_get((struct mappings *)maps));
	uint64_t step = (end - start) / nr;

	assert_non_null(snap);
	for (size_t i = 0; i < nr; i++) {
		snap->regions[i].start = start + i * step;
		snap->regions[i].end = start + (i + 1) * step;
	}
	return snap;
}

struct fixture {
	struct fake fake;
	struct page_attrs *pa;
	struct target target;
};

static void begin(struct fixture *f, struct page_answer (*answer)(uint64_t addr))
{
	memset(f, 0, sizeof(*f));
	f->fake.asker.ask = fake_ask;
	f->fake.answer = answer;
	f->pa = page_attrs_new_asking(&f->fake.asker, NULL);
	assert_non_null(f->pa);
}

/* Fills and frees a cut of the target; returns the number of questions and the pages of one region. */
static size_t fill(struct fixture *f, const struct mappings *maps, uint64_t start, uint64_t end, size_t nr,
		   unsigned budget, uint64_t now_ns, size_t region, struct snap_pages *pages)
{
	struct snapshot *snap = cut(maps, start, end, nr);

	f->fake.nr_asked = 0;
	page_attrs_fill(f->pa, &f->target, snap, budget, now_ns);
	if (pages)
		*pages = snap->open.pages[region];
	snapshot_free(snap);
	return f->fake.nr_asked;
}

static void test_sample_is_in_its_cell_and_nested(void **state)
{
	(void)state;
	for (uint64_t cell = 0; cell < 1000; cell++)
		for (unsigned level = 1; level < 20; level++) {
			uint64_t page = page_attrs_sample(cell, level) >> PAGE_SHIFT;
			uint64_t low = page_attrs_sample(cell * 2, level - 1) >> PAGE_SHIFT;
			uint64_t high = page_attrs_sample(cell * 2 + 1, level - 1) >> PAGE_SHIFT;

			assert_int_equal(page >> level, cell);
			assert_true(page == low || page == high);
		}
}

/* No residue modulo a power of two is preferred: a target with a stride is seen as it is. */
static void test_sample_has_no_stride(void **state)
{
	unsigned at[16] = { 0 };

	(void)state;
	for (uint64_t cell = 0; cell < 16000; cell++)
		at[(page_attrs_sample(cell, 9) >> PAGE_SHIFT) % 16]++;
	for (unsigned i = 0; i < 16; i++)
		assert_in_range(at[i], 850, 1150);
}

static const char one[] = "10000000-18000000 rw-p 00000000 00:00 0 \n"; /* 128 MiB */

static void test_counts_scale_to_the_mapped_pages(void **state)
{
	struct mappings *maps = parse(one);
	struct snap_pages pages;
	struct fixture f;

	(void)state;
	begin(&f, node_by_mib);
	for (size_t i = 0; i < 4; i++) {
		fill(&f, maps, 0x10000000, 0x18000000, 4, BUDGET, SEC, i, &pages);
		assert_int_equal(pages.valid, SNAP_PAGES_NODE | SNAP_PAGES_KIND | SNAP_PAGES_HUGE);
		assert_int_equal(pages.anon, 8192);
		assert_int_equal(pages.file, 0);
		assert_int_equal(pages.huge, 0);
		assert_in_range(pages.node_pages[0], 4096, 4096 + 512);
		assert_in_range(pages.node_pages[1], 4096 - 512, 4096);
		assert_in_range(pages.node_pages[0] + pages.node_pages[1], 8190, 8192);
		assert_int_not_equal(pages.node[0], pages.node[1]);
		assert_int_equal(pages.node_pages[2], 0);
	}
	mappings_put(maps);
	page_attrs_free(f.pa);
}

static void test_small_region_is_counted_whole(void **state)
{
	struct mappings *maps = parse(one);
	struct snap_pages pages;
	struct fixture f;

	(void)state;
	begin(&f, node_by_mib);
	/* The last 8 pages of one MiB and the first 8 of the next. */
	assert_int_equal(
		fill(&f, maps, 0x10100000 - 8 * PAGE_BYTES, 0x10100000 + 8 * PAGE_BYTES, 1, BUDGET, SEC, 0, &pages),
		16);
	assert_int_equal(pages.node_pages[0], 8);
	assert_int_equal(pages.node[0], 0);
	assert_int_equal(pages.node_pages[1], 8);
	assert_int_equal(pages.node[1], 1);
	mappings_put(maps);
	page_attrs_free(f.pa);
}

static void test_gaps_and_reserved_memory_do_not_count(void **state)
{
	struct mappings *maps = parse("10000000-10100000 rw-p 00000000 00:00 0 \n"
				      "10100000-17f00000 ---p 00000000 00:00 0 \n"
				      "18000000-18100000 r--p 00000000 00:00 0 \n"
				      "18200000-18204000 r--p 00000000 00:00 0 [vvar]\n");
	struct snap_pages pages;
	struct fixture f;

	(void)state;
	begin(&f, all_anon);
	fill(&f, maps, 0x10000000, 0x18300000, 1, BUDGET, SEC, 0, &pages);
	assert_int_equal(pages.anon, 512);
	assert_int_equal(pages.node_pages[0], 512);
	mappings_put(maps);
	page_attrs_free(f.pa);
}

static void test_budget_holds_and_each_region_has_its_share(void **state)
{
	struct mappings *maps = parse(one);
	struct snap_pages pages;
	struct fixture f;
	size_t asked, rounds = 0;

	(void)state;
	begin(&f, all_anon);
	for (size_t i = 0; i < 500; i += 50) {
		asked = fill(&f, maps, 0x10000000, 0x18000000, 500, 1000, SEC, i, &pages);
		assert_true(asked <= 1000);
		if (!i)
			assert_true(asked >= 500);
		assert_true(pages.valid & SNAP_PAGES_KIND); /* from the first time on */
	}
	do {
		asked = fill(&f, maps, 0x10000000, 0x18000000, 500, 1000, SEC, 0, NULL);
		assert_true(asked <= 1000);
	} while (asked && ++rounds < 100);
	assert_true(rounds < 100);
	mappings_put(maps);
	page_attrs_free(f.pa);
}

/* Fewer questions than regions: each has its turn. */
static void test_no_region_starves(void **state)
{
	struct mappings *maps = parse(one);
	struct snap_pages pages;
	struct fixture f;

	(void)state;
	begin(&f, all_anon);
	for (int round = 0; round < 10; round++)
		assert_true(fill(&f, maps, 0x10000000, 0x18000000, 1000, 100, SEC, 0, NULL) <= 100);
	for (size_t i = 0; i < 1000; i++) {
		fill(&f, maps, 0x10000000, 0x18000000, 1000, 0, SEC, i, &pages);
		assert_true(pages.valid & SNAP_PAGES_NODE);
	}
	mappings_put(maps);
	page_attrs_free(f.pa);
}

static void test_remembers_then_asks_the_oldest_again(void **state)
{
	struct mappings *maps = parse(one);
	struct snap_pages pages;
	struct fixture f;
	size_t all, left;

	(void)state;
	begin(&f, node_by_mib);
	/* The lower half is learnt at 1 s, the rest at 5 s. */
	left = fill(&f, maps, 0x10000000, 0x14000000, 4, BUDGET, SEC, 0, NULL);
	all = left + fill(&f, maps, 0x10000000, 0x18000000, 8, BUDGET, 5 * SEC, 0, NULL);
	assert_true(left > 0 && all > left);
	assert_int_equal(fill(&f, maps, 0x10000000, 0x18000000, 8, BUDGET, 10 * SEC, 0, NULL), 0);
	assert_int_equal(fill(&f, maps, 0x10000000, 0x18000000, 8, BUDGET, 11 * SEC, 0, NULL), left);
	assert_true(f.fake.last < 0x14000000);
	assert_int_equal(fill(&f, maps, 0x10000000, 0x18000000, 8, BUDGET, 12 * SEC, 0, NULL), 0);
	/* All are stale now: the oldest go first, and no more than the budget. */
	assert_int_equal(fill(&f, maps, 0x10000000, 0x18000000, 8, (unsigned)(all - left), 30 * SEC, 7, &pages),
			 all - left);
	assert_true(f.fake.first >= 0x14000000);
	assert_true(pages.valid & SNAP_PAGES_NODE);
	/* Nothing may be asked: memory serves, however old. */
	assert_int_equal(fill(&f, maps, 0x10000000, 0x18000000, 8, 0, 100 * SEC, 7, &pages), 0);
	assert_true(pages.valid & SNAP_PAGES_NODE);
	mappings_put(maps);
	page_attrs_free(f.pa);
}

/* Cut in two, half of the answers are known already. */
static void test_a_split_keeps_answers(void **state)
{
	struct mappings *maps = parse(one);
	struct fixture f;
	size_t before, after;

	(void)state;
	begin(&f, node_by_mib);
	before = fill(&f, maps, 0x10000000, 0x18000000, 8, BUDGET, SEC, 0, NULL);
	after = fill(&f, maps, 0x10000000, 0x18000000, 16, BUDGET, SEC, 0, NULL);
	assert_in_range(after, 1, before);
	assert_int_equal(fill(&f, maps, 0x10000000, 0x18000000, 8, BUDGET, SEC, 0, NULL), 0);
	mappings_put(maps);
	page_attrs_free(f.pa);
}

static void test_another_mapping_is_asked_again(void **state)
{
	struct mappings *maps = parse("10000000-10100000 rw-p 00000000 00:00 0 \n"
				      "10100000-10200000 r--p 00000000 08:01 77 /lib/a\n");
	struct mappings *same = parse("10000000-10100000 rw-p 00000000 00:00 0 \n"
				      "10100000-10200000 r--p 00000000 08:01 77 /lib/a\n"
				      "20000000-20100000 rw-p 00000000 00:00 0 \n");
	struct mappings *other = parse("10000000-10100000 rw-p 00000000 00:00 0 \n"
				       "10100000-10200000 r--p 00000000 08:01 78 /lib/b\n");
	struct fixture f;

	(void)state;
	begin(&f, all_anon);
	assert_true(fill(&f, maps, 0x10000000, 0x10200000, 2, BUDGET, SEC, 0, NULL) > 0);
	assert_int_equal(fill(&f, same, 0x10000000, 0x10200000, 2, BUDGET, SEC, 0, NULL), 0);
	assert_true(fill(&f, other, 0x10000000, 0x10200000, 2, BUDGET, SEC, 0, NULL) > 0);
	assert_true(f.fake.first >= 0x10100000);
	mappings_put(maps);
	mappings_put(same);
	mappings_put(other);
	page_attrs_free(f.pa);
}

/* Unmapped and mapped again at the same place: the pages are others. */
static void test_a_mapping_that_was_gone_is_asked_again(void **state)
{
	struct mappings *maps = parse(one);
	struct mappings *gone = parse("20000000-20100000 rw-p 00000000 00:00 0 \n");
	struct mappings *back = parse(one);
	struct fixture f;
	size_t nr;

	(void)state;
	begin(&f, all_anon);
	nr = fill(&f, maps, 0x10000000, 0x18000000, 4, BUDGET, SEC, 0, NULL);
	fill(&f, gone, 0x20000000, 0x20100000, 1, BUDGET, SEC, 0, NULL);
	assert_int_equal(fill(&f, back, 0x10000000, 0x18000000, 4, BUDGET, SEC, 0, NULL), nr);
	page_attrs_reset(f.pa); /* exec */
	assert_int_equal(fill(&f, back, 0x10000000, 0x18000000, 4, BUDGET, SEC, 0, NULL), nr);
	mappings_put(maps);
	mappings_put(gone);
	mappings_put(back);
	page_attrs_free(f.pa);
}

static void test_what_the_source_knows_stays(void **state)
{
	struct mappings *maps = parse(one);
	struct snapshot *snap = cut(maps, 0x10000000, 0x18000000, 2);
	struct fixture f;

	(void)state;
	begin(&f, node_by_mib);
	snap->open.pages[0] = (struct snap_pages){ .anon = 7, .valid = SNAP_PAGES_EXACT | SNAP_PAGES_KIND };
	snap->open.pages[1] = (struct snap_pages){ .anon = 9, .file = 2, .valid = SNAP_PAGES_KIND };
	page_attrs_fill(f.pa, &f.target, snap, BUDGET, SEC);
	assert_true(f.fake.first >= 0x14000000);
	assert_int_equal(snap->open.pages[0].valid, SNAP_PAGES_EXACT | SNAP_PAGES_KIND);
	assert_int_equal(snap->open.pages[0].anon, 7);
	assert_int_equal(snap->open.pages[1].valid, SNAP_PAGES_NODE | SNAP_PAGES_KIND | SNAP_PAGES_HUGE);
	assert_int_equal(snap->open.pages[1].anon, 9);
	assert_int_equal(snap->open.pages[1].file, 2);
	snapshot_free(snap);
	mappings_put(maps);
	page_attrs_free(f.pa);
}

static void test_unknown_stays_unknown(void **state)
{
	struct mappings *maps = parse(one);
	struct snap_pages pages;
	struct fixture f;

	(void)state;
	begin(&f, absent);
	fill(&f, maps, 0x10000000, 0x18000000, 4, BUDGET, SEC, 0, &pages);
	assert_int_equal(pages.valid, 0);
	page_attrs_free(f.pa);

	begin(&f, unknown_size);
	fill(&f, maps, 0x10000000, 0x18000000, 4, BUDGET, SEC, 0, &pages);
	assert_int_equal(pages.valid, SNAP_PAGES_NODE | SNAP_PAGES_KIND);
	page_attrs_free(f.pa);
	mappings_put(maps);
}

static void test_the_four_most_frequent_nodes(void **state)
{
	struct mappings *maps = parse(one);
	struct snap_pages pages;
	struct fixture f;
	uint32_t sum = 0;

	(void)state;
	begin(&f, six_nodes);
	fill(&f, maps, 0x10000000, 0x10000000 + 84 * PAGE_BYTES, 1, BUDGET, SEC, 0, &pages);
	for (unsigned i = 0; i < SNAP_NR_NODES; i++) {
		assert_int_equal(pages.node[i], 5 - i);
		assert_int_equal(pages.node_pages[i], 4 * (6 - i));
		sum += pages.node_pages[i];
	}
	assert_int_equal(sum, 72);
	assert_int_equal(pages.anon, 4 * (1 + 3 + 5));
	assert_int_equal(pages.file, 4 * (2 + 4 + 6));
	mappings_put(maps);
	page_attrs_free(f.pa);
}

static void test_memory_forgets_what_is_not_looked_up(void **state)
{
	struct page_answer answer = present(1, PAGE_ANON);
	struct page_memory pm;

	(void)state;
	page_memory_init(&pm);
	assert_null(page_memory_find(&pm, PAGE_BYTES, 0));
	for (uint64_t round = 0; round < 50; round++) {
		page_memory_begin(&pm, false);
		for (uint64_t i = 1; i <= 1000; i++)
			page_memory_put(&pm, (round * 1000 + i) * PAGE_BYTES, 3, round, answer);
		assert_non_null(page_memory_find(&pm, (round * 1000 + 1) * PAGE_BYTES, 3));
		assert_null(page_memory_find(&pm, (round * 1000 + 1) * PAGE_BYTES, 4));
	}
	assert_true(pm.cap <= 16384);
	assert_null(page_memory_find(&pm, PAGE_BYTES, 3));
	assert_non_null(page_memory_find(&pm, 49999 * PAGE_BYTES, 3));
	page_memory_clear(&pm);
	assert_null(page_memory_find(&pm, 49999 * PAGE_BYTES, 3));
	page_memory_free(&pm);
}

static void test_swap(void **state)
{
	static const struct {
		struct page_answer (*answer)(uint64_t addr);
		bool known;
		unsigned low, high; /* pages of 300 */
	} cases[] = {
		{ third_in_swap, true, 70, 130 },
		{ all_in_swap, true, 300, 300 },
		{ one_unknown, false, 0, 0 },
		{ absent, false, 0, 0 },
	};
	struct mappings *maps = parse("10000000-1012c000 rw-p 00000000 00:00 0 [heap]\n");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct snap_pages pages;
		struct fixture f;

		begin(&f, cases[i].answer);
		fill(&f, maps, 0x10000000, 0x1012c000, 1, 1000, 1, 0, &pages);
		assert_int_equal(pages.swap_known, cases[i].known);
		assert_in_range(pages.swapped, cases[i].low, cases[i].high);
		page_attrs_free(f.pa);
	}
	mappings_put(maps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sample_is_in_its_cell_and_nested),
		cmocka_unit_test(test_sample_has_no_stride),
		cmocka_unit_test(test_counts_scale_to_the_mapped_pages),
		cmocka_unit_test(test_small_region_is_counted_whole),
		cmocka_unit_test(test_gaps_and_reserved_memory_do_not_count),
		cmocka_unit_test(test_budget_holds_and_each_region_has_its_share),
		cmocka_unit_test(test_no_region_starves),
		cmocka_unit_test(test_remembers_then_asks_the_oldest_again),
		cmocka_unit_test(test_swap),
		cmocka_unit_test(test_a_split_keeps_answers),
		cmocka_unit_test(test_another_mapping_is_asked_again),
		cmocka_unit_test(test_a_mapping_that_was_gone_is_asked_again),
		cmocka_unit_test(test_what_the_source_knows_stays),
		cmocka_unit_test(test_unknown_stays_unknown),
		cmocka_unit_test(test_the_four_most_frequent_nodes),
		cmocka_unit_test(test_memory_forgets_what_is_not_looked_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
