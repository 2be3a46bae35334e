/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/perf_tasks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/array.h"

void perf_tasks_free(struct perf_tasks *ts)
{
	for (size_t i = ts->done; i < ts->nr; i++)
		free(ts->v[i].rec);
	free(ts->v);
	*ts = (struct perf_tasks){ 0 };
}

int perf_tasks_add(struct perf_tasks *ts, const struct perf_event_header *rec, uint64_t time_ns)
{
	struct perf_task *task, *v;

	if (ts->nr - ts->done >= PERF_TASKS_MAX_NR || ts->bytes + rec->size > PERF_TASKS_MAX_BYTES)
		return -ENOSPC;
	v = array_grow(ts->v, &ts->cap, ts->nr + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	ts->v = v;
	task = &ts->v[ts->nr];
	task->rec = malloc(rec->size);
	if (!task->rec)
		return -ENOMEM;
	memcpy(task->rec, rec, rec->size);
	task->time_ns = time_ns;
	task->nr = ts->nr_ever++;
	ts->bytes += rec->size;
	ts->nr++;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct perf_task *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return (x->nr > y->nr) - (x->nr < y->nr);
}

void perf_tasks_sort(struct perf_tasks *ts)
{
	if (!ts->nr)
		return;
	memmove(ts->v, ts->v + ts->done, (ts->nr - ts->done) * sizeof(*ts->v));
	ts->nr -= ts->done;
	ts->done = 0;
	qsort(ts->v, ts->nr, sizeof(*ts->v), compare);
}

struct perf_event_header *perf_tasks_take(struct perf_tasks *ts, uint64_t until_ns)
{
	struct perf_event_header *rec;

	if (ts->done == ts->nr || ts->v[ts->done].time_ns > until_ns)
		return NULL;
	rec = ts->v[ts->done++].rec;
	ts->bytes -= rec->size;
	return rec;
}

uint64_t perf_tasks_median_ns(const struct perf_tasks *ts)
{
	return ts->v[ts->done + (ts->nr - ts->done) / 2].time_ns;
}

uint64_t perf_tasks_exec_ns(const struct perf_tasks *ts, uint64_t from_ns, uint64_t until_ns)
{
	for (size_t i = ts->done; i < ts->nr && ts->v[i].time_ns < until_ns; i++)
		if (ts->v[i].time_ns > from_ns && ts->v[i].rec->type == PERF_RECORD_COMM &&
		    ts->v[i].rec->misc & PERF_RECORD_MISC_COMM_EXEC)
			return ts->v[i].time_ns;
	return until_ns;
}
