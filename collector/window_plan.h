/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * window_plan.h - after how long the bits of a clear are read, besides at the
 * end, so that rates are known of mappings that are used often and seldom.
 *
 * A round begins with a clear, and is read when it is 2 ms, 8 ms, 32 ms ... old.
 * The last round of a check is not cleared again, but goes on to be the long
 * window. Each reading costs us, so there are only as many as the caller can
 * afford; the lengths take turns, the longer ones more often. At the
 * very beginning there are some rounds of longer windows: accesses come in
 * bursts, and one window of each length cannot tell what is used all the time
 * from what was just used. Pure; the owner's thread.
 */
#ifndef COLLECTOR_WINDOW_PLAN_H
#define COLLECTOR_WINDOW_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#define WINDOW_PLAN_SHORT_NS   UINT64_C(2000000)
#define WINDOW_PLAN_NEXT       4  /* each length is so many times the one before */
#define WINDOW_PLAN_NR_LENGTHS 4  /* up to 128 ms */
#define WINDOW_PLAN_MAX_ROUNDS 10 /* of the shortest, before the last round of a check */
#define WINDOW_PLAN_OPENING    3  /* rounds of the first check */

struct window_plan {
	bool begun;				  /* a check has been planned */
	bool opening;				  /* this check is the first */
	unsigned nr_lengths;			  /* that are short against the aging interval */
	unsigned rounds_left;			  /* this one included; 1: it goes on */
	unsigned lengths, last_lengths;		  /* bits: to be read in a round, in the last one */
	unsigned next;				  /* length */
	unsigned nr_read[WINDOW_PLAN_NR_LENGTHS]; /* so far */
};

/* A check begins, of which nr_reads readings can be afforded; more readings may need clears of their own. */
void window_plan_begin(struct window_plan *plan, uint64_t aging_ns, unsigned nr_reads);
/* The bits are elapsed_ns old: at which age they are read next; 0: in this round not any more. */
uint64_t window_plan_next(struct window_plan *plan, uint64_t elapsed_ns);
/* A window that was due has been read, or had to be left out. */
void window_plan_done(struct window_plan *plan, bool was_read);
/* The round is over, another one begins with a clear; false: this one goes on. */
bool window_plan_next_round(struct window_plan *plan);
/* No more rounds in this check. */
void window_plan_stop(struct window_plan *plan);

#endif
