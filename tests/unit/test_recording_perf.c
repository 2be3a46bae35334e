/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * perf.data of either byte order, as a file and as a pipe writes it: the same records have to give the same snapshots;
 * whole processes, their mappings in the order of time; and files that are cut off, compressed, or make no sense.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/clock.h"
#include "collector/recording.h"
#include "collector/snapshot_json.h"
#include "tests/unit/perf_data_sim.h"

#define LOADS  11 /* ids of the events */
#define STORES 21
#define DUMMY  31
#define FAULTS 41

#define HEAP	UINT64_C(0x555500000000)
#define LIBRARY UINT64_C(0x7f0000000000)
#define SECOND	UINT64_C(1000000000)
#define T0	(5000 * SECOND)
#define LOAD_L3 (PERF_MEM_S(OP, LOAD) | PERF_MEM_S(LVL, L3) | PERF_MEM_S(LVL, HIT))
#define STORE	(PERF_MEM_S(OP, STORE) | PERF_MEM_S(LVL, L1) | PERF_MEM_S(LVL, HIT))

/* perf mem record: loads of a fixed period, stores by frequency, each with a layout of its own. */
static const struct perf_data_event mem_events[] = {
	{ .attr = { .type = PERF_TYPE_RAW,
		    .config = 0x1cd,
		    .sample_period = 100,
		    .sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
				   PERF_SAMPLE_ADDR | PERF_SAMPLE_CPU | PERF_SAMPLE_WEIGHT_STRUCT |
				   PERF_SAMPLE_DATA_SRC | PERF_SAMPLE_DATA_PAGE_SIZE,
		    .mmap = 1,
		    .comm = 1,
		    .precise_ip = 2,
		    .sample_id_all = 1 },
	  .ids = { LOADS, LOADS + 1 },
	  .nr_ids = 2 },
	{ .attr = { .type = PERF_TYPE_RAW,
		    .config = 0x82d0,
		    .sample_freq = 4000,
		    .sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
				   PERF_SAMPLE_ADDR | PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_RAW | PERF_SAMPLE_WEIGHT |
				   PERF_SAMPLE_DATA_SRC,
		    .freq = 1,
		    .precise_ip = 1,
		    .sample_id_all = 1 },
	  .ids = { STORES, STORES + 1 },
	  .nr_ids = 2 },
	{ .attr = { .type = PERF_TYPE_SOFTWARE,
		    .config = PERF_COUNT_SW_DUMMY,
		    .sample_period = 1,
		    .sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID | PERF_SAMPLE_TIME,
		    .sample_id_all = 1 },
	  .ids = { DUMMY },
	  .nr_ids = 1 },
};

static const struct perf_data_event fault_events[] = {
	{ .attr = { .type = PERF_TYPE_SOFTWARE,
		    .config = PERF_COUNT_SW_PAGE_FAULTS,
		    .sample_period = 1,
		    .sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR,
		    .sample_id_all = 1 },
	  .ids = { FAULTS },
	  .nr_ids = 1 },
};

struct place {
	char path[64];
};

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	int fd;

	snprintf(p->path, sizeof(p->path), "/tmp/damontop-perf.XXXXXX");
	fd = mkstemp(p->path);
	assert_true(fd >= 0);
	close(fd);
	*state = p;
	return 0;
}

static int remove_place(void **state)
{
	struct place *p = *state;

	unlink(p->path);
	free(p);
	return 0;
}

static struct perf_data_stamp stamp(uint32_t pid, uint64_t ms, uint64_t id)
{
	return (struct perf_data_stamp){ .pid = pid, .tid = pid, .cpu = 1, .time = T0 + ms * 1000000, .id = id };
}

static void map(struct perf_data *d, uint32_t pid, uint64_t ms, uint64_t id, uint64_t start, const char *name)
{
	struct perf_data_stamp s = stamp(pid, ms, id);

	perf_data_mmap2(d, &s, start, 1 << 20, 0x3000, 77, 3, name, false);
}

static void load(struct perf_data *d, uint32_t pid, uint64_t ms, uint64_t addr)
{
	struct perf_data_sample s = { .stamp = stamp(pid, ms, LOADS + ms % 2),
				      .ip = LIBRARY + 0x40,
				      .addr = addr,
				      .data_src = LOAD_L3,
				      .weight = 42,
				      .weight_2 = 7,
				      .weight_3 = 9,
				      .data_page_size = 4096 };

	perf_data_sample(d, &s);
}

