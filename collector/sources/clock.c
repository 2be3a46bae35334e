/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clock source: timer samples, each run forward to the next data access.
 *
 * A cpu-clock event interrupts every thread of the target between two
 * instructions of user code and leaves its registers, its flags and 512 bytes
 * of its stack. From there the emulator (x86/emulate.h) goes forward to the
 * first data access of which the address is certain. No PMU and no privilege
 * is needed. The picture is where CPU time goes by address, not how often an
 * address is accessed; samples without a certain address are counted as
 * unattributed.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <asm/perf_regs.h>
#endif

#include "collector/perf_attach.h"
#include "collector/sources/clock_code.h"
#include "collector/sources/clock_cost.h"
#include "collector/sources/sources.h"
#include "collector/x86/emulate.h"

#define EVENT_NAME "cpu-clock"

#if defined(__x86_64__)

#define SZ_STACK_COPY 512 /* more resolves no more samples */
#define RING_BYTES    (UINT64_C(256) << 10)
#define NR_BATCH      256

/* In the order of the sample: by the bits of the mask. */
static const unsigned char sampled_regs[] = { X86_RAX, X86_RBX, X86_RCX, X86_RDX, X86_RSI, X86_RDI, X86_RBP, X86_RSP };
#define NR_LOW_REGS (sizeof(sampled_regs))
#define LOW_REGS                                                                                         \
	(1u << PERF_REG_X86_AX | 1u << PERF_REG_X86_BX | 1u << PERF_REG_X86_CX | 1u << PERF_REG_X86_DX | \
	 1u << PERF_REG_X86_SI | 1u << PERF_REG_X86_DI | 1u << PERF_REG_X86_BP | 1u << PERF_REG_X86_SP)
#define IP_AND_FLAGS (1u << PERF_REG_X86_IP | 1u << PERF_REG_X86_FLAGS)
#define HIGH_REGS    (0xffu << PERF_REG_X86_R8)
#define NR_REGS	     18

struct clock_source {
	struct source source;
	const struct target *target;
	const struct clock *clock;
	const uint32_t *nr_targets; /* each of them with events of its own; NULL: one */
	char *root;
	struct attrs attrs;
	struct perf_attach *attach;
	struct clock_code code;
	/* rate */
	struct clock_switches switches;
	uint32_t cost_ns;
	uint32_t freq_hz;
	uint64_t rated_ns; /* when the rate was looked at last, and the target's CPU time then */
	uint64_t rated_cpu_ns;
	double nr_busy;
	size_t nr_wide;	   /* CPUs that are sampled as a whole; 0: threads */
	bool wide_refused; /* it was wanted, and is not permitted */
	/* counts since open */
	uint64_t nr_samples, nr_reports, nr_unattributed, nr_malformed;
	/* reports of the present drain */
	struct sink *sink;
	size_t nr_batch;
	struct report batch[NR_BATCH];
};

static struct clock_source *clock_of(struct source *source)
{
	return (struct clock_source *)source;
}

