/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The source referenced on ourselves: real bits, a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/clear_bits.h"
#include "collector/sources/sources.h"

#define NR_PAGES 256

struct fixture {
	struct sink sink; /* first */
	struct clock_virtual clock;
	struct target *target;
	struct source *source;
	char *v; /* NR_PAGES present pages, a mapping of their own */
	/* what was reported of it */
	struct mapping_report mapping;
	size_t nr_mappings, nr_reports;
	uint64_t reported_pages;
};

static bool is_ours(const struct fixture *f, uint64_t start, uint64_t end)
{
	return start <= (uintptr_t)f->v && end >= (uintptr_t)f->v + NR_PAGES * PAGE_BYTES;
}

static void take_reports(struct sink *sink, const struct report *v, size_t nr)
{
	struct fixture *f = (struct fixture *)sink;

	f->nr_reports += nr;
	for (size_t i = 0; i < nr; i++) {
		if (i)
			assert_true(v[i].start >= v[i - 1].end);
		if (is_ours(f, v[i].start, v[i].end))
			f->reported_pages += v[i].count;
	}
}

static void take_mappings(struct sink *sink, const struct mapping_report *v, size_t nr)
{
	struct fixture *f = (struct fixture *)sink;

	f->nr_mappings += nr;
	for (size_t i = 0; i < nr; i++)
		if (is_ours(f, v[i].start, v[i].end))
			f->mapping = v[i];
}

/* Drops touched pages of another mapping: that flushes all cached translations, and used pages are marked again. */
static void flush_tlb(void)
{
	size_t size = 128 * PAGE_BYTES;
	char *v = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(v != MAP_FAILED);
	memset(v, 1, size);
	munmap(v, size);
}

