/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/rng.h"
#include "tests/unit/screen_fixture.h"
#include "tui/view.h"

static const char two[] = "000001000000-000001010000 rw-p 00000000 00:00 0 [heap]\n"
			  "000002000000-000002010000 rw-p 00000000 00:00 0 [stack]\n";

struct fixture {
	struct mappings *maps;
	struct axis axis;
	struct history *history;
	struct view *view;
	struct view_options options;
};

static void setup(struct fixture *f, const char *text, unsigned nr_lines, unsigned nr_cols)
{
	struct axis_options options = { 0, AXIS_END, nr_lines, 1, AXIS_SHARE_ROOT, NULL };

	memset(f, 0, sizeof(*f));
	f->maps = fixture_maps(text);
	assert_int_equal(axis_build(&f->axis, f->maps, &options), 0);
	f->history = history_new(HISTORY_DEFAULT_BYTES);
	f->view = view_new();
	f->options = (struct view_options){ .nr_cols = nr_cols, .ticks_per_col = 1, .needs = VIEW_SUMMED };
}

static void teardown(struct fixture *f)
{
	view_free(f->view);
	history_free(f->history);
	axis_free(&f->axis);
	mappings_put(f->maps);
}

/* Pushes a snapshot of which region i has heat[i], and brings the view up to now. */
static struct snapshot *push(struct fixture *f, uint64_t seq, float heat0, float heat1)
{
	struct snapshot *snap = fixture_flat(f->maps, seq);

	snap->regions[0].heat = heat0;
	snap->regions[1].heat = heat1;
	history_push(f->history, snap);
	f->options.last_tick = history_tick(f->history, history_nr(f->history) - 1);
	return snap;
}

static void update(struct fixture *f)
{
	assert_int_equal(view_update(f->view, f->history, &f->axis, &f->options), 0);
}

static void test_newest_is_at_the_right_and_the_rest_unknown(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, two, 2, 4);
	update(&f);
	assert_int_equal(view_cell(f.view, 0, 3)->valid, 0);
	push(&f, 0, 0.5f, 0);
	push(&f, 1, 0.25f, 1);
	update(&f);
	assert_float_equal(view_cell(f.view, 0, 3)->heat, 0.25, 1e-6);
	assert_float_equal(view_cell(f.view, 0, 2)->heat, 0.5, 1e-6);
	assert_int_equal(view_cell(f.view, 0, 1)->valid, 0);
	/* seen and cold is not unknown */
	assert_int_equal(view_cell(f.view, axis_row_of(&f.axis, 0x2000000), 2)->valid & VIEW_HEAT, VIEW_HEAT);
	assert_float_equal(view_cell(f.view, axis_row_of(&f.axis, 0x2000000), 2)->heat, 0, 0);
	assert_int_equal(view_cell(f.view, 99, 3)->valid, 0);
	assert_int_equal(view_cell(f.view, 0, 99)->valid, 0);
	teardown(&f);
}

static void test_weights_by_overlap(void **state)
{
	struct fixture f;
	struct snapshot *snap;

	(void)state;
	setup(&f, two, 2, 4);
	snap = fixture_flat(f.maps, 0);
	/* a quarter of the heap at 1.0, the rest of it at 0.2, the stack unknown */
	snap->regions[0] = (struct snap_region){ .start = 0x1000000, .end = 0x1004000, .heat = 1, .nr_reports = 7 };
	snap->regions[1] = (struct snap_region){ .start = 0x1004000, .end = 0x1010000, .heat = 0.2f, .nr_reports = 3 };
	history_push(f.history, snap);
	f.axis.rows[0].start = 0x1000000;
	f.axis.rows[0].end = 0x1010000;
	update(&f);
	assert_float_equal(view_cell(f.view, 0, 3)->heat, 0.4, 1e-6);
	assert_float_equal(view_cell(f.view, 0, 3)->peak, 1, 1e-6);
	assert_int_equal(view_cell(f.view, 0, 3)->nr_reports, 10);
	assert_int_equal(view_cell(f.view, f.axis.nr_rows - 1, 3)->valid, 0);
	teardown(&f);
}

