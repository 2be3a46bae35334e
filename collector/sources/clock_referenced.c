/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two sources as one, on the one thread: clock says where inside the mappings
 * CPU time goes, referenced how many bytes of each mapping are in use, exactly,
 * and how often. Regions and heat are clock's; mappings and the working set are
 * referenced's, which is read once an aggregation, at its end.
 *
 * Each gets half of the budget.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "collector/sources/sources.h"

struct clock_referenced {
	struct source source;
	struct source *clock, *referenced;
	int epoll_fd; /* over both */
	/* referenced hands its mappings on, and no reports: clock's make the regions */
	struct sink mappings_only;
	struct sink *sink; /* during a call */
};

static struct clock_referenced *both_of(struct source *source)
{
	return (struct clock_referenced *)source;
}

static struct attrs clock_attrs(struct attrs attrs)
{
	attrs.budget_bp -= attrs.budget_bp / 2;
	return attrs;
}

static struct attrs referenced_attrs(struct attrs attrs)
{
	source_referenced.default_attrs(&attrs);
	attrs.budget_bp = attrs.budget_bp > 1 ? attrs.budget_bp / 2 : 1;
	return attrs;
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

	if (both->sink->mappings)
		both->sink->mappings(both->sink, v, nr);
}

static int watch(struct clock_referenced *both, struct source *source)
{
	int fd = source->ops->poll_fd ? source->ops->poll_fd(source) : -1;
	struct epoll_event event = { .events = EPOLLIN };

	return fd < 0 ? 0 : epoll_ctl(both->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static int open_both(struct clock_referenced *both, const struct source_params *params, struct err *err)
{
	struct source_params own = *params;
	int rc;

	own.attrs = clock_attrs(params->attrs);
	rc = source_clock.open(&both->clock, &own, err);
	if (rc)
		return rc;
	own.attrs = referenced_attrs(params->attrs);
	rc = source_referenced.open(&both->referenced, &own, err);
	if (rc)
		return rc;
	both->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (both->epoll_fd < 0 || watch(both, both->clock) || watch(both, both->referenced))
		return err_set(err, errno, "waiting for two sources: %s", strerror(errno));
	return source_referenced.prepare(both->referenced, err);
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

	return rc ? rc : source_referenced.wake(both->referenced, err);
}

static int both_end_aggregation(struct source *source, struct sink *sink, struct err *err)
{
	struct clock_referenced *both = both_of(source);
	int rc;

	both->sink = sink;
	rc = source_referenced.drain(both->referenced, &both->mappings_only, err);
	both->sink = NULL;
	if (rc)
		return rc == SOURCE_NO_CHECK ? 0 : rc;
	return source_referenced.prepare(both->referenced, err);
}

static int both_set_attrs(struct source *source, const struct attrs *attrs, struct err *err)
{
	struct clock_referenced *both = both_of(source);
	struct attrs own = clock_attrs(*attrs);
	int rc = source_clock.set_attrs(both->clock, &own, err);

	if (rc)
		return rc;
	own = referenced_attrs(*attrs);
	return source_referenced.set_attrs(both->referenced, &own, err); /* it refuses nothing */
}

static int both_target_changed(struct source *source, unsigned changes, struct err *err)
{
	struct clock_referenced *both = both_of(source);
	int rc = source_clock.target_changed(both->clock, changes, err);

	return rc ? rc : source_referenced.target_changed(both->referenced, changes, err);
}

/* Samples and their cost are clock's: so is the share that could not be attributed. */
static void both_stats(struct source *source, struct source_stats *stats)
{
	struct clock_referenced *both = both_of(source);
	struct source_stats referenced;

	source_clock.stats(both->clock, stats);
	source_referenced.stats(both->referenced, &referenced);
	stats->stretched = referenced.stretched;
	if (!stats->note[0])
		memcpy(stats->note, referenced.note, sizeof(stats->note));
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
	.flags = SOURCE_WSS_EXACT | SOURCE_CLEARS,
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
