/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/screen_fixture.h"
#include "tui/inspect.h"

#define HEAP UINT64_C(0x1000000)

static const char one[] = "000001000000-000001100000 rw-p 00000000 00:00 0 [heap]\n"
			  "000002000000-000002100000 r-xp 00001000 08:01 9 /usr/bin/x\n";

/* Two regions of half the heap each, three codes, reads and writes. */
static struct snapshot *snapshot_of(struct mappings *maps)
{
	struct snapshot *snap = snapshot_new(2, true, 4, mappings_get(maps));

	assert_non_null(snap);
	snap->duration_ns = 1000000000;
	snap->heat_unit = HEAT_RATE;
	snap->regions[0] =
		(struct snap_region){ .start = HEAP, .end = HEAP + 0x80000, .heat = 4, .age = 30, .nr_reports = 8 };
	snap->regions[1] = (struct snap_region){ .start = HEAP + 0x80000, .end = HEAP + 0x100000, .age = 70 };
	snap->open.pages[0] = (struct snap_pages){ .node_pages = { 96, 32 },
						   .node = { 1, 0 },
						   .valid = SNAP_PAGES_NODE | SNAP_PAGES_KIND,
						   .anon = 40,
						   .file = 8,
						   .swapped = 12,
						   .swap_known = 1 };
	snap->open.access[0] =
		(struct snap_access){ .nr_reads = 6, .nr_writes = 2, .nr_latency = 8, .latency_sum = 800 };
	snap->open.codes[0] = (struct snap_code){ .region = 0, .count = 5, .ip = 0x2000100 };
	snap->open.codes[1] = (struct snap_code){ .region = 0, .count = 2, .ip = 0x2000200 };
	snap->open.codes[2] = (struct snap_code){ .region = 1, .count = 3, .ip = 0x2000200 };
	snap->open.codes[3] = (struct snap_code){ .region = 1, .count = 0, .ip = 0x2000300 };
	return snap;
}

struct fixture {
	struct mappings *maps;
	struct history *history;
	struct view_cell cell;
	struct inspect in;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->maps = fixture_maps(one);
	f->history = history_new(1 << 20);
	f->cell = (struct view_cell){ .valid = VIEW_HEAT, .heat = 2 };
	history_push(f->history, snapshot_of(f->maps));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	history_free(f->history);
	mappings_put(f->maps);
	free(f);
	return 0;
}

static void test_all_of_a_cell(void **state)
{
	struct fixture *f = *state;
	struct inspect *in = &f->in;

	inspect_cell(in, f->history, &f->cell, HEAP, HEAP + 0x100000, 0, 1);
	assert_ptr_equal(in->snap, history_last(f->history));
	assert_string_equal(mappings_name(f->maps, in->mapping), "[heap]");
	assert_int_equal(in->nr_regions, 2);
	assert_true(in->access_known);
	assert_int_equal(in->nr_reads, 6);
	assert_int_equal(in->nr_writes, 2);
	assert_int_equal(in->nr_latency, 8);
	/* known of half of it only: shares are of what is known */
	assert_int_equal(in->node_all_bytes, 0x80000);
	assert_int_equal(in->node_bytes[1], 0x60000);
	assert_int_equal(in->mapped_bytes, 0x100000);
	assert_int_equal(in->seen_bytes, 0x100000);
	assert_int_equal(in->swap_known_bytes, 0x80000);
	assert_int_equal(in->swapped_bytes, 12 * 4096);
	assert_true(in->kind_known && !in->huge_known);
	assert_int_equal(in->anon_bytes, 40 * 4096);
	assert_int_equal(in->file_bytes, 8 * 4096);
	/* the same address in two regions counts once */
	assert_int_equal(in->nr_codes, 2);
	assert_int_equal(in->codes[0].ip + in->codes[1].ip, 0x2000100 + 0x2000200);
	assert_float_equal(in->codes[0].share, 0.5, 1e-9);
	assert_float_equal(in->other_codes, 0, 1e-9);
}

/* Exact where accesses are counted, the least where checks are; of CPU time it cannot be known. */
static void test_accesses_a_second(void **state)
{
	struct snapshot snap = { .heat_unit = HEAT_RATE, .attrs = { .aging_us = 500000 } };
	char text[48];

	(void)state;
	assert_true(inspect_rate_text(text, 100, 2 << 20, &snap));
	assert_string_equal(text, "200 accesses/s");
	snap.heat_unit = HEAT_FRACTION;
	assert_true(inspect_rate_text(text, 0.5, 64 << 12, &snap));
	assert_string_equal(text, "≥ 64 accesses/s");
	snap.heat_unit = HEAT_TIME;
	assert_false(inspect_rate_text(text, 0.5, 64 << 12, &snap));
}

/* A region is named by what most of it lies in, not by what it begins with. */
static void test_main_mapping(void **state)
{
	struct mappings *maps = fixture_maps("000001000000-000001001000 rw-s 00000000 00:01 7 /dev/zero (deleted)\n"
					     "000001001000-000001100000 rw-s 00000000 00:01 8 /memfd:x (deleted)\n");

	(void)state;
	assert_ptr_equal(inspect_main_mapping(maps, 0x1000000, 0x1002000), &maps->v[0]);
	assert_ptr_equal(inspect_main_mapping(maps, 0x1000000, 0x1004000), &maps->v[1]);
	assert_null(inspect_main_mapping(maps, 0x2000000, 0x2004000));
	mappings_put(maps);
}

