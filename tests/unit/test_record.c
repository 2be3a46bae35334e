/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recordings: what is written comes back as it was, however the file ends; files of others, and hostile ones. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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

#include "collector/damo_number.h"
#include "collector/record.h"
#include "collector/record_fields.h"
#include "collector/recording.h"
#include "collector/rng.h"
#include "collector/snapshot_json.h"

#define NR_SNAPSHOTS 12

struct files {
	char folder[64];
	char path[96];
};

static int make_folder(void **state)
{
	struct files *f = calloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "/tmp/damontop-record.XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/rec", f->folder);
	*state = f;
	return 0;
}

static int remove_folder(void **state)
{
	struct files *f = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", f->folder);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

/* ---- snapshots that have everything that there is ---- */

static struct mappings *make_maps(unsigned i)
{
	char text[512];
	int len = snprintf(text, sizeof(text),
			   "1000-50000 r-xp 2000 0:0 77 /tmp/a \"q\" \\x1b[2J\n50000-90000 rw-p 0 0:0 0 [heap]\n"
			   "7f0000000000-7f000000%x000 rw-s 0 0:0 9 /dev/shm/x\n",
			   1 + i / 4);

	return mappings_parse(text, (size_t)len, NULL);
}

static void fill_region(struct snapshot *s, size_t i, struct rng *rng)
{
	struct snap_region *r = &s->regions[i];

	r->start = 0x1000 + i * 0x8000;
	r->end = r->start + 0x8000 - (i % 3) * 0x1000;
	r->nr_accesses = (uint32_t)rng_below(rng, 20);
	r->age = (uint32_t)rng_below(rng, 1000);
	r->nr_reports = (uint32_t)rng_below(rng, 5000);
	r->heat = i % 2 ? (float)rng_unit(rng) * 1000 : (float)r->nr_accesses / 19;
	if (i % 2)
		s->open.pages[i] = (struct snap_pages){ .valid = SNAP_PAGES_NODE | SNAP_PAGES_KIND,
							.node = { 1, 0 },
							.node_pages = { 5, 2 },
							.anon = 7,
							.swap_known = i % 2,
							.swapped = (i % 2) * 9 };
	if (s->open.access)
		s->open.access[i] = (struct snap_access){ .nr_reads = 3, .nr_latency = 2, .latency_sum = 1ull << 40 };
	if (i % 2)
		s->open.codes[i / 2] =
			(struct snap_code){ .region = (uint32_t)i, .count = 9, .ip = 0xffffffff81000000 + i };
}

static struct snapshot *make(unsigned i, struct mappings *maps)
{
	struct snapshot *s = snapshot_new(16, i % 3 == 0, 8, mappings_get(maps));
	struct rng rng = rng_seeded(i);

	s->seq = i + (i > 5);
	s->time_ns = UINT64_C(1234567890123) + i * UINT64_C(1000000007);
	s->wall_ns = UINT64_C(1767268800123456789) + i;
	s->duration_ns = 999999999;
	s->pid = 4711;
	s->state = TARGET_STOPPED;
	s->source = "mglru";
	if (i % 3 == 1) {
		s->source = "clock+referenced";
		s->regions_from = "clock";
		s->mappings_from = "referenced";
	}
	s->heat_unit = i % 2 ? HEAT_RATE : HEAT_FRACTION;
	s->max_nr_accesses = i % 2 ? 0 : 19;
	s->attrs = attrs_default();
	s->attrs.policy = REGION_POLICY_RANDOM;
	s->attrs.aging_us = 50000 + i;
	s->flags = SNAP_WSS_KNOWN | SNAP_WSS_EXACT | SNAP_RSS_KNOWN | (i % 4 ? 0 : SNAP_MAPS) |
		   (i == 3 ? SNAP_EXEC : 0);
	s->wss_bytes = rng_below(&rng, 1u << 30);
	s->rss_bytes = 1;
	s->nr_threads = 3;
	s->target_cpu_us = 77;
	s->stats = (struct snap_stats){
		.reports = 1, .samples = UINT64_C(1) << 62, .lost = 3, .freq_hz = 250, .dropped = 4
	};
	snprintf(s->comm, sizeof(s->comm), "a \"b\" \\x07 \xc3\xa9");
	snprintf(s->note, sizeof(s->note), "note %u", i);
	for (size_t k = 0; k < s->nr_regions; k++)
		fill_region(s, k, &rng);
	if (i % 3 == 1) {
		struct mapping_report use[] = {
			{ .start = 0x1000,
			  .end = 0x50000,
			  .rss_bytes = 8192,
			  .referenced_bytes = 4096,
			  .window_ns = 5 },
			{ .start = 0x50000,
			  .end = 0x90000,
			  .rss_bytes = 1,
			  .valid = 3,
			  .nr_windows = 4,
			  .accesses_per_sec = 1.0 / 3 },
		};

		assert_int_equal(snapshot_set_mappings(s, use, 2), 0);
		s->nr_mappings_left_out = i;
	}
	return s;
}

static void check_equal(const struct snapshot *a, const struct snapshot *b)
{
	struct snapshot x = *a, y = *b;

	assert_int_equal(a->nr_regions, b->nr_regions);
	assert_memory_equal(a->regions, b->regions, a->nr_regions * sizeof(*a->regions));
	assert_int_equal(snapshot_has_access(a), snapshot_has_access(b));
	for (size_t i = 0; i < a->nr_regions; i++) {
		struct snap_pages pages_a = snapshot_pages(a, i), pages_b = snapshot_pages(b, i);
		struct snap_access access_a = snapshot_access(a, i), access_b = snapshot_access(b, i);

		assert_memory_equal(&pages_a, &pages_b, sizeof(pages_a));
		assert_memory_equal(&access_a, &access_b, sizeof(access_a));
	}
	assert_int_equal(a->nr_codes, b->nr_codes);
	for (size_t i = 0; i < a->nr_codes; i++) {
		struct snap_code code_a = snapshot_code(a, i), code_b = snapshot_code(b, i);

		assert_memory_equal(&code_a, &code_b, sizeof(code_a));
	}
	assert_true(mappings_equal(a->maps, b->maps));
	assert_string_equal(a->source, b->source);
	assert_true(a->regions_from ? b->regions_from && strcmp(a->regions_from, b->regions_from) == 0
				    : !b->regions_from);
	assert_true(a->mappings_from ? b->mappings_from && strcmp(a->mappings_from, b->mappings_from) == 0
				     : !b->mappings_from);
	assert_string_equal(a->comm, b->comm);
	assert_string_equal(a->note, b->note);
	assert_memory_equal(&a->attrs, &b->attrs, sizeof(a->attrs));
	assert_memory_equal(&a->stats, &b->stats, sizeof(a->stats));
	assert_int_equal(a->nr_mappings, b->nr_mappings);
	assert_int_equal(a->mappings != NULL, b->mappings != NULL);
	for (size_t i = 0; i < a->nr_mappings; i++)
		assert_memory_equal(&a->mappings[i], &b->mappings[i], sizeof(*a->mappings));
	assert_int_equal(a->nr_mappings_left_out, b->nr_mappings_left_out);
	x.source = y.source = "";
	x.maps = y.maps = NULL;
	x.regions = y.regions = NULL;
	x.packed = y.packed = NULL;
	memset(&x.open, 0, sizeof(x.open));
	memset(&y.open, 0, sizeof(y.open));
	x.sz_details = y.sz_details = 0;
	assert_int_equal(x.seq, y.seq);
	assert_int_equal(x.time_ns, y.time_ns);
	assert_int_equal(x.wall_ns, y.wall_ns);
	assert_int_equal(x.duration_ns, y.duration_ns);
	assert_int_equal(x.pid, y.pid);
	assert_int_equal(x.state, y.state);
	assert_int_equal(x.heat_unit, y.heat_unit);
	assert_int_equal(x.max_nr_accesses, y.max_nr_accesses);
	assert_int_equal(x.flags, y.flags);
	assert_int_equal(x.wss_bytes, y.wss_bytes);
	assert_int_equal(x.rss_bytes, y.rss_bytes);
	assert_int_equal(x.nr_threads, y.nr_threads);
	assert_int_equal(x.target_cpu_us, y.target_cpu_us);
}

static void write_recording(const char *path, unsigned nr, uint64_t max_bytes)
{
	struct err err = ERR_NONE;
	struct record *record;

	assert_int_equal(record_open(&record, path, max_bytes, &err), 0);
	for (unsigned i = 0; i < nr; i++) {
		struct mappings *maps = make_maps(i);
		struct snapshot *s = make(i, maps);

		assert_int_equal(record_add(record, s, &err), 0);
		snapshot_free(s);
		mappings_put(maps);
	}
	assert_int_equal(record_close(record, &err), 0);
}

/* How many snapshots there are; -errno. All are held against those that were written, from first on. */
static int read_recording(const char *path, unsigned first, bool compare, char note[256], struct err *err)
{
	struct attrs attrs = attrs_default();
	struct recording *recording;
	struct snapshot *s;
	int rc = recording_open(&recording, path, 0, &attrs, err), nr = 0;

	if (rc)
		return rc;
	while ((rc = recording_next(recording, &s, err)) > 0) {
		struct mappings *maps = make_maps(first + (unsigned)nr);
		struct snapshot *wanted = make(first + (unsigned)nr, maps);

		if (compare)
			check_equal(wanted, s);
		snapshot_free(wanted);
		snapshot_free(s);
		mappings_put(maps);
		nr++;
	}
	if (note)
		snprintf(note, 256, "%s", recording_note(recording));
	recording_close(recording);
	return rc ? rc : nr;
}

static void what_is_written_comes_back(void **state)
{
	struct files *f = *state;
	struct err err = ERR_NONE;
	char note[256];

	write_recording(f->path, NR_SNAPSHOTS, 0);
	assert_int_equal(read_recording(f->path, 0, true, note, &err), NR_SNAPSHOTS);
	assert_string_equal(note, "");
}

static void it_is_complete_after_every_snapshot(void **state)
{
	struct files *f = *state;
	struct err err = ERR_NONE;
	struct record *record;
	char note[256];

	assert_int_equal(record_open(&record, f->path, 0, &err), 0);
	assert_int_equal(read_recording(f->path, 0, true, note, &err), 0);
	for (unsigned i = 0; i < NR_SNAPSHOTS; i++) {
		struct mappings *maps = make_maps(i);
		struct snapshot *s = make(i, maps);

		assert_int_equal(record_add(record, s, &err), 0);
		snapshot_free(s);
		mappings_put(maps);
		assert_int_equal(read_recording(f->path, 0, true, note, &err), i + 1);
		assert_string_equal(note, "");
	}
	record_close(record, &err);
}

static void cut_off_anywhere_it_is_good_as_far_as_it_goes(void **state)
{
	struct files *f = *state;
	struct err err = ERR_NONE;
	int nr, most = 0;
	struct stat st;

	write_recording(f->path, NR_SNAPSHOTS, 0);
	assert_int_equal(stat(f->path, &st), 0);
	for (off_t size = st.st_size - 1; size > 0; size -= 1 + size % 37) {
		assert_int_equal(truncate(f->path, size), 0);
		nr = read_recording(f->path, 0, true, NULL, &err);
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
	struct files *f = *state;
	struct err err = ERR_NONE;
	unsigned char *was, *is;
	struct stat st;
	off_t sz_was;
	FILE *file;

	write_recording(f->path, 3, 0);
	assert_int_equal(stat(f->path, &st), 0);
	sz_was = st.st_size;
	was = malloc((size_t)sz_was);
	file = fopen(f->path, "rb");
	assert_int_equal(fread(was, 1, (size_t)sz_was, file), sz_was);
	fclose(file);
	write_recording(f->path, 4, 0);
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
		assert_int_equal(read_recording(f->path, 0, true, NULL, &err), 3);
	}
	free(was);
	free(is);
}

static void the_first_of_several_files_leads_through_all(void **state)
{
	struct files *f = *state;
	struct err err = ERR_NONE;
	char path[128], note[256];
	int nr_second;

	write_recording(f->path, 40, 4096);
	assert_int_equal(read_recording(f->path, 0, true, note, &err), 40);
	assert_string_equal(note, "");
	snprintf(path, sizeof(path), "%s.1", f->path);
	nr_second = read_recording(path, 0, false, NULL, &err); /* the others stand for themselves */
	assert_in_range(nr_second, 1, 38);
	snprintf(path, sizeof(path), "%s.3", f->path);
	assert_int_equal(truncate(path, 600), 0);
	assert_in_range(read_recording(f->path, 0, false, note, &err), 2, 39);
	assert_non_null(strstr(note, "cut off"));
}

/* What is left of an older recording of that name does not get into this one. */
static void files_of_another_set_do_not_follow(void **state)
{
	struct files *f = *state;
	struct err err = ERR_NONE;
	struct mappings *maps = make_maps(77);
	struct snapshot *s = make(77, maps);
	struct record *record;

	write_recording(f->path, 40, 4096);
	assert_int_equal(record_open(&record, f->path, 0, &err), 0);
	assert_int_equal(record_add(record, s, &err), 0);
	assert_int_equal(record_close(record, &err), 0);
	assert_int_equal(read_recording(f->path, 77, true, NULL, &err), 1);
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
	struct files *f = *state;
	struct err err = ERR_NONE;
	unsigned char *was = calloc(1, size), *is = calloc(1, size);
	size_t sz_was = 0, nr_torn = 0;
	struct record *record;

	assert_int_equal(record_open(&record, f->path, 0, &err), 0);
	for (unsigned i = 0; i < 60; i++) {
		struct mappings *maps = make_maps(i);
		struct snapshot *s = make(i, maps);
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
	struct mappings *maps = make_maps(1);
	struct files *f = *state;
	struct err err = ERR_NONE;
	struct recording *recording;
	struct record *record;
	struct snapshot *s;

	assert_int_equal(record_open(&record, f->path, 0, &err), 0);
	for (unsigned i = 0; i < 6; i++) {
		s = make(i, maps);
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
	struct files *f = *state;
	struct err err = ERR_NONE;
	char old[128];

	snprintf(old, sizeof(old), "%s.old", f->path);
	write_recording(f->path, 3, 0);
	write_recording(f->path, 5, 0);
	write_recording(f->path, 7, 0);
	assert_int_equal(read_recording(old, 0, true, NULL, &err), 3);
	snprintf(old, sizeof(old), "%s.old.2", f->path);
	assert_int_equal(read_recording(old, 0, true, NULL, &err), 5);
	assert_int_equal(read_recording(f->path, 0, true, NULL, &err), 7);
}

static void a_full_disk_loses_nothing_that_was_written(void **state)
{
	struct rlimit limit, was;
	struct files *f = *state;
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
		struct mappings *maps = make_maps(i);
		struct snapshot *s = make(i, maps);

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
	assert_int_equal(read_recording(f->path, 0, true, note, &err), added);
	assert_string_equal(note, "");
}

/* ---- files of others ---- */

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "wb");

	fputs(text, file);
	fclose(file);
}

static struct snapshot *first_of(const char *path, pid_t pid, struct err *err)
{
	struct attrs attrs = attrs_default();
	struct recording *recording;
	struct snapshot *s = NULL;

	if (recording_open(&recording, path, pid, &attrs, err))
		return NULL;
	recording_next(recording, &s, err);
	recording_close(recording);
	return s;
}

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
	struct files *f = *state;
	struct err err = ERR_NONE;
	char *text = strdup(damo_text);
	struct snapshot *s;

	snprintf(strstr(text, ",{ \"start\": \"0x\""), 64, "] } ] } ]");
	write_text(f->path, text);
	s = first_of(f->path, 0, &err);
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
	assert_null(first_of(f->path, 8, &err));
	assert_int_equal(err.code, ENOENT);
	free(text);
}

