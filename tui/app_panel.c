/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys of the panels. They change state; the next frame shows it. */
#include "tui/app_state.h"
#include "tui/keymap.h"

const struct snapshot *app_panel_snapshot(const struct app *app)
{
	return app->cursor_set && app->inspect.snap ? app->inspect.snap : app_shown(app);
}

unsigned app_panel(struct app *app, int arg)
{
	if (app->mode == APP_PANEL && app->panel == (enum panel_id)arg) {
		app->mode = APP_MAP;
		return APP_REDRAW;
	}
	app->mode = APP_PANEL;
	app->panel = (enum panel_id)arg;
	app->panel_at = 0;
	return APP_REDRAW;
}

bool app_panel_has_places(const struct app *app)
{
	return app->panel == PANEL_HOT || app->panel == PANEL_MAPPINGS;
}

void app_panel_update(struct app *app)
{
	const struct snapshot *snap = app_panel_snapshot(app);

	app->places.nr = 0;
	if (!snap || !app_panel_has_places(app))
		return;
	if (app->panel == PANEL_HOT)
		places_of_regions(&app->places, snap);
	else
		places_of_mappings(&app->places, snap);
	places_sort(&app->places, app->panel_order, app->panel_reverse);
	if (app->panel_at >= app->places.nr)
		app->panel_at = app->places.nr ? app->places.nr - 1 : 0;
}

static unsigned move(struct app *app, int by)
{
	size_t last = app->places.nr ? app->places.nr - 1 : 0;

	if (by < 0)
		app->panel_at -= app->panel_at < (size_t)-by ? app->panel_at : (size_t)-by;
	else
		app->panel_at = last - app->panel_at < (size_t)by ? last : app->panel_at + (size_t)by;
	return APP_REDRAW;
}

static unsigned page(struct app *app, int arg)
{
	return move(app, arg * (app->rows > 8 ? app->rows - 7 : 1));
}

static unsigned next_order(struct app *app, int arg)
{
	app->panel_order = (enum place_order)(((int)app->panel_order + arg) % PLACES_NR_ORDERS);
	app->panel_at = 0;
	return APP_REDRAW;
}

static unsigned reverse(struct app *app, int arg)
{
	(void)arg;
	app->panel_reverse = !app->panel_reverse;
	app->panel_at = 0;
	return APP_REDRAW;
}

static unsigned next_panel(struct app *app, int arg)
{
	return app_panel(app, (int)((unsigned)((int)app->panel + PANEL_NR + arg) % PANEL_NR));
}

static unsigned back(struct app *app, int arg)
{
	(void)arg;
	app->mode = APP_MAP;
	return APP_REDRAW;
}

/* The place on the map, at the time that was looked at. */
static unsigned show(struct app *app, int arg)
{
	(void)arg;
	app->mode = APP_MAP;
	if (app_panel_has_places(app) && app->panel_at < app->places.nr)
		app_go_to(app, app->places.v[app->panel_at].start);
	return APP_REDRAW;
}

static const struct {
	uint32_t key;
	unsigned (*handler)(struct app *app, int arg);
	int arg;
} keys[] = {
	{ TERM_KEY_UP, move, -1 },
	{ TERM_KEY_DOWN, move, 1 },
	{ TERM_KEY_PAGE_UP, page, -1 },
	{ TERM_KEY_PAGE_DOWN, page, 1 },
	{ TERM_KEY_HOME, move, -1000000 },
	{ TERM_KEY_END, move, 1000000 },
	{ 'o', next_order, 1 },
	{ 'r', reverse, 0 },
	{ TERM_KEY_TAB, next_panel, 1 },
	{ TERM_KEY_BACKTAB, next_panel, -1 },
	{ TERM_KEY_ENTER, show, 0 },
	{ '\r', show, 0 },
	{ TERM_KEY_ESCAPE, back, 0 },
};

/* Keys of the map that mean the same here: time, tuning, recordings, other panels, the program's own. */
static bool is_common(const struct key *key)
{
	return key->group == KEYS_TUNE || key->group == KEYS_RECORD || key->group == KEYS_PANELS ||
	       key->group == KEYS_PROGRAM || key->handler == app_freeze || key->handler == app_move_col ||
	       key->handler == app_zoom_time;
}

unsigned app_panel_key(struct app *app, const struct term_event *event)
{
	const struct key *key;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (keys[i].key == event->key)
			return APP_HANDLED | keys[i].handler(app, keys[i].arg);
	key = keymap_find(event->key);
	return key && is_common(key) ? APP_HANDLED | key->handler(app, key->arg) : 0;
}
