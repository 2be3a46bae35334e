/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/history.h"

#include <stdbool.h>
#include <stdlib.h>

struct entry {
	struct snapshot *snap;
	uint64_t tick;
	uint64_t span; /* ticks it stands for, up to and with its own */
};

struct history {
	size_t max_bytes, bytes;
	struct entry *ring; /* cap of them, a power of two */
	size_t cap, first, nr;
	uint64_t nr_dropped;
};

static struct entry *entry_at(const struct history *h, size_t i)
{
	return &h->ring[(h->first + i) & (h->cap - 1)];
}

struct history *history_new(size_t max_bytes)
{
	struct history *h = calloc(1, sizeof(*h));

	if (h)
		h->max_bytes = max_bytes;
	return h;
}

void history_free(struct history *h)
{
	if (!h)
		return;
	history_clear(h);
	free(h->ring);
	free(h);
}

static const struct mappings *maps_at(const struct history *h, size_t i)
{
	return i < h->nr ? entry_at(h, i)->snap->maps : NULL;
}

/* A table of mappings counts once for each run of neighbours that share it: what it counts for entry i. */
static size_t sz_maps_at(const struct history *h, size_t i)
{
	const struct mappings *maps = maps_at(h, i);

	return maps && (!i || maps_at(h, i - 1) != maps) ? mappings_sz(maps) : 0;
}

/* Removes entry i; the one after it stands for its ticks too. */
static void drop(struct history *h, size_t i)
{
	struct entry gone = *entry_at(h, i);
	bool last = i + 1 == h->nr;

	h->bytes -= snapshot_sz(gone.snap) + sz_maps_at(h, i) + (last ? 0 : sz_maps_at(h, i + 1));
	if (!last && i)
		entry_at(h, i + 1)->span += gone.span;
	/* the older ones move up: i is in the older half, mostly far down in it */
	for (size_t k = i; k; k--)
		*entry_at(h, k) = *entry_at(h, k - 1);
	h->first = (h->first + 1) & (h->cap - 1);
	h->nr--;
	if (!last)
		h->bytes += sz_maps_at(h, i);
	snapshot_free(gone.snap);
}

/*
 * The entry of the older half that is missed least: where neighbours lie closest together for their age. The first is
 * never chosen as long as there are three.
 */
static size_t least_missed(const struct history *h)
{
	uint64_t newest = entry_at(h, h->nr - 1)->tick;
	size_t i, best = 0;
	double least = 0;

	for (i = 1; i <= h->nr / 2 && i + 1 < h->nr; i++) {
		const struct entry *e = entry_at(h, i);
		double loss = (double)(e->span + entry_at(h, i + 1)->span) / (double)(newest - e->tick + 1);

		if (!best || loss < least) {
			best = i;
			least = loss;
		}
	}
	return best;
}

static void thin(struct history *h)
{
	drop(h, least_missed(h));
	h->nr_dropped++;
}

/* Doubles the ring. False without memory. */
static bool grow(struct history *h)
{
	size_t cap = h->cap ? h->cap * 2 : 64;
	struct entry *ring = malloc(cap * sizeof(*ring));
	size_t i;

	if (!ring)
		return false;
	for (i = 0; i < h->nr; i++)
		ring[i] = *entry_at(h, i);
	free(h->ring);
	h->ring = ring;
	h->cap = cap;
	h->first = 0;
	return true;
}

/* Aggregations are numbered by seq; one that goes backwards or far ahead (a recording) counts as the next. */
uint64_t history_next_tick(const struct history *h, const struct snapshot *snap)
{
	const struct entry *last;
	uint64_t step;

	if (!h->nr)
		return 0;
	last = entry_at(h, h->nr - 1);
	step = snap->seq - last->snap->seq;
	return last->tick + (step && step <= HISTORY_MAX_HOLE ? step : 1);
}

void history_push_at(struct history *h, struct snapshot *snap, uint64_t tick)
{
	if (h->nr == h->cap && !grow(h)) {
		if (!h->cap) {
			snapshot_free(snap);
			h->nr_dropped++;
			return;
		}
		thin(h);
	}
	h->nr++;
	*entry_at(h, h->nr - 1) = (struct entry){ .snap = snap, .tick = tick, .span = 1 };
	h->bytes += snapshot_sz(snap) + sz_maps_at(h, h->nr - 1);
	history_limit(h, h->max_bytes);
}

void history_push(struct history *h, struct snapshot *snap)
{
	history_push_at(h, snap, history_next_tick(h, snap));
}

void history_limit(struct history *h, size_t max_bytes)
{
	h->max_bytes = max_bytes;
	while (h->nr > 1 && h->bytes > h->max_bytes)
		thin(h);
}

size_t history_nr(const struct history *h)
{
	return h->nr;
}

const struct snapshot *history_at(const struct history *h, size_t i)
{
	return entry_at(h, i)->snap;
}

const struct snapshot *history_last(const struct history *h)
{
	return h->nr ? entry_at(h, h->nr - 1)->snap : NULL;
}

uint64_t history_tick(const struct history *h, size_t i)
{
	return entry_at(h, i)->tick;
}

uint64_t history_span(const struct history *h, size_t i)
{
	return entry_at(h, i)->span;
}

void history_range(const struct history *h, uint64_t first_tick, uint64_t end_tick, size_t *first, size_t *end)
{
	*first = history_find_tick(h, first_tick);
	*end = history_find_tick(h, end_tick);
	/* one that ends later may stand for some of these ticks too */
	if (*end < h->nr && entry_at(h, *end)->tick - entry_at(h, *end)->span + 1 < end_tick)
		(*end)++;
}

size_t history_find_tick(const struct history *h, uint64_t tick)
{
	size_t low = 0, high = h->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (entry_at(h, mid)->tick < tick)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

size_t history_find(const struct history *h, uint64_t time_ns)
{
	size_t low = 0, high = h->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (entry_at(h, mid)->snap->time_ns <= time_ns)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? low - 1 : 0;
}

size_t history_bytes(const struct history *h)
{
	return h->bytes;
}

uint64_t history_nr_dropped(const struct history *h)
{
	return h->nr_dropped;
}

void history_clear(struct history *h)
{
	while (h->nr)
		drop(h, h->nr - 1);
}
