/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of processes to choose from. */
#include <stdio.h>
#include <string.h>

#include "collector/text.h"
#include "tui/paint.h"

#define NAME_COLS  21
#define MAX_INDENT 12 /* of a name in the tree; who is deeper says so by its parent's line alone */
#define RSS_COLS   32 /* screens as wide as this have more than number and name */
#define USER_COLS  60 /* screens as wide as this have users and CPU time */

static void paint_cpu(const struct paint *p, int row, int *col, int cols, const struct process *process,
		      enum theme_role role)
{
	double cpu = process_list_cpu(&p->app->list, process);

	if (cpu < 0)
		paint_at(p, row, col, cols, role, "%5s ", "-");
	else
		paint_at(p, row, col, cols, role, "%4.0f%% ", cpu * 100);
}

/* Of the command its own name: where it lies takes the room of its arguments, which tell one python from another. */
static const char *without_folder(const char *cmdline)
{
	const char *end = cmdline + strcspn(cmdline, " "), *slash = end;

	while (slash > cmdline && slash[-1] != '/')
		slash--;
	return *cmdline == '/' && slash < end ? slash : cmdline;
}

static void paint_process(const struct paint *p, int row, int cols, const struct process_row *line, bool selected)
{
	const struct process *process = &p->app->list.v[line->process];
	char rss[TEXT_NUMBER_SIZE];
	int col = 1, indent = line->depth * 2 < MAX_INDENT ? (int)line->depth * 2 : MAX_INDENT;
	enum theme_role text = selected ? THEME_BAR_KEY : line->matches ? THEME_TEXT : THEME_DIM;
	enum theme_role dim = selected ? THEME_BAR : THEME_DIM;

	if (selected)
		grid_fill(p->grid, (struct rect){ row, 0, 1, cols }, ' ', p->roles[THEME_BAR]);
	paint_at(p, row, &col, cols, text, "%s%8d ", selected ? "▸" : " ", (int)process->pid);
	if (cols >= RSS_COLS)
		paint_at(p, row, &col, cols, text, "%8s  ", text_bytes(rss, process->rss_bytes));
	if (cols >= USER_COLS) {
		paint_cpu(p, row, &col, cols, process, text);
		paint_at(p, row, &col, cols, dim, " %-10.10s ", process->user);
	}
	if (indent)
		grid_text(p->grid, row, col + indent - 2, cols - col, "└", p->roles[dim], 0);
	grid_text(p->grid, row, col + indent,
		  NAME_COLS - 1 - indent < cols - col - indent ? NAME_COLS - 1 - indent : cols - col - indent,
		  process->comm, p->roles[text], GRID_ELLIPSIS);
	col += NAME_COLS;
	paint_at(p, row, &col, cols, dim, "%s", without_folder(process->cmdline));
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
	paint_at(p, row, &col, cols, THEME_DIM, "%zu of %zu", list->nr_matching, list->nr);
	if (list->nr_refused)
		paint_at(p, row, &col, cols, THEME_DIM, "; %zu of other users left out", list->nr_refused);
}

static void paint_lines(const struct paint *p, int top, int rows, int cols)
{
	const struct process_list *list = &p->app->list;
	/* the selection stays a little inside */
	size_t first = list->selected + 1 > (size_t)rows ? list->selected + 1 - (size_t)rows : 0, i;

	for (i = 0; i < (size_t)rows && first + i < list->nr_shown; i++)
		paint_process(p, top + (int)i, cols, &list->shown[first + i], first + i == list->selected);
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
		grid_text(p->grid, 2, 1, screen.cols - 1,
			  screen.cols >= USER_COLS
				  ? "      PID      RSS    CPU  user       name                 command"
			  : screen.cols >= RSS_COLS ? "      PID      RSS  name"
						    : "      PID name",
			  p->roles[THEME_DIM], 0);
		paint_lines(p, 3, screen.rows - 5, screen.cols);
		bar.row = screen.rows - 1;
		col = 1;
		grid_fill(p->grid, bar, ' ', p->roles[THEME_BAR]);
		paint_key_label(p, bar.row, &col, screen.cols, "enter", "watch");
		paint_key_label(p, bar.row, &col, screen.cols, "letters", "filter");
		paint_key_label(p, bar.row, &col, screen.cols, "tab", p->app->list.tree ? "by RSS" : "tree");
		paint_key_label(p, bar.row, &col, screen.cols, "?", "help");
		paint_key_label(p, bar.row, &col, screen.cols, "esc", p->app->has_target ? "back" : "quit");
		bar.row--;
	} else if (screen.rows > 2) {
		paint_lines(p, 2, screen.rows - 2, screen.cols);
	}
	if (*p->app->message && screen.rows > 1)
		paint_message(p, bar);
}
