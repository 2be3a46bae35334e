/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes in use of each mapping, exactly, without privilege or PMU: "1" to
 * clear_refs, a while, then Referenced in smaps. How often a mapping is used
 * follows from how many of its pages are used in a short window.
 *
 * Two rhythms. A check is long: one aging interval, for the bytes. It begins
 * with a burst of rounds, each a clear and a reading 2 ms later, for the rate.
 * The last of them is not cleared again: it is read after 8 ms, 32 ms ... too,
 * which shows what is used less often, and grows to be the long window. How many
 * rounds and readings: as many as the budgets allow. A clear costs the target
 * some time for each page that it uses again, a reading costs us. Where even the
 * one clear a check would exceed the target's budget, checks go on without, and
 * the bits stand for a longer time; the note says so.
 *
 * What reclaim and other monitors see is changed: the same bits are cleared for
 * everybody. Not seen is the use of a page whose translation the processor still
 * has cached since before the clear.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "collector/clear_bits.h"
#include "collector/mapping_rates.h"
#include "collector/smaps.h"
#include "collector/sources/sources.h"
#include "collector/text.h"

/* Measured on a virtual machine: what a clear costs the target for each page that it uses again. */
#define REUSE_NS    390
#define SHORT_NS    (2 * NSEC_PER_MSEC)
#define NEXT_WINDOW 4 /* times as long */
/* Rounds of a burst, at most; of the aging interval they take one part in so many; all readings, of our own time. */
#define MAX_ROUNDS	10
#define MAX_BURST_SHARE 8
#define MAX_OWN_SHARE	100
#define NR_LONGER	3 /* readings that are kept for longer windows */
#define NR_BATCH	512

struct referenced {
	struct source source;
	const struct target *target;
	const struct clock *clock;
	const uint32_t *nr_targets; /* that share our own time; NULL: one */
	struct attrs attrs;
	struct clear_bits clear_refs;
	int smaps_fd;
	int timer_fd;			       /* the end of a short window */
	uint64_t clear_begin_ns, clear_end_ns; /* of the last clear; 0: there was none */
	uint64_t due_ns;		       /* when the window under way is to be read; 0: at the check */
	uint64_t due_window_ns;		       /* its length then */
	uint64_t burst_end_ns;
	unsigned reads_left, rounds_left;
	bool goes_on;		    /* the window under way has been checked, and was not cleared: the budget */
	unsigned nr_rounds;	    /* done in this burst */
	unsigned nr_checked_rounds; /* in that of the last check */
	uint64_t burst_cost_ns;	    /* what the burst has cost the target */
	uint64_t cost_ns;	    /* what the last check cost it */
	uint64_t window_ns;	    /* of the last check */
	uint64_t read_cost_ns;	    /* of the last reading, to us */
	uint64_t wake_after_ns;	    /* no reading between two checks before this time */
	uint64_t checked_ns;	    /* when the last check was made */
	/* a reading under way */
	uint64_t read_begin_ns, nr_referenced_pages;
	struct mapping_rates rates;
	struct report *reports;		 /* NR_BATCH */
	struct mapping_report *mappings; /* as many as rates has */
	size_t cap_mappings;
	struct source_stats stats;
};

static uint64_t now_ns(const struct referenced *ref)
{
	return clock_now_ns(ref->clock);
}

/* Of our own time the readings of this target take one part in so many, at most. */
static uint64_t own_parts(const struct referenced *ref)
{
	return ref->nr_targets && *ref->nr_targets ? (uint64_t)MAX_OWN_SHARE * *ref->nr_targets : MAX_OWN_SHARE;
}

/* ---- opening and closing ---- */

