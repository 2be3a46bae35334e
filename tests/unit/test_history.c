/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/screen_fixture.h"
#include "tui/history.h"

static void test_empty(void **state)
{
	struct history *h = history_new(1000);

	(void)state;
	assert_int_equal(history_nr(h), 0);
	assert_null(history_last(h));
	assert_int_equal(history_find(h, 5), 0);
	assert_int_equal(history_find_tick(h, 0), 0);
	assert_int_equal(history_bytes(h), 0);
	history_free(h);
	history_free(NULL);
}

static void test_finds_by_time_and_tick(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct history *h = history_new(HISTORY_DEFAULT_BYTES);
	uint64_t i;

	(void)state;
	for (i = 0; i < 300; i++)
		history_push(h, fixture_flat(maps, 10 + i));
	assert_int_equal(history_nr(h), 300);
	assert_int_equal(history_last(h)->seq, 309);
	/* snapshot 10 ends at 11 s */
	assert_int_equal(history_find(h, 0), 0);
	assert_int_equal(history_find(h, UINT64_C(12999999999)), 1);
	assert_int_equal(history_find(h, UINT64_C(13000000000)), 2);
	assert_int_equal(history_find(h, UINT64_MAX), 299);
	assert_int_equal(history_find_tick(h, 0), 0);
	assert_int_equal(history_find_tick(h, 299), 299);
	assert_int_equal(history_find_tick(h, 300), 300);
	history_free(h);
	mappings_put(maps);
}

static void test_lost_snapshot_leaves_its_tick(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct history *h = history_new(HISTORY_DEFAULT_BYTES);

	(void)state;
	history_push(h, fixture_flat(maps, 5));
	history_push(h, fixture_flat(maps, 8));
	history_push(h, fixture_flat(maps, 3));
	history_push(h, fixture_flat(maps, 1000000));
	assert_int_equal(history_tick(h, 0), 0);
	assert_int_equal(history_tick(h, 1), 3);
	assert_int_equal(history_tick(h, 2), 4);
	assert_int_equal(history_tick(h, 3), 5);
	assert_int_equal(history_find_tick(h, 1), 1);
	history_free(h);
	mappings_put(maps);
}

static void test_stays_within_budget(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct snapshot *one = fixture_flat(maps, 0);
	size_t sz = snapshot_sz(one), sz_maps = mappings_sz(maps);
	struct history *h = history_new(10 * sz + sz_maps);
	uint64_t i;

	(void)state;
	history_push(h, one);
	assert_int_equal(history_bytes(h), sz + sz_maps);
	for (i = 1; i < 500; i++) {
		history_push(h, fixture_flat(maps, i));
		assert_true(history_bytes(h) <= 10 * sz + sz_maps);
	}
	assert_int_equal(history_nr(h), 10);
	assert_int_equal(history_nr_dropped(h), 490);
	history_clear(h);
	assert_int_equal(history_bytes(h), 0);
	history_free(h);
	mappings_put(maps);
}

/* The newest half is whole, the first is there, and between them nothing is missing: every tick has one that stands for
 * it. */
static void test_thins_the_old(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct snapshot *one = fixture_flat(maps, 0);
	size_t sz = snapshot_sz(one), sz_maps = mappings_sz(maps), nr, k;
	struct history *h = history_new(100 * sz + sz_maps);
	uint64_t i, tick = 0, spans[2] = { 0 };

	(void)state;
	history_push(h, one);
	for (i = 1; i < 20000; i++)
		history_push(h, fixture_flat(maps, i));
	nr = history_nr(h);
	assert_int_equal(nr, 100);
	assert_int_equal(history_at(h, 0)->seq, 0);
	for (k = 0; k < nr; k++) {
		assert_int_equal(history_tick(h, k), history_at(h, k)->seq);
		if (k)
			assert_int_equal(history_tick(h, k) - history_span(h, k), tick);
		tick = history_tick(h, k);
		if (k > nr / 2 + 2)
			assert_int_equal(history_span(h, k), 1);
		spans[k >= nr / 4] += k < nr / 2 ? history_span(h, k) : 0;
	}
	/* the older the thinner */
	assert_true(spans[0] > 2 * spans[1]);
	history_free(h);
	mappings_put(maps);
}

