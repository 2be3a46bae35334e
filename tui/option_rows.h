/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * option_rows.h - the table of options, for those who parse or print it.
 *
 * Constant; any thread. Nobody but options*.c, completion.c and tests includes this.
 */
#ifndef TUI_OPTION_ROWS_H
#define TUI_OPTION_ROWS_H

#include "tui/options.h"

/* A row without a name is a heading. */
struct option_row {
	char letter; /* 0: none */
	const char *name;
	const char *arg; /* what it takes; it says how it is completed, too (option_values_of()). NULL: nothing */
	const char *help;
	/* what it does: this, or it sets a bool, or keeps what it takes as it is, at this place of struct options */
	int (*set)(struct options *options, const char *arg, struct err *err);
	size_t flag, text;
};

#define OPTION_ROWS_MAX 128
extern const struct option_row option_rows[];
extern const size_t option_rows_nr;

/* arg as it was typed; it has to stay. 0, or -errno with what is wrong with it. */
int option_row_set(const struct option_row *row, struct options *options, const char *arg, struct err *err);

/* Names that options take, in order; NULL where i is past the last. */
const char *options_color_name(size_t i);
const char *options_contrast_name(size_t i);
const char *options_format_name(size_t i);
const char *options_split_name(size_t i);

/* Does a source that they name take samples, or may the one that is found? */
bool options_sample(const struct options *options);

/* Do they go together? 0, or -EINVAL with what does not. */
int options_check_together(const struct options *options, struct err *err);

#endif
