/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/perf_rate.h"

#include "collector/clock.h"

/* A rate is judged over at least this long. */
#define WINDOW_NS (200 * NSEC_PER_MSEC)
/* The band: from the target's half to its double. */
#define BAND 2
/* A quiet target may wake up at any time: the period falls by steps, while it rises at once. */
#define MAX_FALL 4

void perf_rate_init(struct perf_rate *rate, uint64_t period, uint64_t min_period, uint64_t align, uint64_t now_ns)
{
	*rate = (struct perf_rate){
		.target_hz = PERF_RATE_TARGET_HZ,
		.min_period = min_period,
		.max_period = PERF_RATE_MAX_PERIOD,
		.align = align,
		.since_ns = now_ns,
	};
	rate->period = perf_rate_fit(rate, period);
}

uint64_t perf_rate_fit(const struct perf_rate *rate, uint64_t period)
{
	if (period < rate->min_period)
		period = rate->min_period;
	if (period > rate->max_period)
		period = rate->max_period;
	return (period + rate->align - 1) & ~(rate->align - 1);
}

uint64_t perf_rate_add(struct perf_rate *rate, uint64_t samples, bool throttled, uint64_t now_ns)
{
	uint64_t elapsed = now_ns - rate->since_ns, hz, period;

	rate->samples += samples;
	rate->throttled = rate->throttled || throttled;
	if (elapsed < WINDOW_NS)
		return 0;
	hz = (uint64_t)((unsigned __int128)rate->samples * NSEC_PER_SEC / elapsed);
	/* What the kernel held back was not counted: at least twice the target, to be sure. */
	if (rate->throttled && hz <= rate->target_hz * BAND)
		hz = rate->target_hz * BAND + 1;
	rate->samples = 0;
	rate->throttled = false;
	rate->since_ns = now_ns;
	if (hz >= rate->target_hz / BAND && hz <= rate->target_hz * BAND)
		return 0;
	period = (uint64_t)((unsigned __int128)rate->period * hz / rate->target_hz);
	if (period < rate->period / MAX_FALL)
		period = rate->period / MAX_FALL;
	period = perf_rate_fit(rate, period);
	return period == rate->period ? 0 : period;
}
