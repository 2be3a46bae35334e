/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The collector on a clock of the test's own, with a source of the test's own:
 * no thread, no sleeping, and a source that fails when it is told to.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/collector.h"

#define BASE UINT64_C(0x10000000)
#define MIB  (UINT64_C(1) << 20)
#define SEED 1

/* What the source was asked to do, and what it was to answer. */
struct script {
	const struct clock_virtual *clock;
	unsigned nr_open, nr_close, nr_prepare, nr_drain, nr_set_attrs;
	unsigned fail_open_with, fail_drain_at, refuse_attrs;
	struct attrs attrs; /* as told last */
	uint64_t range_start, range_end;
	unsigned refuse_range;
	struct region_report regions;  /* handed over at each drain by one that makes them; end 0: none */
	unsigned nr_regions_at_a_time; /* ... so many times */
	uint64_t drained_at[64];
	unsigned nr_end_aggregation;
	struct mapping_report last_words; /* handed over at each end of an aggregation, where the table asks for it */
	struct mapping_report mapping;	  /* handed over at each drain, with its number as bytes; end 0: none */
	struct report report;		  /* handed over at each drain */
	struct source_stats stats;
};

struct scripted {
	struct source source;
	struct script *script;
};

/*
 * Of the running test, for the first source and the second: a source's open() gets no pointer of the test's, but each
 * gets another seed.
 */
static struct script *the_scripts[2];

static struct source *as_source(struct scripted *s)
{
	return &s->source;
}

static struct script *script_of(struct source *source)
{
	return ((struct scripted *)source)->script;
}

static int scripted_probe(const struct source_params *params, struct err *err)
{
	(void)params;
	(void)err;
	return 0;
}

static int scripted_open(struct source **source, const struct source_params *params, struct err *err)
{
	struct script *script = the_scripts[params->seed - SEED];
	struct scripted *s;

	*source = NULL;
	script->nr_open++;
	script->attrs = params->attrs;
	if (script->fail_open_with)
		return err_set(err, (int)script->fail_open_with, "as told");
	s = calloc(1, sizeof(*s));
	assert_non_null(s);
	s->script = script;
	*source = as_source(s);
	return 0;
}

static int scripted_prepare(struct source *source, struct err *err)
{
	(void)err;
	script_of(source)->nr_prepare++;
	return 0;
}

static int scripted_drain(struct source *source, struct sink *sink, struct err *err)
{
	struct script *s = script_of(source);

	if (s->nr_drain < 64)
		s->drained_at[s->nr_drain] = s->clock->now_ns;
	if (++s->nr_drain == s->fail_drain_at)
		return err_set(err, EIO, "the drain that was to fail");
	for (unsigned i = 0; i < s->nr_regions_at_a_time; i++)
		sink->regions(sink, &s->regions, 1, 7, 100 * NSEC_PER_MSEC);
	if (s->report.end)
		sink->reports(sink, &s->report, 1);
	s->mapping.referenced_bytes = s->nr_drain;
	if (s->mapping.end)
		sink->mappings(sink, &s->mapping, 1);
	s->stats.samples += 2;
	s->stats.unattributed++;
	return 0;
}

static int scripted_end_aggregation(struct source *source, struct sink *sink, struct err *err)
{
	struct script *s = script_of(source);

	(void)err;
	s->nr_end_aggregation++;
	sink->mappings(sink, &s->last_words, 1);
	return 0;
}

static int scripted_set_attrs(struct source *source, const struct attrs *attrs, struct err *err)
{
	struct script *s = script_of(source);

	s->nr_set_attrs++;
	if (s->refuse_attrs)
		return err_set(err, EINVAL, "not like this");
	s->attrs = *attrs;
	return 0;
}

static void scripted_stats(struct source *source, struct source_stats *stats)
{
	*stats = script_of(source)->stats;
}

static void scripted_close(struct source *source)
{
	if (source)
		script_of(source)->nr_close++;
	free(source);
}

static struct mappings *scripted_mappings(struct source *source)
{
	static const char maps[] = "10000000-14000000 rw-p 0 0:0 0 \n20000000-20100000 rw-p 0 0:0 0 [heap]\n";

	(void)source;
	return mappings_parse(maps, sizeof(maps) - 1, NULL);
}

