/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The panels: tables and charts of the snapshot under the cursor. */
#include <stdio.h>
#include <string.h>

#include "collector/clock.h"
#include "collector/space.h"
#include "collector/text.h"
#include "tui/paint.h"
#include "tui/when.h"

/* ---- tables of places ---- */

struct column {
	const char *title;
	int width;
	int from_cols;	 /* screens at least this wide have it */
	unsigned panels; /* bits of the panels that have it */
	int order;	 /* enum place_order by which it sorts; -1: none */
	bool measured;	 /* "–" where nothing is known of the place */
	void (*text)(char dst[64], const struct snapshot *snap, const struct place *place);
};

#define HOT  (1u << PANEL_HOT)
#define MAPS (1u << PANEL_MAPPINGS)
/* ... and only where several processes are watched */
#define OF_SEVERAL (1u << PANEL_NR)

static void total_column(char dst[64], const struct snapshot *snap, const struct place *p)
{
	char total[32];

	snprintf(dst, 64, "%s", inspect_total_text(total, p->total, snap->heat_unit));
}

static void heat_column(char dst[64], const struct snapshot *snap, const struct place *p)
{
	char heat[32];

	snprintf(dst, 64, "%s", inspect_heat_text(heat, p->heat, snap->heat_unit));
}

static void address_column(char dst[64], const struct snapshot *snap, const struct place *p)
{
	(void)snap;
	snprintf(dst, 64, "%llx", (unsigned long long)space_address(p->start));
}

static void size_column(char dst[64], const struct snapshot *snap, const struct place *p)
{
	char bytes[TEXT_NUMBER_SIZE];

	(void)snap;
	snprintf(dst, 64, "%s", text_bytes(bytes, p->end - p->start));
}

static void used_column(char dst[64], const struct snapshot *snap, const struct place *p)
{
	char bytes[TEXT_NUMBER_SIZE];

	(void)snap;
	snprintf(dst, 64, "%s%s", p->used_bytes ? "~" : "", text_bytes(bytes, p->used_bytes));
}

static void age_column(char dst[64], const struct snapshot *snap, const struct place *p)
{
	char age[TEXT_NUMBER_SIZE];

	(void)snap;
	if (p->age_s >= 1)
		snprintf(dst, 64, "%s", text_duration_us(age, (uint64_t)p->age_s * USEC_PER_SEC));
	else
		snprintf(dst, 64, "new");
}

static void reports_column(char dst[64], const struct snapshot *snap, const struct place *p)
{
	char count[TEXT_NUMBER_SIZE];

	(void)snap;
	snprintf(dst, 64, "%s", text_count(count, p->nr_reports));
}

static void node_column(char dst[64], const struct snapshot *snap, const struct place *p)
{
	(void)snap;
	if (p->node >= 0)
		snprintf(dst, 64, "%d", p->node);
	else
		snprintf(dst, 64, "–");
}

static void pid_column(char dst[64], const struct snapshot *snap, const struct place *p)
{
	const struct mappings_process *process = mappings_process_of(snap->maps, p->start);

	snprintf(dst, 64, "%d", process ? (int)process->pid : 0);
}

static const struct column columns[] = {
	{ "pid", 7, 0, HOT | MAPS | OF_SEVERAL, -1, false, pid_column },
	{ "address", 12, 0, HOT | MAPS, PLACES_BY_ADDRESS, false, address_column },
	{ "size", 7, 0, HOT | MAPS, PLACES_BY_SIZE, false, size_column },
	{ "in use", 7, 90, MAPS, -1, true, used_column },
	{ "accessed", 10, 44, HOT | MAPS, PLACES_BY_TOTAL, true, total_column },
	{ "heat", 14, 60, HOT | MAPS, PLACES_BY_HEAT, true, heat_column },
	{ "age", 7, 54, HOT | MAPS, PLACES_BY_AGE, true, age_column },
	{ "reports", 8, 90, HOT | MAPS, -1, true, reports_column },
	{ "node", 5, 96, HOT | MAPS, -1, true, node_column },
};
#define NR_COLUMNS (sizeof(columns) / sizeof(*columns))
#define BAR_COLS   12

