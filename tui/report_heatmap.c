/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The heatmap of all that was seen: address from top to bottom, time from left
 * to right, on the same axis and with the same contrast as the screen has. What
 * history has thinned is drawn with what stands for it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "collector/clock.h"
#include "collector/space.h"
#include "collector/text.h"
#include "collector/text_buf.h"
#include "tui/axis.h"
#include "tui/contrast.h"
#include "tui/history.h"
#include "tui/inspect.h"
#include "tui/report_internal.h"
#include "tui/report_svg.h"
#include "tui/view.h"

#define HISTORY_BYTES (UINT64_C(44) << 20)
#define NAME_COLS     20
#define ADDRESS_COLS  13
#define HEAD_LINES    2
#define FOOT_LINES    2
#define LEGEND_COLS   10
#define TIME_COLS     12 /* at least, from one time to the next */

struct heatmap {
	struct report_options options;
	struct history *history;
	struct view *view;
	struct axis axis;
	struct contrast contrast;
	unsigned nr_cols, ticks_per_col;
	int repeat; /* character columns that show one of these: few snapshots fill the width, too */
	struct grid grid;
};

static void heatmap_close(void *data)
{
	struct heatmap *h = data;

	if (!h)
		return;
	history_free(h->history);
	view_free(h->view);
	axis_free(&h->axis);
	grid_free(&h->grid);
	free(h);
}

static void *heatmap_open(const struct report_options *options)
{
	struct heatmap *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->options = *options;
	h->grid = GRID_EMPTY;
	h->history = history_new(HISTORY_BYTES);
	h->view = view_new();
	contrast_init(&h->contrast);
	if (h->history && h->view)
		return h;
	heatmap_close(h);
	return NULL;
}

static int heatmap_add(void *data, const struct snapshot *snap)
{
	struct heatmap *h = data;
	const struct snapshot *last = history_last(h->history);
	struct snapshot *copy;

	if (last && (last->pid != snap->pid || last->heat_unit != snap->heat_unit))
		history_clear(h->history); /* nothing that could stand in the same picture */
	copy = report_copy(snap);
	if (!copy)
		return -ENOMEM;
	history_push(h->history, copy);
	return 0;
}

static bool half_blocks(const struct heatmap *h)
{
	return h->options.format == REPORT_SVG || (h->options.format == REPORT_TEXT && h->options.with_colors &&
						   h->options.look.depth >= COLOR_DEPTH_256 && !h->options.look.ascii);
}

static void learn_contrast(struct heatmap *h)
{
	contrast_begin(&h->contrast);
	for (unsigned col = 0; col < h->nr_cols; col++) {
		const struct view_cell *cells = view_column(h->view, col);

		for (size_t row = 0; cells && row < h->axis.nr_rows; row++)
			if (cells[row].valid & VIEW_HEAT)
				contrast_add(&h->contrast, cells[row].heat,
					     contrast_weight(h->axis.rows[row].end - h->axis.rows[row].start));
	}
	contrast_end(&h->contrast, history_last(h->history)->heat_unit);
}

/* All ticks, in as many columns as there is room for; fewer where there are fewer ticks. */
static int make_view(struct heatmap *h, unsigned max_cols, unsigned nr_lines)
{
	uint64_t first = history_tick(h->history, 0), last = history_tick(h->history, history_nr(h->history) - 1);
	uint64_t nr_ticks = last - first + 1;
	struct axis_options axis = { .end = AXIS_END, .nr_lines = nr_lines, .per_line = half_blocks(h) ? 2 : 1 };
	struct view_options view = { .last_tick = last };
	int rc;

	h->ticks_per_col = (unsigned)((nr_ticks + max_cols - 1) / max_cols);
	h->nr_cols = (unsigned)(last / h->ticks_per_col - first / h->ticks_per_col + 1);
	h->repeat = max_cols > h->nr_cols ? (int)(max_cols / h->nr_cols) : 1;
	view.nr_cols = h->nr_cols;
	view.ticks_per_col = h->ticks_per_col;
	rc = axis_build(&h->axis, history_last(h->history)->maps, &axis);
	if (!rc)
		rc = view_update(h->view, h->history, &h->axis, &view);
	if (!rc)
		learn_contrast(h);
	return rc;
}

