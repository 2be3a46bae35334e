/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processes that are watched: the one that was asked for and, where that is wanted, its descendants. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "collector/collector_internal.h"
#include "collector/space.h"

/* Looks for descendants in an aggregation, and the time between two of them. */
#define LOOKS_AN_AGGREGATION 4
#define LOOK_MIN_NS	     (50 * NSEC_PER_MSEC)
#define LOOK_MAX_NS	     (500 * NSEC_PER_MSEC)
/* Looking for them takes this part of the time at most. */
#define LOOK_MAX_SHARE 100
/* Processes are taken in for so long at once; those that are left come with the next look. */
#define TAKE_MAX_NS (100 * NSEC_PER_MSEC)

/* ---- the list ---- */

static void number_watched(struct collector *c)
{
	for (unsigned k = 0; k < c->nr_watched; k++)
		c->watched[k]->at = k;
}

/* At its place by its space. */
static void insert(struct collector *c, struct watched *w)
{
	unsigned at = c->nr_watched;

	for (; at && c->watched[at - 1]->space > w->space; at--)
		c->watched[at] = c->watched[at - 1];
	c->watched[at] = w;
	c->nr_watched++;
	number_watched(c);
	c->joined_is_stale = true;
}

static void remove_watched(struct collector *c, struct watched *w)
{
	unsigned at = w->at;

	c->nr_watched--;
	memmove(&c->watched[at], &c->watched[at + 1], (c->nr_watched - at) * sizeof(*c->watched));
	number_watched(c);
	c->joined_is_stale = true;
}

static void free_watched(struct watched *w)
{
	for (unsigned i = 0; i < SOURCE_MAX_AT_ONCE; i++)
		stream_close(&w->streams[i]);
	page_attrs_free(w->page_attrs);
	target_close(w->target);
	free(w);
}

int collector_add_first(struct collector *c, struct target *target, struct err *err)
{
	struct watched *w = calloc(1, sizeof(*w));

	if (!w)
		return err_set(err, ENOMEM, "no memory");
	w->target = target;
	insert(c, w);
	return 0;
}

void collector_free_watched(struct collector *c)
{
	while (c->nr_watched)
		free_watched(c->watched[--c->nr_watched]);
	mappings_put(c->joined);
	c->joined = NULL;
	family_free(&c->family);
}

/* A number that nobody has; those given back last come last. */
static uint8_t free_space(struct collector *c)
{
	bool taken = true;

	while (taken) {
		c->last_space = c->last_space + 1 < SPACE_MAX ? c->last_space + 1 : 1;
		taken = false;
		for (unsigned k = 0; k < c->nr_watched; k++)
			taken |= c->watched[k]->space == c->last_space;
	}
	return (uint8_t)c->last_space;
}

/* ---- one comes ---- */

static void notice(struct collector *c, pid_t pid, const char *comm, const struct err *why)
{
	struct err err = ERR_NONE;

	err_set(&err, why->code ? why->code : EIO, "process %d%s%s%s is not watched, the others are: %.400s", (int)pid,
		*comm ? " (" : "", comm, *comm ? ")" : "", why->text);
	collector_publish(c, MESSAGE_NOTICE, NULL, &err);
}

/* All sources that there are, on one more process. */
static int open_sources(struct collector *c, struct watched *w, struct err *err)
{
	int rc = 0;

	if (collector_watch(c, w->target->pidfd))
		return err_set(err, errno, "waiting for its end: %s", strerror(errno));
	for (unsigned i = 0; !rc && i < c->nr_sources; i++)
		if (collector_has_source(c, i))
			rc = collector_open_stream(c, w, i, c->sources[i], err);
	return rc;
}

/* -ESRCH: it has ended meanwhile, or the number is another one's by now. */
static int open_relative(struct watched *w, const struct relative *relative, struct err *err)
{
	int rc = target_open(&w->target, relative->pid, err);

	if (rc)
		return rc;
	if (w->target->start_ticks != relative->start_ticks)
		return -ESRCH;
	w->page_attrs = page_attrs_new(w->target, err);
	return w->page_attrs ? 0 : -ENOMEM;
}

