/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A grid as text, with or without colours: --dump-frame. */
#include <errno.h>

#include "tui/frame.h"
#include "tui/term.h"

size_t term_utf8_encode(char dst[4], uint32_t ch)
{
	if (ch < 0x80) {
		dst[0] = (char)ch;
		return 1;
	}
	if (ch < 0x800) {
		dst[0] = (char)(0xc0 | ch >> 6);
		dst[1] = (char)(0x80 | (ch & 63));
		return 2;
	}
	if (ch < 0x10000) {
		dst[0] = (char)(0xe0 | ch >> 12);
		dst[1] = (char)(0x80 | (ch >> 6 & 63));
		dst[2] = (char)(0x80 | (ch & 63));
		return 3;
	}
	dst[0] = (char)(0xf0 | (ch >> 18 & 7));
	dst[1] = (char)(0x80 | (ch >> 12 & 63));
	dst[2] = (char)(0x80 | (ch >> 6 & 63));
	dst[3] = (char)(0x80 | (ch & 63));
	return 4;
}

/* A blank in this style looks like no character at all. */
static bool is_blank(const struct grid_cell *cell, bool with_colors)
{
	if (cell->ch != ' ')
		return false;
	return !with_colors ||
	       (cell->style.bg == COLOR_DEFAULT && !(cell->style.attr & (CELL_REVERSE | CELL_UNDERLINE)));
}

static void write_change(FILE *out, struct style from, struct style to, enum color_depth depth)
{
	char sgr[SGR_SIZE];
	size_t len = sgr_change(sgr, from, to, depth);

	fwrite(sgr, 1, len, out);
}

static void write_char(FILE *out, uint32_t ch, bool ascii)
{
	char utf8[4];
	size_t len;

	/* Whoever wrote the cell without grid_put(): no control character leaves here. */
	if (ch < 0x20 || (ch >= 0x7f && ch < 0xa0) || ch > 0x10ffff)
		ch = '?';
	if (ascii) {
		fputc(term_ascii_of(ch), out);
		return;
	}
	len = term_utf8_encode(utf8, ch);
	fwrite(utf8, 1, len, out);
}

static void write_row(FILE *out, const struct grid_cell *cells, int cols, const struct look *look, bool with_colors)
{
	struct style now = STYLE_DEFAULT;

	while (cols > 0 && is_blank(&cells[cols - 1], with_colors))
		cols--;
	for (int col = 0; col < cols; col++) {
		if (with_colors) {
			write_change(out, now, cells[col].style, look->depth);
			now = cells[col].style;
		}
		/* The right half of a double-width character is shown by its left one, except in ASCII: "??". */
		if (cells[col].ch || look->ascii)
			write_char(out, cells[col].ch, look->ascii);
	}
	write_change(out, now, STYLE_DEFAULT, look->depth);
	fputc('\n', out);
}

int term_text_write(FILE *out, const struct grid *grid, const struct look *look, bool with_colors)
{
	errno = 0;
	for (int row = 0; row < grid->rows; row++)
		write_row(out, &grid->cells[(size_t)row * (size_t)grid->cols], grid->cols, look, with_colors);
	if (fflush(out) != 0 || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}
