/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data-address samples of the PMU - PEBS, IBS - and software events that have
 * an address.
 *
 * open() goes down the ladder of pmu.h until the kernel takes an event; drain()
 * turns the samples in the rings into sorted batches of reports, and keeps
 * their rate near a target by the sample period.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/cpu_list.h"
#include "collector/perf_attach.h"
#include "collector/perf_error.h"
#include "collector/perf_rate.h"
#include "collector/perf_report.h"
#include "collector/phys_node.h"
#include "collector/pmu.h"
#include "collector/report_batch.h"
#include "collector/sources/perf.h"

/* Of each CPU. What perf_event_mlock_kb allows by default, its first page apart. */
#define RING_BYTES (512 * 1024)
/* A period that the user sets is not adapted to what the rings can take. */
#define RING_BYTES_FIXED (4 * 1024 * 1024)
/* CPUs that come and go, threads that escaped inheritance. */
#define RESCAN_NS NSEC_PER_SEC
/* ... and where whole CPUs are watched one that comes back is not seen until then. */
#define RESCAN_CPUS_NS (NSEC_PER_SEC / 10)
/* Samples that turn out to have no address cost the target as well: this many count as one report. */
#define SAMPLES_PER_REPORT 4

struct perf_source {
	struct source source;
	const struct clock *clock;
	const struct target *target; /* NULL: simulated */
	const uint32_t *nr_targets;  /* that share what reports we can take; NULL: one */
	struct pmu_event event;
	struct perf_attach *pa;
	struct report_batch batch;
	struct phys_nodes nodes; /* empty where physical addresses are not sampled */
	struct perf_rate rate[PERF_ATTACH_NR_EVENTS];
	uint64_t nr_samples[PERF_ATTACH_NR_EVENTS], nr_reports[PERF_ATTACH_NR_EVENTS]; /* of this drain */
	bool adapt;
	uint32_t freq_hz; /* of each thread, as asked for; 0: the default target */
	uint64_t rescan_ns;
	uint64_t reports, samples, unattributed, malformed;
	uint64_t lost_seen, throttled_seen; /* by drain() */
	uint64_t throttled_noted;	    /* by stats() */
	struct err rate_err;		    /* the kernel refused a period: said once, in the note */
};

/* ---- choosing an event -------------------------------------------------------------------------- */

/* Tries to have event; 0 or -errno with err. */
typedef int attempt_fn(void *ctx, const struct pmu_event *event, struct err *err);

/* One candidate, asking for less and less. */
static int try_event(struct pmu_event *event, attempt_fn *attempt, void *ctx, struct err *err)
{
	struct err first = ERR_NONE, local;
	int rc;

	for (;;) {
		local = ERR_NONE;
		rc = attempt(ctx, event, &local);
		if (!rc)
			return 0;
		if (!first.code || local.code == EOPNOTSUPP)
			first = local;
		if (!pmu_event_soften(event, rc))
			return err_set(err, first.code, "%s", first.text);
	}
}

/* The machine does not have this event; it may have the next. Anything else would refuse that one as well. */
static bool next_may_do(int rc)
{
	return rc == -ENOENT || rc == -ENODEV || rc == -ENXIO || rc == -EINVAL || rc == -EOPNOTSUPP || rc == -ENODATA;
}

/* Physical addresses say the node: where there is more than one, or where they are asked for. */
static bool wants_phys(const struct source_params *params, const struct pmu_event *event)
{
	int *nodes;
	size_t nr;

	if (params->physical_addresses)
		return true;
	if (!event->hardware) /* of a page fault, say, it is not known yet */
		return false;
	if (cpu_list_read(params->root, "/sys/devices/system/node/online", &nodes, &nr, NULL))
		return false;
	free(nodes);
	return nr > 1;
}

static int choose_user_event(const struct source_params *params, attempt_fn *attempt, void *ctx,
			     struct pmu_event *chosen, struct err *err)
{
	int rc = pmu_event_parse(params->event, params->root, chosen, err);

	if (rc)
		return rc;
	pmu_event_want(chosen, wants_phys(params, chosen));
	return try_event(chosen, attempt, ctx, err);
}