static void touch(struct fixture *f, size_t nr)
{
	flush_tlb();
	for (size_t i = 0; i < nr; i++)
		*(volatile char *)(f->v + i * PAGE_BYTES) += 1;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char *v = mmap(NULL, (NR_PAGES + 2) * PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_non_null(f);
	assert_true(v != MAP_FAILED);
	f->v = v + PAGE_BYTES;
	assert_int_equal(mprotect(f->v, NR_PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE), 0);
	memset(f->v, 1, NR_PAGES * PAGE_BYTES);
	f->sink = (struct sink){ .reports = take_reports, .mappings = take_mappings };
	clock_virtual_init(&f->clock, NSEC_PER_SEC, NSEC_PER_SEC);
	assert_int_equal(target_open(&f->target, getpid(), NULL), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	source_referenced.close(f->source);
	target_close(f->target);
	munmap(f->v - PAGE_BYTES, (NR_PAGES + 2) * PAGE_BYTES);
	free(f);
	return 0;
}

static void open_source(struct fixture *f, uint32_t budget_bp)
{
	struct source_params params = { .target = f->target, .attrs = attrs_default(), .clock = &f->clock.clock };

	params.attrs.budget_bp = budget_bp;
	assert_int_equal(source_referenced.probe(&params, NULL), 0);
	assert_int_equal(source_referenced.open(&f->source, &params, NULL), 0);
	assert_int_equal(source_referenced.prepare(f->source, NULL), 0);
}

static void pass_time(struct fixture *f, uint64_t ns)
{
	clock_virtual_advance(&f->clock, f->clock.now_ns + ns);
}

static void drain_to(struct fixture *f, int expected)
{
	pass_time(f, 200 * NSEC_PER_MSEC);
	f->nr_reports = f->nr_mappings = 0;
	f->reported_pages = 0;
	f->mapping = (struct mapping_report){ 0 };
	assert_int_equal(source_referenced.drain(f->source, &f->sink, NULL), expected);
}

static void drain(struct fixture *f)
{
	drain_to(f, 0);
}

static void test_bytes_in_use(void **state)
{
	static const size_t nr[] = { 16, NR_PAGES, 0, 1 };
	struct fixture *f = *state;

	open_source(f, 1000000);
	for (size_t i = 0; i < sizeof(nr) / sizeof(nr[0]); i++) {
		touch(f, nr[i]);
		drain(f);
		assert_true(f->nr_mappings > 10);
		assert_int_equal(f->mapping.rss_bytes, NR_PAGES * PAGE_BYTES);
		assert_int_equal(f->mapping.referenced_bytes, nr[i] * PAGE_BYTES);
		assert_int_equal(f->mapping.window_ns, 200 * NSEC_PER_MSEC);
		assert_int_equal(f->reported_pages, nr[i]);
		assert_int_equal(source_referenced.prepare(f->source, NULL), 0);
	}
}

/* A round: not before its 2 ms, then the bits are cleared once more; the last one grows into the long window. */
static void test_rounds_of_short_windows(void **state)
{
	struct fixture *f = *state;
	struct source_stats stats;

	open_source(f, 1000000);
	touch(f, 8);
	pass_time(f, NSEC_PER_MSEC);
	assert_int_equal(source_referenced.wake(f->source, NULL), 0);
	source_referenced.stats(f->source, &stats);
	assert_int_equal(stats.samples, 0);
	pass_time(f, NSEC_PER_MSEC);
	assert_int_equal(source_referenced.wake(f->source, NULL), 0);
	source_referenced.stats(f->source, &stats);
	assert_int_equal(stats.samples, 1);
	assert_int_equal(stats.reports, 0); /* a wake hands over nothing */
	assert_int_equal(source_referenced.wake(f->source, NULL), 0);
	touch(f, 2);
	drain(f);
	assert_in_range(f->mapping.referenced_bytes / PAGE_BYTES, 2, 8);
	assert_int_equal(f->mapping.nr_windows, 2);
	assert_int_equal(f->mapping.valid, 0); /* two windows are too few for a rate */
	/* Some more rounds of the first check's kind. */
	for (int i = 0; i < 3; i++) {
		assert_int_equal(source_referenced.prepare(f->source, NULL), 0);
		pass_time(f, 40 * NSEC_PER_MSEC);
		assert_int_equal(source_referenced.wake(f->source, NULL), 0);
		drain(f);
	}
	assert_true(f->mapping.valid & MAPPING_REPORT_RATE);
}

/* Beyond the budget a check is made without a clear: what was used before is still there. */
static void test_budget_stretches_the_window(void **state)
{
	struct fixture *f = *state;
	struct source_stats stats;

	open_source(f, 1); /* 0.01 %: 20 us a check; 200 pages cost four times as much */
	touch(f, 200);
	drain(f);
	assert_int_equal(source_referenced.prepare(f->source, NULL), 0);
	drain(f);
	assert_int_equal(source_referenced.prepare(f->source, NULL), 0);
	drain(f);
	assert_int_equal(f->mapping.referenced_bytes, 200 * PAGE_BYTES);
	assert_int_equal(f->mapping.window_ns, 600 * NSEC_PER_MSEC);
	source_referenced.stats(f->source, &stats);
	assert_non_null(strstr(stats.note, "600ms"));
	assert_non_null(strstr(stats.note, "so clears are rare"));
	assert_int_equal(stats.stretched, 2); /* the first check found what was used since the first clear alone */
	/* Long after, it is due again. */
	pass_time(f, 3600 * NSEC_PER_SEC);
	assert_int_equal(source_referenced.prepare(f->source, NULL), 0);
	drain(f);
	assert_int_equal(f->mapping.referenced_bytes, 0);
	source_referenced.stats(f->source, &stats);
	assert_int_equal(stats.stretched, 2);
}

static void test_nothing_before_the_first_clear(void **state)
{
	struct source_params params = { .attrs = attrs_default() };
	struct fixture *f = *state;

	params.target = f->target;
	params.clock = &f->clock.clock;
	assert_int_equal(source_referenced.open(&f->source, &params, NULL), 0);
	drain_to(f, SOURCE_NO_CHECK);
	assert_int_equal(f->nr_reports, 0);
	assert_int_equal(f->nr_mappings, 0);
	/* But then there is one. */
	touch(f, 16);
	drain(f);
	assert_int_equal(f->mapping.referenced_bytes, 16 * PAGE_BYTES);
}

static void test_exec_forgets(void **state)
{
	struct fixture *f = *state;
	struct source_stats stats;

	open_source(f, 100);
	touch(f, NR_PAGES);
	assert_int_equal(source_referenced.target_changed(f->source, TARGET_CHANGED_EXEC, NULL), 0);
	source_referenced.stats(f->source, &stats);
	assert_non_null(strstr(stats.note, "no check yet"));
	touch(f, 16);
	drain(f);
	assert_int_equal(f->mapping.referenced_bytes, 16 * PAGE_BYTES);
}

/* A clock on which each look takes 1 ms: a reading of dozens of mappings is made once an aggregation, not five times.
 */
static uint64_t slow_now(const struct clock *clock)
{
	struct clock_virtual *virtual_clock = (struct clock_virtual *)clock;

	return virtual_clock->now_ns += NSEC_PER_MSEC;
}

static void test_costly_readings_are_rare(void **state)
{
	struct fixture *f = *state;
	int checks = 0;

	open_source(f, 1000000);
	f->clock.clock.now_ns = slow_now;
	for (int i = 0; i < 20; i++) {
		int rc;

		f->clock.now_ns += 180 * NSEC_PER_MSEC;
		rc = source_referenced.drain(f->source, &f->sink, NULL);
		assert_true(rc == 0 || rc == SOURCE_NO_CHECK);
		if (rc == 0)
			assert_int_equal(source_referenced.prepare(f->source, NULL), 0);
		checks += rc == 0;
	}
	assert_in_range(checks, 3, 5); /* in some 4 s */
}

/* The target ends between the clear and the reading. */
static void test_target_has_ended(void **state)
{
	struct fixture *f = *state;
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	target_close(f->target);
	assert_int_equal(target_open(&f->target, pid, NULL), 0);
	open_source(f, 100);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	pass_time(f, 200 * NSEC_PER_MSEC);
	assert_int_equal(source_referenced.wake(f->source, NULL), -ESRCH);
	assert_int_equal(source_referenced.drain(f->source, &f->sink, NULL), -ESRCH);
	assert_int_equal(source_referenced.prepare(f->source, NULL), -ESRCH);
}

/* So many mappings more, of one page each, none of them present. */
static char *map_many(struct fixture *f, size_t nr)
{
	char *v = mmap(NULL, nr * PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(v != MAP_FAILED);
	for (size_t i = 0; i < nr; i += 2)
		assert_int_equal(mprotect(v + i * PAGE_BYTES, PAGE_BYTES, PROT_READ), 0);
	assert_true(target_refresh(f->target, NULL) >= 0);
	assert_true(f->target->maps->nr >= nr);
	return v;
}

/* Of a target that is large enough only who asks for it has the bits cleared; it is looked at again when it has shrunk.
 */
static void test_rests_unasked(void **state)
{
	struct source_params params = { .attrs = attrs_default(), .unasked = true };
	struct fixture *f = *state;
	struct source_stats stats;
	char *many = map_many(f, 20000);

	params.target = f->target;
	params.clock = &f->clock.clock;
	assert_int_equal(source_referenced.open(&f->source, &params, NULL), 0);
	touch(f, 16);
	assert_int_equal(source_referenced.prepare(f->source, NULL), 0);
	drain_to(f, SOURCE_NO_CHECK);
	assert_int_equal(f->nr_mappings, 0);
	source_referenced.stats(f->source, &stats);
	assert_true(stats.rests);
	assert_non_null(strstr(stats.note, "referenced rests: a reading of all mappings would take "));
	munmap(many, 20000 * PAGE_BYTES);
	assert_true(target_refresh(f->target, NULL) >= 0);
	assert_int_equal(source_referenced.prepare(f->source, NULL), 0);
	touch(f, 16);
	drain(f);
	assert_int_equal(f->mapping.referenced_bytes, 16 * PAGE_BYTES);
	source_referenced.stats(f->source, &stats);
	assert_false(stats.rests);
}

/* A share of a CPU for checks: our own CPU time, against a minute of the clock's. */
static void test_own_share_is_kept(void **state)
{
	struct source_params params = { .attrs = attrs_default(), .own_share_bp = 40 };
	struct fixture *f = *state;
	char *many = map_many(f, 4000);
	uint64_t spent_ns = 0, most_ns = 0, checks = 0;

	params.attrs.aging_us = params.attrs.aggregation_us;
	params.target = f->target;
	params.clock = &f->clock.clock;
	assert_int_equal(source_referenced.open(&f->source, &params, NULL), 0);
	for (int i = 0; i < 60; i++) {
		uint64_t begin_ns = clock_thread_cpu_ns(), took_ns;
		int rc = source_referenced.drain(f->source, &f->sink, NULL);

		if (rc != SOURCE_NO_CHECK) {
			assert_int_equal(rc, 0);
			assert_int_equal(source_referenced.prepare(f->source, NULL), 0);
		}
		took_ns = clock_thread_cpu_ns() - begin_ns;
		spent_ns += took_ns;
		most_ns = took_ns > most_ns ? took_ns : most_ns;
		checks += rc == 0;
		pass_time(f, NSEC_PER_SEC);
	}
	assert_in_range(checks, 2, 60);
	/* 60 s at 0.4 %, 30 ms to begin with, and what a last one has cost more than was told */
	assert_true(spent_ns < 270 * NSEC_PER_MSEC + 2 * most_ns);
	munmap(many, 4000 * PAGE_BYTES);
}

static void test_probe_says_why_not(void **state)
{
	struct source_params params = { .attrs = attrs_default() };
	struct target nobody = { .pid = 1, .pidfd = -1, .proc_fd = -1 };
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(source_referenced.probe(&params, NULL), 0); /* for some process of ours */
	params.target = &nobody;
	assert_true(source_referenced.probe(&params, &err) < 0);
	assert_non_null(strstr(err.text, "process 1"));
	source_referenced.close(NULL);
}

static void test_pace(void **state)
{
	struct clear_bits cr = CLEAR_BITS_CLOSED;

	(void)state;
	assert_true(clear_bits_is_due(&cr, 0));
	clear_bits_paid(&cr, 1000, 50, 100); /* 50 ns at 1 %: one in 5000 ns */
	assert_false(clear_bits_is_due(&cr, 5999));
	assert_true(clear_bits_is_due(&cr, 6000));
	clear_bits_close(&cr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bytes_in_use, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rounds_of_short_windows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_budget_stretches_the_window, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_before_the_first_clear, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exec_forgets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_costly_readings_are_rare, setup, teardown),
		cmocka_unit_test_setup_teardown(test_target_has_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rests_unasked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_own_share_is_kept, setup, teardown),
		cmocka_unit_test(test_probe_says_why_not),
		cmocka_unit_test(test_pace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
