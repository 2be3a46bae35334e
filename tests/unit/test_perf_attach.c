/* SPDX-License-Identifier: GPL-2.0-or-later */
/* On this machine's kernel: software events on a child process that does as it is told. */
#include <asm/perf_regs.h>
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/perf_attach.h"
#include "collector/perf_set.h"
#include "tests/unit/file_tree.h"
#include "tests/unit/perf_child.h"
#include "tests/unit/perf_sim.h"

static struct perf_attach_spec faults(void)
{
	struct perf_attach_spec spec = { .nr_events = 1, .ring_bytes = 256 * 1024, .root = "" };

	spec.attr[0] = (struct perf_event_attr){
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_PAGE_FAULTS,
		.sample_period = 1,
		.exclude_kernel = 1,
		.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR | PERF_SAMPLE_PERIOD,
	};
	spec.event_name[0] = "page-faults";
	spec.group_leader[0] = -1;
	return spec;
}

static void count(void *ctx, const struct perf_event_header *rec, const struct perf_event_attr *attr)
{
	struct perf_sample sample;
	struct perf_child *c = ctx;
	uint64_t page;

	if (rec->type != PERF_RECORD_SAMPLE) {
		c->nr_other++;
		return;
	}
	if (perf_sample_parse(attr, rec, &sample)) {
		c->nr_bad++;
		return;
	}
	c->nr_samples++;
	page = (sample.addr - (uintptr_t)c->area) / PAGE;
	if (page < NR_PAGES)
		c->hits[page]++;
}

/* How many of the pages [from, to) were seen exactly this often. */
static size_t seen(const struct perf_child *c, uint64_t from, uint64_t to, unsigned times)
{
	size_t nr = 0;

	for (uint64_t i = from; i < to; i++)
		nr += c->hits[i] == times;
	return nr;
}

/* Does not return. */
static void leave_out(struct perf_child *c, const char *why)
{
	print_message("SKIP: %s\n", why);
	perf_child_end(c);
	skip();
}

static void attach(struct perf_child *c, const struct perf_attach_spec *spec)
{
	struct err err = ERR_NONE;

	if (perf_attach_open(&c->pa, c->target, spec, &err) == -EACCES)
		leave_out(c, err.text);
	assert_string_equal(err.text, "");
	assert_non_null(c->pa);
	assert_int_equal(perf_attach_enable(c->pa, true, &err), 0);
}

static void test_every_first_touch_is_seen_once(void **state)
{
	struct perf_attach_spec spec = faults();
	struct perf_attach_stats stats;
	struct perf_child *c = perf_child_start();

	(void)state;
	attach(c, &spec);
	for (int i = 0; i < 10; i++)
		perf_child_tell(c, 't');
	perf_attach_drain(c->pa, count, c);
	assert_int_equal(seen(c, 0, 1000, 1), 1000);
	assert_int_equal(seen(c, 1000, NR_PAGES, 0), NR_PAGES - 1000);
	perf_attach_stats(c->pa, &stats);
	assert_int_equal(stats.lost + stats.malformed + c->nr_bad, 0);
	assert_int_equal(stats.nr_fds, stats.nr_rings);
	perf_child_end(c);
}

static void test_nothing_is_seen_before_it_is_enabled_or_after_it_is_disabled(void **state)
{
	struct perf_attach_spec spec = faults();
	struct perf_child *c = perf_child_start();
	struct err err = ERR_NONE;

	(void)state;
	attach(c, &spec);
	assert_int_equal(perf_attach_enable(c->pa, false, &err), 0);
	perf_child_tell(c, 't');
	assert_int_equal(perf_attach_enable(c->pa, true, &err), 0);
	perf_child_tell(c, 't');
	assert_int_equal(perf_attach_enable(c->pa, false, &err), 0);
	perf_child_tell(c, 't');
	perf_attach_drain(c->pa, count, c);
	assert_int_equal(seen(c, 0, 100, 0), 100);
	assert_int_equal(seen(c, 100, 200, 1), 100);
	assert_int_equal(seen(c, 200, 300, 0), 100);
	perf_child_end(c);
}

