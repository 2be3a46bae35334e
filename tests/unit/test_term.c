/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/rng.h"
#include "collector/text.h"
#include "tui/frame.h"
#include "tui/term.h"

static const struct look truecolor = { .depth = COLOR_DEPTH_TRUE }, mono = { .depth = COLOR_DEPTH_MONO };

static struct style style_of(color fg, color bg, uint8_t attr)
{
	return (struct style){ .fg = fg, .bg = bg, .attr = attr };
}

/* ---- keys ---- */

static void keys_have_names(void **state)
{
	static const struct {
		uint32_t key;
		const char *name;
	} cases[] = {
		{ 'a', "a" },
		{ ' ', "space" },
		{ '\t', "tab" },
		{ '\n', "enter" },
		{ 27, "esc" },
		{ 12, "ctrl-l" },
		{ 0, "ctrl-@" },
		{ TERM_KEY_LEFT, "left" },
		{ TERM_KEY_F0 + 1, "f1" },
		{ TERM_KEY_F0 + 12, "f12" },
		{ 0xe9, "\u00e9" },
		{ '<', "<" },
		{ 0x85, "u+85" },
		{ 0x7f, "u+7f" },
		{ 0x202e, "u+202e" },
		{ TERM_KEY_F0, "u+11000e" },
	};
	char name[16];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(term_key_name(name, cases[i].key), cases[i].name);
}

static void names_are_keys_again(void **state)
{
	(void)state;
	for (uint32_t key = 0; key < TERM_KEY_LAST; key = key == 0x2fff ? 0x10ff00 : key + 1) {
		char name[16], keys[32];
		uint32_t again = 1;
		struct err err = ERR_NONE;

		if (key == TERM_KEY_F0)
			continue;
		term_key_name(name, key);
		snprintf(keys, sizeof(keys), strlen(name) == 1 && key != '<' ? "%sq" : "<%s>q", name);
		if (key == '<')
			strcpy(keys, "<lt>q");
		else if (key > 0x7f && name[0] != 'u' && key < 0x110000)
			snprintf(keys, sizeof(keys), "%sq", name);
		assert_string_equal(term_key_parse(keys, &again, &err), "q");
		assert_int_equal(again, key);
	}
}

static void wrong_keys_are_refused(void **state)
{
	static const struct {
		const char *keys, *message;
	} cases[] = {
		{ "", "missing" },
		{ "<left", "has no >" },
		{ "<lefft>", "no key <lefft>; there are: space" },
		{ "<>", "no key <>" },
		{ "<f0>", "no key <f0>" },
		{ "<f13>", "no key <f13>" },
		{ "<f1x>", "no key" },
		{ "<u+110000>", "no key" },
		{ "<u+>", "no key" },
		{ "<ctrl->", "no key" },
		{ "<ctrl-aa>", "no key" },
		{ "<LEFT>", "no key" },
		{ "\xff", "keys are UTF-8" },
		{ "<u+fffffffff>", "no key" },
		{ "<f-1>", "no key" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct err err = ERR_NONE;
		uint32_t key;

		assert_null(term_key_parse(cases[i].keys, &key, &err));
		assert_int_equal(err.code, EINVAL);
		assert_non_null(strstr(err.text, cases[i].message));
	}
}

/* ---- characters ---- */

static void ascii_stands_for_what_painters_use(void **state)
{
	(void)state;
	for (uint32_t ch = 0; ch < 0x3000; ch++) {
		char ascii = term_ascii_of(ch);

		assert_true(ascii >= 0x20 && ascii < 0x7f);
		if (ch >= 0x20 && ch < 0x7f)
			assert_int_equal(ascii, ch);
		if (ch >= 0x2500 && ch < 0x25a0)
			assert_int_not_equal(ascii, '?');
	}
	assert_int_equal(term_ascii_of(0x2502), '|');
	assert_int_equal(term_ascii_of(0x2026), '~');
	assert_int_equal(term_ascii_of(0x2192), '>');
	assert_int_equal(term_ascii_of(0x65e5), '?');
}

static void utf8_is_encoded_as_it_is_decoded(void **state)
{
	static const uint32_t chars[] = { 'a', 0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff };

	(void)state;
	for (size_t i = 0; i < sizeof(chars) / sizeof(*chars); i++) {
		char utf8[4];
		size_t len = term_utf8_encode(utf8, chars[i]);
		uint32_t again;

		assert_int_equal(text_utf8_decode(utf8, utf8 + len, &again), len);
		assert_int_equal(again, chars[i]);
	}
}

/* ---- text and pictures ---- */

static struct grid make(int rows, int cols)
{
	struct grid grid = GRID_EMPTY;

	assert_int_equal(grid_resize(&grid, rows, cols), 0);
	return grid;
}

static void assert_text(const struct grid *grid, const struct look *look, bool with_colors, const char *want)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(term_text_write(out, grid, look, with_colors), 0);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
}

