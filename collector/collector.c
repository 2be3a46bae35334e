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

#include "collector/snapshot_join.h"

/* Questions about pages that a snapshot may cost. */
#define PAGE_ATTRS_BUDGET 2048
/* Reading the mappings of a target may take this part of the time: 65 000 of them take 30 ms and more. */
#define UPDATE_MAX_SHARE 200

uint64_t collector_now_ns(const struct collector *c)
{
	return clock_now_ns(c->params.clock);
}

struct stream *collector_next_stream(const struct collector *c, const struct stream *after)
{
	unsigned at = after ? after->watched->at : 0, i = after ? after->index + 1 : 0;

	for (; at < c->nr_watched; at++, i = 0)
		for (; i < c->nr_sources && !c->watched[at]->ended; i++)
			if (stream_is_open(&c->watched[at]->streams[i]))
				return &c->watched[at]->streams[i];
	return NULL;
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

	if (rc == -ESRCH && !s->watched->target)
		s->played = true;
	else if (rc == -ESRCH)
		c->update_ns = 0; /* look at the target now: it says whether it has ended */
	else if (rc < 0)
		keep_failure(s, rc, &err);
	/* One that came upon an address space that has gone (exec, or the end) has not looked either. */
	return rc != SOURCE_NO_CHECK && rc != -ESRCH;
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

static void tell_target_changed(struct collector *c, struct watched *w, unsigned changes)
{
	struct attrs attrs = collector_share(c);
	struct err err = ERR_NONE;

	if (changes & TARGET_CHANGED_EXEC)
		page_attrs_reset(w->page_attrs);
	for (struct stream *s = w->streams; s < w->streams + c->nr_sources; s++) {
		int rc;

		if (!stream_is_open(s))
			continue;
		stream_use_mappings(s, w->target->maps, &attrs, changes & TARGET_CHANGED_EXEC);
		rc = changes && s->ops->target_changed ? s->ops->target_changed(s->source, changes, &err) : 0;
		if (rc && rc != -ESRCH)
			keep_failure(s, rc, &err);
	}
}

static void update_target(struct collector *c, struct watched *w)
{
	char comm[TARGET_COMM_SIZE];
	struct err err = ERR_NONE;
	int changes;

	memcpy(comm, w->target->comm, sizeof(comm));
	changes = target_refresh(w->target, &err);
	if (changes < 0) {
		if (changes != -ESRCH && c->nr_watched == 1)
			c->failure = err;
		else if (changes != -ESRCH)
			keep_failure(&w->streams[0], changes, &err);
		return;
	}
	/* a child's is no news: it is what children are started for */
	if (changes & TARGET_CHANGED_EXEC && !w->space)
		c->flags |= SNAP_EXEC;
	if (changes & TARGET_CHANGED_MAPPINGS)
		c->flags |= SNAP_MAPS;
	if (changes & TARGET_CHANGED_MAPPINGS || strcmp(comm, w->target->comm) != 0)
		c->joined_is_stale = true;
	tell_target_changed(c, w, (unsigned)changes);
}

static void update(struct collector *c)
{
	uint64_t begin = collector_now_ns(c), end;

	for (unsigned k = 0; k < c->nr_watched; k++)
		if (c->watched[k]->target && !c->watched[k]->ended)
			update_target(c, c->watched[k]);
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
	uint64_t time_ns, wall_ns, cpu_ns;
};

static struct moment moment_now(struct collector *c)
{
	return (struct moment){
		.time_ns = collector_now_ns(c),
		.wall_ns = clock_wall_ns(c->params.clock),
		.cpu_ns = clock_thread_cpu_ns(),
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
	const struct watched *w = s->watched;

	snap->seq = c->seq;
	snap->time_ns = m->time_ns;
	snap->wall_ns = m->wall_ns;
	snap->source_index = (uint8_t)s->index;
	snap->attrs = c->attrs;
	snap->flags |= c->flags;
	if (w->target)
		snap->target_cpu_us = (w->target->cpu_ns - w->last_cpu_ns) / NSEC_PER_USEC;
	snap->stats.cpu_us = (m->cpu_ns - c->last_cpu_ns) / NSEC_PER_USEC;
	snap->stats.dropped = channel_nr_dropped(c->channel);
	fill_target(w->target, snap);
	if (w->page_attrs)
		page_attrs_fill(w->page_attrs, w->target, snap, PAGE_ATTRS_BUDGET / (c->nr_sources * c->nr_watched),
				m->time_ns);
}

/* The snapshot of one source of one process; NULL: there is none. */
static struct snapshot *finish_stream(struct collector *c, struct stream *s, const struct moment *m)
{
	struct attrs attrs = collector_share(c);
	struct snapshot *snap;

	if (s->nr_ready && s->ops->attrs_in_force)
		s->ops->attrs_in_force(s->source, &c->attrs);
	snap = stream_finish(s, &attrs, m->time_ns - s->watched->begin_ns);
	if (snap)
		fill(c, s, snap, m);
	return snap;
}

/* By the process that was asked for, also when only its children are left. */
static void name_joined(struct collector *c, struct snapshot *snap)
{
	const struct target *first = c->watched[0]->target;

	if (!c->watched[0]->space) {
		c->first_pid = first->pid;
		memcpy(c->first_comm, first->comm, sizeof(c->first_comm));
	}
	snap->pid = c->first_pid;
	memcpy(snap->comm, c->first_comm, sizeof(snap->comm));
}

/* The snapshot of one source, of all processes, ready to be published; NULL: there is none. */
static struct snapshot *finish(struct collector *c, unsigned i, const struct moment *m)
{
	struct snapshot *parts[MAPPINGS_MAX_PROCESSES] = { NULL }, *snap;
	struct mappings *joined;
	bool any = false;

