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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "collector/damon_probe.h"
#include "collector/sources/damon.h"
#include "collector/sources/sources.h"

/* DAMON's own defaults (damon_new_ctx()), but for the update: 60 s there. */
#define DEFAULT_SAMPLE_US 5000
#define DEFAULT_AGGR_US	  100000

/* So long without an aggregation, and the kdamond is looked at. */
#define QUIET_NR_AGGREGATIONS 3
#define QUIET_NS	      (2 * NSEC_PER_SEC)

/* ---- opening ---- */

static void damon_close(struct source *source)
{
	struct damon *d = (struct damon *)source;

	if (!d)
		return;
	damon_events_close(d->events);
	damon_guard_close(&d->guard);
	damon_regions_free(&d->tried);
	damon_regions_free(&d->cut);
	damon_pace_close(&d->pace);
	damon_count_close(&d->count);
	mappings_put(d->zones);
	if (d->other_fd >= 0)
		close(d->other_fd);
	if (d->epoll_fd >= 0)
		close(d->epoll_fd);
	if (d->kdamonds_fd >= 0)
		close(d->kdamonds_fd);
	free(d);
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
	rc = damon_start(d, params->event, err);
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

/* ---- questions ---- */

int damon_command(struct damon *d, enum damon_command command, struct err *err)
{
	return damon_guard_command(&d->guard, command)
		       ? err_set(err, EPIPE, "the process that commands DAMON has ended")
		       : 0;
}

/* For a commit: it takes all that is in the files. */
static int write_where(struct damon *d, struct damon_range range, struct err *err)
{
	return range.end ? damon_write_ranges(d->io, d->guard.kdamond_fd, &range, 1, err)
			 : damon_write_ranges(d->io, d->guard.kdamond_fd, d->ranges, d->nr_ranges, err);
}

/* Physical memory by zone: DAMON's regions go across their borders, and what is counted must not. */
static int begin_count(struct damon *d)
{
	struct damon_range zones[DAMON_MAX_RANGES];

	for (size_t i = 0; i < d->nr_zones; i++)
		zones[i] = d->zone[i].range;
	return d->nr_zones ? damon_count_begin(&d->count, zones, d->nr_zones)
			   : damon_count_begin(&d->count, d->ranges, d->nr_ranges);
}

/* Begins to count kinds of page where that is due: 1, 0: it is not, or -errno. */
static int ask_for_kinds(struct damon *d, struct err *err)
{
	int rc;

	if (d->nr_commits || !d->nr_ranges || !damon_count_is_due(&d->count, d->attrs.aging_us))
		return 0;
	rc = write_where(d, d->range, err);
	if (rc == -EBUSY) /* somebody uses them all the time: at the next occasion */
		return 0;
	/* the files then say what the intervals are: the commit changes nothing */
	if (!rc && d->attrs.access_bp)
		rc = damon_command(d, DAMON_COMMAND_TUNED, err);
	if (!rc && begin_count(d))
		return 0;
	if (!rc)
		rc = damon_command(d, DAMON_COMMAND_COUNT, err);
	return rc ? rc : 1;
}

static int ask_for_update(struct damon *d, struct err *err)
{
	int rc = ask_for_kinds(d, err);

	if (rc)
		return rc < 0 ? rc : 0;
	return damon_command(d, DAMON_COMMAND_UPDATE, err);
}

/* Now, or when the timer says so. first: the kdamond has just begun. */
int damon_ask_for_regions(struct damon *d, bool first, struct err *err)
{
	return damon_pace_set(&d->pace, first, d->attrs.aggregation_us) ? ask_for_update(d, err) : 0;
}

/* ---- regions ---- */

static uint32_t max_nr_accesses(const struct attrs *attrs)
{
	return (uint32_t)(attrs->aggregation_us / attrs->aging_us);
}

/* since_ns: how long this aggregation took, 0: not measured. */
static void hand_over(void *ctx, struct damon_regions *regions, uint64_t since_ns)
{
	struct damon *d = ctx;

	d->last_ns = clock_now_ns(d->clock);
	if (d->nr_commits || !regions->nr) /* partly by the old attributes, partly by the new ones */
		return;
	d->nr_untold++;
	d->nr_ranges = damon_ranges_of(regions->v, regions->nr, d->ranges);
	d->stats.reports += regions->nr;
	if (d->nr_zones && damon_zones_cut(d->zone, d->nr_zones, regions->v, regions->nr, &d->cut) == 0)
		regions = &d->cut;
	damon_zones_fill_nodes(d->zone, d->nr_zones, regions->v, regions->nr);
	damon_count_fill(&d->count, regions->v, regions->nr, d->stats.note, sizeof(d->stats.note));
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
	return damon_pace_is_set(&d->pace) ? damon_ask_for_regions(d, true, err) : 0;
}

/* Asks what the kernel has tuned its intervals to, where it may have. */
static int ask_for_tuned(struct damon *d, struct err *err)
{
	if (!d->attrs.access_bp || d->nr_commits || d->nr_untold < DAMON_GOAL_AGGRS)
		return 0;
	d->nr_untold = 0;
	return damon_command(d, DAMON_COMMAND_TUNED, err);
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
		return damon_command(d, DAMON_COMMAND_UPDATE, err);
	rc = ask_for_tuned(d, err);
	return rc ? rc : damon_ask_for_regions(d, false, err);
}

/* The kernel has counted, beside the regions that the command for them would have left. */
static int take_kinds(struct damon *d, int rc, struct err *err)
{
	int failed;

	damon_count_end(&d->count, rc);
	failed = damon_command(d, DAMON_COMMAND_REST, err);
	if (failed)
		return failed;
	if (!rc)
		damon_count_read(&d->count, d->attrs.max_nr_regions);
	return d->way == DAMON_WAY_TRIED ? take_update(d, rc, err) : 0;
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
		else if (answer.command == DAMON_COMMAND_COUNT)
			rc = take_kinds(d, answer.rc, err);
		else if (answer.command == DAMON_COMMAND_REST)
			rc = damon_count_rested(&d->count, answer.rc) ? damon_command(d, DAMON_COMMAND_REST, err) : 0;
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
	if (!rc && d->events)
		rc = ask_for_kinds(d, err);
	if (rc > 0)
		rc = 0;
	if (!rc && damon_pace_is_due(&d->pace))
		rc = ask_for_update(d, err);
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
		rc = write_where(d, range, err);
	if (!rc)
		rc = damon_command(d, DAMON_COMMAND_COMMIT, err);
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

static int damon_target_changed(struct source *source, unsigned changes, struct err *err)
{
	(void)err;
	if (changes & TARGET_CHANGED_EXEC)
		damon_count_forget(&((struct damon *)source)->count);
	return 0;
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
	.target_changed = damon_target_changed,
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
