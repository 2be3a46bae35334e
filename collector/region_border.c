/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * region_border.c - policy DATA: the borders that remain after cutting and
 * joining are moved to their likeliest position.
 *
 * A cut sees one region only: where the true border lies just beyond an old
 * one, the strip between them is too small to be cut off. And it sees one
 * aggregation only: while the pattern has not changed, the reports of earlier
 * ones place the border more exactly.
 */
#include "collector/region_likelihood.h"

/* A border is moved if that explains the evidence better by this: it does not tremble with every report. */
#define MIN_GAIN 1.0
/* The border lies somewhere behind the last report of the denser side: half of such waits are longer than ln 2. */
#define MEDIAN_WAIT 0.69

/* What two adjacent regions hold between them. */
struct pair {
	struct region *a, *b;
	struct model model;
	const struct evidence_point *points;
	size_t nr_points;
	struct evidence_point lo, hi;
};

/* Reports of so many earlier aggregations still speak of the present pattern of both. */
static uint32_t nr_back_of(const struct region *a, const struct region *b)
{
	uint32_t age = a->age < b->age ? a->age : b->age;

	return age < EVIDENCE_NR_BACK ? age : EVIDENCE_NR_BACK;
}

static void pair_open(struct pair *p, struct regions *rs, size_t i)
{
	uint64_t start = rs->v[i].start >> PAGE_SHIFT, end = rs->v[i + 1].end >> PAGE_SHIFT;
	uint32_t nr_back = 0;

	*p = (struct pair){ .a = &rs->v[i], .b = &rs->v[i + 1] };
	if (evidence_is_exact(rs)) {
		nr_back = nr_back_of(p->a, p->b);
		p->points = evidence_window(rs, start, end, nr_back, &p->nr_points);
	} else {
		p->points = evidence_points(rs, &p->nr_points);
	}
	p->model = model_of(rs);
	/* Of as many checks as there were; the number of an earlier aggregation was nearly the same. */
	p->model.chances *= 1 + nr_back;
	p->lo = evidence_between(p->points, p->nr_points, start);
	p->hi = evidence_between(p->points, p->nr_points, end);
}

static double likelihood_of_border(const struct pair *p, const struct evidence_point *at)
{
	return log_likelihood(&p->model, amount_between(&p->lo, at)) +
	       log_likelihood(&p->model, amount_between(at, &p->hi));
}

/*
 * The likeliest of the points inside, if it is likelier than the border is by MIN_GAIN, and as good as a cut would have
 * to be: borders that are but the size limit's stay where they are. Else 0.
 */
static size_t likeliest_point(const struct pair *p)
{
	double none = log_likelihood(&p->model, amount_between(&p->lo, &p->hi));
	struct evidence_point now = evidence_between(p->points, p->nr_points, p->b->start >> PAGE_SHIFT);
	double max = likelihood_of_border(p, &now) + MIN_GAIN;
	size_t first = evidence_first_above(p->points, p->nr_points, p->lo.page);
	size_t best = 0;

	for (size_t i = first; i < p->nr_points && p->points[i].page < p->hi.page; i++) {
		double likelihood = likelihood_of_border(p, &p->points[i]);

		if (likelihood > max) {
			max = likelihood;
			best = i;
		}
	}
	return max > none + penalty_of_cut(p->nr_points) ? best : 0;
}

/*
 * The likeliest border touches the last report of the denser side, the true one lies behind it: by the median of the
 * wait for one more, but before the first report of the other side.
 */
static uint64_t behind_last_report(const struct pair *p, size_t i)
{
	struct amount left = amount_between(&p->lo, &p->points[i]), right = amount_between(&p->points[i], &p->hi);
	double density_left = left.hits / left.pages, density_right = right.hits / right.pages;
	double wait = MEDIAN_WAIT / fmax(density_left, density_right);
	uint64_t page = p->points[i].page, room;

	if (density_left > density_right) {
		room = p->points[i + 1].page - page;
		return page + (wait < (double)room / 2 ? (uint64_t)wait : room / 2);
	}
	room = page - p->points[i - 1].page;
	return page - (wait < (double)room / 2 ? (uint64_t)wait : room / 2);
}

static bool differ(const struct model *m, const struct region *a, const struct region *b)
{
	struct amount x = amount_of(a), y = amount_of(b);

	return material(x, y) && log_likelihood_ratio(m, x, y) > PENALTY_JOIN;
}

static void place_border(struct regions *rs, size_t i)
{
	struct pair p;
	size_t best;

	pair_open(&p, rs, i);
	best = likeliest_point(&p);
	if (best)
		region_move_border(p.a, p.b, behind_last_report(&p, best));
}

void regions_place_borders(struct regions *rs)
{
	struct model m = model_of(rs);

	for (size_t i = 0; i + 1 < rs->nr; i++)
		if (rs->v[i].end == rs->v[i + 1].start && differ(&m, &rs->v[i], &rs->v[i + 1]))
			place_border(rs, i);
}
