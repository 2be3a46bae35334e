/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/screen_fixture.h"
#include "tui/hint.h"

static struct snapshot *healthy(struct mappings *maps, uint64_t seq)
{
	return fixture_server(maps, seq, 100, HEAT_FRACTION);
}

/* nr snapshots of which change() has made something unhealthy; what the hint says then. */
static const char *hint_after(unsigned nr, void (*change)(struct snapshot *snap), char text[160])
{
	struct mappings *maps = fixture_server_maps();
	struct history *history = history_new(HISTORY_DEFAULT_BYTES);
	const char *hint;
	unsigned i;

	for (i = 0; i < nr; i++) {
		struct snapshot *snap = healthy(maps, i);

		if (change)
			change(snap);
		history_push(history, snap);
	}
	hint = hint_of(history);
	strcpy(text, hint ? hint : "");
	history_free(history);
	mappings_put(maps);
	return text;
}

static void lose(struct snapshot *snap)
{
	snap->stats.lost = 7;
}

static void empty(struct snapshot *snap)
{
	size_t i;

	for (i = 0; i < snap->nr_regions; i++) {
		snap->regions[i].heat = 0;
		snap->regions[i].nr_accesses = 0;
	}
}

static void idle(struct snapshot *snap)
{
	empty(snap);
	snap->stats.samples = snap->stats.reports = 0;
	snap->target_cpu_us = 0;
}

static void saturate(struct snapshot *snap)
{
	size_t i;

	for (i = 0; i < snap->nr_regions; i++)
		snap->regions[i].nr_accesses = snap->max_nr_accesses;
}

static void crowd(struct snapshot *snap)
{
	snap->attrs.max_nr_regions = (uint32_t)snap->nr_regions;
}

static void test_hints(void **state)
{
	char text[160];

	(void)state;
	assert_string_equal(hint_after(0, NULL, text), "");
	assert_string_equal(hint_after(10, NULL, text), "");
	assert_non_null(strstr(hint_after(3, lose, text), "lost"));
	assert_non_null(strstr(hint_after(3, empty, text), "aggregate longer (G)"));
	assert_non_null(strstr(hint_after(3, idle, text), "does nothing"));
	assert_non_null(strstr(hint_after(3, saturate, text), "age more often (a)"));
	assert_non_null(strstr(hint_after(3, crowd, text), "(])"));
}

/* Two bad ones say nothing yet. */
static void test_needs_agreement(void **state)
{
	char text[160];

	(void)state;
	assert_string_equal(hint_after(HINT_NR_SNAPSHOTS - 1, lose, text), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hints),
		cmocka_unit_test(test_needs_agreement),
	};

	return cmocka_run_group_tests_name("hint", tests, NULL, NULL);
}
