/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * perf.h - the perf source, and the same on simulated rings, for tests.
 * Collector thread only, as every source (source.h).
 */
#ifndef COLLECTOR_SOURCES_PERF_H
#define COLLECTOR_SOURCES_PERF_H

#include <stddef.h>

#include "collector/pmu.h"
#include "collector/source.h"

extern const struct source_ops source_perf;

/*
 * The source as after open(), but its rings are memory files (see perf_attach_open_files()) and its target's pid is
 * given. params->attrs and params->clock are used. Closed like any source.
 */
int perf_source_open_files(struct source **source, const struct source_params *params, const struct pmu_event *event,
			   pid_t pid, const int *fds, size_t nr_fds, size_t nr_pages, struct err *err);

#endif
