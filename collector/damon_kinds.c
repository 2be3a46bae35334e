/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/damon_kinds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#define FIRST_WINDOW (UINT64_C(256) << 20)
#define MIN_WINDOW   (UINT64_C(16) << 20)
#define MAX_WINDOW   (UINT64_C(1) << 46)
/* Windows end at multiples of this, so that no huge page is cut. */
#define WINDOW_ALIGN (UINT64_C(2) << 20)

void damon_kinds_init(struct damon_kinds *k, unsigned has, struct damon_moment now)
{
	*k = (struct damon_kinds){ .has = has, .sz_window = FIRST_WINDOW, .idle = now, .due_ns = now.now_ns };
}

void damon_kinds_free(struct damon_kinds *k)
{
	for (size_t i = 0; i < DAMON_NR_FILTERS; i++)
		free(k->pieces[i].v);
	*k = (struct damon_kinds){ 0 };
}

/* ---- rounds ---- */

bool damon_kinds_is_due(const struct damon_kinds *k, uint64_t now_ns)
{
	return k->has && !k->window.end && now_ns >= k->due_ns;
}

/* The end of a window that begins at start and holds size bytes of ranges, the first of which it begins in. */
static uint64_t window_end(const struct damon_range *ranges, size_t nr, uint64_t start, uint64_t size)
{
	for (size_t i = 0; i < nr; i++) {
		uint64_t from = MAX(ranges[i].start, start), end;

		if (ranges[i].end - from > size) {
			end = (from + size) & ~(WINDOW_ALIGN - 1);
			return end > start ? end : from + size;
		}
		/* the kernel cuts its regions where a window ends, so that no count is of both */
		if (i + 1 < nr && ranges[i + 1].start == ranges[i].end)
			return ranges[i].end;
		size -= ranges[i].end - from;
	}
	return ranges[nr - 1].end;
}

void damon_kinds_begin(struct damon_kinds *k, const struct damon_range *ranges, size_t nr, struct damon_moment now,
		       struct damon_range *window)
{
	size_t first = 0;

	while (first < nr && ranges[first].end <= k->next)
		first++;
	if (first == nr || !k->next) {
		first = 0;
		k->next = 0;
		k->pass_ns = now.now_ns;
	}
	window->start = MAX(ranges[first].start, k->next);
	window->end = window_end(ranges + first, nr - first, window->start, k->sz_window);
	k->ends_pass = window->end >= ranges[nr - 1].end;
	k->window = *window;
	k->begin = now;
}

/* What the round has cost beyond what DAMON costs without it. */
static uint64_t cost_ns(const struct damon_kinds *k, struct damon_moment now)
{
	double idle_ns = (double)(k->begin.now_ns - k->idle.now_ns);
	double share = idle_ns > 0 ? (double)(k->begin.cpu_ns - k->idle.cpu_ns) / idle_ns : 0;
	double cost = (double)(now.cpu_ns - k->begin.cpu_ns) - share * (double)(now.now_ns - k->begin.now_ns);

	return cost > 0 ? (uint64_t)cost : 0;
}

/* A whole pass has not come by there: no region is there any more. */
static void forget_older(struct damon_pieces *pieces, uint64_t than_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < pieces->nr; i++)
		if (pieces->v[i].counted_ns >= than_ns)
			pieces->v[kept++] = pieces->v[i];
	pieces->nr = kept;
}

void damon_kinds_end(struct damon_kinds *k, struct damon_moment now, uint64_t own_ns, bool done)
{
	uint64_t cost = cost_ns(k, now);

	done = done && !k->is_void;
	k->is_void = false;
	k->due_ns = MAX(k->begin.now_ns + DAMON_KINDS_MIN_GAP_NS, now.now_ns + (cost + own_ns) * DAMON_KINDS_MAX_SHARE);
	if (done)
		k->next = k->ends_pass ? 0 : k->window.end;
	if (done && k->ends_pass) {
		k->due_ns = MAX(k->due_ns, k->pass_ns + DAMON_KINDS_MIN_PASS_NS);
		for (size_t i = 0; i < DAMON_NR_FILTERS; i++)
			forget_older(&k->pieces[i], k->pass_ns);
	}
	if (cost > 2 * DAMON_KINDS_ROUND_NS)
		k->sz_window = MAX(k->sz_window / 2, MIN_WINDOW);
	else if (cost < DAMON_KINDS_ROUND_NS / 2)
		k->sz_window = MIN(k->sz_window * 2, MAX_WINDOW);
	k->window = (struct damon_range){ 0 };
	k->idle = now;
}

