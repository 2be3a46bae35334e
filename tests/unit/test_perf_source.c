/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The real source: on rings laid out like a PMU's, and on this machine's page faults. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/rng.h"
#include "collector/sources/perf.h"
#include "tests/unit/file_tree.h"
#include "tests/unit/perf_sim.h"

#define PID	   4711
#define NR_RINGS   3
#define MAX_STORED 4096
#define BASE	   UINT64_C(0x7f0000000000)
#define LOAD	   PERF_MEM_S(OP, LOAD)
#define STORE	   PERF_MEM_S(OP, STORE)
#define NA	   PERF_MEM_S(OP, NA)

struct fixture {
	struct sink sink;
	struct clock_virtual clock;
	struct perf_sim sims[NR_RINGS];
	struct pmu_event event;
	struct source_params params;
	struct source *source;
	struct report got[MAX_STORED];
	size_t nr_got;
	unsigned char buf[PERF_SIM_MAX_RECORD] __attribute__((aligned(8)));
};

static void store(struct sink *sink, const struct report *v, size_t nr)
{
	struct fixture *f = (struct fixture *)(void *)sink;

	assert_true(f->nr_got + nr <= MAX_STORED);
	for (size_t i = 1; i < nr; i++)
		assert_true(v[i - 1].start <= v[i].start);
	memcpy(f->got + f->nr_got, v, nr * sizeof(*v));
	f->nr_got += nr;
}

static struct fixture *start_below(const char *root, const char *event, uint64_t period)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err = ERR_NONE;
	int fds[NR_RINGS];

	assert_non_null(f);
	f->sink.reports = store;
	clock_virtual_init(&f->clock, 0, 0);
	for (int i = 0; i < NR_RINGS; i++) {
		assert_true(perf_sim_open(&f->sims[i], 2, 8192 - 40 * (uint64_t)i));
		fds[i] = f->sims[i].fd;
	}
	assert_int_equal(pmu_event_parse(event, "", &f->event, &err), 0);
	pmu_event_want(&f->event, true);
	f->params.clock = &f->clock.clock;
	f->params.root = root;
	f->params.attrs = attrs_default();
	f->params.attrs.period = period;
	assert_int_equal(perf_source_open_files(&f->source, &f->params, &f->event, PID, fds, NR_RINGS, 2, &err), 0);
	return f;
}

static struct fixture *start(const char *event, uint64_t period)
{
	return start_below("/nonexistent", event, period);
}

static void end(struct fixture *f)
{
	source_perf.close(f->source);
	for (int i = 0; i < NR_RINGS; i++)
		perf_sim_close(&f->sims[i]);
	free(f);
}

/* The attributes as the samples have them. */
static struct perf_event_attr laid_out(const struct fixture *f)
{
	struct perf_event_attr attr = f->event.attr[0];

	attr.sample_type |= PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID;
	return attr;
}

static bool write_sample(struct fixture *f, int ring, struct perf_sample s)
{
	struct perf_event_attr attr = laid_out(f);

	s.id = s.id ? s.id : 1;
	s.pid = s.pid ? s.pid : PID;
	s.tid = s.tid ? s.tid : PID;
	s.period = s.period ? s.period : 1000;
	return perf_sim_write(&f->sims[ring], perf_sim_sample(f->buf, &attr, &s));
}

static struct source_stats drain(struct fixture *f)
{
	struct source_stats stats;
	struct err err = ERR_NONE;

	assert_int_equal(source_perf.drain(f->source, &f->sink, &err), 0);
	source_perf.stats(f->source, &stats);
	return stats;
}

