/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "collector/clock.h"
#include "tui/when.h"

static void test_time_of_day_is_local(void **state)
{
	const struct snapshot snap = { .wall_ns = UINT64_C(1800000001) * NSEC_PER_SEC };
	char text[WHEN_SIZE];

	(void)state;
	assert_string_equal(when_text(text, &snap, 0), "08:00:01");
	assert_string_equal(when_text(text, &snap, 2 * NSEC_PER_SEC), "07:59:59");
	setenv("TZ", "XYZ-2", 1);
	tzset();
	assert_string_equal(when_text(text, &snap, 0), "10:00:01");
	setenv("TZ", "UTC", 1);
	tzset();
}

/* In whatever time zone: it is none. */
static void test_without_a_time_of_day_it_is_since_the_begin(void **state)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} cases[] = { { 0, "+0.00s" },	   { 60, "+0.06s" },	    { 12345, "+12.35s" },	{ 60000, "+1:00" },
		      { 125900, "+2:05" }, { 3725000, "+1:02:05" }, { 360000000, "+100:00:00" } };
	char text[WHEN_SIZE];

	(void)state;
	setenv("TZ", "XYZ-2", 1);
	tzset();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct snapshot snap = { .wall_ns = cases[i].ms * 1000000, .flags = SNAP_ACCESSES_ALONE };

		assert_string_equal(when_text(text, &snap, 0), cases[i].text);
		assert_string_equal(when_text(text, &snap, snap.wall_ns + 1), "+0.00s");
	}
	setenv("TZ", "UTC", 1);
	tzset();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_of_day_is_local),
		cmocka_unit_test(test_without_a_time_of_day_it_is_since_the_begin),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
