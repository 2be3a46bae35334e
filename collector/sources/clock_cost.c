/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/sources/clock_cost.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/clock.h"
#include "collector/perf_attach.h"
#include "collector/perf_ring.h"
#include "collector/rng.h"

/* ---- calibration ---- */

#define CAL_BYTES      (UINT64_C(4) << 20) /* 4, 32 and 128 MiB gave the same cost */
#define CAL_HZ	       2000		   /* faster is falsely cheap: the caches never get warm in between */
#define CAL_PAIRS      10
#define CAL_SLICE_NS   (5 * NSEC_PER_MSEC / 2)
#define CAL_LIMIT_NS   (200 * NSEC_PER_MSEC)
#define CAL_READS      512		     /* between two looks at the clock */
#define CAL_PREEMPT_NS (400 * NSEC_PER_USEC) /* no interrupt takes that long: somebody else has run */
#define CAL_RING_PAGES 32
#define CAL_MARGIN     1.3  /* the rate is lower than at the calibration, and so the caches are colder */
#define CAL_LEAST_NS   2000 /* no interrupt is that cheap: noise, and nothing has been measured */
#define CAL_MOST_NS    500000

struct calibration {
	const uint64_t *words;
	struct rng rng;
	int fd;
	uint64_t begin_ns;
	uint64_t sum; /* so that the reads are not optimised away */
};

/* ns a read over one slice, stretches in which others ran left out. < 0: too late. */
static double run_slice(struct calibration *cal)
{
	uint64_t spent = 0, nr = 0, from = clock_now_ns(&clock_system), to;

	while (spent < CAL_SLICE_NS) {
		for (unsigned i = 0; i < CAL_READS; i++)
			/* Each read waits for the one before, as in code that is bound by memory. */
			cal->sum += cal->words[(rng_next(&cal->rng) ^ cal->sum) % (CAL_BYTES / sizeof(uint64_t))];
		to = clock_now_ns(&clock_system);
		if (to - from < CAL_PREEMPT_NS) {
			spent += to - from;
			nr += CAL_READS;
		}
		from = to;
		if (to - cal->begin_ns > CAL_LIMIT_NS)
			return -1;
	}
	return (double)spent / (double)nr;
}

