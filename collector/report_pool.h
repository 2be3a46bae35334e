/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_pool.h - a bounded, uniform sample of an aggregation's reports, kept
 * whole until its regions are known: code addresses, reads and writes,
 * latency, data source and node by region come from it.
 *
 * Reservoir sampling (Vitter 1985, algorithm R): exact while the reports fit.
 * Collector thread only; report_pool_free() frees.
 */
#ifndef COLLECTOR_REPORT_POOL_H
#define COLLECTOR_REPORT_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/report.h"
#include "collector/rng.h"
#include "collector/snapshot.h"

#define REPORT_POOL_SIZE  8192
#define REPORT_POOL_CODES 4 /* code addresses kept for a region */

struct pool_item {
	uint64_t addr, ip;
	uint32_t valid, latency;
	int16_t node;
	uint8_t op, level; /* enum snap_level */
	uint8_t kind;
};

struct report_pool {
	struct pool_item *items; /* REPORT_POOL_SIZE of them */
	size_t nr;
	uint64_t nr_seen;
	uint32_t valid; /* all bits that any report of this aggregation had */
};

/* 0 or -ENOMEM. */
int report_pool_init(struct report_pool *pool);
void report_pool_free(struct report_pool *pool);
void report_pool_clear(struct report_pool *pool);
void report_pool_add(struct report_pool *pool, const struct report *v, size_t nr, struct rng *rng);
/* By address: the calls below want it so. */
void report_pool_sort(struct report_pool *pool);

/*
 * The most frequent code addresses of each region (sorted by address), at most REPORT_POOL_CODES each, into codes (cap
 * of them). Returns their number. Counts are scaled to all reports of the region.
 */
size_t report_pool_codes(struct report_pool *pool, const struct snap_region *regions, size_t nr_regions,
			 struct snap_code *codes, size_t cap);

/* Did any report carry what struct snap_access holds? */
bool report_pool_has_access(const struct report_pool *pool);
/* Fills access[i] for each region, scaled to all of its reports. */
void report_pool_access(const struct report_pool *pool, const struct snap_region *regions, size_t nr_regions,
			struct snap_access *access);
/* Node and kind of each region's pages into pages[i], in the shares of its reports, where reports say. */
void report_pool_pages(const struct report_pool *pool, const struct snap_region *regions, size_t nr_regions,
		       struct snap_pages *pages);

/* perf's data_src word as one level of the memory hierarchy. */
enum snap_level snap_level_of_data_src(uint64_t data_src);

#endif