static void set_event(struct perf_event_attr *attr, uint32_t freq_hz)
{
	*attr = (struct perf_event_attr){
		.size = sizeof(*attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.freq = 1,
		.sample_freq = freq_hz,
		.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_REGS_USER |
			       PERF_SAMPLE_STACK_USER,
		.exclude_kernel = 1,
		.exclude_hv = 1,
		.sample_regs_user = LOW_REGS | IP_AND_FLAGS | HIGH_REGS,
		.sample_stack_user = SZ_STACK_COPY,
		/* Executable mappings and exec as they happen: decodings may be void from then on. */
		.mmap = 1,
		.comm = 1,
		.comm_exec = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};
}

/* ---- samples to reports ---- */

static int by_start(const void *a, const void *b)
{
	const struct report *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static void flush(struct clock_source *src)
{
	if (!src->nr_batch)
		return;
	qsort(src->batch, src->nr_batch, sizeof(src->batch[0]), by_start);
	src->sink->reports(src->sink, src->batch, src->nr_batch);
	src->nr_batch = 0;
}

static void add_report(struct clock_source *src, const struct perf_sample *s, const struct x86_access *a)
{
	if (src->nr_batch == NR_BATCH)
		flush(src);
	src->batch[src->nr_batch++] = (struct report){
		.start = a->addr,
		.end = a->addr + a->size,
		.count = 1,
		.valid = REPORT_TIME | REPORT_TID | REPORT_IP | REPORT_OP,
		.tid = s->tid,
		.time_ns = s->time,
		.ip = s->ip,
		.op = a->op & X86_WRITE ? REPORT_WRITE : REPORT_READ,
	};
	src->nr_reports++;
}

/* Registers by perf's order to registers by number. False: not 64-bit code, or not what was asked for. */
static bool take_sample(const struct clock_source *src, const struct perf_sample *s, struct x86_sample *x)
{
	const uint64_t *r = s->regs;

	if (s->regs_abi != PERF_SAMPLE_REGS_ABI_64 || s->nr_regs != NR_REGS || !r)
		return false;
	for (size_t i = 0; i < NR_LOW_REGS; i++)
		x->gpr[sampled_regs[i]] = r[i];
	x->ip = r[NR_LOW_REGS];
	x->flags = r[NR_LOW_REGS + 1];
	for (size_t i = 0; i < 8; i++)
		x->gpr[X86_R8 + i] = r[NR_LOW_REGS + 2 + i];
	x->stack = s->stack;
	x->sz_stack = s->stack ? s->sz_stack : 0;
	clock_stack_window(src->target->maps, x->gpr[X86_RSP], &x->stack_start, &x->stack_end);
	return true;
}

static void use_sample(struct clock_source *src, const struct perf_sample *s)
{
	struct x86_found found = { .nr = 0 };
	struct x86_sample x;

	if (take_sample(src, s, &x))
		found = clock_code_find(&src->code, &x);
	if (!found.nr) {
		src->nr_unattributed++;
		return;
	}
	/* Where one instruction accesses two places they take turns: a sample is one share of time. */
	add_report(src, s, &found.access[src->nr_reports % found.nr]);
}

/* COMM and MMAP, which begin with the process: of whole CPUs they come from every one. */
static bool is_of_target(const struct clock_source *src, const struct perf_event_header *rec)
{
	const uint32_t *pid = (const uint32_t *)(const void *)(rec + 1);

	return rec->size >= sizeof(*rec) + sizeof(*pid) && (pid_t)*pid == src->target->pid;
}

static void on_record(void *ctx, const struct perf_event_header *rec, const struct perf_event_attr *attr)
{
	struct clock_source *src = ctx;
	struct perf_sample sample;

	if ((rec->type == PERF_RECORD_COMM || rec->type == PERF_RECORD_MMAP) && !is_of_target(src, rec))
		return;
	if (rec->type == PERF_RECORD_COMM && (rec->misc & PERF_RECORD_MISC_COMM_EXEC))
		clock_code_update(&src->code, TARGET_CHANGED_EXEC);
	if (rec->type == PERF_RECORD_MMAP)
		clock_code_drop(&src->code);
	if (rec->type != PERF_RECORD_SAMPLE)
		return;
	src->nr_samples++;
	if (perf_sample_parse(attr, rec, &sample))
		src->nr_malformed++;
	else
		use_sample(src, &sample);
}

/* ---- rate ---- */

/*
 * Timers of threads cost the threads that they are of: each target's budget is its own. Those of whole CPUs cost
 * whoever runs there, so that all targets' together have the budget.
 */
static uint32_t budget_of(const struct clock_source *src)
{
	uint32_t nr = src->nr_wide && src->nr_targets && *src->nr_targets ? *src->nr_targets : 1;

	return src->attrs.budget_bp > nr ? src->attrs.budget_bp / nr : 1;
}

static struct clock_load load_of(const struct clock_source *src)
{
	return (struct clock_load){
		.budget_bp = budget_of(src),
		.cost_ns = src->cost_ns ? src->cost_ns : CLOCK_DEFAULT_COST_NS,
		.switches = src->switches.per_cpu_sec,
		.nr_busy = src->nr_busy,
		.nr_wide = src->nr_wide,
		.max_hz = perf_max_sample_rate(src->root),
	};
}

static uint32_t wanted_hz(const struct clock_source *src)
{
	struct clock_load load = load_of(src);

	return src->attrs.freq_hz ? src->attrs.freq_hz : clock_rate_hz(&load);
}

/* CPUs that the target has kept busy since the last look. */
static void see_load(struct clock_source *src, uint64_t now_ns)
{
	uint64_t wall_ns = now_ns - src->rated_ns, cpu_ns = src->target->cpu_ns - src->rated_cpu_ns;

	if (src->rated_ns && wall_ns && src->target->cpu_ns > src->rated_cpu_ns)
		src->nr_busy = (double)cpu_ns / (double)wall_ns;
	src->rated_ns = now_ns;
	src->rated_cpu_ns = src->target->cpu_ns;
	clock_switches_update(&src->switches, src->target);
}

static int set_rate(struct clock_source *src, uint32_t hz, struct err *err)
{
	int rc = hz == src->freq_hz ? 0 : perf_attach_set_freq(src->attach, 0, hz, err);

	if (!rc)
		src->freq_hz = hz;
	return rc;
}

/* What the events are in fact. */
static void see_reach(struct clock_source *src, bool wanted)
{
	struct perf_attach_stats perf;

	perf_attach_stats(src->attach, &perf);
	src->nr_wide = perf.cpu_wide ? perf.nr_rings : 0;
	src->wide_refused = wanted && !perf.cpu_wide;
}

/* Threads or whole CPUs, whichever costs the target less. A refusal is final. */
static void review_reach(struct clock_source *src)
{
	struct clock_load load = load_of(src);
	bool wanted = clock_wants_cpus(&load);

	if (src->wide_refused || wanted == (src->nr_wide > 0) || perf_attach_want_cpu_wide(src->attach, wanted, NULL))
		return;
	see_reach(src, wanted);
}

/* Once an update interval. Small changes are not worth new events; a refusal leaves the rate as it is. */
static void review_rate(struct clock_source *src)
{
	uint64_t now_ns = clock_now_ns(src->clock);
	uint32_t hz, differs;

	if (now_ns - src->rated_ns < src->attrs.update_us * NSEC_PER_USEC)
		return;
	see_load(src, now_ns);
	review_reach(src);
	hz = wanted_hz(src);
	differs = hz > src->freq_hz ? hz - src->freq_hz : src->freq_hz - hz;
	if (differs * 4 > src->freq_hz)
		set_rate(src, hz, NULL);
}

/* ---- hooks ---- */

/* A thread may end at any moment, the first one of the process too: any of them will do. */
static int open_on_any_thread(struct perf_event_attr *attr, const struct target *target, struct err *err)
{
	int fd = -ESRCH;

	for (size_t i = 0; i < target->nr_tids && fd == -ESRCH; i++) {
		struct err local = ERR_NONE;

		fd = perf_open_one(attr, target->tids[i], -1, -1, EVENT_NAME, &local);
		if (fd < 0 && (fd != -ESRCH || i + 1 == target->nr_tids))
			err_set(err, local.code, "%s", local.text);
	}
	return fd;
}

static int clock_probe(const struct source_params *params, struct err *err)
{
	struct perf_event_attr attr;
	int fd;

	set_event(&attr, CLOCK_MIN_HZ);
	attr.disabled = 1;
	fd = params->target ? open_on_any_thread(&attr, params->target, err)
			    : perf_open_one(&attr, 0, -1, -1, EVENT_NAME, err);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static void clock_close(struct source *source)
{
	struct clock_source *src = clock_of(source);

	if (!src)
		return;
	perf_attach_close(src->attach);
	clock_code_close(&src->code);
	free(src->root);
	free(src);
}

static int attach(struct clock_source *src, struct err *err)
{
	struct perf_attach_spec spec = {
		.event_name = { EVENT_NAME },
		.group_leader = { -1 },
		.nr_events = 1,
		.ring_bytes = perf_attach_ring_share(RING_BYTES, src->nr_targets),
		.root = src->root,
	};
	struct clock_load load = load_of(src);
	int rc;

	set_event(&spec.attr[0], src->freq_hz);
	spec.want_cpu_wide = clock_wants_cpus(&load);
	rc = perf_attach_open(&src->attach, src->target, &spec, err);
	if (!rc) {
		see_reach(src, spec.want_cpu_wide);
		rc = set_rate(src, wanted_hz(src), err);
	}
	return rc ? rc : perf_attach_enable(src->attach, true, err);
}

/* The rate is settled before the events are opened, 60 ms later: changing it means opening them again. */
static int start(struct clock_source *src, struct err *err)
{
	struct perf_event_attr attr;
	int rc = clock_code_open(&src->code, src->target, err);

	if (rc)
		return rc;
	set_event(&attr, CLOCK_MIN_HZ);
	if (!src->attrs.freq_hz && !src->cost_ns)
		src->cost_ns = clock_cost_measure(&attr);
	see_load(src, clock_now_ns(src->clock));
	src->freq_hz = wanted_hz(src);
	return attach(src, err);
}

static int clock_open(struct source **source, const struct source_params *params, struct err *err)
{
	struct clock_source *src = calloc(1, sizeof(*src));
	int rc;

	*source = NULL;
	if (!src)
		return err_set(err, ENOMEM, "no memory for the clock source");
	src->source.ops = &source_clock;
	src->target = params->target;
	src->clock = params->clock;
	src->attrs = params->attrs;
	src->nr_targets = params->nr_targets;
	if (params->sibling)
		src->cost_ns = ((const struct clock_source *)params->sibling)->cost_ns;
	src->switches.per_cpu_sec = -1;
	src->code.mem_fd = -1;
	src->root = strdup(params->root ? params->root : "");
	rc = src->root ? start(src, err) : err_set(err, ENOMEM, "no memory for the clock source");
	if (rc)
		clock_close(&src->source);
	else
		*source = &src->source;
	return rc;
}

static int clock_poll_fd(struct source *source)
{
	return perf_attach_poll_fd(clock_of(source)->attach);
}

static int clock_drain(struct source *source, struct sink *sink, struct err *err)
{
	struct clock_source *src = clock_of(source);

	(void)err;
	src->sink = sink;
	code_cache_age(src->code.cache);
	perf_attach_drain(src->attach, on_record, src);
	flush(src);
	src->sink = NULL;
	review_rate(src);
	return 0;
}

static int clock_set_attrs(struct source *source, const struct attrs *attrs, struct err *err)
{
	struct clock_source *src = clock_of(source);
	struct attrs old = src->attrs;
	struct perf_event_attr attr;
	int rc;

	src->attrs = *attrs;
	set_event(&attr, CLOCK_MIN_HZ);
	if (!attrs->freq_hz && !src->cost_ns)
		src->cost_ns = clock_cost_measure(&attr);
	rc = set_rate(src, wanted_hz(src), err);
	if (rc)
		src->attrs = old;
	return rc;
}

static int clock_target_changed(struct source *source, unsigned changes, struct err *err)
{
	struct clock_source *src = clock_of(source);

	clock_code_update(&src->code, changes);
	if (!(changes & TARGET_CHANGED_THREADS))
		return 0;
	return perf_attach_rescan(src->attach, src->target, err);
}

/* What the user should know of how it is sampled. */
static const char *reach_note(const struct clock_source *src)
{
	struct clock_load load = load_of(src);

	if (src->nr_wide)
		return ", by CPU: switched too often for timers of threads";
	if (src->wide_refused && clock_wants_cpus(&load))
		return "; costs more, as it is switched so often";
	return "";
}

static void write_note(const struct clock_source *src, char *dst, size_t size)
{
	const char *reach = reach_note(src);

	if (src->attrs.freq_hz)
		snprintf(dst, size, "%u Hz%s", src->freq_hz, reach);
	else if (src->cost_ns)
		snprintf(dst, size, "budget %g%%: %u Hz (%u us a sample)%s", src->attrs.budget_bp / 100.0, src->freq_hz,
			 (src->cost_ns + 500) / 1000, reach);
	else
		snprintf(dst, size, "budget %g%%: %u Hz (cost of a sample not measured)%s",
			 src->attrs.budget_bp / 100.0, src->freq_hz, reach);
}

static void clock_stats(struct source *source, struct source_stats *stats)
{
	const struct clock_source *src = clock_of(source);
	struct perf_attach_stats perf;

	perf_attach_stats(src->attach, &perf);
	*stats = (struct source_stats){
		.reports = src->nr_reports,
		.samples = src->nr_samples,
		.lost = perf.lost,
		.throttled = perf.throttled,
		.unattributed = src->nr_unattributed,
		.malformed = src->nr_malformed + perf.malformed,
		.freq_hz = src->freq_hz,
		.cost_ns = src->cost_ns,
	};
	write_note(src, stats->note, sizeof(stats->note));
}

const struct source_ops source_clock = {
	.name = "clock",
	.sees = "where CPU time goes by address: timer samples, run forward to the next data access",
	.side_effect = NULL,
	.heat_unit = HEAT_TIME,
	.flags = SOURCE_AUTO,
	.probe = clock_probe,
	.open = clock_open,
	.poll_fd = clock_poll_fd,
	.drain = clock_drain,
	.set_attrs = clock_set_attrs,
	.target_changed = clock_target_changed,
	.stats = clock_stats,
	.close = clock_close,
};

#else

static int clock_probe(const struct source_params *params, struct err *err)
{
	(void)params;
	return err_set(err, ENOTSUP,
		       "the clock source emulates x86-64 code, and this is another processor; try another source");
}

static int clock_open(struct source **source, const struct source_params *params, struct err *err)
{
	*source = NULL;
	return clock_probe(params, err);
}

static int clock_drain(struct source *source, struct sink *sink, struct err *err)
{
	(void)source;
	(void)sink;
	(void)err;
	return 0;
}

static void clock_stats(struct source *source, struct source_stats *stats)
{
	(void)source;
	*stats = (struct source_stats){ 0 };
}

static void clock_close(struct source *source)
{
	(void)source;
}

const struct source_ops source_clock = {
	.name = "clock",
	.sees = "where CPU time goes by address: timer samples, run forward to the next data access",
	.heat_unit = HEAT_TIME,
	.probe = clock_probe,
	.open = clock_open,
	.drain = clock_drain,
	.stats = clock_stats,
	.close = clock_close,
};

#endif
