/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recordings that others have written as text: damo's spellings, perf script's lines; malformed and hostile files. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "collector/damo_number.h"
#include "collector/recording.h"
#include "tests/unit/recording_file.h"

/* As damo 3.3 writes it: commas, units, text, and fields that are not there. */
static const char damo_text[] =
	"[ { \"kdamond_idx\": 0, \"context_idx\": 0, \"intervals\": { \"sample_us\": \"5 ms\", \"aggr_us\": "
	"\"100,000\","
	"\"ops_update_us\": \"1 s\" }, \"scheme_idx\": null, \"target_id\": 7, \"new\": [1, {\"x\": [null]}],"
	"\"snapshots\": [ { \"start_time\": \"1 s\", \"end_time\": \"1 s 100 ms\", \"regions\": ["
	"{ \"start\": \"139,637,976,727,552\", \"end\": \"139,637,980,921,856\", \"nr_accesses\": { \"samples\": 5,"
	"\"percent\": null }, \"age\": { \"usec\": \"3 s 200 ms\", \"aggr_intervals\": null },"
	"\"sz_filter_passed\": \"143.027 MiB\" },"
	"{ \"start\": \"0x\", \"end\": 1 } ] } ] } ]";

static void damos_spellings_are_read(void **state)
{
	struct recording_file *f = *state;
	struct err err = ERR_NONE;
	char *text = strdup(damo_text);
	struct snapshot *s;

	snprintf(strstr(text, ",{ \"start\": \"0x\""), 64, "] } ] } ]");
	file_tree_put(&f->tree, RECORDING_NAME, text);
	s = recording_file_first(f->path, 0, &err);
	assert_non_null(s);
	assert_int_equal(s->nr_regions, 1);
	assert_int_equal(s->regions[0].start, UINT64_C(139637976727552));
	assert_int_equal(s->regions[0].end, UINT64_C(139637980921856));
	assert_int_equal(s->regions[0].nr_accesses, 5);
	assert_int_equal(s->regions[0].age, 32);
	assert_int_equal(s->max_nr_accesses, 20);
	assert_true(s->regions[0].heat > 0.24f && s->regions[0].heat < 0.26f);
	assert_int_equal(s->time_ns, UINT64_C(1100000000));
	assert_int_equal(s->duration_ns, UINT64_C(100000000));
	assert_int_equal(s->attrs.aging_us, 5000);
	assert_int_equal(s->pid, 7);
	assert_int_equal(s->maps->nr, 1);
	assert_int_equal(s->wss_bytes, 4194304);
	snapshot_free(s);
	assert_null(recording_file_first(f->path, 8, &err));
	assert_int_equal(err.code, ENOENT);
	free(text);
}

static void perf_script_is_read(void **state)
{
	struct recording_file *f = *state;
	struct err err = ERR_NONE;
	struct snapshot *s;

	file_tree_put(
		&f->tree, RECORDING_NAME,
		"kdamond.0  4452 [000] 82877.315633: damon:damon_aggregated: target_id=9 nr_regions=2 4096-8192: 3 12\n"
		"kdamond.0  4452 [000] 82877.315633: damon:damon_aggregated: target_id=9 nr_regions=2 8192-16384: 0\n"
		"kdamond.0  4452 [000] 82877.415633: damon:damon_monitor_intervals_tune: sample_us=5000\n"
		"kdamond.0  4452 [000] 82877.415633: damon:damon_aggregated: target_id=9 nr_regions=1 4096-8192: 20 "
		"1\n");
	s = recording_file_first(f->path, 0, &err);
	assert_non_null(s);
	assert_int_equal(s->nr_regions, 2);
	assert_int_equal(s->regions[0].nr_accesses, 3);
	assert_int_equal(s->regions[0].age, 12);
	assert_int_equal(s->regions[1].end, 16384);
	assert_int_equal(s->time_ns, UINT64_C(82877315633000));
	assert_int_equal(s->duration_ns, UINT64_C(100000000));
	assert_int_equal(s->max_nr_accesses, 20);
	snapshot_free(s);
	assert_int_equal(recording_file_read(f->path, 0, false, NULL, &err), 2);
	file_tree_put(&f->tree, RECORDING_NAME,
		      "a 1 [0] 1.0: damon:damon_aggregated: target_id=9 nr_regions=1 8192-4096: 3 12\n");
	assert_null(recording_file_first(f->path, 0, &err));
	assert_non_null(strstr(err.text, "in line 1"));
}

