/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sources that watch one target at once: opening them, losing one, having another beside the first. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "collector/collector_internal.h"

/* Attributes for one of the sources: they share the budget. */
static struct attrs share_of(const struct collector *c, const struct attrs *attrs)
{
	struct attrs own = *attrs;

	own.budget_bp = attrs->budget_bp > c->nr_sharing ? attrs->budget_bp / c->nr_sharing : 1;
	return own;
}

static int set_attrs(struct collector *c, struct stream *s, const struct attrs *attrs, struct err *err)
{
	struct attrs own = share_of(c, attrs);

	return s->ops->set_attrs ? s->ops->set_attrs(s->source, &own, err) : 0;
}

static unsigned nr_open(const struct collector *c)
{
	unsigned nr = 0;

	for_each_open_stream(s, c)
		nr++;
	return nr;
}

int collector_check_tuning(const struct collector *c, const struct attrs *attrs, struct err *err)
{
	bool opening = !nr_open(c);

	for (unsigned i = 0; i < c->nr_streams; i++)
		if ((c->streams[i].ops->flags & SOURCE_TUNES) && (opening || stream_is_open(&c->streams[i])))
			return 0;
	return attrs->access_bp ? err_set(err, ENOTSUP,
					  "%s does not tune its intervals itself: -s damon does, where the kernel can",
					  c->streams[0].ops->name)
				: 0;
}

int collector_set_attrs(struct collector *c, const struct attrs *attrs, struct err *err)
{
	for_each_open_stream(s, c) {
		int rc = set_attrs(c, s, attrs, err);

		while (rc && s-- > c->streams)
			if (stream_is_open(s))
				set_attrs(c, s, &c->attrs, NULL);
		if (rc)
			return rc;
	}
	return 0;
}

