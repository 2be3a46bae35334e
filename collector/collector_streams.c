/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sources that watch one target at once: opening them, losing one, having another beside the first. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "collector/collector_internal.h"

/* Regions of one of many processes, at least: fewer show nothing. */
#define LEAST_MAX_NR_REGIONS 100

/*
 * The budget is a share of the target's time, so that what holds for each process holds for all; of two sources each
 * has a part. The regions are those of all processes: they bound memory and what a frame costs.
 */
struct attrs collector_share(const struct collector *c)
{
	struct attrs own = c->attrs;
	uint32_t least = own.max_nr_regions < LEAST_MAX_NR_REGIONS ? own.max_nr_regions : LEAST_MAX_NR_REGIONS;

	own.budget_bp = own.budget_bp > c->nr_sharing ? own.budget_bp / (c->nr_sharing ? c->nr_sharing : 1) : 1;
	own.max_nr_regions /= c->nr_watched;
	if (own.max_nr_regions < least)
		own.max_nr_regions = least;
	if (own.min_nr_regions > own.max_nr_regions)
		own.min_nr_regions = own.max_nr_regions;
	return own;
}

static int set_attrs(struct stream *s, const struct attrs *own, struct err *err)
{
	return s->ops->set_attrs ? s->ops->set_attrs(s->source, own, err) : 0;
}

bool collector_has_source(const struct collector *c, unsigned i)
{
	for (unsigned k = 0; k < c->nr_watched; k++)
		if (!c->watched[k]->ended && stream_is_open(&c->watched[k]->streams[i]))
			return true;
	return false;
}

static unsigned nr_open(const struct collector *c)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < c->nr_sources; i++)
		nr += collector_has_source(c, i);
	return nr;
}

int collector_check_tuning(const struct collector *c, const struct attrs *attrs, struct err *err)
{
	bool opening = !nr_open(c);

	for (unsigned i = 0; i < c->nr_sources; i++)
		if ((c->sources[i]->flags & SOURCE_TUNES) && (opening || collector_has_source(c, i)))
			return 0;
	return attrs->access_bp ? err_set(err, ENOTSUP,
					  "%s does not tune its intervals itself: -s damon does, where the kernel can",
					  c->sources[0]->name)
				: 0;
}

int collector_set_attrs(struct collector *c, const struct attrs *attrs, struct err *err)
{
	struct attrs former = c->attrs, own;
	const struct stream *refuses = NULL;
	int rc = 0;

	c->attrs = *attrs;
	own = collector_share(c);
	for_each_open_stream(s, c) {
		rc = set_attrs(s, &own, err);
		refuses = s;
		if (rc)
			break;
	}
	c->attrs = former;
	own = collector_share(c);
	for (struct stream *s = collector_next_stream(c, NULL); rc && s != refuses; s = collector_next_stream(c, s))
		set_attrs(s, &own, NULL);
	return rc;
}

