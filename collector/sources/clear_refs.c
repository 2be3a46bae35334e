/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ages just the target, by writing 1 to its clear_refs: the kernel tests and clears the access bit of every present
 * page of it, locked and huge ones included, and leaves soft-dirty alone. Needs no MGLRU.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "collector/sources/harvest.h"
#include "collector/sources/sources.h"

struct clear_refs {
	int fd;
};

int clear_refs_walk(int fd)
{
	ssize_t n;

	do
		n = pwrite(fd, "1", 1, 0);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static int open_file(const struct target *target, struct err *err)
{
	int fd = target_open_file(target, "clear_refs", O_WRONLY);

	if (fd >= 0)
		return fd;
	if (fd == -ENOENT && !target_has_ended(target))
		return err_set(err, ENOTSUP, "the kernel has no clear_refs: built without CONFIG_PROC_PAGE_MONITOR");
	if (fd == -EACCES || fd == -EPERM)
		return err_set(
			err, EACCES,
			"not permitted to clear the access bits of process %d: it belongs to user %u; run as that "
			"user with CAP_BPF and CAP_PERFMON, or as root",
			target->pid, target->uid);
	return err_set(err, fd == -ENOENT ? ESRCH : -fd, "clear_refs of process %d: %s", target->pid,
		       strerror(fd == -ENOENT ? ESRCH : -fd));
}

static int clear_refs_ager_probe(const struct source_params *params, struct err *err)
{
	int fd;

	if (!params->target)
		return 0;
	fd = open_file(params->target, err);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int clear_refs_ager_open(void *state, const struct source_params *params, struct err *err)
{
	struct clear_refs *c = state;

	c->fd = open_file(params->target, err);
	return c->fd < 0 ? c->fd : 0;
}

static int clear_refs_age(void *state, struct harvest *harvest, char *note, struct err *err)
{
	struct clear_refs *c = state;
	int rc = clear_refs_walk(c->fd);

	(void)harvest;
	(void)note;
	return rc && rc != -ESRCH ? err_set(err, -rc, "writing to clear_refs: %s", strerror(-rc)) : rc;
}

static void clear_refs_ager_close(void *state)
{
	struct clear_refs *c = state;

	if (c->fd > 0)
		close(c->fd);
}

const struct ager ager_clear_refs = {
	.sz_state = sizeof(struct clear_refs),
	.probe = clear_refs_ager_probe,
	.open = clear_refs_ager_open,
	.age = clear_refs_age,
	.close = clear_refs_ager_close,
};

static int clear_refs_probe(const struct source_params *params, struct err *err)
{
	return harvest_probe(params, &ager_clear_refs, err);
}

static void clear_refs_permits(const struct source_params *params, char *dst, size_t size)
{
	harvest_permits(params, &ager_clear_refs, dst, size);
}

static int clear_refs_open(struct source **source, const struct source_params *params, struct err *err)
{
	return harvest_source_open(source, &source_clear_refs, &ager_clear_refs, params, NULL, err);
}

const struct source_ops source_clear_refs = {
	.name = "clear_refs",
	.sees = "every page touched since the last harvest, by 4 KiB, with node, anon/file, huge",
	.side_effect =
		"clears the target's access bits: reclaim takes its memory for colder than it is, and two that clear "
		"them take them from each other",
	.heat_unit = HEAT_FRACTION,
	.flags = SOURCE_AUTO | SOURCE_CHECKS | SOURCE_WSS_EXACT | SOURCE_CLEARS,
	.probe = clear_refs_probe,
	.permits = clear_refs_permits,
	.open = clear_refs_open,
	.drain = harvest_source_drain,
	.stats = harvest_source_stats,
	.close = harvest_source_close,
};
