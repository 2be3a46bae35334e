/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client of DAMON's files, against a folder of files and against calls that fail when they are told to. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/damon_others.h"
#include "collector/damon_sysfs.h"
#include "tests/unit/damon_tree.h"

/* What was called, and how it was to answer. */
static struct {
	unsigned nr_writes, fail_write_at, nr_busy;
	int fail_with;
	unsigned paused_ms, nr_pauses;
	const char *goal_aggrs; /* NULL: a kernel that does not tune its intervals */
	char log[4096];
} calls;

static int scripted_write(int dir_fd, const char *file, const char *text)
{
	size_t used = strlen(calls.log);

	(void)dir_fd;
	if (calls.nr_busy) {
		calls.nr_busy--;
		return -EBUSY;
	}
	if (++calls.nr_writes == calls.fail_write_at)
		return -calls.fail_with;
	snprintf(calls.log + used, sizeof(calls.log) - used, "%s=%s\n", file, text);
	return 0;
}

static ssize_t scripted_read(int dir_fd, const char *file, char *buf, size_t size)
{
	const char *text = strcmp(file, "contexts/0/avail_operations") ? "5\n" : "fvaddr\nvaddr\n";

	(void)dir_fd;
	if (calls.nr_busy) {
		calls.nr_busy--;
		return -EBUSY;
	}
	if (strstr(file, "intervals_goal")) {
		if (!calls.goal_aggrs)
			return -ENOENT;
		text = calls.goal_aggrs;
	}
	memcpy(buf, text, strlen(text) < size ? strlen(text) : size);
	return (ssize_t)strlen(text);
}

static void scripted_pause(unsigned ms)
{
	calls.paused_ms += ms;
	calls.nr_pauses++;
}

static const struct damon_io scripted = { scripted_write, scripted_read, scripted_pause };

static int reset(void **state)
{
	(void)state;
	memset(&calls, 0, sizeof(calls));
	return 0;
}

static void test_busy_is_tried_again(void **state)
{
	int64_t value;

	(void)state;
	calls.nr_busy = 3;
	assert_int_equal(damon_write(&scripted, -1, "state", "on"), 0);
	assert_int_equal(calls.nr_pauses, 3);
	calls.nr_busy = 5;
	assert_int_equal(damon_read_number(&scripted, -1, "pid", &value), 0);
	assert_int_equal(value, 5);
}

static void test_busy_is_bounded(void **state)
{
	(void)state;
	calls.nr_busy = 1000000;
	assert_int_equal(damon_write(&scripted, -1, "state", "on"), -EBUSY);
	assert_in_range(calls.paused_ms, 1000, 1100);
	assert_in_range(calls.nr_pauses, 10, 40);
}

static void test_other_errors_are_not(void **state)
{
	(void)state;
	calls.fail_write_at = 1;
	calls.fail_with = EPERM;
	assert_int_equal(damon_write(&scripted, -1, "state", "off"), -EPERM);
	assert_int_equal(calls.nr_pauses, 0);
}

static struct damon_config config(bool with_scheme)
{
	struct damon_config c = { .operations = "vaddr", .pid = 4711, .attrs = attrs_default() };

	c.attrs.aging_us = 5000;
	c.attrs.aggregation_us = 100000;
	c.with_scheme = with_scheme;
	return c;
}

static void test_configure(void **state)
{
	struct damon_config c = config(false);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(damon_configure(&scripted, -1, &c, &err), 0);
	assert_string_equal(calls.log, "contexts/nr_contexts=1\n"
				       "contexts/0/operations=vaddr\n"
				       "contexts/0/monitoring_attrs/intervals/sample_us=5000\n"
				       "contexts/0/monitoring_attrs/intervals/aggr_us=100000\n"
				       "contexts/0/monitoring_attrs/intervals/update_us=1000000\n"
				       "contexts/0/monitoring_attrs/nr_regions/min=10\n"
				       "contexts/0/monitoring_attrs/nr_regions/max=1000\n"
				       "contexts/0/targets/nr_targets=1\n"
				       "contexts/0/targets/0/pid_target=4711\n");
}

