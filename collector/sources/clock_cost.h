/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clock_cost.h - what sampling costs the target, and the rate that a budget
 * allows.
 *
 * A sample costs the timer interrupt and the caches and TLB it leaves cold;
 * every time a thread is switched in its timer is armed again. Both are paid
 * out of the budget. Collector thread only; clock_rate_hz() is pure.
 */
#ifndef COLLECTOR_SOURCES_CLOCK_COST_H
#define COLLECTOR_SOURCES_CLOCK_COST_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/target.h"

#define CLOCK_MIN_HZ 50
#define CLOCK_MAX_HZ 5000
/* What a sample is taken to cost where it cannot be measured: memory-bound code on a virtual machine. */
#define CLOCK_DEFAULT_COST_NS 45000

/*
 * Measures the cost of a sample to memory-bound code, in ns: the calling thread reads at random from 4 MiB for 50 ms
 * (at most 200 ms where the CPU is shared), with and without samples at 2 kHz, in slices. attr is the event as it will
 * be opened. Returns 0 where it cannot be measured. The memory is given back.
 */
uint32_t clock_cost_measure(const struct perf_event_attr *attr);

/* How often the target's threads are switched in. */
#define CLOCK_NR_THREADS 32

struct clock_switches {
	struct {
		pid_t tid;
		uint64_t run_ns, nr;
	} threads[CLOCK_NR_THREADS];
	size_t nr_threads;
	double per_cpu_sec; /* switches in a second of CPU time, as found last; < 0: not known yet */
};

/*
 * Reads the switches of up to CLOCK_NR_THREADS threads, evenly chosen. The first call gives the mean since they began,
 * later ones what has happened in between, if that was 20 ms of CPU time at least.
 */
void clock_switches_update(struct clock_switches *switches, const struct target *target);

struct clock_load {
	uint32_t budget_bp; /* of the target's CPU time */
	uint32_t cost_ns;   /* of a sample */
	double switches;    /* in a second of CPU time; < 0: not known */
	double nr_busy;	    /* CPUs that the target keeps busy */
	size_t nr_wide;	    /* CPUs that are sampled whatever runs there; 0: the target's threads alone */
	long max_hz;	    /* the kernel's limit; -1: not known */
};

/* Samples in a second of CPU time, between CLOCK_MIN_HZ and CLOCK_MAX_HZ. */
uint32_t clock_rate_hz(const struct clock_load *load);

/*
 * Should whole CPUs be sampled rather than the target's threads? A thread's own timer is set at every switch to it, and
 * where it is switched very often that costs more than the budget at the lowest rate. A CPU's timer does not care; its
 * price is that what else runs there is sampled as well.
 */
bool clock_wants_cpus(const struct clock_load *load);

#endif
