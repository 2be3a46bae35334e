/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/collector_internal.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* Questions about pages that a snapshot may cost. */
#define PAGE_ATTRS_BUDGET 2048
/* Reading the mappings of a target may take this part of the time: 65 000 of them take 30 ms and more. */
#define UPDATE_MAX_SHARE 100

uint64_t collector_now_ns(const struct collector *c)
{
	return clock_now_ns(c->params.clock);
}

struct stream *collector_next_stream(const struct collector *c, const struct stream *after)
{
	const struct stream *s = after ? after + 1 : c->streams, *end = c->streams + c->nr_streams;

	while (s < end && !stream_is_open(s))
		s++;
	return s < end ? (struct stream *)s : NULL;
}

void collector_publish(struct collector *c, enum message_type type, struct snapshot *snap, const struct err *err)
{
	struct message message = { .type = type, .snapshot = snap ? snapshot_pack(snap) : NULL };

	if (err)
		message.err = *err;
	channel_publish(c->channel, &message);
}

/* ---- sources to regions ---- */

static void keep_failure(struct stream *s, int rc, const struct err *err)
{
	s->failure = err->code ? *err : (struct err){ .code = -rc, .text = "the source has failed" };
}

bool collector_take(struct collector *c, struct stream *s,
		    int (*hook)(struct source *source, struct sink *sink, struct err *err))
{
	struct err err = ERR_NONE;
	int rc = hook ? hook(s->source, &s->sink, &err) : 0;

	if (rc == -ESRCH && !c->target)
		s->played = true;
	else if (rc == -ESRCH)
		c->update_ns = 0; /* look at the target now: it says whether it has ended */
	else if (rc < 0)
		keep_failure(s, rc, &err);
	return rc != SOURCE_NO_CHECK;
}

void collector_call(struct stream *s, int (*hook)(struct source *source, struct err *err))
{
	struct err err = ERR_NONE;
	int rc = hook ? hook(s->source, &err) : 0;

	if (rc && rc != -ESRCH)
		keep_failure(s, rc, &err);
}

static void drain_all(struct collector *c)
{
	for_each_open_stream(s, c)
		collector_take(c, s, s->ops->drain);
}

/* ---- target to regions ---- */

static void tell_target_changed(struct collector *c, unsigned changes)
{
	struct err err = ERR_NONE;

	if (changes & TARGET_CHANGED_EXEC)
		page_attrs_reset(c->page_attrs);
	for_each_open_stream(s, c) {
		int rc;

		stream_use_mappings(s, c->target->maps, &c->attrs, changes & TARGET_CHANGED_EXEC);
		rc = changes && s->ops->target_changed ? s->ops->target_changed(s->source, changes, &err) : 0;
		if (rc && rc != -ESRCH)
			keep_failure(s, rc, &err);
	}
}

static void update_target(struct collector *c)
{
	struct err err = ERR_NONE;
	int changes = target_refresh(c->target, &err);

	if (changes < 0) {
		if (changes != -ESRCH)
			c->failure = err;
		return;
	}
	if (changes & TARGET_CHANGED_EXEC)
		c->flags |= SNAP_EXEC;
	if (changes & TARGET_CHANGED_MAPPINGS)
		c->flags |= SNAP_MAPS;
	tell_target_changed(c, (unsigned)changes);
}

static void update(struct collector *c)
{
	uint64_t begin = collector_now_ns(c), end;

	if (c->target)
		update_target(c);
	end = collector_now_ns(c);
	c->update_ns += c->attrs.update_us * NSEC_PER_USEC;
	if (c->update_ns < end + (end - begin) * UPDATE_MAX_SHARE)
		c->update_ns = end + (end - begin) * UPDATE_MAX_SHARE;
	if (c->update_ns <= end)
		c->update_ns = end + c->attrs.update_us * NSEC_PER_USEC;
}

/* ---- regions to snapshots ---- */

/* When an aggregation ended, and what had been used until then: the same for the snapshots of all sources. */
struct moment {
	uint64_t time_ns, wall_ns, cpu_ns, target_cpu_ns;
};

static struct moment moment_now(struct collector *c)
{
	return (struct moment){
		.time_ns = collector_now_ns(c),
		.wall_ns = clock_wall_ns(c->params.clock),
		.cpu_ns = clock_thread_cpu_ns(),
		.target_cpu_ns = c->target ? c->target->cpu_ns : 0,
	};
}

