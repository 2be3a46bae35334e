/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/report.h"
#include "tests/unit/screen_fixture.h"
#include "tui/axis.h"

#define TIB (UINT64_C(1) << 40)

static struct axis axis_of(const struct mappings *maps, unsigned nr_lines, unsigned per_line)
{
	struct axis_options options = { 0, AXIS_END, nr_lines, per_line, AXIS_SHARE_ROOT, NULL };
	struct axis axis = { 0 };

	assert_int_equal(axis_build(&axis, maps, &options), 0);
	return axis;
}

static size_t lines_of_group(const struct axis *axis, const char *prefix)
{
	size_t i, n = 0;

	for (i = 0; i < axis->nr_rows; i++)
		if (axis->rows[i].type == AXIS_ROW_MAPPED &&
		    !strncmp(axis->groups[axis->rows[i].group].name, prefix, strlen(prefix)))
			n++;
	return n / axis->per_line;
}

static size_t nr_gap_rows(const struct axis *axis)
{
	size_t i, n = 0;

	for (i = 0; i < axis->nr_rows; i++)
		n += axis->rows[i].type == AXIS_ROW_GAP;
	return n;
}

/* Rows are in order, do not overlap, and hold every accessible byte of [start, end) exactly once. */
static void check_rows(const struct axis *axis, const struct mappings *maps, uint64_t start, uint64_t end)
{
	uint64_t at = start, sum = 0, all = axis_mapped_bytes(maps, start, end);
	size_t i;

	for (i = 0; i < axis->nr_rows; i++) {
		const struct axis_row *row = &axis->rows[i];

		if (row->type == AXIS_ROW_GAP)
			continue;
		assert_true(row->start <= row->end);
		if (row->start == row->end) {
			assert_true(i % axis->per_line); /* only ever a second half */
			continue;
		}
		assert_true(row->start >= at);
		assert_true(row->start >= start && row->end <= end);
		assert_int_equal(axis_mapped_bytes(maps, at, row->start), 0);
		sum += axis_mapped_bytes(maps, row->start, row->end);
		assert_true(row->group < axis->nr_groups);
		assert_true(row->start >= axis->groups[row->group].start && row->end <= axis->groups[row->group].end);
		at = row->end;
	}
	assert_true(sum == all);
}

/* Physical memory: the zones lie side by side, and each has a group of its own, named after it. */
static void test_zones(void **state)
{
	struct mappings *maps = fixture_maps("1000-1000000 rw-p 00000000 00:00 0 [node 0 DMA]\n"
					     "1000000-60000000 rw-p 00000000 00:00 0 [node 0 DMA32]\n"
					     "60000000-c0000000 rw-p 00000000 00:00 0 [node 1 DMA32]\n");
	struct axis axis = axis_of(maps, 20, 2);

	(void)state;
	check_rows(&axis, maps, 0, AXIS_END);
	assert_int_equal(axis.nr_groups, 3);
	assert_string_equal(axis.groups[0].name, "node0 DMA");
	assert_string_equal(axis.groups[1].name, "node0 DMA32");
	assert_string_equal(axis.groups[2].name, "node1 DMA32");
	assert_true(lines_of_group(&axis, "node1") >= 6);
	axis_free(&axis);
	mappings_put(maps);
}

static void test_nothing(void **state)
{
	struct mappings *maps = fixture_maps("");
	struct axis axis = axis_of(maps, 20, 2);

	(void)state;
	assert_int_equal(axis.nr_rows, 0);
	assert_int_equal(axis_row_of(&axis, 5), 0);
	axis_free(&axis);
	mappings_put(maps);
}

static void test_server(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct axis axis = axis_of(maps, 40, 2);

	(void)state;
	check_rows(&axis, maps, 0, AXIS_END);
	assert_true(axis.nr_rows <= 80);
	assert_string_equal(axis.groups[0].name, "redis-server");
	assert_string_equal(axis.groups[1].name, "[heap]");
	assert_string_equal(axis.groups[2].name, "anon");
	assert_string_equal(axis.groups[3].name, "dump.rdb");
	/* four segments and the bss are one library */
	assert_string_equal(axis.groups[4].name, "libc.so.6");
	assert_int_equal(axis.groups[4].nr_mappings, 5);
	assert_true(lines_of_group(&axis, "anon") > lines_of_group(&axis, "[heap]"));
	assert_true(lines_of_group(&axis, "[heap]") > lines_of_group(&axis, "libc"));
	assert_true(lines_of_group(&axis, "[stack]") >= 1);
	assert_true(nr_gap_rows(&axis) >= 2 * 2);
	axis_free(&axis);
	mappings_put(maps);
}

