/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The collector with one source that does as it is told, on a clock of the test's own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/collector_rig.h"

static void checks_at_every_aging_and_snapshots_at_every_aggregation(void **state)
{
	struct rig *rig = *state;
	struct snapshot *snap;

	assert_int_equal(rig_open(rig, NULL), 0);
	rig->script.report = (struct report){ .start = RIG_BASE, .end = RIG_BASE + MIB, .count = 256 };
	assert_true(rig_pass_ms(rig, 2000));
	assert_int_equal(rig->script.nr_drain, 10);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(rig->script.drained_at[i], (1000 * UINT64_C(1000) + 200 * (i + 1)) * NSEC_PER_MSEC);
	snap = rig_next_snapshot(rig);
	assert_int_equal(snap->seq, 0);
	assert_int_equal(snap->time_ns, 1001 * NSEC_PER_SEC);
	assert_int_equal(snap->wall_ns, 1800000001 * NSEC_PER_SEC);
	assert_int_equal(snap->duration_ns, NSEC_PER_SEC);
	assert_int_equal(snap->max_nr_accesses, 5);
	assert_int_equal(snap->stats.samples, 10);
	assert_int_equal(snap->stats.unattributed, 5);
	assert_int_equal(snap->stats.reports, 5);
	assert_int_equal(snap->wss_bytes, MIB);
	assert_true(snap->flags & SNAP_WSS_EXACT);
	snapshot_free(snap);
	snap = rig_next_snapshot(rig);
	assert_int_equal(snap->seq, 1);
	assert_int_equal(snap->stats.samples, 10); /* of this aggregation, not since the start */
	snapshot_free(snap);
}

/* Not one check in an aggregation: nothing is known, which is not the same as nothing accessed. */
static void without_a_check_all_is_unknown(void **state)
{
	struct rig *rig = *state;
	struct snapshot *snap;

	assert_int_equal(rig_open(rig, NULL), 0);
	rig->script.puts_off = true;
	assert_true(rig_pass_ms(rig, 1000));
	snap = rig_next_snapshot(rig);
	assert_int_equal(snap->nr_regions, 0);
	assert_false(snap->flags & SNAP_WSS_KNOWN);
	snapshot_free(snap);
	rig->script.puts_off = false;
	assert_true(rig_pass_ms(rig, 1000));
	snap = rig_next_snapshot(rig);
	assert_true(snap->nr_regions > 0);
	assert_true(snap->flags & SNAP_WSS_KNOWN);
	assert_int_equal(snap->wss_bytes, 0); /* looked, and found nothing */
	snapshot_free(snap);
}

/* Counts of pages alone are exact for one check; and not where a check found what an earlier one has found too. */
static void a_working_set_is_not_called_exact_where_it_may_not_be(void **state)
{
	struct rig *rig = *state;
	struct snapshot *snap;

	assert_int_equal(rig_open(rig, NULL), 0);
	rig->script.report = (struct report){ .start = RIG_BASE, .end = RIG_BASE + MIB, .count = 7 };
	assert_true(rig_pass_ms(rig, 1000));
	snap = rig_next_snapshot(rig);
	assert_int_equal(snap->wss_bytes, 7 * PAGE_BYTES);
	assert_false(snap->flags & SNAP_WSS_EXACT);
	snapshot_free(snap);
	rig->script.report.count = 256;
	rig->script.stats.stretched = 1;
	assert_true(rig_pass_ms(rig, 2000));
	snap = rig_next_snapshot(rig);
	assert_false(snap->flags & SNAP_WSS_EXACT);
	snapshot_free(snap);
	snap = rig_next_snapshot(rig);
	assert_true(snap->flags & SNAP_WSS_EXACT);
	snapshot_free(snap);
}

/* Watched in part, a range of which only a count is known: its share, and not called exact. */
static void a_part_of_a_count_is_a_guess(void **state)
{
	struct source_params params = { .attrs = attrs_default(), .seed = RIG_SEED };
	struct rig *rig = *state;
	struct snapshot *snap;

	params.clock = &rig->clock.clock;
	params.attrs.aging_us = params.attrs.aggregation_us;
	params.range_start = RIG_BASE;
	params.range_end = RIG_BASE + MIB;
	rig->script.report = (struct report){ .start = RIG_BASE, .end = RIG_BASE + 4 * MIB, .count = 512 };
	rig->script.mapping =
		(struct mapping_report){ .start = RIG_BASE + MIB, .end = RIG_BASE + 2 * MIB, .rss_bytes = MIB };
	assert_int_equal(rig_open_with(rig, &rig_checks, &params, NULL), 0);
	assert_true(rig_pass_ms(rig, 2000));
	snap = rig_next_snapshot(rig);
	assert_int_equal(snap->wss_bytes, MIB / 2);
	assert_false(snap->flags & SNAP_WSS_EXACT);
	assert_int_equal(snap->nr_mappings, 0); /* it lies outside */
	assert_string_equal(snap->note, "");
	snapshot_free(snap);
}