static void fill_target(const struct target *t, struct snapshot *snap)
{
	if (!t) {
		snprintf(snap->comm, sizeof(snap->comm), "%s", snap->source);
		return;
	}
	snap->pid = t->pid;
	snap->state = t->state;
	memcpy(snap->comm, t->comm, sizeof(snap->comm));
	snap->nr_threads = (uint32_t)t->nr_tids;
	if (t->rss_known) {
		snap->rss_bytes = t->rss_bytes;
		snap->flags |= SNAP_RSS_KNOWN;
	}
}

/* All that is not of the source. */
static void fill(struct collector *c, const struct stream *s, struct snapshot *snap, const struct moment *m)
{
	snap->seq = c->seq;
	snap->time_ns = m->time_ns;
	snap->wall_ns = m->wall_ns;
	snap->source_index = (uint8_t)(s - c->streams);
	snap->attrs = c->attrs;
	snap->flags |= c->flags;
	snap->target_cpu_us = (m->target_cpu_ns - c->last_target_cpu_ns) / NSEC_PER_USEC;
	snap->stats.cpu_us = (m->cpu_ns - c->last_cpu_ns) / NSEC_PER_USEC;
	snap->stats.dropped = channel_nr_dropped(c->channel);
	fill_target(c->target, snap);
	if (c->page_attrs)
		page_attrs_fill(c->page_attrs, c->target, snap, PAGE_ATTRS_BUDGET / c->nr_streams, m->time_ns);
}

/* The snapshot of one source, ready to be published; NULL: there is none. */
static struct snapshot *finish(struct collector *c, struct stream *s, const struct moment *m)
{
	struct snapshot *snap;

	if (s->nr_ready && s->ops->attrs_in_force)
		s->ops->attrs_in_force(s->source, &c->attrs);
	snap = stream_finish(s, &c->attrs, m->time_ns - c->begin_ns);
	if (snap)
		fill(c, s, snap, m);
	return snap;
}

/* Publishes the snapshots of one aggregation together: they have one number, and are looked at together. */
static void publish_all(struct collector *c, struct snapshot *const *snaps, const struct moment *m)
{
	unsigned nr = c->nr_streams;

	while (nr && !snaps[nr - 1])
		nr--;
	if (!nr)
		return;
	for (unsigned i = 0; i < nr; i++) {
		if (!snaps[i])
			continue;
		snaps[i]->flags |= i + 1 < nr ? SNAP_MORE : 0;
		collector_publish(c, MESSAGE_SNAPSHOT, snaps[i], NULL);
	}
	c->seq++;
	c->flags = 0;
	c->last_cpu_ns = m->cpu_ns;
	c->last_target_cpu_ns = m->target_cpu_ns;
}

/* A source that makes regions itself may have ended several aggregations since the last look: all but the last. */
static void publish_earlier(struct collector *c)
{
	for_each_open_stream(s, c) {
		while (s->nr_ready > 1) {
			struct snapshot *snaps[SOURCE_MAX_AT_ONCE] = { NULL };
			struct moment m = moment_now(c);

			snaps[s - c->streams] = finish(c, s, &m);
			publish_all(c, snaps, &m);
		}
	}
}

/* Ends the aggregation of all sources. */
static void aggregate(struct collector *c)
{
	struct snapshot *snaps[SOURCE_MAX_AT_ONCE] = { NULL };
	struct moment m;

	publish_earlier(c);
	if (!(c->flags & SNAP_FINAL)) /* of a target that has ended there is nothing more to tell */
		for_each_open_stream(s, c)
			collector_take(c, s, s->ops->end_aggregation);
	m = moment_now(c);
	for_each_open_stream(s, c)
		snaps[s - c->streams] = finish(c, s, &m);
	publish_all(c, snaps, &m);
}

/* ---- the course of an aggregation ---- */

