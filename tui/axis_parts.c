/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/axis_parts.h"

#include <errno.h>
#include <stdlib.h>

#include "collector/snapshot.h"

#define LEAST_SHARE (1.0 / 1024)

static uint64_t overlap(uint64_t a_start, uint64_t a_end, uint64_t b_start, uint64_t b_end)
{
	uint64_t from = a_start > b_start ? a_start : b_start, to = a_end < b_end ? a_end : b_end;

	return from < to ? to - from : 0;
}

/* Of a source that knows whole mappings alone: their share holds for the part of the region in them. */
static double resident_by_mappings(const struct snapshot *snap, const struct snap_region *region, size_t *at)
{
	double bytes = 0;
	size_t i;

	while (*at < snap->nr_mappings && snap->mappings[*at].end <= region->start)
		(*at)++;
	for (i = *at; i < snap->nr_mappings && snap->mappings[i].start < region->end; i++) {
		const struct mapping_report *m = &snap->mappings[i];

		bytes += (double)m->rss_bytes * (double)overlap(m->start, m->end, region->start, region->end) /
			 (double)(m->end - m->start);
	}
	return bytes;
}

static double resident_share(const struct snapshot *snap, size_t index, size_t *at)
{
	const struct snap_region *region = &snap->regions[index];
	const struct snap_pages pages = snapshot_pages(snap, index);
	double share, size = (double)(region->end - region->start);

	if (pages.valid & SNAP_PAGES_KIND)
		share = ((double)pages.anon + pages.file) * (double)PAGE_BYTES / size;
	else if (snap->mappings)
		share = resident_by_mappings(snap, region, at) / size;
	else
		return -1;
	return share < 1 ? share : 1;
}

int axis_parts_of(struct axis_parts *parts, const struct snapshot *snap)
{
	size_t i, at = 0;

	axis_parts_free(parts);
	if (!snap || !snap->nr_regions)
		return 0;
	parts->v = malloc(snap->nr_regions * sizeof(*parts->v));
	if (!parts->v)
		return -ENOMEM;
	for (i = 0; i < snap->nr_regions; i++) {
		const struct snap_region *region = &snap->regions[i];

		if (region->start >= region->end)
			continue;
		parts->v[parts->nr++] = (struct axis_part){
			.start = region->start,
			.end = region->end,
			.resident = resident_share(snap, i, &at),
			.heat = (double)region->heat,
		};
		parts->resident_known |= parts->v[parts->nr - 1].resident >= 0;
	}
	return 0;
}

void axis_parts_free(struct axis_parts *parts)
{
	free(parts->v);
	*parts = (struct axis_parts){ 0 };
}

double axis_parts_weight(const struct axis_parts *parts, size_t *at, uint64_t start, uint64_t end)
{
	double weight = (double)(end - start) * LEAST_SHARE;
	size_t i;

	while (*at < parts->nr && parts->v[*at].end <= start)
		(*at)++;
	for (i = *at; i < parts->nr && parts->v[i].start < end; i++)
		if (parts->v[i].resident > 0)
			weight +=
				(double)overlap(parts->v[i].start, parts->v[i].end, start, end) * parts->v[i].resident;
	return weight;
}

double axis_parts_heat(const struct axis_parts *parts, uint64_t start, uint64_t end)
{
	size_t low = 0, high = parts->nr;
	double sum = 0, bytes = 0;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (parts->v[mid].end <= start)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < parts->nr && parts->v[low].start < end; low++) {
		double part = (double)overlap(parts->v[low].start, parts->v[low].end, start, end);

		bytes += part;
		sum += part * parts->v[low].heat;
	}
	return bytes > 0 ? sum / bytes : 0;
}
