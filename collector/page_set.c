/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/page_set.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_PAGES 512 /* 2 MiB */
#define WORDS	    (CHUNK_PAGES / 64)

struct page_bits {
	uint64_t word[WORDS];
};

struct page_chunk {
	uint64_t nr;	/* address / 2 MiB */
	uint32_t added; /* how many were added before it */
	struct page_bits touched, anon, file, huge, huge_known;
	uint8_t node[SNAP_NR_NODES]; /* the nodes seen in this chunk; a fifth one counts as unknown */
	uint8_t nr_nodes;
	struct page_bits on_node[SNAP_NR_NODES];
};

void page_set_init(struct page_set *set, size_t max_chunks)
{
	*set = (struct page_set){ .max_chunks = max_chunks };
}

void page_set_free(struct page_set *set)
{
	free(set->chunks);
	free(set->slots);
	free(set->hits);
	page_set_init(set, set->max_chunks);
}

void page_set_count_hits(struct page_set *set)
{
	set->counts_hits = true;
}

void page_set_clear(struct page_set *set)
{
	if (set->nr_chunks)
		memset(set->slots, 0, set->nr_slots * sizeof(*set->slots));
	set->nr_chunks = 0;
	set->last = 0;
	set->nr_overflow = 0;
	set->check_partial = set->max_partial = 0;
	set->nr_checks = 0;
	set->sorted = false;
}

