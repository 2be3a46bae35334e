/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/layout.h"

#define MIN_ROWS_FOR_KEYS      4
#define MIN_ROWS_FOR_TIMES     5
#define MIN_ROWS_FOR_LEGEND    8
#define MIN_ROWS_FOR_CELL      12
#define MIN_ROWS_FOR_INSPECTOR 10
#define MIN_ROWS_FOR_MESSAGE   20
#define MIN_ROWS_FOR_PANES     13 /* three lines of map each */
#define PANE_NAME_COLS	       17 /* where there is no room to begin the legend above the map */
#define WIDE_LEGEND_COLS       70

static int clamp(int v, int low, int high)
{
	return v < low ? low : v > high ? high : v;
}

static struct rect line(int row, int cols)
{
	return (struct rect){ .row = row, .col = 0, .rows = 1, .cols = cols };
}

/* Names and addresses take what the map can spare. */
static int names_cols(int cols, bool *addresses)
{
	*addresses = cols >= 70;
	if (*addresses)
		return clamp(cols / 7, 13, 20) + 1 + LAYOUT_ADDRESS_COLS;
	return cols >= 34 ? clamp(cols / 4, 10, 15) : 0;
}

/* Two panes share what is one's place: each a line of its own, and as many lines of the map. */
static void split(struct layout *l, const struct layout_pane *whole)
{
	int rows = whole->map.rows / (int)l->nr_panes, i;
	int all_cols = whole->map.col + whole->map.cols;
	int name = whole->map.cols >= WIDE_LEGEND_COLS ? whole->map.col : clamp(PANE_NAME_COLS, 0, all_cols);

	for (i = 0; i < (int)l->nr_panes; i++) {
		struct layout_pane *pane = &l->panes[i];
		struct rect *maps[] = { &pane->names, &pane->map, &pane->minimap };
		int top = whole->map.row + i * rows;
		size_t k;

		*pane = *whole;
		for (k = 0; k < sizeof(maps) / sizeof(*maps); k++) {
			maps[k]->row = top + 1;
			maps[k]->rows = maps[k]->rows ? rows - 1 : 0;
		}
		pane->source = (struct rect){ top, 0, 1, name };
		pane->legend = (struct rect){ top, name, all_cols > name, all_cols - name };
	}
}

/* Divides the lines between the header and the lines below into columns. */
static void place_columns(struct layout *l, int cols, int top, int bottom, bool times, bool inspector)
{
	struct layout_pane whole = { .legend = l->legend };
	int names, right = inspector ? clamp(cols * 30 / 100, 36, 46) : 0;
	int map_cols = cols - right, map_top = top + times;

	names = names_cols(map_cols, &l->addresses);
	map_cols -= names;
	if (map_cols > 8) {
		map_cols--;
		whole.minimap = (struct rect){ map_top, names + map_cols, bottom - map_top, 1 };
	}
	whole.names = (struct rect){ map_top, 0, names ? bottom - map_top : 0, names };
	whole.map = (struct rect){ map_top, names, bottom - map_top, map_cols };
	if (times) {
		l->title = (struct rect){ top, 0, names ? 1 : 0, names };
		l->times = (struct rect){ top, names, 1, map_cols };
	}
	if (right)
		l->inspector = (struct rect){ top, cols - right + 1, bottom - top, right - 1 };
	if (l->nr_panes > 1)
		split(l, &whole);
	else
		l->panes[0] = whole;
	layout_focus(l, 0);
}

void layout_focus(struct layout *l, unsigned pane)
{
	l->names = l->panes[pane].names;
	l->map = l->panes[pane].map;
	l->minimap = l->panes[pane].minimap;
	l->legend = l->panes[pane].legend;
}

struct layout layout_of(int rows, int cols, bool inspector, unsigned nr_panes)
{
	struct layout l = { .nr_panes = rows >= MIN_ROWS_FOR_PANES ? nr_panes : 1 };
	int bottom = rows;

	if (rows < 1 || cols < 1)
		return l;
	inspector = inspector && cols >= LAYOUT_INSPECTOR_COLS && rows >= MIN_ROWS_FOR_INSPECTOR;
	l.header = line(0, cols);
	l.message = l.header;
	if (rows >= MIN_ROWS_FOR_KEYS) {
		l.keys = line(--bottom, cols);
		l.message = l.keys;
	}
	if (rows >= MIN_ROWS_FOR_MESSAGE) {
		l.message = line(--bottom, cols);
		l.own_message = true;
	}
	if (rows >= MIN_ROWS_FOR_LEGEND && l.nr_panes == 1) {
		l.legend = line(--bottom, cols);
		if (!l.own_message)
			l.message = l.legend;
	}
	if (rows >= MIN_ROWS_FOR_CELL && !inspector)
		l.cell = line(--bottom, cols);
	if (bottom > 1)
		place_columns(&l, cols, 1, bottom, rows >= MIN_ROWS_FOR_TIMES, inspector);
	return l;
}
