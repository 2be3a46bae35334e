/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The map: names and addresses, times, cells, gaps, the cursor. */
#include <stdio.h>
#include <string.h>

#include "collector/clock.h"
#include "collector/snapshot_json.h"
#include "collector/space.h"
#include "collector/text.h"
#include "tui/paint.h"

#define LABEL_EVERY_LINES 4  /* an address beside every so many lines of a group */
#define TIME_EVERY_COLS	  20 /* a time above every so many columns */

/* ---- times ---- */

/*
 * The newest snapshot of a column, or NULL where the column lies outside of what is kept. *thinned: it stands for more
 * than the column.
 */
static const struct snapshot *snapshot_of_col(const struct app *app, unsigned col, bool *thinned)
{
	uint64_t first_tick, end_tick;
	size_t first, end;

	if (!view_col_ticks(app->view, col, &first_tick, &end_tick))
		return NULL;
	history_range(app->history, first_tick, end_tick, &first, &end);
	if (first == end)
		return NULL;
	*thinned = history_span(app->history, end - 1) > end_tick - first_tick;
	return history_at(app->history, end - 1);
}

/* "-80s", "-2m30s": before now, whole seconds from 10 s on. To the nearest: intervals are never quite as long as set.
 */
static void ago_text(char *dst, size_t size, uint64_t ns)
{
	char text[TEXT_NUMBER_SIZE];
	uint64_t us = ns / NSEC_PER_USEC;

	if (us >= 10 * USEC_PER_SEC)
		us = (us + USEC_PER_SEC / 2) / USEC_PER_SEC * USEC_PER_SEC;
	else
		us = (us + 50000) / 100000 * 100000;
	if (us)
		snprintf(dst, size, "-%s", text_duration_us(text, us));
	else
		snprintf(dst, size, "now");
}

void paint_times(const struct paint *p, struct rect title, struct rect where)
{
	const struct app *app = p->app;
	const struct snapshot *newest = history_last(app->history);
	int back, every = where.cols >= 60 ? TIME_EVERY_COLS : 12;
	char text[TEXT_NUMBER_SIZE + 1];
	bool thinned;

	if (title.rows > 0) {
		int col = title.col + 1;

		paint_at(p, title.row, &col, title.col + title.cols, THEME_TITLE, "%s", app->overlay->title);
		if (app_ticks_per_col(app) > 1 && newest)
			paint_at(p, title.row, &col, title.col + title.cols, THEME_DIM, "  %s a column",
				 text_duration_us(text, newest->attrs.aggregation_us * app_ticks_per_col(app)));
	}
	for (back = 0; where.rows > 0 && newest && back < where.cols; back += every) {
		int cell = back / app_cell_cols(app);
		const struct snapshot *snap = snapshot_of_col(app, (unsigned)(app_nr_cols(app) - 1 - cell), &thinned);
		int width, end = where.col + where.cols - cell * app_cell_cols(app);

		if (!snap)
			continue;
		ago_text(text, sizeof(text), newest->time_ns - snap->time_ns);
		/* between two of these, not every aggregation is kept any more */
		if (thinned)
			*text = '~';
		width = grid_text_width(text);
		if (end - width >= where.col)
			grid_text(p->grid, where.row, end - width, width, text,
				  p->roles[strcmp(text, "now") ? THEME_DIM : THEME_STRONG], 0);
	}
}

/* ---- names ---- */

/* The place is a line of the screen; the line, one of the axis. */
static void paint_name(const struct paint *p, const struct layout *l, int place, size_t line, bool named, bool label)
{
	const struct app *app = p->app;
	const struct axis_row *row = &app->axis.rows[line * app->axis.per_line];
	int width = l->names.cols - 2 - (l->addresses ? LAYOUT_ADDRESS_COLS + 1 : 0);
	bool on_cursor = app->cursor_row < app->axis.nr_rows && app->cursor_row / app->axis.per_line == line;

	if (named)
		grid_text(p->grid, l->names.row + place, l->names.col + 1, width, app->axis.groups[row->group].name,
			  p->roles[THEME_TEXT], GRID_ELLIPSIS);
	if (l->addresses && (label || on_cursor))
		grid_printf(p->grid, l->names.row + place, l->names.col + l->names.cols - LAYOUT_ADDRESS_COLS,
			    LAYOUT_ADDRESS_COLS - 1, p->roles[on_cursor ? THEME_STRONG : THEME_DIM], "%12llx",
			    (unsigned long long)space_address(row->start));
}

