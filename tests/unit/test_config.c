/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of settings: where it is, what is taken, what is refused and how, and that what is written comes back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/file_tree.h"
#include "tui/config.h"
#include "tui/option_rows.h"
#include "tui/text_file.h"

#define MAX_ARGS 16

static int parse_bytes(struct config *config, const char *text, size_t len, struct err *err)
{
	char *copy = malloc(len + 1); /* exactly what is promised, so that a sanitizer sees more */

	assert_non_null(copy);
	memcpy(copy, text, len);
	return config_parse(config, "f", copy, len, err);
}

/* What a file of this text and this command line come to. words: split at blanks, in place. */
static int options_of(struct options *o, struct config *config, const char *text, char *words, struct err *err)
{
	char *argv[MAX_ARGS + 1] = { (char *)"damontop" }, *word, *rest = words;
	int argc = 1, rc = parse_bytes(config, text, strlen(text), err);

	while ((word = strtok_r(rest, " ", &rest)) && argc < MAX_ARGS)
		argv[argc++] = word;
	if (!rc)
		rc = options_parse(o, argc, argv, config, err);
	return rc;
}

static void it_is_where_xdg_says(void **state)
{
	char path[64];

	(void)state;
	assert_true(config_path(path, sizeof(path), "/x", "/home/u"));
	assert_string_equal(path, "/x/damontop/config");
	assert_true(config_path(path, sizeof(path), NULL, "/home/u"));
	assert_string_equal(path, "/home/u/.config/damontop/config");
	assert_true(config_path(path, sizeof(path), "", "/home/u"));
	assert_string_equal(path, "/home/u/.config/damontop/config");
	assert_true(config_path(path, sizeof(path), "relative", "/home/u"));
	assert_string_equal(path, "/home/u/.config/damontop/config");
	assert_false(config_path(path, sizeof(path), "relative", NULL));
	assert_false(config_path(path, sizeof(path), NULL, ""));
	assert_false(config_path(path, 20, NULL, "/home/user"));
}

static void it_goes_over_the_defaults(void **state)
{
	struct options o;
	struct config config;
	char words[] = "--demo";

	(void)state;
	assert_int_equal(options_of(&o, &config,
				    "# mine\r\n\n  theme = gray  \nbudget=0.5%\naging = 100ms\nregions = 5:50\n"
				    "contrast = log\nrows-by = hottest\nascii = yes\nno-mouse = no\ncolor = 16",
				    words, NULL),
			 0);
	assert_string_equal(o.theme, "gray");
	assert_int_equal(o.attrs.budget_bp, 50);
	assert_int_equal(o.attrs.aging_us, 100000);
	assert_true(o.aging_given);
	assert_false(o.aggregation_given);
	assert_int_equal(o.attrs.min_nr_regions, 5);
	assert_int_equal(o.attrs.max_nr_regions, 50);
	assert_int_equal(o.contrast, CONTRAST_LOG);
	assert_int_equal(o.share, AXIS_SHARE_HOTTEST);
	assert_int_equal(o.color, COLOR_MODE_16);
	assert_true(o.ascii);
	assert_false(o.no_mouse);
	config_free(&config);
}

static void the_command_line_goes_over_it(void **state)
{
	struct options o;
	struct config config;
	char words[] = "-p 1 --theme light --aggr 50ms --budget 3% -s auto";

	(void)state;
	assert_int_equal(options_of(&o, &config, "theme = gray\nbudget = 2%\naging = 400ms\naggr = 2s\nsource = clock",
				    words, NULL),
			 0);
	assert_string_equal(o.theme, "light");
	assert_int_equal(o.attrs.budget_bp, 300);
	assert_int_equal(o.attrs.aggregation_us, 50000);
	assert_int_equal(o.attrs.aging_us, 50000); /* the file's gives way: one look an aggregation */
	assert_null(o.source);
	config_free(&config);
}

