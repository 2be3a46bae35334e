/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * app_state.h - the app's state: for its handlers, which change it, and for the
 * painters, which read it. Nobody else includes this. Tui thread only; owned by
 * the app (app_free()).
 *
 * Places: a row is a row of the axis (half a line where half blocks are drawn),
 * a line is a line of the screen. Time is in ticks (history.h); columns count
 * from 0 at the left, "back" counts columns back from the right edge.
 */
#ifndef TUI_APP_STATE_H
#define TUI_APP_STATE_H

#include "tui/app.h"
#include "tui/axis.h"
#include "tui/contrast.h"
#include "tui/dialog.h"
#include "tui/hint.h"
#include "tui/history.h"
#include "tui/inspect.h"
#include "tui/layout.h"
#include "tui/overlay.h"
#include "tui/panel.h"
#include "tui/process_list.h"
#include "tui/prompt.h"
#include "tui/view.h"

enum app_mode {
	APP_MAP,
	APP_HELP,
	APP_DIALOG,
	APP_LIST, /* of processes */
	APP_FIND, /* a mapping's name or an address is typed */
	APP_PANEL,
	APP_PROMPT,
	APP_NR_MODES,
};

/* How bad a message is: its colour. */
enum app_severity { APP_INFO, APP_WARNING, APP_ERROR };

#define APP_MAX_ZOOMS 48

/* Once asks, at once again does it. */
#define APP_SAVE_KEY 'W'

struct app_range {
	uint64_t start, end;
};

/*
 * What is kept and shown of one source. Of two sources side by side one is in focus: the cursor is in its map, and
 * header, inspector and panels are about it. Its things are struct app's own, so that handlers and painters need not
 * know of panes; the other's lie in here, and app_swap_panes() exchanges them.
 */
struct pane {
	unsigned index; /* of its source in the collector, and of its place from the top */
	struct history *history;
	struct view *view;
	struct contrast contrast;
	enum heat_unit contrast_unit;
	uint32_t seen_nodes;
	uint8_t seen_valid;
	bool lost; /* its source is watched no more */
};

struct app {
	struct app_config config;
	enum app_mode mode;
	int rows, cols; /* of the screen, as last painted */

	bool source_asked; /* another one, by key: what it does to the target will be said */
	bool side_by_side; /* two sources are watched, or asked for */
	unsigned pane;	   /* index of the one in focus */
	bool lost;	   /* ... and its source is watched no more */
	struct pane other; /* history NULL: there is no other */
	struct history *history;
	struct axis axis;
	struct mappings *axis_maps; /* those it was made of: one reference */
	struct axis_options axis_options;
	bool axis_stale; /* to be made again, though neither has changed */
	struct view *view;
	struct layout layout;
	struct contrast contrast;
	enum heat_unit contrast_unit;
	const struct overlay *overlay;
	struct overlay_brush brush;
	bool show_peak;	     /* the hottest region in a cell instead of the mean */
	bool hide_inspector; /* asked for */
	enum axis_share share;
	bool numbers;		/* in the cells, instead of halves */
	struct theme own_theme; /* chosen by key; config.theme points to it then */
	uint32_t seen_nodes;	/* bits of the nodes on the screen */
	uint8_t seen_valid;	/* enum view_valid bits of any cell on it */

	/* place in time */
	bool frozen;
	uint64_t edge_tick; /* frozen: the newest column holds it */
	unsigned time_zoom; /* index into app_time_zooms */

	/* place in addresses: the last is on the screen, [0] is all */
	struct app_range zooms[APP_MAX_ZOOMS];
	size_t nr_zooms;

	struct app_range watched; /* asked for as all that is watched; end 0: everything */

	/* the cursor; while it is not set it follows the busiest row of the newest column */
	bool cursor_set;
	uint64_t cursor_addr;
	unsigned cursor_back;
	struct inspect inspect; /* of the cell under it; made for each frame */
	size_t cursor_row;	/* of the axis */

