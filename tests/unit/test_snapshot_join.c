/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Several processes in one snapshot: places, tables of mappings, snapshots put together, JSON and recording. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/record.h"
#include "collector/recording.h"
#include "collector/rng.h"
#include "collector/snapshot_join.h"
#include "collector/snapshot_json.h"
#include "collector/space.h"
#include "tests/unit/file_tree.h"

#define NR_ROUNDS 200

/* ---- places ---- */

static void a_place_is_a_space_and_an_address(void **state)
{
	(void)state;
	assert_int_equal(space_place(0, 0x7fffffffe000), 0x7fffffffe000);
	assert_int_equal(space_of(space_place(5, 0x7fffffffe000)), 5);
	assert_int_equal(space_address(space_place(5, 0x7fffffffe000)), 0x7fffffffe000);
	assert_int_equal(space_of(space_place(SPACE_MAX - 1, SPACE_ADDRESS_MASK)), SPACE_MAX - 1);
	assert_int_equal(space_address(space_place(SPACE_MAX - 1, SPACE_ADDRESS_MASK)), SPACE_ADDRESS_MASK);
	/* the kernel's half has no space, whoever asks */
	assert_int_equal(space_place(5, 0xffffffffff600000), 0xffffffffff600000);
	assert_int_equal(space_of(0xffffffffff600000), 0);
	assert_int_equal(space_address(0xffffffffff600000), 0xffffffffff600000);
	/* an end may be the first place behind a space */
	assert_int_equal(space_end_address(space_place(3, 0x2000)), 0x2000);
	assert_int_equal(space_end_address(UINT64_C(4) << SPACE_SHIFT), SPACE_ADDRESS_MASK + 1);
	assert_int_equal(space_end_address(0), 0);
}

static void expect_part(unsigned space, uint64_t start, uint64_t end, uint64_t want_start, uint64_t want_end)
{
	assert_true(space_part(space, &start, &end));
	assert_int_equal(start, want_start);
	assert_int_equal(end, want_end);
}

static void a_range_of_places_has_a_part_in_each_space(void **state)
{
	uint64_t start = space_place(1, 0x1000), end = space_place(3, 0x9000), a = start, b = end;

	(void)state;
	assert_false(space_part(0, &a, &b));
	assert_false(space_part(4, &a, &b));
	expect_part(1, start, end, 0x1000, SPACE_ADDRESS_MASK + 1);
	expect_part(2, start, end, 0, SPACE_ADDRESS_MASK + 1);
	expect_part(3, start, end, 0, 0x9000);
	a = b = start;
	assert_false(space_part(1, &a, &b));
}

/* ---- mappings ---- */

static const char parent_text[] = "400000-500000 r-xp 0 0:0 9 /bin/parent\n"
				  "600000-700000 rw-p 0 0:0 0 [heap]\n"
				  "ffffffffff600000-ffffffffff601000 --xp 0 0:0 0 [vsyscall]\n";
static const char child_text[] = "400000-500000 r-xp 0 0:0 9 /bin/parent\n"
				 "600000-900000 rw-p 0 0:0 0 [heap]\n";

static const struct mappings_process parent = { .space = 0, .pid = 10, .start_ticks = 100, .comm = "parent" };
static const struct mappings_process child = { .space = 3, .pid = 11, .start_ticks = 200, .comm = "child" };

static struct mappings *two_processes(void)
{
	struct mappings *a = mappings_parse(parent_text, strlen(parent_text), NULL);
	struct mappings *b = mappings_parse(child_text, strlen(child_text), NULL), *joined;
	const struct mappings_part parts[] = { { parent, a }, { child, b } };

	joined = mappings_join(parts, 2);
	mappings_put(a);
	mappings_put(b);
	assert_non_null(joined);
	return joined;
}

