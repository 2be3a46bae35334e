/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * region_sim.h - synthetic targets of which the truth is known, and a judge:
 * shared by tests/bench/bench_region.c and tests/unit/test_region_truth.c.
 *
 * A scene has hot ranges that move once, which may be in the midst of a
 * second. Samples: each is hot with a given probability and uniform within the
 * hot or the cold memory. Harvests: every page is found accessed with a
 * probability, and runs of such pages are reported, 2 MiB at most each, as the
 * BPF program does. The judge ranks regions by heat, takes them until the hot
 * size is reached (the last one in part), and measures how much of it is truly
 * hot. The heat's error is the part of it that is not where it belongs.
 */
#ifndef TESTS_REGION_SIM_H
#define TESTS_REGION_SIM_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "collector/region.h"

#define SIM_KIB		 UINT64_C(1024)
#define SIM_MIB		 (UINT64_C(1024) * SIM_KIB)
#define SIM_NR_RANGES	 512
#define SIM_NR_HOT	 64
#define SIM_BASE	 UINT64_C(0x7f1200000000)
#define SIM_CHECKS_A_SEC 5

struct sim_scene {
	const char *name;
	enum region_count count;
	double p_hot, p_cold;	/* harvests: that a check finds a page accessed */
	unsigned reports_a_sec; /* samples */
	double hot_share;
	double own_share; /* of the samples, in own */
	struct range own;
	bool sequential; /* the hot accesses walk through the hot memory again and again */
	size_t nr_ranges;
	struct range ranges[SIM_NR_RANGES];
	size_t nr_hot;
	struct range hot[2][SIM_NR_HOT]; /* before and after the move */
	double moves_at;		 /* s */
};

struct sim {
	const struct sim_scene *scene;
	struct rng rng;
	struct regions rs;
	struct attrs attrs;
	int phase;
	unsigned sec; /* how many are over */
	double walk;  /* bytes into the hot memory */
};

static inline struct attrs sim_attrs(enum region_policy policy)
{
	return (struct attrs){ .aging_us = 200000,
			       .aggregation_us = 1000000,
			       .update_us = 1000000,
			       .min_nr_regions = 10,
			       .max_nr_regions = 1000,
			       .policy = policy };
}

static inline uint64_t sim_bytes(const struct range *v, size_t nr)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < nr; i++)
		sum += v[i].end - v[i].start;
	return sum;
}

/* The address of the at-th byte of these ranges. */
static inline uint64_t sim_address(const struct range *v, size_t nr, uint64_t at)
{
	for (size_t i = 0; i < nr; i++) {
		if (at < v[i].end - v[i].start)
			return v[i].start + at;
		at -= v[i].end - v[i].start;
	}
	abort();
}

static inline uint64_t sim_overlap(const struct range *v, size_t nr, uint64_t start, uint64_t end)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < nr; i++) {
		uint64_t a = v[i].start > start ? v[i].start : start;
		uint64_t b = v[i].end < end ? v[i].end : end;

		sum += b > a ? b - a : 0;
	}
	return sum;
}

static inline uint64_t sim_one_address(struct sim *sim)
{
	const struct sim_scene *s = sim->scene;
	const struct range *hot = s->hot[sim->phase];
	uint64_t hot_bytes = sim_bytes(hot, s->nr_hot), addr;

	if (rng_unit(&sim->rng) < s->own_share)
		return s->own.start + rng_below(&sim->rng, s->own.end - s->own.start);
	if (rng_unit(&sim->rng) < s->hot_share) {
		if (!s->sequential)
			return sim_address(hot, s->nr_hot, rng_below(&sim->rng, hot_bytes) & ~UINT64_C(63));
		/* Timer samples of a walk at some GB/s: far apart, with a jitter. */
		sim->walk = fmod(sim->walk + (5.3 + rng_unit(&sim->rng)) * (double)SIM_MIB, (double)hot_bytes);
		return sim_address(hot, s->nr_hot, (uint64_t)sim->walk & ~UINT64_C(7));
	}
	do
		addr = sim_address(s->ranges, s->nr_ranges,
				   rng_below(&sim->rng, sim_bytes(s->ranges, s->nr_ranges)) & ~UINT64_C(63));
	while (sim_overlap(hot, s->nr_hot, addr, addr + 1));
	return addr;
}

static inline int sim_by_start(const void *va, const void *vb)
{
	const struct report *a = va, *b = vb;

	return (a->start > b->start) - (a->start < b->start);
}

