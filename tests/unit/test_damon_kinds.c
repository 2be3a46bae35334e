/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rounds of counting: which window is due when, and what later regions are told of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/damon_kinds.h"

#define MIB  (UINT64_C(1) << 20)
#define GIB  (UINT64_C(1) << 30)
#define MSEC UINT64_C(1000000)
#define SEC  UINT64_C(1000000000)
#define ALL  ((1U << DAMON_NR_FILTERS) - 1)

static struct damon_moment at(uint64_t now_ns, uint64_t cpu_ns)
{
	return (struct damon_moment){ now_ns, cpu_ns };
}

/* One round of all kinds, of n equal regions in the window. */
static struct damon_range round_of(struct damon_kinds *k, const struct damon_range *ranges, size_t nr, uint64_t now_ns,
				   uint64_t cost_ns)
{
	struct damon_range window;

	assert_true(damon_kinds_is_due(k, now_ns));
	damon_kinds_begin(k, ranges, nr, at(now_ns, k->idle.cpu_ns), &window);
	assert_false(damon_kinds_is_due(k, now_ns)); /* one is under way */
	for (unsigned f = 0; f < DAMON_NR_FILTERS; f++) {
		struct damon_passed passed = { window.start, window.end, (window.end - window.start) / (f + 2) };

		assert_int_equal(damon_kinds_put(k, (enum damon_filter)f, &passed, 1, now_ns), 0);
	}
	damon_kinds_end(k, at(now_ns, k->begin.cpu_ns + cost_ns), 0, true);
	return window;
}

/* What is cheap is counted whole; then it rests until the next pass. */
static void test_small(void **state)
{
	const struct damon_range ranges[] = { { 16 * MIB, 64 * MIB }, { 100 * MIB, 110 * MIB } };
	struct damon_range window;
	struct damon_kinds k;

	(void)state;
	damon_kinds_init(&k, ALL, at(5 * SEC, 0));
	window = round_of(&k, ranges, 2, 5 * SEC, 1 * MSEC);
	assert_int_equal(window.start, 16 * MIB);
	assert_int_equal(window.end, 110 * MIB);
	assert_false(damon_kinds_is_due(&k, 15 * SEC - 1));
	assert_true(damon_kinds_is_due(&k, 15 * SEC));
	window = round_of(&k, ranges, 2, 15 * SEC, 1 * MSEC);
	assert_int_equal(window.start, 16 * MIB);
	damon_kinds_free(&k);
	assert_false(damon_kinds_is_due(&k, 1000 * SEC)); /* a zeroed one counts nothing */
}

/* Ranges that touch are counted apart. */
static void test_borders(void **state)
{
	const struct damon_range ranges[] = { { 0, 16 * MIB }, { 16 * MIB, 64 * MIB }, { 80 * MIB, 90 * MIB } };
	struct damon_range window;
	struct damon_kinds k;

	(void)state;
	damon_kinds_init(&k, ALL, at(0, 0));
	window = round_of(&k, ranges, 3, 0, MSEC);
	assert_int_equal(window.end, 16 * MIB);
	window = round_of(&k, ranges, 3, k.due_ns, MSEC);
	assert_int_equal(window.start, 16 * MIB);
	assert_int_equal(window.end, 90 * MIB);
	assert_int_equal(k.due_ns, DAMON_KINDS_MIN_PASS_NS);
	damon_kinds_free(&k);
}

/* Of a large machine one window after the other, as large as they may cost, and no more than 1 % of the time. */
static void test_large(void **state)
{
	const struct damon_range ranges[] = { { GIB, 64 * GIB } };
	uint64_t now = 0, next = GIB, cpu = 0, nr = 0;
	struct damon_range window;
	struct damon_kinds k;

	(void)state;
	damon_kinds_init(&k, ALL, at(0, 0));
	do {
		uint64_t begin = now, cost;

		assert_int_equal(k.sz_window % MIB, 0);
		cost = k.sz_window / GIB * 200 * MSEC + (k.sz_window % GIB) / MIB * MSEC / 5; /* 200 ms a GiB */
		window = round_of(&k, ranges, 1, now, cost);
		cpu += cost;
		nr++;
		assert_int_equal(window.start, next);
		next = window.end;
		assert_true(k.due_ns - begin >= DAMON_KINDS_MIN_GAP_NS);
		now = k.due_ns;
		assert_true(cpu * DAMON_KINDS_MAX_SHARE <= now);
	} while (window.end < 64 * GIB);
	/* 50 ms are the 256 MiB that it begins with */
	assert_int_equal(nr, 63 * 4);
	damon_kinds_free(&k);
}

