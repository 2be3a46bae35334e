/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel DAMON, vaddr operations. There is one DAMON for the whole system: we
 * make a kdamond only where nobody has any, and a guard process puts
 * everything back (damon_guard.h). Where another program's kdamond watches our
 * target already, we look on through the tracepoint and write nothing.
 *
 * Two ways to the regions: the tracepoint damon:damon_aggregated, which tells
 * of every aggregation; or, where that cannot be used, the command
 * update_schemes_tried_regions, again and again (damon_pace.h).
 * "-e damon_aggregated" and "-e tried_regions" choose one of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "collector/damon_events.h"
#include "collector/damon_guard.h"
#include "collector/damon_others.h"
#include "collector/damon_pace.h"
#include "collector/damon_probe.h"
#include "collector/damon_sysfs.h"
#include "collector/damon_zones.h"
#include "collector/sources/sources.h"

/* DAMON's own defaults (damon_new_ctx()), but for the update: 60 s there. */
#define DEFAULT_SAMPLE_US 5000
#define DEFAULT_AGGR_US	  100000

/* So long without an aggregation, and the kdamond is looked at. */
#define QUIET_NR_AGGREGATIONS 3
#define QUIET_NS	      (2 * NSEC_PER_SEC)

enum damon_way {
	DAMON_WAY_EVENTS,
	DAMON_WAY_TRIED,
	DAMON_NR_WAYS,
};

static const char *const way_names[DAMON_NR_WAYS] = {
	[DAMON_WAY_EVENTS] = "damon_aggregated",
	[DAMON_WAY_TRIED] = "tried_regions",
};

struct damon {
	struct source source;
	const struct damon_io *io;
	const char *root;
	const struct clock *clock;
	const struct target *target; /* NULL: physical memory */
	pid_t pid;		     /* 0: physical memory */
	struct mappings *zones;	     /* physical memory by node and zone */
	struct damon_range range;    /* watched alone (fvaddr), or empty: vaddr */
	struct attrs attrs;	     /* in force */
	/* Written, and in force with the answer to the last commit. */
	struct attrs pending;
	struct damon_range pending_range;
	unsigned nr_commits; /* under way */
	unsigned nr_untold;  /* aggregations since the kernel was asked what it has tuned the intervals to */
	int kdamonds_fd, epoll_fd;
	struct damon_guard guard; /* closed: the kdamond is another program's */
	int other_fd;		  /* that kdamond, or -1 */
	pid_t other_pid;
	enum damon_way way;
	struct damon_events *events; /* NULL: the way is DAMON_WAY_TRIED */
	struct damon_regions tried;
	struct damon_pace pace;			     /* of the commands for them */
	struct damon_range ranges[DAMON_MAX_RANGES]; /* where the regions were last */
	size_t nr_ranges;
	struct sink *sink; /* of the drain that is under way */
	uint64_t last_ns;  /* an aggregation was seen, or the kdamond looked at */
	struct source_stats stats;
};

/* ---- opening ---- */

static void damon_close(struct source *source)
{
	struct damon *d = (struct damon *)source;

	if (!d)
		return;
	damon_events_close(d->events);
	damon_guard_close(&d->guard);
	damon_regions_free(&d->tried);
	damon_pace_close(&d->pace);
	mappings_put(d->zones);
	if (d->other_fd >= 0)
		close(d->other_fd);
	if (d->epoll_fd >= 0)
		close(d->epoll_fd);
	if (d->kdamonds_fd >= 0)
		close(d->kdamonds_fd);
	free(d);
}

static int watch(struct damon *d, int fd, struct err *err)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? err_set(err, errno, "epoll: %s", strerror(errno))
								 : 0;
}

static int turn_on(struct damon *d, struct err *err)
{
	int rc = damon_write(d->io, d->guard.kdamond_fd, "state", "on");

	if (rc == -EBUSY)
		return err_set(err, EBUSY,
			       "DAMON is in use by somebody who shares it with nobody (damon_reclaim, damon_lru_sort, "
			       "damon_stat): "
			       "end that, or choose another source with -s");
	if (rc == -ENOENT || rc == -ENODEV)
		return err_set(err, EBUSY, "another program has taken DAMON over in this moment, and it is left alone");
	return rc ? err_set(err, -rc, "DAMON does not start: %s", strerror(-rc)) : 0;
}

static int command(struct damon *d, enum damon_command command, struct err *err)
{
	return damon_guard_command(&d->guard, command)
		       ? err_set(err, EPIPE, "the process that commands DAMON has ended")
		       : 0;
}