/* An empty picture has to say why. */
static void a_range_without_memory_is_named(void **state)
{
	struct command command = { COMMAND_RANGE, .start = PAGE_BYTES, .end = 2 * PAGE_BYTES };
	struct rig *rig = *state;
	struct snapshot *snap;

	assert_int_equal(rig_open(rig, NULL), 0);
	assert_true(channel_send(rig->channel, &command));
	assert_true(rig_pass_ms(rig, 2000));
	snapshot_free(rig_next_snapshot(rig));
	snap = rig_next_snapshot(rig);
	assert_int_equal(snap->nr_regions, 0);
	assert_string_equal(snap->note, "in the range that is watched nothing is mapped");
	snapshot_free(snap);
}

static void mappings_of_the_last_check_come_with_the_snapshot(void **state)
{
	struct rig *rig = *state;
	struct snapshot *snap;

	assert_int_equal(rig_open(rig, NULL), 0);
	rig->script.mapping = (struct mapping_report){ .start = RIG_BASE, .end = RIG_BASE + MIB, .rss_bytes = MIB };
	assert_true(rig_pass_ms(rig, 1000));
	snap = rig_next_snapshot(rig);
	assert_int_equal(snap->nr_mappings, 1);
	assert_int_equal(snap->mappings[0].referenced_bytes, 5); /* the fifth check's */
	snapshot_free(snap);
	rig->script.mapping.end = 0;
	assert_true(rig_pass_ms(rig, 1000));
	snap = rig_next_snapshot(rig);
	assert_null(snap->mappings);
	snapshot_free(snap);
}

/* Two as one: samples make the regions, and what is told of whole mappings at the end is the working set. */
static void the_end_of_an_aggregation_tells_of_mappings(void **state)
{
	struct source_params params = { .attrs = attrs_default(), .seed = RIG_SEED };
	struct source_ops events = rig_checks;
	struct rig *rig = *state;
	struct snapshot *snap;

	params.clock = &rig->clock.clock;
	events.heat_unit = HEAT_TIME;
	events.flags &= ~(uint32_t)SOURCE_CHECKS;
	events.end_aggregation = rig_end_aggregation;
	events.regions_from = "this";
	events.mappings_from = "that";
	rig->script.report = (struct report){ .start = RIG_BASE, .end = RIG_BASE + 8, .count = 1 };
	rig->script.last_words = (struct mapping_report){
		.start = RIG_BASE, .end = RIG_BASE + MIB, .rss_bytes = MIB, .referenced_bytes = 12288
	};
	assert_int_equal(rig_open_with(rig, &events, &params, NULL), 0);
	assert_true(rig_pass_ms(rig, 2000));
	assert_int_equal(rig->script.nr_end_aggregation, 2);
	for (int i = 0; i < 2; i++) {
		snap = rig_next_snapshot(rig);
		assert_int_equal(snap->nr_mappings, 1);
		assert_int_equal(snap->wss_bytes, 12288);
		assert_true(snap->flags & SNAP_WSS_EXACT);
		assert_true(snap->stats.reports >= 5);
		assert_string_equal(snap->regions_from, "this");
		assert_string_equal(snap->mappings_from, "that");
		snapshot_free(snap);
	}
	rig_close(rig);
}

static void heat_of_what_every_check_finds_is_one(void **state)
{
	struct rig *rig = *state;
	struct snapshot *snap;
	const struct snap_region *r;

	assert_int_equal(rig_open(rig, NULL), 0);
	rig->script.report =
		(struct report){ .start = RIG_BASE + 8 * MIB, .end = RIG_BASE + 24 * MIB, .count = 16 * 256 };
	assert_true(rig_pass_ms(rig, 3000));
	snapshot_free(rig_next_snapshot(rig));
	snapshot_free(rig_next_snapshot(rig));
	snap = rig_next_snapshot(rig);
	r = snapshot_find(snap, RIG_BASE + 16 * MIB);
	assert_non_null(r);
	assert_true(r->heat > 0.99f && r->heat <= 1.0f);
	assert_int_equal(r->nr_accesses, 5);
	r = snapshot_find(snap, RIG_BASE + 40 * MIB);
	assert_non_null(r);
	assert_true(r->heat == 0.0f);
	assert_null(snapshot_find(snap, RIG_BASE + 64 * MIB)); /* the hole between the mappings */
	snapshot_free(snap);
}

