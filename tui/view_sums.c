/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/view_sums.h"

#include "collector/report.h"

static struct view_column_reader column_reader(const struct snap_packed *packed, unsigned col)
{
	unsigned width = packed->cols[col].width;

	return (struct view_column_reader){ (const char *)packed + packed->cols[col].at, width,
					    snap_packed_mask(width) };
}

static uint64_t column_get(const struct view_column_reader *col, size_t i)
{
	return snap_packed_load(col->first + i * col->width) & col->mask;
}

void view_reader_init(struct view_reader *reader, const struct snapshot *snap, unsigned needs)
{
	const struct snap_packed *packed = snap->packed;
	unsigned k;

	*reader = (struct view_reader){
		.snap = snap,
		.seconds = snap->duration_ns ? (double)snap->duration_ns / 1e9 : 1e-9,
		.open = snap->open.pages,
		.add = (uint8_t)((needs & VIEW_NODE ? SNAP_PAGES_NODE : 0) | (needs & VIEW_KIND ? SNAP_PAGES_KIND : 0) |
				 (needs & VIEW_HUGE ? SNAP_PAGES_HUGE : 0)),
		.add_access = needs & (VIEW_OP | VIEW_LATENCY) && snapshot_has_access(snap),
		.nr_nodes = SNAP_NR_NODES,
	};
	if (!packed)
		return;
	reader->add &= packed->any_valid;
	reader->all_valid = packed->all_valid;
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

static void add_node(struct view_sums *sums, uint8_t node, double weight)
{
	unsigned k;

	for (k = 0; k < sums->nr_nodes && sums->node[k] != node; k++)
		;
	if (k == VIEW_SUMS_NR_NODES)
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

static void count_node(struct two_nodes *two, struct view_sums *sums, uint64_t node, double weight)
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

static uint64_t node_pages(const struct view_reader *reader, unsigned k, size_t i)
{
	return reader->open ? reader->open[i].node_pages[k] : column_get(&reader->node_pages[k], i);
}

static uint64_t node_number(const struct view_reader *reader, unsigned k, size_t i)
{
	return reader->open ? reader->open[i].node[k] : column_get(&reader->node[k], i);
}

static uint64_t anon_pages(const struct view_reader *reader, size_t i)
{
	return reader->open ? reader->open[i].anon : column_get(&reader->anon, i);
}

static uint64_t file_pages(const struct view_reader *reader, size_t i)
{
	return reader->open ? reader->open[i].file : column_get(&reader->file, i);
}

static uint64_t huge_pages(const struct view_reader *reader, size_t i)
{
	return reader->open ? reader->open[i].huge : column_get(&reader->huge, i);
}

/* A region on three nodes or more. */
static void count_many_nodes(struct view_sums *sums, const struct view_reader *reader, size_t i, double weight)
{
	uint64_t all = 0;
	unsigned k;

	for (k = 0; k < reader->nr_nodes; k++)
		all += node_pages(reader, k, i);
	for (k = 0; k < reader->nr_nodes && node_pages(reader, k, i); k++)
		add_node(sums, (uint8_t)node_number(reader, k, i),
			 weight * (double)node_pages(reader, k, i) / (double)all);
}

static void count_nodes(struct two_nodes *two, struct view_sums *sums, const struct view_reader *reader, size_t i,
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
static bool is_known(const struct view_reader *reader, size_t i, unsigned bit)
{
	if (reader->all_valid & bit)
		return true;
	return (reader->open ? reader->open[i].valid : column_get(&reader->valid, i)) & bit;
}

/* Of nr regions from first on, a row's, with the weight that each has in it. */
static void add_nodes(struct view_sums *sums, const struct view_reader *reader, size_t first, size_t nr,
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

static void add_kinds(struct view_sums *sums, const struct view_reader *reader, size_t first, size_t nr,
		      const double *weights)
{
	double weight_sum = 0, anon_sum = 0;
	size_t i;

	for (i = first; i < first + nr; i++) {
		double weight = weights[i - first];
		uint64_t anon, file;

		if (!is_known(reader, i, SNAP_PAGES_KIND))
			continue;
		anon = anon_pages(reader, i);
		file = file_pages(reader, i);
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

/* Bytes of a region that have pages, where that is known, else all: what has no page is neither huge nor small. */
static uint64_t present_bytes(const struct snapshot *snap, const struct view_reader *reader, size_t i)
{
	uint64_t bytes = snap->regions[i].end - snap->regions[i].start, present;

	if (!is_known(reader, i, SNAP_PAGES_KIND))
		return bytes;
	present = (anon_pages(reader, i) + file_pages(reader, i)) * PAGE_BYTES;
	return present < bytes ? present : bytes;
}

static void add_huge(struct view_sums *sums, const struct snapshot *snap, const struct view_reader *reader,
		     size_t first, size_t nr, const double *weights)
{
	double weight_sum = 0, huge_sum = 0;
	size_t i;

	for (i = first; i < first + nr; i++) {
		double weight = weights[i - first];
		uint64_t huge, present;

		if (!is_known(reader, i, SNAP_PAGES_HUGE))
			continue;
		present = present_bytes(snap, reader, i);
		if (!present)
			continue;
		weight_sum += weight;
		huge = huge_pages(reader, i);
		if (huge) {
			uint64_t part = huge * PAGE_BYTES;

			huge_sum += part < present ? weight * (double)part / (double)present : weight;
		}
	}
	sums->huge_weight += weight_sum;
	sums->huge += huge_sum;
}

/* Of the regions from first on that lie in the row; their number, and the weight that each has in it. */
static size_t add_heat(struct view_sums *sums, const struct snapshot *snap, size_t first, const struct axis_row *row,
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
static void add_access(struct view_sums *sums, const struct snapshot *snap, size_t first, const struct axis_row *row)
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

void view_sums_add(struct view_sums *sums, const struct view_reader *reader, const struct axis_row *row, size_t first,
		   double *weights)
{
	const struct snapshot *snap = reader->snap;
	size_t nr = add_heat(sums, snap, first, row, reader->seconds, weights);

	if (reader->add & SNAP_PAGES_NODE)
		add_nodes(sums, reader, first, nr, weights);
	if (reader->add & SNAP_PAGES_KIND)
		add_kinds(sums, reader, first, nr, weights);
	if (reader->add & SNAP_PAGES_HUGE)
		add_huge(sums, snap, reader, first, nr, weights);
	if (reader->add_access)
		add_access(sums, snap, first, row);
}

/* The two most frequent nodes, with their shares. */
static void rank_nodes(struct view_cell *cell, const struct view_sums *sums)
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

static void fill_access(struct view_cell *cell, const struct view_sums *sums)
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

struct view_cell view_sums_cell(const struct view_sums *sums, const struct axis_row *row)
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
