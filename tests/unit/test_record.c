/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recordings of our own: what is written comes back as it was, however the file ends. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "collector/record.h"
#include "collector/recording.h"
#include "tests/unit/recording_file.h"

#define NR_SNAPSHOTS 12

static void what_is_written_comes_back(void **state)
{
	struct recording_file *f = *state;
	struct err err = ERR_NONE;
	char note[256];

	recording_file_write(f->path, NR_SNAPSHOTS, 0);
	assert_int_equal(recording_file_read(f->path, 0, true, note, &err), NR_SNAPSHOTS);
	assert_string_equal(note, "");
}

static void it_is_complete_after_every_snapshot(void **state)
{
	struct recording_file *f = *state;
	struct err err = ERR_NONE;
	struct record *record;
	char note[256];

	assert_int_equal(record_open(&record, f->path, 0, &err), 0);
	assert_int_equal(recording_file_read(f->path, 0, true, note, &err), 0);
	for (unsigned i = 0; i < NR_SNAPSHOTS; i++) {
		struct mappings *maps = sample_maps(i);
		struct snapshot *s = sample_snapshot(i, maps);

		assert_int_equal(record_add(record, s, &err), 0);
		snapshot_free(s);
		mappings_put(maps);
		assert_int_equal(recording_file_read(f->path, 0, true, note, &err), i + 1);
		assert_string_equal(note, "");
	}
	record_close(record, &err);
}

static void cut_off_anywhere_it_is_good_as_far_as_it_goes(void **state)
{
	struct recording_file *f = *state;
	struct err err = ERR_NONE;
	int nr, most = 0;
	struct stat st;

	recording_file_write(f->path, NR_SNAPSHOTS, 0);
	assert_int_equal(stat(f->path, &st), 0);
	for (off_t size = st.st_size - 1; size > 0; size -= 1 + size % 37) {
		assert_int_equal(truncate(f->path, size), 0);
		nr = recording_file_read(f->path, 0, true, NULL, &err);
		if (size < 2) { /* not even a header */
			assert_int_equal(nr, -EBADMSG);
			break;
		}
		assert_int_equal(err.code, 0);
		assert_in_range(nr, 0, NR_SNAPSHOTS);
		most = nr > most ? nr : most;
	}
	assert_int_equal(most, NR_SNAPSHOTS);
}

/* The last write was cut short: new data runs into what is left of the older end. */
static void a_write_that_was_cut_short_costs_one_snapshot(void **state)
{
	struct recording_file *f = *state;
	struct err err = ERR_NONE;
	unsigned char *was, *is;
	struct stat st;
	off_t sz_was;
	FILE *file;

	recording_file_write(f->path, 3, 0);
	assert_int_equal(stat(f->path, &st), 0);
	sz_was = st.st_size;
	was = malloc((size_t)sz_was);
	file = fopen(f->path, "rb");
	assert_int_equal(fread(was, 1, (size_t)sz_was, file), sz_was);
	fclose(file);
	recording_file_write(f->path, 4, 0);
	assert_int_equal(stat(f->path, &st), 0);
	is = malloc((size_t)st.st_size);
	file = fopen(f->path, "rb");
	assert_int_equal(fread(is, 1, (size_t)st.st_size, file), st.st_size);
	fclose(file);
	for (off_t at = sz_was - 45; at < sz_was; at++) {
		file = fopen(f->path, "wb");
		fwrite(is, 1, (size_t)at, file);
		fwrite(was + at, 1, (size_t)(sz_was - at), file);
		fclose(file);
		assert_int_equal(recording_file_read(f->path, 0, true, NULL, &err), 3);
	}
	free(was);
	free(is);
}

