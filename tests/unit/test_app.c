/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The app as a whole: overlays, themes, help, settings, what it tells, and every key at every size. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/screen_dump.h"
#include "tests/unit/screen_fixture.h"
#include "tui/app_state.h"
#include "tui/keymap.h"

/* ---- keys ---- */

static void test_no_key_has_two_meanings(void **state)
{
	(void)state;
	for (size_t i = 0; i < keymap_nr; i++)
		if (keymap[i].key != KEY_NONE)
			assert_ptr_equal(keymap_find(keymap[i].key), &keymap[i]);
}

/* Keys of other programs: what they most often mean there, or at least where to look. */
static void test_keys_of_other_programs(void **state)
{
	struct screen s;

	(void)state;
	screen_open_server(&s, 5);
	screen_keys(&s, "<f9>");
	assert_true(screen_holds(&s, "f9 is no key here; ? lists them"));
	screen_keys(&s, "1");
	assert_false(screen_holds(&s, "is no key here"));
	screen_keys(&s, "hy");
	assert_true(screen_holds(&s, "y is no key here; ? lists them"));
	screen_keys(&s, "<esc><f3>x");
	assert_true(screen_holds(&s, "find a name"));
	screen_keys(&s, "<esc><f2>");
	assert_true(screen_holds(&s, "Settings"));
	screen_keys(&s, "<esc>");
	assert_true(screen_keys(&s, "<f10>") & APP_QUIT);
	screen_close(&s);
}

/* ---- overlays ---- */

static void test_overlays_on_keys(void **state)
{
	struct screen s;
	size_t i;

	(void)state;
	screen_open_server(&s, 5);
	assert_true(screen_holds(&s, "Heat"));
	assert_int_equal(screen_keys(&s, "2"), APP_HANDLED | APP_REDRAW);
	assert_true(screen_holds(&s, "NUMA node"));
	assert_true(screen_holds(&s, "00000"));
	screen_keys(&s, "3");
	assert_true(screen_holds(&s, "Anon/file"));
	assert_true(screen_holds(&s, "aaaaa") && screen_holds(&s, "fffff"));
	for (i = 0; i < overlay_nr; i++)
		screen_keys(&s, "<tab>");
	assert_true(screen_holds(&s, "Anon/file"));
	screen_keys(&s, "<tab>");
	assert_true(screen_holds(&s, "Age"));
	/* nothing changes but what is said of it, and that once */
	assert_int_equal(screen_keys(&s, "<f9>"), APP_REDRAW);
	assert_int_equal(screen_keys(&s, "<f9>"), 0);
	screen_close(&s);
}

/* Numbers take several columns a cell; the cursor stays within, and comes back to about where it was. */
static void test_numbers(void **state)
{
	struct screen s;
	int rows, cols;

	(void)state;
	screen_open(&s, COLOR_DEPTH_TRUE, false, 40, 160, NULL);
	screen_play(&s, 60, 200, HEAT_FRACTION);
	screen_keys(&s, "/stack<enter><left><left><left><left><left><left><left>#");
	assert_int_equal(s.app->cursor_back, 1);
	assert_true(screen_holds(&s, " 0.90  0.90"));
	assert_int_equal(view_nr_cols(s.app->view), s.app->layout.map.cols / APP_NUMBER_COLS);
	for (cols = 0; cols < 30; cols++)
		screen_keys(&s, "<left>");
	assert_true(s.app->cursor_back < view_nr_cols(s.app->view));
	screen_keys(&s, "#");
	assert_int_equal(view_nr_cols(s.app->view), s.app->layout.map.cols);
	screen_keys(&s, "#");
	for (rows = 1; rows < 30; rows++)
		for (cols = 1; cols < 120; cols += 7) {
			assert_int_equal(grid_resize(&s.grid, rows, cols), 0);
			app_paint(s.app, &s.grid);
		}
	screen_close(&s);
}

static void test_themes(void **state)
{
	struct screen s;
	size_t i, nr = 0;

	(void)state;
	screen_open(&s, COLOR_DEPTH_TRUE, false, 40, 160, NULL);
	screen_play(&s, 5, 200, HEAT_FRACTION);
	while (theme_shipped_name(nr))
		nr++;
	for (i = 0; i < nr; i++) {
		screen_keys(&s, "T");
		assert_true(screen_holds(&s, s.app->config.theme->name));
		assert_int_equal(strcmp(s.app->config.theme->name, THEME_DEFAULT) == 0, i + 1 == nr);
	}
	screen_close(&s);
}