static void text_has_no_trailing_blanks(void **state)
{
	struct look ascii = { .depth = COLOR_DEPTH_MONO, .ascii = true };
	struct grid grid = make(3, 8);

	(void)state;
	grid_text(&grid, 0, 1, 7, "a \u65e5\u2502", STYLE_DEFAULT, 0);
	grid_put(&grid, 2, 7, 'z', STYLE_DEFAULT);
	assert_text(&grid, &mono, false, " a \u65e5\u2502\n\n       z\n");
	assert_text(&grid, &ascii, false, " a ??|\n\n       z\n");
	grid.cells[0].ch = 27; /* written past grid_put() */
	assert_text(&grid, &mono, false, "?a \u65e5\u2502\n\n       z\n");
	grid_free(&grid);
}

static void text_changes_colour_where_it_must(void **state)
{
	struct look basic = { .depth = COLOR_DEPTH_16 }, palette = { .depth = COLOR_DEPTH_256 };
	struct style red = style_of(0xff0000, COLOR_DEFAULT, 0), bold = style_of(0xff0000, 0x000080, CELL_BOLD);
	struct grid grid = make(2, 6);

	(void)state;
	grid_text(&grid, 0, 0, 6, "ab", red, 0);
	grid_text(&grid, 0, 2, 6, "cd", bold, 0);
	grid_put(&grid, 1, 0, ' ', style_of(COLOR_DEFAULT, COLOR_ANSI(9), 0));
	grid_put(&grid, 1, 2, 'x', STYLE_DEFAULT);
	assert_text(&grid, &truecolor, true,
		    "\033[38;2;255;0;0mab\033[0;1;38;2;255;0;0;48;2;0;0;128mcd\033[0m\n\033[101m \033[49m x\n");
	assert_text(&grid, &palette, true,
		    "\033[38;5;196mab\033[0;1;38;5;196;48;5;18mcd\033[0m\n\033[101m \033[49m x\n");
	assert_text(&grid, &basic, true, "\033[91mab\033[0;1;91;44mcd\033[0m\n\033[101m \033[49m x\n");
	assert_text(&grid, &mono, true, "ab\033[0;1mcd\033[0m\n  x\n");
	assert_text(&grid, &truecolor, false, "abcd\n  x\n");
	grid_free(&grid);
}

static void a_full_disk_is_an_error(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct grid grid = make(50, 200);

	(void)state;
	if (!full)
		skip();
	grid_clear(&grid, style_of(0, 0, 0));
	assert_int_equal(term_text_write(full, &grid, &truecolor, true), -ENOSPC);
	clearerr(full);
	assert_int_equal(term_svg_write(full, &grid, "t", 0, 0xffffff), -ENOSPC);
	fclose(full);
	grid_free(&grid);
}

static char *svg_of(const struct grid *grid, const char *title)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(term_svg_write(out, grid, title, 0xcccccc, 0x111111), 0);
	fclose(out);
	return text;
}

static unsigned count(const char *text, const char *what)
{
	unsigned nr = 0;

	for (; (text = strstr(text, what)); text++)
		nr++;
	return nr;
}

static void a_picture_merges_and_escapes(void **state)
{
	struct grid grid = make(2, 20);
	char *svg;

	(void)state;
	grid_fill(&grid, (struct rect){ 0, 0, 1, 10 }, 0x2588, style_of(0xff0000, COLOR_DEFAULT, 0));
	grid_fill(&grid, (struct rect){ 0, 10, 1, 10 }, 0x2580, style_of(0xff0000, 0x0000ff, 0));
	grid_text(&grid, 1, 0, 20, "<a href=\"x\">&amp;", STYLE_DEFAULT, 0);
	svg = svg_of(&grid, "</title><script>\033");
	assert_int_equal(count(svg, "<rect"), 4); /* the page, ten cells, ten upper and ten lower halves */
	assert_int_equal(count(svg, "<text"), 1);
	assert_non_null(strstr(svg, "&lt;a href=&quot;x&quot;&gt;&amp;amp;"));
	assert_non_null(strstr(svg, "<title>&lt;/title&gt;&lt;script&gt;?</title>"));
	free(svg);
	grid_free(&grid);
}

