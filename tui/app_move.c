/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handlers that move in time and in addresses. They change state; the next frame shows it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "collector/report.h"
#include "collector/space.h"
#include "tui/app_state.h"

#define MIN_VIEWPORT_BYTES (16 * PAGE_BYTES)

/* Freezes with the newest column at tick, within what is kept. */
static void freeze_at(struct app *app, uint64_t tick)
{
	app->frozen = true;
	app->edge_tick = tick < app_oldest_tick(app) ? app_oldest_tick(app) : tick;
	if (app->edge_tick > app_newest_tick(app))
		app->edge_tick = app_newest_tick(app);
}

unsigned app_freeze(struct app *app, int arg)
{
	(void)arg;
	if (app->frozen)
		app->frozen = false;
	else if (history_nr(app->history))
		freeze_at(app, app_newest_tick(app));
	return APP_REDRAW;
}

void app_freeze_newest(struct app *app)
{
	freeze_at(app, app_newest_tick(app));
}

void app_step_back(struct app *app)
{
	size_t i = history_find_tick(app->history, app->edge_tick);

	freeze_at(app, history_tick(app->history, i ? i - 1 : 0));
}

bool app_step_forward(struct app *app)
{
	size_t i = history_find_tick(app->history, app->edge_tick + 1);

	if (i >= history_nr(app->history))
		return false;
	freeze_at(app, history_tick(app->history, i));
	return true;
}

/* Moves the picture by so many columns; beyond now it is live again only by End or space. */
static void scroll_time(struct app *app, int64_t cols)
{
	uint64_t by = (uint64_t)llabs(cols) * app_ticks_per_col(app), edge = app_edge_tick(app);

	if (!history_nr(app->history))
		return;
	if (cols < 0)
		freeze_at(app, edge > by ? edge - by : 0);
	else if (app->frozen)
		freeze_at(app, edge + by);
}

/* The newest tick of the picture that has the oldest one at its left edge. */
static uint64_t first_edge(const struct app *app)
{
	return app_oldest_tick(app) +
	       (uint64_t)(app_nr_cols(app) > 1 ? app_nr_cols(app) - 1 : 0) * app_ticks_per_col(app);
}

unsigned app_page_time(struct app *app, int arg)
{
	if (arg < 0 && history_nr(app->history) && app_edge_tick(app) <= first_edge(app))
		app_say(app, APP_INFO, "older than what is on the screen nothing is kept");
	scroll_time(app, (int64_t)arg * (app_nr_cols(app) > 1 ? app_nr_cols(app) * 3 / 4 : 1));
	if (arg < 0 && app->frozen && app->edge_tick < first_edge(app))
		freeze_at(app, first_edge(app));
	return APP_REDRAW;
}

unsigned app_end_time(struct app *app, int arg)
{
	if (arg > 0)
		app->frozen = false;
	else if (history_nr(app->history))
		freeze_at(app, first_edge(app));
	return APP_REDRAW;
}

unsigned app_zoom_time(struct app *app, int arg)
{
	uint64_t before = app_ticks_per_col(app);

	if ((arg > 0 && app->time_zoom + 1 == app_nr_time_zooms) || (arg < 0 && !app->time_zoom)) {
		app_say(app, APP_INFO, arg > 0 ? "a column cannot hold more" : "a column is one aggregation");
		return APP_REDRAW;
	}
	app->time_zoom += (unsigned)arg;
	/* the cursor stays at its time */
	app->cursor_back = (unsigned)(app->cursor_back * before / app_ticks_per_col(app));
	return APP_REDRAW;
}

/* ---- cursor ---- */

static bool usable_row(const struct app *app, size_t row)
{
	return app->axis.rows[row].type == AXIS_ROW_MAPPED && app->axis.rows[row].start < app->axis.rows[row].end;
}

/* From now on the cursor is where it was seen last. */
static bool set_cursor(struct app *app)
{
	if (app->cursor_set)
		return true;
	if (app->cursor_row >= app->axis.nr_rows)
		return false;
	app->cursor_set = true;
	app->cursor_addr = app->axis.rows[app->cursor_row].start;
	return true;
}

