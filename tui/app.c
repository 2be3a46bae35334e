/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/app.h"

#include "collector/text.h"
#include "tui/app_state.h"
#include "tui/keymap.h"
#include "tui/paint.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_A_NOTCH	3 /* of a mouse's wheel */
#define YOUNG_SNAPSHOTS 10

const unsigned app_time_zooms[] = { 1, 2, 5, 10, 30, 60, 300, 600 };
const size_t app_nr_time_zooms = sizeof(app_time_zooms) / sizeof(*app_time_zooms);

const char *app_overlay_name(size_t i)
{
	return i < overlay_nr ? overlay_table[i].name : NULL;
}

static bool set_first_overlay(struct app *app, struct err *err)
{
	const char *name = app->config.overlay ? app->config.overlay : overlay_table[0].name;

	app->overlay = overlay_find(name);
	if (app->overlay)
		return true;
	err_set(err, EINVAL, "there is no overlay %s", name);
	return false;
}

struct app *app_new(const struct app_config *config, struct err *err)
{
	struct app *app = calloc(1, sizeof(*app));

	if (!app)
		goto no_memory;
	app->config = *config;
	if (!set_first_overlay(app, err)) {
		app_free(app);
		return NULL;
	}
	app->history = history_new(config->history_bytes);
	app->view = view_new();
	if (!app->history || !app->view)
		goto no_memory;
	contrast_init(&app->contrast);
	app->contrast.mode = config->contrast;
	app->share = config->share;
	app->first_attrs = config->attrs;
	overlay_brush_init(&app->brush, config->theme, config->look);
	process_list_init(&app->list);
	app->zooms[0] = (struct app_range){ 0, AXIS_END };
	app->nr_zooms = 1;
	app->side_by_side = config->side_by_side;
	app->with_children = config->with_children;
	app->watched = (struct app_range){ config->range_start, config->range_end };
	snprintf(app->event, sizeof(app->event), "%s", config->event ? config->event : "");
	app->rows = 24;
	app->cols = 80;
	app->has_target = config->has_target || !config->choose;
	if (!app->has_target)
		app_open_list(app, 0);
	return app;

no_memory:
	app_free(app);
	err_set(err, ENOMEM, "no memory for the screen");
	return NULL;
}

void app_free(struct app *app)
{
	if (!app)
		return;
	axis_free(&app->axis);
	mappings_put(app->axis_maps);
	view_free(app->view);
	history_free(app->history);
	view_free(app->other.view);
	history_free(app->other.history);
	process_list_free(&app->list);
	places_free(&app->places);
	free(app);
}

void app_say(struct app *app, enum app_severity severity, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(app->message, sizeof(app->message), fmt, ap);
	va_end(ap);
	app->severity = severity;
}

uint64_t app_edge_tick(const struct app *app)
{
	return app->frozen ? app->edge_tick : app_newest_tick(app);
}

const struct snapshot *app_shown(const struct app *app)
{
	size_t nr = history_nr(app->history), first, end;

	if (!nr)
		return NULL;
	if (!app->frozen)
		return history_last(app->history);
	history_range(app->history, app->edge_tick, app->edge_tick + 1, &first, &end);
	return history_at(app->history, end ? end - 1 : 0);
}

unsigned app_ticks_per_col(const struct app *app)
{
	return app_time_zooms[app->time_zoom];
}

int app_cell_cols(const struct app *app)
{
	return app->numbers && app->layout.map.cols >= APP_NUMBER_COLS ? APP_NUMBER_COLS : 1;
}

int app_nr_cols(const struct app *app)
{
	return app->layout.map.cols / app_cell_cols(app);
}

struct app_range *app_viewport(struct app *app)
{
	return &app->zooms[app->nr_zooms - 1];
}

/* ---- messages ---- */

struct attrs app_attrs(const struct app *app)
{
	const struct snapshot *last = history_last(app->history);

	if (app->pending)
		return app->wanted;
	return last ? last->attrs : app->config.attrs;
}

