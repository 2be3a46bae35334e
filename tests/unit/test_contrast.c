/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/rng.h"
#include "tui/contrast.h"

static struct contrast c; /* 6 KiB */

static void learn(const float *v, size_t nr, enum heat_unit unit)
{
	size_t i;

	contrast_begin(&c);
	for (i = 0; i < nr; i++)
		contrast_add(&c, v[i], 1);
	contrast_end(&c, unit);
}

static void test_zero_is_dark_and_nothing_else_is(void **state)
{
	static const float v[] = { 0, 1e-20f, 0.001f, 0.5f, 1, 1e20f };
	enum contrast_mode mode;
	size_t i;

	(void)state;
	for (mode = CONTRAST_AUTO; mode < CONTRAST_NR_MODES; mode++) {
		contrast_init(&c);
		c.mode = mode;
		learn(v, 6, HEAT_RATE);
		assert_true(contrast_scale(&c, 0) == 0);
		for (i = 1; i < 6; i++) {
			assert_true(contrast_scale(&c, v[i]) >= CONTRAST_MIN_SHOWN);
			assert_true(contrast_scale(&c, v[i]) <= 1);
		}
	}
}

static void test_rises_in_every_mode(void **state)
{
	struct rng rng = rng_seeded(1);
	enum contrast_mode mode;
	float v[500], x;
	size_t i;

	(void)state;
	for (i = 0; i < 500; i++)
		v[i] = (float)(rng_unit(&rng) * rng_unit(&rng) * 1000);
	for (mode = CONTRAST_AUTO; mode < CONTRAST_NR_MODES; mode++) {
		double before = 0;

		contrast_init(&c);
		c.mode = mode;
		learn(v, 500, HEAT_RATE);
		for (x = 0.001f; x < 2000; x *= 1.1f) {
			assert_true(contrast_scale(&c, x) >= before);
			before = contrast_scale(&c, x);
		}
		assert_true(before > 0.99);
	}
}

/* A fraction is shown as it is, unless all of it would be dark. */
static void test_fraction_keeps_its_bounds(void **state)
{
	static const float bright[] = { 0, 0.3f, 0.6f, 1 }, dark[] = { 0, 0.01f, 0.04f };

	(void)state;
	contrast_init(&c);
	learn(bright, 4, HEAT_FRACTION);
	assert_float_equal(c.high, 1, 0);
	assert_int_equal(c.now, CONTRAST_LINEAR);
	learn(dark, 3, HEAT_FRACTION);
	assert_float_equal(c.high, 0.05, 1e-9);
}

static void test_logarithmic_where_most_is_far_below_the_most(void **state)
{
	float v[100];
	size_t i;

	(void)state;
	for (i = 0; i < 100; i++)
		v[i] = i < 95 ? 3 : 900;
	contrast_init(&c);
	learn(v, 100, HEAT_RATE);
	assert_int_equal(c.now, CONTRAST_LOG);
	assert_float_equal(c.high, 1000, 1e-6);
	assert_float_equal(c.low, 1, 1e-6);
	assert_true(contrast_scale(&c, 3) > 0.15);
}

/* Bounds stay as long as they fit, so that colours do not flicker. */
static void test_bounds_hold_still(void **state)
{
	float v = 450;

	(void)state;
	contrast_init(&c);
	learn(&v, 1, HEAT_RATE);
	assert_float_equal(c.high, 500, 1e-6);
	v = 195;
	learn(&v, 1, HEAT_RATE);
	assert_float_equal(c.high, 500, 1e-6);
	v = 100;
	learn(&v, 1, HEAT_RATE);
	assert_true(c.high < 500);
	c.fixed = true;
	v = 9000;
	learn(&v, 1, HEAT_RATE);
	assert_true(c.high < 500);
}

/* A page that a program spins on does not darken the arena. */
static void test_little_memory_does_not_set_the_scale(void **state)
{
	int i;

	(void)state;
	contrast_init(&c);
	contrast_begin(&c);
	contrast_add(&c, 16000, contrast_weight(4096));
	for (i = 0; i < 10; i++)
		contrast_add(&c, 1.5f, contrast_weight(16 << 20));
	contrast_end(&c, HEAT_TIME);
	assert_float_equal(c.high, 2, 1e-9);
	assert_true(contrast_scale(&c, 1.5f) > 0.7);
	assert_true(contrast_scale(&c, 16000) == 1);
	assert_int_equal(contrast_weight(UINT64_C(1) << 44), contrast_weight(64 << 20));
	assert_int_equal(contrast_weight(0), 1);
}

static void test_nothing_seen_changes_nothing(void **state)
{
	static const float zeros[] = { 0, 0 };

	(void)state;
	contrast_init(&c);
	learn(zeros, 2, HEAT_RATE);
	learn(zeros, 0, HEAT_RATE);
	assert_false(c.known);
	assert_true(contrast_scale(&c, 0) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zero_is_dark_and_nothing_else_is),
		cmocka_unit_test(test_rises_in_every_mode),
		cmocka_unit_test(test_fraction_keeps_its_bounds),
		cmocka_unit_test(test_logarithmic_where_most_is_far_below_the_most),
		cmocka_unit_test(test_bounds_hold_still),
		cmocka_unit_test(test_little_memory_does_not_set_the_scale),
		cmocka_unit_test(test_nothing_seen_changes_nothing),
	};

	return cmocka_run_group_tests_name("contrast", tests, NULL, NULL);
}