static struct source_ops checks = {
	.name = "scripted",
	.heat_unit = HEAT_FRACTION,
	.flags = SOURCE_NO_TARGET | SOURCE_CHECKS | SOURCE_WSS_EXACT,
	.probe = scripted_probe,
	.open = scripted_open,
	.prepare = scripted_prepare,
	.drain = scripted_drain,
	.set_attrs = scripted_set_attrs,
	.stats = scripted_stats,
	.close = scripted_close,
	.mappings = scripted_mappings,
};

struct fixture {
	struct clock_virtual clock;
	struct script script, second;
	struct channel *channel;
	struct collector *collector;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	clock_virtual_init(&f->clock, 1000 * NSEC_PER_SEC, 1800000000 * NSEC_PER_SEC);
	f->channel = channel_new(NULL);
	the_scripts[0] = &f->script;
	the_scripts[1] = &f->second;
	f->script.clock = f->second.clock = &f->clock;
	*state = f;
	return !f->channel;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	collector_close(f->collector);
	assert_int_equal(f->script.nr_close, f->script.fail_open_with ? 0 : f->script.nr_open);
	assert_int_equal(f->second.nr_close, f->second.fail_open_with ? 0 : f->second.nr_open);
	channel_free(f->channel);
	free(f);
	return 0;
}

/* Of one source alone. */
static int open_source(struct fixture *f, const struct source_ops *ops, const struct source_params *params,
		       struct err *err)
{
	const struct source_ops *const sources[] = { ops, NULL };

	return collector_open(&f->collector, sources, params, f->channel, err);
}

static int open_as(struct fixture *f, const struct source_ops *ops, struct err *err)
{
	struct source_params params = { .attrs = attrs_default(), .clock = &f->clock.clock, .seed = SEED };

	return open_source(f, ops, &params, err);
}

static int open_collector(struct fixture *f, struct err *err)
{
	return open_as(f, &checks, err);
}

/* Lets this much time pass, deadline by deadline. False: it has ended. */
static bool pass_ms(struct fixture *f, uint64_t ms)
{
	uint64_t end = f->clock.now_ns + ms * NSEC_PER_MSEC;

	while (collector_deadline_ns(f->collector) <= end) {
		clock_virtual_advance(&f->clock, collector_deadline_ns(f->collector));
		if (!collector_step(f->collector))
			return false;
	}
	clock_virtual_advance(&f->clock, end);
	return true;
}

static struct snapshot *next_snapshot(struct fixture *f)
{
	struct message message;

	assert_true(channel_receive(f->channel, &message));
	assert_int_equal(message.type, MESSAGE_SNAPSHOT);
	return message.snapshot;
}

static void checks_at_every_aging_and_snapshots_at_every_aggregation(void **state)
{
	struct fixture *f = *state;
	struct snapshot *snap;

	assert_int_equal(open_collector(f, NULL), 0);
	f->script.report = (struct report){ .start = BASE, .end = BASE + MIB, .count = 256 };
	assert_true(pass_ms(f, 2000));
	assert_int_equal(f->script.nr_drain, 10);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(f->script.drained_at[i], (1000 * UINT64_C(1000) + 200 * (i + 1)) * NSEC_PER_MSEC);
	snap = next_snapshot(f);
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
	snap = next_snapshot(f);
	assert_int_equal(snap->seq, 1);
	assert_int_equal(snap->stats.samples, 10); /* of this aggregation, not since the start */
	snapshot_free(snap);
}

/* Counts of pages alone are exact for one check; and not where a check found what an earlier one has found too. */
static void a_working_set_is_not_called_exact_where_it_may_not_be(void **state)
{
	struct fixture *f = *state;
	struct snapshot *snap;

	assert_int_equal(open_collector(f, NULL), 0);
	f->script.report = (struct report){ .start = BASE, .end = BASE + MIB, .count = 7 };
	assert_true(pass_ms(f, 1000));
	snap = next_snapshot(f);
	assert_int_equal(snap->wss_bytes, 7 * PAGE_BYTES);
	assert_false(snap->flags & SNAP_WSS_EXACT);
	snapshot_free(snap);
	f->script.report.count = 256;
	f->script.stats.stretched = 1;
	assert_true(pass_ms(f, 2000));
	snap = next_snapshot(f);
	assert_false(snap->flags & SNAP_WSS_EXACT);
	snapshot_free(snap);
	snap = next_snapshot(f);
	assert_true(snap->flags & SNAP_WSS_EXACT);
	snapshot_free(snap);
}