static bool has_column(const struct paint *p, const struct column *column, int cols)
{
	const struct snapshot *snap = app_panel_snapshot(p->app);
	bool several = snap && snap->processes;

	if (column->panels & OF_SEVERAL)
		return several && (column->panels >> p->app->panel & 1);
	/* the first column takes its room from the others, so that there is as much for names */
	return (column->panels >> p->app->panel & 1) &&
	       (!column->from_cols || cols >= column->from_cols + (several ? columns[0].width + 2 : 0));
}

static void table_title(const struct paint *p, int row, struct rect where)
{
	int col = where.col + 1;
	size_t i;

	for (i = 0; i < NR_COLUMNS; i++) {
		bool sorted = columns[i].order == (int)p->app->panel_order;
		char text[32];

		if (!has_column(p, &columns[i], where.cols))
			continue;
		snprintf(text, sizeof(text), "%s%s", columns[i].title,
			 !sorted		 ? ""
			 : p->app->panel_reverse ? " ▴"
						 : " ▾");
		grid_text(p->grid, row, col, columns[i].width, text, p->roles[sorted ? THEME_STRONG : THEME_DIM],
			  GRID_RIGHT);
		col += columns[i].width + 2;
	}
	if (where.cols >= 124)
		col += BAR_COLS + 2;
	grid_text(p->grid, row, col, where.col + where.cols - col, "mapping", p->roles[THEME_DIM], GRID_ELLIPSIS);
}

static void place_line(const struct paint *p, int row, struct rect where, const struct place *place, double most,
		       bool selected)
{
	const struct snapshot *snap = app_panel_snapshot(p->app);
	int col = where.col + 1, end = where.col + where.cols;
	char text[64], perms[5], name[MAPPINGS_SHORT_NAME_SIZE];
	size_t i;

	if (selected)
		grid_fill(p->grid, (struct rect){ row, where.col, 1, where.cols }, ' ', p->roles[THEME_BAR]);
	for (i = 0; i < NR_COLUMNS; i++) {
		bool strong = columns[i].order == (int)p->app->panel_order;

		if (!has_column(p, &columns[i], where.cols))
			continue;
		if (columns[i].measured && !place->known)
			strcpy(text, "–");
		else
			columns[i].text(text, snap, place);
		grid_text(p->grid, row, col, columns[i].width, text,
			  p->roles[selected ? THEME_BAR_KEY
				   : strong ? THEME_STRONG
					    : THEME_TEXT],
			  GRID_RIGHT);
		col += columns[i].width + 2;
	}
	if (where.cols >= 124) {
		if (most > 0 && place->total > 0)
			paint_bar(p, row, col, BAR_COLS, place->total / most,
				  theme_heat(p->app->config.theme, &p->app->config.look, 0.75));
		col += BAR_COLS + 2;
	}
	if (!place->mapping)
		return;
	if (place->mapping->kind != MAPPING_ZONE)
		paint_at(p, row, &col, end, selected ? THEME_BAR : THEME_DIM, "%s ",
			 mapping_perms_text(perms, place->mapping));
	paint_at(p, row, &col, end, selected ? THEME_BAR : THEME_TEXT, "%s",
		 mappings_short_name(name, snap->maps, place->mapping));
}

static void paint_places(const struct paint *p, struct rect where)
{
	const struct places *places = &p->app->places;
	size_t at = p->app->panel_at, i;
	size_t rows = where.rows > 1 ? (size_t)where.rows - 1 : 0, top = at + 1 > rows ? at + 1 - rows : 0;
	double most = 0;

	table_title(p, where.row, where);
	for (i = 0; i < places->nr; i++)
		if (places->v[i].total > most)
			most = places->v[i].total;
	for (i = 0; i < rows && top + i < places->nr; i++)
		place_line(p, where.row + 1 + (int)i, where, &places->v[top + i], most, top + i == at);
}

/* ---- bars ---- */

#define BAR_LABEL_COLS 18

static void line_text(const struct paint *p, struct rect where, int *row, enum theme_role role, const char *text)
{
	int col = where.col + 1;

	if (*row < where.row + where.rows)
		paint_at(p, *row, &col, where.col + where.cols, role, "%s", text);
	(*row)++;
}

