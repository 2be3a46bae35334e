/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snapshot_json.h - a snapshot as one JSON object on one line.
 *
 * An interface that scripts depend on: docs/json.md describes every field, and
 * a test holds the output against it. What is not known is absent, never 0.
 * Pure but for the output; any thread.
 */
#ifndef COLLECTOR_SNAPSHOT_JSON_H
#define COLLECTOR_SNAPSHOT_JSON_H

#include <stdio.h>

#include "collector/snapshot.h"

/* Writes it with a newline. 0, -ENOMEM, or -errno of the output; the caller flushes. */
int snapshot_json_write(FILE *out, const struct snapshot *snap);

/*
 * The mapping that has the largest part of [start, end): its full name, "anon" where it has none, NULL where nothing is
 * mapped. Points into maps or to a constant.
 */
const char *snapshot_mapping_name(const struct snapshot *snap, uint64_t start, uint64_t end);

/* "running", "stopped", "zombie", "exited". */
const char *target_state_name(enum target_state state);

#endif
