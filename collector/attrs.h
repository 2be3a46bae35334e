/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attrs.h - monitoring attributes: the intervals and limits of a collection.
 *
 * Changed while it runs by commands that take effect at an aggregation
 * boundary, so that every snapshot has exactly one set of them and carries it.
 * Plain values; no ownership. Any thread.
 */
#ifndef COLLECTOR_ATTRS_H
#define COLLECTOR_ATTRS_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/err.h"

/* How regions are split and merged; see region.h. */
enum region_policy {
	REGION_POLICY_DATA,   /* cut where the reports say */
	REGION_POLICY_RANDOM, /* DAMON's own rules */
};

struct attrs {
	/*
	 * Time between two looks: for an access-bit source the time between two harvests (DAMON's
	 * sampling interval); for an event source the time between two drains of its rings.
	 */
	uint64_t aging_us;
	uint64_t aggregation_us; /* one snapshot each; a whole number of aging intervals is not required */
	uint64_t update_us;	 /* mappings and threads of the target are read again */
	uint32_t min_nr_regions; /* >= 3 */
	uint32_t max_nr_regions;
	uint32_t freq_hz;   /* event sources: samples a second and thread; 0: by budget_bp */
	uint64_t period;    /* event sources: one sample every so many events; 0: by freq_hz */
	uint32_t budget_bp; /* how much the target may be slowed, in 1/10 000 of its CPU time */
	enum region_policy policy;
	/*
	 * Kernel DAMON tunes aging and aggregation itself, towards finding this share, in 1/10 000, of the accesses
	 * that it could find at most; 0: it does not, and they are as given.
	 */
	uint32_t access_bp;
};

#define ATTRS_MIN_INTERVAL_US UINT64_C(1000)
#define ATTRS_MAX_INTERVAL_US UINT64_C(86400000000) /* a day */
#define ATTRS_MAX_NR_REGIONS  100000
/* The share that DAMON's documentation recommends to tune for. */
#define ATTRS_ACCESS_BP 400

/* The defaults for harvest and event sources: 200 ms, 1 s, 1 s, 10:1000, 1 %. */
struct attrs attrs_default(void);

/* 0, or -EINVAL with what is wrong: an interval outside its bounds, aging above aggregation, limits in disorder. */
int attrs_check(const struct attrs *attrs, struct err *err);
bool attrs_equal(const struct attrs *a, const struct attrs *b);

#endif
