/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two sources side by side: the same addresses and the same time in both maps, and one of them in focus. */
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

static void set_beside(struct app_config *config)
{
	config->side_by_side = true;
}

static void open_two(struct screen *s, unsigned seconds)
{
	screen_open(s, COLOR_DEPTH_MONO, false, 40, 160, set_beside);
	screen_play_two(s, 0, seconds, 200);
}

static unsigned lose(struct screen *s, unsigned index)
{
	struct message message = { .type = MESSAGE_LOST, .source_index = index };

	err_set(&message.err, EPERM, "taken away");
	return app_message(s->app, &message);
}

/* Ticks of the column so many from the right, in the pane in focus. */
static uint64_t tick_at(const struct app *app, unsigned back)
{
	uint64_t first = 0, end;

	assert_true(view_col_ticks(app->view, view_nr_cols(app->view) - 1 - back, &first, &end));
	return first;
}

static void both_show_the_same_rows_and_times(void **state)
{
	struct screen s;
	const struct axis_row *rows;
	unsigned back;

	(void)state;
	open_two(&s, 30);
	assert_true(screen_holds(&s, "▸mglru") && screen_holds(&s, " clock "));
	assert_int_equal(view_nr_rows(s.app->view), s.app->axis.nr_rows);
	assert_int_equal(view_nr_rows(s.app->other.view), s.app->axis.nr_rows);
	assert_int_equal(view_nr_cols(s.app->view), view_nr_cols(s.app->other.view));
	rows = s.app->axis.rows;
	for (back = 0; back < 30; back++) {
		uint64_t tick = tick_at(s.app, back);

		app_swap_panes(s.app);
		assert_int_equal(tick_at(s.app, back), tick);
		assert_int_equal(history_at(s.app->history, tick)->seq, 29 - back);
		app_swap_panes(s.app);
		assert_int_equal(history_at(s.app->history, tick)->seq, 29 - back);
	}
	assert_ptr_equal(s.app->axis.rows, rows);
	screen_close(&s);
}

/* Where a source begins later, or one of its snapshots is lost on the way, the times are the same all the same. */
static void times_stay_the_same_where_snapshots_are_missing(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct snapshot *snap;
	struct screen s;
	unsigned i;

	(void)state;
	screen_open(&s, COLOR_DEPTH_MONO, false, 40, 160, set_beside);
	screen_play(&s, 7, 200, HEAT_FRACTION);
	assert_false(app_has_other(s.app));
	screen_play_two(&s, 7, 10, 200);
	for (i = 10; i < 12; i++) { /* of 10 and 11, one each */
		snap = fixture_server(maps, i, 200, i == 10 ? HEAT_FRACTION : HEAT_TIME);
		snap->source_index = i == 11;
		screen_push(&s, snap);
	}
	screen_play_two(&s, 12, 15, 200);
	assert_int_equal(app_newest_tick(s.app), 14);
	assert_int_equal(app_oldest_tick(s.app), 0);
	for (i = 0; i < history_nr(s.app->history); i++)
		assert_int_equal(history_tick(s.app->history, i), history_at(s.app->history, i)->seq);
	assert_int_equal(history_nr(s.app->other.history), 7);
	for (i = 0; i < history_nr(s.app->other.history); i++)
		assert_int_equal(history_tick(s.app->other.history, i), history_at(s.app->other.history, i)->seq);
	mappings_put(maps);
	screen_close(&s);
}

/* The cursor stays at its place and time; header, inspector and legend are of the other source. */
static void focus_moves_the_cursor_to_the_other_map(void **state)
{
	struct screen s;
	uint64_t addr;

	(void)state;
	open_two(&s, 30);
	screen_keys(&s, "/heap<enter><left><left>");
	addr = s.app->cursor_addr;
	assert_true(screen_holds(&s, "beside") && screen_holds(&s, "%/MiB  clock"));
	assert_string_equal(s.app->inspect.snap->source, "mglru");
	screen_keys(&s, "\\");
	assert_int_equal(s.app->pane, 1);
	assert_true(screen_holds(&s, "▸clock") && screen_holds(&s, " mglru "));
	assert_int_equal(s.app->cursor_addr, addr);
	assert_int_equal(s.app->cursor_back, 2);
	assert_string_equal(app_panel_snapshot(s.app)->source, "clock");
	assert_string_equal(s.app->inspect.snap->source, "clock");
	assert_false(screen_holds(&s, "%/MiB  clock"));
	screen_keys(&s, "\\");
	assert_true(screen_holds(&s, "▸mglru"));
	screen_close(&s);
}

