/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descendants as /proc tells of them: a tree of files stands for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/family.h"
#include "tests/unit/file_tree.h"

#define UPTIME_MS 100000

static struct file_tree tree;
static struct family family;
static const struct family_member root_member = { 10, 1 };

static int setup(void **state)
{
	(void)state;
	file_tree_new(&tree);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	family_free(&family);
	file_tree_free(&tree);
	return 0;
}

/* age_ms: at UPTIME_MS. children: of its first thread; NULL: the kernel has no such file. */
static void put(pid_t pid, pid_t ppid, unsigned age_ms, unsigned rss_pages, char state, const char *children)
{
	unsigned long start = (UPTIME_MS - age_ms) * (unsigned long)sysconf(_SC_CLK_TCK) / 1000;
	char path[64], text[256];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	snprintf(text, sizeof(text),
		 "%d (a) b) %c %d 1 1 0 -1 4194304 1 0 0 0 5 6 0 0 20 0 1 0 %lu %u %u 18446744073709551615 1 1 1\n",
		 pid, state, ppid, start, state == 'Z' ? 0 : 4096 * 1000, rss_pages);
	file_tree_put(&tree, path, text);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	if (children)
		file_tree_put(&tree, path, children);
}

static void files_of_children_are_there(void)
{
	file_tree_put(&tree, "/proc/thread-self/children", "");
}

static void look(void)
{
	assert_int_equal(family_look(&family, tree.root, &root_member, 1, 99, UPTIME_MS), 0);
}

static bool has(pid_t pid)
{
	for (size_t i = 0; i < family.nr; i++)
		if (family.v[i].pid == pid)
			return true;
	return false;
}

static void grandchildren_are_found_and_the_largest_come_first(void **state)
{
	(void)state;
	files_of_children_are_there();
	put(10, 1, 9000, 5, 'S', "11 12 ");
	put(11, 10, 8000, 100, 'S', "");
	put(12, 10, 8000, 50, 'S', "13 ");
	put(13, 12, 7000, 5000, 'R', "");
	put(20, 1, 9000, 70, 'S', ""); /* somebody else's */
	look();
	assert_int_equal(family.nr, 3);
	assert_int_equal(family.v[0].pid, 13);
	assert_int_equal(family.v[0].rss_bytes, 5000 * sysconf(_SC_PAGESIZE));
	assert_int_equal(family.v[1].pid, 11);
	assert_int_equal(family.v[2].pid, 12);
	assert_false(family.scans_all);
}

static void children_of_other_threads_are_found(void **state)
{
	(void)state;
	files_of_children_are_there();
	put(10, 1, 9000, 5, 'S', "");
	file_tree_put(&tree, "/proc/10/task/15/children", "11 ");
	put(11, 10, 8000, 100, 'S', "");
	look();
	assert_true(has(11));
}

static void without_files_of_children_parents_tell(void **state)
{
	(void)state;
	put(10, 1, 9000, 5, 'S', NULL);
	put(11, 10, 8000, 100, 'S', NULL);
	put(12, 11, 8000, 100, 'S', NULL);
	put(20, 1, 9000, 70, 'S', NULL);
	look();
	assert_true(family.scans_all);
	assert_int_equal(family.nr, 2);
	assert_true(has(11) && has(12));
}

/* The young, the dead, ourselves, and numbers that are another's by now; what is below them is found all the same. */
static void some_are_passed_over(void **state)
{
	(void)state;
	files_of_children_are_there();
	put(10, 1, 9000, 5, 'S', "11 12 13 14 99 ");
	put(11, 10, FAMILY_LEAST_AGE_MS - 20, 100, 'S', "15 ");
	put(12, 10, 8000, 100, 'Z', "");
	put(13, 1, 8000, 100, 'S', ""); /* given away again */
	put(15, 11, 8000, 100, 'S', "");
	put(99, 10, 8000, 100, 'S', "");
	look();
	assert_int_equal(family.nr, 1);
	assert_true(has(15));
}

static void a_number_that_is_cut_off_is_none(void **state)
{
	(void)state;
	files_of_children_are_there();
	put(10, 1, 9000, 5, 'S', "11 12");
	put(11, 10, 8000, 100, 'S', "");
	put(12, 10, 8000, 100, 'S', "");
	look();
	assert_true(has(11));
	assert_false(has(12));
}

static void who_is_refused_stays_so_while_it_lives(void **state)
{
	uint64_t start;

	(void)state;
	files_of_children_are_there();
	put(10, 1, 9000, 5, 'S', "11 ");
	put(11, 10, 8000, 100, 'S', "");
	look();
	start = family.v[0].start_ticks;
	assert_int_equal(family_refuse(&family, 11, start), 0);
	assert_int_equal(family_refuse(&family, 11, start), 0);
	assert_int_equal(family.nr_refused, 1);
	look();
	assert_true(family.v[0].refused);
	assert_int_equal(family.nr_refused, 1);
	/* the same number, another process */
	put(11, 10, 5000, 100, 'S', "");
	look();
	assert_false(family.v[0].refused);
	assert_int_equal(family.nr_refused, 0);
	/* one that has been watched until it was refused */
	assert_int_equal(family_refuse(&family, 12, 7), 0);
	assert_int_equal(family.nr_refused, 1);
}

static void parents_in_a_circle_end(void **state)
{
	(void)state;
	files_of_children_are_there();
	put(10, 11, 9000, 5, 'S', "11 ");
	put(11, 10, 8000, 100, 'S', "10 11 ");
	look();
	assert_int_equal(family.nr, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(grandchildren_are_found_and_the_largest_come_first),
		TEST(children_of_other_threads_are_found),
		TEST(without_files_of_children_parents_tell),
		TEST(some_are_passed_over),
		TEST(a_number_that_is_cut_off_is_none),
		TEST(who_is_refused_stays_so_while_it_lives),
		TEST(parents_in_a_circle_end),
	};

	return cmocka_run_group_tests_name("family", tests, NULL, NULL);
}
