/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/panel.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/clock.h"
#include "tui/axis.h"
#include "tui/inspect.h"

/* ---- places ---- */

static int make_room(struct places *places, size_t nr)
{
	struct place *more;

	places->nr = 0;
	if (nr <= places->cap)
		return 0;
	more = realloc(places->v, nr * sizeof(*more));
	if (!more)
		return -ENOMEM;
	places->v = more;
	places->cap = nr;
	return 0;
}

void places_free(struct places *places)
{
	free(places->v);
	*places = (struct places){ 0 };
}

static double age_of(const struct snapshot *snap, const struct snap_region *region)
{
	return region->age * ((double)snap->duration_ns / (double)NSEC_PER_SEC);
}

static bool is_used(const struct snap_region *region)
{
	return region->heat > 0;
}

static int node_of(const struct snapshot *snap, size_t i)
{
	struct snap_pages pages = snapshot_pages(snap, i);

	return (pages.valid & SNAP_PAGES_NODE) && pages.node_pages[0] ? pages.node[0] : -1;
}

int places_of_regions(struct places *places, const struct snapshot *snap)
{
	size_t i;

	if (make_room(places, snap->nr_regions))
		return -ENOMEM;
	for (i = 0; i < snap->nr_regions; i++) {
		const struct snap_region *r = &snap->regions[i];

		places->v[places->nr++] = (struct place){
			.start = r->start,
			.end = r->end,
			.mapping = snap->maps ? inspect_main_mapping(snap->maps, r->start, r->end) : NULL,
			.known = true,
			.heat = (double)r->heat,
			.total = inspect_total((double)r->heat, r->end - r->start, snap->heat_unit),
			.age_s = age_of(snap, r),
			.used_bytes = is_used(r) ? r->end - r->start : 0,
			.nr_reports = r->nr_reports,
			.node = node_of(snap, i),
		};
	}
	return 0;
}

/* Adds what lies in the mapping of the regions from *first on, and moves *first on. */
static void add_regions(struct place *place, const struct snapshot *snap, size_t *first)
{
	double bytes = 0, heat = 0, age = 0, reports = 0;
	uint64_t most = 0;
	size_t i;

	while (*first < snap->nr_regions && snap->regions[*first].end <= place->start)
		(*first)++;
	for (i = *first; i < snap->nr_regions && snap->regions[i].start < place->end; i++) {
		const struct snap_region *r = &snap->regions[i];
		uint64_t from = r->start > place->start ? r->start : place->start;
		uint64_t to = r->end < place->end ? r->end : place->end;
		double part = (double)(to - from);

		bytes += part;
		heat += part * (double)r->heat;
		age += part * age_of(snap, r);
		reports += r->nr_reports * part / (double)(r->end - r->start);
		if (is_used(r))
			place->used_bytes += to - from;
		if (to - from > most && node_of(snap, i) >= 0) {
			most = to - from;
			place->node = node_of(snap, i);
		}
	}
	if (!(bytes > 0))
		return;
	place->known = true;
	place->heat = heat / bytes;
	place->age_s = age / bytes;
	place->nr_reports = (uint64_t)(reports + 0.5);
	place->total = inspect_total(place->heat, place->end - place->start, snap->heat_unit);
}

int places_of_mappings(struct places *places, const struct snapshot *snap)
{
	const struct mappings *maps = snap->maps;
	size_t i, first = 0;

	if (make_room(places, maps ? maps->nr : 0))
		return -ENOMEM;
	for (i = 0; maps && i < maps->nr; i++) {
		struct place *place = &places->v[places->nr];

		if (!axis_shows(&maps->v[i]))
			continue;
		*place = (struct place){
			.start = maps->v[i].start, .end = maps->v[i].end, .mapping = &maps->v[i], .node = -1
		};
		add_regions(place, snap, &first);
		places->nr++;
	}
	return 0;
}

static double key_of(const struct place *p, enum place_order order)
{
	switch (order) {
	case PLACES_BY_TOTAL:
		return p->total;
	case PLACES_BY_HEAT:
		return p->heat;
	case PLACES_BY_AGE:
		return p->age_s;
	case PLACES_BY_SIZE:
		return (double)(p->end - p->start);
	default:
		return 0; /* all equal: by address */
	}
}

struct order {
	enum place_order order;
	bool reverse;
};

static int compare(const void *va, const void *vb, void *arg)
{
	const struct place *a = va, *b = vb;
	const struct order *order = arg;
	double x = key_of(a, order->order), y = key_of(b, order->order);
	int by = x != y ? (x < y ? 1 : -1) : (a->start > b->start) - (a->start < b->start);

	return order->reverse ? -by : by;
}

void places_sort(struct places *places, enum place_order order, bool reverse)
{
	struct order by = { order, reverse };

	if (places->nr)
		qsort_r(places->v, places->nr, sizeof(*places->v), compare, &by);
}

const char *place_order_name(enum place_order order)
{
	static const char *const names[PLACES_NR_ORDERS] = { "most accessed", "heat", "address", "age", "size" };

	return names[order];
}

/* ---- histograms ---- */

#define NR_DECADES   6
#define NR_FRACTIONS 5

static void add_bytes(struct panel_bar *bar, const struct snap_region *region)
{
	if (is_used(region))
		bar->used_bytes += region->end - region->start;
	else
		bar->cold_bytes += region->end - region->start;
}

