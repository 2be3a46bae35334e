/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * perf_child.h - a process that does as it is told: touches pages for the first
 * time, itself or in a thread or in a child of its own, or burns CPU time.
 *
 * It and its parent have an area of NR_PAGES pages at the same address, of which
 * neither has touched any. Each command takes the next NR_COMMANDED pages,
 * whether it touches them or not. What goes wrong fails the test.
 */
#ifndef TESTS_UNIT_PERF_CHILD_H
#define TESTS_UNIT_PERF_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/perf_attach.h"
#include "collector/target.h"

#define PAGE	     4096
#define NR_PAGES     4096
#define NR_COMMANDED 100 /* pages that one command touches */
#define NR_CROWD     64	 /* threads of a crowd */
#define CROWD_PAGES  16	 /* that each of them touches */

struct perf_child {
	pid_t pid;
	int to, from;
	unsigned char *area; /* the same address in both */
	struct target *target;
	struct perf_attach *pa;
	uint64_t next; /* page that is touched next */
	/* what was seen */
	unsigned char hits[NR_PAGES];
	size_t nr_samples, nr_other, nr_bad;
	bool regs_right, stack_right;
};

struct perf_child *perf_child_start(void);
void perf_child_end(struct perf_child *c);

/*
 * Waits until it is done: 't' touches, 'n' in a new thread, 'f' in a child process; 'r' starts a thread that stays and
 * 'R' touches in that one; 'c' starts a crowd of threads without waiting for all of them, 'C' lets each touch its
 * pages; 'b' burns 0.3 s of CPU time.
 */
void perf_child_tell(struct perf_child *c, char command);

#endif