static void perf_script_is_read(void **state)
{
	struct files *f = *state;
	struct err err = ERR_NONE;
	struct snapshot *s;

	write_text(
		f->path,
		"kdamond.0  4452 [000] 82877.315633: damon:damon_aggregated: target_id=9 nr_regions=2 4096-8192: 3 12\n"
		"kdamond.0  4452 [000] 82877.315633: damon:damon_aggregated: target_id=9 nr_regions=2 8192-16384: 0\n"
		"kdamond.0  4452 [000] 82877.415633: damon:damon_monitor_intervals_tune: sample_us=5000\n"
		"kdamond.0  4452 [000] 82877.415633: damon:damon_aggregated: target_id=9 nr_regions=1 4096-8192: 20 "
		"1\n");
	s = first_of(f->path, 0, &err);
	assert_non_null(s);
	assert_int_equal(s->nr_regions, 2);
	assert_int_equal(s->regions[0].nr_accesses, 3);
	assert_int_equal(s->regions[0].age, 12);
	assert_int_equal(s->regions[1].end, 16384);
	assert_int_equal(s->time_ns, UINT64_C(82877315633000));
	assert_int_equal(s->duration_ns, UINT64_C(100000000));
	assert_int_equal(s->max_nr_accesses, 20);
	snapshot_free(s);
	assert_int_equal(read_recording(f->path, 0, false, NULL, &err), 2);
	write_text(f->path, "a 1 [0] 1.0: damon:damon_aggregated: target_id=9 nr_regions=1 8192-4096: 3 12\n");
	assert_null(first_of(f->path, 0, &err));
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

/* Every short form, and numbers that have none. */
static void pages_of_regions_come_back(void **state)
{
	static const uint32_t some[] = { 0, 1, 16, 17, 4096, UINT32_MAX };
	struct rng rng = rng_seeded(3);
	size_t nr_shortest = 0;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		uint64_t v[RECORD_NR_PAGES] = { 0 }, bytes = PAGE_BYTES * (round % 2 ? 17 : rng_below(&rng, 5000));
		struct snap_pages in = { .valid = rng_below(&rng, 16) & 15, .huge = rng_below(&rng, 2) & 1 },
				  out = { 0 };
		size_t nr_nodes = rng_below(&rng, SNAP_NR_NODES + 1);

		in.anon = some[rng_below(&rng, 6)];
		in.file = rng_below(&rng, 2) ? 0 : some[rng_below(&rng, 6)];
		for (size_t i = 0; i < nr_nodes; i++) {
			in.node[i] = (uint8_t)rng_below(&rng, 256);
			in.node_pages[i] = rng_below(&rng, 2) ? 17 : 1 + (uint32_t)rng_below(&rng, 100);
		}
		nr_shortest += record_pages_pack(&in, bytes, v) == 2;
		record_pages_unpack(&out, bytes, v);
		assert_memory_equal(&in, &out, sizeof(in));
	}
	assert_true(nr_shortest > 100);
}

