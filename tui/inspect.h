/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inspect.h - all that is known of one place during one time: what the
 * inspector shows of the cell under the cursor.
 *
 * A pure function of the history; pointers in the result live until the next
 * snapshot is pushed. Tui thread only.
 */
#ifndef TUI_INSPECT_H
#define TUI_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/history.h"
#include "tui/view.h"

#define INSPECT_NR_CODES 4
#define INSPECT_NR_COLD	 3

/* Fewer reports than this say little of a place: the relative error is above 30 %. */
#define INSPECT_FEW_REPORTS 10

/* Cold for longer than this, in seconds. */
extern const unsigned inspect_cold_s[INSPECT_NR_COLD];

struct inspect_code {
	uint64_t ip;
	double share; /* of the reports here that carry a code address */
};

struct inspect {
	uint64_t start, end;		   /* the row's range */
	const struct snapshot *snap;	   /* the newest of the column; NULL: nothing was seen then */
	const struct snapshot *first;	   /* the oldest of the column */
	const struct mapping *mapping;	   /* that most of the range lies in; NULL: none then */
	struct view_cell cell;		   /* the cell itself */
	const struct snap_region *largest; /* of the regions over it, the one that covers most of it */
	size_t nr_regions;		   /* over it */
	bool access_known;		   /* the source tells reads from writes */
	uint64_t nr_reads, nr_writes;	   /* of the regions over it */
	uint64_t nr_latency, latency_sum;  /* cycles */
	uint64_t nr_level[8];		   /* enum snap_level; all 0: not known */
	uint64_t node_bytes[8];		   /* by node; the others are in node_other_bytes */
	uint64_t node_other_bytes, node_all_bytes;
	bool kind_known, huge_known;		     /* of any of the regions over it */
	uint64_t anon_bytes, file_bytes, huge_bytes; /* in the row, of those regions, as struct snap_pages has it */
	uint64_t mapped_bytes; /* of the row: less than end - start where mappings with holes between them share it */
	uint64_t seen_bytes;   /* of the regions over it, the part that is in the row */
	uint64_t swap_known_bytes, swapped_bytes; /* of that, where it is known how much is in swap; and in swap */
	size_t nr_codes;
	struct inspect_code codes[INSPECT_NR_CODES];
	double other_codes; /* share of all others */
};

/* What is known of [start, end) during ticks [first, last). cell is the view's. */
void inspect_cell(struct inspect *in, const struct history *history, const struct view_cell *cell, uint64_t start,
		  uint64_t end, uint64_t first_tick, uint64_t end_tick);

/* The mapping that most of [start, end) lies in; NULL: none. */
const struct mapping *inspect_main_mapping(const struct mappings *maps, uint64_t start, uint64_t end);

/* Bytes that have not been accessed for longer than each of inspect_cold_s. */
void inspect_cold(const struct snapshot *snap, uint64_t bytes[INSPECT_NR_COLD]);
/*
 * For how many seconds its source had watched by then without a break, as far as is kept: that nothing is colder than
 * that is no finding.
 */
double inspect_watched_s(const struct history *history, const struct snapshot *snap);

#define INSPECT_NR_HOT 5
/*
 * Heat times size: what a place takes of all there is. Bytes in use (HEAT_FRACTION), accesses a second (HEAT_RATE), or
 * the share of CPU time (HEAT_TIME).
 */
double inspect_total(double heat, uint64_t bytes, enum heat_unit unit);
/* "12M", "340k/s", "23%". */
const char *inspect_total_text(char dst[32], double total, enum heat_unit unit);
/* The regions with the largest totals, falling; returns how many. */
size_t inspect_hottest(const struct snapshot *snap, const struct snap_region *hot[INSPECT_NR_HOT]);

/* "0.93", "12.3k/s/MiB", "4.2%/MiB": a heat with its unit. */
const char *inspect_heat_text(char dst[32], double heat, enum heat_unit unit);
/* The bare number of it, as the unit of the legend has it. */
const char *inspect_heat_number(char dst[32], double heat, enum heat_unit unit);
/*
 * "12k accesses/s" of the whole place; of checks, the least that explains them: a page is found accessed once a check,
 * however often it was. False: it cannot be known.
 */
bool inspect_rate_text(char dst[48], double heat, uint64_t bytes, const struct snapshot *snap);
/* "new", "2.5s", "3m20s": for how long it has been as hot. */
const char *inspect_age_text(char dst[32], const struct view_cell *cell);
/* "L1", "local memory": enum snap_level. */
const char *inspect_level_name(unsigned level);
/* The unit in words, for the legend. */
const char *inspect_heat_words(enum heat_unit unit);

#endif
