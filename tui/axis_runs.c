/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/axis_runs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "collector/space.h"
#include "tui/axis.h"

#define SAME_FILE_GAP_BYTES (UINT64_C(4) << 20)	 /* the hole in a library of the older linkers, and then some */
#define SAME_ANON_GAP_BYTES (UINT64_C(64) << 10) /* guard pages */
#define ALIKE		    0.5f		 /* difference of cost below which two joins are alike */
#define OTHER_PROCESS	    1024		 /* above all costs within one */
#define MAX_BSS_BYTES	    (UINT64_C(1) << 20)

static int collect_segments(struct axis_runs *runs, const struct mappings *maps, uint64_t first, uint64_t last)
{
	const struct mapping *m = mappings_from(maps, first);
	const struct mapping *end = maps->v + maps->nr;
	size_t n = m ? (size_t)(end - m) : 0;

	runs->segs = malloc((n ? n : 1) * sizeof(*runs->segs));
	runs->v = malloc((n ? n : 1) * sizeof(*runs->v));
	runs->costs = malloc((n ? n : 1) * sizeof(*runs->costs));
	if (!runs->segs || !runs->v || !runs->costs)
		return -ENOMEM;
	for (; m && m < end && m->start < last; m++) {
		if (!axis_shows(m) || m->start >= m->end)
			continue;
		runs->segs[runs->nr_segs++] = (struct axis_segment){
			.start = MAX(m->start, first),
			.end = MIN(m->end, last),
			.mapping = (uint32_t)(m - maps->v),
		};
	}
	return 0;
}

/* Does the segment belong to the run before it, however much room there is? */
static bool continues(const struct axis_runs *runs, const struct mappings *maps, const struct axis_run *run,
		      const struct axis_segment *seg)
{
	const struct mapping *last = &maps->v[runs->segs[run->first + run->nr - 1].mapping];
	const struct mapping *m = &maps->v[seg->mapping];
	const struct mapping *head = &maps->v[run->largest];
	uint64_t gap = seg->start - run->end;

	if (m->kind == MAPPING_FILE && run->kind == MAPPING_FILE)
		return gap <= SAME_FILE_GAP_BYTES &&
		       (m->name == head->name || !strcmp(mappings_name(maps, m), mappings_name(maps, head)));
	if (m->kind == MAPPING_ANON && run->kind == MAPPING_ANON)
		return gap <= SAME_ANON_GAP_BYTES && !strcmp(mappings_name(maps, m), mappings_name(maps, head));
	if (m->kind == MAPPING_ANON && run->kind == MAPPING_FILE && last->kind == MAPPING_FILE)
		return !gap && (last->perms & MAPPING_WRITE) && !*mappings_name(maps, m) &&
		       seg->end - seg->start <= MAX(MAX_BSS_BYTES, run->bytes);
	return m->kind == MAPPING_VDSO && run->kind == MAPPING_VDSO && gap <= SAME_ANON_GAP_BYTES;
}

/* About the binary logarithm, at most 0.09 below it, and rising with v > 0: the exponent, and the fraction as it is. */
static float about_log2(float v)
{
	int32_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return (float)(bits - (127 << 23)) / (1 << 23);
}

/* What is lost when the two are joined; only an order. */
static float join_cost(const struct axis_run *a, const struct axis_run *b)
{
	uint64_t gap = b->start - a->end;
	uint64_t smaller = MIN(a->bytes, b->bytes);
	float cost = about_log2((float)smaller + 1) + about_log2((float)gap + 1) / 2;

	if (space_of(a->start) != space_of(b->start))
		return cost + OTHER_PROCESS;
	if (a->kind == MAPPING_VDSO || b->kind == MAPPING_VDSO)
		return cost;
	if (a->kind != b->kind)
		cost += 8;
	if (a->kind == MAPPING_HEAP || b->kind == MAPPING_HEAP || a->kind == MAPPING_STACK || b->kind == MAPPING_STACK)
		cost += 12;
	return cost;
}

