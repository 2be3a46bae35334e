/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_memory.h - what has been learnt of single pages, by address.
 *
 * A hash table that forgets what the last rounds did not look up. An answer
 * belongs to a page *of a mapping* (tag): where another mapping has come to the
 * same address it is not found. Pure, no I/O; one thread, the owner's.
 */
#ifndef COLLECTOR_PAGE_MEMORY_H
#define COLLECTOR_PAGE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/page_query.h"

struct remembered {
	uint64_t page; /* address; 0: a free slot */
	uint64_t asked_ns;
	uint32_t tag;
	uint32_t seen; /* the round that last looked it up */
	struct page_answer answer;
};

struct page_memory {
	struct remembered *v;
	size_t nr, cap; /* cap: 0 or a power of two */
	uint32_t round;
	uint32_t changed_round; /* the mappings had changed when it began */
};

void page_memory_init(struct page_memory *pm);
void page_memory_free(struct page_memory *pm);
/* Forgets all. */
void page_memory_clear(struct page_memory *pm);

/*
 * A new round of questions. maps_changed: some mapping has come or gone since the last one; then a page is remembered
 * only if the last round before the change knew it too (it may have been unmapped between).
 */
void page_memory_begin(struct page_memory *pm, bool maps_changed);

/* What is known of this page, or NULL. Valid until the next page_memory_put(). */
const struct remembered *page_memory_find(struct page_memory *pm, uint64_t page, uint32_t tag);

/* Remembers an answer. Without memory it is forgotten at once. */
void page_memory_put(struct page_memory *pm, uint64_t page, uint32_t tag, uint64_t now_ns, struct page_answer answer);

#endif
