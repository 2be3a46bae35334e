/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/window_plan.h"

static uint64_t length_ns(unsigned length)
{
	uint64_t ns = WINDOW_PLAN_SHORT_NS;

	while (length--)
		ns *= WINDOW_PLAN_NEXT;
	return ns;
}

/* The longest nr lengths. */
static unsigned longest(const struct window_plan *plan, unsigned nr)
{
	unsigned all = (1u << plan->nr_lengths) - 1;

	return nr >= plan->nr_lengths ? all : all & ~((1u << (plan->nr_lengths - nr)) - 1);
}

/*
 * How much a length has had so far. A longer window sees more mappings, so that it has more turns than a shorter one:
 * of 25 12, 6, 4 and 3.
 */
static unsigned had(const struct window_plan *plan, unsigned length)
{
	return plan->nr_read[length] * (WINDOW_PLAN_NR_LENGTHS - length);
}

/* Those nr lengths whose turn it is, of equals the longer one. */
static unsigned least_read(const struct window_plan *plan, unsigned nr)
{
	unsigned chosen = 0;

	for (; nr; nr--) {
		unsigned best = WINDOW_PLAN_NR_LENGTHS;

		for (unsigned k = 0; k < plan->nr_lengths; k++)
			if (!(chosen & 1u << k) && (best == WINDOW_PLAN_NR_LENGTHS || had(plan, k) <= had(plan, best)))
				best = k;
		if (best == WINDOW_PLAN_NR_LENGTHS)
			break;
		chosen |= 1u << best;
	}
	return chosen;
}

static void plan_opening(struct window_plan *plan, unsigned nr_reads)
{
	plan->rounds_left = nr_reads < WINDOW_PLAN_OPENING ? nr_reads : WINDOW_PLAN_OPENING;
	plan->lengths = plan->last_lengths = plan->rounds_left ? longest(plan, nr_reads / plan->rounds_left) : 0;
	if (!plan->rounds_left)
		plan->rounds_left = 1;
}

void window_plan_begin(struct window_plan *plan, uint64_t aging_ns, unsigned nr_reads)
{
	unsigned spare;

	plan->nr_lengths = 1;
	while (plan->nr_lengths < WINDOW_PLAN_NR_LENGTHS && length_ns(plan->nr_lengths) * 2 <= aging_ns)
		plan->nr_lengths++;
	plan->opening = !plan->begun;
	plan->begun = true;
	plan->next = 0;
	if (plan->opening) {
		plan_opening(plan, nr_reads);
		return;
	}
	spare = nr_reads > plan->nr_lengths ? nr_reads - plan->nr_lengths : 0;
	plan->rounds_left = 1 + (spare < WINDOW_PLAN_MAX_ROUNDS ? spare : WINDOW_PLAN_MAX_ROUNDS);
	plan->lengths = 1;
	plan->last_lengths = least_read(plan, nr_reads);
}

uint64_t window_plan_next(struct window_plan *plan, uint64_t elapsed_ns)
{
	unsigned lengths = plan->rounds_left > 1 ? plan->lengths : plan->last_lengths;

	for (; plan->next < plan->nr_lengths; plan->next++)
		if ((lengths & 1u << plan->next) && length_ns(plan->next) > elapsed_ns)
			return length_ns(plan->next);
	return 0;
}

void window_plan_done(struct window_plan *plan, bool was_read)
{
	if (plan->next < WINDOW_PLAN_NR_LENGTHS)
		plan->nr_read[plan->next++] += was_read;
}

bool window_plan_next_round(struct window_plan *plan)
{
	if (plan->rounds_left <= 1)
		return false;
	plan->rounds_left--;
	plan->next = 0;
	return true;
}

void window_plan_stop(struct window_plan *plan)
{
	if (plan->rounds_left > 1)
		plan->next = 0; /* those that are younger than the bits are passed over */
	plan->rounds_left = 1;
}