	for (unsigned k = 0; k < c->nr_watched; k++) {
		if (stream_is_open(&c->watched[k]->streams[i]))
			parts[k] = finish_stream(c, &c->watched[k]->streams[i], m);
		any |= parts[k] != NULL;
	}
	if (!c->with_children || !any)
		return parts[0];
	joined = collector_joined_maps(c);
	if (!joined) {
		for (unsigned k = 0; k < c->nr_watched; k++)
			snapshot_free(parts[k]);
		return NULL;
	}
	snap = snapshot_join(parts, mappings_get(joined));
	if (snap) {
		snap->duration_ns = m->time_ns - c->begin_ns;
		name_joined(c, snap);
		snap->nr_processes_left_out = c->family.nr_left_out;
		snap->nr_processes_refused = c->family.nr_refused;
	}
	return snap;
}

/* Publishes the snapshots of one aggregation together: they have one number, and are looked at together. */
static void publish_all(struct collector *c, struct snapshot *const *snaps, const struct moment *m)
{
	unsigned nr = c->nr_sources;

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
	for (unsigned k = 0; k < c->nr_watched; k++)
		if (c->watched[k]->target)
			c->watched[k]->last_cpu_ns = c->watched[k]->target->cpu_ns;
}

/* A source that makes regions itself may have ended several aggregations since the last look: all but the last. */
static void publish_earlier(struct collector *c)
{
	for_each_open_stream(s, c) {
		while (s->nr_ready > 1) {
			struct snapshot *snaps[SOURCE_MAX_AT_ONCE] = { NULL };
			struct moment m = moment_now(c);

			snaps[s->index] = finish(c, s->index, &m);
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
	for (unsigned i = 0; i < c->nr_sources; i++)
		snaps[i] = finish(c, i, &m);
	publish_all(c, snaps, &m);
}

/* ---- the course of an aggregation ---- */

static void begin_aggregation(struct collector *c)
{
	struct attrs before = c->attrs, share;
	uint64_t now = collector_now_ns(c);

	collector_drop_ended(c);
	collector_apply_commands(c);
	share = collector_share(c);
	for_each_open_stream(s, c) {
		aggregate_begin(&s->agg, &before, &share);
		s->watched->begin_ns = now;
	}
	c->begin_ns = now;
	if (before.aging_us != c->attrs.aging_us)
		c->aging_ns = now + c->attrs.aging_us * NSEC_PER_USEC;
	c->aggregation_ns += c->attrs.aggregation_us * NSEC_PER_USEC;
	/* After one that was late: what is left for this one has to have room for a check, or it would find nothing. */
	if (before.aggregation_us != c->attrs.aggregation_us || c->aggregation_ns <= now ||
	    c->aggregation_ns < c->aging_ns)
		c->aggregation_ns = now + c->attrs.aggregation_us * NSEC_PER_USEC;
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

/* The last words: what was seen since the last snapshot, and why there will be no more. */
static bool end(struct collector *c)
{
	if (!c->failure.code && !c->stop && !all_played(c)) {
		drain_all(c);
		for_each_open_stream(s, c)
			s->failure = ERR_NONE; /* that a source fails on a target that has ended is no news */
		for (unsigned k = 0; k < c->nr_watched; k++)
			if (c->watched[k]->target)
				target_refresh(c->watched[k]->target, NULL);
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
	if (c->stop || collector_see_ended(c))
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
	collector_look_for_children(c);
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
	if (c->with_children && c->look_ns < due)
		due = c->look_ns;
	return c->update_ns < due ? c->update_ns : due;
}

/* ---- opening and closing ---- */

static struct collector *collector_new(const struct source_ops *const *sources, const struct source_params *params,
				       struct channel *channel, struct err *err)
{
	struct collector *c = calloc(1, sizeof(*c));

	if (!c || collector_add_first(c, params->target, err)) {
		err_set(err, ENOMEM, "no memory");
		target_close(params->target);
		free(c);
		return NULL;
	}
	c->params = *params;
	c->params.nr_targets = &c->nr_watched;
	c->channel = channel;
	c->attrs = params->attrs;
	c->with_children = params->children;
	c->range_is_for_each = params->range_end > 0;
	for (; c->nr_sources < SOURCE_MAX_AT_ONCE && sources[c->nr_sources]; c->nr_sources++)
		c->sources[c->nr_sources] = sources[c->nr_sources];
	c->epoll_fd = c->timer_fd = -1;
	return c;
}

static int collector_begin(struct collector *c, struct err *err)
{
	struct watched *w = c->watched[0];
	uint64_t now;
	int rc;

	w->last_cpu_ns = w->target ? w->target->cpu_ns : 0;
	w->page_attrs = w->target ? page_attrs_new(w->target, err) : NULL;
	if (w->target && !w->page_attrs)
		return -ENOMEM;
	rc = collector_open_streams(c, err);
	if (rc)
		return rc;
	now = collector_now_ns(c);
	c->last_cpu_ns = clock_thread_cpu_ns();
	c->begin_ns = w->begin_ns = now;
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
	collector_free_watched(c);
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

	if (!rc && collector_watch(c, c->watched[0]->target ? c->watched[0]->target->pidfd : -1))
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
