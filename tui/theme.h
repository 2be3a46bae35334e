/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * theme.h - colours by role, and the ramp that heat is drawn with.
 *
 * A theme is a file of key = value lines (docs/themes.md, themes/NAME.theme): colour stops of the ramp, hues for
 * nodes and kinds, colours for text. The shipped ones are compiled in. Reading is bounded and
 * hostile-proof. Tui thread only; a theme is a plain value (12 KiB: tables that make a colour a look-up).
 *
 * By depth: in 256 and true colours, colour alone carries the value, and half blocks double the rows; with 16, the
 * colour and theme_glyph() together do; in mono, the glyph alone.
 */
#ifndef TUI_THEME_H
#define TUI_THEME_H

#include <stddef.h>

#include "collector/err.h"
#include "tui/color.h"
#include "tui/grid.h"
#include "tui/term.h"

enum theme_role {
	THEME_TEXT,
	THEME_DIM,    /* addresses, labels */
	THEME_STRONG, /* values */
	THEME_TITLE,
	THEME_BAR,     /* header and key line: text */
	THEME_BAR_DIM, /* ... their labels */
	THEME_BAR_KEY, /* ... keys and values */
	THEME_GOOD,
	THEME_WARN,
	THEME_BAD,
	THEME_CURSOR,
	THEME_GAP,     /* folded, unmapped */
	THEME_UNKNOWN, /* a cell of which nothing is known */
	THEME_NR_ROLES,
};

#define THEME_NR_STOPS 16
#define THEME_NR_HUES  8

/* Steps of the tables below: finer than an eye tells apart, few enough for a terminal's colour pairs. */
#define THEME_HEAT_LEVELS 64
#define THEME_HUE_LEVELS  32
/* Rows of the hue table: the hues, each of them halfway to mixed, and mixed. */
#define THEME_HUE_ROWS (2 * THEME_NR_HUES + 1)

/* What a theme says, once for 256 and more colours and once for 16. */
struct theme_colors {
	size_t nr_stops;
	color stops[THEME_NR_STOPS]; /* from cold to hot */
	size_t nr_hues;
	color hues[THEME_NR_HUES]; /* for nodes, kinds, mappings: by index */
	color mixed;		   /* more than one of them */
	struct style roles[THEME_NR_ROLES];
};

struct theme {
	char name[32];
	uint32_t ground; /* RGB, what the map lies on: hues of cold cells are near it */
	struct theme_colors rich, basic;
	/* Made of rich by theme_parse(): [0] for 256 colours, [1] for true colours. */
	color heat[2][THEME_HEAT_LEVELS];
	color hue[2][THEME_HUE_ROWS][THEME_HUE_LEVELS];
};

/* The shipped themes' names, in order; NULL where i is past the last. */
const char *theme_shipped_name(size_t i);
#define THEME_DEFAULT "viridis"

/* By name, or from a file where name holds a '/'. -ENOENT, -EINVAL with the file and line that is wrong. */
int theme_load(struct theme *theme, const char *name, struct err *err);
/* Parses a theme's text (len bytes). name is the theme's, origin is for messages ("themes/x.theme"). */
int theme_parse(struct theme *theme, const char *name, const char *text, size_t len, const char *origin,
		struct err *err);

/* A role's style at this depth. */
struct style theme_style(const struct theme *theme, const struct look *look, enum theme_role role);
/* The ramp's colour for value in 0 ... 1 (cut to that; NaN: 0), at this depth. Interpolated in OKLab. */
color theme_heat(const struct theme *theme, const struct look *look, double value);
/* Hue index (modulo the theme's number) with brightness by value in 0 ... 1 (never the ground: a cold page is there).
 */
color theme_hue(const struct theme *theme, const struct look *look, unsigned index, double value);
/* Two hues mixed in shares (0: all a, 1: all b), by way of the theme's colour for mixed. */
color theme_hue_mix(const struct theme *theme, const struct look *look, unsigned a, unsigned b, double share,
		    double value);

/* A glyph whose density grows with value in 0 ... 1: " .:-=+*#%@" in ASCII, shades and blocks else. Blank only at 0. */
uint32_t theme_glyph(const struct look *look, double value);

#endif