static void test_a_pebs_load_with_all_its_fields(void **state)
{
	struct fixture *f = start("raw:4,0x20d1", 1000);
	struct source_stats stats;

	(void)state;
	write_sample(f, 0,
		     (struct perf_sample){ .ip = 0x401234,
					   .addr = BASE + 0x5678,
					   .tid = 42,
					   .period = 1000,
					   .weight = 210,
					   .data_src = LOAD,
					   .phys_addr = 0x9678,
					   .data_page_size = 2 << 20 });
	stats = drain(f);
	assert_int_equal(f->nr_got, 1);
	assert_int_equal(f->got[0].start, BASE + 0x5678);
	assert_int_equal(f->got[0].count, 1000);
	assert_int_equal(f->got[0].ip, 0x401234);
	assert_int_equal(f->got[0].tid, 42);
	assert_int_equal(f->got[0].latency, 210);
	assert_int_equal(f->got[0].data_src, LOAD);
	assert_int_equal(f->got[0].phys, 0x9678);
	assert_int_equal(f->got[0].huge, 1);
	assert_int_equal(f->got[0].op, REPORT_READ);
	assert_int_equal(f->got[0].valid, REPORT_TID | REPORT_IP | REPORT_LATENCY | REPORT_OP | REPORT_DATA_SRC |
						  REPORT_HUGE | REPORT_PHYS);
	assert_int_equal(stats.samples, 1);
	assert_int_equal(stats.reports, 1);
	end(f);
}

/* Two nodes of one block of 128 MiB each, and memory that belongs to neither. */
static void test_the_node_comes_from_the_physical_address(void **state)
{
	static const uint64_t phys[] = { 0x1000, 0x8000000, 0xfffffff, 0x10000000, 0 };
	static const int want[] = { 0, 2, 2, -1, -1 };
	struct file_tree tree;
	struct fixture *f;

	(void)state;
	file_tree_new(&tree);
	file_tree_put(&tree, "/sys/devices/system/memory/block_size_bytes", "8000000\n");
	file_tree_put(&tree, "/sys/devices/system/node/online", "0,2\n");
	file_tree_put(&tree, "/sys/devices/system/node/node0/memory0", "");
	file_tree_put(&tree, "/sys/devices/system/node/node2/memory1", "");
	file_tree_put(&tree, "/sys/devices/system/node/node2/memory_failure", "");
	f = start_below(tree.root, "raw:4,0x20d1", 1000);
	for (uint64_t i = 0; i < 5; i++)
		write_sample(f, 0, (struct perf_sample){ .addr = BASE + i, .data_src = LOAD, .phys_addr = phys[i] });
	drain(f);
	assert_int_equal(f->nr_got, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(!!(f->got[i].valid & REPORT_NODE), want[i] >= 0);
		if (want[i] >= 0)
			assert_int_equal(f->got[i].node, want[i]);
	}
	end(f);
	file_tree_free(&tree);
}

/* Most of what IBS tags accessed no memory: counted, not drawn. */
static void test_ibs_samples_without_an_address(void **state)
{
	struct fixture *f = start("raw:4,0x80000", 0x1000);
	struct source_stats stats;

	(void)state;
	for (uint64_t i = 0; i < 30; i++) {
		write_sample(f, (int)i % NR_RINGS, (struct perf_sample){ .addr = 0, .data_src = NA });
		write_sample(f, (int)i % NR_RINGS, (struct perf_sample){ .addr = BASE + i, .data_src = NA });
		write_sample(f, (int)i % NR_RINGS, (struct perf_sample){ .addr = BASE + i * 4096, .data_src = STORE });
		write_sample(f, (int)i % NR_RINGS,
			     (struct perf_sample){ .addr = UINT64_C(0xffff888000001000), .data_src = LOAD });
		stats = drain(f);
	}
	assert_int_equal(stats.samples, 120);
	assert_int_equal(stats.reports, 30);
	assert_int_equal(stats.unattributed, 90);
	assert_int_equal(f->nr_got, 30);
	assert_int_equal(f->got[0].op, REPORT_WRITE);
	assert_false(f->got[0].valid & REPORT_LATENCY);
	end(f);
}

