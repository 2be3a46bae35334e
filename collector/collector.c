/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/collector.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "collector/aggregate.h"
#include "collector/page_attrs.h"

/* Questions about pages that a snapshot may cost. */
#define PAGE_ATTRS_BUDGET 2048
/* Reading the mappings of a target may take this part of the time: 65 000 of them take 30 ms and more. */
#define UPDATE_MAX_SHARE 100
/* A command that finds a longer rest of an aggregation than this ends it early: nobody waits an hour for a key. */
#define COMMAND_MAX_WAIT_NS (NSEC_PER_SEC)

struct collector {
	const struct source_ops *ops;
	struct source_params params;
	struct channel *channel;
	struct target *target; /* NULL: the source has its own */
	struct source *source;
	struct sink sink;
	struct aggregate agg;
	struct page_attrs *page_attrs;
	struct mappings *maps; /* in force for the regions; one reference */
	struct attrs attrs;    /* of the aggregation that is under way */
	struct attrs next;     /* asked for, from the next one on */
	bool has_next;
	struct range next_limit;
	bool has_next_limit;
	bool stop;
	bool played;				      /* a source that brings its own target has nothing more */
	struct err failure;			      /* why it ends, if not as asked */
	uint64_t begin_ns;			      /* of the aggregation */
	uint64_t aging_ns, aggregation_ns, update_ns; /* due at */
	uint64_t seq;
	uint32_t flags; /* enum snap_flags for the next snapshot */
	struct source_stats last_stats;
	uint64_t last_cpu_ns, last_target_cpu_ns;
	/* with a thread */
	pthread_t thread;
	int epoll_fd, timer_fd;
	bool source_wakes; /* its fd is among those waited for */
};

static uint64_t now_ns(const struct collector *c)
{
	return clock_now_ns(c->params.clock);
}

static void publish(struct collector *c, enum message_type type, struct snapshot *snap, const struct err *err)
{
	struct message message = { .type = type, .snapshot = snap ? snapshot_pack(snap) : NULL };

	if (err)
		message.err = *err;
	channel_publish(c->channel, &message);
}

/* ---- source to regions ---- */

static void sink_reports(struct sink *sink, const struct report *v, size_t nr)
{
	struct collector *c = (struct collector *)((char *)sink - offsetof(struct collector, sink));

	if (aggregate_add(&c->agg, v, nr))
		err_set(&c->failure, ENOMEM, "no memory for %zu reports", nr);
}

static void sink_mappings(struct sink *sink, const struct mapping_report *v, size_t nr)
{
	struct collector *c = (struct collector *)((char *)sink - offsetof(struct collector, sink));

	if (aggregate_keep_mappings(&c->agg, v, nr))
		err_set(&c->failure, ENOMEM, "no memory for %zu mappings", nr);
}

/* A hook that hands over; NULL is fine. False: the source has not looked. */
static bool take(struct collector *c, int (*hook)(struct source *source, struct sink *sink, struct err *err))
{
	struct err err = ERR_NONE;
	int rc = hook ? hook(c->source, &c->sink, &err) : 0;

	if (rc == -ESRCH && !c->target)
		c->played = true;
	else if (rc == -ESRCH)
		c->update_ns = 0; /* look at the target now: it says whether it has ended */
	else if (rc < 0)
		c->failure = err.code ? err : (struct err){ .code = -rc, .text = "the source has failed" };
	return rc != SOURCE_NO_CHECK;
}

static bool drain(struct collector *c)
{
	return take(c, c->ops->drain);
}

/* A hook without a sink; NULL is fine. */
static void call(struct collector *c, int (*hook)(struct source *source, struct err *err))
{
	struct err err = ERR_NONE;
	int rc = hook ? hook(c->source, &err) : 0;

	if (rc && rc != -ESRCH)
		c->failure = err.code ? err : (struct err){ .code = -rc, .text = "the source has failed" };
}

/* ---- target to regions ---- */

