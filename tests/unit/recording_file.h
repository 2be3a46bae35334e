/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recording_file.h - a recording in a folder of its own, and sample snapshots to
 * write into it that have everything a snapshot can have.
 *
 * recording_file_new() and recording_file_free() are cmocka's fixture, whose
 * state is the file. What goes wrong fails the test.
 */
#ifndef TESTS_UNIT_RECORDING_FILE_H
#define TESTS_UNIT_RECORDING_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/err.h"
#include "collector/snapshot.h"
#include "tests/unit/file_tree.h"

#define RECORDING_NAME "/rec"

struct recording_file {
	struct file_tree tree;
	char path[FILE_TREE_PATH + sizeof(RECORDING_NAME)]; /* there is no file yet */
};

int recording_file_new(void **state);
int recording_file_free(void **state);

/* Snapshot number i, and the mappings of its target: the same for the same number. For the caller to put and free. */
struct mappings *sample_maps(unsigned i);
struct snapshot *sample_snapshot(unsigned i, struct mappings *maps);
/* Fails the test where anything differs that a recording keeps. */
void sample_check_equal(const struct snapshot *a, const struct snapshot *b);

/* Samples 0 ... nr - 1; max_bytes as for record_open(). */
void recording_file_write(const char *path, unsigned nr, uint64_t max_bytes);
/* How many snapshots there are; -errno. With compare all are held against the samples, from first on. */
int recording_file_read(const char *path, unsigned first, bool compare, char note[256], struct err *err);
/* The first snapshot of target pid (0: of the first), for the caller to free; NULL: there is none, see err. */
struct snapshot *recording_file_first(const char *path, pid_t pid, struct err *err);

#endif
