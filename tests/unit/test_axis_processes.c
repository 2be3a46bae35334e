/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The axis of several processes: each has its rows together, below its name; and what a reused number does not show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/snapshot_join.h"
#include "collector/space.h"
#include "tests/unit/screen_fixture.h"
#include "tui/axis.h"
#include "tui/history.h"
#include "tui/view.h"

/* nr processes with mappings at random, or all with the server's. */
static struct mappings *family_maps(struct rng *rng, size_t nr)
{
	struct mappings_part parts[MAPPINGS_MAX_PROCESSES] = { 0 };
	struct mappings *own[MAPPINGS_MAX_PROCESSES], *joined;

	for (size_t i = 0; i < nr; i++) {
		own[i] = rng ? fixture_random_maps(rng, 1 + rng_below(rng, 50)) : fixture_server_maps();
		parts[i] = (struct mappings_part){ { (uint8_t)(i * 2), (pid_t)(100 + i), 7 * i, "worker" }, own[i] };
	}
	joined = mappings_join(parts, nr);
	for (size_t i = 0; i < nr; i++)
		mappings_put(own[i]);
	assert_non_null(joined);
	return joined;
}

static struct axis axis_of(const struct mappings *maps, unsigned nr_lines, unsigned per_line, enum axis_share share)
{
	struct axis_options options = { 0, AXIS_END, nr_lines, per_line, share, NULL };
	struct axis axis = { 0 };

	assert_int_equal(axis_build(&axis, maps, &options), 0);
	return axis;
}

static size_t nr_heads(const struct axis *axis)
{
	size_t nr = 0;

	for (size_t i = 0; i < axis->nr_rows; i++)
		nr += axis->rows[i].type == AXIS_ROW_PROCESS;
	return nr / axis->per_line;
}

/* Each accessible byte of each process in exactly one row, rows in order. */
static void check_bytes(const struct axis *axis, const struct mappings *maps)
{
	uint64_t at = 0, sum = 0;

	for (size_t i = 0; i < axis->nr_rows; i++) {
		const struct axis_row *row = &axis->rows[i];

		if (row->type != AXIS_ROW_MAPPED || row->start == row->end)
			continue;
		assert_true(row->start >= at && row->end > row->start);
		assert_int_equal(axis_mapped_bytes(maps, at, row->start), 0);
		sum += axis_mapped_bytes(maps, row->start, row->end);
		at = row->end;
	}
	assert_true(sum == axis_mapped_bytes(maps, 0, AXIS_END));
}

/* With heads: no row, gap or name is of two processes, and each head stands before the rows of its own. */
static void check_grouped(const struct axis *axis, const struct mappings *maps)
{
	const struct mappings_process *process = NULL;

	assert_int_equal(axis->rows[0].type, AXIS_ROW_PROCESS);
	for (size_t i = 0; i < axis->nr_rows; i++) {
		const struct axis_row *row = &axis->rows[i];

		if (row->type == AXIS_ROW_PROCESS) {
			process = mappings_process_of(maps, row->start);
			assert_non_null(process);
			assert_true(row->start == row->end);
		} else {
			assert_int_equal(space_of(row->start), process->space);
			assert_int_equal(space_of(row->end > row->start ? row->end - 1 : row->end), process->space);
		}
		if (row->type == AXIS_ROW_MAPPED)
			assert_true(row->owner == mappings_process_key(process));
	}
}

static void rows_are_grouped_by_process(void **state)
{
	struct rng rng = rng_seeded(3);

	(void)state;
	for (int round = 0; round < 200; round++) {
		size_t nr = 2 + rng_below(&rng, 20);
		struct mappings *maps = family_maps(&rng, nr);
		unsigned lines = (unsigned)(1 + rng_below(&rng, 100)), per_line = 1 + (unsigned)rng_below(&rng, 2);
		struct axis axis = axis_of(maps, lines, per_line, (enum axis_share)rng_below(&rng, AXIS_SHARE_HOTTEST));
		size_t in_view = 0;

		for (size_t i = 0; i < maps->nr_processes; i++) {
			uint64_t first = space_place(maps->processes[i].space, 0);

			in_view += axis_mapped_bytes(maps, first, first + SPACE_ADDRESS_MASK) > 0;
		}
		check_bytes(&axis, maps);
		assert_true(axis.nr_rows <= (size_t)lines * per_line);
		if (in_view > 0 && 3 * in_view <= lines) {
			assert_int_equal(nr_heads(&axis), in_view);
			check_grouped(&axis, maps);
		} else {
			assert_int_equal(nr_heads(&axis), 0);
		}
		axis_free(&axis);
		mappings_put(maps);
	}
}

/* Where there is no line for a head each name says whose it is. */
static void names_say_whose_they_are_without_heads(void **state)
{
	struct mappings *maps = family_maps(NULL, 3);
	struct axis few = axis_of(maps, 8, 1, AXIS_SHARE_ROOT), hottest = axis_of(maps, 60, 1, AXIS_SHARE_HOTTEST);

	(void)state;
	assert_int_equal(nr_heads(&few), 0);
	assert_int_equal(nr_heads(&hottest), 0);
	for (size_t i = 0; i < few.nr_groups; i++)
		assert_int_equal(atoi(few.groups[i].name), mappings_process_of(maps, few.groups[i].start)->pid);
	for (size_t i = 0; i < hottest.nr_groups; i++)
		assert_int_equal(atoi(hottest.groups[i].name), mappings_process_of(maps, hottest.groups[i].start)->pid);
	axis_free(&few);
	axis_free(&hottest);
	mappings_put(maps);
}

