/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_set.h - the distinct pages that were accessed in one aggregation, with
 * what their reports said of them: the exact working set, page by page.
 *
 * For sources that see every page (access bits). A bitmap for each 2 MiB chunk
 * that was touched at all, found by hash; about 0.5 KiB a chunk. Beyond
 * max_chunks pages are only counted, and the set says that it is not exact.
 * Collector thread only; page_set_free() frees.
 */
#ifndef COLLECTOR_PAGE_SET_H
#define COLLECTOR_PAGE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/report.h"
#include "collector/snapshot.h"

struct page_chunk;

struct page_set {
	struct page_chunk *chunks;
	size_t nr_chunks, cap_chunks, max_chunks;
	uint32_t *slots; /* hash: index + 1 of a chunk, 0: free; a power of two of them */
	size_t nr_slots;
	size_t last;		/* the chunk that was used last: reports come in address order */
	uint64_t nr_overflow;	/* pages that found no room: those of the check with the most */
	uint64_t check_partial; /* pages of this check of which it is not known which ones they are */
	uint64_t max_partial;	/* the largest check_partial of this aggregation */
	uint32_t nr_checks;
	bool sorted;
	bool counts_hits;
	uint32_t *hits; /* with counts_hits: of each page, by the order in which chunks were added */
};

#define PAGE_SET_DEFAULT_CHUNKS (64u << 10) /* 128 GiB touched in one aggregation */

/* Empty; of more than max_chunks (2 MiB each) pages are left out. */
void page_set_init(struct page_set *set, size_t max_chunks);
void page_set_free(struct page_set *set);
/* Counts the accesses of each page, too: 2 KiB more a chunk. Before the first page_set_add(). */
void page_set_count_hits(struct page_set *set);
/* Empties it; keeps its memory. */
void page_set_clear(struct page_set *set);

/*
 * Adds the pages of a report. One that says that only some pages of its range were accessed adds to a count by check
 * instead, as which ones they were is not known.
 */
void page_set_add(struct page_set *set, const struct report *report);
/* A check has ended. */
void page_set_end_check(struct page_set *set);

/* Distinct pages so far, in bytes. */
uint64_t page_set_bytes(const struct page_set *set);
/*
 * False where max_chunks was too few, and where several checks each know only how many pages were accessed: the same
 * ones, or others.
 */
bool page_set_exact(const struct page_set *set);

/*
 * What is known of the pages of each region (sorted): writes pages[i] where any of its pages was reported with
 * attributes, and marks it SNAP_PAGES_EXACT.
 */
void page_set_fill(struct page_set *set, const struct snap_region *regions, size_t nr_regions,
		   struct snap_pages *pages);

/*
 * The first run of pages in [from, end) that were accessed, cut off at end; and, with page_set_count_hits(), how often
 * they were. False: there are no more.
 */
struct page_run {
	uint64_t start, end; /* [start, end) */
	uint64_t nr_hits;
};
bool page_set_next_run(struct page_set *set, uint64_t from, uint64_t end, struct page_run *run);

#endif
