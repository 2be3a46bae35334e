/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Viewports: larger, smaller, and moved, by mapped bytes. */
#include <sys/param.h>

#include "collector/report.h"
#include "tui/axis.h"

/* The address with `bytes` mapped bytes between start and it. */
static uint64_t address_at(const struct mappings *maps, uint64_t start, uint64_t end, uint64_t bytes)
{
	const struct mapping *m = mappings_from(maps, start);

	for (; m && m < maps->v + maps->nr && m->start < end; m++) {
		uint64_t from = MAX(m->start, start), to = MIN(m->end, end);

		if (!axis_shows(m))
			continue;
		if (bytes < to - from)
			return from + bytes;
		bytes -= to - from;
	}
	return end;
}

void axis_zoom(const struct mappings *maps, uint64_t addr, unsigned num, unsigned den, uint64_t min_bytes,
	       uint64_t *start, uint64_t *end)
{
	/* in pages: the quotient below is smaller than want, so that addr stays inside */
	uint64_t all = (axis_mapped_bytes(maps, *start, *end) + PAGE_BYTES - 1) / PAGE_BYTES;
	uint64_t want = MAX(all * num / den, MAX(min_bytes / PAGE_BYTES, 1)), before, first;

	if (want >= all)
		return;
	before = axis_mapped_bytes(maps, *start, MIN(MAX(addr, *start), *end)) / PAGE_BYTES;
	first = before - (uint64_t)((unsigned __int128)before * want / all);
	first = MIN(first, all - want);
	addr = address_at(maps, *start, *end, first * PAGE_BYTES);
	*end = address_at(maps, *start, *end, (first + want) * PAGE_BYTES - 1) + 1;
	*start = addr;
}

void axis_pan(const struct mappings *maps, int direction, uint64_t first, uint64_t last, uint64_t *start, uint64_t *end)
{
	uint64_t all = axis_mapped_bytes(maps, first, last), size = axis_mapped_bytes(maps, *start, *end);
	uint64_t at = axis_mapped_bytes(maps, first, *start), step = MAX(size / 4 / PAGE_BYTES, 1) * PAGE_BYTES;

	if (!size || size >= all)
		return;
	at = direction < 0 ? at - MIN(at, step) : MIN(at + step, all - size);
	*start = address_at(maps, first, last, at);
	*end = address_at(maps, first, last, at + size - 1) + 1;
}
