/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a ring to the screen: PEBS-like and IBS-like records in simulated rings, the real source, the aggregation and
 * the screen; every field that arrives there is checked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/aggregate.h"
#include "collector/sources/perf.h"
#include "tests/unit/file_tree.h"
#include "tests/unit/perf_sim.h"
#include "tests/unit/screen_dump.h"
#include "tests/unit/screen_fixture.h"

#define PID	 4711
#define NR_RINGS 2
#define HEAP	 UINT64_C(0x55d0c4e21000) /* of the fixture's server */
#define CODE	 UINT64_C(0x55d0c2a31041)
#define BLOCK	 UINT64_C(0x8000000) /* of physical memory: the first is node 0's, the second node 1's */

#define LOAD(level, remote) \
	(PERF_MEM_S(OP, LOAD) | PERF_MEM_S(LVLNUM, level) | (remote ? PERF_MEM_S(REMOTE, REMOTE) : 0))
#define STORE (PERF_MEM_S(OP, STORE) | PERF_MEM_S(LVLNUM, L1))

struct fixture {
	struct sink sink;
	struct aggregate agg;
	struct clock_virtual clock;
	struct perf_sim sims[NR_RINGS];
	struct file_tree tree;
	struct pmu_event event;
	struct source_params params;
	struct source *source;
	struct mappings *maps;
	struct screen screen;
	uint64_t serial;
	unsigned char buf[PERF_SIM_MAX_RECORD] __attribute__((aligned(8)));
};

static void take(struct sink *sink, const struct report *v, size_t nr)
{
	struct fixture *f = (struct fixture *)(void *)sink;

	assert_int_equal(aggregate_add(&f->agg, v, nr), 0);
}

static void make_machine(struct file_tree *tree)
{
	file_tree_new(tree);
	file_tree_put(tree, "/sys/devices/system/memory/block_size_bytes", "8000000\n");
	file_tree_put(tree, "/sys/devices/system/node/online", "0-1\n");
	file_tree_put(tree, "/sys/devices/system/node/node0/memory0", "");
	file_tree_put(tree, "/sys/devices/system/node/node1/memory1", "");
}

static struct fixture *start(const char *event)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err = ERR_NONE;
	int fds[NR_RINGS];

	assert_non_null(f);
	f->sink.reports = take;
	clock_virtual_init(&f->clock, 0, 0);
	make_machine(&f->tree);
	for (int i = 0; i < NR_RINGS; i++) {
		assert_true(perf_sim_open(&f->sims[i], 4, 16384 - 40));
		fds[i] = f->sims[i].fd;
	}
	assert_int_equal(pmu_event_parse(event, "", &f->event, &err), 0);
	pmu_event_want(&f->event, true);
	f->params = (struct source_params){ .clock = &f->clock.clock, .root = f->tree.root, .attrs = attrs_default() };
	f->params.attrs.period = 1000;
	assert_int_equal(perf_source_open_files(&f->source, &f->params, &f->event, PID, fds, NR_RINGS, 4, &err), 0);
	f->maps = fixture_server_maps();
	assert_int_equal(aggregate_init(&f->agg, false, false, HEAT_RATE, 1), 0);
	assert_int_equal(aggregate_set_mappings(&f->agg, f->maps, &f->params.attrs, false), 0);
	screen_open(&f->screen, COLOR_DEPTH_MONO, false, 60, 200, NULL);
	return f;
}

static void end(struct fixture *f)
{
	screen_close(&f->screen);
	aggregate_free(&f->agg);
	mappings_put(f->maps);
	source_perf.close(f->source);
	for (int i = 0; i < NR_RINGS; i++)
		perf_sim_close(&f->sims[i]);
	file_tree_free(&f->tree);
	free(f);
}

/* nr samples like this one, on all CPUs by turns, each at another place of the same page. */
static void write_samples(struct fixture *f, size_t nr, struct perf_sample s)
{
	struct perf_event_attr attr = f->event.attr[0];

	attr.sample_type |= PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID;
	s.id = 1;
	s.pid = PID;
	s.tid = PID + 1;
	s.period = 1000;
	s.data_page_size = 4096;
	for (size_t i = 0; i < nr; i++, f->serial++) {
		struct perf_sample one = s;

		one.addr += s.addr ? f->serial * 8 : 0;
		assert_true(perf_sim_write(&f->sims[f->serial % NR_RINGS], perf_sim_sample(f->buf, &attr, &one)));
	}
}