static void test_every_byte_in_one_row(void **state)
{
	struct rng rng = rng_seeded(1);
	unsigned round;

	(void)state;
	for (round = 0; round < 300; round++) {
		struct mappings *maps = fixture_random_maps(&rng, 1 + rng_below(&rng, round % 10 ? 60 : 2000));
		unsigned lines = 1 + (unsigned)rng_below(&rng, 60), per_line = 1 + (unsigned)rng_below(&rng, 2);
		struct axis_options options = { 0, AXIS_END, lines, per_line, AXIS_SHARE_ROOT, NULL };
		struct axis axis = { 0 };
		const struct mapping *m = &maps->v[rng_below(&rng, maps->nr)];

		assert_int_equal(axis_build(&axis, maps, &options), 0);
		check_rows(&axis, maps, 0, AXIS_END);
		assert_true(axis.nr_rows <= (size_t)lines * per_line);
		/* and of a viewport that begins inside of a mapping */
		options.start = m->start + (m->end - m->start) / 2;
		options.end = maps->v[maps->nr - 1].end - 4096;
		if (options.start < options.end) {
			assert_int_equal(axis_build(&axis, maps, &options), 0);
			check_rows(&axis, maps, options.start, options.end);
		}
		axis_free(&axis);
		mappings_put(maps);
	}
}

static void test_large_reserve_does_not_hide_the_heap(void **state)
{
	struct mappings *maps = fixture_maps("000000400000-000000500000 r-xp 00000000 08:01 5 /usr/bin/x\n"
					     "000001000000-000007400000 rw-p 00000000 00:00 0 [heap]\n"
					     "100000000000-240000000000 rw-p 00000000 00:00 0 \n"
					     "7ffc5f1c3000-7ffc5f1e4000 rw-p 00000000 00:00 0 [stack]\n");
	struct axis axis = axis_of(maps, 20, 1);

	(void)state;
	check_rows(&axis, maps, 0, AXIS_END);
	assert_true(maps->v[2].end - maps->v[2].start == 20 * TIB);
	assert_true(lines_of_group(&axis, "[heap]") >= 2);
	assert_true(lines_of_group(&axis, "anon") <= 13);
	axis_free(&axis);
	mappings_put(maps);
}

/* What nobody may touch is a gap, and the axis says that it is reserved. */
static void test_reserve_without_permission_is_folded(void **state)
{
	struct mappings *maps = fixture_maps("000001000000-000002000000 rw-p 00000000 00:00 0 [heap]\n"
					     "100000000000-240000000000 ---p 00000000 00:00 0 \n"
					     "240000000000-240001000000 rw-p 00000000 00:00 0 \n");
	struct axis axis = axis_of(maps, 20, 1);
	size_t i, n = 0;

	(void)state;
	check_rows(&axis, maps, 0, AXIS_END);
	for (i = 0; i < axis.nr_rows; i++)
		n += axis.rows[i].type == AXIS_ROW_GAP;
	assert_int_equal(n, 1);
	axis_free(&axis);
	mappings_put(maps);
}

/* Of many small mappings alike, none has a line of its own while others share one; the large one keeps its name. */
static void test_alike_mappings_share(void **state)
{
	char text[8192], *p = text;
	struct mappings *maps;
	struct axis axis;
	unsigned i;

	(void)state;
	for (i = 0; i < 64; i++)
		p += sprintf(p, "%x-%x rw-p 00000000 00:00 0 \n", 0x10000000 + i * 0x100000, 0x10080000 + i * 0x100000);
	p += sprintf(p, "40000000-60000000 rw-p 00000000 00:00 0 \n"
			"60100000-68000000 rw-s 00000000 00:01 9 /memfd:cache (deleted)\n");
	maps = fixture_maps(text);
	axis = axis_of(maps, 40, 1);
	check_rows(&axis, maps, 0, AXIS_END);
	assert_int_equal(axis.nr_groups, 3);
	assert_string_equal(axis.groups[0].name, "anon +63");
	assert_string_equal(axis.groups[1].name, "anon");
	axis_free(&axis);
	mappings_put(maps);
}