static int open_smaps(const struct target *target, int *out, struct err *err)
{
	int fd = target_open_file(target, "smaps", O_RDONLY);

	*out = fd;
	if (fd >= 0)
		return 0;
	if (fd == -EACCES || fd == -EPERM)
		return err_set(
			err, -fd,
			"smaps of process %d may not be read (%s): run as its owner (user %u) or with CAP_SYS_PTRACE",
			target->pid, strerror(-fd), target->uid);
	if (fd == -ENOENT)
		return err_set(err, ENOENT, "there is no smaps: the kernel is built without CONFIG_PROC_PAGE_MONITOR");
	return err_set(err, -fd, "opening smaps of process %d: %s", target->pid, strerror(-fd));
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Without a target: a process of ours, for which we ourselves stand. */
static int referenced_probe(const struct source_params *params, struct err *err)
{
	struct target self = { .pid = getpid(), .pidfd = -1, .uid = getuid() };
	const struct target *target = params->target ? params->target : &self;
	struct clear_bits clear_refs = CLEAR_BITS_CLOSED;
	int smaps = -1, rc;

	self.proc_fd = open("/proc/self", O_PATH | O_CLOEXEC);
	rc = clear_bits_open(&clear_refs, target, err);
	if (!rc)
		rc = open_smaps(target, &smaps, err);
	clear_bits_close(&clear_refs);
	close_fd(&smaps);
	close_fd(&self.proc_fd);
	return rc;
}

static void referenced_close(struct source *source)
{
	struct referenced *ref = (struct referenced *)source;

	if (!ref)
		return;
	clear_bits_close(&ref->clear_refs);
	close_fd(&ref->smaps_fd);
	close_fd(&ref->timer_fd);
	mapping_rates_free(&ref->rates);
	free(ref->reports);
	free(ref->mappings);
	free(ref);
}

static int attach(struct referenced *ref, struct err *err)
{
	int rc;

	clear_bits_close(&ref->clear_refs);
	close_fd(&ref->smaps_fd);
	rc = clear_bits_open(&ref->clear_refs, ref->target, err);
	return rc ? rc : open_smaps(ref->target, &ref->smaps_fd, err);
}

static int set_up(struct referenced *ref, struct err *err)
{
	ref->reports = calloc(NR_BATCH, sizeof(*ref->reports));
	if (!ref->reports)
		return err_set(err, ENOMEM, "no memory");
	ref->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (ref->timer_fd < 0)
		return err_set(err, errno, "timerfd_create: %s", strerror(errno));
	return attach(ref, err);
}

static int referenced_open(struct source **source, const struct source_params *params, struct err *err)
{
	struct referenced *ref = calloc(1, sizeof(*ref));
	int rc;

	*source = NULL;
	if (!ref)
		return err_set(err, ENOMEM, "no memory");
	ref->source.ops = &source_referenced;
	ref->target = params->target;
	ref->clock = params->clock;
	ref->nr_targets = params->nr_targets;
	ref->attrs = params->attrs;
	ref->clear_refs = CLEAR_BITS_CLOSED;
	ref->smaps_fd = ref->timer_fd = -1;
	mapping_rates_init(&ref->rates);
	rc = set_up(ref, err);
	if (rc) {
		referenced_close(&ref->source);
		return rc;
	}
	*source = &ref->source;
	return 0;
}

/* ---- reading ---- */

/*
 * How long the bits of the mapping that is being read have been collected: clear and reading both pass over the
 * mappings in order and take their time, the clear as if it went at the pace of the reading.
 */
static uint64_t window_of(const struct referenced *ref, uint64_t at_ns)
{
	uint64_t took = ref->clear_end_ns - ref->clear_begin_ns, cleared = ref->clear_begin_ns;

	if (ref->read_cost_ns)
		cleared += MIN(took, (uint64_t)((double)took * (double)(at_ns - ref->read_begin_ns) /
						(double)ref->read_cost_ns));
	return at_ns > cleared ? at_ns - cleared : 1;
}

static void take_entry(void *ctx, const struct smaps_entry *entry)
{
	struct referenced *ref = ctx;

	ref->nr_referenced_pages += entry->referenced_bytes / PAGE_BYTES;
	mapping_rates_add(&ref->rates, entry->start, entry->end, entry->rss_bytes, entry->referenced_bytes,
			  window_of(ref, now_ns(ref)));
}

static int read_bits(struct referenced *ref, struct err *err)
{
	int rc;

	ref->nr_referenced_pages = 0;
	ref->read_begin_ns = now_ns(ref);
	mapping_rates_begin(&ref->rates);
	rc = smaps_read(ref->smaps_fd, take_entry, ref, err);
	if (!rc && mapping_rates_end(&ref->rates))
		rc = err_set(err, ENOMEM, "no memory for the mappings of the target");
	ref->read_cost_ns = now_ns(ref) - ref->read_begin_ns;
	return rc;
}

/* ---- the burst: rounds of a clear and a reading ---- */

static void set_timer(struct referenced *ref, uint64_t due_ns)
{
	struct itimerspec timer = { .it_value = { .tv_sec = (time_t)(due_ns / NSEC_PER_SEC),
						  .tv_nsec = (long)(due_ns % NSEC_PER_SEC) } };

	ref->due_ns = due_ns;
	timerfd_settime(ref->timer_fd, TFD_TIMER_ABSTIME, &timer, NULL); /* 0: never */
}

static int begin_round(struct referenced *ref, struct err *err)
{
	int rc;

	ref->goes_on = false;
	ref->clear_begin_ns = now_ns(ref);
	rc = clear_bits_write(&ref->clear_refs, CLEAR_BITS_ACCESSED, err);
	ref->clear_end_ns = now_ns(ref);
	if (rc)
		return rc;
	ref->due_window_ns = SHORT_NS;
	set_timer(ref, ref->clear_end_ns + SHORT_NS);
	return 0;
}

/* Readings that our own share of a processor allows in one aging interval; one at least. */
static unsigned affordable_reads(const struct referenced *ref)
{
	uint64_t own_ns = ref->attrs.aging_us * NSEC_PER_USEC / own_parts(ref);
	uint64_t nr = ref->read_cost_ns ? own_ns / ref->read_cost_ns : 1;

	return (unsigned)MAX(1, MIN(nr, MAX_ROUNDS + NR_LONGER));
}

/* The time of the target that the budget gives for one aging interval. */
static uint64_t budget_ns(const struct referenced *ref)
{
	return ref->attrs.aging_us * NSEC_PER_USEC / 10000 * ref->attrs.budget_bp;
}

/* Another round? Half of the budget at most is for the burst: the other half is for the long window's own clear. */
static bool may_go_on(const struct referenced *ref, uint64_t now)
{
	return ref->rounds_left > 0 && now < ref->burst_end_ns && ref->burst_cost_ns * 2 < budget_ns(ref);
}

static int referenced_prepare(struct source *source, struct err *err)
{
	struct referenced *ref = (struct referenced *)source;
	uint64_t now = now_ns(ref);

	if (!clear_bits_is_due(&ref->clear_refs, now))
		return 0;
	ref->reads_left = affordable_reads(ref);
	ref->rounds_left = ref->reads_left > NR_LONGER ? ref->reads_left - NR_LONGER : 1;
	ref->nr_rounds = 0;
	ref->burst_cost_ns = 0;
	ref->burst_end_ns = now + ref->attrs.aging_us * NSEC_PER_USEC / MAX_BURST_SHARE;
	return begin_round(ref, err);
}

/* The window under way goes on, and is read again when it is four times as long; not near its end, where a check is. */
static void lengthen(struct referenced *ref)
{
	ref->due_window_ns *= NEXT_WINDOW;
	if (ref->reads_left > 0 && ref->due_window_ns * 2 <= ref->attrs.aging_us * NSEC_PER_USEC)
		set_timer(ref, ref->clear_end_ns + ref->due_window_ns);
}

static int referenced_wake(struct source *source, struct err *err)
{
	struct referenced *ref = (struct referenced *)source;
	int rc;

	if (!ref->due_ns || now_ns(ref) < ref->due_ns)
		return 0;
	set_timer(ref, 0);
	if (now_ns(ref) < ref->wake_after_ns)
		return 0;
	rc = read_bits(ref, err);
	if (rc)
		return rc;
	ref->stats.samples++;
	if (ref->reads_left <= 1)
		ref->wake_after_ns = now_ns(ref) + ref->read_cost_ns * own_parts(ref);
	ref->reads_left -= MIN(ref->reads_left, 1);
	if (ref->due_window_ns == SHORT_NS) {
		ref->nr_rounds++;
		ref->rounds_left -= MIN(ref->rounds_left, 1);
		if (may_go_on(ref, now_ns(ref))) {
			ref->burst_cost_ns += ref->nr_referenced_pages * REUSE_NS;
			return begin_round(ref, err);
		}
	}
	lengthen(ref);
	return 0;
}

/* ---- a check ---- */

static void hand_over_reports(struct referenced *ref, struct sink *sink)
{
	size_t nr = 0;

	for (size_t i = 0; i < ref->rates.nr; i++) {
		const struct mapping_rate *rate = &ref->rates.v[i];

		if (!rate->referenced_bytes)
			continue;
		ref->reports[nr++] = (struct report){ .start = rate->start,
						      .end = rate->end,
						      .count = rate->referenced_bytes / PAGE_BYTES };
		ref->stats.reports++;
		if (nr < NR_BATCH)
			continue;
		sink->reports(sink, ref->reports, nr);
		nr = 0;
	}
	if (nr)
		sink->reports(sink, ref->reports, nr);
}

static int hand_over_mappings(struct referenced *ref, struct sink *sink, struct err *err)
{
	if (!sink->mappings)
		return 0;
	if (ref->rates.nr > ref->cap_mappings) {
		struct mapping_report *v = realloc(ref->mappings, ref->rates.nr * 2 * sizeof(*v));

		if (!v)
			return err_set(err, ENOMEM, "no memory for the mappings of the target");
		ref->mappings = v;
		ref->cap_mappings = ref->rates.nr * 2;
	}
	for (size_t i = 0; i < ref->rates.nr; i++) {
		const struct mapping_rate *rate = &ref->rates.v[i];

		ref->mappings[i] = (struct mapping_report){ .start = rate->start,
							    .end = rate->end,
							    .rss_bytes = rate->rss_bytes,
							    .referenced_bytes = rate->referenced_bytes,
							    .window_ns = ref->window_ns };
		mapping_rates_estimate(rate, &ref->mappings[i]);
	}
	sink->mappings(sink, ref->mappings, ref->rates.nr);
	return 0;
}

/*
 * A reading that costs us more than our share is put off, but for one in each aggregation.
 */
static bool may_check(const struct referenced *ref, uint64_t now)
{
	const struct attrs *attrs = &ref->attrs;
	uint64_t least_ns = (attrs->aggregation_us - attrs->aging_us / 2) * NSEC_PER_USEC;

	return now - ref->checked_ns >= MIN(ref->read_cost_ns * own_parts(ref), least_ns);
}

/* Before the first clear the bits are everybody's and as old as may be: there is nothing to say. */
static int referenced_drain(struct source *source, struct sink *sink, struct err *err)
{
	struct referenced *ref = (struct referenced *)source;
	int rc;

	if (!ref->clear_end_ns)
		return 0;
	if (!may_check(ref, now_ns(ref)))
		return SOURCE_NO_CHECK;
	set_timer(ref, 0);
	ref->checked_ns = now_ns(ref);
	rc = read_bits(ref, err);
	if (rc)
		return rc;
	ref->window_ns = ref->read_begin_ns - ref->clear_end_ns;
	ref->cost_ns = ref->burst_cost_ns + ref->nr_referenced_pages * REUSE_NS;
	clear_bits_paid(&ref->clear_refs, ref->clear_begin_ns, ref->cost_ns, ref->attrs.budget_bp);
	ref->nr_checked_rounds = ref->nr_rounds;
	ref->stats.samples++;
	ref->stats.stretched += ref->goes_on;
	ref->goes_on = true;
	hand_over_reports(ref, sink);
	return hand_over_mappings(ref, sink, err);
}

static int referenced_poll_fd(struct source *source)
{
	return ((struct referenced *)source)->timer_fd;
}

static int referenced_set_attrs(struct source *source, const struct attrs *attrs, struct err *err)
{
	(void)err;
	((struct referenced *)source)->attrs = *attrs;
	return 0;
}

static int referenced_target_changed(struct source *source, unsigned changes, struct err *err)
{
	struct referenced *ref = (struct referenced *)source;

	if (!(changes & (TARGET_CHANGED_EXEC | TARGET_CHANGED_STATE)))
		return 0;
	ref->clear_end_ns = 0;
	set_timer(ref, 0);
	mapping_rates_free(&ref->rates);
	return attach(ref, err);
}

/* Each check is one reading for exact bytes, and only one check an aggregation leaves them exact. */
static void referenced_default_attrs(struct attrs *attrs)
{
	attrs->aging_us = attrs->aggregation_us;
}

static void referenced_stats(struct source *source, struct source_stats *stats)
{
	struct referenced *ref = (struct referenced *)source;
	char window[TEXT_NUMBER_SIZE], cost[TEXT_NUMBER_SIZE];
	bool stretched = ref->window_ns > 2 * ref->attrs.aging_us * NSEC_PER_USEC;

	*stats = ref->stats;
	stats->cost_ns = REUSE_NS;
	snprintf(stats->note, sizeof(stats->note),
		 "bytes used in %s by mapping; cost to the target %s%s; 2ms windows: %u",
		 text_duration_us(window, ref->window_ns / NSEC_PER_USEC),
		 text_duration_us(cost, ref->cost_ns / NSEC_PER_USEC), stretched ? ", so clears are rare" : "",
		 ref->nr_checked_rounds);
}

const struct source_ops source_referenced = {
	.name = "referenced",
	.sees = "bytes in use of each mapping, exactly, and how often it is used; nothing inside a mapping",
	.side_effect =
		"clears the target's access bits, which reclaim and other monitors use too; each page used again "
		"costs it up to 0.4 us",
	.heat_unit = HEAT_FRACTION,
	.flags = SOURCE_CHECKS | SOURCE_AUTO | SOURCE_WSS_EXACT | SOURCE_CLEARS,
	.default_attrs = referenced_default_attrs,
	.probe = referenced_probe,
	.open = referenced_open,
	.poll_fd = referenced_poll_fd,
	.prepare = referenced_prepare,
	.drain = referenced_drain,
	.wake = referenced_wake,
	.set_attrs = referenced_set_attrs,
	.target_changed = referenced_target_changed,
	.stats = referenced_stats,
	.close = referenced_close,
};