/* q in the help goes back to what was there, as every key does that does not scroll. */
static void test_help_goes_back(void **state)
{
	struct screen s;

	(void)state;
	screen_open_server(&s, 3);
	screen_keys(&s, "?");
	assert_true(screen_holds(&s, "key goes back"));
	assert_int_equal(screen_keys(&s, "q") & APP_QUIT, 0);
	assert_false(screen_holds(&s, "key goes back"));
	assert_int_equal(screen_keys(&s, "q") & APP_QUIT, APP_QUIT);
	screen_close(&s);
}

struct saved {
	struct app_settings settings;
	char theme[32];
	unsigned nr;
};

static int save_settings(void *ctx, const struct app_settings *settings, struct err *err)
{
	struct saved *saved = ctx;

	saved->settings = *settings;
	snprintf(saved->theme, sizeof(saved->theme), "%s", settings->theme ? settings->theme : "");
	return saved->nr++ ? err_set(err, EACCES, "no entry") : 0;
}

/* W asks once, and only the next key, if W again, writes what keys have changed. */
static void test_saving_settings(void **state)
{
	struct saved saved = { .nr = 0 };
	struct screen s;

	(void)state;
	screen_open_server(&s, 5);
	screen_keys(&s, "WW");
	assert_true(screen_holds(&s, "set HOME"));
	s.app->config.save = save_settings;
	s.app->config.saved_to = "/home/u/.config/damontop/config";
	s.app->config.ctx = &saved;
	screen_keys(&s, "W");
	assert_true(screen_holds(&s, "W again writes these settings to /home/u/.config/damontop/config"));
	screen_keys(&s, "2W");
	assert_int_equal(saved.nr, 0);
	screen_keys(&s, "W");
	assert_int_equal(saved.nr, 1);
	assert_true(screen_holds(&s, "settings are in /home/u/.config/damontop/config"));
	assert_string_equal(saved.settings.overlay, "node");
	assert_string_equal(saved.theme, "");
	assert_false(saved.settings.aging_set || saved.settings.aggregation_set);
	s.app->config.ctx = &s; /* what the fixture's send() wants */
	screen_keys(&s, "ATco");
	s.app->config.ctx = &saved;
	screen_keys(&s, "WW");
	assert_true(screen_holds(&s, "no entry"));
	assert_true(saved.settings.aging_set && !saved.settings.aggregation_set);
	assert_string_equal(saved.theme, s.app->config.theme->name);
	assert_int_equal(saved.settings.contrast, CONTRAST_LINEAR);
	assert_int_equal(saved.settings.share, AXIS_SHARE_BYTES);
	screen_close(&s);
}

/* ---- the rest ---- */

static void test_inspector_says_what_is_not_known(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct snapshot *snap;
	struct screen s;

	(void)state;
	screen_open(&s, COLOR_DEPTH_MONO, false, 50, 160, NULL);
	snap = fixture_flat(maps, 0);
	snap->flags = 0;
	screen_push(&s, snap);
	assert_true(screen_holds(&s, "node     – (not known)"));
	assert_true(screen_holds(&s, "r/w      – (the source cannot tell)"));
	assert_true(screen_holds(&s, "working set – (the source cannot tell)"));
	assert_false(screen_holds(&s, "rss"));
	mappings_put(maps);
	screen_close(&s);
}

static void test_exit_of_the_target(void **state)
{
	struct message ended = { .type = MESSAGE_ENDED };
	struct screen s;

	(void)state;
	screen_open_server(&s, 3);
	app_message(s.app, &ended);
	assert_true(screen_holds(&s, "redis-server (4711) has ended; q quits"));
	assert_true(screen_holds(&s, "● ended"));
	screen_keys(&s, "a");
	assert_int_equal(s.nr_sent, 0);
	assert_true(screen_holds(&s, "the target has ended"));
	/* one can still look around */
	screen_keys(&s, "<left><left>2");
	assert_true(screen_holds(&s, "NUMA node"));
	assert_int_equal(screen_keys(&s, "q") & APP_QUIT, APP_QUIT);
	screen_close(&s);
}

static void test_failure_is_told(void **state)
{
	struct message ended = { .type = MESSAGE_ENDED };
	struct screen s;

	(void)state;
	screen_open(&s, COLOR_DEPTH_MONO, false, 24, 80, NULL);
	assert_true(screen_holds(&s, "waiting for the first aggregation"));
	err_set(&ended.err, EACCES, "perf_event_open: permission denied");
	app_message(s.app, &ended);
	assert_true(screen_holds(&s, "perf_event_open: permission denied; q quits"));
	screen_close(&s);
}