/* Watched in part, a range of which only a count is known: its share, and not called exact. */
static void a_part_of_a_count_is_a_guess(void **state)
{
	struct source_params params = { .attrs = attrs_default(), .seed = SEED };
	struct fixture *f = *state;
	struct snapshot *snap;

	params.clock = &f->clock.clock;
	params.attrs.aging_us = params.attrs.aggregation_us;
	params.range_start = BASE;
	params.range_end = BASE + MIB;
	f->script.report = (struct report){ .start = BASE, .end = BASE + 4 * MIB, .count = 512 };
	f->script.mapping = (struct mapping_report){ .start = BASE + MIB, .end = BASE + 2 * MIB, .rss_bytes = MIB };
	assert_int_equal(open_source(f, &checks, &params, NULL), 0);
	assert_true(pass_ms(f, 2000));
	snap = next_snapshot(f);
	assert_int_equal(snap->wss_bytes, MIB / 2);
	assert_false(snap->flags & SNAP_WSS_EXACT);
	assert_int_equal(snap->nr_mappings, 0); /* it lies outside */
	snapshot_free(snap);
}

static void mappings_of_the_last_check_come_with_the_snapshot(void **state)
{
	struct fixture *f = *state;
	struct snapshot *snap;

	assert_int_equal(open_collector(f, NULL), 0);
	f->script.mapping = (struct mapping_report){ .start = BASE, .end = BASE + MIB, .rss_bytes = MIB };
	assert_true(pass_ms(f, 1000));
	snap = next_snapshot(f);
	assert_int_equal(snap->nr_mappings, 1);
	assert_int_equal(snap->mappings[0].referenced_bytes, 5); /* the fifth check's */
	snapshot_free(snap);
	f->script.mapping.end = 0;
	assert_true(pass_ms(f, 1000));
	snap = next_snapshot(f);
	assert_null(snap->mappings);
	snapshot_free(snap);
}

/* Two as one: samples make the regions, and what is told of whole mappings at the end is the working set. */
static void the_end_of_an_aggregation_tells_of_mappings(void **state)
{
	struct source_params params = { .attrs = attrs_default(), .seed = SEED };
	struct source_ops events = checks;
	struct fixture *f = *state;
	struct snapshot *snap;

	params.clock = &f->clock.clock;
	events.heat_unit = HEAT_TIME;
	events.flags &= ~(uint32_t)SOURCE_CHECKS;
	events.end_aggregation = scripted_end_aggregation;
	events.regions_from = "this";
	events.mappings_from = "that";
	f->script.report = (struct report){ .start = BASE, .end = BASE + 8, .count = 1 };
	f->script.last_words = (struct mapping_report){
		.start = BASE, .end = BASE + MIB, .rss_bytes = MIB, .referenced_bytes = 12288
	};
	assert_int_equal(open_source(f, &events, &params, NULL), 0);
	assert_true(pass_ms(f, 2000));
	assert_int_equal(f->script.nr_end_aggregation, 2);
	for (int i = 0; i < 2; i++) {
		snap = next_snapshot(f);
		assert_int_equal(snap->nr_mappings, 1);
		assert_int_equal(snap->wss_bytes, 12288);
		assert_true(snap->flags & SNAP_WSS_EXACT);
		assert_true(snap->stats.reports >= 5);
		assert_string_equal(snap->regions_from, "this");
		assert_string_equal(snap->mappings_from, "that");
		snapshot_free(snap);
	}
	collector_close(f->collector); /* before its table goes */
	f->collector = NULL;
}

static void heat_of_what_every_check_finds_is_one(void **state)
{
	struct fixture *f = *state;
	struct snapshot *snap;
	const struct snap_region *r;

	assert_int_equal(open_collector(f, NULL), 0);
	f->script.report = (struct report){ .start = BASE + 8 * MIB, .end = BASE + 24 * MIB, .count = 16 * 256 };
	assert_true(pass_ms(f, 3000));
	snapshot_free(next_snapshot(f));
	snapshot_free(next_snapshot(f));
	snap = next_snapshot(f);
	r = snapshot_find(snap, BASE + 16 * MIB);
	assert_non_null(r);
	assert_true(r->heat > 0.99f && r->heat <= 1.0f);
	assert_int_equal(r->nr_accesses, 5);
	r = snapshot_find(snap, BASE + 40 * MIB);
	assert_non_null(r);
	assert_true(r->heat == 0.0f);
	assert_null(snapshot_find(snap, BASE + 64 * MIB)); /* the hole between the mappings */
	snapshot_free(snap);
}

