/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/sources/harvest_set.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "collector/array.h"

#define MAX_RANGE_BYTES (UINT64_C(1) << 32)
#define NR_BATCH	256

/* A chunk's pages with the same node and kind; those of a range as well, cut at the borders of chunks. */
struct harvest_entry {
	uint64_t start;
	uint16_t bits; /* of each page: enum page_bits */
	uint64_t young[HARVEST_CHUNK_WORDS];
};

/* What is known of one page, in one number, so that equal pages are found by comparing it. 0: not accessed. */
enum page_bits {
	PAGE_NODE = 0x07ff, /* the node and 1; 0: unknown */
	PAGE_HUGE = 0x1000,
	PAGE_IS_ANON = 0x2000,
	PAGE_KIND_KNOWN = 0x4000,
	PAGE_ACCESSED = 0x8000,
};

void harvest_set_free(struct harvest_set *set)
{
	free(set->v);
	*set = (struct harvest_set){ 0 };
}

static struct harvest_entry *new_entry(struct harvest_set *set)
{
	struct harvest_entry *v = array_grow(set->v, &set->cap, set->nr + 1, sizeof(*v));

	if (!v)
		return NULL;
	set->v = v;
	return &v[set->nr++];
}

/* Of what the kernel side knows: see bpf/harvest.h. */
static uint16_t page_bits(uint64_t known, bool huge)
{
	unsigned bits = PAGE_ACCESSED | (huge ? PAGE_HUGE : 0);

	if (!(known & HARVEST_UNKNOWN))
		bits |= PAGE_KIND_KNOWN | (known & HARVEST_ANON ? PAGE_IS_ANON : 0) |
			(((unsigned)(known >> HARVEST_NODE_SHIFT) & HARVEST_MAX_NODE) + 1);
	return (uint16_t)bits;
}

int harvest_set_add_chunk(struct harvest_set *set, const struct harvest_chunk *chunk)
{
	struct harvest_entry *e = new_entry(set);

	if (!e)
		return -ENOMEM;
	*e = (struct harvest_entry){ .start = chunk->place & ~(HARVEST_CHUNK_BYTES - 1),
				     .bits = page_bits(chunk->place & (HARVEST_CHUNK_BYTES - 1), false) };
	memcpy(e->young, chunk->young, sizeof(e->young));
	return 0;
}

/* Sets the bits of pages [first, last) of a chunk. */
static void set_bits(uint64_t *words, unsigned first, unsigned last)
{
	for (unsigned i = first; i < last; i++)
		words[i / 64] |= UINT64_C(1) << (i % 64);
}

int harvest_set_add_range(struct harvest_set *set, const struct harvest_range *range)
{
	uint64_t end = range->end;

	if (range->start >= end || end - range->start > MAX_RANGE_BYTES || (range->start | end) % PAGE_BYTES)
		return -EBADMSG;
	for (uint64_t at = range->start; at < end;) {
		uint64_t chunk = at & ~(HARVEST_CHUNK_BYTES - 1);
		uint64_t stop = end - chunk < HARVEST_CHUNK_BYTES ? end : chunk + HARVEST_CHUNK_BYTES;
		struct harvest_entry *e = new_entry(set);

		if (!e)
			return -ENOMEM;
		*e = (struct harvest_entry){ .start = chunk, .bits = page_bits(range->known, range->huge != 0) };
		set_bits(e->young, (unsigned)((at - chunk) >> PAGE_SHIFT), (unsigned)((stop - chunk) >> PAGE_SHIFT));
		at = stop;
	}
	return 0;
}

/* ---- reports ---- */

struct writer {
	struct sink *sink;
	struct report batch[NR_BATCH];
	size_t nr;
	uint64_t start, end; /* the run under way */
	unsigned bits;	     /* of its pages; 0: there is none */
	uint64_t nr_pages;
};

static void flush_batch(struct writer *w)
{
	if (w->nr && w->sink)
		w->sink->reports(w->sink, w->batch, w->nr);
	w->nr = 0;
}

static void end_run(struct writer *w)
{
	struct report *r = &w->batch[w->nr];

	if (!w->bits)
		return;
	*r = (struct report){ .start = w->start,
			      .end = w->end,
			      .count = (w->end - w->start) >> PAGE_SHIFT,
			      .valid = REPORT_HUGE,
			      .huge = (w->bits & PAGE_HUGE) != 0 };
	if (w->bits & PAGE_NODE) {
		r->valid |= REPORT_NODE;
		r->node = (int16_t)((w->bits & PAGE_NODE) - 1);
	}
	if (w->bits & PAGE_KIND_KNOWN) {
		r->valid |= REPORT_KIND;
		r->kind = w->bits & PAGE_IS_ANON ? PAGE_ANON : PAGE_FILE;
	}
	w->nr_pages += r->count;
	w->bits = 0;
	if (++w->nr == NR_BATCH)
		flush_batch(w);
}

