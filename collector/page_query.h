/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_query.h - asks the kernel what single pages of a target are.
 *
 * Many pages in few system calls: the NUMA node of all of them by one
 * move_pages(2) in its query form, the rest by pagemap, only where the mapping
 * does not decide it. Never touches the target's memory. Collector thread only;
 * the caller owns the struct.
 */
#ifndef COLLECTOR_PAGE_QUERY_H
#define COLLECTOR_PAGE_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/mappings.h"
#include "collector/pagemap.h"
#include "collector/target.h"

enum page_known {
	PAGE_KNOWN_PRESENT = 1,
	PAGE_KNOWN_NODE = 2,
	PAGE_KNOWN_KIND = 4,
	PAGE_KNOWN_HUGE = 8,
	PAGE_KNOWN_SWAP = 16,
};

/* One page. Only a present one has a node, a kind and a size. */
struct page_answer {
	uint8_t known; /* enum page_known bits */
	uint8_t node;
	uint8_t kind; /* enum page_kind */
	bool present : 1;
	bool huge : 1;
	bool swapped : 1; /* not present, and in swap */
};

struct page_question {
	uint64_t addr; /* page aligned */
	const struct mapping *mapping;
	struct page_answer answer;
};

struct page_query {
	struct pagemap pagemap; /* closed where it is refused */
	bool move_pages_refused;
	bool has_swap; /* at all, as of the last questions; otherwise no page is in it */
	int only_node; /* the node of all memory where the machine has just one; -1: it has more */
};

/* Never fails: what is refused stays unknown in the answers. */
void page_query_open(struct page_query *pq, const struct target *target);
void page_query_close(struct page_query *pq);

/* Answers nr questions, sorted by address. All stay unknown if the target has ended. */
void page_query_ask(struct page_query *pq, const struct target *target, struct page_question *v, size_t nr);

#endif
