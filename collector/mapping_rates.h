/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mapping_rates.h - how often each mapping is used, from how many of its pages
 * were used in windows of known length.
 *
 * Of n pages, each used at random times at the same rate, the share
 * x = 1 - exp(-accesses / n) is used in a window: so the rate is
 * -ln(1 - x) n / T. Windows are kept by classes of length: a long one shows what
 * is used seldom, and says nothing more where it is full, a short one the
 * reverse. The rate is the one that makes all of them most likely together; but
 * where some pages of the mapping are used much more than others each class
 * falls short, the longer the more, and a shorter one that clearly says more is
 * believed instead. A few windows are no rate: accesses come in bursts, and what
 * has just been used would pass for what is used all the time. Pure; one thread, the owner's;
 * mapping_rates_free() frees.
 */
#ifndef COLLECTOR_MAPPING_RATES_H
#define COLLECTOR_MAPPING_RATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/report.h"

/* Above this share a window is full, and the shortest windows are: measured, the estimate falls short beyond it. */
#define MAPPING_RATES_MAX_SHARE 0.3
/* Windows that count: the weight of an older one falls by one part in so many with each. */
#define MAPPING_RATES_NR_WINDOWS 10
/* Fewer windows than this of a mapping are too few. */
#define MAPPING_RATES_MIN_WINDOWS 4
/* So many windows of a class must have seen any use before it is believed against all others. */
#define MAPPING_RATES_MIN_HITS 2.5

/* Each four times as long as the one before, from 2 ms on. */
#define MAPPING_RATES_NR_CLASSES 6

/* Sums over windows, the older ones weighing less. */
struct window_sums {
	float weight, share, time_s;
	float hits; /* windows in which any page was used */
};

struct mapping_rate {
	uint64_t start, end;
	uint64_t rss_bytes, referenced_bytes; /* of the last reading */
	uint64_t nr_pages;		      /* present, each with a bit of its own */
	uint32_t nr_windows;
	struct window_sums sums[MAPPING_RATES_NR_CLASSES];
};

struct mapping_rates {
	struct mapping_rate *v; /* sorted by address: those of the last reading */
	size_t nr, cap;
	/* a reading that is under way */
	struct mapping_rate *next;
	size_t nr_next, cap_next, at;
	bool no_memory;
};

/* Nothing is known of any mapping. mapping_rates_free() also after a reading that was not ended. */
void mapping_rates_init(struct mapping_rates *mr);
void mapping_rates_free(struct mapping_rates *mr);

/* A reading: begin, add each mapping in order of address, end. What is not added is forgotten. */
void mapping_rates_begin(struct mapping_rates *mr);
/*
 * window_ns: how long its bits have been collected. 0: no window has passed, the bits mean nothing. huge_bytes: of
 * rss_bytes, in huge pages, of which each has one bit.
 */
void mapping_rates_add(struct mapping_rates *mr, uint64_t start, uint64_t end, uint64_t rss_bytes,
		       uint64_t referenced_bytes, uint64_t huge_bytes, uint64_t window_ns);
/* 0 or -ENOMEM: then the reading before it stays. */
int mapping_rates_end(struct mapping_rates *mr);

/* Fills accesses_per_sec, nr_windows and the valid bits. A mapping with nothing present, or with few
 * windows, has no rate. */
void mapping_rates_estimate(const struct mapping_rate *rate, struct mapping_report *report);

#endif
