/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * color.h - colours as numbers: what a terminal shows, and how two are mixed.
 *
 * Mixing is done in OKLab (Ottosson 2020), in which equal steps look equal, so
 * that a ramp between two stops has no dark or grey band in its middle. Pure
 * functions, any thread.
 */
#ifndef TUI_COLOR_H
#define TUI_COLOR_H

#include <stdint.h>

#include "tui/grid.h"
#include "tui/term.h"

/* The palette of xterm: 0-15 ANSI, 16-231 a cube of 6 x 6 x 6, 232-255 greys. RGB of entry i & 255. */
uint32_t color_palette_rgb(unsigned i);

/* The palette entry to use for c where 256 colours are there; -1: COLOR_DEFAULT. RGB is never mapped to 0-15. */
int color_index_256(color c);
/* The same for 16 colours: 0-15. */
int color_index_16(color c);

/* RGB to what a terminal of less depth shows: RGB of the palette, one of the 16, or COLOR_DEFAULT. */
color color_at_depth(color c, enum color_depth depth);
/* A colour as RGB, for pictures; COLOR_DEFAULT as fallback. */
uint32_t color_rgb(color c, uint32_t fallback);

/* OKLab: lightness 0 ... 1, and two axes of hue, about -0.4 ... 0.4. */
struct oklab {
	double l, a, b;
};
struct oklab oklab_of_rgb(uint32_t rgb);
/* Out of gamut is clamped per channel. */
uint32_t oklab_rgb(struct oklab lab);
/* share 0: from, 1: to. */
struct oklab oklab_mix(struct oklab from, struct oklab to, double share);

#endif
