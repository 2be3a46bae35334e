/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which process is watched: the list to choose from, and the keys that go to the hottest child or to the parent. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tui/app_state.h"

#define FIRST_TICK_MS 500  /* CPU time needs two readings */
#define LIST_TICK_MS  2000 /* how often the list is read after that */

static void read_list(struct app *app)
{
	struct err err = ERR_NONE;

	if (process_list_read(&app->list, app->config.proc ? app->config.proc : "/proc", getpid(), &err))
		app_say(app, APP_ERROR, "%s", err.text);
}

/* Says why there is no other target. */
static bool can_choose(struct app *app)
{
	if (!app->config.choose)
		app_say(app, APP_WARNING, "there is no other target here: this is %s",
			app->config.fixed ? app->config.fixed : "all there is");
	return app->config.choose;
}

static pid_t target_pid(const struct app *app)
{
	const struct snapshot *last = history_last(app->history);

	return last && last->pid > 0 ? last->pid : 0;
}

unsigned app_open_list(struct app *app, int arg)
{
	(void)arg;
	if (!can_choose(app))
		return APP_REDRAW;
	app->list_from = app->mode;
	app->mode = APP_LIST;
	app->following = 0;
	process_list_filter(&app->list, "");
	read_list(app);
	/* the one that is watched is where one starts from */
	app->list.selected = 0;
	if (target_pid(app))
		process_list_select(&app->list, target_pid(app));
	return APP_REDRAW;
}

static bool send_children(struct app *app, bool with_children)
{
	struct command command = { .type = COMMAND_CHILDREN, .with_children = with_children };

	return app->config.send && app->config.send(app->config.ctx, &command);
}

/* What the newest snapshot says counts: the collector may have refused. */
unsigned app_with_children(struct app *app, int arg)
{
	const struct snapshot *last = history_last(app->history);
	bool now = last ? last->processes != NULL : app->with_children;

	(void)arg;
	if (app->config.fixed || app->ended || !app->config.send || (last && last->pid <= 0)) {
		app_say(app, APP_WARNING, "there is no process here whose children could be watched: this is %s",
			app->config.fixed ? app->config.fixed : "all there is");
	} else if (!send_children(app, !now)) {
		app_say(app, APP_WARNING, "the collector is busy: press P again");
	} else {
		app->with_children = !now;
		app_say(app, APP_INFO,
			now ? "%s alone from the next aggregation on"
			    : "%s with its children from the next aggregation on; P: alone again",
			last ? last->comm : "the process");
	}
	return APP_REDRAW;
}

/* False: refused, with a message. */
static bool watch(struct app *app, pid_t pid)
{
	struct err err = ERR_NONE;

	if (app->config.choose(app->config.ctx, pid, &err)) {
		app_say(app, APP_ERROR, "%s", err.text);
		return false;
	}
	app_forget(app);
	app->has_target = true;
	/* a new session begins as the options say */
	if (app->with_children != app->config.with_children)
		send_children(app, app->with_children);
	return true;
}

/* ---- the list ---- */

static unsigned choose_process(struct app *app)
{
	const struct process *p = process_list_selected(&app->list);

	if (p && watch(app, p->pid))
		app->mode = app->list_from == APP_PANEL ? APP_PANEL : APP_MAP;
	return APP_REDRAW;
}

static unsigned type_filter(struct app *app, const struct term_event *event)
{
	char filter[sizeof(app->list.filter)];

	memcpy(filter, app->list.filter, sizeof(filter));
	if (app_edit_text(filter, sizeof(filter), event))
		process_list_filter(&app->list, filter);
	return APP_REDRAW;
}