static void test_configure_ranges(void **state)
{
	const struct damon_range ranges[] = { { 4096, 8192 }, { 12288, 16384 } };
	struct damon_config c = config(false);
	struct err err = ERR_NONE;

	(void)state;
	c.operations = "fvaddr";
	c.ranges = ranges;
	c.nr_ranges = 2;
	assert_int_equal(damon_configure(&scripted, -1, &c, &err), 0);
	assert_non_null(strstr(calls.log, "contexts/0/operations=fvaddr\n"));
	assert_non_null(strstr(calls.log, "contexts/0/targets/0/pid_target=4711\n"
					  "contexts/0/targets/0/regions/nr_regions=2\n"
					  "contexts/0/targets/0/regions/0/start=4096\n"
					  "contexts/0/targets/0/regions/0/end=8192\n"
					  "contexts/0/targets/0/regions/1/start=12288\n"
					  "contexts/0/targets/0/regions/1/end=16384\n"));
}

static void test_configure_without_operations(void **state)
{
	struct damon_config c = config(false);
	struct err err = ERR_NONE;

	(void)state;
	c.operations = "addr"; /* a part of a name is no name */
	assert_int_equal(damon_configure(&scripted, -1, &c, &err), -ENOTSUP);
	assert_int_equal(calls.nr_writes, 1);
}

#define INTERVALS "contexts/0/monitoring_attrs/intervals/"

/* The kernel tunes: only where it can, within limits that hold the intervals it begins with. */
static void test_goal(void **state)
{
	struct attrs attrs = config(false).attrs;
	struct err err = ERR_NONE;

	attrs.access_bp = ATTRS_ACCESS_BP;
	assert_int_equal(damon_write_attrs(&scripted, -1, &attrs, &err), -ENOTSUP);
	assert_non_null(strstr(err.text, "intervals_goal"));
	assert_int_equal(calls.nr_writes, 0);

	calls.goal_aggrs = "0\n";
	assert_int_equal(damon_write_attrs(&scripted, -1, &attrs, &err), 0);
	assert_non_null(strstr(calls.log, INTERVALS "intervals_goal/access_bp=400\n" INTERVALS
						    "intervals_goal/min_sample_us=5000\n" INTERVALS
						    "intervals_goal/max_sample_us=10000000\n" INTERVALS
						    "intervals_goal/aggrs=3\n"));
	reset(state);
	calls.goal_aggrs = "0\n";
	attrs.aging_us = 2000;
	assert_int_equal(damon_write_attrs(&scripted, -1, &attrs, &err), 0);
	assert_non_null(strstr(calls.log, "min_sample_us=2000\n"));
	reset(state);
	calls.goal_aggrs = "0\n";
	attrs.aging_us = attrs.aggregation_us = 20000000;
	assert_int_equal(damon_write_attrs(&scripted, -1, &attrs, &err), 0);
	assert_non_null(strstr(calls.log, "max_sample_us=20000000\n"));
}

/* Ended where it was on; and where it was not, its files are left alone. */
static void test_goal_ends(void **state)
{
	struct attrs attrs = config(false).attrs;
	struct err err = ERR_NONE;

	(void)state;
	calls.goal_aggrs = "0\n";
	assert_int_equal(damon_write_attrs(&scripted, -1, &attrs, &err), 0);
	assert_null(strstr(calls.log, "goal"));
	calls.goal_aggrs = "3\n";
	assert_int_equal(damon_write_attrs(&scripted, -1, &attrs, &err), 0);
	assert_non_null(strstr(calls.log, "intervals_goal/aggrs=0\n"));
}

/* Whichever call fails: that error, with a message, and nothing is written after it. */
static void test_configure_fails_anywhere(void **state)
{
	struct damon_config c = config(true);
	struct err err = ERR_NONE;
	unsigned nr;

	assert_int_equal(damon_configure(&scripted, -1, &c, &err), 0);
	nr = calls.nr_writes;
	assert_int_equal(nr, 17);
	for (unsigned i = 1; i <= nr; i++) {
		err = ERR_NONE;
		reset(state);
		calls.fail_write_at = i;
		calls.fail_with = i % 2 ? ENOENT : EINVAL;
		assert_int_equal(damon_configure(&scripted, -1, &c, &err), -calls.fail_with);
		assert_int_equal(calls.nr_writes, i);
		assert_true(strlen(err.text) > 0);
	}
}