static void test_several_ticks_a_column(void **state)
{
	struct fixture f;
	uint64_t first, end, i;

	(void)state;
	setup(&f, two, 2, 3);
	f.options.ticks_per_col = 2;
	for (i = 0; i < 5; i++)
		push(&f, i, (float)i, 0);
	update(&f);
	/* columns of ticks 0-1, 2-3, 4 */
	assert_float_equal(view_cell(f.view, 0, 0)->heat, 0.5, 1e-6);
	assert_float_equal(view_cell(f.view, 0, 1)->heat, 2.5, 1e-6);
	assert_float_equal(view_cell(f.view, 0, 2)->heat, 4, 1e-6);
	assert_true(view_col_ticks(f.view, 1, &first, &end));
	assert_int_equal(first, 2);
	assert_int_equal(end, 4);
	push(&f, 5, 5, 0);
	update(&f);
	assert_float_equal(view_cell(f.view, 0, 2)->heat, 4.5, 1e-6);
	teardown(&f);
}

static void test_lost_snapshot_is_an_unknown_column(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, two, 2, 4);
	push(&f, 0, 1, 1);
	push(&f, 2, 1, 1);
	update(&f);
	assert_int_equal(view_cell(f.view, 0, 3)->valid, VIEW_HEAT | VIEW_MAPPING);
	assert_int_equal(view_cell(f.view, 0, 2)->valid, 0);
	assert_int_equal(view_cell(f.view, 0, 1)->valid, VIEW_HEAT | VIEW_MAPPING);
	teardown(&f);
}

/* A thinned history has no holes: the one that is kept stands for those that went. */
static void test_thinned_is_not_unknown(void **state)
{
	struct fixture f;
	struct snapshot *one;
	unsigned col;
	uint64_t i;

	(void)state;
	setup(&f, two, 2, 200);
	one = fixture_flat(f.maps, 0);
	history_free(f.history);
	f.history = history_new(20 * snapshot_sz(one) + mappings_sz(f.maps));
	snapshot_free(one);
	for (i = 0; i < 200; i++)
		push(&f, i, 1, 1);
	assert_int_equal(history_nr(f.history), 20);
	update(&f);
	for (col = 0; col < 200; col++)
		assert_int_equal(view_cell(f.view, 0, col)->valid, VIEW_HEAT | VIEW_MAPPING);
	teardown(&f);
}

static void test_makes_only_what_changed(void **state)
{
	struct fixture f;
	uint64_t i, made;

	(void)state;
	setup(&f, two, 2, 50);
	for (i = 0; i < 100; i++)
		push(&f, i, 1, 1);
	update(&f);
	made = view_nr_made(f.view);
	assert_int_equal(made, 50);
	update(&f);
	assert_int_equal(view_nr_made(f.view), made);
	push(&f, 100, 1, 1);
	update(&f);
	assert_int_equal(view_nr_made(f.view), made + 1);
	/* back in time: the columns that come in at the left */
	f.options.last_tick = 98;
	update(&f);
	assert_int_equal(view_nr_made(f.view), made + 3);
	f.axis.rows[0].end -= 4096;
	update(&f);
	assert_int_equal(view_nr_made(f.view), made + 53);
	/* what cells tell in any case is nothing new, what they have not told is */
	f.options.needs = VIEW_SUMMED | VIEW_HEAT;
	update(&f);
	assert_int_equal(view_nr_made(f.view), made + 53);
	f.options.needs = VIEW_NODE;
	update(&f);
	assert_int_equal(view_nr_made(f.view), made + 103);
	teardown(&f);
}

static void test_what_is_dropped_becomes_unknown(void **state)
{
	struct fixture f;
	uint64_t i;

	(void)state;
	setup(&f, two, 2, 4);
	for (i = 0; i < 4; i++)
		push(&f, i, 1, 1);
	update(&f);
	assert_int_equal(view_cell(f.view, 0, 0)->valid, VIEW_HEAT | VIEW_MAPPING);
	history_clear(f.history);
	update(&f);
	assert_int_equal(view_cell(f.view, 0, 0)->valid, 0);
	assert_int_equal(view_cell(f.view, 0, 3)->valid, 0);
	teardown(&f);
}

static void test_pages(void **state)
{
	struct fixture f;
	struct snapshot *snap;
	const struct view_cell *cell;

	(void)state;
	setup(&f, two, 2, 2);
	snap = push(&f, 0, 1, 0);
	snap->open.pages[0] = (struct snap_pages){
		.node_pages = { 12, 4 }, .node = { 3, 0 }, .anon = 4, .file = 12, .huge = 8, .valid = 7
	};
	update(&f);
	cell = view_cell(f.view, 0, 1);
	assert_int_equal(cell->valid, VIEW_HEAT | VIEW_MAPPING | VIEW_NODE | VIEW_KIND | VIEW_HUGE);
	assert_int_equal(cell->node[0], 3);
	assert_int_equal(cell->node[1], 0);
	assert_int_equal(cell->node_share[0], 191);
	assert_int_equal(cell->node_share[1], 64);
	assert_int_equal(cell->anon_share, 64);
	assert_int_equal(cell->huge_share, 128);
	/* nothing is known of the other: not node 0, not file */
	assert_int_equal(view_cell(f.view, axis_row_of(&f.axis, 0x2000000), 1)->valid, VIEW_HEAT | VIEW_MAPPING);
	teardown(&f);
}

