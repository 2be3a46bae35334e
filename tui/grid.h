/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * grid.h - a buffer of character cells with colours: the whole screen.
 *
 * Everything paints into a grid; a term (term.h) shows it. Coordinates are
 * (row, column) from (0, 0) at the top left; painting outside is clipped, never
 * an error, so that no caller needs to count. Tui thread only; grid_free() frees.
 * A struct grid starts as GRID_EMPTY. No control character ever is in a cell.
 */
#ifndef TUI_GRID_H
#define TUI_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A colour: the terminal's own, one of its 16, or RGB. */
typedef uint32_t color;
#define COLOR_DEFAULT	   ((color)0x01000000)
#define COLOR_ANSI(n)	   ((color)0x02000000 | ((n)&15))
#define COLOR_RGB(r, g, b) ((color)((((r)&255u) << 16) | (((g)&255u) << 8) | ((b)&255u)))
#define COLOR_IS_RGB(c)	   ((c) < 0x01000000)
#define COLOR_IS_ANSI(c)   (((c)&0x02000000) != 0)

enum cell_attr {
	CELL_BOLD = 1,
	CELL_DIM = 2,
	CELL_REVERSE = 4,
	CELL_UNDERLINE = 8,
};

struct style {
	color fg, bg;
	uint8_t attr; /* enum cell_attr bits */
};
#define STYLE_DEFAULT ((struct style){ .fg = COLOR_DEFAULT, .bg = COLOR_DEFAULT })

struct grid_cell {
	uint32_t ch; /* a code point; 0: the right half of a double-width one on its left */
	struct style style;
};

struct grid {
	int rows, cols;
	struct grid_cell *cells;    /* rows x cols, row by row */
	int cursor_row, cursor_col; /* where the terminal's cursor belongs, or -1: hidden */
};

#define GRID_EMPTY ((struct grid){ .cursor_row = -1, .cursor_col = -1 })

struct rect {
	int row, col, rows, cols;
};

/* Sets the size (each side cut to 0 ... 4096) and clears; keeps the memory where it suffices. 0, or -ENOMEM and an
 * empty grid. */
int grid_resize(struct grid *grid, int rows, int cols);
void grid_free(struct grid *grid);
/* Every cell a space in this style. */
void grid_clear(struct grid *grid, struct style style);
void grid_fill(struct grid *grid, struct rect where, uint32_t ch, struct style style);
/* A double-width character takes (row, col + 1) too; what is not printable, or is wide in the last column, shows as
 * '?'. */
void grid_put(struct grid *grid, int row, int col, uint32_t ch, struct style style);

/*
 * Writes printable UTF-8 text from (row, col) on, at most width columns, and returns the columns used (clipped ones
 * included). What is not printable after all shows as '?'; combining characters are dropped. Text that does not fit is
 * cut; with GRID_ELLIPSIS its last column is an ellipsis.
 */
enum grid_text_flags { GRID_ELLIPSIS = 1, GRID_RIGHT = 2 /* right-aligned in width */ };
int grid_text(struct grid *grid, int row, int col, int width, const char *text, struct style style, unsigned flags);
int grid_printf(struct grid *grid, int row, int col, int width, struct style style, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));

/* Columns that a text takes. */
int grid_text_width(const char *text);
/* Columns of one code point: 0 (combining), 1 or 2; -1: not printable. */
int grid_char_width(uint32_t ch);

#endif