static void pan(struct app *app, int direction)
{
	struct app_range *now = app_viewport(app), all;

	if (app->nr_zooms < 2 || !app->axis_maps)
		return;
	all = app->zooms[0];
	axis_pan(app->axis_maps, direction, all.start, all.end, &now->start, &now->end);
}

unsigned app_move_row(struct app *app, int arg)
{
	size_t at, row;

	if (!set_cursor(app))
		return 0;
	at = axis_display_of(&app->axis, app->cursor_row);
	do {
		if ((arg < 0 && !at) || (arg > 0 && at + 1 >= app->axis.nr_rows)) {
			pan(app, arg);
			return APP_REDRAW;
		}
		at += (size_t)arg;
		row = axis_row_at(&app->axis, at);
	} while (!usable_row(app, row));
	app->cursor_addr = app->axis.rows[row].start;
	app->cursor_row = row;
	return APP_REDRAW;
}

unsigned app_move_col(struct app *app, int arg)
{
	if (!set_cursor(app))
		return 0;
	if (arg > 0 && app->cursor_back)
		app->cursor_back--;
	else if (arg > 0)
		scroll_time(app, 1);
	else if (app->cursor_back + 1 < (unsigned)app_nr_cols(app))
		app->cursor_back++;
	else
		scroll_time(app, -1);
	return APP_REDRAW;
}

unsigned app_follow(struct app *app, int arg)
{
	(void)arg;
	app->cursor_set = false;
	app->cursor_back = 0;
	return APP_REDRAW;
}

/* The hottest row of the next run of hot rows in the cursor's column; hot: half as bright as the brightest, or more. */
unsigned app_hottest(struct app *app, int arg)
{
	unsigned nr_cols = view_nr_cols(app->view);
	const struct view_cell *cells;
	size_t nr = app->axis.nr_rows, row, best = nr, i, at;
	float most = 0;
	bool left = false;

	if (!nr || app->cursor_back >= nr_cols || !set_cursor(app))
		return 0;
	cells = view_column(app->view, nr_cols - 1 - app->cursor_back);
	for (row = 0; cells && row < nr; row++)
		if (cells[row].heat > most)
			most = cells[row].heat;
	at = axis_display_of(&app->axis, app->cursor_row);
	for (i = 0; cells && i < 2 * nr; i++) {
		bool hot;

		row = axis_row_at(&app->axis, at);
		hot = cells[row].valid && most > 0 && cells[row].heat >= most / 2;
		if (!hot && best < nr)
			break;
		left |= !hot;
		/* of equals the first in the order of the lines, from wherever one comes */
		if (hot && left &&
		    (best == nr || cells[row].heat > cells[best].heat ||
		     (arg < 0 && cells[row].heat >= cells[best].heat)))
			best = row;
		at = (at + nr + (size_t)arg) % nr;
		left |= arg > 0 ? at == 0 : at == nr - 1;
	}
	if (best < nr && best != app->cursor_row)
		app->cursor_addr = app->axis.rows[best].start;
	else if (!(most > 0))
		app_say(app, APP_INFO, "no access was seen at this time: ← goes back to where there was one");
	else
		app_say(app, APP_INFO, "no other hot place at this time");
	return APP_REDRAW;
}

/* ---- zoom ---- */

static void push_viewport(struct app *app, uint64_t start, uint64_t end)
{
	struct app_range *now = app_viewport(app);

	if (app->nr_zooms == APP_MAX_ZOOMS || (now->start == start && now->end == end)) {
		app_say(app, APP_INFO, "this is as close as it gets");
		return;
	}
	app->zooms[app->nr_zooms++] = (struct app_range){ start, end };
}

unsigned app_zoom(struct app *app, int arg)
{
	struct app_range to = *app_viewport(app);

	if (arg < 0) {
		if (app->nr_zooms > 1)
			app->nr_zooms--;
		else
			app_say(app, APP_INFO, "all addresses are shown");
		return APP_REDRAW;
	}
	if (!app->axis_maps || !set_cursor(app))
		return 0;
	axis_zoom(app->axis_maps, app->cursor_addr, 1, 2, MIN_VIEWPORT_BYTES, &to.start, &to.end);
	push_viewport(app, to.start, to.end);
	return APP_REDRAW;
}

