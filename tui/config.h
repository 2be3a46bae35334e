/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config.h - the file of settings: options that one would else type each time.
 *
 * Lines of "option = value" (text_file.h); which options is a table in config.c. It
 * is read before the command line, which goes over it, and written on request
 * alone. Tui thread only. config_free() frees; options that were made with a
 * config point into it.
 */
#ifndef TUI_CONFIG_H
#define TUI_CONFIG_H

#include <stddef.h>
#include <stdio.h>

#include "collector/err.h"
#include "tui/options.h"

#define CONFIG_MAX_SETTINGS 16

/* What a message about the file ends with. */
#define CONFIG_REMEDY "; mend the file, or go without it by --no-config"

struct option_row;

struct config_setting {
	const struct option_row *row;
	const char *value; /* "yes" or "no" of an option that takes no value */
	unsigned line;
};

struct config {
	const char *origin; /* the file, for messages */
	char *text;
	size_t nr;
	struct config_setting settings[CONFIG_MAX_SETTINGS];
};

/*
 * Where the file is, by the environment's XDG_CONFIG_HOME and HOME (each may be NULL): damontop/config in the first,
 * which counts only if absolute, or in .config of the second. False: nowhere, or the path is longer than size.
 */
bool config_path(char *dst, size_t size, const char *xdg_config_home, const char *home);

/*
 * Reads the file; one that is not there, or in a folder that may not be entered, is empty. path outlives the config.
 * 0, or -errno with err: the file and line, and that --no-config goes without it. Nothing is left to free then.
 */
int config_load(struct config *config, const char *path, struct err *err);
/* The same of a text, which is taken over (len bytes, and room for one more). */
int config_parse(struct config *config, const char *origin, char *text, size_t len, struct err *err);
void config_free(struct config *config);

/* Puts what it says in place, each value checked as on the command line. 0, or -EINVAL with file and line. */
int config_apply(const struct config *config, struct options *options, struct err *err);

/* Prints what differs from the defaults; config_parse() of it gives the same again. */
void config_print(FILE *out, const struct options *options);
/*
 * Puts it into the file as a whole, with its directories where they are missing; a former file is kept as FILE.old. A
 * link is followed. 0 or -errno with err.
 */
int config_save(const char *path, const struct options *options, struct err *err);

#endif
