/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "collector/cpu_list.h"
#include "collector/sysfs.h"
#include "collector/sysfs_event.h"
#include "tests/unit/file_tree.h"

static void expect_list(const char *text, const int *want, size_t nr_want)
{
	struct err err = ERR_NONE;
	size_t nr = 0;
	int *cpus;

	assert_int_equal(cpu_list_parse(text, &cpus, &nr, &err), 0);
	assert_int_equal(nr, nr_want);
	assert_memory_equal(cpus, want, nr * sizeof(*cpus));
	free(cpus);
}

static void test_cpu_lists(void **state)
{
	static const char *const bad[] = { "",	    "\n",   "a",    "-1",  "0-",    "3-1",	   "0,0",     "1,0",
					   "0-3,2", "0,,1", "0, 1", "0x1", "65536", "99999999999", "0-65536", "1 " };
	size_t nr;
	int *cpus;

	(void)state;
	expect_list("0\n", (int[]){ 0 }, 1);
	expect_list("0-3,8", (int[]){ 0, 1, 2, 3, 8 }, 5);
	expect_list("1,3-4\n", (int[]){ 1, 3, 4 }, 3);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(cpu_list_parse(bad[i], &cpus, &nr, NULL), -EBADMSG);
}

static void test_online_cpus_come_from_below_root(void **state)
{
	struct file_tree tree;
	size_t nr = 0;
	int *cpus;

	(void)state;
	file_tree_new(&tree);
	file_tree_put(&tree, "/sys/devices/system/cpu/online", "0,2-3\n");
	assert_int_equal(cpu_list_online(tree.root, &cpus, &nr, NULL), 0);
	assert_int_equal(nr, 3);
	assert_int_equal(cpus[2], 3);
	free(cpus);
	file_tree_free(&tree);
}

static void test_small_files(void **state)
{
	char small[8], path[FILE_TREE_PATH + 16];
	struct file_tree tree;
	long value = 0;

	(void)state;
	file_tree_new(&tree);
	file_tree_put(&tree, "/number", "-17\n");
	file_tree_put(&tree, "/words", "17 and more\n");
	file_tree_put(&tree, "/eight", "12345678");
	snprintf(path, sizeof(path), "%s/fifo", tree.root);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(sysfs_read_long(tree.root, "/number", &value), 0);
	assert_int_equal(value, -17);
	assert_int_equal(sysfs_read_long(tree.root, "/words", &value), -EBADMSG);
	assert_int_equal(sysfs_read_long(tree.root, "/none", &value), -ENOENT);
	assert_int_equal(sysfs_read(tree.root, "/eight", small, sizeof(small)), -EFBIG);
	assert_int_equal(sysfs_read_start(tree.root, "/eight", small, sizeof(small)), 7);
	assert_string_equal(small, "1234567");
	assert_int_equal(sysfs_read(tree.root, "/fifo", small, sizeof(small)), -EINVAL);
	assert_int_equal(sysfs_read(tree.root, "", small, sizeof(small)), -EINVAL);
	assert_true(sysfs_exists(tree.root, "/fifo"));
	assert_false(sysfs_exists(tree.root, "/none"));
	file_tree_free(&tree);
}

