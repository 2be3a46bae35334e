/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The collector with two sources at once, and with another in place of one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/collector_rig.h"

static void open_two(struct rig *rig, const struct source_ops *first, const struct source_ops *second)
{
	const struct source_ops *const sources[] = { first, second, NULL };
	struct source_params params = { .attrs = attrs_default(), .clock = &rig->clock.clock, .seed = RIG_SEED };

	assert_int_equal(collector_open(&rig->collector, sources, &params, rig->channel, NULL), 0);
}

/* One number, one time; each with what its own source saw. */
static void two_sources_end_their_aggregations_together(void **state)
{
	struct source_ops other = rig_checks;
	struct rig *rig = *state;

	other.name = "other";
	rig->script.report = (struct report){ .start = RIG_BASE, .end = RIG_BASE + MIB, .count = 256 };
	rig->second.report = (struct report){ .start = RIG_BASE, .end = RIG_BASE + 3 * MIB, .count = 3 * 256 };
	open_two(rig, &rig_checks, &other);
	assert_true(rig_pass_ms(rig, 3000));
	for (unsigned i = 0; i < 3; i++) {
		struct snapshot *first = rig_next_snapshot(rig), *second = rig_next_snapshot(rig);

		assert_int_equal(first->seq, i);
		assert_int_equal(second->seq, i);
		assert_int_equal(first->time_ns, second->time_ns);
		assert_int_equal(first->source_index, 0);
		assert_int_equal(second->source_index, 1);
		assert_true(first->flags & SNAP_MORE);
		assert_false(second->flags & SNAP_MORE);
		assert_string_equal(first->source, "scripted");
		assert_string_equal(second->source, "other");
		assert_int_equal(first->wss_bytes, MIB);
		assert_int_equal(second->wss_bytes, 3 * MIB);
		assert_int_equal(first->stats.samples, 10);
		snapshot_free(first);
		snapshot_free(second);
	}
	rig_close(rig);
}

static void two_sources_share_the_budget(void **state)
{
	struct command command = { .type = COMMAND_ATTRS, .attrs = attrs_default() };
	uint32_t all = attrs_default().budget_bp;
	struct rig *rig = *state;

	open_two(rig, &rig_checks, &rig_checks);
	assert_int_equal(rig->script.attrs.budget_bp, all / 2);
	assert_int_equal(rig->second.attrs.budget_bp, all / 2);
	command.attrs.budget_bp = 2 * all;
	channel_send(rig->channel, &command);
	assert_true(rig_pass_ms(rig, 1000));
	assert_int_equal(rig->script.attrs.budget_bp, all);
	assert_int_equal(rig->second.attrs.budget_bp, all);
}

/* Where the second refuses, the first gets its old ones back: both always have the same. */
static void attrs_that_one_of_two_refuses_are_in_force_for_neither(void **state)
{
	struct command command = { .type = COMMAND_ATTRS, .attrs = attrs_default() };
	struct rig *rig = *state;
	struct message message;

	rig->second.refuse_attrs = 1;
	open_two(rig, &rig_checks, &rig_checks);
	command.attrs.aging_us = 100000;
	channel_send(rig->channel, &command);
	assert_true(rig_pass_ms(rig, 1000));
	snapshot_free(rig_next_snapshot(rig));
	snapshot_free(rig_next_snapshot(rig));
	assert_true(channel_receive(rig->channel, &message));
	assert_int_equal(message.type, MESSAGE_NOTICE);
	assert_int_equal(rig->script.nr_set_attrs, 2);
	assert_int_equal(rig->script.attrs.aging_us, 200000);
}

static void expect_lost(struct rig *rig, unsigned index, const char *text)
{
	struct message message;

	assert_true(channel_receive(rig->channel, &message));
	assert_int_equal(message.type, MESSAGE_LOST);
	assert_int_equal(message.source_index, index);
	assert_string_equal(message.err.text, text);
}

