/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/perf_ring.h"
#include "collector/rng.h"
#include "tests/unit/perf_sim.h"

/* What the generator can lay out, WEIGHT_STRUCT excepted: it stands for WEIGHT. */
#define LAID_OUT \
	(((UINT64_C(1) << 24) - 1) & ~(uint64_t)(PERF_SAMPLE_BRANCH_STACK | PERF_SAMPLE_REGS_INTR | PERF_SAMPLE_AUX))

static const uint64_t regs[3] = { 0xa, 0xb, 0xc };
static const unsigned char stack[64] = "the start of a user stack";
static unsigned char buf[PERF_SIM_MAX_RECORD] __attribute__((aligned(8)));

static struct perf_event_attr attr_of(uint64_t type)
{
	return (struct perf_event_attr){ .sample_type = type, .sample_regs_user = 0x105, .sample_stack_user = 64 };
}

static struct perf_sample truth(void)
{
	return (struct perf_sample){
		.ip = 1,
		.time = 2,
		.addr = 3,
		.id = 4,
		.period = 5,
		.weight = 6,
		.data_src = 7,
		.phys_addr = 8,
		.pid = 10,
		.tid = 11,
		.cpu = 12,
		.data_page_size = 9,
		.regs_abi = 2,
		.regs = regs,
		.nr_regs = 3,
		.stack = stack,
		.sz_stack = 48,
	};
}

static void expect_words(uint64_t type, const struct perf_sample *got, const struct perf_sample *want)
{
	assert_int_equal(got->have, type);
	assert_int_equal(got->ip, type & PERF_SAMPLE_IP ? want->ip : 0);
	assert_int_equal(got->time, type & PERF_SAMPLE_TIME ? want->time : 0);
	assert_int_equal(got->addr, type & PERF_SAMPLE_ADDR ? want->addr : 0);
	assert_int_equal(got->id, type & (PERF_SAMPLE_ID | PERF_SAMPLE_IDENTIFIER) ? want->id : 0);
	assert_int_equal(got->period, type & PERF_SAMPLE_PERIOD ? want->period : 0);
	assert_int_equal(got->weight, type & PERF_SAMPLE_WEIGHT_TYPE ? want->weight : 0);
	assert_int_equal(got->data_src, type & PERF_SAMPLE_DATA_SRC ? want->data_src : 0);
	assert_int_equal(got->phys_addr, type & PERF_SAMPLE_PHYS_ADDR ? want->phys_addr : 0);
	assert_int_equal(got->data_page_size, type & PERF_SAMPLE_DATA_PAGE_SIZE ? want->data_page_size : 0);
	assert_int_equal(got->pid, type & PERF_SAMPLE_TID ? want->pid : 0);
	assert_int_equal(got->tid, type & PERF_SAMPLE_TID ? want->tid : 0);
	assert_int_equal(got->cpu, type & PERF_SAMPLE_CPU ? want->cpu : 0);
}

static void expect_blocks(uint64_t type, const struct perf_sample *got)
{
	if (type & PERF_SAMPLE_REGS_USER) {
		assert_int_equal(got->nr_regs, 3);
		assert_memory_equal(got->regs, regs, sizeof(regs));
	} else {
		assert_null(got->regs);
	}
	if (type & PERF_SAMPLE_STACK_USER) {
		assert_int_equal(got->sz_stack, 48);
		assert_memory_equal(got->stack, stack, 48);
	} else {
		assert_null(got->stack);
	}
}

static void check_type(uint64_t type)
{
	struct perf_event_attr attr = attr_of(type);
	struct perf_sample want = truth(), got;

	assert_int_equal(perf_sample_parse(&attr, perf_sim_sample(buf, &attr, &want), &got), 0);
	expect_words(type, &got, &want);
	expect_blocks(type, &got);
}

static void test_every_field_alone_and_all_together(void **state)
{
	(void)state;
	check_type(0);
	for (int bit = 0; bit < 24; bit++)
		check_type(LAID_OUT & UINT64_C(1) << bit);
	check_type(LAID_OUT);
	check_type((LAID_OUT & ~(uint64_t)PERF_SAMPLE_WEIGHT) | PERF_SAMPLE_WEIGHT_STRUCT);
}

static void test_many_sets_of_fields(void **state)
{
	struct rng rng = rng_seeded(1);

	(void)state;
	for (int i = 0; i < 20000; i++)
		check_type(rng_next(&rng) & LAID_OUT);
}

static void test_a_shorter_record_is_refused_at_every_length(void **state)
{
	struct perf_event_attr attr = attr_of(LAID_OUT);
	struct perf_sample want = truth(), got;
	struct perf_event_header *rec = perf_sim_sample(buf, &attr, &want);
	uint16_t full = rec->size;

	(void)state;
	for (unsigned size = 0; size < full; size++) {
		rec->size = (uint16_t)size;
		assert_int_equal(perf_sample_parse(&attr, rec, &got), -EBADMSG);
	}
	rec->size = full;
	assert_int_equal(perf_sample_parse(&attr, rec, &got), 0);
}

