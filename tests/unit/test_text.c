/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text from outside made safe; numbers with units. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/rng.h"
#include "collector/text.h"

static void clean_escapes_what_is_not_printable(void **state)
{
	static const struct {
		const char *raw, *clean;
	} cases[] = {
		{ "redis-server", "redis-server" },
		{ "na\xc3\xafve \xe6\x97\xa5", "na\xc3\xafve \xe6\x97\xa5" },
		{ "e\x1b]0;P\x07", "e\\x1b]0;P\\x07" },
		{ "a\nb\tc\rd\x7f", "a\\x0ab\\x09c\\x0dd\\x7f" },
		{ "\xc2\x9b"
		  "31m",
		  "\\x9b31m" }, /* C1: CSI as one character */
		{ "\xe2\x80\xae"
		  "abc",
		  "\\u202eabc" }, /* right-to-left override */
		{ "a\xe2\x80\x8b"
		  "b",
		  "a\\u200bb" },				/* zero width space */
		{ "\xff\xfe", "\\xff\\xfe" },			/* never UTF-8 */
		{ "\xc0\xaf", "\\xc0\\xaf" },			/* overlong */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },		/* a surrogate */
		{ "\xe2\x82", "\\xe2\\x82" },			/* cut short */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* above U+10FFFF */
		{ "\xf3\xa0\x81\x81", "\\ue0041" },		/* a tag character */
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = text_clean_str(out, sizeof(out), cases[i].raw);

		assert_string_equal(out, cases[i].clean);
		assert_int_equal(len, strlen(out));
	}
}

static void clean_takes_nul_bytes_by_length(void **state)
{
	char out[16];

	(void)state;
	text_clean(out, sizeof(out), "a\0b", 3);
	assert_string_equal(out, "a\\x00b");
}

static void clean_never_cuts_a_character(void **state)
{
	char out[8];

	(void)state;
	for (size_t size = 1; size <= sizeof(out); size++) {
		size_t len = text_clean(out, size, "\xe6\x97\xa5\x1b\xe6\x97\xa5", 7);

		assert_int_equal(len, strlen(out));
		assert_true(len < size);
		assert_true(len == 0 || len == 3 || len == 7);
	}
}

/* Whatever the bytes are, the result is printable and stays so when it is cleaned again. */
static void clean_of_random_bytes_is_printable(void **state)
{
	struct rng rng = rng_seeded(7);

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char raw[24], once[128], twice[128];
		size_t len = rng_below(&rng, sizeof(raw));

		for (size_t i = 0; i < len; i++)
			raw[i] = (char)rng_next(&rng);
		text_clean(once, sizeof(once), raw, len);
		for (const char *p = once; *p; p++)
			assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
		text_clean_str(twice, sizeof(twice), once);
		assert_string_equal(once, twice);
	}
}

static void numbers_as_people_write_them(void **state)
{
	char out[TEXT_NUMBER_SIZE];

	(void)state;
	assert_string_equal(text_bytes(out, 0), "0");
	assert_string_equal(text_bytes(out, 512), "512");
	assert_string_equal(text_bytes(out, 4096), "4.0K");
	assert_string_equal(text_bytes(out, 128ull << 20), "128M");
	assert_string_equal(text_bytes(out, 3328599654), "3.1G");
	assert_string_equal(text_bytes(out, UINT64_MAX), "16E");
	assert_string_equal(text_count(out, 999), "999");
	assert_string_equal(text_count(out, 12300), "12k");
	assert_string_equal(text_count(out, 4000000), "4.0M");
	assert_string_equal(text_duration_us(out, 250), "250us");
	assert_string_equal(text_duration_us(out, 500000), "500ms");
	assert_string_equal(text_duration_us(out, 1500), "1.5ms");
	assert_string_equal(text_duration_us(out, 1500000), "1.5s");
	assert_string_equal(text_duration_us(out, 150000000), "2m30s");
	assert_string_equal(text_duration_us(out, 120000000), "2m");
	assert_string_equal(text_duration_us(out, 3ull * 3600000000), "3h");
	assert_string_equal(text_duration_us(out, 3660000000), "1h1m");
}

static void durations_need_a_unit_and_sense(void **state)
{
	static const struct {
		const char *text;
		int rc;
		uint64_t us;
	} cases[] = {
		{ "500ms", 0, 500000 },	   { "1.5s", 0, 1500000 },
		{ "5000us", 0, 5000 },	   { "2m", 0, 120000000 },
		{ "24h", 0, 86400000000 }, { ".5s", 0, 500000 },
		{ "0.1ms", 0, 100 },	   { "500", -EINVAL, 0 },
		{ "", -EINVAL, 0 },	   { "s", -EINVAL, 0 },
		{ "-1s", -EINVAL, 0 },	   { "1e3s", -EINVAL, 0 },
		{ "0x10s", -EINVAL, 0 },   { " 1s", -EINVAL, 0 },
		{ "1 s", -EINVAL, 0 },	   { "1S", -EINVAL, 0 },
		{ "nans", -EINVAL, 0 },	   { "infs", -EINVAL, 0 },
		{ "0s", -ERANGE, 0 },	   { "0.4us", -ERANGE, 0 },
		{ "25h", -ERANGE, 0 },	   { "99999999999999999999999999999999999999h", -ERANGE, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_NONE;
		uint64_t us = 0;

		assert_int_equal(text_parse_duration_us(cases[i].text, "x", &us, &err), cases[i].rc);
		assert_int_equal(us, cases[i].us);
		assert_int_equal(err.code, -cases[i].rc);
		assert_true(!cases[i].rc || err.text[0]);
	}
}

static void sizes_and_counts(void **state)
{
	uint64_t v = 0;

	(void)state;
	assert_int_equal(text_parse_bytes("1.5G", "x", &v, NULL), 0);
	assert_int_equal(v, 3ull << 29);
	assert_int_equal(text_parse_bytes("64K", "x", &v, NULL), 0);
	assert_int_equal(v, 65536);
	assert_int_equal(text_parse_bytes("64KB", "x", &v, NULL), -EINVAL);
	assert_int_equal(text_parse_bytes("99999999999999999999T", "x", &v, NULL), -ERANGE);
	assert_int_equal(text_parse_u64("12", "x", 1, 12, &v, NULL), 0);
	assert_int_equal(v, 12);
	assert_int_equal(text_parse_u64("13", "x", 1, 12, &v, NULL), -ERANGE);
	assert_int_equal(text_parse_u64("99999999999999999999999", "x", 1, 12, &v, NULL), -ERANGE);
	assert_int_equal(text_parse_u64("-1", "x", 0, 12, &v, NULL), -EINVAL);
	assert_int_equal(text_parse_u64("", "x", 0, 12, &v, NULL), -EINVAL);
}

static void the_first_message_wins(void **state)
{
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(err_set(&err, 2, "first \x1b"), -2);
	assert_int_equal(err_set(&err, 3, "second"), -3);
	assert_int_equal(err.code, 2);
	assert_string_equal(err.text, "first \\x1b");
	assert_int_equal(err_set(NULL, 5, "nobody asks"), -5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clean_escapes_what_is_not_printable),
		cmocka_unit_test(clean_takes_nul_bytes_by_length),
		cmocka_unit_test(clean_never_cuts_a_character),
		cmocka_unit_test(clean_of_random_bytes_is_printable),
		cmocka_unit_test(numbers_as_people_write_them),
		cmocka_unit_test(durations_need_a_unit_and_sense),
		cmocka_unit_test(sizes_and_counts),
		cmocka_unit_test(the_first_message_wins),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