/* Seconds from the first snapshot's begin to the begin of column col. */
static double col_begin_s(const struct heatmap *h, unsigned col)
{
	const struct snapshot *first = history_at(h->history, 0);
	uint64_t first_tick, end_tick;
	size_t i;

	if (!view_col_ticks(h->view, col, &first_tick, &end_tick))
		return 0;
	i = history_find_tick(h->history, first_tick);
	if (i >= history_nr(h->history))
		return 0;
	return (double)(history_at(h->history, i)->time_ns - history_at(h->history, i)->duration_ns -
			(first->time_ns - first->duration_ns)) /
	       1e9;
}

/* Of several processes: whose a row is; NULL: there is but one. */
static const struct mappings_process *process_of(const struct heatmap *h, const struct axis_row *row)
{
	return mappings_process_of(history_last(h->history)->maps, row->start);
}

/* ---- for programs ---- */

static void print_csv(const struct heatmap *h, FILE *out)
{
	bool several = history_last(h->history)->processes;

	fprintf(out, "time_s,start,end,heat%s%s\n", report_heat_suffix(history_last(h->history)->heat_unit),
		several ? ",pid" : "");
	for (unsigned col = 0; col < h->nr_cols; col++) {
		const struct view_cell *cells = view_column(h->view, col);

		for (size_t row = 0; cells && row < h->axis.nr_rows; row++) {
			const struct axis_row *r = &h->axis.rows[row];

			if (r->type != AXIS_ROW_MAPPED || r->end <= r->start || !(cells[row].valid & VIEW_HEAT))
				continue;
			fprintf(out, "%.6f,0x%" PRIx64 ",0x%" PRIx64 ",%.9g", col_begin_s(h, col),
				space_address(r->start), space_end_address(r->end), (double)cells[row].heat);
			if (several)
				fprintf(out, ",%d", process_of(h, r) ? (int)process_of(h, r)->pid : 0);
			putc('\n', out);
		}
	}
}

static void print_json_row(const struct heatmap *h, size_t row, struct text_buf *b)
{
	const struct axis_row *r = &h->axis.rows[row];

	text_buf_printf(b, "{\"start\":\"0x%" PRIx64 "\",\"end\":\"0x%" PRIx64 "\",", space_address(r->start),
			space_end_address(r->end));
	if (process_of(h, r))
		text_buf_printf(b, "\"pid\":%d,", (int)process_of(h, r)->pid);
	text_buf_str(b, "\"mapping\":");
	text_buf_json(b, h->axis.groups[r->group].name);
	text_buf_str(b, ",\"heat\":[");
	for (unsigned col = 0; col < h->nr_cols; col++) {
		const struct view_cell *cell = view_cell(h->view, row, col);

		if (cell->valid & VIEW_HEAT)
			text_buf_printf(b, "%s%.9g", col ? "," : "", (double)cell->heat);
		else
			text_buf_str(b, col ? ",null" : "null");
	}
	text_buf_str(b, "]}");
}

