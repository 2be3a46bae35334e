/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * region_border.c - policy DATA: the borders that remain after cutting and
 * joining are moved to their likeliest position.
 *
 * A cut sees one region only: where the true border lies just beyond an old
 * one, the strip between them is too small to be cut off. And it sees one
 * aggregation only: while the pattern has not changed, the reports of earlier
 * ones place the border more exactly. And it touches a report, which the true
 * border mostly does not.
 */
#include "collector/region_likelihood.h"

/* An earlier aggregation is of another pattern if chance explains the difference this badly (5 in 1000). */
#define PENALTY_CHANGE 4.0
/* A border stays where it is while it is this likely that the true one is on either side of it: it does not tremble. */
#define MIN_TAIL 0.2
/* Positions less likely than the likeliest by e to this weigh nothing. */
#define MAX_DOUBT 30

/* What two adjacent regions hold between them. */
struct pair {
	struct region *a, *b;
	struct model model;
	const struct evidence_point *points;
	size_t nr_points;
	struct evidence_point lo, hi;
};

/* Do these differ by no more than chance? */
static bool same_pattern(const struct model *m, struct amount a, struct amount b)
{
	return !material(a, b) || log_likelihood_ratio(m, a, b) <= PENALTY_CHANGE;
}

/* One side of a border through the aggregations: hits[0] of the present one, and so on back. */
struct course {
	double hits[EVIDENCE_NR_BACK + 1], pages;
	struct amount since; /* the present one and those that go on like it */
};

/*
 * Does the aggregation nr before belong to the same pattern as those since, and as long as it does, all earlier ones
 * together to that of the present? The second sees what comes in small steps.
 */
static bool goes_on(const struct course *c, const struct model *m, uint32_t nr)
{
	struct amount now = { c->hits[0], c->pages }, then = { c->hits[nr], c->pages };
	struct amount before = { c->since.hits + then.hits - now.hits, c->since.pages };

	return same_pattern(m, then, c->since) && same_pattern(m, now, before);
}

static uint32_t course_open(struct course *c, const struct regions *rs, const struct region *r)
{
	uint32_t nr = evidence_hits(rs, r->start >> PAGE_SHIFT, r->end >> PAGE_SHIFT, c->hits);

	c->pages = (double)region_nr_pages(r);
	c->since = (struct amount){ c->hits[0], c->pages };
	return nr;
}

static void course_take(struct course *c, uint32_t nr)
{
	c->since = both(c->since, (struct amount){ c->hits[nr], c->pages });
}

/*
 * Reports of so many earlier aggregations still speak of the present pattern of both sides. Age does not say that: a
 * change in the midst of an aggregation is two small ones, of which it may have seen neither.
 */
static uint32_t nr_back_of(const struct regions *rs, const struct region *a, const struct region *b)
{
	struct model m = model_of(rs);
	struct course left, right;
	uint32_t max = course_open(&left, rs, a), nr = 0;

	course_open(&right, rs, b);
	while (nr < max && goes_on(&left, &m, nr + 1) && goes_on(&right, &m, nr + 1)) {
		nr++;
		course_take(&left, nr);
		course_take(&right, nr);
	}
	return nr;
}