static void take_in(struct collector *c, const struct relative *relative)
{
	struct watched *w = calloc(1, sizeof(*w));
	struct err err = ERR_NONE;
	int rc = w ? open_relative(w, relative, &err) : -ENOMEM;

	if (!rc) {
		w->space = free_space(c);
		w->begin_ns = collector_now_ns(c);
		w->last_cpu_ns = w->target->cpu_ns;
		insert(c, w);
		rc = open_sources(c, w, &err);
		if (!rc)
			return;
		remove_watched(c, w);
	}
	if (rc != -ESRCH && !(w && w->target && target_has_ended(w->target))) {
		notice(c, relative->pid, w && w->target ? w->target->comm : "", &err);
		family_refuse(&c->family, relative->pid, relative->start_ticks);
	}
	if (w)
		free_watched(w);
}

/* ---- looking for them ---- */

static uint64_t uptime_ms(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / NSEC_PER_MSEC;
}

static uint64_t look_interval_ns(const struct collector *c)
{
	uint64_t ns = c->attrs.aggregation_us * NSEC_PER_USEC / LOOKS_AN_AGGREGATION;

	return ns < LOOK_MIN_NS ? LOOK_MIN_NS : ns > LOOK_MAX_NS ? LOOK_MAX_NS : ns;
}

static int look(struct collector *c)
{
	struct family_member members[MAPPINGS_MAX_PROCESSES];

	for (unsigned k = 0; k < c->nr_watched; k++)
		members[k] = (struct family_member){ c->watched[k]->target->pid, c->watched[k]->target->start_ticks };
	return family_look(&c->family, "", members, c->nr_watched, getpid(), uptime_ms());
}

/* The most resident first, as far as there is room. A copy: who is refused changes the list. */
static void take_all_in(struct collector *c, uint64_t begin_ns)
{
	struct relative *v = malloc((c->family.nr + 1) * sizeof(*v));
	size_t nr = c->family.nr;

	if (!v)
		return;
	if (nr)
		memcpy(v, c->family.v, nr * sizeof(*v));
	c->family.nr_left_out = 0;
	for (size_t i = 0; i < nr; i++) {
		if (v[i].refused)
			continue;
		if (c->nr_watched == MAPPINGS_MAX_PROCESSES)
			c->family.nr_left_out++;
		else if (collector_now_ns(c) < begin_ns + TAKE_MAX_NS)
			take_in(c, &v[i]);
	}
	free(v);
}

void collector_look_for_children(struct collector *c)
{
	uint64_t now = collector_now_ns(c), cpu_ns = clock_thread_cpu_ns(), least;

	if (!c->with_children || now < c->look_ns || !c->watched[0]->target)
		return;
	/* by CPU time: that others have the CPU meanwhile is no cost of ours */
	if (!look(c)) {
		c->look_ns = now + (clock_thread_cpu_ns() - cpu_ns) * LOOK_MAX_SHARE;
		take_all_in(c, collector_now_ns(c));
	}
	least = collector_now_ns(c) + look_interval_ns(c);
	if (c->look_ns < least)
		c->look_ns = least;
}

/* ---- one goes ---- */

