/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * perf_sim.h - a perf ring without a kernel: a memory file laid out like the
 * mapping of a perf event, and a writer that lays records into it.
 *
 * The reader under test maps sim->fd as it would map an event. The sim owns fd
 * and its own mapping; perf_sim_close() gives both back.
 */
#ifndef TESTS_UNIT_PERF_SIM_H
#define TESTS_UNIT_PERF_SIM_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/perf_ring.h"

#define PERF_SIM_MAX_RECORD 65536

struct perf_sim {
	int fd;
	struct perf_event_mmap_page *page;
	unsigned char *data;
	size_t sz_data;
	uint64_t head;
	uint64_t nr_lost; /* records since the last LOST that found no room */
};

/* A ring of nr_pages data pages (a power of two) whose first byte is written at position start. False: no memory. */
bool perf_sim_open(struct perf_sim *sim, size_t nr_pages, uint64_t start);
void perf_sim_close(struct perf_sim *sim);

/* Any bytes at all, whether or not they make sense; does not look for room. */
void perf_sim_write_raw(struct perf_sim *sim, const void *bytes, size_t len);

/* A record, as the kernel does it: where there is no room it is counted, and a LOST goes in front of the next one. */
bool perf_sim_write(struct perf_sim *sim, const struct perf_event_header *rec);

/*
 * Lays out a sample as attr says (the fields that struct perf_sample has, and fillers for the others) into buf of
 * PERF_SIM_MAX_RECORD bytes. Returns buf as a record.
 */
struct perf_event_header *perf_sim_sample(void *buf, const struct perf_event_attr *attr,
					  const struct perf_sample *sample);

/* A record of this type with nr words after the header. */
struct perf_event_header *perf_sim_record(void *buf, uint32_t type, const uint64_t *words, size_t nr);

#endif
