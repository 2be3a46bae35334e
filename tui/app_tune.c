/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handlers that change what is shown and how it is collected, and the keys of help and settings. */
#include <stdio.h>
#include <string.h>

#include "collector/clock.h"
#include "collector/source.h"
#include "collector/text.h"
#include "tui/app_state.h"
#include "tui/tune.h"

unsigned app_quit(struct app *app, int arg)
{
	(void)app;
	(void)arg;
	return APP_QUIT;
}

unsigned app_refresh(struct app *app, int arg)
{
	(void)app;
	(void)arg;
	return APP_REDRAW | APP_REFRESH;
}

unsigned app_help(struct app *app, int arg)
{
	(void)arg;
	app->help_from = app->mode;
	app->mode = APP_HELP;
	app->help_top = 0;
	return APP_REDRAW;
}

unsigned app_help_key(struct app *app, const struct term_event *event)
{
	int page = app->rows > 6 ? app->rows - 6 : 1;
	int by = event->key == TERM_KEY_DOWN	    ? 1
		 : event->key == TERM_KEY_UP	    ? -1
		 : event->key == TERM_KEY_PAGE_DOWN ? page
		 : event->key == TERM_KEY_PAGE_UP   ? -page
		 : event->key == TERM_KEY_HOME	    ? -app->help_room
		 : event->key == TERM_KEY_END	    ? app->help_room
						    : 0;
	bool scrolls = by || event->key == TERM_KEY_HOME || event->key == TERM_KEY_END; /* what is there may fit */

	if (!scrolls) {
		/* q too: who wants to leave the help has not seen enough of the program */
		app->mode = app->help_from;
		return APP_HANDLED | APP_REDRAW;
	}
	app->help_top += by;
	if (app->help_top > app->help_room)
		app->help_top = app->help_room;
	if (app->help_top < 0)
		app->help_top = 0;
	return APP_HANDLED | APP_REDRAW;
}

/* ---- what is shown ---- */

unsigned app_set_overlay(struct app *app, int arg)
{
	app->overlay = &overlay_table[(size_t)arg % overlay_nr];
	return APP_REDRAW;
}

/* What rows are shared or ordered by is taken now, and stays: a row does not move under the eye. */
unsigned app_sort_again(struct app *app, int arg)
{
	struct axis_parts parts = { 0 };

	(void)arg;
	app->axis_stale = true;
	axis_parts_of(&parts, app_shown(app));
	if (app->share == AXIS_SHARE_RESIDENT && !parts.resident_known)
		app_say(app, APP_INFO, "rows by the mapped bytes: how much is resident is not known here");
	else if (app->share == AXIS_SHARE_RESIDENT || app->share == AXIS_SHARE_HOTTEST)
		app_say(app, APP_INFO, "rows by %s, as of now; O: sort again, o: another order",
			axis_share_name(app->share));
	else
		app_say(app, APP_INFO, "rows by %s; o: another order", axis_share_name(app->share));
	axis_parts_free(&parts);
	return APP_REDRAW;
}

unsigned app_next_share(struct app *app, int arg)
{
	app->share = (enum axis_share)(((int)app->share + arg) % AXIS_NR_SHARES);
	return app_sort_again(app, 0);
}

unsigned app_numbers(struct app *app, int arg)
{
	int before = app_cell_cols(app);

	(void)arg;
	app->numbers = !app->numbers;
	/* the cursor stays where it is on the screen, as near as can be */
	app->cursor_back = app->cursor_back * (unsigned)before / (unsigned)app_cell_cols(app);
	return APP_REDRAW;
}

