/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record.h - writes snapshots to a recording: damo's json_compressed.
 *
 * One zlib stream with one JSON text that grows by a snapshot at a time. After
 * each the file is complete: the end of the JSON and of the stream are written
 * behind it, and the next snapshot is written over them. So a killed program
 * leaves a file that damo reads: what is written over the old end, last, lies
 * within one page, and no signal tears that.
 * Where the output is no regular file, the end is written by record_close().
 *
 * A snapshot of another target begins another record of the same file: damo's
 * form for several targets. Memory is that of one snapshot, however long it runs. The caller's thread
 * alone; record_close() frees. docs/recording.md describes the file.
 */
#ifndef COLLECTOR_RECORD_H
#define COLLECTOR_RECORD_H

#include <stdint.h>

#include "collector/err.h"
#include "collector/snapshot.h"

struct record;

/*
 * Creates the file, with mode 0600. A file of that name is kept as NAME.old (NAME.old.2 ...). max_bytes: once a file
 * has grown past that the next snapshot goes to NAME.1, then NAME.2 ...; each is a recording of its own. 0: no limit.
 * Returns 0 or -errno.
 */
int record_open(struct record **record, const char *path, uint64_t max_bytes, struct err *err);

/*
 * Adds a snapshot. On an error (disk full) the file is what it was before this snapshot; nothing more is added to it,
 * and every later call returns the same -errno, with the same message.
 */
int record_add(struct record *record, const struct snapshot *snap, struct err *err);

/* Completes the file. 0, or -errno also where record_add() has failed before. NULL is fine (0). */
int record_close(struct record *record, struct err *err);

/* The name of the file that is written to now. */
const char *record_path(const struct record *record);
/* Bytes of that file so far. */
uint64_t record_bytes(const struct record *record);

#endif
