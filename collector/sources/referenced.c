/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes in use of each mapping, exactly, without privilege or PMU: "1" to
 * clear_refs, a while, then Referenced in smaps. How often a mapping is used
 * follows from how many of its pages are used in a short window.
 *
 * Two rhythms. A check is long: one aging interval, for the bytes. For the rates
 * the bits are read at some shorter ages besides, after clears of their own or on
 * the way (window_plan.h). How often: as the budgets allow. A clear costs the target
 * some time for each page that it uses again; where even the one clear a check would
 * exceed its budget, checks go on without, and the bits stand for a longer time. A
 * clear or a reading costs us by the page and the mapping: that is told before from
 * the target's size (walk_budget.h), and put off until our own share allows it. And
 * while bits are cleared the target cannot change its mappings: where nobody has asked
 * for this source, it rests as long as that would take too long. The note says so.
 *
 * What reclaim and other monitors see is changed: the same bits are cleared for
 * everybody. Not seen is the use of a page whose translation the processor still
 * has cached since before the clear.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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
#include "collector/walk_budget.h"
#include "collector/window_plan.h"

/* The rounds before the last take one part in so many of the aging interval, those of the first check half of it. */
#define MAX_BURST_SHARE 8
#define MAX_OWN_SHARE	100
#define NR_BATCH	512
/*
 * Measured on the same machine, of our CPU time: 46 to 100 ns a page and 3 us a mapping for a reading, 45 to 75 ns and
 * 0.3 us for a clear. Not knowing the machine, more.
 */
#define READ_COST  walk_cost_of(60, 3500, 1.5, 5)
#define CLEAR_COST walk_cost_of(60, 300, 1.5, 5)
/*
 * How long a clear holds the target's memory map, by the wall clock: 160 ns a page were seen on a busy machine.
 * Unasked, no longer than what a key on our own screen may take.
 */
#define HOLD_COST   walk_cost_of(60, 300, 2, 4)
#define MAX_HOLD_NS (50 * NSEC_PER_MSEC)
/* Nor unasked readings that would keep us off everything else for longer. */
#define MAX_READ_NS (50 * NSEC_PER_MSEC)
/* What is there to begin with, for checks and for rates; and what rates get then, in 1/10 000 of a CPU. */
#define OPENING_NS     (30 * NSEC_PER_MSEC)
#define RATES_SHARE_BP 15

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
	uint64_t burst_end_ns;
	struct window_plan plan;
	bool goes_on;		/* the window under way has been checked, and was not cleared: the budget */
	uint64_t burst_cost_ns; /* what the rounds of this check have cost the target */
	uint64_t cost_ns;	/* what the last check cost it */
	uint64_t window_ns;	/* of the last check */
	uint64_t read_took_ns;	/* the last reading, by the wall clock */
	uint64_t checked_ns;	/* when the last check was made */
	/* our own costs, and what they are paid from: checks (share 0: one an aggregation at least), rates */
	struct walk_cost read_cost, clear_cost, hold;
	struct walk_purse checks, rates_purse;
	bool unasked; /* see source_params */
	/* Too long for unasked: how long a clear would hold the target, how long a reading would take us; 0: all is
	 * well */
	uint64_t rests_hold_ns, rests_read_ns;
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

