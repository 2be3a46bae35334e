/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "tui/grid.h"

#define NI  0x65e5 /* a double-width character */
#define DOT 0x2026 /* the ellipsis */

static const struct style plain = { .fg = COLOR_DEFAULT, .bg = COLOR_DEFAULT };

static struct grid make(int rows, int cols)
{
	struct grid grid = GRID_EMPTY;

	assert_int_equal(grid_resize(&grid, rows, cols), 0);
	return grid;
}

static uint32_t ch_at(const struct grid *grid, int row, int col)
{
	return grid->cells[row * grid->cols + col].ch;
}

/* Every right half has a left one, and nothing but printable characters is in a cell. */
static void check_sound(const struct grid *grid)
{
	for (int row = 0; row < grid->rows; row++) {
		for (int col = 0; col < grid->cols; col++) {
			uint32_t ch = ch_at(grid, row, col);

			if (ch == 0) {
				assert_true(col > 0);
				assert_int_equal(grid_char_width(ch_at(grid, row, col - 1)), 2);
				continue;
			}
			assert_true(grid_char_width(ch) > 0);
			if (grid_char_width(ch) == 2) {
				assert_true(col + 1 < grid->cols);
				assert_int_equal(ch_at(grid, row, col + 1), 0);
			}
		}
	}
}

static void assert_row(const struct grid *grid, int row, const char *ascii)
{
	for (int col = 0; col < grid->cols; col++)
		assert_int_equal(ch_at(grid, row, col), (unsigned char)ascii[col]);
}

static void painting_outside_is_clipped(void **state)
{
	static const struct rect rects[] = {
		{ -1, -1, 2, 2 },	    { 3, 4, 100, 100 }, { INT_MAX, 0, 1, 1 }, { 0, INT_MAX, INT_MAX, INT_MAX },
		{ INT_MIN, 0, INT_MAX, 1 }, { 0, 0, -5, 3 },	{ 0, 0, 3, INT_MIN }, { 2, 2, 0, 0 },
	};
	struct grid grid = make(4, 5);

	(void)state;
	for (size_t i = 0; i < sizeof(rects) / sizeof(*rects); i++)
		grid_fill(&grid, rects[i], '#', plain);
	assert_row(&grid, 0, "#    ");
	assert_row(&grid, 1, "     ");
	assert_row(&grid, 2, "     ");
	assert_row(&grid, 3, "    #");
	grid_fill(&grid, (struct rect){ 2, 4, INT_MAX, INT_MAX }, '+', plain);
	assert_row(&grid, 2, "    +");
	grid_fill(&grid, (struct rect){ 2, 4, 2, 1 }, ' ', plain);
	grid_put(&grid, -1, 0, 'x', plain);
	grid_put(&grid, 0, 5, 'x', plain);
	grid_put(&grid, INT_MAX, INT_MIN, 'x', plain);
	grid_text(&grid, 1, -2, 100, "abcdefghij", plain, 0);
	assert_row(&grid, 1, "cdefg");
	grid_text(&grid, 2, INT_MAX - 1, INT_MAX, "abc", plain, 0);
	grid_text(&grid, 2, INT_MAX - 1, INT_MAX, "abc", plain, GRID_RIGHT);
	grid_text(&grid, 2, INT_MIN, 3, "abcdef", plain, GRID_ELLIPSIS);
	grid_text(&grid, 99, 0, 3, "abc", plain, 0);
	assert_row(&grid, 2, "     ");
	grid_free(&grid);
}

static void sizes_are_bounded(void **state)
{
	struct grid grid = GRID_EMPTY;

	(void)state;
	assert_int_equal(grid_resize(&grid, -3, 7), 0);
	assert_int_equal(grid.rows, 0);
	grid_put(&grid, 0, 0, 'x', plain);
	grid_clear(&grid, plain);
	assert_int_equal(grid_resize(&grid, 500, 200), 0);
	grid_put(&grid, 499, 199, 'x', plain);
	assert_int_equal(grid_resize(&grid, 1, 1), 0);
	assert_int_equal(ch_at(&grid, 0, 0), ' ');
	assert_int_equal(grid_resize(&grid, INT_MAX, 1), 0);
	assert_true(grid.rows > 0 && grid.rows < 100000);
	grid_free(&grid);
	grid_free(&grid);
	assert_null(grid.cells);
}

static void wide_characters_keep_their_halves(void **state)
{
	struct grid grid = make(1, 5);

	(void)state;
	grid_put(&grid, 0, 4, NI, plain); /* no room for its right half */
	assert_int_equal(ch_at(&grid, 0, 4), '?');
	grid_put(&grid, 0, 3, NI, plain); /* just room for it */
	assert_int_equal(ch_at(&grid, 0, 3), NI);
	grid_put(&grid, 0, 1, NI, plain);
	assert_int_equal(ch_at(&grid, 0, 2), 0);
	grid_put(&grid, 0, 2, 'x', plain); /* takes the right half away */
	assert_int_equal(ch_at(&grid, 0, 1), ' ');
	grid_put(&grid, 0, 1, NI, plain);
	grid_put(&grid, 0, 1, 'x', plain); /* takes the left half away */
	assert_int_equal(ch_at(&grid, 0, 2), ' ');
	grid_put(&grid, 0, 1, NI, plain);
	grid_put(&grid, 0, 0, NI, plain); /* one over half of another */
	check_sound(&grid);
	assert_int_equal(ch_at(&grid, 0, 0), NI);
	assert_int_equal(ch_at(&grid, 0, 2), ' ');
	grid_put(&grid, 0, -1, NI, plain);
	check_sound(&grid);
	grid_free(&grid);
}

