/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * panel.h - figures behind the panels: places in an order, bytes by heat and by
 * age, the working set over time, what the source did.
 *
 * Pure functions of snapshots and history. Tui thread only; places_free() frees.
 */
#ifndef TUI_PANEL_H
#define TUI_PANEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/history.h"

enum panel_id { PANEL_HOT, PANEL_MAPPINGS, PANEL_WSS, PANEL_HISTOGRAM, PANEL_SOURCE, PANEL_NR };

/* A region or a mapping. */
struct place {
	uint64_t start, end;
	const struct mapping *mapping; /* of the snapshot's table; NULL: none */
	bool known;		       /* a region lies over it; else nothing below is known */
	double heat;		       /* mean by bytes, in the snapshot's unit */
	double total;		       /* inspect_total() */
	double age_s;		       /* mean by bytes */
	uint64_t used_bytes;	       /* of regions with an access in them, as far as they lie here */
	uint64_t nr_reports;
	int node; /* the most frequent; -1: not known */
};

struct places {
	struct place *v;
	size_t nr, cap;
};

enum place_order {
	PLACES_BY_TOTAL,
	PLACES_BY_HEAT,
	PLACES_BY_ADDRESS,
	PLACES_BY_AGE,
	PLACES_BY_SIZE,
	PLACES_NR_ORDERS,
};

/* Replaces what is in places. -ENOMEM: it is empty then. */
int places_of_regions(struct places *places, const struct snapshot *snap);
/* Those that the axis shows: no reserves, nothing of the kernel. */
int places_of_mappings(struct places *places, const struct snapshot *snap);
/* Largest first, addresses rising; reverse: the other way. Equal ones by address. */
void places_sort(struct places *places, enum place_order order, bool reverse);
void places_free(struct places *places);
/* "most accessed", "heat" ... */
const char *place_order_name(enum place_order order);

#define PANEL_MAX_BARS 8

/* A class and the bytes in it. */
struct panel_bar {
	char label[40];
	uint64_t cold_bytes; /* no access seen */
	uint64_t used_bytes;
	double from_s; /* of a class of ages, the least */
};

/* Bytes by heat, hottest first, then those without any access. Returns how many bars. */
size_t panel_heat_bars(const struct snapshot *snap, struct panel_bar bars[PANEL_MAX_BARS]);
/* Bytes by how long they are as hot as they are. */
size_t panel_age_bars(const struct snapshot *snap, struct panel_bar bars[PANEL_MAX_BARS]);

#define PANEL_NR_PERCENTILES 6
extern const unsigned panel_percentiles[PANEL_NR_PERCENTILES];

/*
 * The working set's size below which it was for so many percent of the time that is kept. False: no snapshot tells it.
 * -ENOMEM counts as that.
 */
bool panel_wss_percentiles(const struct history *history, uint64_t bytes[PANEL_NR_PERCENTILES]);
/* The largest of the ticks; 0: not known. */
uint64_t panel_wss_at(const struct history *history, uint64_t first_tick, uint64_t end_tick);

/* What the source did in all that is kept. */
struct panel_stats {
	struct snap_stats sum; /* dropped: the newest's; freq_hz, cost_ns: unused */
	uint64_t duration_ns, target_cpu_us;
	double cost_us; /* what the samples cost the target, where it is known */
};
void panel_sum_stats(const struct history *history, struct panel_stats *stats);

#endif