static void unwatch(struct collector *c, int fd)
{
	if (fd >= 0 && c->epoll_fd >= 0)
		epoll_ctl(c->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

/* What it did last is in its rings and bits; nothing wakes us for it any more. */
static void end_process(struct collector *c, struct watched *w)
{
	for (unsigned i = 0; i < c->nr_sources; i++) {
		struct stream *s = &w->streams[i];

		if (!stream_is_open(s))
			continue;
		collector_take(c, s, s->ops->drain);
		s->failure = ERR_NONE; /* that a source fails on a target that has ended is no news */
		if (s->wakes)
			unwatch(c, s->ops->poll_fd(s->source));
	}
	unwatch(c, w->target->pidfd);
	target_refresh(w->target, NULL);
	w->ended = true;
}

bool collector_see_ended(struct collector *c)
{
	struct pollfd fds[MAPPINGS_MAX_PROCESSES];
	unsigned nr_living = 0;

	if (!c->watched[0]->target)
		return false;
	for (unsigned k = 0; k < c->nr_watched; k++)
		fds[k] = (struct pollfd){ .fd = c->watched[k]->ended ? -1 : c->watched[k]->target->pidfd,
					  .events = POLLIN };
	poll(fds, c->nr_watched, 0);
	for (unsigned k = 0; k < c->nr_watched; k++)
		nr_living += !c->watched[k]->ended && !fds[k].revents;
	if (!nr_living)
		return true;
	for (unsigned k = 0; k < c->nr_watched; k++)
		if (fds[k].revents)
			end_process(c, c->watched[k]);
	return false;
}

void collector_drop_process(struct collector *c, struct watched *w, const struct err *why)
{
	if (!target_has_ended(w->target)) {
		notice(c, w->target->pid, w->target->comm, why);
		family_refuse(&c->family, w->target->pid, w->target->start_ticks);
	}
	remove_watched(c, w);
	free_watched(w);
}

void collector_drop_ended(struct collector *c)
{
	for (unsigned k = c->nr_watched; k-- > 0;) {
		struct watched *w = c->watched[k];

		if (!w->ended)
			continue;
		remove_watched(c, w);
		free_watched(w);
	}
}

/* ---- with children, or without ---- */

/* Sources that have one target. */
static int check_sources(const struct collector *c, struct err *err)
{
	int rc = c->watched[0]->target ? 0
				       : err_set(err, ENOTSUP, "there is no process whose children could be watched");

	for (unsigned i = 0; !rc && i < c->nr_sources; i++)
		if (collector_has_source(c, i))
			rc = source_check_children(c->sources[i], err);
	return rc;
}

void collector_set_children(struct collector *c, bool with_children)
{
	struct err err = ERR_NONE;
	int rc = with_children ? check_sources(c, &err) : 0;

	if (!with_children && c->watched[0]->space)
		rc = err_set(&err, ESRCH, "the first process has ended: its children are all there is");
	if (rc) {
		collector_publish(c, MESSAGE_NOTICE, NULL, &err);
		return;
	}
	c->with_children = with_children;
	c->look_ns = 0;
	if (with_children)
		return;
	while (c->nr_watched > 1) {
		struct watched *w = c->watched[c->nr_watched - 1];

		remove_watched(c, w);
		free_watched(w);
	}
	mappings_put(c->joined);
	c->joined = NULL;
	family_free(&c->family);
}

/* ---- what they have in common ---- */

/* Of a page that no process has. */
#define NOWHERE (~UINT64_C(0) & ~(2 * PAGE_BYTES - 1))

void collector_range_of(const struct collector *c, const struct watched *w, uint64_t *start, uint64_t *end)
{
	if (!c->with_children || c->range_is_for_each || !*end || space_part(w->space, start, end))
		return;
	*start = NOWHERE;
	*end = NOWHERE + PAGE_BYTES;
}

struct mappings *collector_joined_maps(struct collector *c)
{
	struct mappings_part parts[MAPPINGS_MAX_PROCESSES];
	struct mappings *joined;

	if (c->joined && !c->joined_is_stale)
		return c->joined;
	for (unsigned k = 0; k < c->nr_watched; k++) {
		const struct target *t = c->watched[k]->target;

		parts[k] = (struct mappings_part){
			.process = { .space = c->watched[k]->space, .pid = t->pid, .start_ticks = t->start_ticks },
			.maps = t->maps,
		};
		memcpy(parts[k].process.comm, t->comm, sizeof(parts[k].process.comm));
	}
	joined = mappings_join(parts, c->nr_watched);
	if (!joined)
		return NULL;
	mappings_put(c->joined);
	c->joined = joined;
	c->joined_is_stale = false;
	return joined;
}
