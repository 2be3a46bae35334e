/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * region_evidence.c - where the reports of an aggregation fell, as exactly as
 * a bounded memory allows.
 *
 * While they are few, every report is kept as a mark, and a cut can be placed
 * at the very page where the density changes: at 250 reports a second the
 * bins of a large region would be far coarser than the reports. Where they are
 * more than fit, the bins of the regions are the evidence.
 *
 * The marks of some earlier aggregations are kept as well: as long as the
 * picture has not changed they say more and more exactly where it has its
 * borders.
 */
#include <stdlib.h>
#include <string.h>

#include "collector/region_internal.h"

/* A clock source delivers some hundred a second; 128 KiB, and sorted in under a millisecond. */
#define NR_MARKS 8192

struct mark {
	uint64_t page;
	uint32_t nr_pages;
	uint32_t nr_hits;
	uint32_t nr_back; /* aggregations ago */
};

struct evidence_points {
	struct evidence_point *v;
	size_t nr, cap;
};

/* Where the slope of the cumulative count changes. */
struct edge {
	uint64_t page;
	double hits_per_page;
	int32_t nr_open;  /* +1: a mark begins, -1: one ends, 0: a region's border */
	uint32_t reports; /* that begin here */
};

struct evidence {
	struct mark marks[NR_MARKS];
	size_t nr_marks;
	bool overflown;	     /* some report is not among the marks */
	struct mark *past;   /* sorted by page, at most NR_MARKS; nr_back >= 1 */
	struct mark *merged; /* scratch of the same size */
	size_t nr_past;
	uint32_t nr_back;   /* so many aggregations all marks of are among the past ones */
	uint32_t max_pages; /* the longest mark, past ones included: how far back a window has to look */
	struct edge *edges;
	size_t nr_edges, edges_cap;
	struct evidence_points points;
	struct evidence_points window; /* evidence_window()'s */
};

void evidence_free(struct evidence *ev)
{
	if (!ev)
		return;
	free(ev->edges);
	free(ev->past);
	free(ev->merged);
	free(ev->points.v);
	free(ev->window.v);
	free(ev);
}

static struct evidence *evidence_of(struct regions *rs)
{
	if (!rs->evidence) {
		rs->evidence = region_realloc(NULL, 1, sizeof(*rs->evidence));
		memset(rs->evidence, 0, sizeof(*rs->evidence));
		rs->evidence->past = region_realloc(NULL, NR_MARKS, sizeof(struct mark));
		rs->evidence->merged = region_realloc(NULL, NR_MARKS, sizeof(struct mark));
	}
	return rs->evidence;
}

void evidence_add(struct regions *rs, uint64_t page, uint64_t nr_pages, uint64_t nr_hits)
{
	struct evidence *ev = evidence_of(rs);

	if (ev->nr_marks == NR_MARKS || nr_hits > UINT32_MAX || nr_pages > UINT32_MAX) {
		ev->overflown = true;
		return;
	}
	ev->marks[ev->nr_marks++] = (struct mark){ page, (uint32_t)nr_pages, (uint32_t)nr_hits, 0 };
}

/* How many aggregations back, 0 included, the marks can be kept: not more of them than NR_MARKS. */
static uint32_t nr_back_that_fit(const struct evidence *ev)
{
	size_t nr_of[EVIDENCE_NR_BACK + 1] = { 0 }, sum = ev->nr_marks;
	uint32_t back = 0;

	for (size_t i = 0; i < ev->nr_past; i++)
		nr_of[ev->past[i].nr_back]++;
	while (back < EVIDENCE_NR_BACK - 1 && sum + nr_of[back + 1] <= NR_MARKS)
		sum += nr_of[++back];
	return back;
}

/* The aggregation's marks, sorted, join the past ones; the oldest go. */
static void marks_become_past(struct evidence *ev)
{
	uint32_t fit = nr_back_that_fit(ev), keep = fit < ev->nr_back ? fit : ev->nr_back;
	size_t nr = 0, i = 0, k = 0;
	struct mark *swap;

	ev->nr_back = keep + 1;
	ev->max_pages = 0;
	while (i < ev->nr_marks || k < ev->nr_past) {
		bool past = i == ev->nr_marks || (k < ev->nr_past && ev->past[k].page < ev->marks[i].page);
		struct mark m = past ? ev->past[k++] : ev->marks[i++];

		if (m.nr_back > keep)
			continue;
		m.nr_back++;
		ev->max_pages = m.nr_pages > ev->max_pages ? m.nr_pages : ev->max_pages;
		ev->merged[nr++] = m;
	}
	swap = ev->past;
	ev->past = ev->merged;
	ev->merged = swap;
	ev->nr_past = nr;
}

