/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/page_memory.h"

#include <stdlib.h>
#include <string.h>

#include "collector/report.h"

#define MIN_CAP 1024

void page_memory_init(struct page_memory *pm)
{
	*pm = (struct page_memory){ .round = 1 };
}

void page_memory_free(struct page_memory *pm)
{
	free(pm->v);
	page_memory_init(pm);
}

void page_memory_clear(struct page_memory *pm)
{
	if (pm->v)
		memset(pm->v, 0, pm->cap * sizeof(*pm->v));
	pm->nr = 0;
}

void page_memory_begin(struct page_memory *pm, bool maps_changed)
{
	pm->round++;
	if (maps_changed)
		pm->changed_round = pm->round;
}

/* The slot that holds page, or the free one where it would go. The table is never full. */
static struct remembered *slot_of(const struct page_memory *pm, uint64_t page)
{
	size_t i = (size_t)((page >> PAGE_SHIFT) * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (pm->cap - 1);

	while (pm->v[i].page && pm->v[i].page != page)
		i = (i + 1) & (pm->cap - 1);
	return &pm->v[i];
}

const struct remembered *page_memory_find(struct page_memory *pm, uint64_t page, uint32_t tag)
{
	struct remembered *slot = pm->cap ? slot_of(pm, page) : NULL;

	if (!slot || !slot->page || slot->tag != tag || slot->seen + 1 < pm->changed_round)
		return NULL;
	slot->seen = pm->round;
	return slot;
}

/* Moves what this round and the last one looked up to a table with room for as much again. */
static bool make_room(struct page_memory *pm)
{
	struct page_memory old = *pm;
	size_t nr = 0, cap = MIN_CAP;

	for (size_t i = 0; i < old.cap; i++)
		nr += old.v[i].page && old.v[i].seen + 1 >= old.round;
	while (cap < nr * 4)
		cap *= 2;
	pm->v = calloc(cap, sizeof(*pm->v));
	if (!pm->v) {
		*pm = old;
		return false;
	}
	pm->cap = cap;
	pm->nr = nr;
	for (size_t i = 0; i < old.cap; i++)
		if (old.v[i].page && old.v[i].seen + 1 >= old.round)
			*slot_of(pm, old.v[i].page) = old.v[i];
	free(old.v);
	return true;
}

void page_memory_put(struct page_memory *pm, uint64_t page, uint32_t tag, uint64_t now_ns, struct page_answer answer)
{
	struct remembered *slot;

	if ((pm->nr + 1) * 2 > pm->cap && !make_room(pm))
		return;
	slot = slot_of(pm, page);
	if (!slot->page)
		pm->nr++;
	*slot = (struct remembered){
		.page = page, .asked_ns = now_ns, .tag = tag, .seen = pm->round, .answer = answer
	};
}