static int print_json(const struct heatmap *h, FILE *out)
{
	const struct snapshot *last = history_last(h->history);
	struct text_buf b = { 0 };
	bool first = true;
	int rc;

	text_buf_str(&b, "{\"report\":\"heatmap\"");
	report_json_owner(&b, last->comm, last->pid, last->source);
	text_buf_printf(&b, ",\"heat_unit\":\"%s\",\"column_begin_s\":[", heat_unit_name(last->heat_unit));
	for (unsigned col = 0; col < h->nr_cols; col++)
		text_buf_printf(&b, "%s%.6f", col ? "," : "", col_begin_s(h, col));
	text_buf_str(&b, "],\"rows\":[");
	for (size_t row = 0; row < h->axis.nr_rows; row++) {
		if (h->axis.rows[row].type != AXIS_ROW_MAPPED || h->axis.rows[row].end <= h->axis.rows[row].start)
			continue;
		text_buf_str(&b, first ? "\n" : ",\n");
		first = false;
		print_json_row(h, row, &b);
	}
	text_buf_str(&b, "]}\n");
	rc = b.failed ? -ENOMEM : fwrite(b.v, 1, b.len, out) == b.len ? 0 : -EIO;
	text_buf_free(&b);
	return rc;
}

/* ---- for people ---- */

static struct style role(const struct heatmap *h, enum theme_role r)
{
	return theme_style(h->options.theme, &h->options.look, r);
}

static color heat_color(const struct heatmap *h, size_t row, unsigned col, color unknown)
{
	const struct view_cell *cell = view_cell(h->view, row, col);

	if (!(cell->valid & VIEW_HEAT))
		return unknown;
	return theme_heat(h->options.theme, &h->options.look, contrast_scale(&h->contrast, cell->heat));
}

static void paint_cell(struct heatmap *h, int line, int at, size_t row, unsigned col)
{
	const struct view_cell *cell = view_cell(h->view, row, col);
	struct style style = role(h, THEME_TEXT);

	if (h->axis.per_line == 2) {
		color none = style.bg;

		style.fg = heat_color(h, row, col, none);
		style.bg = heat_color(h, row + 1, col, style.fg);
		grid_put(&h->grid, line, at, 0x2580, style);
	} else if (cell->valid & VIEW_HEAT) {
		style.fg = heat_color(h, row, col, style.fg);
		grid_put(&h->grid, line, at, theme_glyph(&h->options.look, contrast_scale(&h->contrast, cell->heat)),
			 style);
	}
}

static void paint_line(struct heatmap *h, int line, size_t row)
{
	const struct axis_row *r = &h->axis.rows[row];
	char bytes[TEXT_NUMBER_SIZE];
	int at = NAME_COLS + ADDRESS_COLS;

	if (r->type == AXIS_ROW_GAP) {
		grid_printf(&h->grid, line, at, (int)h->nr_cols * h->repeat, role(h, THEME_GAP), "%s %s",
			    text_bytes(bytes, r->end - r->start), r->reserved ? "reserved" : "unmapped");
		return;
	}
	if (r->type == AXIS_ROW_PROCESS) {
		if (process_of(h, r))
			grid_printf(&h->grid, line, 0, at + (int)h->nr_cols * h->repeat, role(h, THEME_STRONG), "%d %s",
				    (int)process_of(h, r)->pid, process_of(h, r)->comm);
		return;
	}
	if (r->first)
		grid_text(&h->grid, line, 0, NAME_COLS - 1, h->axis.groups[r->group].name, role(h, THEME_TEXT),
			  GRID_ELLIPSIS);
	grid_printf(&h->grid, line, NAME_COLS, ADDRESS_COLS - 1, role(h, THEME_DIM), "%12" PRIx64,
		    space_address(r->start));
	for (int i = 0; i < (int)h->nr_cols * h->repeat; i++)
		paint_cell(h, line, at + i, row, (unsigned)(i / h->repeat));
}

/* Round times above the columns that they are of. */
static void paint_times(struct heatmap *h, double us)
{
	int nr_cols = (int)h->nr_cols * h->repeat, at = NAME_COLS + ADDRESS_COLS, end = at + nr_cols;
	double step = report_svg_step(us, (unsigned)nr_cols / TIME_COLS + 1, REPORT_US);

	for (unsigned i = 0; step > 0 && i * step < us; i++) {
		int col = at + (int)(i * step / us * nr_cols);
		char text[64] = "0";

		report_svg_number(text, sizeof(text), i * step, REPORT_US);
		if (i && col + (int)strlen(text) > end)
			break;
		grid_text(&h->grid, 1, col, (int)strlen(text), text, role(h, THEME_DIM), 0);
	}
}