/* A limit holds from the next aggregation on: no region outside, no page of it in the working set. */
static void a_range_takes_effect_at_the_boundary(void **state)
{
	struct rig *rig = *state;
	struct command command = { COMMAND_RANGE, .start = RIG_BASE + MIB / 2, .end = RIG_BASE + 3 * MIB / 4 };
	struct snapshot *snap;
	uint64_t all, sum = 0;

	assert_int_equal(rig_open(rig, NULL), 0);
	rig->script.report = (struct report){ .start = RIG_BASE, .end = RIG_BASE + MIB, .count = 256 };
	assert_true(channel_send(rig->channel, &command));
	assert_true(rig_pass_ms(rig, 2000));
	snap = rig_next_snapshot(rig);
	assert_int_equal(snap->wss_bytes, MIB);
	all = snap->regions[snap->nr_regions - 1].end;
	assert_true(snap->regions[0].start <= RIG_BASE && all >= RIG_BASE + MIB);
	snapshot_free(snap);
	snap = rig_next_snapshot(rig);
	assert_int_equal(snap->wss_bytes, MIB / 4);
	for (size_t i = 0; i < snap->nr_regions; i++)
		sum += snap->regions[i].end - snap->regions[i].start;
	assert_int_equal(sum, MIB / 4);
	assert_int_equal(snap->regions[0].start, command.start);
	snapshot_free(snap);
	/* and back */
	command.start = command.end = 0;
	assert_true(channel_send(rig->channel, &command));
	assert_true(rig_pass_ms(rig, 2000));
	snapshot_free(rig_next_snapshot(rig));
	snap = rig_next_snapshot(rig);
	assert_int_equal(snap->wss_bytes, MIB);
	assert_int_equal(snap->regions[snap->nr_regions - 1].end, all);
	snapshot_free(snap);
}

static void new_attrs_take_effect_at_the_boundary(void **state)
{
	struct rig *rig = *state;
	struct command command = { .type = COMMAND_ATTRS, .attrs = attrs_default() };
	struct snapshot *snap;

	assert_int_equal(rig_open(rig, NULL), 0);
	assert_true(rig_pass_ms(rig, 500));
	command.attrs.aging_us = 100000;
	assert_true(channel_send(rig->channel, &command));
	assert_true(rig_pass_ms(rig, 500));
	snap = rig_next_snapshot(rig);
	assert_int_equal(snap->attrs.aging_us, 200000);
	assert_int_equal(snap->max_nr_accesses, 5);
	snapshot_free(snap);
	assert_int_equal(rig->script.nr_set_attrs, 1);
	assert_int_equal(rig->script.attrs.aging_us, 100000);
	assert_true(rig_pass_ms(rig, 1000));
	snap = rig_next_snapshot(rig);
	assert_int_equal(snap->attrs.aging_us, 100000);
	assert_int_equal(snap->max_nr_accesses, 10);
	snapshot_free(snap);
}

static void expect_notice(struct rig *rig, const char *text)
{
	struct message message;

	assert_true(channel_receive(rig->channel, &message));
	assert_int_equal(message.type, MESSAGE_NOTICE);
	assert_non_null(strstr(message.err.text, text));
}

/* One that makes regions itself is told of a range; if it refuses, or cannot, that is said and nothing changes. */
static void a_source_that_makes_regions_limits_itself(void **state)
{
	struct rig *rig = *state;
	struct command command = { COMMAND_RANGE, .start = RIG_BASE, .end = RIG_BASE + MIB };
	struct source_ops maker = rig_checks;

	maker.flags |= SOURCE_REGIONS;
	maker.set_range = rig_set_range;
	assert_int_equal(rig_open_as(rig, &maker, NULL), 0);
	assert_true(channel_send(rig->channel, &command));
	assert_true(rig_pass_ms(rig, 1000));
	assert_int_equal(rig->script.range_start, RIG_BASE);
	assert_int_equal(rig->script.range_end, RIG_BASE + MIB);
	rig->script.refuse_range = 1;
	command.start = command.end = 0;
	assert_true(channel_send(rig->channel, &command));
	assert_true(rig_pass_ms(rig, 1000));
	expect_notice(rig, "not there");
	assert_int_equal(rig->script.range_end, RIG_BASE + MIB);
	maker.set_range = NULL;
	assert_true(channel_send(rig->channel, &command));
	assert_true(rig_pass_ms(rig, 1000));
	expect_notice(rig, "cannot be limited");
	rig_close(rig);
}

