/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * perf_report.h - a perf sample as an access report. Pure.
 */
#ifndef COLLECTOR_PERF_REPORT_H
#define COLLECTOR_PERF_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/perf_ring.h"
#include "collector/report.h"

/*
 * Fills report from a sample that stands for count events. False: the sample has no address in user space that is
 * certain - none at all, one of the kernel's, or the PMU says that the instruction accessed no memory.
 */
bool perf_report(const struct perf_sample *sample, uint64_t count, struct report *report);

#endif
