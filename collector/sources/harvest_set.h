/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * harvest_set.h - the pages that one harvest found accessed.
 *
 * Records of the BPF programs go in, in whatever order CPUs and nodes gave
 * them; reports come out in address order, each page once, neighbours with the
 * same attributes joined to one range. Pure; owned by the harvest.
 */
#ifndef COLLECTOR_SOURCES_HARVEST_SET_H
#define COLLECTOR_SOURCES_HARVEST_SET_H

#include <linux/types.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/harvest.h"
#include "collector/report.h"

struct harvest_entry;

struct harvest_set {
	struct harvest_entry *v;
	size_t nr, cap;
};

void harvest_set_free(struct harvest_set *set);

/* 0 or -ENOMEM. */
int harvest_set_add_chunk(struct harvest_set *set, const struct harvest_chunk *chunk);
/* 0, -ENOMEM, or -EBADMSG for a range that is empty, unaligned or larger than any folio. */
int harvest_set_add_range(struct harvest_set *set, const struct harvest_range *range);

/* The number of distinct pages in it. */
uint64_t harvest_set_count(struct harvest_set *set);
/*
 * Its chunks by rising address, and the pages of each. Both arrays have room for set->nr. Returns how many were
 * written.
 */
size_t harvest_set_pages(struct harvest_set *set, uint64_t *starts, struct harvest_pages *pages);
/* A copy of its own; nr 0 without memory for it. */
struct harvest_set harvest_set_copy(const struct harvest_set *set);

/* Hands everything to the sink and empties the set. sink NULL: only empties it. Returns the number of distinct pages.
 */
uint64_t harvest_set_report(struct harvest_set *set, struct sink *sink);

#endif
