/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spawn.h - "-- COMMAND": a child process to be watched from its first
 * instruction on.
 *
 * The child is stopped before its exec until spawn_release(), so that it can
 * be attached to first. Tui thread only, before the collector starts.
 */
#ifndef COLLECTOR_SPAWN_H
#define COLLECTOR_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "collector/err.h"

struct spawn {
	pid_t pid;    /* 0: none */
	int go_fd;    /* writing a byte lets it exec */
	int error_fd; /* errno of a failed exec; ends without a byte when exec has succeeded */
};

/*
 * Starts argv[0] with its standard input from /dev/null and its output to /dev/null (quiet) or to our standard error.
 * The child ends when we do. 0 or -errno.
 */
int spawn_start(struct spawn *spawn, char **argv, bool quiet, struct err *err);

/* Lets it exec and waits until it has. -errno and a message: the command cannot be started. */
int spawn_release(struct spawn *spawn, const char *name, struct err *err);

/* Ends the child (SIGTERM, after a second SIGKILL), unless it has ended, and takes its status. Zeroed: nothing. */
void spawn_end(struct spawn *spawn);

#endif
