/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/region_pages.h"

#include <errno.h>
#include <stdlib.h>

/* Gaps by their size, above NR_SINGLE pages by its logarithm: only how many there are of each is kept. */
#define NR_SINGLE  64
#define NR_CLASSES (NR_SINGLE + 64)

struct cut {
	struct page_set *set;
	unsigned min_class; /* gaps of this class and above are cut out */
	struct snap_region *v;
	size_t nr;
};

static unsigned class_of(uint64_t gap_bytes)
{
	uint64_t nr = gap_bytes >> PAGE_SHIFT;

	return nr < NR_SINGLE ? (unsigned)nr : NR_SINGLE + 63 - (unsigned)__builtin_clzll(nr);
}

/* A gap at a border makes one piece more, one within two. */
static void count_gaps(struct page_set *set, const struct snap_region *r, size_t nr_of_class[NR_CLASSES])
{
	uint64_t at = r->start;
	struct page_run run;

	while (at < r->end && page_set_next_run(set, at, r->end, &run)) {
		if (run.start > at)
			nr_of_class[class_of(run.start - at)] += at == r->start ? 1 : 2;
		at = run.end;
	}
	if (at > r->start && at < r->end)
		nr_of_class[class_of(r->end - at)]++;
}

static void add_piece(struct cut *cut, const struct snap_region *of, uint64_t start, uint64_t end, uint64_t nr_hits)
{
	struct snap_region *piece = &cut->v[cut->nr];

	if (start >= end)
		return;
	*piece = *of;
	piece->start = start;
	piece->end = end;
	piece->nr_accesses = piece->nr_reports = nr_hits < UINT32_MAX ? (uint32_t)nr_hits : UINT32_MAX;
	cut->nr++;
}

static void cut_region(struct cut *cut, const struct snap_region *r)
{
	uint64_t begin = r->start, at = r->start, nr_hits = 0;
	struct page_run run;

	while (at < r->end && page_set_next_run(cut->set, at, r->end, &run)) {
		if (run.start > at && class_of(run.start - at) >= cut->min_class) {
			add_piece(cut, r, begin, at, nr_hits);
			add_piece(cut, r, at, run.start, 0);
			begin = run.start;
			nr_hits = 0;
		}
		nr_hits += run.nr_hits;
		at = run.end;
	}
	if (at > r->start && at < r->end && class_of(r->end - at) >= cut->min_class) {
		add_piece(cut, r, begin, at, nr_hits);
		begin = at;
		nr_hits = 0;
	}
	add_piece(cut, r, begin, r->end, nr_hits);
}

ssize_t region_pages_cut(struct page_set *set, const struct snap_region *v, size_t nr, size_t max,
			 struct snap_region **out)
{
	size_t nr_of_class[NR_CLASSES] = { 0 }, total = nr;
	struct cut cut = { .set = set, .min_class = NR_CLASSES };

	for (size_t i = 0; i < nr; i++)
		count_gaps(set, &v[i], nr_of_class);
	while (cut.min_class && total + nr_of_class[cut.min_class - 1] <= max)
		total += nr_of_class[--cut.min_class];
	*out = cut.v = malloc((total + 1) * sizeof(*cut.v));
	if (!cut.v)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		cut_region(&cut, &v[i]);
	return (ssize_t)cut.nr;
}