static void add_run(struct writer *w, uint64_t start, uint64_t end, unsigned bits)
{
	if (!w->bits || bits != w->bits || start != w->end) {
		end_run(w);
		w->start = start;
		w->bits = bits;
	}
	w->end = end;
}

/* A chunk of one entry, by far the most frequent case: by runs of bits instead of page by page. */
static void write_entry(struct writer *w, const struct harvest_entry *e)
{
	for (unsigned word = 0; word < HARVEST_CHUNK_WORDS; word++) {
		uint64_t young = e->young[word];

		while (young) {
			unsigned first = (unsigned)__builtin_ctzll(young);
			uint64_t other = ~young >> first << first;
			unsigned last = other ? (unsigned)__builtin_ctzll(other) : 64;
			uint64_t base = e->start + word * 64 * PAGE_BYTES;

			add_run(w, base + first * PAGE_BYTES, base + last * PAGE_BYTES, e->bits);
			young = last < 64 ? young >> last << last : 0;
		}
	}
}

static void spread_entry(const struct harvest_entry *e, uint16_t pages[HARVEST_CHUNK_PAGES])
{
	for (unsigned word = 0; word < HARVEST_CHUNK_WORDS; word++) {
		for (uint64_t left = e->young[word]; left; left &= left - 1) {
			uint16_t *page = &pages[word * 64 + (unsigned)__builtin_ctzll(left)];

			/* Seen twice, it has moved or somebody else has harvested too: the first sighting stands. */
			if (!*page)
				*page = e->bits;
		}
	}
}

/* The entries of one chunk, which stand together. */
static void write_chunk(struct writer *w, const struct harvest_entry *e, size_t nr)
{
	uint16_t pages[HARVEST_CHUNK_PAGES] = { 0 };

	if (nr == 1) {
		write_entry(w, e);
		return;
	}
	for (size_t i = 0; i < nr; i++)
		spread_entry(&e[i], pages);
	for (unsigned i = 0; i < HARVEST_CHUNK_PAGES; i++)
		if (pages[i])
			add_run(w, e->start + i * PAGE_BYTES, e->start + (i + 1) * PAGE_BYTES, pages[i]);
}

static int compare_entries(const void *a, const void *b)
{
	const struct harvest_entry *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static void sort_entries(struct harvest_set *set)
{
	for (size_t i = 1; i < set->nr; i++) {
		if (set->v[i].start < set->v[i - 1].start) {
			qsort(set->v, set->nr, sizeof(*set->v), compare_entries);
			return;
		}
	}
}

static uint64_t write_all(struct harvest_set *set, struct sink *sink)
{
	struct writer w = { .sink = sink };

	sort_entries(set);
	for (size_t i = 0, next; i < set->nr; i = next) {
		for (next = i + 1; next < set->nr && set->v[next].start == set->v[i].start;)
			next++;
		write_chunk(&w, &set->v[i], next - i);
	}
	end_run(&w);
	flush_batch(&w);
	return w.nr_pages;
}

uint64_t harvest_set_count(struct harvest_set *set)
{
	return write_all(set, NULL);
}

size_t harvest_set_pages(struct harvest_set *set, uint64_t *starts, struct harvest_pages *pages)
{
	size_t nr = 0;

	sort_entries(set);
	for (size_t i = 0; i < set->nr; i++) {
		const struct harvest_entry *e = &set->v[i];

		if (!nr || starts[nr - 1] != e->start) {
			starts[nr] = e->start;
			pages[nr++] = (struct harvest_pages){ 0 };
		}
		for (unsigned word = 0; word < HARVEST_CHUNK_WORDS; word++)
			pages[nr - 1].bits[word] |= e->young[word];
	}
	return nr;
}

struct harvest_set harvest_set_copy(const struct harvest_set *set)
{
	struct harvest_set copy = { .v = malloc(set->nr * sizeof(*set->v)) };

	if (copy.v && set->nr) {
		copy.nr = copy.cap = set->nr;
		memcpy(copy.v, set->v, set->nr * sizeof(*set->v));
	}
	return copy;
}

uint64_t harvest_set_report(struct harvest_set *set, struct sink *sink)
{
	uint64_t nr_pages = write_all(set, sink);

	set->nr = 0;
	return nr_pages;
}
