/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/perf_processes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/text.h"

#define NR_IN_TEXT 4

void perf_processes_free(struct perf_processes *ps)
{
	free(ps->v);
	*ps = (struct perf_processes){ 0 };
}

static size_t slot_of(const struct perf_processes *ps, pid_t pid)
{
	size_t mask = ps->cap - 1, slot = (size_t)((uint32_t)pid * 2654435761u >> 7) & mask;

	while (ps->v[slot].pid && ps->v[slot].pid != pid)
		slot = (slot + 1) & mask;
	return slot;
}

/* Half of the slots stay free. */
static int grow(struct perf_processes *ps)
{
	struct perf_processes more = { .nr = ps->nr, .any_lost = ps->any_lost, .cap = ps->cap ? ps->cap * 2 : 64 };

	more.v = calloc(more.cap, sizeof(*more.v));
	if (!more.v)
		return -1;
	for (size_t i = 0; i < ps->cap; i++)
		if (ps->v[i].pid)
			more.v[slot_of(&more, ps->v[i].pid)] = ps->v[i];
	free(ps->v);
	*ps = more;
	return 0;
}

static struct perf_process *get(struct perf_processes *ps, pid_t pid)
{
	struct perf_process *p;

	if (pid <= 0 || (ps->nr * 2 >= ps->cap && (ps->nr >= PERF_PROCESSES_MAX || grow(ps))))
		return ps->cap && pid > 0 && ps->v[slot_of(ps, pid)].pid ? &ps->v[slot_of(ps, pid)] : NULL;
	p = &ps->v[slot_of(ps, pid)];
	ps->nr += !p->pid;
	p->pid = pid;
	return p;
}

const struct perf_process *perf_processes_find(const struct perf_processes *ps, pid_t pid)
{
	const struct perf_process *p = ps->cap && pid > 0 ? &ps->v[slot_of(ps, pid)] : NULL;

	return p && p->pid ? p : NULL;
}

void perf_processes_sample(struct perf_processes *ps, pid_t pid)
{
	struct perf_process *p = get(ps, pid);

	if (p)
		p->nr_samples++;
}

/* pid, tid, and the name; of the first thread it is the process'. */
static void take_comm(struct perf_processes *ps, const struct perf_file *f)
{
	const struct perf_event_header *rec = perf_file_record(f);
	uint32_t pid = perf_file_u32(f, 1, 0);
	struct perf_process *p = pid == perf_file_u32(f, 1, 1) ? get(ps, (pid_t)pid) : NULL;
	const char *name = (const char *)(rec + 1) + 8;

	if (p && rec->size > sizeof(*rec) + 8)
		text_clean(p->comm, sizeof(p->comm), name, strnlen(name, rec->size - sizeof(*rec) - 8));
}

/* pid, ppid, tid, ptid. A thread has its parent's pid. */
static void take_fork(struct perf_processes *ps, const struct perf_file *f)
{
	pid_t pid = (pid_t)perf_file_u32(f, 1, 0), parent = (pid_t)perf_file_u32(f, 1, 1);
	struct perf_process *p = pid != parent ? get(ps, pid) : NULL;
	const struct perf_process *from;

	if (!p)
		return;
	p->parent = parent;
	from = perf_processes_find(ps, parent);
	if (from && !*p->comm) /* its own name may stand before, from another CPU */
		memcpy(p->comm, from->comm, sizeof(p->comm));
}

void perf_processes_record(struct perf_processes *ps, const struct perf_file *f)
{
	switch (perf_file_record(f)->type) {
	case PERF_RECORD_COMM:
		take_comm(ps, f);
		break;
	case PERF_RECORD_FORK:
		take_fork(ps, f);
		break;
	case PERF_RECORD_LOST:
	case PERF_RECORD_LOST_SAMPLES:
		ps->any_lost = true;
		break;
	default:
		break;
	}
}

const struct perf_process *perf_processes_most(const struct perf_processes *ps, size_t *nr_with_samples)
{
	const struct perf_process *most = NULL;

	*nr_with_samples = 0;
	for (size_t i = 0; i < ps->cap; i++) {
		const struct perf_process *p = &ps->v[i];

		if (!p->pid || !p->nr_samples)
			continue;
		++*nr_with_samples;
		if (!most || p->nr_samples > most->nr_samples ||
		    (p->nr_samples == most->nr_samples && p->pid < most->pid))
			most = p;
	}
	return most;
}

size_t perf_processes_lineage(const struct perf_processes *ps, pid_t pid, pid_t *v, size_t size)
{
	size_t nr = 0;

	while (pid && nr < size) {
		const struct perf_process *p = perf_processes_find(ps, pid);

		v[nr++] = pid;
		pid = p ? p->parent : 0;
	}
	return nr;
}

static int compare_samples(const void *a, const void *b)
{
	const struct perf_process *x = *(const struct perf_process *const *)a,
				  *y = *(const struct perf_process *const *)b;

	if (x->nr_samples != y->nr_samples)
		return x->nr_samples < y->nr_samples ? 1 : -1;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

void perf_processes_text(const struct perf_processes *ps, char *text, size_t size)
{
	const struct perf_process **v = calloc(ps->nr + 1, sizeof(const struct perf_process *));
	size_t nr = 0, used = 0;

	*text = '\0';
	for (size_t i = 0; v && i < ps->cap; i++)
		if (ps->v[i].nr_samples)
			v[nr++] = &ps->v[i];
	if (nr)
		qsort(v, nr, sizeof(const struct perf_process *), compare_samples);
	for (size_t i = 0; i < nr && i < NR_IN_TEXT && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%d%s%s (%" PRIu64 "%s)", i ? ", " : "",
					 (int)v[i]->pid, *v[i]->comm ? " " : "", v[i]->comm, v[i]->nr_samples,
					 i ? "" : " samples");
	if (nr > NR_IN_TEXT && used < size)
		snprintf(text + used, size - used, " and %zu more", nr - NR_IN_TEXT);
	free(v);
}
