/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/damon_zones.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "collector/report.h"
#include "collector/sysfs.h"

#define MAX_TEXT (1 << 20)
#define MAX_PFN	 (UINT64_C(1) << 40) /* 52 bits of address */

/* What is known of the zone whose lines are being read. */
struct reading {
	struct damon_zone zone;
	uint64_t nr_spanned, nr_present, start_pfn;
};

static int by_address(const void *a, const void *b)
{
	const struct damon_zone *x = a, *y = b;

	return x->range.start < y->range.start ? -1 : x->range.start > y->range.start;
}

/* The zone's last line of interest: it is complete. */
static size_t add_zone(const struct reading *r, struct damon_zone *zones, size_t nr)
{
	if (!r->nr_present || !r->nr_spanned || r->start_pfn > MAX_PFN || r->nr_spanned > MAX_PFN ||
	    nr == DAMON_MAX_RANGES)
		return nr;
	zones[nr] = r->zone;
	zones[nr].range.start = r->start_pfn << PAGE_SHIFT;
	zones[nr].range.end = (r->start_pfn + r->nr_spanned) << PAGE_SHIFT;
	return nr + 1;
}

static size_t cut_overlaps(struct damon_zone *zones, size_t nr)
{
	size_t kept = 0;

	for (size_t i = 0; i < nr; i++) {
		struct damon_zone zone = zones[i];

		if (kept && zone.range.start < zones[kept - 1].range.end)
			zone.range.start = zones[kept - 1].range.end;
		if (zone.range.start < zone.range.end)
			zones[kept++] = zone;
	}
	return kept;
}

size_t damon_zones_parse(const char *text, struct damon_zone zones[DAMON_MAX_RANGES])
{
	struct reading r = { 0 };
	size_t nr = 0;

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		char name[sizeof(r.zone.name)];
		uint32_t node;

		if (sscanf(line, "Node %" SCNu32 ", zone %15[A-Za-z0-9]", &node, name) == 2) {
			r = (struct reading){ .zone.node = node };
			memcpy(r.zone.name, name, sizeof(name));
		} else if (sscanf(line, " spanned %" SCNu64, &r.nr_spanned) == 1 ||
			   sscanf(line, " present %" SCNu64, &r.nr_present) == 1) {
			continue;
		} else if (sscanf(line, " start_pfn: %" SCNu64, &r.start_pfn) == 1) {
			nr = add_zone(&r, zones, nr);
			r = (struct reading){ 0 };
		}
	}
	qsort(zones, nr, sizeof(zones[0]), by_address);
	return cut_overlaps(zones, nr);
}

int damon_zones_read(const char *root, struct damon_zone zones[DAMON_MAX_RANGES], struct err *err)
{
	char *text = malloc(MAX_TEXT);
	ssize_t len = text ? sysfs_read(root, "/proc/zoneinfo", text, MAX_TEXT) : -ENOMEM;
	size_t nr = len < 0 ? 0 : damon_zones_parse(text, zones);

	free(text);
	if (len < 0)
		return err_set(err, (int)-len, "/proc/zoneinfo: %s", strerror((int)-len));
	return nr ? (int)nr : err_set(err, EBADMSG, "/proc/zoneinfo is not in the form that is known");
}

/* The first border of a zone behind addr; UINT64_MAX: none. */
static uint64_t next_border(const struct damon_zone *zones, size_t nr_zones, uint64_t addr)
{
	for (size_t i = 0; i < nr_zones; i++) {
		if (addr < zones[i].range.start)
			return zones[i].range.start;
		if (addr < zones[i].range.end)
			return zones[i].range.end;
	}
	return UINT64_MAX;
}

int damon_zones_cut(const struct damon_zone *zones, size_t nr_zones, const struct region_report *v, size_t nr,
		    struct damon_regions *cut)
{
	cut->nr = 0;
	for (size_t i = 0; i < nr; i++) {
		struct region_report piece = v[i];

		for (; piece.start < v[i].end; piece.start = piece.end) {
			piece.end = MIN(next_border(zones, nr_zones, piece.start), v[i].end);
			if (damon_regions_add(cut, &piece))
				return -ENOMEM;
		}
	}
	return 0;
}

/* Beyond REPORT_NR_NODES nodes in one region the last ones are left out. */
static void add_node(struct region_report *region, uint32_t node, uint64_t bytes)
{
	for (size_t i = 0; i < REPORT_NR_NODES; i++) {
		if (region->nodes[i].bytes && region->nodes[i].node != node)
			continue;
		region->nodes[i].node = node;
		region->nodes[i].bytes += bytes;
		region->valid |= REPORT_NODE;
		return;
	}
}

void damon_zones_fill_nodes(const struct damon_zone *zones, size_t nr_zones, struct region_report *v, size_t nr)
{
	size_t first = 0;

	for (size_t i = 0; i < nr; i++) {
		while (first < nr_zones && zones[first].range.end <= v[i].start)
			first++;
		for (size_t z = first; z < nr_zones && zones[z].range.start < v[i].end; z++) {
			uint64_t start = MAX(zones[z].range.start, v[i].start), end = MIN(zones[z].range.end, v[i].end);

			add_node(&v[i], zones[z].node, end - start);
		}
	}
}

struct mappings *damon_zones_mappings(const struct damon_zone *zones, size_t nr, struct err *err)
{
	char text[DAMON_MAX_RANGES * 96];
	size_t used = 0;

	for (size_t i = 0; i < nr && i < DAMON_MAX_RANGES; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "%" PRIx64 "-%" PRIx64 " rw-p 00000000 00:00 0 [node %u %s]\n",
					 zones[i].range.start, zones[i].range.end, zones[i].node, zones[i].name);
	return mappings_parse(text, used, err);
}
