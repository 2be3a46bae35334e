/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * perf_data_sim.h - a perf.data without perf: the same records in either byte
 * order, as a file or as perf record -o - writes them.
 *
 * Every field is written by its width, as a machine of that order would. Memory
 * of its own; perf_data_free() frees.
 */
#ifndef TESTS_UNIT_PERF_DATA_SIM_H
#define TESTS_UNIT_PERF_DATA_SIM_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PERF_DATA_MAX_NR_IDS 4

struct perf_data_event {
	struct perf_event_attr attr;
	uint64_t ids[PERF_DATA_MAX_NR_IDS];
	size_t nr_ids;
};

/* What a record has in common with samples: it lies at its end. */
struct perf_data_stamp {
	uint32_t pid, tid, cpu;
	uint64_t time, id;
};

struct perf_data_sample {
	struct perf_data_stamp stamp;
	uint64_t ip, addr, period, data_src, data_page_size;
	uint32_t weight;	     /* the first part of PERF_SAMPLE_WEIGHT_STRUCT */
	uint16_t weight_2, weight_3; /* ... and the others */
	uint32_t sz_raw;	     /* bytes of PERF_SAMPLE_RAW */
};

struct perf_data {
	bool swapped; /* the other byte order than this machine's */
	bool piped;
	unsigned char *v;
	size_t len, cap;
	size_t at_record, at_size, at_data;
	const struct perf_data_event *events;
	size_t nr_events;
};

/* The head, with these events (which have to stay): attributes and ids. */
void perf_data_begin(struct perf_data *d, bool swapped, bool piped, const struct perf_data_event *events, size_t nr);
/* The end: of a file, features behind the data, and the sizes in the head. */
void perf_data_end(struct perf_data *d);
void perf_data_free(struct perf_data *d);
/* Writes it to path. */
void perf_data_save(const struct perf_data *d, const char *path);

/* The sample as the event of stamp.id has it. */
void perf_data_sample(struct perf_data *d, const struct perf_data_sample *s);
void perf_data_comm(struct perf_data *d, const struct perf_data_stamp *stamp, const char *name, bool exec);
void perf_data_fork(struct perf_data *d, const struct perf_data_stamp *stamp, uint32_t parent);
/* MMAP2; anonymous where name begins with two slashes. build_id: with one in place of device and inode. */
void perf_data_mmap2(struct perf_data *d, const struct perf_data_stamp *stamp, uint64_t start, uint64_t len,
		     uint64_t offset, uint64_t inode, uint32_t prot, const char *name, bool build_id);
void perf_data_lost(struct perf_data *d, const struct perf_data_stamp *stamp, uint64_t nr);
void perf_data_lost_samples(struct perf_data *d, const struct perf_data_stamp *stamp, uint64_t nr);
void perf_data_finished_round(struct perf_data *d);
/* A record of this type with any bytes; more bytes (AUXTRACE, TRACING_DATA) follow it and are no record. */
void perf_data_raw(struct perf_data *d, uint32_t type, const void *bytes, size_t len);
void perf_data_auxtrace(struct perf_data *d, size_t nr_bytes);
void perf_data_tracing_data(struct perf_data *d, uint32_t nr_bytes);

#endif