unsigned app_zoom_mapping(struct app *app, int arg)
{
	const struct axis_row *row;
	const struct axis_group *group;
	const struct mapping *m;

	(void)arg;
	if (!set_cursor(app) || app->cursor_row >= app->axis.nr_rows)
		return 0;
	row = &app->axis.rows[app->cursor_row];
	group = &app->axis.groups[row->group];
	m = app->cursor_addr == row->start ? NULL : mappings_find(app->axis_maps, app->cursor_addr);
	if (!m || !axis_shows(m))
		m = inspect_main_mapping(app->axis_maps, row->start, row->end);
	/* the segments of a file are one thing to the eye; neighbours that share a name line for want of room are not
	 */
	if (group->nr_names < 2 || !m) {
		push_viewport(app, group->start, group->end);
		return APP_REDRAW;
	}
	app_say(app, APP_INFO, "one of the %zu mappings in \"%s\"; - goes out again", group->nr_mappings, group->name);
	push_viewport(app, m->start, m->end);
	return APP_REDRAW;
}

/* What the screen shows becomes all that is watched: the regions are spent there. */
unsigned app_watch_range(struct app *app, int arg)
{
	const struct app_range *now = app_viewport(app);
	bool all = app->nr_zooms < 2;
	struct command command = { COMMAND_RANGE, .start = all ? 0 : now->start, .end = all ? 0 : now->end };

	(void)arg;
	if (app->config.fixed || app->ended || !app->config.send)
		app_say(app, APP_WARNING, "nothing is collected any more: what is watched cannot be changed");
	else if (!app->config.send(app->config.ctx, &command))
		app_say(app, APP_WARNING, "the collector is busy: press Z again");
	else {
		app->watched = (struct app_range){ command.start, command.end };
		app->dialog_asked = false;
	}
	if (*app->message)
		return APP_REDRAW;
	if (all)
		app_say(app, APP_INFO, "all addresses are watched, from the next aggregation on");
	else
		app_say(app, APP_INFO, "only %llx–%llx is watched from now on; 0 and Z: everything again",
			(unsigned long long)space_address(now->start), (unsigned long long)space_end_address(now->end));
	return APP_REDRAW;
}

unsigned app_zoom_all(struct app *app, int arg)
{
	(void)arg;
	app->nr_zooms = 1;
	return APP_REDRAW;
}

/* ---- mouse ---- */

/* A click into the other map brings that into focus. */
static void focus_at(struct app *app, const struct term_event *event)
{
	const struct rect *map = &app->layout.panes[app->other.index].map;

	if (app_is_split(app) && event->row >= map->row && event->row < map->row + map->rows)
		app_swap_panes(app);
}

unsigned app_mouse(struct app *app, const struct term_event *event)
{
	const struct rect *map = &app->layout.map;
	size_t row;

	focus_at(app, event);
	if (event->row < map->row || event->row >= map->row + map->rows || event->col < map->col ||
	    event->col >= map->col + map->cols)
		return 0;
	row = axis_row_at(&app->axis, (size_t)(event->row - map->row) * app->axis.per_line);
	if (row >= app->axis.nr_rows || !usable_row(app, row))
		return 0;
	app->cursor_set = true;
	app->cursor_row = row;
	app->cursor_addr = app->axis.rows[row].start;
	app->cursor_back = (unsigned)((map->col + map->cols - 1 - event->col) / app_cell_cols(app));
	if (event->button == 4 || event->button == 5)
		app_zoom(app, event->button == 4 ? 1 : -1);
	return APP_HANDLED | APP_REDRAW;
}

/* ---- find ---- */

unsigned app_find(struct app *app, int arg)
{
	app->mode = APP_FIND;
	app->find_address = arg;
	app->find[0] = '\0';
	return APP_REDRAW;
}

void app_go_to(struct app *app, uint64_t addr)
{
	const struct app_range *viewport = app_viewport(app);

	if (addr < viewport->start || addr >= viewport->end)
		app->nr_zooms = 1;
	app->cursor_set = true;
	app->cursor_addr = addr;
}