/* ns that a sample costs, from one pair of slices. */
static double run_pair(struct calibration *cal)
{
	double off = run_slice(cal), on;

	ioctl(cal->fd, PERF_EVENT_IOC_ENABLE, 0);
	on = run_slice(cal);
	ioctl(cal->fd, PERF_EVENT_IOC_DISABLE, 0);
	if (off <= 0 || on <= 0)
		return -1;
	return (on - off) / on * (double)(NSEC_PER_SEC / CAL_HZ);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static uint32_t run_pairs(struct calibration *cal)
{
	double v[CAL_PAIRS];
	size_t nr = 0;

	run_slice(cal); /* the caches get warm */
	for (; nr < CAL_PAIRS; nr++) {
		v[nr] = run_pair(cal);
		if (v[nr] == -1)
			break;
	}
	if (nr < 3)
		return 0;
	qsort(v, nr, sizeof(v[0]), by_value);
	if (v[nr / 2] * CAL_MARGIN < CAL_LEAST_NS)
		return 0;
	return v[nr / 2] * CAL_MARGIN > CAL_MOST_NS ? CAL_MOST_NS : (uint32_t)(v[nr / 2] * CAL_MARGIN);
}

static uint32_t run_calibration(struct calibration *cal)
{
	struct perf_ring ring = { 0 };
	uint32_t cost_ns = 0;

	/* Without a ring no sample would be written. */
	if (perf_ring_open_fd(&ring, cal->fd, CAL_RING_PAGES, NULL) == 0)
		cost_ns = run_pairs(cal);
	perf_ring_close(&ring);
	return cost_ns;
}

uint32_t clock_cost_measure(const struct perf_event_attr *attr)
{
	struct calibration cal = { .rng = rng_seeded(1), .begin_ns = clock_now_ns(&clock_system) };
	struct perf_event_attr own = *attr;
	uint32_t cost_ns = 0;
	void *room;

	own.freq = 1;
	own.sample_freq = CAL_HZ;
	own.disabled = 1;
	own.inherit = 0;
	cal.fd = perf_open_one(&own, 0, -1, -1, "cpu-clock", NULL);
	if (cal.fd < 0)
		return 0;
	room = mmap(NULL, CAL_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (room != MAP_FAILED) {
		cal.words = room;
		cost_ns = run_calibration(&cal);
		munmap(room, CAL_BYTES);
	}
	close(cal.fd);
	return cost_ns;
}

/* ---- context switches ---- */

#define LEAST_RUN_NS (20 * NSEC_PER_MSEC)

/* CPU time of a thread and how often it has been switched in; false: gone, or the kernel does not tell. */
static bool read_thread(const struct target *target, pid_t tid, uint64_t *run_ns, uint64_t *nr)
{
	char name[64], text[128];

	snprintf(name, sizeof(name), "task/%d/schedstat", (int)tid);
	return target_read(target, name, text, sizeof(text)) > 0 &&
	       sscanf(text, "%" SCNu64 " %*u %" SCNu64, run_ns, nr) == 2;
}

/* What was read of this thread last time; zeros, that is since it began, for one that was not. */
static void subtract_last(const struct clock_switches *last, pid_t tid, uint64_t *run_ns, uint64_t *nr)
{
	for (size_t i = 0; i < last->nr_threads; i++) {
		if (last->threads[i].tid != tid || last->threads[i].run_ns > *run_ns || last->threads[i].nr > *nr)
			continue;
		*run_ns -= last->threads[i].run_ns;
		*nr -= last->threads[i].nr;
		return;
	}
}

void clock_switches_update(struct clock_switches *switches, const struct target *target)
{
	struct clock_switches now = { .per_cpu_sec = switches->per_cpu_sec };
	uint64_t run_ns = 0, nr = 0;
	size_t step = (target->nr_tids + CLOCK_NR_THREADS - 1) / CLOCK_NR_THREADS;

	for (size_t i = 0; i < target->nr_tids; i += step) {
		uint64_t thread_ns, thread_nr;

		if (!read_thread(target, target->tids[i], &thread_ns, &thread_nr))
			continue;
		now.threads[now.nr_threads].tid = target->tids[i];
		now.threads[now.nr_threads].run_ns = thread_ns;
		now.threads[now.nr_threads++].nr = thread_nr;
		subtract_last(switches, target->tids[i], &thread_ns, &thread_nr);
		run_ns += thread_ns;
		nr += thread_nr;
	}
	/* Too little to tell: the differences go on adding up. */
	if (run_ns < LEAST_RUN_NS)
		return;
	now.per_cpu_sec = (double)nr * (double)NSEC_PER_SEC / (double)run_ns;
	*switches = now;
}

/* ---- rate ---- */

/*
 * A per-thread event costs a switch, out and in, 0.7 us at 100 Hz, 2.0 at 250, 4.7 at 500 and 8.0 at 1,000
 * (measured): about 9 ns for every Hz.
 */
#define SWITCH_NS_PER_HZ 9.0
/* So many samples a second in all keep our own CPU time near a hundredth of a core or two. */
#define MAX_TOTAL_HZ 4000.0

/*
 * The budget is charged so much in any case: in 50 ms at 2 kHz the interrupt shows, but not all of what colder caches
 * cost at lower rates (36 to 53 us measured where the calibration said 38), and more than 250 Hz buys little.
 */
#define LEAST_COST_NS 40000

uint32_t clock_rate_hz(const struct clock_load *load)
{
	double switches = load->switches > 0 && !load->nr_wide ? load->switches : 0;
	double nr_busy = load->nr_busy > (double)load->nr_wide ? load->nr_busy : (double)load->nr_wide;
	double cost_ns = load->cost_ns > LEAST_COST_NS ? load->cost_ns : LEAST_COST_NS;
	double a_sample_ns = cost_ns + switches * SWITCH_NS_PER_HZ;
	double hz = load->budget_bp / 10000.0 * (double)NSEC_PER_SEC / a_sample_ns;

	if (nr_busy > 1 && hz > MAX_TOTAL_HZ / nr_busy)
		hz = MAX_TOTAL_HZ / nr_busy;
	if (hz < CLOCK_MIN_HZ)
		hz = CLOCK_MIN_HZ;
	if (hz > CLOCK_MAX_HZ)
		hz = CLOCK_MAX_HZ;
	/* The kernel refuses a frequency above its limit. */
	if (load->max_hz > 0 && hz > (double)load->max_hz)
		hz = (double)load->max_hz;
	return (uint32_t)hz;
}

bool clock_wants_cpus(const struct clock_load *load)
{
	double share = load->switches * SWITCH_NS_PER_HZ * CLOCK_MIN_HZ / (double)NSEC_PER_SEC;
	double budget = load->budget_bp / 10000.0;

	/* Half of the budget for switches alone is too much; it stays so until they are down to an eighth. */
	return share > (load->nr_wide ? budget / 8 : budget / 2);
}
