/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of "key = value"; docs/themes.md has the grammar. A table of keys says what each sets. What a theme leaves out
 * is derived from what it says, so that three lines of colours and one of text make a theme.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "collector/text.h"
#include "tui/text_file.h"
#include "tui/theme.h"

/* Of a cold cell, the share that is hue and not ground: dark, yet told apart from the ground. */
#define COLD_SHARE 0.16

/* No colour said. Never leaves this file. */
#define COLOR_NONE ((color)0x04000000)

#define PALETTE_FIRST 16u /* the entries of the palette that look the same everywhere */
#define PALETTE_LAST  255u

static const char *const ansi_names[16] = {
	"black",       "red",	       "green",	     "yellow",	     "blue",	      "magenta",     "cyan",
	"white",       "bright-black", "bright-red", "bright-green", "bright-yellow", "bright-blue", "bright-magenta",
	"bright-cyan", "bright-white",
};

struct parser {
	struct theme *theme;
	const char *origin;
	unsigned line;
	unsigned seen[2]; /* a bit per key, [1] for those with the prefix "16." */
	bool is_basic;	  /* the line at hand is of 16 colours */
	struct err *err;
};

static struct theme_colors *colors_of(struct parser *p)
{
	return p->is_basic ? &p->theme->basic : &p->theme->rich;
}

/* ---- colours ---- */

static int not_a_color(struct parser *p, struct piece word)
{
	return err_set(
		p->err, EINVAL,
		"theme %s:%u: \"%.*s\" is not a colour%s; write %s, or a name: black red green yellow blue magenta "
		"cyan white, or bright- before one of them",
		p->origin, p->line, piece_shown(word), word.s, p->is_basic ? " of the 16" : "",
		p->is_basic ? "default" : "#rrggbb, default");
}

static bool parse_hex(struct piece word, color *c)
{
	uint32_t rgb = 0;

	if (word.len != 7 || word.s[0] != '#')
		return false;
	for (size_t i = 1; i < 7; i++) {
		unsigned char digit = (unsigned char)word.s[i];

		if (!isxdigit(digit))
			return false;
		rgb = rgb << 4 | (uint32_t)(isdigit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10);
	}
	*c = rgb;
	return true;
}

static int parse_color(struct parser *p, struct piece word, color *c)
{
	if (!p->is_basic && parse_hex(word, c))
		return 0;
	if (piece_is(word, "default")) {
		*c = COLOR_DEFAULT;
		return 0;
	}
	for (unsigned i = 0; i < 16; i++) {
		if (piece_is(word, ansi_names[i])) {
			*c = COLOR_ANSI(i);
			return 0;
		}
	}
	return not_a_color(p, word);
}

/* A list of min to max colours, of which none is the terminal's own. */
static int parse_list(struct parser *p, struct piece value, color *list, size_t *nr, size_t min, size_t max)
{
	struct piece word;
	size_t n = 0;

	while (piece_next_word(&value, &word)) {
		int ret;

		if (n == max)
			return err_set(p->err, EINVAL, "theme %s:%u: more than %zu colours; leave some out", p->origin,
				       p->line, max);
		ret = parse_color(p, word, &list[n]);
		if (ret)
			return ret;
		if (list[n++] == COLOR_DEFAULT)
			return err_set(p->err, EINVAL,
				       "theme %s:%u: \"default\" cannot stand for a value; name a colour", p->origin,
				       p->line);
	}
	if (n < min)
		return err_set(p->err, EINVAL, "theme %s:%u: %zu colour(s) where at least %zu are needed", p->origin,
			       p->line, n, min);
	*nr = n;
	return 0;
}

/* ---- keys ---- */

static int set_ground(struct parser *p, struct piece value, unsigned arg)
{
	color c;

	(void)arg;
	if (!parse_hex(value, &c))
		return err_set(p->err, EINVAL, "theme %s:%u: the ground must be one #rrggbb, not \"%.*s\"", p->origin,
			       p->line, piece_shown(value), value.s);
	p->theme->ground = c;
	return 0;
}

static int set_ramp(struct parser *p, struct piece value, unsigned arg)
{
	struct theme_colors *colors = colors_of(p);

	(void)arg;
	return parse_list(p, value, colors->stops, &colors->nr_stops, 2, THEME_NR_STOPS);
}

static int set_hues(struct parser *p, struct piece value, unsigned arg)
{
	struct theme_colors *colors = colors_of(p);

	(void)arg;
	return parse_list(p, value, colors->hues, &colors->nr_hues, 2, THEME_NR_HUES);
}

static int set_mixed(struct parser *p, struct piece value, unsigned arg)
{
	size_t nr;

	(void)arg;
	return parse_list(p, value, &colors_of(p)->mixed, &nr, 1, 1);
}