/* Is m the first that is shown of a process whose name or number holds the text? */
static bool begins_process_of_name(const struct mappings *maps, const struct mapping *m, const char *text)
{
	const struct mappings_process *process = mappings_process_of(maps, m->start);
	char name[MAPPINGS_COMM_SIZE + 16];

	if (!process || (m > maps->v && space_of(m[-1].start) == process->space))
		return false;
	snprintf(name, sizeof(name), "%d %s", (int)process->pid, process->comm);
	return strcasestr(name, text);
}

/* The next mapping below the cursor, and from the top again, whose name holds the text; of a process, its first. */
static const struct mapping *find_mapping(const struct app *app)
{
	const struct mappings *maps = app->axis_maps;
	const struct mapping *from = app->cursor_set ? mappings_find(maps, app->cursor_addr) : NULL;
	char name[MAPPINGS_SHORT_NAME_SIZE];
	size_t i, first = from ? (size_t)(from - maps->v) + 1 : 0;

	for (i = 0; i < maps->nr; i++) {
		const struct mapping *m = &maps->v[(first + i) % maps->nr];

		if (axis_shows(m) && (strcasestr(mappings_name(maps, m), app->find) ||
				      strcasestr(mappings_short_name(name, maps, m), app->find) ||
				      begins_process_of_name(maps, m, app->find)))
			return m;
	}
	return NULL;
}

/* Hexadecimal digits and nothing else, with or without 0x: strtoull() alone would take a sign and blanks too. */
static bool parse_address(const char *text, uint64_t *addr)
{
	const char *digits = !strncasecmp(text, "0x", 2) ? text + 2 : text;

	if (!*digits || strspn(digits, "0123456789abcdefABCDEF") != strlen(digits))
		return false;
	*addr = strtoull(digits, NULL, 16);
	return true;
}

/* Of several processes: whose it is. */
static void say_process(struct app *app, uint64_t place)
{
	const struct mappings_process *process = mappings_process_of(app->axis_maps, place);

	if (process && app->axis_maps->nr_processes > 1)
		app_say(app, APP_INFO, "in process %d (%s)", (int)process->pid, process->comm);
}

/* In the cursor's process; where it has nothing there, or the cursor is there already, in the next one that has. */
static void find_address(struct app *app, uint64_t addr)
{
	const struct mappings *maps = app->axis_maps;
	size_t nr = maps->nr_processes ? maps->nr_processes : 1, first = 0, i;
	uint64_t here = app->cursor_set ? app->cursor_addr : 0;

	for (i = 0; i < maps->nr_processes; i++)
		if (maps->processes[i].space == space_of(here))
			first = here == space_place(maps->processes[i].space, addr) ? i + 1 : i;
	for (i = 0; i < nr; i++) {
		unsigned space = maps->nr_processes ? maps->processes[(first + i) % nr].space : 0;
		const struct mapping *m = mappings_find(maps, space_place(space, addr));

		if (!m || !axis_shows(m))
			continue;
		app_go_to(app, space_place(space, addr));
		say_process(app, m->start);
		return;
	}
	app_say(app, APP_WARNING, "nothing is mapped at %s", app->find);
}

static void find_now(struct app *app)
{
	const struct mapping *m;
	uint64_t addr;

	if (!app->axis_maps || !*app->find)
		return;
	if ((app->find_address || !strncasecmp(app->find, "0x", 2)) && parse_address(app->find, &addr)) {
		find_address(app, addr);
		return;
	}
	if (app->find_address) {
		app_say(app, APP_WARNING, "\"%s\" is no address: type hexadecimal digits; / finds a name", app->find);
		return;
	}
	m = find_mapping(app);
	if (m) {
		app_go_to(app, m->start);
		say_process(app, m->start);
	} else {
		app_say(app, APP_WARNING, "no mapping's name holds \"%s\"", app->find);
	}
}

unsigned app_find_key(struct app *app, const struct term_event *event)
{
	if (event->key == TERM_KEY_ESCAPE || event->key == TERM_KEY_ENTER || event->key == '\r') {
		app->mode = APP_MAP;
		if (event->key != TERM_KEY_ESCAPE)
			find_now(app);
		return APP_HANDLED | APP_REDRAW;
	}
	app_edit_text(app->find, sizeof(app->find), event);
	return APP_HANDLED | APP_REDRAW;
}