/* ---- frames: a terminal just large enough to show what a frame sends ---- */

struct screen {
	struct grid grid;
	int row, col;
	struct style style;
};

static void take_sgr(struct screen *screen, const unsigned *p, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		color *ground = p[i] / 10 == 3 || p[i] / 10 == 9 ? &screen->style.fg : &screen->style.bg;

		if (p[i] == 0)
			screen->style = STYLE_DEFAULT;
		else if (p[i] == 1 || p[i] == 2 || p[i] == 4 || p[i] == 7)
			screen->style.attr |= p[i] == 1	  ? CELL_BOLD
					      : p[i] == 2 ? CELL_DIM
					      : p[i] == 4 ? CELL_UNDERLINE
							  : CELL_REVERSE;
		else if (p[i] == 39 || p[i] == 49)
			*ground = COLOR_DEFAULT;
		else if ((p[i] == 38 || p[i] == 48) && i + 4 < nr && p[i + 1] == 2) {
			*ground = COLOR_RGB(p[i + 2], p[i + 3], p[i + 4]);
			i += 4;
		} else if (p[i] >= 90)
			*ground = COLOR_ANSI(p[i] % 10 + 8);
		else if (p[i] >= 30)
			*ground = COLOR_ANSI(p[i] % 10);
		else
			fail_msg("SGR %u", p[i]);
	}
}

/* One control sequence at s, past its ESC [. Returns what follows. */
static const char *take_sequence(struct screen *screen, const char *s)
{
	unsigned params[16] = { 0 }, nr = 1;

	for (; *s == ';' || (*s >= '0' && *s <= '9'); s++) {
		if (*s == ';')
			nr++;
		else
			params[nr - 1] = params[nr - 1] * 10 + (unsigned)(*s - '0');
		assert_true(nr <= 16);
	}
	if (*s == 'm') {
		take_sgr(screen, params, nr);
	} else {
		assert_int_equal(*s, 'H');
		screen->row = (int)params[0] - 1;
		screen->col = (int)params[1] - 1;
	}
	return s + 1;
}

static void take_bytes(struct screen *screen, const char *bytes, size_t nr)
{
	const char *s = bytes, *end = bytes + nr;

	while (s < end) {
		uint32_t ch;
		size_t len;

		if (*s == 27) {
			assert_int_equal(s[1], '[');
			s = take_sequence(screen, s + 2);
			continue;
		}
		len = text_utf8_decode(s, end, &ch);
		assert_true(len > 0 && screen->col < screen->grid.cols);
		grid_put(&screen->grid, screen->row, screen->col, ch, screen->style);
		screen->col += grid_char_width(ch);
		s += len;
	}
}

static void assert_shows(const struct screen *screen, const struct grid *want)
{
	for (int row = 0; row < want->rows; row++) {
		for (int col = 0; col < want->cols; col++) {
			const struct grid_cell *a = &screen->grid.cells[row * screen->grid.cols + col];
			const struct grid_cell *b = &want->cells[row * want->cols + col];

			assert_int_equal(a->ch, b->ch);
			assert_int_equal(a->style.fg, b->style.fg);
			assert_int_equal(a->style.bg, b->style.bg);
			assert_int_equal(a->style.attr, b->style.attr);
		}
	}
}

static void paint_at_random(struct grid *grid, struct rng *rng)
{
	static const uint32_t chars[] = { 'a', ' ', 0x65e5, 0x2580, 0x1f600, 0xe9 };
	static const color colors[] = { COLOR_DEFAULT, 0x123456, 0xff0000, COLOR_ANSI(3), COLOR_ANSI(12) };

	for (int i = 0; i < 8; i++)
		grid_put(grid, (int)rng_below(rng, 5), (int)rng_below(rng, 9), chars[rng_below(rng, 6)],
			 style_of(colors[rng_below(rng, 5)], colors[rng_below(rng, 5)], (uint8_t)rng_below(rng, 16)));
}

