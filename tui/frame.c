/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tui/color.h"

/* Room for one cell: a cursor address (14), SGR_SIZE, and a character (4). */
#define CELL_BYTES (14 + SGR_SIZE + 4)

/* ---- SGR (ECMA-48 8.3.117; 38 and 48 of ISO 8613-6, in the form that terminals took up) ---- */

static char *put_number(char *s, unsigned n)
{
	if (n >= 10)
		s = put_number(s, n / 10);
	*s++ = (char)('0' + n % 10);
	return s;
}

static char *put_string(char *s, const char *text)
{
	size_t len = strlen(text);

	memcpy(s, text, len);
	return s + len;
}

static char *put_param(char *s, unsigned n)
{
	s = put_number(s, n);
	*s++ = ';';
	return s;
}

/* ground: 0 for the foreground, 10 for the background. */
static char *put_color(char *s, color c, unsigned ground, enum color_depth depth)
{
	unsigned index;

	if (c == COLOR_DEFAULT)
		return put_param(s, 39 + ground);
	if (COLOR_IS_RGB(c) && depth == COLOR_DEPTH_TRUE) {
		s = put_param(put_param(s, 38 + ground), 2);
		return put_param(put_param(put_param(s, c >> 16 & 255), c >> 8 & 255), c & 255);
	}
	index = (unsigned)(depth == COLOR_DEPTH_16 ? color_index_16(c) : color_index_256(c));
	if (index < 8)
		return put_param(s, 30 + ground + index);
	if (index < 16)
		return put_param(s, 90 + ground + index - 8);
	return put_param(put_param(put_param(s, 38 + ground), 5), index);
}

static char *put_attrs(char *s, uint8_t attr)
{
	static const struct {
		uint8_t attr;
		unsigned sgr;
	} attrs[] = { { CELL_BOLD, 1 }, { CELL_DIM, 2 }, { CELL_UNDERLINE, 4 }, { CELL_REVERSE, 7 } };

	s = put_param(s, 0);
	for (size_t i = 0; i < sizeof(attrs) / sizeof(*attrs); i++) {
		if (attr & attrs[i].attr)
			s = put_param(s, attrs[i].sgr);
	}
	return s;
}

size_t sgr_change(char dst[SGR_SIZE], struct style from, struct style to, enum color_depth depth)
{
	char *s = put_string(dst, "\033["), *start = s;

	to.fg = color_at_depth(to.fg, depth);
	to.bg = color_at_depth(to.bg, depth);
	from.fg = color_at_depth(from.fg, depth);
	from.bg = color_at_depth(from.bg, depth);
	if (to.attr != from.attr) {
		/* Attributes are left by a reset only, which the colours do not survive. */
		s = put_attrs(s, to.attr);
		from.fg = from.bg = COLOR_DEFAULT;
	}
	if (to.fg != from.fg)
		s = put_color(s, to.fg, 0, depth);
	if (to.bg != from.bg)
		s = put_color(s, to.bg, 10, depth);
	if (s == start)
		return 0;
	s[-1] = 'm';
	return (size_t)(s - dst);
}

/* ---- the difference ---- */

/* Where the terminal is while the bytes are made. */
struct pen {
	struct frame *frame;
	const struct look *look;
	int row, col; /* of its cursor; -1: not known */
	struct style style;
};

static bool is_same(const struct grid_cell *a, const struct grid_cell *b)
{
	return a->ch == b->ch && a->style.fg == b->style.fg && a->style.bg == b->style.bg &&
	       a->style.attr == b->style.attr;
}

static bool reserve(struct frame *frame, size_t size)
{
	char *bytes;

	if (frame->size - frame->nr_bytes >= size)
		return true;
	size = (frame->nr_bytes + size) * 2;
	bytes = realloc(frame->bytes, size);
	if (!bytes)
		return false;
	frame->bytes = bytes;
	frame->size = size;
	return true;
}

static char *put_place(char *s, int row, int col)
{
	s = put_string(s, "\033[");
	s = put_param(s, (unsigned)row + 1);
	s = put_number(s, (unsigned)col + 1);
	*s++ = 'H';
	return s;
}

