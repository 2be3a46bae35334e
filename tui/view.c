/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/report.h"

#define NR_NODES 6 /* told apart within a cell; the least frequent beyond them are left out */

/* Sums over the regions of a cell, weighted by bytes and seconds. */
struct sums {
	double weight, heat, age;
	double kind_weight, anon, huge_weight, huge;
	double node_weight[NR_NODES];
	uint8_t node[NR_NODES];
	double reads, writes, nr_latency, latency;
	uint8_t nr_nodes;
	float peak;
	uint32_t nr_reports;
};

struct column {
	uint64_t id; /* its ticks start at id * ticks_per_col */
	size_t nr_snaps;
	uint64_t time_ns; /* of the first of them */
	bool made;
};

struct view {
	struct view_options options;
	enum heat_unit unit;
	struct axis_row *rows; /* a copy of the axis' */
	size_t nr_rows;
	struct column *columns;	 /* nr_slots of them, a column in slot id modulo nr_slots */
	struct view_cell *cells; /* nr_slots x nr_rows */
	struct sums *sums;	 /* nr_rows: scratch */
	size_t nr_slots;
	uint64_t nr_made;
};

static const struct view_cell unknown_cell;

struct view *view_new(void)
{
	return calloc(1, sizeof(struct view));
}

static void clear(struct view *view)
{
	free(view->rows);
	free(view->columns);
	free(view->cells);
	free(view->sums);
	*view = (struct view){ .nr_made = view->nr_made };
}

void view_free(struct view *view)
{
	if (!view)
		return;
	clear(view);
	free(view);
}

static bool same_rows(const struct view *view, const struct axis *axis)
{
	size_t i;

	if (view->nr_rows != axis->nr_rows)
		return false;
	for (i = 0; i < axis->nr_rows; i++)
		if (view->rows[i].start != axis->rows[i].start || view->rows[i].end != axis->rows[i].end ||
		    view->rows[i].type != axis->rows[i].type || view->rows[i].what != axis->rows[i].what)
			return false;
	return true;
}

/* A new shape: every column has to be made again. */
static int reshape(struct view *view, const struct axis *axis, const struct view_options *options)
{
	size_t nr_rows = axis->nr_rows, nr_slots = options->nr_cols;

	clear(view);
	view->rows = malloc((nr_rows + 1) * sizeof(*view->rows));
	view->sums = malloc((nr_rows + 1) * sizeof(*view->sums));
	view->columns = calloc(nr_slots + 1, sizeof(*view->columns));
	view->cells = calloc(nr_slots * nr_rows + 1, sizeof(*view->cells));
	if (!view->rows || !view->sums || !view->columns || !view->cells) {
		clear(view);
		return -ENOMEM;
	}
	if (nr_rows)
		memcpy(view->rows, axis->rows, nr_rows * sizeof(*view->rows));
	view->nr_rows = nr_rows;
	view->nr_slots = nr_slots;
	return 0;
}

static void add_nodes(struct sums *sums, const struct snap_pages *pages, double weight)
{
	uint64_t all = 0;
	unsigned i, k;

	for (i = 0; i < SNAP_NR_NODES; i++)
		all += pages->node_pages[i];
	for (i = 0; i < SNAP_NR_NODES && pages->node_pages[i]; i++) {
		for (k = 0; k < sums->nr_nodes && sums->node[k] != pages->node[i]; k++)
			;
		if (k == NR_NODES)
			continue;
		if (k == sums->nr_nodes) {
			sums->node[k] = pages->node[i];
			sums->node_weight[k] = 0;
			sums->nr_nodes++;
		}
		sums->node_weight[k] += weight * pages->node_pages[i] / (double)all;
	}
}

static void add_pages(struct sums *sums, const struct snap_region *region, double weight)
{
	const struct snap_pages *pages = &region->pages;
	double kinds = (double)pages->anon + pages->file;

	if (pages->valid & SNAP_PAGES_NODE)
		add_nodes(sums, pages, weight);
	if ((pages->valid & SNAP_PAGES_KIND) && kinds > 0) {
		sums->kind_weight += weight;
		sums->anon += weight * pages->anon / kinds;
	}
	if (pages->valid & SNAP_PAGES_HUGE) {
		double share = pages->huge * (double)PAGE_BYTES / (double)(region->end - region->start);

		sums->huge_weight += weight;
		sums->huge += weight * (share < 1 ? share : 1);
	}
}