/* Only a source that can have the kernel tune its intervals is asked to. */
static void tuning_is_for_sources_that_can(void **state)
{
	struct rig *rig = *state;
	struct command command = { .type = COMMAND_ATTRS, .attrs = attrs_default() };
	struct source_ops tunes = rig_checks;

	command.attrs.access_bp = ATTRS_ACCESS_BP;
	assert_int_equal(rig_open(rig, NULL), 0);
	assert_true(channel_send(rig->channel, &command));
	assert_true(rig_pass_ms(rig, 1000));
	snapshot_free(rig_next_snapshot(rig));
	expect_notice(rig, "does not tune its intervals");
	assert_int_equal(rig->script.nr_set_attrs, 0);
	rig_close(rig);
	tunes.flags |= SOURCE_TUNES;
	assert_int_equal(rig_open_as(rig, &tunes, NULL), 0);
	assert_true(channel_send(rig->channel, &command));
	assert_true(rig_pass_ms(rig, 1000));
	assert_int_equal(rig->script.attrs.access_bp, ATTRS_ACCESS_BP);
	rig_close(rig);
}

static void a_long_aggregation_does_not_keep_a_command_waiting(void **state)
{
	struct rig *rig = *state;
	struct command command = { .type = COMMAND_ATTRS, .attrs = attrs_default() };
	struct snapshot *snap;

	command.attrs.aggregation_us = 3600 * USEC_PER_SEC;
	assert_int_equal(rig_open(rig, NULL), 0);
	channel_send(rig->channel, &command);
	assert_true(rig_pass_ms(rig, 2000));
	snapshot_free(rig_next_snapshot(rig));
	command.attrs.aggregation_us = 500000;
	channel_send(rig->channel, &command);
	assert_true(collector_step(rig->collector)); /* the eventfd would have woken it */
	assert_true(rig_pass_ms(rig, 1500));
	snap = rig_next_snapshot(rig);
	assert_int_equal(snap->duration_ns, 2000 * NSEC_PER_MSEC);
	snapshot_free(snap);
	snap = rig_next_snapshot(rig);
	assert_int_equal(snap->duration_ns, 500 * NSEC_PER_MSEC);
	snapshot_free(snap);
}

static void refused_attrs_leave_the_old_ones_and_say_so(void **state)
{
	struct rig *rig = *state;
	struct command command = { .type = COMMAND_ATTRS, .attrs = attrs_default() };
	struct message message;

	rig->script.refuse_attrs = 1;
	assert_int_equal(rig_open(rig, NULL), 0);
	command.attrs.aging_us = 100000;
	channel_send(rig->channel, &command);
	assert_true(rig_pass_ms(rig, 2000));
	snapshot_free(rig_next_snapshot(rig));
	assert_true(channel_receive(rig->channel, &message));
	assert_int_equal(message.type, MESSAGE_NOTICE);
	assert_string_equal(message.err.text, "not like this");
	assert_true(channel_receive(rig->channel, &message));
	assert_int_equal(message.snapshot->attrs.aging_us, 200000);
	snapshot_free(message.snapshot);
}

/* The source fails its Nth drain, for every N: one message, and nothing is left behind (tear_down, sanitizers). */
static void a_failing_source_ends_it_with_its_message(void **state)
{
	struct rig *rig = *state;

	for (unsigned n = 1; n < 12; n++) {
		struct message message = { 0 };

		rig->script.fail_drain_at = n;
		rig->script.nr_drain = 0;
		assert_int_equal(rig_open(rig, NULL), 0);
		assert_false(rig_pass_ms(rig, 10000));
		while (channel_receive(rig->channel, &message) && message.type != MESSAGE_ENDED)
			snapshot_free(message.snapshot);
		assert_int_equal(message.type, MESSAGE_ENDED);
		assert_int_equal(message.err.code, EIO);
		assert_string_equal(message.err.text, "the drain that was to fail");
		assert_false(channel_receive(rig->channel, &message));
		rig_close(rig);
	}
}

static void a_source_that_cannot_open_leaves_nothing(void **state)
{
	struct rig *rig = *state;
	struct err err = ERR_NONE;

	rig->script.fail_open_with = EPERM;
	assert_int_equal(rig_open(rig, &err), -EPERM);
	assert_string_equal(err.text, "as told");
	assert_null(rig->collector);
}

