/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/report_pool.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>

int report_pool_init(struct report_pool *pool)
{
	*pool = (struct report_pool){ .items = calloc(REPORT_POOL_SIZE, sizeof(struct pool_item)) };
	return pool->items ? 0 : -ENOMEM;
}

void report_pool_free(struct report_pool *pool)
{
	free(pool->items);
	*pool = (struct report_pool){ 0 };
}

void report_pool_clear(struct report_pool *pool)
{
	pool->nr = 0;
	pool->nr_seen = 0;
	pool->valid = 0;
}

enum snap_level snap_level_of_data_src(uint64_t data_src)
{
	union perf_mem_data_src src = { .val = data_src };
	bool remote = src.mem_remote || (src.mem_lvl & (PERF_MEM_LVL_REM_RAM1 | PERF_MEM_LVL_REM_RAM2 |
							PERF_MEM_LVL_REM_CCE1 | PERF_MEM_LVL_REM_CCE2));

	switch (src.mem_lvl_num) {
	case PERF_MEM_LVLNUM_L1:
		return SNAP_LEVEL_L1;
	case PERF_MEM_LVLNUM_L2:
		return SNAP_LEVEL_L2;
	case PERF_MEM_LVLNUM_L3:
		return remote ? SNAP_LEVEL_REMOTE_CACHE : SNAP_LEVEL_L3;
	case PERF_MEM_LVLNUM_CXL:
		return SNAP_LEVEL_CXL;
	case PERF_MEM_LVLNUM_RAM:
		return remote ? SNAP_LEVEL_REMOTE_DRAM : SNAP_LEVEL_LOCAL_DRAM;
	case PERF_MEM_LVLNUM_ANY_CACHE:
		return remote ? SNAP_LEVEL_REMOTE_CACHE : SNAP_LEVEL_OTHER;
	}
	/* Records of older kernels have only the bit form. */
	if (src.mem_lvl & PERF_MEM_LVL_L1)
		return SNAP_LEVEL_L1;
	if (src.mem_lvl & PERF_MEM_LVL_L2)
		return SNAP_LEVEL_L2;
	if (src.mem_lvl & PERF_MEM_LVL_L3)
		return SNAP_LEVEL_L3;
	if (src.mem_lvl & PERF_MEM_LVL_LOC_RAM)
		return SNAP_LEVEL_LOCAL_DRAM;
	if (src.mem_lvl & (PERF_MEM_LVL_REM_RAM1 | PERF_MEM_LVL_REM_RAM2))
		return SNAP_LEVEL_REMOTE_DRAM;
	if (src.mem_lvl & (PERF_MEM_LVL_REM_CCE1 | PERF_MEM_LVL_REM_CCE2))
		return SNAP_LEVEL_REMOTE_CACHE;
	return SNAP_LEVEL_OTHER;
}

void report_pool_add(struct report_pool *pool, const struct report *v, size_t nr, struct rng *rng)
{
	for (size_t i = 0; i < nr; i++) {
		uint64_t at = pool->nr_seen++;

		pool->valid |= v[i].valid;
		if (at >= REPORT_POOL_SIZE) {
			at = rng_below(rng, pool->nr_seen);
			if (at >= REPORT_POOL_SIZE)
				continue;
		} else {
			pool->nr++;
		}
		pool->items[at] = (struct pool_item){
			.addr = v[i].start,
			.ip = v[i].ip,
			.valid = v[i].valid,
			.latency = v[i].latency,
			.node = v[i].node,
			.op = v[i].op,
			.kind = v[i].kind,
			.level = v[i].valid & REPORT_DATA_SRC ? (uint8_t)snap_level_of_data_src(v[i].data_src)
							      : (uint8_t)SNAP_LEVEL_OTHER,
		};
	}
}