static void test_range(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct history *h = history_new(HISTORY_DEFAULT_BYTES);
	size_t first, end;

	(void)state;
	history_push(h, fixture_flat(maps, 0));
	history_push(h, fixture_flat(maps, 1));
	history_push(h, fixture_flat(maps, 4));
	history_range(h, 0, 2, &first, &end);
	assert_true(first == 0 && end == 2);
	/* lost, not thinned: nothing stands for these */
	history_range(h, 2, 4, &first, &end);
	assert_true(first == end);
	history_range(h, 2, 9, &first, &end);
	assert_true(first == 2 && end == 3);
	history_free(h);
	mappings_put(maps);
}

/* A table of mappings counts as long as one snapshot holds it, and once. */
static void test_counts_each_table_once(void **state)
{
	struct mappings *a = fixture_server_maps(), *b = fixture_server_maps();
	struct history *h = history_new(HISTORY_DEFAULT_BYTES);
	struct snapshot *s[4] = { fixture_flat(a, 0), fixture_flat(a, 1), fixture_flat(b, 2), fixture_flat(b, 3) };
	size_t i, sum = 0;

	(void)state;
	for (i = 0; i < 4; i++) {
		sum += snapshot_sz(s[i]);
		history_push(h, s[i]);
	}
	assert_int_equal(history_bytes(h), sum + mappings_sz(a) + mappings_sz(b));
	history_free(h);
	mappings_put(a);
	mappings_put(b);
}

static void test_keeps_the_newest_whatever_the_budget(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct history *h = history_new(1);

	(void)state;
	history_push(h, fixture_flat(maps, 0));
	history_push(h, fixture_flat(maps, 1));
	assert_int_equal(history_nr(h), 1);
	assert_int_equal(history_last(h)->seq, 1);
	history_free(h);
	mappings_put(maps);
}

/* A smaller budget thins at once, the old ones first; a larger one leaves room again. */
static void test_another_budget(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct history *h = history_new(HISTORY_DEFAULT_BYTES);
	size_t all, i;

	(void)state;
	for (i = 0; i < 200; i++)
		history_push(h, fixture_flat(maps, i));
	all = history_bytes(h);
	history_limit(h, all / 2);
	assert_true(history_bytes(h) <= all / 2);
	assert_true(history_nr(h) > 50 && history_nr(h) < 150);
	assert_int_equal(history_tick(h, 0), 0);
	assert_int_equal(history_last(h)->seq, 199);
	i = history_nr(h);
	history_limit(h, all);
	history_push(h, fixture_flat(maps, 200));
	assert_int_equal(history_nr(h), i + 1);
	history_free(h);
	mappings_put(maps);
}

/* At a tick of another history's: those between stay empty. */
static void test_a_tick_of_its_own(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct history *h = history_new(HISTORY_DEFAULT_BYTES);
	struct snapshot *snap = fixture_flat(maps, 8);
	size_t first, end;

	(void)state;
	history_push_at(h, fixture_flat(maps, 7), 40);
	assert_int_equal(history_next_tick(h, snap), 41);
	history_push_at(h, snap, 45);
	assert_int_equal(history_tick(h, 1), 45);
	assert_int_equal(history_find_tick(h, 41), 1);
	history_range(h, 0, 40, &first, &end);
	assert_int_equal(first, end);
	history_range(h, 41, 45, &first, &end);
	assert_int_equal(first, end);
	history_range(h, 45, 46, &first, &end);
	assert_true(first == 1 && end == 2);
	history_free(h);
	mappings_put(maps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_finds_by_time_and_tick),
		cmocka_unit_test(test_lost_snapshot_leaves_its_tick),
		cmocka_unit_test(test_stays_within_budget),
		cmocka_unit_test(test_thins_the_old),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_counts_each_table_once),
		cmocka_unit_test(test_keeps_the_newest_whatever_the_budget),
		cmocka_unit_test(test_another_budget),
		cmocka_unit_test(test_a_tick_of_its_own),
	};

	return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
