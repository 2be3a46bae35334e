/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/lru_gen.h"

/* As Debian's 6.12 prints it, with a cgroup whose name looks like lines of the format. */
static const char text[] = "memcg     1 /\n"
			   " node     0\n"
			   "          0       1704          0           0 \n"
			   "          1       1704          0           0 \n"
			   "          2       1704         75           0 \n"
			   "          3       1704        458           0 \n"
			   " node     1\n"
			   "        117       1716          0           0 \n"
			   "        118       1716          3           1 \n"
			   "memcg    17 /memcg 23 / node 0\n"
			   " node     1\n"
			   " 4294967299         10          0           0 \n"
			   "memcg 65535 /\033]0;x\007\n"
			   " node     0\n"
			   "          7       1716          0           0 \n";

static int find(const char *s, uint64_t memcg, struct lru_gen_node *v, size_t max)
{
	return lru_gen_find(s, strlen(s), memcg, v, max);
}

static void test_every_node_with_its_youngest_generation(void **state)
{
	struct lru_gen_node v[4];

	(void)state;
	assert_int_equal(find(text, 1, v, 4), 2);
	assert_int_equal(v[0].node, 0);
	assert_int_equal(v[0].max_gen, 3);
	assert_int_equal(v[1].node, 1);
	assert_int_equal(v[1].max_gen, 118);
}

static void test_numbers_above_32_bits_and_the_last_memcg(void **state)
{
	struct lru_gen_node v[4];

	(void)state;
	assert_int_equal(find(text, 17, v, 4), 1);
	assert_int_equal(v[0].max_gen, UINT64_C(4294967299));
	assert_int_equal(find(text, 65535, v, 4), 1);
	assert_int_equal(v[0].max_gen, 7);
}

static void test_a_name_is_never_taken_for_a_memcg(void **state)
{
	struct lru_gen_node v[4];

	(void)state;
	assert_int_equal(find(text, 23, v, 4), 0);
	assert_int_equal(find("", 1, v, 4), 0);
}

static void test_more_nodes_than_room_are_counted_but_not_written(void **state)
{
	struct lru_gen_node v[2] = { { 0, 0 }, { 99, 99 } };

	(void)state;
	assert_int_equal(find(text, 1, v, 1), 2);
	assert_int_equal(v[0].max_gen, 3);
	assert_int_equal(v[1].node, 99);
	assert_int_equal(v[1].max_gen, 99);
}

static void test_what_the_kernel_does_not_write_is_refused(void **state)
{
	static const char *const bad[] = {
		"memcg x /\n",
		"memcg 1 /\n          0       1704 0 0\n", /* a generation of no node */
		"memcg 1 /\n node\n",
		"memcg 1 /\n node 0\n rubbish\n",
		"memcg 1 /\n node 70000\n",
		"memcg 1 /\n node 0\n 99999999999999999999999 1 0 0\n",
	};
	struct lru_gen_node v[4];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(find(bad[i], 1, v, 4), -EBADMSG);
}

/* Cut anywhere, it is read to the cut and not beyond. */
static void test_cut_at_every_byte(void **state)
{
	struct lru_gen_node v[4];

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		char copy[sizeof(text)];
		int nr;

		memset(copy, '9', sizeof(copy));
		memcpy(copy, text, len);
		nr = lru_gen_find(copy, len, 1, v, 4);
		assert_true(nr >= -EBADMSG && nr <= 2);
	}
}

static void test_the_command(void **state)
{
	struct lru_gen_node node = { .node = 1, .max_gen = UINT64_C(18446744073709551615) };
	char buf[LRU_GEN_COMMAND_SIZE];
	size_t len = lru_gen_aging_command(buf, 17, &node);

	(void)state;
	assert_int_equal(len, strlen(buf));
	assert_string_equal(buf, "+ 17 1 18446744073709551615 1 1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_node_with_its_youngest_generation),
		cmocka_unit_test(test_numbers_above_32_bits_and_the_last_memcg),
		cmocka_unit_test(test_a_name_is_never_taken_for_a_memcg),
		cmocka_unit_test(test_more_nodes_than_room_are_counted_but_not_written),
		cmocka_unit_test(test_what_the_kernel_does_not_write_is_refused),
		cmocka_unit_test(test_cut_at_every_byte),
		cmocka_unit_test(test_the_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