/* Upper bounds of the classes, falling; all but the last are closed below by the next. */
static size_t heat_bounds(const struct snapshot *snap, double bounds[NR_DECADES])
{
	double most = 0;
	size_t i;

	if (snap->heat_unit == HEAT_FRACTION) {
		for (i = 0; i < NR_FRACTIONS; i++)
			bounds[i] = 1 - (double)i / NR_FRACTIONS;
		return NR_FRACTIONS;
	}
	for (i = 0; i < snap->nr_regions; i++)
		if ((double)snap->regions[i].heat > most)
			most = (double)snap->regions[i].heat;
	if (!(most > 0))
		return 0;
	bounds[0] = pow(10, ceil(log10(most) - 1e-9));
	for (i = 1; i < NR_DECADES; i++)
		bounds[i] = bounds[i - 1] / 10;
	return NR_DECADES;
}

size_t panel_heat_bars(const struct snapshot *snap, struct panel_bar bars[PANEL_MAX_BARS])
{
	double bounds[NR_DECADES];
	size_t i, k, nr = heat_bounds(snap, bounds);

	memset(bars, 0, PANEL_MAX_BARS * sizeof(*bars));
	for (k = 0; k < nr; k++) {
		char high[32], low[32];

		inspect_heat_number(high, bounds[k], snap->heat_unit);
		if (k + 1 < nr)
			snprintf(bars[k].label, sizeof(bars[k].label), "%.15s – %.15s",
				 inspect_heat_number(low, bounds[k + 1], snap->heat_unit), high);
		else
			snprintf(bars[k].label, sizeof(bars[k].label), "below %.15s", high);
	}
	snprintf(bars[nr].label, sizeof(bars[nr].label), "not accessed");
	for (i = 0; i < snap->nr_regions; i++) {
		const struct snap_region *r = &snap->regions[i];

		for (k = 0; k + 1 < nr && (double)r->heat <= bounds[k + 1]; k++)
			;
		add_bytes(&bars[is_used(r) ? k : nr], r);
	}
	return nr + 1;
}

size_t panel_age_bars(const struct snapshot *snap, struct panel_bar bars[PANEL_MAX_BARS])
{
	static const struct {
		const char *label;
		double upto_s;
	} ages[] = {
		{ "< 10 s", 10 },	  { "10 s – 1 min", 60 }, { "1 – 10 min", 600 },
		{ "10 min – 1 h", 3600 }, { "> 1 h", 1e30 },
	};
	size_t i, k, nr = sizeof(ages) / sizeof(*ages);

	memset(bars, 0, PANEL_MAX_BARS * sizeof(*bars));
	for (k = 0; k < nr; k++) {
		snprintf(bars[k].label, sizeof(bars[k].label), "%s", ages[k].label);
		bars[k].from_s = k ? ages[k - 1].upto_s : 0;
	}
	for (i = 0; i < snap->nr_regions; i++) {
		double age_s = age_of(snap, &snap->regions[i]);

		for (k = 0; k + 1 < nr && age_s >= ages[k].upto_s; k++)
			;
		add_bytes(&bars[k], &snap->regions[i]);
	}
	return nr;
}

/* ---- the working set ---- */

const unsigned panel_percentiles[PANEL_NR_PERCENTILES] = { 0, 25, 50, 75, 95, 100 };

struct weighted {
	uint64_t bytes, span;
};

static int compare_weighted(const void *va, const void *vb)
{
	const struct weighted *a = va, *b = vb;

	return (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

bool panel_wss_percentiles(const struct history *history, uint64_t bytes[PANEL_NR_PERCENTILES])
{
	size_t i, k, n = 0, nr = history_nr(history);
	struct weighted *v = malloc((nr ? nr : 1) * sizeof(*v));
	uint64_t all = 0, upto = 0;

	for (i = 0; v && i < nr; i++) {
		const struct snapshot *snap = history_at(history, i);

		if (!(snap->flags & SNAP_WSS_KNOWN))
			continue;
		v[n] = (struct weighted){ snap->wss_bytes, history_span(history, i) };
		all += v[n++].span;
	}
	if (!n) {
		free(v);
		return false;
	}
	qsort(v, n, sizeof(*v), compare_weighted);
	for (i = k = 0; k < PANEL_NR_PERCENTILES; k++) {
		while (i + 1 < n && (upto + v[i].span) * 100 < all * panel_percentiles[k])
			upto += v[i++].span;
		bytes[k] = v[i].bytes;
	}
	free(v);
	return true;
}

uint64_t panel_wss_at(const struct history *history, uint64_t first_tick, uint64_t end_tick)
{
	uint64_t most = 0;
	size_t i, end;

	history_range(history, first_tick, end_tick, &i, &end);
	for (; i < end; i++) {
		const struct snapshot *snap = history_at(history, i);

		if ((snap->flags & SNAP_WSS_KNOWN) && snap->wss_bytes > most)
			most = snap->wss_bytes;
	}
	return most;
}

/* ---- the source ---- */

void panel_sum_stats(const struct history *history, struct panel_stats *stats)
{
	size_t i, nr = history_nr(history);

	*stats = (struct panel_stats){ 0 };
	for (i = 0; i < nr; i++) {
		const struct snapshot *snap = history_at(history, i);
		const struct snap_stats *s = &snap->stats;

		stats->sum.reports += s->reports;
		stats->sum.samples += s->samples;
		stats->sum.lost += s->lost;
		stats->sum.throttled += s->throttled;
		stats->sum.unattributed += s->unattributed;
		stats->sum.malformed += s->malformed;
		stats->sum.outside += s->outside;
		stats->sum.cpu_us += s->cpu_us;
		stats->sum.dropped = s->dropped;
		stats->duration_ns += snap->duration_ns;
		stats->target_cpu_us += snap->target_cpu_us;
		stats->cost_us += (double)s->samples * s->cost_ns / (double)NSEC_PER_USEC;
	}
}
