/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The screen of a process with its children: the same addresses in each, told apart wherever one is named or typed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/space.h"
#include "tests/unit/screen_dump.h"
#include "tests/unit/screen_fixture.h"
#include "tui/app_state.h"

static struct screen s;

static int setup(void **state)
{
	(void)state;
	screen_open(&s, COLOR_DEPTH_MONO, false, 50, 160, NULL);
	screen_play_family(&s, 20, 300, HEAT_FRACTION);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	screen_close(&s);
	return 0;
}

static void it_says_how_many_there_are(void **state)
{
	(void)state;
	assert_true(screen_holds(&s, "3 processes"));
	assert_true(screen_holds(&s, "4711 redis-server"));
	assert_true(screen_holds(&s, "4720 redis-rdb-bgsave"));
	assert_true(screen_holds(&s, "4733 redis-aof-rewrite"));
	screen_play_family(&s, 90, 300, HEAT_FRACTION);
	assert_true(screen_holds(&s, "3 of 5 processes"));
}

static void the_key_asks_for_them_or_not(void **state)
{
	struct mappings *maps = fixture_server_maps();

	(void)state;
	screen_keys(&s, "P");
	assert_int_equal(s.nr_sent, 1);
	assert_int_equal(s.sent[0].type, COMMAND_CHILDREN);
	assert_false(s.sent[0].with_children);
	assert_true(screen_holds(&s, "redis-server alone from"));
	screen_push(&s, fixture_server(maps, 20, 300, HEAT_FRACTION));
	screen_keys(&s, "P");
	assert_true(s.sent[1].with_children);
	assert_true(screen_holds(&s, "with its children"));
	s.refuse = true;
	screen_keys(&s, "P");
	assert_true(screen_holds(&s, "busy"));
	mappings_put(maps);
}

/* Going back in a frozen picture, one finds the rows of those that have ended since. */
static void those_that_ended_are_found_in_the_past(void **state)
{
	struct mappings *maps = fixture_server_maps();
	unsigned i;

	(void)state;
	for (i = 20; i < 25; i++)
		screen_push(&s, fixture_server(maps, i, 300, HEAT_FRACTION));
	screen_keys(&s, "<space>");
	assert_false(screen_holds(&s, "4733 redis-aof-rewrite"));
	screen_keys(&s, "<left><left><left><left>");
	assert_false(screen_holds(&s, "4733 redis-aof-rewrite"));
	screen_keys(&s, "<left>");
	assert_true(screen_holds(&s, "4733 redis-aof-rewrite"));
	screen_keys(&s, "<left>");
	assert_true(screen_holds(&s, "4733 redis-aof-rewrite"));
	screen_keys(&s, "<right><right>");
	assert_false(screen_holds(&s, "4733 redis-aof-rewrite"));
	/* now is now, wherever the cursor is */
	screen_keys(&s, "<left><left><space>");
	assert_false(screen_holds(&s, "4733 redis-aof-rewrite"));
	mappings_put(maps);
}

/* The rows of the process alone go on where they were: its places are its addresses. */
static void what_was_seen_of_it_alone_stays(void **state)
{
	struct mappings *maps = fixture_server_maps(), *joined = fixture_family_maps(maps);
	size_t row;

	(void)state;
	screen_close(&s);
	screen_open(&s, COLOR_DEPTH_MONO, false, 50, 160, NULL);
	screen_play(&s, 20, 300, HEAT_FRACTION);
	screen_push(&s, fixture_family(maps, joined, 20, 300, HEAT_FRACTION));
	app_paint(s.app, &s.grid);
	assert_int_equal(history_nr(s.app->history), 21);
	row = axis_row_of(&s.app->axis, 0x55d0c4e21000);
	assert_true(view_cell(s.app->view, row, view_nr_cols(s.app->view) - 5)->valid & VIEW_HEAT);
	row = axis_row_of(&s.app->axis, space_place(4, 0x55d0c4e21000));
	assert_false(view_cell(s.app->view, row, view_nr_cols(s.app->view) - 5)->valid & VIEW_HEAT);
	assert_true(view_cell(s.app->view, row, view_nr_cols(s.app->view) - 1)->valid & VIEW_HEAT);
	mappings_put(joined);
	mappings_put(maps);
}

