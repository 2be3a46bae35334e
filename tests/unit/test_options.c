/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: what is taken, and that everything else is refused with a reason. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tui/option_rows.h"

#define MAX_ARGS 16

/* Parses "damontop " + words, split at blanks. */
static int parse(struct options *o, const char *words, struct err *err)
{
	static char line[256]; /* options point into it */
	char *argv[MAX_ARGS + 1] = { (char *)"damontop" }, *word, *rest = line;
	int argc = 1;

	snprintf(line, sizeof(line), "%s", words);
	while ((word = strtok_r(rest, " ", &rest)) && argc < MAX_ARGS)
		argv[argc++] = word;
	return options_parse(o, argc, argv, NULL, err);
}

static void defaults(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(parse(&o, "", NULL), 0);
	assert_int_equal(o.action, OPTIONS_WATCH);
	assert_int_equal(o.pid, 0);
	assert_null(o.source);
	assert_int_equal(o.attrs.aging_us, 200000);
	assert_int_equal(o.attrs.aggregation_us, 1000000);
	assert_int_equal(o.attrs.min_nr_regions, 10);
	assert_int_equal(o.attrs.max_nr_regions, 1000);
	assert_int_equal(o.attrs.budget_bp, 100);
}

static void everything_that_is_given_is_taken(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(
		parse(&o, "-p 4711 -s mglru --aging 500ms --aggr 1.5s --update 5000ms --regions 5:77 --budget 0.25%",
		      NULL),
		0);
	assert_int_equal(o.pid, 4711);
	assert_string_equal(o.source, "mglru");
	assert_int_equal(o.attrs.aging_us, 500000);
	assert_int_equal(o.attrs.aggregation_us, 1500000);
	assert_int_equal(o.attrs.update_us, 5000000);
	assert_int_equal(o.attrs.min_nr_regions, 5);
	assert_int_equal(o.attrs.max_nr_regions, 77);
	assert_int_equal(o.attrs.budget_bp, 25);
	assert_int_equal(parse(&o, "--json -n 3 -d 10s --pid=1 -e perf::PAGE-FAULTS -c 1", NULL), 0);
	assert_true(o.batch && o.json);
	assert_int_equal(o.iterations, 3);
	assert_int_equal(o.duration_us, 10000000);
	assert_string_equal(o.event, "perf::PAGE-FAULTS");
	assert_int_equal(o.attrs.period, 1);
	assert_false(o.physical_addresses);
	assert_int_equal(parse(&o, "-p 1 -s perf --physical-addresses", NULL), 0);
	assert_true(o.physical_addresses && !o.physical);
	assert_int_equal(parse(&o, "-p 1 -s clock --physical-addresses", NULL), -EINVAL);
	assert_int_equal(parse(&o, "-b -- sort -n -k 2", NULL), 0);
	assert_null(o.source);
	assert_string_equal(o.command[0], "sort");
	assert_string_equal(o.command[3], "2");
	assert_null(o.command[4]);
	assert_int_equal(parse(&o, "--demo --dump-frame 5 --size 120x40 --keys 2<tab> --color 256", NULL), 0);
	assert_int_equal(o.cols, 120);
	assert_int_equal(o.rows, 40);
	assert_int_equal(o.color, COLOR_MODE_256);
}

/* An event that nobody looks at must not be passed over in silence: neither that of a wrong source, nor by auto. */
static void an_event_is_for_who_takes_one(void **state)
{
	struct err err = ERR_NONE;
	struct options o;

	(void)state;
	assert_int_equal(parse(&o, "-p 1 -e perf::PAGE-FAULTS", NULL), 0);
	assert_string_equal(o.source, "perf");
	assert_int_equal(parse(&o, "-p 1 -c 5", NULL), 0);
	assert_string_equal(o.source, "perf");
	assert_int_equal(parse(&o, "-p 1 -s clock,perf -e perf::PAGE-FAULTS -c 1", NULL), 0);
	assert_int_equal(parse(&o, "-p 1 -s damon -e tried_regions", NULL), 0);
	assert_int_equal(parse(&o, "--physical -e tried_regions", NULL), 0);
	assert_null(o.source);
	assert_int_equal(parse(&o, "-p 1 -s clock -e tried_regions", &err), -EINVAL);
	assert_string_equal(err.text, "-e is for the sources perf and damon: leave out -s clock");
	assert_int_equal(parse(&o, "-p 1 -s perfect,clock -e x", NULL), -EINVAL);
	assert_int_equal(parse(&o, "-p 1 -s damon -c 5", NULL), -EINVAL);
}

static void a_frequency_is_for_who_samples(void **state)
{
	static const char *const taken[] = { "-p 1 -F 5", "-p 1 -s perf,mglru -F 5", "-p 1 -s clock -F 5",
					     "-p 1 -s clock+referenced -F 5" };
	struct err err = ERR_NONE;
	struct options o;

	(void)state;
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++) {
		assert_int_equal(parse(&o, taken[i], NULL), 0);
		assert_int_equal(o.attrs.freq_hz, 5);
	}
	assert_int_equal(parse(&o, "-p 1 -s mglru -F 5", &err), -EINVAL);
	assert_string_equal(err.text, "-F is for sources that sample, perf and clock: leave out -s mglru");
}

