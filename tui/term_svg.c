/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A grid as a picture. Backgrounds and block elements become rectangles, merged along rows, so that a heatmap has no
 * seams whatever the font; the rest is text, each run of it stretched to the columns it has.
 */
#include <errno.h>

#include "tui/color.h"
#include "tui/term.h"

#define CELL_WIDTH  8
#define CELL_HEIGHT 16
#define BASELINE    12
#define FONT_SIZE \
	13.29 /* a character of these fonts is 0.602 of it wide: a cell, also where textLength is not heeded */

struct svg {
	FILE *out;
	uint32_t fg, bg; /* the page's */
};

/* What a cell looks like: two halves of background, and a character on it, ' ' where there is none. */
struct drawn {
	uint32_t top, bottom, fg;
	uint32_t ch;
	uint8_t attr;
};

static uint32_t blend(uint32_t under, uint32_t over, double share)
{
	return oklab_rgb(oklab_mix(oklab_of_rgb(under), oklab_of_rgb(over), share));
}

/* Blocks that are all area. The rest of the block elements are drawn by draw_bar(). */
static void fold_block(struct drawn *d)
{
	switch (d->ch) {
	case 0x2580:
		d->top = d->fg;
		break;
	case 0x2584:
		d->bottom = d->fg;
		break;
	case 0x2588:
		d->top = d->bottom = d->fg;
		break;
	case 0x2591:
	case 0x2592:
	case 0x2593:
		d->top = d->bottom = blend(d->bottom, d->fg, 0.25 * (d->ch - 0x2590));
		break;
	default:
		return;
	}
	d->ch = ' ';
}

static struct drawn draw_cell(const struct svg *svg, const struct grid_cell *cell)
{
	uint32_t fg = color_rgb(cell->style.fg, svg->fg), bg = color_rgb(cell->style.bg, svg->bg);
	struct drawn d = { .ch = cell->ch, .attr = cell->style.attr };

	if (d.attr & CELL_REVERSE) {
		uint32_t swap = fg;

		fg = bg;
		bg = swap;
	}
	if (d.attr & CELL_DIM)
		fg = blend(bg, fg, 0.6);
	d.fg = fg;
	d.top = d.bottom = bg;
	fold_block(&d);
	return d;
}

static void write_rect(const struct svg *svg, int x, int y, int width, int height, uint32_t rgb)
{
	fprintf(svg->out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"#%06x\"/>\n", x, y, width, height,
		rgb);
}

/* The background of columns [from, to) of a row, all alike. */
static void write_ground(const struct svg *svg, int row, int from, int to, const struct drawn *d)
{
	int x = from * CELL_WIDTH, y = row * CELL_HEIGHT, width = (to - from) * CELL_WIDTH;

	if (d->top == d->bottom) {
		if (d->top != svg->bg)
			write_rect(svg, x, y, width, CELL_HEIGHT, d->top);
		return;
	}
	write_rect(svg, x, y, width, CELL_HEIGHT / 2, d->top);
	write_rect(svg, x, y + CELL_HEIGHT / 2, width, CELL_HEIGHT / 2, d->bottom);
}

static void write_row_ground(const struct svg *svg, const struct grid_cell *cells, int row, int cols)
{
	struct drawn run = { 0 };
	int from = 0;

	for (int col = 0; col < cols; col++) {
		struct drawn d = draw_cell(svg, &cells[col]);

		if (col > 0 && d.top == run.top && d.bottom == run.bottom)
			continue;
		if (col > 0)
			write_ground(svg, row, from, col, &run);
		run = d;
		from = col;
	}
	if (cols > 0)
		write_ground(svg, row, from, cols, &run);
}

/* Lower eighths (U+2581 ...) grow from the bottom, left eighths (U+2589 ...) from the left. False: no such block. */
static bool write_bar(const struct svg *svg, int row, int col, const struct drawn *d)
{
	int x = col * CELL_WIDTH, y = row * CELL_HEIGHT;

	if (d->ch >= 0x2581 && d->ch <= 0x2587) {
		int height = (int)(d->ch - 0x2580) * CELL_HEIGHT / 8;

		write_rect(svg, x, y + CELL_HEIGHT - height, CELL_WIDTH, height, d->fg);
		return true;
	}
	if (d->ch >= 0x2589 && d->ch <= 0x258f) {
		write_rect(svg, x, y, (int)(0x2590 - d->ch) * CELL_WIDTH / 8, CELL_HEIGHT, d->fg);
		return true;
	}
	return false;
}

