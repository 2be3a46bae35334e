/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is done with the table of options: parsing by getopt, and help. */
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <string.h>

#include "tui/config.h"
#include "tui/history.h"
#include "tui/option_rows.h"
#include "tui/theme.h"

#define LONG_BASE 1000 /* getopt's value of row i is LONG_BASE + i */

static const struct option_row *row_of(int value)
{
	if (value >= LONG_BASE && (size_t)(value - LONG_BASE) < option_rows_nr)
		return &option_rows[value - LONG_BASE];
	for (size_t i = 0; i < option_rows_nr; i++)
		if (option_rows[i].name && option_rows[i].letter == value)
			return &option_rows[i];
	return NULL;
}

static void fill_getopt(struct option *longs, char *shorts)
{
	size_t nr = 0;

	*shorts++ = '+'; /* a command's own options are not ours */
	*shorts++ = ':';
	for (size_t i = 0; i < option_rows_nr; i++) {
		if (!option_rows[i].name)
			continue;
		longs[nr++] = (struct option){ option_rows[i].name,
					       option_rows[i].arg ? required_argument : no_argument, NULL,
					       LONG_BASE + (int)i };
		if (option_rows[i].letter) {
			*shorts++ = option_rows[i].letter;
			if (option_rows[i].arg)
				*shorts++ = ':';
		}
	}
	longs[nr] = (struct option){ 0 };
	*shorts = '\0';
}

static int unknown_option(int value, char **argv, struct err *err)
{
	const char *arg = argv[optind - 1];

	if (value == ':')
		return err_set(err, EINVAL, "option %s needs a value; \"damontop --help\" shows it", arg);
	if (optopt && optopt < LONG_BASE)
		return err_set(err, EINVAL, "there is no option -%c; \"damontop --help\" lists all", optopt);
	return err_set(err, EINVAL, "there is no option %s, or it takes no value; \"damontop --help\" lists all", arg);
}

/* What is left after the options: "-- COMMAND ARG ..." or nothing. */
static int take_rest(struct options *o, int argc, char **argv, struct err *err)
{
	if (optind >= argc)
		return strcmp(argv[argc - 1], "--") == 0
			       ? err_set(err, EINVAL, "-- is to be followed by the command to start")
			       : 0;
	if (strcmp(argv[optind - 1], "--") != 0)
		return err_set(err, EINVAL,
			       "\"%s\" is no option: damontop -p PID watches a process, damontop -- %s starts "
			       "a command",
			       argv[optind], argv[optind]);
	o->command = argv + optind;
	return 0;
}

struct options options_default(void)
{
	return (struct options){
		.attrs = attrs_default(),
		.root = "",
		.theme = THEME_DEFAULT,
		.history_bytes = HISTORY_DEFAULT_BYTES,
		.speed = 1,
		.rows = 24,
		.cols = 80,
		.seed = 1,
	};
}

/* The command line over what *o holds. */
static int take_arguments(struct options *o, int argc, char **argv, struct err *err)
{
	struct option longs[OPTION_ROWS_MAX + 1];
	char shorts[2 * OPTION_ROWS_MAX + 3];
	int value, rc = 0;

	fill_getopt(longs, shorts);
	optind = 0; /* GNU: begins anew, also after an earlier call */
	opterr = 0;
	while (!rc && (value = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const struct option_row *row = value == '?' || value == ':' ? NULL : row_of(value);

		rc = row ? option_row_set(row, o, optarg, err) : unknown_option(value, argv, err);
	}
	if (!rc && o->action == OPTIONS_WATCH)
		rc = take_rest(o, argc, argv, err);
	return rc;
}

bool options_want_config(int argc, char **argv)
{
	struct options o = options_default();

	return !take_arguments(&o, argc, argv, NULL) && o.action == OPTIONS_WATCH && !o.no_config;
}

/* An aggregation below an aging interval that was not asked for: one look each. */
static void shorten_aging(struct options *o)
{
	if (!o->aging_given && o->attrs.aging_us > o->attrs.aggregation_us)
		o->attrs.aging_us = o->attrs.aggregation_us;
}

static int take_config(struct options *o, const struct config *config, struct err *err)
{
	struct err why = ERR_NONE;
	int rc = config_apply(config, o, err);

	if (rc)
		return rc;
	shorten_aging(o);
	if (attrs_check(&o->attrs, &why))
		return err_set(err, EINVAL, "settings %s: %s" CONFIG_REMEDY, config->origin, why.text);
	return 0;
}

/* Not what the config may name. */
static bool goes_with_another_source(const struct options *o)
{
	bool for_one = o->source && strchr(o->source, ',') && (o->report || o->openmetrics);

	return for_one || (o->attrs.freq_hz && !options_sample(o)) || o->replay || o->demo || o->physical || o->physical_addresses || o->event || o->attrs.period;
}

int options_parse(struct options *o, int argc, char **argv, const struct config *config, struct err *err)
{
	bool aging_of_config;
	const char *source_of_config;
	int rc = 0;

	*o = options_default();
	if (config)
		rc = take_config(o, config, err);
	/* what the config says counts as given, but not against the command line */
	aging_of_config = o->aging_given;
	source_of_config = o->source;
	o->aging_given = false;
	if (!rc)
		rc = take_arguments(o, argc, argv, err);
	shorten_aging(o);
	o->aging_given |= aging_of_config;
	if (o->source == source_of_config && goes_with_another_source(o)) {
		o->source_aside = source_of_config;
		o->source = NULL;
	}
	/* What perf alone can be told means perf: with another source it would be passed over in silence. */
	if (!o->source && (o->event || o->attrs.period) && !o->replay && !o->demo && !o->physical)
		o->source = "perf";
	return rc ? rc : options_check_together(o, err);
}

void options_print_help(FILE *out)
{
	fputs("damontop shows live which memory a process touches, how often, on which NUMA node, and what it is.\n\n"
	      "  damontop -p PID [OPTIONS]\n"
	      "  damontop [OPTIONS] -- COMMAND ARG ...\n",
	      out);
	for (size_t i = 0; i < option_rows_nr; i++) {
		const struct option_row *row = &option_rows[i];
		char left[40];

		if (!row->name) {
			fprintf(out, "\n%s:\n", row->help);
			continue;
		}
		snprintf(left, sizeof(left), "%s--%s%s%s",
			 row->letter ? (char[]){ '-', row->letter, ',', ' ', 0 } : "    ", row->name,
			 row->arg ? " " : "", row->arg ? row->arg : "");
		fprintf(out, "  %-26s %s\n", left, row->help);
	}
	fputs("\nExit status: 0 done; 1 the work failed; 2 the command line is wrong.\n", out);
}