static void random_painting_leaves_a_sound_grid(void **state)
{
	static const uint32_t chars[] = { 'a', NI, 0x301, 0x1f600, 0, 0x1b, 0x85, 0xd800, 0x202e, 0x7fffffff, 0x2588 };
	struct grid grid = make(3, 7);
	unsigned seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		int row, col;

		seed = seed * 1103515245u + 12345u;
		row = (int)(seed >> 16) % 5 - 1;
		seed = seed * 1103515245u + 12345u;
		col = (int)(seed >> 16) % 10 - 1;
		seed = seed * 1103515245u + 12345u;
		if (i % 3)
			grid_put(&grid, row, col, chars[(seed >> 16) % 11], plain);
		else
			grid_fill(&grid, (struct rect){ row, col, 2, 3 }, chars[(seed >> 16) % 11], plain);
		check_sound(&grid);
	}
	grid_free(&grid);
}

static void text_is_cut_by_columns(void **state)
{
	static const struct {
		const char *text;
		int width;
		unsigned flags;
		int used;
		uint32_t want[6];
	} cases[] = {
		{ "abc", 5, 0, 3, { 'a', 'b', 'c', ' ', ' ', ' ' } },
		{ "abcdef", 4, 0, 4, { 'a', 'b', 'c', 'd', ' ', ' ' } },
		{ "abcdef", 4, GRID_ELLIPSIS, 4, { 'a', 'b', 'c', DOT, ' ', ' ' } },
		{ "abcd", 4, GRID_ELLIPSIS, 4, { 'a', 'b', 'c', 'd', ' ', ' ' } },
		{ "abc", 6, GRID_RIGHT, 3, { ' ', ' ', ' ', 'a', 'b', 'c' } },
		{ "abcdefg", 3, GRID_RIGHT | GRID_ELLIPSIS, 3, { 'a', 'b', DOT, ' ', ' ', ' ' } },
		{ "ab", 1, GRID_ELLIPSIS, 1, { DOT, ' ', ' ', ' ', ' ', ' ' } },
		{ "ab", 0, GRID_ELLIPSIS, 0, { ' ', ' ', ' ', ' ', ' ', ' ' } },
		{ "ab", -1, 0, 0, { ' ', ' ', ' ', ' ', ' ', ' ' } },
		{ "a\u65e5b", 6, 0, 4, { 'a', NI, 0, 'b', ' ', ' ' } },
		{ "a\u65e5b", 2, 0, 1, { 'a', ' ', ' ', ' ', ' ', ' ' } },
		{ "a\u65e5b", 3, GRID_ELLIPSIS, 2, { 'a', DOT, ' ', ' ', ' ', ' ' } },
		{ "e\u0301x", 6, 0, 2, { 'e', 'x', ' ', ' ', ' ', ' ' } },
		{ "\033[7m", 6, 0, 4, { '?', '[', '7', 'm', ' ', ' ' } },
		{ "\n\t\b\177", 6, 0, 4, { '?', '?', '?', '?', ' ', ' ' } },
		{ "\xc2\x9bm", 6, 0, 2, { '?', 'm', ' ', ' ', ' ', ' ' } },
		{ "\xff\xc3", 6, 0, 2, { '?', '?', ' ', ' ', ' ', ' ' } },
		{ "", 6, GRID_RIGHT, 0, { ' ', ' ', ' ', ' ', ' ', ' ' } },
	};
	struct grid grid = make(1, 6);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		grid_clear(&grid, plain);
		assert_int_equal(grid_text(&grid, 0, 0, cases[i].width, cases[i].text, plain, cases[i].flags),
				 cases[i].used);
		for (int col = 0; col < 6; col++)
			assert_int_equal(ch_at(&grid, 0, col), cases[i].want[col]);
		check_sound(&grid);
	}
	assert_int_equal(grid_text_width("a\u65e5e\u0301"), 4);
	grid_free(&grid);
}

static void printf_formats_and_cuts(void **state)
{
	struct grid grid = make(1, 6);

	(void)state;
	assert_int_equal(grid_printf(&grid, 0, 1, 4, plain, "%d-%s", 12, "xyz"), 4);
	assert_row(&grid, 0, " 12-x ");
	assert_int_equal(grid_printf(&grid, 0, 0, 6, plain, "%5000d", 1), 6);
	grid_free(&grid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(painting_outside_is_clipped),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(wide_characters_keep_their_halves),
		cmocka_unit_test(random_painting_leaves_a_sound_grid),
		cmocka_unit_test(text_is_cut_by_columns),
		cmocka_unit_test(printf_formats_and_cuts),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
