/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two sources side by side: what is kept of each, and which is in focus. */
#include <string.h>

#include "collector/source.h"
#include "tui/app_state.h"

bool app_has_other(const struct app *app)
{
	return app->other.history != NULL;
}

bool app_is_split(const struct app *app)
{
	return app_has_other(app) && app->layout.nr_panes > 1;
}

void app_swap_panes(struct app *app)
{
	struct pane focus = {
		.index = app->pane,
		.history = app->history,
		.view = app->view,
		.contrast = app->contrast,
		.contrast_unit = app->contrast_unit,
		.seen_nodes = app->seen_nodes,
		.seen_valid = app->seen_valid,
		.lost = app->lost,
	};

	app->pane = app->other.index;
	app->history = app->other.history;
	app->view = app->other.view;
	app->contrast = app->other.contrast;
	app->contrast_unit = app->other.contrast_unit;
	app->seen_nodes = app->other.seen_nodes;
	app->seen_valid = app->other.seen_valid;
	app->lost = app->other.lost;
	app->other = focus;
	layout_focus(&app->layout, app_is_split(app) ? app->pane : 0);
}

/* ---- time: one count of ticks for both ---- */

static uint64_t last_tick(const struct history *h)
{
	return h && history_nr(h) ? history_tick(h, history_nr(h) - 1) : 0;
}

uint64_t app_newest_tick(const struct app *app)
{
	uint64_t own = last_tick(app->history), other = last_tick(app->other.history);

	return own > other ? own : other;
}

uint64_t app_oldest_tick(const struct app *app)
{
	const struct history *other = app->other.history;
	uint64_t own = history_nr(app->history) ? history_tick(app->history, 0) : UINT64_MAX;
	uint64_t others = other && history_nr(other) ? history_tick(other, 0) : UINT64_MAX;
	uint64_t oldest = own < others ? own : others;

	return oldest == UINT64_MAX ? 0 : oldest;
}

/* Snapshots of one aggregation have one number, and so one tick. */
static uint64_t tick_of(const struct app *app, const struct snapshot *snap)
{
	const struct history *other = app->other.history;
	const struct snapshot *last = other ? history_last(other) : NULL;

	if (!last || (history_nr(app->history) && last_tick(other) <= last_tick(app->history)))
		return history_next_tick(app->history, snap);
	return last->seq == snap->seq ? last_tick(other) : history_next_tick(other, snap);
}

/* ---- panes come and go ---- */

/* Each gets half of the memory. */
static bool add_other(struct app *app)
{
	struct pane other = { .index = !app->pane, .history = history_new(app->config.history_bytes / 2) };

	other.view = view_new();
	if (!other.history || !other.view) {
		history_free(other.history);
		view_free(other.view);
		app_say(app, APP_ERROR, "no memory for another source's history");
		return false;
	}
	contrast_init(&other.contrast);
	history_limit(app->history, app->config.history_bytes / 2);
	app->other = other;
	return true;
}

void app_drop_other(struct app *app)
{
	history_free(app->other.history);
	view_free(app->other.view);
	app->other = (struct pane){ 0 };
	history_limit(app->history, app->config.history_bytes);
}

/* What a source that a key has brought does to the target is said where it is seen first. */
static void announce(struct app *app, const struct snapshot *snap)
{
	const struct source_ops *ops = source_find(snap->source);

	app->source_asked = false;
	if (ops && ops->side_effect)
		app_say(app, APP_WARNING, "%s: %s", ops->name, ops->side_effect);
	else
		app_say(app, APP_INFO, "%s: %s", snap->source, ops ? ops->sees : "");
}

bool app_keep(struct app *app, struct snapshot *snap)
{
	bool mine = snap->source_index == app->pane;
	const struct snapshot *last;

	/* of one that was just sent away, or there is no room for it */
	if (!mine && (!app->side_by_side || (!app_has_other(app) && !add_other(app)))) {
		snapshot_free(snap);
		return false;
	}
	if (!mine)
		app_swap_panes(app);
	app->lost = false;
	last = history_last(app->history);
	if (app->source_asked && (!last || strcmp(last->source, snap->source)))
		announce(app, snap);
	history_push_at(app->history, snap, tick_of(app, snap));
	if (!mine)
		app_swap_panes(app);
	return true;
}

void app_lose_source(struct app *app, unsigned index)
{
	if (app_has_other(app) && index == app->other.index) {
		app->other.lost = true;
	} else if (index == app->pane && history_nr(app->history)) {
		app->lost = true;
	} else {
		/* it never came: what comes is of the other one */
		app->side_by_side = false;
		app->pane = !index;
	}
}

/* ---- keys ---- */

/* False, and says why: nobody listens. */
static bool send_command(struct app *app, const struct command *command)
{
	if (app->config.fixed || app->ended || !app->config.send) {
		app_say(app, APP_WARNING, "nothing is collected any more: there is no other source");
		return false;
	}
	if (!app->config.send(app->config.ctx, command)) {
		app_say(app, APP_WARNING, "the collector is busy: press it again");
		return false;
	}
	app->source_asked = command->source != COMMAND_SOURCE_NONE;
	app->dialog_asked = false;
	return true;
}

static bool send_choice(struct app *app, unsigned index, enum command_source choice)
{
	struct command command = { .type = COMMAND_SOURCE, .source_index = index, .source = choice };

	return send_command(app, &command);
}

bool app_send_source(struct app *app, const struct source_ops *ops, const char *event)
{
	struct command command = { .type = COMMAND_SOURCE,
				   .source_index = app->pane,
				   .source = ops ? COMMAND_SOURCE_NAMED : COMMAND_SOURCE_BEST,
				   .ops = ops };

	snprintf(command.event, sizeof(command.event), "%s", event);
	return send_command(app, &command);
}

/* The one that is lost goes, or else the second. */
static void one_source(struct app *app)
{
	unsigned gone = app->lost	      ? app->pane
			: !app_has_other(app) ? !app->pane
			: app->other.lost     ? app->other.index
					      : 1;

	if (!send_choice(app, gone, COMMAND_SOURCE_NONE))
		return;
	if (app_has_other(app) && gone == app->pane)
		app_swap_panes(app);
	app_drop_other(app);
	app->side_by_side = false;
	app_say(app, APP_INFO, "one source alone");
}

unsigned app_side_by_side(struct app *app, int arg)
{
	(void)arg;
	if (app->side_by_side) {
		one_source(app);
	} else if (send_choice(app, !app->pane, COMMAND_SOURCE_BEST)) {
		app->side_by_side = true;
		app_say(app, APP_INFO,
			"from the next aggregation on another source is beside; S: yet another, |: none");
	}
	return APP_REDRAW;
}

unsigned app_next_source(struct app *app, int arg)
{
	(void)arg;
	if (send_choice(app, app->pane, COMMAND_SOURCE_NEXT))
		app_say(app, APP_INFO, "from the next aggregation on another source watches");
	return APP_REDRAW;
}

unsigned app_other_pane(struct app *app, int arg)
{
	(void)arg;
	if (app_has_other(app))
		app_swap_panes(app);
	else
		app_say(app, APP_INFO, "there is one source");
	return APP_REDRAW;
}
