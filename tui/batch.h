/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * batch.h - snapshots without a screen: text for people, JSON for programs.
 *
 * The tui thread's loop where there is no terminal: takes snapshots from the
 * channel until there are enough of them. Owns nothing.
 */
#ifndef TUI_BATCH_H
#define TUI_BATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "collector/channel.h"
#include "collector/err.h"
#include "collector/recording.h"

struct batch_options {
	bool json;
	bool silent;	      /* print nothing: on_snapshot does what there is to do */
	uint64_t iterations;  /* snapshots to print; 0: until something else ends it */
	uint64_t duration_us; /* time to watch; 0: until something else ends it */
	int signal_fd;	      /* a signal ends it */
	/* Every snapshot, before it is printed: a recording is made of it. -errno with err ends the batch. May be NULL.
	 */
	int (*on_snapshot)(void *ctx, const struct snapshot *snap, struct err *err);
	void *ctx;
};

/* 0: as many as asked for, or the target has ended, or a signal came; -errno and err: why not. */
int batch_run(struct channel *channel, const struct batch_options *options, FILE *out, struct err *err);

/* The same with all of a recording, as fast as it goes. */
int batch_replay(struct recording *recording, const struct batch_options *options, FILE *out, struct err *err);

/* One snapshot as text: what the header of the screen says, the hottest regions, and the mappings used most. */
void batch_print_text(FILE *out, const struct snapshot *snap);

#endif