/* "threads 4  rss 120M  wss ~8.0M": of the snapshot that is shown. */
static void process_text(char *dst, size_t size, const struct app *app, const struct axis_row *row)
{
	const struct snapshot *snap = app_shown(app);
	char rss[TEXT_NUMBER_SIZE] = "–", wss[TEXT_NUMBER_SIZE] = "–";
	const struct snap_process *use = NULL;
	size_t i;

	for (i = 0; snap && snap->processes && i < snap->maps->nr_processes; i++)
		if (mappings_process_key(&snap->maps->processes[i]) == row->owner)
			use = &snap->processes[i];
	if (!use) {
		snprintf(dst, size, "not watched then");
		return;
	}
	if (use->flags & SNAP_RSS_KNOWN)
		text_bytes(rss, use->rss_bytes);
	if (use->flags & SNAP_WSS_KNOWN)
		text_bytes(wss, use->wss_bytes);
	snprintf(dst, size, "rss %s  wss %s%s%s%s", rss,
		 use->flags & SNAP_WSS_KNOWN && !(use->flags & SNAP_WSS_EXACT) ? "~" : "", wss,
		 use->state == TARGET_RUNNING ? "" : "  ",
		 use->state == TARGET_RUNNING ? "" : target_state_name((enum target_state)use->state));
}

/* The head of a process's lines: over names and map, so that one sees where it begins. */
static void paint_process(const struct paint *p, const struct layout *l, int place, const struct axis_row *row)
{
	const struct mappings_process *process = mappings_process_of(p->app->axis_maps, row->start);
	int first = l->names.cols ? l->names.col : l->map.col, end = l->map.col + l->map.cols;
	int at = l->map.row + place, col = first;
	char text[96];

	for (; col < end; col++)
		grid_put(p->grid, at, col, 0x2500, p->roles[THEME_GAP]);
	if (!process)
		return;
	col = first + (l->names.cols ? 1 : 0);
	paint_at(p, at, &col, end, THEME_TITLE, "%d ", (int)process->pid);
	paint_at(p, at, &col, end, THEME_STRONG, "%s ", process->comm);
	process_text(text, sizeof(text), p->app, row);
	if (l->names.cols && col <= l->map.col)
		col = l->map.col;
	if (grid_text_width(text) + 1 < end - col)
		paint_at(p, at, &col, end, THEME_DIM, "%s ", text);
}

static void paint_gap(const struct paint *p, const struct layout *l, int line, const struct axis_row *row)
{
	char bytes[TEXT_NUMBER_SIZE], text[64];
	struct style style = p->roles[THEME_GAP];
	int col = l->map.col, end = l->map.col + l->map.cols;

	snprintf(text, sizeof(text), "⋮ %s %s ", text_bytes(bytes, row->end - row->start),
		 row->reserved ? "reserved" : "unmapped");
	col += grid_text(p->grid, l->map.row + line, col, l->map.cols, text, style, 0);
	for (; col < end; col++)
		grid_put(p->grid, l->map.row + line, col, 0x2504, style);
}

/* ---- cells ---- */

struct half {
	bool known;
	color color;
};

static double brightness(const struct app *app, const struct view_cell *cell)
{
	return contrast_scale(&app->contrast, app->show_peak ? cell->peak : cell->heat);
}

static struct half half_of(const struct app *app, const struct view_cell *cell)
{
	if (!cell->valid)
		return (struct half){ 0 };
	return (struct half){ true, overlay_paint(app->overlay, &app->brush, cell, brightness(app, cell)).color };
}

/* Nothing is known: a faint pattern, which no value looks like. */
static struct grid_cell unknown_cell(const struct paint *p, int col)
{
	struct grid_cell out = { .ch = col % 2 ? ' ' : 0xb7, .style = p->roles[THEME_UNKNOWN] };

	if (p->app->config.look.depth < COLOR_DEPTH_256 || p->app->config.look.ascii)
		out.ch = ' ';
	out.style.bg = p->roles[THEME_TEXT].bg;
	return out;
}

/* Two cells one above the other in one character. */
static struct grid_cell both_halves(const struct paint *p, const struct view_cell *upper, const struct view_cell *lower,
				    int col)
{
	struct half a = half_of(p->app, upper), b = half_of(p->app, lower);
	struct grid_cell out = { .ch = ' ', .style = p->roles[THEME_TEXT] };

	if (!a.known && !b.known)
		return unknown_cell(p, col);
	out.style.attr = 0;
	if (a.known && b.known && a.color == b.color) {
		out.style.bg = a.color;
	} else if (a.known) {
		out.ch = 0x2580;
		out.style.fg = a.color;
		if (b.known)
			out.style.bg = b.color;
	} else {
		out.ch = 0x2584;
		out.style.fg = b.color;
	}
	return out;
}