static void numbers_in_every_spelling(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} bytes[] = { { "0 B", 0 },
		      { "4096", 4096 },
		      { "1,234", 1234 },
		      { "143.027 MiB", 149974680 },
		      { "2 KB", 2048 },
		      { "1K", 1024 },
		      { "max", UINT64_MAX },
		      { "99999999999999999999", UINT64_MAX },
		      { "18446744073709551615", UINT64_MAX } };
	static const char *const wrong[] = { "", "x", "-1", "1 Q", "1 KiBs", ",1", "0x10" };
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		assert_true(damo_number_bytes(bytes[i].text, &v));
		assert_int_equal(v, bytes[i].bytes);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(damo_number_bytes(wrong[i], &v));
	assert_true(damo_number_ns("3 s 200 ms", 1, &v) && v == UINT64_C(3200000000));
	assert_true(damo_number_ns("100,000", 1000, &v) && v == UINT64_C(100000000));
	assert_true(damo_number_ns("1 h 2 m", 1, &v) && v == UINT64_C(3720000000000));
	assert_false(damo_number_ns("1 s x", 1, &v));
}

static void what_is_malformed_is_refused_with_its_position(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "[{\"snapshots\":[{\"regions\":[{\"start\":5,\"end\":4}]}]}]", "at byte 46" },
		{ "[{\"snapshots\":[{\"regions\":[{\"start\":5,\"end\":9},{\"start\":8,\"end\":10}]}]}]",
		  "lies in or before" },
		{ "[{\"snapshots\" 1}]", "a colon is missing at byte 14" },
		{ "[{\n\n\"a\":tru}]", "(line 3)" },
		{ "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "a record is missing" },
		{ "[{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "too many levels" },
		{ "[{\"snapshots\":[{\"end_time\":\"later\"}]}]", "a time is wrong" },
		{ "[{\"snapshots\":[{\"damontop\":{\"maps\":\"zz\"}}]}]", "the mappings before byte" },
		{ "[{\"snapshots\":[{\"regions\":[{\"heat\":1e999}]}]}]", "a number is wrong" },
		{ "[] x", "more text after the end" },
		{ "[{\"a\":\"\\ud800\"}]", "an escape" },
		{ "{}", "is no recording" },
		{ "", "is empty" },
	};
	struct recording_file *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_NONE;

		file_tree_put(&f->tree, RECORDING_NAME, cases[i].text);
		assert_null(recording_file_first(f->path, 0, &err));
		if (!strstr(err.text, cases[i].says))
			fail_msg("\"%s\": \"%s\" does not say \"%s\"", cases[i].text, err.text, cases[i].says);
	}
}

static void a_bomb_is_refused(void **state)
{
	static char spaces[1 << 20];
	struct recording_file *f = *state;
	struct err err = ERR_NONE;
	gzFile gz = gzopen(f->path, "wb9");

	memset(spaces, ' ', sizeof(spaces));
	gzwrite(gz, "[", 1);
	for (int i = 0; i < 400; i++)
		gzwrite(gz, spaces, sizeof(spaces));
	gzclose(gz);
	assert_null(recording_file_first(f->path, 0, &err));
	assert_int_equal(err.code, EFBIG);
	assert_non_null(strstr(err.text, "refused"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, recording_file_new, recording_file_free)
		TEST(damos_spellings_are_read),	 TEST(perf_script_is_read),
		TEST(numbers_in_every_spelling), TEST(what_is_malformed_is_refused_with_its_position),
		TEST(a_bomb_is_refused),
	};

	return cmocka_run_group_tests_name("recording_text", tests, NULL, NULL);
}
