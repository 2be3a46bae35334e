/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/clock.h"
#include "collector/perf_rate.h"
#include "collector/perf_report.h"
#include "collector/report_batch.h"
#include "collector/rng.h"

#define HAVE_ALL                                                                                         \
	(PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR | PERF_SAMPLE_DATA_SRC | \
	 PERF_SAMPLE_WEIGHT | PERF_SAMPLE_PHYS_ADDR | PERF_SAMPLE_DATA_PAGE_SIZE)
#define LOAD  PERF_MEM_S(OP, LOAD)
#define STORE PERF_MEM_S(OP, STORE)
#define NA    PERF_MEM_S(OP, NA)

/* ---- reports ----------------------------------------------------------------------------------- */

static struct perf_sample full_sample(void)
{
	return (struct perf_sample){
		.have = HAVE_ALL,
		.ip = 0x401000,
		.time = 5,
		.addr = 0x7f0000001234,
		.tid = 7,
		.weight = 300,
		.data_src = LOAD,
		.phys_addr = 0x12345,
		.data_page_size = 4096,
	};
}

static void test_a_sample_with_everything(void **state)
{
	struct perf_sample s = full_sample();
	struct report r;

	(void)state;
	assert_true(perf_report(&s, 1000, &r));
	assert_int_equal(r.start, 0x7f0000001234);
	assert_int_equal(r.end, r.start + 1);
	assert_int_equal(r.count, 1000);
	assert_int_equal(r.tid, 7);
	assert_int_equal(r.time_ns, 5);
	assert_int_equal(r.ip, 0x401000);
	assert_int_equal(r.latency, 300);
	assert_int_equal(r.data_src, LOAD);
	assert_int_equal(r.phys, 0x12345);
	assert_int_equal(r.op, REPORT_READ);
	assert_int_equal(r.huge, 0);
	assert_int_equal(r.valid, REPORT_TIME | REPORT_TID | REPORT_IP | REPORT_LATENCY | REPORT_OP | REPORT_DATA_SRC |
					  REPORT_PHYS | REPORT_HUGE);
}

static void test_unknown_is_not_zero(void **state)
{
	struct perf_sample s = { .have = HAVE_ALL, .addr = 4096, .data_src = STORE };
	struct report r;

	(void)state;
	assert_true(perf_report(&s, 1, &r));
	assert_int_equal(r.valid, REPORT_TIME | REPORT_TID | REPORT_DATA_SRC | REPORT_OP);
	assert_int_equal(r.op, REPORT_WRITE);
	s.have = PERF_SAMPLE_ADDR;
	assert_true(perf_report(&s, 1, &r));
	assert_int_equal(r.valid, 0);
}

static void test_addresses_that_are_not_certain(void **state)
{
	static const struct {
		uint64_t have, addr, data_src;
		bool valid;
	} cases[] = {
		{ PERF_SAMPLE_ADDR, 0, 0, false },
		{ PERF_SAMPLE_IP, 4096, 0, false },
		{ PERF_SAMPLE_ADDR, UINT64_C(0xffff888000000000), 0, false },
		{ PERF_SAMPLE_ADDR, UINT64_C(0x00fffffffffff000), 0, true }, /* five levels of page tables */
		{ HAVE_ALL, 4096, NA, false },
		{ HAVE_ALL, 4096, 0, false },
		{ HAVE_ALL, 4096, LOAD, true },
		{ HAVE_ALL, 4096, PERF_MEM_S(OP, PFETCH), true },
		{ HAVE_ALL, 0, LOAD, false },
		{ HAVE_ALL, UINT64_C(0xffffffff81000000), LOAD, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct perf_sample s = { .have = cases[i].have, .addr = cases[i].addr, .data_src = cases[i].data_src };
		struct report r;

		assert_int_equal(perf_report(&s, 1, &r), cases[i].valid);
	}
}

static void test_details(void **state)
{
	struct perf_sample s = full_sample();
	struct report r;

	(void)state;
	s.data_page_size = 2 << 20;
	s.weight = UINT64_C(1) << 40;
	s.ip = UINT64_C(0xffffffff81000000);
	s.data_src = LOAD | STORE;
	assert_true(perf_report(&s, 1, &r));
	assert_int_equal(r.huge, 1);
	assert_int_equal(r.latency, UINT32_MAX);
	assert_false(r.valid & (REPORT_IP | REPORT_OP));
}

/* ---- batches ----------------------------------------------------------------------------------- */

struct order {
	struct sink sink;
	size_t nr, nr_calls;
	uint64_t sum;
};

static void check_order(struct sink *sink, const struct report *v, size_t nr)
{
	struct order *o = (struct order *)(void *)sink;

	o->nr_calls++;
	for (size_t i = 0; i < nr; i++) {
		if (i) {
			assert_true(v[i - 1].start <= v[i].start);
			if (v[i - 1].start == v[i].start)
				assert_true(v[i - 1].count < v[i].count);
		}
		o->sum += v[i].start ^ v[i].count;
	}
	o->nr += nr;
}

/* nr reports whose addresses are any of the bits of mask, numbered by count. */
static void check_batch(size_t nr, uint64_t mask, uint64_t base)
{
	struct order o = { .sink = { .reports = check_order } };
	struct rng rng = rng_seeded(nr);
	struct report_batch batch;
	uint64_t sum = 0;

	assert_int_equal(report_batch_init(&batch), 0);
	batch.sink = &o.sink;
	for (size_t i = 0; i < nr; i++) {
		struct report *r = report_batch_next(&batch);

		*r = (struct report){ .start = base + (rng_next(&rng) & mask), .count = i };
		sum += r->start ^ r->count;
	}
	report_batch_flush(&batch);
	report_batch_flush(&batch);
	assert_int_equal(o.nr, nr);
	assert_int_equal(o.nr_calls, (nr + REPORT_BATCH_SIZE - 1) / REPORT_BATCH_SIZE);
	assert_true(o.sum == sum);
	report_batch_free(&batch);
	report_batch_free(&batch);
}

static void test_batches_are_sorted(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, 255, 256, 257, 5000, REPORT_BATCH_SIZE, REPORT_BATCH_SIZE + 1, 40000 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		check_batch(sizes[i], 0, 0);
		check_batch(sizes[i], 0xfff, 0x1000);
		check_batch(sizes[i], UINT64_C(0x3ffffff8), UINT64_C(0x7f0000000000));
		check_batch(sizes[i], UINT64_C(0x7fff00000fff), 0);
		check_batch(sizes[i], UINT64_MAX, 0);
	}
}