/* Now, or when the timer says so. first: the kdamond has just begun. */
static int ask_for_regions(struct damon *d, bool first, struct err *err)
{
	return damon_pace_set(&d->pace, first, d->attrs.aggregation_us) ? command(d, DAMON_COMMAND_UPDATE, err) : 0;
}

/* The regions of our running kdamond, by this way. */
static int attach(struct damon *d, enum damon_way way, struct err *err)
{
	pid_t pid;
	int rc;

	if (way == DAMON_WAY_TRIED) {
		rc = damon_pace_open(&d->pace, err);
		if (!rc)
			rc = watch(d, d->pace.timer_fd, err);
		return rc ? rc : ask_for_regions(d, true, err);
	}
	pid = damon_kdamond_pid(d->io, d->guard.kdamond_fd);
	if (pid < 0)
		return err_set(err, -pid, "the pid of the kdamond: %s", strerror(-pid));
	rc = damon_events_open(&d->events, d->root, pid, 0, d->attrs.max_nr_regions, err);
	return rc ? rc : watch(d, damon_events_fd(d->events), err);
}

/* What is watched, by which operations. ranges: room for those of physical memory. */
static int choose_operations(struct damon *d, struct damon_config *config, struct damon_range ranges[DAMON_MAX_RANGES],
			     struct err *err)
{
	struct damon_zone zones[DAMON_MAX_RANGES];
	int nr;

	config->operations = d->range.end ? "fvaddr" : "vaddr";
	config->ranges = &d->range;
	config->nr_ranges = d->range.end != 0;
	if (d->target)
		return 0;
	nr = damon_zones_read(d->root, zones, err);
	if (nr < 0)
		return nr;
	for (int i = 0; i < nr; i++)
		ranges[i] = zones[i].range;
	config->operations = "paddr";
	config->ranges = ranges;
	config->nr_ranges = (size_t)nr;
	mappings_put(d->zones);
	d->zones = damon_zones_mappings(zones, (size_t)nr, err);
	return d->zones ? 0 : -ENOMEM;
}

static int start(struct damon *d, enum damon_way way, struct err *err)
{
	struct damon_config config = { .pid = d->pid, .attrs = d->attrs, .with_scheme = way == DAMON_WAY_TRIED };
	struct damon_range ranges[DAMON_MAX_RANGES];
	int rc = choose_operations(d, &config, ranges, err);

	if (!rc)
		rc = damon_configure(d->io, d->guard.kdamond_fd, &config, err);
	if (!rc)
		rc = turn_on(d, err);
	if (!rc)
		rc = attach(d, way, err);
	d->way = way;
	return rc;
}

/* The tracepoint where it can be used; the kdamond's pid may be one of a pid namespace that is not ours. */
static int start_by_any(struct damon *d, const char *wanted, struct err *err)
{
	struct err why = ERR_NONE;
	int rc = damon_events_probe(d->root, &why);

	if (wanted && strcmp(wanted, way_names[DAMON_WAY_TRIED]) == 0)
		return start(d, DAMON_WAY_TRIED, err);
	if (!rc)
		rc = start(d, DAMON_WAY_EVENTS, &why);
	if (!rc)
		return 0;
	if (wanted || rc == -EBUSY)
		return err_set(err, why.code, "%s", why.text);
	damon_events_close(d->events);
	d->events = NULL;
	rc = damon_turn_off(d->io, d->kdamonds_fd, &d->guard.identity, d->pid);
	return rc ? err_set(err, -rc, "DAMON does not stop: %s", strerror(-rc)) : start(d, DAMON_WAY_TRIED, err);
}

static int open_own(struct damon *d, const char *wanted, struct err *err)
{
	int rc = damon_guard_open(&d->guard, d->io, d->kdamonds_fd, d->pid, err);

	if (!rc)
		rc = watch(d, d->guard.worker_fd, err);
	return rc ? rc : start_by_any(d, wanted, err);
}

