/* SPDX-License-Identifier: GPL-2.0-or-later */
/* window_plan.h: which ages of the bits are read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/window_plan.h"

#define MSEC UINT64_C(1000000)
#define SEC  UINT64_C(1000000000)

/* Reads all windows of a check as they are due. Returns how many; the rounds' number, and their longest window in ms.
 */
static unsigned read_all(struct window_plan *plan, unsigned *nr_rounds, unsigned *longest_ms)
{
	unsigned nr = 0;

	*nr_rounds = 1;
	*longest_ms = 0;
	do {
		uint64_t age_ns = 0;

		while ((age_ns = window_plan_next(plan, age_ns)) != 0) {
			nr++;
			*longest_ms = age_ns / MSEC > *longest_ms ? (unsigned)(age_ns / MSEC) : *longest_ms;
			window_plan_done(plan, true);
		}
	} while (window_plan_next_round(plan) && ++*nr_rounds);
	return nr;
}

static void test_opening(void **state)
{
	struct window_plan plan = { 0 };
	unsigned rounds, longest;

	(void)state;
	window_plan_begin(&plan, SEC, 9);
	assert_true(plan.opening);
	assert_int_equal(read_all(&plan, &rounds, &longest), 9);
	assert_int_equal(rounds, 3);
	assert_int_equal(longest, 128);
	assert_int_equal(plan.nr_read[0], 0); /* of three a round those of 8, 32 and 128 ms */
	assert_int_equal(plan.nr_read[3], 3);
	window_plan_begin(&plan, SEC, 9);
	assert_false(plan.opening);
}

/* Short intervals have no long windows; and what cannot be paid is not planned. */
static void test_limits(void **state)
{
	struct window_plan plan = { 0 };
	unsigned rounds, longest;

	(void)state;
	window_plan_begin(&plan, 50 * MSEC, 100);
	read_all(&plan, &rounds, &longest);
	assert_int_equal(longest, 8);
	plan = (struct window_plan){ 0 };
	window_plan_begin(&plan, SEC, 0);
	assert_int_equal(read_all(&plan, &rounds, &longest), 0);
	assert_int_equal(rounds, 1);
	plan = (struct window_plan){ 0 };
	window_plan_begin(&plan, MSEC, 2);
	assert_int_equal(read_all(&plan, &rounds, &longest), 2);
	assert_int_equal(longest, 2);
}

/* With one reading a check each length has its turns; with many there are rounds of the shortest. */
static void test_turns(void **state)
{
	struct window_plan plan = { .begun = true };
	unsigned rounds, longest;

	(void)state;
	for (int i = 0; i < 25; i++) {
		window_plan_begin(&plan, SEC, 1);
		assert_int_equal(read_all(&plan, &rounds, &longest), 1);
		assert_int_equal(rounds, 1);
	}
	assert_in_range(plan.nr_read[0], 2, 4);
	assert_in_range(plan.nr_read[1], 3, 5);
	assert_in_range(plan.nr_read[2], 5, 7);
	assert_in_range(plan.nr_read[3], 11, 13);
	window_plan_begin(&plan, SEC, 1000);
	assert_int_equal(read_all(&plan, &rounds, &longest), WINDOW_PLAN_MAX_ROUNDS + WINDOW_PLAN_NR_LENGTHS);
	assert_int_equal(rounds, WINDOW_PLAN_MAX_ROUNDS + 1);
}

/* One that comes late has missed what is younger; one that is told to stop goes on to the longer windows at once. */
static void test_late(void **state)
{
	struct window_plan plan = { .begun = true };

	(void)state;
	window_plan_begin(&plan, SEC, 1000);
	assert_int_equal(window_plan_next(&plan, 0), 2 * MSEC);
	window_plan_done(&plan, false);
	assert_int_equal(plan.nr_read[0], 0);
	assert_int_equal(window_plan_next(&plan, 3 * MSEC), 0);
	window_plan_stop(&plan);
	assert_false(window_plan_next_round(&plan));
	assert_int_equal(window_plan_next(&plan, 9 * MSEC), 32 * MSEC);
	window_plan_done(&plan, true);
	assert_int_equal(window_plan_next(&plan, 33 * MSEC), 128 * MSEC);
	window_plan_done(&plan, true);
	assert_int_equal(window_plan_next(&plan, 129 * MSEC), 0);
	window_plan_done(&plan, true); /* one too many is none */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opening),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
