/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keys and the form ask of the collector: intervals, limits, rate, source, the range that is watched. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/source.h"
#include "tests/unit/screen_dump.h"
#include "tests/unit/screen_fixture.h"
#include "tui/app_state.h"

/* H sends what the hint line suggests, and nothing where nothing is suggested. */
static void test_hint_on_a_key(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct screen s;

	(void)state;
	screen_open_server(&s, 5);
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

/* Z sends what is on the screen; with all addresses on it, everything. */
static void test_watch_range(void **state)
{
	struct screen s;

	(void)state;
	screen_open_server(&s, 3);
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
	screen_open_server(&s, 3);
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
	screen_open_server(&s, 3);
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
	screen_open_server(&s, 3);
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
	screen_open_server(&s, 3);
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
	screen_open_server(&s, 3);
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
	screen_open_server(&s, 3);
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
	screen_open_server(&s, 3);
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
	screen_open_server(&s, 3);
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

/* It is opened from where one is, and goes back there. */
static void test_dialog_over_a_panel(void **state)
{
	struct screen s;

	(void)state;
	screen_open_server(&s, 3);
	screen_keys(&s, "hi");
	assert_true(screen_holds(&s, "Settings") && screen_holds(&s, "Hot list"));
	screen_keys(&s, "<esc>");
	assert_int_equal(s.app->mode, APP_PANEL);
	/* so it does after what is applied */
	screen_keys(&s, "i<enter>");
	assert_int_equal(s.app->mode, APP_PANEL);
	screen_keys(&s, "<esc>i<esc>");
	assert_int_equal(s.app->mode, APP_MAP);
	screen_close(&s);
}

static void test_dialog_refuses_beside_the_field(void **state)
{
	struct screen s;
	char *line;

	(void)state;
	screen_open_server(&s, 3);
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
	screen_open_server(&s, 3); /* of mglru */
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
	screen_open_server(&s, 3);
	screen_keys(&s, "i<up>no::such<up>perf<enter>");
	assert_int_equal(s.nr_sent, 1);
	assert_false(screen_holds(&s, "Settings"));
	app_message(s.app, &no);
	assert_true(screen_holds(&s, "Settings"));
	assert_true(screen_holds(&s, "no::such           there is no event no::such"));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hint_on_a_key),
		cmocka_unit_test(test_watch_range),
		cmocka_unit_test(test_aging_and_aggregation_by_steps),
		cmocka_unit_test(test_steps_that_attrs_check_refuses_are_not_sent),
		cmocka_unit_test(test_aging_and_aggregation_go_together),
		cmocka_unit_test(test_region_limits),
		cmocka_unit_test(test_refusal_by_the_collector_ends_the_wait),
		cmocka_unit_test(test_busy_collector),
		cmocka_unit_test(test_the_sample_rate_by_key),
		cmocka_unit_test(test_dialog_applies_together),
		cmocka_unit_test(test_dialog_over_a_panel),
		cmocka_unit_test(test_dialog_refuses_beside_the_field),
		cmocka_unit_test(test_dialog_changes_the_source),
		cmocka_unit_test(test_dialog_comes_back_where_the_source_refuses),
	};

	return cmocka_run_group_tests_name("app_tune", tests, NULL, NULL);
}
