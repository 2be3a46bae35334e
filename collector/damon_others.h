/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * damon_others.h - who else uses kernel DAMON. Reads only. Plain values; the
 * collector thread, or whoever probes.
 */
#ifndef COLLECTOR_DAMON_OTHERS_H
#define COLLECTOR_DAMON_OTHERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/damon_sysfs.h"
#include "collector/err.h"

struct damon_others {
	int64_t nr_kdamonds; /* of anybody: none is ours yet */
	unsigned nr_on;
	bool has_operations; /* has_vaddr means something: there is a context that tells */
	bool has_vaddr;
	const char *module; /* of the kernel, which shares DAMON with nobody: "damon_reclaim"; NULL: none */
	/* One of the kdamonds watches our process by its virtual addresses. */
	bool watches;
	unsigned kdamond; /* its number */
	pid_t kdamond_pid;
	uint64_t target_id; /* our process among its targets */
};

/* target_pid 0: none yet. 0 or -errno with err. */
int damon_others_find(struct damon_others *others, const struct damon_io *io, const char *root, int kdamonds_fd,
		      pid_t target_pid, struct err *err);

/*
 * May we make a kdamond? 0, or -EBUSY with whose DAMON is and what would help. What others->watches offers is not
 * looked at.
 */
int damon_others_refuse(const struct damon_others *others, struct err *err);

#endif
