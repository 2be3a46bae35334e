/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of processes to choose from. */
#include <stdio.h>

#include "collector/text.h"
#include "tui/paint.h"

static void paint_process(const struct paint *p, int row, int cols, const struct process *process, bool selected)
{
	char rss[TEXT_NUMBER_SIZE];
	int col = 1;
	enum theme_role text = selected ? THEME_BAR_KEY : THEME_TEXT;
	enum theme_role dim = selected ? THEME_BAR : THEME_DIM;

	if (selected)
		grid_fill(p->grid, (struct rect){ row, 0, 1, cols }, ' ', p->roles[THEME_BAR]);
	paint_at(p, row, &col, cols, text, "%s%8d ", selected ? "▸" : " ", (int)process->pid);
	paint_at(p, row, &col, cols, text, "%8s  ", text_bytes(rss, process->rss_bytes));
	if (cols >= 60)
		paint_at(p, row, &col, cols, dim, "%-10.10s ", process->user);
	grid_text(p->grid, row, col, 20 < cols - col ? 20 : cols - col, process->comm, p->roles[text], GRID_ELLIPSIS);
	col += 21;
	paint_at(p, row, &col, cols, dim, "%s", process->cmdline);
}

static void paint_filter(const struct paint *p, int row, int cols)
{
	const struct process_list *list = &p->app->list;
	int col = 1;

	paint_at(p, row, &col, cols, THEME_DIM, "filter: ");
	paint_at(p, row, &col, cols, THEME_STRONG, "%s", list->filter);
	p->grid->cursor_row = row;
	p->grid->cursor_col = col < cols ? col : cols - 1;
	col += 2;
	paint_at(p, row, &col, cols, THEME_DIM, "%zu of %zu", list->nr_shown, list->nr);
	if (list->nr_refused)
		paint_at(p, row, &col, cols, THEME_DIM, "; %zu of other users left out", list->nr_refused);
}

static void paint_lines(const struct paint *p, int top, int rows, int cols)
{
	const struct process_list *list = &p->app->list;
	/* the selection stays a little inside */
	size_t first = list->selected + 1 > (size_t)rows ? list->selected + 1 - (size_t)rows : 0, i;

	for (i = 0; i < (size_t)rows && first + i < list->nr_shown; i++)
		paint_process(p, top + (int)i, cols, &list->v[list->shown[first + i]], first + i == list->selected);
	if (!list->nr_shown)
		grid_text(p->grid, top, 1, cols - 1, "no such process", p->roles[THEME_DIM], GRID_ELLIPSIS);
}

void paint_process_list(const struct paint *p, struct rect screen)
{
	struct rect bar = { 0, 0, 1, screen.cols };
	int col = 1;

	grid_fill(p->grid, bar, ' ', p->roles[THEME_BAR]);
	paint_at(p, 0, &col, screen.cols, THEME_BAR_KEY, "damontop");
	paint_at(p, 0, &col, screen.cols, THEME_BAR, "  which process?");
	if (screen.rows > 1)
		paint_filter(p, 1, screen.cols);
	if (screen.rows > 5) {
		grid_text(p->grid, 2, 1, screen.cols - 1, "      PID      RSS", p->roles[THEME_DIM], 0);
		paint_lines(p, 3, screen.rows - 5, screen.cols);
		bar.row = screen.rows - 1;
		col = 1;
		grid_fill(p->grid, bar, ' ', p->roles[THEME_BAR]);
		paint_at(p, bar.row, &col, screen.cols, THEME_BAR_KEY, "enter");
		paint_at(p, bar.row, &col, screen.cols, THEME_BAR_DIM, " watch  ");
		paint_at(p, bar.row, &col, screen.cols, THEME_BAR_KEY, "letters");
		paint_at(p, bar.row, &col, screen.cols, THEME_BAR_DIM, " filter  ");
		paint_at(p, bar.row, &col, screen.cols, THEME_BAR_KEY, "esc");
		paint_at(p, bar.row, &col, screen.cols, THEME_BAR_DIM, p->app->has_target ? " back" : " quit");
		bar.row--;
	} else if (screen.rows > 2) {
		paint_lines(p, 2, screen.rows - 2, screen.cols);
	}
	if (*p->app->message && screen.rows > 1)
		paint_message(p, bar);
}
