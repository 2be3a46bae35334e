/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * layout.h - the size of the screen to the places of its parts; pure.
 *
 * Parts never overlap, and a part that is there has at least one cell; one for
 * which there is no room has none. What is dropped first: the inspector (below
 * 100 columns), addresses, names; the cell line, the legend, the times, the keys.
 *
 * Two panes, of two sources, lie one above the other under the same times. Their
 * maps are of one size, so that a row and a column are the same place and time in
 * both; each has its own line with the name of its source and its legend.
 */
#ifndef TUI_LAYOUT_H
#define TUI_LAYOUT_H

#include <stdbool.h>

#include "tui/grid.h"

#define LAYOUT_MAX_PANES 2

/* What one source has for itself. */
struct layout_pane {
	struct rect source; /* one line: its name; only where there are two panes */
	struct rect legend; /* one line; right of that, or below the only map */
	struct rect names, map, minimap;
};

struct layout {
	struct rect header;			    /* one line; always there on a screen of at least 1x1 */
	struct rect times;			    /* above the map, and as wide */
	struct rect title;			    /* left of the times: what is shown */
	unsigned nr_panes;			    /* that there is room for: 1, or as many as asked for */
	struct layout_pane panes[LAYOUT_MAX_PANES]; /* from the top */
	/* Of the pane in focus: */
	struct rect names;   /* left of the map */
	struct rect map;     /* the heatmap */
	struct rect minimap; /* one column right of the map: which part of the whole it is */
	struct rect legend;
	struct rect inspector; /* right of all these */
	struct rect cell;      /* one line below, where there is no inspector: the cell under the cursor */
	struct rect message;   /* one line; its own, or over the legend, the keys or the header */
	bool own_message;      /* its own: there is room for hints too */
	struct rect keys;      /* one line, the last */
	bool addresses;	       /* names have room for addresses */
};

/* Screens at least this wide have an inspector. */
#define LAYOUT_INSPECTOR_COLS 100
#define LAYOUT_ADDRESS_COLS   13

/* With the first pane in focus. nr_panes in [1, LAYOUT_MAX_PANES]. */
struct layout layout_of(int rows, int cols, bool inspector, unsigned nr_panes);
/* Another pane comes into focus. */
void layout_focus(struct layout *l, unsigned pane);

#endif