/* The next shipped theme; the screen behind is the preview. */
unsigned app_next_theme(struct app *app, int arg)
{
	struct err err = ERR_NONE;
	struct theme theme;
	size_t i = 0;

	(void)arg;
	while (theme_shipped_name(i) && strcmp(theme_shipped_name(i), app->config.theme->name) != 0)
		i++;
	i = theme_shipped_name(i) && theme_shipped_name(i + 1) ? i + 1 : 0;
	if (theme_load(&theme, theme_shipped_name(i), &err)) {
		app_say(app, APP_ERROR, "%s", err.text);
		return APP_REDRAW;
	}
	app->own_theme = theme;
	app->config.theme = &app->own_theme;
	overlay_brush_init(&app->brush, app->config.theme, app->config.look);
	app_say(app, APP_INFO, "theme %s; T: the next; to keep it: W, or --theme %s", theme.name, theme.name);
	return APP_REDRAW;
}

unsigned app_next_overlay(struct app *app, int arg)
{
	size_t at = (size_t)(app->overlay - overlay_table);

	app->overlay = &overlay_table[(at + overlay_nr + (size_t)arg) % overlay_nr];
	return APP_REDRAW;
}

unsigned app_contrast(struct app *app, int arg)
{
	app->contrast.mode = (enum contrast_mode)(((int)app->contrast.mode + arg) % CONTRAST_NR_MODES);
	contrast_reset(&app->contrast);
	return APP_REDRAW;
}

unsigned app_fix_contrast(struct app *app, int arg)
{
	(void)arg;
	app->contrast.fixed = !app->contrast.fixed;
	return APP_REDRAW;
}

unsigned app_peak(struct app *app, int arg)
{
	(void)arg;
	app->show_peak = !app->show_peak;
	app_say(app, APP_INFO, app->show_peak ? "a cell shows the hottest region in it" : "a cell shows the mean");
	return APP_REDRAW;
}

unsigned app_inspector(struct app *app, int arg)
{
	(void)arg;
	app->hide_inspector = !app->hide_inspector;
	if (app->cols < LAYOUT_INSPECTOR_COLS)
		app_say(app, APP_INFO, "the inspector needs %d columns; the line below the map has the essence",
			LAYOUT_INSPECTOR_COLS);
	return APP_REDRAW;
}

/* ---- attributes ---- */

struct hint app_hint(const struct app *app)
{
	/* what was asked for may be all that is needed */
	if (app->config.fixed || app->ended || app->pending)
		return (struct hint){ .problem = NULL };
	return hint_of(app->history);
}

unsigned app_send_attrs(struct app *app, const struct attrs *attrs)
{
	struct command command = { .type = COMMAND_ATTRS, .attrs = *attrs };
	struct err err = ERR_NONE;

	if (app->config.fixed)
		app_say(app, APP_WARNING, "intervals cannot be changed: this is %s", app->config.fixed);
	else if (app->ended)
		app_say(app, APP_WARNING, "intervals cannot be changed: the target has ended");
	else if (attrs_check(attrs, &err))
		app_say(app, APP_WARNING, "%s", err.text);
	else if (!app->config.send || !app->config.send(app->config.ctx, &command))
		app_say(app, APP_WARNING, "the collector is busy: try again");
	else {
		app->pending = true;
		app->wanted = *attrs;
		app->dialog_asked = false;
	}
	return APP_REDRAW;
}

/* The intervals are the kernel's affair: says so. */
static bool kernel_tunes(struct app *app, const struct attrs *attrs)
{
	if (attrs->access_bp)
		app_say(app, APP_WARNING, "the kernel tunes the intervals: I ends that");
	return attrs->access_bp != 0;
}

unsigned app_kernel_tuning(struct app *app, int arg)
{
	struct attrs attrs = app_attrs(app);

	(void)arg;
	attrs.access_bp = attrs.access_bp ? 0 : ATTRS_ACCESS_BP;
	return app_send_attrs(app, &attrs);
}