void app_forget(struct app *app)
{
	app->ended = app->ended_badly = app->pending = false;
	history_clear(app->history);
	contrast_reset(&app->contrast);
	app_drop_other(app);
	app->side_by_side = app->config.side_by_side;
	app->pane = 0;
	app->lost = false;
	app->frozen = false;
	app->nr_zooms = 1;
	app->cursor_set = false;
	app->following = 0;
	app->watched = (struct app_range){ app->config.range_start, app->config.range_end };
}

static unsigned take_snapshot(struct app *app, struct snapshot *snap)
{
	const struct snapshot *last = history_last(app->history);
	struct err err = ERR_NONE;
	bool more, redraw;

	if (last && last->pid != snap->pid)
		app_forget(app);
	if (!history_nr(app->history) && !app->pending)
		app->first_attrs = snap->attrs;
	if (snap->flags & SNAP_EXEC) {
		app->nr_zooms = 1;
		app->cursor_set = false;
		app_say(app, APP_INFO, "the target has called exec: it is %s now", snap->comm);
	}
	if (app->pending && attrs_equal(&app->wanted, &snap->attrs))
		app->pending = false;
	if (app->config.on_snapshot && app->config.on_snapshot(app->config.ctx, snap, &err))
		app_say(app, APP_ERROR, "%s", err.text);
	more = snap->flags & SNAP_MORE;
	redraw = app_keep(app, snap);
	if (app->frozen && app->play_follow)
		app_freeze_newest(app);
	/* of two sources, both at once */
	return APP_HANDLED | (redraw && !more ? APP_REDRAW : 0);
}

static unsigned take_end(struct app *app, const struct err *err)
{
	const struct snapshot *last = history_last(app->history);

	app->ended = true;
	app->ended_badly = err->code != 0;
	app->pending = false;
	if (err->code)
		snprintf(app->ended_text, sizeof(app->ended_text), "%.480s; q quits", err->text);
	else if (app->config.fixed)
		snprintf(app->ended_text, sizeof(app->ended_text), "end of %s; q quits", app->config.fixed);
	else if (last)
		snprintf(app->ended_text, sizeof(app->ended_text), "%s (%d) has ended; q quits", last->comm,
			 (int)last->pid);
	else
		snprintf(app->ended_text, sizeof(app->ended_text), "the target has ended; q quits");
	return APP_HANDLED | APP_REDRAW;
}

unsigned app_message(struct app *app, const struct message *message)
{
	switch (message->type) {
	case MESSAGE_SNAPSHOT:
		return take_snapshot(app, message->snapshot);
	case MESSAGE_NOTICE:
		/* most often a command that was refused: what is in force stays so */
		app->pending = false;
		if (app->source_asked)
			memcpy(app->event, app->former_event, sizeof(app->event));
		app->source_asked = false;
		if (!app_dialog_refused(app, &message->err))
			app_say(app, APP_WARNING, "%s", message->err.text);
		return APP_HANDLED | APP_REDRAW;
	case MESSAGE_LOST:
		app_lose_source(app, message->source_index);
		app_say(app, APP_WARNING, "%s", message->err.text);
		return APP_HANDLED | APP_REDRAW;
	case MESSAGE_PLAY:
		return app_play_state(app, &message->play);
	case MESSAGE_ENDED:
		return take_end(app, &message->err);
	}
	return 0;
}

/* ---- keys ---- */

static unsigned map_key(struct app *app, const struct term_event *event)
{
	const struct key *key = keymap_find(event->key);

	if (event->key == TERM_KEY_MOUSE)
		return app_mouse(app, event);
	return key ? key->handler(app, key->arg) | APP_HANDLED : 0;
}

/* Whoever comes from another program tries its keys first. Control characters may be a multiplexer's. */
static void unknown_key(struct app *app, uint32_t key)
{
	char name[16];

	if (key >= ' ' && key != TERM_KEY_MOUSE && key != TERM_KEY_RESIZE)
		app_say(app, APP_INFO, "%s is no key here; ? lists them", term_key_name(name, key));
}

static bool is_wheel(const struct term_event *event)
{
	return event->key == TERM_KEY_MOUSE && (event->button == 4 || event->button == 5);
}

