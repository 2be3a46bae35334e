/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/layout.h"

#define MIN_ROWS_FOR_KEYS      4
#define MIN_ROWS_FOR_TIMES     5
#define MIN_ROWS_FOR_LEGEND    8
#define MIN_ROWS_FOR_CELL      12
#define MIN_ROWS_FOR_INSPECTOR 10
#define MIN_ROWS_FOR_MESSAGE   20

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

/* Divides the lines between the header and the lines below into columns. */
static void place_columns(struct layout *l, int cols, int top, int bottom, bool times, bool inspector)
{
	int names, right = inspector ? clamp(cols * 30 / 100, 36, 46) : 0;
	int map_cols = cols - right, map_top = top + times;

	names = names_cols(map_cols, &l->addresses);
	map_cols -= names;
	if (map_cols > 8) {
		map_cols--;
		l->minimap = (struct rect){ map_top, names + map_cols, bottom - map_top, 1 };
	}
	l->names = (struct rect){ map_top, 0, names ? bottom - map_top : 0, names };
	l->map = (struct rect){ map_top, names, bottom - map_top, map_cols };
	if (times) {
		l->title = (struct rect){ top, 0, names ? 1 : 0, names };
		l->times = (struct rect){ top, names, 1, map_cols };
	}
	if (right)
		l->inspector = (struct rect){ top, cols - right + 1, bottom - top, right - 1 };
}

struct layout layout_of(int rows, int cols, bool inspector)
{
	struct layout l = { 0 };
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
	if (rows >= MIN_ROWS_FOR_LEGEND) {
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