static bool is_control(uint32_t ch)
{
	return ch < 0x20 || (ch >= 0x7f && ch < 0xa0) || ch > 0x10ffff;
}

/* Terminals agree on the columns of these; of others, one asks by setting the cursor anew. */
static bool has_sure_width(uint32_t ch)
{
	return ch < 0x300 || (ch >= 0x2500 && ch < 0x25a0);
}

static bool put_cell(struct pen *pen, int row, int col, const struct grid_cell *cell)
{
	struct frame *frame = pen->frame;
	uint32_t ch = is_control(cell->ch) ? '?' : cell->ch;
	char *s;

	if (!reserve(frame, CELL_BYTES))
		return false;
	s = frame->bytes + frame->nr_bytes;
	if (pen->row != row || pen->col != col)
		s = put_place(s, row, col);
	s += sgr_change(s, pen->style, cell->style, pen->look->depth);
	if (pen->look->ascii)
		*s++ = term_ascii_of(ch);
	else
		s += term_utf8_encode(s, ch);
	frame->nr_bytes = (size_t)(s - frame->bytes);
	pen->style = cell->style;
	pen->row = row;
	/* Past the last column the cursor is where the terminal likes it. */
	pen->col = has_sure_width(ch) && col + 1 < frame->shown.cols ? col + 1 : -1;
	return true;
}

/* The grid's cell there, blank outside. A wide one that the terminal's edge cuts becomes '?'. */
static struct grid_cell wanted(const struct pen *pen, const struct grid *grid, int row, int col)
{
	struct grid_cell cell = { .ch = ' ', .style = STYLE_DEFAULT };

	if (row >= grid->rows || col >= grid->cols)
		return cell;
	cell = grid->cells[(size_t)row * (size_t)grid->cols + (size_t)col];
	if (col + 1 == pen->frame->shown.cols && col + 1 < grid->cols &&
	    grid->cells[(size_t)row * (size_t)grid->cols + (size_t)col + 1].ch == 0)
		cell.ch = '?';
	return cell;
}

static bool update_row(struct pen *pen, const struct grid *grid, int row)
{
	struct frame *frame = pen->frame;
	struct grid_cell *shown = &frame->shown.cells[(size_t)row * (size_t)frame->shown.cols];

	for (int col = 0; col < frame->shown.cols; col++) {
		struct grid_cell cell = wanted(pen, grid, row, col), right = { .ch = ' ' };
		bool is_wide = false, is_changed = !frame->is_known || !is_same(&cell, &shown[col]);

		/* In ASCII the halves of a wide character are two characters; else they are sent as one. */
		if (!pen->look->ascii && col + 1 < frame->shown.cols) {
			right = wanted(pen, grid, row, col + 1);
			is_wide = right.ch == 0 && cell.ch != 0;
		}
		if (is_changed && !put_cell(pen, row, col, &cell))
			return false;
		shown[col] = cell;
		if (is_wide)
			shown[++col] = right;
	}
	return true;
}

int frame_update(struct frame *frame, const struct grid *grid, int rows, int cols, const struct look *look)
{
	struct pen pen = { .frame = frame, .look = look, .row = -1, .col = -1, .style = STYLE_DEFAULT };
	bool is_complete = true;

	frame->nr_bytes = 0;
	if (frame->shown.rows != rows || frame->shown.cols != cols) {
		frame->is_known = false;
		if (grid_resize(&frame->shown, rows, cols) < 0)
			return -ENOMEM;
	}
	for (int row = 0; row < frame->shown.rows && is_complete; row++)
		is_complete = update_row(&pen, grid, row);
	/* It ends in the default style, as it starts, whoever else writes between two frames. */
	if (is_complete && reserve(frame, SGR_SIZE)) {
		frame->nr_bytes += sgr_change(frame->bytes + frame->nr_bytes, pen.style, STYLE_DEFAULT, look->depth);
		frame->is_known = true;
		return 0;
	}
	frame->is_known = false;
	return -ENOMEM;
}

void frame_forget(struct frame *frame)
{
	frame->is_known = false;
}

void frame_free(struct frame *frame)
{
	grid_free(&frame->shown);
	free(frame->bytes);
	*frame = FRAME_EMPTY;
}