static void paint_head(struct heatmap *h)
{
	const struct snapshot *last = history_last(h->history), *first = history_at(h->history, 0);
	char length[TEXT_NUMBER_SIZE], column[TEXT_NUMBER_SIZE], owner[256];
	uint64_t us = (last->time_ns - first->time_ns + first->duration_ns) / NSEC_PER_USEC;

	grid_printf(&h->grid, 0, 0, h->grid.cols, role(h, THEME_STRONG), "%s: %s from left to right, %s a column",
		    report_owner(owner, sizeof(owner), last->comm, last->pid, last->source),
		    text_duration_us(length, us), text_duration_us(column, us / h->nr_cols));
	grid_text(&h->grid, 1, 0, NAME_COLS, "mapping", role(h, THEME_DIM), 0);
	grid_text(&h->grid, 1, NAME_COLS, ADDRESS_COLS - 1, "address", role(h, THEME_DIM), GRID_RIGHT);
	paint_times(h, (double)us);
}

static void paint_legend(struct heatmap *h, int line)
{
	enum heat_unit unit = history_last(h->history)->heat_unit;
	struct style style = role(h, THEME_TEXT);
	char number[32];
	const int at = 7;

	grid_text(&h->grid, line, 0, at, "heat 0 ", style, 0);
	for (int i = 0; i < LEGEND_COLS; i++) {
		double value = (double)i / (LEGEND_COLS - 1);

		style.fg = theme_heat(h->options.theme, &h->options.look, value);
		grid_put(&h->grid, line, at + i, h->axis.per_line == 2 ? 0x2588 : theme_glyph(&h->options.look, value),
			 style);
	}
	grid_printf(&h->grid, line, at + 1 + LEGEND_COLS, h->grid.cols, role(h, THEME_TEXT), "%s %s (%s)",
		    inspect_heat_number(number, h->contrast.known ? h->contrast.high : 0, unit),
		    inspect_heat_words(unit), contrast_mode_name(h->contrast.now));
}

static int print_picture(struct heatmap *h, FILE *out)
{
	int lines = (int)(h->axis.nr_rows / h->axis.per_line);
	int rc = grid_resize(&h->grid, HEAD_LINES + lines + FOOT_LINES, h->options.cols);

	if (rc)
		return rc;
	grid_clear(&h->grid, role(h, THEME_TEXT));
	paint_head(h);
	for (int i = 0; i < lines; i++)
		paint_line(h, HEAD_LINES + i, (size_t)i * h->axis.per_line);
	paint_legend(h, HEAD_LINES + lines + 1);
	return h->options.format == REPORT_SVG
		       ? term_svg_write(out, &h->grid, "damontop: heatmap", 0xc9d1d9, h->options.theme->ground)
		       : term_text_write(out, &h->grid, &h->options.look, h->options.with_colors);
}

static int heatmap_print(void *data, const struct report_kind *kind, FILE *out)
{
	struct heatmap *h = data;
	int cols = h->options.cols - NAME_COLS - ADDRESS_COLS, lines = h->options.rows - HEAD_LINES - FOOT_LINES;
	int rc = make_view(h, cols > 10 ? (unsigned)cols : 10, lines > 5 ? (unsigned)lines : 5);

	(void)kind;
	if (rc)
		return rc;
	if (h->options.format == REPORT_CSV) {
		print_csv(h, out);
		return 0;
	}
	return h->options.format == REPORT_JSON ? print_json(h, out) : print_picture(h, out);
}

const struct report_kind report_heatmap = {
	"heatmap", heatmap_open, heatmap_add, heatmap_print, heatmap_close,
};