static void test_formats(void **state)
{
	static const struct {
		const char *format;
		uint64_t value;
		int rc;
		uint64_t config, config1, config2;
	} cases[] = {
		{ "config:0-7\n", 0xcd, 0, 0xcd, 0, 0 },
		{ "config:8-15", 1, 0, 0x100, 0, 0 },
		{ "config:19\n", 1, 0, 0x80000, 0, 0 },
		{ "config1:0-15", 0xffff, 0, 0, 0xffff, 0 },
		{ "config2:0", 1, 0, 0, 0, 1 },
		{ "config:0-7,32-35", 0xabc, 0, 0xa000000bc, 0, 0 },
		{ "config:0-63", UINT64_MAX, 0, UINT64_MAX, 0, 0 },
		{ "config:0-7", 0x100, -ERANGE, 0, 0, 0 },
		{ "config:8-0", 0, -EBADMSG, 0, 0, 0 },
		{ "config:0-64", 0, -EBADMSG, 0, 0, 0 },
		{ "config3:0", 0, -EBADMSG, 0, 0, 0 },
		{ "config", 0, -EBADMSG, 0, 0, 0 },
		{ "config:", 0, -EBADMSG, 0, 0, 0 },
		{ "config:x", 0, -EBADMSG, 0, 0, 0 },
		{ "config:0-7,", 0, -EBADMSG, 0, 0, 0 },
		{ "config:0-7-9", 0, -EBADMSG, 0, 0, 0 },
		{ "", 0, -EBADMSG, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct perf_event_attr attr = { 0 };

		assert_int_equal(sysfs_format_apply(cases[i].format, cases[i].value, &attr), cases[i].rc);
		if (cases[i].rc)
			continue;
		assert_int_equal(attr.config, cases[i].config);
		assert_int_equal(attr.config1, cases[i].config1);
		assert_int_equal(attr.config2, cases[i].config2);
	}
}

static void test_an_event_of_sysfs(void **state)
{
	struct perf_event_attr attr = { 0 };
	struct err err = ERR_NONE;
	struct file_tree tree;

	(void)state;
	file_tree_new(&tree);
	file_tree_put(&tree, SYSFS_PMU_DIR "cpu/type", "4\n");
	file_tree_put(&tree, SYSFS_PMU_DIR "cpu/format/event", "config:0-7\n");
	file_tree_put(&tree, SYSFS_PMU_DIR "cpu/format/umask", "config:8-15\n");
	file_tree_put(&tree, SYSFS_PMU_DIR "cpu/format/ldlat", "config1:0-15\n");
	file_tree_put(&tree, SYSFS_PMU_DIR "cpu/events/mem-loads", "event=0xcd,umask=0x1,ldlat=3\n");
	assert_int_equal(sysfs_event_read(tree.root, "cpu", "mem-loads", &attr, &err), 0);
	assert_int_equal(attr.type, 4);
	assert_int_equal(attr.config, 0x1cd);
	assert_int_equal(attr.config1, 3);
	file_tree_free(&tree);
}

/* Text that a hostile tree could hold: refused with a printable message, no path leaves the folder. */
static void test_hostile_events(void **state)
{
	static const char *const bad[] = { "event=0xcd,umask=", "event=0x1cd",
					   "event=\x1b]0;x\a",	"=1",
					   "event=1=2",		"event=-1",
					   "../../secret=1",	"event=99999999999999999999" };
	struct perf_event_attr attr = { 0 };
	struct file_tree tree;

	(void)state;
	file_tree_new(&tree);
	file_tree_put(&tree, SYSFS_PMU_DIR "cpu/type", "4\n");
	file_tree_put(&tree, SYSFS_PMU_DIR "cpu/secret", "config:0-7\n");
	file_tree_put(&tree, SYSFS_PMU_DIR "cpu/format/event", "config:1-7\n");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = ERR_NONE;

		file_tree_put(&tree, SYSFS_PMU_DIR "cpu/events/x", bad[i]);
		assert_true(sysfs_event_read(tree.root, "cpu", "x", &attr, &err) < 0);
		assert_null(strchr(err.text, '\x1b'));
		assert_true(err.text[0]);
	}
	assert_int_equal(sysfs_event_read(tree.root, "cpu", "../secret", &attr, NULL), -EBADMSG);
	assert_int_equal(sysfs_event_read(tree.root, "..", "x", &attr, NULL), -EBADMSG);
	file_tree_free(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpu_lists),	  cmocka_unit_test(test_online_cpus_come_from_below_root),
		cmocka_unit_test(test_small_files),	  cmocka_unit_test(test_formats),
		cmocka_unit_test(test_an_event_of_sysfs), cmocka_unit_test(test_hostile_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
