/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * region_cut.c - policy DATA: where the reports say that the density changes.
 */
#include "collector/region_internal.h"
#include "collector/region_likelihood.h"

/* Fewer reports than this do not make a picture. */
#define MIN_REPORTS_TO_CUT 3
/* More candidates than this are not all looked at. */
#define MAX_FIRST_LOOKS 1024
/* A region falls into at most 2^this parts at once; the next aggregation goes on. */
#define MAX_CUT_DEPTH 32

/* ---- cutting ----------------------------------------------------------------------------------- */

struct cutter {
	struct regions *rs;
	struct model model;
	const struct evidence_point *points;
	size_t nr_points;
	size_t nr; /* regions pushed */
};

struct cut {
	size_t at; /* index of the point, or 0 */
	double ratio;
};

/* Looks at every stride-th of the points [first, last) and keeps the best. */
static void look_for_cut(const struct cutter *c, const struct evidence_point *lo, const struct evidence_point *hi,
			 size_t first, size_t last, size_t stride, struct cut *best)
{
	double whole = log_likelihood(&c->model, amount_between(lo, hi));

	for (size_t i = first; i < last; i += stride) {
		struct amount left = amount_between(lo, &c->points[i]);
		struct amount right = amount_between(&c->points[i], hi);
		double ratio = log_likelihood(&c->model, left) + log_likelihood(&c->model, right) - whole;

		if (ratio > best->ratio && material(left, right))
			*best = (struct cut){ i, ratio };
	}
}

/*
 * The best of the points between lo and hi, which need not be among them. Of very many points some are looked at first
 * and then all near the best of these: near points divide nearly the same reports.
 */
static struct cut best_cut(const struct cutter *c, const struct evidence_point *lo, const struct evidence_point *hi,
			   size_t first, size_t last)
{
	size_t stride = 1 + (last - first) / MAX_FIRST_LOOKS;
	struct cut best = { 0, 0 };

	look_for_cut(c, lo, hi, first, last, stride, &best);
	if (stride > 1 && best.ratio > 0) {
		size_t from = best.at - first > stride ? best.at - stride : first;
		size_t to = last - best.at > stride ? best.at + stride : last;

		look_for_cut(c, lo, hi, from, to, 1, &best);
	}
	return best;
}

/* Pushes r in as many parts as the evidence says; [first, last) are the points inside of it. */
static void push_cut(struct cutter *c, struct region r, struct evidence_point lo, struct evidence_point hi,
		     size_t first, size_t last, unsigned depth)
{
	for (; first < last && depth < MAX_CUT_DEPTH && hi.reports - lo.reports >= MIN_REPORTS_TO_CUT; depth++) {
		struct cut cut = best_cut(c, &lo, &hi, first, last);
		struct evidence_point at = c->points[cut.at];
		struct region right;

		if (cut.ratio <= penalty_of_cut(last - first))
			break;
		right = region_split_at(&r, at.page << PAGE_SHIFT);
		push_cut(c, r, lo, at, first, cut.at, depth + 1);
		r = right;
		lo = at;
		first = cut.at + 1;
	}
	regions_push(c->rs, &c->nr, &r);
}

void regions_cut(struct regions *rs)
{
	struct cutter c = { .rs = rs, .model = model_of(rs) };

	c.points = evidence_points(rs, &c.nr_points);
	for (size_t i = 0; i < rs->nr; i++) {
		uint64_t start = rs->v[i].start >> PAGE_SHIFT, end = rs->v[i].end >> PAGE_SHIFT;

		push_cut(&c, rs->v[i], evidence_at(rs, start), evidence_at(rs, end),
			 evidence_first_above(c.points, c.nr_points, start),
			 evidence_first_above(c.points, c.nr_points, end - 1), 0);
	}
	regions_take_scratch(rs, c.nr);
}
