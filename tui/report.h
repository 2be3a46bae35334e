/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.h - what a recording, or what was watched, comes to: a heatmap, the
 * working set, the hottest regions ...
 *
 * A report is fed snapshots, one after another, and printed at the end. Memory
 * has a bound that does not depend on how many there are. A kind of report is a
 * row of the table in report.c. Tui thread only; report_free() frees.
 */
#ifndef TUI_REPORT_H
#define TUI_REPORT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "collector/err.h"
#include "collector/snapshot.h"
#include "tui/report_table.h"
#include "tui/term.h"
#include "tui/theme.h"

/* What a report may need besides snapshots. */
struct report_options {
	enum report_format format;
	const struct theme *theme; /* outlives the report */
	struct look look;
	bool with_colors;
	int rows, cols; /* of a heatmap as text or picture */
};

struct report_maker;

/* -EINVAL: no such kind, or not in this format; err names those that there are. */
int report_new(struct report_maker **report, const char *kind, const struct report_options *options, struct err *err);
void report_free(struct report_maker *report);

/* The snapshot stays the caller's. 0 or -errno. */
int report_add(struct report_maker *report, const struct snapshot *snap, struct err *err);
/* Prints it. -ENODATA: no snapshot was seen. */
int report_print(struct report_maker *report, FILE *out, struct err *err);

/* The kinds' names in order; NULL where i is past the last. */
const char *report_kind_name(size_t i);

#endif
