/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * contrast.h - heat in its unit to brightness in 0 ... 1.
 *
 * Learns the distribution of the values on the screen, weighted by the memory
 * that they stand for: one page that a program spins on is brighter than the
 * scale and does not darken all the rest. Chooses bounds, which
 * it rounds to 1-2-5 steps and leaves alone as long as they fit, so that colours
 * do not flicker. Zero is always 0, everything above is more than 0. Bounds can
 * be fixed, so that colours stay comparable. A plain value; no ownership.
 * Pure.
 */
#ifndef TUI_CONTRAST_H
#define TUI_CONTRAST_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/snapshot.h"

enum contrast_mode {
	CONTRAST_AUTO, /* linear, or logarithmic where most values are far below the largest */
	CONTRAST_LINEAR,
	CONTRAST_LOG,
	CONTRAST_PERCENTILE, /* by rank among the values on the screen */
	CONTRAST_NR_MODES,
};

/* Buckets a factor of two, over 2^-CONTRAST_OCTAVES/2 ... 2^CONTRAST_OCTAVES/2. */
#define CONTRAST_STEPS	 8
#define CONTRAST_OCTAVES 96
#define CONTRAST_BUCKETS (CONTRAST_STEPS * CONTRAST_OCTAVES)

/* The dimmest of what is not zero. */
#define CONTRAST_MIN_SHOWN 0.08

struct contrast {
	enum contrast_mode mode;
	enum contrast_mode now;	       /* in force: never AUTO */
	bool fixed;		       /* bounds stay */
	bool known;		       /* there have been values */
	double low, high;	       /* bounds in force; low only where logarithmic */
	uint64_t sum_values, sum_zero; /* of weights */
	uint64_t buckets[CONTRAST_BUCKETS];
	float ranks[CONTRAST_BUCKETS]; /* PERCENTILE: brightness by bucket */
};

void contrast_init(struct contrast *c);
/* Forgets bounds: another unit, another target. */
void contrast_reset(struct contrast *c);

/* Learns: begin, then every value that is known with its weight (above 0), then end. */
void contrast_begin(struct contrast *c);
void contrast_add(struct contrast *c, float value, uint32_t weight);
/* The weight of this much memory: its pages, but no more than 64 MiB of them. */
uint32_t contrast_weight(uint64_t bytes);
void contrast_end(struct contrast *c, enum heat_unit unit);

/* Brightness in 0 ... 1. */
double contrast_scale(const struct contrast *c, float value);
/* "linear", "log", "percentile"; of AUTO "auto". */
const char *contrast_mode_name(enum contrast_mode mode);

#endif