void damon_kinds_forget(struct damon_kinds *k, uint64_t now_ns)
{
	for (size_t i = 0; i < DAMON_NR_FILTERS; i++)
		k->pieces[i].nr = 0;
	k->next = 0;
	k->due_ns = now_ns;
	k->is_void = k->window.end != 0;
}

/* ---- what is known ---- */

static uint64_t part_of(uint64_t bytes, uint64_t part, uint64_t whole)
{
	return (uint64_t)((unsigned __int128)bytes * part / whole);
}

/* Adds what of a piece lies in [start, end). */
static void add_piece(struct damon_pieces *to, const struct damon_piece *piece, uint64_t start, uint64_t end)
{
	uint64_t from = MAX(piece->start, start), until = MIN(piece->end, end);

	if (from >= until)
		return;
	to->v[to->nr++] = (struct damon_piece){
		.start = from,
		.end = until,
		.bytes = part_of(piece->bytes, until - from, piece->end - piece->start),
		.counted_ns = piece->counted_ns,
	};
}

int damon_kinds_put(struct damon_kinds *k, enum damon_filter filter, const struct damon_passed *v, size_t nr,
		    uint64_t now_ns)
{
	struct damon_pieces *old = &k->pieces[filter], fresh = { 0 };

	if (k->is_void)
		return 0;
	fresh.v = calloc(2 * old->nr + nr + 1, sizeof(*fresh.v));
	if (!fresh.v)
		return -ENOMEM;
	for (size_t i = 0; i < old->nr; i++)
		add_piece(&fresh, &old->v[i], 0, k->window.start);
	for (size_t i = 0; i < nr; i++) {
		struct damon_piece piece = { v[i].start, v[i].end, v[i].bytes, now_ns };

		add_piece(&fresh, &piece, k->window.start, k->window.end);
	}
	for (size_t i = 0; i < old->nr; i++)
		add_piece(&fresh, &old->v[i], k->window.end, UINT64_MAX);
	free(old->v);
	*old = fresh;
	return 0;
}

/* The bytes of one kind in a region. False: not all of it has been counted. *first: where to look, for sorted regions.
 */
static bool sum_up(const struct damon_pieces *pieces, const struct region_report *r, size_t *first, uint64_t *bytes,
		   uint64_t *oldest_ns)
{
	uint64_t covered = 0;

	*bytes = 0;
	while (*first < pieces->nr && pieces->v[*first].end <= r->start)
		(*first)++;
	for (size_t i = *first; i < pieces->nr && pieces->v[i].start < r->end; i++) {
		const struct damon_piece *p = &pieces->v[i];
		uint64_t part = MIN(p->end, r->end) - MAX(p->start, r->start);

		covered += part;
		*bytes += part_of(p->bytes, part, p->end - p->start);
		*oldest_ns = MIN(*oldest_ns, p->counted_ns);
	}
	return covered == r->end - r->start;
}

void damon_kinds_fill(const struct damon_kinds *k, struct region_report *v, size_t nr, struct damon_kinds_known *known)
{
	size_t first[DAMON_NR_FILTERS] = { 0 };

	*known = (struct damon_kinds_known){ .oldest_ns = UINT64_MAX };
	for (size_t i = 0; i < nr; i++) {
		uint64_t bytes[DAMON_NR_FILTERS], oldest_ns = UINT64_MAX;
		bool is_known[DAMON_NR_FILTERS];

		for (size_t f = 0; f < DAMON_NR_FILTERS; f++)
			is_known[f] = sum_up(&k->pieces[f], &v[i], &first[f], &bytes[f], &oldest_ns);
		known->bytes += v[i].end - v[i].start;
		if (is_known[DAMON_FILTER_ANON] && is_known[DAMON_FILTER_FILE]) {
			v[i].anon_bytes = bytes[DAMON_FILTER_ANON];
			v[i].file_bytes = bytes[DAMON_FILTER_FILE];
			v[i].valid |= REPORT_KIND;
		}
		/* of what has no page at all, none is huge or small */
		if (is_known[DAMON_FILTER_HUGE] &&
		    (!(v[i].valid & REPORT_KIND) || v[i].anon_bytes || v[i].file_bytes)) {
			v[i].huge_bytes = bytes[DAMON_FILTER_HUGE];
			v[i].valid |= REPORT_HUGE;
		}
		if (v[i].valid & (REPORT_KIND | REPORT_HUGE)) {
			known->known_bytes += v[i].end - v[i].start;
			known->oldest_ns = MIN(known->oldest_ns, oldest_ns);
		}
	}
}
