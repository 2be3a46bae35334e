/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * harvest.h - what the harvest's BPF programs and user space share.
 *
 * A chunk is 2 MiB of the target's address space, 512 pages. The kernel side
 * keeps the current chunk of each node in a per-CPU slot and sends it through
 * the ring when the walk leaves it; user space fetches the slots that are left
 * at the end of a harvest. Pages of a huge page, or of a folio, go as a range.
 * Records of the ring are told apart by their size.
 */
#ifndef BPF_HARVEST_H
#define BPF_HARVEST_H

#define HARVEST_CHUNK_BYTES (1ULL << 21)
#define HARVEST_CHUNK_PAGES 512
#define HARVEST_CHUNK_WORDS (HARVEST_CHUNK_PAGES / 64)
#define HARVEST_NR_SLOTS    4 /* chunks that one CPU keeps: interleaved nodes do not flush each other */

enum harvest_kind { HARVEST_KIND_UNKNOWN, HARVEST_KIND_ANON, HARVEST_KIND_FILE };

#define HARVEST_NODE_UNKNOWN (-1)

struct harvest_chunk {
	__u64 start; /* address of its first page */
	__u32 epoch; /* the harvest it belongs to; from 1 on */
	__s32 node;  /* of all its pages; where it is unknown, their kind is unknown too */
	__u64 young[HARVEST_CHUNK_WORDS];
	__u64 anon[HARVEST_CHUNK_WORDS];
};

struct harvest_range {
	__u64 start, end; /* [start, end) */
	__u32 epoch;
	__s16 node;
	__u8 kind; /* enum harvest_kind */
	__u8 huge;
};

/* What each CPU has of its own. */
struct harvest_cpu {
	struct harvest_chunk slot[HARVEST_NR_SLOTS];
};

#endif