int collector_watch(struct collector *c, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return fd < 0 || c->epoll_fd < 0 ? 0 : epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* Of the same source on another process, or NULL. */
static const struct source *sibling_of(const struct collector *c, const struct source_ops *ops)
{
	for_each_open_stream(s, c)
		if (s->ops == ops)
			return s->source;
	return NULL;
}

/* With chances of its own, so that two that sample look at different samples. */
int collector_open_stream(struct collector *c, struct watched *w, unsigned i, const struct source_ops *ops,
			  struct err *err)
{
	struct source_params params = c->params;
	struct stream *s = &w->streams[i];
	int rc, fd;

	s->watched = w;
	s->index = i;
	params.target = w->target;
	params.attrs = collector_share(c);
	params.seed += i + (uint64_t)w->space * SOURCE_MAX_AT_ONCE;
	params.sibling = sibling_of(c, ops);
	collector_range_of(c, w, &params.range_start, &params.range_end);
	rc = stream_open(s, ops, &params, c->channel, err);
	fd = !rc && ops->poll_fd ? ops->poll_fd(s->source) : -1;
	if (!rc && collector_watch(c, fd))
		rc = err_set(err, errno, "setting up the collector: %s", strerror(errno));
	s->wakes = fd >= 0;
	if (!rc)
		collector_call(s, ops->prepare);
	if (!rc && s->failure.code)
		rc = err_set(err, s->failure.code, "%s", s->failure.text);
	s->failure = ERR_NONE; /* it is err's now */
	if (rc)
		stream_close(s);
	return rc;
}

/*
 * Source i on all processes. 0 where it could be had for one at least: the others are dropped with the next look at
 * failures. -errno with the reason of the first: it is open nowhere.
 */
static int open_stream(struct collector *c, unsigned i, const struct source_ops *ops, struct err *err)
{
	struct err reasons[MAPPINGS_MAX_PROCESSES] = { ERR_NONE };
	bool any = false;

	for (unsigned k = 0; k < c->nr_watched; k++)
		if (!c->watched[k]->ended)
			any |= !collector_open_stream(c, c->watched[k], i, ops, &reasons[k]);
	c->sources[i] = ops;
	for (unsigned k = 0; any && k < c->nr_watched; k++)
		if (reasons[k].code)
			c->watched[k]->streams[i].failure = reasons[k];
	return any ? 0 : err_set(err, reasons[0].code ? reasons[0].code : ESRCH, "%s", reasons[0].text);
}

static void close_source(struct collector *c, unsigned i)
{
	for (unsigned k = 0; k < c->nr_watched; k++)
		stream_close(&c->watched[k]->streams[i]);
}

static void tell_lost(struct collector *c, unsigned i, const struct err *why)
{
	struct message message = { .type = MESSAGE_LOST, .source_index = i };

	err_set(&message.err, why->code, "%s: %.480s", c->sources[i]->name, why->text);
	channel_publish(c->channel, &message);
}

/*
 * One that refuses its new share keeps the old one. Where the one has gone that had the kernel tune its intervals, they
 * are ours.
 */
void collector_share_anew(struct collector *c)
{
	struct attrs own;

	if (collector_check_tuning(c, &c->attrs, NULL))
		c->attrs.access_bp = 0;
	if (c->nr_sharing == nr_open(c) && c->nr_sharing_targets == c->nr_watched)
		return;
	c->nr_sharing = nr_open(c);
	c->nr_sharing_targets = c->nr_watched;
	own = collector_share(c);
	for_each_open_stream(s, c) {
		set_attrs(s, &own, NULL);
		if (c->with_children)
			stream_use_attrs(s, &own);
	}
}

static bool lives_beside(const struct collector *c, const struct watched *w)
{
	for (unsigned k = 0; k < c->nr_watched; k++)
		if (c->watched[k] != w && !c->watched[k]->ended)
			return true;
	return false;
}

/* A process on which a source fails goes while there are others. False: it is the last one. */
static bool drop_failed_process(struct collector *c)
{
	for (unsigned k = 0; k < c->nr_watched; k++)
		for (unsigned i = 0; i < c->nr_sources; i++) {
			struct watched *w = c->watched[k];
			struct err why = w->streams[i].failure;

			if (!why.code || w->ended || !lives_beside(c, w))
				continue;
			collector_drop_process(c, w, &why);
			return true;
		}
	return false;
}

void collector_drop_failed(struct collector *c)
{
	while (drop_failed_process(c))
		;
	for_each_open_stream(s, c) {
		if (!s->failure.code)
			continue;
		if (nr_open(c) == 1) {
			c->failure = s->failure;
			return;
		}
		tell_lost(c, s->index, &s->failure);
		stream_close(s);
	}
	collector_share_anew(c);
}

int collector_open_streams(struct collector *c, struct err *err)
{
	struct err reasons[SOURCE_MAX_AT_ONCE] = { ERR_NONE };
	int rc = collector_check_tuning(c, &c->attrs, err);
	unsigned i;

	if (rc)
		return rc;
	c->nr_sharing = c->nr_sources;
	c->nr_sharing_targets = c->nr_watched;
	for (i = 0; i < c->nr_sources; i++)
		open_stream(c, i, c->sources[i], &reasons[i]);
	if (!nr_open(c)) {
		*err = reasons[0];
		return -err->code;
	}
	for (i = 0; i < c->nr_sources; i++)
		if (!collector_has_source(c, i))
			tell_lost(c, i, &reasons[i]);
	collector_share_anew(c);
	return 0;
}

void collector_close_streams(struct collector *c)
{
	for (unsigned i = 0; i < c->nr_sources; i++)
		close_source(c, i);
}

/* ---- another source while it runs ---- */

static bool has_target(const struct collector *c)
{
	return c->watched[0]->target != NULL;
}

/* On the first process, which stands for all. */
static int probe(const struct collector *c, const struct source_ops *ops, struct err *err)
{
	struct source_params params = c->params;

	params.target = c->watched[0]->target;
	return ops->probe(&params, err);
}

/* May it watch this target, beside those that do? */
static bool fits(const struct collector *c, const struct source_ops *ops)
{
	if (!has_target(c) || ops->flags & SOURCE_NO_TARGET || (c->with_children && ops->flags & SOURCE_REGIONS) ||
	    (c->params.range_end && !source_takes_range(ops)))
		return false;
	for_each_open_stream(s, c)
		if (source_check_pair(s->ops, ops, NULL))
			return false;
	return probe(c, ops, NULL) == 0;
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

	if (!has_target(c) || ops->flags & SOURCE_NO_TARGET)
		rc = err_set(err, ENOTSUP, "%s cannot watch this target", ops->name);
	else if (c->with_children)
		rc = source_check_children(ops, err);
	if (!rc && c->params.range_end && !source_takes_range(ops))
		rc = err_set(err, ENOTSUP, "%s cannot be limited to a range: 0 and Z first", ops->name);
	for_each_open_stream(s, c)
		rc = rc ? rc : source_check_pair(s->ops, ops, err);
	if (!rc)
		rc = probe(c, ops, err);
	return !rc && !open_stream(c, i, ops, err);
}

static void say_refused(struct collector *c, unsigned i, const struct err *why)
{
	struct message message = { .type = collector_has_source(c, i) ? MESSAGE_NOTICE : MESSAGE_LOST,
				   .source_index = i };

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
	for (unsigned first = 0; first < c->nr_sources; first++) {
		const struct source_ops *both = c->sources[first];

		if (!collector_has_source(c, first) || !both->regions_from || first == i)
			continue;
		close_source(c, first);
		if (!open_stream(c, first, source_find(both->regions_from), NULL) &&
		    !open_stream(c, i, source_find(both->mappings_from), NULL))
			return true;
		close_source(c, i);
		close_source(c, first);
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
		return open_next(c, i, command->source == COMMAND_SOURCE_NEXT ? c->sources[i] : NULL);
	set_event(c, command->event, former);
	if (open_named(c, i, command->ops, err))
		return true;
	set_event(c, former, (char[COMMAND_EVENT_SIZE]){ 0 });
	return false;
}

void collector_choose_source(struct collector *c, unsigned i, const struct command *command)
{
	enum command_source choice = command->source;
	const struct source_ops *before = i < c->nr_sources && collector_has_source(c, i) ? c->sources[i] : NULL;
	struct err err = ERR_NONE, why = ERR_NONE;

	if (choice == COMMAND_SOURCE_NONE && nr_open(c) == 1 && before)
		return; /* the last one */
	if (before)
		close_source(c, i);
	if (choice != COMMAND_SOURCE_NONE) {
		c->params.unasked = false;
		if (i >= c->nr_sources)
			c->nr_sources = i + 1;
		c->nr_sharing = nr_open(c) + 1;
		if (!open_choice(c, i, command, &why)) {
			if (before && open_stream(c, i, before, &err) && !nr_open(c))
				c->failure = err;
			say_refused(c, i, &why);
		}
		c->nr_sharing = 0; /* whoever was there has the former share */
	}
	while (c->nr_sources > 1 && !collector_has_source(c, c->nr_sources - 1))
		c->nr_sources--;
	collector_share_anew(c);
}
