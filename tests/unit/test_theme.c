/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/file_tree.h"
#include "tui/theme.h"

static const enum color_depth depths[] = { COLOR_DEPTH_MONO, COLOR_DEPTH_16, COLOR_DEPTH_256, COLOR_DEPTH_TRUE };

#define NR_DEPTHS (sizeof(depths) / sizeof(*depths))

#define MINIMAL "text = #ffffff\nramp = #000000 #ffffff\nhues = #0000ff #ff0000\nmixed = #ff00ff\n"

static int parse(struct theme *theme, const char *text, struct err *err)
{
	*err = ERR_NONE;
	return theme_parse(theme, "t", text, strlen(text), "t.theme", err);
}

static bool suits(color c, enum color_depth depth)
{
	return color_at_depth(c, depth) == c;
}

/* A colour out of a theme is one that the depth can show, for every value that there is. */
static void check_depth(const struct theme *theme, enum color_depth depth)
{
	static const double values[] = { 0, 1e-9, 0.1, 0.25, 0.5, 0.75, 0.999, 1, -3, 7, NAN, INFINITY, -INFINITY };
	struct look look = { .depth = depth };

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		assert_true(suits(theme_heat(theme, &look, values[i]), depth));
		for (unsigned hue = 0; hue < 20; hue++) {
			assert_true(suits(theme_hue(theme, &look, hue, values[i]), depth));
			assert_true(suits(theme_hue_mix(theme, &look, hue, hue + 1, values[i], 0.5), depth));
		}
	}
	for (unsigned role = 0; role < THEME_NR_ROLES; role++) {
		struct style style = theme_style(theme, &look, role);

		assert_true(suits(style.fg, depth) && suits(style.bg, depth));
		assert_true(style.fg == COLOR_DEFAULT || style.fg != style.bg);
	}
}

static void shipped_themes_hold_at_every_depth(void **state)
{
	const char *name;
	size_t nr = 0;

	(void)state;
	for (; (name = theme_shipped_name(nr)); nr++) {
		struct err err = ERR_NONE;
		struct theme theme;

		assert_int_equal(theme_load(&theme, name, &err), 0);
		assert_string_equal(theme.name, name);
		for (size_t d = 0; d < NR_DEPTHS; d++)
			check_depth(&theme, depths[d]);
	}
	assert_true(nr >= 6);
	assert_null(theme_shipped_name(SIZE_MAX));
}

static double lightness(color c)
{
	return oklab_of_rgb(color_rgb(c, 0)).l;
}

/* Of the ramps, lightness alone must tell hot from cold: for every eye, and on paper. */
static void ramps_go_one_way_in_lightness(void **state)
{
	static const char *const names[] = { "viridis", "inferno", "gray", "cividis", "light" };
	struct look look = { .depth = COLOR_DEPTH_TRUE };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct err err = ERR_NONE;
		struct theme theme;
		double sign;

		assert_int_equal(theme_load(&theme, names[i], &err), 0);
		sign = lightness(theme_heat(&theme, &look, 1)) > lightness(theme_heat(&theme, &look, 0)) ? 1 : -1;
		for (int step = 1; step < THEME_HEAT_LEVELS; step++) {
			double before = lightness(theme_heat(&theme, &look, (step - 1.0) / (THEME_HEAT_LEVELS - 1)));
			double after = lightness(theme_heat(&theme, &look, (double)step / (THEME_HEAT_LEVELS - 1)));

			assert_true(sign * (after - before) > 0);
		}
	}
}

static void cold_is_not_the_ground_and_hues_stay_apart(void **state)
{
	struct look look = { .depth = COLOR_DEPTH_TRUE };
	struct err err = ERR_NONE;
	struct theme theme;

	(void)state;
	assert_int_equal(theme_load(&theme, THEME_DEFAULT, &err), 0);
	for (unsigned hue = 0; hue < THEME_NR_HUES; hue++) {
		assert_true(lightness(theme_hue(&theme, &look, hue, 0)) > lightness(theme.ground) + 0.04);
		assert_true(theme_hue(&theme, &look, hue, 0) != theme_hue(&theme, &look, hue + 1, 0));
		assert_int_equal(theme_hue(&theme, &look, hue, 1), theme.rich.hues[hue]);
	}
	assert_int_equal(theme_hue_mix(&theme, &look, 0, 1, 0, 1), theme.rich.hues[0]);
	assert_int_equal(theme_hue_mix(&theme, &look, 0, 1, 1, 1), theme.rich.hues[1]);
	assert_int_equal(theme_hue_mix(&theme, &look, 0, 1, 0.5, 1), theme.rich.mixed);
	assert_true(theme_hue_mix(&theme, &look, 0, 1, 0.25, 1) != theme_hue_mix(&theme, &look, 0, 1, 0.75, 1));
}

