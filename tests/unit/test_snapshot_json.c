/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A snapshot as JSON, read again by the same library that other programs use. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/snapshot_json.h"

static const char maps_text[] = "1000-5000 rw-p 0 0:0 0 \n5000-9000 rw-p 0 0:0 0 [heap]\n"
				"a000-c000 r--p 0 0:0 9 /tmp/x\"\x1b[2J\xff\n";

static struct snapshot *make(void)
{
	struct snapshot *s = snapshot_new(2, false, 1, mappings_parse(maps_text, sizeof(maps_text) - 1, NULL));

	s->seq = 7;
	s->time_ns = UINT64_C(1) << 60;
	s->pid = 12;
	snprintf(s->comm, sizeof(s->comm), "a \"b\"");
	s->source = "clock";
	s->heat_unit = HEAT_TIME;
	s->regions[0] = (struct snap_region){
		.start = 0x2000, .end = 0x8000, .nr_accesses = 3, .age = 2, .heat = 0.5f, .nr_reports = 3
	};
	s->regions[1] = (struct snap_region){
		.start = 0xa000,
		.end = 0xc000,
	};
	s->open.pages[1] = (struct snap_pages){ .valid = SNAP_PAGES_NODE | SNAP_PAGES_KIND,
						.node = { 1 },
						.node_pages = { 2 },
						.file = 2,
						.swapped = 3,
						.swap_known = 1 };
	s->open.codes[0] = (struct snap_code){ .region = 1, .count = 5, .ip = 0x7fff12345678 };
	return s;
}

static json_t *written(const struct snapshot *s)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	json_t *root;

	assert_int_equal(snapshot_json_write(out, s), 0);
	fclose(out);
	assert_ptr_equal(strchr(text, '\n'), text + size - 1); /* one line */
	for (char *p = text; p < text + size - 1; p++)
		assert_true((unsigned char)*p >= 0x20);
	root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	free(text);
	return root;
}

static void what_is_known_is_there_and_what_is_not_is_absent(void **state)
{
	struct snapshot *s = make();
	json_t *root = written(s), *regions = json_object_get(root, "regions"), *r;

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(root, "time_ns")), INT64_C(1) << 60);
	assert_string_equal(json_string_value(json_object_get(root, "comm")), "a \"b\"");
	assert_string_equal(json_string_value(json_object_get(root, "heat_unit")), "time");
	assert_null(json_object_get(root, "wss_bytes"));
	assert_null(json_object_get(root, "rss_bytes"));
	assert_null(json_object_get(root, "max_nr_accesses"));
	r = json_array_get(regions, 0);
	assert_string_equal(json_string_value(json_object_get(r, "start")), "0x2000");
	assert_string_equal(json_string_value(json_object_get(r, "mapping")),
			    "anon"); /* 3 pages of 6, the first most */
	assert_null(json_object_get(r, "nodes"));
	assert_null(json_object_get(r, "anon_bytes"));
	assert_null(json_object_get(r, "codes"));
	r = json_array_get(regions, 1);
	assert_string_equal(json_string_value(json_object_get(r, "mapping")), "/tmp/x\"\\x1b[2J\\xff");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(r, "nodes"), "1")), 2);
	assert_int_equal(json_integer_value(json_object_get(r, "file_bytes")), 8192);
	assert_int_equal(json_integer_value(json_object_get(r, "anon_bytes")), 0);
	assert_null(json_object_get(r, "huge_bytes"));
	assert_int_equal(json_integer_value(json_object_get(r, "swapped_bytes")), 3 * 4096);
	assert_null(json_object_get(json_array_get(regions, 0), "swapped_bytes"));
	assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(r, "codes"), 0), "ip")),
			    "0x7fff12345678");
	json_decref(root);
	snapshot_free(s);
}

static void flags_bring_their_fields(void **state)
{
	struct snapshot *s = make();
	json_t *root;

	(void)state;
	s->flags = SNAP_WSS_KNOWN | SNAP_RSS_KNOWN;
	s->heat_unit = HEAT_FRACTION;
	root = written(s);
	assert_non_null(json_object_get(root, "wss_bytes"));
	assert_true(json_is_false(json_object_get(root, "wss_exact")));
	assert_non_null(json_object_get(root, "rss_bytes"));
	assert_non_null(json_object_get(root, "max_nr_accesses"));
	json_decref(root);
	snapshot_free(s);
}

