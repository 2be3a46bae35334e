/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/array.h"
#include "collector/text.h"

const char *heat_unit_name(enum heat_unit unit)
{
	static const char *const names[] = {
		[HEAT_FRACTION] = "fraction",
		[HEAT_RATE] = "rate",
		[HEAT_TIME] = "time",
	};

	return names[unit];
}

/* One block: the snapshot, its regions, what is known of their pages, accesses and codes. */
static void place_parts(struct snapshot *snap, bool with_access)
{
	char *p = (char *)(snap + 1);

	snap->regions = (struct snap_region *)(void *)p;
	p += snap->nr_regions * sizeof(struct snap_region);
	snap->open.pages = (struct snap_pages *)(void *)p;
	p += snap->nr_regions * sizeof(struct snap_pages);
	snap->open.access = with_access ? (struct snap_access *)(void *)p : NULL;
	p += with_access ? snap->nr_regions * sizeof(struct snap_access) : 0;
	snap->open.codes = (struct snap_code *)(void *)p;
}

struct snapshot *snapshot_new(size_t nr_regions, bool with_access, size_t nr_codes, struct mappings *maps)
{
	/* Each part's size is a multiple of 8, so that each begins aligned. */
	size_t sz_details = nr_regions * (sizeof(struct snap_pages) + (with_access ? sizeof(struct snap_access) : 0)) +
			    nr_codes * sizeof(struct snap_code);
	struct snapshot *snap = calloc(1, sizeof(*snap) + nr_regions * sizeof(struct snap_region) + sz_details);

	if (!snap) {
		mappings_put(maps);
		return NULL;
	}
	snap->maps = maps;
	snap->nr_regions = nr_regions;
	snap->nr_codes = nr_codes;
	snap->sz_details = sz_details;
	place_parts(snap, with_access);
	return snap;
}

_Static_assert(sizeof(struct snapshot) % 8 == 0, "regions begin aligned");
_Static_assert(sizeof(struct snap_pages) % 8 == 0, "accesses begin aligned");
_Static_assert(sizeof(struct snap_access) % 8 == 0, "codes begin aligned");

void snapshot_free(struct snapshot *snap)
{
	if (!snap)
		return;
	mappings_put(snap->maps);
	free(snap->mappings);
	free(snap->processes);
	free(snap);
}

int snapshot_set_processes(struct snapshot *snap, const struct snap_process *v)
{
	size_t bytes = snap->maps->nr_processes * sizeof(*v);

	free(snap->processes);
	snap->processes = bytes ? malloc(bytes) : NULL;
	if (snap->processes)
		memcpy(snap->processes, v, bytes);
	return snap->processes || !bytes ? 0 : -ENOMEM;
}

size_t snapshot_nr_processes(const struct snapshot *snap)
{
	return snap->processes ? snap->maps->nr_processes : 1;
}

/* Hottest first: by rate, then by bytes in use, then by bytes present. */
static int compare_use(const void *a, const void *b)
{
	const struct mapping_report *x = a, *y = b;

	if (x->accesses_per_sec != y->accesses_per_sec)
		return x->accesses_per_sec < y->accesses_per_sec ? 1 : -1;
	if (x->referenced_bytes != y->referenced_bytes)
		return x->referenced_bytes < y->referenced_bytes ? 1 : -1;
	return (x->rss_bytes < y->rss_bytes) - (x->rss_bytes > y->rss_bytes);
}

static int compare_start(const void *a, const void *b)
{
	const struct mapping_report *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

int snapshot_set_mappings(struct snapshot *snap, const struct mapping_report *v, size_t nr)
{
	struct mapping_report *mappings = malloc((nr + 1) * sizeof(*mappings)), *smaller;
	size_t nr_present = 0, nr_kept;

	if (!mappings)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		if (v[i].rss_bytes)
			mappings[nr_present++] = v[i];
	nr_kept = nr_present < SNAPSHOT_MAX_MAPPINGS ? nr_present : SNAPSHOT_MAX_MAPPINGS;
	if (nr_kept < nr_present) {
		qsort(mappings, nr_present, sizeof(*mappings), compare_use);
		qsort(mappings, nr_kept, sizeof(*mappings), compare_start);
	}
	smaller = realloc(mappings, (nr_kept + 1) * sizeof(*mappings));
	free(snap->mappings);
	snap->mappings = smaller ? smaller : mappings;
	snap->nr_mappings = nr_kept;
	snap->nr_mappings_left_out = nr_present - nr_kept;
	return 0;
}

/* To a tenth of a second. */
static const char *about(char dst[TEXT_NUMBER_SIZE], uint64_t ns)
{
	return text_duration_us(dst, (ns + 50000000) / 100000000 * 100000);
}

const char *snapshot_wss_when(char dst[SNAPSHOT_WHEN_SIZE], const struct snapshot *snap)
{
	char window[TEXT_NUMBER_SIZE], age[TEXT_NUMBER_SIZE];

	/* that one aggregation went without a look is of no interest */
	if (snap->wss_age_ns > snap->duration_ns + snap->duration_ns / 2)
		snprintf(dst, SNAPSHOT_WHEN_SIZE, " in %s until %s ago", about(window, snap->wss_window_ns),
			 about(age, snap->wss_age_ns));
	else if (snap->wss_window_ns > snap->duration_ns + snap->duration_ns / 4)
		snprintf(dst, SNAPSHOT_WHEN_SIZE, " in %s", about(window, snap->wss_window_ns));
	else
		dst[0] = '\0';
	return dst;
}

size_t snapshot_sz(const struct snapshot *snap)
{
	return sizeof(*snap) + snap->nr_regions * sizeof(*snap->regions) + snap->sz_details +
	       snap->nr_mappings * sizeof(*snap->mappings) +
	       (snap->processes ? snap->maps->nr_processes * sizeof(*snap->processes) : 0);
}

size_t snapshot_from(const struct snapshot *snap, uint64_t addr)
{
	return array_first_above(snap->regions, snap->nr_regions, sizeof(*snap->regions),
				 offsetof(struct snap_region, end), addr);
}

const struct snap_region *snapshot_find(const struct snapshot *snap, uint64_t addr)
{
	size_t at = snapshot_from(snap, addr);

	return at < snap->nr_regions && snap->regions[at].start <= addr ? &snap->regions[at] : NULL;
}