static void test_part_of_a_region(void **state)
{
	struct fixture *f = *state;

	inspect_cell(&f->in, f->history, &f->cell, HEAP + 0x90000, HEAP + 0xa0000, 0, 1);
	assert_int_equal(f->in.nr_regions, 1);
	assert_int_equal(f->in.nr_codes, 1);
	assert_int_equal(f->in.node_all_bytes, 0);
	assert_int_equal(f->in.swap_known_bytes, 0);
	inspect_cell(&f->in, f->history, &f->cell, HEAP + 0x40000, HEAP + 0x60000, 0, 1);
	assert_int_equal(f->in.swap_known_bytes, 0x20000);
	assert_int_equal(f->in.swapped_bytes, 3 * 4096);
	assert_int_equal(f->in.anon_bytes, 10 * 4096);
}

/* Two mappings with a hole of 15 M between them, on one row: the hole is no memory. */
static void test_mappings_that_share_a_row(void **state)
{
	struct fixture *f = *state;

	inspect_cell(&f->in, f->history, &f->cell, HEAP, HEAP + 0x1100000, 0, 1);
	assert_int_equal(f->in.end - f->in.start, 0x1100000);
	assert_int_equal(f->in.mapped_bytes, 0x200000);
	assert_int_equal(f->in.seen_bytes, 0x100000);
}

static void test_a_time_of_which_nothing_is_kept(void **state)
{
	struct fixture *f = *state;

	inspect_cell(&f->in, f->history, &f->cell, HEAP, HEAP + 0x100000, 7, 9);
	assert_null(f->in.snap);
	assert_null(f->in.mapping);
}

static void test_cold(void **state)
{
	struct fixture *f = *state;
	uint64_t bytes[INSPECT_NR_COLD];

	inspect_cold(history_last(f->history), bytes);
	assert_int_equal(bytes[0], 0x80000);
	assert_int_equal(bytes[1], 0x80000);
	assert_int_equal(bytes[2], 0);
}

/* That nothing is colder than the source has watched is no finding: it counts from the last change of source on. */
static void test_how_long_it_was_watched(void **state)
{
	struct fixture *f = *state;
	const char *sources[] = { "clock", "mglru", "mglru", "mglru" };
	size_t i;

	history_clear(f->history);
	for (i = 0; i < 4; i++) {
		struct snapshot *snap = snapshot_of(f->maps);

		snap->seq = i;
		snap->time_ns = (i + 1) * UINT64_C(10000000000);
		snap->duration_ns = UINT64_C(10000000000);
		snap->source = sources[i];
		snap->regions[0].age = snap->regions[1].age = 0;
		if (i == 3)
			snap->regions[1].age = 7;
		history_push(f->history, snap);
	}
	assert_float_equal(inspect_watched_s(f->history, history_at(f->history, 0)), 10, 1e-6);
	assert_float_equal(inspect_watched_s(f->history, history_at(f->history, 2)), 20, 1e-6);
	/* of what is not kept any more an age tells */
	assert_float_equal(inspect_watched_s(f->history, history_at(f->history, 3)), 70, 1e-6);
}

/* By what a region takes in all, not by its density: a hot page is not what a program spends its time with. */
static void test_ranks_by_total(void **state)
{
	struct snapshot *snap = snapshot_new(8, false, 0, NULL);
	const struct snap_region *hot[INSPECT_NR_HOT];
	size_t i;

	(void)state;
	for (i = 0; i < 8; i++)
		snap->regions[i] = (struct snap_region){ .start = i << 30,
							 .end = (i << 30) + (UINT64_C(4096) << i),
							 .heat = (float)(i == 3 ? 0 : 100.0 / (double)(i + 1)) };
	assert_int_equal(inspect_hottest(snap, hot), INSPECT_NR_HOT);
	assert_ptr_equal(hot[0], &snap->regions[7]);
	for (i = 1; i < INSPECT_NR_HOT; i++)
		assert_true((double)hot[i]->heat * (double)(hot[i]->end - hot[i]->start) <=
			    (double)hot[i - 1]->heat * (double)(hot[i - 1]->end - hot[i - 1]->start));
	snap->nr_regions = 2;
	assert_int_equal(inspect_hottest(snap, hot), 2);
	snapshot_free(snap);
}

static void test_units(void **state)
{
	char text[32];

	(void)state;
	assert_string_equal(inspect_heat_text(text, 0.934, HEAT_FRACTION), "0.93");
	assert_string_equal(inspect_heat_text(text, 12345, HEAT_RATE), "12k/s/MiB");
	assert_string_equal(inspect_heat_text(text, 0.0042, HEAT_TIME), "0.42%/MiB");
	assert_string_equal(inspect_heat_number(text, 0, HEAT_FRACTION), "0.00");
	assert_string_equal(inspect_heat_number(text, 0.001, HEAT_FRACTION), "0.001");
	/* a region of 4 MiB at 5 % a MiB takes a fifth of the CPU time */
	assert_string_equal(inspect_total_text(text, inspect_total(0.05, 4 << 20, HEAT_TIME), HEAT_TIME), "20%");
	assert_string_equal(inspect_total_text(text, inspect_total(0.5, 4 << 20, HEAT_FRACTION), HEAT_FRACTION),
			    "2.0M");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_of_a_cell, setup, teardown),
		cmocka_unit_test(test_accesses_a_second),
		cmocka_unit_test(test_main_mapping),
		cmocka_unit_test_setup_teardown(test_part_of_a_region, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mappings_that_share_a_row, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_time_of_which_nothing_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cold, setup, teardown),
		cmocka_unit_test_setup_teardown(test_how_long_it_was_watched, setup, teardown),
		cmocka_unit_test(test_ranks_by_total),
		cmocka_unit_test(test_units),
	};

	return cmocka_run_group_tests_name("inspect", tests, NULL, NULL);
}
