/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file_tree.h - a folder of a test's own in /tmp: of small files that stand for
 * /sys and /proc, or for what the test itself writes.
 */
#ifndef TESTS_UNIT_FILE_TREE_H
#define TESTS_UNIT_FILE_TREE_H

#include <stddef.h>

#define FILE_TREE_PATH 64

struct file_tree {
	char root[FILE_TREE_PATH];
};

/* Makes an empty folder; aborts the test program where it cannot. */
void file_tree_new(struct file_tree *tree);
/* Writes a file, and the folders above it; path starts with '/'. */
void file_tree_put(const struct file_tree *tree, const char *path, const char *text);
void file_tree_put_bytes(const struct file_tree *tree, const char *path, const void *bytes, size_t len);
/* Removes it all. */
void file_tree_free(struct file_tree *tree);

#endif
