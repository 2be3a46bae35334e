/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/report.h"
#include "collector/snap_packed.h"

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
		    view->rows[i].type != axis->rows[i].type || view->rows[i].what != axis->rows[i].what)
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

/* A column of what is known of a snapshot's regions (snap_packed.h). */
struct column_reader {
	const char *first;
	size_t width;
	uint64_t mask;
};

/* What is known of the pages of a snapshot's regions, to be read region by region. */
struct page_reader {
	const struct snap_pages *open; /* not packed; or NULL and columns */
	uint8_t all_valid;	       /* enum snap_pages_valid bits of every region, and of any */
	uint8_t any_valid;
	unsigned nr_nodes; /* columns that hold anything */
	struct column_reader valid, anon, file, huge, node[SNAP_NR_NODES], node_pages[SNAP_NR_NODES];
};

static struct column_reader column_reader(const struct snap_packed *packed, unsigned col)
{
	unsigned width = packed->cols[col].width;

	return (struct column_reader){ (const char *)packed + packed->cols[col].at, width, snap_packed_mask(width) };
}

static uint64_t column_get(const struct column_reader *col, size_t i)
{
	return snap_packed_load(col->first + i * col->width) & col->mask;
}

static void page_reader_init(struct page_reader *reader, const struct snapshot *snap)
{
	const struct snap_packed *packed = snap->packed;
	unsigned k;

	*reader = (struct page_reader){ .open = snap->open.pages, .any_valid = 15, .nr_nodes = SNAP_NR_NODES };
	if (!packed)
		return;
	reader->all_valid = packed->all_valid;
	reader->any_valid = packed->any_valid;
	reader->nr_nodes = packed->nr_nodes;
	reader->valid = column_reader(packed, SNAP_COL_VALID);
	reader->anon = column_reader(packed, SNAP_COL_ANON);
	reader->file = column_reader(packed, SNAP_COL_FILE);
	reader->huge = column_reader(packed, SNAP_COL_HUGE);
	for (k = 0; k < SNAP_NR_NODES; k++) {
		reader->node[k] = column_reader(packed, SNAP_COL_NODE + k);
		reader->node_pages[k] = column_reader(packed, SNAP_COL_NODE_PAGES + k);
	}
}

static void add_node(struct sums *sums, uint8_t node, double weight)
{
	unsigned k;

	for (k = 0; k < sums->nr_nodes && sums->node[k] != node; k++)
		;
	if (k == NR_NODES)
		return;
	if (k == sums->nr_nodes) {
		sums->node[k] = node;
		sums->node_weight[k] = 0;
		sums->nr_nodes++;
	}
	sums->node_weight[k] += weight;
}

/* The two nodes that a row meets first, summed up in registers. */
struct two_nodes {
	int first, second; /* -1: none yet */
	double first_weight, second_weight;
};

static void count_node(struct two_nodes *two, struct sums *sums, uint64_t node, double weight)
{
	if ((int)node == two->first) {
		two->first_weight += weight;
	} else if ((int)node == two->second) {
		two->second_weight += weight;
	} else {
		/* its place in the order is that of its first region */
		add_node(sums, (uint8_t)node, weight);
		if (two->first < 0)
			two->first = (int)node;
		else if (two->second < 0)
			two->second = (int)node;
	}
}

static uint64_t node_pages(const struct page_reader *reader, unsigned k, size_t i)
{
	return reader->open ? reader->open[i].node_pages[k] : column_get(&reader->node_pages[k], i);
}

static uint64_t node_number(const struct page_reader *reader, unsigned k, size_t i)
{
	return reader->open ? reader->open[i].node[k] : column_get(&reader->node[k], i);
}

/* A region on three nodes or more. */
static void count_many_nodes(struct sums *sums, const struct page_reader *reader, size_t i, double weight)
{
	uint64_t all = 0;
	unsigned k;

	for (k = 0; k < reader->nr_nodes; k++)
		all += node_pages(reader, k, i);
	for (k = 0; k < reader->nr_nodes && node_pages(reader, k, i); k++)
		add_node(sums, (uint8_t)node_number(reader, k, i),
			 weight * (double)node_pages(reader, k, i) / (double)all);
}

static void count_nodes(struct two_nodes *two, struct sums *sums, const struct page_reader *reader, size_t i,
			double weight)
{
	uint64_t first = node_pages(reader, 0, i), second = node_pages(reader, 1, i);

	if (second && reader->nr_nodes > 2 && node_pages(reader, 2, i)) {
		count_many_nodes(sums, reader, i, weight);
	} else if (second) {
		double part = weight * (double)(int64_t)first / (double)(int64_t)(first + second);

		count_node(two, sums, node_number(reader, 0, i), part);
		count_node(two, sums, node_number(reader, 1, i), weight - part);
	} else if (first) {
		count_node(two, sums, node_number(reader, 0, i), weight);
	}
}

/* Is this known of region i? */
static bool is_known(const struct page_reader *reader, size_t i, unsigned bit)
{
	if (reader->all_valid & bit)
		return true;
	return (reader->open ? reader->open[i].valid : column_get(&reader->valid, i)) & bit;
}

/* Of nr regions from first on, a row's, with the weight that each has in it. */
static void add_nodes(struct sums *sums, const struct page_reader *reader, size_t first, size_t nr,
		      const double *weights)
{
	struct two_nodes two = { -1, -1, 0, 0 };
	size_t i;

	for (i = 0; i < nr; i++)
		if (is_known(reader, first + i, SNAP_PAGES_NODE))
			count_nodes(&two, sums, reader, first + i, weights[i]);
	if (two.first >= 0)
		add_node(sums, (uint8_t)two.first, two.first_weight);
	if (two.second >= 0)
		add_node(sums, (uint8_t)two.second, two.second_weight);
}