/* The window follows what it costs, both ways; what DAMON costs anyway is not counted in. */
static void test_window(void **state)
{
	const struct damon_range ranges[] = { { 0, 1024 * GIB } };
	struct damon_range window;
	struct damon_kinds k;

	(void)state;
	damon_kinds_init(&k, ALL, at(0, 0));
	window = round_of(&k, ranges, 1, 0, 10 * MSEC);
	assert_int_equal(window.end, 256 * MIB);
	window = round_of(&k, ranges, 1, 100 * SEC, 150 * MSEC);
	assert_int_equal(window.end - window.start, 512 * MIB);
	assert_int_equal(k.sz_window, 256 * MIB);
	assert_int_equal(k.due_ns, 100 * SEC + 15 * SEC);

	/* Half of a CPU all the time, 500 ms of it in the second that the round takes, and 1 ms for the round. */
	damon_kinds_begin(&k, ranges, 1, at(200 * SEC, k.idle.cpu_ns + 50 * SEC), &window);
	damon_kinds_end(&k, at(201 * SEC, k.begin.cpu_ns + 501 * MSEC), 0, true);
	assert_int_equal(k.sz_window, 512 * MIB);
	assert_int_equal(k.due_ns, 201 * SEC + 100 * MSEC);
	/* Ours makes the rest longer, and no window smaller: the kdamond is not held up by it. */
	damon_kinds_begin(&k, ranges, 1, at(300 * SEC, k.idle.cpu_ns), &window);
	damon_kinds_end(&k, at(300 * SEC, k.begin.cpu_ns), 70 * MSEC, true);
	assert_int_equal(k.sz_window, 1024 * MIB);
	assert_int_equal(k.due_ns, 307 * SEC);
	damon_kinds_free(&k);
}

/* A round that has failed is made again. */
static void test_failed(void **state)
{
	const struct damon_range ranges[] = { { 0, 4 * GIB } };
	struct damon_range first, second;
	struct damon_kinds k;

	(void)state;
	damon_kinds_init(&k, ALL, at(0, 0));
	damon_kinds_begin(&k, ranges, 1, at(0, 0), &first);
	damon_kinds_end(&k, at(0, 0), 0, false);
	damon_kinds_begin(&k, ranges, 1, at(2 * SEC, 0), &second);
	assert_int_equal(second.start, first.start);
	damon_kinds_end(&k, at(2 * SEC, 0), 0, true);
	assert_int_equal(k.next, second.end);
	/* and where the memory has gone meanwhile, a new pass begins */
	damon_kinds_begin(&k, (const struct damon_range[]){ { 0, MIB } }, 1, at(9 * SEC, 0), &first);
	assert_int_equal(first.start, 0);
	assert_int_equal(first.end, MIB);
	damon_kinds_free(&k);
}

static struct region_report region(uint64_t start, uint64_t end)
{
	return (struct region_report){ .start = start, .end = end };
}

static void test_fill(void **state)
{
	const struct damon_range ranges[] = { { 0, 512 * MIB } };
	const struct damon_passed anon[] = { { 0, 100 * MIB, 50 * MIB }, { 100 * MIB, 256 * MIB, 156 * MIB } };
	const struct damon_passed file[] = { { 0, 256 * MIB, 128 * MIB } };
	struct region_report v[3];
	struct damon_kinds_known known;
	struct damon_range window;
	struct damon_kinds k;

	(void)state;
	damon_kinds_init(&k, ALL, at(0, 0));
	damon_kinds_begin(&k, ranges, 1, at(SEC, 0), &window);
	assert_int_equal(window.end, 256 * MIB);
	assert_int_equal(damon_kinds_put(&k, DAMON_FILTER_ANON, anon, 2, 3 * SEC), 0);
	v[0] = region(0, 10 * MIB);
	damon_kinds_fill(&k, v, 1, &known);
	assert_int_equal(v[0].valid, 0); /* anon is counted, file is not: the kind is not known */
	assert_int_equal(known.known_bytes, 0);
	assert_int_equal(damon_kinds_put(&k, DAMON_FILTER_FILE, file, 1, 3 * SEC), 0);
	damon_kinds_end(&k, at(SEC, 0), 0, true);

	v[0] = region(10 * MIB, 20 * MIB);
	v[1] = region(90 * MIB, 110 * MIB);  /* over two pieces */
	v[2] = region(200 * MIB, 300 * MIB); /* beyond what has been counted */
	damon_kinds_fill(&k, v, 3, &known);
	assert_int_equal(v[0].valid, REPORT_KIND);
	assert_int_equal(v[0].anon_bytes, 5 * MIB);
	assert_int_equal(v[0].file_bytes, 5 * MIB);
	assert_int_equal(v[1].anon_bytes, 15 * MIB);
	assert_int_equal(v[2].valid, 0);
	assert_int_equal(known.bytes, 130 * MIB);
	assert_int_equal(known.known_bytes, 30 * MIB);
	assert_int_equal(known.oldest_ns, 3 * SEC);
	damon_kinds_free(&k);
}