static void store(struct perf_data *d, uint32_t pid, uint64_t ms, uint64_t addr)
{
	struct perf_data_sample s = { .stamp = stamp(pid, ms, STORES),
				      .ip = LIBRARY + 0x80,
				      .addr = addr,
				      .data_src = STORE,
				      .weight = 5,
				      .sz_raw = 12 + 8 * (uint32_t)(ms % 3) };

	perf_data_sample(d, &s);
}

/* Records of two CPUs' rings in rounds: within one the times of one CPU lie behind those of the other. */
static void mem_records(struct perf_data *d)
{
	struct perf_data_stamp at = stamp(100, 0, DUMMY);

	perf_data_raw(d, 67, "a build id, of any length..", 27); /* perf's own are not padded */
	perf_data_comm(d, &at, "loader", false);
	at.time = 0; /* as perf writes of what was there before */
	perf_data_mmap2(d, &at, LIBRARY, 1 << 20, 0, 5, 5, "/usr/lib/a \x1b[2J.so", true);
	map(d, 100, 1, DUMMY, HEAP, "//anon");
	perf_data_auxtrace(d, 40);
	for (uint64_t ms = 2; ms < 40; ms++)
		load(d, 100, ms, HEAP + ms * 4096);
	for (uint64_t ms = 2; ms < 40; ms++)
		store(d, ms % 4 ? 100 : 333, ms, HEAP + 0x80000 + ms * 64);
	perf_data_finished_round(d);
	for (uint64_t ms = 60; ms >= 41; ms--)
		load(d, 100, ms, HEAP + ms * 4096);
	perf_data_finished_round(d);
	at = stamp(100, 61, LOADS);
	perf_data_lost(d, &at, 3);
	perf_data_lost_samples(d, &at, 2);
	load(d, 100, 62, 0); /* no address */
}

static void write_mem(const char *path, bool swapped, bool piped)
{
	struct perf_data d;

	perf_data_begin(&d, swapped, piped, mem_events, 3);
	if (piped) {
		perf_data_raw(&d, 80, "a feature of 13", 13);
		perf_data_tracing_data(&d, 21);
	}
	mem_records(&d);
	perf_data_end(&d);
	perf_data_save(&d, path);
	perf_data_free(&d);
}

/* All snapshots as JSON lines; NULL with err. *first is the first of them, the caller's. */
static char *read_all(const char *path, pid_t pid, struct snapshot **first, char note[256], struct err *err)
{
	struct attrs attrs = attrs_default();
	struct recording *r;
	struct snapshot *s;
	char *text = NULL;
	size_t size;
	FILE *out;
	int rc;

	if (recording_open(&r, path, pid, &attrs, err))
		return NULL;
	out = open_memstream(&text, &size);
	while ((rc = recording_next(r, &s, err)) > 0) {
		assert_int_equal(snapshot_json_write(out, s), 0);
		if (first && !*first)
			*first = s;
		else
			snapshot_free(s);
	}
	fclose(out);
	if (note)
		snprintf(note, 256, "%s", recording_note(r));
	recording_close(r);
	if (rc == 0)
		return text;
	free(text);
	return NULL;
}

static void both_orders_and_both_forms_are_the_same(void **state)
{
	struct place *p = *state;
	char *texts[4];

	for (int i = 0; i < 4; i++) {
		struct err err = ERR_NONE;

		write_mem(p->path, i & 1, i & 2);
		texts[i] = read_all(p->path, 100, NULL, NULL, &err);
		if (!texts[i])
			fail_msg("order %d, pipe %d: %s", i & 1, i >> 1, err.text);
		assert_string_equal(texts[i], texts[0]);
	}
	for (int i = 0; i < 4; i++)
		free(texts[i]);
}

static void a_sample_stands_for_its_period_unless_that_is_a_frequency(void **state)
{
	struct place *p = *state;

	for (int swapped = 0; swapped < 2; swapped++) {
		struct snapshot *s = NULL;
		struct err err = ERR_NONE;
		double hits = 0;
		uint64_t nr_reads = 0, nr_writes = 0, latencies = 0, nr = 0;

		write_mem(p->path, swapped, false);
		free(read_all(p->path, 100, &s, NULL, &err));
		assert_non_null(s);
		for (size_t i = 0; i < s->nr_regions; i++) {
			struct snap_access a = snapshot_access(s, i);

			hits += (double)s->regions[i].heat * (double)(s->regions[i].end - s->regions[i].start) /
				(1 << 20) * ((double)s->duration_ns / 1e9);
			nr_reads += a.nr_reads;
			nr_writes += a.nr_writes;
			latencies += a.latency_sum;
			nr += a.nr_latency;
		}
		/* 38 loads and 20 more, at 100 each; 38 stores, of which 9 are another process' */
		assert_true(hits > 58 * 100 + 29 - 1 && hits < 58 * 100 + 29 + 1);
		assert_int_equal(nr_reads, 58);
		assert_int_equal(nr_writes, 29);
		assert_int_equal(nr, 58 + 29);
		assert_int_equal(latencies, 58 * 42 + 29 * 5);
		assert_int_equal(s->stats.lost, 3); /* two of them are told twice */
		assert_int_equal(s->stats.malformed, 0);
		assert_string_equal(s->comm, "loader");
		assert_true(s->flags & SNAP_ACCESSES_ALONE);
		assert_true(s->duration_ns && s->wall_ns == s->duration_ns); /* since the begin: it is the first */
		assert_false(s->flags & SNAP_WSS_EXACT);
		assert_string_equal(mappings_name(s->maps, mappings_from(s->maps, LIBRARY)), "/usr/lib/a \\x1b[2J.so");
		snapshot_free(s);
	}
}

