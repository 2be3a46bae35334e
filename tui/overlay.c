/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/overlay.h"

#include <stdio.h>
#include <string.h>

#include "tui/color.h"

#define MIXED_FROM 32 /* in 1/255: a second node or kind with less than an eighth is not worth a colour */

/* Heat */

static color heat_color(const struct overlay_brush *brush, const struct view_cell *cell, double value)
{
	(void)cell;
	return theme_heat(brush->theme, &brush->look, value);
}

/* NUMA node */

static color node_color(const struct overlay_brush *brush, const struct view_cell *cell, double value)
{
	double both = cell->node_share[0] + cell->node_share[1];

	if (cell->node_share[1] < MIXED_FROM)
		return theme_hue(brush->theme, &brush->look, cell->node[0], value);
	return theme_hue_mix(brush->theme, &brush->look, cell->node[0], cell->node[1], cell->node_share[1] / both,
			     value);
}

static uint32_t node_letter(const struct view_cell *cell)
{
	if (cell->node_share[1] >= MIXED_FROM)
		return 'm';
	return cell->node[0] < 10 ? '0' + cell->node[0] : '+';
}

static size_t node_legend(const struct overlay_brush *brush, struct overlay_item items[OVERLAY_NR_ITEMS],
			  uint32_t seen_nodes)
{
	size_t n = 0;
	unsigned node, first = 0, second = 1, nr = 0;

	for (node = 0; node < 32; node++) {
		if (!(seen_nodes >> node & 1))
			continue;
		if (nr++ == 0)
			first = node;
		else if (nr == 2)
			second = node;
		if (n == OVERLAY_NR_ITEMS - 2)
			continue;
		snprintf(items[n].text, sizeof(items[n].text), "node %u", node);
		items[n].letter = node < 10 ? '0' + node : '+';
		items[n++].color = theme_hue(brush->theme, &brush->look, node, 1);
	}
	if (nr > 1) {
		strcpy(items[n].text, "mixed");
		items[n].letter = 'm';
		items[n++].color = theme_hue_mix(brush->theme, &brush->look, first, second, 0.5, 1);
	}
	return n;
}

/* Two things that a cell holds in shares: hue 0, hue 1, or between. */

static bool is_mixed(uint8_t share)
{
	return share >= MIXED_FROM && share <= 255 - MIXED_FROM;
}

/* share: of the first, in 1/255. */
static color pair_color(const struct overlay_brush *brush, uint8_t share, double value)
{
	if (!is_mixed(share))
		return theme_hue(brush->theme, &brush->look, share < 128 ? 1 : 0, value);
	return theme_hue_mix(brush->theme, &brush->look, 0, 1, 1 - share / 255.0, value);
}

static uint32_t pair_letter(uint8_t share, const char letters[3])
{
	return (uint32_t)letters[is_mixed(share) ? 2 : share < 128];
}

static size_t pair_legend(const struct overlay_brush *brush, struct overlay_item items[OVERLAY_NR_ITEMS],
			  const char *first, const char *second, const char letters[3])
{
	const char *texts[] = { first, second, "both" };
	static const uint8_t shares[] = { 255, 0, 128 };
	size_t i;

	for (i = 0; i < 3; i++) {
		snprintf(items[i].text, sizeof(items[i].text), "%s", texts[i]);
		items[i].color = pair_color(brush, shares[i], 1);
		items[i].letter = (uint32_t)letters[i];
	}
	return 3;
}

/* Anon or file */

static color kind_color(const struct overlay_brush *brush, const struct view_cell *cell, double value)
{
	return pair_color(brush, cell->anon_share, value);
}

static uint32_t kind_letter(const struct view_cell *cell)
{
	return pair_letter(cell->anon_share, "afx");
}

static size_t kind_legend(const struct overlay_brush *brush, struct overlay_item items[OVERLAY_NR_ITEMS],
			  uint32_t seen_nodes)
{
	(void)seen_nodes;
	return pair_legend(brush, items, "anon", "file", "afx");
}

/* Reads or writes */

static color op_color(const struct overlay_brush *brush, const struct view_cell *cell, double value)
{
	return pair_color(brush, cell->read_share, value);
}

static uint32_t op_letter(const struct view_cell *cell)
{
	return pair_letter(cell->read_share, "rwb");
}

static size_t op_legend(const struct overlay_brush *brush, struct overlay_item items[OVERLAY_NR_ITEMS],
			uint32_t seen_nodes)
{
	(void)seen_nodes;
	return pair_legend(brush, items, "read", "write", "rwb");
}

