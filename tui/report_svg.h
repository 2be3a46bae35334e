/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_svg.h - reports as pictures: a frame with axes and a legend, lines over
 * time and bars. What they share of SVG; each is a standalone file that a
 * browser opens. Tui thread only; nothing to free.
 */
#ifndef TUI_REPORT_SVG_H
#define TUI_REPORT_SVG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tui/report_table.h"

#define REPORT_SVG_MAX_SERIES 2
#define REPORT_SVG_FONT	      "font-family=\"'DejaVu Sans Mono','Liberation Mono',Menlo,Consolas,monospace\" font-size=\"12\""

/* The colour of series i, as "#1f77b4". */
const char *report_svg_color(size_t i);
/* Text as an element's content: nothing in it is markup. */
void report_svg_text(FILE *out, const char *text);

/*
 * A round step for an axis from 0 to max with at most nr steps; of bytes a power of two, of µs one that people count
 * time in. 0 where max is 0.
 */
double report_svg_step(double max, unsigned nr, enum report_column_type type);
/* A value of an axis with its unit. */
void report_svg_number(char *dst, size_t size, double value, enum report_column_type type);

struct report_bars {
	const char *title;				 /* of the picture */
	const char *subtitle;				 /* whose it is, and what the bars are of */
	const char *axis;				 /* what the bars mean, with the unit */
	size_t labels[4], nr_labels;			 /* columns that stand in front of a bar */
	size_t series[REPORT_SVG_MAX_SERIES], nr_series; /* columns with the values */
	const char *names[REPORT_SVG_MAX_SERIES];	 /* of the series, for the legend; NULL with one */
	bool logarithmic;				 /* where values are of different orders */
	size_t max_rows;				 /* more are left out, and that is said */
};

/* The rows of a table as bars. 0 or -errno. */
int report_svg_bars(const struct report_table *t, const struct report_bars *bars, FILE *out);

#endif
