/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/perf_rate.h"

#include "collector/clock.h"

/* A rate is judged over at least this long. */
#define WINDOW_NS (200 * NSEC_PER_MSEC)
/* The band: from the target's half to its double. */
#define BAND 2
/* A quiet target may wake up at any time: the period falls by steps, while it rises at once. */
#define MAX_FALL 4
/* Where the kernel allows less than the target, it is asked again for more after this many windows (ten seconds). */
#define CALM_WINDOWS 50

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

/* What the kernel has held back at one period it will hold back again: that stays the shortest for a while. */
static void note_throttling(struct perf_rate *rate)
{
	if (rate->throttled) {
		rate->floor = rate->period <= rate->max_period / 2 ? rate->period * 2 : rate->max_period;
		rate->nr_calm = 0;
	} else if (rate->floor && ++rate->nr_calm == CALM_WINDOWS) {
		rate->floor /= 2;
		rate->nr_calm = 0;
	}
}

uint64_t perf_rate_add(struct perf_rate *rate, uint64_t samples, bool throttled, uint64_t now_ns)
{
	uint64_t elapsed = now_ns - rate->since_ns, hz, period;

	rate->samples += samples;
	rate->throttled = rate->throttled || throttled;
	if (elapsed < WINDOW_NS)
		return 0;
	hz = (uint64_t)((unsigned __int128)rate->samples * NSEC_PER_SEC / elapsed);
	note_throttling(rate);
	rate->samples = 0;
	rate->throttled = false;
	rate->since_ns = now_ns;
	if (hz >= rate->target_hz / BAND && hz <= rate->target_hz * BAND && rate->period >= rate->floor)
		return 0;
	period = (uint64_t)((unsigned __int128)rate->period * hz / rate->target_hz);
	if (period < rate->period / MAX_FALL)
		period = rate->period / MAX_FALL;
	if (period < rate->floor)
		period = rate->floor;
	period = perf_rate_fit(rate, period);
	return period == rate->period ? 0 : period;
}
