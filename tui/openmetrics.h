/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * openmetrics.h - a snapshot as metrics: gauges for a node exporter's textfile
 * collector, for fleets.
 *
 * Names and labels are an interface: docs/recording.md describes them. What is
 * not known is absent. Pure but for the output; tui thread only.
 */
#ifndef TUI_OPENMETRICS_H
#define TUI_OPENMETRICS_H

#include <stdint.h>
#include <stdio.h>

#include "collector/snapshot.h"

/* Counts since the start. */
struct openmetrics {
	uint64_t nr_snapshots, nr_reports, nr_lost, nr_dropped;
};

/* Counts the snapshot in, and writes one whole exposition, "# EOF" at its end. 0 or -errno of the output. */
int openmetrics_write(struct openmetrics *m, FILE *out, const struct snapshot *snap);

#endif
