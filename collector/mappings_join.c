/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of several processes as one. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "collector/mappings.h"
#include "collector/space.h"

int mappings_set_processes(struct mappings *maps, const struct mappings_process *v, size_t nr)
{
	struct mappings_process *copy = malloc((nr + 1) * sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	memcpy(copy, v, nr * sizeof(*v));
	free((void *)(uintptr_t)maps->processes);
	maps->processes = copy;
	maps->nr_processes = nr;
	return 0;
}

/* Appends the mappings of one process; its names are those from name on. v has room for them. */
static void append(struct mappings *maps, struct mapping *v, const struct mappings_part *part, size_t name)
{
	for (size_t i = 0; i < part->maps->nr; i++) {
		struct mapping m = part->maps->v[i];

		/* one that reaches to the end of a space would touch the next */
		if (m.start >= SPACE_ADDRESS_MASK || m.end > SPACE_ADDRESS_MASK)
			continue;
		m.start = space_place(part->process.space, m.start);
		m.end = space_place(part->process.space, m.end);
		m.name += (uint32_t)name;
		if (m.perms & (MAPPING_READ | MAPPING_WRITE | MAPPING_EXEC))
			maps->mapped_bytes += m.end - m.start;
		v[maps->nr++] = m;
	}
}

static struct mappings *join(const struct mappings_part *parts, size_t nr, struct mapping *v, char *names)
{
	struct mappings *maps = calloc(1, sizeof(*maps));
	size_t name = 0;

	if (!maps)
		return NULL;
	atomic_init(&maps->nr_refs, 1);
	for (size_t i = 0; i < nr; i++) {
		append(maps, v, &parts[i], name);
		if (parts[i].maps->sz_names)
			memcpy(names + name, parts[i].maps->names, parts[i].maps->sz_names);
		name += parts[i].maps->sz_names;
	}
	maps->sz_names = name;
	return maps;
}

struct mappings *mappings_join(const struct mappings_part *parts, size_t nr)
{
	struct mappings_process processes[MAPPINGS_MAX_PROCESSES];
	size_t nr_mappings = 0, sz_names = 0;
	struct mappings *maps = NULL;
	struct mapping *v;
	char *names;

	for (size_t i = 0; i < nr; i++) {
		processes[i] = parts[i].process;
		nr_mappings += parts[i].maps->nr;
		sz_names += parts[i].maps->sz_names;
	}
	v = malloc((nr_mappings + 1) * sizeof(*v));
	names = malloc(sz_names + 1);
	if (v && names && sz_names <= UINT32_MAX)
		maps = join(parts, nr, v, names);
	if (!maps) {
		free(v);
		free(names);
		return NULL;
	}
	maps->v = v;
	maps->names = names;
	if (mappings_set_processes(maps, processes, nr)) {
		mappings_put(maps);
		return NULL;
	}
	return maps;
}

const struct mappings_process *mappings_process_of(const struct mappings *maps, uint64_t place)
{
	unsigned space = space_of(place);

	for (size_t i = 0; maps && i < maps->nr_processes; i++)
		if (maps->processes[i].space == space)
			return &maps->processes[i];
	return NULL;
}

uint64_t mappings_process_key(const struct mappings_process *process)
{
	/* pids have 22 bits at most (PID_MAX_LIMIT), and are above 0 */
	return process->start_ticks << 22 ^ (uint64_t)process->pid;
}