static bool parse_attr(struct piece word, uint8_t *attr)
{
	static const struct {
		const char *name;
		uint8_t attr;
	} attrs[] = {
		{ "bold", CELL_BOLD }, { "dim", CELL_DIM }, { "reverse", CELL_REVERSE }, { "underline", CELL_UNDERLINE }
	};

	for (size_t i = 0; i < sizeof(attrs) / sizeof(*attrs); i++) {
		if (piece_is(word, attrs[i].name)) {
			*attr |= attrs[i].attr;
			return true;
		}
	}
	return false;
}

/* FG [on BG] [bold] [dim] [underline] [reverse]. Without a BG, that of the text: see inherit_background(). */
static int set_role(struct parser *p, struct piece value, unsigned role)
{
	struct style style = { .fg = COLOR_DEFAULT, .bg = COLOR_NONE };
	struct piece word = { 0 };
	int ret = piece_next_word(&value, &word) ? parse_color(p, word, &style.fg) : not_a_color(p, word);

	while (ret == 0 && piece_next_word(&value, &word)) {
		if (piece_is(word, "on"))
			ret = piece_next_word(&value, &word) ? parse_color(p, word, &style.bg) : not_a_color(p, word);
		else if (!parse_attr(word, &style.attr))
			ret = err_set(p->err, EINVAL,
				      "theme %s:%u: \"%.*s\" is not understood; after the colour may stand: on COLOUR, "
				      "bold, dim, underline, reverse",
				      p->origin, p->line, piece_shown(word), word.s);
	}
	colors_of(p)->roles[role] = style;
	return ret;
}

enum key_flags { KEY_NEEDED = 1, KEY_RICH_ONLY = 2 };

static const struct key {
	const char *name;
	int (*set)(struct parser *p, struct piece value, unsigned arg);
	unsigned arg;
	unsigned flags;
} keys[] = {
	{ "text", set_role, THEME_TEXT, KEY_NEEDED },
	{ "ramp", set_ramp, 0, KEY_NEEDED },
	{ "hues", set_hues, 0, KEY_NEEDED },
	{ "mixed", set_mixed, 0, KEY_NEEDED },
	{ "ground", set_ground, 0, KEY_RICH_ONLY },
	{ "dim", set_role, THEME_DIM, 0 },
	{ "strong", set_role, THEME_STRONG, 0 },
	{ "title", set_role, THEME_TITLE, 0 },
	{ "bar", set_role, THEME_BAR, 0 },
	{ "bar-dim", set_role, THEME_BAR_DIM, 0 },
	{ "bar-key", set_role, THEME_BAR_KEY, 0 },
	{ "good", set_role, THEME_GOOD, 0 },
	{ "warn", set_role, THEME_WARN, 0 },
	{ "bad", set_role, THEME_BAD, 0 },
	{ "cursor", set_role, THEME_CURSOR, 0 },
	{ "gap", set_role, THEME_GAP, 0 },
	{ "unknown", set_role, THEME_UNKNOWN, 0 },
};

#define NR_KEYS (sizeof(keys) / sizeof(*keys))

_Static_assert(NR_KEYS == THEME_NR_ROLES + 4, "every role has a key");

static bool was_seen(const struct parser *p, bool is_basic, int (*set)(struct parser *, struct piece, unsigned),
		     unsigned arg)
{
	for (size_t i = 0; i < NR_KEYS; i++) {
		if (keys[i].set == set && keys[i].arg == arg)
			return p->seen[is_basic] >> i & 1;
	}
	return false;
}

/* ---- lines ---- */

static int unknown_key(struct parser *p, struct piece name)
{
	char names[256] = "";
	size_t len = 0;

	for (size_t i = 0; i < NR_KEYS && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, " %s", keys[i].name);
	return err_set(p->err, EINVAL,
		       "theme %s:%u: unknown key \"%.*s\"; there are:%s; and each but ground after \"16.\"", p->origin,
		       p->line, piece_shown(name), name.s, names);
}

static int set_key(struct parser *p, struct piece name, struct piece value)
{
	struct piece base = name;

	p->is_basic = name.len > 3 && memcmp(name.s, "16.", 3) == 0;
	if (p->is_basic)
		base = (struct piece){ name.s + 3, name.len - 3 };
	for (size_t i = 0; i < NR_KEYS; i++) {
		if (!piece_is(base, keys[i].name) || (p->is_basic && (keys[i].flags & KEY_RICH_ONLY)))
			continue;
		if (p->seen[p->is_basic] >> i & 1)
			return err_set(p->err, EINVAL, "theme %s:%u: a second line for \"%.*s\"; keep one", p->origin,
				       p->line, piece_shown(name), name.s);
		p->seen[p->is_basic] |= 1u << i;
		return keys[i].set(p, value, keys[i].arg);
	}
	return unknown_key(p, name);
}

