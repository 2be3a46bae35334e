/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * region_pages.h - regions of which every page is known.
 *
 * Where no event is left out by sampling (one report for each), nothing has to
 * be estimated: a region with accesses is cut at the pages that had some. Pure.
 */
#ifndef COLLECTOR_REGION_PAGES_H
#define COLLECTOR_REGION_PAGES_H

#include <stddef.h>
#include <sys/types.h>

#include "collector/page_set.h"
#include "collector/snapshot.h"

/*
 * The same ranges as v (sorted, page aligned), cut where pages that were accessed and pages that were not meet, and
 * where two mappings do (maps NULL: not there) whose pages there were; counts are those of the piece, the age is that
 * of the region that it was part of, the heat is not set. Where that makes more than max, smaller gaps are left in. set
 * counts hits. *out is a new array, the caller's. The number of them, or -ENOMEM.
 */
ssize_t region_pages_cut(struct page_set *set, const struct mappings *maps, const struct snap_region *v, size_t nr,
			 size_t max, struct snap_region **out);

#endif
