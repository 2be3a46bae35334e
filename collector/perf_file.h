/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * perf_file.h - a perf.data as a row of records: a file or what perf record -o -
 * writes, in either byte order.
 *
 * Takes from it what the records need to be read: the attributes and ids of the
 * events. Bytes come from a function; memory does not depend on the length of
 * the file. All zero is closed; perf_file_close() frees. One thread.
 */
#ifndef COLLECTOR_PERF_FILE_H
#define COLLECTOR_PERF_FILE_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/err.h"
#include "collector/perf_ring.h"

#define PERF_FILE_MAX_NR_ATTRS 64
#define PERF_FILE_SZ_RECORD    65536

/* Of perf's own, beside those of the kernel: perf_user_event_type in tools/lib/perf/include/perf/event.h. */
enum perf_file_type {
	PERF_FILE_ATTR = 64,
	PERF_FILE_TRACING_DATA = 66,
	PERF_FILE_FINISHED_ROUND = 68,
	PERF_FILE_AUXTRACE = 71,
	PERF_FILE_COMPRESSED = 81,
	PERF_FILE_COMPRESSED2 = 83,
};

struct perf_file_id {
	uint64_t id;
	unsigned attr;
};

/* Up to size bytes into buf; 0: the end; -errno with err. */
typedef ssize_t (*perf_file_read_fn)(void *ctx, void *buf, size_t size, struct err *err);

struct perf_file {
	perf_file_read_fn read;
	void *ctx;
	bool swapped;	 /* of the other byte order than this machine */
	bool cut_off;	 /* the file has ended within a record */
	uint64_t left;	 /* of the data; UINT64_MAX: until the file ends */
	uint64_t offset; /* of the next record in the file */
	struct perf_event_attr attrs[PERF_FILE_MAX_NR_ATTRS];
	unsigned nr_attrs;
	struct perf_file_id *ids;
	size_t nr_ids;
	bool ids_sorted;
	uint64_t record[PERF_FILE_SZ_RECORD / 8]; /* the last one; only its header is in our byte order */
};

/* Is it the beginning of one? */
bool perf_file_accepts(const char *head, size_t len);
/* Reads up to the first record. 0 or -errno with err, which says at which byte something is wrong. */
int perf_file_open(struct perf_file *f, perf_file_read_fn read, void *ctx, struct err *err);
void perf_file_close(struct perf_file *f);

/* The next record, into f->record. 1; 0: the end; -errno with err. Events that a pipe tells of are taken. */
int perf_file_next(struct perf_file *f, struct err *err);
static inline const struct perf_event_header *perf_file_record(const struct perf_file *f)
{
	return (const struct perf_event_header *)(const void *)f->record;
}

/* The record is a sample: its event and its fields. NULL: it makes no sense. */
const struct perf_event_attr *perf_file_sample(struct perf_file *f, struct perf_sample *sample);
/* When the kernel has written a record that is no sample, on the clock of the samples; 0: not known. */
uint64_t perf_file_time_ns(struct perf_file *f);
/* Is no event left out by sampling: has every event with addresses the period 1? */
bool perf_file_has_all_events(const struct perf_file *f);

/* Word i of the record, the header being word 0, and half h (0: the first in the file) of it; 0 behind its end. */
uint64_t perf_file_u64(const struct perf_file *f, size_t i);
uint32_t perf_file_u32(const struct perf_file *f, size_t i, unsigned h);

/* Sets err to -EBADMSG with what is wrong and where, and returns that. */
int perf_file_bad(const struct perf_file *f, const char *what, struct err *err);

#endif