static void the_first_of_several_files_leads_through_all(void **state)
{
	struct recording_file *f = *state;
	struct err err = ERR_NONE;
	char path[128], note[256];
	int nr_second;

	recording_file_write(f->path, 40, 4096);
	assert_int_equal(recording_file_read(f->path, 0, true, note, &err), 40);
	assert_string_equal(note, "");
	snprintf(path, sizeof(path), "%s.1", f->path);
	nr_second = recording_file_read(path, 0, false, NULL, &err); /* the others stand for themselves */
	assert_in_range(nr_second, 1, 38);
	snprintf(path, sizeof(path), "%s.3", f->path);
	assert_int_equal(truncate(path, 600), 0);
	assert_in_range(recording_file_read(f->path, 0, false, note, &err), 2, 39);
	assert_non_null(strstr(note, "cut off"));
}

/* What is left of an older recording of that name does not get into this one. */
static void files_of_another_set_do_not_follow(void **state)
{
	struct recording_file *f = *state;
	struct err err = ERR_NONE;
	struct mappings *maps = sample_maps(77);
	struct snapshot *s = sample_snapshot(77, maps);
	struct record *record;

	recording_file_write(f->path, 40, 4096);
	assert_int_equal(record_open(&record, f->path, 0, &err), 0);
	assert_int_equal(record_add(record, s, &err), 0);
	assert_int_equal(record_close(record, &err), 0);
	assert_int_equal(recording_file_read(f->path, 77, true, NULL, &err), 1);
	snapshot_free(s);
	mappings_put(maps);
}

static size_t read_file(const char *path, unsigned char *v, size_t size)
{
	FILE *file = fopen(path, "rb");
	size_t n;

	assert_non_null(file);
	n = fread(v, 1, size, file);
	assert_in_range(n, 1, size - 1);
	fclose(file);
	return n;
}

/* damo's way: all of the stream, whatever lies behind it. */
static bool is_whole_stream(const unsigned char *v, size_t len)
{
	const uLongf cap = 8 << 20;
	unsigned char *out = malloc(cap);
	z_stream z = {
		.next_in = (unsigned char *)(uintptr_t)v, .avail_in = (unsigned)len, .next_out = out, .avail_out = cap
	};
	int rc;

	assert_int_equal(inflateInit(&z), Z_OK);
	rc = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	free(out);
	return rc == Z_STREAM_END;
}

/*
 * Killed at any byte of what one snapshot writes: first all that lies behind the old end, then what is written over it,
 * which lies in one page of the file and is not torn by a signal.
 */
static void at_no_moment_is_it_not_whole(void **state)
{
	const size_t size = 1 << 20;
	struct recording_file *f = *state;
	struct err err = ERR_NONE;
	unsigned char *was = calloc(1, size), *is = calloc(1, size);
	size_t sz_was = 0, nr_torn = 0;
	struct record *record;

	assert_int_equal(record_open(&record, f->path, 0, &err), 0);
	for (unsigned i = 0; i < 60; i++) {
		struct mappings *maps = sample_maps(i);
		struct snapshot *s = sample_snapshot(i, maps);
		size_t sz_is, differs = 0;

		assert_int_equal(record_add(record, s, &err), 0);
		sz_is = read_file(f->path, is, size);
		assert_true(is_whole_stream(is, sz_is));
		while (differs < sz_was && was[differs] == is[differs])
			differs++;
		/* the old end is what differs: in one page */
		assert_true(!sz_was || sz_was - differs <= 64);
		assert_true(!sz_was || differs / 4096 == (sz_was - 1) / 4096);
		for (size_t at = sz_was + 1; sz_was && at < sz_is; at += 97, nr_torn++) {
			memcpy(was + sz_was, is + sz_was, at - sz_was);
			assert_true(is_whole_stream(was, at));
		}
		memcpy(was, is, sz_is);
		sz_was = sz_is;
		snapshot_free(s);
		mappings_put(maps);
	}
	assert_true(nr_torn > 200);
	assert_int_equal(record_close(record, &err), 0);
	free(was);
	free(is);
}

