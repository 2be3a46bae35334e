/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * completion.h - what a shell needs to complete damontop's command line, made
 * from the table of options and the tables that name sources, themes ...
 *
 * Pure but for the FILE. Any thread; no ownership.
 */
#ifndef TUI_COMPLETION_H
#define TUI_COMPLETION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "collector/err.h"

enum completion_shell { COMPLETION_BASH, COMPLETION_ZSH };

enum option_values_kind { OPTION_VALUES_WORDS, OPTION_VALUES_FILES, OPTION_VALUES_DIRS, OPTION_VALUES_PIDS };

/* What can stand for a placeholder of the table of options. */
struct option_values {
	const char *arg; /* the placeholder */
	enum option_values_kind kind;
	const char *(*word)(size_t i);			/* WORDS: the i-th; NULL past the last */
	bool path_too;					/* ... or a file, if there is a slash */
	int (*list)(const char *text, struct err *err); /* checks several, with commas between; NULL: there is one */
};

/* NULL: anything, that cannot be listed; arg may be NULL. */
const struct option_values *option_values_of(const char *arg);

/* "bash" or "zsh"; -EINVAL for another. */
int completion_parse_shell(const char *name, enum completion_shell *shell, struct err *err);

/* Prints the script that the shell reads. */
void completion_print(FILE *out, enum completion_shell shell);

#endif
