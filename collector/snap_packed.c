/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/snap_packed.h"

#include <stdlib.h>

/* Column by column: how wide, and where. */
struct plan {
	uint64_t *ips; /* sorted, each once */
	size_t nr_ips;
	unsigned width[SNAP_NR_COLS];
	size_t bytes;
};

static uint64_t pages_value(const struct snap_pages *p, unsigned col)
{
	if (col >= SNAP_COL_NODE && col < SNAP_COL_NODE_PAGES)
		return p->node[col - SNAP_COL_NODE];
	if (col >= SNAP_COL_NODE_PAGES && col < SNAP_COL_ANON)
		return p->node_pages[col - SNAP_COL_NODE_PAGES];
	return col == SNAP_COL_VALID  ? p->valid
	       : col == SNAP_COL_ANON ? p->anon
	       : col == SNAP_COL_FILE ? p->file
	       : col == SNAP_COL_HUGE ? p->huge
	       : p->swap_known	      ? (uint64_t)p->swapped + 1
				      : 0;
}

static uint64_t access_value(const struct snap_access *a, unsigned col)
{
	switch (col) {
	case SNAP_COL_READS:
		return a->nr_reads;
	case SNAP_COL_WRITES:
		return a->nr_writes;
	case SNAP_COL_OP_UNKNOWN:
		return a->nr_op_unknown;
	case SNAP_COL_LATENCIES:
		return a->nr_latency;
	case SNAP_COL_LATENCY_SUM:
		return a->latency_sum;
	default:
		return a->nr_level[col - SNAP_COL_LEVEL];
	}
}

static int compare_ips(const void *va, const void *vb)
{
	uint64_t a = *(const uint64_t *)va, b = *(const uint64_t *)vb;

	return (a > b) - (a < b);
}

static uint64_t index_of_ip(const struct plan *plan, uint64_t ip)
{
	const uint64_t *at = bsearch(&ip, plan->ips, plan->nr_ips, sizeof(ip), compare_ips);

	return (uint64_t)(at - plan->ips);
}

static uint64_t code_value(const struct plan *plan, const struct snap_code *code, unsigned col)
{
	return col == SNAP_COL_CODE_REGION  ? code->region
	       : col == SNAP_COL_CODE_COUNT ? code->count
					    : index_of_ip(plan, code->ip);
}

static uint64_t value(const struct plan *plan, const struct snapshot *snap, unsigned col, size_t i)
{
	if (col >= SNAP_COL_CODE_REGION)
		return code_value(plan, &snap->open.codes[i], col);
	if (col >= SNAP_COL_READS)
		return snap->open.access ? access_value(&snap->open.access[i], col) : 0;
	return pages_value(&snap->open.pages[i], col);
}

static size_t nr_values(const struct snapshot *snap, unsigned col)
{
	return col >= SNAP_COL_CODE_REGION ? snap->nr_codes : snap->nr_regions;
}

static int collect_ips(struct plan *plan, const struct snapshot *snap)
{
	size_t nr = 0;

	plan->ips = malloc((snap->nr_codes + 1) * sizeof(*plan->ips));
	if (!plan->ips)
		return -1;
	for (size_t i = 0; i < snap->nr_codes; i++)
		plan->ips[i] = snap->open.codes[i].ip;
	qsort(plan->ips, snap->nr_codes, sizeof(*plan->ips), compare_ips);
	for (size_t i = 0; i < snap->nr_codes; i++)
		if (!nr || plan->ips[i] != plan->ips[nr - 1])
			plan->ips[nr++] = plan->ips[i];
	plan->nr_ips = nr;
	return 0;
}

static int make_plan(struct plan *plan, const struct snapshot *snap)
{
	if (collect_ips(plan, snap))
		return -1;
	plan->bytes = sizeof(struct snap_packed) + plan->nr_ips * sizeof(*plan->ips);
	for (unsigned col = 0; col < SNAP_NR_COLS; col++) {
		uint64_t bits = 0;

		for (size_t i = 0; i < nr_values(snap, col); i++)
			bits |= value(plan, snap, col, i);
		while (bits) {
			plan->width[col]++;
			bits >>= 8;
		}
		plan->bytes += plan->width[col] * nr_values(snap, col);
	}
	plan->bytes += SNAP_PACKED_PAD;
	return plan->bytes < SNAP_PACKED_MAX_BYTES ? 0 : -1;
}

static void fill(struct snap_packed *packed, const struct plan *plan, const struct snapshot *snap)
{
	size_t at = sizeof(*packed) + plan->nr_ips * sizeof(*plan->ips);

	packed->has_access = snap->open.access != NULL;
	packed->nr_ips = (uint32_t)plan->nr_ips;
	if (plan->nr_ips)
		memcpy(packed->ips, plan->ips, plan->nr_ips * sizeof(*plan->ips));
	for (unsigned col = 0; col < SNAP_NR_COLS; col++) {
		unsigned width = plan->width[col];

		packed->cols[col].at = at & (SNAP_PACKED_MAX_BYTES - 1);
		packed->cols[col].width = width & 15;
		/* eight bytes each: the next value, the next column and the pad are written after it */
		for (size_t i = 0; width && i < nr_values(snap, col); i++, at += width) {
			uint64_t v = htole64(value(plan, snap, col, i));

			memcpy((char *)packed + at, &v, sizeof(v));
		}
	}
	packed->all_valid = 15;
	for (size_t i = 0; i < snap->nr_regions; i++) {
		packed->all_valid &= snap->open.pages[i].valid;
		packed->any_valid |= snap->open.pages[i].valid;
	}
	for (unsigned k = 0; k < SNAP_NR_NODES; k++)
		if (plan->width[SNAP_COL_NODE_PAGES + k] || plan->width[SNAP_COL_NODE + k])
			packed->nr_nodes = (uint8_t)(k + 1);
}

struct snapshot *snapshot_pack(struct snapshot *snap)
{
	size_t sz = sizeof(*snap) + snap->nr_regions * sizeof(*snap->regions);
	struct plan plan = { 0 };
	struct snapshot *small = NULL;

	if (!snap->packed && !make_plan(&plan, snap))
		small = malloc(sz + plan.bytes);
	if (small) {
		memcpy(small, snap, sizeof(*snap));
		small->regions = (struct snap_region *)(void *)(small + 1);
		memcpy(small->regions, snap->regions, snap->nr_regions * sizeof(*snap->regions));
		small->packed = (struct snap_packed *)(void *)((char *)small + sz);
		memset(small->packed, 0, plan.bytes);
		small->sz_details = plan.bytes;
		small->open = (struct snap_open){ 0 };
		fill(small->packed, &plan, snap);
		free(snap); /* what it refers to has gone over */
	}
	free(plan.ips);
	return small ? small : snap;
}

struct snap_pages snapshot_pages(const struct snapshot *snap, size_t i)
{
	return snap->packed ? snap_packed_pages(snap->packed, i) : snap->open.pages[i];
}

bool snapshot_has_access(const struct snapshot *snap)
{
	return snap->packed ? snap->packed->has_access : snap->open.access != NULL;
}

struct snap_access snapshot_access(const struct snapshot *snap, size_t i)
{
	if (snap->packed)
		return snap_packed_access(snap->packed, i);
	return snap->open.access ? snap->open.access[i] : (struct snap_access){ 0 };
}

struct snap_code snapshot_code(const struct snapshot *snap, size_t k)
{
	return snap->packed ? snap_packed_code(snap->packed, k) : snap->open.codes[k];
}
