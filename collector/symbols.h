/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * symbols.h - names of the functions that the target runs.
 *
 * symbols_name() never reads a file itself: what it does not know it orders, and
 * a thread that lives for as long as there are orders looks it up (a large
 * program's table takes longer than a key may wait). Orders and answers are
 * bounded; the oldest answers go first. Owned by one thread, which makes, asks
 * and frees it; symbols_free() waits for the other one.
 */
#ifndef COLLECTOR_SYMBOLS_H
#define COLLECTOR_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/mappings.h"

struct symbols;

enum symbols_mode {
	SYMBOLS_LATER, /* by the other thread */
	SYMBOLS_NOW,   /* symbols_name() waits and always knows: for output that is made once */
};

/* Below proc ("/proc"), which outlives it. NULL: no memory. */
struct symbols *symbols_new(const char *proc, enum symbols_mode mode);
/* NULL is fine. */
void symbols_free(struct symbols *symbols);

/*
 * The function at ip in process pid, whose mappings are maps, and how far ip is within it. False: not known, or not
 * yet; dst and within are left as they are. NULL symbols know nothing.
 */
bool symbols_name(struct symbols *symbols, pid_t pid, struct mappings *maps, uint64_t ip, char *dst, size_t size,
		  uint64_t *within);

#endif