/* Each target has a record of its own, as in damo's files; -p chooses. */
static void targets_are_not_mixed(void **state)
{
	static const pid_t pids[] = { 100, 100, 200, 200, 200, 100 };
	struct attrs attrs = attrs_default();
	struct mappings *maps = sample_maps(1);
	struct recording_file *f = *state;
	struct err err = ERR_NONE;
	struct recording *recording;
	struct record *record;
	struct snapshot *s;

	assert_int_equal(record_open(&record, f->path, 0, &err), 0);
	for (unsigned i = 0; i < 6; i++) {
		s = sample_snapshot(i, maps);
		s->pid = pids[i];
		assert_int_equal(record_add(record, s, &err), 0);
		snapshot_free(s);
	}
	assert_int_equal(record_close(record, &err), 0);
	for (pid_t pid = 0; pid <= 200; pid += 100) {
		pid_t wanted = pid ? pid : 100;
		unsigned nr = 0;

		assert_int_equal(recording_open(&recording, f->path, pid, &attrs, &err), 0);
		while (recording_next(recording, &s, &err) > 0) {
			assert_int_equal(s->pid, wanted);
			assert_true(s->maps->nr > 0 && mappings_equal(s->maps, maps));
			snapshot_free(s);
			nr++;
		}
		assert_int_equal(err.code, 0);
		assert_int_equal(nr, 3);
		assert_non_null(strstr(recording_note(recording), "-p PID"));
		recording_close(recording);
	}
	mappings_put(maps);
}

static void a_recording_of_the_same_name_is_kept(void **state)
{
	struct recording_file *f = *state;
	struct err err = ERR_NONE;
	char old[128];

	snprintf(old, sizeof(old), "%s.old", f->path);
	recording_file_write(f->path, 3, 0);
	recording_file_write(f->path, 5, 0);
	recording_file_write(f->path, 7, 0);
	assert_int_equal(recording_file_read(old, 0, true, NULL, &err), 3);
	snprintf(old, sizeof(old), "%s.old.2", f->path);
	assert_int_equal(recording_file_read(old, 0, true, NULL, &err), 5);
	assert_int_equal(recording_file_read(f->path, 0, true, NULL, &err), 7);
}

static void a_full_disk_loses_nothing_that_was_written(void **state)
{
	struct rlimit limit, was;
	struct recording_file *f = *state;
	struct err err = ERR_NONE;
	struct record *record;
	unsigned added = 0;
	char note[256];
	int rc = 0;

	getrlimit(RLIMIT_FSIZE, &was);
	limit = (struct rlimit){ .rlim_cur = 5000, .rlim_max = was.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	assert_int_equal(record_open(&record, f->path, 0, &err), 0);
	for (unsigned i = 0; !rc && i < 1000; i++) {
		struct mappings *maps = sample_maps(i);
		struct snapshot *s = sample_snapshot(i, maps);

		rc = record_add(record, s, &err);
		added += !rc;
		snapshot_free(s);
		mappings_put(maps);
	}
	assert_int_equal(rc, -EFBIG);
	assert_non_null(strstr(err.text, "what was recorded before is kept"));
	assert_int_equal(record_close(record, &err), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &was);
	err = ERR_NONE;
	assert_true(added > 2);
	assert_int_equal(recording_file_read(f->path, 0, true, note, &err), added);
	assert_string_equal(note, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, recording_file_new, recording_file_free)
		TEST(what_is_written_comes_back),
		TEST(it_is_complete_after_every_snapshot),
		TEST(cut_off_anywhere_it_is_good_as_far_as_it_goes),
		TEST(a_write_that_was_cut_short_costs_one_snapshot),
		TEST(the_first_of_several_files_leads_through_all),
		TEST(files_of_another_set_do_not_follow),
		TEST(at_no_moment_is_it_not_whole),
		TEST(targets_are_not_mixed),
		TEST(a_recording_of_the_same_name_is_kept),
		TEST(a_full_disk_loses_nothing_that_was_written),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
