/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dialog.h - all settings in one form: a value is typed in place, all are
 * applied together, and what is refused says why beside its field.
 *
 * Pure: text in, attributes out. The fields are a table in dialog.c; a new
 * setting is a row. A plain value; no ownership.
 */
#ifndef TUI_DIALOG_H
#define TUI_DIALOG_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/attrs.h"

#define DIALOG_NR_FIELDS 8

struct dialog_field {
	char text[24];
	bool fresh;	   /* not edited yet: the first character replaces it */
	char refused[160]; /* why; "" */
};

struct dialog {
	struct attrs attrs; /* as they were */
	struct dialog_field fields[DIALOG_NR_FIELDS];
	size_t at; /* the field that is edited */
};

void dialog_open(struct dialog *dialog, const struct attrs *attrs);
void dialog_move(struct dialog *dialog, int fields);
/* A printable ASCII character, or '\b'. */
void dialog_type(struct dialog *dialog, char c);
/* True: *attrs is what the form says and is valid. False: refused, and the field at fault is the current one. */
bool dialog_apply(struct dialog *dialog, struct attrs *attrs);

const char *dialog_label(size_t field);
const char *dialog_hint(size_t field);

#endif
