/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/collector_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

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
	struct script *script = the_scripts[params->seed - RIG_SEED];
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
	if (s->puts_off)
		return SOURCE_NO_CHECK;
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

int rig_end_aggregation(struct source *source, struct sink *sink, struct err *err)
{
	struct script *s = script_of(source);

	(void)err;
	s->nr_end_aggregation++;
	sink->mappings(sink, &s->last_words, 1);
	return 0;
}

int rig_set_range(struct source *source, uint64_t start, uint64_t end, struct err *err)
{
	struct script *s = script_of(source);

	if (s->refuse_range)
		return err_set(err, EPERM, "not there");
	s->range_start = start;
	s->range_end = end;
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

const struct source_ops rig_checks = {
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

int rig_set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	clock_virtual_init(&rig->clock, 1000 * NSEC_PER_SEC, 1800000000 * NSEC_PER_SEC);
	rig->channel = channel_new(NULL);
	the_scripts[0] = &rig->script;
	the_scripts[1] = &rig->second;
	rig->script.clock = rig->second.clock = &rig->clock;
	*state = rig;
	return !rig->channel;
}

int rig_tear_down(void **state)
{
	struct rig *rig = *state;

	collector_close(rig->collector);
	assert_int_equal(rig->script.nr_close, rig->script.fail_open_with ? 0 : rig->script.nr_open);
	assert_int_equal(rig->second.nr_close, rig->second.fail_open_with ? 0 : rig->second.nr_open);
	channel_free(rig->channel);
	free(rig);
	return 0;
}

int rig_open_with(struct rig *rig, const struct source_ops *ops, const struct source_params *params, struct err *err)
{
	const struct source_ops *const sources[] = { ops, NULL };

	return collector_open(&rig->collector, sources, params, rig->channel, err);
}

int rig_open_as(struct rig *rig, const struct source_ops *ops, struct err *err)
{
	struct source_params params = { .attrs = attrs_default(), .clock = &rig->clock.clock, .seed = RIG_SEED };

	return rig_open_with(rig, ops, &params, err);
}

int rig_open(struct rig *rig, struct err *err)
{
	return rig_open_as(rig, &rig_checks, err);
}

void rig_close(struct rig *rig)
{
	collector_close(rig->collector);
	rig->collector = NULL;
}

bool rig_pass_ms(struct rig *rig, uint64_t ms)
{
	uint64_t end = rig->clock.now_ns + ms * NSEC_PER_MSEC;

	while (collector_deadline_ns(rig->collector) <= end) {
		clock_virtual_advance(&rig->clock, collector_deadline_ns(rig->collector));
		if (!collector_step(rig->collector))
			return false;
	}
	clock_virtual_advance(&rig->clock, end);
	return true;
}

struct snapshot *rig_next_snapshot(struct rig *rig)
{
	struct message message;

	assert_true(channel_receive(rig->channel, &message));
	assert_int_equal(message.type, MESSAGE_SNAPSHOT);
	return message.snapshot;
}