	/* attributes that were asked for and are not in force yet */
	bool pending;
	struct attrs wanted;
	struct attrs first_attrs; /* of the first snapshot: what the source has made of config.attrs */
	bool save_asked;	  /* the key has been pressed once */
	struct dialog dialog;
	bool dialog_asked;		       /* what was typed there is what was sent last: refused, it comes back */
	char event[COMMAND_EVENT_SIZE];	       /* of perf, as asked for last */
	char former_event[COMMAND_EVENT_SIZE]; /* where that is refused */
	struct prompt prompt;

	/* a recording that is played; speed and loop as ordered last */
	struct play_state play;
	uint64_t play_serial; /* of the last order */
	bool play_paused;     /* as ordered last */
	bool play_follow;     /* frozen, the newest column follows what comes: a step, a place to go to */

	char message[512];
	enum app_severity severity;
	bool ended; /* no more snapshots will come */
	bool ended_badly;
	char ended_text[512];

	enum panel_id panel;
	enum place_order panel_order;
	bool panel_reverse;
	size_t panel_at;	 /* the place that is selected */
	struct places places;	 /* of the panel; made for each frame */
	enum app_mode box_from;	 /* the map or a panel, over which the form or a line to type is shown */
	enum app_mode help_from; /* where help goes back to */

	struct process_list list;
	enum app_mode list_from; /* where it goes back to */
	bool has_target;	 /* one is watched, or was */
	bool with_children;	 /* asked for: the target's descendants too */
	pid_t following;	 /* its hottest child is looked for; 0: no */
	char find[64];
	bool find_address; /* what is typed there is an address, even without 0x */
	int help_top;	   /* lines of the help page above its first one on the screen */
	int help_room;	   /* how far it can be scrolled, as last painted */
};

extern const unsigned app_time_zooms[];
extern const size_t app_nr_time_zooms;

/* Another pane in focus, and the layout for it. Two of these cancel each other. */
void app_swap_panes(struct app *app);
bool app_has_other(const struct app *app);
/* Are there two, and room to show both? */
bool app_is_split(const struct app *app);
/* Keeps a snapshot in the pane of its source. True: something has changed that can be seen. */
bool app_keep(struct app *app, struct snapshot *snap);
/* One of two sources is watched no more. */
void app_lose_source(struct app *app, unsigned index);
/* One pane, of the first source. */
void app_drop_other(struct app *app);
/* Of either pane; 0 where nothing is kept. */
uint64_t app_newest_tick(const struct app *app);
uint64_t app_oldest_tick(const struct app *app);

/* The newest snapshot that the screen shows, or NULL. */
const struct snapshot *app_shown(const struct app *app);
/* The tick in the newest column. */
uint64_t app_edge_tick(const struct app *app);
/* Attributes in force, with what is pending in place. */
struct attrs app_attrs(const struct app *app);
struct app_range *app_viewport(struct app *app);
unsigned app_ticks_per_col(const struct app *app);

/* Columns of the screen that a cell of the map takes, and how many cells there are side by side. */
#define APP_NUMBER_COLS 6
int app_cell_cols(const struct app *app);
int app_nr_cols(const struct app *app);