static inline void sim_open(struct sim *sim, const struct sim_scene *scene, enum region_policy policy, uint64_t seed)
{
	*sim = (struct sim){ .scene = scene, .rng = rng_seeded(seed), .attrs = sim_attrs(policy) };
	regions_init(&sim->rs, scene->count);
	regions_set_ranges(&sim->rs, scene->ranges, scene->nr_ranges, &sim->attrs);
}

/* Those of one check; each is of the phase that is at its time. */
static inline void sim_samples(struct sim *sim, unsigned check)
{
	unsigned a_sec = sim->scene->reports_a_sec, first = a_sec * check / SIM_CHECKS_A_SEC;
	unsigned nr = a_sec * (check + 1) / SIM_CHECKS_A_SEC - first;
	struct report *v = calloc(nr + 1, sizeof(*v));

	for (unsigned i = 0; i < nr; i++) {
		uint64_t addr;

		sim->phase = sim->sec + (first + i + 0.5) / a_sec >= sim->scene->moves_at;
		addr = sim_one_address(sim);
		v[i] = (struct report){ .start = addr, .end = addr + 8, .count = 1 };
	}
	qsort(v, nr, sizeof(*v), sim_by_start);
	regions_add(&sim->rs, v, nr);
	free(v);
}

static inline bool sim_page_accessed(struct sim *sim, uint64_t addr)
{
	const struct sim_scene *s = sim->scene;
	bool hot = sim_overlap(s->hot[sim->phase], s->nr_hot, addr, addr + PAGE_BYTES);

	return rng_unit(&sim->rng) < (hot ? s->p_hot : s->p_cold);
}

/* One harvest of one range, a report for each run of accessed pages. */
static inline void sim_harvest(struct sim *sim, const struct range *range)
{
	struct report run = { 0 };

	for (uint64_t addr = range->start; addr < range->end; addr += PAGE_BYTES) {
		bool accessed = sim_page_accessed(sim, addr);

		if (run.count && (!accessed || addr % (2 * SIM_MIB) == 0)) {
			regions_add(&sim->rs, &run, 1);
			run.count = 0;
		}
		if (!accessed)
			continue;
		if (!run.count)
			run.start = addr;
		run.end = addr + PAGE_BYTES;
		run.count++;
	}
	if (run.count)
		regions_add(&sim->rs, &run, 1);
}

/* One second, which ends with regions_aggregate(): the result is in sim->rs. False: the move was within it. */
static inline bool sim_second(struct sim *sim, struct rng *split)
{
	double moves_at = sim->scene->moves_at;
	bool mixed = moves_at > sim->sec && moves_at < sim->sec + 1;

	sim->phase = sim->sec >= moves_at;
	regions_begin(&sim->rs, &sim->attrs, split);
	for (unsigned check = 0; check < SIM_CHECKS_A_SEC; check++) {
		if (sim->scene->count == REGION_COUNT_EVENTS)
			sim_samples(sim, check);
		else
			for (size_t i = 0; i < sim->scene->nr_ranges; i++)
				sim_harvest(sim, &sim->scene->ranges[i]);
		regions_end_check(&sim->rs);
	}
	regions_aggregate(&sim->rs, &sim->attrs);
	sim->sec++;
	return !mixed;
}

static inline double sim_heat(const struct region *r)
{
	return r->even_hits / (double)(r->end - r->start);
}

static inline int sim_by_heat(const void *va, const void *vb)
{
	const struct region *a = *(const struct region *const *)va, *b = *(const struct region *const *)vb;
	double x = sim_heat(a), y = sim_heat(b);

	if (x != y)
		return x > y ? -1 : 1;
	return a < b ? -1 : 1;
}

/* Share of the hottest regions, as many as the hot memory is large, that is truly hot. */
static inline double sim_judge(const struct sim *sim)
{
	const struct sim_scene *s = sim->scene;
	const struct range *hot = s->hot[sim->phase];
	uint64_t want = sim_bytes(hot, s->nr_hot), left = want;
	const struct region **order = malloc(sim->rs.nr * sizeof(*order));
	double found = 0;

	for (size_t i = 0; i < sim->rs.nr; i++)
		order[i] = &sim->rs.v[i];
	qsort(order, sim->rs.nr, sizeof(*order), sim_by_heat);
	for (size_t i = 0; i < sim->rs.nr && left; i++) {
		uint64_t sz = order[i]->end - order[i]->start, take = sz < left ? sz : left;

		found +=
			(double)sim_overlap(hot, s->nr_hot, order[i]->start, order[i]->end) * (double)take / (double)sz;
		left -= take;
	}
	free(order);
	return found / (double)want;
}

