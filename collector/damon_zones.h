/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * damon_zones.h - the machine's physical memory by NUMA node and zone, for
 * DAMON's physical address operations. Pure, but for damon_zones_read().
 */
#ifndef COLLECTOR_DAMON_ZONES_H
#define COLLECTOR_DAMON_ZONES_H

#include <stddef.h>
#include <stdint.h>

#include "collector/damon_sysfs.h"
#include "collector/err.h"
#include "collector/mappings.h"
#include "collector/report.h"

struct damon_zone {
	struct damon_range range; /* physical addresses that it spans; there may be holes in it */
	uint32_t node;
	char name[16];
};

/*
 * The zones with memory in the text of /proc/zoneinfo, sorted by address, none overlapping another (where the kernel's
 * do, the later one is cut). Writes at most DAMON_MAX_RANGES and returns how many; 0: not the kernel's form.
 */
size_t damon_zones_parse(const char *text, struct damon_zone zones[DAMON_MAX_RANGES]);

/* Reads and parses. How many, or -errno with err. */
int damon_zones_read(const char *root, struct damon_zone zones[DAMON_MAX_RANGES], struct err *err);

/*
 * Copies nr regions at v to cut, those that lie in several zones in pieces, each with its counts: DAMON joins across
 * the borders, but no page does. All sorted by address. 0 or -ENOMEM.
 */
int damon_zones_cut(const struct damon_zone *zones, size_t nr_zones, const struct region_report *v, size_t nr,
		    struct damon_regions *cut);

/*
 * Says of each region which nodes' memory it is, by its addresses: whole, as a zone's holes cannot be told. v and zones
 * are sorted by address.
 */
void damon_zones_fill_nodes(const struct damon_zone *zones, size_t nr_zones, struct region_report *v, size_t nr);

/* Each as a mapping "[node N ZONE]": one reference, or NULL with err. */
struct mappings *damon_zones_mappings(const struct damon_zone *zones, size_t nr, struct err *err);

#endif
