/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tui/overlay.h"

static struct theme theme;

static struct overlay_brush brush_of(enum color_depth depth, bool ascii)
{
	struct overlay_brush brush;
	struct look look = { depth, ascii };
	struct err err = ERR_NONE;

	assert_int_equal(theme_load(&theme, THEME_DEFAULT, &err), 0);
	overlay_brush_init(&brush, &theme, look);
	return brush;
}

static struct view_cell cell_on(uint8_t node, uint8_t other, uint8_t share)
{
	return (struct view_cell){
		.valid = VIEW_HEAT | VIEW_NODE,
		.node = { node, other },
		.node_share = { (uint8_t)(255 - share), share },
	};
}

static void test_table(void **state)
{
	size_t i;

	(void)state;
	assert_string_equal(overlay_table[0].name, "heat");
	for (i = 0; i < overlay_nr; i++) {
		assert_ptr_equal(overlay_find(overlay_table[i].name), &overlay_table[i]);
		assert_non_null(overlay_table[i].color);
		assert_true(overlay_table[i].needs & VIEW_HEAT || i);
	}
	assert_null(overlay_find("no such"));
	assert_null(overlay_find(""));
}

/* Hue says the node, brightness the heat: two nodes never look alike, and hot is brighter than cold. */
static void test_nodes_differ_at_every_brightness(void **state)
{
	struct overlay_brush brush = brush_of(COLOR_DEPTH_TRUE, false);
	const struct overlay *node = overlay_find("node");
	struct view_cell a = cell_on(0, 0, 0), b = cell_on(1, 0, 0), mixed = cell_on(0, 1, 127);
	double v, before = -1;

	(void)state;
	for (v = 0; v <= 1; v += 0.1) {
		struct overlay_paint pa = overlay_paint(node, &brush, &a, v);
		struct overlay_paint pb = overlay_paint(node, &brush, &b, v);
		struct overlay_paint pm = overlay_paint(node, &brush, &mixed, v);

		assert_true(pa.color != pb.color && pa.color != pm.color && pb.color != pm.color);
		assert_true(oklab_of_rgb(pa.color).l >= before);
		before = oklab_of_rgb(pa.color).l;
	}
}

static void test_letters_without_colours(void **state)
{
	struct overlay_brush brush = brush_of(COLOR_DEPTH_MONO, true);
	const struct overlay *node = overlay_find("node"), *kind = overlay_find("kind");
	struct view_cell cell = cell_on(3, 0, 0);

	(void)state;
	assert_int_equal(overlay_paint(node, &brush, &cell, 0.5).ch, '3');
	cell = cell_on(0, 1, 100);
	assert_int_equal(overlay_paint(node, &brush, &cell, 0.5).ch, 'm');
	cell = cell_on(12, 0, 0);
	assert_int_equal(overlay_paint(node, &brush, &cell, 0.5).ch, '+');
	/* the kind is not known: it says so */
	assert_int_equal(overlay_paint(kind, &brush, &cell, 0.5).ch, '?');
	cell.valid |= VIEW_KIND;
	cell.anon_share = 255;
	assert_int_equal(overlay_paint(kind, &brush, &cell, 0.5).ch, 'a');
	cell.anon_share = 0;
	assert_int_equal(overlay_paint(kind, &brush, &cell, 0.5).ch, 'f');
	cell.anon_share = 128;
	assert_int_equal(overlay_paint(kind, &brush, &cell, 0.5).ch, 'x');
}

static void test_read_write_latency_and_mapping(void **state)
{
	struct overlay_brush brush = brush_of(COLOR_DEPTH_MONO, true);
	const struct overlay *rw = overlay_find("rw"), *latency = overlay_find("latency");
	struct view_cell cell = { .valid = VIEW_HEAT | VIEW_OP | VIEW_LATENCY | VIEW_MAPPING, .heat = 1 };

	(void)state;
	assert_int_equal(overlay_paint(rw, &brush, &cell, 0.5).ch, 'w');
	cell.read_share = 255;
	assert_int_equal(overlay_paint(rw, &brush, &cell, 0.5).ch, 'r');
	cell.read_share = 120;
	assert_int_equal(overlay_paint(rw, &brush, &cell, 0.5).ch, 'b');
	cell.latency = 29;
	assert_int_equal(overlay_paint(latency, &brush, &cell, 0.5).ch, 'n');
	cell.latency = 300;
	assert_int_equal(overlay_paint(latency, &brush, &cell, 0.5).ch, 'r');
	cell.what = AXIS_FILE;
	assert_int_equal(overlay_paint(overlay_find("mapping"), &brush, &cell, 0.5).ch, 'f');
	assert_int_equal(overlay_paint(overlay_find("huge"), &brush, &cell, 0.5).ch, '?');
	/* accessed, and the source does not tell: unknown. Not accessed: there is nothing to tell */
	cell.valid = VIEW_HEAT;
	assert_int_equal(overlay_paint(rw, &brush, &cell, 0.5).ch, '?');
	cell.heat = 0;
	assert_int_not_equal(overlay_paint(rw, &brush, &cell, 0).ch, '?');
}

/* Seen and cold is a mark of its own: a blank is for what is not known. */
static void test_cold_is_not_blank(void **state)
{
	static const struct look looks[] = { { COLOR_DEPTH_MONO, true },
					     { COLOR_DEPTH_MONO, false },
					     { COLOR_DEPTH_16, true },
					     { COLOR_DEPTH_16, false } };
	struct view_cell cell = { .valid = VIEW_HEAT };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(looks) / sizeof(*looks); i++) {
		struct overlay_brush brush = brush_of(looks[i].depth, looks[i].ascii);
		uint32_t cold = overlay_paint(&overlay_table[0], &brush, &cell, 0).ch;

		assert_true(cold != ' ' && cold != 0);
		assert_true(overlay_paint(&overlay_table[0], &brush, &cell, 0.08).ch != cold);
	}
}

static void test_legend_names_the_nodes_on_the_screen(void **state)
{
	struct overlay_brush brush = brush_of(COLOR_DEPTH_TRUE, false);
	struct overlay_item items[OVERLAY_NR_ITEMS];
	const struct overlay *node = overlay_find("node");

	(void)state;
	assert_int_equal(node->legend(&brush, items, 0), 0);
	assert_int_equal(node->legend(&brush, items, 1u << 2), 1);
	assert_string_equal(items[0].text, "node 2");
	assert_int_equal(node->legend(&brush, items, 3), 3);
	assert_string_equal(items[2].text, "mixed");
	assert_true(node->legend(&brush, items, UINT32_MAX) <= OVERLAY_NR_ITEMS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_nodes_differ_at_every_brightness),
		cmocka_unit_test(test_letters_without_colours),
		cmocka_unit_test(test_read_write_latency_and_mapping),
		cmocka_unit_test(test_cold_is_not_blank),
		cmocka_unit_test(test_legend_names_the_nodes_on_the_screen),
	};

	return cmocka_run_group_tests_name("overlay", tests, NULL, NULL);
}