/*
 * Of the heat outside of the scene's own: how much is elsewhere than in truth, 0 to 1 (the distance of total
 * variation). For samples only.
 */
static inline double sim_heat_error(const struct sim *sim)
{
	const struct sim_scene *s = sim->scene;
	const struct range *hot = s->hot[sim->phase];
	double hot_bytes = (double)sim_bytes(hot, s->nr_hot), sum = 0, all = 0, error = 0;
	double cold = (1 - s->hot_share) / ((double)sim_bytes(s->ranges, s->nr_ranges) - hot_bytes);
	double heat = s->hot_share / hot_bytes;

	/* What was found, and what there is, each as a share of its sum. */
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < sim->rs.nr; i++) {
			const struct region *r = &sim->rs.v[i];
			double in_hot = (double)sim_overlap(hot, s->nr_hot, r->start, r->end);
			double in_cold = (double)(r->end - r->start) - in_hot;

			if (sim_overlap(&s->own, 1, r->start, r->end))
				continue;
			if (!pass) {
				sum += r->even_hits;
				all += in_hot * heat + in_cold * cold;
			} else if (sum > 0) {
				error += in_hot * fabs(sim_heat(r) / sum - heat / all) / 2;
				error += in_cold * fabs(sim_heat(r) / sum - cold / all) / 2;
			}
		}
	}
	return error;
}

/* ---- the scenes -------------------------------------------------------------------------------- */

static inline struct range sim_at(double start_mib, double mib)
{
	uint64_t start = SIM_BASE + (uint64_t)((int64_t)(start_mib * 256) * (int64_t)PAGE_BYTES);

	return (struct range){ start, start + ((uint64_t)(mib * 256) << PAGE_SHIFT) };
}

static inline struct sim_scene sim_random_reads(void)
{
	return (struct sim_scene){ .name = "128 of 512 MiB, random",
				   .reports_a_sec = 250,
				   .hot_share = 0.9,
				   .nr_ranges = 1,
				   .ranges = { sim_at(0, 512) },
				   .nr_hot = 1,
				   .hot = { { sim_at(71.3, 128) }, { sim_at(300.7, 128) } },
				   .moves_at = 8 };
}

static inline struct sim_scene sim_sequential_writes(void)
{
	struct sim_scene s = sim_random_reads();

	s.name = "128 of 512 MiB, sequential";
	s.sequential = true;
	return s;
}

static inline struct sim_scene sim_two_ranges(void)
{
	struct sim_scene s = sim_random_reads();

	s.name = "2 x 64 of 512 MiB";
	s.nr_hot = 2;
	s.hot[0][0] = sim_at(33.1, 64);
	s.hot[0][1] = sim_at(407.9, 64);
	s.hot[1][0] = sim_at(130.6, 64);
	s.hot[1][1] = sim_at(222.2, 64);
	return s;
}

static inline struct sim_scene sim_small_spot(void)
{
	struct sim_scene s = sim_random_reads();

	s.name = "1 MiB of 1 GiB";
	s.ranges[0] = sim_at(0, 1024);
	s.hot[0][0] = sim_at(611.3, 1);
	s.hot[1][0] = sim_at(77.7, 1);
	return s;
}

static inline struct sim_scene sim_sparse(void)
{
	struct sim_scene s = { .name = "40 of 400 x 64 KiB", .reports_a_sec = 60, .hot_share = 0.9, .moves_at = 8 };

	s.nr_ranges = 400;
	s.nr_hot = 40;
	for (size_t i = 0; i < 400; i++)
		s.ranges[i] = sim_at((double)i, 0.0625);
	for (size_t i = 0; i < 40; i++) {
		s.hot[0][i] = sim_at((double)(7 + 10 * i), 0.0625);
		s.hot[1][i] = sim_at((double)(3 + 10 * i - i % 3), 0.0625);
	}
	return s;
}

/* A target that is mostly idle. */
static inline struct sim_scene sim_few_reports(void)
{
	struct sim_scene s = sim_random_reads();

	s.name = "the same, 60 reports/s";
	s.reports_a_sec = 60;
	return s;
}

/*
 * The workload seqwrite as the clock sees it, measured: 9 of 10 accesses are sequential writes to the hot range, but as
 * a random read takes that much longer, half of the samples only. The move is in the midst of a second.
 */
