/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handlers for recordings: one that is played, and one that is made. A picture that is frozen is a recording that is
 * paused: app_play_sync() sees to that after each key, so that every way back in time pauses.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "collector/text.h"
#include "tui/app_state.h"

static unsigned order(struct app *app, struct play_order play)
{
	struct command command = { .type = COMMAND_PLAY, .play = play };

	command.play.serial = ++app->play_serial;
	if (!app->config.send || !app->config.send(app->config.ctx, &command))
		app_say(app, APP_WARNING, "the collector is busy: press it again");
	return APP_REDRAW;
}

/* True, or says why not. */
static bool can_play(struct app *app)
{
	if (app->config.fixed && !app->ended_badly)
		return true;
	app_say(app, APP_WARNING,
		app->config.fixed ? "the recording cannot be read any further" : "this is live, not a recording");
	return false;
}

void app_play_sync(struct app *app)
{
	if (!app->config.fixed || app->ended_badly || app->frozen == app->play_paused)
		return;
	app->play_paused = app->frozen;
	order(app, (struct play_order){ .action = app->frozen ? PLAY_PAUSE : PLAY_GO });
}

/* Pauses, and takes a snapshot more or less; back, what is kept is shown. */
unsigned app_play_step(struct app *app, int arg)
{
	if (!can_play(app) || !history_nr(app->history))
		return APP_REDRAW;
	if (!app->frozen)
		app_freeze(app, 0);
	app_play_sync(app);
	if (arg < 0) {
		app_step_back(app);
	} else if (!app_step_forward(app)) {
		app->play_follow = true;
		order(app, (struct play_order){ .action = PLAY_STEP });
	}
	return APP_REDRAW;
}

unsigned app_play_speed(struct app *app, int arg)
{
	if (!can_play(app))
		return APP_REDRAW;
	/* several keys may come before the first answer */
	app->play.speed = play_next_speed(app->play.speed > 0 ? app->play.speed : 1, arg);
	return order(app, (struct play_order){ .action = PLAY_SPEED, .value = app->play.speed });
}

unsigned app_play_loop(struct app *app, int arg)
{
	(void)arg;
	if (!can_play(app))
		return APP_REDRAW;
	app->play.loop = !app->play.loop;
	app_say(app, APP_INFO,
		app->play.loop ? "at its end the recording begins again" : "the recording is played once");
	return order(app, (struct play_order){ .action = PLAY_LOOP, .value = app->play.loop });
}

static int seek(struct app *app, struct play_place place, struct err *err)
{
	uint64_t to_ns = play_place_ns(&place, app->play.at_ns, app->play.total_ns);

	if (!app->play.rewindable && (to_ns < app->play.at_ns || place.share > 0))
		return err_set(err, ESPIPE,
			       "it is read from a pipe: there is no way back, and its length is not known");
	app->play_follow = true;
	order(app, (struct play_order){ .action = PLAY_SEEK, .place = place });
	return 0;
}

int app_play_to(struct app *app, const char *text, bool again, struct err *err)
{
	struct play_place place;
	int rc = play_place_parse(text, &place, err);

	(void)again;
	return rc ? rc : seek(app, place, err);
}

/* So many twentieths of the whole. */
unsigned app_play_seek(struct app *app, int arg)
{
	struct err err = ERR_NONE;

	if (can_play(app) && seek(app, (struct play_place){ .share = arg / 20.0, .relative = true }, &err))
		app_say(app, APP_WARNING, "%s", err.text);
	return APP_REDRAW;
}

unsigned app_play_jump(struct app *app, int arg)
{
	(void)arg;
	if (can_play(app)) {
		prompt_open(&app->prompt, PROMPT_PLACE, "");
		app_open_box(app, APP_PROMPT);
	}
	return APP_REDRAW;
}

/* ---- what the player says ---- */

unsigned app_play_state(struct app *app, const struct play_state *state)
{
	bool ended = app->ended;

	if (state->restarted) {
		history_clear(app->history);
		app->frozen &= app->play_follow;
		app->play_paused = app->frozen;
		app->edge_tick = 0;
	}
	/* what has been ordered since is not in it yet */
	if (state->serial == app->play_serial) {
		app->play = *state;
		app->play_follow &= state->seeking;
	} else {
		struct play_state wanted = app->play;

		app->play = *state;
		app->play.speed = wanted.speed > 0 ? wanted.speed : state->speed;
		app->play.loop = wanted.loop;
	}
	app->ended = state->ended;
	if (state->ended && !ended)
		snprintf(app->ended_text, sizeof(app->ended_text),
			 "%s%send of the recording; space plays it again, q quits", state->note,
			 *state->note ? "; " : "");
	return APP_HANDLED | APP_REDRAW;
}

/* ---- recording ---- */

struct app_recording app_recording(const struct app *app)
{
	return app->config.recorded ? app->config.recorded(app->config.ctx) : (struct app_recording){ NULL, 0 };
}

static void stop_recording(struct app *app)
{
	struct app_recording was = app_recording(app);
	char bytes[TEXT_NUMBER_SIZE], name[256];
	struct err err = ERR_NONE;

	text_clean_str(name, sizeof(name), was.path);
	if (app->config.record(app->config.ctx, NULL, false, &err))
		app_say(app, APP_ERROR, "%s", err.text);
	else
		app_say(app, APP_INFO, "recorded %s to %s", text_bytes(bytes, was.bytes), name);
}

unsigned app_record(struct app *app, int arg)
{
	const struct snapshot *last = history_last(app->history);
	char name[64];

	(void)arg;
	if (!app->config.record) {
		app_say(app, APP_WARNING, "nothing can be recorded here");
		return APP_REDRAW;
	}
	if (app_recording(app).path) {
		stop_recording(app);
		return APP_REDRAW;
	}
	if (last && last->pid)
		snprintf(name, sizeof(name), "damontop-%d.rec", (int)last->pid);
	else
		snprintf(name, sizeof(name), "damontop.rec");
	prompt_open(&app->prompt, PROMPT_RECORD, name);
	app_open_box(app, APP_PROMPT);
	return APP_REDRAW;
}

int app_record_to(struct app *app, const char *text, bool again, struct err *err)
{
	int rc = *text ? app->config.record(app->config.ctx, text, again, err)
		       : err_set(err, EINVAL, "a file needs a name");

	if (!rc)
		app_say(app, APP_INFO, "recording; R ends it");
	return rc;
}

/* ---- the box ---- */

unsigned app_prompt_key(struct app *app, const struct term_event *event)
{
	struct prompt *prompt = &app->prompt;

	if (event->key == TERM_KEY_ESCAPE) {
		app->mode = app->box_from;
	} else if (event->key == TERM_KEY_ENTER || event->key == '\r') {
		if (!prompt_apply(prompt, app))
			app->mode = app->box_from;
	} else if (app_edit_text(prompt->text, sizeof(prompt->text), event)) {
		prompt->again = false;
		prompt->refused = ERR_NONE;
	}
	return APP_HANDLED | APP_REDRAW;
}