static void write_escaped(FILE *out, uint32_t ch)
{
	char utf8[4];

	switch (ch) {
	case '<':
		fputs("&lt;", out);
		return;
	case '>':
		fputs("&gt;", out);
		return;
	case '&':
		fputs("&amp;", out);
		return;
	case '"':
		fputs("&quot;", out);
		return;
	default:
		/* Neither control characters nor surrogates and non-characters may be in XML 1.0. */
		if (ch < 0x20 || (ch >= 0x7f && ch < 0xa0) || (ch >= 0xd800 && ch < 0xe000) ||
		    (ch & 0xfffe) == 0xfffe || ch > 0x10ffff)
			ch = '?';
		fwrite(utf8, 1, term_utf8_encode(utf8, ch), out);
	}
}

static bool is_text(const struct drawn *d)
{
	return d->ch != ' ' && d->ch != 0 && !(d->ch >= 0x2580 && d->ch <= 0x258f);
}

/* Text of one style from col on, with single blanks inside. Returns the column after it. */
static int write_run(const struct svg *svg, const struct grid_cell *cells, int row, int col, int cols)
{
	struct drawn first = draw_cell(svg, &cells[col]);
	int end = col;

	for (int i = col; i < cols; i++) {
		struct drawn d = draw_cell(svg, &cells[i]);

		if (is_text(&d) && (d.fg != first.fg || d.attr != first.attr))
			break;
		if (!is_text(&d) && (d.ch != 0 && (d.ch != ' ' || (i > end))))
			break;
		if (d.ch != ' ')
			end = i + 1;
	}
	fprintf(svg->out, "<text x=\"%d\" y=\"%d\" textLength=\"%d\" fill=\"#%06x\"%s%s>", col * CELL_WIDTH,
		row * CELL_HEIGHT + BASELINE, (end - col) * CELL_WIDTH, first.fg,
		first.attr & CELL_BOLD ? " font-weight=\"bold\"" : "",
		first.attr & CELL_UNDERLINE ? " text-decoration=\"underline\"" : "");
	for (int i = col; i < end; i++) {
		if (cells[i].ch)
			write_escaped(svg->out, cells[i].ch);
	}
	fputs("</text>\n", svg->out);
	return end;
}

static void write_row_text(const struct svg *svg, const struct grid_cell *cells, int row, int cols)
{
	int col = 0;

	while (col < cols) {
		struct drawn d = draw_cell(svg, &cells[col]);

		if (is_text(&d)) {
			col = write_run(svg, cells, row, col, cols);
			continue;
		}
		write_bar(svg, row, col, &d);
		col++;
	}
}

static void write_head(const struct svg *svg, const struct grid *grid, const char *title)
{
	int width = grid->cols * CELL_WIDTH, height = grid->rows * CELL_HEIGHT;

	fprintf(svg->out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
		"font-family=\"'DejaVu Sans Mono','Liberation Mono',Menlo,Consolas,monospace\" font-size=\"%.2f\" "
		"shape-rendering=\"crispEdges\">\n<title>",
		width, height, width, height, FONT_SIZE);
	for (; *title; title++) {
		/* Bytes above ASCII are parts of UTF-8 and pass as they are. */
		if ((unsigned char)*title < 0x80)
			write_escaped(svg->out, (unsigned char)*title);
		else
			fputc(*title, svg->out);
	}
	fputs("</title>\n", svg->out);
	write_rect(svg, 0, 0, width, height, svg->bg);
}

int term_svg_write(FILE *out, const struct grid *grid, const char *title, uint32_t fg, uint32_t bg)
{
	struct svg svg = { .out = out, .fg = fg, .bg = bg };

	errno = 0;
	write_head(&svg, grid, title);
	for (int row = 0; row < grid->rows; row++) {
		const struct grid_cell *cells = &grid->cells[(size_t)row * (size_t)grid->cols];

		write_row_ground(&svg, cells, row, grid->cols);
		write_row_text(&svg, cells, row, grid->cols);
	}
	fputs("</svg>\n", out);
	if (fflush(out) != 0 || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}
