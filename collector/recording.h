/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recording.h - reads a recording, one snapshot after another: our own files,
 * and those of damo and perf.
 *
 * The file is hostile: everything read has a bound, an error says where it is,
 * and memory is that of one snapshot, however large the file. One thread;
 * recording_close() frees. docs/recording.md describes the formats.
 */
#ifndef COLLECTOR_RECORDING_H
#define COLLECTOR_RECORDING_H

#include <stdint.h>
#include <sys/types.h>

#include "collector/attrs.h"
#include "collector/err.h"
#include "collector/snapshot.h"

/* Regions of one snapshot; mappings of one, as text. */
#define RECORDING_MAX_NR_REGIONS (1u << 18)
#define RECORDING_MAX_TEXT	 (32u << 20)

struct recording;

/*
 * Opens a recording; of several files (--record-size) the first leads through all. Which format it has is seen from its
 * beginning. pid: the target to choose where it has several, 0: the first. attrs: intervals and limits for formats that
 * have only single accesses, not regions (perf.data). 0 or -errno.
 */
int recording_open(struct recording **recording, const char *path, pid_t pid, const struct attrs *attrs,
		   struct err *err);
/* NULL is fine. */
void recording_close(struct recording *recording);

/*
 * The next snapshot, which is the caller's then. 1; 0: the end (also of a file that was cut off, see
 * recording_note()); -EBADMSG and other -errno, err says where.
 */
int recording_next(struct recording *recording, struct snapshot **snap, struct err *err);

/* What the user should know of the file, after its end: "" mostly. */
const char *recording_note(const struct recording *recording);
/* What it is: "json", "perf-script" ... */
const char *recording_format(const struct recording *recording);

#endif
