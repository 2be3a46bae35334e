/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * walk_budget.h - what a walk over all of a target's pages and mappings costs,
 * told before it is begun, and how much of such work may be done.
 *
 * A target may have grown tenfold since the last walk, so what that took says
 * little by itself: the cost is a sum over pages and mappings, known but for one
 * factor of the machine and the moment, and that is learned from each walk. A
 * purse fills with time at a share of one CPU; work is paid out of it, and what
 * has cost more than was told leaves a debt that has to be waited for. Pure; the
 * owner's thread.
 */
#ifndef COLLECTOR_WALK_BUDGET_H
#define COLLECTOR_WALK_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct walk_size {
	uint64_t nr_pages, nr_mappings;
};

struct walk_cost {
	uint32_t page_ns, mapping_ns; /* measured once, on some machine */
	double factor;		      /* of it here and now */
	double first_factor;	      /* before anything is known: rather too much */
	double max_factor;	      /* no single walk is believed more than this: we may have been off the CPU */
};

/* Before the first walk. */
static inline struct walk_cost walk_cost_of(uint32_t page_ns, uint32_t mapping_ns, double first_factor,
					    double max_factor)
{
	return (struct walk_cost){ page_ns, mapping_ns, first_factor, first_factor, max_factor };
}

/* What a walk of this size will take, in ns. */
uint64_t walk_cost_ns(const struct walk_cost *wc, struct walk_size size);
/* One has taken ns. More than expected is believed at once, but for very short walks; less bit by bit. */
void walk_cost_learn(struct walk_cost *wc, struct walk_size size, uint64_t ns);
/* None could be made: a factor above the first one becomes less believed. */
void walk_cost_doubt(struct walk_cost *wc);

struct walk_purse {
	double credit_ns;
	uint64_t filled_ns; /* up to when; 0: never */
	uint32_t share_bp;  /* of one CPU, in 1/10 000 */
};

/* Time has passed, of which this purse has one part of nr_parts. More than cap_ns is not kept. */
void walk_purse_fill(struct walk_purse *purse, uint64_t now_ns, uint32_t nr_parts, uint64_t cap_ns);
static inline bool walk_purse_has(const struct walk_purse *purse, uint64_t ns)
{
	return purse->credit_ns >= (double)ns;
}
static inline void walk_purse_pay(struct walk_purse *purse, uint64_t ns)
{
	purse->credit_ns -= (double)ns;
}

#endif