static int choose_event(const struct source_params *params, attempt_fn *attempt, void *ctx, struct pmu_event *chosen,
			struct err *err)
{
	struct pmu_event *candidates;
	int rc = 0;
	size_t nr;

	if (params->event)
		return choose_user_event(params, attempt, ctx, chosen, err);
	rc = pmu_present(params->root, err);
	if (rc)
		return rc;
	candidates = calloc(PMU_NR_CANDIDATES, sizeof(*candidates));
	if (!candidates)
		return err_set(err, ENOMEM, "no memory for perf events");
	nr = pmu_candidates(params->root, candidates);
	for (size_t i = 0; i < nr; i++) {
		pmu_event_want(&candidates[i], wants_phys(params, &candidates[i]));
		rc = try_event(&candidates[i], attempt, ctx, err);
		*chosen = candidates[i];
		if (!rc || !next_may_do(rc))
			break;
	}
	free(candidates);
	return rc;
}

/* ---- probe -------------------------------------------------------------------------------------- */

static int open_close(const struct pmu_event *event, pid_t tid, int cpu, struct err *err)
{
	int fds[PERF_ATTACH_NR_EVENTS], rc = 0;
	size_t nr = 0;

	for (; !rc && nr < event->nr; nr++) {
		struct perf_event_attr attr = event->attr[nr];
		int leader = event->leader[nr];

		attr.disabled = 1;
		fds[nr] = perf_open_one(&attr, tid, cpu, leader < 0 ? -1 : fds[leader], event->name[nr], err);
		rc = fds[nr] < 0 ? fds[nr] : 0;
	}
	for (size_t i = 0; i < nr; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return rc;
}

/* Opens the event, disabled, for the target or this process, and closes it again. */
static int probe_event(void *ctx, const struct pmu_event *event, struct err *err)
{
	const struct source_params *params = ctx;
	pid_t tid = params->target ? target_live_tid(params->target) : 0;
	struct err local = ERR_NONE;
	int rc = open_close(event, tid, -1, &local);

	/* IBS samples threads since Linux 6.2, whole CPUs before. */
	if (rc == -EINVAL && event->ibs && !open_close(event, -1, 0, NULL))
		return 0;
	return rc ? err_set(err, local.code, "%s", local.text) : 0;
}

static int perf_probe(const struct source_params *params, struct err *err)
{
	struct source_params copy = *params;
	struct pmu_event event;

	return choose_event(params, probe_event, &copy, &event, err);
}

/* Physical addresses are a permission of their own; any event shows it. */
static void perf_permits(const struct source_params *params, char *dst, size_t size)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_PHYS_ADDR,
		.disabled = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};
	int fd = perf_open_quiet(&attr, 0, -1, -1);

	if (fd >= 0) {
		close(fd);
		snprintf(dst, size, "physical addresses: permitted");
	} else if (fd == -EACCES) {
		snprintf(dst, size,
			 "physical addresses: not permitted (kernel.perf_event_paranoid is %d): they need CAP_PERFMON, "
			 "or at most 1 there",
			 perf_paranoid(params->root));
	} else {
		snprintf(dst, size, "physical addresses: not here: %s", strerror(-fd));
	}
}

/* ---- open --------------------------------------------------------------------------------------- */

struct attach_ctx {
	struct perf_source *p;
	const struct source_params *params;
};

/* Where a period is set, by the user or in the event's name. */
static uint64_t fixed_period(const struct attrs *attrs, const struct pmu_event *event)
{
	if (attrs->period)
		return attrs->period;
	return attrs->freq_hz ? 0 : event->given_period;
}

static bool is_sampling(const struct pmu_event *event, size_t i)
{
	return event->attr[i].sample_period != 0;
}

static size_t nr_sampling(const struct pmu_event *event)
{
	size_t nr = 0;

	for (size_t i = 0; i < event->nr; i++)
		nr += is_sampling(event, i);
	return nr;
}