static void a_click_focuses(void **state)
{
	struct screen s;
	struct term_event click = { .key = TERM_KEY_MOUSE, .button = 1 };

	(void)state;
	open_two(&s, 30);
	click.row = s.app->layout.panes[1].map.row + 1;
	click.col = s.app->layout.map.col + s.app->layout.map.cols - 1;
	app_key(s.app, &click);
	assert_int_equal(s.app->pane, 1);
	assert_true(s.app->cursor_set);
	click.row = s.app->layout.panes[0].map.row;
	app_key(s.app, &click);
	assert_int_equal(s.app->pane, 0);
	screen_close(&s);
}

static void frozen_both_stand_still(void **state)
{
	struct screen s;

	(void)state;
	open_two(&s, 30);
	screen_keys(&s, "<space>");
	screen_play_two(&s, 30, 33, 200);
	assert_int_equal(tick_at(s.app, 0), 29);
	app_swap_panes(s.app);
	assert_int_equal(tick_at(s.app, 0), 29);
	screen_close(&s);
}

static void a_frame_is_for_both_snapshots(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct snapshot *upper = fixture_server(maps, 5, 200, HEAT_FRACTION);
	struct snapshot *lower = fixture_server(maps, 5, 200, HEAT_TIME);
	struct screen s;

	(void)state;
	open_two(&s, 5);
	upper->flags |= SNAP_MORE;
	lower->source_index = 1;
	assert_int_equal(screen_push(&s, upper), APP_HANDLED);
	assert_int_equal(screen_push(&s, lower), APP_HANDLED | APP_REDRAW);
	mappings_put(maps);
	screen_close(&s);
}

static void no_room_for_two_shows_the_one_in_focus(void **state)
{
	struct screen s;

	(void)state;
	open_two(&s, 30);
	assert_int_equal(grid_resize(&s.grid, 12, 80), 0);
	screen_keys(&s, "\\");
	assert_false(app_is_split(s.app));
	assert_false(screen_holds(&s, "▸"));
	assert_true(screen_holds(&s, "clock"));
	assert_int_equal(s.app->layout.map.row, 2);
	screen_close(&s);
}

static void a_lost_source_keeps_what_was_seen(void **state)
{
	struct screen s;

	(void)state;
	open_two(&s, 30);
	assert_int_equal(lose(&s, 1), APP_HANDLED | APP_REDRAW);
	assert_true(screen_holds(&s, "clock lost") && screen_holds(&s, "taken away"));
	screen_play(&s, 31, 200, HEAT_FRACTION);
	assert_true(app_is_split(s.app));
	assert_int_equal(history_nr(s.app->other.history), 30);
	screen_close(&s);
}

/* The first never came: the second has the screen for itself. */
static void a_source_that_never_came_leaves_the_screen_to_the_other(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct snapshot *snap = fixture_server(maps, 0, 200, HEAT_TIME);
	struct screen s;

	(void)state;
	screen_open(&s, COLOR_DEPTH_MONO, false, 40, 160, set_beside);
	lose(&s, 0);
	snap->source_index = 1;
	screen_push(&s, snap);
	assert_false(app_has_other(s.app));
	assert_true(screen_holds(&s, "clock"));
	screen_keys(&s, "\\");
	assert_true(screen_holds(&s, "there is one source"));
	mappings_put(maps);
	screen_close(&s);
}

/* A process chosen anew is watched as the options say. */
static void another_target_begins_with_both_anew(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct snapshot *snap = fixture_server(maps, 0, 200, HEAT_FRACTION);
	struct screen s;

	(void)state;
	open_two(&s, 30);
	screen_keys(&s, "\\");
	snap->pid = 99;
	screen_push(&s, snap);
	assert_int_equal(s.app->pane, 0);
	assert_int_equal(history_nr(s.app->history), 1);
	assert_false(app_has_other(s.app));
	assert_true(s.app->side_by_side);
	mappings_put(maps);
	screen_close(&s);
}

static const struct command *last_sent(const struct screen *s)
{
	assert_true(s->nr_sent > 0);
	return &s->sent[s->nr_sent - 1];
}