/* Targets that share our own time. */
static uint32_t nr_targets(const struct referenced *ref)
{
	return ref->nr_targets && *ref->nr_targets ? *ref->nr_targets : 1;
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

/* A child's share is a part of what its family has to begin with, too. */
static void set_costs(struct referenced *ref, const struct referenced *sibling, uint32_t own_share_bp)
{
	double opening_ns = sibling ? 0 : (double)OPENING_NS;

	ref->read_cost = sibling ? sibling->read_cost : READ_COST;
	ref->clear_cost = sibling ? sibling->clear_cost : CLEAR_COST;
	ref->hold = sibling ? sibling->hold : HOLD_COST;
	ref->checks = (struct walk_purse){ .credit_ns = opening_ns, .share_bp = own_share_bp };
	ref->rates_purse = (struct walk_purse){ .credit_ns = opening_ns, .share_bp = RATES_SHARE_BP };
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
	set_costs(ref, (const struct referenced *)params->sibling, params->own_share_bp);
	ref->unasked = params->unasked;
	mapping_rates_init(&ref->rates);
	rc = set_up(ref, err);
	if (rc) {
		referenced_close(&ref->source);
		return rc;
	}
	*source = &ref->source;
	return 0;
}

/* ---- our own share ---- */

/* As it is now: the table of mappings is as old as the last update of the target, its size is not. */
static struct walk_size size_now(const struct referenced *ref)
{
	uint64_t rss_bytes = 0;

	if (!target_read_rss(ref->target, &rss_bytes))
		rss_bytes = ref->target->rss_bytes;
	return (struct walk_size){ .nr_pages = rss_bytes / PAGE_BYTES, .nr_mappings = ref->target->maps->nr };
}

static bool is_bounded(const struct referenced *ref)
{
	return ref->checks.share_bp != 0;
}

/* Can a check be paid that costs so much? The purse holds what a clear and a reading take. */
static bool can_pay_check(struct referenced *ref, uint64_t cost_ns, struct walk_size size)
{
	uint64_t one = walk_cost_ns(&ref->clear_cost, size) + walk_cost_ns(&ref->read_cost, size);

	if (!is_bounded(ref))
		return true;
	walk_purse_fill(&ref->checks, now_ns(ref), nr_targets(ref), MAX(one, OPENING_NS));
	return walk_purse_has(&ref->checks, cost_ns);
}

/* Readings for rates that can be paid now. */
static unsigned affordable_reads(struct referenced *ref, struct walk_size size)
{
	double cost = (double)walk_cost_ns(&ref->read_cost, size);

	walk_purse_fill(&ref->rates_purse, now_ns(ref), nr_targets(ref), OPENING_NS);
	return ref->rates_purse.credit_ns > 0 ? (unsigned)(ref->rates_purse.credit_ns / cost) : 0;
}

/* The work that began at cpu_ns has been a walk of this size. */
static void pay(struct walk_purse *purse, struct walk_cost *cost, struct walk_size size, uint64_t cpu_ns)
{
	uint64_t took = clock_thread_cpu_ns() - cpu_ns;

	walk_cost_learn(cost, size, took);
	walk_purse_pay(purse, took);
}

/* ---- reading ---- */

/*
 * How long the bits of the mapping that is being read have been collected: clear and reading both pass over the
 * mappings in order and take their time, the clear as if it went at the pace of the reading.
 */
static uint64_t window_of(const struct referenced *ref, uint64_t at_ns)
{
	uint64_t took = ref->clear_end_ns - ref->clear_begin_ns, cleared = ref->clear_begin_ns;

	if (ref->read_took_ns)
		cleared += MIN(took, (uint64_t)((double)took * (double)(at_ns - ref->read_begin_ns) /
						(double)ref->read_took_ns));
	return at_ns > cleared ? at_ns - cleared : 1;
}

static void take_entry(void *ctx, const struct smaps_entry *entry)
{
	struct referenced *ref = ctx;

	ref->nr_referenced_pages += entry->referenced_bytes / PAGE_BYTES;
	mapping_rates_add(&ref->rates, entry->start, entry->end, entry->rss_bytes, entry->referenced_bytes,
			  entry->anon_huge_bytes, window_of(ref, now_ns(ref)));
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
	ref->read_took_ns = now_ns(ref) - ref->read_begin_ns;
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

/* The next window of this round that is to be read. False: there is none. */
static bool set_next_window(struct referenced *ref)
{
	uint64_t window_ns = window_plan_next(&ref->plan, now_ns(ref) - ref->clear_end_ns);

	set_timer(ref, window_ns ? ref->clear_end_ns + window_ns : 0);
	return window_ns != 0;
}

/* Clears, which purse pays for. */
static int begin_round(struct referenced *ref, struct walk_purse *purse, struct walk_size size, struct err *err)
{
	uint64_t cpu_ns = clock_thread_cpu_ns();
	int rc;

	ref->goes_on = false;
	ref->clear_begin_ns = now_ns(ref);
	rc = clear_bits_write(&ref->clear_refs, CLEAR_BITS_ACCESSED, err);
	ref->clear_end_ns = now_ns(ref);
	pay(purse, &ref->clear_cost, size, cpu_ns);
	walk_cost_learn(&ref->hold, size, ref->clear_end_ns - ref->clear_begin_ns);
	if (rc) {
		ref->clear_end_ns = 0;
		return rc;
	}
	set_next_window(ref);
	return 0;
}

/* The time of the target that the budget gives for one aging interval. */
static uint64_t budget_ns(const struct referenced *ref)
{
	return ref->attrs.aging_us * NSEC_PER_USEC / 10000 * ref->attrs.budget_bp;
}

/*
 * Another round? Half of the budget at most is for these: the other half is for the long window's own clear. The first
 * check may be dearer, and the next clear is later then.
 */
static bool may_go_on(const struct referenced *ref, struct walk_size size)
{
	uint64_t parts = ref->plan.opening ? 1 : 2;
	uint64_t cost_ns = walk_cost_ns(&ref->clear_cost, size) + walk_cost_ns(&ref->read_cost, size);

	return now_ns(ref) < ref->burst_end_ns && ref->burst_cost_ns * parts < budget_ns(ref) &&
	       walk_purse_has(&ref->rates_purse, cost_ns);
}

/* Is the target too large for unasked? What was known of it is too old then. */
static bool rests(struct referenced *ref, struct walk_size size)
{
	uint64_t hold_ns = walk_cost_ns(&ref->hold, size), read_ns = walk_cost_ns(&ref->read_cost, size);

	ref->rests_hold_ns = ref->unasked && hold_ns > MAX_HOLD_NS ? hold_ns : 0;
	ref->rests_read_ns = ref->unasked && read_ns > MAX_READ_NS ? read_ns : 0;
	if (!ref->rests_hold_ns && !ref->rests_read_ns)
		return false;
	walk_cost_doubt(&ref->hold);
	walk_cost_doubt(&ref->read_cost);
	ref->clear_end_ns = 0;
	set_timer(ref, 0);
	return true;
}

static int referenced_prepare(struct source *source, struct err *err)
{
	struct referenced *ref = (struct referenced *)source;
	uint64_t now = now_ns(ref), aging_ns = ref->attrs.aging_us * NSEC_PER_USEC;
	struct walk_size size = size_now(ref);

	if (rests(ref, size) || !clear_bits_is_due(&ref->clear_refs, now) ||
	    !can_pay_check(ref, walk_cost_ns(&ref->clear_cost, size), size))
		return 0;
	window_plan_begin(&ref->plan, aging_ns, affordable_reads(ref, size));
	ref->burst_cost_ns = 0;
	ref->burst_end_ns = now + aging_ns / (ref->plan.opening ? 2 : MAX_BURST_SHARE);
	return begin_round(ref, &ref->checks, size, err);
}

/* A window for rates is due; it is left out where the target has become too large for it. */
static int read_window(struct referenced *ref, struct walk_size size, struct err *err)
{
	uint64_t cpu_ns = clock_thread_cpu_ns();
	bool affordable;
	int rc;

	walk_purse_fill(&ref->rates_purse, now_ns(ref), nr_targets(ref), OPENING_NS);
	affordable = walk_purse_has(&ref->rates_purse, walk_cost_ns(&ref->read_cost, size));
	window_plan_done(&ref->plan, affordable);
	if (!affordable)
		return 0;
	rc = read_bits(ref, err);
	pay(&ref->rates_purse, &ref->read_cost, size, cpu_ns);
	if (!rc)
		ref->stats.samples++;
	return rc;
}

static int referenced_wake(struct source *source, struct err *err)
{
	struct referenced *ref = (struct referenced *)source;
	struct walk_size size;
	int rc;

	if (!ref->due_ns || now_ns(ref) < ref->due_ns)
		return 0;
	set_timer(ref, 0);
	size = size_now(ref);
	rc = read_window(ref, size, err);
	if (rc || set_next_window(ref))
		return rc;
	if (!may_go_on(ref, size))
		window_plan_stop(&ref->plan);
	if (!window_plan_next_round(&ref->plan)) {
		set_next_window(ref);
		return 0;
	}
	ref->burst_cost_ns += ref->nr_referenced_pages * CLEAR_BITS_REUSE_NS;
	return begin_round(ref, &ref->rates_purse, size, err);
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
 * A reading that costs us more than our share is put off: where we are a part of another source until it can be paid,
 * else but for one in each aggregation.
 */
static bool may_check(struct referenced *ref, struct walk_size size)
{
	const struct attrs *attrs = &ref->attrs;
	uint64_t least_ns = (attrs->aggregation_us - attrs->aging_us / 2) * NSEC_PER_USEC;

	if (is_bounded(ref))
		return can_pay_check(ref, walk_cost_ns(&ref->read_cost, size), size);
	return now_ns(ref) - ref->checked_ns >= MIN(ref->read_took_ns * MAX_OWN_SHARE * nr_targets(ref), least_ns);
}

static int check(struct referenced *ref, struct sink *sink, struct err *err)
{
	int rc;

	set_timer(ref, 0);
	ref->checked_ns = now_ns(ref);
	rc = read_bits(ref, err);
	if (rc)
		return rc;
	ref->window_ns = ref->read_begin_ns - ref->clear_end_ns;
	ref->cost_ns = ref->burst_cost_ns + ref->nr_referenced_pages * CLEAR_BITS_REUSE_NS;
	clear_bits_paid(&ref->clear_refs, ref->clear_begin_ns, ref->cost_ns, ref->attrs.budget_bp);
	ref->stats.samples++;
	ref->stats.stretched += ref->goes_on;
	ref->goes_on = true;
	hand_over_reports(ref, sink);
	return hand_over_mappings(ref, sink, err);
}

static int clear_first(struct source *source, struct err *err)
{
	int rc = referenced_prepare(source, err);

	return rc ? rc : SOURCE_NO_CHECK;
}

/*
 * Before the first clear, which there is one of after each exec, the bits are everybody's and as old as may be: that is
 * no check, but the time for that clear. (Who has this as a part makes it, and is not told that it was put off.)
 */
static int referenced_drain(struct source *source, struct sink *sink, struct err *err)
{
	struct referenced *ref = (struct referenced *)source;
	uint64_t cpu_ns = clock_thread_cpu_ns();
	struct walk_size size;
	int rc;

	if (!ref->clear_end_ns)
		return is_bounded(ref) ? 0 : clear_first(source, err);
	size = size_now(ref);
	if (!may_check(ref, size))
		return SOURCE_NO_CHECK;
	rc = check(ref, sink, err);
	pay(&ref->checks, &ref->read_cost, size, cpu_ns);
	return rc;
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
	int rc;

	if (!(changes & (TARGET_CHANGED_EXEC | TARGET_CHANGED_STATE)))
		return 0;
	ref->clear_end_ns = ref->window_ns = 0;
	ref->plan = (struct window_plan){ 0 };
	set_timer(ref, 0);
	mapping_rates_free(&ref->rates);
	rc = attach(ref, err);
	/* At once, so that the aggregation under way has something to tell. */
	return rc || is_bounded(ref) ? rc : referenced_prepare(source, err);
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
	stats->cost_ns = CLEAR_BITS_REUSE_NS;
	stats->check_cost_ns = ref->cost_ns;
	stats->rests = ref->rests_hold_ns || ref->rests_read_ns;
	if (ref->rests_hold_ns)
		snprintf(stats->note, sizeof(stats->note),
			 "referenced rests: a clear would hold up the target's mmap() for %" PRIu64
			 "ms (-s clock+referenced)",
			 ref->rests_hold_ns / NSEC_PER_MSEC);
	else if (ref->rests_read_ns)
		snprintf(stats->note, sizeof(stats->note),
			 "referenced rests: a reading of all mappings would take %" PRIu64 "ms (-s clock+referenced)",
			 ref->rests_read_ns / NSEC_PER_MSEC);
	else if (!ref->window_ns)
		snprintf(stats->note, sizeof(stats->note), "no check yet: it begins with a clear of the access bits");
	else
		snprintf(stats->note, sizeof(stats->note), "bytes used in %s by mapping; cost to the target %s%s",
			 text_duration_us(window, ref->window_ns / NSEC_PER_USEC),
			 text_duration_us(cost, ref->cost_ns / NSEC_PER_USEC), stretched ? ", so clears are rare" : "");
}

const struct source_ops source_referenced = {
	.name = "referenced",
	.sees = "bytes in use of each mapping, exactly (a huge page counts whole), and how often it is used; nothing "
		"inside a mapping",
	.side_effect =
		"clears the target's access bits, which reclaim and other monitors use too; each page used again "
		"costs it up to 0.4 us",
	.heat_unit = HEAT_FRACTION,
	.flags = SOURCE_CHECKS | SOURCE_AUTO | SOURCE_WSS_EXACT | SOURCE_CLEARS | SOURCE_NO_HUGETLB,
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