static void use_mappings(struct collector *c, struct mappings *maps, bool fresh)
{
	if (maps != c->maps || fresh) {
		mappings_put(c->maps);
		c->maps = mappings_get(maps);
		if (aggregate_set_mappings(&c->agg, maps, &c->attrs, fresh))
			err_set(&c->failure, ENOMEM, "no memory for regions");
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
	if (changes & TARGET_CHANGED_EXEC) {
		c->flags |= SNAP_EXEC;
		page_attrs_reset(c->page_attrs);
	}
	if (changes & TARGET_CHANGED_MAPPINGS)
		c->flags |= SNAP_MAPS;
	use_mappings(c, c->target->maps, changes & TARGET_CHANGED_EXEC);
	if (changes && c->ops->target_changed) {
		int rc = c->ops->target_changed(c->source, (unsigned)changes, &err);

		if (rc && rc != -ESRCH)
			c->failure = err;
	}
}

static void update(struct collector *c)
{
	uint64_t begin = now_ns(c), end;

	if (c->target)
		update_target(c);
	end = now_ns(c);
	c->update_ns += c->attrs.update_us * NSEC_PER_USEC;
	if (c->update_ns < end + (end - begin) * UPDATE_MAX_SHARE)
		c->update_ns = end + (end - begin) * UPDATE_MAX_SHARE;
	if (c->update_ns <= end)
		c->update_ns = end + c->attrs.update_us * NSEC_PER_USEC;
}

/* ---- regions to snapshot ---- */

/* What the source counted since the previous snapshot. */
static void fill_stats(struct collector *c, struct snapshot *snap, const struct source_stats *now)
{
	const struct source_stats *last = &c->last_stats;
	uint64_t cpu_ns = clock_thread_cpu_ns();

	snap->stats.samples = now->samples - last->samples;
	snap->stats.lost = now->lost - last->lost;
	snap->stats.throttled = now->throttled - last->throttled;
	snap->stats.unattributed = now->unattributed - last->unattributed;
	snap->stats.malformed = now->malformed - last->malformed;
	snap->stats.freq_hz = now->freq_hz;
	snap->stats.cost_ns = now->cost_ns;
	snap->stats.cpu_us = (cpu_ns - c->last_cpu_ns) / NSEC_PER_USEC;
	snap->stats.dropped = channel_nr_dropped(c->channel);
	if (now->stretched != last->stretched)
		snap->flags &= ~(uint32_t)SNAP_WSS_EXACT;
	snprintf(snap->note, sizeof(snap->note), "%s", now->note);
	c->last_cpu_ns = cpu_ns;
	c->last_stats = *now;
}

static void fill_target(struct collector *c, struct snapshot *snap)
{
	const struct target *t = c->target;

	if (!t) {
		snprintf(snap->comm, sizeof(snap->comm), "%s", c->ops->name);
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
	snap->target_cpu_us = (t->cpu_ns - c->last_target_cpu_ns) / NSEC_PER_USEC;
	c->last_target_cpu_ns = t->cpu_ns;
}

static void fill_common(struct collector *c, struct snapshot *snap, const struct source_stats *stats)
{
	uint64_t now = now_ns(c);

	snap->seq = c->seq++;
	snap->time_ns = now;
	snap->wall_ns = clock_wall_ns(c->params.clock);
	snap->source = c->ops->name;
	snap->regions_from = c->ops->regions_from;
	snap->mappings_from = c->ops->mappings_from;
	snap->attrs = c->attrs;
	snap->flags |= c->flags;
	c->flags = 0;
	fill_target(c, snap);
	fill_stats(c, snap, stats);
	if (c->page_attrs)
		page_attrs_fill(c->page_attrs, c->target, snap, PAGE_ATTRS_BUDGET, now);
}

static void aggregate(struct collector *c)
{
	struct source_stats stats = { 0 };
	struct snapshot *snap;
	uint64_t now;

	if (!(c->flags & SNAP_FINAL)) /* of a target that has ended there is nothing more to tell */
		take(c, c->ops->end_aggregation);
	now = now_ns(c);
	c->ops->stats(c->source, &stats);
	snap = aggregate_finish(&c->agg, &c->attrs, mappings_get(c->maps), now - c->begin_ns,
				stats.samples - c->last_stats.samples);
	if (!snap) {
		err_set(&c->failure, ENOMEM, "no memory for a snapshot");
		return;
	}
	fill_common(c, snap, &stats);
	publish(c, MESSAGE_SNAPSHOT, snap, NULL);
}

/* Of [start, end). All of it where there are no mappings. */
static uint64_t mapped_bytes(const struct mappings *maps, uint64_t start, uint64_t end)
{
	const struct mapping *m = maps ? mappings_from(maps, start) : NULL;
	uint64_t sum = 0;

	if (!maps)
		return end - start;
	for (; m && m < maps->v + maps->nr && m->start < end; m++)
		sum += (m->end < end ? m->end : end) - (m->start > start ? m->start : start);
	return sum;
}

/* The source has made the regions itself: they are the snapshot, and their end is the end of an aggregation. */
static void sink_regions(struct sink *sink, const struct region_report *v, size_t nr, uint32_t max_nr_accesses,
			 uint64_t duration_ns)
{
	struct collector *c = (struct collector *)((char *)sink - offsetof(struct collector, sink));
	struct snapshot *snap = snapshot_new(nr, false, 0, mappings_get(c->maps));
	struct source_stats stats = { 0 };

	if (!snap) {
		err_set(&c->failure, ENOMEM, "no memory for a snapshot");
		return;
	}
	snap->heat_unit = HEAT_FRACTION;
	snap->max_nr_accesses = max_nr_accesses;
	snap->duration_ns = duration_ns;
	snap->flags = SNAP_WSS_KNOWN;
	for (size_t i = 0; i < nr; i++) {
		snap->regions[i] = (struct snap_region){
			.start = v[i].start,
			.end = v[i].end,
			.nr_accesses = v[i].nr_accesses,
			.age = v[i].age,
			.heat = max_nr_accesses ? (float)v[i].nr_accesses / (float)max_nr_accesses : 0,
			.nr_reports = max_nr_accesses,
		};
		if (v[i].nr_accesses)
			snap->wss_bytes += mapped_bytes(c->maps, v[i].start, v[i].end);
	}
	snap->stats.reports = nr;
	if (c->ops->attrs_in_force)
		c->ops->attrs_in_force(c->source, &c->attrs);
	c->ops->stats(c->source, &stats);
	fill_common(c, snap, &stats);
	publish(c, MESSAGE_SNAPSHOT, snap, NULL);
}

static void sink_snapshot(struct sink *sink, struct snapshot *snap)
{
	struct collector *c = (struct collector *)((char *)sink - offsetof(struct collector, sink));

	publish(c, MESSAGE_SNAPSHOT, snap, NULL);
}

static void sink_play(struct sink *sink, const struct play_state *state)
{
	struct collector *c = (struct collector *)((char *)sink - offsetof(struct collector, sink));
	struct message message = { .type = MESSAGE_PLAY, .play = *state };

	channel_publish(c->channel, &message);
}

static size_t sink_room(struct sink *sink)
{
	struct collector *c = (struct collector *)((char *)sink - offsetof(struct collector, sink));

	return channel_room(c->channel);
}

/* ---- commands ---- */

static void take_commands(struct collector *c)
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
			if (c->ops->play)
				c->ops->play(c->source, &command.play);
			break;
		case COMMAND_STOP:
			c->stop = true;
			break;
		}
	}
	now = now_ns(c);
	if ((c->has_next || c->has_next_limit) && c->aggregation_ns > now + COMMAND_MAX_WAIT_NS)
		c->aggregation_ns = now + COMMAND_MAX_WAIT_NS;
}