static void begin_aggregation(struct collector *c)
{
	struct attrs before = c->attrs;
	uint64_t now = collector_now_ns(c);

	collector_apply_commands(c);
	for_each_open_stream(s, c)
		aggregate_begin(&s->agg, &before, &c->attrs);
	c->begin_ns = now;
	c->aggregation_ns += c->attrs.aggregation_us * NSEC_PER_USEC;
	if (before.aggregation_us != c->attrs.aggregation_us || c->aggregation_ns <= now)
		c->aggregation_ns = now + c->attrs.aggregation_us * NSEC_PER_USEC;
	if (before.aging_us != c->attrs.aging_us)
		c->aging_ns = now + c->attrs.aging_us * NSEC_PER_USEC;
	if (before.update_us != c->attrs.update_us)
		c->update_ns = now + c->attrs.update_us * NSEC_PER_USEC;
}

static void check_accesses(struct collector *c)
{
	uint64_t now;

	for_each_open_stream(s, c) {
		if (collector_take(c, s, s->ops->drain)) {
			aggregate_end_check(&s->agg);
			collector_call(s, s->ops->prepare);
		}
	}
	now = collector_now_ns(c);
	c->aging_ns += c->attrs.aging_us * NSEC_PER_USEC;
	if (c->aging_ns <= now)
		c->aging_ns = now + c->attrs.aging_us * NSEC_PER_USEC;
}

/* What comes between two checks. */
static void look_between(struct collector *c)
{
	for_each_open_stream(s, c) {
		if (s->ops->flags & SOURCE_CHECKS)
			collector_call(s, s->ops->wake);
		else
			collector_take(c, s, s->ops->drain);
	}
}

/* A source that makes regions itself says when an aggregation ends, also for the others. NULL: there is none. */
static const struct stream *pace_maker(const struct collector *c)
{
	for_each_open_stream(s, c)
		if (s->ops->flags & SOURCE_REGIONS)
			return s;
	return NULL;
}

static bool aggregation_has_ended(const struct collector *c, uint64_t now)
{
	const struct stream *s = pace_maker(c);

	return s ? s->nr_ready || collector_command_waits(c) : now >= c->aggregation_ns;
}

static bool all_played(const struct collector *c)
{
	for_each_open_stream(s, c)
		if (!s->played)
			return false;
	return true;
}

static bool target_is_gone(const struct collector *c)
{
	return c->target && target_has_ended(c->target);
}

/* The last words: what was seen since the last snapshot, and why there will be no more. */
static bool end(struct collector *c)
{
	if (!c->failure.code && !c->stop && !all_played(c)) {
		drain_all(c);
		for_each_open_stream(s, c)
			s->failure = ERR_NONE; /* that a source fails on a target that has ended is no news */
		target_refresh(c->target, NULL);
		c->flags |= SNAP_FINAL;
		aggregate(c);
	}
	collector_publish(c, MESSAGE_ENDED, NULL, &c->failure);
	return false;
}

bool collector_step(struct collector *c)
{
	uint64_t now;

	collector_take_commands(c);
	if (c->stop || target_is_gone(c))
		return end(c);
	now = collector_now_ns(c);
	if (now >= c->aging_ns)
		check_accesses(c);
	else
		look_between(c);
	if (now >= c->update_ns)
		update(c);
	if (aggregation_has_ended(c, now)) {
		aggregate(c);
		begin_aggregation(c);
	}
	collector_drop_failed(c);
	return c->failure.code || all_played(c) ? end(c) : true;
}

uint64_t collector_deadline_ns(const struct collector *c)
{
	uint64_t due = pace_maker(c) ? UINT64_MAX : c->aggregation_ns;

	for_each_open_stream(s, c)
		/* one that makes regions ages by itself, and says so */
		if (!((s->ops->flags & SOURCE_REGIONS) && s->wakes) && c->aging_ns < due)
			due = c->aging_ns;
	return c->update_ns < due ? c->update_ns : due;
}

/* ---- opening and closing ---- */

static struct collector *collector_new(const struct source_ops *const *sources, const struct source_params *params,
				       struct channel *channel, struct err *err)
{
	struct collector *c = calloc(1, sizeof(*c));

	if (!c) {
		err_set(err, ENOMEM, "no memory");
		target_close(params->target);
		return NULL;
	}
	c->params = *params;
	c->channel = channel;
	c->target = params->target;
	c->attrs = params->attrs;
	for (; c->nr_streams < SOURCE_MAX_AT_ONCE && sources[c->nr_streams]; c->nr_streams++)
		c->streams[c->nr_streams].ops = sources[c->nr_streams];
	c->epoll_fd = c->timer_fd = -1;
	return c;
}