/* Reads, writes and latency go to the cells by the part of the region that lies in them. */
static void test_access(void **state)
{
	struct fixture f;
	struct snapshot *snap;
	const struct view_cell *heap, *stack;

	(void)state;
	setup(&f, two, 2, 2);
	snap = snapshot_new(1, true, 0, mappings_get(f.maps));
	snap->duration_ns = 1000000000;
	snap->regions[0] = (struct snap_region){ .start = 0x1008000, .end = 0x1010000, .heat = 1, .nr_reports = 8 };
	snap->open.access[0] =
		(struct snap_access){ .nr_reads = 6, .nr_writes = 2, .nr_latency = 2, .latency_sum = 300000 };
	history_push(f.history, snap);
	update(&f);
	heap = view_cell(f.view, 0, 1);
	assert_int_equal(heap->valid, VIEW_HEAT | VIEW_MAPPING | VIEW_OP | VIEW_LATENCY);
	assert_int_equal(heap->read_share, 191);
	assert_int_equal(heap->latency, 65535); /* 150000 does not fit */
	assert_int_equal(heap->what, AXIS_HEAP);
	/* no report fell there: not "written", not 0 cycles */
	stack = view_cell(f.view, axis_row_of(&f.axis, 0x2000000), 1);
	assert_int_equal(stack->valid, 0);
	assert_int_equal(f.axis.rows[axis_row_of(&f.axis, 0x2000000)].what, AXIS_STACK);
	teardown(&f);
}

/* Values of two units do not stand side by side. */
static void test_other_unit_is_unknown(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, two, 2, 2);
	push(&f, 0, 1, 1)->heat_unit = HEAT_RATE;
	push(&f, 1, 1, 1)->heat_unit = HEAT_TIME;
	update(&f);
	assert_int_equal(view_cell(f.view, 0, 0)->valid, 0);
	assert_int_equal(view_cell(f.view, 0, 1)->valid, VIEW_HEAT | VIEW_MAPPING);
	teardown(&f);
}

/* ---- against sums that are made region by region and row by row, without any of the shortcuts ---- */

static double share_of_node(const struct snap_pages *pages, unsigned node)
{
	double all = 0, on_it = 0;

	for (unsigned k = 0; k < SNAP_NR_NODES; k++) {
		all += pages->node_pages[k];
		on_it += pages->node[k] == node ? pages->node_pages[k] : 0;
	}
	return all > 0 ? on_it / all : 0;
}

struct plain {
	double weight, heat, age, peak, kinds, anon, huge_weight, huge, nodes, node[8], reads, writes, nr_latency,
		latency;
	uint64_t nr_reports;
};

static struct plain plain_sums(const struct snapshot *snap, const struct axis_row *row)
{
	struct plain s = { 0 };

	for (size_t i = 0; row->type == AXIS_ROW_MAPPED && i < snap->nr_regions; i++) {
		const struct snap_region *r = &snap->regions[i];
		uint64_t from = r->start > row->start ? r->start : row->start,
			 to = r->end < row->end ? r->end : row->end;
		const struct snap_pages pages = snapshot_pages(snap, i);
		const struct snap_access access = snapshot_access(snap, i);
		double bytes = from < to ? (double)(to - from) : 0, size = (double)(r->end - r->start);

		if (!(bytes > 0))
			continue;
		s.weight += bytes;
		s.heat += bytes * (double)r->heat;
		s.age += bytes * r->age;
		s.peak = (double)r->heat > s.peak ? (double)r->heat : s.peak;
		s.nr_reports += r->nr_reports;
		if ((pages.valid & SNAP_PAGES_NODE) && pages.node_pages[0]) {
			s.nodes += bytes;
			for (unsigned n = 0; n < 8; n++)
				s.node[n] += bytes * share_of_node(&pages, n);
		}
		if ((pages.valid & SNAP_PAGES_KIND) && pages.anon + pages.file) {
			s.kinds += bytes;
			s.anon += bytes * pages.anon / ((double)pages.anon + pages.file);
		}
		if (pages.valid & SNAP_PAGES_HUGE) {
			double there = (double)pages.anon + pages.file, present = size;

			/* of what is there, where that is known */
			if ((pages.valid & SNAP_PAGES_KIND) && there * 4096.0 < size)
				present = there * 4096.0;
			s.huge_weight += present > 0 ? bytes : 0;
			if (present > 0)
				s.huge += bytes * (pages.huge * 4096.0 < present ? pages.huge * 4096.0 / present : 1);
		}
		s.reads += access.nr_reads * bytes / size;
		s.writes += access.nr_writes * bytes / size;
		s.nr_latency += access.nr_latency * bytes / size;
		s.latency += (double)access.latency_sum * bytes / size;
	}
	return s;
}

