/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two sources as one, on the one thread: clock says where inside the mappings
 * CPU time goes, referenced how many bytes of each mapping are in use, exactly,
 * and how often. Regions and heat are clock's; mappings and the working set are
 * referenced's, which is read once an aggregation, at its end.
 *
 * A look costs us too, by the page and the mapping, so it may be put off (walk_budget.h); until the next one the
 * working set is that of the last, with its age.
 *
 * Each gets half of the budget. Where half does not suffice for a look in each
 * aggregation referenced gets an eighth: its bytes are then those of a longer time
 * anyway, and what clock would lose is seen on the map.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "collector/clear_bits.h"
#include "collector/sources/sources.h"
#include "collector/text.h"

#define FULL_PARTS   2 /* referenced gets one of so many of the budget */
#define SMALL_PARTS  8
#define NR_STRETCHED 3 /* looks in a row that half of the budget did not suffice for */
#define MAX_AGE	     3 /* aggregations, and twice the window */
/*
 * Of one CPU, in 1/10 000, for looks, with the readings for rates beside them 0.55 % in all: clock and the rest have
 * taken 0.2 % where that was measured, and the goal is 1 %.
 */
#define LOOKS_SHARE_BP 40

struct clock_referenced {
	struct source source;
	struct source *clock, *referenced; /* referenced NULL: it has failed, and nobody had asked for it */
	bool unasked;
	struct err failure; /* of referenced */
	int epoll_fd;	    /* over both */
	const struct clock *time;
	const struct target *target;
	struct attrs attrs;
	unsigned parts, nr_stretched;
	bool rests;	    /* referenced does: clock has all of the budget */
	uint64_t stretched; /* of referenced's stats, at the last look */
	/* the last look, if there was one: what all mappings have used, in the time that ended then */
	bool has_looked;
	uint64_t used_bytes, window_ns, looked_ns, rss_bytes;
	/* referenced hands its mappings on, and no reports: clock's make the regions */
	struct sink mappings_only;
	struct sink *sink; /* during a call */
};

static struct clock_referenced *both_of(struct source *source)
{
	return (struct clock_referenced *)source;
}

/*
 * A look costs the target some time for each page in use, and the windows that rates are made of take as much again.
 * After a clear that was due the bytes are those of one aggregation: what a look in each would cost.
 */
static bool half_would_do(const struct clock_referenced *both, uint64_t used_bytes)
{
	uint64_t cost = used_bytes / PAGE_BYTES * CLEAR_BITS_REUSE_NS;

	return cost <= both->attrs.aggregation_us * NSEC_PER_USEC / 10000 * both->attrs.budget_bp / FULL_PARTS;
}

static struct attrs clock_attrs(const struct clock_referenced *both)
{
	struct attrs attrs = both->attrs;

	if (!both->rests)
		attrs.budget_bp -= attrs.budget_bp / both->parts;
	return attrs;
}

static struct attrs referenced_attrs(const struct clock_referenced *both)
{
	struct attrs attrs = both->attrs;

	source_referenced.default_attrs(&attrs);
	attrs.budget_bp = attrs.budget_bp >= both->parts ? attrs.budget_bp / both->parts : 1;
	return attrs;
}

static int put_attrs_in_force(struct clock_referenced *both, struct err *err)
{
	struct attrs own = clock_attrs(both);
	int rc = source_clock.set_attrs(both->clock, &own, err);

	if (rc)
		return rc;
	own = referenced_attrs(both);
	return both->referenced ? source_referenced.set_attrs(both->referenced, &own, err) : 0; /* it refuses nothing */
}

static int both_probe(const struct source_params *params, struct err *err)
{
	int rc = source_clock.probe(params, err);

	return rc ? rc : source_referenced.probe(params, err);
}

static void both_close(struct source *source)
{
	struct clock_referenced *both = both_of(source);

	if (!both)
		return;
	if (both->epoll_fd >= 0)
		close(both->epoll_fd);
	source_clock.close(both->clock);
	source_referenced.close(both->referenced);
	free(both);
}

static void drop_reports(struct sink *sink, const struct report *v, size_t nr)
{
	(void)sink;
	(void)v;
	(void)nr;
}

static void hand_on_mappings(struct sink *sink, const struct mapping_report *v, size_t nr)
{
	struct clock_referenced *both =
		(struct clock_referenced *)((char *)sink - offsetof(struct clock_referenced, mappings_only));

	both->has_looked = true;
	both->looked_ns = clock_now_ns(both->time);
	both->rss_bytes = both->target->rss_bytes;
	both->window_ns = nr ? v[0].window_ns : 0;
	both->used_bytes = 0;
	for (size_t i = 0; i < nr; i++)
		both->used_bytes += v[i].referenced_bytes;
	if (both->sink->mappings)
		both->sink->mappings(both->sink, v, nr);
}

