/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_region: how well regions find what is hot, by policy, on the same
 * reports; and what they cost. Prints a table; judges nothing.
 */
#include <stdio.h>

#include "collector/clock.h"
#include "tests/region_sim.h"

#define NR_SECONDS 16
#ifndef NR_SEEDS
#define NR_SEEDS 40 /* runs; fewer where every page is simulated */
#endif

static int by_value(const void *va, const void *vb)
{
	double a = *(const double *)va, b = *(const double *)vb;

	return (a > b) - (a < b);
}

static double quantile(double *v, size_t nr, double q)
{
	qsort(v, nr, sizeof(*v), by_value);
	return v[(size_t)(q * (double)(nr - 1))];
}

static double mean(const double *v, size_t nr)
{
	double sum = 0;

	for (size_t i = 0; i < nr; i++)
		sum += v[i] / (double)nr;
	return sum;
}

/* The scene; or one of each seed. */
static void run_scene(struct sim_scene scene, struct sim_scene (*scene_of)(uint64_t seed), enum region_policy policy)
{
	double all[NR_SEEDS * NR_SECONDS], error[NR_SEEDS * NR_SECONDS];
	double first[NR_SEEDS], start[NR_SEEDS], worst[NR_SEEDS], nr_regions = 0;
	size_t nr = scene.count == REGION_COUNT_CHECKS ? 3 : NR_SEEDS, nr_all = 0, nr_missed = 0;

	for (size_t seed = 0; seed < nr; seed++) {
		struct rng split = rng_seeded(1000 + seed);
		bool moved = false;
		struct sim sim;

		if (scene_of)
			scene = scene_of(seed);
		sim_open(&sim, &scene, policy, seed);
		worst[seed] = 1;
		while (sim.sec < NR_SECONDS) {
			bool whole = sim_second(&sim, &split);
			double overlap = sim_judge(&sim);

			if (!whole)
				continue;
			error[nr_all] = sim_heat_error(&sim);
			all[nr_all++] = overlap;
			worst[seed] = overlap < worst[seed] ? overlap : worst[seed];
			first[seed] = sim.phase && !moved ? overlap : first[seed];
			start[seed] = sim.sec == 1 ? overlap : start[seed];
			moved = sim.phase;
			nr_regions += (double)sim.rs.nr;
		}
		nr_missed += worst[seed] < 0.85;
		regions_free(&sim.rs);
	}
	printf("%-27s %-7s %.3f   %.3f %.3f   %.3f %.3f   %.3f %.3f   %3.0f %%   ", scene.name,
	       policy == REGION_POLICY_DATA ? "data" : "random", quantile(all, nr_all, 0.5), quantile(worst, nr, 0.5),
	       quantile(worst, nr, 0), quantile(start, nr, 0.5), quantile(start, nr, 0), quantile(first, nr, 0.5),
	       quantile(first, nr, 0), 100 * (double)nr_missed / (double)nr);
	if (scene.count == REGION_COUNT_EVENTS)
		printf("%.3f   ", mean(error, nr_all));
	else
		printf("-       ");
	printf("%.0f\n", nr_regions / (double)nr_all);
}

/* ---- what could be known ------------------------------------------------------------------------- */

#define NR_CELLS   520 /* of 1 MiB */
#define HOT_CELL   64
#define NR_HOT	   128
#define NR_ORACLES 4000

/* With this mean. */
static unsigned poisson(struct rng *rng, double mean)
{
	double p = rng_unit(rng), limit = exp(-mean);
	unsigned n = 0;

	for (; p > limit; n++)
		p *= rng_unit(rng);
	return n;
}

static double overlap_of(int start, int end)
{
	int from = start > HOT_CELL ? start : HOT_CELL, to = end < HOT_CELL + NR_HOT ? end : HOT_CELL + NR_HOT;
	double inside = to > from ? to - from : 0, size = end - start;

	if (size >= NR_HOT)
		return inside / size;
	/* What is lacking is taken from all of the rest. */
	return (inside + (NR_HOT - size) * (NR_HOT - inside) / (NR_CELLS - size)) / NR_HOT;
}

static int median_of(const double *weights)
{
	double sum = 0, half = 0;
	int i = 0;

	for (int k = 0; k <= NR_CELLS; k++)
		half += weights[k] / 2;
	while (i < NR_CELLS && (sum += weights[i]) < half)
		i++;
	return i;
}

/*
 * One second of sim_half_of_the_time(), judged by who knows that there is one hot range, and both densities: start and
 * end are the medians of all that they may be, each pair weighed by its likelihood.
 */