/* Huge pages */

static color huge_color(const struct overlay_brush *brush, const struct view_cell *cell, double value)
{
	return pair_color(brush, cell->huge_share, value);
}

static uint32_t huge_letter(const struct view_cell *cell)
{
	return pair_letter(cell->huge_share, "hsb");
}

static size_t huge_legend(const struct overlay_brush *brush, struct overlay_item items[OVERLAY_NR_ITEMS],
			  uint32_t seen_nodes)
{
	(void)seen_nodes;
	return pair_legend(brush, items, "huge pages", "4K pages", "hsb");
}

/* Classes of a number: a hue each */

struct rating {
	float from;
	char letter;
	const char *text;
};

static unsigned rating_of(const struct rating *classes, size_t nr, float value)
{
	unsigned i = (unsigned)nr - 1;

	while (i && value < classes[i].from)
		i--;
	return i;
}

static size_t classes_legend(const struct overlay_brush *brush, struct overlay_item items[OVERLAY_NR_ITEMS],
			     const struct rating *classes, size_t nr)
{
	size_t i;

	for (i = 0; i < nr && i < OVERLAY_NR_ITEMS; i++) {
		snprintf(items[i].text, sizeof(items[i].text), "%s", classes[i].text);
		items[i].letter = (uint32_t)classes[i].letter;
		items[i].color = theme_hue(brush->theme, &brush->look, (unsigned)i, 1);
	}
	return i;
}

/* Age: how long the cell has been at about this heat, in seconds */

static const struct rating ages[] = {
	{ 0, 'n', "< 10 s" },
	{ 10, 's', "> 10 s" },
	{ 60, 'm', "> 1 min" },
	{ 600, 'l', "> 10 min" },
};
#define NR_AGES (sizeof(ages) / sizeof(*ages))

static color age_color(const struct overlay_brush *brush, const struct view_cell *cell, double value)
{
	return theme_hue(brush->theme, &brush->look, rating_of(ages, NR_AGES, cell->age_s), value);
}

static uint32_t age_letter(const struct view_cell *cell)
{
	return (uint32_t)ages[rating_of(ages, NR_AGES, cell->age_s)].letter;
}

static size_t age_legend(const struct overlay_brush *brush, struct overlay_item items[OVERLAY_NR_ITEMS],
			 uint32_t seen_nodes)
{
	(void)seen_nodes;
	return classes_legend(brush, items, ages, NR_AGES);
}

/* Latency: about what a cache near the core, one farther off, memory, and memory of another node take, in cycles */

static const struct rating latencies[] = {
	{ 0, 'n', "< 30 cycles" },
	{ 30, 'f', "30 – 100" },
	{ 100, 'm', "100 – 300" },
	{ 300, 'r', "> 300" },
};
#define NR_LATENCIES (sizeof(latencies) / sizeof(*latencies))

static color latency_color(const struct overlay_brush *brush, const struct view_cell *cell, double value)
{
	return theme_hue(brush->theme, &brush->look, rating_of(latencies, NR_LATENCIES, cell->latency), value);
}

static uint32_t latency_letter(const struct view_cell *cell)
{
	return (uint32_t)latencies[rating_of(latencies, NR_LATENCIES, cell->latency)].letter;
}

static size_t latency_legend(const struct overlay_brush *brush, struct overlay_item items[OVERLAY_NR_ITEMS],
			     uint32_t seen_nodes)
{
	(void)seen_nodes;
	return classes_legend(brush, items, latencies, NR_LATENCIES);
}

/* What kind of mapping; from is not used */

static const struct rating whats[AXIS_NR_WHATS] = {
	[AXIS_HEAP] = { 0, 'h', "heap" },     [AXIS_STACK] = { 0, 's', "stack" }, [AXIS_ANON] = { 0, 'a', "anon" },
	[AXIS_SHARED] = { 0, 'm', "shared" }, [AXIS_CODE] = { 0, 'x', "code" },	  [AXIS_FILE] = { 0, 'f', "file" },
};

static color mapping_color(const struct overlay_brush *brush, const struct view_cell *cell, double value)
{
	return theme_hue(brush->theme, &brush->look, cell->what, value);
}

static uint32_t mapping_letter(const struct view_cell *cell)
{
	return (uint32_t)whats[cell->what].letter;
}