static void make_spec(const struct source_params *params, const struct pmu_event *event, struct perf_attach_spec *spec)
{
	uint64_t period = fixed_period(&params->attrs, event);

	*spec = (struct perf_attach_spec){
		.nr_events = event->nr,
		.ring_bytes = perf_attach_ring_share(period ? RING_BYTES_FIXED : RING_BYTES, params->nr_targets),
		.allow_cpu_wide = true,
		.root = params->root,
	};
	for (size_t i = 0; i < event->nr; i++) {
		spec->attr[i] = event->attr[i];
		spec->event_name[i] = event->name[i];
		spec->group_leader[i] = event->leader[i];
		spec->cpus_file[i] = event->cpus_file[i];
		if (period && is_sampling(event, i))
			spec->attr[i].sample_period = (period + event->period_align - 1) & ~(event->period_align - 1);
	}
}

static int attach_event(void *ctx, const struct pmu_event *event, struct err *err)
{
	const struct attach_ctx *a = ctx;
	struct perf_attach_spec spec;

	make_spec(a->params, event, &spec);
	return perf_attach_open(&a->p->pa, a->params->target, &spec, err);
}

static void perf_close(struct source *source)
{
	struct perf_source *p = (struct perf_source *)source;

	if (!p)
		return;
	perf_attach_close(p->pa);
	report_batch_free(&p->batch);
	phys_nodes_free(&p->nodes);
	free(p);
}

static struct perf_source *perf_new(const struct source_params *params, struct err *err)
{
	struct perf_source *p = calloc(1, sizeof(*p));

	if (!p || report_batch_init(&p->batch)) {
		free(p);
		err_set(err, ENOMEM, "no memory for perf reports");
		return NULL;
	}
	p->source.ops = &source_perf;
	p->clock = params->clock;
	p->target = params->target;
	p->nr_targets = params->nr_targets;
	return p;
}

/* What the periods aim at, for each event. */
static void set_target(struct perf_source *p, uint64_t hz)
{
	size_t nr = nr_sampling(&p->event), nr_threads = p->target && p->target->nr_tids ? p->target->nr_tids : 1;
	uint32_t nr_targets = p->nr_targets && *p->nr_targets ? *p->nr_targets : 1;
	uint64_t target = (hz ? hz * nr_threads : PERF_RATE_TARGET_HZ / nr_targets) / (nr ? nr : 1);

	p->freq_hz = (uint32_t)hz;
	for (size_t i = 0; i < p->event.nr; i++)
		p->rate[i].target_hz = target ? target : 1;
}

static void start(struct perf_source *p, const struct source_params *params)
{
	const struct attrs *attrs = &params->attrs;
	uint64_t now = clock_now_ns(p->clock), fixed = fixed_period(attrs, &p->event);

	if (p->event.attr[0].sample_type & PERF_SAMPLE_PHYS_ADDR)
		phys_nodes_read(&p->nodes, params->root, NULL); /* nodes stay unknown then */
	p->adapt = !fixed;
	p->rescan_ns = now + RESCAN_NS;
	for (size_t i = 0; i < p->event.nr; i++) {
		perf_rate_init(&p->rate[i], p->event.attr[i].sample_period, p->event.min_period, p->event.period_align,
			       now);
		if (fixed)
			p->rate[i].period = fixed;
	}
	set_target(p, attrs->freq_hz ? attrs->freq_hz : p->event.given_hz);
}

static int perf_open(struct source **source, const struct source_params *params, struct err *err)
{
	struct perf_source *p = perf_new(params, err);
	struct attach_ctx ctx = { .p = p, .params = params };
	int rc;

	*source = NULL;
	if (!p)
		return -ENOMEM;
	rc = choose_event(params, attach_event, &ctx, &p->event, err);
	if (!rc) {
		start(p, params);
		rc = perf_attach_enable(p->pa, true, err);
	}
	if (rc)
		perf_close(&p->source);
	else
		*source = &p->source;
	return rc;
}

int perf_source_open_files(struct source **source, const struct source_params *params, const struct pmu_event *event,
			   pid_t pid, const int *fds, size_t nr_fds, size_t nr_pages, struct err *err)
{
	struct perf_source *p = perf_new(params, err);
	struct perf_attach_spec spec;
	int rc;

	*source = NULL;
	if (!p)
		return -ENOMEM;
	p->event = *event;
	make_spec(params, event, &spec);
	rc = perf_attach_open_files(&p->pa, pid, &spec, fds, nr_fds, nr_pages, err);
	if (rc) {
		perf_close(&p->source);
		return rc;
	}
	start(p, params);
	*source = &p->source;
	return 0;
}

