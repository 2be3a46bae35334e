/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * damon_pace.h - when to ask DAMON for its regions (update_schemes_tried_regions).
 *
 * From the command until the aggregation ends the kernel keeps its files locked:
 * nobody can read them, and nobody can turn DAMON off, not even the guard of a
 * damontop that was killed. So with long aggregations the command is sent
 * shortly before the end of one, as far as that can be foretold from the answers
 * before. Collector thread only; whoever opens it closes it.
 */
#ifndef COLLECTOR_DAMON_PACE_H
#define COLLECTOR_DAMON_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/err.h"

struct damon_pace {
	int timer_fd;
	uint64_t answered_ns; /* the last answer, or the beginning; CLOCK_MONOTONIC */
	uint64_t interval_ns; /* from one answer to the next, as measured; 0: not yet */
};

#define DAMON_PACE_CLOSED ((struct damon_pace){ .timer_fd = -1 })

/*
 * Pure: an answer has come at now_ns, or (first) the kdamond begins. How long to wait with the next command, for
 * aggregations of aggregation_ns: 0 where they are short.
 */
uint64_t damon_pace_wait_ns(struct damon_pace *pace, bool first, uint64_t now_ns, uint64_t aggregation_ns);

/* 0 or -errno. timer_fd is readable when the command is due. */
int damon_pace_open(struct damon_pace *pace, struct err *err);
/* Sets the timer after damon_pace_wait_ns(); true: the command is due at once. */
bool damon_pace_set(struct damon_pace *pace, bool first, uint64_t aggregation_us);
/* Has the timer run out? Says so once. */
bool damon_pace_is_due(struct damon_pace *pace);
/* It is set, and has not run out. */
bool damon_pace_is_set(const struct damon_pace *pace);
/* A closed one is fine. */
void damon_pace_close(struct damon_pace *pace);

#endif
