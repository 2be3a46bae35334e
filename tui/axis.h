/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * axis.h - the address axis: which addresses each row of the map shows.
 *
 * A pure function of mappings, viewport and height (and of what is resident or
 * hot, where that is asked for); it moves when the first three do, and not when
 * heat changes. Every accessible byte of the viewport is in exactly one
 * row; what is not mapped, or mapped without any permission, is folded to one
 * line. A line of the screen has per_line rows: two where half blocks are drawn.
 *
 * Lines are shared like this. Neighbouring mappings form groups (segments of one
 * file with its bss, anonymous neighbours); while there are more groups than
 * 3/5 of the lines, the two neighbours that lose least are joined: the smaller of
 * the two is small, the gap is small, they are of a kind. Each group gets a line;
 * the rest goes (enum axis_share) by the square root of the mapped bytes, at most 2/3 of all lines to
 * one group. Proportional to bytes, a reserve of 20 T would hide the heap; by the
 * logarithm, ten small libraries would. The root, rounded to quarter octaves so that
 * a growing heap does not move the axis at each step, keeps both readable.
 *
 * Of several processes (space.h) each has its lines together, below a line with its name, where there are lines
 * enough: three for each. Otherwise, and where the hottest lines are first, each name says whose it is. Between
 * processes there is no gap, and mappings of two are not joined while there is a line for each.
 *
 * axis_free() frees; an axis of all zero is empty.
 */
#ifndef TUI_AXIS_H
#define TUI_AXIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/mappings.h"
#include "tui/axis_parts.h"

enum axis_row_type {
	AXIS_ROW_MAPPED,  /* [start, end) begins and ends with mapped bytes of one group */
	AXIS_ROW_GAP,	  /* [start, end) is not mapped (or left out): folded; all rows of its line say the same */
	AXIS_ROW_PROCESS, /* empty, at the first place of a process: the head of its rows; all of its line say the same
			   */
};

/* What a row is, by the mapping that most of it lies in. */
enum axis_what {
	AXIS_HEAP,
	AXIS_STACK,
	AXIS_ANON,
	AXIS_SHARED, /* shared memory */
	AXIS_CODE,   /* a file, executable; and the kernel's own */
	AXIS_FILE,   /* a file's data */
	AXIS_NR_WHATS,
};

struct axis_row {
	enum axis_row_type type;
	uint64_t start, end; /* MAPPED: empty in a second half line for which no page is left */
	size_t group;	     /* MAPPED: index of the group; rows of a group are adjacent */
	bool first;	     /* MAPPED: the first row of its group, which carries its name */
	bool reserved;	     /* GAP: mapped for the greater part, but without any permission */
	uint8_t what;	     /* MAPPED: enum axis_what */
	/* Of several processes: whose it is (mappings_process_key()); 0: of more than one, or there is but one. */
	uint64_t owner;
};

/* Neighbouring mappings that share a name row: segments of one library, the heap, an anonymous arena. */
struct axis_group {
	uint64_t start, end; /* hull */
	uint64_t bytes;	     /* accessible in it */
	size_t mapping;	     /* its first one in the table */
	size_t nr_mappings;
	unsigned nr_names; /* above 1: neighbours joined for want of lines, which is what "+N" in the name says */
	char name[64];	   /* printable */
};

struct axis {
	unsigned per_line;
	size_t nr_rows; /* a multiple of per_line */
	struct axis_row *rows;
	size_t nr_groups;
	struct axis_group *groups;
	/* Rows stand by address; these say which line of them is shown where: a permutation, mostly the same one. */
	size_t *shown; /* line of rows at each line of the screen */
	size_t *place; /* and back */
};

/* How lines are shared among groups, beyond the one that each has. */
enum axis_share {
	AXIS_SHARE_ROOT,     /* by the root of the mapped bytes: large and small stay readable */
	AXIS_SHARE_BYTES,    /* by the mapped bytes: true to scale */
	AXIS_SHARE_RESIDENT, /* by the resident bytes, within a group too; by the mapped ones where nobody knows them */
	AXIS_SHARE_HOTTEST,  /* as by the root, but the hottest line is shown first, and gaps have no lines */
	AXIS_SHARE_EQUAL,    /* the same for each that has pages enough */
	AXIS_NR_SHARES,
};

struct axis_options {
	uint64_t start, end; /* viewport */
	unsigned nr_lines;
	unsigned per_line; /* 1 or 2 */
	enum axis_share share;
	const struct axis_parts *parts; /* for RESIDENT and HOTTEST; NULL: nothing is known */
};
#define AXIS_END UINT64_MAX

/* A gap smaller than this gets no line of its own. */
#define AXIS_MIN_GAP_BYTES (UINT64_C(16) << 20)

/* Replaces *axis. 0, or -ENOMEM and an empty axis. maps may be NULL: empty. */
int axis_build(struct axis *axis, const struct mappings *maps, const struct axis_options *options);
void axis_free(struct axis *axis);

/* Parts are not compared: heat and residence alone do not move the axis. */
bool axis_options_equal(const struct axis_options *a, const struct axis_options *b);
/* "the root of the mapped bytes" ... */
const char *axis_share_name(enum axis_share share);
/* Its word for the command line: "root", "mapped" ...; NULL where i is past the last. */
const char *axis_share_word(size_t i);
/* Where a row is on the screen, in rows from the top of the map; and back. Both in [0, nr_rows). */
size_t axis_display_of(const struct axis *axis, size_t row);
size_t axis_row_at(const struct axis *axis, size_t display);
/* Same rows? (Names may differ.) */
bool axis_equal(const struct axis *a, const struct axis *b);
enum axis_what axis_what_of(const struct mapping *m);
/* Does the axis cover this mapping, or is it left out (no permission at all; vsyscall)? */
bool axis_shows(const struct mapping *m);
/* The mapped row that holds addr, or the nearest one; nr_rows where there is none. */
size_t axis_row_of(const struct axis *axis, uint64_t addr);
/* Is this row of a process that maps have too? That its place has another number of one by now does not count. */
bool axis_row_is_of(const struct axis_row *row, const struct mappings *maps);
/* Accessible bytes of [start, end). */
uint64_t axis_mapped_bytes(const struct mappings *maps, uint64_t start, uint64_t end);

/*
 * The viewport with num/den of the mapped bytes of [*start, *end), around addr, which keeps its relative place;
 * at least min_bytes. Page aligned. Both ends stay inside the given range.
 */
void axis_zoom(const struct mappings *maps, uint64_t addr, unsigned num, unsigned den, uint64_t min_bytes,
	       uint64_t *start, uint64_t *end);
/* Moves [*start, *end) by a quarter of its mapped bytes, up (-1) or down (1), within [first, last). */
void axis_pan(const struct mappings *maps, int direction, uint64_t first, uint64_t last, uint64_t *start,
	      uint64_t *end);

#endif