static void mappings_are_there_where_the_source_knows_them(void **state)
{
	static const struct mapping_report v[] = {
		{ .start = 0x1000, .end = 0x5000 }, /* holds nothing */
		{ .start = 0x5000, .end = 0x9000, .rss_bytes = 0x3000, .referenced_bytes = 0x1000, .window_ns = 7 },
		{ .start = 0xa000,
		  .end = 0xc000,
		  .rss_bytes = 0x2000,
		  .window_ns = 7,
		  .accesses_per_sec = 2.5,
		  .nr_windows = 3,
		  .valid = MAPPING_REPORT_RATE | MAPPING_REPORT_RATE_MIN },
	};
	struct snapshot *s = make();
	size_t sz = snapshot_sz(s);
	json_t *root = written(s), *m;

	(void)state;
	assert_null(json_object_get(root, "mappings"));
	json_decref(root);
	assert_int_equal(snapshot_set_mappings(s, v, 3), 0);
	assert_int_equal(snapshot_sz(s), sz + 2 * sizeof(v[0]));
	root = written(s);
	assert_int_equal(json_array_size(json_object_get(root, "mappings")), 2);
	assert_null(json_object_get(root, "mappings_left_out"));
	m = json_array_get(json_object_get(root, "mappings"), 0);
	assert_string_equal(json_string_value(json_object_get(m, "mapping")), "[heap]");
	assert_int_equal(json_integer_value(json_object_get(m, "rss_bytes")), 0x3000);
	assert_int_equal(json_integer_value(json_object_get(m, "referenced_bytes")), 0x1000);
	assert_null(json_object_get(m, "accesses_per_sec"));
	assert_null(json_object_get(m, "at_least"));
	m = json_array_get(json_object_get(root, "mappings"), 1);
	assert_true(json_real_value(json_object_get(m, "accesses_per_sec")) == 2.5);
	assert_true(json_is_true(json_object_get(m, "at_least")));
	assert_int_equal(json_integer_value(json_object_get(m, "referenced_bytes")), 0);
	json_decref(root);
	snapshot_free(s);
}

/* Of too many the ones that are used most, by address again. */
static void too_many_mappings_keep_the_hottest(void **state)
{
	enum { NR = SNAPSHOT_MAX_MAPPINGS * 2 };
	struct mapping_report *v = calloc(NR, sizeof(*v));
	struct snapshot *s = make();

	(void)state;
	for (unsigned i = 0; i < NR; i++)
		v[i] = (struct mapping_report){ .start = i * 0x2000ul,
						.end = i * 0x2000ul + 0x1000,
						.rss_bytes = 0x1000,
						.accesses_per_sec = i % 2,
						.valid = MAPPING_REPORT_RATE };
	assert_int_equal(snapshot_set_mappings(s, v, NR), 0);
	assert_int_equal(s->nr_mappings, SNAPSHOT_MAX_MAPPINGS);
	assert_int_equal(s->nr_mappings_left_out, SNAPSHOT_MAX_MAPPINGS);
	for (size_t i = 0; i < s->nr_mappings; i++)
		assert_int_equal(s->mappings[i].start, (2 * i + 1) * 0x2000);
	snapshot_free(s);
	free(v);
}

static void a_full_disk_is_said(void **state)
{
	struct snapshot *s = make();
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	setvbuf(full, NULL, _IONBF, 0);
	assert_true(snapshot_json_write(full, s) < 0);
	fclose(full);
	snapshot_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_known_is_there_and_what_is_not_is_absent),
		cmocka_unit_test(flags_bring_their_fields),
		cmocka_unit_test(mappings_are_there_where_the_source_knows_them),
		cmocka_unit_test(too_many_mappings_keep_the_hottest),
		cmocka_unit_test(a_full_disk_is_said),
	};

	return cmocka_run_group_tests_name("snapshot_json", tests, NULL, NULL);
}