/* Times out of order between CPUs, wraps at every offset, foreign processes, other records in between. */
static void test_many_rings_in_many_passes(void **state)
{
	struct fixture *f = start("raw:4,0x20d1", 1000);
	struct rng rng = rng_seeded(3);
	struct source_stats stats = { 0 };
	uint64_t words[8] = { 0 }, sent = 0, sum = 0, got = 0;

	(void)state;
	for (int pass = 0; pass < 400; pass++) {
		for (int i = 0; i < 9; i++) {
			uint64_t addr = BASE + rng_below(&rng, 1 << 30);
			int ring = (int)rng_below(&rng, NR_RINGS);

			perf_sim_write(&f->sims[ring], perf_sim_record(f->buf, 60 + (uint32_t)rng_below(&rng, 9), words,
								       rng_below(&rng, 9)));
			assert_true(write_sample(f, ring, (struct perf_sample){ .addr = addr, .data_src = LOAD }));
			assert_true(write_sample(f, ring, (struct perf_sample){ .addr = addr, .pid = 1, .tid = 1 }));
			sent++;
			sum += addr;
		}
		stats = drain(f);
	}
	for (size_t i = 0; i < f->nr_got; i++)
		got += f->got[i].start;
	assert_int_equal(f->nr_got, sent);
	assert_true(got == sum);
	assert_int_equal(stats.samples, sent);
	assert_int_equal(stats.malformed, 0);
	end(f);
}

static void test_losses_are_sums_and_throttles_are_said(void **state)
{
	struct fixture *f = start("raw:4,0x20d1", 1000);
	const uint64_t lost[] = { 1, 965 }, lost_samples[] = { 35 }, throttle[] = { 0, 1, 1 };
	struct source_stats stats;

	(void)state;
	perf_sim_write(&f->sims[0], perf_sim_record(f->buf, PERF_RECORD_LOST, lost, 2));
	perf_sim_write(&f->sims[1], perf_sim_record(f->buf, PERF_RECORD_LOST_SAMPLES, lost_samples, 1));
	perf_sim_write(&f->sims[1], perf_sim_record(f->buf, PERF_RECORD_LOST, lost, 1)); /* cut short */
	perf_sim_write(&f->sims[2], perf_sim_record(f->buf, PERF_RECORD_THROTTLE, throttle, 3));
	perf_sim_write(&f->sims[2], perf_sim_record(f->buf, PERF_RECORD_UNTHROTTLE, throttle, 3));
	stats = drain(f);
	assert_int_equal(stats.lost, 1000);
	assert_int_equal(stats.throttled, 1);
	assert_non_null(strstr(stats.note, "throttled"));
	assert_null(strstr(drain(f).note, "throttled"));
	end(f);
}

static void test_records_that_make_no_sense(void **state)
{
	struct fixture *f = start("raw:4,0x20d1", 1000);
	const struct perf_event_header empty = { .type = PERF_RECORD_SAMPLE, .size = 8 }, zero = { .size = 0 };
	struct source_stats stats;
	struct perf_event_attr attr = laid_out(f);
	struct perf_event_header *rec;

	(void)state;
	perf_sim_write(&f->sims[0], &empty);
	rec = perf_sim_sample(f->buf, &attr, &(struct perf_sample){ .id = 1, .pid = PID, .addr = BASE });
	rec->size -= 8;
	perf_sim_write(&f->sims[0], rec);
	write_sample(f, 0, (struct perf_sample){ .id = 77, .addr = BASE, .data_src = LOAD }); /* nobody's */
	perf_sim_write_raw(&f->sims[0], &zero, sizeof(zero));
	write_sample(f, 0, (struct perf_sample){ .addr = BASE, .data_src = LOAD });
	stats = drain(f);
	assert_int_equal(stats.malformed, 4);
	assert_int_equal(stats.reports, 1);
	end(f);
}

static void test_the_period_adapts_unless_it_is_given(void **state)
{
	struct fixture *f = start("raw:4,0x20d1", 0);
	struct attrs attrs = f->params.attrs;
	struct err err = ERR_NONE;

	(void)state;
	assert_non_null(strstr(drain(f).note, "period 100003"));
	for (int i = 0; i < 20; i++) {
		for (int k = 0; k < 5; k++)
			write_sample(f, 0, (struct perf_sample){ .addr = BASE, .data_src = LOAD });
		f->clock.now_ns += 1000000;
		drain(f);
	}
	f->clock.now_ns += 180000000;
	assert_null(strstr(drain(f).note, "period 100003"));
	attrs.period = 5;
	assert_int_equal(source_perf.set_attrs(f->source, &attrs, &err), 0);
	f->clock.now_ns += 1000000000;
	assert_non_null(strstr(drain(f).note, "period 5"));
	end(f);
}

/* ---- this machine ------------------------------------------------------------------------------- */

#define NR_PAGES 20000