/* Another program's kdamond watches our target: look on. Its intervals are in force. */
static int open_other(struct damon *d, const struct damon_others *others, struct err *err)
{
	char name[16];
	int rc;

	snprintf(name, sizeof(name), "%u", others->kdamond);
	d->other_fd = openat(d->kdamonds_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d->other_pid = others->kdamond_pid;
	d->attrs.access_bp = 0; /* only who may command it is told what it has tuned */
	rc = d->other_fd < 0 ? -errno : damon_read_attrs(d->io, d->other_fd, &d->attrs);
	if (rc)
		return err_set(err, -rc, "reading the other program's DAMON: %s", strerror(-rc));
	rc = damon_events_open(&d->events, d->root, others->kdamond_pid, others->target_id, d->attrs.max_nr_regions,
			       err);
	return rc ? rc : watch(d, damon_events_fd(d->events), err);
}

static int open_any(struct damon *d, const char *wanted, struct err *err)
{
	struct damon_others others;
	int rc;

	if (wanted && strcmp(wanted, way_names[0]) != 0 && strcmp(wanted, way_names[1]) != 0)
		return err_set(err, EINVAL, "damon has no event \"%s\": %s or %s", wanted, way_names[0], way_names[1]);
	d->kdamonds_fd = damon_open_kdamonds(d->root, err);
	if (d->kdamonds_fd < 0)
		return d->kdamonds_fd;
	d->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (d->epoll_fd < 0)
		return err_set(err, errno, "epoll: %s", strerror(errno));
	rc = damon_others_find(&others, d->io, d->root, d->kdamonds_fd, d->pid, err);
	if (rc)
		return rc;
	if (others.watches && !d->range.end)
		return open_other(d, &others, err);
	rc = damon_others_refuse(&others, err);
	return rc ? rc : open_own(d, wanted, err);
}

static int open_as(struct source **source, const struct source_ops *ops, const struct source_params *params,
		   struct err *err)
{
	struct damon *d = calloc(1, sizeof(*d));
	int rc;

	*source = NULL;
	if (!d)
		return err_set(err, ENOMEM, "no memory");
	d->source.ops = ops;
	d->io = &damon_io_kernel;
	d->root = params->root;
	d->clock = params->clock;
	d->target = params->target;
	d->pid = params->target ? params->target->pid : 0;
	d->attrs = params->attrs;
	d->range = (struct damon_range){ params->range_start, params->range_end };
	d->guard = DAMON_GUARD_CLOSED;
	d->pace = DAMON_PACE_CLOSED;
	d->kdamonds_fd = d->epoll_fd = d->other_fd = -1;
	rc = open_any(d, params->event, err);
	if (rc) {
		damon_close(&d->source);
		return rc;
	}
	d->last_ns = clock_now_ns(d->clock);
	if (d->other_fd >= 0)
		snprintf(d->stats.note, sizeof(d->stats.note),
			 "looking on: DAMON is another program's (kdamond %d), and so are the intervals",
			 (int)d->other_pid);
	*source = &d->source;
	return 0;
}

static int damon_open(struct source **source, const struct source_params *params, struct err *err)
{
	return open_as(source, &source_damon, params, err);
}

static int physical_open(struct source **source, const struct source_params *params, struct err *err)
{
	return open_as(source, &source_damon_paddr, params, err);
}

static struct mappings *physical_mappings(struct source *source)
{
	return mappings_get(((struct damon *)source)->zones);
}

/* ---- regions ---- */

static uint32_t max_nr_accesses(const struct attrs *attrs)
{
	return (uint32_t)(attrs->aggregation_us / attrs->aging_us);
}

/* since_ns: how long this aggregation took, 0: not measured. */
static void hand_over(void *ctx, const struct damon_regions *regions, uint64_t since_ns)
{
	struct damon *d = ctx;

	d->last_ns = clock_now_ns(d->clock);
	if (d->nr_commits || !regions->nr) /* partly by the old attributes, partly by the new ones */
		return;
	d->nr_untold++;
	d->nr_ranges = damon_ranges_of(regions->v, regions->nr, d->ranges);
	d->stats.reports += regions->nr;
	d->sink->regions(d->sink, regions->v, regions->nr, max_nr_accesses(&d->attrs),
			 since_ns ? since_ns : d->attrs.aggregation_us * NSEC_PER_USEC);
}

/* Not ours to go on with: why? */
static int explain_end(struct damon *d, struct err *err)
{
	if (d->target && target_has_ended(d->target))
		return -ESRCH;
	if (d->other_fd >= 0)
		return err_set(err, ENODEV,
			       "the other program has switched its DAMON off: start again, for one of our own");
	if (!damon_is_ours(d->io, d->kdamonds_fd, &d->guard.identity, d->pid))
		return err_set(err, EBUSY, "another program has taken DAMON over");
	return err_set(err, ENODEV, "another program has switched our DAMON off");
}

static int take_commit(struct damon *d, int rc, struct err *err)
{
	d->nr_commits--;
	if (rc)
		return err_set(err, -rc, "DAMON refuses the new intervals, limits or range: %s", strerror(-rc));
	if (!d->nr_commits) {
		d->attrs = d->pending;
		d->range = d->pending_range;
	}
	/* a commit ends an aggregation: the next has begun */
	return damon_pace_is_set(&d->pace) ? ask_for_regions(d, true, err) : 0;
}

/* Asks what the kernel has tuned its intervals to, where it may have. */
static int ask_for_tuned(struct damon *d, struct err *err)
{
	if (!d->attrs.access_bp || d->nr_commits || d->nr_untold < DAMON_GOAL_AGGRS)
		return 0;
	d->nr_untold = 0;
	return command(d, DAMON_COMMAND_TUNED, err);
}

static void take_tuned(struct damon *d, int rc)
{
	struct attrs tuned = d->attrs;

	/* The number of samples in an aggregation stays the same in this, so no count needs another scale. */
	if (!rc && !d->nr_commits && damon_read_attrs(d->io, d->guard.kdamond_fd, &tuned) == 0) {
		d->attrs.aging_us = tuned.aging_us;
		d->attrs.aggregation_us = tuned.aggregation_us;
	}
}

static int take_update(struct damon *d, int rc, struct err *err)
{
	if (!rc)
		rc = damon_read_tried(d->io, d->guard.kdamond_fd, &d->tried);
	if (rc == -ENOMEM)
		return err_set(err, ENOMEM, "no memory for regions");
	if (!rc)
		hand_over(d, &d->tried, 0);
	else if (rc == -EBADMSG)
		d->stats.malformed++;
	else if (rc != -EBUSY && damon_is_on(d->io, d->guard.kdamond_fd) != 1)
		return explain_end(d, err);
	else if (rc != -EBUSY)
		return err_set(err, -rc, "DAMON does not say which regions it has (update_schemes_tried_regions): %s",
			       strerror(-rc));
	if (rc == -EBUSY)
		return command(d, DAMON_COMMAND_UPDATE, err);
	rc = ask_for_tuned(d, err);
	return rc ? rc : ask_for_regions(d, false, err);
}

static int check_kdamond(struct damon *d, struct err *err)
{
	bool hung_up = d->events && damon_events_hung_up(d->events);
	uint64_t now = clock_now_ns(d->clock);
	int on;

	if (!hung_up && now < d->last_ns + QUIET_NR_AGGREGATIONS * d->attrs.aggregation_us * NSEC_PER_USEC + QUIET_NS)
		return 0;
	if (hung_up) /* it would wake us for ever */
		epoll_ctl(d->epoll_fd, EPOLL_CTL_DEL, damon_events_fd(d->events), NULL);
	d->last_ns = now;
	on = damon_is_on(d->io, d->other_fd >= 0 ? d->other_fd : d->guard.kdamond_fd);
	if (on == -EBUSY || (on == 1 && !hung_up))
		return 0;
	return explain_end(d, err);
}

static int take_answers(struct damon *d, struct err *err)
{
	struct damon_answer answer;
	int rc = 0, got = 1;

	while (!rc && d->guard.worker_fd >= 0 && (got = damon_guard_answer(&d->guard, &answer)) == 1) {
		if (answer.rc && answer.rc != -EBUSY && damon_is_on(d->io, d->guard.kdamond_fd) != 1)
			rc = explain_end(d, err);
		else if (answer.command == DAMON_COMMAND_COMMIT)
			rc = take_commit(d, answer.rc, err);
		else if (answer.command == DAMON_COMMAND_TUNED)
			take_tuned(d, answer.rc);
		else
			rc = take_update(d, answer.rc, err);
	}
	if (got < 0)
		return err_set(err, EPIPE, "somebody has ended the process that commands DAMON");
	return rc;
}

static int damon_drain(struct source *source, struct sink *sink, struct err *err)
{
	struct damon *d = (struct damon *)source;
	int rc;

	d->sink = sink;
	rc = take_answers(d, err);
	if (!rc && d->events && damon_events_drain(d->events, hand_over, d))
		rc = err_set(err, ENOMEM, "no memory for regions");
	if (!rc && d->events)
		rc = ask_for_tuned(d, err);
	if (!rc && damon_pace_is_due(&d->pace))
		rc = command(d, DAMON_COMMAND_UPDATE, err);
	return rc ? rc : check_kdamond(d, err);
}

/* ---- the rest ---- */

static bool same_for_damon(const struct attrs *a, const struct attrs *b)
{
	return a->aging_us == b->aging_us && a->aggregation_us == b->aggregation_us && a->update_us == b->update_us &&
	       a->min_nr_regions == b->min_nr_regions && a->max_nr_regions == b->max_nr_regions &&
	       a->access_bp == b->access_bp;
}

/*
 * Writes all that a commit takes from the files, and commits. Operations of another kind take over the regions as they
 * are, with their counts and ages: vaddr then fits them to the mappings at its next update.
 */
static int commit(struct damon *d, const struct attrs *attrs, struct damon_range range, struct err *err)
{
	int rc;

	if (d->other_fd >= 0)
		return err_set(err, EPERM,
			       "DAMON is another program's: its intervals, limits and range stay as they are");
	rc = damon_write_attrs(d->io, d->guard.kdamond_fd, attrs, err);
	if (!rc && d->target)
		rc = damon_write_operations(d->io, d->guard.kdamond_fd, range.end ? "fvaddr" : "vaddr", err);
	if (!rc)
		rc = range.end ? damon_write_ranges(d->io, d->guard.kdamond_fd, &range, 1, err)
			       : damon_write_ranges(d->io, d->guard.kdamond_fd, d->ranges, d->nr_ranges, err);
	if (!rc)
		rc = command(d, DAMON_COMMAND_COMMIT, err);
	if (rc)
		return rc;
	d->pending = *attrs;
	d->pending_range = range;
	d->nr_commits++;
	return 0;
}

static int damon_set_attrs(struct source *source, const struct attrs *attrs, struct err *err)
{
	struct damon *d = (struct damon *)source;

	if (same_for_damon(attrs, d->nr_commits ? &d->pending : &d->attrs))
		return 0;
	return commit(d, attrs, d->nr_commits ? d->pending_range : d->range, err);
}

static int damon_set_range(struct source *source, uint64_t start, uint64_t end, struct err *err)
{
	struct damon *d = (struct damon *)source;
	struct damon_range range = { start & ~(PAGE_BYTES - 1), (end + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1) };

	return commit(d, d->nr_commits ? &d->pending : &d->attrs, range, err);
}

static void damon_attrs_in_force(struct source *source, struct attrs *attrs)
{
	const struct damon *d = (const struct damon *)source;

	attrs->aging_us = d->attrs.aging_us;
	attrs->aggregation_us = d->attrs.aggregation_us;
	attrs->update_us = d->attrs.update_us;
	attrs->min_nr_regions = d->attrs.min_nr_regions;
	attrs->max_nr_regions = d->attrs.max_nr_regions;
	attrs->access_bp = d->attrs.access_bp;
}

static void damon_default_attrs(struct attrs *attrs)
{
	attrs->aging_us = DEFAULT_SAMPLE_US;
	attrs->aggregation_us = DEFAULT_AGGR_US;
}

static int damon_poll_fd(struct source *source)
{
	return ((struct damon *)source)->epoll_fd;
}

static void damon_stats(struct source *source, struct source_stats *stats)
{
	const struct damon *d = (const struct damon *)source;
	struct damon_events_stats events;

	*stats = d->stats;
	if (!d->events)
		return;
	damon_events_stats(d->events, &events);
	stats->lost = events.lost;
	stats->malformed += events.malformed;
}

const struct source_ops source_damon = {
	.name = "damon",
	.sees = "what kernel DAMON sees (vaddr): regions whose sampled pages were touched, at DAMON's cost",
	.side_effect =
		"starts a kernel thread that clears access bits of the target: reclaim, and others who use them, see "
		"fewer; nobody else can set DAMON up meanwhile",
	.heat_unit = HEAT_FRACTION,
	.flags = SOURCE_AUTO | SOURCE_REGIONS | SOURCE_RANGE | SOURCE_CLEARS | SOURCE_TUNES,
	.default_attrs = damon_default_attrs,
	.probe = damon_probe,
	.permits = damon_permits,
	.open = damon_open,
	.poll_fd = damon_poll_fd,
	.drain = damon_drain,
	.set_attrs = damon_set_attrs,
	.set_range = damon_set_range,
	.attrs_in_force = damon_attrs_in_force,
	.stats = damon_stats,
	.close = damon_close,
};

const struct source_ops source_damon_paddr = {
	.name = "damon_paddr",
	.sees = "the whole machine's physical memory by kernel DAMON, by NUMA node and zone: damontop --physical",
	.side_effect = "starts a kernel thread that clears access bits of all processes: reclaim, and others who use "
		       "them, see "
		       "fewer; nobody else can set DAMON up meanwhile",
	.heat_unit = HEAT_FRACTION,
	.flags = SOURCE_NO_TARGET | SOURCE_REGIONS | SOURCE_CLEARS | SOURCE_TUNES,
	.default_attrs = damon_default_attrs,
	.probe = damon_probe_physical,
	.permits = damon_permits,
	.open = physical_open,
	.poll_fd = damon_poll_fd,
	.drain = damon_drain,
	.set_attrs = damon_set_attrs,
	.attrs_in_force = damon_attrs_in_force,
	.stats = damon_stats,
	.close = damon_close,
	.mappings = physical_mappings,
};