static void test_ranges(void **state)
{
	const struct region_report v[] = {
		{ .start = 10, .end = 20 },
		{ .start = 20, .end = 30, .nr_accesses = 5, .age = 1 },
		{ .start = 40, .end = 50 },
		{ .start = 50, .end = 55 },
	};
	struct region_report many[2 * DAMON_MAX_RANGES];
	struct damon_range ranges[DAMON_MAX_RANGES];

	(void)state;
	assert_int_equal(damon_ranges_of(v, 0, ranges), 0);
	assert_int_equal(damon_ranges_of(v, 4, ranges), 2);
	assert_int_equal(ranges[0].start, 10);
	assert_int_equal(ranges[0].end, 30);
	assert_int_equal(ranges[1].start, 40);
	assert_int_equal(ranges[1].end, 55);
	for (unsigned i = 0; i < 2 * DAMON_MAX_RANGES; i++)
		many[i] = (struct region_report){ .start = i * 10, .end = i * 10 + 5 };
	assert_int_equal(damon_ranges_of(many, 2 * DAMON_MAX_RANGES, ranges), DAMON_MAX_RANGES);
	assert_int_equal(ranges[DAMON_MAX_RANGES - 1].end, many[2 * DAMON_MAX_RANGES - 1].end);
}

/* ---- files ---- */

static void put_region(const struct file_tree *tree, int i, const char *const values[4])
{
	static const char *const names[] = { "start", "end", "nr_accesses", "age" };
	char file[128];

	for (int f = 0; f < 4; f++) {
		snprintf(file, sizeof(file), "0/contexts/0/schemes/0/tried_regions/%d/%s", i, names[f]);
		damon_tree_put(tree, file, values[f]);
	}
}

static int read_tried(const struct file_tree *tree, struct damon_regions *regions)
{
	int fd = damon_tree_open(tree), kdamond = openat(fd, "0", O_RDONLY | O_DIRECTORY), rc;

	rc = damon_read_tried(&damon_io_kernel, kdamond, regions);
	close(kdamond);
	close(fd);
	return rc;
}

static void test_tried_regions(void **state)
{
	struct damon_regions regions = { 0 };
	struct file_tree tree;

	(void)state;
	damon_tree_new(&tree, 1, 1);
	assert_int_equal(read_tried(&tree, &regions), 0);
	assert_int_equal(regions.nr, 0);
	put_region(&tree, 0, (const char *const[]){ "4096\n", "8192\n", "20\n", "7\n" });
	put_region(&tree, 1, (const char *const[]){ "8192\n", "18446744073709547520\n", "0\n", "4294967295\n" });
	assert_int_equal(read_tried(&tree, &regions), 0);
	assert_int_equal(regions.nr, 2);
	assert_int_equal(regions.v[0].start, 4096);
	assert_int_equal(regions.v[0].nr_accesses, 20);
	assert_int_equal(regions.v[0].age, 7);
	assert_true(regions.v[1].end == UINT64_C(18446744073709547520));
	assert_int_equal(regions.v[1].age, UINT32_MAX);

	put_region(&tree, 1, (const char *const[]){ "8000\n", "9000\n", "0\n", "0\n" }); /* overlaps */
	assert_int_equal(read_tried(&tree, &regions), -EBADMSG);
	put_region(&tree, 1, (const char *const[]){ "9000\n", "9000\n", "0\n", "0\n" }); /* empty */
	assert_int_equal(read_tried(&tree, &regions), -EBADMSG);
	put_region(&tree, 1, (const char *const[]){ "9000\n", "18446744073709551616\n", "0\n", "0\n" });
	assert_int_equal(read_tried(&tree, &regions), -EBADMSG);
	put_region(&tree, 1, (const char *const[]){ "9000\n", "9100\n", "-1\n", "0\n" });
	assert_int_equal(read_tried(&tree, &regions), -EBADMSG);
	put_region(&tree, 1, (const char *const[]){ "9000\n", "9100\n", "0\n", "" });
	assert_int_equal(read_tried(&tree, &regions), -EBADMSG);
	damon_regions_free(&regions);
	file_tree_free(&tree);
}

