/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * when.h - the time of a snapshot as text: that of day, in the local time zone,
 * or, where a recording does not tell that, the time since the recording began.
 *
 * Pure but for the time zone. Any thread.
 */
#ifndef TUI_WHEN_H
#define TUI_WHEN_H

#include <stdint.h>

#include "collector/snapshot.h"

#define WHEN_SIZE 24

/* "14:02:30", or "+12.34s", "+2:05", "+1:02:05": of the moment before_ns before its end. Returns dst. */
const char *when_text(char dst[WHEN_SIZE], const struct snapshot *snap, uint64_t before_ns);

#endif
