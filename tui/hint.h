/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hint.h - what to change when the intervals or limits do not suit what is seen.
 *
 * A table of conditions on the newest snapshots, the weightiest first. Pure; a
 * new hint is a row. Tui thread only.
 */
#ifndef TUI_HINT_H
#define TUI_HINT_H

#include "tui/history.h"

/* So many of the newest snapshots have to agree, so that a hint does not flicker. */
#define HINT_NR_SNAPSHOTS 3

/* One line that names what is wrong and the key that helps; NULL: all is well, or too little has been seen. */
const char *hint_of(const struct history *history);

#endif
