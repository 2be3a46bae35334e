/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * layout.h - the size of the screen to the places of its parts; pure.
 *
 * Parts never overlap, and a part that is there has at least one cell; one for
 * which there is no room has none. What is dropped first: the inspector (below
 * 100 columns), addresses, names; the cell line, the legend, the times, the keys.
 */
#ifndef TUI_LAYOUT_H
#define TUI_LAYOUT_H

#include <stdbool.h>

#include "tui/grid.h"

struct layout {
	struct rect header;    /* one line; always there on a screen of at least 1x1 */
	struct rect times;     /* above the map, and as wide */
	struct rect title;     /* left of the times: what is shown */
	struct rect names;     /* left of the map */
	struct rect map;       /* the heatmap */
	struct rect minimap;   /* one column right of the map: which part of the whole it is */
	struct rect inspector; /* right of all these */
	struct rect cell;      /* one line below, where there is no inspector: the cell under the cursor */
	struct rect legend;    /* one line */
	struct rect message;   /* one line; its own, or over the legend, the keys or the header */
	bool own_message;      /* its own: there is room for hints too */
	struct rect keys;      /* one line, the last */
	bool addresses;	       /* names have room for addresses */
};

/* Screens at least this wide have an inspector. */
#define LAYOUT_INSPECTOR_COLS 100
#define LAYOUT_ADDRESS_COLS   13

struct layout layout_of(int rows, int cols, bool inspector);

#endif
