/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/grid.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "collector/text.h"

/* No terminal is larger; keeps rows x cols far from overflow. */
#define GRID_MAX_SIDE 4096

#define ELLIPSIS 0x2026

static struct grid_cell *cell_at(struct grid *grid, int row, int col)
{
	return &grid->cells[(size_t)row * (size_t)grid->cols + (size_t)col];
}

static bool is_inside(const struct grid *grid, int row, int col)
{
	return row >= 0 && row < grid->rows && col >= 0 && col < grid->cols;
}

int grid_resize(struct grid *grid, int rows, int cols)
{
	size_t nr_old = (size_t)grid->rows * (size_t)grid->cols, nr;

	rows = rows < 0 ? 0 : rows > GRID_MAX_SIDE ? GRID_MAX_SIDE : rows;
	cols = cols < 0 ? 0 : cols > GRID_MAX_SIDE ? GRID_MAX_SIDE : cols;
	nr = (size_t)rows * (size_t)cols;
	if (nr > nr_old || !grid->cells) {
		struct grid_cell *cells = realloc(grid->cells, (nr ? nr : 1) * sizeof(*cells));

		if (!cells) {
			grid_free(grid);
			return -ENOMEM;
		}
		grid->cells = cells;
	}
	grid->rows = rows;
	grid->cols = cols;
	grid_clear(grid, STYLE_DEFAULT);
	return 0;
}

void grid_free(struct grid *grid)
{
	free(grid->cells);
	*grid = (struct grid){ .cursor_row = -1, .cursor_col = -1 };
}

void grid_clear(struct grid *grid, struct style style)
{
	size_t nr = (size_t)grid->rows * (size_t)grid->cols;

	for (size_t i = 0; i < nr; i++)
		grid->cells[i] = (struct grid_cell){ .ch = ' ', .style = style };
	grid->cursor_row = grid->cursor_col = -1;
}

/*
 * Columns of a code point: 0, 1 or 2; -1: not printable. Latin, box drawing, blocks and arrows do not ask the locale,
 * so that a screen is the same in every one.
 */
int grid_char_width(uint32_t ch)
{
	if (ch >= 0x20 && ch < 0x7f)
		return 1;
	if (ch < 0xa0 || ch > 0x10ffff || (ch >= 0xd800 && ch < 0xe000))
		return -1;
	if (ch == 0xad)
		return 0;
	if (ch < 0x300 || ch == ELLIPSIS || (ch >= 0x2190 && ch < 0x2194) || (ch >= 0x2500 && ch < 0x25a0))
		return 1;
	return wcwidth((wchar_t)ch);
}

/* A double-width character loses its other half where one half is painted over. */
static void break_wide(struct grid *grid, int row, int col)
{
	struct grid_cell *cell = cell_at(grid, row, col);

	if (cell->ch == 0 && col > 0)
		cell[-1].ch = ' ';
	if (col + 1 < grid->cols && cell[1].ch == 0)
		cell[1].ch = ' ';
}

void grid_put(struct grid *grid, int row, int col, uint32_t ch, struct style style)
{
	int width = grid_char_width(ch);

	if (!is_inside(grid, row, col))
		return;
	if (width < 1 || (width == 2 && col + 1 >= grid->cols)) {
		ch = '?';
		width = 1;
	}
	break_wide(grid, row, col);
	*cell_at(grid, row, col) = (struct grid_cell){ .ch = ch, .style = style };
	if (width == 2) {
		break_wide(grid, row, col + 1);
		*cell_at(grid, row, col + 1) = (struct grid_cell){ .ch = 0, .style = style };
	}
}

/* [*from, *to) of a span at first with n cells, cut to [0, limit); sums cannot overflow. */
static void clip_span(int first, int n, int limit, int *from, int *to)
{
	int64_t end = (int64_t)first + (n < 0 ? 0 : n);

	*from = first < 0 ? 0 : first;
	*to = end > limit ? limit : (int)(end < 0 ? 0 : end);
}

void grid_fill(struct grid *grid, struct rect where, uint32_t ch, struct style style)
{
	int row_from, row_to, col_from, col_to, step = grid_char_width(ch) == 2 ? 2 : 1;

	clip_span(where.row, where.rows, grid->rows, &row_from, &row_to);
	clip_span(where.col, where.cols, grid->cols, &col_from, &col_to);
	for (int row = row_from; row < row_to; row++) {
		for (int col = col_from; col < col_to; col += step)
			grid_put(grid, row, col, col + step > col_to ? ' ' : ch, style);
	}
}

/* The next character that takes columns, '?' for what is not printable; 0 at the end of the text. */
static uint32_t next_char(const char **text, const char *end, int *width)
{
	while (*text < end) {
		uint32_t ch;
		size_t len = text_utf8_decode(*text, end, &ch);

		*text += len ? len : 1;
		*width = len ? grid_char_width(ch) : -1;
		if (*width < 0) {
			*width = 1;
			return '?';
		}
		if (*width > 0)
			return ch;
	}
	return 0;
}

/* Columns of the text, counted no further than limit + 1 or so: a text may be long. */
static int text_width_up_to(const char *text, const char *end, int limit)
{
	int width = 0, w;

	while (width <= limit && next_char(&text, end, &w))
		width += w;
	return width;
}

int grid_text_width(const char *text)
{
	return text_width_up_to(text, text + strlen(text), INT_MAX - 2);
}

int grid_text(struct grid *grid, int row, int col, int width, const char *text, struct style style, unsigned flags)
{
	/* No character that takes a column is longer than 4 bytes, but any number of bytes may take none. */
	const char *end = text + strlen(text);
	bool cut;
	int full, room, used = 0, w;
	uint32_t ch;

	if (width <= 0)
		return 0;
	full = text_width_up_to(text, end, width);
	cut = full > width;
	if ((flags & GRID_RIGHT) && !cut)
		col = col > INT_MAX - (width - full) ? INT_MAX : col + (width - full);
	room = cut && (flags & GRID_ELLIPSIS) ? width - 1 : width;
	while (used < room && (ch = next_char(&text, end, &w)) != 0) {
		if (used + w > room)
			break;
		if (col <= INT_MAX - used)
			grid_put(grid, row, col + used, ch, style);
		used += w;
	}
	if (room < width && col <= INT_MAX - used)
		grid_put(grid, row, col + used++, ELLIPSIS, style);
	return used;
}

int grid_printf(struct grid *grid, int row, int col, int width, struct style style, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return grid_text(grid, row, col, width, text, style, 0);
}
