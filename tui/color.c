/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/color.h"

#include <math.h>
#include <string.h>

#include "tui/term.h"

/* xterm's 16; terminals differ, so RGB is mapped to them only where nothing else is there. */
static const uint32_t ansi_rgb[16] = {
	0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
	0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff,
};

static const uint8_t cube_levels[6] = { 0, 95, 135, 175, 215, 255 };

#define CUBE_FIRST 16u
#define GREY_FIRST 232u
#define NR_GREYS   24u

static int red(uint32_t rgb)
{
	return (int)(rgb >> 16 & 255);
}

static int green(uint32_t rgb)
{
	return (int)(rgb >> 8 & 255);
}

static int blue(uint32_t rgb)
{
	return (int)(rgb & 255);
}

uint32_t color_palette_rgb(unsigned i)
{
	i &= 255;
	if (i < CUBE_FIRST)
		return ansi_rgb[i];
	if (i >= GREY_FIRST) {
		uint32_t level = 8 + 10 * (i - GREY_FIRST);

		return COLOR_RGB(level, level, level);
	}
	i -= CUBE_FIRST;
	return COLOR_RGB(cube_levels[i / 36], cube_levels[i / 6 % 6], cube_levels[i % 6]);
}

/* Squared distance with the weights of the "redmean" approximation: near to the eye's, without a root or a power. */
static long distance(uint32_t p, uint32_t q)
{
	long mean = (red(p) + red(q)) / 2, dr = red(p) - red(q), dg = green(p) - green(q), db = blue(p) - blue(q);

	return (((512 + mean) * dr * dr) >> 8) + 4 * dg * dg + (((767 - mean) * db * db) >> 8);
}

static unsigned nearest_level(int value)
{
	/* Halfway between the levels: 48, 115, 155, 195, 235. */
	return value < 48 ? 0 : value < 115 ? 1 : (unsigned)(value - 35) / 40;
}

static unsigned nearest_grey(uint32_t rgb)
{
	int mean = (red(rgb) + green(rgb) + blue(rgb)) / 3;

	return mean < 13 ? 0 : mean >= 233 ? NR_GREYS - 1 : (unsigned)(mean - 3) / 10;
}

static unsigned nearest_256(uint32_t rgb)
{
	unsigned cube =
		CUBE_FIRST + 36 * nearest_level(red(rgb)) + 6 * nearest_level(green(rgb)) + nearest_level(blue(rgb));
	unsigned grey = GREY_FIRST + nearest_grey(rgb);

	return distance(rgb, color_palette_rgb(grey)) < distance(rgb, color_palette_rgb(cube)) ? grey : cube;
}

static unsigned nearest_16(uint32_t rgb)
{
	unsigned best = 0;

	for (unsigned i = 1; i < 16; i++) {
		if (distance(rgb, ansi_rgb[i]) < distance(rgb, ansi_rgb[best]))
			best = i;
	}
	return best;
}

int color_index_256(color c)
{
	if (COLOR_IS_ANSI(c))
		return (int)(c & 15);
	return COLOR_IS_RGB(c) ? (int)nearest_256(c) : -1;
}

int color_index_16(color c)
{
	if (COLOR_IS_ANSI(c))
		return (int)(c & 15);
	return COLOR_IS_RGB(c) ? (int)nearest_16(c) : -1;
}

color color_at_depth(color c, enum color_depth depth)
{
	if (depth == COLOR_DEPTH_MONO)
		return COLOR_DEFAULT;
	if (!COLOR_IS_RGB(c) || depth == COLOR_DEPTH_TRUE)
		return c;
	return depth == COLOR_DEPTH_256 ? color_palette_rgb(nearest_256(c)) : COLOR_ANSI(nearest_16(c));
}

uint32_t color_rgb(color c, uint32_t fallback)
{
	if (COLOR_IS_ANSI(c))
		return ansi_rgb[c & 15];
	return COLOR_IS_RGB(c) ? c : fallback;
}

/* ---- OKLab: the matrices are those of its definition (bottosson.github.io/posts/oklab) ---- */

