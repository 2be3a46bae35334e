/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/file_tree.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

void file_tree_new(struct file_tree *tree)
{
	snprintf(tree->root, sizeof(tree->root), "/tmp/damontop-test-XXXXXX");
	must(mkdtemp(tree->root) != NULL, "mkdtemp");
}

static void make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		must(!mkdir(path, 0700) || errno == EEXIST, path);
		*slash = '/';
	}
}

void file_tree_put_bytes(const struct file_tree *tree, const char *path, const void *bytes, size_t len)
{
	char full[PATH_MAX];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", tree->root, path);
	make_folders(full);
	file = fopen(full, "w");
	must(file != NULL, full);
	must(fwrite(bytes, 1, len, file) == len && !fclose(file), full);
}

void file_tree_put(const struct file_tree *tree, const char *path, const char *text)
{
	file_tree_put_bytes(tree, path, text, strlen(text));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void file_tree_free(struct file_tree *tree)
{
	must(!nftw(tree->root, remove_one, 16, FTW_DEPTH | FTW_PHYS), tree->root);
}