/* Grey; without colours a shade, so that it is not taken for what is used. */
static void cold_bar(const struct paint *p, int row, int col, int cols, double share)
{
	int i, whole = (int)(share * cols + 0.5);

	if (p->app->config.look.depth != COLOR_DEPTH_MONO) {
		paint_bar(p, row, col, cols, share, p->roles[THEME_DIM].fg);
		return;
	}
	for (i = 0; i < whole || (share > 0 && !i); i++)
		grid_put(p->grid, row, col + i, 0x2591, p->roles[THEME_DIM]);
}

/* Used in the colour of heat, cold behind it in grey; both in bytes. */
static void bar_line(const struct paint *p, struct rect where, int row, const struct panel_bar *bar, uint64_t all,
		     uint64_t most, double watched_s)
{
	int col = where.col + 1, cols = where.cols - BAR_LABEL_COLS - 22, used;
	uint64_t bytes = bar->cold_bytes + bar->used_bytes;
	char text[TEXT_NUMBER_SIZE];
	double scale = (double)cols / (double)(most ? most : 1);

	if (row >= where.row + where.rows)
		return;
	grid_text(p->grid, row, col, BAR_LABEL_COLS, bar->label, p->roles[THEME_TEXT], GRID_RIGHT);
	col += BAR_LABEL_COLS;
	if (!bytes && watched_s < bar->from_s) { /* nothing can be as old yet */
		grid_text(p->grid, row, col, 9, "–", p->roles[THEME_DIM], GRID_RIGHT);
		return;
	}
	grid_text(p->grid, row, col, 9, text_bytes(text, bytes), p->roles[bytes ? THEME_STRONG : THEME_DIM],
		  GRID_RIGHT);
	grid_printf(p->grid, row, col + 9, 8, p->roles[THEME_DIM], "%6.1f%%",
		    all ? (double)bytes * 100 / (double)all : 0.0);
	col += 18;
	if (cols < 4)
		return;
	used = (int)((double)bar->used_bytes * scale + 0.5);
	if (bar->used_bytes && !used)
		used = 1;
	paint_bar(p, row, col, used, 1, theme_heat(p->app->config.theme, &p->app->config.look, 0.75));
	if (bar->cold_bytes)
		cold_bar(p, row, col + used, cols - used,
			 (double)bar->cold_bytes * scale / (cols > used ? cols - used : 1));
}

static void paint_bars(const struct paint *p, struct rect where, int *row, const struct panel_bar *bars, size_t nr,
		       double watched_s)
{
	uint64_t all = 0, most = 0;
	size_t i;

	for (i = 0; i < nr; i++) {
		uint64_t bytes = bars[i].cold_bytes + bars[i].used_bytes;

		all += bytes;
		most = bytes > most ? bytes : most;
	}
	for (i = 0; i < nr; i++)
		bar_line(p, where, (*row)++, &bars[i], all, most, watched_s);
}

static void paint_histogram(const struct paint *p, struct rect where)
{
	const struct snapshot *snap = app_panel_snapshot(p->app);
	struct panel_bar bars[PANEL_MAX_BARS];
	char text[96];
	size_t nr;
	int row = where.row;

	if (!snap)
		return;
	snprintf(text, sizeof(text), "Bytes by heat: %s", inspect_heat_words(snap->heat_unit));
	line_text(p, where, &row, THEME_TITLE, text);
	nr = panel_heat_bars(snap, bars);
	paint_bars(p, where, &row, bars, nr, 0);
	row++;
	line_text(p, where, &row, THEME_TITLE, "Bytes by age: for how long they are as hot, or as cold, as they are");
	nr = panel_age_bars(snap, bars);
	paint_bars(p, where, &row, bars, nr, inspect_watched_s(p->app->history, snap));
	if (row + 1 < where.row + where.rows) {
		int col = where.col + 1 + BAR_LABEL_COLS + 18;

		paint_bar(p, ++row, col, 2, 1, theme_heat(p->app->config.theme, &p->app->config.look, 0.75));
		col += 3;
		paint_at(p, row, &col, where.col + where.cols, THEME_DIM, "accessed   ");
		cold_bar(p, row, col, 2, 1);
		col += 3;
		paint_at(p, row, &col, where.col + where.cols, THEME_DIM, "not accessed");
	}
}