static void test_threads_inherit_and_child_processes_do_not(void **state)
{
	struct perf_attach_spec spec = faults();
	struct perf_attach_stats stats;
	struct perf_child *c = perf_child_start();
	struct err err = ERR_NONE;

	(void)state;
	attach(c, &spec);
	perf_child_tell(c, 'n');
	perf_child_tell(c, 'f');
	perf_child_tell(c, 'r');
	perf_child_tell(c, 'R');
	assert_int_equal(perf_attach_rescan(c->pa, c->target, &err), 0);
	perf_child_tell(c, 'R');
	perf_attach_drain(c->pa, count, c);
	assert_int_equal(seen(c, 0, 100, 1), 100);
	assert_int_equal(seen(c, 100, 200, 0), 100);
	assert_int_equal(seen(c, 300, 500, 1), 200);
	perf_attach_stats(c->pa, &stats);
	if (c->pa->set.inherit_thread) /* before Linux 5.13 they do, and are filtered out */
		assert_int_equal(stats.foreign, 0);
	perf_child_end(c);
}

static void test_threads_there_before_are_attached(void **state)
{
	struct perf_attach_spec spec = faults();
	struct perf_attach_stats stats;
	struct perf_child *c = perf_child_start();

	(void)state;
	perf_child_tell(c, 'r');
	attach(c, &spec);
	perf_child_tell(c, 'R');
	perf_child_tell(c, 't');
	perf_attach_drain(c->pa, count, c);
	assert_int_equal(seen(c, 100, 300, 1), 200);
	perf_attach_stats(c->pa, &stats);
	assert_int_equal(stats.nr_fds, 2 * stats.nr_rings);
	perf_child_end(c);
}

/* Threads that come while others are being opened: none is missed, and none is counted twice. */
static void test_threads_that_appear_while_attaching(void **state)
{
	struct perf_attach_spec spec = faults();
	struct perf_child *c = perf_child_start();
	struct err err = ERR_NONE;
	size_t first;

	(void)state;
	perf_child_tell(c, 'c');
	attach(c, &spec);
	assert_int_equal(perf_attach_rescan(c->pa, c->target, &err), 0);
	first = c->next;
	perf_child_tell(c, 'C');
	perf_attach_drain(c->pa, count, c);
	assert_int_equal(seen(c, first, first + NR_CROWD * CROWD_PAGES, 1), NR_CROWD * CROWD_PAGES);
	perf_child_end(c);
}

/* The same on a ring of our own: ids 1 and 2 are the same event. */
static void test_a_thread_that_had_inherited_is_counted_once(void **state)
{
	struct perf_attach_spec spec = faults();
	unsigned char buf[256] __attribute__((aligned(8)));
	static const uint64_t ids[] = { 2, 1, 2, 1, 2, 1 };
	struct perf_child c = { .area = NULL };
	struct perf_sim sim;

	(void)state;
	spec.nr_events = 2;
	spec.attr[1] = spec.attr[0];
	spec.group_leader[1] = -1;
	assert_true(perf_sim_open(&sim, 1, 0));
	assert_int_equal(perf_attach_open_files(&c.pa, 10, &spec, &sim.fd, 1, 1, NULL), 0);
	c.pa->set.fds[1].event = 0;
	c.pa->set.ambiguous = true;
	for (size_t i = 0; i < 6; i++)
		perf_sim_write(&sim, perf_sim_sample(buf, &c.pa->spec.attr[0],
						     &(struct perf_sample){ .id = ids[i], .pid = 10, .tid = 11 }));
	perf_attach_drain(c.pa, count, &c);
	assert_int_equal(c.nr_samples, 3); /* id 2 came first */
	for (uint32_t tid = 100; tid < 2100; tid++) {
		for (uint64_t id = 1; id <= 2; id++) {
			const struct perf_sample s = { .id = id, .pid = 10, .tid = tid };

			perf_sim_write(&sim, perf_sim_sample(buf, &c.pa->spec.attr[0], &s));
		}
		perf_attach_drain(c.pa, count, &c);
	}
	assert_int_equal(c.nr_samples, 2003);
	perf_attach_close(c.pa);
	perf_sim_close(&sim);
}

