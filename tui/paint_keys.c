/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The key line and the help page, both made from the table of keys. */
#include <stdio.h>
#include <string.h>

#include "tui/keymap.h"
#include "tui/paint.h"

static int width_of(const struct key *key)
{
	return grid_text_width(key->names) + 1 + grid_text_width(key->label) + 2;
}

void paint_key_label(const struct paint *p, int row, int *col, int end, const char *names, const char *label)
{
	paint_at(p, row, col, end, THEME_BAR_KEY, "%s", names);
	paint_at(p, row, col, end, THEME_BAR_DIM, " %s", label);
	*col += 2;
}

/* Help and quit are never missing; the rest is there as far as there is room. */
void paint_keys(const struct paint *p, struct rect where)
{
	int col = where.col + 1, end = where.col + where.cols, reserved = 0;
	size_t i;

	if (where.rows < 1)
		return;
	grid_fill(p->grid, where, ' ', p->roles[THEME_BAR]);
	for (i = 0; i < keymap_nr; i++)
		if (keymap[i].label && keymap[i].group == KEYS_PROGRAM)
			reserved += width_of(&keymap[i]);
	for (i = 0; i < keymap_nr; i++) {
		const struct key *key = &keymap[i];
		bool program = key->group == KEYS_PROGRAM;

		if (!key->label)
			continue;
		if (col + width_of(key) - 2 + (program ? 0 : reserved) > end)
			continue;
		if (program)
			reserved -= width_of(key);
		paint_key_label(p, where.row, &col, end, key->names, key->label);
	}
}

/* ---- help ---- */

#define HELP_COLS 76

static int nr_help_lines(void)
{
	int rows = 0;
	size_t i;

	for (i = 0; i < keymap_nr; i++)
		rows += keymap[i].help != NULL;
	return rows + 2 * KEYS_NR_GROUPS - 1;
}

/* In two columns where one does not suffice and there is room. */
static int help_columns(int rows, int cols)
{
	return rows - 2 < nr_help_lines() && cols >= 2 * HELP_COLS + 6 ? 2 : 1;
}

int paint_help_rows(int rows, int cols)
{
	return help_columns(rows, cols) == 2 ? (nr_help_lines() + 1) / 2 + 3 : nr_help_lines();
}

struct help_page {
	struct rect inside;
	int line; /* of the page; those above top and below the box are not painted */
	int top;
	int rows; /* of a column of the page */
	int columns;
};

static void help_line(const struct paint *p, struct help_page *page, const char *names, const char *help)
{
	int line = page->line++, column = page->columns == 2 ? line / page->rows : 0;
	int row = (page->columns == 2 ? line % page->rows : line) - page->top;
	int col = page->inside.col + column * (HELP_COLS + 2), end = page->inside.col + page->inside.cols;

	if (row < 0 || row >= page->inside.rows)
		return;
	row += page->inside.row;
	if (names) {
		grid_text(p->grid, row, col, 10, names, p->roles[THEME_STRONG], 0);
		col += 11;
	}
	if (col < end)
		grid_text(p->grid, row, col, end - col < HELP_COLS - 11 ? end - col : HELP_COLS - 11, help,
			  p->roles[names ? THEME_TEXT : THEME_TITLE], GRID_ELLIPSIS);
}

static void help_group(const struct paint *p, struct help_page *page, enum key_group group)
{
	int nr = 1;
	size_t i;

	for (i = 0; i < keymap_nr; i++)
		nr += keymap[i].group == group && keymap[i].help;
	/* a group is not torn apart between the columns */
	if (page->columns == 2 && page->line < page->rows && page->line + nr > page->rows)
		page->line = page->rows;
	help_line(p, page, NULL, keymap_group_title(group));
	for (i = 0; i < keymap_nr; i++)
		if (keymap[i].group == group && keymap[i].help)
			help_line(p, page, keymap[i].names, keymap[i].help);
	page->line++;
}

void paint_help(const struct paint *p, struct rect screen)
{
	int columns = help_columns(screen.rows, screen.cols), rows = paint_help_rows(screen.rows, screen.cols), group;
	bool fits = rows <= screen.rows - 2;
	struct help_page page = {
		.inside = paint_box(p, screen, rows, HELP_COLS * columns + (columns - 1) * 2,
				    fits ? "Keys: any key goes back" : "Keys: ↓↑ scroll, any other key goes back"),
		.top = p->app->help_top,
		.rows = rows,
		.columns = columns,
	};

	for (group = 0; group < KEYS_NR_GROUPS; group++)
		help_group(p, &page, (enum key_group)group);
}
