/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is hot is found: simulated reports of targets of which the truth is
 * known. bench_region prints the same figures for many runs; the bounds here
 * are those that the product promises, which simulated reports exceed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/region_sim.h"

#define NR_SECONDS 16
#define MOVE_AT	   8

static int by_value(const void *va, const void *vb)
{
	double a = *(const double *)va, b = *(const double *)vb;

	return (a > b) - (a < b);
}

/* Median and worst of the whole seconds, the first one and the one after the move included. */
static void assert_found(struct sim_scene scene, uint64_t seed, double median, double worst)
{
	struct rng split = rng_seeded(seed);
	double v[NR_SECONDS];
	struct sim sim;

	sim_open(&sim, &scene, REGION_POLICY_DATA, seed);
	for (int sec = 0; sec < NR_SECONDS; sec++) {
		sim.phase = sec >= MOVE_AT;
		sim_second(&sim, &split);
		v[sec] = sim_judge(&sim);
	}
	regions_free(&sim.rs);
	qsort(v, NR_SECONDS, sizeof(v[0]), by_value);
	if (v[NR_SECONDS / 2] < median || v[0] < worst)
		print_message("%s: median %.3f, worst %.3f\n", scene.name, v[NR_SECONDS / 2], v[0]);
	assert_true(v[NR_SECONDS / 2] >= median);
	assert_true(v[0] >= worst);
}

static void test_random_reads(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 5; seed++)
		assert_found(sim_random_reads(), seed, 0.98, 0.90);
}

static void test_sequential_writes(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 5; seed++)
		assert_found(sim_sequential_writes(), seed, 0.98, 0.90);
}

static void test_two_ranges(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 5; seed++)
		assert_found(sim_two_ranges(), seed, 0.97, 0.90);
}

static void test_small_spot(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 5; seed++)
		assert_found(sim_small_spot(), seed, 0.98, 0.92);
}

static void test_in_a_process(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 5; seed++)
		assert_found(sim_process(), seed, 0.97, 0.87);
}

/* 54 hot samples a second on 40 ranges leave a quarter of them without any: more cannot be known within a second. */
static void test_few_samples_on_sparse_ranges(void **state)
{
	(void)state;
	assert_found(sim_sparse(), 1, 0.70, 0.55);
}

static void test_idle_target(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 5; seed++)
		assert_found(sim_few_reports(), seed, 0.96, 0.80);
}

static void test_harvests(void **state)
{
	(void)state;
	assert_found(sim_harvest_dense(), 1, 0.998, 0.995);
	assert_found(sim_harvest_sparse(), 1, 0.999, 0.999);
}

/* Borders of a picture that stays the same come to rest: by less than a thousandth of the hot range a second. */
static void test_borders_come_to_rest(void **state)
{
	struct sim_scene scene = sim_random_reads();
	double moved = 0, before = 0;
	struct sim sim;

	(void)state;
	sim_open(&sim, &scene, REGION_POLICY_DATA, 3);
	for (int sec = 0; sec < 60; sec++) {
		const struct range *hot = &scene.hot[0][0];
		uint64_t middle = hot->start + (hot->end - hot->start) / 2;
		double edge = 0;
		size_t i = 0;

		sim_second(&sim, NULL);
		/* the left edge of the hot regions around the middle */
		while (sim.rs.v[i].end <= middle)
			i++;
		while (i && sim_heat(&sim.rs.v[i - 1]) > sim_heat(&sim.rs.v[i]) / 3)
			i--;
		edge = (double)(int64_t)(sim.rs.v[i].start - SIM_BASE);
		if (sec >= 10)
			moved += fabs(edge - before) / 50;
		before = edge;
	}
	regions_free(&sim.rs);
	if (moved >= 128 * (double)SIM_MIB / 1000)
		print_message("the border moves by %.0f KiB a second\n", moved / 1024);
	assert_true(moved < 128 * (double)SIM_MIB / 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_reads),	     cmocka_unit_test(test_sequential_writes),
		cmocka_unit_test(test_two_ranges),	     cmocka_unit_test(test_small_spot),
		cmocka_unit_test(test_in_a_process),	     cmocka_unit_test(test_few_samples_on_sparse_ranges),
		cmocka_unit_test(test_idle_target),	     cmocka_unit_test(test_harvests),
		cmocka_unit_test(test_borders_come_to_rest),
	};

	return cmocka_run_group_tests_name("region_truth", tests, NULL, NULL);
}