static void add_kinds(struct sums *sums, const struct page_reader *reader, size_t first, size_t nr,
		      const double *weights)
{
	double weight_sum = 0, anon_sum = 0;
	size_t i;

	for (i = first; i < first + nr; i++) {
		double weight = weights[i - first];
		uint64_t anon, file;

		if (!is_known(reader, i, SNAP_PAGES_KIND))
			continue;
		anon = reader->open ? reader->open[i].anon : column_get(&reader->anon, i);
		file = reader->open ? reader->open[i].file : column_get(&reader->file, i);
		if (!file) {
			weight = anon ? weight : 0;
			weight_sum += weight;
			anon_sum += weight;
		} else {
			weight_sum += weight;
			anon_sum += weight * (double)anon / (double)(anon + file);
		}
	}
	sums->kind_weight += weight_sum;
	sums->anon += anon_sum;
}

static void add_huge(struct sums *sums, const struct snapshot *snap, const struct page_reader *reader, size_t first,
		     size_t nr, const double *weights)
{
	double weight_sum = 0, huge_sum = 0;
	size_t i;

	for (i = first; i < first + nr; i++) {
		double weight = weights[i - first];
		uint64_t huge;

		if (!is_known(reader, i, SNAP_PAGES_HUGE))
			continue;
		weight_sum += weight;
		huge = reader->open ? reader->open[i].huge : column_get(&reader->huge, i);
		if (huge) {
			uint64_t bytes = snap->regions[i].end - snap->regions[i].start, part = huge * PAGE_BYTES;

			huge_sum += part < bytes ? weight * (double)part / (double)bytes : weight;
		}
	}
	sums->huge_weight += weight_sum;
	sums->huge += huge_sum;
}

/* Of the regions from first on that lie in the row; their number, and the weight that each has in it. */
static size_t add_heat(struct sums *sums, const struct snapshot *snap, size_t first, const struct axis_row *row,
		       double seconds, double *weights)
{
	const struct snap_region *region = &snap->regions[first], *end = snap->regions + snap->nr_regions;
	double weight_sum = 0, heat_sum = 0, age_sum = 0;
	float peak = sums->peak;
	uint32_t nr_reports = 0;
	size_t nr;

	for (nr = 0; region < end && region->start < row->end; region++, nr++) {
		uint64_t from = row->start > region->start ? row->start : region->start;
		uint64_t to = row->end < region->end ? row->end : region->end;
		double weight = (double)(int64_t)(to - from) * seconds;

		weights[nr] = weight;
		weight_sum += weight;
		heat_sum += weight * (double)region->heat;
		age_sum += weight * region->age;
		nr_reports += region->nr_reports;
		peak = region->heat > peak ? region->heat : peak;
	}
	sums->weight += weight_sum;
	sums->heat += heat_sum;
	sums->age += age_sum * seconds;
	sums->nr_reports += nr_reports;
	sums->peak = peak;
	return nr;
}

/* What accesses were, by the part of each region that lies in the row; of one without a report nothing is known. */
static void add_access(struct sums *sums, const struct snapshot *snap, size_t first, const struct axis_row *row)
{
	size_t i;

	for (i = first; i < snap->nr_regions && snap->regions[i].start < row->end; i++) {
		const struct snap_region *region = &snap->regions[i];
		uint64_t from = row->start > region->start ? row->start : region->start;
		uint64_t to = row->end < region->end ? row->end : region->end;
		double share = (double)(to - from) / (double)(region->end - region->start);
		struct snap_access access;

		if (!region->nr_reports)
			continue;
		access = snapshot_access(snap, i);
		sums->reads += access.nr_reads * share;
		sums->writes += access.nr_writes * share;
		sums->nr_latency += access.nr_latency * share;
		sums->latency += (double)access.latency_sum * share;
	}
}

/*
 * One sweep over the rows and the snapshot's regions, both sorted by address. Row by row, so that the sums of a row
 * stay in registers: a thousand regions in each of two hundred columns are added up where the axis has changed.
 */
static void add_snapshot(struct view *view, const struct snapshot *snap)
{
	double seconds = (double)snap->duration_ns / 1e9;
	struct page_reader reader;
	size_t first = 0, r, nr;

	if (!(seconds > 0))
		seconds = 1e-9;
	view->weights = make_room(view->weights, &view->cap_weights, snap->nr_regions * sizeof(*view->weights));
	if (!view->weights)
		return; /* as if it were not known */
	page_reader_init(&reader, snap);
	for (r = 0; r < view->nr_rows && first < snap->nr_regions; r++) {
		const struct axis_row *row = &view->rows[r];

		if (row->type != AXIS_ROW_MAPPED || row->start >= row->end)
			continue;
		while (first < snap->nr_regions && snap->regions[first].end <= row->start)
			first++;
		if (first == snap->nr_regions || snap->regions[first].start >= row->end)
			continue;
		nr = add_heat(&view->sums[r], snap, first, row, seconds, view->weights);
		if (reader.any_valid & SNAP_PAGES_NODE)
			add_nodes(&view->sums[r], &reader, first, nr, view->weights);
		if (reader.any_valid & SNAP_PAGES_KIND)
			add_kinds(&view->sums[r], &reader, first, nr, view->weights);
		if (reader.any_valid & SNAP_PAGES_HUGE)
			add_huge(&view->sums[r], snap, &reader, first, nr, view->weights);
		if (snapshot_has_access(snap))
			add_access(&view->sums[r], snap, first, row);
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