/*
 * PERF_EVENT_IOC_PERIOD does not reach a thread that has inherited. (And with PERF_SAMPLE_PERIOD a software event makes
 * a sample of each event, whatever its period: perf_swevent_event() in kernel/events/core.c.)
 */
static void test_another_period_reaches_all_threads(void **state)
{
	struct perf_attach_spec spec = faults();
	struct perf_child *c = perf_child_start();
	struct err err = ERR_NONE;

	(void)state;
	spec.attr[0].sample_type &= ~(uint64_t)PERF_SAMPLE_PERIOD;
	attach(c, &spec);
	perf_child_tell(c, 'r');
	perf_child_tell(c, 'R');
	assert_int_equal(perf_attach_set_period(c->pa, 0, 10, &err), 0);
	perf_child_tell(c, 'R');
	assert_int_equal(perf_attach_set_period(c->pa, 0, 1, &err), 0);
	perf_child_tell(c, 'R');
	perf_child_tell(c, 't');
	perf_attach_drain(c->pa, count, c);
	assert_int_equal(seen(c, 100, 200, 1), 100);
	assert_in_range(seen(c, 200, 300, 1), 9, 10);
	assert_int_equal(seen(c, 300, 500, 1), 200);
	perf_child_end(c);
}

static void test_a_ring_that_overflows_counts_what_it_lost(void **state)
{
	struct perf_attach_spec spec = faults();
	struct perf_attach_stats stats;
	struct perf_child *c = perf_child_start();
	size_t missing;
	cpu_set_t one;

	(void)state;
	/* One CPU: what is lost is reported in front of the next record of the same ring. */
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	assert_int_equal(sched_setaffinity(c->pid, sizeof(one), &one), 0);
	spec.ring_bytes = PAGE;
	attach(c, &spec);
	for (int i = 0; i < 20; i++)
		perf_child_tell(c, 't');
	perf_attach_drain(c->pa, count, c);
	perf_child_tell(c, 't');
	perf_attach_drain(c->pa, count, c);
	perf_attach_stats(c->pa, &stats);
	missing = seen(c, 0, 2000, 0);
	assert_int_equal(stats.ring_bytes, PAGE);
	assert_true(missing > 1000);
	/* The child's own few faults, elsewhere, may be among those lost. */
	assert_in_range(stats.lost, missing, missing + 16);
	assert_int_equal(missing + seen(c, 0, 2000, 1), 2000);
	perf_child_end(c);
}

static void look_at_registers(void *ctx, const struct perf_event_header *rec, const struct perf_event_attr *attr)
{
	struct perf_sample s;
	struct perf_child *c = ctx;

	if (rec->type != PERF_RECORD_SAMPLE || perf_sample_parse(attr, rec, &s))
		return;
	c->nr_samples++;
	assert_int_equal(s.tid, (uint32_t)c->pid);
	assert_int_equal(s.nr_regs, 2);
	/* In the mask's order: SP, then IP. */
	c->regs_right = s.regs[1] == s.ip;
	c->stack_right = s.sz_stack == 512 && s.regs[0] > 4096;
}

static void test_timer_samples_carry_registers_and_stack(void **state)
{
	struct perf_attach_spec spec = faults();
	struct perf_child *c = perf_child_start();
	struct err err = ERR_NONE;

	(void)state;
	spec.attr[0].config = PERF_COUNT_SW_CPU_CLOCK;
	spec.attr[0].freq = 1;
	spec.attr[0].sample_freq = 1000;
	spec.attr[0].sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_REGS_USER |
				   PERF_SAMPLE_STACK_USER;
	spec.attr[0].sample_regs_user = 1 << PERF_REG_X86_SP | 1 << PERF_REG_X86_IP;
	spec.attr[0].sample_stack_user = 512;
	attach(c, &spec);
	assert_int_equal(perf_attach_set_freq(c->pa, 0, 500, &err), 0);
	perf_child_tell(c, 'b');
	perf_attach_drain(c->pa, look_at_registers, c);
	/* 0.3 s of CPU time at 500 Hz, as the kernel counts it. */
	assert_in_range(c->nr_samples, 100, 160);
	assert_true(c->regs_right && c->stack_right);
	perf_child_end(c);
}

