/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * axis_parts.h - how much of the target is resident and how hot it is, for axes
 * whose lines are shared or ordered by that (enum axis_share).
 *
 * Taken from one snapshot at the moment an axis is made; pure. Tui thread only;
 * axis_parts_free() frees, a struct of all zero is empty.
 */
#ifndef TUI_AXIS_PARTS_H
#define TUI_AXIS_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct snapshot;

/* A range in which both are taken to be even. */
struct axis_part {
	uint64_t start, end;
	double resident; /* bytes present a byte: 0 ... 1; negative: not known */
	double heat;	 /* as the snapshot has it */
};

struct axis_parts {
	size_t nr;
	struct axis_part *v; /* sorted by address, disjoint */
	bool resident_known; /* of any of them */
};

/* Replaces *parts by what the snapshot's regions say (NULL: nothing). 0, or -ENOMEM and empty. */
int axis_parts_of(struct axis_parts *parts, const struct snapshot *snap);
void axis_parts_free(struct axis_parts *parts);

/*
 * Resident bytes of [start, end), which is mapped, where *at is the first part that may reach into it, and is moved on;
 * plus a thousandth of the range itself, so that what is not resident keeps a place on the axis.
 */
double axis_parts_weight(const struct axis_parts *parts, size_t *at, uint64_t start, uint64_t end);
/* Mean heat of what is known in [start, end); 0: nothing is. */
double axis_parts_heat(const struct axis_parts *parts, uint64_t start, uint64_t end);

#endif
