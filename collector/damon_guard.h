/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * damon_guard.h - the process that owns our kdamond's files.
 *
 * damon_guard_open() forks it, and it makes the kdamond; when we close our end
 * of its socket, by damon_guard_close() or by ending in any way at all (SIGKILL
 * too), it turns the kdamond off and puts nr_kdamonds back to 0. So there is
 * one way of restoring, and it is the one that is always taken.
 *
 * It forks a second process, the worker, which writes commands to "state": the
 * kernel lets a command wait for an aggregation or two, and neither the
 * collector nor the guard may wait with it. The guard waits for the worker's
 * end before it removes the kdamond (see damon_remove()).
 *
 * Both are children without memory of their own, with all signals blocked, in
 * a session of their own. Collector thread only.
 */
#ifndef COLLECTOR_DAMON_GUARD_H
#define COLLECTOR_DAMON_GUARD_H

#include <stdint.h>
#include <sys/types.h>

#include "collector/damon_sysfs.h"
#include "collector/err.h"

enum damon_command {
	DAMON_COMMAND_UPDATE = 'u', /* tried_regions are made anew */
	DAMON_COMMAND_COMMIT = 'c', /* the files are put in force */
	DAMON_COMMAND_COUNT = 'k',  /* filters that are armed in the files are put in force, and then UPDATE */
	DAMON_COMMAND_REST = 'r',   /* ... and those at rest, again: a commit, too */
	DAMON_COMMAND_TUNED = 't',  /* the files of the intervals say what the kernel has tuned them to */
};

struct damon_guard {
	const struct damon_io *io;
	int kdamonds_fd; /* the caller's */
	int kdamond_fd;	 /* "0": ours */
	int guard_fd, worker_fd;
	pid_t guard_pid;
	pid_t target_pid;
	struct damon_identity identity;
};

#define DAMON_GUARD_CLOSED ((struct damon_guard){ .kdamond_fd = -1, .guard_fd = -1, .worker_fd = -1 })

/*
 * Makes one kdamond, with no context yet, for process target_pid. kdamonds_fd stays the caller's and stays open until
 * damon_guard_close(). -EBUSY: there are kdamonds already, or another damontop makes one at this moment.
 */
int damon_guard_open(struct damon_guard *guard, const struct damon_io *io, int kdamonds_fd, pid_t target_pid,
		     struct err *err);

/* Sends a command to the worker, which answers on worker_fd. -EPIPE: there is no worker any more. */
int damon_guard_command(struct damon_guard *guard, enum damon_command command);

struct damon_answer {
	char command; /* enum damon_command */
	int32_t rc;   /* 0 or -errno */
};
/* The next answer: 1, 0: none yet, or -EPIPE. Never blocks. */
int damon_guard_answer(struct damon_guard *guard, struct damon_answer *answer);

/* Turns the kdamond off and takes it away; waits until that is done. A closed one is fine. 0 or -errno. */
int damon_guard_close(struct damon_guard *guard);

#endif