static void a_short_aggregation_shortens_the_default_aging(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(parse(&o, "--aggr 50ms", NULL), 0);
	assert_int_equal(o.attrs.aging_us, 50000);
}

static void one_check_an_aggregation(struct attrs *attrs)
{
	attrs->aging_us = attrs->aggregation_us;
}

static void ten_short_checks_an_aggregation(struct attrs *attrs)
{
	attrs->aging_us = 10000;
	attrs->aggregation_us = 100000;
}

/* The intervals that suit a source are for those that were not given. */
static void a_sources_defaults_give_way_to_what_is_given(void **state)
{
	static const struct {
		const char *args;
		void (*defaults)(struct attrs *attrs);
		uint64_t aging_us, aggregation_us;
	} cases[] = {
		{ "-p 1", NULL, 200000, 1000000 },
		{ "-p 1", one_check_an_aggregation, 1000000, 1000000 },
		{ "-p 1 --aggr 300ms", one_check_an_aggregation, 300000, 300000 },
		{ "-p 1 --aging 100ms", one_check_an_aggregation, 100000, 1000000 },
		{ "-p 1", ten_short_checks_an_aggregation, 10000, 100000 },
		{ "-p 1 --aging 20ms", ten_short_checks_an_aggregation, 20000, 200000 },
		{ "-p 1 --aggr 5ms", ten_short_checks_an_aggregation, 5000, 5000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct attrs attrs;
		struct options o;

		assert_int_equal(parse(&o, cases[i].args, NULL), 0);
		attrs = o.attrs;
		options_apply_defaults(&o, cases[i].defaults, &attrs);
		assert_int_equal(attrs.aging_us, cases[i].aging_us);
		assert_int_equal(attrs.aggregation_us, cases[i].aggregation_us);
	}
}

static void everything_else_is_refused_with_a_reason(void **state)
{
	static const char *const bad[] = {
		"-p",
		"-p abc",
		"-p 0",
		"-p -1",
		"-p 99999999999",
		"-p 12x",
		"--pid=",
		"-z",
		"--nonsense",
		"--aging",
		"--aging 5",
		"--aging 0s",
		"--aging -1s",
		"--aging 100h",
		"--aggr 0.5us",
		"--aging 2s --aggr 1s",
		"--regions 5",
		"--regions 1:5",
		"--regions 9:5",
		"--regions 5:x",
		"--regions 5:99999999",
		"-n 0",
		"-n x",
		"-d 5",
		"-d 0s",
		"--budget 1",
		"--budget 0%",
		"--budget 101%",
		"--budget x%",
		"--color red",
		"--size 5",
		"--size 0x5",
		"--size 5x99999",
		"--dump-frame 0",
		"--history 1K",
		"--history x",
		"4711",
		"-p 1 4711",
		"--",
		"-p 1 --",
		"-p 1 --demo",
		"-p 1 -- true",
		"-b",
		"--json",
		"--dump-frame 3",
		"-p 1 --keys q",
		"--split maybe",
		"-F 0",
		"-F 99999999",
		"-c 0",
		"--help=yes",
		"--seed -1",
		"--completion fish",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = ERR_NONE;
		struct options o;
		int rc = parse(&o, bad[i], &err);

		if (!rc || !err.text[0])
			fail_msg("\"%s\" was taken, or refused without a word", bad[i]);
	}
}

static void help_has_every_option_and_no_line_too_long(void **state)
{
	char *text = NULL, *line, *rest;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	options_print_help(out);
	fclose(out);
	assert_non_null(strstr(text, "-p, --pid PID"));
	assert_non_null(strstr(text, "--regions MIN:MAX"));
	rest = text;
	while ((line = strtok_r(rest, "\n", &rest)))
		assert_true(strlen(line) <= 110);
	free(text);
}

/* Completions put them into a shell's words unquoted, and every one is a value that its option takes. */
static void every_word_is_taken_and_is_plain(void **state)
{
	size_t nr = 0;

	(void)state;
	for (size_t i = 0; i < option_rows_nr; i++) {
		const struct option_values *values = option_values_of(option_rows[i].arg);

		for (size_t k = 0; values && values->word && values->word(k); k++, nr++) {
			const char *word = values->word(k);
			struct options o = { 0 };

			assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_+-"), strlen(word));
			assert_int_equal(option_row_set(&option_rows[i], &o, word, NULL), 0);
		}
	}
	assert_true(nr > 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(everything_that_is_given_is_taken),
		cmocka_unit_test(an_event_is_for_who_takes_one),
		cmocka_unit_test(a_frequency_is_for_who_samples),
		cmocka_unit_test(a_short_aggregation_shortens_the_default_aging),
		cmocka_unit_test(a_sources_defaults_give_way_to_what_is_given),
		cmocka_unit_test(everything_else_is_refused_with_a_reason),
		cmocka_unit_test(help_has_every_option_and_no_line_too_long),
		cmocka_unit_test(every_word_is_taken_and_is_plain),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
