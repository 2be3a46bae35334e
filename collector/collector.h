/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * collector.h - the collector thread: sources -> reports -> regions -> snapshots.
 *
 * collector_start() starts the one thread that touches sources, target and
 * regions; collector_join() waits for its end, after COMMAND_STOP or when the
 * target has ended. All else goes through the channel.
 *
 * The same work without a thread, on any clock, one step after another: that
 * is how tests and reproducible screens run it.
 */
#ifndef COLLECTOR_COLLECTOR_H
#define COLLECTOR_COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/channel.h"
#include "collector/clock.h"
#include "collector/err.h"
#include "collector/source.h"

struct collector;

/*
 * Starts collecting with these sources, a list ended by NULL, of at most SOURCE_MAX_AT_ONCE. Each has regions of its
 * own; all share the target, the attributes and the course of time: their aggregations end together, and the snapshots
 * say which source they are of. Each gets an equal part of the budget.
 *
 * params->target is taken over: the collector closes it, also on failure. Sources are opened on the thread; that one of
 * several could not be arrives as MESSAGE_LOST, that none could as MESSAGE_ENDED with err. The channel outlives the
 * collector. Returns 0 or -errno (no thread).
 */
int collector_start(struct collector **collector, const struct source_ops *const *sources,
		    const struct source_params *params, struct channel *channel, struct err *err);

/* Waits for the thread to end and frees. NULL is fine. */
void collector_join(struct collector *collector);

/* The same without a thread: opens the sources here and now. params->target is taken over, also on failure. */
int collector_open(struct collector **collector, const struct source_ops *const *sources,
		   const struct source_params *params, struct channel *channel, struct err *err);
/* When there is something to do next, on params->clock. */
uint64_t collector_deadline_ns(const struct collector *collector);
/* Does what is due. False: it has ended, and has said so with MESSAGE_ENDED. */
bool collector_step(struct collector *collector);
/* NULL is fine. */
void collector_close(struct collector *collector);

#endif
