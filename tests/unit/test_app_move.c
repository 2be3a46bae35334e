/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where one looks: freezing and moving in time, zooms, finding, the cursor. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/rng.h"
#include "tests/unit/screen_dump.h"
#include "tests/unit/screen_fixture.h"
#include "tui/app_state.h"

/* ---- time ---- */

static void test_freeze_keeps_the_picture_while_snapshots_come(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct screen s;
	unsigned i;

	(void)state;
	screen_open_server(&s, 30);
	assert_true(screen_holds(&s, "● live"));
	screen_keys(&s, "<space>");
	assert_true(screen_holds(&s, "● frozen  14:00:30"));
	for (i = 30; i < 40; i++)
		screen_push(&s, fixture_server(maps, i, 100, HEAT_FRACTION));
	assert_true(screen_holds(&s, "● frozen  14:00:30"));
	assert_true(screen_holds(&s, "-10s"));
	screen_keys(&s, "<space>");
	assert_true(screen_holds(&s, "● live  14:00:40"));
	mappings_put(maps);
	screen_close(&s);
}

/* Frozen, a line says which of the times that are kept is shown, and where not all of them are kept. */
static void test_scrubber(void **state)
{
	struct screen s;
	char *line;

	(void)state;
	screen_open(&s, COLOR_DEPTH_MONO, false, 24, 80, NULL);
	screen_play(&s, 100, 200, HEAT_FRACTION);
	screen_keys(&s, "<space>");
	line = screen_line(&s, 22);
	assert_non_null(strstr(line, " 14:00:01 ─"));
	assert_non_null(strstr(line, "─● 14:01:40 now · at 14:01:40"));
	free(line);
	screen_keys(&s, "<pgup>");
	line = screen_line(&s, 22);
	assert_non_null(strstr(line, "─●─"));
	assert_non_null(strstr(line, "39s back"));
	assert_null(strstr(line, "┄"));
	free(line);
	screen_keys(&s, "<space>");
	assert_false(screen_holds(&s, "●─"));
	history_limit(s.app->history, 1 << 19); /* what is kept of the older half is thinned */
	assert_true(history_nr_dropped(s.app->history) > 0);
	screen_keys(&s, "<space>");
	assert_true(screen_holds(&s, "┄──"));
	screen_close(&s);
}

static void test_moves_in_time(void **state)
{
	struct screen s;

	(void)state;
	screen_open_server(&s, 300);
	screen_keys(&s, "<pgup>");
	assert_true(s.app->frozen);
	assert_true(s.app->edge_tick < 299);
	screen_keys(&s, "<home>");
	assert_int_equal(s.app->edge_tick, s.app->layout.map.cols - 1);
	screen_keys(&s, "<pgdn>");
	assert_true(s.app->edge_tick > (uint64_t)s.app->layout.map.cols);
	screen_keys(&s, "<end>");
	assert_false(s.app->frozen);
	/* the oldest stays at the left edge, not at the right of an empty screen */
	screen_keys(&s, "<pgup><pgup><pgup><pgup><pgup><pgup><pgup><pgup>");
	assert_int_equal(s.app->edge_tick, s.app->layout.map.cols - 1);
	assert_true(screen_holds(&s, "nothing is kept"));
	screen_close(&s);
}

/* The cursor stays at its place and time while the picture freezes under it, and leads back in time. */
static void test_cursor_beyond_the_left_edge(void **state)
{
	struct screen s;
	int i;

	(void)state;
	screen_open_server(&s, 300);
	for (i = 0; i < s.app->layout.map.cols - 1; i++)
		screen_keys(&s, "<left>");
	assert_false(s.app->frozen);
	screen_keys(&s, "<left><left>");
	assert_true(s.app->frozen);
	assert_int_equal(s.app->edge_tick, 297);
	screen_close(&s);
}

static void test_mouse(void **state)
{
	struct term_event click = { .key = TERM_KEY_MOUSE, .button = 1 };
	struct screen s;

	(void)state;
	screen_open_server(&s, 300);
	click.row = s.app->layout.map.row + 2; /* below a gap */
	click.col = s.app->layout.map.col + s.app->layout.map.cols - 6;
	assert_int_equal(app_key(s.app, &click), APP_HANDLED | APP_REDRAW);
	app_paint(s.app, &s.grid);
	assert_true(s.app->cursor_set);
	assert_int_equal(s.app->cursor_back, 5);
	assert_int_equal(s.app->cursor_row, 2);
	click.button = 4;
	app_key(s.app, &click);
	assert_int_equal(s.app->nr_zooms, 2);
	click.button = 5;
	app_key(s.app, &click);
	assert_int_equal(s.app->nr_zooms, 1);
	/* outside of the map: nothing */
	click.row = 0;
	click.button = 1;
	assert_int_equal(app_key(s.app, &click), 0);
	screen_close(&s);
}

