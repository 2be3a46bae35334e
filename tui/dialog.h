/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dialog.h - all settings in one form: a value is typed in place, all are
 * applied together, and what is refused says why beside its field.
 *
 * Pure: text in, values out. The fields are a table in dialog.c; a new
 * setting is a row. A plain value; no ownership.
 */
#ifndef TUI_DIALOG_H
#define TUI_DIALOG_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/attrs.h"
#include "collector/channel.h"

#define DIALOG_NR_FIELDS 10

struct source_ops;

/* All that the form is about. */
struct dialog_values {
	struct attrs attrs;
	const struct source_ops *source; /* NULL: auto */
	char event[COMMAND_EVENT_SIZE];	 /* of perf; "": what it chooses */
};

struct dialog_field {
	char text[COMMAND_EVENT_SIZE];
	bool fresh;	   /* not edited yet: the first character replaces it */
	char refused[160]; /* why; "" */
};

struct dialog {
	struct dialog_values values; /* as they were */
	struct dialog_field fields[DIALOG_NR_FIELDS];
	size_t at; /* the field that is edited */
};

/* The form with these values; the first field is the current one, and dialog_move() goes so many on, around. */
void dialog_open(struct dialog *dialog, const struct dialog_values *values);
void dialog_move(struct dialog *dialog, int fields);
/* A printable ASCII character, or '\b'. */
void dialog_type(struct dialog *dialog, char c);
/* True: *values is what the form says and is valid. False: refused, and the field at fault is the current one. */
bool dialog_apply(struct dialog *dialog, struct dialog_values *values);

/* What was applied has been refused after all, by who collects: the reason stands beside the field that it is about. */
void dialog_refuse(struct dialog *dialog, const struct err *err);

const char *dialog_label(size_t field);
const char *dialog_hint(size_t field);

#endif