static int perf_poll_fd(struct source *source)
{
	return perf_attach_poll_fd(((struct perf_source *)source)->pa);
}

/* ---- drain -------------------------------------------------------------------------------------- */

static size_t event_index(const struct perf_source *p, const struct perf_event_attr *attr)
{
	size_t i = 0;

	while (i + 1 < p->event.nr && (p->event.attr[i].type != attr->type || p->event.attr[i].config != attr->config))
		i++;
	return i;
}

/* The node that this very access went to: more exact than asking for the page's later. */
static void add_node(const struct perf_source *p, struct report *report)
{
	int node = report->valid & REPORT_PHYS ? phys_nodes_find(&p->nodes, report->phys) : -1;

	if (node < 0)
		return;
	report->node = (int16_t)node;
	report->valid |= REPORT_NODE;
}

static void take_record(void *ctx, const struct perf_event_header *rec, const struct perf_event_attr *attr)
{
	struct perf_source *p = ctx;
	struct perf_sample sample;
	struct report *report;
	uint64_t count;
	size_t i;

	if (rec->type != PERF_RECORD_SAMPLE)
		return;
	if (perf_sample_parse(attr, rec, &sample)) {
		p->malformed++;
		return;
	}
	i = event_index(p, attr);
	p->nr_samples[i]++;
	/* An event's own period where the sample says it: it may be one from before the last change. */
	count = sample.have & PERF_SAMPLE_PERIOD && sample.period ? sample.period : attr->sample_period;
	report = report_batch_next(&p->batch);
	if (!perf_report(&sample, count, report)) {
		p->batch.nr--; /* the room is not needed */
		return;
	}
	add_node(p, report);
	p->nr_reports[i]++;
}

/* Keeps the rate of reports near the target. */
static void adapt(struct perf_source *p, size_t i, uint64_t lost, bool throttled, uint64_t now_ns)
{
	uint64_t seen = p->nr_samples[i] / SAMPLES_PER_REPORT, period;
	struct err err = ERR_NONE;
	int rc;

	if (p->nr_reports[i] > seen)
		seen = p->nr_reports[i];
	period = perf_rate_add(&p->rate[i], seen + lost, throttled, now_ns);
	if (!period || p->rate_err.code)
		return;
	rc = perf_attach_set_period(p->pa, i, period, &err);
	if (!rc)
		p->rate[i].period = period;
	else if (rc != -ESRCH) /* that the target has ended is seen elsewhere */
		p->rate_err = err;
}

static void count_and_adapt(struct perf_source *p, uint64_t now_ns)
{
	struct perf_attach_stats stats;
	uint64_t lost;
	bool throttled;

	perf_attach_stats(p->pa, &stats);
	lost = stats.lost - p->lost_seen;
	throttled = stats.throttled != p->throttled_seen;
	p->lost_seen = stats.lost;
	p->throttled_seen = stats.throttled;
	for (size_t i = 0; i < p->event.nr; i++) {
		p->samples += p->nr_samples[i];
		p->reports += p->nr_reports[i];
		p->unattributed += p->nr_samples[i] - p->nr_reports[i];
		if (p->adapt && is_sampling(&p->event, i))
			adapt(p, i, lost, throttled, now_ns);
		p->nr_samples[i] = p->nr_reports[i] = 0;
	}
}

static int perf_drain(struct source *source, struct sink *sink, struct err *err)
{
	struct perf_source *p = (struct perf_source *)source;
	uint64_t now_ns = clock_now_ns(p->clock);
	struct perf_attach_stats perf;

	p->batch.sink = sink;
	perf_attach_drain(p->pa, take_record, p);
	report_batch_flush(&p->batch);
	count_and_adapt(p, now_ns);
	if (now_ns < p->rescan_ns)
		return 0;
	perf_attach_stats(p->pa, &perf);
	p->rescan_ns = now_ns + (perf.cpu_wide ? RESCAN_CPUS_NS : RESCAN_NS);
	return p->target ? perf_attach_rescan(p->pa, p->target, err) : 0;
}

