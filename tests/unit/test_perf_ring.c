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
#include "collector/rng.h"
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

/* Each is one bad record behind a good one, and nothing behind it; what the kernel writes next is read again. */
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

#define NR_STREAM 9
#define NO_SERIAL UINT64_MAX

/* Record i of a stream: like a sample, i words more than the fixed ones, its number in the last. */
static size_t lay_record(unsigned char *at, uint64_t i)
{
	const uint64_t words[] = { 77,
				   0x55d0c2a31041,
				   4711 | UINT64_C(4712) << 32,
				   0x7f05f3e01238,
				   1009,
				   3,
				   0x68100142,
				   9,
				   12,
				   0,
				   1,
				   2,
				   4,
				   4096,
				   0 };
	uint64_t body[16];
	size_t nr = 5 + i;

	memcpy(body, words, nr * sizeof(*words));
	body[nr] = i;
	return perf_sim_record(at, 9, body, nr + 1)->size;
}

/* All records that a pass gives, by their numbers; returns how many. */
static size_t read_serials(struct fixture *f, uint64_t *serials, size_t cap)
{
	const struct perf_event_header *rec;
	size_t nr = 0;

	perf_ring_begin(&f->ring);
	while ((rec = perf_ring_next(&f->ring))) {
		assert_true(nr < cap);
		memcpy(&serials[nr], (const char *)rec + rec->size - 8, 8);
		if (rec->size < 7 * 8 || serials[nr] >= NR_STREAM || rec->size != (7 + serials[nr]) * 8)
			serials[nr] = NO_SERIAL;
		nr++;
	}
	perf_ring_end(&f->ring);
	return nr;
}

/* What is done to record at of the stream. Returns how many of the following ones are lost with it. */
typedef unsigned damage_fn(unsigned char *stream, size_t *len, size_t begin, size_t size, unsigned variant);

static unsigned set_size(unsigned char *stream, size_t begin, size_t size)
{
	const uint16_t v = (uint16_t)size;

	memcpy(stream + begin + offsetof(struct perf_event_header, size), &v, sizeof(v));
	return 0;
}

static unsigned impossible_size(unsigned char *stream, size_t *len, size_t begin, size_t size, unsigned variant)
{
	static const uint16_t sizes[] = { 0, 1, 4, 7, 9, 12, 20, 63, 65535, 65528 };

	(void)len;
	(void)size;
	return set_size(stream, begin, sizes[variant % 10]);
}

/* Whole words, but fewer: what follows is the rest of the body. */
static unsigned too_short(unsigned char *stream, size_t *len, size_t begin, size_t size, unsigned variant)
{
	(void)len;
	return set_size(stream, begin, 8 + variant % 4 * 8 < size ? 8 + variant % 4 * 8 : 8);
}

/* It reaches into the next one, and takes it along. */
static unsigned too_long(unsigned char *stream, size_t *len, size_t begin, size_t size, unsigned variant)
{
	size_t longer = size + 8 + variant % 6 * 8;

	set_size(stream, begin, longer);
	return begin + longer < *len;
}

/* Words that are no record in front of it; the damaged record itself is not lost then. */
static unsigned garbage(unsigned char *stream, size_t *len, size_t begin, size_t size, unsigned variant)
{
	size_t sz = 8 + variant % 10 * 8;
	struct rng rng = rng_seeded(begin * 16 + variant);

	(void)size;
	memmove(stream + begin + sz, stream + begin, *len - begin);
	for (size_t i = 0; i < sz; i += 8) {
		uint64_t word = rng_next(&rng) | UINT64_C(1) << 48; /* of no size that a record can have */

		memcpy(stream + begin + i, &word, 8);
	}
	*len += sz;
	return 0;
}

/* One damaged record in the middle of others: all that comes before and after is read in the same pass. */
static void expect_the_others(damage_fn *damage, unsigned variant, uint64_t pos, size_t at)
{
	static unsigned char stream[8192] __attribute__((aligned(8)));
	struct fixture *f = start(1, pos);
	uint64_t serials[64], next = 0;
	size_t len = 0, begin = 0, size = 0, nr;
	unsigned also;

	for (size_t i = 0; i < NR_STREAM; i++) {
		size_t sz = lay_record(stream + len, i);

		if (i == at) {
			begin = len;
			size = sz;
		}
		len += sz;
	}
	also = damage(stream, &len, begin, size, variant);
	perf_sim_write_raw(&f->sim, stream, len);
	nr = read_serials(f, serials, 64);
	for (size_t i = 0; i < nr; i++) {
		if (serials[i] == NO_SERIAL) /* the damaged one itself, where its size is possible */
			continue;
		while (next == at || (also && next == at + 1))
			next++;
		if (serials[i] == at) {
			assert_ptr_equal(damage, garbage);
			continue;
		}
		assert_int_equal(serials[i], next);
		next++;
	}
	while (next == at || (also && next == at + 1))
		next++;
	assert_int_equal(next, NR_STREAM);
	assert_int_equal(f->ring.nr_malformed, 1);
	assert_true(f->sim.page->data_tail == f->sim.head);
	end(f);
}

static void test_reading_goes_on_behind_a_damaged_record(void **state)
{
	static damage_fn *const damages[] = { impossible_size, too_short, too_long, garbage };

	(void)state;
	for (size_t d = 0; d < sizeof(damages) / sizeof(damages[0]); d++)
		for (unsigned variant = 0; variant < 10; variant++)
			for (size_t at = 0; at < NR_STREAM; at++)
				expect_the_others(damages[d], variant, 0, at);
}

/* Also where the damaged record, or the next one, lies across the ring's end. */
static void test_reading_goes_on_at_every_offset(void **state)
{
	(void)state;
	for (uint64_t pos = 0; pos < 4096; pos += 8) {
		expect_the_others(impossible_size, (unsigned)pos / 8, pos, 3);
		expect_the_others(garbage, (unsigned)pos / 8, pos, 3);
		expect_the_others(too_long, (unsigned)pos / 8, pos, 3);
	}
}

/* Nothing but garbage: it ends, and everything is given back. */
static void test_garbage_ends(void **state)
{
	struct rng rng = rng_seeded(5);
	unsigned char noise[4096];

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		struct fixture *f = start(1, rng_below(&rng, 4096));
		size_t len = rng_below(&rng, sizeof(noise)), sum = 0;
		const struct perf_event_header *rec;

		for (size_t i = 0; i < len; i++)
			noise[i] = (unsigned char)rng_below(&rng, round % 2 ? 256 : 16);
		perf_sim_write_raw(&f->sim, noise, len);
		perf_ring_begin(&f->ring);
		while ((rec = perf_ring_next(&f->ring)))
			sum += rec->size;
		perf_ring_end(&f->ring);
		assert_true(sum <= len);
		assert_true(f->sim.page->data_tail == f->sim.head);
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
		cmocka_unit_test(test_reading_goes_on_behind_a_damaged_record),
		cmocka_unit_test(test_reading_goes_on_at_every_offset),
		cmocka_unit_test(test_garbage_ends),
		cmocka_unit_test(test_less_than_a_header),
		cmocka_unit_test(test_a_head_further_than_the_ring_is_long),
		cmocka_unit_test(test_a_full_ring_and_its_losses),
		cmocka_unit_test(test_a_ring_must_have_a_power_of_two_of_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