static int collector_begin(struct collector *c, struct err *err)
{
	uint64_t now;
	int rc;

	c->last_target_cpu_ns = c->target ? c->target->cpu_ns : 0;
	c->page_attrs = c->target ? page_attrs_new(c->target, err) : NULL;
	if (c->target && !c->page_attrs)
		return -ENOMEM;
	rc = collector_open_streams(c, err);
	if (rc)
		return rc;
	now = collector_now_ns(c);
	c->last_cpu_ns = clock_thread_cpu_ns();
	c->begin_ns = now;
	c->aging_ns = now + c->attrs.aging_us * NSEC_PER_USEC;
	c->aggregation_ns = now + c->attrs.aggregation_us * NSEC_PER_USEC;
	c->update_ns = now + c->attrs.update_us * NSEC_PER_USEC;
	return 0;
}

int collector_open(struct collector **collector, const struct source_ops *const *sources,
		   const struct source_params *params, struct channel *channel, struct err *err)
{
	struct collector *c = collector_new(sources, params, channel, err);
	struct err own = ERR_NONE;
	int rc;

	*collector = NULL;
	if (!c)
		return -ENOMEM;
	rc = collector_begin(c, &own);
	if (rc) {
		collector_close(c);
		return err_set(err, -rc, "%s", own.text);
	}
	*collector = c;
	return 0;
}

void collector_close(struct collector *c)
{
	if (!c)
		return;
	collector_close_streams(c);
	page_attrs_free(c->page_attrs);
	target_close(c->target);
	if (c->epoll_fd >= 0)
		close(c->epoll_fd);
	if (c->timer_fd >= 0)
		close(c->timer_fd);
	free(c);
}

/* ---- the thread ---- */

static int open_waiting(struct collector *c, struct err *err)
{
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	c->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (c->epoll_fd < 0 || c->timer_fd < 0 || collector_watch(c, c->timer_fd) ||
	    collector_watch(c, channel_command_fd(c->channel)))
		return err_set(err, errno, "setting up the collector: %s", strerror(errno));
	return 0;
}

static void wait_for_work(struct collector *c)
{
	uint64_t due = collector_deadline_ns(c), expirations;
	struct itimerspec timer = { .it_value = { .tv_sec = (time_t)(due / NSEC_PER_SEC),
						  .tv_nsec = (long)(due % NSEC_PER_SEC) } };
	struct epoll_event events[8];

	if (!due)
		timer.it_value.tv_nsec = 1; /* zero would disarm it */
	timerfd_settime(c->timer_fd, TFD_TIMER_ABSTIME, &timer, NULL);
	epoll_wait(c->epoll_fd, events, 8, -1);
	if (read(c->timer_fd, &expirations, sizeof(expirations)) < 0) {
		/* EAGAIN: something else has woken us. */
	}
}

static void *collector_main(void *arg)
{
	struct collector *c = arg;
	struct err err = ERR_NONE;
	int rc = collector_begin(c, &err);

	if (!rc && collector_watch(c, c->target ? c->target->pidfd : -1))
		rc = err_set(&err, errno, "setting up the collector: %s", strerror(errno));
	if (rc) {
		collector_publish(c, MESSAGE_ENDED, NULL, &err);
		return NULL;
	}
	do
		wait_for_work(c);
	while (collector_step(c));
	/* Here, on the thread that opened them, so that the system is as it was when the other one hears of the end. */
	collector_close_streams(c);
	return NULL;
}

int collector_start(struct collector **collector, const struct source_ops *const *sources,
		    const struct source_params *params, struct channel *channel, struct err *err)
{
	struct collector *c = collector_new(sources, params, channel, err);
	int rc;

	*collector = NULL;
	if (!c)
		return -ENOMEM;
	rc = open_waiting(c, err);
	if (!rc) {
		rc = pthread_create(&c->thread, NULL, collector_main, c);
		if (rc)
			rc = err_set(err, rc, "cannot start the collector thread: %s", strerror(rc));
	}
	if (rc) {
		collector_close(c);
		return rc;
	}
	pthread_setname_np(c->thread, "collector");
	*collector = c;
	return 0;
}

void collector_join(struct collector *c)
{
	if (!c)
		return;
	pthread_join(c->thread, NULL);
	collector_close(c);
}