static void one_of_two_that_cannot_open_is_told_and_the_other_goes_on(void **state)
{
	struct rig *rig = *state;
	struct snapshot *snap;

	rig->script.fail_open_with = EPERM;
	open_two(rig, &rig_checks, &rig_checks);
	expect_lost(rig, 0, "scripted: as told");
	assert_true(rig_pass_ms(rig, 1000));
	snap = rig_next_snapshot(rig);
	assert_int_equal(snap->source_index, 1);
	assert_false(snap->flags & SNAP_MORE);
	snapshot_free(snap);
}

static void one_of_two_that_fails_is_told_and_the_last_ends_it(void **state)
{
	struct rig *rig = *state;
	struct message message;
	struct snapshot *snap;

	rig->second.fail_drain_at = 6; /* the first check of the second aggregation */
	rig->script.fail_drain_at = 11;
	open_two(rig, &rig_checks, &rig_checks);
	assert_false(rig_pass_ms(rig, 10000));
	snapshot_free(rig_next_snapshot(rig));
	snapshot_free(rig_next_snapshot(rig));
	expect_lost(rig, 1, "scripted: the drain that was to fail");
	snap = rig_next_snapshot(rig);
	assert_int_equal(snap->source_index, 0);
	assert_int_equal(snap->seq, 1);
	assert_false(snap->flags & SNAP_MORE);
	snapshot_free(snap);
	assert_true(channel_receive(rig->channel, &message));
	assert_int_equal(message.type, MESSAGE_ENDED);
	assert_int_equal(message.err.code, EIO);
}

/* One that makes regions says when an aggregation ends: the other's ends then too. Of several at a time, the last. */
static void a_source_that_makes_regions_sets_the_pace(void **state)
{
	struct source_ops maker = rig_checks;
	struct rig *rig = *state;
	struct snapshot *snaps[3];

	maker.name = "maker";
	maker.flags = SOURCE_NO_TARGET | SOURCE_REGIONS;
	rig->second.regions = (struct region_report){ .start = RIG_BASE, .end = RIG_BASE + MIB, .nr_accesses = 3 };
	rig->second.nr_regions_at_a_time = 2;
	rig->script.report = (struct report){ .start = RIG_BASE, .end = RIG_BASE + MIB, .count = 256 };
	open_two(rig, &rig_checks, &maker);
	assert_true(rig_pass_ms(rig, 200));
	for (size_t i = 0; i < 3; i++)
		snaps[i] = rig_next_snapshot(rig);
	assert_string_equal(snaps[0]->source, "maker");
	assert_int_equal(snaps[0]->seq, 0);
	assert_string_equal(snaps[1]->source, "scripted");
	assert_int_equal(snaps[1]->seq, 1);
	assert_int_equal(snaps[1]->duration_ns, 200 * NSEC_PER_MSEC);
	assert_string_equal(snaps[2]->source, "maker");
	assert_int_equal(snaps[2]->seq, 1);
	assert_int_equal(snaps[2]->max_nr_accesses, 7);
	assert_int_equal(snaps[2]->regions[0].nr_accesses, 3);
	for (size_t i = 0; i < 3; i++)
		snapshot_free(snaps[i]);
	rig_close(rig);
}

/* What a source that makes regions knows of their pages is in the snapshot, the largest node first; the rest is
 * unknown. */
static void a_source_that_makes_regions_knows_their_pages(void **state)
{
	struct source_ops maker = rig_checks;
	struct rig *rig = *state;
	struct snapshot *snap;
	struct snap_pages pages;

	maker.flags = SOURCE_NO_TARGET | SOURCE_REGIONS;
	rig->second.regions = (struct region_report){
		.start = RIG_BASE,
		.end = RIG_BASE + 4 * MIB,
		.valid = REPORT_NODE | REPORT_KIND,
		.anon_bytes = MIB,
		.file_bytes = 2 * MIB,
		.huge_bytes = 2 * MIB, /* not among the valid ones */
		.nodes = { { 3, MIB }, { 1, 3 * MIB } },
	};
	rig->second.nr_regions_at_a_time = 1;
	open_two(rig, &rig_checks, &maker);
	assert_true(rig_pass_ms(rig, 200));
	snap = rig_next_snapshot(rig);
	while (snap->source_index != 1) {
		snapshot_free(snap);
		snap = rig_next_snapshot(rig);
	}
	pages = snapshot_pages(snap, 0);
	assert_int_equal(pages.valid, SNAP_PAGES_NODE | SNAP_PAGES_KIND);
	assert_int_equal(pages.anon, 256);
	assert_int_equal(pages.file, 512);
	assert_int_equal(pages.node[0], 1);
	assert_int_equal(pages.node_pages[0], 768);
	assert_int_equal(pages.node[1], 3);
	assert_int_equal(pages.node_pages[1], 256);
	assert_int_equal(pages.node_pages[2], 0);
	snapshot_free(snap);
	rig_close(rig);
}

