/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * perf_ring.h - one reader for every perf ring: live, simulated or recorded.
 *
 * The four verbs: perf_ring_begin() sees how far the kernel has written,
 * perf_ring_next() gives one record after another, perf_ring_end() gives the
 * room back. A record is contiguous: one that wraps is copied to a scratch buffer.
 * Sizes in the ring are not trusted: after one that makes no sense the next record
 * is looked for, word by word: one that makes sense, and behind it others or the
 * end of what is written. Each such place is counted. Owned by who opened it; one thread.
 */
#ifndef COLLECTOR_PERF_RING_H
#define COLLECTOR_PERF_RING_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/err.h"

struct perf_ring {
	struct perf_event_mmap_page *page;
	unsigned char *data;
	size_t sz_data;		/* a power of two */
	uint64_t head, tail;	/* of the current pass */
	uint64_t nr_malformed;	/* places where a record made no sense and the next one had to be looked for */
	unsigned char *scratch; /* one record */
	size_t sz_map;
};

/* Maps 1 + nr_pages pages (a power of two) of a perf event's fd, or of a memory file laid out like one (tests). */
int perf_ring_open_fd(struct perf_ring *ring, int fd, size_t nr_pages, struct err *err);
/* A zeroed one is fine, also twice. */
void perf_ring_close(struct perf_ring *ring);

void perf_ring_begin(struct perf_ring *ring);
/* The next record, or NULL: no more in this pass. Valid until the next call. */
const struct perf_event_header *perf_ring_next(struct perf_ring *ring);
void perf_ring_end(struct perf_ring *ring);

/*
 * The parts of a sample that we use; have says which are there (PERF_SAMPLE_* bits). id is there for
 * PERF_SAMPLE_IDENTIFIER and PERF_SAMPLE_ID, weight for both forms of it (PERF_SAMPLE_WEIGHT_STRUCT: its first part).
 */
struct perf_sample {
	uint64_t have;
	uint64_t ip, time, addr, id, period, weight, data_src, phys_addr, data_page_size;
	uint32_t pid, tid, cpu;
	uint64_t regs_abi;    /* PERF_SAMPLE_REGS_ABI_* */
	const uint64_t *regs; /* nr_regs of them, in the order of the mask's bits; NULL without */
	unsigned nr_regs;
	const unsigned char *stack; /* user stack copy, sz_stack bytes valid from the stack pointer */
	uint64_t sz_stack;
};

/*
 * Takes a PERF_RECORD_SAMPLE apart, as attr says; the pointers in *sample lead into rec. 0, or -EBADMSG where rec is
 * shorter than attr says, or attr asks for more than this function knows. Pure. Order of the fields:
 * perf_event_open(2).
 */
int perf_sample_parse(const struct perf_event_attr *attr, const struct perf_event_header *rec,
		      struct perf_sample *sample);
/* The same of a record from a file; swapped: all but its header is in the other byte order. regs are left out then. */
int perf_sample_parse_of(const struct perf_event_attr *attr, const struct perf_event_header *rec, bool swapped,
			 struct perf_sample *sample);

#endif