static void an_address_is_looked_for_in_the_cursors_process_first(void **state)
{
	(void)state;
	screen_keys(&s, ":55d0c4e21000<enter>");
	assert_int_equal(s.app->cursor_addr, 0x55d0c4e21000);
	assert_true(screen_holds(&s, "in process 4711"));
	/* once more: in the next one */
	screen_keys(&s, ":55d0c4e21000<enter>");
	assert_int_equal(s.app->cursor_addr, space_place(1, 0x55d0c4e21000));
	assert_true(screen_holds(&s, "in process 4720"));
	/* another address: the cursor stays in its process */
	screen_keys(&s, ":7ffc5f1c3000<enter>");
	assert_int_equal(s.app->cursor_addr, space_place(1, 0x7ffc5f1c3000));
	screen_keys(&s, ":1000<enter>");
	assert_true(screen_holds(&s, "nothing is mapped at 1000"));
}

static void a_process_is_found_by_its_name_or_number(void **state)
{
	(void)state;
	screen_keys(&s, "/aof<enter>");
	assert_int_equal(space_of(s.app->cursor_addr), 4);
	assert_true(screen_holds(&s, "in process 4733"));
	screen_keys(&s, "/4720<enter>");
	assert_int_equal(space_of(s.app->cursor_addr), 1);
	/* a mapping: of one after another */
	screen_keys(&s, "/heap<enter>");
	assert_int_equal(s.app->cursor_addr, space_place(1, 0x55d0c4e21000));
	screen_keys(&s, "/heap<enter>");
	assert_int_equal(s.app->cursor_addr, space_place(4, 0x55d0c4e21000));
	screen_keys(&s, "/heap<enter>");
	assert_int_equal(s.app->cursor_addr, 0x55d0c4e21000);
}

/* Nobody sees a place where an address belongs. */
static void only_addresses_are_shown(void **state)
{
	static const char *const keys[] = { "/aof<enter><down>", "h", "<esc>M", "<esc>z", "Z", "#" };
	char *text;

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		screen_keys(&s, keys[i]);
		text = screen_text(&s);
		/* of space 4 and 1: 56 bits below the number */
		assert_null(strstr(text, "40055d0"));
		assert_null(strstr(text, "4007f0"));
		assert_null(strstr(text, "4007ff"));
		assert_null(strstr(text, "10055d0"));
		assert_null(strstr(text, "1007f0"));
		free(text);
	}
	/* ... and what is watched alone is told to the collector as it is meant */
	assert_int_equal(s.sent[s.nr_sent - 1].type, COMMAND_RANGE);
	assert_int_equal(space_of(s.sent[s.nr_sent - 1].start), 4);
	assert_int_equal(space_of(s.sent[s.nr_sent - 1].end - 1), 4);
}

static void the_cursor_passes_over_heads(void **state)
{
	(void)state;
	screen_keys(&s, "/bgsave<enter><up>");
	assert_int_equal(s.app->axis.rows[s.app->cursor_row].type, AXIS_ROW_MAPPED);
	assert_int_equal(space_of(s.app->cursor_addr), 0);
	screen_keys(&s, "<down>");
	assert_int_equal(s.app->axis.rows[s.app->cursor_row].type, AXIS_ROW_MAPPED);
	assert_int_equal(space_of(s.app->cursor_addr), 1);
	assert_true(screen_holds(&s, "process  4720"));
}

/* Who has zoomed into a process that ends is told where the others are. */
static void a_view_of_one_that_has_gone_says_so(void **state)
{
	struct mappings *maps = fixture_server_maps();

	(void)state;
	screen_keys(&s, "/aof<enter>z");
	screen_push(&s, fixture_server(maps, 20, 300, HEAT_FRACTION));
	app_paint(s.app, &s.grid);
	assert_true(screen_holds(&s, "0 shows all addresses"));
	screen_keys(&s, "0");
	assert_true(screen_holds(&s, "[heap]"));
	mappings_put(maps);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(it_says_how_many_there_are),
		TEST(the_key_asks_for_them_or_not),
		TEST(those_that_ended_are_found_in_the_past),
		TEST(what_was_seen_of_it_alone_stays),
		TEST(an_address_is_looked_for_in_the_cursors_process_first),
		TEST(a_process_is_found_by_its_name_or_number),
		TEST(only_addresses_are_shown),
		TEST(the_cursor_passes_over_heads),
		TEST(a_view_of_one_that_has_gone_says_so),
	};

	return cmocka_run_group_tests_name("app_children", tests, NULL, NULL);
}