static void add_region(struct sums *sums, const struct snap_region *region, double bytes, double seconds)
{
	double weight = bytes * seconds;

	sums->weight += weight;
	sums->heat += weight * (double)region->heat;
	sums->age += weight * region->age * seconds;
	sums->nr_reports += region->nr_reports;
	if (region->heat > sums->peak)
		sums->peak = region->heat;
	if (region->pages.valid)
		add_pages(sums, region, weight);
}

/* share: how much of the region lies in the cell. */
static void add_access(struct sums *sums, const struct snap_access *access, double share)
{
	sums->reads += access->nr_reads * share;
	sums->writes += access->nr_writes * share;
	sums->nr_latency += access->nr_latency * share;
	sums->latency += (double)access->latency_sum * share;
}

/* One sweep over the snapshot's regions and the rows, both sorted by address. */
static void add_snapshot(struct view *view, const struct snapshot *snap)
{
	double seconds = (double)snap->duration_ns / 1e9;
	const struct snap_region *region = snap->regions, *end = region + snap->nr_regions;
	size_t r = 0, i;

	if (!(seconds > 0))
		seconds = 1e-9;
	for (; region < end; region++) {
		while (r < view->nr_rows &&
		       (view->rows[r].type != AXIS_ROW_MAPPED || view->rows[r].end <= region->start))
			r++;
		for (i = r; i < view->nr_rows && view->rows[i].start < region->end; i++) {
			const struct axis_row *row = &view->rows[i];
			uint64_t from = row->start > region->start ? row->start : region->start;
			uint64_t to = row->end < region->end ? row->end : region->end;

			if (row->type != AXIS_ROW_MAPPED || from >= to)
				continue;
			add_region(&view->sums[i], region, (double)(to - from), seconds);
			if (snap->access)
				add_access(&view->sums[i], &snap->access[region - snap->regions],
					   (double)(to - from) / (double)(region->end - region->start));
		}
	}
}

/* The two most frequent nodes, with their shares. */
static void rank_nodes(struct view_cell *cell, const struct sums *sums)
{
	double all = 0, best[2] = { 0, 0 };
	unsigned i;

	for (i = 0; i < sums->nr_nodes; i++) {
		double w = sums->node_weight[i];

		all += w;
		if (w > best[0]) {
			best[1] = best[0];
			cell->node[1] = cell->node[0];
			best[0] = w;
			cell->node[0] = sums->node[i];
		} else if (w > best[1]) {
			best[1] = w;
			cell->node[1] = sums->node[i];
		}
	}
	cell->node_share[0] = (uint8_t)(best[0] / all * 255 + 0.5);
	cell->node_share[1] = (uint8_t)(best[1] / all * 255 + 0.5);
}

static void fill_access(struct view_cell *cell, const struct sums *sums)
{
	double ops = sums->reads + sums->writes;

	if (ops > 0) {
		cell->valid |= VIEW_OP;
		cell->read_share = (uint8_t)(sums->reads / ops * 255 + 0.5);
	}
	if (sums->nr_latency > 0) {
		double mean = sums->latency / sums->nr_latency + 0.5;

		cell->valid |= VIEW_LATENCY;
		cell->latency = mean < UINT16_MAX ? (uint16_t)mean : UINT16_MAX;
	}
}

static struct view_cell cell_of(const struct sums *sums, const struct axis_row *row)
{
	struct view_cell cell = { 0 };

	if (!(sums->weight > 0))
		return cell;
	cell.valid = VIEW_HEAT | VIEW_MAPPING;
	cell.what = row->what;
	cell.heat = (float)(sums->heat / sums->weight);
	cell.peak = sums->peak;
	cell.age_s = (float)(sums->age / sums->weight);
	cell.nr_reports = sums->nr_reports;
	if (sums->nr_nodes) {
		cell.valid |= VIEW_NODE;
		rank_nodes(&cell, sums);
	}
	if (sums->kind_weight > 0) {
		cell.valid |= VIEW_KIND;
		cell.anon_share = (uint8_t)(sums->anon / sums->kind_weight * 255 + 0.5);
	}
	if (sums->huge_weight > 0) {
		cell.valid |= VIEW_HUGE;
		cell.huge_share = (uint8_t)(sums->huge / sums->huge_weight * 255 + 0.5);
	}
	fill_access(&cell, sums);
	return cell;
}