struct first_touch {
	struct sink sink;
	unsigned char *area;
	unsigned char hits[NR_PAGES];
	uint64_t sum;
};

static void count_pages(struct sink *sink, const struct report *v, size_t nr)
{
	struct first_touch *t = (struct first_touch *)(void *)sink;

	for (size_t i = 0; i < nr; i++) {
		uint64_t page = (v[i].start - (uintptr_t)t->area) / 4096;

		if (page >= NR_PAGES)
			continue;
		t->hits[page]++;
		t->sum += v[i].count;
		assert_true(v[i].valid & REPORT_TIME && v[i].valid & REPORT_IP);
	}
}

static pid_t toucher(unsigned char *area, int in, int out)
{
	pid_t pid = fork();
	char c;

	if (pid)
		return pid;
	while (read(in, &c, 1) == 1) {
		for (size_t i = 0; i < NR_PAGES; i++)
			((volatile unsigned char *)area)[i * 4096] = 1;
		if (write(out, &c, 1) != 1)
			break;
	}
	_exit(0);
}

static void watch(struct first_touch *t, struct source_params *params, int in, int out)
{
	struct source_stats stats;
	struct err err = ERR_NONE;
	struct source *source;
	char c = 0;

	if (source_perf.probe(params, &err) == -EACCES) {
		print_message("SKIP: %s\n", err.text);
		skip();
	}
	assert_string_equal(err.text, "");
	assert_int_equal(source_perf.open(&source, params, &err), 0);
	assert_true(source_perf.poll_fd(source) >= 0);
	assert_int_equal(write(in, &c, 1), 1);
	assert_int_equal(read(out, &c, 1), 1);
	assert_int_equal(source_perf.drain(source, &t->sink, &err), 0);
	source_perf.stats(source, &stats);
	source_perf.close(source);
	for (size_t i = 0; i < NR_PAGES; i++)
		assert_int_equal(t->hits[i], 1);
	assert_int_equal(t->sum, NR_PAGES);
	assert_int_equal(stats.lost + stats.malformed, 0);
}

static void test_page_faults_of_a_first_touch(void **state)
{
	struct first_touch *t = calloc(1, sizeof(*t));
	struct source_params params = { .event = "perf::PAGE-FAULTS", .root = "", .clock = &clock_system };
	struct err err = ERR_NONE;
	int in[2], out[2];
	pid_t pid;

	(void)state;
	assert_non_null(t);
	t->sink.reports = count_pages;
	t->area = mmap(NULL, NR_PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(t->area, MAP_FAILED);
	madvise(t->area, NR_PAGES * 4096, MADV_NOHUGEPAGE);
	assert_int_equal(pipe(in) | pipe(out), 0);
	pid = toucher(t->area, in[0], out[1]);
	assert_true(pid > 0);
	params.attrs = attrs_default();
	params.attrs.period = 1;
	assert_int_equal(target_open(&params.target, pid, &err), 0);
	watch(t, &params, in[1], out[0]);
	target_close(params.target);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	munmap(t->area, NR_PAGES * 4096);
	free(t);
}

static void test_probe_says_why_not(void **state)
{
	struct source_params params = { .root = "/nonexistent", .clock = &clock_system };
	struct err err = ERR_NONE;

	(void)state;
	params.attrs = attrs_default();
	assert_int_equal(source_perf.probe(&params, &err), -ENOENT);
	assert_non_null(strstr(err.text, "no PMU"));
	err = ERR_NONE;
	params.event = "raw:999,1";
	assert_int_equal(source_perf.probe(&params, &err), -ENOENT);
	assert_non_null(strstr(err.text, "raw:999,1"));
	source_perf.close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_pebs_load_with_all_its_fields),
		cmocka_unit_test(test_the_node_comes_from_the_physical_address),
		cmocka_unit_test(test_ibs_samples_without_an_address),
		cmocka_unit_test(test_many_rings_in_many_passes),
		cmocka_unit_test(test_losses_are_sums_and_throttles_are_said),
		cmocka_unit_test(test_records_that_make_no_sense),
		cmocka_unit_test(test_the_period_adapts_unless_it_is_given),
		cmocka_unit_test(test_page_faults_of_a_first_touch),
		cmocka_unit_test(test_probe_says_why_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
