/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/walk_budget.h"

/* System calls, however small the target. */
#define FIXED_NS   20000
#define MIN_FACTOR 0.1
/* Of a shorter walk most is not pages and mappings, and says nothing of a longer one. */
#define LEAST_NS 1000000
#define DOUBT	 0.97

static double model_ns(const struct walk_cost *wc, struct walk_size size)
{
	return FIXED_NS + (double)size.nr_pages * wc->page_ns + (double)size.nr_mappings * wc->mapping_ns;
}

uint64_t walk_cost_ns(const struct walk_cost *wc, struct walk_size size)
{
	return (uint64_t)(model_ns(wc, size) * wc->factor);
}

void walk_cost_learn(struct walk_cost *wc, struct walk_size size, uint64_t ns)
{
	double factor = (double)ns / model_ns(wc, size);

	if (factor > wc->max_factor)
		factor = wc->max_factor;
	if (model_ns(wc, size) < LEAST_NS && factor > wc->first_factor)
		factor = wc->first_factor;
	if (factor < wc->factor)
		factor = (3 * wc->factor + factor) / 4;
	wc->factor = factor > MIN_FACTOR ? factor : MIN_FACTOR;
}

void walk_cost_doubt(struct walk_cost *wc)
{
	if (wc->factor * DOUBT > wc->first_factor)
		wc->factor *= DOUBT;
	else if (wc->factor > wc->first_factor)
		wc->factor = wc->first_factor;
}

void walk_purse_fill(struct walk_purse *purse, uint64_t now_ns, uint32_t nr_parts, uint64_t cap_ns)
{
	if (purse->filled_ns && now_ns > purse->filled_ns)
		purse->credit_ns += (double)(now_ns - purse->filled_ns) / 10000 * purse->share_bp / nr_parts;
	purse->filled_ns = now_ns;
	if (purse->credit_ns > (double)cap_ns)
		purse->credit_ns = (double)cap_ns;
}
