/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * prompt.h - one line that is typed in a box: a file's name, a place in a
 * recording.
 *
 * What is refused says why, and the box stays. Kinds are a table in prompt.c; a
 * plain value, no ownership. Tui thread only.
 */
#ifndef TUI_PROMPT_H
#define TUI_PROMPT_H

#include <stdbool.h>

#include "collector/err.h"

struct app;

enum prompt_id { PROMPT_PLACE, PROMPT_RECORD };

struct prompt {
	enum prompt_id id;
	char text[512];
	struct err refused;
	bool again; /* the same text has been refused before, and only Enter was pressed since */
};

void prompt_open(struct prompt *prompt, enum prompt_id id, const char *text);
const char *prompt_title(const struct prompt *prompt);
const char *prompt_hint(const struct prompt *prompt);
/* Does what the prompt is for. 0, or -errno with refused. */
int prompt_apply(struct prompt *prompt, struct app *app);

#endif