static void of_several_processes_p_chooses(void **state)
{
	struct place *p = *state;
	struct err err = ERR_NONE;
	struct snapshot *s = NULL;
	char note[256];

	write_mem(p->path, true, false);
	free(read_all(p->path, 0, &s, note, &err));
	assert_int_equal(s->pid, 100);
	assert_string_equal(note, "several processes, -p PID chooses; this is 100 of 100 loader (87 samples), 333 (9)");
	snapshot_free(s);
	s = NULL;
	free(read_all(p->path, 333, &s, note, &err));
	assert_int_equal(s->pid, 333);
	assert_int_equal(s->stats.reports, 9);
	assert_string_equal(note, "");
	snapshot_free(s);
	assert_null(read_all(p->path, 5, NULL, NULL, &err));
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, "no data addresses of process 5. It has those of 100 loader"));
}

/* Of a pipe nothing can be known before: the first process that has a sample is taken, with all that was told of it. */
static void a_pipe_is_read_as_it_comes(void **state)
{
	struct place *p = *state;
	struct err err = ERR_NONE;
	char path[64], note[256], *of_file, *of_pipe;
	static char bytes[60000]; /* a pipe holds as many */
	int fds[2];
	FILE *f;
	size_t len;

	write_mem(p->path, true, true);
	of_file = read_all(p->path, 100, NULL, NULL, &err);
	f = fopen(p->path, "rb");
	len = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	assert_true(len < sizeof(bytes));
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], bytes, len), len);
	close(fds[1]);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	of_pipe = read_all(path, 0, NULL, note, &err);
	close(fds[0]);
	assert_non_null(of_pipe);
	assert_string_equal(of_pipe, of_file);
	assert_string_equal(note, "several processes, -p PID chooses; this is 100 of 100 loader (87 samples), 333 (9)");
	free(of_file);
	free(of_pipe);
}

static void fault(struct perf_data *d, uint32_t pid, uint64_t ms, uint64_t addr)
{
	struct perf_data_sample s = { .stamp = stamp(pid, ms, FAULTS), .ip = LIBRARY, .addr = addr };

	perf_data_sample(d, &s);
}

/* What one CPU's ring says of an exec lies behind what another's says of the mappings after it. */
static void mappings_and_names_are_in_the_order_of_time(void **state)
{
	struct place *p = *state;
	struct err err = ERR_NONE;
	struct snapshot *s = NULL;
	struct perf_data_stamp at;
	struct perf_data d;

	perf_data_begin(&d, false, false, fault_events, 1);
	map(&d, 100, 20, FAULTS, HEAP, "/new");
	map(&d, 100, 21, FAULTS, HEAP + (1 << 20), "//anon");
	fault(&d, 100, 30, HEAP + 5);
	map(&d, 100, 1, FAULTS, HEAP, "/old");
	at = stamp(100, 2, FAULTS);
	perf_data_comm(&d, &at, "old", true);
	at = stamp(100, 10, FAULTS);
	perf_data_comm(&d, &at, "new", true);
	perf_data_end(&d);
	perf_data_save(&d, p->path);
	perf_data_free(&d);
	free(read_all(p->path, 0, &s, NULL, &err));
	assert_non_null(s);
	assert_string_equal(s->comm, "new");
	assert_int_equal(s->maps->nr, 2);
	assert_string_equal(mappings_name(s->maps, &s->maps->v[0]), "/new");
	snapshot_free(s);
}