/*
 * referenced has returned rc, and err. Where it cannot go on and nobody has asked for it, clock goes on alone: a system
 * may refuse what its files seemed to permit. What is to be returned.
 */
static int see_referenced(struct clock_referenced *both, int rc, struct err *err)
{
	if (rc >= 0 || rc == -ESRCH || !both->unasked)
		return rc;
	err_set(&both->failure, -rc, "%s", err && err->code ? err->text : strerror(-rc));
	if (err)
		*err = ERR_NONE;
	source_referenced.close(both->referenced);
	both->referenced = NULL;
	both->has_looked = false;
	both->rests = true;
	return put_attrs_in_force(both, err);
}

static int watch(struct clock_referenced *both, struct source *source)
{
	int fd = !source ? -1 : source->ops->poll_fd ? source->ops->poll_fd(source) : -1;
	struct epoll_event event = { .events = EPOLLIN };

	return fd < 0 ? 0 : epoll_ctl(both->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static int prepare(struct clock_referenced *both, struct err *err)
{
	if (!both->referenced)
		return 0;
	return see_referenced(both, source_referenced.prepare(both->referenced, err), err);
}

static int open_both(struct clock_referenced *both, const struct source_params *params, struct err *err)
{
	const struct clock_referenced *sibling = (const struct clock_referenced *)params->sibling;
	struct source_params own = *params;
	int rc;

	both->time = params->clock;
	both->target = params->target;
	both->unasked = params->unasked;
	both->attrs = params->attrs;
	both->parts = half_would_do(both, params->target->rss_bytes) ? FULL_PARTS : SMALL_PARTS;
	own.attrs = clock_attrs(both);
	own.sibling = sibling ? sibling->clock : NULL;
	rc = source_clock.open(&both->clock, &own, err);
	if (rc)
		return rc;
	own.attrs = referenced_attrs(both);
	own.sibling = sibling ? sibling->referenced : NULL;
	own.own_share_bp = LOOKS_SHARE_BP;
	rc = see_referenced(both, source_referenced.open(&both->referenced, &own, err), err);
	if (rc)
		return rc;
	both->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (both->epoll_fd < 0 || watch(both, both->clock) || watch(both, both->referenced))
		return err_set(err, errno, "waiting for two sources: %s", strerror(errno));
	return prepare(both, err);
}

static int both_open(struct source **source, const struct source_params *params, struct err *err)
{
	struct clock_referenced *both = calloc(1, sizeof(*both));
	int rc;

	*source = NULL;
	if (!both)
		return err_set(err, ENOMEM, "no memory");
	both->source.ops = &source_clock_referenced;
	both->mappings_only = (struct sink){ .reports = drop_reports, .mappings = hand_on_mappings };
	both->epoll_fd = -1;
	rc = open_both(both, params, err);
	if (rc)
		both_close(&both->source);
	else
		*source = &both->source;
	return rc;
}

static int both_poll_fd(struct source *source)
{
	return both_of(source)->epoll_fd;
}

static int both_drain(struct source *source, struct sink *sink, struct err *err)
{
	struct clock_referenced *both = both_of(source);
	int rc = source_clock.drain(both->clock, sink, err);

	if (rc || !both->referenced)
		return rc;
	return see_referenced(both, source_referenced.wake(both->referenced, err), err);
}

static int share_budget(struct clock_referenced *both, struct err *err)
{
	struct source_stats stats;
	unsigned parts = both->parts;
	bool stretched;

	source_referenced.stats(both->referenced, &stats);
	stretched = stats.stretched != both->stretched;
	both->stretched = stats.stretched;
	both->nr_stretched = stretched ? both->nr_stretched + 1 : 0;
	if (!stretched)
		parts = half_would_do(both, both->used_bytes) ? FULL_PARTS : SMALL_PARTS;
	else if (both->nr_stretched >= NR_STRETCHED)
		parts = SMALL_PARTS;
	if (parts == both->parts && stats.rests == both->rests)
		return 0;
	both->parts = parts;
	both->rests = stats.rests;
	both->nr_stretched = 0;
	return put_attrs_in_force(both, err);
}

/* 0, SOURCE_NO_CHECK: it is put off; or -errno. It also has nothing to say before its first clear, and while it rests.
 */
static int look(struct clock_referenced *both, struct sink *sink, struct err *err)
{
	bool had_looked = both->has_looked;
	int rc;

	both->has_looked = false;
	both->sink = sink;
	rc = see_referenced(both, source_referenced.drain(both->referenced, &both->mappings_only, err), err);
	both->sink = NULL;
	if (rc == SOURCE_NO_CHECK)
		both->has_looked = had_looked;
	return rc;
}

/*
 * What the last look has found stands for now while it is not much older than the time that it is of, and the target is
 * about as large as it was.
 */
static void tell_last_look(const struct clock_referenced *both, struct sink *sink)
{
	uint64_t age_ns = clock_now_ns(both->time) - both->looked_ns, rss = both->target->rss_bytes;
	uint64_t most_ns = 2 * both->window_ns + MAX_AGE * both->attrs.aggregation_us * NSEC_PER_USEC;

	if (!both->has_looked || !sink->working_set || age_ns > most_ns ||
	    rss > both->rss_bytes + both->rss_bytes / 4 || rss < both->rss_bytes - both->rss_bytes / 4)
		return;
	sink->working_set(sink, both->used_bytes, both->window_ns, age_ns);
}

static int both_end_aggregation(struct source *source, struct sink *sink, struct err *err)
{
	struct clock_referenced *both = both_of(source);
	int rc = both->referenced ? look(both, sink, err) : 0;

	if (!both->referenced)
		return rc;
	if (rc == SOURCE_NO_CHECK) {
		tell_last_look(both, sink);
		return 0;
	}
	if (rc)
		return rc;
	rc = share_budget(both, err);
	return rc ? rc : prepare(both, err);
}

static int both_set_attrs(struct source *source, const struct attrs *attrs, struct err *err)
{
	struct clock_referenced *both = both_of(source);
	struct attrs before = both->attrs;
	int rc;

	both->attrs = *attrs;
	rc = put_attrs_in_force(both, err);
	if (rc)
		both->attrs = before;
	return rc;
}

static int both_target_changed(struct source *source, unsigned changes, struct err *err)
{
	struct clock_referenced *both = both_of(source);
	int rc = source_clock.target_changed(both->clock, changes, err);

	if (changes & TARGET_CHANGED_EXEC)
		both->has_looked = false;
	if (rc || !both->referenced)
		return rc;
	return see_referenced(both, source_referenced.target_changed(both->referenced, changes, err), err);
}

/* First, since there may not be room for both. */
static void add_note(struct source_stats *stats, const char *first)
{
	char second[sizeof(stats->note)];
	int len;

	memcpy(second, stats->note, sizeof(second));
	len = snprintf(stats->note, sizeof(stats->note), "%s", first);
	if (len + 3 < (int)sizeof(stats->note))
		snprintf(stats->note + len, sizeof(stats->note) - (size_t)len, "; %s", second);
}

static void add_cost(struct source_stats *stats, uint64_t cost_ns)
{
	char cost[TEXT_NUMBER_SIZE];
	size_t len = strlen(stats->note);

	snprintf(stats->note + len, sizeof(stats->note) - len, "; a clear of bits costs the target %s",
		 text_duration_us(cost, cost_ns / NSEC_PER_USEC));
}

/* Samples and their cost are clock's: so is the share that could not be attributed. */
static void both_stats(struct source *source, struct source_stats *stats)
{
	struct clock_referenced *both = both_of(source);
	struct source_stats referenced;
	char note[sizeof(stats->note)];

	source_clock.stats(both->clock, stats);
	if (!both->referenced) {
		snprintf(note, sizeof(note), "referenced rests: %.*s", (int)strcspn(both->failure.text, ";"),
			 both->failure.text);
		add_note(stats, note);
		return;
	}
	source_referenced.stats(both->referenced, &referenced);
	stats->stretched = referenced.stretched;
	if (referenced.rests)
		add_note(stats, referenced.note);
	else if (referenced.check_cost_ns)
		add_cost(stats, referenced.check_cost_ns);
}

const struct source_ops source_clock_referenced = {
	.name = "clock+referenced",
	.sees = "where inside the mappings CPU time goes (clock), and the bytes in use of each, exactly (referenced)",
	.side_effect =
		"clears the target's access bits, which reclaim and other monitors use too; each page used again "
		"costs it up to 0.4 us",
	.regions_from = "clock",
	.mappings_from = "referenced",
	.heat_unit = HEAT_TIME,
	.flags = SOURCE_AUTO | SOURCE_WSS_EXACT | SOURCE_CLEARS,
	.probe = both_probe,
	.open = both_open,
	.poll_fd = both_poll_fd,
	.drain = both_drain,
	.end_aggregation = both_end_aggregation,
	.set_attrs = both_set_attrs,
	.target_changed = both_target_changed,
	.stats = both_stats,
	.close = both_close,
};
