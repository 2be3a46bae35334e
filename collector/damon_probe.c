/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/damon_probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/damon_events.h"
#include "collector/damon_others.h"
#include "collector/damon_sysfs.h"

/* Has the kernel a function of such a name? 1: yes; 0: no; -1: cannot be told without making a kdamond. */
static int kernel_has(const char *root, const char *symbol)
{
	char path[256], *line = NULL;
	size_t size = 0, nr = 0;
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/kallsyms", root ? root : "");
	file = fopen(path, "re");
	if (!file)
		return -1;
	for (; !found && getline(&line, &size, file) > 0; nr++)
		found = strstr(line, symbol) != NULL;
	free(line);
	fclose(file);
	return found ? 1 : nr ? 0 : -1;
}

static int no_vaddr(struct err *err)
{
	return err_set(err, ENOTSUP,
		       "the kernel's DAMON cannot watch a process: it is built without CONFIG_DAMON_VADDR");
}

static int check_others(const struct source_params *params, const struct damon_others *others, struct err *err)
{
	int rc;

	if (others->has_operations && !others->has_vaddr)
		return no_vaddr(err);
	if (others->watches && !params->range_end && damon_events_probe(params->root, NULL) == 0)
		return 0;
	rc = damon_others_refuse(others, err);
	if (rc)
		return rc;
	return kernel_has(params->root, " damon_va_") ? 0 : no_vaddr(err);
}

static int find_others(const struct source_params *params, struct damon_others *others, struct err *err)
{
	int fd = damon_open_kdamonds(params->root, err), rc;

	if (fd < 0)
		return fd;
	rc = damon_others_find(others, &damon_io_kernel, params->root, fd, params->target ? params->target->pid : 0,
			       err);
	close(fd);
	return rc;
}

int damon_probe(const struct source_params *params, struct err *err)
{
	struct damon_others others;
	int rc = find_others(params, &others, err);

	return rc ? rc : check_others(params, &others, err);
}

int damon_probe_physical(const struct source_params *params, struct err *err)
{
	struct damon_others others;
	int rc = find_others(params, &others, err);

	if (!rc && params->target)
		rc = err_set(err, EINVAL, "it watches the memory of the whole machine: damontop --physical");
	if (!rc)
		rc = damon_others_refuse(&others, err);
	if (rc || kernel_has(params->root, " damon_pa_"))
		return rc;
	return err_set(err, ENOTSUP,
		       "the kernel's DAMON has no physical addresses: it is built without CONFIG_DAMON_PADDR");
}

void damon_permits(const struct source_params *params, char *text, size_t size)
{
	bool no_goal = kernel_has(params->root, " damon_sysfs_intervals_goal_") == 0;
	bool no_filters = kernel_has(params->root, " sz_filter_passed_show") == 0;

	text[0] = '\0';
	if (no_goal || no_filters)
		snprintf(text, size, "without: %s%s%s",
			 no_goal ? "intervals that the kernel tunes (intervals_goal)" : "",
			 no_goal && no_filters ? ", " : "",
			 no_filters ? "kinds of page where no pagemap tells them (ops_filters)" : "");
}