static struct axis_run run_of(const struct mappings *maps, const struct axis_segment *seg, size_t index)
{
	uint64_t bytes = seg->end - seg->start;

	return (struct axis_run){
		.first = (uint32_t)index,
		.nr = 1,
		.start = seg->start,
		.end = seg->end,
		.bytes = bytes,
		.largest = seg->mapping,
		.largest_bytes = bytes,
		.nr_names = 1,
		.kind = maps->v[seg->mapping].kind,
	};
}

/* With what each costs to join to the one before it: while both are at hand. */
static void natural_runs(struct axis_runs *runs, const struct mappings *maps)
{
	size_t i;

	for (i = 0; i < runs->nr_segs; i++) {
		const struct axis_segment *seg = &runs->segs[i];
		struct axis_run *run = runs->nr ? &runs->v[runs->nr - 1] : NULL;
		uint64_t bytes = seg->end - seg->start;

		if (!run || !continues(runs, maps, run, seg)) {
			if (runs->nr > 1)
				runs->costs[runs->nr - 2] = join_cost(run - 1, run);
			runs->v[runs->nr++] = run_of(maps, seg, i);
			continue;
		}
		run->nr++;
		run->end = seg->end;
		run->bytes += bytes;
		/* bss does not name a library */
		if (bytes > run->largest_bytes && maps->v[seg->mapping].kind == run->kind) {
			run->largest = seg->mapping;
			run->largest_bytes = bytes;
		}
	}
	if (runs->nr > 1)
		runs->costs[runs->nr - 2] = join_cost(&runs->v[runs->nr - 2], &runs->v[runs->nr - 1]);
}

/* The k-th smallest of v (k from 0), which is put in another order: Hoare's selection, as a sort takes ten times as
 * long. */
static float kth_smallest(float *v, size_t nr, size_t k)
{
	size_t low = 0, high = nr - 1;

	while (low < high) {
		float pivot = v[low + (high - low) / 2];
		size_t i = low, j = high;

		for (;;) {
			float swap;

			while (v[i] < pivot)
				i++;
			while (pivot < v[j])
				j--;
			if (i >= j)
				break;
			swap = v[i];
			v[i++] = v[j];
			v[j--] = swap;
		}
		/* those up to j are not above the pivot, those behind it not below */
		if (k <= j)
			high = j;
		else
			low = j + 1;
	}
	return v[k];
}

static void join_into(struct axis_run *a, const struct axis_run *b)
{
	a->nr += b->nr;
	a->end = b->end;
	a->bytes += b->bytes;
	a->nr_names += b->nr_names;
	if (b->largest_bytes > a->largest_bytes) {
		a->largest = b->largest;
		a->largest_bytes = b->largest_bytes;
		a->kind = b->kind;
	}
}

int axis_runs_join(struct axis_runs *runs, size_t max)
{
	size_t i, n = runs->nr - 1, out = 0;
	float *order, most;

	if (runs->nr <= max)
		return 0;
	order = malloc(n * sizeof(*order));
	if (!order)
		return -ENOMEM;
	memcpy(order, runs->costs, n * sizeof(*order));
	most = kth_smallest(order, n, runs->nr - max - 1) + ALIKE;
	free(order);
	for (i = 0; i < runs->nr; i++) {
		if (i && runs->costs[i - 1] <= most)
			join_into(&runs->v[out - 1], &runs->v[i]);
		else
			runs->v[out++] = runs->v[i];
	}
	runs->nr = out;
	free(runs->costs);
	runs->costs = NULL;
	return 0;
}

int axis_runs_make(struct axis_runs *runs, const struct mappings *maps, uint64_t start, uint64_t end)
{
	int rc;

	*runs = (struct axis_runs){ 0 };
	rc = collect_segments(runs, maps, start, end);
	if (!rc)
		natural_runs(runs, maps);
	return rc;
}

void axis_runs_free(struct axis_runs *runs)
{
	free(runs->segs);
	free(runs->v);
	free(runs->costs);
	*runs = (struct axis_runs){ 0 };
}
