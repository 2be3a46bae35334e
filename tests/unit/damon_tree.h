/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * damon_tree.h - a folder of files that stands for kernel DAMON's: they keep
 * what is written to them and do nothing by that, so the folder of a kdamond
 * is there from the beginning.
 */
#ifndef TESTS_UNIT_DAMON_TREE_H
#define TESTS_UNIT_DAMON_TREE_H

#include <stdbool.h>

#include "tests/unit/file_tree.h"

/* nr_kdamonds says nr; the folders 0 ... nr_folders - 1 have every file of 6.12 that matters, and are off. */
void damon_tree_new(struct file_tree *tree, int nr, int nr_folders);
/* Of a file below "kdamonds", such as "0/state". */
void damon_tree_put(const struct file_tree *tree, const char *file, const char *text);
bool damon_tree_has(const struct file_tree *tree, const char *file, const char *text);
/* Of newer kernels: the files by which folder number tunes its intervals, off. */
void damon_tree_put_goal(const struct file_tree *tree, int number);
/* Of newer kernels: schemes 0 ... nr - 1 of folder number, with the files of filters. */
void damon_tree_put_filters(const struct file_tree *tree, int number, int nr);
/* What scheme of folder 0 has passed of region [start, end), as number i of tried_regions. */
void damon_tree_put_passed(const struct file_tree *tree, int scheme, int i, unsigned long start, unsigned long end,
			   unsigned long passed);
/* Removes folder 0 and makes it again, as the kernel does at every write of nr_kdamonds. */
void damon_tree_remake(const struct file_tree *tree);
/* The descriptor of "kdamonds". */
int damon_tree_open(const struct file_tree *tree);

#endif
