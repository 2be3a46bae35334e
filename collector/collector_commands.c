/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the other thread asks for, and how it takes effect: between two aggregations, so that each has one set of rules.
 */
#include <errno.h>

#include "collector/collector_internal.h"

/* A command that finds a longer rest of an aggregation than this ends it early: nobody waits an hour for a key. */
#define COMMAND_MAX_WAIT_NS (NSEC_PER_SEC)

bool collector_command_waits(const struct collector *c)
{
	return c->has_next || c->has_next_limit || c->has_next_source[0] || c->has_next_source[1] ||
	       c->has_next_children;
}

static void play(struct collector *c, const struct play_order *order)
{
	for_each_open_stream(s, c)
		if (s->ops->play)
			s->ops->play(s->source, order);
}

void collector_take_commands(struct collector *c)
{
	struct command command;
	uint64_t now;

	while (channel_next_command(c->channel, &command)) {
		switch (command.type) {
		case COMMAND_ATTRS:
			c->next = command.attrs;
			c->has_next = true;
			break;
		case COMMAND_RANGE:
			c->next_limit = (struct range){ command.start, command.end };
			c->has_next_limit = true;
			break;
		case COMMAND_PLAY:
			play(c, &command.play);
			break;
		case COMMAND_SOURCE:
			c->next_source[command.source_index] = command;
			c->has_next_source[command.source_index] = true;
			break;
		case COMMAND_CHILDREN:
			c->next_children = command.with_children;
			c->has_next_children = true;
			break;
		case COMMAND_STOP:
			c->stop = true;
			break;
		}
	}
	now = collector_now_ns(c);
	if (collector_command_waits(c) && c->aggregation_ns > now + COMMAND_MAX_WAIT_NS)
		c->aggregation_ns = now + COMMAND_MAX_WAIT_NS;
}

static void apply_attrs(struct collector *c)
{
	struct err err = ERR_NONE;
	struct attrs share;
	int rc = attrs_check(&c->next, &err);

	c->has_next = false;
	if (!rc)
		rc = collector_check_tuning(c, &c->next, &err);
	if (!rc)
		rc = collector_set_attrs(c, &c->next, &err);
	if (rc) {
		collector_publish(c, MESSAGE_NOTICE, NULL, &err);
		return;
	}
	c->attrs = c->next;
	share = collector_share(c);
	for_each_open_stream(s, c)
		stream_use_attrs(s, &share);
}

/* Those that make regions themselves. A refusal leaves all as it is: there is one of them at most. */
static int limit_sources(struct collector *c, struct err *err)
{
	for_each_open_stream(s, c) {
		int rc = 0;

		if (!(s->ops->flags & SOURCE_REGIONS))
			continue;
		rc = s->ops->set_range ? s->ops->set_range(s->source, c->next_limit.start, c->next_limit.end, err)
				       : err_set(err, ENOTSUP, "%s cannot be limited while it runs", s->ops->name);
		if (rc)
			return rc;
	}
	return 0;
}

static void apply_limit(struct collector *c)
{
	struct attrs share = collector_share(c);
	struct err err = ERR_NONE;

	c->has_next_limit = false;
	if (limit_sources(c, &err)) {
		collector_publish(c, MESSAGE_NOTICE, NULL, &err);
		return;
	}
	c->params.range_start = c->next_limit.start;
	c->params.range_end = c->next_limit.end;
	c->range_is_for_each = false;
	for_each_open_stream(s, c) {
		uint64_t start = c->next_limit.start, end = c->next_limit.end;

		if (s->ops->flags & SOURCE_REGIONS)
			continue;
		collector_range_of(c, s->watched, &start, &end);
		aggregate_limit(&s->agg, start, end);
		stream_use_attrs(s, &share);
	}
}

void collector_apply_commands(struct collector *c)
{
	if (c->has_next)
		apply_attrs(c);
	if (c->has_next_limit)
		apply_limit(c);
	if (c->has_next_children)
		collector_set_children(c, c->next_children);
	c->has_next_children = false;
	for (unsigned i = 0; i < SOURCE_MAX_AT_ONCE; i++) {
		if (c->has_next_source[i])
			collector_choose_source(c, i, &c->next_source[i]);
		c->has_next_source[i] = false;
	}
}
