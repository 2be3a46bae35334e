/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * perf_maps.h - the mappings of a process, as the records of a perf.data tell
 * of them.
 *
 * A new mapping takes the place of what it lies over. Where an address is
 * reported that no record told of, 64 KiB around it become a mapping
 * "[recorded]"; more, where there are many of them. Beyond 65 536 mappings
 * more are left out. All zero is empty; perf_maps_free() frees. One thread.
 */
#ifndef COLLECTOR_PERF_MAPS_H
#define COLLECTOR_PERF_MAPS_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/mappings.h"

struct perf_map {
	uint64_t start, end, offset, inode;
	char perms[5];
	char *name;
};

struct perf_maps {
	struct perf_map *v; /* sorted by address */
	size_t nr, cap;
	unsigned nr_covers; /* mappings that perf_maps_cover() has made */
	bool changed;	    /* since perf_maps_table() */
	struct mappings *table;
};

void perf_maps_free(struct perf_maps *maps);
/* exec: another program. */
void perf_maps_clear(struct perf_maps *maps);
/*
 * A PERF_RECORD_MMAP or MMAP2, of which the header alone is in our byte order. pid 0: of any process. One that makes no
 * sense is passed over. 0 or -ENOMEM.
 */
int perf_maps_add(struct perf_maps *maps, const struct perf_event_header *rec, bool swapped, pid_t pid);
/* Makes sure that addr lies in a mapping. 0 or -ENOMEM. */
int perf_maps_cover(struct perf_maps *maps, uint64_t addr);
/* The mappings as they are now: the same table until they change; maps keeps the reference. NULL with err. */
struct mappings *perf_maps_table(struct perf_maps *maps, struct err *err);

#endif