static void test_another_pid_starts_anew(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct snapshot *snap = fixture_flat(maps, 0);
	struct screen s;

	(void)state;
	screen_open_server(&s, 30);
	screen_keys(&s, "+<space>");
	snap->pid = 99;
	screen_push(&s, snap);
	assert_int_equal(history_nr(s.app->history), 1);
	assert_false(s.app->frozen);
	mappings_put(maps);
	screen_close(&s);
}

/* Everything in the key line is in the help, and every key of the table does something without a target too. */
static void test_help_is_the_table(void **state)
{
	struct screen s;
	size_t i;

	(void)state;
	screen_open(&s, COLOR_DEPTH_MONO, false, 60, 160, NULL);
	screen_keys(&s, "?");
	for (i = 0; i < keymap_nr; i++) {
		assert_true(keymap[i].names || !keymap[i].help);
		assert_true(!keymap[i].label || keymap[i].help);
		if (keymap[i].help) {
			char start[40];

			snprintf(start, sizeof(start), "%.30s", keymap[i].help);
			assert_true(screen_holds(&s, start));
		}
	}
	screen_keys(&s, "x");
	assert_false(screen_holds(&s, "any key goes back"));
	screen_close(&s);
	/* and none of them is cut on the narrowest of usual screens */
	screen_open(&s, COLOR_DEPTH_MONO, false, 120, 80, NULL);
	screen_keys(&s, "?");
	assert_true(screen_holds(&s, keymap[0].help));
	assert_false(screen_holds(&s, "…"));
	screen_close(&s);
}

static void test_every_key_at_every_size(void **state)
{
	static const int sizes[][2] = {
		{ 1, 1 }, { 2, 3 }, { 5, 20 }, { 12, 40 }, { 24, 80 }, { 30, 100 }, { 70, 250 }
	};
	struct screen s;
	size_t i, k, depth;

	(void)state;
	for (depth = COLOR_DEPTH_MONO; depth <= COLOR_DEPTH_TRUE; depth++)
		for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			screen_open(&s, (enum color_depth)depth, depth == COLOR_DEPTH_256, sizes[i][0], sizes[i][1],
				    NULL);
			for (k = 0; k < 3 * keymap_nr; k++) {
				struct term_event event = { .key = keymap[k % keymap_nr].key };

				app_key(s.app, &event);
				app_paint(s.app, &s.grid);
				if (k == keymap_nr)
					screen_play(&s, 20, 50, HEAT_TIME);
			}
			screen_close(&s);
		}
}

static void test_unknown_overlay(void **state)
{
	struct err err = ERR_NONE;
	struct theme theme;
	struct app_config config = { .theme = &theme, .overlay = "colour" };

	(void)state;
	assert_int_equal(theme_load(&theme, THEME_DEFAULT, &err), 0);
	assert_null(app_new(&config, &err));
	assert_non_null(strstr(err.text, "there is no overlay colour"));
}

/* An attribute-only frame for a frozen picture costs no column: nothing is made again for what is on the screen. */
static void test_frozen_frames_make_no_columns(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct screen s;
	uint64_t made;

	(void)state;
	screen_open_server(&s, 100);
	screen_keys(&s, "<space>");
	made = view_nr_made(s.app->view);
	screen_push(&s, fixture_server(maps, 100, 100, HEAT_FRACTION));
	app_paint(s.app, &s.grid);
	assert_int_equal(view_nr_made(s.app->view), made);
	mappings_put(maps);
	screen_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_key_has_two_meanings),
		cmocka_unit_test(test_keys_of_other_programs),
		cmocka_unit_test(test_overlays_on_keys),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_help_goes_back),
		cmocka_unit_test(test_saving_settings),
		cmocka_unit_test(test_themes),
		cmocka_unit_test(test_inspector_says_what_is_not_known),
		cmocka_unit_test(test_exit_of_the_target),
		cmocka_unit_test(test_failure_is_told),
		cmocka_unit_test(test_another_pid_starts_anew),
		cmocka_unit_test(test_help_is_the_table),
		cmocka_unit_test(test_every_key_at_every_size),
		cmocka_unit_test(test_unknown_overlay),
		cmocka_unit_test(test_frozen_frames_make_no_columns),
	};

	return cmocka_run_group_tests_name("app", tests, NULL, NULL);
}
