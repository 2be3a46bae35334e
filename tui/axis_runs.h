/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * axis_runs.h - which mappings share a group of the axis.
 *
 * Neighbours that are one thing to the eye (segments of a library and its bss,
 * an arena and its guard pages) are a run; where there is not room for a line
 * each, runs are joined, those first that lose least by it. A pure function of
 * mappings and viewport. Part of axis.c, and used by nothing else.
 * axis_runs_free() frees; runs of all zero are empty.
 */
#ifndef TUI_AXIS_RUNS_H
#define TUI_AXIS_RUNS_H

#include <stddef.h>
#include <stdint.h>

#include "collector/mappings.h"

/* An accessible mapping, cut to the viewport. */
struct axis_segment {
	uint64_t start, end;
	uint32_t mapping; /* index in the table */
};

/* Adjacent segments; groups are made by joining these. */
struct axis_run {
	uint64_t start, end, bytes;
	uint64_t largest_bytes;
	uint32_t largest;	/* the mapping that names it */
	uint32_t first, nr;	/* segments */
	uint32_t nr_names : 28; /* runs that went into it */
	uint32_t kind : 4;	/* enum mapping_kind */
};
/* Of 65 000 mappings that make a run each, memory is what the time goes to. */
_Static_assert(sizeof(struct axis_run) == 48, "no more than is needed");

struct axis_runs {
	struct axis_segment *segs;
	size_t nr_segs;
	struct axis_run *v;
	float *costs; /* what is lost where run i and the next are joined; until axis_runs_join() */
	size_t nr;
};

/* The runs of what lies in [start, end). 0, or -ENOMEM: to be freed then too. */
int axis_runs_make(struct axis_runs *runs, const struct mappings *maps, uint64_t start, uint64_t end);
void axis_runs_free(struct axis_runs *runs);

/*
 * Joins neighbours until max runs are left, those that lose least first. Those that lose about as much as the last of
 * them are joined too: of many alike none stands out. 0 or -ENOMEM.
 */
int axis_runs_join(struct axis_runs *runs, size_t max);

#endif
