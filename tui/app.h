/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * app.h - the tui thread's state and what keys and messages do to it.
 *
 * Messages and keys change the state and return flags; painting reads it and
 * writes a grid. Neither knows a terminal, a channel or the time, so that
 * tests and --dump-frame drive it without any; app_run() is the one loop that
 * has all three. Tui thread only; app_free() frees.
 */
#ifndef TUI_APP_H
#define TUI_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "collector/attrs.h"
#include "collector/channel.h"
#include "collector/err.h"
#include "tui/axis.h"
#include "tui/contrast.h"
#include "tui/grid.h"
#include "tui/term.h"
#include "tui/theme.h"

/* A recording that is being made; path NULL: none. */
struct app_recording {
	const char *path;
	uint64_t bytes; /* of the file so far */
};

/* What the keys have made of the options, to be saved. */
struct app_settings {
	struct attrs attrs;
	bool aging_set, aggregation_set; /* by key: what a source has chosen for itself is not */
	const char *overlay, *theme;
	enum contrast_mode contrast;
	enum axis_share share;
};

struct app_config {
	const struct theme *theme; /* outlives the app */
	struct look look;
	size_t history_bytes;
	const char *overlay;	     /* name of the first one; NULL: heat */
	enum contrast_mode contrast; /* at first, and the order of the rows */
	enum axis_share share;
	struct attrs attrs;		 /* in force at the start */
	uint64_t range_start, range_end; /* what alone is watched at the start; both 0: everything */
	const char *event;		 /* of perf, or NULL: what it chooses */
	const char *fixed;		 /* why nothing can be tuned ("a recording"), or NULL */

	/* A command to the collector. False: not taken now. NULL: there is nobody to take it. */
	bool (*send)(void *ctx, const struct command *command);
	/*
	 * Watches another process, chosen from the list. 0: the former one is not watched any more, and nothing of it
	 * comes. -errno with err: the list stays; a former one goes on, or says that it has ended. NULL: not possible.
	 */
	int (*choose)(void *ctx, pid_t pid, struct err *err);
	/* Every snapshot, before it is kept: a recording is made of it. -errno with err: say so. NULL: nobody wants it.
	 */
	int (*on_snapshot)(void *ctx, const struct snapshot *snap, struct err *err);
	/*
	 * Records to this file from now on; path NULL: ends the recording. anew: a file of that name may be there, and
	 * is kept under another name; otherwise it is refused (-EEXIST). 0 or -errno with err. NULL: not possible.
	 */
	int (*record)(void *ctx, const char *path, bool anew, struct err *err);
	struct app_recording (*recorded)(void *ctx);
	/* Saves the settings to saved_to, a file's name. 0 or -errno with err. saved_to NULL: nothing can be saved. */
	int (*save)(void *ctx, const struct app_settings *settings, struct err *err);
	const char *saved_to;
	bool side_by_side;	 /* two sources are watched from the start */
	bool with_children;	 /* the target's descendants are, too */
	struct symbols *symbols; /* names of functions; outlives the app. NULL: none are known */
	bool has_target;	 /* false, with choose: the list of processes comes first */
	void *ctx;
	const char *proc; /* where the list reads processes; NULL: /proc */
};

enum app_flags {
	APP_HANDLED = 1,
	APP_REDRAW = 2,
	APP_QUIT = 4,
	APP_REFRESH = 8, /* send everything to the terminal again */
};

struct app;

/* NULL: no memory, or no such overlay (err). */
struct app *app_new(const struct app_config *config, struct err *err);
void app_free(struct app *app);

/* Takes over message->snapshot. Returns enum app_flags. */
unsigned app_message(struct app *app, const struct message *message);
/* A key. Returns enum app_flags. */
unsigned app_key(struct app *app, const struct term_event *event);
/* A moment that app_tick_ms() asked for has come. Returns enum app_flags. */
unsigned app_tick(struct app *app);
/* Milliseconds until app_tick() is wanted; -1: not at all. */
int app_tick_ms(const struct app *app);
/* Paints the present state over the whole grid, in the grid's size. */
void app_paint(struct app *app, struct grid *grid);

/* The overlays' names in order; NULL where i is past the last. */
const char *app_overlay_name(size_t i);

/*
 * The loop: keys, messages and signals until q, or a signal that ends. The channel is that of the collector, also of
 * one that starts only when a process has been chosen; NULL: there is none. SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGQUIT,
 * SIGTSTP and SIGCONT have to be blocked in all threads. Returns 0, the number of the signal that ended it, or -errno
 * with err. The term stays open.
 */
int app_run(struct app *app, struct term *term, struct channel *channel, struct err *err);

#endif