/* Off the map, where it zooms, the wheel moves in what is listed. */
static unsigned turn_wheel(struct app *app, const struct term_event *event,
			   unsigned (*handler)(struct app *, const struct term_event *))
{
	const struct term_event arrow = { .key = event->button == 4 ? TERM_KEY_UP : TERM_KEY_DOWN };
	unsigned flags = 0;

	for (int i = 0; i < LINES_A_NOTCH; i++)
		flags |= handler(app, &arrow);
	return flags;
}

unsigned app_key(struct app *app, const struct term_event *event)
{
	static unsigned (*const handlers[APP_NR_MODES])(struct app *, const struct term_event *) = {
		[APP_MAP] = map_key,	       [APP_HELP] = app_help_key, [APP_DIALOG] = app_dialog_key,
		[APP_LIST] = app_list_key,     [APP_FIND] = app_find_key, [APP_PANEL] = app_panel_key,
		[APP_PROMPT] = app_prompt_key,
	};
	char before[sizeof(app->message)];
	unsigned flags;

	/* a message stands until the next key */
	memcpy(before, app->message, sizeof(before));
	app->message[0] = '\0';
	if (event->key != APP_SAVE_KEY)
		app->save_asked = false;
	if (event->key == 3)
		return APP_HANDLED | APP_QUIT;
	flags = app->mode != APP_MAP && is_wheel(event) ? turn_wheel(app, event, handlers[app->mode])
							: handlers[app->mode](app, event);
	if (!flags && (app->mode == APP_MAP || app->mode == APP_PANEL))
		unknown_key(app, event->key);
	app_play_sync(app);
	return strcmp(before, app->message) ? flags | APP_REDRAW : flags;
}

unsigned app_tick(struct app *app)
{
	return app_process_tick(app);
}

int app_tick_ms(const struct app *app)
{
	return app_process_tick_ms(app);
}

/* ---- a frame ---- */

/*
 * Whose mappings are the axis. Of a frozen picture those of the column that the cursor was moved to: what has been
 * unmapped since, and children that have ended since, have rows where one goes back to.
 */
static const struct snapshot *axis_snapshot(const struct app *app)
{
	uint64_t ticks = app_ticks_per_col(app), last = app_edge_tick(app) / ticks;
	size_t first, end;

	if (!app->frozen || !app->cursor_set || !app->cursor_back || app->cursor_back > last ||
	    !history_nr(app->history))
		return app_shown(app);
	history_range(app->history, (last - app->cursor_back) * ticks, (last - app->cursor_back + 1) * ticks, &first,
		      &end);
	/* left of all that is kept: the oldest */
	return history_at(app->history, first < end ? end - 1 : first ? first - 1 : 0);
}

static void update_axis(struct app *app)
{
	const struct snapshot *snap = axis_snapshot(app);
	struct mappings *maps = snap ? snap->maps : NULL;
	bool half_blocks = app->config.look.depth >= COLOR_DEPTH_256 && !app->config.look.ascii && !app->numbers;
	const struct app_range *viewport = app_viewport(app);
	struct axis_parts parts = { 0 };
	struct axis_options options = {
		.start = viewport->start,
		.end = viewport->end,
		.nr_lines = (unsigned)app->layout.map.rows,
		.per_line = half_blocks ? 2 : 1,
		.share = app->share,
	};

	if (maps == app->axis_maps && axis_options_equal(&options, &app->axis_options) && !app->axis_stale)
		return;
	app->axis_options = options;
	mappings_put(app->axis_maps);
	app->axis_maps = mappings_get(maps);
	if (app->share == AXIS_SHARE_RESIDENT || app->share == AXIS_SHARE_HOTTEST)
		axis_parts_of(&parts, snap);
	options.parts = &parts;
	axis_build(&app->axis, maps, &options);
	/* a target that is young says more soon */
	app->axis_stale = app->share == AXIS_SHARE_RESIDENT && !parts.resident_known &&
			  history_nr(app->history) < YOUNG_SNAPSHOTS;
	axis_parts_free(&parts);
}

