/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options.h - the command line, and under it what the file of settings says (config.h).
 *
 * One table of options (options.c) makes parsing, --help and the completions (completion.h).
 * A plain value; strings point into argv, or into the config. Read before there is a second thread.
 */
#ifndef TUI_OPTIONS_H
#define TUI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "collector/attrs.h"
#include "collector/err.h"
#include "collector/play.h"
#include "tui/axis.h"
#include "tui/completion.h"
#include "tui/contrast.h"
#include "tui/report_table.h"
#include "tui/term.h"

enum options_action {
	OPTIONS_WATCH,
	OPTIONS_HELP,
	OPTIONS_VERSION,
	OPTIONS_SOURCES,
	OPTIONS_COMPLETION,
};

struct options {
	enum options_action action;
	enum completion_shell shell; /* OPTIONS_COMPLETION: for which one */
	pid_t pid;		     /* 0: not given */
	bool children;		     /* the target's descendants too */
	bool demo;
	bool physical;	    /* the whole machine */
	const char *replay; /* a recording to play */
	double speed;	    /* of that: times as fast as it was */
	bool loop;	    /* from the beginning again at its end */
	bool has_seek;
	struct play_place seek; /* where it begins */
	const char *record;	/* a recording to make */
	uint64_t record_bytes;	/* of one file of it; 0: no limit */
	char **command;		/* NULL: none; ends with NULL */
	const char *source;
	const char *source_aside; /* what the config says, where the command line is for another */
	const char *event;
	bool physical_addresses;
	const char *root;
	struct attrs attrs;
	uint64_t range_start, range_end; /* both 0: everything */
	bool aging_given, aggregation_given;
	const char *overlay;
	const char *theme;
	enum contrast_mode contrast;
	enum axis_share share;
	enum color_mode color;
	bool ascii, no_mouse;
	bool ascii_by_locale;	 /* nobody has asked for it */
	bool no_config;		 /* the file of settings is not read */
	const char *config_path; /* where it is, or would be; NULL: nowhere */
	uint64_t history_bytes;
	bool batch, json, openmetrics;
	const char *report; /* its kind, or NULL */
	const char *output; /* where report and metrics go; NULL: standard output */
	enum report_format format;
	bool format_given;
	uint64_t iterations, duration_us;
	const char *keys;
	uint64_t dump_frame; /* 0: not asked for */
	int rows, cols;	     /* of the dump, and of a heatmap */
	bool has_size;	     /* ... given by the user */
	bool svg;	     /* the dump as a picture */
	uint64_t seed;
};

struct config;

/*
 * The defaults, over them the config (NULL: none), over that the command line. 0, or -EINVAL with what is wrong: the
 * exit status is 2 then. What the config says of the source gives way where the command line names what goes with
 * another one.
 */
int options_parse(struct options *options, int argc, char **argv, const struct config *config, struct err *err);
/* Is the file of settings to be read for this command line? Not for one that is wrong or only asks for --help. */
bool options_want_config(int argc, char **argv);
/* As options_parse() of nothing. */
struct options options_default(void);

/* Intervals that were not given become those that a source prefers; defaults may be NULL. */
void options_apply_defaults(const struct options *options, void (*defaults)(struct attrs *attrs), struct attrs *attrs);

void options_print_help(FILE *out);

#endif