/* By the reports of the present aggregation and so many before it. */
static void pair_open(struct pair *p, struct regions *rs, size_t i, uint32_t nr_back)
{
	uint64_t start = rs->v[i].start >> PAGE_SHIFT, end = rs->v[i + 1].end >> PAGE_SHIFT;

	*p = (struct pair){ .a = &rs->v[i], .b = &rs->v[i + 1] };
	if (nr_back)
		p->points = evidence_window(rs, start, end, nr_back, &p->nr_points);
	else
		p->points = evidence_points(rs, &p->nr_points);
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

/* The likeliest of the points inside, and how likely it is; 0: there is none. */
static size_t likeliest_point(const struct pair *p, double *likelihood)
{
	size_t first = evidence_first_above(p->points, p->nr_points, p->lo.page), best = 0;

	*likelihood = -HUGE_VAL;
	for (size_t i = first; i < p->nr_points && p->points[i].page < p->hi.page; i++) {
		double x = likelihood_of_border(p, &p->points[i]);

		if (x > *likelihood) {
			*likelihood = x;
			best = i;
		}
	}
	return best;
}

/*
 * How likely a border at each position is, given the densities left and right of the likeliest: its logarithm is linear
 * between two points, for there are no hits, or they are even, between them.
 */
struct odds {
	const struct pair *pair;
	double per_hit, per_page; /* a hit, or a page, more on the left side makes it likelier by this */
	double max;
};

/* The logarithm, up to a constant; 0 at the likeliest point. */
static double log_odds(const struct odds *o, const struct evidence_point *at)
{
	struct amount left = amount_between(&o->pair->lo, at);

	return o->per_hit * left.hits + o->per_page * left.pages - o->max;
}

static struct odds odds_of(const struct pair *p, size_t best)
{
	struct amount left = amount_between(&p->lo, &p->points[best]), right = amount_between(&p->points[best], &p->hi);
	double chances = p->model.chances > 0 ? p->model.chances : 1;
	/* Half a hit more: that a side has none does not mean that it cannot have one. */
	double x = (left.hits + 0.5) / (left.pages * chances + 1), y = (right.hits + 0.5) / (right.pages * chances + 1);
	struct odds o = { .pair = p, .per_hit = log(x / y), .per_page = y - x };

	if (p->model.chances > 0) {
		o.per_page = chances * log((1 - x) / (1 - y));
		o.per_hit -= log((1 - x) / (1 - y));
	}
	o.max = log_odds(&o, &p->points[best]);
	return o;
}

/* The integral of e to what goes from u to v over so many pages. */
static double mass_of(double u, double v, double pages)
{
	if (u < -MAX_DOUBT && v < -MAX_DOUBT)
		return 0;
	return fabs(v - u) < 1e-6 ? pages * exp((u + v) / 2) : pages * (exp(v) - exp(u)) / (v - u);
}

/* After how many pages mass_of() is this. */
static double pages_of_mass(double u, double v, double pages, double mass)
{
	double slope = (v - u) / pages;

	return fabs(v - u) < 1e-6 ? mass / exp((u + v) / 2) : log1p(mass * slope / exp(u)) / slope;
}

/* How likely it is, up to a constant factor, that the border lies below this page. */
static double mass_below(const struct odds *o, uint64_t page)
{
	const struct pair *p = o->pair;
	size_t i = evidence_first_above(p->points, p->nr_points, p->lo.page);
	struct evidence_point at = p->lo;
	double sum = 0;

	for (; at.page < page; i++) {
		struct evidence_point next = i < p->nr_points && p->points[i].page < page
						     ? p->points[i]
						     : evidence_between(p->points, p->nr_points, page);

		sum += mass_of(log_odds(o, &at), log_odds(o, &next), (double)(next.page - at.page));
		at = next;
	}
	return sum;
}

/* The page below which the mass is this. */
static uint64_t page_of_mass(const struct odds *o, double mass)
{
	const struct pair *p = o->pair;
	size_t i = evidence_first_above(p->points, p->nr_points, p->lo.page);
	struct evidence_point at = p->lo;

	for (; i < p->nr_points && at.page < p->hi.page; i++) {
		double u = log_odds(o, &at), v = log_odds(o, &p->points[i]);
		double pages = (double)(p->points[i].page - at.page), more = mass_of(u, v, pages);

		if (more >= mass)
			return at.page + (uint64_t)(fmin(pages_of_mass(u, v, pages, mass), pages) + 0.5);
		mass -= more;
		at = p->points[i];
	}
	return at.page;
}

/*
 * The likeliest border touches a report; the true one is as likely on either side of the median. That is where it comes
 * to, unless it is in the midst of what is likely already.
 */
static uint64_t median_border(const struct pair *p, size_t best)
{
	struct odds o = odds_of(p, best);
	uint64_t now = p->b->start >> PAGE_SHIFT, page;
	double all = mass_below(&o, p->hi.page), below = mass_below(&o, now);

	if (below >= MIN_TAIL * all && below <= (1 - MIN_TAIL) * all)
		return now;
	page = page_of_mass(&o, all / 2);
	if (page <= p->lo.page)
		return p->lo.page + 1;
	return page < p->hi.page ? page : p->hi.page - 1;
}

/* Where these reports have the border. One that is not as good as a cut has to be is the size limit's and stays. */
static uint64_t border_of(const struct pair *p)
{
	double none = log_likelihood(&p->model, amount_between(&p->lo, &p->hi)), likelihood;
	size_t best = likeliest_point(p, &likelihood);

	if (!best || likelihood <= none + penalty_of_cut(p->nr_points))
		return p->b->start >> PAGE_SHIFT;
	return median_border(p, best);
}

static bool differ(const struct model *m, const struct region *a, const struct region *b)
{
	struct amount x = amount_of(a), y = amount_of(b);

	return material(x, y) && log_likelihood_ratio(m, x, y) > PENALTY_JOIN;
}

static uint64_t border_since(struct regions *rs, size_t i, uint32_t nr_back)
{
	struct pair p;

	pair_open(&p, rs, i, nr_back);
	return border_of(&p);
}

/* Do the present reports alone have the border elsewhere, and as clearly as a cut has to be? */
static bool is_contradicted(struct regions *rs, size_t i, uint64_t page)
{
	struct evidence_point at;
	struct pair now;
	double max;

	pair_open(&now, rs, i, 0);
	at = evidence_between(now.points, now.nr_points, page);
	likeliest_point(&now, &max);
	return max > likelihood_of_border(&now, &at) + penalty_of_cut(now.nr_points);
}

/*
 * Earlier reports count only as long as the present ones do not contradict what comes of them: what moves inside of a
 * side leaves the side as hot as it was.
 */
static void place_border(struct regions *rs, size_t i)
{
	struct region *a = &rs->v[i], *b = &rs->v[i + 1];
	uint32_t nr_back = evidence_is_exact(rs) ? nr_back_of(rs, a, b) : 0;
	uint64_t page = border_since(rs, i, nr_back);

	while (nr_back && is_contradicted(rs, i, page)) {
		nr_back /= 2;
		page = border_since(rs, i, nr_back);
	}
	if (page != b->start >> PAGE_SHIFT)
		region_move_border(a, b, page);
}

void regions_place_borders(struct regions *rs)
{
	struct model m = model_of(rs);

	for (size_t i = 0; i + 1 < rs->nr; i++)
		if (rs->v[i].end == rs->v[i + 1].start && differ(&m, &rs->v[i], &rs->v[i + 1]))
			place_border(rs, i);
}
