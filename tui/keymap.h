/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keymap.h - the keys of the map, as a table.
 *
 * The key line and the help screen are made from it, so that they cannot drift
 * from what the keys do. A new key is a row. Constant; any thread.
 */
#ifndef TUI_KEYMAP_H
#define TUI_KEYMAP_H

#include <stddef.h>
#include <stdint.h>

struct app;

enum key_group { KEYS_SHOW, KEYS_TIME, KEYS_PLACE, KEYS_PANELS, KEYS_TUNE, KEYS_RECORD, KEYS_PROGRAM, KEYS_NR_GROUPS };

#define KEY_NONE UINT32_MAX /* a row that only explains */

struct key {
	uint32_t key; /* a code point or enum term_key */
	unsigned (*handler)(struct app *app, int arg);
	int arg;
	enum key_group group;
	const char *names; /* how this and the rows after it without names are written */
	const char *label; /* one word or two for the key line; NULL: not there */
	const char *help;  /* one line; NULL: said with the row above */
};

extern const struct key keymap[];
extern const size_t keymap_nr;

/* As the help has it. */
const char *keymap_group_title(enum key_group group);
/* The row of a key, or NULL. */
const struct key *keymap_find(uint32_t key);

#endif