static double oracle(struct rng *rng, double hot, double cold)
{
	double up_to[NR_CELLS + 1] = { 0 }, start[NR_CELLS + 1] = { 0 }, end[NR_CELLS + 1] = { 0 }, sum = 0;

	for (int i = 0; i < NR_CELLS; i++) {
		bool is_hot = i >= HOT_CELL && i < HOT_CELL + NR_HOT;

		up_to[i + 1] = up_to[i] + poisson(rng, is_hot ? hot : cold) * log(hot / cold) - (hot - cold);
	}
	for (int i = 1; i <= NR_CELLS; i++) {
		sum += exp(-up_to[i - 1]);
		end[i] = sum * exp(up_to[i]);
	}
	sum = 0;
	for (int i = NR_CELLS - 1; i >= 0; i--) {
		sum += exp(up_to[i + 1]);
		start[i] = sum * exp(-up_to[i]);
	}
	return overlap_of(median_of(start), median_of(end));
}

static void run_oracle(double reports_a_sec)
{
	struct sim_scene scene = sim_half_of_the_time(0);
	double reports = reports_a_sec * (1 - scene.own_share), v[NR_ORACLES];
	struct rng rng = rng_seeded(7);
	size_t nr_missed = 0;

	for (size_t i = 0; i < NR_ORACLES; i++) {
		v[i] = oracle(&rng, reports * scene.hot_share / NR_HOT,
			      reports * (1 - scene.hot_share) / (NR_CELLS - NR_HOT));
		nr_missed += v[i] < 0.85;
	}
	printf("half of the time, %.0f reports/s, one hot range and both densities known: %.3f, 5 %% below %.3f, %.1f "
	       "%% "
	       "below 0.85\n",
	       reports_a_sec, quantile(v, NR_ORACLES, 0.5), quantile(v, NR_ORACLES, 0.05),
	       100 * (double)nr_missed / NR_ORACLES);
}

/* ---- cost -------------------------------------------------------------------------------------- */

#define NR_REPORTS (1 << 16)
#define NR_BATCHES 64

static void fill_sorted(struct report *v, size_t nr, struct rng *rng, uint64_t bytes)
{
	for (size_t i = 0; i < nr; i++) {
		uint64_t addr = SIM_BASE + rng_below(rng, bytes);

		v[i] = (struct report){ .start = addr, .end = addr + 1, .count = 1 };
	}
	qsort(v, nr, sizeof(*v), sim_by_start);
}

static void run_cost(size_t nr_reports, const char *what)
{
	struct attrs attrs = sim_attrs(REGION_POLICY_DATA);
	struct range range = { SIM_BASE, SIM_BASE + 4096 * SIM_MIB };
	struct report *v = calloc(nr_reports, sizeof(*v));
	struct rng rng = rng_seeded(5);
	struct regions rs;
	uint64_t add_ns = 0, aggregate_ns = 0, t;
	size_t nr_regions = 0;

	attrs.min_nr_regions = 1000;
	attrs.max_nr_regions = 1100;
	regions_init(&rs, REGION_COUNT_EVENTS);
	regions_set_ranges(&rs, &range, 1, &attrs);
	for (int i = 0; i < NR_BATCHES; i++) {
		fill_sorted(v, nr_reports, &rng, range.end - range.start);
		regions_begin(&rs, &attrs, &rng);
		t = clock_thread_cpu_ns();
		regions_add(&rs, v, nr_reports);
		add_ns += clock_thread_cpu_ns() - t;
		regions_end_check(&rs);
		t = clock_thread_cpu_ns();
		regions_aggregate(&rs, &attrs);
		aggregate_ns += clock_thread_cpu_ns() - t;
		nr_regions = rs.nr;
	}
	printf("%-27s regions_add %.1f ns a report, regions_aggregate %.0f us, regions %zu\n", what,
	       (double)add_ns / NR_BATCHES / (double)nr_reports, (double)aggregate_ns / NR_BATCHES / 1000, nr_regions);
	regions_free(&rs);
	free(v);
}

int main(void)
{
	const struct {
		struct sim_scene scene;
		struct sim_scene (*of)(uint64_t seed);
	} v[] = { { sim_random_reads(), NULL },	 { sim_sequential_writes(), NULL }, { .of = sim_half_of_the_time },
		  { sim_two_ranges(), NULL },	 { sim_small_spot(), NULL },	    { sim_sparse(), NULL },
		  { sim_few_reports(), NULL },	 { sim_process(), NULL },	    { .of = sim_any },
		  { sim_harvest_dense(), NULL }, { sim_harvest_sparse(), NULL } };

	printf("overlap of the hottest regions with the truth: median of all seconds; worst second of a run, first\n"
	       "second, second after the move: median and min of %d runs; runs with a second below 0.85; part of the\n"
	       "heat that is not where it belongs (samples); mean number of regions\n",
	       NR_SEEDS);
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		run_scene(v[i].scene, v[i].of, REGION_POLICY_DATA);
		run_scene(v[i].scene, v[i].of, REGION_POLICY_RANDOM);
	}
	run_oracle(207);
	run_oracle(247);
	run_cost(NR_REPORTS, "65536 reports");
	run_cost(8000, "8000 reports, all kept");
	run_cost(250, "250 reports");
	return 0;
}
