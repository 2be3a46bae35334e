/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/screen_dump.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/screen_fixture.h"

static bool take_command(void *ctx, const struct command *command)
{
	struct screen *s = ctx;

	if (s->refuse || s->nr_sent == sizeof(s->sent) / sizeof(*s->sent))
		return false;
	s->sent[s->nr_sent++] = *command;
	return true;
}

static void die(const char *what, const struct err *err)
{
	fprintf(stderr, "%s: %s\n", what, err->text);
	abort();
}

void screen_open(struct screen *s, enum color_depth depth, bool ascii, int rows, int cols,
		 void (*setup)(struct app_config *config))
{
	struct err err = ERR_NONE;

	setenv("TZ", "UTC", 1);
	setlocale(LC_CTYPE, "C.UTF-8");
	memset(s, 0, sizeof(*s));
	s->grid = GRID_EMPTY;
	if (theme_load(&s->theme, THEME_DEFAULT, &err))
		die("theme", &err);
	s->config = (struct app_config){
		.theme = &s->theme,
		.look = { depth, ascii },
		.history_bytes = 64 << 20,
		.attrs = attrs_default(),
		.send = take_command,
		.ctx = s,
	};
	if (setup)
		setup(&s->config);
	s->app = app_new(&s->config, &err);
	if (!s->app)
		die("app", &err);
	if (grid_resize(&s->grid, rows, cols))
		abort();
	app_paint(s->app, &s->grid);
}

void screen_close(struct screen *s)
{
	app_free(s->app);
	grid_free(&s->grid);
}

unsigned screen_push(struct screen *s, struct snapshot *snap)
{
	struct message message = { .type = MESSAGE_SNAPSHOT, .snapshot = snap };

	return app_message(s->app, &message);
}

void screen_play(struct screen *s, unsigned nr, size_t nr_regions, enum heat_unit unit)
{
	struct mappings *maps = fixture_server_maps();
	unsigned i;

	for (i = 0; i < nr; i++)
		screen_push(s, fixture_server(maps, i, nr_regions, unit));
	mappings_put(maps);
	app_paint(s->app, &s->grid);
}

void screen_open_server(struct screen *s, unsigned nr)
{
	screen_open(s, COLOR_DEPTH_MONO, false, 40, 160, NULL);
	screen_play(s, nr, 200, HEAT_FRACTION);
}

void screen_play_family(struct screen *s, unsigned nr, size_t nr_regions, enum heat_unit unit)
{
	struct mappings *maps = fixture_server_maps(), *joined = fixture_family_maps(maps);
	unsigned i;

	for (i = 0; i < nr; i++)
		screen_push(s, fixture_family(maps, joined, i, nr_regions, unit));
	mappings_put(joined);
	mappings_put(maps);
	app_paint(s->app, &s->grid);
}

void screen_play_two(struct screen *s, unsigned first, unsigned end, size_t nr_regions)
{
	struct mappings *maps = fixture_server_maps();
	unsigned i;

	for (i = first; i < end; i++) {
		struct snapshot *upper = fixture_server(maps, i, nr_regions, HEAT_FRACTION);
		struct snapshot *lower = fixture_server(maps, i, nr_regions, HEAT_TIME);

		upper->flags |= SNAP_MORE;
		lower->source_index = 1;
		screen_push(s, upper);
		screen_push(s, lower);
	}
	mappings_put(maps);
	app_paint(s->app, &s->grid);
}

unsigned screen_keys(struct screen *s, const char *keys)
{
	struct err err = ERR_NONE;
	unsigned flags = 0;

	while (*keys) {
		struct term_event event = { 0 };

		keys = term_key_parse(keys, &event.key, &err);
		if (!keys)
			die("keys", &err);
		flags = app_key(s->app, &event);
		app_paint(s->app, &s->grid);
	}
	return flags;
}

char *screen_text(struct screen *s)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	app_paint(s->app, &s->grid);
	if (!out || term_text_write(out, &s->grid, &s->config.look, false) || fclose(out))
		abort();
	return text;
}

bool screen_holds(struct screen *s, const char *wanted)
{
	char *text = screen_text(s);
	bool found = strstr(text, wanted) != NULL;

	free(text);
	return found;
}

char *screen_line(struct screen *s, int row)
{
	char *text = screen_text(s), *line = text, *end;

	while (row-- && line)
		line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL;
	end = line ? strchr(line, '\n') : NULL;
	line = strndup(line ? line : "", end ? (size_t)(end - line) : 0);
	free(text);
	return line;
}
