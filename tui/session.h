/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session.h - what is watched, and by whom: the target, a command that was
 * started for it, the source, the collector thread, and where snapshots go
 * besides the screen.
 *
 * Tui thread only. One session at a time; session_end() gives everything back
 * and is due after a session_open() that failed, too.
 */
#ifndef TUI_SESSION_H
#define TUI_SESSION_H

#include <stdbool.h>
#include <sys/types.h>

#include "collector/collector.h"
#include "collector/err.h"
#include "collector/spawn.h"
#include "tui/options.h"
#include "tui/output.h"

struct session {
	const struct options *options; /* outlive it */
	struct spawn spawn;
	struct channel *channel;
	struct collector *collector;
	struct output *output;
	bool stays; /* a recording that has ended can be played on */
	bool quiet; /* a command's output would be in the way of the screen */
};

/* What a source is told by the options; without a target. */
struct source_params session_params(const struct options *o);

/* The channel and the outputs; nothing is watched yet. 0 or -errno. */
int session_open(struct session *s, const struct options *o, bool quiet, struct err *err);

/*
 * Starts the collector thread on process pid; 0: on what the options say. A collector that runs goes on where pid
 * cannot be opened, and ends else. 0 or -errno with the reason.
 */
int session_watch(struct session *s, pid_t pid, struct err *err);

/* Ends it. Returns rc, or where that is 0 what went wrong only now (a recording that could not be finished). */
int session_end(struct session *s, int rc, struct err *err);

#endif
