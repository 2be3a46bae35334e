/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * harvest.h - what the harvest's BPF programs and user space share.
 *
 * A chunk is 2 MiB of the target's address space, 512 pages, of which a record
 * tells those with the same node and kind. The kernel side keeps the current
 * chunk of each node and kind in a per-CPU slot and sends it through the ring
 * when the walk leaves it; user space fetches the slots that are left at the
 * end of a harvest. Pages of a huge page, or of a folio, go as a range. Records
 * of the ring are told apart by their size.
 */
#ifndef BPF_HARVEST_H
#define BPF_HARVEST_H

#define HARVEST_CHUNK_BYTES (1ULL << 21)
#define HARVEST_CHUNK_PAGES 512
#define HARVEST_CHUNK_WORDS (HARVEST_CHUNK_PAGES / 64)
#define HARVEST_NR_SLOTS    8 /* chunks that one CPU keeps: interleaved nodes and kinds do not flush each other */

/*
 * What is known of a page, in one number below HARVEST_CHUNK_BYTES: HARVEST_ANON or not, and the node from bit
 * HARVEST_NODE_SHIFT on; with HARVEST_UNKNOWN, nothing. Else HARVEST_KNOWN, so that it is never 0.
 */
#define HARVEST_ANON	   1ULL /* also the bit of page->mapping that says so */
#define HARVEST_NODE_SHIFT 1
#define HARVEST_MAX_NODE   1023
#define HARVEST_KNOWN	   (1ULL << 19)
#define HARVEST_UNKNOWN	   (1ULL << 20)

struct harvest_chunk {
	__u64 place; /* address of its first page, and what is known of its young pages; 0: an empty slot */
	__u64 young[HARVEST_CHUNK_WORDS];
};

struct harvest_range {
	__u64 start, end; /* [start, end) */
	__u64 known;	  /* of all its pages */
	__u64 huge;
};

#define HARVEST_MAX_CPUS 1024 /* that have slots; pages seen on others count as lost */

/* What each CPU has of its own. */
struct harvest_cpu {
	struct harvest_chunk slot[HARVEST_NR_SLOTS];
};

/* Pages of one chunk. */
struct harvest_pages {
	__u64 bits[HARVEST_CHUNK_WORDS];
};

#endif
