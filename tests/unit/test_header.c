/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first line and the inspector: what is left out where there is no room, and that figures are those of the reports.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/text.h"
#include "tests/unit/screen_dump.h"
#include "tests/unit/screen_fixture.h"
#include "tui/app_state.h"

#define MSEC UINT64_C(1000000)

/* The header at this width, of a source that looks at the target in turns: for the caller to free. */
static char *header_at(int cols)
{
	struct mappings *maps = fixture_server_maps();
	struct snapshot *snap = fixture_server(maps, 5, 300, HEAT_TIME);
	struct screen s;
	char *line;

	snap->source = "clock+referenced";
	snap->wss_window_ns = 12000 * MSEC;
	snap->wss_age_ns = 3000 * MSEC;
	screen_open(&s, COLOR_DEPTH_MONO, false, 30, cols, NULL);
	screen_push(&s, snap);
	line = screen_line(&s, 0);
	screen_close(&s);
	mappings_put(maps);
	return line;
}

static bool header_holds(int cols, const char *text)
{
	char *line = header_at(cols);
	bool holds = strstr(line, text);

	free(line);
	return holds;
}

static void test_own_cpu_goes_before_the_time_of_the_working_set(void **state)
{
	int cols;

	(void)state;
	assert_true(header_holds(200, "% in 12s until 3s ago"));
	for (cols = 110; cols <= 200; cols++)
		assert_true(header_holds(cols, "own cpu 0.4%"));
	for (cols = 60; cols <= 200; cols++) {
		assert_true(header_holds(cols, "redis-server 4711"));
		assert_true(header_holds(cols, "wss"));
	}
}

/* One that belongs to another is not there without it, and never is a line longer than the screen. */
static void test_header_at_every_width(void **state)
{
	int cols;

	(void)state;
	for (cols = 20; cols <= 220; cols++) {
		char *line = header_at(cols);

		assert_true(!strstr(line, " until ") || strstr(line, "wss"));
		assert_true(!strstr(line, "4711") || strstr(line, "redis-server"));
		assert_non_null(strstr(line, "live"));
		free(line);
	}
}

/* Gone back to the time of another source, the line is of that one, as its working set is. */
static void test_the_source_is_that_of_the_time_that_is_shown(void **state)
{
	static const char *const sources[] = { "clock", "referenced" };
	struct mappings *maps = fixture_server_maps();
	struct screen s;
	char *line;

	(void)state;
	screen_open(&s, COLOR_DEPTH_MONO, false, 30, 100, NULL);
	for (uint64_t seq = 0; seq < 240; seq++) {
		struct snapshot *snap = fixture_server(maps, seq, 300, HEAT_TIME);

		snap->source = sources[seq / 120];
		screen_push(&s, snap);
	}
	line = screen_line(&s, 0);
	assert_non_null(strstr(line, "referenced"));
	free(line);
	screen_keys(&s, "<space><home>");
	line = screen_line(&s, 0);
	assert_non_null(strstr(line, "clock"));
	assert_null(strstr(line, "referenced"));
	free(line);
	screen_close(&s);
	mappings_put(maps);
}

/* One region of 16 M, of which the report knows so much of what is in swap. */
static struct snapshot *heap_in_swap(struct mappings *maps, uint32_t pages, bool known)
{
	struct snapshot *flat = fixture_flat(maps, 0), *snap = snapshot_new(1, false, 0, mappings_get(maps));

	snap->time_ns = flat->time_ns;
	snap->wall_ns = flat->wall_ns;
	snap->duration_ns = flat->duration_ns;
	snap->attrs = flat->attrs;
	snap->source = "mglru";
	snap->max_nr_accesses = 5;
	snap->regions[0] = flat->regions[0];
	snap->open.pages[0].swap_known = known;
	snap->open.pages[0].swapped = pages;
	snapshot_free(flat);
	return snapshot_pack(snap);
}

/* Of the place under the cursor, its part of what the report says of the region. */
static void test_swapped_bytes_are_those_of_the_report(void **state)
{
	struct mappings *maps = fixture_maps("000001000000-000002000000 rw-p 00000000 00:00 0 [heap]\n");
	static const uint32_t pages[] = { 0, 512, 1024, 4096 };
	size_t i;

	(void)state;
	for (i = 0; i <= sizeof(pages) / sizeof(*pages); i++) {
		bool known = i < sizeof(pages) / sizeof(*pages);
		char bytes[TEXT_NUMBER_SIZE], wanted[64];
		const struct inspect *in;
		struct screen s;

		screen_open(&s, COLOR_DEPTH_MONO, false, 40, 120, NULL);
		screen_push(&s, heap_in_swap(maps, known ? pages[i] : 512, known));
		screen_keys(&s, "/heap<enter>");
		in = &s.app->inspect;
		assert_true(in->end - in->start >= 256 << 10);
		snprintf(wanted, sizeof(wanted), "swapped  %s",
			 known ? text_bytes(bytes, (in->end - in->start) * pages[i] / 4096) : "– (not known)");
		assert_true(screen_holds(&s, wanted));
		screen_close(&s);
	}
	mappings_put(maps);
}

/* Two mappings on one row, with a hole between them that is no memory. */
static void test_a_row_of_joined_mappings_says_what_is_mapped(void **state)
{
	char text[4096] = "";
	struct mappings *maps;
	struct screen s;
	int i, len = 0;

	(void)state;
	/* more of them than there are lines: neighbours are joined */
	for (i = 0; i < 40; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%012x-%012x rw-p 00000000 00:00 0 \n",
				0x10000000 + i * 0x1000000, 0x10000000 + i * 0x1000000 + 0x100000);
	maps = fixture_maps(text);
	screen_open(&s, COLOR_DEPTH_MONO, false, 24, 120, NULL);
	screen_push(&s, fixture_flat(maps, 0));
	screen_keys(&s, ":10000000<enter>");
	/* one or two of them, and a hole of 15 M after each but the last */
	assert_true(s.app->inspect.mapped_bytes >= 1 << 20);
	assert_true(s.app->inspect.mapped_bytes * 4 < s.app->inspect.end - s.app->inspect.start);
	assert_true(screen_holds(&s, "M mapped of "));
	screen_close(&s);
	mappings_put(maps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_cpu_goes_before_the_time_of_the_working_set),
		cmocka_unit_test(test_header_at_every_width),
		cmocka_unit_test(test_the_source_is_that_of_the_time_that_is_shown),
		cmocka_unit_test(test_swapped_bytes_are_those_of_the_report),
		cmocka_unit_test(test_a_row_of_joined_mappings_says_what_is_mapped),
	};

	return cmocka_run_group_tests_name("header", tests, NULL, NULL);
}
