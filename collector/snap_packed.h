/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snap_packed.h - what is known of a snapshot's regions, in columns.
 *
 * A column holds one attribute of all regions (or of all code addresses), each
 * in the same number of bytes: as many as the largest of them needs, none where
 * all are 0. Most attributes of most snapshots are small or not known, so that
 * a region takes 10 to 30 bytes rather than 100. Code addresses, of which a few
 * touch many regions, are kept once each; a column says which.
 *
 * Part of the snapshot's own block: it owns nothing, and is immutable. Any
 * thread may read it. What is inline here is what the view reads for each
 * region of each column of the screen.
 */
#ifndef COLLECTOR_SNAP_PACKED_H
#define COLLECTOR_SNAP_PACKED_H

#include <endian.h>
#include <string.h>

#include "collector/snapshot.h"

enum snap_column {
	SNAP_COL_VALID,
	SNAP_COL_NODE, /* SNAP_NR_NODES of them */
	SNAP_COL_NODE_PAGES = SNAP_COL_NODE + SNAP_NR_NODES,
	SNAP_COL_ANON = SNAP_COL_NODE_PAGES + SNAP_NR_NODES,
	SNAP_COL_FILE,
	SNAP_COL_HUGE,
	SNAP_COL_SWAP, /* 0: not known; otherwise pages in swap, and one */
	SNAP_COL_READS,
	SNAP_COL_WRITES,
	SNAP_COL_OP_UNKNOWN,
	SNAP_COL_LATENCIES,
	SNAP_COL_LATENCY_SUM,
	SNAP_COL_LEVEL,				    /* 8 of them */
	SNAP_NR_REGION_COLS = SNAP_COL_LEVEL + 8,   /* those above have a value for each region */
	SNAP_COL_CODE_REGION = SNAP_NR_REGION_COLS, /* ... and these for each code */
	SNAP_COL_CODE_COUNT,
	SNAP_COL_CODE_IP, /* which of the addresses */
	SNAP_NR_COLS,
};

/* A value is read as eight bytes of which the upper ones are masked off: no choice to make at each. */
#define SNAP_PACKED_PAD 8

struct snap_packed {
	struct {
		uint32_t at : 28; /* byte of the first value, from the start of this */
		uint32_t width : 4;
	} cols[SNAP_NR_COLS];
	bool has_access;
	uint8_t nr_nodes;  /* columns of nodes that hold anything */
	uint8_t all_valid; /* enum snap_pages_valid bits of every region, and of any */
	uint8_t any_valid;
	uint32_t nr_ips;
	uint64_t ips[]; /* sorted; the columns lie behind */
};
#define SNAP_PACKED_MAX_BYTES (UINT32_C(1) << 28)

/* The bits of a value of so many bytes. */
static inline uint64_t snap_packed_mask(unsigned width)
{
	return width ? UINT64_MAX >> (64 - 8 * width) : 0;
}

static inline uint64_t snap_packed_load(const char *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return le64toh(v);
}

static inline uint64_t snap_packed_get(const struct snap_packed *packed, unsigned col, size_t i)
{
	unsigned width = packed->cols[col].width;

	return snap_packed_load((const char *)packed + packed->cols[col].at + i * width) & snap_packed_mask(width);
}

static inline struct snap_pages snap_packed_pages(const struct snap_packed *packed, size_t i)
{
	struct snap_pages pages = { .valid = snap_packed_get(packed, SNAP_COL_VALID, i) & 15 };

	uint64_t swap = snap_packed_get(packed, SNAP_COL_SWAP, i);

	pages.swap_known = swap > 0;
	pages.swapped = (uint32_t)(swap ? swap - 1 : 0);
	if (!pages.valid)
		return pages;
	for (unsigned k = 0; k < packed->nr_nodes; k++) {
		pages.node[k] = (uint8_t)snap_packed_get(packed, SNAP_COL_NODE + k, i);
		pages.node_pages[k] = (uint32_t)snap_packed_get(packed, SNAP_COL_NODE_PAGES + k, i);
	}
	pages.anon = (uint32_t)snap_packed_get(packed, SNAP_COL_ANON, i);
	pages.file = (uint32_t)snap_packed_get(packed, SNAP_COL_FILE, i);
	pages.huge = (uint32_t)snap_packed_get(packed, SNAP_COL_HUGE, i) & 0xfffffff;
	return pages;
}

static inline struct snap_access snap_packed_access(const struct snap_packed *packed, size_t i)
{
	struct snap_access access = { 0 };

	if (!packed->has_access)
		return access;
	access.nr_reads = (uint32_t)snap_packed_get(packed, SNAP_COL_READS, i);
	access.nr_writes = (uint32_t)snap_packed_get(packed, SNAP_COL_WRITES, i);
	access.nr_op_unknown = (uint32_t)snap_packed_get(packed, SNAP_COL_OP_UNKNOWN, i);
	access.nr_latency = (uint32_t)snap_packed_get(packed, SNAP_COL_LATENCIES, i);
	access.latency_sum = snap_packed_get(packed, SNAP_COL_LATENCY_SUM, i);
	for (unsigned k = 0; k < 8; k++)
		access.nr_level[k] = (uint32_t)snap_packed_get(packed, SNAP_COL_LEVEL + k, i);
	return access;
}

static inline struct snap_code snap_packed_code(const struct snap_packed *packed, size_t k)
{
	return (struct snap_code){
		.region = (uint32_t)snap_packed_get(packed, SNAP_COL_CODE_REGION, k),
		.count = (uint32_t)snap_packed_get(packed, SNAP_COL_CODE_COUNT, k),
		.ip = packed->ips[snap_packed_get(packed, SNAP_COL_CODE_IP, k)],
	};
}

#endif