static void what_is_left_out_is_derived(void **state)
{
	struct look rich = { .depth = COLOR_DEPTH_TRUE }, basic = { .depth = COLOR_DEPTH_16 };
	struct theme theme;
	struct err err;

	(void)state;
	assert_int_equal(parse(&theme, MINIMAL "bar = #000000 on #ff0000 bold underline\r\n  # end\n\n", &err), 0);
	assert_int_equal(theme_style(&theme, &rich, THEME_DIM).fg, 0xffffff);
	assert_int_equal(theme_style(&theme, &rich, THEME_DIM).bg, COLOR_DEFAULT);
	assert_int_equal(theme_style(&theme, &rich, THEME_BAR).bg, 0xff0000);
	assert_int_equal(theme_style(&theme, &rich, THEME_BAR).attr, CELL_BOLD | CELL_UNDERLINE);
	assert_int_equal(theme_style(&theme, &basic, THEME_BAR).bg, COLOR_ANSI(9));
	assert_int_equal(theme_hue(&theme, &basic, 1, 1), COLOR_ANSI(9));
	assert_int_equal(theme_heat(&theme, &basic, 1), COLOR_ANSI(15));
	assert_int_equal(parse(&theme, MINIMAL "16.text = black on white\n16.dim = red\n16.ramp = blue,red", &err), 0);
	assert_int_equal(theme_style(&theme, &basic, THEME_DIM).fg, COLOR_ANSI(1));
	assert_int_equal(theme_style(&theme, &basic, THEME_DIM).bg, COLOR_ANSI(7));
	assert_int_equal(theme_heat(&theme, &basic, 0), COLOR_ANSI(4));
}

static void errors_name_the_line_and_the_remedy(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "", "no line \"text = ...\"" },
		{ "text = #fff\n", "t.theme:1: \"#fff\" is not a colour" },
		{ "\n\ntext = #gggggg\n", "t.theme:3: \"#gggggg\" is not a colour; write #rrggbb" },
		{ "text =\n", "t.theme:1: \"\" is not a colour" },
		{ "text\n", "t.theme:1: no \"=\"" },
		{ "= #ffffff\n", "unknown key \"\"" },
		{ "tetx = #ffffff\n", "t.theme:1: unknown key \"tetx\"; there are: text ramp" },
		{ "16.ground = #ffffff\n", "unknown key \"16.ground\"" },
		{ "16. = red\n", "unknown key" },
		{ "text = red\ntext = red\n", "t.theme:2: a second line for \"text\"" },
		{ "text = red on\n", "t.theme:1: \"\" is not a colour" },
		{ "text = red blinking\n", "\"blinking\" is not understood; after the colour may stand" },
		{ "16.text = #ffffff\n", "is not a colour of the 16; write default, or a name" },
		{ "ramp = #000000\n", "1 colour(s) where at least 2" },
		{ "ramp = #000000 default\n", "\"default\" cannot stand for a value" },
		{ "mixed = red green\n", "more than 1 colours" },
		{ "hues = red green red green red green red green red\n", "more than 8 colours" },
		{ "ground = red\n", "the ground must be one #rrggbb" },
		{ "ground = #00000000000000000000000000000000000000000000000000000000000000\n", "must be one #rrggbb" },
		{ "te\033]0;x\007xt = red\n", "unknown key \"te\\x1b]0;x\\x07xt\"" },
		{ "text = red\nramp = red blue\nhues = red blue\n", "no line \"mixed = ...\"" },
	};
	struct theme theme;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(parse(&theme, cases[i].text, &err), -EINVAL);
		if (!strstr(err.text, cases[i].message))
			fail_msg("case %zu: \"%s\" is not in \"%s\"", i, cases[i].message, err.text);
	}
	err = ERR_NONE;
	assert_int_equal(theme_parse(&theme, "t", "text = \0red\n", 12, "t.theme", &err), -EINVAL);
	assert_non_null(strstr(err.text, "NUL byte"));
}

