/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/prompt.h"

#include <stdio.h>

#include "tui/app_state.h"

static const struct kind {
	const char *title, *hint;
	int (*apply)(struct app *app, const char *text, bool again, struct err *err);
} kinds[] = {
	[PROMPT_PLACE] = { "Go to a place of the recording",
			   "50% · 90s · 1m30s · 1:30 · +10s and -5% from here · enter goes, esc stays", app_play_to },
	[PROMPT_RECORD] = { "Record to the file", "enter begins, R ends it · ctrl-u empties the line · esc: not now",
			    app_record_to },
};

void prompt_open(struct prompt *prompt, enum prompt_id id, const char *text)
{
	*prompt = (struct prompt){ .id = id };
	snprintf(prompt->text, sizeof(prompt->text), "%s", text);
}

const char *prompt_title(const struct prompt *prompt)
{
	return kinds[prompt->id].title;
}

const char *prompt_hint(const struct prompt *prompt)
{
	return kinds[prompt->id].hint;
}

int prompt_apply(struct prompt *prompt, struct app *app)
{
	int rc;

	prompt->refused = ERR_NONE;
	rc = kinds[prompt->id].apply(app, prompt->text, prompt->again, &prompt->refused);
	prompt->again = rc != 0;
	return rc;
}
