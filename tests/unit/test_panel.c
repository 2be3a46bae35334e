/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/screen_dump.h"
#include "tests/unit/screen_fixture.h"
#include "tui/app_state.h"

#define MIB (UINT64_C(1) << 20)

static const char two[] = "000001000000-000001400000 rw-p 00000000 00:00 0 [heap]\n"
			  "000002000000-000002100000 ---p 00000000 00:00 0 \n"
			  "000003000000-000003400000 rw-p 00000000 00:00 0 [stack]\n";

/* Heap: 1 MiB at 8, 3 MiB at 0 for 70 s. Stack: 4 MiB at 1, on node 1. */
static struct snapshot *snapshot_of_two(void)
{
	struct mappings *maps = fixture_maps(two);
	struct snapshot *snap = snapshot_new(3, false, 0, maps);

	snap->heat_unit = HEAT_RATE;
	snap->duration_ns = 1000000000;
	snap->flags = SNAP_WSS_KNOWN;
	snap->regions[0] = (struct snap_region){ 0x1000000, 0x1100000, 8, 2, 8, 8 };
	snap->regions[1] = (struct snap_region){ 0x1100000, 0x1400000, 0, 70, 0, 0 };
	snap->regions[2] = (struct snap_region){ 0x3000000, 0x3400000, 4, 20, 1, 4 };
	snap->open.pages[2].valid = SNAP_PAGES_NODE;
	snap->open.pages[2].node_pages[0] = 1;
	snap->open.pages[2].node[0] = 1;
	return snap;
}

static void test_orders(void **state)
{
	static const uint64_t firsts[PLACES_NR_ORDERS] = { 0x1000000, 0x1000000, 0x1000000, 0x1100000, 0x3000000 };
	static const uint64_t lasts[PLACES_NR_ORDERS] = { 0x1100000, 0x1100000, 0x3000000, 0x1000000, 0x1000000 };
	struct snapshot *snap = snapshot_of_two();
	struct places places = { 0 };
	int order;

	(void)state;
	assert_int_equal(places_of_regions(&places, snap), 0);
	assert_int_equal(places.nr, 3);
	for (order = 0; order < PLACES_NR_ORDERS; order++) {
		places_sort(&places, (enum place_order)order, false);
		assert_int_equal(places.v[0].start, firsts[order]);
		assert_int_equal(places.v[2].start, lasts[order]);
		places_sort(&places, (enum place_order)order, true);
		assert_int_equal(places.v[2].start, firsts[order]);
	}
	places_free(&places);
	snapshot_free(snap);
}

static void test_mappings(void **state)
{
	struct snapshot *snap = snapshot_of_two();
	struct places places = { 0 };

	(void)state;
	assert_int_equal(places_of_mappings(&places, snap), 0);
	assert_int_equal(places.nr, 2); /* what has no permission is none */
	assert_true(places.v[0].known);
	assert_float_equal(places.v[0].heat, 2, 1e-9);
	assert_float_equal(places.v[0].total, 8, 1e-9);
	assert_float_equal(places.v[0].age_s, 53, 1e-9);
	assert_int_equal(places.v[0].used_bytes, MIB);
	assert_int_equal(places.v[0].nr_reports, 8);
	assert_int_equal(places.v[0].node, -1);
	assert_int_equal(places.v[1].used_bytes, 4 * MIB);
	assert_int_equal(places.v[1].node, 1);
	/* not watched: not "not accessed" */
	snap->nr_regions = 2;
	assert_int_equal(places_of_mappings(&places, snap), 0);
	assert_false(places.v[1].known);
	places_free(&places);
	snapshot_free(snap);
}

static uint64_t sum_of(const struct panel_bar *bars, size_t nr)
{
	uint64_t sum = 0;

	while (nr--)
		sum += bars[nr].cold_bytes + bars[nr].used_bytes;
	return sum;
}

/* Every byte is in exactly one bar. */
static void test_histograms(void **state)
{
	struct snapshot *snap = snapshot_of_two();
	struct panel_bar bars[PANEL_MAX_BARS];
	size_t nr = panel_heat_bars(snap, bars);

	(void)state;
	assert_string_equal(bars[0].label, "1 – 10");
	assert_int_equal(bars[0].used_bytes, MIB);
	/* a bound belongs to the class below it */
	assert_int_equal(bars[1].used_bytes, 4 * MIB);
	assert_string_equal(bars[nr - 1].label, "not accessed");
	assert_int_equal(bars[nr - 1].cold_bytes, 3 * MIB);
	assert_int_equal(sum_of(bars, nr), 8 * MIB);
	nr = panel_age_bars(snap, bars);
	assert_int_equal(bars[0].used_bytes, MIB);
	assert_int_equal(bars[1].used_bytes, 4 * MIB);
	assert_int_equal(bars[2].cold_bytes, 3 * MIB);
	assert_int_equal(sum_of(bars, nr), 8 * MIB);
	snap->heat_unit = HEAT_FRACTION;
	snap->regions[0].heat = 1;
	nr = panel_heat_bars(snap, bars);
	assert_int_equal(bars[0].used_bytes, 5 * MIB);
	assert_int_equal(sum_of(bars, nr), 8 * MIB);
	snapshot_free(snap);
}

