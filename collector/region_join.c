/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * region_join.c - policy DATA: neighbours become one, least different first.
 */
#include <stdlib.h>

#include "collector/region_internal.h"
#include "collector/region_likelihood.h"

/* A border between two adjacent regions, and how much they differ. */
struct border {
	double ratio;
	uint32_t left;	/* index of the region on its left */
	uint32_t stamp; /* void where the left or right region has changed since */
};

/*
 * The regions as a linked list, so that a join costs no move, and the borders between them as a heap, least difference
 * first. A border whose regions have changed stays in the heap and is passed over when its turn comes.
 */
struct joiner {
	struct regions *rs;
	struct model model;
	uint64_t sz_limit;
	size_t nr;		    /* regions left */
	const struct region *apart; /* sorted: a border between two of them is one to keep; NULL: none is */
	size_t nr_apart;
	uint32_t *next, *prev, *stamp;
	struct border *heap;
	size_t nr_heap;
};

#define NONE UINT32_MAX

static bool before(const struct border *a, const struct border *b)
{
	return a->ratio != b->ratio ? a->ratio < b->ratio : a->left < b->left;
}

static void heap_push(struct joiner *j, struct border b)
{
	size_t i = j->nr_heap++;

	for (; i && before(&b, &j->heap[(i - 1) / 2]); i = (i - 1) / 2)
		j->heap[i] = j->heap[(i - 1) / 2];
	j->heap[i] = b;
}

static struct border heap_pop(struct joiner *j)
{
	struct border top = j->heap[0], b = j->heap[--j->nr_heap];
	size_t i = 0, child;

	for (; (child = 2 * i + 1) < j->nr_heap; i = child) {
		if (child + 1 < j->nr_heap && before(&j->heap[child + 1], &j->heap[child]))
			child++;
		if (!before(&j->heap[child], &b))
			break;
		j->heap[i] = j->heap[child];
	}
	j->heap[i] = b;
	return top;
}

static bool is_apart(const struct joiner *j, uint64_t addr)
{
	size_t lo = 0, hi = j->nr_apart;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (j->apart[mid].start >= addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo < j->nr_apart && j->apart[lo].start == addr;
}

static double difference(const struct joiner *j, const struct region *a, const struct region *b)
{
	struct amount x = amount_of(a), y = amount_of(b);

	return material(x, y) ? log_likelihood_ratio(&j->model, x, y) : 0;
}

/* Pushes the border on the right of region i, if the two may be joined at all. */
static void push_border(struct joiner *j, uint32_t i)
{
	const struct region *a = &j->rs->v[i], *b;

	if (i == NONE || j->next[i] == NONE)
		return;
	b = &j->rs->v[j->next[i]];
	if (a->end != b->start || region_sz(a) + region_sz(b) > j->sz_limit || is_apart(j, b->start))
		return;
	heap_push(j, (struct border){ difference(j, a, b), i, j->stamp[i] });
}

static void join_at(struct joiner *j, uint32_t i)
{
	uint32_t gone = j->next[i];

	region_merge_into(&j->rs->v[i], &j->rs->v[gone]);
	j->next[i] = j->next[gone];
	if (j->next[i] != NONE)
		j->prev[j->next[i]] = i;
	j->stamp[i]++;
	j->stamp[gone]++;
	if (j->prev[i] != NONE)
		j->stamp[j->prev[i]]++;
	j->nr--;
	push_border(j, j->prev[i]);
	push_border(j, i);
}

/* Joins while the least different two differ by at most the penalty, or there are more than max regions. */
static void join_least_first(struct joiner *j, double penalty, size_t max)
{
	j->nr_heap = 0;
	for (uint32_t i = j->rs->nr ? 0 : NONE; i != NONE; i = j->next[i])
		push_border(j, i);
	while (j->nr_heap) {
		struct border b = heap_pop(j);

		if (b.stamp != j->stamp[b.left])
			continue;
		if (b.ratio > penalty && j->nr <= max)
			break;
		join_at(j, b.left);
	}
}

static void joiner_open(struct joiner *j, struct regions *rs)
{
	uint32_t nr = (uint32_t)rs->nr;

	*j = (struct joiner){ .rs = rs, .model = model_of(rs), .sz_limit = UINT64_MAX, .nr = rs->nr };
	j->next = region_realloc(NULL, nr, sizeof(*j->next));
	j->prev = region_realloc(NULL, nr, sizeof(*j->prev));
	j->stamp = region_realloc(NULL, nr, sizeof(*j->stamp));
	/* One border for each region at first, and two more for each join. */
	j->heap = region_realloc(NULL, 3 * (size_t)nr, sizeof(*j->heap));
	for (uint32_t i = 0; i < nr; i++) {
		j->next[i] = i + 1 < nr ? i + 1 : NONE;
		j->prev[i] = i ? i - 1 : NONE;
		j->stamp[i] = 0;
	}
}

static void joiner_close(struct joiner *j)
{
	size_t nr = 0;

	for (uint32_t i = j->rs->nr ? 0 : NONE; i != NONE; i = j->next[i])
		j->rs->v[nr++] = j->rs->v[i];
	j->rs->nr = nr;
	free(j->next);
	free(j->prev);
	free(j->stamp);
	free(j->heap);
}

void regions_join_alike(struct regions *rs, size_t max)
{
	struct joiner j;

	joiner_open(&j, rs);
	join_least_first(&j, PENALTY_JOIN, max);
	joiner_close(&j);
}

void regions_join_within(struct regions *rs, const struct regions *pieces, uint64_t sz_limit, size_t max)
{
	struct joiner j;

	joiner_open(&j, rs);
	j.sz_limit = sz_limit;
	j.apart = pieces->v;
	j.nr_apart = pieces->nr;
	join_least_first(&j, HUGE_VAL, max);
	/* Where the limits contradict each other, the greatest number counts more than borders and the greatest size.
	 */
	j.nr_apart = 0;
	if (j.nr > max)
		join_least_first(&j, -1, max);
	j.sz_limit = UINT64_MAX;
	if (j.nr > max)
		join_least_first(&j, -1, max);
	joiner_close(&j);
}
