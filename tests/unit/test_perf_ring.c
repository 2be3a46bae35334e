/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/perf_ring.h"
#include "tests/unit/perf_sim.h"

struct fixture {
	struct perf_sim sim;
	struct perf_ring ring;
	unsigned char buf[PERF_SIM_MAX_RECORD] __attribute__((aligned(8)));
};

static struct fixture *start(size_t nr_pages, uint64_t pos)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err = ERR_NONE;

	assert_non_null(f);
	assert_true(perf_sim_open(&f->sim, nr_pages, pos));
	assert_int_equal(perf_ring_open_fd(&f->ring, f->sim.fd, nr_pages, &err), 0);
	return f;
}

static void end(struct fixture *f)
{
	perf_ring_close(&f->ring);
	perf_ring_close(&f->ring);
	perf_sim_close(&f->sim);
	free(f);
}

/* Reads everything; returns the number of records. */
static size_t read_all(struct fixture *f)
{
	size_t nr = 0;

	perf_ring_begin(&f->ring);
	while (perf_ring_next(&f->ring))
		nr++;
	perf_ring_end(&f->ring);
	return nr;
}

static void write_words(struct fixture *f, uint32_t type, size_t nr, uint64_t first)
{
	uint64_t words[512];

	for (size_t i = 0; i < nr; i++)
		words[i] = first + i;
	assert_true(perf_sim_write(&f->sim, perf_sim_record(f->buf, type, words, nr)));
}

static void expect_words(struct fixture *f, uint32_t type, size_t nr, uint64_t first)
{
	const struct perf_event_header *rec = perf_ring_next(&f->ring);
	uint64_t word;

	assert_non_null(rec);
	assert_int_equal(rec->type, type);
	assert_int_equal(rec->size, 8 + nr * 8);
	for (size_t i = 0; i < nr; i++) {
		memcpy(&word, (const char *)(rec + 1) + i * 8, 8);
		assert_int_equal(word, first + i);
	}
}

static void test_wraps_at_every_offset(void **state)
{
	size_t sz = 4096;

	(void)state;
	for (uint64_t pos = sz - 160; pos <= sz + 8; pos += 8) {
		struct fixture *f = start(1, pos);

		write_words(f, 9, 13, pos);
		write_words(f, 77, 3, 5);
		write_words(f, 2, 0, 0);
		perf_ring_begin(&f->ring);
		expect_words(f, 9, 13, pos);
		expect_words(f, 77, 3, 5);
		expect_words(f, 2, 0, 0);
		assert_null(perf_ring_next(&f->ring));
		perf_ring_end(&f->ring);
		assert_int_equal(f->sim.page->data_tail, f->sim.head);
		assert_int_equal(f->ring.nr_malformed, 0);
		end(f);
	}
}

static void test_a_position_near_2_to_64(void **state)
{
	struct fixture *f = start(1, UINT64_MAX - 63);

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		write_words(f, i, 6, i);
	perf_ring_begin(&f->ring);
	for (unsigned i = 0; i < 20; i++)
		expect_words(f, i, 6, i);
	perf_ring_end(&f->ring);
	end(f);
}

static void test_records_that_come_during_a_pass_wait_for_the_next(void **state)
{
	struct fixture *f = start(1, 0);

	(void)state;
	write_words(f, 9, 1, 1);
	perf_ring_begin(&f->ring);
	write_words(f, 9, 1, 2);
	expect_words(f, 9, 1, 1);
	assert_null(perf_ring_next(&f->ring));
	perf_ring_end(&f->ring);
	perf_ring_begin(&f->ring);
	expect_words(f, 9, 1, 2);
	perf_ring_end(&f->ring);
	end(f);
}

static void test_a_pass_that_is_left_early_gives_back_what_was_read(void **state)
{
	struct fixture *f = start(1, 0);

	(void)state;
	write_words(f, 9, 1, 1);
	write_words(f, 9, 1, 2);
	perf_ring_begin(&f->ring);
	expect_words(f, 9, 1, 1);
	perf_ring_end(&f->ring);
	assert_int_equal(f->sim.page->data_tail, 16);
	assert_int_equal(read_all(f), 1);
	end(f);
}

static void test_the_largest_record(void **state)
{
	struct fixture *f = start(32, 32 * 4096 - 1000);
	struct perf_event_header *rec = (void *)f->buf;
	const struct perf_event_header *got;

	(void)state;
	for (size_t i = 0; i < sizeof(f->buf); i++)
		f->buf[i] = (unsigned char)(i * 7);
	*rec = (struct perf_event_header){ .type = 9, .size = 65528 };
	assert_true(perf_sim_write(&f->sim, rec));
	perf_ring_begin(&f->ring);
	got = perf_ring_next(&f->ring);
	assert_non_null(got);
	assert_memory_equal(got, f->buf, 65528);
	perf_ring_end(&f->ring);
	end(f);
}

