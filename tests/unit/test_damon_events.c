/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tracepoint damon:damon_aggregated, from records in a ring laid out as the kernel does it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector/damon_events.h"
#include "tests/unit/perf_sim.h"

/* As Linux 6.12 has it; tabs and the common fields are the kernel's. */
static const char format_text[] =
	"name: damon_aggregated\nID: 734\nformat:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
	"\tfield:unsigned long target_id;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned int nr_regions;\toffset:16;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned long start;\toffset:24;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned long end;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned int nr_accesses;\toffset:40;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned int age;\toffset:44;\tsize:4;\tsigned:0;\n\n"
	"print fmt: \"target_id=%lu nr_regions=%u %lu-%lu: %u %u\", REC->target_id, REC->nr_regions\n";

#define RAW_BYTES 48

/* What was handed over. */
struct seen {
	unsigned nr;
	uint64_t since_ns[8];
	size_t nr_regions[8];
	struct region_report first[8], last[8];
};

struct fixture {
	struct perf_sim sim;
	struct damon_events *events;
	struct seen seen;
};

static int open_ring(void **state, size_t nr_pages)
{
	static struct fixture fixture;
	struct damon_format format;

	fixture = (struct fixture){ 0 };
	*state = &fixture;
	assert_int_equal(damon_format_parse(&format, format_text), 0);
	/* Just below a place where positions wrap around. */
	assert_true(perf_sim_open(&fixture.sim, nr_pages, 4096 - 40));
	return damon_events_open_file(&fixture.events, &format, 3, fixture.sim.fd, nr_pages, NULL);
}

static int setup(void **state)
{
	return open_ring(state, 16);
}

static int setup_small(void **state)
{
	return open_ring(state, 1);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	damon_events_close(f->events);
	perf_sim_close(&f->sim);
	return 0;
}

static void take(void *ctx, struct damon_regions *regions, uint64_t since_ns)
{
	struct seen *seen = ctx;

	assert_in_range(seen->nr, 0, 7);
	assert_true(regions->nr > 0);
	seen->since_ns[seen->nr] = since_ns;
	seen->nr_regions[seen->nr] = regions->nr;
	seen->first[seen->nr] = regions->v[0];
	seen->last[seen->nr++] = regions->v[regions->nr - 1];
}

static struct damon_events_stats drain(struct fixture *f)
{
	struct damon_events_stats stats;

	f->seen.nr = 0;
	assert_int_equal(damon_events_drain(f->events, take, &f->seen), 0);
	damon_events_stats(f->events, &stats);
	return stats;
}

/* raw_bytes: what the record says, of which 48 are there. */
static void put_sized(struct fixture *f, uint64_t time_ns, uint64_t target, uint32_t nr, uint64_t start, uint64_t end,
		      uint32_t raw_bytes)
{
	unsigned char body[8 + 4 + RAW_BYTES + 4] = { 0 };
	const uint32_t nr_accesses = (uint32_t)(start / 4096 % 21), age = 9;
	uint64_t buf[16], words[8];
	unsigned char *raw = body + 12;

	memcpy(body, &time_ns, 8);
	memcpy(body + 8, &raw_bytes, 4);
	memcpy(raw + 8, &target, 8);
	memcpy(raw + 16, &nr, 4);
	memcpy(raw + 24, &start, 8);
	memcpy(raw + 32, &end, 8);
	memcpy(raw + 40, &nr_accesses, 4);
	memcpy(raw + 44, &age, 4);
	memcpy(words, body, sizeof(body));
	perf_sim_write(&f->sim, perf_sim_record(buf, PERF_RECORD_SAMPLE, words, sizeof(body) / 8));
}

static void put(struct fixture *f, uint64_t time_ns, uint64_t target, uint32_t nr, uint64_t i)
{
	put_sized(f, time_ns, target, nr, (i + 1) * 4096, (i + 2) * 4096, RAW_BYTES + 4);
}

static void put_batch(struct fixture *f, uint64_t time_ns, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++)
		put(f, time_ns + i, 3, nr, i);
}

static void test_format(void **state)
{
	struct damon_format format;
	char text[sizeof(format_text)];

	(void)state;
	assert_int_equal(damon_format_parse(&format, format_text), 0);
	assert_int_equal(format.field[DAMON_FIELD_NR_REGIONS].offset, 16);
	assert_int_equal(format.field[DAMON_FIELD_NR_REGIONS].size, 4);
	assert_int_equal(format.field[DAMON_FIELD_AGE].offset, 44);
	assert_int_equal(damon_format_parse(&format, ""), -EBADMSG);
	/* Cut anywhere before the end of the last field, it is refused. */
	for (size_t len = 0; len < (size_t)(strstr(format_text, "\tsigned:0;\n\nprint") - format_text); len++) {
		memcpy(text, format_text, len);
		text[len] = '\0';
		assert_int_equal(damon_format_parse(&format, text), -EBADMSG);
	}
	strcpy(text, format_text);
	memcpy(strstr(text, "size:4;\tsigned:0;\n\tfield:unsigned long start"), "size:3", 6);
	assert_int_equal(damon_format_parse(&format, text), -EBADMSG);
}

