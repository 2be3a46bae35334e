/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/when.h"

#include <stdio.h>
#include <time.h>

#include "collector/clock.h"

static const char *since_begin(char dst[WHEN_SIZE], uint64_t ns)
{
	uint64_t s = ns / NSEC_PER_SEC;
	unsigned seconds = (unsigned)(s % 60), minutes = (unsigned)(s / 60 % 60);

	if (s < 60)
		snprintf(dst, WHEN_SIZE, "+%.2fs", (double)ns / (double)NSEC_PER_SEC);
	else if (s < 3600)
		snprintf(dst, WHEN_SIZE, "+%u:%02u", minutes, seconds);
	else
		snprintf(dst, WHEN_SIZE, "+%llu:%02u:%02u", (unsigned long long)(s / 3600), minutes, seconds);
	return dst;
}

const char *when_text(char dst[WHEN_SIZE], const struct snapshot *snap, uint64_t before_ns)
{
	uint64_t ns = snap->wall_ns > before_ns ? snap->wall_ns - before_ns : 0;
	time_t seconds = (time_t)(ns / NSEC_PER_SEC);
	struct tm tm;

	if (snap->flags & SNAP_ACCESSES_ALONE)
		return since_begin(dst, ns);
	if (!localtime_r(&seconds, &tm) || !strftime(dst, WHEN_SIZE, "%H:%M:%S", &tm))
		dst[0] = '\0';
	return dst;
}
