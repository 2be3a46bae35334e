/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What colours mean, in real units; or the name that is being typed. */
#include <stdio.h>
#include <string.h>

#include "tui/paint.h"

static void patch(const struct paint *p, int row, int *col, int end, color c, uint32_t ch)
{
	struct style style = p->roles[THEME_TEXT];
	int i;

	for (i = 0; i < 2; i++, (*col)++) {
		if (*col >= end)
			continue;
		style.fg = c;
		grid_put(p->grid, row, *col, ch ? ch : 0x2588, style);
	}
}

/* The ramp from nothing to most, in cells. */
static void paint_ramp(const struct paint *p, int row, int *col, int end, int cols)
{
	const struct app *app = p->app;
	struct view_cell cell = { .valid = VIEW_HEAT };
	int i;

	for (i = 0; i < cols; i++) {
		double value = cols > 1 ? (double)i / (cols - 1) : 1;
		struct overlay_paint paint = overlay_paint(&overlay_table[0], &app->brush, &cell, value);
		struct style style = p->roles[THEME_TEXT];

		style.fg = paint.color;
		if (*col < end)
			grid_put(p->grid, row, *col, paint.ch ? paint.ch : 0x2588, style);
		(*col)++;
	}
}

/* As a whole, or not at all: half a word says nothing. */
static void paint_whole(const struct paint *p, int row, int *col, int end, enum theme_role role, const char *text)
{
	if (grid_text_width(text) <= end - *col)
		paint_at(p, row, col, end, role, "%s", text);
}

static void paint_contrast(const struct paint *p, int row, int *col, int end)
{
	const struct contrast *c = &p->app->contrast;
	const char *name = contrast_mode_name(c->now), *automatic = c->mode == CONTRAST_AUTO ? "auto: " : "";
	char text[64], low[32];

	if (end - *col >= 3 + grid_text_width(automatic) + grid_text_width(name)) {
		paint_at(p, row, col, end, THEME_DIM, " · ");
		paint_at(p, row, col, end, THEME_TEXT, "%s%s", automatic, name);
		if (c->now == CONTRAST_LOG) {
			snprintf(text, sizeof(text), " from %s",
				 inspect_heat_number(low, c->low, p->app->contrast_unit));
			paint_whole(p, row, col, end, THEME_DIM, text);
		}
	}
	if (c->fixed)
		paint_whole(p, row, col, end, THEME_WARN, " · held");
	if (p->app->show_peak)
		paint_whole(p, row, col, end, THEME_WARN, " · hottest in cell");
}

static void paint_heat_legend(const struct paint *p, int row, int *col, int end)
{
	const struct app *app = p->app;
	char high[32];

	paint_at(p, row, col, end, THEME_TEXT, "0 ");
	paint_ramp(p, row, col, end, end - *col > 90 ? 24 : 10);
	if (!app->contrast.known) {
		paint_at(p, row, col, end, THEME_DIM, "  %s; no access seen so far",
			 inspect_heat_words(app->contrast_unit));
		return;
	}
	paint_at(p, row, col, end, THEME_TEXT, " %s%s",
		 inspect_heat_number(high, app->contrast.high, app->contrast_unit),
		 app->contrast_unit == HEAT_TIME ? "" : " ");
	paint_at(p, row, col, end, THEME_DIM, "%s", inspect_heat_words(app->contrast_unit));
	paint_contrast(p, row, col, end);
}

static void paint_items(const struct paint *p, int row, int *col, int end)
{
	const struct app *app = p->app;
	struct overlay_item items[OVERLAY_NR_ITEMS];
	size_t i, nr = app->overlay->legend(&app->brush, items, app->seen_nodes);
	bool mono = app->config.look.depth == COLOR_DEPTH_MONO;

	if (app->seen_valid && !(app->seen_valid & app->overlay->needs)) {
		paint_at(p, row, col, end, THEME_WARN, "not known here: %s",
			 app->overlay->who_tells ? app->overlay->who_tells : "neither source nor kernel tell");
		nr = 0;
		paint_at(p, row, col, end, THEME_TEXT, "   ");
	}
	for (i = 0; i < nr && end - *col >= 3 + grid_text_width(items[i].text); i++) {
		patch(p, row, col, end, items[i].color, mono ? items[i].letter : 0);
		paint_at(p, row, col, end, THEME_TEXT, " %s   ", items[i].text);
	}
	if (end - *col >= 10) {
		patch(p, row, col, end, app->brush.unknown[10], mono ? '?' : 0);
		paint_at(p, row, col, end, THEME_TEXT, " unknown");
	}
	/* a remark is there as a whole or not at all */
	if (end - *col < 41)
		return;
	paint_at(p, row, col, end, THEME_DIM, "   %s",
		 mono ? "bold = hot, dim = not accessed" : "brightness = heat, dark = not accessed");
	if (end - *col >= 30)
		paint_contrast(p, row, col, end);
}

void paint_find(const struct paint *p, struct rect where)
{
	const char *question = p->app->find_address ? "go to address (hexadecimal): " : "find a name or 0x address: ";
	int col = where.col + 1, end = where.col + where.cols;

	if (where.rows < 1)
		return;
	if (where.cols < grid_text_width(question) + 12)
		question = p->app->find_address ? ":" : "/";
	grid_fill(p->grid, where, ' ', p->roles[THEME_TEXT]);
	paint_at(p, where.row, &col, end, THEME_DIM, "%s", question);
	paint_at(p, where.row, &col, end, THEME_STRONG, "%s", p->app->find);
	p->grid->cursor_row = where.row;
	p->grid->cursor_col = col < end ? col : end - 1;
}

void paint_legend(const struct paint *p, struct rect where)
{
	int col = where.col + 1, end = where.col + where.cols;

	if (where.rows < 1)
		return;
	if (p->app->mode == APP_FIND && p->in_focus)
		return paint_find(p, where);
	if (p->app->overlay->legend)
		paint_items(p, where.row, &col, end);
	else
		paint_heat_legend(p, where.row, &col, end);
}