static void a_frame_makes_the_terminal_show_the_grid(void **state)
{
	struct screen screen = { .grid = make(4, 8), .style = STYLE_DEFAULT };
	struct frame frame = FRAME_EMPTY;
	struct grid grid = make(4, 8);
	struct rng rng = rng_seeded(7);

	(void)state;
	for (int i = 0; i < 3000; i++) {
		paint_at_random(&grid, &rng);
		if (i % 100 == 50) { /* another program wrote over all of it */
			grid_clear(&screen.grid, style_of(0xabcdef, 0xabcdef, 0));
			frame_forget(&frame);
		}
		assert_int_equal(frame_update(&frame, &grid, 4, 8, &truecolor), 0);
		take_bytes(&screen, frame.bytes, frame.nr_bytes);
		assert_shows(&screen, &grid);
		assert_int_equal(screen.style.fg, COLOR_DEFAULT);
		assert_int_equal(frame_update(&frame, &grid, 4, 8, &truecolor), 0);
		assert_int_equal(frame.nr_bytes, 0);
	}
	frame_free(&frame);
	grid_free(&grid);
	grid_free(&screen.grid);
}

static void a_frame_sends_what_changed_alone(void **state)
{
	struct frame frame = FRAME_EMPTY;
	struct grid grid = make(3, 10);

	(void)state;
	assert_int_equal(frame_update(&frame, &grid, 3, 10, &truecolor), 0);
	grid_text(&grid, 1, 4, 3, "xy", style_of(COLOR_DEFAULT, COLOR_DEFAULT, CELL_BOLD), 0);
	assert_int_equal(frame_update(&frame, &grid, 3, 10, &truecolor), 0);
	assert_int_equal(frame.nr_bytes, strlen("\033[2;5H\033[0;1mxy\033[0m"));
	assert_memory_equal(frame.bytes, "\033[2;5H\033[0;1mxy\033[0m", frame.nr_bytes);
	/* Terminals differ on the columns of an arrow: what follows it is placed anew. */
	grid_text(&grid, 2, 0, 2, "\u21d2x", STYLE_DEFAULT, 0);
	assert_int_equal(frame_update(&frame, &grid, 3, 10, &truecolor), 0);
	assert_int_equal(frame.nr_bytes, strlen("\033[3;1H\u21d2\033[3;2Hx"));
	assert_memory_equal(frame.bytes, "\033[3;1H\u21d2\033[3;2Hx", frame.nr_bytes);
	grid.cells[0].ch = '\n'; /* written past grid_put() */
	assert_int_equal(frame_update(&frame, &grid, 3, 10, &truecolor), 0);
	assert_memory_equal(frame.bytes, "\033[1;1H?", frame.nr_bytes);
	frame_free(&frame);
	frame_free(&frame);
	grid_free(&grid);
}

static void a_frame_is_cut_or_padded(void **state)
{
	static const int sizes[][2] = { { 1, 1 }, { 3, 5 }, { 9, 20 }, { 0, 0 }, { 500, 200 }, { 2, 4 } };
	struct frame frame = FRAME_EMPTY;
	struct grid grid = make(3, 6);

	(void)state;
	for (int col = 0; col < 6; col += 2)
		grid_put(&grid, 0, col, 0x65e5, STYLE_DEFAULT);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct screen screen = { .grid = make(sizes[i][0], sizes[i][1]), .style = STYLE_DEFAULT };

		assert_int_equal(frame_update(&frame, &grid, sizes[i][0], sizes[i][1], &truecolor), 0);
		take_bytes(&screen, frame.bytes, frame.nr_bytes);
		if (sizes[i][1] == 5)
			assert_int_equal(screen.grid.cells[4].ch, '?'); /* a wide one cut in two */
		grid_free(&screen.grid);
	}
	frame_free(&frame);
	grid_free(&grid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_have_names),
		cmocka_unit_test(names_are_keys_again),
		cmocka_unit_test(wrong_keys_are_refused),
		cmocka_unit_test(ascii_stands_for_what_painters_use),
		cmocka_unit_test(utf8_is_encoded_as_it_is_decoded),
		cmocka_unit_test(text_has_no_trailing_blanks),
		cmocka_unit_test(text_changes_colour_where_it_must),
		cmocka_unit_test(a_full_disk_is_an_error),
		cmocka_unit_test(a_picture_merges_and_escapes),
		cmocka_unit_test(a_frame_makes_the_terminal_show_the_grid),
		cmocka_unit_test(a_frame_sends_what_changed_alone),
		cmocka_unit_test(a_frame_is_cut_or_padded),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
