/* SPDX-License-Identifier: GPL-2.0-or-later */
/* screen_dump.h - an app on a synthetic target, painted without a terminal. */
#ifndef TESTS_UNIT_SCREEN_DUMP_H
#define TESTS_UNIT_SCREEN_DUMP_H

#include "collector/snapshot.h"
#include "tui/app.h"

struct screen {
	struct app *app;
	struct app_config config;
	struct theme theme;
	struct grid grid;
	struct command sent[64]; /* what the app has sent */
	size_t nr_sent;
	bool refuse;	   /* send says no */
	pid_t chosen;	   /* of the process list */
	int choose_result; /* 0, or -errno: refused */
};

/* An app on the default theme. The config may be changed by setup (NULL: not) before the app is made. */
void screen_open(struct screen *s, enum color_depth depth, bool ascii, int rows, int cols,
		 void (*setup)(struct app_config *config));
void screen_close(struct screen *s);
/* Seconds 0 ... nr - 1 of the server. */
void screen_play(struct screen *s, unsigned nr, size_t nr_regions, enum heat_unit unit);
/* Both: 40 rows and 160 columns without colours, 200 regions, fractions. */
void screen_open_server(struct screen *s, unsigned nr);
/* Seconds 0 ... nr - 1 of the server and two children. */
void screen_play_family(struct screen *s, unsigned nr, size_t nr_regions, enum heat_unit unit);
/* Seconds first ... end - 1 of the server, by two sources at once: checks, and time. */
void screen_play_two(struct screen *s, unsigned first, unsigned end, size_t nr_regions);
/* Takes over the snapshot. */
unsigned screen_push(struct screen *s, struct snapshot *snap);
/* Keys as --keys writes them; the screen is painted after each. Returns the flags of the last one. */
unsigned screen_keys(struct screen *s, const char *keys);
/* Paints, and returns the text of the grid, for the caller to free. */
char *screen_text(struct screen *s);
/* Does the painted screen hold this text? */
bool screen_holds(struct screen *s, const char *text);
/* A line of the painted screen, for the caller to free. */
char *screen_line(struct screen *s, int row);

#endif
