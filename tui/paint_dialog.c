/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is typed: the form of all settings, and the box of one line. */
#include <string.h>

#include "collector/text.h"
#include "tui/paint.h"

#define LABEL_COLS 23
#define VALUE_COLS 17 /* the longest name of a source, and of most events */

void paint_dialog(const struct paint *p, struct rect screen)
{
	const struct dialog *d = &p->app->dialog;
	struct rect in = paint_box(p, screen, DIALOG_NR_FIELDS + 2, 120, "Settings");
	int end = in.col + in.cols;
	size_t i;

	for (i = 0; i < DIALOG_NR_FIELDS && (int)i < in.rows; i++) {
		const struct dialog_field *field = &d->fields[i];
		bool here = i == d->at;
		int row = in.row + (int)i, col = in.col;

		paint_at(p, row, &col, end, here ? THEME_TITLE : THEME_TEXT, "%s%-*s", here ? "▸ " : "  ",
			 LABEL_COLS - 2, dialog_label(i));
		paint_at(p, row, &col, end, here ? THEME_BAR_KEY : THEME_STRONG, "%-*s", VALUE_COLS, field->text);
		if (here) {
			int at = in.col + LABEL_COLS + grid_text_width(field->text);

			p->grid->cursor_row = row;
			p->grid->cursor_col = at < end ? at : end - 1;
		}
		if (col < in.col + LABEL_COLS + VALUE_COLS + 2)
			col = in.col + LABEL_COLS + VALUE_COLS + 2;
		else
			col += 2;
		paint_at(p, row, &col, end, *field->refused ? THEME_BAD : THEME_DIM, "%s",
			 *field->refused ? field->refused : dialog_hint(i));
	}
	if (in.rows > DIALOG_NR_FIELDS + 1) {
		const char *refused = d->fields[d->at].refused;
		int col = in.col;

		/* in full, where there was no room beside the field */
		if (grid_text_width(refused) > in.cols - LABEL_COLS - VALUE_COLS - 2)
			paint_at(p, in.row + in.rows - 1, &col, end, THEME_BAD, "%s", refused);
		else
			paint_at(p, in.row + in.rows - 1, &col, end, THEME_DIM,
				 "enter applies all, from the next aggregation on · ↑↓ move · esc leaves it as it is");
	}
}

#define PROMPT_COLS 76

void paint_prompt(const struct paint *p, struct rect screen)
{
	const struct prompt *prompt = &p->app->prompt;
	struct rect in = paint_box(p, screen, 3, PROMPT_COLS, prompt_title(prompt));
	int col = in.col, end = in.col + in.cols, width = grid_text_width(prompt->text);
	const char *text = prompt->text;

	/* of a long text the end is seen: that is where one types */
	while (width >= in.cols && *text) {
		uint32_t c;
		size_t len = text_utf8_decode(text, text + strlen(text), &c);

		text += len ? len : 1;
		width = grid_text_width(text);
	}
	if (in.rows > 0)
		paint_at(p, in.row, &col, end, THEME_STRONG, "%s", text);
	p->grid->cursor_row = in.row;
	p->grid->cursor_col = col < end ? col : end - 1;
	col = in.col;
	if (in.rows > 2)
		paint_at(p, in.row + 2, &col, end, prompt->refused.code ? THEME_BAD : THEME_DIM, "%s",
			 prompt->refused.code ? prompt->refused.text : prompt_hint(prompt));
}