/* ---- the rate ---------------------------------------------------------------------------------- */

#define STEP (200 * NSEC_PER_MSEC)

/* A target that makes events at this rate: returns the samples a second after some steps. */
static uint64_t settle(struct perf_rate *rate, uint64_t events_hz, int steps, int *changes)
{
	uint64_t now = rate->since_ns, period;

	*changes = 0;
	for (int i = 0; i < steps; i++) {
		now += STEP;
		period = perf_rate_add(rate, events_hz / rate->period / 5, false, now);
		if (!period)
			continue;
		rate->period = period;
		(*changes)++;
	}
	return events_hz / rate->period;
}

static void test_the_rate_comes_to_its_target(void **state)
{
	static const uint64_t events[] = { 1000000, 100000000, 10000000000, 15000, 3 };
	struct perf_rate rate;
	int changes;

	(void)state;
	perf_rate_init(&rate, 100003, 1, 1, 0);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		uint64_t hz = settle(&rate, events[i], 20, &changes);

		if (events[i] > 10000)
			assert_in_range(hz, 5000, 20000);
		else
			assert_int_equal(rate.period, 1);
		settle(&rate, events[i], 20, &changes);
		assert_int_equal(changes, 0);
	}
}

static void test_a_rise_is_at_once_and_a_fall_by_steps(void **state)
{
	struct perf_rate rate;

	(void)state;
	perf_rate_init(&rate, 100, 1, 1, 0);
	assert_int_equal(perf_rate_add(&rate, 10000000, false, STEP), 500000);
	assert_int_equal(perf_rate_add(&rate, 1, false, 2 * STEP), 25);
	assert_int_equal(perf_rate_add(&rate, 10000000, false, 2 * STEP + 1), 0);
}

static void test_periods_keep_bounds_and_alignment(void **state)
{
	struct perf_rate rate;

	(void)state;
	perf_rate_init(&rate, 0x40001, 0x1000, 16, 0);
	assert_int_equal(rate.period, 0x40010);
	assert_int_equal(perf_rate_fit(&rate, 1), 0x1000);
	assert_int_equal(perf_rate_fit(&rate, UINT64_MAX), PERF_RATE_MAX_PERIOD);
	assert_int_equal(perf_rate_add(&rate, 100000, false, STEP) % 16, 0);
}

static void test_throttling_lengthens_the_period(void **state)
{
	struct perf_rate rate;

	(void)state;
	perf_rate_init(&rate, 100000, 1, 1, 0);
	assert_int_equal(perf_rate_add(&rate, 1000, true, STEP / 2), 0);
	rate.period = perf_rate_add(&rate, 1000, false, STEP);
	assert_true(rate.period >= 200000);
	assert_int_equal(perf_rate_add(&rate, 2000, false, 2 * STEP), 0);
}

/* The kernel allows less than the target: the period stays where nothing is held back, and is tried again seldom. */
static void test_a_limit_below_the_target_is_kept_to(void **state)
{
	const uint64_t events_hz = 1000000000, limit_hz = 1000;
	unsigned nr_changes = 0, nr_throttled = 0;
	struct perf_rate rate;

	(void)state;
	perf_rate_init(&rate, 10000, 10000, 1, 0);
	rate.target_hz = 20000;
	for (unsigned i = 1; i <= 520; i++) {
		uint64_t hz = events_hz / rate.period, period;
		bool throttled = hz > limit_hz;

		period = perf_rate_add(&rate, (throttled ? limit_hz : hz) / 5, throttled, i * STEP);
		rate.period = period ? period : rate.period;
		nr_changes += i > 20 && period;
		nr_throttled += i > 20 && throttled;
	}
	assert_in_range(events_hz / rate.period, limit_hz / 4, limit_hz);
	assert_in_range(nr_changes, 0, 20);
	assert_in_range(nr_throttled, 1, 10);
	/* The limit has gone: within a minute it is near its target again. */
	for (unsigned i = 521; i <= 1021; i++) {
		uint64_t period = perf_rate_add(&rate, events_hz / rate.period / 5, false, i * STEP);

		rate.period = period ? period : rate.period;
	}
	assert_in_range(events_hz / rate.period, 10000, 40000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_sample_with_everything),
		cmocka_unit_test(test_unknown_is_not_zero),
		cmocka_unit_test(test_addresses_that_are_not_certain),
		cmocka_unit_test(test_details),
		cmocka_unit_test(test_batches_are_sorted),
		cmocka_unit_test(test_the_rate_comes_to_its_target),
		cmocka_unit_test(test_a_rise_is_at_once_and_a_fall_by_steps),
		cmocka_unit_test(test_periods_keep_bounds_and_alignment),
		cmocka_unit_test(test_throttling_lengthens_the_period),
		cmocka_unit_test(test_a_limit_below_the_target_is_kept_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