/* v / 255 is about part / all; on the edge between two steps either will do. */
static void assert_share(unsigned v, double part, double all)
{
	assert_true(v <= part / all * 255 + 0.5 + 1e-6 && v + 1e-6 >= part / all * 255 - 0.5);
}

/* needs: what the cell was made with. */
static void check_cell(const struct view_cell *cell, const struct snapshot *snap, const struct axis_row *row,
		       unsigned needs)
{
	struct plain s = plain_sums(snap, row);
	bool access = needs & (VIEW_OP | VIEW_LATENCY); /* one is not had without the other */

	assert_int_equal(cell->valid & VIEW_HEAT ? 1 : 0, s.weight > 0);
	assert_int_equal(cell->valid & VIEW_NODE ? 1 : 0, needs & VIEW_NODE && s.nodes > 0);
	assert_int_equal(cell->valid & VIEW_KIND ? 1 : 0, needs & VIEW_KIND && s.kinds > 0);
	assert_int_equal(cell->valid & VIEW_HUGE ? 1 : 0, needs & VIEW_HUGE && s.huge_weight > 0);
	assert_int_equal(cell->valid & VIEW_OP ? 1 : 0, access && s.reads + s.writes > 0);
	assert_int_equal(cell->valid & VIEW_LATENCY ? 1 : 0, access && s.nr_latency > 0);
	if (!(s.weight > 0))
		return;
	assert_float_equal(cell->heat, s.heat / s.weight, 1e-5);
	assert_float_equal(cell->age_s, s.age / s.weight, 1e-3);
	assert_float_equal(cell->peak, s.peak, 1e-6);
	assert_int_equal(cell->nr_reports, s.nr_reports);
	if (cell->valid & VIEW_NODE) {
		assert_share(cell->node_share[0], s.node[cell->node[0]], s.nodes);
		for (unsigned n = 0; n < 8; n++)
			assert_true(s.node[n] <= s.node[cell->node[0]] * (1 + 1e-9));
		if (cell->node_share[1])
			assert_share(cell->node_share[1], s.node[cell->node[1]], s.nodes);
	}
	if (cell->valid & VIEW_KIND)
		assert_share(cell->anon_share, s.anon, s.kinds);
	if (cell->valid & VIEW_HUGE)
		assert_share(cell->huge_share, s.huge, s.huge_weight);
	if (cell->valid & VIEW_OP)
		assert_share(cell->read_share, s.reads, s.reads + s.writes);
	if (cell->valid & VIEW_LATENCY)
		assert_float_equal(cell->latency, s.latency / s.nr_latency, 0.501);
}

/* Regions of any size with holes between them, over the mappings and beside them. */
static struct snapshot *random_snapshot(struct mappings *maps, uint64_t seq, struct rng *rng)
{
	size_t nr = 1 + rng_below(rng, 40);
	struct snapshot *snap = snapshot_new(nr, rng_below(rng, 2), 0, mappings_get(maps));
	unsigned known = (unsigned)rng_below(rng, 8), nr_nodes = 1 + (unsigned)rng_below(rng, 4);
	uint64_t at = 0xff0000;