static void apply_attrs(struct collector *c)
{
	struct err err = ERR_NONE;
	int rc = attrs_check(&c->next, &err);

	c->has_next = false;
	if (!rc && c->ops->set_attrs)
		rc = c->ops->set_attrs(c->source, &c->next, &err);
	if (rc) {
		publish(c, MESSAGE_NOTICE, NULL, &err);
		return;
	}
	c->attrs = c->next;
	if (aggregate_set_mappings(&c->agg, c->maps, &c->attrs, false))
		err_set(&c->failure, ENOMEM, "no memory for regions");
}

static void apply_limit(struct collector *c)
{
	struct err err = ERR_NONE;

	c->has_next_limit = false;
	if (c->ops->flags & SOURCE_REGIONS) {
		err_set(&err, ENOTSUP, "%s cannot be limited while it runs%s", c->ops->name,
			c->ops->flags & SOURCE_RANGE ? ": start with --range" : "");
		publish(c, MESSAGE_NOTICE, NULL, &err);
		return;
	}
	aggregate_limit(&c->agg, c->next_limit.start, c->next_limit.end);
	if (aggregate_set_mappings(&c->agg, c->maps, &c->attrs, false))
		err_set(&c->failure, ENOMEM, "no memory for regions");
}

/* ---- the course of an aggregation ---- */