static void make_column(struct view *view, struct view_cell *cells, const struct history *history, size_t first,
			size_t nr)
{
	size_t i;

	memset(view->sums, 0, view->nr_rows * sizeof(*view->sums));
	for (i = first; i < first + nr; i++) {
		const struct snapshot *snap = history_at(history, i);

		/* values of another unit cannot stand beside these */
		if (snap->heat_unit == view->unit)
			add_snapshot(view, snap);
	}
	for (i = 0; i < view->nr_rows; i++)
		cells[i] = cell_of(&view->sums[i], &view->rows[i]);
	view->nr_made++;
}

static void update_column(struct view *view, const struct history *history, uint64_t id)
{
	size_t slot = (size_t)(id % view->nr_slots);
	struct column *col = &view->columns[slot];
	struct column now = { .id = id, .made = true };
	size_t first, end;

	history_range(history, id * view->options.ticks_per_col, (id + 1) * view->options.ticks_per_col, &first, &end);
	now.nr_snaps = end - first;
	if (now.nr_snaps)
		now.time_ns = history_at(history, first)->time_ns;
	if (col->made && col->id == id && col->nr_snaps == now.nr_snaps && col->time_ns == now.time_ns)
		return;
	make_column(view, &view->cells[slot * view->nr_rows], history, first, now.nr_snaps);
	*col = now;
}

static enum heat_unit unit_at(const struct history *history, uint64_t tick)
{
	size_t i = history_find_tick(history, tick), nr = history_nr(history);

	if (!nr)
		return HEAT_FRACTION;
	return history_at(history, i < nr ? i : nr - 1)->heat_unit;
}

int view_update(struct view *view, const struct history *history, const struct axis *axis,
		const struct view_options *options)
{
	enum heat_unit unit = unit_at(history, options->last_tick);
	uint64_t id, last = options->last_tick / options->ticks_per_col;
	int ret;

	if (!view->rows || view->nr_slots != options->nr_cols || view->unit != unit ||
	    view->options.ticks_per_col != options->ticks_per_col || !same_rows(view, axis)) {
		ret = reshape(view, axis, options);
		if (ret)
			return ret;
	}
	view->unit = unit;
	view->options = *options;
	for (id = last + 1 > options->nr_cols ? last + 1 - options->nr_cols : 0; options->nr_cols && id <= last; id++)
		update_column(view, history, id);
	return 0;
}

/* The number of a column, or false: before the first tick. */
static bool column_id(const struct view *view, unsigned col, uint64_t *id)
{
	uint64_t last, back = view->options.nr_cols - 1 - col;

	if (col >= view->options.nr_cols)
		return false;
	last = view->options.last_tick / view->options.ticks_per_col;
	if (back > last)
		return false;
	*id = last - back;
	return true;
}

const struct view_cell *view_cell(const struct view *view, size_t row, unsigned col)
{
	uint64_t id;

	if (row >= view->nr_rows || !column_id(view, col, &id))
		return &unknown_cell;
	return &view->cells[(size_t)(id % view->nr_slots) * view->nr_rows + row];
}

const struct view_cell *view_column(const struct view *view, unsigned col)
{
	uint64_t id;

	return column_id(view, col, &id) ? &view->cells[(size_t)(id % view->nr_slots) * view->nr_rows] : NULL;
}

size_t view_nr_rows(const struct view *view)
{
	return view->nr_rows;
}

unsigned view_nr_cols(const struct view *view)
{
	return view->options.nr_cols;
}

bool view_col_ticks(const struct view *view, unsigned col, uint64_t *first, uint64_t *end)
{
	uint64_t id;

	if (!column_id(view, col, &id))
		return false;
	*first = id * view->options.ticks_per_col;
	*end = *first + view->options.ticks_per_col;
	return true;
}

uint64_t view_nr_made(const struct view *view)
{
	return view->nr_made;
}
