/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/damon_tree.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/damon_sysfs.h"
#include "collector/sysfs.h"

void damon_tree_put(const struct file_tree *tree, const char *file, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", DAMON_KDAMONDS, file);
	file_tree_put(tree, path, text);
}

static void put_kdamond(const struct file_tree *tree, int number)
{
	static const char *const rows[][2] = {
		{ "state", "off\n" },
		{ "pid", "-1\n" },
		{ "contexts/nr_contexts", "0\n" },
		{ "contexts/0/avail_operations", "vaddr\nfvaddr\npaddr\n" },
		{ "contexts/0/operations", "vaddr\n" },
		{ "contexts/0/monitoring_attrs/intervals/sample_us", "5000\n" },
		{ "contexts/0/monitoring_attrs/intervals/aggr_us", "100000\n" },
		{ "contexts/0/monitoring_attrs/intervals/update_us", "60000000\n" },
		{ "contexts/0/monitoring_attrs/nr_regions/min", "10\n" },
		{ "contexts/0/monitoring_attrs/nr_regions/max", "1000\n" },
		{ "contexts/0/targets/nr_targets", "0\n" },
		{ "contexts/0/targets/0/pid_target", "0\n" },
		{ "contexts/0/targets/0/regions/nr_regions", "0\n" },
		{ "contexts/0/targets/0/regions/0/start", "0\n" },
		{ "contexts/0/targets/0/regions/0/end", "0\n" },
		{ "contexts/0/targets/0/regions/1/start", "0\n" },
		{ "contexts/0/targets/0/regions/1/end", "0\n" },
		{ "contexts/0/schemes/nr_schemes", "0\n" },
		{ "contexts/0/schemes/0/action", "stat\n" },
		{ "contexts/0/schemes/0/access_pattern/sz/min", "0\n" },
		{ "contexts/0/schemes/0/access_pattern/sz/max", "0\n" },
		{ "contexts/0/schemes/0/access_pattern/nr_accesses/min", "0\n" },
		{ "contexts/0/schemes/0/access_pattern/nr_accesses/max", "0\n" },
		{ "contexts/0/schemes/0/access_pattern/age/min", "0\n" },
		{ "contexts/0/schemes/0/access_pattern/age/max", "0\n" },
		{ "contexts/0/schemes/0/tried_regions/total_bytes", "0\n" },
	};
	char file[128];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(file, sizeof(file), "%d/%s", number, rows[i][0]);
		damon_tree_put(tree, file, rows[i][1]);
	}
}

void damon_tree_put_goal(const struct file_tree *tree, int number)
{
	static const char *const names[] = { "access_bp", "aggrs", "min_sample_us", "max_sample_us" };
	char file[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(file, sizeof(file), "%d/contexts/0/monitoring_attrs/intervals/intervals_goal/%s", number,
			 names[i]);
		damon_tree_put(tree, file, "0\n");
	}
}

void damon_tree_put_filters(const struct file_tree *tree, int number, int nr)
{
	static const char *const rows[][2] = {
		{ "action", "stat\n" },
		{ "apply_interval_us", "0\n" },
		{ "access_pattern/sz/min", "0\n" },
		{ "access_pattern/sz/max", "0\n" },
		{ "access_pattern/nr_accesses/min", "0\n" },
		{ "access_pattern/nr_accesses/max", "0\n" },
		{ "access_pattern/age/min", "0\n" },
		{ "access_pattern/age/max", "0\n" },
		{ "core_filters/nr_filters", "0\n" },
		{ "core_filters/0/type", "addr\n" },
		{ "core_filters/0/matching", "N\n" },
		{ "core_filters/0/allow", "N\n" },
		{ "core_filters/0/addr_start", "0\n" },
		{ "core_filters/0/addr_end", "0\n" },
		{ "ops_filters/nr_filters", "0\n" },
		{ "ops_filters/0/type", "anon\n" },
		{ "ops_filters/0/matching", "N\n" },
		{ "ops_filters/0/allow", "N\n" },
		{ "ops_filters/0/min", "0\n" },
		{ "ops_filters/0/max", "0\n" },
		{ "tried_regions/total_bytes", "0\n" },
	};
	char file[128];

	for (int scheme = 0; scheme < nr; scheme++)
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			snprintf(file, sizeof(file), "%d/contexts/0/schemes/%d/%s", number, scheme, rows[i][0]);
			damon_tree_put(tree, file, rows[i][1]);
		}
}

void damon_tree_put_passed(const struct file_tree *tree, int scheme, int i, unsigned long start, unsigned long end,
			   unsigned long passed)
{
	const struct {
		const char *name;
		unsigned long value;
	} rows[] = {
		{ "start", start }, { "end", end }, { "nr_accesses", 7 }, { "age", 1 }, { "sz_filter_passed", passed }
	};
	char file[128], text[32];

	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		snprintf(file, sizeof(file), "0/contexts/0/schemes/%d/tried_regions/%d/%s", scheme, i, rows[k].name);
		snprintf(text, sizeof(text), "%lu\n", rows[k].value);
		damon_tree_put(tree, file, text);
	}
}

void damon_tree_new(struct file_tree *tree, int nr, int nr_folders)
{
	char text[16];

	file_tree_new(tree);
	snprintf(text, sizeof(text), "%d\n", nr);
	damon_tree_put(tree, "nr_kdamonds", text);
	for (int i = 0; i < nr_folders; i++)
		put_kdamond(tree, i);
}

bool damon_tree_has(const struct file_tree *tree, const char *file, const char *text)
{
	char path[256], found[256];
	ssize_t len;

	snprintf(path, sizeof(path), "%s/%s", DAMON_KDAMONDS, file);
	len = sysfs_read(tree->root, path, found, sizeof(found));
	if (len > 0 && found[len - 1] == '\n')
		found[len - 1] = '\0';
	if (len >= 0 && strcmp(found, text) == 0)
		return true;
	fprintf(stderr, "%s: \"%s\", not \"%s\"\n", file, len < 0 ? strerror((int)-len) : found, text);
	return false;
}

void damon_tree_remake(const struct file_tree *tree)
{
	char from[PATH_MAX], to[PATH_MAX];

	/* Moved away, so that the new one cannot get the old one's inode. */
	snprintf(from, sizeof(from), "%s%s/0", tree->root, DAMON_KDAMONDS);
	snprintf(to, sizeof(to), "%s/old", tree->root);
	if (rename(from, to))
		abort();
	put_kdamond(tree, 0);
}

int damon_tree_open(const struct file_tree *tree)
{
	return damon_open_kdamonds(tree->root, NULL);
}
