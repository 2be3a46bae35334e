/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pfm.h - event names to perf_event_open(2) attributes, through libpfm4.
 *
 * libpfm4 has a perf_event_attr of its own that cannot meet the kernel's in one
 * file, so that a plain struct goes between. It knows CPUs from CPUID alone:
 * that it knows this one does not mean that there is a PMU. Any thread; the
 * library is initialised once, with encoding for CPUs other than this one on.
 */
#ifndef COLLECTOR_PFM_H
#define COLLECTOR_PFM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/err.h"

struct pfm_event {
	uint32_t type;
	uint64_t config, config1, config2;
	uint64_t sample_period; /* or frequency; 0: the name does not say */
	bool freq;
	unsigned precise_ip;
	bool exclude_user, exclude_kernel, exclude_hv, exclude_guest, exclude_host;
};

/*
 * Encodes an event such as "perf::PAGE-FAULTS" or "skx::MEM_LOAD_RETIRED:L3_MISS:precise=2", for user mode where the
 * name does not say otherwise. 0; -EINVAL with libpfm4's reason, and what would help; -ENOTSUP: libpfm4 does not start.
 */
int pfm_encode(const char *name, struct pfm_event *event, struct err *err);

/*
 * The name that libpfm4 has for this CPU's core events ("skx"), or "" where it knows none. Returns dst.
 */
const char *pfm_core_name(char *dst, size_t size);

/* Which of libpfm4's environment variables are in force, for messages: "LIBPFM_FORCE_PMU=skx", or "". Returns dst. */
const char *pfm_environment(char *dst, size_t size);

#endif
