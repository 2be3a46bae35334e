/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/clock.h"
#include "collector/damon_pace.h"

#define MS NSEC_PER_MSEC

static void test_short_ones_are_asked_for_at_once(void **state)
{
	struct damon_pace pace = DAMON_PACE_CLOSED;

	(void)state;
	assert_int_equal(damon_pace_wait_ns(&pace, true, 5, 100 * MS), 0);
	assert_int_equal(damon_pace_wait_ns(&pace, false, 100 * MS, 100 * MS), 0);
	assert_int_equal(damon_pace_wait_ns(&pace, false, 800 * MS, 500 * MS), 0);
}

/* Of a long one, the kernel is locked for half a second at most: as long as it takes what it has taken before. */
static void test_long_ones_are_asked_for_near_their_end(void **state)
{
	struct damon_pace pace = DAMON_PACE_CLOSED;
	uint64_t now = 7 * NSEC_PER_SEC;

	(void)state;
	assert_int_equal(damon_pace_wait_ns(&pace, true, now, 3000 * MS), 3000 * MS - 250 * MS - 3000 * MS / 16);
	now += 3200 * MS;
	assert_int_equal(damon_pace_wait_ns(&pace, false, now, 3000 * MS), 3200 * MS - 250 * MS - 3000 * MS / 16);
	now += 3600 * NSEC_PER_SEC;
	assert_int_equal(damon_pace_wait_ns(&pace, false, now, 3600 * NSEC_PER_SEC), 3600 * NSEC_PER_SEC - 500 * MS);
}

/* Asked for too late, by which an aggregation was missed, or answered early by a commit: the nominal length again. */
static void test_what_was_missed_is_no_measure(void **state)
{
	struct damon_pace pace = DAMON_PACE_CLOSED;
	uint64_t nominal = 4000 * MS - 500 * MS;

	(void)state;
	assert_int_equal(damon_pace_wait_ns(&pace, true, 0, 4000 * MS), nominal);
	assert_int_equal(damon_pace_wait_ns(&pace, false, 4100 * MS, 4000 * MS), nominal + 100 * MS);
	assert_int_equal(damon_pace_wait_ns(&pace, false, 12300 * MS, 4000 * MS), nominal);
	assert_int_equal(damon_pace_wait_ns(&pace, false, 13300 * MS, 4000 * MS), nominal);
	/* a new beginning is no end */
	assert_int_equal(damon_pace_wait_ns(&pace, true, 17500 * MS, 4000 * MS), nominal);
}

static void test_timer(void **state)
{
	struct damon_pace pace;

	(void)state;
	assert_int_equal(damon_pace_open(&pace, NULL), 0);
	assert_false(damon_pace_is_set(&pace));
	assert_true(damon_pace_set(&pace, true, 100000));
	assert_false(damon_pace_is_set(&pace));
	assert_false(damon_pace_is_due(&pace));
	assert_false(damon_pace_set(&pace, true, UINT64_C(3600000000)));
	assert_true(damon_pace_is_set(&pace));
	assert_false(damon_pace_is_due(&pace));
	assert_true(damon_pace_set(&pace, true, 100000)); /* short ones again: nothing is left of it */
	assert_false(damon_pace_is_set(&pace));
	damon_pace_close(&pace);
	damon_pace_close(&pace);
	assert_false(damon_pace_is_due(&pace));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_ones_are_asked_for_at_once),
		cmocka_unit_test(test_long_ones_are_asked_for_near_their_end),
		cmocka_unit_test(test_what_was_missed_is_no_measure),
		cmocka_unit_test(test_timer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