unsigned app_aging(struct app *app, int arg)
{
	struct attrs attrs = app_attrs(app);

	if (kernel_tunes(app, &attrs))
		return APP_REDRAW;
	attrs.aging_us = tune_step(attrs.aging_us, arg);
	/* no aggregation is shorter than one look: the key goes on, and takes the other with it */
	if (attrs.aging_us > attrs.aggregation_us) {
		attrs.aggregation_us = attrs.aging_us;
		app_say(app, APP_INFO, "aggregation goes with aging: it cannot be shorter");
	}
	return app_send_attrs(app, &attrs);
}

unsigned app_aggregation(struct app *app, int arg)
{
	struct attrs attrs = app_attrs(app);

	if (kernel_tunes(app, &attrs))
		return APP_REDRAW;
	attrs.aggregation_us = tune_step(attrs.aggregation_us, arg);
	if (attrs.aging_us > attrs.aggregation_us) {
		attrs.aging_us = attrs.aggregation_us;
		app_say(app, APP_INFO, "aging goes with aggregation: it cannot be longer");
	}
	return app_send_attrs(app, &attrs);
}

unsigned app_max_regions(struct app *app, int arg)
{
	struct attrs attrs = app_attrs(app);

	attrs.max_nr_regions = (uint32_t)tune_step(attrs.max_nr_regions, arg);
	return app_send_attrs(app, &attrs);
}

unsigned app_min_regions(struct app *app, int arg)
{
	struct attrs attrs = app_attrs(app);

	attrs.min_nr_regions = (uint32_t)tune_step(attrs.min_nr_regions, arg);
	return app_send_attrs(app, &attrs);
}

/* A period that is fixed stays one, and goes the other way. */
unsigned app_rate(struct app *app, int arg)
{
	const struct snapshot *newest = history_last(app->history);
	struct attrs attrs = app_attrs(app);

	if (!newest || newest->heat_unit == HEAT_FRACTION) {
		app_say(app, APP_WARNING, "%s takes no samples: a and A say how often it looks",
			newest && newest->source ? newest->source : "the source");
		return APP_REDRAW;
	}
	if (attrs.period) {
		attrs.period = tune_step(attrs.period, -arg);
		app_say(app, APP_INFO, "a sample every %llu events", (unsigned long long)attrs.period);
	} else {
		attrs.freq_hz = (uint32_t)tune_step(attrs.freq_hz ? attrs.freq_hz : tune_sample_rate(newest), arg);
		app_say(app, APP_INFO, "%u samples a second and thread", attrs.freq_hz);
	}
	return app_send_attrs(app, &attrs);
}

/* What the hint line says, done. */
unsigned app_take_hint(struct app *app, int arg)
{
	const struct hint hint = app_hint(app);

	(void)arg;
	if (hint.problem && hint.has_remedy)
		return app_send_attrs(app, &hint.attrs);
	app_say(app, APP_INFO, hint.problem ? "no one value helps here: i shows all settings" : "nothing to suggest");
	return APP_REDRAW;
}

unsigned app_settings(struct app *app, int arg)
{
	const struct snapshot *newest = history_last(app->history);
	struct attrs attrs = app_attrs(app);
	struct dialog_values values;

	(void)arg;
	if (app->config.fixed || app->ended)
		return app_send_attrs(app, &attrs); /* says why not */
	values = (struct dialog_values){ .attrs = attrs, .source = newest ? source_find(newest->source) : NULL };
	if (values.source && !strcmp(values.source->name, "perf"))
		snprintf(values.event, sizeof(values.event), "%s", app->event);
	dialog_open(&app->dialog, &values);
	app->dialog_asked = false;
	app_open_box(app, APP_DIALOG);
	return APP_REDRAW;
}

