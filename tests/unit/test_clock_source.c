/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clock source's rate, and what it takes for stack. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "collector/sources/clock_code.h"
#include "collector/sources/clock_cost.h"

static struct clock_load a_load(void)
{
	return (struct clock_load){ .budget_bp = 100, .cost_ns = 40000, .switches = 0, .nr_busy = 1, .max_hz = 100000 };
}

static void test_rate_is_budget_over_cost(void **state)
{
	struct clock_load load = a_load();

	(void)state;
	assert_int_equal(clock_rate_hz(&load), 250);
	load.budget_bp = 200;
	assert_int_equal(clock_rate_hz(&load), 500);
	/* Not known is not zero, but nothing can be paid for it either. */
	load.switches = -1;
	assert_int_equal(clock_rate_hz(&load), 500);
}

static void test_switches_are_paid_from_the_budget(void **state)
{
	struct clock_load load = a_load();

	(void)state;
	load.switches = 2000;
	assert_in_range(clock_rate_hz(&load), 170, 175); /* 0.01 / (40 us + 2000 * 9 ns) */
	load.switches = 1e6;
	assert_int_equal(clock_rate_hz(&load), CLOCK_MIN_HZ);
}

static void test_rate_has_bounds(void **state)
{
	struct clock_load load = a_load();

	(void)state;
	load.budget_bp = 1;
	assert_int_equal(clock_rate_hz(&load), CLOCK_MIN_HZ);
	load.budget_bp = 10000;
	assert_int_equal(clock_rate_hz(&load), CLOCK_MAX_HZ);
	load.max_hz = 1000;
	assert_int_equal(clock_rate_hz(&load), 1000);
	load.max_hz = 20;
	assert_int_equal(clock_rate_hz(&load), 20);
	load = a_load();
	/* Nothing is that cheap. */
	load.cost_ns = 0;
	assert_int_equal(clock_rate_hz(&load), 250);
}

static void test_many_busy_cpus_share(void **state)
{
	struct clock_load load = a_load();

	(void)state;
	load.nr_busy = 32;
	assert_int_equal(clock_rate_hz(&load), 125);
}

/* Timers of threads where they are cheap; of CPUs where the switches alone eat the budget, and then for good. */
static void test_switched_too_often_for_timers_of_threads(void **state)
{
	struct clock_load load = a_load();

	(void)state;
	load.switches = -1;
	assert_false(clock_wants_cpus(&load));
	load.switches = 10000; /* 450 ns each at 50 Hz: 0.45 % */
	assert_false(clock_wants_cpus(&load));
	load.switches = 12000;
	assert_true(clock_wants_cpus(&load));
	load.budget_bp = 1000;
	assert_false(clock_wants_cpus(&load));
	load.budget_bp = 100;
	load.nr_wide = 2;
	load.switches = 4000;
	assert_true(clock_wants_cpus(&load));
	load.switches = 2000;
	assert_false(clock_wants_cpus(&load));
}

static void test_timers_of_cpus(void **state)
{
	struct clock_load load = a_load();

	(void)state;
	load.nr_wide = 2;
	load.switches = 1e6; /* cost nothing now */
	assert_int_equal(clock_rate_hz(&load), 250);
	/* All CPUs fill rings, whatever runs there. */
	load.nr_wide = 40;
	assert_int_equal(clock_rate_hz(&load), 100);
}

static const char maps_text[] = "7f0000000000-7f0000100000 rw-p 00000000 00:00 0 \n"
				"7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0 [stack]\n";

static void test_stack_window(void **state)
{
	struct mappings *maps = mappings_parse(maps_text, strlen(maps_text), NULL);
	uint64_t start, end;

	(void)state;
	assert_non_null(maps);
	clock_stack_window(maps, UINT64_C(0x7ffc00010000), &start, &end);
	assert_int_equal(start, UINT64_C(0x7ffc00000000));
	assert_int_equal(end, UINT64_C(0x7ffc00021000));
	/* A thread's: not all of what has grown together with it. */
	clock_stack_window(maps, UINT64_C(0x7f0000010000), &start, &end);
	assert_int_equal(start, UINT64_C(0x7f0000010000) - 128);
	assert_int_equal(end, UINT64_C(0x7f0000020000));
	clock_stack_window(maps, UINT64_C(0x7f00000ff000), &start, &end);
	assert_int_equal(end, UINT64_C(0x7f0000100000));
	/* In a mapping that we have not heard of. */
	clock_stack_window(maps, UINT64_C(0x500000000000), &start, &end);
	assert_int_equal(end, UINT64_C(0x500000010000));
	clock_stack_window(maps, UINT64_MAX, &start, &end);
	assert_int_equal(end, UINT64_MAX);
	mappings_put(maps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate_is_budget_over_cost),
		cmocka_unit_test(test_switches_are_paid_from_the_budget),
		cmocka_unit_test(test_switched_too_often_for_timers_of_threads),
		cmocka_unit_test(test_timers_of_cpus),
		cmocka_unit_test(test_rate_has_bounds),
		cmocka_unit_test(test_many_busy_cpus_share),
		cmocka_unit_test(test_stack_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