static struct grid_cell whole_cell(const struct paint *p, const struct view_cell *cell, int col)
{
	struct grid_cell out = { .style = p->roles[THEME_TEXT] };
	struct overlay_paint paint;

	if (!cell->valid)
		return unknown_cell(p, col);
	paint = overlay_paint(p->app->overlay, &p->app->brush, cell, brightness(p->app, cell));
	out.ch = paint.ch;
	out.style.fg = paint.color;
	out.style.attr = paint.attr;
	return out;
}

/* At most APP_NUMBER_COLS - 1 characters. */
static void number_text(char dst[32], double heat, enum heat_unit unit)
{
	if (unit == HEAT_TIME)
		heat *= 100;
	if (!(heat > 0))
		strcpy(dst, ".");
	else if (heat >= 100)
		text_count(dst, (uint64_t)(heat + 0.5));
	else if (heat < 0.01)
		strcpy(dst, "<.01");
	else
		snprintf(dst, 32, heat < 10 ? "%.2f" : "%.1f", heat);
}

/* Black or white, whichever is read on this. */
static color ink_on(const struct paint *p, color ground)
{
	struct oklab lab = oklab_of_rgb(color_rgb(ground, 0));

	return color_at_depth(lab.l > 0.6 ? COLOR_RGB(0, 0, 0) : COLOR_RGB(255, 255, 255), p->app->config.look.depth);
}

static void paint_number(const struct paint *p, int row, int col, const struct view_cell *cell)
{
	const struct app *app = p->app;
	struct style style = p->roles[cell->valid ? THEME_TEXT : THEME_UNKNOWN];
	struct overlay_paint paint;
	char text[32] = "?";

	if (cell->valid) {
		number_text(text, (double)(app->show_peak ? cell->peak : cell->heat), app->contrast_unit);
		paint = overlay_paint(app->overlay, &app->brush, cell, brightness(app, cell));
		style.attr = paint.attr;
		style.fg = paint.color;
		if (app->config.look.depth >= COLOR_DEPTH_256 && !app->config.look.ascii) {
			style.bg = paint.color;
			style.fg = ink_on(p, paint.color);
		}
	}
	grid_fill(p->grid, (struct rect){ row, col, 1, APP_NUMBER_COLS }, ' ', style);
	grid_text(p->grid, row, col, APP_NUMBER_COLS - 1, text, style, GRID_RIGHT);
}

/* One value in a cell of several columns, the newest at the right edge. */
static void paint_numbers(const struct paint *p, const struct layout *l, int place, size_t line)
{
	const struct app *app = p->app;
	int nr = app_nr_cols(app), i, first = l->map.col + l->map.cols - nr * APP_NUMBER_COLS;

	for (i = 0; i < nr; i++)
		paint_number(p, l->map.row + place, first + i * APP_NUMBER_COLS,
			     view_cell(app->view, line, (unsigned)i));
}

/* The map's own part of the grid: the layout keeps it inside, so that cells need no clipping. */
static void paint_cells(const struct paint *p, const struct layout *l, int place, size_t line)
{
	const struct app *app = p->app;
	size_t r = line * app->axis.per_line;
	const struct axis_row *rows = &app->axis.rows[r];
	bool two = app->axis.per_line == 2 && rows[1].start < rows[1].end;
	int col;

	if (app_cell_cols(app) > 1) {
		paint_numbers(p, l, place, line);
		return;
	}
	for (col = 0; col < l->map.cols; col++) {
		const struct view_cell *cells = view_column(app->view, (unsigned)col);
		struct grid_cell *out = &p->grid->cells[(size_t)(l->map.row + place) * (size_t)p->grid->cols +
							(size_t)(l->map.col + col)];

		if (!cells)
			*out = unknown_cell(p, col);
		else if (app->axis.per_line == 2)
			*out = both_halves(p, &cells[r], &cells[two ? r + 1 : r], col);
		else
			*out = whole_cell(p, &cells[r], col);
	}
}

