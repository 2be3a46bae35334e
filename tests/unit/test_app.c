/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/source.h"
#include "tests/unit/screen_dump.h"
#include "tests/unit/screen_fixture.h"
#include "tui/app_state.h"
#include "tui/keymap.h"

static void open_server(struct screen *s, unsigned seconds)
{
	screen_open(s, COLOR_DEPTH_MONO, false, 40, 160, NULL);
	screen_play(s, seconds, 200, HEAT_FRACTION);
}

/* ---- keys ---- */

static void test_no_key_has_two_meanings(void **state)
{
	(void)state;
	for (size_t i = 0; i < keymap_nr; i++)
		if (keymap[i].key != KEY_NONE)
			assert_ptr_equal(keymap_find(keymap[i].key), &keymap[i]);
}

/* ---- overlays ---- */

static void test_overlays_on_keys(void **state)
{
	struct screen s;
	size_t i;

	(void)state;
	open_server(&s, 5);
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
	open_server(&s, 3);
	screen_keys(&s, "?");
	assert_true(screen_holds(&s, "key goes back"));
	assert_int_equal(screen_keys(&s, "q") & APP_QUIT, 0);
	assert_false(screen_holds(&s, "key goes back"));
	assert_int_equal(screen_keys(&s, "q") & APP_QUIT, APP_QUIT);
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

/* H sends what the hint line suggests, and nothing where nothing is suggested. */
static void test_hint_on_a_key(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct screen s;

	(void)state;
	open_server(&s, 5);
	screen_keys(&s, "H");
	assert_int_equal(s.nr_sent, 0);
	assert_true(screen_holds(&s, "nothing to suggest"));
	screen_close(&s);
	screen_open(&s, COLOR_DEPTH_MONO, false, 24, 80, NULL);
	for (unsigned i = 0; i < 3; i++) {
		struct snapshot *snap = fixture_server(maps, i, 100, HEAT_TIME);

		snap->stats.samples = snap->stats.reports = 30;
		screen_push(&s, snap);
	}
	mappings_put(maps);
	assert_true(screen_holds(&s, "aggregate longer  H aggregation 5s"));
	screen_keys(&s, "H");
	assert_int_equal(s.nr_sent, 1);
	assert_int_equal(s.sent[0].attrs.aggregation_us, 5000000);
	assert_false(screen_holds(&s, "hint"));
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
	open_server(&s, 5);
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

/* Z sends what is on the screen; with all addresses on it, everything. */
static void test_watch_range(void **state)
{
	struct screen s;

	(void)state;
	open_server(&s, 3);
	screen_keys(&s, "/heap<enter>zZ");
	assert_int_equal(s.nr_sent, 1);
	assert_int_equal(s.sent[0].type, COMMAND_RANGE);
	assert_int_equal(s.sent[0].start, 0x55d0c4e21000);
	assert_int_equal(s.sent[0].end, 0x55d0d0e21000);
	assert_true(screen_holds(&s, "only 55d0c4e21000"));
	assert_false(screen_holds(&s, "only 192M")); /* not before it is in force */
	{
		struct mappings *maps = fixture_maps("55d0c4e21000-55d0d0e21000 rw-p 00000000 00:00 0 [heap]\n");

		screen_push(&s, fixture_flat(maps, 3));
		mappings_put(maps);
	}
	screen_keys(&s, "v");
	assert_true(screen_holds(&s, "only 192M"));
	screen_keys(&s, "0Z");
	assert_int_equal(s.sent[1].end, 0);
	s.refuse = true;
	screen_keys(&s, "Z");
	assert_true(screen_holds(&s, "press Z again"));
	screen_close(&s);
}

/* ---- attributes ---- */

static void confirm(struct screen *s, uint64_t seq)
{
	struct mappings *maps = fixture_server_maps();
	struct snapshot *snap = fixture_server(maps, seq, 100, HEAT_FRACTION);

	snap->attrs = s->sent[s->nr_sent - 1].attrs;
	screen_push(s, snap);
	mappings_put(maps);
}

static void test_aging_and_aggregation_by_steps(void **state)
{
	struct screen s;

	(void)state;
	open_server(&s, 3);
	assert_true(screen_holds(&s, "aging 200ms  aggr 1s"));
	screen_keys(&s, "a");
	assert_int_equal(s.nr_sent, 1);
	assert_int_equal(s.sent[0].type, COMMAND_ATTRS);
	assert_int_equal(s.sent[0].attrs.aging_us, 100000);
	/* asked for, not in force: the header says both */
	assert_true(screen_holds(&s, "aging 200ms→100ms"));
	screen_keys(&s, "a");
	assert_int_equal(s.sent[1].attrs.aging_us, 50000);
	screen_keys(&s, "G");
	assert_int_equal(s.sent[2].attrs.aging_us, 50000);
	assert_int_equal(s.sent[2].attrs.aggregation_us, 2000000);
	screen_push(&s, fixture_flat(app_shown(s.app)->maps, 3));
	assert_true(screen_holds(&s, "aggr 1s→2s"));
	confirm(&s, 4);
	assert_true(screen_holds(&s, "aging 50ms  aggr 2s"));
	screen_keys(&s, "Agg");
	assert_int_equal(s.sent[5].attrs.aging_us, 100000);
	assert_int_equal(s.sent[5].attrs.aggregation_us, 500000);
	screen_close(&s);
}

static void test_steps_that_attrs_check_refuses_are_not_sent(void **state)
{
	struct screen s;

	(void)state;
	open_server(&s, 3);
	screen_keys(&s, "{{"); /* 5, 2 */
	assert_int_equal(s.nr_sent, 1);
	assert_true(screen_holds(&s, "min regions"));
	/* a message stands until the next key */
	screen_keys(&s, "1");
	assert_false(screen_holds(&s, "min regions"));
	screen_close(&s);
}

/* Aging cannot be longer than an aggregation: who goes on pressing one key takes the other along. */
static void test_aging_and_aggregation_go_together(void **state)
{
	struct screen s;

	(void)state;
	open_server(&s, 3);
	screen_keys(&s, "AAA"); /* 500ms, 1s, 2s */
	assert_int_equal(s.nr_sent, 3);
	assert_int_equal(s.sent[1].attrs.aggregation_us, 1000000);
	assert_int_equal(s.sent[2].attrs.aging_us, 2000000);
	assert_int_equal(s.sent[2].attrs.aggregation_us, 2000000);
	assert_true(screen_holds(&s, "aggregation goes with aging"));
	screen_keys(&s, "g");
	assert_int_equal(s.sent[3].attrs.aging_us, 1000000);
	assert_int_equal(s.sent[3].attrs.aggregation_us, 1000000);
	assert_true(screen_holds(&s, "aging goes with aggregation"));
	screen_close(&s);
}

static void test_region_limits(void **state)
{
	struct screen s;

	(void)state;
	open_server(&s, 3);
	screen_keys(&s, "]");
	assert_int_equal(s.sent[0].attrs.max_nr_regions, 2000);
	assert_true(screen_holds(&s, "10:1000→10:2000"));
	screen_keys(&s, "[[");
	assert_int_equal(s.sent[2].attrs.max_nr_regions, 500);
	screen_keys(&s, "}");
	assert_int_equal(s.sent[3].attrs.min_nr_regions, 20);
	screen_close(&s);
}

static void test_refusal_by_the_collector_ends_the_wait(void **state)
{
	struct message notice = { .type = MESSAGE_NOTICE };
	struct screen s;

	(void)state;
	open_server(&s, 3);
	screen_keys(&s, "a");
	err_set(&notice.err, EINVAL, "the source cannot age so often");
	app_message(s.app, &notice);
	assert_true(screen_holds(&s, "the source cannot age so often"));
	assert_true(screen_holds(&s, "aging 200ms  aggr"));
	screen_close(&s);
}

static void test_busy_collector(void **state)
{
	struct screen s;

	(void)state;
	open_server(&s, 3);
	s.refuse = true;
	screen_keys(&s, "a");
	assert_true(screen_holds(&s, "busy"));
	assert_true(screen_holds(&s, "aging 200ms  aggr"));
	screen_close(&s);
}

/* Up and down in steps of 1, 2, 5, from what the source has come to; a period that is fixed goes the other way. */
static void test_the_sample_rate_by_key(void **state)
{
	struct screen s;

	(void)state;
	open_server(&s, 3);
	screen_keys(&s, "x");
	assert_int_equal(s.nr_sent, 0);
	assert_true(screen_holds(&s, "takes no samples"));
	screen_close(&s);
	screen_open(&s, COLOR_DEPTH_MONO, false, 24, 80, NULL);
	screen_play(&s, 3, 200, HEAT_TIME); /* at 250 Hz */
	screen_keys(&s, "x");
	assert_int_equal(s.sent[0].attrs.freq_hz, 500);
	screen_keys(&s, "XX");
	assert_int_equal(s.sent[1].attrs.freq_hz, 200);
	assert_int_equal(s.sent[2].attrs.freq_hz, 100);
	assert_true(screen_holds(&s, "100 samples a second and thread"));
	screen_keys(&s, "i<up><up><up><up>1000<enter>");
	assert_int_equal(s.sent[3].attrs.period, 1000);
	screen_keys(&s, "x");
	assert_int_equal(s.sent[4].attrs.period, 500);
	screen_keys(&s, "X");
	assert_int_equal(s.sent[5].attrs.period, 1000);
	screen_keys(&s, "i<up><up><up><up>auto<up>auto<enter>");
	assert_int_equal(s.sent[6].attrs.period, 0);
	assert_int_equal(s.sent[6].attrs.freq_hz, 0);
	screen_close(&s);
}

static void test_dialog_applies_together(void **state)
{
	struct screen s;

	(void)state;
	open_server(&s, 3);
	screen_keys(&s, "i");
	assert_true(screen_holds(&s, "Settings"));
	screen_keys(&s, "750ms<down>1.5s<down><down>20<tab>500<enter>");
	assert_int_equal(s.nr_sent, 1);
	assert_int_equal(s.sent[0].attrs.aging_us, 750000);
	assert_int_equal(s.sent[0].attrs.aggregation_us, 1500000);
	assert_int_equal(s.sent[0].attrs.update_us, 1000000);
	assert_int_equal(s.sent[0].attrs.min_nr_regions, 20);
	assert_int_equal(s.sent[0].attrs.max_nr_regions, 500);
	assert_false(screen_holds(&s, "Settings"));
	assert_true(screen_holds(&s, "200ms→750ms"));
	screen_close(&s);
}

static void test_dialog_refuses_beside_the_field(void **state)
{
	struct screen s;
	char *line;

	(void)state;
	open_server(&s, 3);
	screen_keys(&s, "i<down>750<enter>");
	assert_int_equal(s.nr_sent, 0);
	assert_true(screen_holds(&s, "Settings"));
	assert_non_null(strstr(s.app->dialog.fields[1].refused, "unit"));
	/* corrected; now it is below aging */
	screen_keys(&s, "<backspace><backspace><backspace>100ms<enter>");
	assert_int_equal(s.nr_sent, 0);
	line = strstr(s.app->dialog.fields[0].refused, "longer than aggregation");
	assert_non_null(line);
	screen_keys(&s, "<esc>");
	assert_false(screen_holds(&s, "Settings"));
	assert_int_equal(s.nr_sent, 0);
	screen_close(&s);
}

/* Source and event are typed in the same form; what has not changed is not sent. */
static void test_dialog_changes_the_source(void **state)
{
	struct screen s;

	(void)state;
	open_server(&s, 3); /* of mglru */
	screen_keys(&s, "i<up>");
	assert_true(screen_holds(&s, "mglru"));
	screen_keys(&s, "perf::PAGE-FAULTS<enter>");
	assert_int_equal(s.nr_sent, 0);
	assert_non_null(strstr(s.app->dialog.fields[9].refused, "only the source perf"));
	screen_keys(&s, "<up>nosuch<enter>");
	assert_int_equal(s.nr_sent, 0);
	assert_non_null(strstr(s.app->dialog.fields[8].refused, "there are: auto perf"));
	screen_keys(&s, "<backspace><backspace><backspace><backspace><backspace><backspace>perf<enter>");
	assert_int_equal(s.nr_sent, 1);
	assert_int_equal(s.sent[0].type, COMMAND_SOURCE);
	assert_int_equal(s.sent[0].source, COMMAND_SOURCE_NAMED);
	assert_string_equal(s.sent[0].ops->name, "perf");
	assert_string_equal(s.sent[0].event, "perf::PAGE-FAULTS");
	assert_string_equal(s.app->event, "perf::PAGE-FAULTS");
	app_message(s.app, &(struct message){ .type = MESSAGE_NOTICE, .err = { EINVAL, "perf: no" } });
	assert_string_equal(s.app->event, "");
	screen_keys(&s, "<esc>i<enter>i<up>auto<up>auto<enter>");
	assert_int_equal(s.nr_sent, 2);
	assert_int_equal(s.sent[1].source, COMMAND_SOURCE_BEST);
	assert_string_equal(s.sent[1].event, "");
	screen_close(&s);
}

/* Whether perf takes an event is known when it is opened: then the form comes back, as it was typed. */
static void test_dialog_comes_back_where_the_source_refuses(void **state)
{
	const struct message no = { .type = MESSAGE_NOTICE, .err = { EINVAL, "there is no event no::such" } };
	struct screen s;

	(void)state;
	open_server(&s, 3);
	screen_keys(&s, "i<up>no::such<up>perf<enter>");
	assert_int_equal(s.nr_sent, 1);
	assert_false(screen_holds(&s, "Settings"));
	app_message(s.app, &no);
	assert_true(screen_holds(&s, "Settings"));
	assert_true(screen_holds(&s, "no::such        there is no event no::such"));
	assert_string_equal(s.app->message, "");
	/* what is typed next goes into that field */
	screen_keys(&s, "perf::PAGE-FAULTS<enter>");
	assert_int_equal(s.nr_sent, 2);
	assert_string_equal(s.sent[1].event, "perf::PAGE-FAULTS");
	/* a refusal of something else leaves the form alone */
	screen_keys(&s, "G");
	assert_int_equal(s.nr_sent, 3);
	app_message(s.app, &no);
	assert_false(screen_holds(&s, "Settings"));
	assert_true(screen_holds(&s, "there is no event"));
	/* a message that names a field belongs to that one */
	screen_keys(&s, "i2s<down>4s<down><down><down><down>500<enter>");
	assert_int_equal(s.nr_sent, 4);
	app_message(s.app, &(struct message){ .type = MESSAGE_NOTICE, .err = { EINVAL, "aggregation: too long" } });
	assert_non_null(strstr(s.app->dialog.fields[1].refused, "too long"));
	assert_int_equal(s.app->dialog.at, 1);
	screen_close(&s);
}

/* ---- time ---- */

static void test_freeze_keeps_the_picture_while_snapshots_come(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct screen s;
	unsigned i;

	(void)state;
	open_server(&s, 30);
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
	open_server(&s, 300);
	screen_keys(&s, "<pgup>");
	assert_true(s.app->frozen);
	assert_true(s.app->edge_tick < 299);
	screen_keys(&s, "<home>");
	assert_int_equal(s.app->edge_tick, s.app->layout.map.cols - 1);
	screen_keys(&s, "<pgup><pgup><pgup><pgup><pgup><pgup>");
	assert_int_equal(s.app->edge_tick, 0);
	screen_keys(&s, "<pgdn>");
	assert_true(s.app->edge_tick > 0);
	screen_keys(&s, "<end>");
	assert_false(s.app->frozen);
	screen_close(&s);
}

/* The cursor stays at its place and time while the picture freezes under it, and leads back in time. */
static void test_cursor_beyond_the_left_edge(void **state)
{
	struct screen s;
	int i;

	(void)state;
	open_server(&s, 300);
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
	open_server(&s, 300);
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

static void test_time_zoom(void **state)
{
	struct screen s;

	(void)state;
	open_server(&s, 300);
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
	open_server(&s, 30);
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
	open_server(&s, 30);
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
	open_server(&s, 30);
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
	open_server(&s, 30);
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
	open_server(&s, 30);
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
	open_server(&s, 30);
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
	open_server(&s, 30);
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
	open_server(&s, 3);
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
	open_server(&s, 30);
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
	open_server(&s, 100);
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
		cmocka_unit_test(test_overlays_on_keys),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_help_goes_back),
		cmocka_unit_test(test_zoom_into_one_of_a_group),
		cmocka_unit_test(test_hint_on_a_key),
		cmocka_unit_test(test_saving_settings),
		cmocka_unit_test(test_watch_range),
		cmocka_unit_test(test_themes),
		cmocka_unit_test(test_aging_and_aggregation_by_steps),
		cmocka_unit_test(test_steps_that_attrs_check_refuses_are_not_sent),
		cmocka_unit_test(test_aging_and_aggregation_go_together),
		cmocka_unit_test(test_region_limits),
		cmocka_unit_test(test_refusal_by_the_collector_ends_the_wait),
		cmocka_unit_test(test_busy_collector),
		cmocka_unit_test(test_the_sample_rate_by_key),
		cmocka_unit_test(test_dialog_applies_together),
		cmocka_unit_test(test_dialog_refuses_beside_the_field),
		cmocka_unit_test(test_dialog_changes_the_source),
		cmocka_unit_test(test_dialog_comes_back_where_the_source_refuses),
		cmocka_unit_test(test_freeze_keeps_the_picture_while_snapshots_come),
		cmocka_unit_test(test_scrubber),
		cmocka_unit_test(test_moves_in_time),
		cmocka_unit_test(test_cursor_beyond_the_left_edge),
		cmocka_unit_test(test_mouse),
		cmocka_unit_test(test_time_zoom),
		cmocka_unit_test(test_zoom_in_and_out_is_the_identity),
		cmocka_unit_test(test_each_zoom_out_undoes_its_zoom_in),
		cmocka_unit_test(test_zoom_into_mapping_and_back),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_go_to_address),
		cmocka_unit_test(test_next_hot_place),
		cmocka_unit_test(test_cursor_walks_over_every_row),
		cmocka_unit_test(test_inspector_says_what_is_not_known),
		cmocka_unit_test(test_exit_of_the_target),
		cmocka_unit_test(test_failure_is_told),
		cmocka_unit_test(test_another_pid_starts_anew),
		cmocka_unit_test(test_help_is_the_table),
		cmocka_unit_test(test_every_key_at_every_size),
		cmocka_unit_test(test_keys_without_a_map),
		cmocka_unit_test(test_unknown_overlay),
		cmocka_unit_test(test_frozen_frames_make_no_columns),
	};

	return cmocka_run_group_tests_name("app", tests, NULL, NULL);
}