static void the_source_of_the_file_gives_way(void **state)
{
	static const char *const others[] = { "--demo", "-r f.rec", "--physical", "-p 1 --physical-addresses" };
	struct config config;
	struct options o;
	char words[64];

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		strcpy(words, others[i]);
		assert_int_equal(options_of(&o, &config, "source = clock", words, NULL), 0);
		assert_null(o.source);
		assert_string_equal(o.source_aside, "clock");
		config_free(&config);
	}
	strcpy(words, "-p 1 -e cycles");
	assert_int_equal(options_of(&o, &config, "source = clock", words, NULL), 0);
	assert_string_equal(o.source, "perf");
	assert_string_equal(o.source_aside, "clock");
	config_free(&config);
	strcpy(words, "-p 1 -F 5");
	assert_int_equal(options_of(&o, &config, "source = mglru", words, NULL), 0);
	assert_null(o.source);
	config_free(&config);
	strcpy(words, "-p 1");
	assert_int_equal(options_of(&o, &config, "source = clock", words, NULL), 0);
	assert_string_equal(o.source, "clock");
	config_free(&config);
	/* two of them, where two can be had */
	strcpy(words, "-p 1");
	assert_int_equal(options_of(&o, &config, "source = mglru,clock", words, NULL), 0);
	assert_string_equal(o.source, "mglru,clock");
	config_free(&config);
	strcpy(words, "-p 1 --report hot");
	assert_int_equal(options_of(&o, &config, "source = mglru,clock", words, NULL), 0);
	assert_null(o.source);
	assert_string_equal(o.source_aside, "mglru,clock");
	config_free(&config);
	strcpy(words, "-s clock --physical"); /* of the command line alone it is wrong as ever */
	assert_int_equal(options_of(&o, &config, "", words, NULL), -EINVAL);
	config_free(&config);
}

static void what_is_wrong_is_said_with_its_line(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{ "\n\nnosuch = 1", "settings f:3: there is no setting \"nosuch\"" },
		{ "pid = 1", "settings f:1: only on the command line goes \"pid\"" },
		{ "budget = 1%\nbudget = 2%", "settings f:2: a second line for \"budget\", after line 1" },
		{ "budget", "settings f:1: no \"=\"" },
		{ "= 5", "settings f:1: there is no setting \"\"" },
		{ "theme = gray\nbudget = 2", "settings f:2: budget: \"2\"" },
		{ "budget =", "settings f:1: budget: a value is missing" },
		{ "theme = nosuch", "settings f:1: theme: there is no \"nosuch\"; there are: ansi" },
		{ "overlay = x", "settings f:1: overlay: there is no \"x\"; there are: heat" },
		{ "source = x", "settings f:1: source: there is no \"x\"; there are: auto" },
		{ "source = clock,x", "settings f:1: there is no source \"x\"" },
		{ "source = mglru,clear_refs", "settings f:1: mglru and clear_refs both clear" },
		{ "source = perf,clock,mglru", "settings f:1: two sources" },
		{ "ascii = 1", "settings f:1: ascii: \"1\" is neither yes nor no" },
		{ "contrast = \033[31m", "there is no \"\\x1b[31m\"" },
		{ "\033]0;x\007 = 1", "there is no setting \"\\x1b]0;x\\x07\"" },
		{ "\xff\xfe = 1", "there is no setting \"\\xff\\xfe\"" },
		{ "aging = 2s", "settings f: aging interval is longer than aggregation" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct config config = { 0 };
		struct err err = ERR_NONE;
		struct options o;
		char words[] = "--demo";

		assert_int_equal(options_of(&o, &config, cases[i].text, words, &err), -EINVAL);
		if (!strstr(err.text, cases[i].wanted))
			fail_msg("of \"%s\": %s", cases[i].text, err.text);
		config_free(&config);
	}
}