/* Where there is a list, or a page of help, the wheel moves in it. */
static void test_wheel_off_the_map(void **state)
{
	struct term_event wheel = { .key = TERM_KEY_MOUSE, .button = 5, .row = 5, .col = 5 };
	struct screen s;

	(void)state;
	screen_open_server(&s, 30);
	screen_keys(&s, "h");
	assert_true(app_key(s.app, &wheel) & APP_REDRAW);
	assert_int_equal(s.app->panel_at, 3);
	wheel.button = 4;
	app_key(s.app, &wheel);
	assert_int_equal(s.app->panel_at, 0);
	screen_keys(&s, "<esc>?");
	wheel.button = 5;
	app_key(s.app, &wheel);
	app_paint(s.app, &s.grid);
	assert_int_equal(s.app->mode, APP_HELP);
	assert_true(s.app->help_top > 0);
	assert_int_equal(s.app->nr_zooms, 1);
	screen_close(&s);
}

static void test_time_zoom(void **state)
{
	struct screen s;

	(void)state;
	screen_open_server(&s, 300);
	screen_keys(&s, "tt");
	assert_int_equal(app_ticks_per_col(s.app), 5);
	assert_true(screen_holds(&s, "Heat  5s a column"));
	screen_keys(&s, ",,,");
	assert_int_equal(app_ticks_per_col(s.app), 1);
	assert_true(screen_holds(&s, "a column is one aggregation"));
	screen_keys(&s, "tttttttttttttttttttttt");
	screen_close(&s);
}

/* ---- addresses ---- */

static void test_zoom_in_and_out_is_the_identity(void **state)
{
	struct screen s;
	char *before, *after;
	int i;

	(void)state;
	screen_open_server(&s, 30);
	screen_keys(&s, "<left><up><up>");
	before = screen_text(&s);
	for (i = 0; i < 30; i++)
		screen_keys(&s, "+");
	assert_true(s.app->nr_zooms > 10);
	while (s.app->nr_zooms > 1)
		screen_keys(&s, "-");
	after = screen_text(&s);
	assert_string_equal(before, after);
	free(before);
	free(after);
	screen_close(&s);
}

/* What a step into the addresses must leave behind it. */
struct zoom_step {
	size_t nr_zooms;
	struct app_range range;
	uint64_t cursor_addr;
	char *text;
};

static void take_step_in(struct screen *s, struct rng *rng, struct zoom_step *before)
{
	do {
		s->app->cursor_row = rng_below(rng, s->app->axis.nr_rows);
	} while (s->app->axis.rows[s->app->cursor_row].type != AXIS_ROW_MAPPED);
	s->app->cursor_set = true;
	s->app->cursor_addr = s->app->axis.rows[s->app->cursor_row].start;
	s->app->message[0] = '\0';
	before->text = screen_text(s);
	before->nr_zooms = s->app->nr_zooms;
	before->range = *app_viewport(s->app);
	before->cursor_addr = s->app->cursor_addr;
	screen_keys(s, rng_below(rng, 3) ? "+" : "z");
}

static void take_step_out(struct screen *s, const struct zoom_step *before)
{
	char *text;

	if (s->app->nr_zooms > before->nr_zooms)
		screen_keys(s, "-");
	s->app->message[0] = '\0'; /* of a step in that was as close as it gets */
	assert_int_equal(s->app->nr_zooms, before->nr_zooms);
	assert_int_equal(app_viewport(s->app)->start, before->range.start);
	assert_int_equal(app_viewport(s->app)->end, before->range.end);
	s->app->cursor_addr = before->cursor_addr;
	text = screen_text(s);
	assert_string_equal(text, before->text);
	free(text);
}