/* ---- working set ---- */

#define WSS_LABEL_COLS 10

static uint64_t wss_of_col(const struct app *app, int back)
{
	uint64_t ticks = app_ticks_per_col(app), last = app_edge_tick(app) / ticks;

	if ((uint64_t)back > last)
		return 0;
	return panel_wss_at(app->history, (last - (uint64_t)back) * ticks, (last - (uint64_t)back + 1) * ticks);
}

static void wss_chart(const struct paint *p, struct rect where)
{
	struct style style = p->roles[THEME_GOOD];
	int cols = where.cols - WSS_LABEL_COLS - 1, back, line;
	char text[TEXT_NUMBER_SIZE];
	uint64_t most = 0;

	for (back = 0; back < cols; back++) {
		uint64_t v = wss_of_col(p->app, back);

		most = v > most ? v : most;
	}
	for (line = 0; line < where.rows && most; line += where.rows > 4 ? where.rows / 4 : 1)
		grid_text(p->grid, where.row + line, where.col, WSS_LABEL_COLS - 1,
			  text_bytes(text, most - most * (uint64_t)line / (uint64_t)where.rows), p->roles[THEME_DIM],
			  GRID_RIGHT);
	for (back = 0; back < cols && most; back++) {
		uint64_t v = wss_of_col(p->app, back);
		int steps = (int)((double)v / (double)most * where.rows * 8 + 0.5);
		bool at = p->app->cursor_set && (unsigned)back == p->app->cursor_back;

		if (v && !steps)
			steps = 1;
		style.fg = p->roles[at ? THEME_WARN : THEME_GOOD].fg;
		for (line = where.rows - 1; line >= 0 && steps > 0; line--, steps -= 8)
			grid_put(p->grid, where.row + line, where.col + where.cols - 1 - back,
				 steps >= 8 ? 0x2588 : 0x2580 + (uint32_t)steps, style);
	}
}

/* All of them on 80 columns; what they are percentiles of, where there is room for that too. */
static void wss_percentiles(const struct paint *p, int row, int *col, int end, const uint64_t bytes[])
{
	static const char of[] = "  of the time it was at most that";
	char text[TEXT_NUMBER_SIZE], label[8];
	size_t i;

	paint_at(p, row, col, end, THEME_DIM, "all kept");
	for (i = 0; i < PANEL_NR_PERCENTILES; i++) {
		snprintf(label, sizeof(label), "%u%%", panel_percentiles[i]);
		paint_at(p, row, col, end, THEME_DIM, "  %s ",
			 i == 0				 ? "least"
			 : i + 1 == PANEL_NR_PERCENTILES ? "most"
							 : label);
		paint_at(p, row, col, end, THEME_STRONG, "%s", text_bytes(text, bytes[i]));
	}
	if (end - *col >= grid_text_width(of))
		paint_at(p, row, col, end, THEME_DIM, "%s", of);
}

static void paint_wss(const struct paint *p, struct rect where)
{
	const struct snapshot *snap = app_panel_snapshot(p->app);
	uint64_t bytes[PANEL_NR_PERCENTILES];
	char text[TEXT_NUMBER_SIZE], when[SNAPSHOT_WHEN_SIZE];
	int col = where.col + 1, end = where.col + where.cols;
	struct rect chart = where;

	if (!snap)
		return;
	if (!panel_wss_percentiles(p->app->history, bytes)) {
		grid_text(p->grid, where.row, col, where.cols - 1, "– (the source cannot tell)", p->roles[THEME_DIM],
			  GRID_ELLIPSIS);
		return;
	}
	paint_at(p, where.row, &col, end, THEME_DIM, "here ");
	paint_at(p, where.row, &col, end, THEME_STRONG, "%s%s", snap->flags & SNAP_WSS_EXACT ? "" : "~",
		 snap->flags & SNAP_WSS_KNOWN ? text_bytes(text, snap->wss_bytes) : "–");
	paint_at(p, where.row, &col, end, THEME_TEXT, "%s", snapshot_wss_when(when, snap));
	chart.row += where.rows < 6 ? 1 : 3;
	chart.rows -= chart.row - where.row;
	if (where.rows >= 6) {
		col = where.col + 1;
		wss_percentiles(p, where.row + 1, &col, end, bytes);
	}
	if (chart.rows > 0 && chart.cols > WSS_LABEL_COLS + 4)
		wss_chart(p, chart);
}

