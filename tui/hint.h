/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hint.h - what to change when the intervals or limits do not suit what is seen.
 *
 * A table of conditions on the newest snapshots, the weightiest first, each with
 * the value that would help where one value does. Pure; a new hint is a row. Tui
 * thread only.
 */
#ifndef TUI_HINT_H
#define TUI_HINT_H

#include "collector/clock.h"
#include "tui/history.h"

/*
 * So many of the newest snapshots have to agree, over at least so long, and all with the attributes that are in force:
 * a hint does not flicker, does not judge a target by its first moments, and waits after each change.
 */
#define HINT_NR_SNAPSHOTS 3
#define HINT_MIN_NS	  (UINT64_C(3) * NSEC_PER_SEC)

struct hint {
	const char *problem; /* NULL: all is well, or too little has been seen */
	bool has_remedy;
	struct attrs attrs; /* those in force with one value changed */
	char remedy[48];    /* which one: "aging 100ms" */
};

struct hint hint_of(const struct history *history);

#endif