void evidence_reset(struct regions *rs)
{
	struct evidence *ev = evidence_of(rs);

	/* Marks of only a part of an aggregation would say that what came later was elsewhere. */
	if (ev->overflown || !ev->points.nr)
		ev->nr_past = ev->nr_back = 0;
	else
		marks_become_past(ev);
	ev->nr_marks = 0;
	ev->overflown = false;
	ev->points.nr = 0;
}

/* ---- from marks or bins to points --------------------------------------------------------------- */

static void push_edge(struct evidence *ev, uint64_t page, double hits_per_page, int32_t nr_open, uint32_t reports)
{
	if (ev->nr_edges == ev->edges_cap) {
		ev->edges_cap = ev->edges_cap ? ev->edges_cap * 2 : 1024;
		ev->edges = region_realloc(ev->edges, ev->edges_cap, sizeof(*ev->edges));
	}
	ev->edges[ev->nr_edges++] = (struct edge){ page, hits_per_page, nr_open, reports };
}

static void push_point(struct evidence_points *points, struct evidence_point point)
{
	if (points->nr && points->v[points->nr - 1].page == point.page) {
		points->v[points->nr - 1] = point;
		return;
	}
	if (points->nr == points->cap) {
		points->cap = points->cap ? points->cap * 2 : 1024;
		points->v = region_realloc(points->v, points->cap, sizeof(*points->v));
	}
	points->v[points->nr++] = point;
}

static int edge_cmp(const void *va, const void *vb)
{
	const struct edge *a = va, *b = vb;

	return (a->page > b->page) - (a->page < b->page);
}

static int mark_cmp(const void *va, const void *vb)
{
	const struct mark *a = va, *b = vb;

	return (a->page > b->page) - (a->page < b->page);
}

/* Pushes the part of a mark that lies in [start, end). */
static void push_mark(struct evidence *ev, const struct mark *m, uint64_t start, uint64_t end)
{
	double slope = (double)m->nr_hits / m->nr_pages;
	uint64_t from = m->page > start ? m->page : start;
	uint64_t to = m->page + m->nr_pages < end ? m->page + m->nr_pages : end;

	if (from >= to)
		return;
	push_edge(ev, from, slope, 1, 1);
	push_edge(ev, to, -slope, -1, 0);
}

static void sort_edges(struct evidence *ev)
{
	if (ev->nr_edges)
		qsort(ev->edges, ev->nr_edges, sizeof(*ev->edges), edge_cmp);
}

static void edges_of_marks(struct regions *rs, struct evidence *ev)
{
	if (ev->nr_marks)
		qsort(ev->marks, ev->nr_marks, sizeof(*ev->marks), mark_cmp);
	ev->nr_edges = 0;
	for (size_t i = 0; i < ev->nr_marks; i++) {
		const struct mark *m = &ev->marks[i];

		push_mark(ev, m, 0, UINT64_MAX);
		ev->max_pages = m->nr_pages > ev->max_pages ? m->nr_pages : ev->max_pages;
	}
	for (size_t i = 0; i < rs->nr; i++) {
		push_edge(ev, rs->v[i].start >> PAGE_SHIFT, 0, 0, 0);
		push_edge(ev, rs->v[i].end >> PAGE_SHIFT, 0, 0, 0);
	}
	sort_edges(ev);
}

static void points_of_edges(const struct evidence *ev, struct evidence_points *points)
{
	struct evidence_point at = { 0 };
	uint32_t starting = 0;
	int32_t nr_open = 0;
	double slope = 0;

	points->nr = 0;
	for (size_t i = 0; i < ev->nr_edges; i++) {
		const struct edge *e = &ev->edges[i];

		if (e->page != at.page) {
			at.hits += slope * (double)(e->page - at.page);
			at.reports += starting;
			starting = 0;
			at.page = e->page;
		}
		push_point(points, at);
		nr_open += e->nr_open;
		/* Fractions must not add up to a slope of 1e-17 where nothing is. */
		slope = nr_open ? slope + e->hits_per_page : 0;
		starting += e->reports;
	}
}

/* One point at each bin's end. Where bins are full to the brim they are scaled to the region's own count. */
static void points_of_bins(struct evidence_points *points, const struct regions *rs)
{
	struct evidence_point at = { 0 };

	points->nr = 0;
	for (size_t i = 0; i < rs->nr; i++) {
		const struct region *r = &rs->v[i];
		uint64_t start = r->start >> PAGE_SHIFT, end = r->end >> PAGE_SHIFT, sum = 0, in_bins = 0;
		const uint32_t *bins = rs->bins + r->bin_first;
		struct evidence_point first = at;

		for (size_t b = 0; b < r->nr_bins; b++)
			in_bins += bins[b];
		at.page = start;
		push_point(points, at);
		for (size_t b = 0; b < r->nr_bins; b++) {
			double share;

			sum += bins[b];
			share = in_bins ? (double)sum / (double)in_bins : 0;
			at.page = start + (b + 1) * r->bin_pages < end ? start + (b + 1) * r->bin_pages : end;
			at.hits = first.hits + share * (double)r->nr_hits;
			at.reports = first.reports + share * r->nr_reports;
			push_point(points, at);
		}
	}
}