/* Every cut and every changed byte of a theme is either a theme or an error, never a crash (run under a sanitizer). */
static void damaged_text_does_no_harm(void **state)
{
	static const char good[] = MINIMAL "16.bar = red on blue bold\nground = #101010\n";
	char text[sizeof(good)];
	struct theme theme;

	(void)state;
	for (size_t len = 0; len < sizeof(good); len++) {
		struct err err = ERR_NONE;
		int ret = theme_parse(&theme, "t", good, len, "t", &err);

		assert_true((ret == 0) == (err.code == 0));
	}
	for (size_t i = 0; i < sizeof(good) - 1; i++) {
		for (int byte = 0; byte < 256; byte += 5) {
			struct err err = ERR_NONE;

			memcpy(text, good, sizeof(good));
			text[i] = (char)byte;
			assert_true((theme_parse(&theme, "t", text, sizeof(good) - 1, "t", &err) == 0) ==
				    (err.code == 0));
		}
	}
}

static void write_file(const char *path, const char *text, size_t filler)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	for (size_t i = 0; i < filler; i++)
		fputs("#\n", file);
	fclose(file);
}

static void files_are_read_with_care(void **state)
{
	char path[96], link[96], fifo[96];
	struct file_tree tree;
	struct theme theme;
	struct err err = ERR_NONE;

	(void)state;
	file_tree_new(&tree);
	snprintf(path, sizeof(path), "%s/mine.theme", tree.root);
	snprintf(link, sizeof(link), "%s/link", tree.root);
	snprintf(fifo, sizeof(fifo), "%s/fifo", tree.root);
	write_file(path, MINIMAL, 100);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(theme_load(&theme, path, &err), 0);
	assert_string_equal(theme.name, "mine");
	assert_int_equal(theme_load(&theme, link, &err), 0);
	assert_int_equal(theme_load(&theme, fifo, &err), -EINVAL);
	assert_non_null(strstr(err.text, "not a regular file"));
	err = ERR_NONE;
	assert_int_equal(theme_load(&theme, tree.root, &err), -EINVAL);
	write_file(path, MINIMAL, 40000);
	err = ERR_NONE;
	assert_int_equal(theme_load(&theme, path, &err), -EFBIG);
	err = ERR_NONE;
	unlink(path);
	assert_int_equal(theme_load(&theme, path, &err), -ENOENT);
	assert_non_null(strstr(err.text, path));
	file_tree_free(&tree);
}

static void an_unknown_name_lists_the_known(void **state)
{
	struct err err = ERR_NONE;
	struct theme theme;

	(void)state;
	assert_int_equal(theme_load(&theme, "veridis", &err), -ENOENT);
	assert_non_null(strstr(err.text, "veridis"));
	for (size_t i = 0; theme_shipped_name(i); i++)
		assert_non_null(strstr(err.text, theme_shipped_name(i)));
	err = ERR_NONE;
	assert_int_equal(theme_load(&theme, "", &err), -ENOENT);
}

static void glyphs_grow_denser(void **state)
{
	static const char order[] = " .:-=+*#%@";
	struct look ascii = { .ascii = true }, blocks = { .ascii = false };
	size_t last = 0;

	(void)state;
	for (int i = 0; i <= 100; i++) {
		const char *at = strchr(order, (int)theme_glyph(&ascii, i / 100.0));

		assert_non_null(at);
		assert_true((size_t)(at - order) >= last);
		last = (size_t)(at - order);
	}
	assert_int_equal(last, 9);
	assert_int_equal(theme_glyph(&ascii, 0), ' ');
	assert_int_equal(theme_glyph(&ascii, NAN), ' ');
	assert_int_equal(theme_glyph(&ascii, 1e-9), '.');
	assert_int_equal(theme_glyph(&blocks, 1), 0x2588);
	assert_int_equal(theme_glyph(&blocks, 99), 0x2588);
	assert_int_equal(theme_glyph(&blocks, -1), ' ');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shipped_themes_hold_at_every_depth),
		cmocka_unit_test(ramps_go_one_way_in_lightness),
		cmocka_unit_test(cold_is_not_the_ground_and_hues_stay_apart),
		cmocka_unit_test(what_is_left_out_is_derived),
		cmocka_unit_test(errors_name_the_line_and_the_remedy),
		cmocka_unit_test(damaged_text_does_no_harm),
		cmocka_unit_test(files_are_read_with_care),
		cmocka_unit_test(an_unknown_name_lists_the_known),
		cmocka_unit_test(glyphs_grow_denser),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
