/* SPDX-License-Identifier: GPL-2.0-or-later */
/* walk_budget.h: what a walk will cost, and how often it may be made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/walk_budget.h"

#define MSEC UINT64_C(1000000)
#define SEC  UINT64_C(1000000000)

static void test_grows_with_the_target(void **state)
{
	struct walk_cost wc = walk_cost_of(50, 3000, 2, 20);
	struct walk_size small = { 1000, 100 }, pages = { 100000, 100 }, mappings = { 1000, 50000 };

	(void)state;
	assert_in_range(walk_cost_ns(&wc, small), 700000, 780000);
	walk_cost_learn(&wc, small, 370000); /* half of it, which is believed after some of them */
	assert_in_range(walk_cost_ns(&wc, small), 600000, 700000);
	for (int i = 0; i < 30; i++)
		walk_cost_learn(&wc, small, 370000);
	assert_in_range(walk_cost_ns(&wc, small), 365000, 375000);
	/* A target that has grown in the one way or the other is known to cost more before it is walked. */
	assert_in_range(walk_cost_ns(&wc, pages), 5200000, 5500000);
	assert_in_range(walk_cost_ns(&wc, mappings), 149000000, 152000000);
	walk_cost_learn(&wc, pages, 50000000); /* more is believed at once */
	assert_in_range(walk_cost_ns(&wc, pages), 49900000, 50100000);
	walk_cost_learn(&wc, pages, 5000000000); /* but not all */
	assert_in_range(walk_cost_ns(&wc, pages), 106000000, 107000000);
	wc = walk_cost_of(50, 3000, 2, 20);
	walk_cost_learn(&wc, small, 37000000); /* one of a third of a millisecond that took long says nothing */
	assert_in_range(walk_cost_ns(&wc, pages), 10600000, 10700000);
}

/* One walk during which we were off the CPU does not put off the next ones for ever. */
static void test_a_fluke_is_forgotten(void **state)
{
	struct walk_cost wc = walk_cost_of(60, 300, 2, 4);
	struct walk_size size = { 100000, 100 };
	uint64_t first = walk_cost_ns(&wc, size);

	(void)state;
	walk_cost_learn(&wc, size, SEC);
	assert_in_range(walk_cost_ns(&wc, size), 2 * first - 10, 2 * first + 10);
	for (int i = 0; i < 40; i++)
		walk_cost_doubt(&wc);
	assert_in_range(walk_cost_ns(&wc, size), first - 10, first + 10);
	for (int i = 0; i < 30; i++)
		walk_cost_learn(&wc, size, MSEC); /* nothing costs nothing */
	assert_true(walk_cost_ns(&wc, size) > 0);
	assert_true(walk_cost_ns(&wc, size) < first);
	walk_cost_doubt(&wc); /* what is known to be cheap stays so */
	assert_true(walk_cost_ns(&wc, size) < first);
}

/* However large a piece of work is, it comes out at the share in the end. */
static void test_share_holds(void **state)
{
	struct walk_purse purse = { .share_bp = 50 };
	uint64_t spent = 0, cost = 250 * MSEC;

	(void)state;
	for (uint64_t now = SEC; now <= 1001 * SEC; now += SEC) {
		walk_purse_fill(&purse, now, 1, cost);
		if (!walk_purse_has(&purse, cost))
			continue;
		walk_purse_pay(&purse, cost * 2); /* twice of what was told */
		spent += cost * 2;
	}
	assert_in_range(spent, 4500 * MSEC, 5500 * MSEC); /* of 1000 s */
}

static void test_purse_has_a_brim(void **state)
{
	struct walk_purse purse = { .credit_ns = 5e6, .share_bp = 100 };

	(void)state;
	assert_true(walk_purse_has(&purse, 5 * MSEC));
	walk_purse_fill(&purse, 1000 * SEC, 1, 7 * MSEC); /* the first time no time has passed */
	assert_false(walk_purse_has(&purse, 5 * MSEC + 1));
	walk_purse_fill(&purse, 1001 * SEC, 1, 7 * MSEC);
	assert_true(walk_purse_has(&purse, 7 * MSEC));
	assert_false(walk_purse_has(&purse, 7 * MSEC + 1));
	walk_purse_pay(&purse, 7 * MSEC);
	walk_purse_fill(&purse, 1002 * SEC, 2, 7 * MSEC); /* 10 ms for two */
	assert_true(walk_purse_has(&purse, 5 * MSEC - 1));
	assert_false(walk_purse_has(&purse, 5 * MSEC + 1));
	walk_purse_fill(&purse, 1003 * SEC, 1, 7 * MSEC);
	walk_purse_fill(&purse, 1000 * SEC, 1, 7 * MSEC); /* a clock that goes back takes nothing away */
	assert_true(walk_purse_has(&purse, 7 * MSEC));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows_with_the_target),
		cmocka_unit_test(test_a_fluke_is_forgotten),
		cmocka_unit_test(test_share_holds),
		cmocka_unit_test(test_purse_has_a_brim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