static void test_percentiles(void **state)
{
	struct history *history = history_new(HISTORY_DEFAULT_BYTES);
	uint64_t bytes[PANEL_NR_PERCENTILES], i;

	(void)state;
	assert_false(panel_wss_percentiles(history, bytes));
	for (i = 0; i < 100; i++) {
		struct snapshot *snap = snapshot_of_two();

		snap->seq = i;
		snap->wss_bytes = (i * 37 % 100 + 1) * MIB;
		snap->stats.lost = 2;
		history_push(history, snap);
	}
	assert_true(panel_wss_percentiles(history, bytes));
	assert_int_equal(bytes[0], MIB);
	assert_int_equal(bytes[2], 50 * MIB);
	assert_int_equal(bytes[4], 95 * MIB);
	assert_int_equal(bytes[5], 100 * MIB);
	assert_int_equal(panel_wss_at(history, 0, 2), 38 * MIB);
	assert_int_equal(panel_wss_at(history, 500, 502), 0);
	history_free(history);
}

static void test_sums(void **state)
{
	struct history *history = history_new(HISTORY_DEFAULT_BYTES);
	struct panel_stats sum;
	uint64_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct snapshot *snap = snapshot_of_two();

		snap->seq = i;
		snap->stats = (struct snap_stats){ .reports = 10, .samples = 20, .lost = i, .cost_ns = 1000 };
		snap->stats.dropped = i;
		history_push(history, snap);
	}
	panel_sum_stats(history, &sum);
	assert_int_equal(sum.sum.reports, 30);
	assert_int_equal(sum.sum.lost, 3);
	assert_int_equal(sum.sum.dropped, 2); /* since the start already */
	assert_float_equal(sum.cost_us, 60, 1e-9);
	history_free(history);
}

/* ---- on the screen ---- */

static void open_server(struct screen *s, int rows, int cols)
{
	screen_open(s, COLOR_DEPTH_MONO, false, rows, cols, NULL);
	screen_play(s, 60, 200, HEAT_FRACTION);
}

static void test_keys(void **state)
{
	struct screen s;

	(void)state;
	open_server(&s, 30, 120);
	screen_keys(&s, "h");
	assert_true(screen_holds(&s, "by most accessed"));
	screen_keys(&s, "ooo");
	assert_true(screen_holds(&s, "by age"));
	screen_keys(&s, "r");
	assert_true(screen_holds(&s, "by age, reversed"));
	screen_keys(&s, "<tab>");
	assert_int_equal(s.app->panel, PANEL_MAPPINGS);
	assert_true(screen_holds(&s, "redis-server") && screen_holds(&s, "rw-p [heap]"));
	/* the same key goes back, another panel's key goes there */
	screen_keys(&s, "s");
	assert_true(screen_holds(&s, "unattributed"));
	screen_keys(&s, "s");
	assert_int_equal(s.app->mode, APP_MAP);
	screen_keys(&s, "w<esc>");
	assert_int_equal(s.app->mode, APP_MAP);
	/* help comes back to where one was */
	screen_keys(&s, "w??");
	assert_int_equal(s.app->mode, APP_PANEL);
	assert_true(screen_keys(&s, "q") & APP_QUIT);
	screen_close(&s);
}

/* Enter takes the cursor to the place that is selected. */
static void test_enter_shows_it_on_the_map(void **state)
{
	struct screen s;

	(void)state;
	open_server(&s, 30, 120);
	screen_keys(&s, "Moo<down><down>");
	assert_string_equal(place_order_name(s.app->panel_order), "address");
	screen_keys(&s, "<enter>");
	assert_int_equal(s.app->mode, APP_MAP);
	assert_true(s.app->cursor_set);
	assert_int_equal(s.app->cursor_addr, 0x55d0c4e21000);
	screen_close(&s);
}

/* The snapshot is that under the cursor, not the newest. */
static void test_follows_the_cursor_in_time(void **state)
{
	struct screen s;

	(void)state;
	open_server(&s, 30, 120);
	screen_keys(&s, "d<left><left><left>");
	assert_int_equal(app_panel_snapshot(s.app)->seq, 56);
	assert_true(screen_holds(&s, "14:00:57"));
	screen_close(&s);
}

/* No size breaks a panel, and there is something to show before the first snapshot. */
static void test_every_size(void **state)
{
	static const char *const keys[] = { "h", "M", "w", "d", "s" };
	struct screen s;
	int rows, cols;
	size_t i;

	(void)state;
	screen_open(&s, COLOR_DEPTH_MONO, false, 24, 80, NULL);
	for (i = 0; i < PANEL_NR; i++) {
		screen_keys(&s, keys[i]);
		assert_true(screen_holds(&s, "waiting for the first"));
	}
	screen_close(&s);
	open_server(&s, 24, 80);
	for (i = 0; i < PANEL_NR; i++) {
		screen_keys(&s, keys[i]);
		for (rows = 1; rows < 60; rows += rows < 12 ? 1 : 7)
			for (cols = 1; cols < 260; cols += cols < 24 ? 1 : 13) {
				assert_int_equal(grid_resize(&s.grid, rows, cols), 0);
				app_paint(s.app, &s.grid);
			}
	}
	screen_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_mappings),
		cmocka_unit_test(test_histograms),
		cmocka_unit_test(test_percentiles),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_enter_shows_it_on_the_map),
		cmocka_unit_test(test_follows_the_cursor_in_time),
		cmocka_unit_test(test_every_size),
	};

	return cmocka_run_group_tests_name("panel", tests, NULL, NULL);
}
