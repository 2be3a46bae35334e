/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * perf_tasks.h - records of mappings, names and forks that wait until the
 * samples of a perf.data have come to their time: rings of several CPUs follow
 * each other in a file, so that what comes later may be older.
 *
 * Copies, at most PERF_TASKS_MAX_NR and PERF_TASKS_MAX_BYTES. All zero is empty;
 * perf_tasks_free() frees. One thread.
 */
#ifndef COLLECTOR_PERF_TASKS_H
#define COLLECTOR_PERF_TASKS_H

#include <linux/perf_event.h>
#include <stddef.h>
#include <stdint.h>

#define PERF_TASKS_MAX_NR    (1u << 16)
#define PERF_TASKS_MAX_BYTES (UINT64_C(16) << 20)

struct perf_task {
	uint64_t time_ns, nr;
	struct perf_event_header *rec; /* only its header is in our byte order */
};

struct perf_tasks {
	struct perf_task *v;
	size_t nr, cap, done; /* those before done have been taken */
	uint64_t bytes, nr_ever;
};

void perf_tasks_free(struct perf_tasks *ts);
/* A copy of rec. 0, -ENOSPC (there are too many), -ENOMEM. */
int perf_tasks_add(struct perf_tasks *ts, const struct perf_event_header *rec, uint64_t time_ns);
/* By time; of the same time as they came. */
void perf_tasks_sort(struct perf_tasks *ts);
/* The next of sorted ones up to until_ns, the caller's to free; NULL: there is none. */
struct perf_event_header *perf_tasks_take(struct perf_tasks *ts, uint64_t until_ns);
/* Of sorted ones: the time of the one in the middle, at least one waits; and of the first exec after from_ns, or
 * until_ns. */
uint64_t perf_tasks_median_ns(const struct perf_tasks *ts);
uint64_t perf_tasks_exec_ns(const struct perf_tasks *ts, uint64_t from_ns, uint64_t until_ns);

#endif
