/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The form of all settings. */
#include "tui/paint.h"

#define LABEL_COLS 23
#define VALUE_COLS 14

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
		col = in.col + LABEL_COLS + VALUE_COLS + 2;
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