static void stop_ends_it_without_an_error(void **state)
{
	struct rig *rig = *state;
	struct command stop = { .type = COMMAND_STOP };
	struct message message;

	assert_int_equal(rig_open(rig, NULL), 0);
	channel_send(rig->channel, &stop);
	assert_false(collector_step(rig->collector));
	assert_true(channel_receive(rig->channel, &message));
	assert_int_equal(message.type, MESSAGE_ENDED);
	assert_int_equal(message.err.code, 0);
}

/* By name: the reason is told, and what there was goes on, with the event that it had. */
static void a_source_by_name_that_cannot_be_had(void **state)
{
	struct command command = {
		.type = COMMAND_SOURCE, .source = COMMAND_SOURCE_NAMED, .ops = &rig_checks, .event = "no::such"
	};
	struct rig *rig = *state;
	struct message message;

	assert_int_equal(rig_open(rig, NULL), 0);
	assert_true(channel_send(rig->channel, &command));
	assert_true(rig_pass_ms(rig, 1000));
	snapshot_free(rig_next_snapshot(rig));
	assert_true(channel_receive(rig->channel, &message));
	assert_int_equal(message.type, MESSAGE_NOTICE);
	assert_non_null(strstr(message.err.text, "cannot watch this target"));
	assert_int_equal(rig->script.nr_open, 2);
	assert_int_equal(rig->script.attrs.budget_bp, attrs_default().budget_bp);
	assert_true(rig_pass_ms(rig, 1000));
	snapshot_free(rig_next_snapshot(rig));
}

/* A machine that was asleep: no burst of snapshots to make up for it. */
static void a_leap_of_the_clock_is_one_long_aggregation(void **state)
{
	struct rig *rig = *state;
	struct message message;
	struct snapshot *snap;

	assert_int_equal(rig_open(rig, NULL), 0);
	clock_virtual_advance(&rig->clock, rig->clock.now_ns + 3600 * NSEC_PER_SEC);
	assert_true(collector_step(rig->collector));
	snap = rig_next_snapshot(rig);
	assert_int_equal(snap->duration_ns, 3600 * NSEC_PER_SEC);
	snapshot_free(snap);
	assert_true(collector_deadline_ns(rig->collector) > rig->clock.now_ns);
	assert_true(collector_step(rig->collector));
	assert_false(channel_receive(rig->channel, &message));
}

/* What is left until the next aggregation would end has no check in it: "no accesses" would be untrue of that. */
static void after_a_late_aggregation_the_next_one_has_checks(void **state)
{
	struct rig *rig = *state;
	struct snapshot *snap;

	assert_int_equal(rig_open(rig, NULL), 0);
	clock_virtual_advance(&rig->clock, rig->clock.now_ns + 1950 * NSEC_PER_MSEC);
	assert_true(collector_step(rig->collector));
	snap = rig_next_snapshot(rig);
	assert_int_equal(snap->duration_ns, 1950 * NSEC_PER_MSEC);
	assert_int_equal(snap->max_nr_accesses, 1);
	snapshot_free(snap);
	assert_true(rig_pass_ms(rig, 1000));
	snap = rig_next_snapshot(rig);
	assert_int_equal(snap->duration_ns, NSEC_PER_SEC);
	assert_int_equal(snap->max_nr_accesses, 5);
	snapshot_free(snap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
		TEST(checks_at_every_aging_and_snapshots_at_every_aggregation),
		TEST(without_a_check_all_is_unknown),
		TEST(a_working_set_is_not_called_exact_where_it_may_not_be),
		TEST(a_part_of_a_count_is_a_guess),
		TEST(a_range_without_memory_is_named),
		TEST(mappings_of_the_last_check_come_with_the_snapshot),
		TEST(the_end_of_an_aggregation_tells_of_mappings),
		TEST(heat_of_what_every_check_finds_is_one),
		TEST(new_attrs_take_effect_at_the_boundary),
		TEST(a_source_that_makes_regions_limits_itself),
		TEST(tuning_is_for_sources_that_can),
		TEST(a_range_takes_effect_at_the_boundary),
		TEST(a_long_aggregation_does_not_keep_a_command_waiting),
		TEST(refused_attrs_leave_the_old_ones_and_say_so),
		TEST(a_failing_source_ends_it_with_its_message),
		TEST(a_source_that_cannot_open_leaves_nothing),
		TEST(stop_ends_it_without_an_error),
		TEST(a_source_by_name_that_cannot_be_had),
		TEST(a_leap_of_the_clock_is_one_long_aggregation),
		TEST(after_a_late_aggregation_the_next_one_has_checks),
	};

	return cmocka_run_group_tests_name("collector", tests, NULL, NULL);
}
