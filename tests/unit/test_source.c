/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of sources, and which of them may watch one target at once. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/source.h"

static void a_name_or_two_make_a_list(void **state)
{
	const struct source_ops *list[SOURCE_MAX_AT_ONCE + 1];

	(void)state;
	assert_int_equal(source_parse_list("clock", list, NULL), 0);
	assert_ptr_equal(list[0], source_find("clock"));
	assert_null(list[1]);
	assert_int_equal(source_parse_list("mglru,clock", list, NULL), 0);
	assert_ptr_equal(list[0], source_find("mglru"));
	assert_ptr_equal(list[1], source_find("clock"));
	assert_null(list[2]);
	assert_int_equal(source_parse_list("clock+referenced,soft_dirty", list, NULL), 0);
}

static void what_is_no_list_is_refused_with_the_reason(void **state)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{ "", "there is no source \"\"" },
		{ ",clock", "there is no source \"\"" },
		{ "clock,", "there is no source \"\"" },
		{ "clock,nonsense", "there is no source \"nonsense\"" },
		{ "clock referenced", "there is no source" },
		{ "perf,clock,soft_dirty", "not more" },
		{ "clock,clock", "twice" },
		{ "clock,demo", "its own target" },
		{ "demo,clock", "its own target" },
		{ "replay", "-r FILE" },
		{ "clock,replay", "-r FILE" },
		{ "clock,clock+referenced", "-s clock,referenced" },
		{ "referenced,clock+referenced", "-s clock,referenced" },
		{ "mglru,clock+referenced", "both clear" },
		{ "mglru,clear_refs", "both clear" },
		{ "referenced,clear_refs", "both clear" },
		{ "damon,referenced", "both clear" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct source_ops *list[SOURCE_MAX_AT_ONCE + 1];
		struct err err = ERR_NONE;

		assert_int_equal(source_parse_list(cases[i].text, list, &err), -EINVAL);
		assert_non_null(strstr(err.text, cases[i].reason));
	}
}

/* Whichever comes first; and those that clear nothing go with all that watch a process. */
static void pairs_do_not_depend_on_the_order(void **state)
{
	const struct source_ops *clock = source_find("clock"), *soft_dirty = source_find("soft_dirty");

	(void)state;
	for (size_t i = 0; source_table[i]; i++) {
		const struct source_ops *ops = source_table[i];

		for (size_t k = 0; source_table[k]; k++)
			assert_int_equal(source_check_pair(ops, source_table[k], NULL),
					 source_check_pair(source_table[k], ops, NULL));
		if (ops->flags & SOURCE_NO_TARGET)
			continue;
		assert_true(ops == clock || ops->regions_from || !source_check_pair(clock, ops, NULL));
		assert_true(ops == soft_dirty || !source_check_pair(soft_dirty, ops, NULL));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_or_two_make_a_list),
		cmocka_unit_test(what_is_no_list_is_refused_with_the_reason),
		cmocka_unit_test(pairs_do_not_depend_on_the_order),
	};

	return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
