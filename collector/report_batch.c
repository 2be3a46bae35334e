/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/report_batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A radix sort from the lowest digit on: keys of 16 bytes move, reports of 80 bytes are moved once, at the end. */
#define DIGIT_BITS 11
#define NR_BUCKETS (1 << DIGIT_BITS)
/* Below this, comparing is cheaper than filling the counts. */
#define SMALL 256

int report_batch_init(struct report_batch *batch)
{
	*batch = (struct report_batch){
		.v = malloc(REPORT_BATCH_SIZE * sizeof(*batch->v)),
		.sorted = malloc(REPORT_BATCH_SIZE * sizeof(*batch->sorted)),
		.keys = malloc(REPORT_BATCH_SIZE * sizeof(*batch->keys)),
		.spare = malloc(REPORT_BATCH_SIZE * sizeof(*batch->spare)),
	};
	if (batch->v && batch->sorted && batch->keys && batch->spare)
		return 0;
	report_batch_free(batch);
	return -ENOMEM;
}

void report_batch_free(struct report_batch *batch)
{
	free(batch->v);
	free(batch->sorted);
	free(batch->keys);
	free(batch->spare);
	*batch = (struct report_batch){ 0 };
}

static int by_start(const void *a, const void *b)
{
	const struct batch_key *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

/* Fills the keys relative to the lowest start; returns all bits in which they differ. */
static uint64_t make_keys(struct report_batch *b)
{
	uint64_t low = UINT64_MAX, bits = 0;

	for (size_t i = 0; i < b->nr; i++)
		if (b->v[i].start < low)
			low = b->v[i].start;
	for (size_t i = 0; i < b->nr; i++) {
		b->keys[i] = (struct batch_key){ .start = b->v[i].start - low, .index = (uint32_t)i };
		bits |= b->keys[i].start;
	}
	return bits;
}

static void sort_by_digit(struct report_batch *b, unsigned shift)
{
	struct batch_key *from = b->keys;
	uint32_t at[NR_BUCKETS] = { 0 }, sum = 0, count;

	for (size_t i = 0; i < b->nr; i++)
		at[from[i].start >> shift & (NR_BUCKETS - 1)]++;
	for (size_t i = 0; i < NR_BUCKETS; i++) {
		count = at[i];
		at[i] = sum;
		sum += count;
	}
	for (size_t i = 0; i < b->nr; i++)
		b->spare[at[from[i].start >> shift & (NR_BUCKETS - 1)]++] = from[i];
	b->keys = b->spare;
	b->spare = from;
}

static void sort_keys(struct report_batch *b)
{
	uint64_t bits = make_keys(b);

	if (b->nr < SMALL) {
		qsort(b->keys, b->nr, sizeof(*b->keys), by_start);
		return;
	}
	for (unsigned shift = 0; shift < 64 && bits >> shift; shift += DIGIT_BITS)
		if (bits >> shift & (NR_BUCKETS - 1))
			sort_by_digit(b, shift);
}

void report_batch_flush(struct report_batch *b)
{
	if (!b->nr)
		return;
	sort_keys(b);
	for (size_t i = 0; i < b->nr; i++)
		b->sorted[i] = b->v[b->keys[i].index];
	b->sink->reports(b->sink, b->sorted, b->nr);
	b->nr = 0;
}