static void test_only_ours_is_restored(void **state)
{
	struct damon_identity identity;
	struct file_tree tree;
	int fd, kdamond;

	(void)state;
	damon_tree_new(&tree, 1, 1);
	fd = damon_tree_open(&tree);
	kdamond = openat(fd, "0", O_RDONLY | O_DIRECTORY);
	identity = damon_identity_of(kdamond);
	damon_tree_put(&tree, "0/contexts/0/targets/0/pid_target", "42\n");
	damon_tree_put(&tree, "0/state", "on\n");
	assert_true(damon_is_ours(&damon_io_kernel, fd, &identity, 42));

	/* It watches somebody else's process by now. */
	assert_false(damon_is_ours(&damon_io_kernel, fd, &identity, 43));
	assert_int_equal(damon_turn_off(&damon_io_kernel, fd, &identity, 43), 0);
	assert_true(damon_tree_has(&tree, "0/state", "on"));
	assert_int_equal(damon_remove(&damon_io_kernel, fd, &identity, 43), 0);
	assert_true(damon_tree_has(&tree, "nr_kdamonds", "1"));

	/* There are two by now: somebody has made them. */
	damon_tree_put(&tree, "nr_kdamonds", "2\n");
	assert_int_equal(damon_remove(&damon_io_kernel, fd, &identity, 42), 0);
	assert_true(damon_tree_has(&tree, "nr_kdamonds", "2"));
	damon_tree_put(&tree, "nr_kdamonds", "1\n");

	assert_int_equal(damon_turn_off(&damon_io_kernel, fd, &identity, 42), 0);
	assert_true(damon_tree_has(&tree, "0/state", "off"));
	damon_tree_remake(&tree);
	assert_false(damon_is_ours(&damon_io_kernel, fd, &identity, 42));
	assert_int_equal(damon_remove(&damon_io_kernel, fd, &identity, 42), 0);
	assert_true(damon_tree_has(&tree, "nr_kdamonds", "1"));
	close(kdamond);
	close(fd);
	file_tree_free(&tree);
}

/* ---- others ---- */

static struct damon_others find_others(const struct file_tree *tree, pid_t pid)
{
	int fd = damon_tree_open(tree);
	struct damon_others others;

	assert_int_equal(damon_others_find(&others, &damon_io_kernel, tree->root, fd, pid, NULL), 0);
	close(fd);
	return others;
}

static void assert_refused(const struct damon_others *others, const char *says)
{
	struct err err = ERR_NONE;

	assert_int_equal(damon_others_refuse(others, &err), -EBUSY);
	assert_non_null(strstr(err.text, says));
}

static void test_others(void **state)
{
	struct damon_others others;
	struct file_tree tree;

	(void)state;
	damon_tree_new(&tree, 0, 0);
	others = find_others(&tree, 42);
	assert_int_equal(damon_others_refuse(&others, NULL), 0);
	file_tree_put(&tree, "/sys/module/damon_reclaim/parameters/enabled", "N\n");
	file_tree_put(&tree, "/sys/module/damon_lru_sort/parameters/enabled", "Y\n");
	others = find_others(&tree, 42);
	assert_refused(&others, "echo N > /sys/module/damon_lru_sort/parameters/enabled");
	file_tree_free(&tree);

	damon_tree_new(&tree, 2, 2);
	others = find_others(&tree, 42);
	assert_refused(&others, "all off");
	assert_true(others.has_vaddr);
	damon_tree_put(&tree, "1/state", "on\n");
	damon_tree_put(&tree, "1/pid", "99\n");
	damon_tree_put(&tree, "1/contexts/0/targets/1/pid_target", "42\n");
	others = find_others(&tree, 42);
	assert_refused(&others, "kdamonds: 2, running: 1");
	assert_true(others.watches);
	assert_int_equal(others.kdamond, 1);
	assert_int_equal(others.kdamond_pid, 99);
	assert_int_equal(others.target_id, 1);
	assert_false(find_others(&tree, 43).watches);
	assert_false(find_others(&tree, 0).watches);
	damon_tree_put(&tree, "1/contexts/0/operations", "paddr\n");
	assert_false(find_others(&tree, 42).watches);
	file_tree_free(&tree);
}

static void test_no_damon(void **state)
{
	struct file_tree tree;
	struct err err = ERR_NONE;

	(void)state;
	file_tree_new(&tree);
	assert_int_equal(damon_open_kdamonds(tree.root, &err), -ENOTSUP);
	assert_non_null(strstr(err.text, "CONFIG_DAMON_SYSFS"));
	file_tree_free(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_busy_is_tried_again, reset),
		cmocka_unit_test_setup(test_busy_is_bounded, reset),
		cmocka_unit_test_setup(test_other_errors_are_not, reset),
		cmocka_unit_test_setup(test_configure, reset),
		cmocka_unit_test_setup(test_configure_ranges, reset),
		cmocka_unit_test_setup(test_configure_without_operations, reset),
		cmocka_unit_test_setup(test_goal, reset),
		cmocka_unit_test_setup(test_goal_ends, reset),
		cmocka_unit_test_setup(test_configure_fails_anywhere, reset),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_tried_regions),
		cmocka_unit_test(test_only_ours_is_restored),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_no_damon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