static int compare_items(const void *a, const void *b)
{
	const struct pool_item *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

void report_pool_sort(struct report_pool *pool)
{
	qsort(pool->items, pool->nr, sizeof(*pool->items), compare_items);
}

/* The items of a region, which begin at or after *from; moves *from on. */
static const struct pool_item *items_of(const struct report_pool *pool, const struct snap_region *region, size_t *from,
					size_t *nr)
{
	size_t first = *from, end;

	while (first < pool->nr && pool->items[first].addr < region->start)
		first++;
	for (end = first; end < pool->nr && pool->items[end].addr < region->end; end++)
		;
	*from = end;
	*nr = end - first;
	return pool->items + first;
}

/* count of the nr items that the pool has of a region, scaled to all of its reports: never more than there were. */
static uint32_t scaled(const struct snap_region *region, uint64_t count, size_t nr)
{
	return region->nr_reports <= nr || !nr ? (uint32_t)count : (uint32_t)(count * region->nr_reports / nr);
}

/* Misra and Gries 1982: with more slots than are kept, the most frequent ones are among what remains. */
#define NR_CANDIDATES 32

static size_t count_ips(const struct pool_item *items, size_t nr, struct snap_code *slots)
{
	size_t used = 0;

	for (size_t i = 0; i < nr; i++) {
		size_t s;

		if (!(items[i].valid & REPORT_IP))
			continue;
		for (s = 0; s < used && slots[s].ip != items[i].ip; s++)
			;
		if (s < used) {
			slots[s].count++;
		} else if (used < NR_CANDIDATES) {
			slots[used++] = (struct snap_code){ .ip = items[i].ip, .count = 1 };
		} else {
			for (s = 0; s < used;)
				if (--slots[s].count == 0)
					slots[s] = slots[--used];
				else
					s++;
		}
	}
	return used;
}

static int compare_codes(const void *a, const void *b)
{
	const struct snap_code *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return (x->ip > y->ip) - (x->ip < y->ip);
}

size_t report_pool_codes(struct report_pool *pool, const struct snap_region *regions, size_t nr_regions,
			 struct snap_code *codes, size_t cap)
{
	size_t from = 0, used = 0;

	if (!(pool->valid & REPORT_IP))
		return 0;
	for (size_t i = 0; i < nr_regions && from < pool->nr; i++) {
		struct snap_code slots[NR_CANDIDATES];
		size_t nr, nr_slots;
		const struct pool_item *items = items_of(pool, &regions[i], &from, &nr);

		nr_slots = count_ips(items, nr, slots);
		qsort(slots, nr_slots, sizeof(slots[0]), compare_codes);
		for (size_t s = 0; s < nr_slots && s < REPORT_POOL_CODES && used < cap; s++)
			codes[used++] = (struct snap_code){ .region = (uint32_t)i,
							    .count = scaled(&regions[i], slots[s].count, nr),
							    .ip = slots[s].ip };
	}
	return used;
}

bool report_pool_has_access(const struct report_pool *pool)
{
	return pool->valid & (REPORT_OP | REPORT_LATENCY | REPORT_DATA_SRC);
}

void report_pool_access(const struct report_pool *pool, const struct snap_region *regions, size_t nr_regions,
			struct snap_access *access)
{
	size_t from = 0;

	for (size_t i = 0; i < nr_regions; i++) {
		struct snap_access sum = { 0 };
		size_t nr;
		const struct pool_item *items = items_of(pool, &regions[i], &from, &nr);

		for (size_t k = 0; k < nr; k++) {
			if (!(items[k].valid & REPORT_OP))
				sum.nr_op_unknown++;
			else if (items[k].op == REPORT_WRITE)
				sum.nr_writes++;
			else
				sum.nr_reads++;
			if (items[k].valid & REPORT_LATENCY) {
				sum.nr_latency++;
				sum.latency_sum += items[k].latency;
			}
			if (items[k].valid & REPORT_DATA_SRC)
				sum.nr_level[items[k].level]++;
		}
		access[i] = (struct snap_access){
			.nr_reads = scaled(&regions[i], sum.nr_reads, nr),
			.nr_writes = scaled(&regions[i], sum.nr_writes, nr),
			.nr_op_unknown = scaled(&regions[i], sum.nr_op_unknown, nr),
			.nr_latency = scaled(&regions[i], sum.nr_latency, nr),
			.latency_sum = sum.nr_latency ? sum.latency_sum * scaled(&regions[i], sum.nr_latency, nr) /
								sum.nr_latency
						      : 0,
		};
		for (size_t l = 0; l < sizeof(sum.nr_level) / sizeof(sum.nr_level[0]); l++)
			access[i].nr_level[l] = scaled(&regions[i], sum.nr_level[l], nr);
	}
}

/*
 * Counts by node of a region's items; node numbers beyond the slots are left out. What rounding leaves over is the most
 * frequent one's, so that a region of few pages has a node, too.
 */
static void count_nodes(const struct pool_item *items, size_t nr, struct snap_pages *pages, uint64_t region_pages)
{
	uint64_t counts[256] = { 0 }, total = 0, counted = 0, given = 0;

	for (size_t k = 0; k < nr; k++) {
		if ((items[k].valid & REPORT_NODE) && items[k].node >= 0 && items[k].node < 256) {
			counts[items[k].node]++;
			total++;
		}
	}
	for (unsigned slot = 0; total && slot < SNAP_NR_NODES; slot++) {
		unsigned best = 0;

		for (unsigned n = 1; n < 256; n++)
			if (counts[n] > counts[best])
				best = n;
		if (!counts[best])
			break;
		pages->node[slot] = (uint8_t)best;
		pages->node_pages[slot] = (uint32_t)(counts[best] * region_pages / total);
		pages->valid |= SNAP_PAGES_NODE;
		counted += counts[best];
		given += pages->node_pages[slot];
		counts[best] = 0;
	}
	if (total)
		pages->node_pages[0] += (uint32_t)(counted * region_pages / total - given);
}

static void count_kinds(const struct pool_item *items, size_t nr, struct snap_pages *pages, uint64_t region_pages)
{
	uint64_t anon = 0, file = 0;

	for (size_t k = 0; k < nr; k++) {
		anon += (items[k].valid & REPORT_KIND) && items[k].kind == PAGE_ANON;
		file += (items[k].valid & REPORT_KIND) && items[k].kind == PAGE_FILE;
	}
	if (!(anon + file))
		return;
	pages->valid |= SNAP_PAGES_KIND;
	pages->anon = (uint32_t)((anon * region_pages + (anon + file) / 2) / (anon + file));
	pages->file = (uint32_t)region_pages - pages->anon;
}

void report_pool_pages(const struct report_pool *pool, const struct snap_region *regions, size_t nr_regions,
		       struct snap_pages *pages)
{
	size_t from = 0;

	if (!(pool->valid & (REPORT_NODE | REPORT_KIND)))
		return;
	for (size_t i = 0; i < nr_regions && from < pool->nr; i++) {
		uint64_t nr_pages = (regions[i].end - regions[i].start) >> PAGE_SHIFT;
		size_t nr;
		const struct pool_item *items = items_of(pool, &regions[i], &from, &nr);

		count_nodes(items, nr, &pages[i], nr_pages);
		count_kinds(items, nr, &pages[i], nr_pages);
	}
}