/* ---- all panels ---- */

static const struct {
	const char *title;
	void (*paint)(const struct paint *p, struct rect where);
} panels[PANEL_NR] = {
	[PANEL_HOT] = { "Hot list", paint_places },	   [PANEL_MAPPINGS] = { "Mappings", paint_places },
	[PANEL_WSS] = { "Working set", paint_wss },	   [PANEL_HISTOGRAM] = { "Distribution", paint_histogram },
	[PANEL_SOURCE] = { "Source", paint_panel_source },
};

/* All titles, so that one sees what there is; the order and the time at the right, where there is room. */
static void paint_tabs(const struct paint *p, struct rect where)
{
	const struct snapshot *snap = app_panel_snapshot(p->app);
	int col = where.col + 1, end = where.col + where.cols, width;
	char text[96] = "", clock[WHEN_SIZE];
	size_t i;

	for (i = 0; i < PANEL_NR; i++) {
		bool here = i == (size_t)p->app->panel;
		/* the one that is shown has its room, wherever it stands */
		int reserved = i < (size_t)p->app->panel ? grid_text_width(panels[p->app->panel].title) + 3 : 0;

		if (!here && end - col < grid_text_width(panels[i].title) + 2 + reserved)
			continue;
		paint_at(p, where.row, &col, end, here ? THEME_TITLE : THEME_DIM, "%s", panels[i].title);
		col += 3;
	}
	if (!snap)
		return;
	if (app_panel_has_places(p->app))
		snprintf(text, sizeof(text), "%zu by %s%s · ", p->app->places.nr, place_order_name(p->app->panel_order),
			 p->app->panel_reverse ? ", reversed" : "");
	strcat(text, when_text(clock, snap, 0));
	width = grid_text_width(text);
	if (end - 1 - width > col)
		grid_text(p->grid, where.row, end - 1 - width, width, text, p->roles[THEME_DIM], 0);
}

void paint_panel(const struct paint *p, struct rect where)
{
	struct rect body = { where.row + 2, where.col, where.rows - 2, where.cols };

	if (where.rows < 1)
		return;
	paint_tabs(p, where);
	if (where.rows < 8) {
		body.row--;
		body.rows++;
	}
	if (body.rows > 0 && app_panel_snapshot(p->app))
		panels[p->app->panel].paint(p, body);
	else if (body.rows > 0)
		grid_text(p->grid, body.row, body.col + 1, body.cols - 1, "waiting for the first aggregation",
			  p->roles[THEME_DIM], GRID_ELLIPSIS);
}

/* Help and quit are never missing, as on the map. */
void paint_panel_keys(const struct paint *p, struct rect where)
{
	static const struct {
		const char *names, *label;
		bool places;
	} keys[] = {
		{ "esc", "map", false },   { "tab", "next", false },	 { "↑↓", "select", true },
		{ "enter", "show", true }, { "o", "order", true },	 { "r", "reverse", true },
		{ "←→", "time", false },   { "space", "freeze", false }, { "?", "help", false },
		{ "q", "quit", false },
	};
	const size_t nr = sizeof(keys) / sizeof(*keys);
	int col = where.col + 1, end = where.col + where.cols;
	size_t i;

	if (where.rows < 1)
		return;
	grid_fill(p->grid, where, ' ', p->roles[THEME_BAR]);
	for (i = 0; i < nr; i++) {
		int width = grid_text_width(keys[i].names) + 1 + grid_text_width(keys[i].label);
		int reserved = i + 2 < nr ? 16 : 0; /* of the last two */

		if ((!keys[i].places || app_panel_has_places(p->app)) && col + width + reserved <= end)
			paint_key_label(p, where.row, &col, end, keys[i].names, keys[i].label);
	}
}
