/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_region: how well regions find what is hot, by policy, on the same
 * reports; and what they cost. Prints a table; judges nothing.
 */
#include <stdio.h>

#include "collector/clock.h"
#include "tests/region_sim.h"

#define NR_SECONDS 16
#define MOVE_AT	   8
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

static void run_scene(const struct sim_scene *scene, enum region_policy policy)
{
	double all[NR_SEEDS * NR_SECONDS], first[NR_SEEDS], start[NR_SEEDS], worst[NR_SEEDS];
	int nr_seeds = scene->count == REGION_COUNT_CHECKS ? 3 : NR_SEEDS;
	size_t nr_all = (size_t)nr_seeds * NR_SECONDS, nr = (size_t)nr_seeds;
	double nr_regions = 0;

	for (int seed = 0; seed < nr_seeds; seed++) {
		struct rng split = rng_seeded(1000 + (uint64_t)seed);
		struct sim sim;

		sim_open(&sim, scene, policy, (uint64_t)seed);
		worst[seed] = 1;
		for (int sec = 0; sec < NR_SECONDS; sec++) {
			double overlap;

			sim.phase = sec >= MOVE_AT;
			sim_second(&sim, &split);
			overlap = sim_judge(&sim);
			all[seed * NR_SECONDS + sec] = overlap;
			worst[seed] = overlap < worst[seed] ? overlap : worst[seed];
			first[seed] = sec == MOVE_AT ? overlap : first[seed];
			start[seed] = sec == 0 ? overlap : start[seed];
			nr_regions += (double)sim.rs.nr;
		}
		regions_free(&sim.rs);
	}
	printf("%-27s %-7s %.3f   %.3f %.3f   %.3f %.3f   %.3f %.3f   %.0f\n", scene->name,
	       policy == REGION_POLICY_DATA ? "data" : "random", quantile(all, nr_all, 0.5), quantile(worst, nr, 0.5),
	       quantile(worst, nr, 0), quantile(start, nr, 0.5), quantile(start, nr, 0), quantile(first, nr, 0.5),
	       quantile(first, nr, 0), nr_regions / (double)nr_all);
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
	struct sim_scene scenes[] = {
		sim_random_reads(), sim_sequential_writes(), sim_two_ranges(),	  sim_small_spot(),    sim_sparse(),
		sim_few_reports(),  sim_process(),	     sim_harvest_dense(), sim_harvest_sparse()
	};

	printf("overlap of the hottest regions with the truth: median of all seconds; worst second of a run, first\n"
	       "second, second after the move: median and min of %d runs; mean number of regions\n",
	       NR_SEEDS);
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		run_scene(&scenes[i], REGION_POLICY_DATA);
		run_scene(&scenes[i], REGION_POLICY_RANDOM);
	}
	run_cost(NR_REPORTS, "65536 reports");
	run_cost(8000, "8000 reports, all kept");
	run_cost(250, "250 reports");
	return 0;
}
