/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/damon_others.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collector/sysfs.h"

/* More would be a mistake of somebody's; each costs some reads. */
#define MAX_KDAMONDS 64
#define MAX_TARGETS  1024

/* They start DAMON as its only user. damon_stat is from 6.17. */
static const char *const modules[] = { "damon_reclaim", "damon_lru_sort", "damon_stat" };

static const char *module_that_runs(const char *root)
{
	char path[96], value[8];

	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		snprintf(path, sizeof(path), "/sys/module/%s/parameters/enabled", modules[i]);
		if (sysfs_read(root, path, value, sizeof(value)) > 0 && value[0] == 'Y')
			return modules[i];
	}
	return NULL;
}

static bool is_virtual(const char *operations)
{
	return strcmp(operations, "vaddr") == 0 || strcmp(operations, "fvaddr") == 0;
}

/* The number of our process among the targets of a context, or -1. */
static int find_target(const struct damon_io *io, int kdamond_fd, pid_t target_pid)
{
	char file[64];
	int64_t pid;

	for (int i = 0; i < MAX_TARGETS; i++) {
		snprintf(file, sizeof(file), "contexts/0/targets/%d/pid_target", i);
		if (damon_read_number(io, kdamond_fd, file, &pid))
			return -1;
		if (pid == target_pid)
			return i;
	}
	return -1;
}

static void look_at_operations(struct damon_others *others, const struct damon_io *io, int kdamond_fd)
{
	char have[256];

	if (damon_read(io, kdamond_fd, "contexts/0/avail_operations", have, sizeof(have)) < 0)
		return;
	others->has_operations = true;
	others->has_vaddr = others->has_vaddr || strncmp(have, "vaddr", 5) == 0 || strstr(have, "\nvaddr");
}

static void look_at(struct damon_others *others, const struct damon_io *io, int kdamond_fd, unsigned number,
		    pid_t target_pid)
{
	char operations[32];
	pid_t kdamond_pid;
	int target;

	look_at_operations(others, io, kdamond_fd);
	if (damon_is_on(io, kdamond_fd) != 1)
		return;
	others->nr_on++;
	if (others->watches || !target_pid ||
	    damon_read(io, kdamond_fd, "contexts/0/operations", operations, sizeof(operations)) < 0 ||
	    !is_virtual(operations))
		return;
	target = find_target(io, kdamond_fd, target_pid);
	kdamond_pid = damon_kdamond_pid(io, kdamond_fd);
	if (target < 0 || kdamond_pid < 0)
		return;
	others->watches = true;
	others->kdamond = number;
	others->kdamond_pid = kdamond_pid;
	others->target_id = (uint64_t)target;
}

int damon_others_find(struct damon_others *others, const struct damon_io *io, const char *root, int kdamonds_fd,
		      pid_t target_pid, struct err *err)
{
	char name[16];
	int rc;

	*others = (struct damon_others){ .module = module_that_runs(root) };
	rc = damon_read_number(io, kdamonds_fd, "nr_kdamonds", &others->nr_kdamonds);
	if (rc)
		return err_set(err, -rc, "%s/nr_kdamonds: %s", DAMON_KDAMONDS, strerror(-rc));
	for (unsigned i = 0; i < others->nr_kdamonds && i < MAX_KDAMONDS; i++) {
		int fd;

		snprintf(name, sizeof(name), "%u", i);
		fd = openat(kdamonds_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue;
		look_at(others, io, fd, i, target_pid);
		close(fd);
	}
	return 0;
}

int damon_others_refuse(const struct damon_others *others, struct err *err)
{
	if (others->nr_on)
		return err_set(err, EBUSY,
			       "another program uses DAMON (kdamonds: %" PRId64 ", running: %u) and there is one DAMON "
			       "for all: wait until it has ended, or choose another source with -s",
			       others->nr_kdamonds, others->nr_on);
	if (others->nr_kdamonds)
		return err_set(err, EBUSY,
			       "another program has set DAMON up (kdamonds: %" PRId64
			       ", all off), and it is left alone; "
			       "if nobody needs that any more: echo 0 > %s/nr_kdamonds",
			       others->nr_kdamonds, DAMON_KDAMONDS);
	if (others->module)
		return err_set(err, EBUSY,
			       "the kernel's %s uses DAMON and shares it with nobody; to switch it off: echo N > "
			       "/sys/module/%s/parameters/enabled",
			       others->module, others->module);
	return 0;
}
