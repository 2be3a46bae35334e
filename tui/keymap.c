/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/keymap.h"

#include "tui/app_state.h"

const struct key keymap[] = {
	{ '1', app_set_overlay, 0, KEYS_SHOW, "1", "heat", "overlay: how much each place is accessed" },
	{ '2', app_set_overlay, 1, KEYS_SHOW, "2", "node", "overlay: the NUMA node that the memory is on" },
	{ '3', app_set_overlay, 2, KEYS_SHOW, "3", "anon/file", "overlay: anonymous memory or a file's" },
	{ '4', app_set_overlay, 3, KEYS_SHOW, "4", "age", "overlay: for how long it has been as hot as it is" },
	{ '5', app_set_overlay, 4, KEYS_SHOW, "5", NULL, "overlay: read or written, where the source can tell" },
	{ '6', app_set_overlay, 5, KEYS_SHOW, "6", NULL,
	  "overlay: latency of the accesses, where the source can tell" },
	{ '7', app_set_overlay, 6, KEYS_SHOW, "7", NULL, "overlay: backed by huge pages or not" },
	{ '8', app_set_overlay, 7, KEYS_SHOW, "8", NULL, "overlay: heap, stack, anonymous, shared, code, file" },
	{ TERM_KEY_TAB, app_next_overlay, 1, KEYS_SHOW, "tab", NULL, "next overlay; shift-tab: the one before" },
	{ TERM_KEY_BACKTAB, app_next_overlay, -1, KEYS_SHOW, NULL, NULL, NULL },
	{ 'c', app_contrast, 1, KEYS_SHOW, "c", NULL, "contrast: auto, linear, log, percentile" },
	{ 'C', app_fix_contrast, 0, KEYS_SHOW, "C", NULL, "hold the contrast, so that colours stay comparable" },
	{ 'm', app_peak, 0, KEYS_SHOW, "m", NULL, "a cell shows the mean of what lies in it, or the hottest" },
	{ 'o', app_next_share, 1, KEYS_SHOW, "o O", NULL,
	  "rows by mapped or resident bytes, hottest first, equal; O: anew" },
	{ 'O', app_sort_again, 0, KEYS_SHOW, NULL, NULL, NULL },
	{ '#', app_numbers, 0, KEYS_SHOW, "#", NULL, "numbers in the cells" },
	{ 'T', app_next_theme, 0, KEYS_SHOW, "T", NULL, "next theme, seen at once" },
	{ '|', app_side_by_side, 0, KEYS_SHOW, "| \\", NULL,
	  "another source beside this one, or not; \\: cursor to the other" },
	{ '\\', app_other_pane, 0, KEYS_SHOW, NULL, NULL, NULL },
	{ 'S', app_next_source, 0, KEYS_SHOW, "S", NULL, "another source in its place: the next that can be used" },
	{ 'v', app_inspector, 0, KEYS_SHOW, "v", NULL, "inspector on or off (screens of 100 columns and more)" },

	{ ' ', app_freeze, 0, KEYS_TIME, "space", "freeze",
	  "freeze the picture; collection goes on. Again: back to now" },
	{ TERM_KEY_PAGE_UP, app_page_time, -1, KEYS_TIME, "pgup pgdn", NULL, "a screen back in time, or forward" },
	{ TERM_KEY_PAGE_DOWN, app_page_time, 1, KEYS_TIME, NULL, NULL, NULL },
	{ TERM_KEY_HOME, app_end_time, -1, KEYS_TIME, "home end", NULL, "the oldest that is kept, or now" },
	{ TERM_KEY_END, app_end_time, 1, KEYS_TIME, NULL, NULL, NULL },
	{ '.', app_zoom_time, 1, KEYS_TIME, ". ,", NULL, "more or fewer aggregations a column: 1 2 5 10 30 60 ..." },
	{ ',', app_zoom_time, -1, KEYS_TIME, NULL, NULL, NULL },
	{ 't', app_zoom_time, 1, KEYS_TIME, NULL, NULL, NULL },
	{ '>', app_zoom_time, 1, KEYS_TIME, NULL, NULL, NULL },
	{ '<', app_zoom_time, -1, KEYS_TIME, NULL, NULL, NULL },

	{ TERM_KEY_LEFT, app_move_col, -1, KEYS_PLACE, "←→↑↓", "cursor",
	  "move the cursor; beyond the left edge: back in time" },
	{ TERM_KEY_RIGHT, app_move_col, 1, KEYS_PLACE, NULL, NULL, NULL },
	{ TERM_KEY_UP, app_move_row, -1, KEYS_PLACE, NULL, NULL, NULL },
	{ TERM_KEY_DOWN, app_move_row, 1, KEYS_PLACE, NULL, NULL, NULL },
	{ TERM_KEY_ESCAPE, app_follow, 0, KEYS_PLACE, "esc", NULL,
	  "cursor off: it follows the place with most accesses" },
	{ 'n', app_hottest, 1, KEYS_PLACE, "n N", NULL, "cursor to the next hot place below, or above" },
	{ 'N', app_hottest, -1, KEYS_PLACE, NULL, NULL, NULL },
	{ '/', app_find, false, KEYS_PLACE, "/", "find", "find a mapping by its name, or go to an address (0x...)" },
	{ TERM_KEY_F0 + 3, app_find, false, KEYS_PLACE, NULL, NULL, NULL },
	{ ':', app_find, true, KEYS_PLACE, ":", NULL, "go to an address, typed in hexadecimal with or without 0x" },
	{ '+', app_zoom, 1, KEYS_PLACE, "+ -", "zoom", "zoom addresses in around the cursor, or out" },
	{ '=', app_zoom, 1, KEYS_PLACE, NULL, NULL, NULL },
	{ '-', app_zoom, -1, KEYS_PLACE, NULL, NULL, NULL },
	{ 'z', app_zoom_mapping, 0, KEYS_PLACE, "z", "into", "zoom into the mapping under the cursor" },
	{ 'Z', app_watch_range, 0, KEYS_PLACE, "Z", NULL,
	  "watch only what is on the screen; after 0: everything again" },
	{ '0', app_zoom_all, 0, KEYS_PLACE, "0", NULL, "all addresses" },
	{ KEY_NONE, app_refresh, 0, KEYS_PLACE, "mouse", NULL,
	  "a click sets the cursor; the wheel zooms, or moves in a list" },

	{ 'h', app_panel, PANEL_HOT, KEYS_PANELS, "h", "hot list", "hot list: regions, the most accessed first" },
	{ 'M', app_panel, PANEL_MAPPINGS, KEYS_PANELS, "M", "mappings",
	  "mappings: heat, size and working set of each" },
	{ 'w', app_panel, PANEL_WSS, KEYS_PANELS, "w", NULL, "working set over time, and its percentiles" },
	{ 'd', app_panel, PANEL_HISTOGRAM, KEYS_PANELS, "d", NULL, "distribution of bytes by heat and by age" },
	{ 's', app_panel, PANEL_SOURCE, KEYS_PANELS, "s", NULL, "source: reports, losses, cost, own CPU" },
	{ KEY_NONE, app_refresh, 0, KEYS_PANELS, "in one", NULL,
	  "o order, r reverse, enter to the map, tab next panel, esc back" },

	{ 'a', app_aging, -1, KEYS_TUNE, "a A", "aging", "look at the target more often, or less" },
	{ 'A', app_aging, 1, KEYS_TUNE, NULL, NULL, NULL },
	{ 'g', app_aggregation, -1, KEYS_TUNE, "g G", "aggregation",
	  "shorter or longer aggregation: one snapshot each" },
	{ 'G', app_aggregation, 1, KEYS_TUNE, NULL, NULL, NULL },
	{ '[', app_max_regions, -1, KEYS_TUNE, "[ ]", NULL, "fewer or more regions at most" },
	{ ']', app_max_regions, 1, KEYS_TUNE, NULL, NULL, NULL },
	{ '{', app_min_regions, -1, KEYS_TUNE, "{ }", NULL, "fewer or more regions at least" },
	{ '}', app_min_regions, 1, KEYS_TUNE, NULL, NULL, NULL },
	{ 'x', app_rate, 1, KEYS_TUNE, "x X", NULL, "sample more often, or less: perf and clock; i: auto again" },
	{ 'X', app_rate, -1, KEYS_TUNE, NULL, NULL, NULL },
	{ 'I', app_kernel_tuning, 0, KEYS_TUNE, "I", NULL, "damon: intervals tuned by the kernel, or not" },
	{ 'i', app_settings, 0, KEYS_TUNE, "i", "settings", "all settings: type values, apply them together" },

	{ TERM_KEY_F0 + 2, app_settings, 0, KEYS_TUNE, NULL, NULL, NULL },
	{ 'H', app_take_hint, 0, KEYS_TUNE, "H", NULL, "do what the hint line suggests" },
	{ APP_SAVE_KEY, app_save, 0, KEYS_TUNE, "W", NULL, "write the settings to a file that is read at the start" },

	{ 'R', app_record, 0, KEYS_RECORD, "R", NULL, "record to a file, or end that" },
	{ '(', app_play_speed, -1, KEYS_RECORD, "( )", NULL, "replay: slower or faster" },
	{ ')', app_play_speed, 1, KEYS_RECORD, NULL, NULL, NULL },
	{ 'e', app_play_step, 1, KEYS_RECORD, "e E", NULL, "replay: pause, then a snapshot forward or back" },
	{ 'E', app_play_step, -1, KEYS_RECORD, NULL, NULL, NULL },
	{ 'k', app_play_seek, 1, KEYS_RECORD, "k j", NULL, "replay: a twentieth of it forward or back" },
	{ 'j', app_play_seek, -1, KEYS_RECORD, NULL, NULL, NULL },
	{ 'J', app_play_jump, 0, KEYS_RECORD, "J", NULL, "replay: go to a time or a percentage" },
	{ 'L', app_play_loop, 0, KEYS_RECORD, "L", NULL, "replay: begin again at the end, or not" },

	{ 'p', app_open_list, 0, KEYS_PROGRAM, "p", NULL, "another process: choose it from the list" },
	{ KEY_NONE, app_refresh, 0, KEYS_PROGRAM, "in it", NULL,
	  "letters filter, tab tree of children, enter watches, esc back" },
	{ 'f', app_follow_child, 0, KEYS_PROGRAM, "f F", NULL,
	  "its hottest child instead (CPU time now); F: its parent" },
	{ 'F', app_to_parent, 0, KEYS_PROGRAM, NULL, NULL, NULL },
	{ 'P', app_with_children, 0, KEYS_PROGRAM, "P", NULL, "its children too, rows grouped by process; or not" },
	{ '?', app_help, 0, KEYS_PROGRAM, "?", "help", "this page; f1 too" },
	{ TERM_KEY_F0 + 1, app_help, 0, KEYS_PROGRAM, NULL, NULL, NULL },
	{ 'l' - 'a' + 1, app_refresh, 0, KEYS_PROGRAM, "ctrl-l", NULL, "draw everything again" },
	{ 'q', app_quit, 0, KEYS_PROGRAM, "q", "quit", "quit; f10 and ctrl-c too" },
	{ TERM_KEY_F0 + 10, app_quit, 0, KEYS_PROGRAM, NULL, NULL, NULL },
};
const size_t keymap_nr = sizeof(keymap) / sizeof(*keymap);

const char *keymap_group_title(enum key_group group)
{
	static const char *const titles[KEYS_NR_GROUPS] = { "What is shown", "Time",	  "Place",  "Panels",
							    "Tuning",	     "Recording", "Program" };

	return titles[group];
}

const struct key *keymap_find(uint32_t key)
{
	size_t i;

	for (i = 0; i < keymap_nr; i++)
		if (keymap[i].key == key)
			return &keymap[i];
	return NULL;
}