int collector_watch(struct collector *c, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return fd < 0 || c->epoll_fd < 0 ? 0 : epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* With chances of its own, so that two that sample look at different samples. What is open halfway is closed. */
static int open_stream(struct collector *c, unsigned i, const struct source_ops *ops, struct err *err)
{
	struct source_params params = c->params;
	struct stream *s = &c->streams[i];
	int rc, fd;

	params.attrs = share_of(c, &c->attrs);
	params.seed += i;
	rc = stream_open(s, ops, &params, c->channel, err);
	fd = !rc && ops->poll_fd ? ops->poll_fd(s->source) : -1;
	if (!rc && collector_watch(c, fd))
		rc = err_set(err, errno, "setting up the collector: %s", strerror(errno));
	s->wakes = fd >= 0;
	if (rc)
		stream_close(s);
	else
		collector_call(s, ops->prepare);
	return rc;
}

static void tell_lost(struct collector *c, const struct stream *s, const struct err *why)
{
	struct message message = { .type = MESSAGE_LOST, .source_index = (unsigned)(s - c->streams) };

	err_set(&message.err, why->code, "%s: %.480s", s->ops->name, why->text);
	channel_publish(c->channel, &message);
}

/*
 * As many as there are now have the budget. One that refuses its new share keeps the old one. Where the one has gone
 * that had the kernel tune its intervals, they are ours.
 */
static void share_anew(struct collector *c)
{
	if (collector_check_tuning(c, &c->attrs, NULL))
		c->attrs.access_bp = 0;
	if (c->nr_sharing == nr_open(c))
		return;
	c->nr_sharing = nr_open(c);
	for_each_open_stream(s, c)
		set_attrs(c, s, &c->attrs, NULL);
}

void collector_drop_failed(struct collector *c)
{
	for_each_open_stream(s, c) {
		if (!s->failure.code)
			continue;
		if (nr_open(c) == 1) {
			c->failure = s->failure;
			return;
		}
		tell_lost(c, s, &s->failure);
		stream_close(s);
	}
	share_anew(c);
}

int collector_open_streams(struct collector *c, struct err *err)
{
	struct err reasons[SOURCE_MAX_AT_ONCE] = { ERR_NONE };
	int rc = collector_check_tuning(c, &c->attrs, err);
	unsigned i;

	if (rc)
		return rc;
	c->nr_sharing = c->nr_streams;
	for (i = 0; i < c->nr_streams; i++)
		open_stream(c, i, c->streams[i].ops, &reasons[i]);
	if (!nr_open(c)) {
		*err = reasons[0];
		return -err->code;
	}
	for (i = 0; i < c->nr_streams; i++)
		if (!stream_is_open(&c->streams[i]))
			tell_lost(c, &c->streams[i], &reasons[i]);
	share_anew(c);
	return 0;
}

void collector_close_streams(struct collector *c)
{
	for (unsigned i = 0; i < c->nr_streams; i++)
		stream_close(&c->streams[i]);
}

/* ---- another source while it runs ---- */

/* May it watch this target, beside those that do? */
static bool fits(const struct collector *c, const struct source_ops *ops)
{
	if (!c->target || ops->flags & SOURCE_NO_TARGET || (c->params.range_end && !source_takes_range(ops)))
		return false;
	for_each_open_stream(s, c)
		if (source_check_pair(s->ops, ops, NULL))
			return false;
	return ops->probe(&c->params, NULL) == 0;
}

/* The first behind after, and round, that can be opened as number i; after NULL: from the first on. */
static bool open_next(struct collector *c, unsigned i, const struct source_ops *after)
{
	size_t nr = 0, first = 0;

	for (; source_table[nr]; nr++)
		if (source_table[nr] == after)
			first = nr + 1;
	for (size_t k = 0; k < nr; k++) {
		const struct source_ops *ops = source_table[(first + k) % nr];

		if (ops != after && fits(c, ops) && !open_stream(c, i, ops, NULL))
			return true;
	}
	return false;
}

/* Not a source of one's own choice: the reason is told. */
static bool open_named(struct collector *c, unsigned i, const struct source_ops *ops, struct err *err)
{
	int rc = 0;

	if (!c->target || ops->flags & SOURCE_NO_TARGET)
		rc = err_set(err, ENOTSUP, "%s cannot watch this target", ops->name);
	else if (c->params.range_end && !source_takes_range(ops))
		rc = err_set(err, ENOTSUP, "%s cannot be limited to a range: 0 and Z first", ops->name);
	for_each_open_stream(s, c)
		rc = rc ? rc : source_check_pair(s->ops, ops, err);
	if (!rc)
		rc = ops->probe(&c->params, err);
	return !rc && !open_stream(c, i, ops, err);
}

static void say_refused(struct collector *c, const struct stream *s, const struct err *why)
{
	struct message message = { .type = stream_is_open(s) ? MESSAGE_NOTICE : MESSAGE_LOST,
				   .source_index = (unsigned)(s - c->streams) };

	message.err = *why;
	err_set(&message.err, ENOTSUP,
		"no other source can be used here: \"damontop --sources\" says why for each; those that clear the same "
		"bits exclude each other");
	channel_publish(c->channel, &message);
}

/* Sets another event of perf; former keeps what there was. */
static void set_event(struct collector *c, const char *event, char former[COMMAND_EVENT_SIZE])
{
	snprintf(former, COMMAND_EVENT_SIZE, "%s", c->params.event ? c->params.event : "");
	snprintf(c->event, sizeof(c->event), "%s", event);
	c->params.event = *c->event ? c->event : NULL;
}

/* A source that is two in one is had as the two: as number i the one of mappings. */
static bool split_in_two(struct collector *c, unsigned i)
{
	for_each_open_stream(s, c) {
		const struct source_ops *both = s->ops;
		unsigned first = (unsigned)(s - c->streams);

		if (!both->regions_from || first == i)
			continue;
		stream_close(s);
		if (!open_stream(c, first, source_find(both->regions_from), NULL) &&
		    !open_stream(c, i, source_find(both->mappings_from), NULL))
			return true;
		stream_close(&c->streams[i]);
		stream_close(s);
		if (open_stream(c, first, both, &c->failure))
			return false;
	}
	return false;
}

/* Whether it could be had; err: why not, where it is known. */
static bool open_choice(struct collector *c, unsigned i, const struct command *command, struct err *err)
{
	char former[COMMAND_EVENT_SIZE];

	if (command->source == COMMAND_SOURCE_BEST && split_in_two(c, i))
		return true;
	if (command->source != COMMAND_SOURCE_NAMED)
		return open_next(c, i, command->source == COMMAND_SOURCE_NEXT ? c->streams[i].ops : NULL);
	set_event(c, command->event, former);
	if (open_named(c, i, command->ops, err))
		return true;
	set_event(c, former, (char[COMMAND_EVENT_SIZE]){ 0 });
	return false;
}

void collector_choose_source(struct collector *c, unsigned i, const struct command *command)
{
	enum command_source choice = command->source;
	struct stream *s = &c->streams[i];
	const struct source_ops *before = stream_is_open(s) ? s->ops : NULL;
	struct err err = ERR_NONE, why = ERR_NONE;

	if (choice == COMMAND_SOURCE_NONE && nr_open(c) == 1 && before)
		return; /* the last one */
	stream_close(s);
	if (choice != COMMAND_SOURCE_NONE) {
		if (i >= c->nr_streams)
			c->nr_streams = i + 1;
		c->nr_sharing = nr_open(c) + 1;
		if (!open_choice(c, i, command, &why)) {
			if (before && open_stream(c, i, before, &err) && !nr_open(c))
				c->failure = err;
			say_refused(c, s, &why);
		}
		c->nr_sharing = 0; /* whoever was there has the former share */
	}
	while (c->nr_streams > 1 && !stream_is_open(&c->streams[c->nr_streams - 1]))
		c->nr_streams--;
	share_anew(c);
}