static void test_batches(void **state)
{
	struct fixture *f = *state;
	struct damon_events_stats stats;

	put_batch(f, 1000, 3);
	put_batch(f, 5000, 2);
	put_batch(f, 9000, 1);
	put_batch(f, 9500, 1);
	stats = drain(f);
	assert_int_equal(f->seen.nr, 4);
	assert_int_equal(f->seen.nr_regions[0], 3);
	assert_int_equal(f->seen.since_ns[0], 0); /* not known */
	assert_int_equal(f->seen.since_ns[1], 4000);
	assert_int_equal(f->seen.since_ns[3], 500);
	assert_int_equal(f->seen.first[0].start, 4096);
	assert_int_equal(f->seen.last[0].end, 4 * 4096);
	assert_int_equal(f->seen.last[0].nr_accesses, 3);
	assert_int_equal(f->seen.last[0].age, 9);
	assert_int_equal(stats.nr_aggregations, 4);
	assert_int_equal(stats.nr_incomplete + stats.lost + stats.malformed, 0);
}

static void test_batch_in_parts(void **state)
{
	struct fixture *f = *state;

	put(f, 1000, 3, 2, 0);
	drain(f);
	assert_int_equal(f->seen.nr, 0);
	put(f, 1001, 3, 2, 1);
	drain(f);
	assert_int_equal(f->seen.nr, 1);
}

/* We may begin to listen in the midst of one: the rest of it is not taken for all of it. */
static void test_begins_in_the_middle(void **state)
{
	struct fixture *f = *state;

	put(f, 1000, 3, 3, 1);
	put(f, 1001, 3, 3, 2);
	put_batch(f, 5000, 3);
	drain(f);
	assert_int_equal(f->seen.nr, 1);
	assert_int_equal(f->seen.first[0].start, 4096);
	assert_int_equal(f->seen.since_ns[0], 0);
}

static void test_other_targets(void **state)
{
	struct fixture *f = *state;

	put(f, 1000, 2, 2, 0);
	put(f, 1001, 2, 2, 1);
	put_batch(f, 1002, 2);
	put(f, 1004, 4, 1, 0);
	assert_int_equal(drain(f).nr_incomplete, 0);
	assert_int_equal(f->seen.nr, 1);
}

/* More than there is room for, twice: whole batches only, the lost ones counted, and going on after that. */
static void test_lost(void **state)
{
	struct fixture *f = *state;
	struct damon_events_stats stats;

	put_batch(f, 1000, 5);
	put_batch(f, 2000, 1000);
	stats = drain(f);
	assert_int_equal(f->seen.nr, 1);
	put_batch(f, 3000, 5); /* the first of them comes after the LOST */
	put_batch(f, 4000, 5);
	stats = drain(f);
	assert_true(stats.lost > 900);
	assert_int_equal(stats.nr_incomplete, 1);
	assert_int_equal(f->seen.nr, 2);
	assert_int_equal(f->seen.nr_regions[0], 5);
	assert_int_equal(f->seen.since_ns[0], 0); /* another one was between them */
	assert_int_equal(f->seen.since_ns[1], 1000);
}

static void test_nonsense(void **state)
{
	struct fixture *f = *state;

	put_sized(f, 1000, 3, 1, 4096, 4096, RAW_BYTES + 4); /* empty */
	put_sized(f, 1000, 3, 1, 8192, 4096, RAW_BYTES + 4); /* backwards */
	put_sized(f, 1000, 3, 0, 4096, 8192, RAW_BYTES + 4); /* of none */
	put_sized(f, 1000, 3, 1, 4096, 8192, RAW_BYTES - 1); /* a field is beyond it */
	put_sized(f, 1000, 3, 1, 4096, 8192, 1000);	     /* beyond the record */
	put_sized(f, 1000, 3, 1, 4096, 8192, 4294967295U);
	assert_int_equal(drain(f).malformed, 6);
	assert_int_equal(f->seen.nr, 0);
	put_batch(f, 2000, 2);
	drain(f);
	assert_int_equal(f->seen.nr, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test_setup_teardown(test_batches, setup, teardown),
		cmocka_unit_test_setup_teardown(test_batch_in_parts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_begins_in_the_middle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_targets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost, setup_small, teardown),
		cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
