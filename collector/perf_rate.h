/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * perf_rate.h - the sample period that gives a target rate of samples.
 *
 * Pure: counts and times are passed in. A period changes only when the rate
 * leaves a band around the target (hysteresis), for a change costs a system
 * call for each descriptor, and makes neighbouring snapshots harder to compare.
 */
#ifndef COLLECTOR_PERF_RATE_H
#define COLLECTOR_PERF_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct perf_rate {
	uint64_t target_hz;
	uint64_t min_period, max_period;
	uint64_t align; /* periods are multiples of it, a power of two */
	uint64_t period;
	uint64_t since_ns, samples; /* of the window under way */
	bool throttled;		    /* in it */
	uint64_t floor;		    /* the kernel holds the event back below this period; 0: not known to */
	unsigned nr_calm;	    /* windows in which it has not, since it did or since the floor was lowered */
};

/* Reports of data addresses that one second brings, where the user does not say. */
#define PERF_RATE_TARGET_HZ 10000
/* Longest period there is: far below what a 48-bit counter holds. */
#define PERF_RATE_MAX_PERIOD (UINT64_C(1) << 40)

/* Begins with this period, in events; never below min_period, and a multiple of align (a power of two). */
void perf_rate_init(struct perf_rate *rate, uint64_t period, uint64_t min_period, uint64_t align, uint64_t now_ns);

/* period moved into the bounds and to a multiple of align. */
uint64_t perf_rate_fit(const struct perf_rate *rate, uint64_t period);

/*
 * More samples have come (those that were lost included), and the kernel has held the event back since the last call or
 * not. Returns the new period, or 0: it stays. The caller stores it in rate->period once it is in force.
 */
uint64_t perf_rate_add(struct perf_rate *rate, uint64_t samples, bool throttled, uint64_t now_ns);

#endif