static void test_many_mappings(void **state)
{
	struct rng rng = rng_seeded(2);
	struct mappings *maps = fixture_random_maps(&rng, 65000);
	struct axis axis = axis_of(maps, 20, 2);

	(void)state;
	check_rows(&axis, maps, 0, AXIS_END);
	assert_true(axis.nr_groups <= 12);
	assert_true(axis.nr_rows > 30);
	axis_free(&axis);
	mappings_put(maps);
}

/* Heat is no argument; the same mappings in another table give the same axis; a little growth of the heap moves no
 * line. */
static void test_stable(void **state)
{
	struct mappings *a = fixture_server_maps(), *b = fixture_server_maps();
	struct axis x = axis_of(a, 30, 2), y = axis_of(b, 30, 2);
	size_t i;

	(void)state;
	assert_true(axis_equal(&x, &y));
	for (i = 0; i < x.nr_rows; i++)
		assert_int_equal(x.rows[i].first, y.rows[i].first);
	y.rows[3].end -= 4096;
	assert_false(axis_equal(&x, &y));
	axis_free(&x);
	axis_free(&y);
	mappings_put(a);
	mappings_put(b);
}

static void test_row_of(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct axis axis = axis_of(maps, 40, 2);
	size_t i;

	(void)state;
	for (i = 0; i < axis.nr_rows; i++) {
		const struct axis_row *row = &axis.rows[i];

		if (row->type != AXIS_ROW_MAPPED || row->start == row->end)
			continue;
		assert_int_equal(axis_row_of(&axis, row->start), i);
		assert_int_equal(axis_row_of(&axis, row->end - 1), i);
	}
	assert_int_equal(axis_row_of(&axis, 0), 0);
	assert_int_equal(axis.rows[axis_row_of(&axis, UINT64_MAX)].type, AXIS_ROW_MAPPED);
	axis_free(&axis);
	mappings_put(maps);
}

static void test_zoom(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct rng rng = rng_seeded(3);
	unsigned round;

	(void)state;
	for (round = 0; round < 200; round++) {
		const struct mapping *m = &maps->v[rng_below(&rng, maps->nr - 1)];
		uint64_t addr = m->start + rng_below(&rng, m->end - m->start), start = 0, end = AXIS_END;
		uint64_t all = axis_mapped_bytes(maps, start, end), now = all;

		while (now > 16 * 4096) {
			axis_zoom(maps, addr, 1, 2, 16 * 4096, &start, &end);
			assert_true(start < end);
			assert_true(start <= addr && addr < end);
			assert_true(axis_mapped_bytes(maps, start, end) <= now / 2 + 4096 ||
				    axis_mapped_bytes(maps, start, end) == 16 * 4096);
			assert_true(axis_mapped_bytes(maps, start, end) < now);
			now = axis_mapped_bytes(maps, start, end);
		}
		assert_int_equal(now, 16 * 4096);
	}
	mappings_put(maps);
}

/* However lines are shared: every byte once, a line for each group; by bytes the large get more than by the root. */
static void test_shares(void **state)
{
	struct mappings *maps = fixture_server_maps();
	size_t lines[AXIS_NR_SHARES], stack[AXIS_NR_SHARES];
	int share;

	(void)state;
	for (share = 0; share < AXIS_NR_SHARES; share++) {
		struct axis_options options = { 0, AXIS_END, 60, 2, (enum axis_share)share, NULL };
		struct axis axis = { 0 };

		assert_int_equal(axis_build(&axis, maps, &options), 0);
		check_rows(&axis, maps, 0, AXIS_END);
		lines[share] = lines_of_group(&axis, "anon");
		stack[share] = lines_of_group(&axis, "[stack]");
		assert_true(stack[share] >= 1);
		axis_free(&axis);
	}
	assert_true(lines[AXIS_SHARE_BYTES] > lines[AXIS_SHARE_ROOT]);
	assert_true(lines[AXIS_SHARE_ROOT] > lines[AXIS_SHARE_EQUAL]);
	assert_true(stack[AXIS_SHARE_EQUAL] > stack[AXIS_SHARE_BYTES]);
	mappings_put(maps);
}

static struct axis_parts random_parts(struct rng *rng, const struct mappings *maps)
{
	uint64_t at = maps->v[0].start, end = maps->v[maps->nr - 1].end;
	struct axis_parts parts = { .v = calloc(300, sizeof(*parts.v)), .resident_known = true };