	snap->seq = seq;
	snap->duration_ns = 1000000000;
	for (size_t i = 0; i < nr; i++) {
		struct snap_region *r = &snap->regions[i];
		struct snap_pages *p = &snap->open.pages[i];

		r->start = at + (rng_below(rng, 4) ? 0 : rng_below(rng, 16) << 12);
		r->end = r->start + ((1 + rng_below(rng, rng_below(rng, 5) ? 12 : 5000)) << 12);
		at = r->end;
		r->heat = rng_below(rng, 3) ? (float)rng_unit(rng) : 0;
		r->age = (uint32_t)rng_below(rng, 50);
		r->nr_reports = 1 + (uint32_t)rng_below(rng, 70000);
		p->valid = rng_below(rng, 5) ? known & 7 : 0;
		for (unsigned k = 0; p->valid && k < nr_nodes && (!k || rng_below(rng, 2)); k++) {
			p->node[k] = (uint8_t)(7 - k * 2);
			p->node_pages[k] = (uint32_t)(1000 >> k) + (uint32_t)rng_below(rng, 100);
		}
		p->anon = p->valid && rng_below(rng, 2) ? (uint32_t)rng_below(rng, 300) : 0;
		p->file = p->valid && rng_below(rng, 2) ? (uint32_t)rng_below(rng, 100000) : 0;
		p->huge = p->valid && rng_below(rng, 3) == 0 ? rng_below(rng, 2000) & 0xfffffff : 0;
		if (snap->open.access && rng_below(rng, 2))
			snap->open.access[i] = (struct snap_access){ .nr_reads = (uint32_t)rng_below(rng, 9),
								     .nr_writes = (uint32_t)rng_below(rng, 9),
								     .nr_latency = 3,
								     .latency_sum = rng_below(rng, 9000) };
	}
	return rng_below(rng, 4) ? snapshot_pack(snap) : snap;
}

/* The cell as the view keeps it, and with all there is. */
static void check_both(const struct fixture *f, size_t r, unsigned back)
{
	const struct snapshot *snap = history_at(f->history, history_nr(f->history) - 1 - back);
	unsigned col = f->options.nr_cols - 1 - back;
	struct view_cell whole = view_whole_cell(f->view, f->history, r, col);

	check_cell(view_cell(f->view, r, col), snap, &f->axis.rows[r], f->options.needs);
	check_cell(&whole, snap, &f->axis.rows[r], VIEW_SUMMED);
}

/* However the view came to it - new axes, scrolling, what it keeps - each cell is what plain sums say. */
static void test_cells_are_plain_sums(void **state)
{
	static const char *const texts[] = {
		"000001000000-000001010000 rw-p 00000000 00:00 0 [heap]\n"
		"000002000000-000002010000 rw-p 00000000 00:00 0 [stack]\n",
		"000001000000-000001400000 rw-p 00000000 00:00 0 [heap]\n"
		"000001800000-000002010000 rw-p 00000000 00:00 0 \n",
		"000001002000-000001003000 rw-p 00000000 00:00 0 [heap]\n",
	};
	static const unsigned needs[] = { 0, VIEW_HEAT, VIEW_NODE, VIEW_KIND, VIEW_HUGE, VIEW_OP, VIEW_SUMMED };
	struct rng rng = rng_seeded(5);

	(void)state;
	for (unsigned round = 0; round < 30; round++) {
		struct fixture f;

		setup(&f, texts[round % 3], 3 + (unsigned)rng_below(&rng, 20), 6);
		for (uint64_t seq = 0; seq < 12; seq++) {
			struct axis_options options = { 0,
							AXIS_END,
							2 + (unsigned)rng_below(&rng, 20),
							1 + (unsigned)rng_below(&rng, 2),
							AXIS_SHARE_BYTES,
							NULL };

			history_push(f.history, random_snapshot(f.maps, seq, &rng));
			f.options.last_tick = history_tick(f.history, history_nr(f.history) - 1);
			if (seq % 3 == 2)
				assert_int_equal(axis_build(&f.axis, f.maps, &options), 0);
			f.options.nr_cols = seq % 5 == 4 ? 4 : 6;
			if (seq % 2)
				f.options.needs = needs[rng_below(&rng, sizeof(needs) / sizeof(*needs))];
			update(&f);
			for (unsigned back = 0; back < f.options.nr_cols && back <= seq; back++)
				for (size_t r = 0; r < f.axis.nr_rows; r++)
					check_both(&f, r, back);
		}
		teardown(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_newest_is_at_the_right_and_the_rest_unknown),
		cmocka_unit_test(test_weights_by_overlap),
		cmocka_unit_test(test_several_ticks_a_column),
		cmocka_unit_test(test_lost_snapshot_is_an_unknown_column),
		cmocka_unit_test(test_thinned_is_not_unknown),
		cmocka_unit_test(test_makes_only_what_changed),
		cmocka_unit_test(test_what_is_dropped_becomes_unknown),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_access),
		cmocka_unit_test(test_cells_are_plain_sums),
		cmocka_unit_test(test_other_unit_is_unknown),
	};

	return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
