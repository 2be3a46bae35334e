/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * perf_processes.h - the processes that a perf.data tells of: who has samples
 * with addresses, what they are called, and who is whose child.
 *
 * At most PERF_PROCESSES_MAX; those that come later are not told apart. All
 * zero is empty; perf_processes_free() frees. One thread.
 */
#ifndef COLLECTOR_PERF_PROCESSES_H
#define COLLECTOR_PERF_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/perf_file.h"
#include "collector/target.h"

#define PERF_PROCESSES_MAX     8192
#define PERF_PROCESSES_LINEAGE 32

struct perf_process {
	pid_t pid;
	pid_t parent; /* by a fork in the file; 0: it was there before */
	uint64_t nr_samples;
	char comm[TARGET_COMM_SIZE];
};

struct perf_processes {
	struct perf_process *v; /* a hash of cap slots; pid 0: free */
	size_t nr, cap;
	bool any_lost; /* the kernel has dropped records */
};

void perf_processes_free(struct perf_processes *ps);
/* A sample of pid that has an address. */
void perf_processes_sample(struct perf_processes *ps, pid_t pid);
/* A record of any other type: forks and names are taken from it, and whether any are missing. */
void perf_processes_record(struct perf_processes *ps, const struct perf_file *f);

/* NULL: none. */
const struct perf_process *perf_processes_find(const struct perf_processes *ps, pid_t pid);
/* The one with most samples, and how many have any. NULL: none has. */
const struct perf_process *perf_processes_most(const struct perf_processes *ps, size_t *nr_with_samples);
/* pid, its parent, the parent's parent ..., as far as they have forked in the file: how many of at most size. */
size_t perf_processes_lineage(const struct perf_processes *ps, pid_t pid, pid_t *v, size_t size);
/* "12 make (345 samples), 13 cc (67) and 8 more": those with most samples first. */
void perf_processes_text(const struct perf_processes *ps, char *text, size_t size);

#endif
