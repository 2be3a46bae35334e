/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The filters' files, on a folder of files and on a kernel that refuses some of them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/damon_filters.h"
#include "tests/unit/damon_tree.h"

#define ALL ((1U << DAMON_NR_FILTERS) - 1)

struct fixture {
	struct file_tree tree;
	int kdamonds_fd, kdamond_fd;
};

static void setup(struct fixture *f, int nr_schemes)
{
	damon_tree_new(&f->tree, 1, 1);
	damon_tree_put_filters(&f->tree, 0, nr_schemes);
	f->kdamonds_fd = damon_tree_open(&f->tree);
	f->kdamond_fd = openat(f->kdamonds_fd, "0", O_RDONLY | O_DIRECTORY);
	assert_true(f->kdamond_fd >= 0);
}

static void teardown(struct fixture *f)
{
	close(f->kdamond_fd);
	close(f->kdamonds_fd);
	file_tree_free(&f->tree);
}

static int refuse_huge(int dir_fd, const char *file, const char *text)
{
	return strcmp(text, "hugepage_size") ? damon_io_kernel.write(dir_fd, file, text) : -EINVAL;
}

static int refuse_all(int dir_fd, const char *file, const char *text)
{
	(void)dir_fd, (void)file, (void)text;
	return -EIO;
}

static void test_make(void **state)
{
	struct damon_io io = damon_io_kernel;
	struct damon_filters filters;
	struct fixture f;

	(void)state;
	setup(&f, 4);
	assert_int_equal(damon_filters_make(&filters, &io, f.kdamond_fd, 1), 0);
	assert_int_equal(filters.has, ALL);
	assert_int_equal(filters.first, 1);
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/schemes/nr_schemes", "4"));
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/schemes/0/apply_interval_us", "0")); /* the caller's */
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/schemes/1/apply_interval_us", "200000"));
	/* an older kernel has no filter for huge pages, and that scheme must stay at rest */
	io.write = refuse_huge;
	assert_int_equal(damon_filters_make(&filters, &io, f.kdamond_fd, 0), 0);
	assert_int_equal(filters.has, 1U << DAMON_FILTER_ANON | 1U << DAMON_FILTER_FILE);
	assert_int_equal(damon_filters_arm(&filters, &io, f.kdamond_fd, &(struct damon_range){ 4096, 8192 }), 0);
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/schemes/0/access_pattern/sz/max", "18446744073709551615"));
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/schemes/1/core_filters/0/addr_end", "8192"));
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/schemes/2/access_pattern/sz/max", "0"));
	assert_int_equal(damon_filters_rest(&filters, &io, f.kdamond_fd), 0);
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/schemes/0/access_pattern/sz/max", "0"));
	io.write = refuse_all;
	assert_int_equal(damon_filters_make(&filters, &io, f.kdamond_fd, 0), -EIO);
	assert_int_equal(filters.has, 0);
	teardown(&f);
}

static void test_old_kernel(void **state)
{
	struct damon_filters filters;
	struct fixture f;

	(void)state;
	setup(&f, 0);
	assert_int_equal(damon_filters_make(&filters, &damon_io_kernel, f.kdamond_fd, 1), 0);
	assert_int_equal(filters.has, 0);
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/schemes/nr_schemes", "1"));
	teardown(&f);
}

static void test_read(void **state)
{
	const struct damon_filters filters = { .first = 1, .has = ALL };
	struct damon_passed v[3];
	struct fixture f;

	(void)state;
	setup(&f, 4);
	assert_int_equal(damon_filters_read(&filters, &damon_io_kernel, f.kdamond_fd, DAMON_FILTER_FILE, v, 3), 0);
	damon_tree_put_passed(&f.tree, 2, 0, 4096, 40960, 8192);
	damon_tree_put_passed(&f.tree, 2, 1, 81920, 163840, 0);
	assert_int_equal(damon_filters_read(&filters, &damon_io_kernel, f.kdamond_fd, DAMON_FILTER_FILE, v, 3), 2);
	assert_int_equal(v[0].end, 40960);
	assert_int_equal(v[0].bytes, 8192);
	assert_int_equal(v[1].bytes, 0);
	/* it was applied once more: the second time counts */
	damon_tree_put_passed(&f.tree, 2, 2, 4096, 20480, 12288);
	damon_tree_put_passed(&f.tree, 2, 3, 20480, 163840, 4096);
	assert_int_equal(damon_filters_read(&filters, &damon_io_kernel, f.kdamond_fd, DAMON_FILTER_FILE, v, 3), 2);
	assert_int_equal(v[0].end, 20480);
	assert_int_equal(v[0].bytes, 12288);
	assert_int_equal(v[1].end, 163840);
	assert_int_equal(damon_filters_read(&filters, &damon_io_kernel, f.kdamond_fd, DAMON_FILTER_FILE, v, 1), -EFBIG);
	damon_tree_put_passed(&f.tree, 2, 1, 8192, 8192, 0);
	assert_int_equal(damon_filters_read(&filters, &damon_io_kernel, f.kdamond_fd, DAMON_FILTER_FILE, v, 3),
			 -EBADMSG);
	damon_tree_put(&f.tree, "0/contexts/0/schemes/2/tried_regions/0/sz_filter_passed", "many\n");
	assert_int_equal(damon_filters_read(&filters, &damon_io_kernel, f.kdamond_fd, DAMON_FILTER_FILE, v, 3),
			 -EBADMSG);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_make),
		cmocka_unit_test(test_old_kernel),
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