/* Each is one bad record behind a good one; what the kernel writes after it is read again. */
static void test_sizes_that_make_no_sense(void **state)
{
	static const struct {
		uint16_t size;
		size_t written;
	} cases[] = {
		{ 0, 8 }, { 1, 8 }, { 7, 8 }, { 9, 16 }, { 12, 16 }, { 24, 16 }, { 65535, 64 }, { 65528, 64 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture *f = start(1, 4096 - 24);
		struct perf_event_header *bad = (void *)f->buf;

		write_words(f, 9, 1, 1);
		*bad = (struct perf_event_header){ .type = 9, .size = cases[i].size };
		perf_sim_write_raw(&f->sim, f->buf, cases[i].written);
		assert_int_equal(read_all(f), 1);
		assert_int_equal(f->ring.nr_malformed, 1);
		write_words(f, 9, 1, 3);
		assert_int_equal(read_all(f), 1);
		assert_int_equal(f->ring.nr_malformed, 1);
		end(f);
	}
}

static void test_less_than_a_header(void **state)
{
	struct fixture *f = start(1, 0);

	(void)state;
	perf_sim_write_raw(&f->sim, "\x09\0\0", 3);
	assert_int_equal(read_all(f), 0);
	assert_int_equal(f->ring.nr_malformed, 1);
	/* The position is odd from now on: records are copied before they are given out. */
	for (uint64_t i = 0; i < 600; i++) {
		write_words(f, 9, 2, i);
		perf_ring_begin(&f->ring);
		expect_words(f, 9, 2, i);
		perf_ring_end(&f->ring);
	}
	assert_int_equal(f->ring.nr_malformed, 1);
	end(f);
}

static void test_a_head_further_than_the_ring_is_long(void **state)
{
	struct fixture *f = start(1, 0);

	(void)state;
	f->sim.page->data_head = 4096 + 8;
	assert_int_equal(read_all(f), 0);
	assert_int_equal(f->ring.nr_malformed, 1);
	f->sim.head = f->sim.page->data_head;
	write_words(f, 9, 1, 1);
	assert_int_equal(read_all(f), 1);
	end(f);
}

static void test_a_full_ring_and_its_losses(void **state)
{
	struct fixture *f = start(1, 8);
	uint64_t words[3] = { 0 }, lost = 0, seen = 0;
	const struct perf_event_header *rec;

	(void)state;
	for (int i = 0; i < 1200; i++) {
		seen += perf_sim_write(&f->sim, perf_sim_record(f->buf, 9, words, 3));
		if (i % 300 != 299)
			continue;
		perf_ring_begin(&f->ring);
		while ((rec = perf_ring_next(&f->ring)))
			if (rec->type == PERF_RECORD_LOST)
				lost += ((const uint64_t *)(const void *)(rec + 1))[1];
		perf_ring_end(&f->ring);
	}
	assert_int_equal(seen + lost + f->sim.nr_lost, 1200);
	assert_true(lost > 0);
	end(f);
}

static void test_a_ring_must_have_a_power_of_two_of_pages(void **state)
{
	struct err err = ERR_NONE;
	struct perf_ring ring;

	(void)state;
	assert_int_equal(perf_ring_open_fd(&ring, -1, 3, &err), -EINVAL);
	assert_int_equal(perf_ring_open_fd(&ring, -1, 0, NULL), -EINVAL);
	assert_int_equal(perf_ring_open_fd(&ring, -1, 2, NULL), -EBADF);
	perf_ring_close(&ring);
	assert_non_null(strstr(err.text, "power of two"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wraps_at_every_offset),
		cmocka_unit_test(test_a_position_near_2_to_64),
		cmocka_unit_test(test_records_that_come_during_a_pass_wait_for_the_next),
		cmocka_unit_test(test_a_pass_that_is_left_early_gives_back_what_was_read),
		cmocka_unit_test(test_the_largest_record),
		cmocka_unit_test(test_sizes_that_make_no_sense),
		cmocka_unit_test(test_less_than_a_header),
		cmocka_unit_test(test_a_head_further_than_the_ring_is_long),
		cmocka_unit_test(test_a_full_ring_and_its_losses),
		cmocka_unit_test(test_a_ring_must_have_a_power_of_two_of_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