static void choose(struct rig *rig, unsigned index, enum command_source choice)
{
	struct command command = { .type = COMMAND_SOURCE, .source_index = index, .source = choice };

	assert_true(channel_send(rig->channel, &command));
}

/* The other has all of the budget again. A last one stays, whatever is asked. */
static void one_of_two_is_sent_away(void **state)
{
	struct rig *rig = *state;
	struct snapshot *snap;

	open_two(rig, &rig_checks, &rig_checks);
	choose(rig, 0, COMMAND_SOURCE_NONE);
	assert_true(rig_pass_ms(rig, 1000));
	snapshot_free(rig_next_snapshot(rig));
	snapshot_free(rig_next_snapshot(rig));
	assert_int_equal(rig->script.nr_close, 1);
	assert_int_equal(rig->second.attrs.budget_bp, attrs_default().budget_bp);
	choose(rig, 1, COMMAND_SOURCE_NONE);
	assert_true(rig_pass_ms(rig, 1000));
	snap = rig_next_snapshot(rig);
	assert_int_equal(snap->source_index, 1);
	assert_int_equal(snap->seq, 1);
	snapshot_free(snap);
	assert_true(rig_pass_ms(rig, 1000));
	snapshot_free(rig_next_snapshot(rig));
}

/* No source of the table can watch a target that this one brings: it stays, and goes on with all of the budget. */
static void where_no_other_source_can_be_used_it_goes_on(void **state)
{
	struct rig *rig = *state;
	struct message message;

	assert_int_equal(rig_open(rig, NULL), 0);
	choose(rig, 1, COMMAND_SOURCE_BEST);
	assert_true(rig_pass_ms(rig, 1000));
	snapshot_free(rig_next_snapshot(rig));
	assert_true(channel_receive(rig->channel, &message));
	assert_int_equal(message.type, MESSAGE_LOST);
	assert_int_equal(message.source_index, 1);
	assert_non_null(strstr(message.err.text, "--sources"));
	choose(rig, 0, COMMAND_SOURCE_NEXT);
	assert_true(rig_pass_ms(rig, 1000));
	snapshot_free(rig_next_snapshot(rig));
	assert_true(channel_receive(rig->channel, &message));
	assert_int_equal(message.type, MESSAGE_NOTICE);
	assert_int_equal(rig->script.nr_open, 2);
	assert_int_equal(rig->script.attrs.budget_bp, attrs_default().budget_bp);
	assert_true(rig_pass_ms(rig, 1000));
	snapshot_free(rig_next_snapshot(rig));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
		TEST(two_sources_end_their_aggregations_together),
		TEST(two_sources_share_the_budget),
		TEST(attrs_that_one_of_two_refuses_are_in_force_for_neither),
		TEST(one_of_two_that_cannot_open_is_told_and_the_other_goes_on),
		TEST(one_of_two_that_fails_is_told_and_the_last_ends_it),
		TEST(a_source_that_makes_regions_sets_the_pace),
		TEST(a_source_that_makes_regions_knows_their_pages),
		TEST(one_of_two_is_sent_away),
		TEST(where_no_other_source_can_be_used_it_goes_on),
	};

	return cmocka_run_group_tests_name("collector_pair", tests, NULL, NULL);
}