/* Shows the form, or a line to type, over the map or the panel that is shown; box_from is where it goes back to. */
void app_open_box(struct app *app, enum app_mode mode);
void app_say(struct app *app, enum app_severity severity, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Another target: nothing of the former one is kept. */
void app_forget(struct app *app);

/* What might be changed now; problem NULL: nothing. */
struct hint app_hint(const struct app *app);

/* Another source in place of the one in focus (NULL: the best there is); event: of perf. False: says why not. */
bool app_send_source(struct app *app, const struct source_ops *ops, const char *event);
/* Sends new attributes after a check; says why not. Returns enum app_flags. */
unsigned app_send_attrs(struct app *app, const struct attrs *attrs);

/* Handlers of the map; arg is the key's own (keymap.h). All return enum app_flags. */
unsigned app_quit(struct app *app, int arg);
unsigned app_rate(struct app *app, int arg);
unsigned app_help(struct app *app, int arg);
unsigned app_refresh(struct app *app, int arg);
unsigned app_set_overlay(struct app *app, int arg);
unsigned app_next_overlay(struct app *app, int arg);
unsigned app_freeze(struct app *app, int arg);
unsigned app_move_row(struct app *app, int arg);
unsigned app_move_col(struct app *app, int arg);
unsigned app_page_time(struct app *app, int arg);
unsigned app_end_time(struct app *app, int arg);
unsigned app_zoom(struct app *app, int arg);
unsigned app_zoom_mapping(struct app *app, int arg);
unsigned app_watch_range(struct app *app, int arg);
unsigned app_zoom_all(struct app *app, int arg);
unsigned app_zoom_time(struct app *app, int arg);
unsigned app_follow(struct app *app, int arg);
unsigned app_hottest(struct app *app, int arg);
unsigned app_contrast(struct app *app, int arg);
unsigned app_fix_contrast(struct app *app, int arg);
unsigned app_peak(struct app *app, int arg);
unsigned app_next_share(struct app *app, int arg);
unsigned app_sort_again(struct app *app, int arg);
unsigned app_numbers(struct app *app, int arg);
unsigned app_next_theme(struct app *app, int arg);
unsigned app_inspector(struct app *app, int arg);
unsigned app_aging(struct app *app, int arg);
unsigned app_aggregation(struct app *app, int arg);
unsigned app_kernel_tuning(struct app *app, int arg);
unsigned app_max_regions(struct app *app, int arg);
unsigned app_min_regions(struct app *app, int arg);
unsigned app_settings(struct app *app, int arg);
unsigned app_take_hint(struct app *app, int arg);
unsigned app_save(struct app *app, int arg);
unsigned app_find(struct app *app, int arg);
unsigned app_side_by_side(struct app *app, int arg);
unsigned app_next_source(struct app *app, int arg);
unsigned app_other_pane(struct app *app, int arg);
unsigned app_play_step(struct app *app, int arg);
unsigned app_play_speed(struct app *app, int arg);
unsigned app_play_loop(struct app *app, int arg);
unsigned app_play_seek(struct app *app, int arg);
unsigned app_play_jump(struct app *app, int arg);
unsigned app_record(struct app *app, int arg);
unsigned app_open_list(struct app *app, int arg);
unsigned app_follow_child(struct app *app, int arg);
unsigned app_to_parent(struct app *app, int arg);
unsigned app_with_children(struct app *app, int arg);

/* app_tick() and app_tick_ms() of what reads processes. */
unsigned app_process_tick(struct app *app);
int app_process_tick_ms(const struct app *app);

/* Frozen, to the snapshot before or after; false: there is none yet. */
void app_step_back(struct app *app);
bool app_step_forward(struct app *app);
/* Frozen at the newest snapshot there is. */
void app_freeze_newest(struct app *app);

/* Pauses or plays on where freezing has changed. After each key. */
void app_play_sync(struct app *app);
unsigned app_play_state(struct app *app, const struct play_state *state);
/* What a prompt is for; again: the same text was refused before. 0 or -errno with err. */
int app_play_to(struct app *app, const char *text, bool again, struct err *err);
int app_record_to(struct app *app, const char *text, bool again, struct err *err);
struct app_recording app_recording(const struct app *app);

/* A click sets the cursor, the wheel zooms around it. */
unsigned app_mouse(struct app *app, const struct term_event *event);

unsigned app_panel(struct app *app, int arg);
/* The snapshot that panels show: the cursor's. NULL: none yet. */
const struct snapshot *app_panel_snapshot(const struct app *app);
bool app_panel_has_places(const struct app *app);
/* Makes app->places for a frame. */
void app_panel_update(struct app *app);
/* The cursor to an address, zoomed out where it is not on the screen. */
void app_go_to(struct app *app, uint64_t addr);

/* Keys of the other modes. */
unsigned app_help_key(struct app *app, const struct term_event *event);
unsigned app_dialog_key(struct app *app, const struct term_event *event);
/* The collector has refused the form's values: it comes back with the reason. False: they were not what it refused. */
bool app_dialog_refused(struct app *app, const struct err *err);
unsigned app_list_key(struct app *app, const struct term_event *event);
unsigned app_panel_key(struct app *app, const struct term_event *event);
unsigned app_prompt_key(struct app *app, const struct term_event *event);
unsigned app_find_key(struct app *app, const struct term_event *event);

/* Appends a typed character to text, or deletes the last one; true: text has changed. */
bool app_edit_text(char *text, size_t size, const struct term_event *event);

#endif
