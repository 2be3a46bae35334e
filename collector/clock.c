/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/clock.h"

#include <time.h>

static uint64_t read_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static uint64_t system_now_ns(const struct clock *clock)
{
	(void)clock;
	return read_ns(CLOCK_MONOTONIC);
}

static uint64_t system_wall_ns(const struct clock *clock)
{
	(void)clock;
	return read_ns(CLOCK_REALTIME);
}

const struct clock clock_system = { .now_ns = system_now_ns, .wall_ns = system_wall_ns };

static const struct clock_virtual *virtual_of(const struct clock *clock)
{
	return (const struct clock_virtual *)(const void *)clock; /* its first member */
}

static uint64_t virtual_now_ns(const struct clock *clock)
{
	return virtual_of(clock)->now_ns;
}

static uint64_t virtual_wall_ns(const struct clock *clock)
{
	return virtual_of(clock)->wall_offset_ns + virtual_of(clock)->now_ns;
}

void clock_virtual_init(struct clock_virtual *virtual_clock, uint64_t now_ns, uint64_t wall_ns)
{
	*virtual_clock = (struct clock_virtual){
		.clock = { .now_ns = virtual_now_ns, .wall_ns = virtual_wall_ns },
		.now_ns = now_ns,
		.wall_offset_ns = wall_ns - now_ns,
	};
}

void clock_virtual_advance(struct clock_virtual *virtual_clock, uint64_t to_ns)
{
	if (to_ns > virtual_clock->now_ns)
		virtual_clock->now_ns = to_ns;
}

uint64_t clock_thread_cpu_ns(void)
{
	return read_ns(CLOCK_THREAD_CPUTIME_ID);
}