static void mappings_of_two_stand_one_after_another(void **state)
{
	struct mappings *joined = two_processes();

	(void)state;
	assert_int_equal(joined->nr, 4); /* vsyscall is nobody's */
	assert_int_equal(joined->mapped_bytes, 0x200000 + 0x400000);
	assert_int_equal(joined->v[1].start, 0x600000);
	assert_int_equal(joined->v[3].start, space_place(3, 0x600000));
	assert_int_equal(joined->v[3].end, space_place(3, 0x900000));
	assert_string_equal(mappings_name(joined, &joined->v[0]), "/bin/parent");
	assert_string_equal(mappings_name(joined, &joined->v[2]), "/bin/parent");
	assert_string_equal(mappings_name(joined, &joined->v[3]), "[heap]");
	assert_int_equal(mappings_process_of(joined, 0x650000)->pid, 10);
	assert_int_equal(mappings_process_of(joined, space_place(3, 0x650000))->pid, 11);
	assert_null(mappings_process_of(joined, space_place(2, 0x650000)));
	assert_ptr_equal(mappings_find(joined, space_place(3, 0x8ff000)), &joined->v[3]);
	assert_null(mappings_find(joined, 0x8ff000)); /* the parent has not so much heap */
	mappings_put(joined);
}

static void tables_of_other_processes_are_others(void **state)
{
	struct mappings *a = two_processes(), *b = two_processes();
	struct mappings_process other[] = { parent, child };

	(void)state;
	assert_true(mappings_equal(a, b));
	other[1].start_ticks++; /* the same number, given away again */
	assert_int_equal(mappings_set_processes(b, other, 2), 0);
	assert_false(mappings_equal(a, b));
	assert_true(mappings_process_key(&other[1]) != mappings_process_key(&child));
	mappings_put(a);
	mappings_put(b);
}

/* ---- snapshots ---- */

/* One region of one process; more is filled in by who asks. */
static struct snapshot *part(uint64_t start, uint64_t end, float heat, pid_t pid)
{
	struct snapshot *s = snapshot_new(1, false, 1, mappings_parse("", 0, NULL));

	s->seq = 4;
	s->pid = pid;
	s->source = "clock";
	s->heat_unit = HEAT_TIME;
	s->flags = SNAP_WSS_KNOWN | SNAP_WSS_EXACT | SNAP_RSS_KNOWN;
	s->wss_bytes = 0x10000;
	s->rss_bytes = 0x20000;
	s->nr_threads = 2;
	s->target_cpu_us = 1000;
	s->stats.samples = 100;
	s->stats.freq_hz = 100;
	s->regions[0] = (struct snap_region){ .start = start, .end = end, .heat = heat, .nr_reports = 5 };
	s->open.pages[0] = (struct snap_pages){ .valid = SNAP_PAGES_KIND, .anon = (uint32_t)pid };
	s->open.codes[0] = (struct snap_code){ .region = 0, .count = 3, .ip = 0x401000 };
	return s;
}

static void regions_pages_and_codes_become_places(void **state)
{
	struct snapshot *parts[] = { part(0x600000, 0x700000, 1, 10), part(0x600000, 0x900000, 1, 11) };
	struct snapshot *s;

	(void)state;
	s = snapshot_join(parts, two_processes());
	assert_non_null(s);
	assert_int_equal(snapshot_nr_processes(s), 2);
	assert_int_equal(s->seq, 4);
	assert_int_equal(s->pid, 10);
	assert_int_equal(s->nr_regions, 2);
	assert_int_equal(s->regions[0].start, 0x600000);
	assert_int_equal(s->regions[1].start, space_place(3, 0x600000));
	assert_int_equal(s->regions[1].end, space_place(3, 0x900000));
	assert_int_equal(s->open.pages[1].anon, 11);
	assert_int_equal(s->nr_codes, 2);
	assert_int_equal(s->open.codes[1].region, 1);
	assert_int_equal(s->open.codes[1].ip, space_place(3, 0x401000));
	assert_int_equal(s->wss_bytes, 0x20000);
	assert_int_equal(s->rss_bytes, 0x40000);
	assert_int_equal(s->nr_threads, 4);
	assert_int_equal(s->processes[1].rss_bytes, 0x20000);
	assert_true(s->flags & SNAP_WSS_EXACT);
	s = snapshot_pack(s);
	assert_int_equal(snapshot_pages(s, 1).anon, 11);
	assert_int_equal(s->processes[1].cpu_us, 1000);
	snapshot_free(s);
}

/* Shares of CPU time are of the time of all: what is sampled twice as often does not count twice. */
static void heat_of_time_is_a_share_of_all(void **state)
{
	struct snapshot *parts[] = { part(0x600000, 0x700000, 0.5f, 10), part(0x600000, 0x700000, 0.5f, 11) };
	struct snapshot *s;

	(void)state;
	parts[1]->stats.freq_hz = 300;
	parts[1]->stats.samples = 900; /* 3 s, beside 1 s */
	s = snapshot_join(parts, two_processes());
	assert_float_equal(s->regions[0].heat, 0.125f, 1e-6f);
	assert_float_equal(s->regions[1].heat, 0.375f, 1e-6f);
	snapshot_free(s);
}