/* One aggregation of a second ends: its snapshot, filled in as the collector does, goes to the screen. */
static void show(struct fixture *f)
{
	struct err err = ERR_NONE;
	struct source_stats stats;
	struct snapshot *snap;

	assert_int_equal(source_perf.drain(f->source, &f->sink, &err), 0);
	source_perf.stats(f->source, &stats);
	aggregate_end_check(&f->agg);
	snap = aggregate_finish(&f->agg, &f->params.attrs, mappings_get(f->maps), 1000000000, stats.samples);
	assert_non_null(snap);
	snap->pid = PID;
	strcpy(snap->comm, "redis-server");
	snap->source = source_perf.name;
	snap->time_ns = snap->duration_ns = 1000000000;
	snap->wall_ns = FIXTURE_WALL_NS;
	snap->attrs = f->params.attrs;
	snap->nr_threads = 1;
	snap->stats.reports = stats.reports;
	snap->stats.samples = stats.samples;
	snap->stats.lost = stats.lost;
	snap->stats.throttled = stats.throttled;
	snap->stats.unattributed = stats.unattributed;
	snap->stats.malformed = stats.malformed;
	snprintf(snap->note, sizeof(snap->note), "%s", stats.note);
	screen_push(&f->screen, snapshot_pack(snap));
}

static void expect(struct fixture *f, const char *text)
{
	char *all;

	if (screen_holds(&f->screen, text))
		return;
	all = screen_text(&f->screen);
	fputs(all, stderr); /* longer than cmocka prints */
	free(all);
	fail_msg("not on the screen: %s", text);
}

/* Loads from everywhere, and stores: 60 and 20. */
static void test_pebs(void **state)
{
	struct fixture *f = start("raw:4,0x20d1");
	const uint64_t lost[] = { 1, 7 }, throttle[] = { 0, 1, 1 };
	const struct perf_event_header bad = { .type = PERF_RECORD_SAMPLE, .size = 12 };

	(void)state;
	write_samples(f, 24,
		      (struct perf_sample){
			      .ip = CODE, .addr = HEAP, .weight = 10, .data_src = LOAD(L1, 0), .phys_addr = BLOCK });
	perf_sim_write_raw(&f->sims[0], &bad, sizeof(bad));
	write_samples(f, 16,
		      (struct perf_sample){
			      .ip = CODE, .addr = HEAP, .weight = 200, .data_src = LOAD(RAM, 0), .phys_addr = BLOCK });
	write_samples(
		f, 12,
		(struct perf_sample){
			.ip = CODE + 64, .addr = HEAP, .weight = 400, .data_src = LOAD(RAM, 1), .phys_addr = BLOCK });
	write_samples(
		f, 8,
		(struct perf_sample){
			.ip = CODE + 64, .addr = HEAP, .weight = 1170, .data_src = LOAD(CXL, 0), .phys_addr = BLOCK });
	perf_sim_write(&f->sims[1], perf_sim_record(f->buf, PERF_RECORD_LOST, lost, 2));
	perf_sim_write(&f->sims[1], perf_sim_record(f->buf, PERF_RECORD_THROTTLE, throttle, 3));
	write_samples(f, 20, (struct perf_sample){ .ip = CODE, .addr = HEAP, .data_src = STORE, .phys_addr = BLOCK });
	show(f);
	expect(f, "perf");
	expect(f, "lost 7");
	expect(f, "throttled 1");
	expect(f, "80k accesses/s");  /* 80 samples of 1 000 events each */
	expect(f, "node     1 100%"); /* where the accesses themselves went to */
	expect(f, "read 75%  write 25%");
	/* 24 * 10 + 16 * 200 + 12 * 400 + 8 * 1170 cycles of 60 loads; stores have none. */
	expect(f, "293 cycles  mean of 60");
	expect(f, "L1 55%  local DRAM 20%");
	expect(f, "remote DRAM 15%  CXL 10%"); /* there is no room for them on the same line */
	expect(f, "redis-server+0x31041");
	expect(f, "redis-server+0x31081");
	screen_keys(&f->screen, "5");
	expect(f, "read");
	screen_keys(&f->screen, "6");
	expect(f, "atency");
	screen_keys(&f->screen, "s");
	expect(f, "period 1000");
	expect(f, "records that made no sense");
	end(f);
}

/* Most of what IBS tags accessed no memory; what it does not know is not shown as 0. */
static void test_ibs(void **state)
{
	struct fixture *f = start("raw:4,0x80000");

	(void)state;
	write_samples(f, 50, (struct perf_sample){ .ip = CODE, .data_src = PERF_MEM_S(OP, NA) });
	write_samples(f, 30, (struct perf_sample){ .ip = CODE, .addr = HEAP, .data_src = PERF_MEM_S(OP, NA) });
	write_samples(f, 10, (struct perf_sample){ .ip = CODE, .addr = HEAP, .data_src = STORE });
	show(f);
	expect(f, "10k accesses/s");
	expect(f, "read 0%  write 100%");
	expect(f, "L1 100%");
	assert_false(screen_holds(&f->screen, "cycles"));
	screen_keys(&f->screen, "6");
	assert_false(screen_holds(&f->screen, "0 cycles"));
	screen_keys(&f->screen, "s");
	expect(f, "samples without an address");
	expect(f, "80");
	end(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pebs),
		cmocka_unit_test(test_ibs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
