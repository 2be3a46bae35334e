/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_batch.h - reports gathered and handed over sorted by address.
 *
 * A fixed buffer, so that nothing is allocated for a report: a full one is
 * handed over at once. One thread; report_batch_free() frees.
 */
#ifndef COLLECTOR_REPORT_BATCH_H
#define COLLECTOR_REPORT_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "collector/report.h"

#define REPORT_BATCH_SIZE 16384

struct batch_key {
	uint64_t start;
	uint32_t index;
};

struct report_batch {
	struct report *v, *sorted; /* REPORT_BATCH_SIZE each */
	struct batch_key *keys, *spare;
	size_t nr;
	struct sink *sink;
};

/* 0 or -ENOMEM. The sink may be set anew before each use. */
int report_batch_init(struct report_batch *batch);
/* A zeroed one is fine. */
void report_batch_free(struct report_batch *batch);

/* Hands over what there is, sorted by start, reports with the same start in the order in which they came. */
void report_batch_flush(struct report_batch *batch);

/* Room for one more report: the caller fills all of it. */
static inline struct report *report_batch_next(struct report_batch *batch)
{
	if (batch->nr == REPORT_BATCH_SIZE)
		report_batch_flush(batch);
	return &batch->v[batch->nr++];
}

#endif