static void a_key_brings_another_source_and_sends_it_away(void **state)
{
	struct screen s;

	(void)state;
	screen_open_server(&s, 10);
	screen_keys(&s, "|");
	assert_int_equal(last_sent(&s)->type, COMMAND_SOURCE);
	assert_int_equal(last_sent(&s)->source, COMMAND_SOURCE_BEST);
	assert_int_equal(last_sent(&s)->source_index, 1);
	screen_play_two(&s, 10, 12, 200);
	assert_true(app_is_split(s.app));
	assert_true(screen_holds(&s, "clock: where CPU time goes"));
	screen_keys(&s, "\\S");
	assert_int_equal(last_sent(&s)->source, COMMAND_SOURCE_NEXT);
	assert_int_equal(last_sent(&s)->source_index, 1);
	screen_keys(&s, "|");
	assert_int_equal(last_sent(&s)->source, COMMAND_SOURCE_NONE);
	assert_int_equal(last_sent(&s)->source_index, 1);
	assert_int_equal(s.app->pane, 0);
	assert_false(app_has_other(s.app));
	/* what was on its way is not kept, and brings no pane back */
	screen_play_two(&s, 12, 14, 200);
	assert_false(app_has_other(s.app));
	assert_int_equal(history_nr(s.app->history), 14);
	screen_close(&s);
}

static void the_lost_one_is_what_is_sent_away(void **state)
{
	struct screen s;

	(void)state;
	open_two(&s, 10);
	lose(&s, 0);
	screen_keys(&s, "|");
	assert_int_equal(last_sent(&s)->source_index, 0);
	assert_int_equal(s.app->pane, 1);
	assert_false(app_has_other(s.app));
	assert_string_equal(history_last(s.app->history)->source, "clock");
	/* and the next takes its place */
	screen_keys(&s, "|");
	assert_int_equal(last_sent(&s)->source, COMMAND_SOURCE_BEST);
	assert_int_equal(last_sent(&s)->source_index, 0);
	screen_close(&s);
}

static void none_beside_says_why_and_can_be_asked_again(void **state)
{
	struct screen s;

	(void)state;
	screen_open_server(&s, 10);
	screen_keys(&s, "|");
	lose(&s, 1);
	assert_true(screen_holds(&s, "taken away"));
	screen_keys(&s, "|");
	assert_int_equal(last_sent(&s)->source, COMMAND_SOURCE_BEST);
	s.refuse = true;
	screen_keys(&s, "|");
	assert_true(screen_holds(&s, "busy"));
	s.app->config.fixed = "a recording";
	screen_keys(&s, "S");
	assert_true(screen_holds(&s, "no other source"));
	screen_close(&s);
}

/* Every key at every size, whichever is in focus: nothing but the sanitizers look. */
static void every_key_at_many_sizes(void **state)
{
	struct screen s;

	(void)state;
	open_two(&s, 30);
	for (int rows = 1; rows < 40; rows += 3)
		for (int cols = 1; cols < 170; cols += 12) {
			assert_int_equal(grid_resize(&s.grid, rows, cols), 0);
			screen_keys(&s, "\\#<down><left>z.,-0O<space><pgup><end>n/x<esc>hMwd<esc>");
		}
	screen_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_show_the_same_rows_and_times),
		cmocka_unit_test(times_stay_the_same_where_snapshots_are_missing),
		cmocka_unit_test(focus_moves_the_cursor_to_the_other_map),
		cmocka_unit_test(a_click_focuses),
		cmocka_unit_test(frozen_both_stand_still),
		cmocka_unit_test(a_frame_is_for_both_snapshots),
		cmocka_unit_test(no_room_for_two_shows_the_one_in_focus),
		cmocka_unit_test(a_lost_source_keeps_what_was_seen),
		cmocka_unit_test(a_source_that_never_came_leaves_the_screen_to_the_other),
		cmocka_unit_test(another_target_begins_with_both_anew),
		cmocka_unit_test(a_key_brings_another_source_and_sends_it_away),
		cmocka_unit_test(the_lost_one_is_what_is_sent_away),
		cmocka_unit_test(none_beside_says_why_and_can_be_asked_again),
		cmocka_unit_test(every_key_at_many_sizes),
	};

	return cmocka_run_group_tests_name("panes", tests, NULL, NULL);
}
