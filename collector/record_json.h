/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record_json.h - a snapshot as damo's JSON, with our own fields beside damo's.
 *
 * Pure; any thread. docs/recording.md describes the fields.
 */
#ifndef COLLECTOR_RECORD_JSON_H
#define COLLECTOR_RECORD_JSON_H

#include <stdbool.h>

#include "collector/snapshot.h"
#include "collector/text_buf.h"

/*
 * What stands before the first snapshot of a record, and behind the last. set: what all files of one recording have in
 * common; part: the number of this one.
 */
void record_json_begin(struct text_buf *b, const struct snapshot *first, uint64_t set, unsigned part);
#define RECORD_JSON_END "],\"data_source\":\"unknown\"}"

/* The snapshot's object; with_maps: the mappings too, not only where they stay as they were. */
void record_json_snapshot(struct text_buf *b, const struct snapshot *snap, const struct attrs *record_attrs,
			  bool with_maps);

#endif