static void a_child_has_its_parents_mappings_until_the_fork(void **state)
{
	struct place *p = *state;
	struct err err = ERR_NONE;
	struct snapshot *s = NULL;
	struct perf_data_stamp at = stamp(100, 0, FAULTS);
	struct perf_data d;

	perf_data_begin(&d, true, false, fault_events, 1);
	perf_data_comm(&d, &at, "parent", true);
	map(&d, 100, 1, FAULTS, HEAP, "/first");
	at = stamp(200, 5, FAULTS);
	perf_data_fork(&d, &at, 100);
	map(&d, 100, 6, FAULTS, HEAP, "/of the parent, later");
	at = stamp(300, 7, FAULTS);
	perf_data_fork(&d, &at, 200);
	map(&d, 200, 8, FAULTS, LIBRARY, "/of the child, later");
	map(&d, 300, 9, FAULTS, LIBRARY, "/of the grandchild");
	fault(&d, 300, 20, HEAP + 4096);
	fault(&d, 100, 20, HEAP + 8192);
	perf_data_end(&d);
	perf_data_save(&d, p->path);
	perf_data_free(&d);
	free(read_all(p->path, 300, &s, NULL, &err));
	assert_non_null(s);
	assert_string_equal(s->comm, "parent");
	assert_int_equal(s->maps->nr, 2);
	assert_string_equal(mappings_name(s->maps, &s->maps->v[0]), "/first");
	assert_string_equal(mappings_name(s->maps, &s->maps->v[1]), "/of the grandchild");
	assert_int_equal(s->wss_bytes, 4096);
	assert_true(s->flags & SNAP_WSS_EXACT);
	snapshot_free(s);
}

static void without_time_or_addresses_it_says_so(void **state)
{
	struct perf_data_event events[1] = { fault_events[0] };
	struct place *p = *state;
	struct perf_data d;

	for (int i = 0; i < 2; i++) {
		struct err err = ERR_NONE;

		events[0].attr.sample_type &= ~(uint64_t)(i ? PERF_SAMPLE_ADDR : PERF_SAMPLE_TIME);
		perf_data_begin(&d, false, false, events, 1);
		fault(&d, 100, 30, HEAP);
		perf_data_end(&d);
		perf_data_save(&d, p->path);
		perf_data_free(&d);
		assert_null(read_all(p->path, 0, NULL, NULL, &err));
		assert_non_null(strstr(err.text, i ? "record with perf record -d" : "record with -T"));
	}
}

static void what_is_compressed_is_refused_with_a_remedy(void **state)
{
	struct place *p = *state;

	for (uint32_t type = 81; type <= 83; type += 2) {
		struct err err = ERR_NONE;
		struct perf_data d;

		perf_data_begin(&d, type == 83, false, fault_events, 1);
		fault(&d, 100, 30, HEAP);
		perf_data_raw(&d, type, "zstandard, with a length that is none of 8", 42);
		perf_data_end(&d);
		perf_data_save(&d, p->path);
		perf_data_free(&d);
		assert_null(read_all(p->path, 0, NULL, NULL, &err));
		assert_int_equal(err.code, EBADMSG);
		assert_non_null(strstr(err.text, "it is compressed: record without -z; at byte "));
	}
}

/* At no length may it do harm; what came before is there, or it says where it ends. */
static void cut_off_anywhere_it_is_good_as_far_as_it_goes(void **state)
{
	struct place *p = *state;
	struct perf_data d;

	for (int i = 0; i < 4; i++) {
		perf_data_begin(&d, i & 1, i & 2, mem_events, 3);
		mem_records(&d);
		perf_data_end(&d);
		for (size_t len = d.len; len > 0; len -= len < 7 ? len : 7) {
			struct err err = ERR_NONE;
			char *text;

			d.len = len;
			perf_data_save(&d, p->path);
			text = read_all(p->path, 0, NULL, NULL, &err);
			assert_true(text || err.code);
			free(text);
		}
		perf_data_free(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(both_orders_and_both_forms_are_the_same, make_place, remove_place),
		cmocka_unit_test_setup_teardown(a_sample_stands_for_its_period_unless_that_is_a_frequency, make_place,
						remove_place),
		cmocka_unit_test_setup_teardown(of_several_processes_p_chooses, make_place, remove_place),
		cmocka_unit_test_setup_teardown(a_pipe_is_read_as_it_comes, make_place, remove_place),
		cmocka_unit_test_setup_teardown(mappings_and_names_are_in_the_order_of_time, make_place, remove_place),
		cmocka_unit_test_setup_teardown(a_child_has_its_parents_mappings_until_the_fork, make_place,
						remove_place),
		cmocka_unit_test_setup_teardown(without_time_or_addresses_it_says_so, make_place, remove_place),
		cmocka_unit_test_setup_teardown(what_is_compressed_is_refused_with_a_remedy, make_place, remove_place),
		cmocka_unit_test_setup_teardown(cut_off_anywhere_it_is_good_as_far_as_it_goes, make_place,
						remove_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