/* However one goes in, around any cell or into its mapping, rows in any order: each step out undoes its step in. */
static void test_each_zoom_out_undoes_its_zoom_in(void **state)
{
	enum { DEPTH = 8 };
	struct zoom_step before[DEPTH];
	struct rng rng = rng_seeded(11);
	unsigned round, depth;
	struct screen s;

	(void)state;
	screen_open_server(&s, 30);
	screen_keys(&s, "C"); /* colours that follow what is on the screen would not come back at once */
	for (round = 0; round < 20; round++) {
		s.app->share = (enum axis_share)(round % AXIS_NR_SHARES);
		screen_keys(&s, "0");
		for (depth = 0; depth < DEPTH; depth++)
			take_step_in(&s, &rng, &before[depth]);
		assert_true(s.app->nr_zooms > 1);
		while (depth-- > 0) {
			take_step_out(&s, &before[depth]);
			free(before[depth].text);
		}
		assert_int_equal(s.app->nr_zooms, 1);
	}
	screen_close(&s);
}

static void test_zoom_into_mapping_and_back(void **state)
{
	struct screen s;

	(void)state;
	screen_open_server(&s, 30);
	screen_keys(&s, "/heap<enter>z");
	assert_int_equal(app_viewport(s.app)->start, UINT64_C(0x55d0c4e21000));
	assert_int_equal(app_viewport(s.app)->end, UINT64_C(0x55d0d0e21000));
	assert_false(screen_holds(&s, "dump.rdb"));
	screen_keys(&s, "0");
	assert_true(screen_holds(&s, "dump.rdb"));
	screen_close(&s);
}

static void test_find(void **state)
{
	struct screen s;

	(void)state;
	screen_open_server(&s, 30);
	screen_keys(&s, "/LIBC<enter>");
	assert_int_equal(s.app->cursor_addr, UINT64_C(0x7f0e1ae00000));
	screen_keys(&s, "/nothing like it<enter>");
	assert_true(screen_holds(&s, "no mapping's name holds \"nothing like it\""));
	screen_keys(&s, "/0x7f05f3e01000<enter>");
	assert_int_equal(s.app->cursor_addr, UINT64_C(0x7f05f3e01000));
	screen_keys(&s, "/0x1<enter>");
	assert_true(screen_holds(&s, "nothing is mapped at 0x1"));
	screen_keys(&s, "/stack<esc>");
	assert_int_equal(s.app->cursor_addr, UINT64_C(0x7f05f3e01000));
	screen_close(&s);
}

static void test_go_to_address(void **state)
{
	struct screen s;

	(void)state;
	screen_open_server(&s, 30);
	screen_keys(&s, ":");
	assert_true(screen_holds(&s, "go to address (hexadecimal):"));
	screen_keys(&s, "7f05f3e01000<enter>");
	assert_int_equal(s.app->cursor_addr, UINT64_C(0x7f05f3e01000));
	screen_keys(&s, ":0x55D0c4e22000<enter>");
	assert_int_equal(s.app->cursor_addr, UINT64_C(0x55d0c4e22000));
	screen_keys(&s, ":1<enter>");
	assert_true(screen_holds(&s, "nothing is mapped at 1"));
	screen_keys(&s, ":-1<enter>");
	assert_true(screen_holds(&s, "\"-1\" is no address"));
	screen_keys(&s, ":heap<enter>");
	assert_true(screen_holds(&s, "\"heap\" is no address"));
	screen_keys(&s, ":7f05f3e01000<esc>");
	assert_int_equal(s.app->cursor_addr, UINT64_C(0x55d0c4e22000));
	/* out of what is zoomed to: all is shown again */
	screen_keys(&s, "z:7f05f3e01000<enter>");
	assert_int_equal(s.app->nr_zooms, 1);
	assert_int_equal(s.app->cursor_addr, UINT64_C(0x7f05f3e01000));
	screen_keys(&s, "/:<esc>/add<enter>");
	assert_true(screen_holds(&s, "no mapping's name holds \"add\""));
	screen_close(&s);
}