unsigned app_list_key(struct app *app, const struct term_event *event)
{
	static const struct {
		uint32_t key;
		int lines, pages;
	} moves[] = {
		{ TERM_KEY_UP, -1, 0 },	      { TERM_KEY_DOWN, 1, 0 },	    { TERM_KEY_PAGE_UP, 0, -1 },
		{ TERM_KEY_PAGE_DOWN, 0, 1 }, { TERM_KEY_HOME, -99999, 0 }, { TERM_KEY_END, 99999, 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(moves) / sizeof(*moves); i++)
		if (event->key == moves[i].key) {
			process_list_move(&app->list, moves[i].lines + (long)moves[i].pages * (app->rows - 5));
			return APP_HANDLED | APP_REDRAW;
		}
	if (event->key == TERM_KEY_ENTER || event->key == '\r')
		return APP_HANDLED | choose_process(app);
	/* where one begins to type it is a question, not a part of a name */
	if (event->key == TERM_KEY_F0 + 1 || (event->key == '?' && !*app->list.filter))
		return APP_HANDLED | app_help(app, 0);
	if (event->key == TERM_KEY_TAB || event->key == TERM_KEY_F0 + 5) {
		process_list_set_tree(&app->list, !app->list.tree);
		return APP_HANDLED | APP_REDRAW;
	}
	if (event->key == TERM_KEY_ESCAPE) {
		/* first the filter goes, then the list or the program: every letter is part of the filter */
		if (!*app->list.filter && !app->has_target)
			return APP_HANDLED | APP_QUIT;
		if (!*app->list.filter) {
			app->mode = app->list_from;
			return APP_HANDLED | APP_REDRAW;
		}
		process_list_filter(&app->list, "");
		return APP_HANDLED | APP_REDRAW;
	}
	return APP_HANDLED | type_filter(app, event);
}

/* ---- children and parents ---- */

/*
 * Which child is hot is a matter of now: CPU time is read here and once more a moment later (app_process_tick()), and
 * the difference decides.
 */
unsigned app_follow_child(struct app *app, int arg)
{
	(void)arg;
	if (!can_choose(app))
		return APP_REDRAW;
	if (!target_pid(app)) {
		app_say(app, APP_WARNING, "nothing with children is watched");
		return APP_REDRAW;
	}
	read_list(app);
	if (process_tree_hottest(app->list.v, app->list.nr, target_pid(app)) == app->list.nr) {
		app_say(app, APP_INFO, "process %d has no children that can be watched", (int)target_pid(app));
		return APP_REDRAW;
	}
	app->following = target_pid(app);
	app_say(app, APP_INFO, "looking for the hottest child of process %d ...", (int)app->following);
	return APP_REDRAW;
}

static void follow_now(struct app *app)
{
	const struct process *child;
	pid_t parent = app->following;
	char name[sizeof(child->comm)], cpu[64] = "it and its siblings use no CPU time now";
	size_t at;

	app->following = 0;
	read_list(app);
	at = process_tree_hottest(app->list.v, app->list.nr, parent);
	if (at == app->list.nr) {
		app_say(app, APP_INFO, "the children of process %d have ended", (int)parent);
		return;
	}
	child = &app->list.v[at];
	memcpy(name, child->comm, sizeof(name));
	if (child->recent_ticks && process_list_cpu(&app->list, child) >= 0)
		snprintf(cpu, sizeof(cpu), "%.0f%% of a CPU", process_list_cpu(&app->list, child) * 100);
	else if (child->recent_ticks)
		snprintf(cpu, sizeof(cpu), "most CPU time");
	if (watch(app, child->pid))
		app_say(app, APP_INFO, "now %s (%d), below process %d: %s; F: back to the parent", name,
			(int)app->list.v[at].pid, (int)parent, cpu);
}

unsigned app_to_parent(struct app *app, int arg)
{
	size_t i;
	pid_t pid, parent = 0;

	(void)arg;
	if (!can_choose(app))
		return APP_REDRAW;
	pid = target_pid(app);
	read_list(app);
	for (i = 0; i < app->list.nr; i++)
		if (pid && app->list.v[i].pid == pid)
			parent = app->list.v[i].ppid;
	for (i = 0; i < app->list.nr && app->list.v[i].pid != parent; i++)
		;
	if (!parent || i == app->list.nr)
		app_say(app, APP_INFO, "it has no parent that can be watched");
	else if (watch(app, parent))
		app_say(app, APP_INFO, "now %s (%d), the parent of process %d", app->list.v[i].comm, (int)parent,
			(int)pid);
	return APP_REDRAW;
}

unsigned app_process_tick(struct app *app)
{
	if (app->following)
		follow_now(app);
	else if (app->mode == APP_LIST)
		read_list(app);
	else
		return 0;
	return APP_REDRAW;
}

int app_process_tick_ms(const struct app *app)
{
	if (app->following)
		return FIRST_TICK_MS;
	if (app->mode != APP_LIST)
		return -1;
	return app->list.between_s > 0 ? LIST_TICK_MS : FIRST_TICK_MS;
}
