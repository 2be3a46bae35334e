/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/clear_bits.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

int clear_bits_open(struct clear_bits *cr, const struct target *target, struct err *err)
{
	struct statfs fs;

	*cr = CLEAR_BITS_CLOSED;
	cr->target = target;
	cr->tid = target_live_tid(target);
	cr->fd = target_open_file(target, "clear_refs", O_WRONLY);
	if (cr->fd >= 0 && fstatfs(cr->fd, &fs) == 0 && fs.f_type != PROC_SUPER_MAGIC) {
		clear_bits_close(cr);
		return err_set(
			err, ENOENT,
			"clear_refs of process %d is not the kernel's: something is mounted over it (a container's "
			"mask)",
			target->pid);
	}
	if (cr->fd >= 0)
		return 0;
	if (cr->fd == -ESRCH || (cr->fd == -ENOENT && target_has_ended(target)))
		return err_set(err, ESRCH, "process %d has ended", target->pid);
	if (cr->fd == -EACCES || cr->fd == -EPERM)
		return err_set(
			err, -cr->fd,
			"clear_refs of process %d may not be written (%s): run as its owner (user %u) or as root; "
			"a program that is not dumpable, or /proc mounted read-only, needs root outside of the "
			"container",
			target->pid, strerror(-cr->fd), target->uid);
	if (cr->fd == -EROFS)
		return err_set(err, EROFS, "clear_refs may not be written: /proc is mounted read-only here");
	if (cr->fd == -ENOENT)
		return err_set(err, ENOENT,
			       "there is no clear_refs: the kernel is built without CONFIG_PROC_PAGE_MONITOR");
	return err_set(err, -cr->fd, "opening clear_refs of process %d: %s", target->pid, strerror(-cr->fd));
}

void clear_bits_close(struct clear_bits *cr)
{
	if (cr->fd >= 0)
		close(cr->fd);
	*cr = CLEAR_BITS_CLOSED;
}

/* The file of a thread that has ended takes the digit in silence and clears nothing: it has no memory any more. */
static int follow_live_thread(struct clear_bits *cr, struct err *err)
{
	const struct target *target = cr->target;
	uint64_t due_ns = cr->due_ns;
	int rc;

	if (cr->fd >= 0 && (target_has_ended(target) || target_live_tid(target) == cr->tid))
		return 0;
	clear_bits_close(cr);
	rc = clear_bits_open(cr, target, err);
	cr->due_ns = due_ns;
	return rc;
}

int clear_bits_write(struct clear_bits *cr, enum clear_bits_what what, struct err *err)
{
	char digit = (char)('0' + what);
	int rc = follow_live_thread(cr, err);
	ssize_t n;

	if (rc)
		return rc;
	do
		n = pwrite(cr->fd, &digit, 1, 0);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		return 0;
	if (errno == ESRCH)
		return -ESRCH;
	return err_set(err, errno,
		       "writing clear_refs of process %d: %s; the file could be opened, so it is a filter that refuses "
		       "(seccomp, a security module): -s clock or -s perf need no such write",
		       cr->target->pid, strerror(errno));
}

void clear_bits_paid(struct clear_bits *cr, uint64_t from_ns, uint64_t cost_ns, uint32_t budget_bp)
{
	cr->due_ns = from_ns + cost_ns * 10000 / (budget_bp ? budget_bp : 1);
}