static inline struct sim_scene sim_half_of_the_time(uint64_t seed)
{
	struct rng rng = rng_seeded(seed);
	struct sim_scene s = sim_random_reads();

	s.name = "half of the time in 128 MiB";
	s.reports_a_sec = 207;
	s.hot_share = 0.51;
	s.own_share = 0.05;
	s.nr_ranges = 4;
	s.ranges[0] = sim_at(0, 520);
	s.ranges[1] = sim_at(530, 2.7);
	s.ranges[2] = sim_at(540, 0.25);
	s.ranges[3] = sim_at(5000, 0.125);
	s.own = (struct range){ s.ranges[3].start, s.ranges[3].start + PAGE_BYTES };
	s.hot[0][0] = sim_at(64, 128);
	s.hot[1][0] = sim_at(300, 128);
	s.moves_at = 7 + rng_unit(&rng);
	return s;
}

static inline double sim_log_uniform(struct rng *rng, double min, double max)
{
	return min * exp(rng_unit(rng) * log(max / min));
}

/* One or two hot ranges anywhere in [0, mib), together of so many MiB. */
static inline void sim_put_hot(struct range *hot, size_t nr, double mib, double hot_mib, struct rng *rng)
{
	double a = rng_unit(rng) * (mib - hot_mib), b = rng_unit(rng) * (mib - hot_mib), each = hot_mib / (double)nr;

	hot[0] = sim_at(fmin(a, b), each);
	if (nr > 1)
		hot[1] = sim_at(fmax(a, b) + each, each);
}

/*
 * Any plan: 64 MiB to 4 GiB, of which 2 to 50 % are 2.5 to 40 times as hot as the rest, in one range or two; 50 to 1000
 * samples a second, of which up to a third are elsewhere.
 */
static inline struct sim_scene sim_any(uint64_t seed)
{
	struct rng rng = rng_seeded(seed);
	double mib = sim_log_uniform(&rng, 64, 4096), share = sim_log_uniform(&rng, 0.02, 0.5);
	double times = sim_log_uniform(&rng, 2.5, 40);
	struct sim_scene s = { .name = "any", .reports_a_sec = (unsigned)sim_log_uniform(&rng, 50, 1000) };

	s.own_share = rng_unit(&rng) * 0.35;
	s.hot_share = times * share / (times * share + 1 - share);
	s.nr_ranges = 2 + rng_below(&rng, 3);
	s.ranges[0] = sim_at(0, mib);
	for (size_t i = 1; i < s.nr_ranges; i++)
		s.ranges[i] = sim_at(mib + 100 + 10 * (double)i, 0.25);
	s.own = (struct range){ s.ranges[1].start, s.ranges[1].start + PAGE_BYTES };
	s.nr_hot = 1 + rng_below(&rng, 2);
	sim_put_hot(s.hot[0], s.nr_hot, mib, mib * share, &rng);
	sim_put_hot(s.hot[1], s.nr_hot, mib, mib * share, &rng);
	s.moves_at = 5 + 5 * rng_unit(&rng);
	return s;
}

/* As a process is: a third of the time goes to its own few structures, and there are libraries and a stack. */
static inline struct sim_scene sim_process(void)
{
	struct sim_scene s = sim_random_reads();

	s.name = "the same in a process";
	s.nr_ranges = 16;
	s.ranges[0] = sim_at(-30000, 0.125);
	s.ranges[1] = sim_at(-29000, 0.03125);
	s.ranges[2] = sim_at(0, 512);
	for (size_t i = 3; i < 16; i++)
		s.ranges[i] = sim_at(600 + 8 * (double)i, i % 3 ? 0.25 : 1.5);
	s.own_share = 0.35;
	s.own = (struct range){ s.ranges[0].start, s.ranges[0].start + PAGE_BYTES };
	return s;
}

/* Random accesses at full speed: every hot page and half of the cold ones within one aging interval. */
static inline struct sim_scene sim_harvest_dense(void)
{
	struct sim_scene s = sim_random_reads();

	s.name = "harvest, 64 of 512 MiB";
	s.count = REGION_COUNT_CHECKS;
	s.p_hot = 0.99;
	s.p_cold = 0.5;
	s.hot[0][0] = sim_at(71.3, 64);
	s.hot[1][0] = sim_at(300.7, 64);
	return s;
}

static inline struct sim_scene sim_harvest_sparse(void)
{
	struct sim_scene s = sim_sparse();

	s.name = "harvest, 40 of 400 x 64 KiB";
	s.count = REGION_COUNT_CHECKS;
	s.p_hot = 0.95;
	s.p_cold = 0.05;
	return s;
}

#endif
