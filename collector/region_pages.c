/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/region_pages.h"

#include <errno.h>
#include <stdlib.h>

/* Gaps by their size, above NR_SINGLE pages by its logarithm: only how many there are of each is kept. */
#define NR_SINGLE  64
#define NR_CLASSES (NR_SINGLE + 65)

#define BORDER (NR_CLASSES - 1) /* two mappings meet in the midst of pages that were accessed: cut before any gap */

struct cut {
	struct page_set *set;
	const struct mappings *maps;
	unsigned min_class; /* gaps of this class and above are cut out */
	struct snap_region *v;
	size_t nr;
};

static unsigned class_of(uint64_t gap_bytes)
{
	uint64_t nr = gap_bytes >> PAGE_SHIFT;

	return nr < NR_SINGLE ? (unsigned)nr : NR_SINGLE + 63 - (unsigned)__builtin_clzll(nr);
}

/* Where a mapping begins or ends next above addr; end where that is not before. */
static uint64_t next_border(const struct mappings *maps, uint64_t addr, uint64_t end)
{
	const struct mapping *m = maps ? mappings_from(maps, addr) : NULL;
	uint64_t border = !m ? end : m->start > addr ? m->start : m->end;

	return border < end ? border : end;
}

/* The next run of accessed pages in [from, end), of one mapping. False: there are no more. */
static bool next_run(const struct cut *cut, uint64_t from, uint64_t end, struct page_run *run)
{
	while (from < end) {
		uint64_t border = next_border(cut->maps, from, end);

		if (page_set_next_run(cut->set, from, border, run))
			return true;
		from = border;
	}
	return false;
}

/* A gap at a border of the region makes one piece more, one within two; so does a border between mappings. */
static void count_pieces(const struct cut *cut, const struct snap_region *r, size_t nr_of_class[NR_CLASSES])
{
	uint64_t at = r->start;
	struct page_run run;

	while (next_run(cut, at, r->end, &run)) {
		if (run.start > at)
			nr_of_class[class_of(run.start - at)] += at == r->start ? 1 : 2;
		else if (at > r->start)
			nr_of_class[BORDER]++;
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
	if (!nr_hits && of->nr_accesses)
		piece->age = 0; /* for how long it alone has had none is not known */
	cut->nr++;
}

static void cut_region(struct cut *cut, const struct snap_region *r)
{
	uint64_t begin = r->start, at = r->start, nr_hits = 0;
	struct page_run run;

	while (next_run(cut, at, r->end, &run)) {
		if ((run.start > at ? class_of(run.start - at) : BORDER) >= cut->min_class) {
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

ssize_t region_pages_cut(struct page_set *set, const struct mappings *maps, const struct snap_region *v, size_t nr,
			 size_t max, struct snap_region **out)
{
	size_t nr_of_class[NR_CLASSES] = { 0 }, total = nr;
	struct cut cut = { .set = set, .maps = maps, .min_class = NR_CLASSES };

	for (size_t i = 0; i < nr; i++)
		count_pieces(&cut, &v[i], nr_of_class);
	while (cut.min_class && total + nr_of_class[cut.min_class - 1] <= max)
		total += nr_of_class[--cut.min_class];
	*out = cut.v = malloc((total + 1) * sizeof(*cut.v));
	if (!cut.v)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		cut_region(&cut, &v[i]);
	return (ssize_t)cut.nr;
}