static void begin_aggregation(struct collector *c)
{
	struct attrs before = c->attrs;
	uint64_t now = now_ns(c);

	if (c->has_next)
		apply_attrs(c);
	if (c->has_next_limit)
		apply_limit(c);
	aggregate_begin(&c->agg, &before, &c->attrs);
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

	if (drain(c)) {
		aggregate_end_check(&c->agg);
		call(c, c->ops->prepare);
	}
	now = now_ns(c);
	c->aging_ns += c->attrs.aging_us * NSEC_PER_USEC;
	if (c->aging_ns <= now)
		c->aging_ns = now + c->attrs.aging_us * NSEC_PER_USEC;
}

static bool target_is_gone(const struct collector *c)
{
	return c->target && target_has_ended(c->target);
}

/* The last words: what was seen since the last snapshot, and why there will be no more. */
static bool end(struct collector *c)
{
	if (!c->failure.code && !c->stop && !c->played) {
		drain(c);
		c->failure = ERR_NONE; /* that a source fails on a target that has ended is no news */
		target_refresh(c->target, NULL);
		c->flags |= SNAP_FINAL;
		if (!(c->ops->flags & SOURCE_REGIONS)) /* those have made their last one */
			aggregate(c);
	}
	publish(c, MESSAGE_ENDED, NULL, &c->failure);
	return false;
}

bool collector_step(struct collector *c)
{
	uint64_t now;

	take_commands(c);
	if (c->stop || target_is_gone(c))
		return end(c);
	now = now_ns(c);
	if (now >= c->aging_ns)
		check_accesses(c);
	else if (c->ops->flags & SOURCE_CHECKS)
		call(c, c->ops->wake);
	else
		drain(c);
	if (now >= c->update_ns)
		update(c);
	if (now >= c->aggregation_ns && !(c->ops->flags & SOURCE_REGIONS)) {
		aggregate(c);
		begin_aggregation(c);
	} else if ((c->has_next || c->has_next_limit) && (c->ops->flags & SOURCE_REGIONS)) {
		begin_aggregation(c);
	}
	return c->failure.code || c->played ? end(c) : true;
}

uint64_t collector_deadline_ns(const struct collector *c)
{
	bool regions = c->ops->flags & SOURCE_REGIONS;
	uint64_t due = regions && c->source_wakes ? UINT64_MAX : c->aging_ns; /* it ages by itself, and says so */

	if (!regions && c->aggregation_ns < due)
		due = c->aggregation_ns;
	return c->update_ns < due ? c->update_ns : due;
}

/* ---- opening and closing ---- */

static struct collector *collector_new(const struct source_ops *ops, const struct source_params *params,
				       struct channel *channel, struct err *err)
{
	struct collector *c = calloc(1, sizeof(*c));

	if (!c) {
		err_set(err, ENOMEM, "no memory");
		target_close(params->target);
		return NULL;
	}
	c->ops = ops;
	c->params = *params;
	c->channel = channel;
	c->target = params->target;
	c->attrs = params->attrs;
	c->sink = (struct sink){
		.reports = sink_reports,
		.regions = sink_regions,
		.mappings = sink_mappings,
		.snapshot = sink_snapshot,
		.play = sink_play,
		.room = sink_room,
	};
	c->epoll_fd = c->timer_fd = -1;
	return c;
}

