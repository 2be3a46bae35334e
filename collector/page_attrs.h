/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_attrs.h - what the pages of a region are: NUMA node, anon or file, huge.
 *
 * Asked of the kernel (page_query.h) for a sample of each region's pages, within
 * a fixed budget of questions a snapshot, and remembered (page_memory.h): pages
 * move seldom. Never touches the target's memory. Collector thread only.
 *
 * Which pages: the address space is cut into cells of 2^k pages, and each cell
 * has one fixed page that stands for it, chosen by a hash of the cell so that no
 * stride of the target's can hide from it. The page of a cell is also that of
 * one of its halves: where a region is split, or k changes with its size, half
 * of the answers are known already. k is such that each region has about as many
 * cells as any other.
 */
#ifndef COLLECTOR_PAGE_ATTRS_H
#define COLLECTOR_PAGE_ATTRS_H

#include <stddef.h>
#include <stdint.h>

#include "collector/err.h"
#include "collector/page_query.h"
#include "collector/snapshot.h"
#include "collector/target.h"

struct page_attrs;

/* An answer this old is asked again, the oldest first. */
#define PAGE_ATTRS_MAX_AGE_NS UINT64_C(10000000000)

/* Who answers: the kernel, or a test. Answers v[i].answer for nr questions sorted by address. */
struct page_asker {
	void (*ask)(struct page_asker *asker, const struct target *target, struct page_question *v, size_t nr);
};

struct page_attrs *page_attrs_new(const struct target *target, struct err *err);
/* With another asker, which outlives it. */
struct page_attrs *page_attrs_new_asking(struct page_asker *asker, struct err *err);
/* NULL is fine. */
void page_attrs_free(struct page_attrs *pa);

/*
 * Fills pages of each of the snapshot's regions that the source has left unknown, from memory and with at most budget
 * new questions (pages). What the source has counted page by page stays as it is. now_ns ages what is remembered.
 * Counts are the region's mapped pages times the share in the sample. Never fails: what cannot be asked stays unknown.
 */
void page_attrs_fill(struct page_attrs *pa, const struct target *target, struct snapshot *snap, unsigned budget,
		     uint64_t now_ns);

/* The target has called exec: forget everything, and ask about the new program. */
void page_attrs_reset(struct page_attrs *pa);

/* The page that stands for cell number cell of 2^level pages, as an address. */
uint64_t page_attrs_sample(uint64_t cell, unsigned level);

#endif
