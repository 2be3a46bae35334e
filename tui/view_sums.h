/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * view_sums.h - what a cell of the view says: sums over the regions of its row,
 * in one snapshot after another, by bytes and seconds.
 *
 * This is what the time of a frame goes to where every column is made again, so
 * no more is summed up than is asked for. Pure; plain values, no ownership. Part
 * of view.c, and used by nothing else.
 */
#ifndef TUI_VIEW_SUMS_H
#define TUI_VIEW_SUMS_H

#include "collector/snap_packed.h"
#include "collector/snapshot.h"
#include "tui/view.h"

#define VIEW_SUMS_NR_NODES 6 /* told apart within a cell; the least frequent beyond them are left out */

/* Sums over the regions of a cell, weighted by bytes and seconds. */
struct view_sums {
	double weight, heat, age;
	double kind_weight, anon, huge_weight, huge;
	double node_weight[VIEW_SUMS_NR_NODES];
	uint8_t node[VIEW_SUMS_NR_NODES];
	double reads, writes, nr_latency, latency;
	uint8_t nr_nodes;
	float peak;
	uint32_t nr_reports;
};

/* A column of what is known of a snapshot's regions (snap_packed.h). */
struct view_column_reader {
	const char *first;
	size_t width;
	uint64_t mask;
};

/* A snapshot, to be read region by region. */
struct view_reader {
	const struct snapshot *snap;
	double seconds;		       /* its duration, above 0 */
	uint8_t add;		       /* enum snap_pages_valid bits: what is summed up of its pages */
	bool add_access;	       /* what accesses were, too */
	const struct snap_pages *open; /* not packed; or NULL and columns */
	uint8_t all_valid;	       /* enum snap_pages_valid bits of every region */
	unsigned nr_nodes;	       /* columns that hold anything */
	struct view_column_reader valid, anon, file, huge, node[SNAP_NR_NODES], node_pages[SNAP_NR_NODES];
};

/* needs: enum view_valid bits, what is to be summed up beside the heat. */
void view_reader_init(struct view_reader *reader, const struct snapshot *snap, unsigned needs);

/*
 * Adds a row's part of a snapshot: regions from first on, which is the first that ends above the row's start, and
 * starts below its end. weights: scratch, one for each region of the snapshot.
 */
void view_sums_add(struct view_sums *sums, const struct view_reader *reader, const struct axis_row *row, size_t first,
		   double *weights);
/* What has been summed up; unknown where no region lay over the row. */
struct view_cell view_sums_cell(const struct view_sums *sums, const struct axis_row *row);

#endif
