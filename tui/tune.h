/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tune.h - steps in which monitoring attributes are changed.
 *
 * Pure; any thread.
 */
#ifndef TUI_TUNE_H
#define TUI_TUNE_H

#include "collector/snapshot.h"

/* The next of 1, 2, 5, 10, 20, 50 ... above (direction 1) or below (-1) v; at least 1. */
uint64_t tune_step(uint64_t v, int direction);
/* Samples a second and thread that an event source has come to, where the user has not set them; at least 1. */
uint64_t tune_sample_rate(const struct snapshot *snap);

#endif