/* A limit holds from the next aggregation on: no region outside, no page of it in the working set. */
static void a_range_takes_effect_at_the_boundary(void **state)
{
	struct fixture *f = *state;
	struct command command = { COMMAND_RANGE, .start = BASE + MIB / 2, .end = BASE + 3 * MIB / 4 };
	struct snapshot *snap;
	uint64_t all, sum = 0;

	assert_int_equal(open_collector(f, NULL), 0);
	f->script.report = (struct report){ .start = BASE, .end = BASE + MIB, .count = 256 };
	assert_true(channel_send(f->channel, &command));
	assert_true(pass_ms(f, 2000));
	snap = next_snapshot(f);
	assert_int_equal(snap->wss_bytes, MIB);
	all = snap->regions[snap->nr_regions - 1].end;
	assert_true(snap->regions[0].start <= BASE && all >= BASE + MIB);
	snapshot_free(snap);
	snap = next_snapshot(f);
	assert_int_equal(snap->wss_bytes, MIB / 4);
	for (size_t i = 0; i < snap->nr_regions; i++)
		sum += snap->regions[i].end - snap->regions[i].start;
	assert_int_equal(sum, MIB / 4);
	assert_int_equal(snap->regions[0].start, command.start);
	snapshot_free(snap);
	/* and back */
	command.start = command.end = 0;
	assert_true(channel_send(f->channel, &command));
	assert_true(pass_ms(f, 2000));
	snapshot_free(next_snapshot(f));
	snap = next_snapshot(f);
	assert_int_equal(snap->wss_bytes, MIB);
	assert_int_equal(snap->regions[snap->nr_regions - 1].end, all);
	snapshot_free(snap);
}

static void new_attrs_take_effect_at_the_boundary(void **state)
{
	struct fixture *f = *state;
	struct command command = { .type = COMMAND_ATTRS, .attrs = attrs_default() };
	struct snapshot *snap;

	assert_int_equal(open_collector(f, NULL), 0);
	assert_true(pass_ms(f, 500));
	command.attrs.aging_us = 100000;
	assert_true(channel_send(f->channel, &command));
	assert_true(pass_ms(f, 500));
	snap = next_snapshot(f);
	assert_int_equal(snap->attrs.aging_us, 200000);
	assert_int_equal(snap->max_nr_accesses, 5);
	snapshot_free(snap);
	assert_int_equal(f->script.nr_set_attrs, 1);
	assert_int_equal(f->script.attrs.aging_us, 100000);
	assert_true(pass_ms(f, 1000));
	snap = next_snapshot(f);
	assert_int_equal(snap->attrs.aging_us, 100000);
	assert_int_equal(snap->max_nr_accesses, 10);
	snapshot_free(snap);
}

static int scripted_set_range(struct source *source, uint64_t start, uint64_t end, struct err *err)
{
	struct script *s = script_of(source);

	if (s->refuse_range)
		return err_set(err, EPERM, "not there");
	s->range_start = start;
	s->range_end = end;
	return 0;
}

static void expect_notice(struct fixture *f, const char *text)
{
	struct message message;

	assert_true(channel_receive(f->channel, &message));
	assert_int_equal(message.type, MESSAGE_NOTICE);
	assert_non_null(strstr(message.err.text, text));
}

/* One that makes regions itself is told of a range; if it refuses, or cannot, that is said and nothing changes. */
static void a_source_that_makes_regions_limits_itself(void **state)
{
	struct fixture *f = *state;
	struct command command = { COMMAND_RANGE, .start = BASE, .end = BASE + MIB };
	struct source_ops maker = checks;

	maker.flags |= SOURCE_REGIONS;
	maker.set_range = scripted_set_range;
	assert_int_equal(open_as(f, &maker, NULL), 0);
	assert_true(channel_send(f->channel, &command));
	assert_true(pass_ms(f, 1000));
	assert_int_equal(f->script.range_start, BASE);
	assert_int_equal(f->script.range_end, BASE + MIB);
	f->script.refuse_range = 1;
	command.start = command.end = 0;
	assert_true(channel_send(f->channel, &command));
	assert_true(pass_ms(f, 1000));
	expect_notice(f, "not there");
	assert_int_equal(f->script.range_end, BASE + MIB);
	maker.set_range = NULL;
	assert_true(channel_send(f->channel, &command));
	assert_true(pass_ms(f, 1000));
	expect_notice(f, "cannot be limited");
	collector_close(f->collector); /* before its table goes */
	f->collector = NULL;
}