static size_t mapping_legend(const struct overlay_brush *brush, struct overlay_item items[OVERLAY_NR_ITEMS],
			     uint32_t seen_nodes)
{
	(void)seen_nodes;
	return classes_legend(brush, items, whats, AXIS_NR_WHATS);
}

const struct overlay overlay_table[] = {
	{ "heat", "Heat", "how much each place is accessed", VIEW_HEAT, heat_color, NULL, NULL, NULL },
	{ "node", "NUMA node", "hue: the node that the memory is on; brightness: heat", VIEW_NODE, node_color,
	  node_letter, node_legend, NULL },
	{ "kind", "Anon/file", "hue: anonymous memory or a file's; brightness: heat", VIEW_KIND, kind_color,
	  kind_letter, kind_legend, NULL },
	{ "age", "Age", "hue: for how long it has been as hot as it is; brightness: heat", VIEW_HEAT, age_color,
	  age_letter, age_legend, NULL },
	{ "rw", "Read/write", "hue: read or written; brightness: heat", VIEW_OP, op_color, op_letter, op_legend,
	  "perf, clock and soft_dirty tell it" },
	{ "latency", "Latency", "hue: cycles that an access takes in the mean; brightness: heat", VIEW_LATENCY,
	  latency_color, latency_letter, latency_legend, "only perf tells it, with PEBS or IBS" },
	{ "huge", "Huge pages", "hue: backed by huge pages or not; brightness: heat", VIEW_HUGE, huge_color,
	  huge_letter, huge_legend, NULL },
	{ "mapping", "Mapping", "hue: heap, stack, anonymous, shared, code, file; brightness: heat", VIEW_MAPPING,
	  mapping_color, mapping_letter, mapping_legend, NULL },
};
const size_t overlay_nr = sizeof(overlay_table) / sizeof(*overlay_table);

const struct overlay *overlay_find(const char *name)
{
	size_t i;

	for (i = 0; i < overlay_nr; i++)
		if (!strcmp(name, overlay_table[i].name))
			return &overlay_table[i];
	return NULL;
}

void overlay_brush_init(struct overlay_brush *brush, const struct theme *theme, struct look look)
{
	struct oklab ground = oklab_of_rgb(theme->ground);
	struct oklab grey = oklab_of_rgb(color_rgb(theme->rich.roles[THEME_DIM].fg, 0x808080));
	unsigned i;

	brush->theme = theme;
	brush->look = look;
	grey.a = grey.b = 0;
	for (i = 0; i < 16; i++)
		brush->unknown[i] =
			look.depth < COLOR_DEPTH_256
				? theme_style(theme, &look, THEME_UNKNOWN).fg
				: color_at_depth(oklab_rgb(oklab_mix(ground, grey, 0.15 + 0.85 * i / 15)), look.depth);
}

/* Glyphs begin with a dot for "seen and cold": a blank is for "nothing known". */
static double glyph_value(const struct look *look, double value)
{
	double first = look->ascii ? 1.0 / 9 : 1.0 / 5;

	return value > 0 ? first + (1 - first) * value : 1e-6;
}

/* Heat of a letter: dim, plain, bold, bold and reverse. */
static uint8_t letter_attr(double value)
{
	static const uint8_t attrs[] = { CELL_DIM, 0, CELL_BOLD, CELL_BOLD | CELL_REVERSE };

	return attrs[value <= 0 ? 0 : value < 0.4 ? 1 : value < 0.75 ? 2 : 3];
}

struct overlay_paint overlay_paint(const struct overlay *overlay, const struct overlay_brush *brush,
				   const struct view_cell *cell, double value)
{
	bool known = (cell->valid & overlay->needs) == overlay->needs;
	struct overlay_paint paint = { 0 };

	if (known)
		paint.color = overlay->color(brush, cell, value);
	else
		paint.color = brush->unknown[(unsigned)(value * 15 + 0.5)];
	if (brush->look.depth >= COLOR_DEPTH_256 && !brush->look.ascii)
		return paint;
	paint.ch = theme_glyph(&brush->look, glyph_value(&brush->look, value));
	if (brush->look.depth == COLOR_DEPTH_MONO && overlay->letter) {
		/* where there was no access there is nothing that a source could have told of it */
		bool told = known || !(overlay->needs & (VIEW_OP | VIEW_LATENCY)) || cell->heat > 0;

		if (told)
			paint.ch = known ? overlay->letter(cell) : '?';
		paint.attr = letter_attr(value);
	}
	return paint;
}