static void test_two_events_share_rings_and_keep_their_attributes(void **state)
{
	struct perf_attach_spec spec = faults();
	struct perf_attach_stats stats;
	struct perf_child *c = perf_child_start();

	(void)state;
	spec.nr_events = 2;
	spec.attr[1] = spec.attr[0];
	spec.attr[1].config = PERF_COUNT_SW_PAGE_FAULTS_MIN;
	spec.attr[1].sample_type |= PERF_SAMPLE_CPU | PERF_SAMPLE_DATA_SRC;
	spec.event_name[1] = "minor-faults";
	spec.group_leader[1] = 0;
	attach(c, &spec);
	perf_child_tell(c, 't');
	perf_attach_drain(c->pa, count, c);
	assert_int_equal(seen(c, 0, 100, 2), 100);
	assert_int_equal(c->nr_bad, 0);
	perf_attach_stats(c->pa, &stats);
	assert_int_equal(stats.nr_fds, 2 * stats.nr_rings);
	perf_child_end(c);
}

/* As on a hybrid CPU, where each PMU has the cores of one kind. */
static void test_an_event_only_on_some_cpus(void **state)
{
	struct perf_attach_spec spec = faults();
	struct perf_attach_stats stats;
	struct file_tree tree;
	struct perf_child *c = perf_child_start();

	(void)state;
	file_tree_new(&tree);
	file_tree_put(&tree, "/sys/devices/system/cpu/online", "0\n");
	file_tree_put(&tree, "/cpus", "0\n");
	file_tree_put(&tree, "/none", "7\n");
	spec.root = tree.root;
	spec.cpus_file[0] = "/cpus";
	spec.nr_events = 2;
	spec.attr[1] = spec.attr[0];
	spec.attr[1].type = 999; /* would be refused */
	spec.event_name[1] = "elsewhere";
	spec.cpus_file[1] = "/none";
	spec.group_leader[1] = -1;
	attach(c, &spec);
	perf_attach_stats(c->pa, &stats);
	assert_int_equal(stats.nr_fds, 1);
	perf_child_end(c);
	file_tree_free(&tree);
}

/* A CPU comes online: the events are opened there as well, with a ring. */
static void test_a_cpu_that_comes_is_attached(void **state)
{
	struct perf_attach_spec spec = faults();
	struct perf_attach_stats stats;
	struct err err = ERR_NONE;
	struct file_tree tree;
	struct perf_child *c = perf_child_start();
	cpu_set_t one;

	(void)state;
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		leave_out(c, "needs two CPUs");
	file_tree_new(&tree);
	file_tree_put(&tree, "/sys/devices/system/cpu/online", "0\n");
	spec.root = tree.root;
	attach(c, &spec);
	file_tree_put(&tree, "/sys/devices/system/cpu/online", "0-1\n");
	assert_int_equal(perf_attach_rescan(c->pa, c->target, &err), 0);
	perf_attach_stats(c->pa, &stats);
	assert_int_equal(stats.nr_rings, 2);
	assert_int_equal(stats.nr_fds, 2);
	for (int cpu = 0; cpu < 2; cpu++) {
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		assert_int_equal(sched_setaffinity(c->pid, sizeof(one), &one), 0);
		perf_child_tell(c, 't');
	}
	perf_attach_drain(c->pa, count, c);
	assert_int_equal(seen(c, 0, 200, 1), 200);
	perf_child_end(c);
	file_tree_free(&tree);
}

static void test_cpu_wide_filters_by_process(void **state)
{
	struct perf_attach_spec spec = faults();
	struct perf_attach_stats stats;
	struct perf_child *c = perf_child_start();

	(void)state;
	spec.want_cpu_wide = true;
	attach(c, &spec);
	perf_attach_stats(c->pa, &stats);
	if (!stats.cpu_wide)
		leave_out(c, "CPU-wide events are not permitted here");
	perf_child_tell(c, 't');
	perf_child_tell(c, 'f');
	perf_attach_drain(c->pa, count, c);
	perf_attach_stats(c->pa, &stats);
	assert_int_equal(seen(c, 0, 100, 1), 100);
	assert_int_equal(seen(c, 100, 200, 0), 100);
	assert_true(stats.foreign >= 100);
	perf_child_end(c);
}

