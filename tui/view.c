/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tui/view_sums.h"

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
	struct view_sums *sums;	 /* nr_rows: scratch */
	double *weights;	 /* of a snapshot's regions: scratch */
	size_t nr_slots;
	size_t cap_rows, cap_columns, cap_cells, cap_sums, cap_weights; /* bytes */
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
	free(view->weights);
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
		    view->rows[i].type != axis->rows[i].type || view->rows[i].what != axis->rows[i].what ||
		    view->rows[i].owner != axis->rows[i].owner)
			return false;
	return true;
}

/* A block with room for size bytes, in place of v, of which what it holds is lost. NULL: no memory, and v is gone. */
static void *make_room(void *v, size_t *cap, size_t size)
{
	if (size <= *cap)
		return v;
	free(v);
	v = malloc(size);
	*cap = v ? size : 0;
	return v;
}

/*
 * A new shape: every column has to be made again. In the memory of the last one, as far as that suffices: half a
 * megabyte of fresh pages takes as long as a third of the sums.
 */
static int reshape(struct view *view, const struct axis *axis, const struct view_options *options)
{
	size_t nr_rows = axis->nr_rows, nr_slots = options->nr_cols;

	view->rows = make_room(view->rows, &view->cap_rows, (nr_rows + 1) * sizeof(*view->rows));
	view->sums = make_room(view->sums, &view->cap_sums, (nr_rows + 1) * sizeof(*view->sums));
	view->columns = make_room(view->columns, &view->cap_columns, (nr_slots + 1) * sizeof(*view->columns));
	view->cells = make_room(view->cells, &view->cap_cells, (nr_slots * nr_rows + 1) * sizeof(*view->cells));
	if (!view->rows || !view->sums || !view->columns || !view->cells) {
		clear(view);
		return -ENOMEM;
	}
	memset(view->columns, 0, nr_slots * sizeof(*view->columns));
	if (nr_rows)
		memcpy(view->rows, axis->rows, nr_rows * sizeof(*view->rows));
	view->nr_rows = nr_rows;
	view->nr_slots = nr_slots;
	return 0;
}

/* Room for one weight for each of a snapshot's regions; without it the snapshot is as if it were not known. */
static bool reserve_weights(struct view *view, const struct snapshot *snap)
{
	view->weights = make_room(view->weights, &view->cap_weights, snap->nr_regions * sizeof(*view->weights));
	return view->weights != NULL;
}

/*
 * One sweep over the rows and the snapshot's regions, both sorted by address. Row by row, so that the sums of a row
 * stay in registers: a thousand regions in each of two hundred columns are added up where the axis has changed.
 */
static void add_snapshot(struct view *view, const struct snapshot *snap)
{
	struct view_reader reader;
	size_t first = 0, r;

	if (!reserve_weights(view, snap))
		return;
	view_reader_init(&reader, snap, view->options.needs);
	for (r = 0; r < view->nr_rows && first < snap->nr_regions; r++) {
		const struct axis_row *row = &view->rows[r];

		if (row->type != AXIS_ROW_MAPPED || row->start >= row->end)
			continue;
		while (first < snap->nr_regions && snap->regions[first].end <= row->start)
			first++;
		if (first < snap->nr_regions && snap->regions[first].start < row->end &&
		    axis_row_is_of(row, snap->maps))
			view_sums_add(&view->sums[r], &reader, row, first, view->weights);
	}
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
		cells[i] = view_sums_cell(&view->sums[i], &view->rows[i]);
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
	    view->options.ticks_per_col != options->ticks_per_col ||
	    (view->options.needs ^ options->needs) & VIEW_SUMMED || !same_rows(view, axis)) {
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

struct view_cell view_whole_cell(struct view *view, const struct history *history, size_t r, unsigned col)
{
	const struct axis_row *row = r < view->nr_rows ? &view->rows[r] : NULL;
	struct view_sums sums = { 0 };
	struct view_reader reader;
	uint64_t tick, end_tick;
	size_t i, end;

	if (!row || !view_col_ticks(view, col, &tick, &end_tick) || row->type != AXIS_ROW_MAPPED)
		return unknown_cell;
	history_range(history, tick, end_tick, &i, &end);
	for (; i < end; i++) {
		const struct snapshot *snap = history_at(history, i);
		size_t first = snapshot_from(snap, row->start);

		if (snap->heat_unit != view->unit || first == snap->nr_regions ||
		    snap->regions[first].start >= row->end || !axis_row_is_of(row, snap->maps) ||
		    !reserve_weights(view, snap))
			continue;
		view_reader_init(&reader, snap, VIEW_SUMMED);
		view_sums_add(&sums, &reader, row, first, view->weights);
	}
	return view_sums_cell(&sums, row);
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