static void what_one_does_not_know_all_do_not_know(void **state)
{
	struct snapshot *parts[] = { part(0x600000, 0x700000, 1, 10), part(0x600000, 0x700000, 1, 11) };
	struct snapshot *s;

	(void)state;
	parts[1]->flags &= ~(uint32_t)(SNAP_WSS_EXACT | SNAP_RSS_KNOWN);
	parts[1]->state = TARGET_STOPPED;
	parts[1]->flags |= SNAP_EXEC;
	s = snapshot_join(parts, two_processes());
	assert_int_equal(s->flags & (SNAP_WSS_KNOWN | SNAP_WSS_EXACT | SNAP_RSS_KNOWN | SNAP_EXEC),
			 SNAP_WSS_KNOWN | SNAP_EXEC);
	assert_int_equal(s->processes[0].flags, SNAP_WSS_KNOWN | SNAP_WSS_EXACT | SNAP_RSS_KNOWN);
	assert_int_equal(s->state, TARGET_RUNNING);
	snapshot_free(s);
}

static void one_without_a_snapshot_has_no_regions(void **state)
{
	struct snapshot *parts[] = { NULL, part(0x600000, 0x700000, 1, 11) }, *s;
	struct snapshot *none[] = { NULL, NULL };

	(void)state;
	s = snapshot_join(parts, two_processes());
	assert_int_equal(s->nr_regions, 1);
	assert_int_equal(space_of(s->regions[0].start), 3);
	snapshot_free(s);
	assert_null(snapshot_join(none, two_processes()));
}

/* Random regions of random processes: all come through, in order, and each can be told whose it is. */
static void nothing_is_lost_and_nothing_overlaps(void **state)
{
	struct rng rng = rng_seeded(11);

	(void)state;
	for (int round = 0; round < NR_ROUNDS; round++) {
		size_t nr = 1 + rng_below(&rng, MAPPINGS_MAX_PROCESSES), total = 0, at = 0;
		struct mappings *empty = mappings_parse("", 0, NULL);
		struct mappings_part tables[MAPPINGS_MAX_PROCESSES];
		struct snapshot *parts[MAPPINGS_MAX_PROCESSES], *s;
		size_t counts[MAPPINGS_MAX_PROCESSES];

		for (size_t i = 0; i < nr; i++) {
			uint64_t address = 0x1000;

			counts[i] = rng_below(&rng, 20);
			parts[i] = snapshot_new(counts[i], rng_below(&rng, 2), 0, mappings_get(empty));
			tables[i] = (struct mappings_part){ { (uint8_t)(i * 2), (pid_t)(100 + i), i, "x" }, empty };
			for (size_t k = 0; k < counts[i]; k++) {
				address += rng_below(&rng, 1 << 20) * 4096;
				parts[i]->regions[k].start = address;
				address += (1 + rng_below(&rng, 1 << 10)) * 4096;
				parts[i]->regions[k].end = address;
				parts[i]->regions[k].nr_reports = (uint32_t)(i * 100 + k);
			}
			total += counts[i];
		}
		s = snapshot_join(parts, mappings_join(tables, nr));
		assert_int_equal(s->nr_regions, total);
		for (size_t i = 0; i < nr; i++)
			for (size_t k = 0; k < counts[i]; k++, at++) {
				const struct snap_region *r = &s->regions[at];

				assert_int_equal(r->nr_reports, i * 100 + k);
				assert_int_equal(mappings_process_of(s->maps, r->start)->pid, 100 + i);
				assert_int_equal(space_of(r->end - 1), i * 2);
				assert_true(r->start < r->end && (!at || r[-1].end <= r->start));
				assert_ptr_equal(snapshot_find(s, r->start), r);
			}
		mappings_put(empty);
		snapshot_free(s);
	}
}

/* ---- out and in again ---- */

static struct snapshot *joined_snapshot(void)
{
	struct snapshot *parts[] = { part(0x600000, 0x700000, 1, 10), part(0x600000, 0x900000, 1, 11) };
	const struct mapping_report use[] = { { .start = 0x600000, .end = 0x700000, .rss_bytes = 4096 } };
	struct snapshot *s;

