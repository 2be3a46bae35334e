/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame.h - what to send so that a terminal which shows one grid shows another.
 *
 * For terminals that speak ECMA-48 (all that have 256 colours or more): cursor
 * addresses, SGR and characters, of the cells that changed alone. Makes bytes and
 * sends nothing, so it is pure. The frame owns its copy of what is shown, and the
 * bytes, which are valid until the next call. Tui thread only; frame_free() frees.
 */
#ifndef TUI_FRAME_H
#define TUI_FRAME_H

#include <stddef.h>

#include "tui/grid.h"
#include "tui/term.h"

struct frame {
	struct grid shown;
	bool is_known; /* the terminal does show it */
	char *bytes;
	size_t nr_bytes, size;
};
#define FRAME_EMPTY ((struct frame){ .shown = GRID_EMPTY })

/* Makes the bytes that bring a terminal of rows x cols from what it shows to grid, cut or padded. 0 or -ENOMEM. */
int frame_update(struct frame *frame, const struct grid *grid, int rows, int cols, const struct look *look);
/* Something else has written to the terminal: the next update sends every cell. */
void frame_forget(struct frame *frame);
void frame_free(struct frame *frame);

/* The longest that sgr_change() writes. */
#define SGR_SIZE 64
/* The SGR sequence from one style to another at this depth; nothing where they look alike. Returns its length. */
size_t sgr_change(char dst[SGR_SIZE], struct style from, struct style to, enum color_depth depth);

#endif