/* What is counted again takes the old one's place in its window, and there alone; after a whole pass nothing older
 * stays. */
static void test_again(void **state)
{
	const struct damon_range ranges[] = { { 0, 300 * MIB } };
	const struct damon_passed all[] = { { 0, 300 * MIB, 300 * MIB } }, none[] = { { 0, 400 * MIB, 0 } };
	struct region_report v[2] = { region(0, 256 * MIB), region(256 * MIB, 300 * MIB) };
	struct damon_kinds_known known;
	struct damon_range window;
	struct damon_kinds k;

	(void)state;
	damon_kinds_init(&k, ALL, at(0, 0));
	k.window = (struct damon_range){ 0, 300 * MIB };
	assert_int_equal(damon_kinds_put(&k, DAMON_FILTER_HUGE, all, 1, SEC), 0);
	damon_kinds_begin(&k, ranges, 1, at(2 * SEC, 0), &window);
	assert_int_equal(window.end, 256 * MIB);
	assert_int_equal(damon_kinds_put(&k, DAMON_FILTER_HUGE, none, 1, 2 * SEC), 0);
	damon_kinds_fill(&k, v, 2, &known);
	assert_int_equal(v[0].valid, REPORT_HUGE);
	assert_int_equal(v[0].huge_bytes, 0);
	assert_int_equal(v[1].huge_bytes, 44 * MIB);
	assert_int_equal(known.oldest_ns, SEC);
	damon_kinds_end(&k, at(2 * SEC, 0), 0, true);

	damon_kinds_begin(&k, ranges, 1, at(4 * SEC, 0), &window);
	assert_int_equal(window.end, 300 * MIB);
	damon_kinds_end(&k, at(4 * SEC, 0), 0, true); /* it has found nothing there */
	v[1] = region(256 * MIB, 300 * MIB);
	damon_kinds_fill(&k, v + 1, 1, &known);
	assert_int_equal(v[1].valid, 0);
	damon_kinds_free(&k);
}

/* After exec nothing is known, a round that was under way has found out nothing, and the next begins at once. */
static void test_forget(void **state)
{
	const struct damon_range ranges[] = { { 0, 64 * MIB } };
	const struct damon_passed all[] = { { 0, 64 * MIB, 64 * MIB } };
	struct region_report v = region(0, 64 * MIB);
	struct damon_kinds_known known;
	struct damon_range window;
	struct damon_kinds k;

	(void)state;
	damon_kinds_init(&k, ALL, at(0, 0));
	round_of(&k, ranges, 1, 0, MSEC);
	damon_kinds_begin(&k, ranges, 1, at(10 * SEC, k.idle.cpu_ns), &window);
	damon_kinds_forget(&k, 10 * SEC);
	assert_int_equal(damon_kinds_put(&k, DAMON_FILTER_HUGE, all, 1, 10 * SEC), 0);
	damon_kinds_end(&k, at(10 * SEC, k.begin.cpu_ns), 0, true);
	damon_kinds_fill(&k, &v, 1, &known);
	assert_int_equal(v.valid, 0);
	assert_true(damon_kinds_is_due(&k, 11 * SEC));
	damon_kinds_forget(&k, 11 * SEC);
	damon_kinds_begin(&k, ranges, 1, at(11 * SEC, k.idle.cpu_ns), &window);
	assert_int_equal(damon_kinds_put(&k, DAMON_FILTER_HUGE, all, 1, 11 * SEC), 0);
	damon_kinds_fill(&k, &v, 1, &known);
	assert_int_equal(v.huge_bytes, 64 * MIB);
	damon_kinds_free(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),  cmocka_unit_test(test_borders), cmocka_unit_test(test_large),
		cmocka_unit_test(test_window), cmocka_unit_test(test_failed),  cmocka_unit_test(test_fill),
		cmocka_unit_test(test_again),  cmocka_unit_test(test_forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
