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

/* nr snapshots of which change() has made something unhealthy; the hint after the last. */
static struct hint hint_after(unsigned nr, void (*change)(struct snapshot *snap))
{
	struct mappings *maps = fixture_server_maps();
	struct history *history = history_new(HISTORY_DEFAULT_BYTES);
	struct hint hint;
	unsigned i;

	for (i = 0; i < nr; i++) {
		struct snapshot *snap = healthy(maps, i);

		if (change)
			change(snap);
		history_push(history, snap);
	}
	hint = hint_of(history);
	history_free(history);
	mappings_put(maps);
	return hint;
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

static void few(struct snapshot *snap)
{
	snap->heat_unit = HEAT_TIME;
	snap->stats.samples = snap->stats.reports = 30;
}

static void hardly_any(struct snapshot *snap)
{
	few(snap);
	snap->stats.reports = 1;
}

static void lose_samples(struct snapshot *snap)
{
	snap->heat_unit = HEAT_RATE;
	snap->stats.lost = 7;
	snap->stats.freq_hz = 4000;
}

static void throttle(struct snapshot *snap)
{
	snap->heat_unit = HEAT_RATE;
	snap->stats.throttled = 1;
	snap->attrs.period = 1000;
}

static void saturate_at_5ms(struct snapshot *snap)
{
	saturate(snap);
	snap->attrs.aging_us = 5000;
}

static void guess(struct snapshot *snap)
{
	snap->stats.samples = 1000;
	snap->stats.unattributed = 500;
}

static void assert_hint(void (*change)(struct snapshot *snap), const char *problem, const char *remedy)
{
	struct hint hint = hint_after(3, change);

	assert_non_null(hint.problem);
	if (!strstr(hint.problem, problem))
		fail_msg("\"%s\" lacks \"%s\"", hint.problem, problem);
	assert_int_equal(hint.has_remedy, remedy != NULL);
	if (remedy)
		assert_string_equal(hint.remedy, remedy);
}

/* Each with the one value that helps, where one does. */
static void test_hints(void **state)
{
	(void)state;
	assert_null(hint_after(0, NULL).problem);
	assert_null(hint_after(10, NULL).problem);
	assert_hint(lose, "lost", "aging 100ms");
	assert_hint(lose_samples, "lost", "2000 Hz");
	assert_hint(throttle, "holds the event back", "1 in 2000 events");
	assert_hint(empty, "aggregate longer", "aggregation 2s");
	assert_hint(idle, "does nothing", NULL);
	assert_hint(few, "few reports", "aggregation 5s");
	assert_hint(hardly_any, "few reports", "aggregation 10s");
	assert_hint(saturate, "age more often", "aging 100ms");
	assert_hint(saturate_at_5ms, "age more often", NULL);
	assert_hint(crowd, "allow more", "200 regions");
	assert_hint(guess, "no certain address", NULL);
}

/* Nothing else is changed with it, and it may be sent. */
static void test_remedy_is_one_value(void **state)
{
	struct hint hint = hint_after(3, saturate);
	struct attrs attrs = attrs_default();

	(void)state;
	attrs.aging_us = 100000;
	assert_true(attrs_equal(&hint.attrs, &attrs));
	assert_int_equal(attrs_check(&hint.attrs, NULL), 0);
}

static void quicken(struct snapshot *snap)
{
	saturate(snap);
	snap->duration_ns = 100000000;
}

static void tuned(struct snapshot *snap)
{
	saturate(snap);
	if (snap->seq < 4)
		snap->attrs.aging_us *= 2;
}

/* Two bad ones say nothing yet, nor do many within the first moments, nor those from before the last change. */
static void test_needs_agreement(void **state)
{
	(void)state;
	assert_null(hint_after(HINT_NR_SNAPSHOTS - 1, lose).problem);
	assert_null(hint_after(29, quicken).problem);
	assert_non_null(hint_after(30, quicken).problem);
	assert_null(hint_after(6, tuned).problem);
	assert_non_null(hint_after(7, tuned).problem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hints),
		cmocka_unit_test(test_remedy_is_one_value),
		cmocka_unit_test(test_needs_agreement),
	};

	return cmocka_run_group_tests_name("hint", tests, NULL, NULL);
}