/* More processes than lines: those that share one are counted. */
static void processes_that_share_a_line_are_counted(void **state)
{
	struct mappings *maps = family_maps(NULL, 20);
	struct axis axis = axis_of(maps, 6, 1, AXIS_SHARE_ROOT);
	size_t nr = 0;

	(void)state;
	check_bytes(&axis, maps);
	for (size_t i = 0; i < axis.nr_groups; i++) {
		const char *plus = strchr(axis.groups[i].name, '+');

		nr += 1 + (strstr(axis.groups[i].name, "processes") ? strtoul(plus, NULL, 10) : 0);
	}
	assert_int_equal(nr, 20);
	axis_free(&axis);
	mappings_put(maps);
}

static void one_process_has_no_head(void **state)
{
	struct mappings *maps = family_maps(NULL, 1), *alone = fixture_server_maps();
	struct axis axis = axis_of(maps, 40, 2, AXIS_SHARE_ROOT), plain = axis_of(alone, 40, 2, AXIS_SHARE_ROOT);

	(void)state;
	assert_int_equal(nr_heads(&axis), 0);
	assert_int_equal(axis.nr_rows, plain.nr_rows);
	for (size_t i = 0; i < axis.nr_rows; i++)
		assert_true(axis.rows[i].start == plain.rows[i].start && axis.rows[i].end == plain.rows[i].end);
	assert_string_equal(axis.groups[0].name, plain.groups[0].name);
	axis_free(&axis);
	axis_free(&plain);
	mappings_put(maps);
	mappings_put(alone);
}

/* ---- history ---- */

/* Two processes, each with a region of heat 1; the second one has this pid. */
static struct snapshot *snapshot_of(uint64_t seq, pid_t second)
{
	static const char text[] = "600000-700000 rw-p 0 0:0 0 [heap]\n";
	struct mappings *own = mappings_parse(text, strlen(text), NULL);
	const struct mappings_part parts[] = { { { 0, 10, 1, "first" }, own }, { { 5, second, 2, "second" }, own } };
	struct snapshot *snaps[2], *joined;

	for (int i = 0; i < 2; i++) {
		snaps[i] = snapshot_new(1, false, 0, mappings_get(own));
		snaps[i]->seq = seq;
		snaps[i]->duration_ns = 1000000000;
		snaps[i]->time_ns = (seq + 1) * 1000000000;
		snaps[i]->attrs = attrs_default();
		snaps[i]->regions[0] = (struct snap_region){ .start = 0x600000, .end = 0x700000, .heat = 1 };
	}
	joined = snapshot_join(snaps, mappings_join(parts, 2));
	mappings_put(own);
	return snapshot_pack(joined);
}

static float heat_at(const struct view *view, const struct axis *axis, uint64_t place, unsigned col)
{
	const struct view_cell *cell = view_cell(view, axis_row_of(axis, place), col);

	return cell->valid & VIEW_HEAT ? cell->heat : -1;
}

/* A number is given away again: what its place was before is not the new process's past. */
static void the_past_of_another_process_is_not_shown(void **state)
{
	struct history *history = history_new(1 << 20);
	struct view *view = view_new();
	struct view_options options = { .nr_cols = 2, .ticks_per_col = 1, .last_tick = 1 };
	struct axis axis;

	(void)state;
	history_push(history, snapshot_of(0, 20));
	history_push(history, snapshot_of(1, 21));
	axis = axis_of(history_last(history)->maps, 20, 1, AXIS_SHARE_ROOT);
	assert_int_equal(view_update(view, history, &axis, &options), 0);
	assert_float_equal(heat_at(view, &axis, 0x600000, 0), 1, 0);
	assert_float_equal(heat_at(view, &axis, 0x600000, 1), 1, 0);
	assert_float_equal(heat_at(view, &axis, space_place(5, 0x600000), 0), -1, 0);
	assert_float_equal(heat_at(view, &axis, space_place(5, 0x600000), 1), 1, 0);
	/* seen from then, it is the other one */
	axis_free(&axis);
	axis = axis_of(history_at(history, 0)->maps, 20, 1, AXIS_SHARE_ROOT);
	assert_int_equal(view_update(view, history, &axis, &options), 0);
	assert_float_equal(heat_at(view, &axis, space_place(5, 0x600000), 0), 1, 0);
	assert_float_equal(heat_at(view, &axis, space_place(5, 0x600000), 1), -1, 0);
	axis_free(&axis);
	view_free(view);
	history_free(history);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_grouped_by_process),
		cmocka_unit_test(names_say_whose_they_are_without_heads),
		cmocka_unit_test(processes_that_share_a_line_are_counted),
		cmocka_unit_test(one_process_has_no_head),
		cmocka_unit_test(the_past_of_another_process_is_not_shown),
	};

	return cmocka_run_group_tests_name("axis_processes", tests, NULL, NULL);
}