static void update_view(struct app *app)
{
	struct view_options options = {
		.nr_cols = (unsigned)app_nr_cols(app),
		.ticks_per_col = app_ticks_per_col(app),
		.last_tick = app_edge_tick(app),
		.needs = app->overlay->needs,
	};

	view_update(app->view, app->history, &app->axis, &options);
}

/* What is on the screen: its values for the contrast, its nodes for the legend. */
static void learn(struct app *app)
{
	const struct snapshot *snap = app_shown(app);
	unsigned col, nr_cols = view_nr_cols(app->view);
	size_t row, nr_rows = view_nr_rows(app->view);

	if (snap && snap->heat_unit != app->contrast_unit) {
		contrast_reset(&app->contrast);
		app->contrast_unit = snap->heat_unit;
	}
	app->seen_nodes = 0;
	app->seen_valid = 0;
	contrast_begin(&app->contrast);
	for (col = 0; col < nr_cols; col++) {
		const struct view_cell *cells = view_column(app->view, col);

		for (row = 0; cells && row < nr_rows; row++) {
			if (!cells[row].valid)
				continue;
			app->seen_valid |= cells[row].valid;
			contrast_add(&app->contrast, app->show_peak ? cells[row].peak : cells[row].heat,
				     contrast_weight(app->axis.rows[row].end - app->axis.rows[row].start));
			if (cells[row].valid & VIEW_NODE)
				app->seen_nodes |= 1u << (cells[row].node[0] & 31) |
						   (cells[row].node_share[1] ? 1u << (cells[row].node[1] & 31) : 0);
		}
	}
	contrast_end(&app->contrast, app->contrast_unit);
}

/* The row that takes the most accesses in the newest column, for a cursor that nobody has moved. */
static size_t busiest_row(const struct app *app)
{
	unsigned nr_cols = view_nr_cols(app->view);
	const struct view_cell *cells = nr_cols ? view_column(app->view, nr_cols - 1) : NULL;
	size_t row, best = axis_row_of(&app->axis, 0);
	double most = 0;

	for (row = 0; cells && row < view_nr_rows(app->view); row++) {
		const struct axis_row *r = &app->axis.rows[row];
		double heat = (double)cells[row].heat,
		       total = inspect_total(heat, r->end - r->start, app->contrast_unit);

		if (r->type != AXIS_ROW_MAPPED || total <= most)
			continue;
		/* holes between mappings that share the row are no memory */
		total = inspect_total(heat, axis_mapped_bytes(app->axis_maps, r->start, r->end), app->contrast_unit);
		if (total > most) {
			most = total;
			best = row;
		}
	}
	return best;
}

/* Was the row's process watched then? Its place may have been another one's. */
static bool is_of_column(const struct app *app, const struct axis_row *row, uint64_t first_tick, uint64_t end_tick)
{
	size_t i, end;

	history_range(app->history, first_tick, end_tick, &i, &end);
	return i == end || axis_row_is_of(row, history_at(app->history, end - 1)->maps);
}

static void update_cursor(struct app *app)
{
	unsigned nr_cols = view_nr_cols(app->view), col;
	struct view_cell cell;
	uint64_t first, end;
	const struct axis_row *row;

	memset(&app->inspect, 0, sizeof(app->inspect));
	app->cursor_row = app->cursor_set ? axis_row_of(&app->axis, app->cursor_addr) : busiest_row(app);
	if (!nr_cols || app->cursor_row >= app->axis.nr_rows)
		return;
	if (!app->cursor_set)
		app->cursor_back = 0;
	if (app->cursor_back >= nr_cols)
		app->cursor_back = nr_cols - 1;
	col = nr_cols - 1 - app->cursor_back;
	row = &app->axis.rows[app->cursor_row];
	if (!view_col_ticks(app->view, col, &first, &end) || !is_of_column(app, row, first, end))
		first = end = 0;
	cell = view_whole_cell(app->view, app->history, app->cursor_row, col);
	inspect_cell(&app->inspect, app->history, &cell, row->start, row->end, first, end);
}

