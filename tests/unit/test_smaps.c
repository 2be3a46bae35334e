/* SPDX-License-Identifier: GPL-2.0-or-later */
/* smaps.h: the parser on texts of ours in pieces of every size, the reader on ourselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/smaps.h"

#define KIB UINT64_C(1024)

struct found {
	struct smaps_entry v[8];
	size_t nr;
};

static void note_entry(void *ctx, const struct smaps_entry *entry)
{
	struct found *found = ctx;

	if (found->nr < 8)
		found->v[found->nr] = *entry;
	found->nr++;
}

/* Parses text in pieces of this size. */
static int parse(const char *text, size_t len, size_t piece, struct found *found, struct err *err)
{
	struct smaps_parser parser;

	memset(found, 0, sizeof(*found));
	smaps_begin(&parser, note_entry, found);
	for (size_t at = 0; at < len; at += piece) {
		int rc = smaps_feed(&parser, text + at, len - at < piece ? len - at : piece, err);

		if (rc)
			return rc;
	}
	return smaps_end(&parser, err);
}

static const char two[] = "55fe4131e000-55fe41320000 r--p 00000000 fe:00 247498   /usr/bin/a b\\012c\n"
			  "Size:                  8 kB\n"
			  "Rss:                   8 kB\n"
			  "Pss:                   8 kB\n"
			  "Referenced:            4 kB\n"
			  "Anonymous:             0 kB\n"
			  "THPeligible:           0\n"
			  "VmFlags: rd mr mw me \n"
			  "7f0000000000-7f0000400000 rw-p 00000000 00:00 0 \n"
			  "Rss:                4096 kB\n"
			  "Referenced:         2048 kB\n"
			  "AnonHugePages:      2048 kB\n"
			  "VmFlags: rd wr mr\n";

static void test_pieces_of_every_size(void **state)
{
	struct found found;

	(void)state;
	for (size_t piece = 1; piece <= sizeof(two); piece++) {
		assert_int_equal(parse(two, sizeof(two) - 1, piece, &found, NULL), 0);
		assert_int_equal(found.nr, 2);
		assert_int_equal(found.v[0].start, 0x55fe4131e000);
		assert_int_equal(found.v[0].end, 0x55fe41320000);
		assert_int_equal(found.v[0].rss_bytes, 8 * KIB);
		assert_int_equal(found.v[0].referenced_bytes, 4 * KIB);
		assert_int_equal(found.v[0].anon_huge_bytes, 0);
		assert_int_equal(found.v[1].start, 0x7f0000000000);
		assert_int_equal(found.v[1].rss_bytes, 4096 * KIB);
		assert_int_equal(found.v[1].referenced_bytes, 2048 * KIB);
		assert_int_equal(found.v[1].anon_huge_bytes, 2048 * KIB);
	}
}

static void test_a_long_name_is_skipped(void **state)
{
	static const char rest[] = "\nRss: 4 kB\nReferenced: 4 kB\n";
	size_t len = 100000;
	char *text = malloc(len + sizeof(rest));
	struct found found;

	(void)state;
	assert_non_null(text);
	memset(text, 'f', len);
	memcpy(text, "1000-2000 r--p 00000000 fe:00 1 /", 33);
	memcpy(text + len, rest, sizeof(rest));
	assert_int_equal(parse(text, len + sizeof(rest) - 1, 4096, &found, NULL), 0);
	assert_int_equal(found.nr, 1);
	assert_int_equal(found.v[0].referenced_bytes, 4 * KIB);
	free(text);
}

static void test_nothing_is_fine(void **state)
{
	struct found found;

	(void)state;
	assert_int_equal(parse("", 0, 1, &found, NULL), 0);
	assert_int_equal(found.nr, 0);
}

static void test_malformed(void **state)
{
	static const struct {
		const char *text;
		int line; /* that the message names */
	} bad[] = {
		{ "Rss: 4 kB\n", 1 },
		{ "\n", 1 },
		{ "1000-2000\n", 1 },
		{ "2000-1000 r--p\n", 1 },
		{ "1000-1000 r--p\n", 1 },
		{ "10000000000000000-2 r--p\n", 1 },
		{ "1000 2000 r--p\n", 1 },
		{ "-2000 r--p\n", 1 },
		{ "\x1b]0;x\n", 1 },
		{ "1000-2000 r--p\nRss: 4\n", 2 },
		{ "1000-2000 r--p\nRss: x kB\n", 2 },
		{ "1000-2000 r--p\nRss: -4 kB\n", 2 },
		{ "1000-2000 r--p\nReferenced: 999999999999999999999 kB\n", 2 },
		{ "1000-2000 r--p\nReferenced: 99999999999999999 kB\n", 2 },
		{ "1000-2000 r--p\nRss: 4 kB\n3000-4000 r--p\nReferenced: 4 kB\n", 3 },
		{ "1000-2000 r--p\nReferenced: 4 kB\n3000-4000 r--p\n", 3 },
		{ "1000-2000 r--p\nReferenced: 4 k", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = ERR_NONE;
		struct found found;
		char line[32];

		snprintf(line, sizeof(line), "line %d", bad[i].line);
		assert_int_equal(parse(bad[i].text, strlen(bad[i].text), 3, &found, &err), -EBADMSG);
		assert_int_equal(err.code, EBADMSG);
		assert_non_null(strstr(err.text, line));
	}
}

struct sought {
	uint64_t start, end, rss_bytes;
	size_t nr, nr_all;
};

static void seek_entry(void *ctx, const struct smaps_entry *entry)
{
	struct sought *sought = ctx;

	sought->nr_all++;
	if (entry->start > sought->start || entry->end < sought->end)
		return;
	sought->nr++;
	sought->rss_bytes = entry->rss_bytes;
}

static void test_reads_ourselves(void **state)
{
	size_t size = 64 * 4096;
	/* A guard at either side: no neighbour is merged with it. */
	char *v = mmap(NULL, size + 2 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct sought sought = { 0 };
	int fd = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0 && v != MAP_FAILED);
	v += 4096;
	assert_int_equal(mprotect(v, size, PROT_READ | PROT_WRITE), 0);
	memset(v, 1, size / 2);
	sought.start = (uintptr_t)v;
	sought.end = sought.start + size;
	for (int round = 1; round <= 2; round++) { /* from the beginning each time */
		assert_int_equal(smaps_read(fd, seek_entry, &sought, NULL), 0);
		assert_int_equal(sought.nr, round);
		assert_int_equal(sought.rss_bytes, size / 2);
	}
	assert_true(sought.nr_all > 10);
	close(fd);
	munmap(v - 4096, size + 2 * 4096);
}

static void test_an_empty_file_is_an_ended_target(void **state)
{
	struct sought sought = { 0 };
	int fd = memfd_create("empty", MFD_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(smaps_read(fd, seek_entry, &sought, NULL), -ESRCH);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_of_every_size), cmocka_unit_test(test_a_long_name_is_skipped),
		cmocka_unit_test(test_nothing_is_fine),	     cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_reads_ourselves),	     cmocka_unit_test(test_an_empty_file_is_an_ended_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