/* What the regions' algorithm computes is not written, and comes back bit by bit. */
static void heat_that_follows_is_not_written(void **state)
{
	struct snapshot s = { .duration_ns = 1000123457, .max_nr_accesses = 19, .stats = { .samples = 12345 } };
	struct snap_region r = { .start = 0x7000, .end = 0x7000 + 37 * PAGE_BYTES, .nr_accesses = 11 };

	(void)state;
	s.heat_unit = HEAT_FRACTION;
	assert_true(record_implied_heat(&s, &r) == 11.0f / 19.0f);
	s.heat_unit = HEAT_RATE;
	assert_true(record_implied_heat(&s, &r) == (float)(11 / 1.000123457 / (37.0 / 256)));
	s.heat_unit = HEAT_TIME;
	assert_true(record_implied_heat(&s, &r) == (float)(11 / 12345.0 / (37.0 / 256)));
	s.stats.samples = 0;
	assert_true(record_implied_heat(&s, &r) == 0);
}

/* ---- hostile ones ---- */

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
	struct files *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_NONE;

		write_text(f->path, cases[i].text);
		assert_null(first_of(f->path, 0, &err));
		if (!strstr(err.text, cases[i].says))
			fail_msg("\"%s\": \"%s\" does not say \"%s\"", cases[i].text, err.text, cases[i].says);
	}
}