static void test_from_threads_to_cpus_and_back(void **state)
{
	struct perf_attach_spec spec = faults();
	struct perf_attach_stats stats;
	struct perf_child *c = perf_child_start();
	struct err err = ERR_NONE;

	(void)state;
	attach(c, &spec);
	perf_child_tell(c, 't');
	assert_int_equal(perf_attach_want_cpu_wide(c->pa, true, &err), 0);
	perf_attach_stats(c->pa, &stats);
	if (!stats.cpu_wide)
		leave_out(c, "CPU-wide events are not permitted here");
	/* What was seen before is not lost, and what comes then is seen once. */
	perf_attach_drain(c->pa, count, c);
	assert_int_equal(seen(c, 0, 100, 1), 100);
	perf_child_tell(c, 't');
	assert_int_equal(perf_attach_want_cpu_wide(c->pa, false, &err), 0);
	perf_child_tell(c, 't');
	perf_attach_drain(c->pa, count, c);
	perf_attach_stats(c->pa, &stats);
	assert_false(stats.cpu_wide);
	assert_int_equal(seen(c, 100, 300, 1), 200);
	perf_child_end(c);
}

static void test_no_descriptor_is_left_when_attaching_fails(void **state)
{
	struct perf_attach_spec spec = faults();
	struct perf_child *c = perf_child_start();
	struct err err = ERR_NONE;
	int before = dup(0), after;

	(void)state;
	close(before);
	spec.nr_events = 2;
	spec.attr[1] = spec.attr[0];
	spec.attr[1].type = 999;
	spec.event_name[1] = "no-such-event";
	spec.group_leader[1] = -1;
	assert_int_equal(perf_attach_open(&c->pa, c->target, &spec, &err), -ENOENT);
	assert_null(c->pa);
	assert_non_null(strstr(err.text, "no-such-event"));
	assert_non_null(strstr(err.text, "no usable hardware PMU"));
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
	perf_child_end(c);
}

static void test_an_ended_process_is_no_such_process(void **state)
{
	struct perf_attach_spec spec = faults();
	struct perf_child *c = perf_child_start();
	struct err err = ERR_NONE;

	(void)state;
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	assert_int_equal(perf_attach_open(&c->pa, c->target, &spec, &err), -ESRCH);
	perf_child_end(c);
}

static void test_the_soft_limit_of_descriptors_is_raised(void **state)
{
	struct perf_attach_spec spec = faults();
	struct perf_child *c = perf_child_start();
	struct rlimit before, low;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	low = (struct rlimit){ .rlim_cur = (rlim_t)c->from + 5, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	for (int i = 0; i < 4; i++)
		perf_child_tell(c, 'r');
	attach(c, &spec);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(low.rlim_cur, low.rlim_max);
	setrlimit(RLIMIT_NOFILE, &before);
	perf_child_end(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_first_touch_is_seen_once),
		cmocka_unit_test(test_nothing_is_seen_before_it_is_enabled_or_after_it_is_disabled),
		cmocka_unit_test(test_threads_inherit_and_child_processes_do_not),
		cmocka_unit_test(test_threads_there_before_are_attached),
		cmocka_unit_test(test_threads_that_appear_while_attaching),
		cmocka_unit_test(test_a_thread_that_had_inherited_is_counted_once),
		cmocka_unit_test(test_another_period_reaches_all_threads),
		cmocka_unit_test(test_a_ring_that_overflows_counts_what_it_lost),
		cmocka_unit_test(test_timer_samples_carry_registers_and_stack),
		cmocka_unit_test(test_two_events_share_rings_and_keep_their_attributes),
		cmocka_unit_test(test_an_event_only_on_some_cpus),
		cmocka_unit_test(test_a_cpu_that_comes_is_attached),
		cmocka_unit_test(test_cpu_wide_filters_by_process),
		cmocka_unit_test(test_from_threads_to_cpus_and_back),
		cmocka_unit_test(test_no_descriptor_is_left_when_attaching_fails),
		cmocka_unit_test(test_an_ended_process_is_no_such_process),
		cmocka_unit_test(test_the_soft_limit_of_descriptors_is_raised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