/* ---- attributes, figures ------------------------------------------------------------------------- */

static int set_fixed(struct perf_source *p, uint64_t period, struct err *err)
{
	int rc = 0;

	period = perf_rate_fit(&(struct perf_rate){ .min_period = 1,
						    .max_period = PERF_RATE_MAX_PERIOD,
						    .align = p->event.period_align },
			       period);
	for (size_t i = 0; !rc && i < p->event.nr; i++) {
		if (!is_sampling(&p->event, i) || p->rate[i].period == period)
			continue;
		rc = perf_attach_set_period(p->pa, i, period, err);
		if (!rc)
			p->rate[i].period = period;
	}
	return rc;
}

static int perf_set_attrs(struct source *source, const struct attrs *attrs, struct err *err)
{
	struct perf_source *p = (struct perf_source *)source;
	uint64_t fixed = fixed_period(attrs, &p->event);
	int rc = fixed ? set_fixed(p, fixed, err) : 0;

	if (rc)
		return rc;
	p->adapt = !fixed;
	p->rate_err = ERR_NONE;
	set_target(p, attrs->freq_hz ? attrs->freq_hz : p->event.given_hz);
	return 0;
}

static int perf_target_changed(struct source *source, unsigned changes, struct err *err)
{
	struct perf_source *p = (struct perf_source *)source;

	if (!(changes & (TARGET_CHANGED_THREADS | TARGET_CHANGED_EXEC)))
		return 0;
	set_target(p, p->freq_hz);
	return p->target ? perf_attach_rescan(p->pa, p->target, err) : 0;
}

static void add_note(char note[128], const char *text)
{
	size_t len = strlen(note);

	snprintf(note + len, 128 - len, "%s%s", len ? ", " : "", text);
}

static void fill_note(const struct perf_source *p, const struct perf_attach_stats *a, char note[128])
{
	char text[64];

	snprintf(note, 128, "%.60s", p->event.label);
	for (size_t i = 0; i < p->event.nr; i++)
		if (is_sampling(&p->event, i)) {
			snprintf(text, sizeof(text), "period %llu", (unsigned long long)p->rate[i].period);
			add_note(note, text);
			break;
		}
	if (p->event.guessed)
		add_note(note, "guessed encoding");
	if (a->throttled != p->throttled_noted)
		add_note(note, "throttled");
	if (p->event.no_phys)
		add_note(note, "no physical addresses (CAP_PERFMON)");
	if (a->cpu_wide)
		add_note(note, "CPU-wide");
	if (a->ring_halved) {
		snprintf(text, sizeof(text), "rings %zu KiB", a->ring_bytes / 1024);
		add_note(note, text);
	}
	if (p->rate_err.code)
		add_note(note, p->rate_err.text);
}

static void perf_stats(struct source *source, struct source_stats *stats)
{
	struct perf_source *p = (struct perf_source *)source;
	struct perf_attach_stats a;

	perf_attach_stats(p->pa, &a);
	*stats = (struct source_stats){
		.reports = p->reports,
		.samples = p->samples,
		.lost = a.lost,
		.throttled = a.throttled,
		.unattributed = p->unattributed,
		.malformed = p->malformed + a.malformed,
		.freq_hz = p->freq_hz,
	};
	fill_note(p, &a, stats->note);
	p->throttled_noted = a.throttled;
}

const struct source_ops source_perf = {
	.name = "perf",
	.sees = "memory accesses that the PMU samples (PEBS, IBS), with latency and data source; or a software event's "
		"addresses",
	.heat_unit = HEAT_RATE,
	.flags = SOURCE_AUTO,
	.probe = perf_probe,
	.permits = perf_permits,
	.open = perf_open,
	.poll_fd = perf_poll_fd,
	.drain = perf_drain,
	.set_attrs = perf_set_attrs,
	.target_changed = perf_target_changed,
	.stats = perf_stats,
	.close = perf_close,
};