static void a_bomb_is_refused(void **state)
{
	static char spaces[1 << 20];
	struct files *f = *state;
	struct err err = ERR_NONE;
	gzFile gz = gzopen(f->path, "wb9");

	memset(spaces, ' ', sizeof(spaces));
	gzwrite(gz, "[", 1);
	for (int i = 0; i < 400; i++)
		gzwrite(gz, spaces, sizeof(spaces));
	gzclose(gz);
	assert_null(first_of(f->path, 0, &err));
	assert_int_equal(err.code, EFBIG);
	assert_non_null(strstr(err.text, "refused"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_written_comes_back, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(it_is_complete_after_every_snapshot, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(cut_off_anywhere_it_is_good_as_far_as_it_goes, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(a_write_that_was_cut_short_costs_one_snapshot, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(the_first_of_several_files_leads_through_all, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(files_of_another_set_do_not_follow, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(at_no_moment_is_it_not_whole, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(targets_are_not_mixed, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(a_recording_of_the_same_name_is_kept, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(a_full_disk_loses_nothing_that_was_written, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(damos_spellings_are_read, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(perf_script_is_read, make_folder, remove_folder),
		cmocka_unit_test(numbers_in_every_spelling),
		cmocka_unit_test(pages_of_regions_come_back),
		cmocka_unit_test(heat_that_follows_is_not_written),
		cmocka_unit_test_setup_teardown(what_is_malformed_is_refused_with_its_position, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(a_bomb_is_refused, make_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
