/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * output.h - what becomes of each snapshot beside the screen: a recording, a
 * report, metrics.
 *
 * output_add() is the one way there; the screen and the batch call it for each
 * snapshot that they take from the channel. Tui thread only.
 */
#ifndef TUI_OUTPUT_H
#define TUI_OUTPUT_H

#include "collector/err.h"
#include "collector/snapshot.h"
#include "tui/options.h"

struct output;

/* Opens what the options ask for. -EINVAL: no such report. */
int output_open(struct output **output, const struct options *options, struct err *err);

/*
 * Takes the snapshot, which stays the caller's; of two sources side by side, only the first one's goes on. A recording
 * that fails is reported once, by -errno with err; what is watched can still be watched. It is an error again at
 * output_close().
 */
int output_add(struct output *output, const struct snapshot *snap, struct err *err);

/*
 * Records to this file from now on. anew: a file of that name is kept under another (record_open()); otherwise it is
 * refused: -EEXIST. 0 or -errno.
 */
int output_record(struct output *output, const char *path, bool anew, struct err *err);
/* Ends the recording. 0 or -errno where it is not whole. */
int output_end_record(struct output *output, struct err *err);
/* The file that is recorded to now, and its bytes so far; NULL: none, or one that has failed. */
const char *output_recording(const struct output *output, uint64_t *bytes);

/* All snapshots have come: prints the report. 0 or -errno. */
int output_finish(struct output *output, struct err *err);

/* Ends a recording, and frees. 0 or -errno. NULL is fine. */
int output_close(struct output *output, struct err *err);

#endif
