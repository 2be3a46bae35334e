/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/theme.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/text_file.h"

static const struct {
	const char *name, *text;
} shipped[] = {
#include "themes.inc"
};

#define NR_SHIPPED (sizeof(shipped) / sizeof(*shipped))

const char *theme_shipped_name(size_t i)
{
	return i < NR_SHIPPED ? shipped[i].name : NULL;
}

static int load_file(struct theme *theme, const char *path, struct err *err)
{
	size_t len;
	char *text;
	int ret = text_file_read(path, "theme", &text, &len, err);

	if (ret)
		return ret;
	ret = theme_parse(theme, strrchr(path, '/') + 1, text, len, path, err);
	free(text);
	return ret;
}

static int unknown_name(const char *name, struct err *err)
{
	char names[256] = "";
	size_t len = 0;

	for (size_t i = 0; i < NR_SHIPPED && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", i ? ", " : "", shipped[i].name);
	return err_set(err, ENOENT,
		       "no theme \"%.64s\"; there are: %s; for a file give a path with a /, such as ./%.64s", name,
		       names, *name ? name : "my.theme");
}

int theme_load(struct theme *theme, const char *name, struct err *err)
{
	if (strchr(name, '/'))
		return load_file(theme, name, err);
	for (size_t i = 0; i < NR_SHIPPED; i++) {
		if (strcmp(name, shipped[i].name) == 0)
			return theme_parse(theme, name, shipped[i].text, strlen(shipped[i].text), name, err);
	}
	return unknown_name(name, err);
}

/* ---- colours of a theme ---- */

/* NaN counts as 0. */
static double clamp_unit(double value)
{
	return value > 0 ? value < 1 ? value : 1 : 0;
}

static unsigned level_of(double value, unsigned nr_levels)
{
	return (unsigned)(clamp_unit(value) * (nr_levels - 1) + 0.5);
}

static unsigned step_of(double value, size_t nr_steps)
{
	unsigned step = (unsigned)(clamp_unit(value) * (double)nr_steps);

	return step < nr_steps ? step : (unsigned)nr_steps - 1;
}

/* What has no colour says it by attributes. */
static uint8_t mono_attr(enum theme_role role)
{
	static const uint8_t attrs[THEME_NR_ROLES] = {
		[THEME_STRONG] = CELL_BOLD,    [THEME_TITLE] = CELL_BOLD,
		[THEME_BAR] = CELL_REVERSE,    [THEME_BAR_DIM] = CELL_REVERSE,
		[THEME_GOOD] = CELL_BOLD,      [THEME_BAR_KEY] = CELL_REVERSE | CELL_BOLD,
		[THEME_WARN] = CELL_BOLD,      [THEME_BAD] = CELL_BOLD | CELL_UNDERLINE,
		[THEME_CURSOR] = CELL_REVERSE,
	};

	return attrs[role];
}

struct style theme_style(const struct theme *theme, const struct look *look, enum theme_role role)
{
	struct style style;

	if (look->depth == COLOR_DEPTH_MONO) {
		style = STYLE_DEFAULT;
		style.attr = mono_attr(role);
		return style;
	}
	if (look->depth == COLOR_DEPTH_16)
		return theme->basic.roles[role];
	style = theme->rich.roles[role];
	style.fg = color_at_depth(style.fg, look->depth);
	style.bg = color_at_depth(style.bg, look->depth);
	return style;
}

color theme_heat(const struct theme *theme, const struct look *look, double value)
{
	switch (look->depth) {
	case COLOR_DEPTH_MONO:
		return COLOR_DEFAULT;
	case COLOR_DEPTH_16:
		return theme->basic.stops[step_of(value, theme->basic.nr_stops)];
	default:
		return theme->heat[look->depth == COLOR_DEPTH_TRUE][level_of(value, THEME_HEAT_LEVELS)];
	}
}

static color hue_of_row(const struct theme *theme, const struct look *look, unsigned row, double value)
{
	return theme->hue[look->depth == COLOR_DEPTH_TRUE][row][level_of(value, THEME_HUE_LEVELS)];
}

color theme_hue(const struct theme *theme, const struct look *look, unsigned index, double value)
{
	switch (look->depth) {
	case COLOR_DEPTH_MONO:
		return COLOR_DEFAULT;
	case COLOR_DEPTH_16:
		return theme->basic.hues[index % theme->basic.nr_hues];
	default:
		return hue_of_row(theme, look, index % (unsigned)theme->rich.nr_hues, value);
	}
}

color theme_hue_mix(const struct theme *theme, const struct look *look, unsigned a, unsigned b, double share,
		    double value)
{
	/* Five steps are what can be told apart beside brightness: a, nearer to a, mixed, nearer to b, b. */
	unsigned step = level_of(share, 5);

	if (step == 0 || step == 4 || look->depth == COLOR_DEPTH_MONO)
		return theme_hue(theme, look, step == 4 ? b : a, value);
	if (look->depth == COLOR_DEPTH_16)
		return theme->basic.mixed;
	if (step == 2)
		return hue_of_row(theme, look, THEME_HUE_ROWS - 1, value);
	return hue_of_row(theme, look, THEME_NR_HUES + (step == 1 ? a : b) % (unsigned)theme->rich.nr_hues, value);
}

uint32_t theme_glyph(const struct look *look, double value)
{
	static const char ascii[] = ".:-=+*#%@";
	static const uint32_t blocks[] = { 0xb7, 0x2591, 0x2592, 0x2593, 0x2588 };

	if (!(value > 0))
		return ' ';
	if (look->ascii)
		return (uint32_t)ascii[step_of(value, sizeof(ascii) - 1)];
	return blocks[step_of(value, sizeof(blocks) / sizeof(*blocks))];
}
