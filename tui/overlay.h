/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * overlay.h - what the map can show, as a table.
 *
 * An overlay turns a cell of the view and its brightness into a colour, and
 * into a character for terminals without enough colours. In every overlay but
 * heat, hue says what the overlay shows and brightness stays heat, so that one
 * look answers "is the hot part on the wrong node?". A new overlay is a row of
 * the table in overlay.c. Tui thread only; nothing is owned.
 */
#ifndef TUI_OVERLAY_H
#define TUI_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/theme.h"
#include "tui/view.h"

struct overlay_brush {
	const struct theme *theme;
	struct look look;
	color unknown[16]; /* heat is known, the rest is not: grey by brightness */
};

#define OVERLAY_NR_ITEMS 6

/* A patch of the legend. */
struct overlay_item {
	char text[40];
	color color;
	uint32_t letter;
};

struct overlay {
	const char *name;  /* of --overlay */
	const char *title; /* on the screen */
	const char *help;  /* one line: what it shows */
	unsigned needs;	   /* enum view_valid bits; a cell without them is unknown to this overlay */
	/* The colour of a cell that has what the overlay needs, at brightness 0 ... 1. */
	color (*color)(const struct overlay_brush *brush, const struct view_cell *cell, double value);
	/* What stands for it without colours; NULL: the glyph ramp. */
	uint32_t (*letter)(const struct view_cell *cell);
	/* Fills the legend and returns the number of its items; NULL: the ramp with the contrast's bounds. */
	size_t (*legend)(const struct overlay_brush *brush, struct overlay_item items[OVERLAY_NR_ITEMS],
			 uint32_t seen_nodes);
	/* Where nothing is known: who would tell; NULL: that cannot be said for all. */
	const char *who_tells;
};

extern const struct overlay overlay_table[];
extern const size_t overlay_nr;

/* By name, or NULL. */
const struct overlay *overlay_find(const char *name);
void overlay_brush_init(struct overlay_brush *brush, const struct theme *theme, struct look look);

/*
 * Colour and character of a cell at brightness value, which has VIEW_HEAT at least. The character is for looks below
 * 256 colours; where colours are 16 it is the glyph ramp, and without any the overlay's letter.
 */
struct overlay_paint {
	color color;
	uint32_t ch;
	uint8_t attr;
};
struct overlay_paint overlay_paint(const struct overlay *overlay, const struct overlay_brush *brush,
				   const struct view_cell *cell, double value);

#endif
