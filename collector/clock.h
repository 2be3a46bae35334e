/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clock.h - where time comes from.
 *
 * Code that needs the time takes a const struct clock *, so that tests run on
 * a clock of their own and never sleep. Any thread; nothing is owned.
 */
#ifndef COLLECTOR_CLOCK_H
#define COLLECTOR_CLOCK_H

#include <stdint.h>

#define NSEC_PER_USEC UINT64_C(1000)
#define NSEC_PER_MSEC UINT64_C(1000000)
#define NSEC_PER_SEC  UINT64_C(1000000000)
#define USEC_PER_SEC  UINT64_C(1000000)

struct clock {
	uint64_t (*now_ns)(const struct clock *clock);	/* monotonic */
	uint64_t (*wall_ns)(const struct clock *clock); /* since 1970-01-01 UTC */
};

/* The machine's clock: CLOCK_MONOTONIC and CLOCK_REALTIME. */
extern const struct clock clock_system;

/* A clock that stands still but for clock_virtual_advance(): for tests and for screens that must come out the same. */
struct clock_virtual {
	struct clock clock;
	uint64_t now_ns;
	uint64_t wall_offset_ns; /* wall time at now_ns 0 */
};

void clock_virtual_init(struct clock_virtual *virtual_clock, uint64_t now_ns, uint64_t wall_ns);
void clock_virtual_advance(struct clock_virtual *virtual_clock, uint64_t to_ns);

static inline uint64_t clock_now_ns(const struct clock *clock)
{
	return clock->now_ns(clock);
}

static inline uint64_t clock_wall_ns(const struct clock *clock)
{
	return clock->wall_ns(clock);
}

/* CPU time that the calling thread has used, in ns. */
uint64_t clock_thread_cpu_ns(void);

#endif
