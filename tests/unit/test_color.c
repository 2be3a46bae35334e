/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "tui/color.h"

static void palette_is_that_of_xterm(void **state)
{
	static const struct {
		unsigned i;
		uint32_t rgb;
	} cases[] = { { 0, 0x000000 },	 { 9, 0xff0000 },   { 15, 0xffffff },  { 16, 0x000000 },  { 17, 0x00005f },
		      { 21, 0x0000ff },	 { 52, 0x5f0000 },  { 110, 0x87afd7 }, { 196, 0xff0000 }, { 231, 0xffffff },
		      { 232, 0x080808 }, { 244, 0x808080 }, { 255, 0xeeeeee } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(color_palette_rgb(cases[i].i), cases[i].rgb);
}

/* Every entry of cube and greys is its own nearest, so that reducing twice is reducing once. */
static void reducing_is_idempotent(void **state)
{
	(void)state;
	for (unsigned i = 16; i < 256; i++) {
		color c = color_palette_rgb(i);

		assert_int_equal(color_at_depth(c, COLOR_DEPTH_256), c);
		assert_int_equal(color_palette_rgb((unsigned)color_index_256(c)), c);
	}
	for (unsigned i = 0; i < 16; i++) {
		assert_int_equal(color_index_16(color_palette_rgb(i)), (int)i);
		assert_int_equal(color_at_depth(COLOR_ANSI(i), COLOR_DEPTH_16), COLOR_ANSI(i));
	}
}

static void known_colours_reduce_as_known(void **state)
{
	static const struct {
		uint32_t rgb;
		int in_256, in_16;
	} cases[] = { { 0x000000, 16, 0 },  { 0x010101, 16, 0 },  { 0xfefefe, 231, 15 },
		      { 0xff0101, 196, 9 }, { 0x121212, 233, 0 }, { 0x2c5f00, 22, -1 },
		      { 0x808080, 244, 8 }, { 0x5fafd7, 74, -1 }, { 0xfde725, 220, -1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(color_index_256(cases[i].rgb), cases[i].in_256);
		if (cases[i].in_16 >= 0)
			assert_int_equal(color_index_16(cases[i].rgb), cases[i].in_16);
	}
	assert_int_equal(color_index_256(COLOR_DEFAULT), -1);
	assert_int_equal(color_index_256(COLOR_ANSI(12)), 12);
	assert_int_equal(color_at_depth(0x123456, COLOR_DEPTH_TRUE), 0x123456);
	assert_int_equal(color_at_depth(0x123456, COLOR_DEPTH_MONO), COLOR_DEFAULT);
	assert_int_equal(color_at_depth(COLOR_ANSI(3), COLOR_DEPTH_MONO), COLOR_DEFAULT);
	assert_int_equal(color_at_depth(COLOR_ANSI(3), COLOR_DEPTH_TRUE), COLOR_ANSI(3));
	assert_int_equal(color_rgb(COLOR_DEFAULT, 0xabcdef), 0xabcdef);
	assert_int_equal(color_rgb(COLOR_ANSI(1), 0), 0xcd0000);
	assert_true(COLOR_IS_ANSI(COLOR_ANSI(7)) && !COLOR_IS_ANSI(COLOR_DEFAULT) && !COLOR_IS_RGB(COLOR_DEFAULT));
}

static int channel_distance(uint32_t a, uint32_t b)
{
	int most = 0;

	for (int shift = 0; shift < 24; shift += 8) {
		int d = abs((int)(a >> shift & 255) - (int)(b >> shift & 255));

		most = d > most ? d : most;
	}
	return most;
}

static void oklab_is_there_and_back(void **state)
{
	struct oklab white = oklab_of_rgb(0xffffff), grey;

	(void)state;
	assert_true(white.l > 0.999 && white.l < 1.001);
	for (uint32_t rgb = 0; rgb < 0x1000000; rgb += 0x010307)
		assert_true(channel_distance(rgb, oklab_rgb(oklab_of_rgb(rgb))) <= 1);
	/* The grey that looks halfway is #636363, darker than half of white's number. */
	grey = oklab_mix(oklab_of_rgb(0), white, 0.5);
	assert_int_equal(oklab_rgb(grey), 0x636363);
	assert_int_equal(oklab_rgb((struct oklab){ .l = 5, .a = 0, .b = 0 }), 0xffffff);
	assert_int_equal(oklab_rgb((struct oklab){ .l = -5, .a = 0, .b = 0 }), 0x000000);
}

static void depth_follows_the_environment(void **state)
{
	static const struct {
		enum color_mode mode;
		const char *term, *colorterm, *no_color;
		bool is_tty;
		int terminfo_colors;
		enum color_depth want;
	} cases[] = {
		{ COLOR_MODE_AUTO, "xterm-256color", NULL, NULL, true, 256, COLOR_DEPTH_256 },
		{ COLOR_MODE_AUTO, "xterm-256color", "truecolor", NULL, true, 256, COLOR_DEPTH_TRUE },
		{ COLOR_MODE_AUTO, "xterm-256color", "24bit", NULL, true, 256, COLOR_DEPTH_TRUE },
		{ COLOR_MODE_AUTO, "xterm-256color", "yes", NULL, true, 256, COLOR_DEPTH_256 },
		{ COLOR_MODE_AUTO, "tmux-256color", "truecolor", NULL, true, 256, COLOR_DEPTH_TRUE },
		{ COLOR_MODE_AUTO, "screen-256color", "truecolor", NULL, true, 256, COLOR_DEPTH_256 },
		{ COLOR_MODE_AUTO, "linux", "truecolor", NULL, true, 8, COLOR_DEPTH_16 },
		{ COLOR_MODE_AUTO, "xterm-direct", NULL, NULL, true, 1 << 24, COLOR_DEPTH_TRUE },
		{ COLOR_MODE_AUTO, "xterm", NULL, NULL, true, 8, COLOR_DEPTH_16 },
		{ COLOR_MODE_AUTO, "vt100", "truecolor", NULL, true, 0, COLOR_DEPTH_MONO },
		{ COLOR_MODE_AUTO, "dumb", "truecolor", NULL, true, -1, COLOR_DEPTH_MONO },
		{ COLOR_MODE_AUTO, NULL, "truecolor", NULL, true, -1, COLOR_DEPTH_MONO },
		{ COLOR_MODE_AUTO, "", NULL, NULL, true, -1, COLOR_DEPTH_MONO },
		{ COLOR_MODE_AUTO, "xterm", NULL, NULL, true, -1, COLOR_DEPTH_16 },
		{ COLOR_MODE_AUTO, "xterm-mono", NULL, NULL, true, -1, COLOR_DEPTH_MONO },
		{ COLOR_MODE_AUTO, "foo-256color", NULL, NULL, true, -1, COLOR_DEPTH_256 },
		{ COLOR_MODE_AUTO, "vt220", NULL, NULL, true, -1, COLOR_DEPTH_MONO },
		{ COLOR_MODE_AUTO, "xterm-256color", "truecolor", "1", true, 256, COLOR_DEPTH_MONO },
		{ COLOR_MODE_AUTO, "xterm-256color", NULL, "", true, 256, COLOR_DEPTH_256 },
		{ COLOR_MODE_AUTO, "xterm-256color", "truecolor", NULL, false, 256, COLOR_DEPTH_MONO },
		{ COLOR_MODE_NEVER, "xterm-256color", "truecolor", NULL, true, 256, COLOR_DEPTH_MONO },
		{ COLOR_MODE_16, "xterm-256color", "truecolor", "1", true, 256, COLOR_DEPTH_16 },
		{ COLOR_MODE_256, "xterm", NULL, NULL, false, 8, COLOR_DEPTH_256 },
		{ COLOR_MODE_TRUE, NULL, NULL, "1", false, -1, COLOR_DEPTH_TRUE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(term_depth_of_env(cases[i].mode, cases[i].term, cases[i].colorterm, cases[i].no_color,
						   cases[i].is_tty, cases[i].terminfo_colors),
				 cases[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(palette_is_that_of_xterm),	 cmocka_unit_test(reducing_is_idempotent),
		cmocka_unit_test(known_colours_reduce_as_known), cmocka_unit_test(oklab_is_there_and_back),
		cmocka_unit_test(depth_follows_the_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