	snapshot_set_mappings(parts[0], use, 1);
	snapshot_set_mappings(parts[1], use, 1);
	s = snapshot_join(parts, two_processes());
	s->attrs = attrs_default();
	s->duration_ns = 1000000000;
	s->time_ns = s->wall_ns = 5000000000;
	s->nr_processes_left_out = 7;
	s->nr_processes_refused = 2;
	snprintf(s->comm, sizeof(s->comm), "parent");
	return s;
}

static int pid_of(const json_t *list, size_t i)
{
	return (int)json_integer_value(json_object_get(json_array_get(list, i), "pid"));
}

static void json_says_whose_it_is(void **state)
{
	struct snapshot *s = joined_snapshot();
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	json_t *root, *list;

	(void)state;
	assert_int_equal(snapshot_json_write(out, s), 0);
	fclose(out);
	root = json_loads(text, 0, NULL);
	list = json_object_get(root, "regions");
	assert_int_equal(pid_of(list, 0), 10);
	assert_int_equal(pid_of(list, 1), 11);
	/* both at the same address */
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "start")), "0x600000");
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "end")), "0x900000");
	list = json_object_get(root, "mappings");
	assert_int_equal(pid_of(list, 1), 11);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "start")), "0x600000");
	list = json_object_get(root, "processes");
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "comm")), "child");
	assert_int_equal(json_integer_value(json_object_get(root, "processes_left_out")), 7);
	assert_int_equal(json_integer_value(json_object_get(root, "processes_refused")), 2);
	json_decref(root);
	free(text);
	snapshot_free(s);
}

static void a_recording_keeps_the_processes(void **state)
{
	struct snapshot *s = joined_snapshot(), *again = NULL;
	struct file_tree dir;
	char path[FILE_TREE_PATH + 8];
	struct recording *recording;
	struct err err = ERR_NONE;
	struct record *record;

	(void)state;
	file_tree_new(&dir);
	snprintf(path, sizeof(path), "%s/x.rec", dir.root);
	assert_int_equal(record_open(&record, path, 0, &err), 0);
	assert_int_equal(record_add(record, s, &err), 0);
	s->seq++;
	assert_int_equal(record_add(record, s, &err), 0); /* this one without the mappings: they are the same */
	assert_int_equal(record_close(record, &err), 0);
	assert_int_equal(recording_open(&recording, path, 0, &s->attrs, &err), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(recording_next(recording, &again, &err), 1);
		assert_int_equal(snapshot_nr_processes(again), 2);
		assert_int_equal(again->maps->nr, s->maps->nr);
		assert_int_equal(again->maps->v[3].start, s->maps->v[3].start);
		assert_true(mappings_process_key(&again->maps->processes[1]) == mappings_process_key(&child));
		assert_string_equal(again->maps->processes[1].comm, "child");
		assert_int_equal(again->regions[1].start, s->regions[1].start);
		assert_int_equal(again->mappings[1].start, s->mappings[1].start);
		assert_int_equal(again->processes[1].rss_bytes, s->processes[1].rss_bytes);
		assert_int_equal(again->processes[1].flags, s->processes[1].flags);
		assert_int_equal(again->nr_processes_left_out, 7);
		assert_int_equal(again->nr_processes_refused, 2);
		snapshot_free(again);
	}
	recording_close(recording);
	unlink(path);
	file_tree_free(&dir);
	snapshot_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_place_is_a_space_and_an_address),
		cmocka_unit_test(a_range_of_places_has_a_part_in_each_space),
		cmocka_unit_test(mappings_of_two_stand_one_after_another),
		cmocka_unit_test(tables_of_other_processes_are_others),
		cmocka_unit_test(regions_pages_and_codes_become_places),
		cmocka_unit_test(heat_of_time_is_a_share_of_all),
		cmocka_unit_test(what_one_does_not_know_all_do_not_know),
		cmocka_unit_test(one_without_a_snapshot_has_no_regions),
		cmocka_unit_test(nothing_is_lost_and_nothing_overlaps),
		cmocka_unit_test(json_says_whose_it_is),
		cmocka_unit_test(a_recording_keeps_the_processes),
	};

	return cmocka_run_group_tests_name("snapshot_join", tests, NULL, NULL);
}