/* Only a source that can have the kernel tune its intervals is asked to. */
static void tuning_is_for_sources_that_can(void **state)
{
	struct fixture *f = *state;
	struct command command = { .type = COMMAND_ATTRS, .attrs = attrs_default() };
	struct source_ops tunes = checks;

	command.attrs.access_bp = ATTRS_ACCESS_BP;
	assert_int_equal(open_collector(f, NULL), 0);
	assert_true(channel_send(f->channel, &command));
	assert_true(pass_ms(f, 1000));
	snapshot_free(next_snapshot(f));
	expect_notice(f, "does not tune its intervals");
	assert_int_equal(f->script.nr_set_attrs, 0);
	collector_close(f->collector);
	tunes.flags |= SOURCE_TUNES;
	assert_int_equal(open_as(f, &tunes, NULL), 0);
	assert_true(channel_send(f->channel, &command));
	assert_true(pass_ms(f, 1000));
	assert_int_equal(f->script.attrs.access_bp, ATTRS_ACCESS_BP);
	collector_close(f->collector);
	f->collector = NULL;
}

static void a_long_aggregation_does_not_keep_a_command_waiting(void **state)
{
	struct fixture *f = *state;
	struct command command = { .type = COMMAND_ATTRS, .attrs = attrs_default() };
	struct snapshot *snap;

	command.attrs.aggregation_us = 3600 * USEC_PER_SEC;
	assert_int_equal(open_collector(f, NULL), 0);
	channel_send(f->channel, &command);
	assert_true(pass_ms(f, 2000));
	snapshot_free(next_snapshot(f));
	command.attrs.aggregation_us = 500000;
	channel_send(f->channel, &command);
	assert_true(collector_step(f->collector)); /* the eventfd would have woken it */
	assert_true(pass_ms(f, 1500));
	snap = next_snapshot(f);
	assert_int_equal(snap->duration_ns, 2000 * NSEC_PER_MSEC);
	snapshot_free(snap);
	snap = next_snapshot(f);
	assert_int_equal(snap->duration_ns, 500 * NSEC_PER_MSEC);
	snapshot_free(snap);
}

static void refused_attrs_leave_the_old_ones_and_say_so(void **state)
{
	struct fixture *f = *state;
	struct command command = { .type = COMMAND_ATTRS, .attrs = attrs_default() };
	struct message message;

	f->script.refuse_attrs = 1;
	assert_int_equal(open_collector(f, NULL), 0);
	command.attrs.aging_us = 100000;
	channel_send(f->channel, &command);
	assert_true(pass_ms(f, 2000));
	snapshot_free(next_snapshot(f));
	assert_true(channel_receive(f->channel, &message));
	assert_int_equal(message.type, MESSAGE_NOTICE);
	assert_string_equal(message.err.text, "not like this");
	assert_true(channel_receive(f->channel, &message));
	assert_int_equal(message.snapshot->attrs.aging_us, 200000);
	snapshot_free(message.snapshot);
}

/* The source fails its Nth drain, for every N: one message, and nothing is left behind (tear_down, sanitizers). */
static void a_failing_source_ends_it_with_its_message(void **state)
{
	struct fixture *f = *state;

	for (unsigned n = 1; n < 12; n++) {
		struct message message = { 0 };

		f->script.fail_drain_at = n;
		f->script.nr_drain = 0;
		assert_int_equal(open_collector(f, NULL), 0);
		assert_false(pass_ms(f, 10000));
		while (channel_receive(f->channel, &message) && message.type != MESSAGE_ENDED)
			snapshot_free(message.snapshot);
		assert_int_equal(message.type, MESSAGE_ENDED);
		assert_int_equal(message.err.code, EIO);
		assert_string_equal(message.err.text, "the drain that was to fail");
		assert_false(channel_receive(f->channel, &message));
		collector_close(f->collector);
		f->collector = NULL;
	}
}

static void a_source_that_cannot_open_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_NONE;

	f->script.fail_open_with = EPERM;
	assert_int_equal(open_collector(f, &err), -EPERM);
	assert_string_equal(err.text, "as told");
	assert_null(f->collector);
}

static void stop_ends_it_without_an_error(void **state)
{
	struct fixture *f = *state;
	struct command stop = { .type = COMMAND_STOP };
	struct message message;

	assert_int_equal(open_collector(f, NULL), 0);
	channel_send(f->channel, &stop);
	assert_false(collector_step(f->collector));
	assert_true(channel_receive(f->channel, &message));
	assert_int_equal(message.type, MESSAGE_ENDED);
	assert_int_equal(message.err.code, 0);
}