void evidence_build(struct regions *rs)
{
	struct evidence *ev = evidence_of(rs);

	if (ev->overflown) {
		points_of_bins(&ev->points, rs);
		return;
	}
	edges_of_marks(rs, ev);
	points_of_edges(ev, &ev->points);
}

/* ---- questions ----------------------------------------------------------------------------------- */

const struct evidence_point *evidence_points(const struct regions *rs, size_t *nr)
{
	*nr = rs->evidence->points.nr;
	return rs->evidence->points.v;
}

size_t evidence_first_above(const struct evidence_point *v, size_t nr, uint64_t page)
{
	size_t lo = 0, hi = nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v[mid].page > page)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

struct evidence_point evidence_between(const struct evidence_point *v, size_t nr, uint64_t page)
{
	size_t i = evidence_first_above(v, nr, page);
	struct evidence_point a, b;
	double share;

	if (!i || i == nr)
		return i ? v[i - 1] : v[0];
	a = v[i - 1];
	b = v[i];
	share = (double)(page - a.page) / (double)(b.page - a.page);
	return (struct evidence_point){ page, a.hits + share * (b.hits - a.hits),
					a.reports + share * (b.reports - a.reports) };
}

struct evidence_point evidence_at(const struct regions *rs, uint64_t page)
{
	return evidence_between(rs->evidence->points.v, rs->evidence->points.nr, page);
}

static size_t first_mark_from(const struct mark *v, size_t nr, uint64_t page)
{
	size_t lo = 0, hi = nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v[mid].page >= page)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static void push_marks_between(struct evidence *ev, const struct mark *v, size_t nr, uint64_t start, uint64_t end,
			       uint32_t nr_back)
{
	uint64_t reach = start > ev->max_pages ? start - ev->max_pages : 0;

	for (size_t i = first_mark_from(v, nr, reach); i < nr && v[i].page < end; i++)
		if (v[i].nr_back <= nr_back)
			push_mark(ev, &v[i], start, end);
}

const struct evidence_point *evidence_window(struct regions *rs, uint64_t start, uint64_t end, uint32_t nr_back,
					     size_t *nr)
{
	struct evidence *ev = rs->evidence;

	ev->nr_edges = 0;
	push_edge(ev, start, 0, 0, 0);
	push_edge(ev, end, 0, 0, 0);
	push_marks_between(ev, ev->marks, ev->nr_marks, start, end, nr_back);
	push_marks_between(ev, ev->past, ev->nr_past, start, end, nr_back);
	sort_edges(ev);
	points_of_edges(ev, &ev->window);
	*nr = ev->window.nr;
	return ev->window.v;
}

static void count_marks_between(const struct evidence *ev, const struct mark *v, size_t nr, uint64_t start,
				uint64_t end, double hits[EVIDENCE_NR_BACK + 1])
{
	uint64_t reach = start > ev->max_pages ? start - ev->max_pages : 0;

	for (size_t i = first_mark_from(v, nr, reach); i < nr && v[i].page < end; i++) {
		uint64_t mark_end = v[i].page + v[i].nr_pages;
		uint64_t from = v[i].page > start ? v[i].page : start, to = mark_end < end ? mark_end : end;

		if (from < to)
			hits[v[i].nr_back] += (double)v[i].nr_hits * (double)(to - from) / v[i].nr_pages;
	}
}

uint32_t evidence_hits(const struct regions *rs, uint64_t start, uint64_t end, double hits[EVIDENCE_NR_BACK + 1])
{
	const struct evidence *ev = rs->evidence;

	memset(hits, 0, (EVIDENCE_NR_BACK + 1) * sizeof(*hits));
	count_marks_between(ev, ev->marks, ev->nr_marks, start, end, hits);
	count_marks_between(ev, ev->past, ev->nr_past, start, end, hits);
	return ev->nr_back;
}

bool evidence_is_exact(const struct regions *rs)
{
	return !rs->evidence->overflown;
}

/* Rounded down; what a sum of fractions lacks to a whole number is not lost. */
static uint64_t whole(double x)
{
	return (uint64_t)(x + 1e-6 + x * 1e-13);
}

void evidence_count(struct regions *rs)
{
	for (size_t i = 0; i < rs->nr; i++) {
		struct region *r = &rs->v[i];
		struct evidence_point a = evidence_at(rs, r->start >> PAGE_SHIFT);
		struct evidence_point b = evidence_at(rs, r->end >> PAGE_SHIFT);

		r->nr_hits = whole(b.hits) - whole(a.hits);
		r->nr_reports = (uint32_t)(whole(b.reports) - whole(a.reports));
	}
}