static void test_next_hot_place(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct screen s;
	uint64_t first;

	(void)state;
	screen_open_server(&s, 30);
	screen_keys(&s, "/redis-server<enter>n");
	first = s.app->cursor_addr;
	assert_true(first >= UINT64_C(0x55d0c4e21000) && first < UINT64_C(0x55d0d0e21000));
	screen_keys(&s, "n");
	assert_true(s.app->cursor_addr >= UINT64_C(0x7f05f3e00000));
	screen_keys(&s, "N");
	assert_int_equal(s.app->cursor_addr, first);
	/* a step that leads nowhere says so */
	screen_push(&s, fixture_flat(maps, 30));
	screen_keys(&s, "<end>/stack<enter>");
	first = s.app->cursor_addr;
	screen_keys(&s, "n");
	assert_true(screen_holds(&s, "no access was seen at this time"));
	assert_int_equal(s.app->cursor_addr, first);
	mappings_put(maps);
	screen_close(&s);
}

static void test_cursor_walks_over_every_row(void **state)
{
	struct screen s;
	uint64_t at = 0;
	size_t i;

	(void)state;
	screen_open_server(&s, 30);
	screen_keys(&s, "/0x55d0c2a00000<enter>");
	for (i = 0; i < 100; i++) {
		screen_keys(&s, "<down>");
		assert_true(s.app->cursor_addr >= at);
		assert_int_equal(s.app->axis.rows[s.app->cursor_row].type, AXIS_ROW_MAPPED);
		at = s.app->cursor_addr;
	}
	assert_true(at >= UINT64_C(0x7ffc5f1c3000));
	screen_close(&s);
}

/* A place was found where no row is on the screen: a line of one row has none. */
static void test_keys_without_a_map(void **state)
{
	struct screen s;

	(void)state;
	screen_open(&s, COLOR_DEPTH_MONO, false, 1, 120, NULL);
	screen_play(&s, 20, 50, HEAT_TIME);
	screen_keys(&s, "/heap<enter>z+-nN<up><down><left>0Zz");
	assert_int_equal(grid_resize(&s.grid, 24, 80), 0);
	screen_keys(&s, "z");
	assert_true(screen_holds(&s, "[heap]"));
	screen_close(&s);
}

/* A line of many small mappings: z goes into the one that the inspector names, not into all of them. */
static void test_zoom_into_one_of_a_group(void **state)
{
	struct mappings *maps;
	struct screen s;
	char text[4096], *p = text;

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		p += sprintf(p, "%x-%x rw-p 00000000 08:01 %u /d/file%u\n", 0x1000000 + i * 0x100000,
			     0x1000000 + i * 0x100000 + 0x80000, i + 1, i);
	maps = fixture_maps(text);
	screen_open(&s, COLOR_DEPTH_MONO, false, 20, 120, NULL);
	screen_push(&s, fixture_flat(maps, 0));
	screen_keys(&s, ":1a00000<enter>");
	assert_true(s.app->axis.groups[s.app->axis.rows[s.app->cursor_row].group].nr_names > 1);
	screen_keys(&s, "z");
	assert_true(screen_holds(&s, "mappings in \"file"));
	assert_int_equal(s.app->zooms[1].start, 0x1a00000);
	assert_int_equal(s.app->zooms[1].end, 0x1a80000);
	screen_keys(&s, "-<down>z"); /* nobody has named an address: what most of the row is */
	assert_int_equal(s.app->nr_zooms, 2);
	assert_ptr_equal(mappings_find(maps, s.app->zooms[1].start),
			 inspect_main_mapping(maps, s.app->zooms[1].start, s.app->zooms[1].end));
	assert_int_equal(s.app->zooms[1].end - s.app->zooms[1].start, 0x80000);
	screen_close(&s);
	mappings_put(maps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_freeze_keeps_the_picture_while_snapshots_come),
		cmocka_unit_test(test_scrubber),
		cmocka_unit_test(test_moves_in_time),
		cmocka_unit_test(test_cursor_beyond_the_left_edge),
		cmocka_unit_test(test_mouse),
		cmocka_unit_test(test_wheel_off_the_map),
		cmocka_unit_test(test_time_zoom),
		cmocka_unit_test(test_zoom_in_and_out_is_the_identity),
		cmocka_unit_test(test_each_zoom_out_undoes_its_zoom_in),
		cmocka_unit_test(test_zoom_into_mapping_and_back),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_go_to_address),
		cmocka_unit_test(test_next_hot_place),
		cmocka_unit_test(test_cursor_walks_over_every_row),
		cmocka_unit_test(test_keys_without_a_map),
		cmocka_unit_test(test_zoom_into_one_of_a_group),
	};

	return cmocka_run_group_tests_name("app_move", tests, NULL, NULL);
}