static size_t slot_of(const struct page_set *set, uint64_t nr)
{
	size_t mask = set->nr_slots - 1;
	size_t slot = (size_t)((nr * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & mask;

	while (set->slots[slot] && set->chunks[set->slots[slot] - 1].nr != nr)
		slot = (slot + 1) & mask;
	return slot;
}

/* Room for twice as many, at most half of the slots in use. */
static bool grow(struct page_set *set)
{
	size_t cap = set->cap_chunks ? set->cap_chunks * 2 : 64, nr_slots = set->nr_slots ? set->nr_slots : 128;
	struct page_chunk *chunks;
	uint32_t *slots;

	if (cap > set->max_chunks)
		cap = set->max_chunks;
	if (cap <= set->cap_chunks)
		return false;
	chunks = realloc(set->chunks, cap * sizeof(*chunks));
	if (!chunks)
		return false;
	set->chunks = chunks;
	if (set->counts_hits) {
		uint32_t *hits = realloc(set->hits, cap * CHUNK_PAGES * sizeof(*hits));

		if (!hits)
			return false;
		set->hits = hits;
	}
	while (nr_slots < cap * 2)
		nr_slots *= 2;
	slots = calloc(nr_slots, sizeof(*slots));
	if (!slots)
		return false;
	free(set->slots);
	set->slots = slots;
	set->nr_slots = nr_slots;
	set->cap_chunks = cap;
	for (size_t i = 0; i < set->nr_chunks; i++)
		slots[slot_of(set, set->chunks[i].nr)] = (uint32_t)i + 1;
	return true;
}

static struct page_chunk *chunk_get(struct page_set *set, uint64_t nr)
{
	size_t slot;

	if (set->last < set->nr_chunks && set->chunks[set->last].nr == nr)
		return &set->chunks[set->last];
	if (!set->nr_slots && !grow(set))
		return NULL;
	slot = slot_of(set, nr);
	if (!set->slots[slot]) {
		if (set->nr_chunks == set->cap_chunks) {
			if (!grow(set))
				return NULL;
			slot = slot_of(set, nr);
		}
		set->chunks[set->nr_chunks] = (struct page_chunk){ .nr = nr, .added = (uint32_t)set->nr_chunks };
		if (set->counts_hits)
			memset(set->hits + set->nr_chunks * CHUNK_PAGES, 0, CHUNK_PAGES * sizeof(*set->hits));
		set->slots[slot] = (uint32_t)++set->nr_chunks;
	}
	set->last = set->slots[slot] - 1;
	return &set->chunks[set->last];
}

/* Pages [first, end) of a chunk as bits. */
static struct page_bits bits_of(unsigned first, unsigned end)
{
	struct page_bits bits = { 0 };

	for (unsigned w = first / 64; w < WORDS && w * 64 < end; w++) {
		unsigned lo = first > w * 64 ? first - w * 64 : 0;
		unsigned hi = end - w * 64 < 64 ? end - w * 64 : 64;

		bits.word[w] = (hi == 64 ? ~UINT64_C(0) : (UINT64_C(1) << hi) - 1) & ~((UINT64_C(1) << lo) - 1);
	}
	return bits;
}

static void bits_set(struct page_bits *dst, const struct page_bits *src, bool on)
{
	for (unsigned w = 0; w < WORDS; w++)
		dst->word[w] = on ? dst->word[w] | src->word[w] : dst->word[w] & ~src->word[w];
}

static uint32_t bits_count(const struct page_bits *a, const struct page_bits *mask)
{
	uint32_t nr = 0;

	for (unsigned w = 0; w < WORDS; w++)
		nr += (uint32_t)__builtin_popcountll(a->word[w] & mask->word[w]);
	return nr;
}

/* The pages are on this node now, and on no other: they may have moved since an earlier check. */
static void set_node(struct page_chunk *chunk, const struct page_bits *bits, int node)
{
	unsigned i;

	for (i = 0; i < chunk->nr_nodes; i++)
		bits_set(&chunk->on_node[i], bits, chunk->node[i] == node);
	for (i = 0; i < chunk->nr_nodes; i++)
		if (chunk->node[i] == node)
			return;
	if (chunk->nr_nodes < SNAP_NR_NODES && node >= 0 && node < 256) {
		chunk->node[chunk->nr_nodes] = (uint8_t)node;
		bits_set(&chunk->on_node[chunk->nr_nodes++], bits, true);
	}
}

/* Of a report for several pages each was accessed once. */
static void add_hits(const struct page_set *set, const struct page_chunk *chunk, unsigned first, unsigned end,
		     uint64_t count)
{
	uint32_t *hits = set->hits + (size_t)chunk->added * CHUNK_PAGES;

	if (end - first > 1)
		count = 1;
	for (unsigned i = first; i < end; i++)
		hits[i] = count < UINT32_MAX - hits[i] ? hits[i] + (uint32_t)count : UINT32_MAX;
}

static void chunk_add(struct page_chunk *chunk, unsigned first, unsigned end, const struct report *report)
{
	struct page_bits bits;

	if (end - first == 1 && !(report->valid & (REPORT_KIND | REPORT_HUGE | REPORT_NODE))) {
		chunk->touched.word[first / 64] |= UINT64_C(1) << first % 64;
		return;
	}
	bits = bits_of(first, end);

	bits_set(&chunk->touched, &bits, true);
	if (report->valid & REPORT_KIND) {
		bits_set(&chunk->anon, &bits, report->kind == PAGE_ANON);
		bits_set(&chunk->file, &bits, report->kind == PAGE_FILE);
	}
	if (report->valid & REPORT_HUGE) {
		bits_set(&chunk->huge_known, &bits, true);
		bits_set(&chunk->huge, &bits, report->huge);
	}
	if (report->valid & REPORT_NODE)
		set_node(chunk, &bits, report->node);
}

void page_set_add(struct page_set *set, const struct report *report)
{
	uint64_t page = report->start >> PAGE_SHIFT;
	uint64_t end = (report->end + PAGE_BYTES - 1) >> PAGE_SHIFT;

	if (report->count < end - page) {
		set->check_partial += report->count;
		return;
	}
	set->sorted = false;
	while (page < end) {
		uint64_t nr = page / CHUNK_PAGES, chunk_end = (nr + 1) * CHUNK_PAGES;
		uint64_t stop = end < chunk_end ? end : chunk_end;
		struct page_chunk *chunk = chunk_get(set, nr);

		if (!chunk)
			set->nr_overflow += stop - page;
		else
			chunk_add(chunk, (unsigned)(page % CHUNK_PAGES), (unsigned)(stop - nr * CHUNK_PAGES), report);
		if (chunk && set->counts_hits)
			add_hits(set, chunk, (unsigned)(page % CHUNK_PAGES), (unsigned)(stop - nr * CHUNK_PAGES),
				 report->count);
		page = stop;
	}
}

void page_set_end_check(struct page_set *set)
{
	if (set->check_partial > set->max_partial)
		set->max_partial = set->check_partial;
	set->check_partial = 0;
	set->nr_checks++;
}

uint64_t page_set_bytes(const struct page_set *set)
{
	uint64_t partial = set->check_partial > set->max_partial ? set->check_partial : set->max_partial;
	uint64_t pages = set->nr_overflow + partial;

	for (size_t i = 0; i < set->nr_chunks; i++)
		pages += bits_count(&set->chunks[i].touched, &set->chunks[i].touched);
	return pages * PAGE_BYTES;
}

bool page_set_exact(const struct page_set *set)
{
	bool partial = set->max_partial || set->check_partial;

	return !set->nr_overflow && !(partial && set->nr_checks + (set->check_partial > 0) > 1);
}

static int compare_chunks(const void *a, const void *b)
{
	const struct page_chunk *x = a, *y = b;

	return (x->nr > y->nr) - (x->nr < y->nr);
}

static void sort_chunks(struct page_set *set)
{
	if (set->sorted || !set->nr_chunks)
		return;
	qsort(set->chunks, set->nr_chunks, sizeof(*set->chunks), compare_chunks);
	memset(set->slots, 0, set->nr_slots * sizeof(*set->slots));
	for (size_t i = 0; i < set->nr_chunks; i++)
		set->slots[slot_of(set, set->chunks[i].nr)] = (uint32_t)i + 1;
	set->last = 0;
	set->sorted = true;
}

/* Adds pages on a node to the region's most frequent ones; where there is no slot left the smallest gives way. */
static void add_node(struct snap_pages *pages, unsigned node, uint32_t nr)
{
	unsigned i, smallest = 0;

	if (!nr)
		return;
	pages->valid |= SNAP_PAGES_NODE;
	for (i = 0; i < SNAP_NR_NODES; i++) {
		if (pages->node_pages[i] && pages->node[i] == node) {
			pages->node_pages[i] += nr;
			return;
		}
		if (pages->node_pages[i] < pages->node_pages[smallest])
			smallest = i;
	}
	if (pages->node_pages[smallest] < nr) {
		pages->node[smallest] = (uint8_t)node;
		pages->node_pages[smallest] = nr;
	}
}

static void add_chunk_part(struct snap_pages *pages, const struct page_chunk *chunk, unsigned first, unsigned end)
{
	struct page_bits mask = bits_of(first, end);
	uint32_t anon = bits_count(&chunk->anon, &mask), file = bits_count(&chunk->file, &mask);

	pages->anon += anon;
	pages->file += file;
	if (anon + file)
		pages->valid |= SNAP_PAGES_KIND;
	if (bits_count(&chunk->huge_known, &mask)) {
		pages->huge += bits_count(&chunk->huge, &mask) & 0xfffffff;
		pages->valid |= SNAP_PAGES_HUGE;
	}
	for (unsigned i = 0; i < chunk->nr_nodes; i++)
		add_node(pages, chunk->node[i], bits_count(&chunk->on_node[i], &mask));
}

static void sort_nodes(struct snap_pages *pages)
{
	for (unsigned i = 1; i < SNAP_NR_NODES; i++) {
		for (unsigned j = i; j > 0 && pages->node_pages[j] > pages->node_pages[j - 1]; j--) {
			uint32_t nr = pages->node_pages[j];
			uint8_t node = pages->node[j];

			pages->node_pages[j] = pages->node_pages[j - 1];
			pages->node[j] = pages->node[j - 1];
			pages->node_pages[j - 1] = nr;
			pages->node[j - 1] = node;
		}
	}
}

void page_set_fill(struct page_set *set, const struct snap_region *regions, size_t nr_regions, struct snap_pages *pages)
{
	size_t first = 0;

	sort_chunks(set);
	for (size_t i = 0; i < nr_regions; i++) {
		const struct snap_region *region = &regions[i];
		uint64_t page = region->start >> PAGE_SHIFT, end = region->end >> PAGE_SHIFT;

		while (first < set->nr_chunks && (set->chunks[first].nr + 1) * CHUNK_PAGES <= page)
			first++;
		for (size_t c = first; c < set->nr_chunks && set->chunks[c].nr * CHUNK_PAGES < end; c++) {
			uint64_t base = set->chunks[c].nr * CHUNK_PAGES;

			add_chunk_part(&pages[i], &set->chunks[c], (unsigned)(page > base ? page - base : 0),
				       (unsigned)(end - base < CHUNK_PAGES ? end - base : CHUNK_PAGES));
		}
		if (pages[i].valid)
			pages[i].valid |= SNAP_PAGES_EXACT;
		sort_nodes(&pages[i]);
	}
}

/* The first chunk, of sorted ones, that ends above page. */
static size_t first_chunk(const struct page_set *set, uint64_t page)
{
	size_t lo = 0, hi = set->nr_chunks;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (set->chunks[mid].nr >= page / CHUNK_PAGES)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/* The first page of [first, CHUNK_PAGES) that is in bits, or, with out, is not; CHUNK_PAGES where there is none. */
static unsigned find_page(const struct page_bits *bits, unsigned first, bool out)
{
	for (unsigned w = first / 64; w < WORDS; w++) {
		uint64_t word = out ? ~bits->word[w] : bits->word[w];

		if (w == first / 64)
			word &= ~UINT64_C(0) << first % 64;
		if (word)
			return w * 64 + (unsigned)__builtin_ctzll(word);
	}
	return CHUNK_PAGES;
}

/* The run that begins at this page of chunk c goes on to, in pages, end at most; counts its hits. */
static uint64_t follow_run(const struct page_set *set, size_t c, unsigned first, uint64_t end, uint64_t *nr_hits)
{
	for (;; c++, first = 0) {
		const struct page_chunk *chunk = &set->chunks[c];
		uint64_t base = chunk->nr * CHUNK_PAGES;
		unsigned stop = find_page(&chunk->touched, first, true);

		if (end - base < stop)
			stop = (unsigned)(end - base);
		for (unsigned i = first; set->counts_hits && i < stop; i++)
			*nr_hits += set->hits[(size_t)chunk->added * CHUNK_PAGES + i];
		if (stop < CHUNK_PAGES || base + stop == end || c + 1 == set->nr_chunks ||
		    chunk[1].nr != chunk->nr + 1 || !(chunk[1].touched.word[0] & 1))
			return base + stop;
	}
}

bool page_set_next_run(struct page_set *set, uint64_t from, uint64_t end, struct page_run *run)
{
	uint64_t page = from >> PAGE_SHIFT, last = end >> PAGE_SHIFT;

	sort_chunks(set);
	*run = (struct page_run){ 0 };
	for (size_t c = first_chunk(set, page); c < set->nr_chunks && set->chunks[c].nr * CHUNK_PAGES < last; c++) {
		uint64_t base = set->chunks[c].nr * CHUNK_PAGES;
		unsigned first = find_page(&set->chunks[c].touched, page > base ? (unsigned)(page - base) : 0, false);

		if (first == CHUNK_PAGES)
			continue;
		if (base + first >= last)
			return false;
		run->start = (base + first) << PAGE_SHIFT;
		run->end = follow_run(set, c, first, last, &run->nr_hits) << PAGE_SHIFT;
		return true;
	}
	return false;
}