static void bytes_that_are_no_text_are_refused(void **state)
{
	static const char nul[] = "theme = gray\nbud\0get = 1%\n";
	struct config config;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(parse_bytes(&config, nul, sizeof(nul) - 1, &err), -EINVAL);
	assert_non_null(strstr(err.text, "settings f:2: a NUL byte"));
	assert_null(config.text);
	assert_int_equal(parse_bytes(&config, "", 0, NULL), 0);
	assert_int_equal(config.nr, 0);
	config_free(&config);
}

static void it_is_not_wanted_where_it_does_not_matter(void **state)
{
	static const struct {
		const char *words[3];
		bool wanted;
	} cases[] = {
		{ { "-p", "1" }, true },      { { "--demo", "--no-config" }, false },
		{ { "--help" }, false },      { { "--version" }, false },
		{ { "--sources" }, false },   { { "--completion", "zsh" }, false },
		{ { "--no-such" }, false },   { { "--", "ls", "--no-config" }, true },
		{ { "--no-config" }, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *argv[5] = { (char *)"damontop" };
		int argc = 1;

		while (argc < 4 && cases[i].words[argc - 1]) {
			argv[argc] = (char *)cases[i].words[argc - 1];
			argc++;
		}
		assert_int_equal(options_want_config(argc, argv), cases[i].wanted);
	}
}

/* Every name that may stand in the file is an option's, and can be written: it is said in the refusal of another. */
static void every_setting_is_an_option(void **state)
{
	struct config config;
	struct err err = ERR_NONE;
	char *list, *name, *rest;
	size_t nr = 0;

	(void)state;
	assert_int_equal(parse_bytes(&config, "x = 1", 5, &err), -EINVAL);
	list = strstr(err.text, "there are:");
	assert_non_null(list);
	rest = list + strlen("there are:");
	while ((name = strtok_r(rest, " ;", &rest))) {
		bool found = false;

		for (size_t i = 0; i < option_rows_nr; i++)
			found |= option_rows[i].name && strcmp(option_rows[i].name, name) == 0;
		if (!found)
			fail_msg("%s is no option", name);
		nr++;
	}
	assert_int_equal(nr, 15);
}

/* ---- writing ---- */

static void assert_same(const struct options *a, const struct options *b)
{
	assert_true(a->source == b->source || strcmp(a->source, b->source) == 0);
	assert_true(a->overlay == b->overlay || strcmp(a->overlay, b->overlay) == 0);
	assert_string_equal(a->theme, b->theme);
	assert_int_equal(a->attrs.aging_us, b->attrs.aging_us);
	assert_int_equal(a->attrs.aggregation_us, b->attrs.aggregation_us);
	assert_int_equal(a->attrs.update_us, b->attrs.update_us);
	assert_int_equal(a->attrs.min_nr_regions, b->attrs.min_nr_regions);
	assert_int_equal(a->attrs.max_nr_regions, b->attrs.max_nr_regions);
	assert_int_equal(a->attrs.budget_bp, b->attrs.budget_bp);
	assert_int_equal(a->attrs.policy, b->attrs.policy);
	assert_int_equal(a->contrast, b->contrast);
	assert_int_equal(a->share, b->share);
	assert_int_equal(a->color, b->color);
	assert_int_equal(a->ascii, b->ascii);
	assert_int_equal(a->no_mouse, b->no_mouse);
	assert_int_equal(a->history_bytes, b->history_bytes);
}

static char *printed(const struct options *o)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	config_print(out, o);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void what_is_written_comes_back(void **state)
{
	static const char *const lines[] = {
		"--demo",
		"--aging 3ms --aggr 1234567us --update 7s",
		"-s mglru --budget 0.07% --regions 3:4096 --split random",
		"-s mglru,clock",
		"--overlay rw --theme cividis --contrast percentile",
		"--rows-by equal --color never --ascii --no-mouse",
		"--history 1048577 --update 90s --budget 100%",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct config none = { 0 }, config = { 0 };
		struct options first, second;
		char words[128], nothing[] = "", *text;

		snprintf(words, sizeof(words), "%s", lines[i]);
		assert_int_equal(options_of(&first, &none, "", words, NULL), 0);
		text = printed(&first);
		assert_int_equal(options_of(&second, &config, text, nothing, NULL), 0);
		assert_same(&first, &second);
		free(text);
		config_free(&none);
		config_free(&config);
	}
}

static void defaults_and_a_sources_own_intervals_are_not_written(void **state)
{
	struct options o = options_default();
	char *text;

	(void)state;
	o.attrs.aging_us = 5000; /* kernel DAMON's */
	o.attrs.aggregation_us = 100000;
	text = printed(&o);
	assert_null(strchr(text, '='));
	free(text);
	o.theme = "./no\nbudget = 100%/x";
	text = printed(&o);
	assert_null(strstr(text, "budget"));
	free(text);
}

static void read_file(const char *path, char dst[256])
{
	FILE *f = fopen(path, "r");
	size_t len;

	assert_non_null(f);
	len = fread(dst, 1, 255, f);
	dst[len] = '\0';
	fclose(f);
}

static void it_is_saved_as_a_whole_and_the_former_is_kept(void **state)
{
	struct options o = options_default();
	char path[128], old[160], text[256];
	struct file_tree tree;
	struct config config;
	struct err err = ERR_NONE;

	(void)state;
	file_tree_new(&tree);
	snprintf(path, sizeof(path), "%s/a/damontop/config", tree.root);
	snprintf(old, sizeof(old), "%s.old", path);
	assert_int_equal(config_load(&config, path, &err), 0); /* not there: as if empty */
	assert_int_equal(config.nr, 0);
	o.theme = "gray";
	assert_int_equal(config_save(path, &o, &err), 0);
	assert_int_not_equal(access(old, F_OK), 0);
	o.theme = "light";
	assert_int_equal(config_save(path, &o, &err), 0);
	assert_int_equal(config_load(&config, path, &err), 0);
	assert_int_equal(config.nr, 1);
	assert_string_equal(config.settings[0].value, "light");
	config_free(&config);
	read_file(old, text);
	assert_non_null(strstr(text, "theme = gray\n"));
	/* no file: refused, and what is there stays */
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(config_load(&config, path, &err), -EINVAL);
	assert_non_null(strstr(err.text, "not a regular file"));
	assert_non_null(strstr(err.text, "--no-config"));
	file_tree_free(&tree);
}

/* A link is followed: what it points to is replaced, the link stays. */
static void a_link_stays_a_link(void **state)
{
	struct options o = options_default();
	char path[96], real[96], text[256];
	struct file_tree tree;
	struct stat st;

	(void)state;
	file_tree_new(&tree);
	snprintf(path, sizeof(path), "%s/config", tree.root);
	snprintf(real, sizeof(real), "%s/real", tree.root);
	file_tree_put(&tree, "/real", "");
	assert_int_equal(symlink("real", path), 0);
	o.no_mouse = true;
	assert_int_equal(config_save(path, &o, NULL), 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	read_file(real, text);
	assert_non_null(strstr(text, "no-mouse = yes\n"));
	file_tree_free(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_where_xdg_says),
		cmocka_unit_test(it_goes_over_the_defaults),
		cmocka_unit_test(the_command_line_goes_over_it),
		cmocka_unit_test(the_source_of_the_file_gives_way),
		cmocka_unit_test(what_is_wrong_is_said_with_its_line),
		cmocka_unit_test(bytes_that_are_no_text_are_refused),
		cmocka_unit_test(it_is_not_wanted_where_it_does_not_matter),
		cmocka_unit_test(every_setting_is_an_option),
		cmocka_unit_test(what_is_written_comes_back),
		cmocka_unit_test(defaults_and_a_sources_own_intervals_are_not_written),
		cmocka_unit_test(it_is_saved_as_a_whole_and_the_former_is_kept),
		cmocka_unit_test(a_link_stays_a_link),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