	for (; at < end && parts.nr < 300; parts.nr++) {
		uint64_t size = (1 + rng_below(rng, (end - at) / PAGE_BYTES / 20 + 2)) * PAGE_BYTES;

		parts.v[parts.nr] = (struct axis_part){ at, at + size, (double)rng_below(rng, 5) / 4 - 0.25,
							(double)rng_below(rng, 100) };
		at += size + rng_below(rng, 3) * PAGE_BYTES;
	}
	return parts;
}

/* Whatever is resident or hot: every byte once, every line shown once, and the way back is the way there. */
static void test_every_byte_in_any_order(void **state)
{
	struct rng rng = rng_seeded(7);
	unsigned round;
	size_t i;

	(void)state;
	for (round = 0; round < 400; round++) {
		struct mappings *maps = fixture_random_maps(&rng, 1 + rng_below(&rng, round % 10 ? 60 : 800));
		struct axis_parts parts = random_parts(&rng, maps);
		struct axis_options options = { 0,
						AXIS_END,
						1 + (unsigned)rng_below(&rng, 60),
						1 + (unsigned)rng_below(&rng, 2),
						(enum axis_share)rng_below(&rng, AXIS_NR_SHARES),
						&parts };
		struct axis axis = { 0 };
		double before = 1e300;

		assert_int_equal(axis_build(&axis, maps, &options), 0);
		check_rows(&axis, maps, 0, AXIS_END);
		for (i = 0; i < axis.nr_rows; i++) {
			assert_true(axis_display_of(&axis, i) < axis.nr_rows);
			assert_int_equal(axis_row_at(&axis, axis_display_of(&axis, i)), i);
			if (options.share != AXIS_SHARE_HOTTEST)
				assert_int_equal(axis_row_at(&axis, i), i);
		}
		for (i = 0; options.share == AXIS_SHARE_HOTTEST && i < axis.nr_rows; i += axis.per_line) {
			const struct axis_row *first = &axis.rows[axis_row_at(&axis, i)];
			double heat = axis_parts_heat(&parts, first->start, first[axis.per_line - 1].end);

			assert_true(heat <= before);
			before = heat;
		}
		axis_free(&axis);
		axis_parts_free(&parts);
		mappings_put(maps);
	}
}

/* Of a large reserve of which the last 64 M are resident: most rows lie there. And unknown is as mapped. */
static void test_by_resident_bytes(void **state)
{
	struct mappings *maps = fixture_maps("000001000000-000005000000 rw-p 00000000 00:00 0 [heap]\n"
					     "100000000000-100400000000 rw-p 00000000 00:00 0 \n");
	struct axis_part part[] = { { 0x1000000, 0x5000000, 1, 0 },
				    { 0x100000000000, 0x1003fc000000, 0, 0 },
				    { 0x1003fc000000, 0x100400000000, 1, 0 } };
	struct axis_parts parts = { 3, part, true };
	struct axis_options options = { 0, AXIS_END, 40, 1, AXIS_SHARE_RESIDENT, &parts };
	struct axis axis = { 0 }, mapped = { 0 };
	size_t i, inside = 0;

	(void)state;
	assert_int_equal(axis_build(&axis, maps, &options), 0);
	check_rows(&axis, maps, 0, AXIS_END);
	for (i = 0; i < axis.nr_rows; i++)
		inside += axis.rows[i].type == AXIS_ROW_MAPPED && axis.rows[i].start >= 0x1003fc000000;
	assert_in_range(inside, 12, 20);
	assert_in_range(lines_of_group(&axis, "[heap]"), 15, 20);
	options.parts = NULL;
	assert_int_equal(axis_build(&axis, maps, &options), 0);
	options.share = AXIS_SHARE_BYTES;
	assert_int_equal(axis_build(&mapped, maps, &options), 0);
	assert_true(axis_equal(&axis, &mapped));
	axis_free(&axis);
	axis_free(&mapped);
	mappings_put(maps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_every_byte_in_any_order),
		cmocka_unit_test(test_by_resident_bytes),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_server),
		cmocka_unit_test(test_every_byte_in_one_row),
		cmocka_unit_test(test_large_reserve_does_not_hide_the_heap),
		cmocka_unit_test(test_reserve_without_permission_is_folded),
		cmocka_unit_test(test_alike_mappings_share),
		cmocka_unit_test(test_many_mappings),
		cmocka_unit_test(test_stable),
		cmocka_unit_test(test_row_of),
		cmocka_unit_test(test_zoom),
	};

	return cmocka_run_group_tests_name("axis", tests, NULL, NULL);
}
