/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snapshot_join.h - the snapshots of several processes as one.
 *
 * Each process has regions, pages and codes of its own, by address; here they
 * become parts of one snapshot, by place (space.h). Pure; collector thread.
 */
#ifndef COLLECTOR_SNAPSHOT_JOIN_H
#define COLLECTOR_SNAPSHOT_JOIN_H

#include <stddef.h>

#include "collector/snapshot.h"

/*
 * parts: a snapshot for each of maps->processes, in their order, of the same aggregation and source, not packed; NULL:
 * there is none of it. All are freed. maps: made by mappings_join(), one reference is taken over. What belongs to the
 * whole (seq, times, attributes, source) is that of the first part, pid and comm too.
 *
 * Heat that is a share of CPU time becomes the share of the time of all of them: parts are weighed by the time that
 * their samples stand for. NULL: no memory, or no part.
 */
struct snapshot *snapshot_join(struct snapshot **parts, struct mappings *maps);

#endif
