/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * view.h - history + axis + place in time -> a matrix of cells, each with
 * values or unknown.
 *
 * Columns are time: column nr_cols - 1 is the newest; each holds ticks_per_col
 * aggregations, aligned, so that a column does not change any more once it is
 * full. Rows are the axis' rows. Columns are kept from call to call and only
 * those made again that changed: a frame costs as much as its newest column.
 * What an overlay does not show is not summed up in them: that is more than half
 * of what it takes to make them all. One cell can be asked for with all there is.
 *
 * No I/O, no time. Tui thread only; view_free() frees.
 */
#ifndef TUI_VIEW_H
#define TUI_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/axis.h"
#include "tui/history.h"

enum view_valid {
	VIEW_HEAT = 1, /* regions lay over it: heat, peak, age_s, nr_reports */
	VIEW_NODE = 2,
	VIEW_KIND = 4,
	VIEW_HUGE = 8,
	VIEW_OP = 16, /* read_share */
	VIEW_LATENCY = 32,
	VIEW_MAPPING = 64,
	VIEW_SUMMED = VIEW_NODE | VIEW_KIND | VIEW_HUGE | VIEW_OP | VIEW_LATENCY, /* where asked for; the rest always */
};

/* What is known of one row during one column. Shares are in 1/255. */
struct view_cell {
	float heat;	     /* mean by bytes and time, in the snapshots' heat_unit */
	float peak;	     /* of the hottest region in it */
	float age_s;	     /* seconds at about this heat, mean by bytes */
	uint32_t nr_reports; /* of the regions that lie over it: what the cell rests on */
	uint8_t valid;	     /* enum view_valid bits */
	uint8_t node[2];     /* the two most frequent, by falling share */
	uint8_t node_share[2];
	uint8_t anon_share; /* the rest is file */
	uint8_t huge_share;
	uint8_t read_share; /* of the accesses of which it is known; the rest are writes */
	uint8_t what;	    /* enum axis_what: what the row is now */
	uint16_t latency;   /* mean, in cycles, at most 65535 */
};

struct view_options {
	unsigned nr_cols;
	unsigned ticks_per_col;
	uint64_t last_tick; /* the newest column holds it */
	unsigned needs;	    /* enum view_valid bits: what cells tell beside VIEW_HEAT and VIEW_MAPPING */
};

struct view;

struct view *view_new(void);
void view_free(struct view *view);

/* Brings the matrix up to date. 0, or -ENOMEM and an empty matrix. */
int view_update(struct view *view, const struct history *history, const struct axis *axis,
		const struct view_options *options);
/* row in [0, axis rows), col in [0, nr_cols). Unknown cells have valid 0. Never NULL. */
const struct view_cell *view_cell(const struct view *view, size_t row, unsigned col);
/* All that is known of that cell, whatever the columns were made with. */
struct view_cell view_whole_cell(struct view *view, const struct history *history, size_t row, unsigned col);
/* All rows of a column, one after another; NULL where it lies before the first tick. */
const struct view_cell *view_column(const struct view *view, unsigned col);
size_t view_nr_rows(const struct view *view);
unsigned view_nr_cols(const struct view *view);
/* The ticks of a column: [*first, *end). False: it lies before the first snapshot. */
bool view_col_ticks(const struct view *view, unsigned col, uint64_t *first, uint64_t *end);
/* How many columns have been made so far: what a frame has cost, for tests. */
uint64_t view_nr_made(const struct view *view);

#endif