void app_open_box(struct app *app, enum app_mode mode)
{
	app->box_from = app->mode == APP_PANEL ? APP_PANEL : APP_MAP;
	app->mode = mode;
}

/* What a box stands on, or help. */
static enum app_mode below(const struct app *app)
{
	if (app->mode == APP_HELP)
		return app->help_from;
	return app->mode == APP_DIALOG || app->mode == APP_PROMPT ? app->box_from : app->mode;
}

static void prepare(struct app *app, int rows, int cols)
{
	uint64_t oldest = app_oldest_tick(app);

	app->rows = rows;
	app->cols = cols;
	app->layout = layout_of(rows, cols, !app->hide_inspector, app_has_other(app) ? 2 : 1);
	layout_focus(&app->layout, app_is_split(app) ? app->pane : 0);
	app->help_room = paint_help_rows(rows, cols) - (rows - 2);
	if (app->frozen && app->edge_tick < oldest)
		app->edge_tick = oldest;
	update_axis(app);
	if (app_is_split(app)) {
		app_swap_panes(app);
		update_view(app);
		learn(app);
		app_swap_panes(app);
	}
	update_view(app);
	learn(app);
	update_cursor(app);
	if (below(app) == APP_PANEL)
		app_panel_update(app);
}

/* All between the header and the last lines. */
static struct rect body_of(const struct layout *l, struct rect screen)
{
	int end = l->own_message ? l->message.row : l->keys.rows ? l->keys.row : screen.rows;

	return (struct rect){ 1, 0, end > 1 ? end - 1 : 0, screen.cols };
}

static void paint_panel_screen(const struct paint *p, struct rect screen)
{
	const struct layout *l = &p->app->layout;

	paint_panel(p, body_of(l, screen));
	paint_panel_keys(p, l->keys);
	paint_header(p, l->header);
	if (l->own_message || *p->app->message)
		paint_message(p, l->message);
}

/* What each source has for itself. */
static void paint_pane(const struct paint *p)
{
	const struct layout *l = &p->app->layout;

	if (app_is_split(p->app))
		paint_source_name(p, l->panes[p->app->pane].source);
	paint_map(p, l);
	paint_legend(p, l->legend);
}

static void paint_screen(const struct paint *p)
{
	const struct layout *l = &p->app->layout;

	paint_times(p, l->title, l->times);
	paint_pane(p);
	paint_inspector(p, l->inspector);
	paint_cell_line(p, l->cell);
	paint_keys(p, l->keys);
	paint_header(p, l->header);
	paint_message(p, l->message);
	/* mostly in the legend's place */
	if (p->app->mode == APP_FIND && l->legend.rows < 1)
		paint_find(p, l->message);
}

/* The pane that is not in focus has its turn in the place of the one that is. */
static void paint_screens(struct paint *p, struct app *app)
{
	paint_screen(p);
	if (!app_is_split(app))
		return;
	app_swap_panes(app);
	p->in_focus = false;
	paint_pane(p);
	p->in_focus = true;
	app_swap_panes(app);
}

void app_paint(struct app *app, struct grid *grid)
{
	struct paint p = { .grid = grid, .app = app, .in_focus = true };
	struct rect screen = { 0, 0, grid->rows, grid->cols };
	int role;

	for (role = 0; role < THEME_NR_ROLES; role++)
		p.roles[role] = theme_style(app->config.theme, &app->config.look, (enum theme_role)role);
	prepare(app, grid->rows, grid->cols);
	grid_clear(grid, p.roles[THEME_TEXT]);
	grid->cursor_row = grid->cursor_col = -1;
	if (below(app) == APP_LIST) {
		paint_process_list(&p, screen);
		if (app->mode == APP_HELP)
			paint_help(&p, screen);
		return;
	}
	if (below(app) == APP_PANEL)
		paint_panel_screen(&p, screen);
	else
		paint_screens(&p, app);
	if (app->mode == APP_HELP)
		paint_help(&p, screen);
	if (app->mode == APP_DIALOG)
		paint_dialog(&p, screen);
	if (app->mode == APP_PROMPT)
		paint_prompt(&p, screen);
}