static int parse_lines(struct parser *p, const char *text, size_t len)
{
	struct text_lines lines = { .what = "theme", .origin = p->origin, .rest = { text, len } };
	struct piece name, value;
	int ret;

	while ((ret = text_lines_next(&lines, &name, &value, p->err)) > 0) {
		p->line = lines.line;
		ret = set_key(p, name, value);
		if (ret)
			break;
	}
	return ret;
}

static int check_needed(struct parser *p)
{
	for (size_t i = 0; i < NR_KEYS; i++) {
		if ((keys[i].flags & KEY_NEEDED) && !(p->seen[0] >> i & 1))
			return err_set(p->err, EINVAL,
				       "theme %s: no line \"%s = ...\", which every theme needs; see "
				       "docs/themes.md",
				       p->origin, keys[i].name);
	}
	return 0;
}

/* ---- what a theme leaves out ---- */

static void derive_rich(struct parser *p)
{
	struct theme_colors *rich = &p->theme->rich;
	color text_bg = rich->roles[THEME_TEXT].bg;

	if (text_bg == COLOR_NONE)
		text_bg = COLOR_DEFAULT;
	for (unsigned role = 0; role < THEME_NR_ROLES; role++) {
		if (!was_seen(p, false, set_role, role))
			rich->roles[role] = rich->roles[THEME_TEXT];
		if (rich->roles[role].bg == COLOR_NONE)
			rich->roles[role].bg = text_bg;
	}
	if (!was_seen(p, false, set_ground, 0))
		p->theme->ground = color_rgb(text_bg, 0x000000);
}

static struct style basic_style(struct style style)
{
	style.fg = color_at_depth(style.fg, COLOR_DEPTH_16);
	style.bg = color_at_depth(style.bg, COLOR_DEPTH_16);
	/* Two near colours may fall together. */
	if (style.fg == style.bg && style.fg != COLOR_DEFAULT)
		style.fg = style.bg == COLOR_ANSI(0) || style.bg == COLOR_ANSI(8) ? COLOR_ANSI(15) : COLOR_ANSI(0);
	return style;
}

/* The stops' nearest of the 16, each once. */
static void derive_basic_ramp(struct theme *theme)
{
	struct theme_colors *basic = &theme->basic;

	basic->nr_stops = 0;
	for (size_t i = 0; i < theme->rich.nr_stops; i++) {
		color c = color_at_depth(theme->rich.stops[i], COLOR_DEPTH_16);

		if (basic->nr_stops == 0 || basic->stops[basic->nr_stops - 1] != c)
			basic->stops[basic->nr_stops++] = c;
	}
}

static void derive_basic_roles(struct parser *p)
{
	struct theme_colors *basic = &p->theme->basic;
	color text_bg;

	for (unsigned role = 0; role < THEME_NR_ROLES; role++) {
		if (!was_seen(p, true, set_role, role))
			basic->roles[role] = basic_style(p->theme->rich.roles[role]);
	}
	text_bg = basic->roles[THEME_TEXT].bg == COLOR_NONE ? COLOR_DEFAULT : basic->roles[THEME_TEXT].bg;
	for (unsigned role = 0; role < THEME_NR_ROLES; role++) {
		if (basic->roles[role].bg == COLOR_NONE)
			basic->roles[role].bg = text_bg;
	}
}

static void derive_basic(struct parser *p)
{
	struct theme *theme = p->theme;

	derive_basic_roles(p);
	if (!was_seen(p, true, set_ramp, 0))
		derive_basic_ramp(theme);
	if (!was_seen(p, true, set_mixed, 0))
		theme->basic.mixed = color_at_depth(theme->rich.mixed, COLOR_DEPTH_16);
	if (!was_seen(p, true, set_hues, 0)) {
		theme->basic.nr_hues = theme->rich.nr_hues;
		for (size_t i = 0; i < theme->rich.nr_hues; i++)
			theme->basic.hues[i] = color_at_depth(theme->rich.hues[i], COLOR_DEPTH_16);
	}
}

/* ---- tables ---- */

/* The palette in OKLab: colours of a whole ramp are matched as the eye does, once, when the theme is read. */
struct palette {
	struct oklab lab[PALETTE_LAST + 1];
};

static void palette_init(struct palette *palette)
{
	for (unsigned i = PALETTE_FIRST; i <= PALETTE_LAST; i++)
		palette->lab[i] = oklab_of_rgb(color_palette_rgb(i));
}

static double lab_distance(struct oklab p, struct oklab q)
{
	return (p.l - q.l) * (p.l - q.l) + (p.a - q.a) * (p.a - q.a) + (p.b - q.b) * (p.b - q.b);
}