static double linear_of_srgb(int value)
{
	double v = value / 255.0;

	return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static unsigned srgb_of_linear(double v)
{
	v = v <= 0.0031308 ? v * 12.92 : 1.055 * pow(v, 1 / 2.4) - 0.055;
	return v <= 0 ? 0 : v >= 1 ? 255 : (unsigned)(v * 255 + 0.5);
}

struct oklab oklab_of_rgb(uint32_t rgb)
{
	double r = linear_of_srgb(red(rgb)), g = linear_of_srgb(green(rgb)), b = linear_of_srgb(blue(rgb));
	double l = cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
	double m = cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
	double s = cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);

	return (struct oklab){
		.l = 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
		.a = 1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
		.b = 0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s,
	};
}

uint32_t oklab_rgb(struct oklab lab)
{
	double l = lab.l + 0.3963377774 * lab.a + 0.2158037573 * lab.b;
	double m = lab.l - 0.1055613458 * lab.a - 0.0638541728 * lab.b;
	double s = lab.l - 0.0894841775 * lab.a - 1.2914855480 * lab.b;

	l = l * l * l;
	m = m * m * m;
	s = s * s * s;
	return COLOR_RGB(srgb_of_linear(+4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
			 srgb_of_linear(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
			 srgb_of_linear(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s));
}

struct oklab oklab_mix(struct oklab from, struct oklab to, double share)
{
	return (struct oklab){
		.l = from.l + (to.l - from.l) * share,
		.a = from.a + (to.a - from.a) * share,
		.b = from.b + (to.b - from.b) * share,
	};
}

/* ---- the depth that the environment promises ---- */

static bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool ends_with(const char *s, const char *suffix)
{
	size_t len = strlen(s), n = strlen(suffix);

	return len >= n && strcmp(s + len - n, suffix) == 0;
}

/*
 * COLORTERM is inherited by whatever runs inside: GNU screen (TERM=screen...) and the Linux console do not draw
 * 24-bit colours, whatever the terminal around them does.
 */
static bool colorterm_holds(const char *term, const char *colorterm)
{
	if (starts_with(term, "screen") || starts_with(term, "linux"))
		return false;
	return colorterm && (strcmp(colorterm, "truecolor") == 0 || strcmp(colorterm, "24bit") == 0);
}

static enum color_depth depth_of_name(const char *term)
{
	static const char *const with_16[] = { "xterm", "screen", "tmux", "linux", "rxvt", "konsole", "vte", "cygwin" };

	if (strstr(term, "256color"))
		return COLOR_DEPTH_256;
	for (size_t i = 0; i < sizeof(with_16) / sizeof(*with_16); i++) {
		if (starts_with(term, with_16[i]) && !strstr(term, "-mono"))
			return COLOR_DEPTH_16;
	}
	return strstr(term, "color") ? COLOR_DEPTH_16 : COLOR_DEPTH_MONO;
}

static enum color_depth depth_of_terminal(const char *term, const char *colorterm, int terminfo_colors)
{
	bool is_known = terminfo_colors >= 0;

	if (!term || !*term || strcmp(term, "dumb") == 0 || strcmp(term, "unknown") == 0)
		return COLOR_DEPTH_MONO;
	if (is_known && terminfo_colors < 8)
		return COLOR_DEPTH_MONO;
	if (terminfo_colors >= 1 << 24 || ends_with(term, "-direct") || colorterm_holds(term, colorterm))
		return COLOR_DEPTH_TRUE;
	if (is_known)
		return terminfo_colors >= 256 ? COLOR_DEPTH_256 : COLOR_DEPTH_16;
	return depth_of_name(term);
}

enum color_depth term_depth_of_env(enum color_mode mode, const char *term, const char *colorterm, const char *no_color,
				   bool is_tty, int terminfo_colors)
{
	switch (mode) {
	case COLOR_MODE_NEVER:
		return COLOR_DEPTH_MONO;
	case COLOR_MODE_16:
		return COLOR_DEPTH_16;
	case COLOR_MODE_256:
		return COLOR_DEPTH_256;
	case COLOR_MODE_TRUE:
		return COLOR_DEPTH_TRUE;
	case COLOR_MODE_AUTO:
		break;
	}
	if (!is_tty || (no_color && *no_color))
		return COLOR_DEPTH_MONO;
	return depth_of_terminal(term, colorterm, terminfo_colors);
}