unsigned app_save(struct app *app, int arg)
{
	const char *path = app->config.saved_to;
	/* those of a recording are its own */
	struct attrs attrs = app->config.fixed ? app->config.attrs : app_attrs(app);
	struct app_settings settings = {
		.attrs = attrs,
		.aging_set = !app->config.fixed && !attrs.access_bp && attrs.aging_us != app->first_attrs.aging_us,
		.aggregation_set = !app->config.fixed && !attrs.access_bp &&
				   attrs.aggregation_us != app->first_attrs.aggregation_us,
		.overlay = app->overlay->name,
		.theme = app->config.theme == &app->own_theme ? app->own_theme.name : NULL,
		.contrast = app->contrast.mode,
		.share = app->share,
	};
	struct err err = ERR_NONE;
	char shown[256];

	(void)arg;
	if (!path) {
		app_say(app, APP_WARNING, "there is no place for a file of settings: set HOME or XDG_CONFIG_HOME");
		return APP_REDRAW;
	}
	text_clean_str(shown, sizeof(shown), path);
	if (!app->save_asked)
		app_say(app, APP_INFO, "W again writes these settings to %s; a former file is kept as .old", shown);
	else if (app->config.save(app->config.ctx, &settings, &err))
		app_say(app, APP_ERROR, "%s", err.text);
	else
		app_say(app, APP_INFO, "settings are in %s, and read at each start", shown);
	app->save_asked = !app->save_asked;
	return APP_REDRAW;
}

static void apply_dialog(struct app *app)
{
	const struct dialog_values *before = &app->dialog.values;
	struct dialog_values values;

	if (!dialog_apply(&app->dialog, &values))
		return;
	app->mode = app->box_from;
	if (!attrs_equal(&values.attrs, &before->attrs)) {
		app_send_attrs(app, &values.attrs);
		app->dialog_asked = app->pending;
	}
	if (values.source == before->source && !strcmp(values.event, before->event))
		return;
	if (!app_send_source(app, values.source, values.event))
		return;
	app->dialog_asked = true;
	memcpy(app->former_event, app->event, sizeof(app->event));
	memcpy(app->event, values.event, sizeof(app->event));
}

bool app_dialog_refused(struct app *app, const struct err *err)
{
	bool asked = app->dialog_asked;

	app->dialog_asked = false;
	if (!asked || (app->mode != APP_MAP && app->mode != APP_PANEL))
		return false;
	dialog_refuse(&app->dialog, err);
	app_open_box(app, APP_DIALOG);
	return true;
}

unsigned app_dialog_key(struct app *app, const struct term_event *event)
{
	switch (event->key) {
	case TERM_KEY_ESCAPE:
		app->mode = app->box_from;
		break;
	case TERM_KEY_ENTER:
	case '\r':
		apply_dialog(app);
		break;
	case TERM_KEY_UP:
	case TERM_KEY_BACKTAB:
		dialog_move(&app->dialog, -1);
		break;
	case TERM_KEY_DOWN:
	case TERM_KEY_TAB:
		dialog_move(&app->dialog, 1);
		break;
	case TERM_KEY_BACKSPACE:
	case TERM_KEY_DELETE:
	case 0x7f:
		dialog_type(&app->dialog, '\b');
		break;
	default:
		if (event->key >= ' ' && event->key < 0x7f)
			dialog_type(&app->dialog, (char)event->key);
	}
	return APP_HANDLED | APP_REDRAW;
}

/* ---- text that is typed ---- */

bool app_edit_text(char *text, size_t size, const struct term_event *event)
{
	size_t len = strlen(text);
	char utf8[4];
	size_t n;

	if (event->key == TERM_KEY_BACKSPACE || event->key == 0x7f || event->key == '\b') {
		if (!len)
			return false;
		do
			len--;
		while (len && ((unsigned char)text[len] & 0xc0) == 0x80);
		text[len] = '\0';
		return true;
	}
	if (event->key == 'u' - 'a' + 1) {
		text[0] = '\0';
		return len > 0;
	}
	if (event->key < ' ' || event->key >= TERM_KEY_UP || grid_char_width(event->key) < 1)
		return false;
	n = term_utf8_encode(utf8, event->key);
	if (len + n >= size)
		return false;
	memcpy(text + len, utf8, n);
	text[len + n] = '\0';
	return true;
}