/* ---- two sources at once ---- */

static void open_two(struct fixture *f, const struct source_ops *first, const struct source_ops *second)
{
	const struct source_ops *const sources[] = { first, second, NULL };
	struct source_params params = { .attrs = attrs_default(), .clock = &f->clock.clock, .seed = SEED };

	assert_int_equal(collector_open(&f->collector, sources, &params, f->channel, NULL), 0);
}

/* One number, one time; each with what its own source saw. */
static void two_sources_end_their_aggregations_together(void **state)
{
	struct source_ops other = checks;
	struct fixture *f = *state;

	other.name = "other";
	f->script.report = (struct report){ .start = BASE, .end = BASE + MIB, .count = 256 };
	f->second.report = (struct report){ .start = BASE, .end = BASE + 3 * MIB, .count = 3 * 256 };
	open_two(f, &checks, &other);
	assert_true(pass_ms(f, 3000));
	for (unsigned i = 0; i < 3; i++) {
		struct snapshot *first = next_snapshot(f), *second = next_snapshot(f);

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
	collector_close(f->collector); /* before its table goes */
	f->collector = NULL;
}

static void two_sources_share_the_budget(void **state)
{
	struct command command = { .type = COMMAND_ATTRS, .attrs = attrs_default() };
	uint32_t all = attrs_default().budget_bp;
	struct fixture *f = *state;

	open_two(f, &checks, &checks);
	assert_int_equal(f->script.attrs.budget_bp, all / 2);
	assert_int_equal(f->second.attrs.budget_bp, all / 2);
	command.attrs.budget_bp = 2 * all;
	channel_send(f->channel, &command);
	assert_true(pass_ms(f, 1000));
	assert_int_equal(f->script.attrs.budget_bp, all);
	assert_int_equal(f->second.attrs.budget_bp, all);
}

/* Where the second refuses, the first gets its old ones back: both always have the same. */
static void attrs_that_one_of_two_refuses_are_in_force_for_neither(void **state)
{
	struct command command = { .type = COMMAND_ATTRS, .attrs = attrs_default() };
	struct fixture *f = *state;
	struct message message;

	f->second.refuse_attrs = 1;
	open_two(f, &checks, &checks);
	command.attrs.aging_us = 100000;
	channel_send(f->channel, &command);
	assert_true(pass_ms(f, 1000));
	snapshot_free(next_snapshot(f));
	snapshot_free(next_snapshot(f));
	assert_true(channel_receive(f->channel, &message));
	assert_int_equal(message.type, MESSAGE_NOTICE);
	assert_int_equal(f->script.nr_set_attrs, 2);
	assert_int_equal(f->script.attrs.aging_us, 200000);
}

static void expect_lost(struct fixture *f, unsigned index, const char *text)
{
	struct message message;

	assert_true(channel_receive(f->channel, &message));
	assert_int_equal(message.type, MESSAGE_LOST);
	assert_int_equal(message.source_index, index);
	assert_string_equal(message.err.text, text);
}

static void one_of_two_that_cannot_open_is_told_and_the_other_goes_on(void **state)
{
	struct fixture *f = *state;
	struct snapshot *snap;

	f->script.fail_open_with = EPERM;
	open_two(f, &checks, &checks);
	expect_lost(f, 0, "scripted: as told");
	assert_true(pass_ms(f, 1000));
	snap = next_snapshot(f);
	assert_int_equal(snap->source_index, 1);
	assert_false(snap->flags & SNAP_MORE);
	snapshot_free(snap);
}

static void one_of_two_that_fails_is_told_and_the_last_ends_it(void **state)
{
	struct fixture *f = *state;
	struct message message;
	struct snapshot *snap;

	f->second.fail_drain_at = 6; /* the first check of the second aggregation */
	f->script.fail_drain_at = 11;
	open_two(f, &checks, &checks);
	assert_false(pass_ms(f, 10000));
	snapshot_free(next_snapshot(f));
	snapshot_free(next_snapshot(f));
	expect_lost(f, 1, "scripted: the drain that was to fail");
	snap = next_snapshot(f);
	assert_int_equal(snap->source_index, 0);
	assert_int_equal(snap->seq, 1);
	assert_false(snap->flags & SNAP_MORE);
	snapshot_free(snap);
	assert_true(channel_receive(f->channel, &message));
	assert_int_equal(message.type, MESSAGE_ENDED);
	assert_int_equal(message.err.code, EIO);
}

/* One that makes regions says when an aggregation ends: the other's ends then too. Of several at a time, the last. */
static void a_source_that_makes_regions_sets_the_pace(void **state)
{
	struct source_ops maker = checks;
	struct fixture *f = *state;
	struct snapshot *snaps[3];

	maker.name = "maker";
	maker.flags = SOURCE_NO_TARGET | SOURCE_REGIONS;
	f->second.regions = (struct region_report){ .start = BASE, .end = BASE + MIB, .nr_accesses = 3 };
	f->second.nr_regions_at_a_time = 2;
	f->script.report = (struct report){ .start = BASE, .end = BASE + MIB, .count = 256 };
	open_two(f, &checks, &maker);
	assert_true(pass_ms(f, 200));
	for (size_t i = 0; i < 3; i++)
		snaps[i] = next_snapshot(f);
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
	collector_close(f->collector); /* before its table goes */
	f->collector = NULL;
}

/* What a source that makes regions knows of their pages is in the snapshot, the largest node first; the rest is
 * unknown. */
static void a_source_that_makes_regions_knows_their_pages(void **state)
{
	struct source_ops maker = checks;
	struct fixture *f = *state;
	struct snapshot *snap;
	struct snap_pages pages;

	maker.flags = SOURCE_NO_TARGET | SOURCE_REGIONS;
	f->second.regions = (struct region_report){
		.start = BASE,
		.end = BASE + 4 * MIB,
		.valid = REPORT_NODE | REPORT_KIND,
		.anon_bytes = MIB,
		.file_bytes = 2 * MIB,
		.huge_bytes = 2 * MIB, /* not among the valid ones */
		.nodes = { { 3, MIB }, { 1, 3 * MIB } },
	};
	f->second.nr_regions_at_a_time = 1;
	open_two(f, &checks, &maker);
	assert_true(pass_ms(f, 200));
	snap = next_snapshot(f);
	while (snap->source_index != 1) {
		snapshot_free(snap);
		snap = next_snapshot(f);
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
	collector_close(f->collector); /* before its table goes */
	f->collector = NULL;
}

static void choose(struct fixture *f, unsigned index, enum command_source choice)
{
	struct command command = { .type = COMMAND_SOURCE, .source_index = index, .source = choice };

	assert_true(channel_send(f->channel, &command));
}

/* The other has all of the budget again. A last one stays, whatever is asked. */
static void one_of_two_is_sent_away(void **state)
{
	struct fixture *f = *state;
	struct snapshot *snap;

	open_two(f, &checks, &checks);
	choose(f, 0, COMMAND_SOURCE_NONE);
	assert_true(pass_ms(f, 1000));
	snapshot_free(next_snapshot(f));
	snapshot_free(next_snapshot(f));
	assert_int_equal(f->script.nr_close, 1);
	assert_int_equal(f->second.attrs.budget_bp, attrs_default().budget_bp);
	choose(f, 1, COMMAND_SOURCE_NONE);
	assert_true(pass_ms(f, 1000));
	snap = next_snapshot(f);
	assert_int_equal(snap->source_index, 1);
	assert_int_equal(snap->seq, 1);
	snapshot_free(snap);
	assert_true(pass_ms(f, 1000));
	snapshot_free(next_snapshot(f));
}

/* No source of the table can watch a target that this one brings: it stays, and goes on with all of the budget. */
static void where_no_other_source_can_be_used_it_goes_on(void **state)
{
	struct fixture *f = *state;
	struct message message;

	assert_int_equal(open_collector(f, NULL), 0);
	choose(f, 1, COMMAND_SOURCE_BEST);
	assert_true(pass_ms(f, 1000));
	snapshot_free(next_snapshot(f));
	assert_true(channel_receive(f->channel, &message));
	assert_int_equal(message.type, MESSAGE_LOST);
	assert_int_equal(message.source_index, 1);
	assert_non_null(strstr(message.err.text, "--sources"));
	choose(f, 0, COMMAND_SOURCE_NEXT);
	assert_true(pass_ms(f, 1000));
	snapshot_free(next_snapshot(f));
	assert_true(channel_receive(f->channel, &message));
	assert_int_equal(message.type, MESSAGE_NOTICE);
	assert_int_equal(f->script.nr_open, 2);
	assert_int_equal(f->script.attrs.budget_bp, attrs_default().budget_bp);
	assert_true(pass_ms(f, 1000));
	snapshot_free(next_snapshot(f));
}

/* By name: the reason is told, and what there was goes on, with the event that it had. */
static void a_source_by_name_that_cannot_be_had(void **state)
{
	struct command command = {
		.type = COMMAND_SOURCE, .source = COMMAND_SOURCE_NAMED, .ops = &checks, .event = "no::such"
	};
	struct fixture *f = *state;
	struct message message;

	assert_int_equal(open_collector(f, NULL), 0);
	assert_true(channel_send(f->channel, &command));
	assert_true(pass_ms(f, 1000));
	snapshot_free(next_snapshot(f));
	assert_true(channel_receive(f->channel, &message));
	assert_int_equal(message.type, MESSAGE_NOTICE);
	assert_non_null(strstr(message.err.text, "cannot watch this target"));
	assert_int_equal(f->script.nr_open, 2);
	assert_int_equal(f->script.attrs.budget_bp, attrs_default().budget_bp);
	assert_true(pass_ms(f, 1000));
	snapshot_free(next_snapshot(f));
}

/* A machine that was asleep: no burst of snapshots to make up for it. */
static void a_leap_of_the_clock_is_one_long_aggregation(void **state)
{
	struct fixture *f = *state;
	struct message message;
	struct snapshot *snap;

	assert_int_equal(open_collector(f, NULL), 0);
	clock_virtual_advance(&f->clock, f->clock.now_ns + 3600 * NSEC_PER_SEC);
	assert_true(collector_step(f->collector));
	snap = next_snapshot(f);
	assert_int_equal(snap->duration_ns, 3600 * NSEC_PER_SEC);
	snapshot_free(snap);
	assert_true(collector_deadline_ns(f->collector) > f->clock.now_ns);
	assert_true(collector_step(f->collector));
	assert_false(channel_receive(f->channel, &message));
}

static void the_channel_drops_the_oldest_and_counts(void **state)
{
	struct fixture *f = *state;
	struct message ended = { .type = MESSAGE_ENDED }, message;

	for (unsigned i = 0; i < CHANNEL_NR_MESSAGES + 3; i++) {
		struct snapshot *snap = snapshot_new(1, false, 0, NULL);

		snap->seq = i;
		channel_publish(f->channel, &(struct message){ .type = MESSAGE_SNAPSHOT, .snapshot = snap });
	}
	channel_publish(f->channel, &ended);
	assert_int_equal(channel_nr_dropped(f->channel), 4);
	for (unsigned i = 4; i < CHANNEL_NR_MESSAGES + 3; i++) {
		assert_true(channel_receive(f->channel, &message));
		assert_int_equal(message.snapshot->seq, i);
		snapshot_free(message.snapshot);
	}
	assert_true(channel_receive(f->channel, &message));
	assert_int_equal(message.type, MESSAGE_ENDED);
	assert_false(channel_receive(f->channel, &message));
}

static void a_full_ring_of_commands_says_so(void **state)
{
	struct fixture *f = *state;
	struct command command = { .type = COMMAND_ATTRS };
	unsigned nr = 0;

	while (nr <= CHANNEL_NR_COMMANDS && channel_send(f->channel, &command))
		nr++;
	assert_int_equal(nr, CHANNEL_NR_COMMANDS);
	assert_true(channel_next_command(f->channel, &command));
	assert_true(channel_send(f->channel, &command));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(checks_at_every_aging_and_snapshots_at_every_aggregation),
		TEST(a_working_set_is_not_called_exact_where_it_may_not_be),
		TEST(a_part_of_a_count_is_a_guess),
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
		TEST(two_sources_end_their_aggregations_together),
		TEST(two_sources_share_the_budget),
		TEST(attrs_that_one_of_two_refuses_are_in_force_for_neither),
		TEST(one_of_two_that_cannot_open_is_told_and_the_other_goes_on),
		TEST(one_of_two_that_fails_is_told_and_the_last_ends_it),
		TEST(a_source_that_makes_regions_sets_the_pace),
		TEST(a_source_that_makes_regions_knows_their_pages),
		TEST(one_of_two_is_sent_away),
		TEST(where_no_other_source_can_be_used_it_goes_on),
		TEST(a_source_by_name_that_cannot_be_had),
		TEST(a_leap_of_the_clock_is_one_long_aggregation),
		TEST(the_channel_drops_the_oldest_and_counts),
		TEST(a_full_ring_of_commands_says_so),
	};

	return cmocka_run_group_tests_name("collector", tests, NULL, NULL);
}