static color palette_nearest(const struct palette *palette, struct oklab lab)
{
	unsigned best = PALETTE_FIRST;

	for (unsigned i = PALETTE_FIRST; i <= PALETTE_LAST; i++) {
		if (lab_distance(lab, palette->lab[i]) < lab_distance(lab, palette->lab[best]))
			best = i;
	}
	return color_palette_rgb(best);
}

static bool ramp_is_rgb(const struct theme_colors *colors)
{
	for (size_t i = 0; i < colors->nr_stops; i++) {
		if (!COLOR_IS_RGB(colors->stops[i]))
			return false;
	}
	return true;
}

static void fill_heat(struct theme *theme, const struct palette *palette)
{
	const struct theme_colors *colors = &theme->rich;
	bool is_rgb = ramp_is_rgb(colors);

	for (unsigned level = 0; level < THEME_HEAT_LEVELS; level++) {
		double at = (double)level / (THEME_HEAT_LEVELS - 1) * (double)(colors->nr_stops - 1);
		size_t stop = (size_t)at < colors->nr_stops - 1 ? (size_t)at : colors->nr_stops - 2;
		struct oklab lab;

		if (!is_rgb) { /* The terminal's own colours cannot be mixed: the nearest stop. */
			theme->heat[0][level] = theme->heat[1][level] = colors->stops[(size_t)(at + 0.5)];
			continue;
		}
		lab = oklab_mix(oklab_of_rgb(colors->stops[stop]), oklab_of_rgb(colors->stops[stop + 1]),
				at - (double)stop);
		theme->heat[1][level] = oklab_rgb(lab);
		theme->heat[0][level] = palette_nearest(palette, lab);
	}
}

static void fill_hue_row(struct theme *theme, const struct palette *palette, unsigned row, struct oklab hue)
{
	struct oklab ground = oklab_of_rgb(theme->ground);

	for (unsigned level = 0; level < THEME_HUE_LEVELS; level++) {
		double value = (double)level / (THEME_HUE_LEVELS - 1);
		struct oklab lab = oklab_mix(ground, hue, COLD_SHARE + (1 - COLD_SHARE) * value);

		theme->hue[1][row][level] = oklab_rgb(lab);
		theme->hue[0][row][level] = palette_nearest(palette, lab);
	}
}

/* One of the 16 has three brightnesses: grey where cold, then its normal and its bright form. */
static void fill_ansi_hue_row(struct theme *theme, unsigned row, color hue)
{
	for (unsigned level = 0; level < THEME_HUE_LEVELS; level++) {
		color c = COLOR_ANSI(hue | 8);

		if (level < THEME_HUE_LEVELS / 8)
			c = COLOR_ANSI(8);
		else if (level < THEME_HUE_LEVELS / 2)
			c = COLOR_ANSI(hue & 7);
		theme->hue[0][row][level] = theme->hue[1][row][level] = c;
	}
}

static void fill_hues(struct theme *theme, const struct palette *palette)
{
	const struct theme_colors *colors = &theme->rich;
	struct oklab mixed = oklab_of_rgb(color_rgb(colors->mixed, 0));

	for (unsigned i = 0; i < colors->nr_hues; i++) {
		struct oklab hue = oklab_of_rgb(color_rgb(colors->hues[i], 0));

		if (COLOR_IS_ANSI(colors->hues[i])) {
			fill_ansi_hue_row(theme, i, colors->hues[i]);
			fill_ansi_hue_row(theme, THEME_NR_HUES + i, colors->mixed);
			continue;
		}
		fill_hue_row(theme, palette, i, hue);
		fill_hue_row(theme, palette, THEME_NR_HUES + i, oklab_mix(hue, mixed, 0.5));
	}
	if (COLOR_IS_ANSI(colors->mixed))
		fill_ansi_hue_row(theme, THEME_HUE_ROWS - 1, colors->mixed);
	else
		fill_hue_row(theme, palette, THEME_HUE_ROWS - 1, mixed);
}

static void set_name(struct theme *theme, const char *name)
{
	size_t len = strlen(name), suffix = strlen(".theme");

	if (len > suffix && strcmp(name + len - suffix, ".theme") == 0)
		len -= suffix;
	text_clean(theme->name, sizeof(theme->name), name, len);
}

int theme_parse(struct theme *theme, const char *name, const char *text, size_t len, const char *origin,
		struct err *err)
{
	struct parser p = { .theme = theme, .origin = origin, .err = err };
	struct palette palette;
	int ret;

	*theme = (struct theme){ 0 };
	set_name(theme, name);
	ret = parse_lines(&p, text, len);
	if (ret == 0)
		ret = check_needed(&p);
	if (ret)
		return ret;
	derive_rich(&p);
	derive_basic(&p);
	palette_init(&palette);
	fill_heat(theme, &palette);
	fill_hues(theme, &palette);
	return 0;
}