/* A cross that keeps the colours of the cell it lies on: what it points at stays visible around it. */
static void paint_cursor(const struct paint *p, const struct layout *l)
{
	const struct app *app = p->app;
	struct style style = p->roles[THEME_CURSOR];
	int row, col;
	struct grid_cell *cell;

	if (!p->in_focus || app->cursor_row >= app->axis.nr_rows || (unsigned)app_nr_cols(app) <= app->cursor_back)
		return;
	row = l->map.row + (int)(axis_display_of(&app->axis, app->cursor_row) / app->axis.per_line);
	col = l->map.col + l->map.cols - 1 - (int)app->cursor_back * app_cell_cols(app);
	cell = &p->grid->cells[(size_t)row * (size_t)p->grid->cols + (size_t)col];
	if (app->config.look.depth >= COLOR_DEPTH_256) {
		bool lower = app->axis.per_line == 2 && app->cursor_row % 2;
		color under = cell->ch == 0x2580 && !lower ? cell->style.fg : cell->style.bg;

		style.bg = under;
		style.fg = ink_on(p, under);
	}
	grid_put(p->grid, row, col, app->cursor_set ? 0x253c : 0x25c2, style);
}

/* ---- minimap ---- */

/* Which part of all mapped bytes the map shows. */
static void paint_minimap(const struct paint *p, struct rect where)
{
	const struct app *app = p->app;
	const struct app_range *all = &app->zooms[0], *now = &app->zooms[app->nr_zooms - 1];
	double sum, from = 0, to = 0;
	int i;

	if (where.rows < 1 || !app->axis_maps)
		return;
	if (app->nr_zooms > 1) {
		sum = (double)axis_mapped_bytes(app->axis_maps, all->start, all->end);
		from = (double)axis_mapped_bytes(app->axis_maps, all->start, now->start) / sum * where.rows;
		to = from + (double)axis_mapped_bytes(app->axis_maps, now->start, now->end) / sum * where.rows;
	}
	for (i = 0; i < where.rows; i++) {
		bool shown = app->nr_zooms > 1 && i + 1 > from && i < to;

		grid_put(p->grid, where.row + i, where.col, shown ? 0x2503 : 0x2502,
			 p->roles[shown ? THEME_TITLE : THEME_GAP]);
	}
}

/* ---- all of it ---- */

void paint_source_name(const struct paint *p, struct rect where)
{
	const struct snapshot *newest = history_last(p->app->history);
	int col = where.col, end = where.col + where.cols;

	if (where.rows < 1 || !newest)
		return;
	grid_put(p->grid, where.row, col, p->in_focus ? 0x25b8 : ' ', p->roles[THEME_TITLE]);
	col++;
	paint_at(p, where.row, &col, end, p->in_focus ? THEME_TITLE : THEME_TEXT, "%s", newest->source);
	if (p->app->lost)
		paint_at(p, where.row, &col, end, THEME_BAD, " lost");
}

/* Why the map is empty. */
static void paint_empty(const struct paint *p, struct rect where)
{
	const struct app *app = p->app;
	const char *text = app->ended		       ? ""
			   : !history_nr(app->history) ? "waiting for the first aggregation"
			   : app->nr_zooms > 1	       ? "nothing is mapped here any more: 0 shows all addresses"
						       : "the target has no memory mapped";

	grid_text(p->grid, where.row + where.rows / 2, where.col + 1, where.cols - 1, text, p->roles[THEME_DIM],
		  GRID_ELLIPSIS);
}

void paint_map(const struct paint *p, const struct layout *l)
{
	const struct app *app = p->app;
	/* lines of one group stand apart: each says whose it is */
	bool scattered = app->axis_options.share == AXIS_SHARE_HOTTEST;
	int place, since_label = 0, nr_lines;

	if (l->map.rows < 1 || l->map.cols < 1)
		return;
	nr_lines = (int)(app->axis.nr_rows / (app->axis.per_line ? app->axis.per_line : 1));
	if (!nr_lines)
		paint_empty(p, l->map);
	for (place = 0; place < nr_lines; place++) {
		size_t line = app->axis.shown[place];
		const struct axis_row *row = &app->axis.rows[line * app->axis.per_line];
		bool named = row->first || scattered;

		if (row->type == AXIS_ROW_GAP) {
			paint_gap(p, l, place, row);
			continue;
		}
		if (row->type == AXIS_ROW_PROCESS) {
			paint_process(p, l, place, row);
			continue;
		}
		since_label = named ? 0 : since_label + 1;
		if (l->names.cols)
			paint_name(p, l, place, line, named, since_label % LABEL_EVERY_LINES == 0);
		paint_cells(p, l, place, line);
	}
	paint_cursor(p, l);
	paint_minimap(p, l->minimap);
}
