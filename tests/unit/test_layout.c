/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tui/layout.h"

#define NR_PARTS 16

/* The parts that may not overlap: all but a message that lies over one of them. */
static void parts_of(const struct layout *l, struct rect parts[NR_PARTS])
{
	const struct layout_pane *a = &l->panes[0], *b = &l->panes[1];
	struct rect own = l->own_message ? l->message : (struct rect){ 0 };
	const struct rect all[NR_PARTS] = { l->header, l->times,   l->title,   l->cell,	  l->keys,   own,
					    a->names,  a->map,	   a->minimap, a->legend, a->source, b->names,
					    b->map,    b->minimap, b->legend,  b->source };
	int i;

	for (i = 0; i < NR_PARTS; i++)
		parts[i] = all[i];
}

static bool is_there(struct rect r)
{
	return r.rows > 0 && r.cols > 0;
}

static bool overlap(struct rect a, struct rect b)
{
	return is_there(a) && is_there(b) && a.row < b.row + b.rows && b.row < a.row + a.rows &&
	       a.col < b.col + b.cols && b.col < a.col + a.cols;
}

static void check_inside(struct rect r, int rows, int cols)
{
	assert_true(r.rows >= 0 && r.cols >= 0);
	if (is_there(r))
		assert_true(r.row >= 0 && r.col >= 0 && r.row + r.rows <= rows && r.col + r.cols <= cols);
}

static void check_size(int rows, int cols, bool inspector, unsigned nr_panes)
{
	struct layout l = layout_of(rows, cols, inspector, nr_panes);
	struct rect parts[NR_PARTS];
	int i, k;

	parts_of(&l, parts);
	for (i = 0; i < NR_PARTS; i++) {
		check_inside(parts[i], rows, cols);
		assert_false(overlap(parts[i], l.inspector));
		for (k = 0; k < i; k++)
			assert_false(overlap(parts[i], parts[k]));
	}
	check_inside(l.inspector, rows, cols);
	check_inside(l.message, rows, cols);
	assert_true(is_there(l.header) && is_there(l.message));
	if (rows > 1)
		assert_true(is_there(l.map));
	/* what stands beside the map is as high */
	if (is_there(l.names))
		assert_true(l.names.row == l.map.row && l.names.rows == l.map.rows);
	if (is_there(l.times))
		assert_true(l.times.col == l.map.col && l.times.cols == l.map.cols);
	assert_int_equal(is_there(l.inspector), inspector && cols >= LAYOUT_INSPECTOR_COLS && rows >= 10);
}

static void test_no_overlap_at_any_size(void **state)
{
	int rows, cols;

	(void)state;
	for (rows = 1; rows <= 200; rows++)
		for (cols = 1; cols <= 500; cols++) {
			check_size(rows, cols, true, 1);
			check_size(rows, cols, false, 1);
			check_size(rows, cols, true, 2);
			check_size(rows, cols, false, 2);
		}
}

static void test_no_size_at_all(void **state)
{
	struct layout l = layout_of(0, 0, true, 1);

	(void)state;
	assert_false(is_there(l.header));
	assert_false(is_there(l.map));
}

/* The same rows and columns in both, wherever there is room for two. */
static void test_two_panes(void **state)
{
	int rows, cols;

	(void)state;
	for (rows = 1; rows <= 100; rows++)
		for (cols = 1; cols <= 250; cols++) {
			struct layout l = layout_of(rows, cols, true, 2);
			struct layout_pane upper = l.panes[0], lower = l.panes[1];

			assert_int_equal(l.nr_panes, rows >= 13 ? 2 : 1);
			if (l.nr_panes == 1)
				continue;
			assert_true(upper.map.rows >= 3 && is_there(upper.source) && is_there(lower.source));
			assert_int_equal(upper.map.rows, lower.map.rows);
			assert_int_equal(upper.map.col, lower.map.col);
			assert_int_equal(upper.map.cols, lower.map.cols);
			assert_int_equal(upper.names.cols, lower.names.cols);
			assert_int_equal(upper.source.row, upper.map.row - 1);
			assert_int_equal(lower.source.row, upper.map.row + upper.map.rows);
			assert_int_equal(l.map.row, upper.map.row);
			layout_focus(&l, 1);
			assert_int_equal(l.map.row, lower.map.row);
			assert_int_equal(l.legend.row, lower.legend.row);
		}
}

/* At the usual size every part but the inspector is there, and the map has most of it. */
static void test_usual_size(void **state)
{
	struct layout l = layout_of(24, 80, true, 1);

	(void)state;
	assert_true(is_there(l.keys) && is_there(l.legend) && is_there(l.times) && is_there(l.cell));
	assert_true(l.addresses);
	assert_true(l.map.rows >= 18 && l.map.cols >= 50);
	l = layout_of(50, 200, true, 1);
	assert_true(is_there(l.inspector));
	assert_true(l.map.cols >= 110);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_overlap_at_any_size),
		cmocka_unit_test(test_no_size_at_all),
		cmocka_unit_test(test_two_panes),
		cmocka_unit_test(test_usual_size),
	};

	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
