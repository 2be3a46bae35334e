/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/tune.h"

#include "collector/clock.h"

uint64_t tune_step(uint64_t v, int direction)
{
	static const unsigned digits[] = { 1, 2, 5 };
	uint64_t unit = 1, below = 1;
	unsigned i;

	for (i = 0; unit < UINT64_C(1000000000000000); i++) {
		uint64_t step = digits[i % 3] * unit;

		if (direction > 0 && step > v)
			return step;
		if (direction < 0 && step >= v)
			return below;
		below = step;
		if (i % 3 == 2)
			unit *= 10;
	}
	return v;
}

uint64_t tune_sample_rate(const struct snapshot *snap)
{
	double seconds = (double)snap->duration_ns / (double)NSEC_PER_SEC;

	if (snap->stats.freq_hz)
		return snap->stats.freq_hz;
	if (!snap->stats.samples || !(seconds > 0))
		return 1000;
	return 1 + (uint64_t)((double)snap->stats.samples / seconds / (snap->nr_threads ? snap->nr_threads : 1));
}
