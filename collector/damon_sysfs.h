/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * damon_sysfs.h - client of kernel DAMON's files, one kdamond of them.
 *
 * All access goes through directory descriptors: one of "kdamonds", one of the
 * kdamond that is ours. Who writes nr_kdamonds makes all kdamonds anew, and
 * then ours leads nowhere (-ENOENT, -ENODEV) instead of to somebody else's.
 *
 * The kernel answers -EBUSY where anybody at all uses its files at the same
 * moment (it tries its lock once), so every access is tried again, for a second
 * in all. Files: Documentation/admin-guide/mm/damon/usage.rst.
 *
 * damon_write(), damon_read(), damon_turn_off() and damon_remove() neither allocate nor lock,
 * and may be called in a forked child of a process with threads.
 */
#ifndef COLLECTOR_DAMON_SYSFS_H
#define COLLECTOR_DAMON_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/attrs.h"
#include "collector/err.h"
#include "collector/report.h"

#define DAMON_ADMIN    "/sys/kernel/mm/damon/admin"
#define DAMON_KDAMONDS DAMON_ADMIN "/kdamonds"

/* How files are touched: the seam for tests that fail the Nth call. */
struct damon_io {
	int (*write)(int dir_fd, const char *file, const char *text); /* 0 or -errno */
	/* Bytes read, at most size, or -errno. */
	ssize_t (*read)(int dir_fd, const char *file, char *buf, size_t size);
	void (*pause)(unsigned ms);
};

extern const struct damon_io damon_io_kernel;

/* 0 or -errno; -EBUSY: still busy after a second. */
int damon_write(const struct damon_io *io, int dir_fd, const char *file, const char *text);
/* The text without its last newline, NUL terminated. Its length or -errno; -EFBIG: does not fit. */
ssize_t damon_read(const struct damon_io *io, int dir_fd, const char *file, char *buf, size_t size);
/* A file that holds one number, maybe negative. 0 or -errno (-EBADMSG: something else is in it). */
int damon_read_number(const struct damon_io *io, int dir_fd, const char *file, int64_t *value);

/* The descriptor of "kdamonds" below root, or -errno with what is missing: the kernel's part, or permission. */
int damon_open_kdamonds(const char *root, struct err *err);

/* Contiguous address ranges, at most: what lies between the mappings of a process is few and large. */
#define DAMON_MAX_RANGES 64

struct damon_range {
	uint64_t start, end; /* [start, end) */
};

struct damon_config {
	const char *operations;		  /* "vaddr", or "fvaddr" and "paddr" with ranges */
	pid_t pid;			  /* 0: paddr */
	const struct damon_range *ranges; /* nr_ranges of them */
	size_t nr_ranges;
	struct attrs attrs; /* aging_us is DAMON's sampling interval */
	bool with_scheme;   /* one that matches every region and does nothing: needed for tried_regions */
};

/* Fills the files of a kdamond that has no context yet. It does not run by that. */
int damon_configure(const struct damon_io *io, int kdamond_fd, const struct damon_config *config, struct err *err);
/* Makes the first scheme, whose files are there, the one of with_scheme: where somebody else has said how many there
 * are. */
int damon_write_scheme(const struct damon_io *io, int kdamond_fd, struct err *err);

/*
 * damon_write_attrs(): -ENOTSUP where attrs.access_bp asks for intervals that the kernel tunes, and it does not; then
 * nothing is written. Its tuning goes on from the intervals of attrs, and is looked at again after so many
 * aggregations:
 */
#define DAMON_GOAL_AGGRS 3
/*
 * Files of a kdamond that runs; a "commit" puts them in force. 6.12 takes the ranges of the target from its files too,
 * and forgets every region if there are none: v says where the regions are now.
 */
int damon_write_attrs(const struct damon_io *io, int kdamond_fd, const struct attrs *attrs, struct err *err);
/* vaddr, fvaddr, paddr. -ENOTSUP: the kernel has not these. */
int damon_write_operations(const struct damon_io *io, int kdamond_fd, const char *operations, struct err *err);
int damon_write_ranges(const struct damon_io *io, int kdamond_fd, const struct damon_range *v, size_t nr,
		       struct err *err);
/* What is in the files. Those that DAMON does not know are left as they are. */
int damon_read_attrs(const struct damon_io *io, int kdamond_fd, struct attrs *attrs);

/* The ranges that regions, sorted by address, leave no hole in; at most DAMON_MAX_RANGES, the last one then goes on. */
size_t damon_ranges_of(const struct region_report *v, size_t nr, struct damon_range ranges[DAMON_MAX_RANGES]);

/* A growing array. Zero it first; damon_regions_free() at the end. */
struct damon_regions {
	struct region_report *v;
	size_t nr, room;
};

/* -ENOMEM. */
int damon_regions_add(struct damon_regions *regions, const struct region_report *region);
void damon_regions_free(struct damon_regions *regions);

/*
 * The regions that the last update_schemes_tried_regions has left. 0; -EBADMSG: not sorted, or no numbers; another
 * -errno.
 */
int damon_read_tried(const struct damon_io *io, int kdamond_fd, struct damon_regions *regions);

/* Does the kdamond run? 1, 0, or -errno. */
int damon_is_on(const struct damon_io *io, int kdamond_fd);
/* pid of the kernel thread, or -errno; -ESRCH: it does not run. */
pid_t damon_kdamond_pid(const struct damon_io *io, int kdamond_fd);

/* What tells one kdamond's folder from another of the same name. */
struct damon_identity {
	dev_t dev;
	ino_t ino;
};
struct damon_identity damon_identity_of(int fd);

/*
 * Is "0" below kdamonds_fd still the kdamond that we have made for process pid? Another program may have made it anew,
 * or have given it another target.
 */
bool damon_is_ours(const struct damon_io *io, int kdamonds_fd, const struct damon_identity *identity, pid_t pid);
/* Turns ours off. What is not ours any more stays as it is. 0 or -errno. */
int damon_turn_off(const struct damon_io *io, int kdamonds_fd, const struct damon_identity *identity, pid_t pid);
/*
 * Takes ours away, once it is off. Nobody may have a command to it under way: the kernel would wait for the command,
 * and the command for the kernel.
 */
int damon_remove(const struct damon_io *io, int kdamonds_fd, const struct damon_identity *identity, pid_t pid);

#endif