static void test_a_weight_struct_gives_its_first_part(void **state)
{
	struct perf_event_attr attr = attr_of(PERF_SAMPLE_WEIGHT_STRUCT);
	struct perf_sample want = { .weight = UINT64_C(0x0003000200000123) }, got;

	(void)state;
	assert_int_equal(perf_sample_parse(&attr, perf_sim_sample(buf, &attr, &want), &got), 0);
	assert_int_equal(got.weight, 0x123);
	attr.sample_type = PERF_SAMPLE_WEIGHT;
	assert_int_equal(perf_sample_parse(&attr, perf_sim_sample(buf, &attr, &want), &got), 0);
	assert_int_equal(got.weight, want.weight);
}

static void test_a_kernel_thread_has_no_user_registers_or_stack(void **state)
{
	struct perf_event_attr attr = attr_of(PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER | PERF_SAMPLE_DATA_SRC);
	const uint64_t words[] = { PERF_SAMPLE_REGS_ABI_NONE, 0, 77 };
	struct perf_sample got;

	(void)state;
	assert_int_equal(perf_sample_parse(&attr, perf_sim_record(buf, PERF_RECORD_SAMPLE, words, 3), &got), 0);
	assert_null(got.regs);
	assert_null(got.stack);
	assert_int_equal(got.data_src, 77);
}

static void test_counts_that_overflow(void **state)
{
	static const struct {
		uint64_t type, words[4];
	} cases[] = {
		{ PERF_SAMPLE_CALLCHAIN, { UINT64_MAX, 1, 2, 3 } },
		{ PERF_SAMPLE_CALLCHAIN, { UINT64_MAX / 8 + 1, 1, 2, 3 } },
		{ PERF_SAMPLE_RAW, { UINT32_MAX, 1, 2, 3 } },
		{ PERF_SAMPLE_BRANCH_STACK, { UINT64_MAX / 3 + 1, 1, 2, 3 } },
		{ PERF_SAMPLE_STACK_USER, { UINT64_MAX, 1, 2, 3 } },
		{ PERF_SAMPLE_STACK_USER, { UINT64_MAX - 7, 1, 2, 3 } },
		{ PERF_SAMPLE_STACK_USER, { 9, 1, 2, 3 } },
		{ PERF_SAMPLE_STACK_USER, { 24, 1, 2, 3 } },
		{ UINT64_C(1) << 25, { 0 } },
	};
	struct perf_event_attr attr;
	struct perf_sample got;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		attr = attr_of(cases[i].type);
		assert_int_equal(perf_sample_parse(&attr, perf_sim_record(buf, 9, cases[i].words, 4), &got), -EBADMSG);
	}
}

static void test_a_group_read_is_skipped(void **state)
{
	struct perf_event_attr attr = attr_of(PERF_SAMPLE_READ | PERF_SAMPLE_DATA_SRC);
	/* nr, time enabled, time running, then value, id and lost for each of two */
	const uint64_t words[] = { 2, 1, 1, 10, 11, 12, 20, 21, 22, 99 };
	struct perf_sample got;

	(void)state;
	attr.read_format = PERF_FORMAT_GROUP | PERF_FORMAT_ID | PERF_FORMAT_LOST | PERF_FORMAT_TOTAL_TIME_ENABLED |
			   PERF_FORMAT_TOTAL_TIME_RUNNING;
	assert_int_equal(perf_sample_parse(&attr, perf_sim_record(buf, 9, words, 10), &got), 0);
	assert_int_equal(got.data_src, 99);
	assert_int_equal(perf_sample_parse(&attr, perf_sim_record(buf, 9, words, 9), &got), -EBADMSG);
}

static void test_more_valid_stack_than_there_is_stack(void **state)
{
	struct perf_event_attr attr = attr_of(PERF_SAMPLE_STACK_USER);
	const uint64_t words[] = { 8, 0x1234, 4096 };
	struct perf_sample got;

	(void)state;
	assert_int_equal(perf_sample_parse(&attr, perf_sim_record(buf, 9, words, 3), &got), 0);
	assert_int_equal(got.sz_stack, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_field_alone_and_all_together),
		cmocka_unit_test(test_many_sets_of_fields),
		cmocka_unit_test(test_a_shorter_record_is_refused_at_every_length),
		cmocka_unit_test(test_a_weight_struct_gives_its_first_part),
		cmocka_unit_test(test_a_kernel_thread_has_no_user_registers_or_stack),
		cmocka_unit_test(test_counts_that_overflow),
		cmocka_unit_test(test_a_group_read_is_skipped),
		cmocka_unit_test(test_more_valid_stack_than_there_is_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
