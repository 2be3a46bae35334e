/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * perf_error.h - what an errno of perf_event_open(2) means, and what would help.
 *
 * The table is documented in docs/sources.md, part perf. Any thread.
 */
#ifndef COLLECTOR_PERF_ERROR_H
#define COLLECTOR_PERF_ERROR_H

#include <linux/perf_event.h>
#include <sys/types.h>

#include "collector/err.h"

/* What was tried. */
struct perf_attempt {
	const char *event; /* as the user would call it */
	const struct perf_event_attr *attr;
	pid_t tid; /* -1: CPU-wide */
	int cpu;
	const char *root;     /* where /sys and /proc are */
	size_t nr_for_thread; /* descriptors that each thread takes; 0: not known */
};

/* Fills err for a failed perf_event_open(2); code is the positive errno. Returns -code. */
int perf_error_open(struct err *err, int code, const struct perf_attempt *attempt);

/* The same for a ring that could not be mapped, nr_rings of sz_ring bytes each. */
int perf_error_ring(struct err *err, int code, size_t sz_ring, size_t nr_rings, const char *root);

/* The CPU's name as /proc/cpuinfo below root has it, printable; "this CPU" where it cannot be read. Returns dst. */
const char *perf_cpu_name(char *dst, size_t size, const char *root);

/* The names below /sys/bus/event_source/devices, printable, separated by spaces. Returns dst. */
const char *perf_device_names(char *dst, size_t size, const char *root);

#endif
