/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * paint.h - the state to a grid, a file a part: reads, never changes.
 *
 * Every painter writes within its rectangle only, and writes nothing where that
 * is empty. Tui thread only; nothing is kept.
 */
#ifndef TUI_PAINT_H
#define TUI_PAINT_H

#include "tui/app_state.h"

struct paint {
	struct grid *grid;
	const struct app *app;
	bool in_focus; /* of two panes, the one that the cursor is in; true where there is one */
	struct style roles[THEME_NR_ROLES];
};

void paint_header(const struct paint *p, struct rect where);
void paint_times(const struct paint *p, struct rect title, struct rect where);
void paint_map(const struct paint *p, const struct layout *layout);
/* Of two panes, whose map it is. */
void paint_source_name(const struct paint *p, struct rect where);
void paint_inspector(const struct paint *p, struct rect where);
/* The inspector's essence on one line. */
void paint_cell_line(const struct paint *p, struct rect where);
void paint_legend(const struct paint *p, struct rect where);
/* What is typed after / or :, in place of the legend or of another line. */
void paint_find(const struct paint *p, struct rect where);
void paint_message(const struct paint *p, struct rect where);
void paint_keys(const struct paint *p, struct rect where);
/* A whole panel, and the key line of panels. */
void paint_panel(const struct paint *p, struct rect where);
void paint_panel_source(const struct paint *p, struct rect where);
void paint_panel_keys(const struct paint *p, struct rect where);
/* One key of a key line, and the room behind it. */
void paint_key_label(const struct paint *p, int row, int *col, int end, const char *names, const char *label);
/* A bar of eighths; at least a sliver where there is anything. */
void paint_bar(const struct paint *p, int row, int col, int cols, double share, color c);
/* Lines of the help page on a screen of this size. */
int paint_help_rows(int rows, int cols);
void paint_help(const struct paint *p, struct rect screen);
void paint_prompt(const struct paint *p, struct rect screen);
/* Where a recording is that is played. */
void paint_scrubber(const struct paint *p, struct rect where);
/* Frozen: which time of those that are kept is shown. Dashed where not every aggregation is kept any more. */
void paint_rewind(const struct paint *p, struct rect where);
void paint_dialog(const struct paint *p, struct rect screen);
void paint_process_list(const struct paint *p, struct rect screen);

/* A box with a title in the middle of the screen, at most rows x cols inside; returns the inside. */
struct rect paint_box(const struct paint *p, struct rect screen, int rows, int cols, const char *title);
/* Writes text at *col and moves it on, never past end. */
void paint_at(const struct paint *p, int row, int *col, int end, enum theme_role role, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));

/* Code at an address: the function, or the file of which no function is known, and how far in it. */
struct paint_code {
	char name[128];
	char within[24]; /* "+0x1a2b"; "" where name is an address */
};

struct paint_code paint_code(const struct paint *p, const struct snapshot *snap, uint64_t ip);

#endif