static int open_source(struct collector *c, struct err *err)
{
	int rc = c->ops->open(&c->source, &c->params, err);
	struct mappings *own;

	if (rc)
		return rc;
	if (c->target) {
		c->page_attrs = page_attrs_new(c->target, err);
		if (!c->page_attrs)
			return -ENOMEM;
		c->last_target_cpu_ns = c->target->cpu_ns;
		use_mappings(c, c->target->maps, false);
	} else {
		own = c->ops->mappings(c->source);
		use_mappings(c, own, false);
		mappings_put(own);
	}
	return c->failure.code ? err_set(err, c->failure.code, "%s", c->failure.text) : 0;
}

static int collector_begin(struct collector *c, struct err *err)
{
	bool checks = c->ops->flags & SOURCE_CHECKS;
	uint64_t now;
	int rc;

	if (aggregate_init(&c->agg, checks, c->ops->flags & SOURCE_WSS_EXACT, c->ops->heat_unit, c->params.seed))
		return err_set(err, ENOMEM, "no memory for regions");
	if (!(c->ops->flags & SOURCE_REGIONS))
		aggregate_limit(&c->agg, c->params.range_start, c->params.range_end);
	rc = open_source(c, err);
	if (rc)
		return rc;
	call(c, c->ops->prepare);
	now = now_ns(c);
	c->last_cpu_ns = clock_thread_cpu_ns();
	c->begin_ns = now;
	c->aging_ns = now + c->attrs.aging_us * NSEC_PER_USEC;
	c->aggregation_ns = now + c->attrs.aggregation_us * NSEC_PER_USEC;
	c->update_ns = now + c->attrs.update_us * NSEC_PER_USEC;
	return 0;
}

int collector_open(struct collector **collector, const struct source_ops *ops, const struct source_params *params,
		   struct channel *channel, struct err *err)
{
	struct collector *c = collector_new(ops, params, channel, err);
	int rc;

	*collector = NULL;
	if (!c)
		return -ENOMEM;
	rc = collector_begin(c, err);
	if (rc) {
		collector_close(c);
		return rc;
	}
	*collector = c;
	return 0;
}

void collector_close(struct collector *c)
{
	if (!c)
		return;
	if (c->source)
		c->ops->close(c->source);
	page_attrs_free(c->page_attrs);
	aggregate_free(&c->agg);
	mappings_put(c->maps);
	target_close(c->target);
	if (c->epoll_fd >= 0)
		close(c->epoll_fd);
	if (c->timer_fd >= 0)
		close(c->timer_fd);
	free(c);
}

/* ---- the thread ---- */

static int watch(struct collector *c, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return fd < 0 ? 0 : epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static int open_waiting(struct collector *c, struct err *err)
{
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	c->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (c->epoll_fd < 0 || c->timer_fd < 0 || watch(c, c->timer_fd) || watch(c, channel_command_fd(c->channel)))
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
	int rc = collector_begin(c, &err), fd = -1;

	if (!rc && c->ops->poll_fd)
		fd = c->ops->poll_fd(c->source);
	c->source_wakes = fd >= 0;
	if (!rc && (watch(c, fd) || watch(c, c->target ? c->target->pidfd : -1)))
		rc = err_set(&err, errno, "setting up the collector: %s", strerror(errno));
	if (rc) {
		publish(c, MESSAGE_ENDED, NULL, &err);
		return NULL;
	}
	do
		wait_for_work(c);
	while (collector_step(c));
	/* Here, on the thread that opened it, so that the system is as it was when the other one hears of the end. */
	c->ops->close(c->source);
	c->source = NULL;
	return NULL;
}

int collector_start(struct collector **collector, const struct source_ops *ops, const struct source_params *params,
		    struct channel *channel, struct err *err)
{
	struct collector *c = collector_new(ops, params, channel, err);
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
