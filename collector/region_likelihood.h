/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * region_likelihood.h - how much two neighbouring ranges differ: by how much
 * two densities explain the reports better than one (the log-likelihood
 * ratio). For the region files alone. Pure.
 */
#ifndef COLLECTOR_REGION_LIKELIHOOD_H
#define COLLECTOR_REGION_LIKELIHOOD_H

#include <math.h>

#include "collector/region_internal.h"

/* A cut needs this much, and more the more positions were candidates: see penalty_of_cut(). */
#define PENALTY_CUT 7.0
/* A border stays while its two sides differ by this much: less than a cut needs, so that borders do not flicker. */
#define PENALTY_JOIN 3.0
/* Densities nearer than this share of the larger one look the same on any screen, however certain the difference. */
#define MIN_DIFFERENCE 0.125

/* Hits in so many pages. */
struct amount {
	double hits, pages;
};

/* How hits are judged: with chances > 0 as hits out of so many chances a page, else as an open-ended count. */
struct model {
	double chances;
};

static inline double x_log_ratio(double x, double y)
{
	return x > 0 ? x * log(x / y) : 0;
}

/* The log-likelihood of hits at their own density, up to what is the same for any division of the pages. */
static inline double log_likelihood(const struct model *m, struct amount a)
{
	double n = a.pages * m->chances;

	if (m->chances <= 0)
		return x_log_ratio(a.hits, a.pages);
	if (a.hits >= n)
		return 0;
	return x_log_ratio(a.hits, n) + x_log_ratio(n - a.hits, n);
}

static inline struct amount both(struct amount a, struct amount b)
{
	return (struct amount){ a.hits + b.hits, a.pages + b.pages };
}

/* By how much two densities explain the hits better than one: >= 0, about half a chi-square of 1 by chance. */
static inline double log_likelihood_ratio(const struct model *m, struct amount a, struct amount b)
{
	return log_likelihood(m, a) + log_likelihood(m, b) - log_likelihood(m, both(a, b));
}

/* Is the difference one that anybody would care about? */
static inline bool material(struct amount a, struct amount b)
{
	double x = a.hits / a.pages, y = b.hits / b.pages;

	return fabs(x - y) > MIN_DIFFERENCE * fmax(x, y);
}

static inline struct model model_of(const struct regions *rs)
{
	return (struct model){ rs->count == REGION_COUNT_CHECKS ? fmax(rs->nr_checks, 1) : 0 };
}

/* The evidence between two points. */
static inline struct amount amount_between(const struct evidence_point *a, const struct evidence_point *b)
{
	return (struct amount){ b->hits - a->hits, (double)(b->page - a->page) };
}

static inline struct amount amount_of(const struct region *r)
{
	return (struct amount){ (double)r->nr_hits, (double)region_nr_pages(r) };
}

/*
 * The largest of many ratios is larger by chance than one. By how much grows with the logarithm of their range only,
 * for neighbouring candidates see nearly the same reports.
 */
static inline double penalty_of_cut(size_t nr_candidates)
{
	return PENALTY_CUT + log(1 + log(1 + (double)nr_candidates));
}

#endif
