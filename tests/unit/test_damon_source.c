/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The source damon and its guard on a folder of files. The processes are real;
 * each is waited for, by its socket or by its end.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/damon_guard.h"
#include "collector/sources/sources.h"
#include "tests/unit/damon_tree.h"

#define TIMEOUT_MS 20000

struct fixture {
	struct sink sink; /* first */
	struct file_tree tree;
	struct clock_virtual clock;
	struct source_params params;
	unsigned nr_calls;
	size_t nr_regions;
	struct region_report first, all[4];
	uint32_t max_nr_accesses;
	uint64_t duration_ns;
};

static void take_regions(struct sink *sink, const struct region_report *v, size_t nr, uint32_t max_nr_accesses,
			 uint64_t duration_ns)
{
	struct fixture *f = (struct fixture *)sink;

	f->nr_calls++;
	f->nr_regions = nr;
	f->first = v[0];
	for (size_t i = 0; i < nr && i < 4; i++)
		f->all[i] = v[i];
	f->max_nr_accesses = max_nr_accesses;
	f->duration_ns = duration_ns;
}

static void setup_tree(struct fixture *f, int nr)
{
	struct err err = ERR_NONE;

	*f = (struct fixture){ .sink.regions = take_regions };
	damon_tree_new(&f->tree, nr, 1);
	file_tree_put(&f->tree, "/proc/kallsyms", "0 t damon_start\n0 t damon_va_update\n");
	clock_virtual_init(&f->clock, 1, 1);
	f->params = (struct source_params){ .root = f->tree.root, .clock = &f->clock.clock, .attrs = attrs_default() };
	source_damon.default_attrs(&f->params.attrs);
	assert_int_equal(target_open(&f->params.target, getpid(), &err), 0);
}

static void teardown_tree(struct fixture *f)
{
	target_close(f->params.target);
	file_tree_free(&f->tree);
}

static void put_tried(const struct fixture *f)
{
	damon_tree_put(&f->tree, "0/contexts/0/schemes/0/tried_regions/0/start", "4096\n");
	damon_tree_put(&f->tree, "0/contexts/0/schemes/0/tried_regions/0/end", "40960\n");
	damon_tree_put(&f->tree, "0/contexts/0/schemes/0/tried_regions/0/nr_accesses", "13\n");
	damon_tree_put(&f->tree, "0/contexts/0/schemes/0/tried_regions/0/age", "2\n");
}

/* ---- the guard ---- */

struct guarded {
	struct damon_guard guard;
	struct file_tree tree;
	int fd;
};

/* Over so many kdamonds of somebody's; whether it could be had. */
static int guard_tree(struct guarded *g, int nr_kdamonds)
{
	damon_tree_new(&g->tree, nr_kdamonds, 1);
	if (nr_kdamonds)
		damon_tree_put(&g->tree, "0/state", "on\n");
	g->fd = damon_tree_open(&g->tree);
	return damon_guard_open(&g->guard, &damon_io_kernel, g->fd, 42, NULL);
}

/* Ends it: the files say so then. */
static void assert_left(struct guarded *g, const char *nr_kdamonds, const char *state)
{
	assert_true(damon_tree_has(&g->tree, "0/state", state));
	assert_true(damon_tree_has(&g->tree, "nr_kdamonds", nr_kdamonds));
	close(g->fd);
	file_tree_free(&g->tree);
}

static void test_guard_restores(void **state)
{
	struct guarded g;

	(void)state;
	assert_int_equal(guard_tree(&g, 0), 0);
	assert_true(damon_tree_has(&g.tree, "nr_kdamonds", "1"));
	damon_tree_put(&g.tree, "0/state", "on\n");
	assert_int_equal(damon_guard_close(&g.guard), 0);
	assert_int_equal(damon_guard_close(&g.guard), 0); /* twice is fine */
	assert_left(&g, "0", "off");
}

static void test_guard_leaves_others_alone(void **state)
{
	struct guarded g;

	(void)state;
	assert_int_equal(guard_tree(&g, 1), -EBUSY);
	assert_left(&g, "1", "on");
}

static void test_guard_sees_a_takeover(void **state)
{
	struct guarded g;

	(void)state;
	assert_int_equal(guard_tree(&g, 0), 0);
	damon_tree_remake(&g.tree);
	damon_tree_put(&g.tree, "0/state", "on\n");
	assert_int_equal(damon_guard_close(&g.guard), 0);
	assert_left(&g, "1", "on");
}

static void test_guard_that_was_killed(void **state)
{
	struct guarded g;

	(void)state;
	assert_int_equal(guard_tree(&g, 0), 0);
	damon_tree_put(&g.tree, "0/state", "on\n");
	kill(g.guard.guard_pid, SIGKILL);
	assert_int_equal(damon_guard_close(&g.guard), 0);
	assert_left(&g, "0", "off");
}

/* The process that holds the guard, until it is killed. */
static void hold_guard(const struct file_tree *tree, int ready_fd)
{
	struct damon_guard guard;
	int fd = damon_tree_open(tree);

	if (damon_guard_open(&guard, &damon_io_kernel, fd, 42, NULL))
		_exit(1);
	damon_tree_put(tree, "0/state", "on\n");
	if (write(ready_fd, &guard.guard_pid, sizeof(pid_t)) != sizeof(pid_t))
		_exit(1);
	for (;;)
		pause();
}

static void test_sigkill(void **state)
{
	struct file_tree tree;
	int ready[2], status;
	pid_t pid, guard_pid;

	(void)state;
	damon_tree_new(&tree, 0, 1);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* so that the guard's end can be waited for */
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0)
		hold_guard(&tree, ready[1]);
	assert_int_equal(read(ready[0], &guard_pid, sizeof(guard_pid)), sizeof(guard_pid));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(waitpid(guard_pid, &status, 0), guard_pid);
	assert_int_equal(status, 0);
	assert_true(damon_tree_has(&tree, "0/state", "off"));
	assert_true(damon_tree_has(&tree, "nr_kdamonds", "0"));
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	close(ready[0]);
	close(ready[1]);
	file_tree_free(&tree);
}

/* ---- the source ---- */

static void assert_probe(int nr, const char *kallsyms, int rc, const char *says)
{
	struct err err = ERR_NONE;
	struct fixture f;

	setup_tree(&f, nr);
	file_tree_put(&f.tree, "/proc/kallsyms", kallsyms);
	assert_int_equal(source_damon.probe(&f.params, &err), rc);
	assert_non_null(strstr(err.text, says));
	teardown_tree(&f);
}

static void test_probe(void **state)
{
	(void)state;
	assert_probe(0, "0 t damon_va_update\n", 0, "");
	assert_probe(0, "", 0, ""); /* cannot be told */
	assert_probe(0, "0 t damon_start\n", -ENOTSUP, "CONFIG_DAMON_VADDR");
	assert_probe(1, "0 t damon_va_update\n", -EBUSY, "nr_kdamonds");
}

/* Probing and refusing write nothing at all. */
static void test_probe_has_no_side_effects(void **state)
{
	struct err err = ERR_NONE;
	struct source *source;
	struct fixture f;

	(void)state;
	setup_tree(&f, 1);
	damon_tree_put(&f.tree, "0/contexts/0/avail_operations", "paddr\n");
	assert_int_equal(source_damon.probe(&f.params, &err), -ENOTSUP);
	assert_int_equal(source_damon.open(&source, &f.params, &err), -EBUSY);
	assert_null(source);
	assert_true(damon_tree_has(&f.tree, "nr_kdamonds", "1"));
	assert_true(damon_tree_has(&f.tree, "0/contexts/nr_contexts", "0"));
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/targets/0/pid_target", "0"));
	teardown_tree(&f);
}

/* Waits until there is something, and drains that. */
static void drain_once(struct fixture *f, const struct source_ops *ops, struct source *source)
{
	struct pollfd pfd = { .fd = ops->poll_fd(source), .events = POLLIN };
	struct err err = ERR_NONE;

	assert_int_equal(poll(&pfd, 1, TIMEOUT_MS), 1);
	if (ops->drain(source, &f->sink, &err))
		fail_msg("%s", err.text);
}

/* Drains until that many aggregations have come. */
static void drain_until(struct fixture *f, struct source *source, unsigned nr_calls)
{
	while (f->nr_calls < nr_calls)
		drain_once(f, &source_damon, source);
}

static void test_tried_regions(void **state)
{
	struct source_stats stats;
	struct err err = ERR_NONE;
	struct source *source;
	struct fixture f;
	char pid[16];

	(void)state;
	setup_tree(&f, 0);
	put_tried(&f);
	assert_int_equal(source_damon.open(&source, &f.params, &err), 0);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/targets/0/pid_target", pid));
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/schemes/0/access_pattern/sz/max", "18446744073709551615"));
	drain_until(&f, source, 2);
	assert_int_equal(f.nr_regions, 1);
	assert_int_equal(f.first.start, 4096);
	assert_int_equal(f.first.end, 40960);
	assert_int_equal(f.first.nr_accesses, 13);
	assert_int_equal(f.first.age, 2);
	assert_int_equal(f.max_nr_accesses, 20);
	assert_int_equal(f.duration_ns, 100 * NSEC_PER_MSEC);
	source_damon.stats(source, &stats);
	assert_int_equal(stats.reports, f.nr_calls);
	source_damon.close(source);
	/* (Not "state": a command that is under way at that moment writes to a file, but to no kernel, after the
	 * "off".) */
	assert_true(damon_tree_has(&f.tree, "nr_kdamonds", "0"));
	teardown_tree(&f);
}

/* New attributes go with the first aggregation that is theirs alone, and DAMON keeps its regions. */
static void test_attrs(void **state)
{
	struct err err = ERR_NONE;
	struct source *source;
	struct attrs attrs, in_force;
	struct fixture f;
	unsigned before;

	(void)state;
	setup_tree(&f, 0);
	put_tried(&f);
	assert_int_equal(source_damon.open(&source, &f.params, &err), 0);
	drain_until(&f, source, 1);
	attrs = in_force = f.params.attrs;
	attrs.aging_us = 2000;
	attrs.max_nr_regions = 77;
	before = f.nr_calls;
	assert_int_equal(source_damon.set_attrs(source, &attrs, &err), 0);
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/monitoring_attrs/nr_regions/max", "77"));
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/targets/0/regions/0/start", "4096"));
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/targets/0/regions/0/end", "40960"));
	source_damon.attrs_in_force(source, &in_force);
	assert_int_equal(in_force.aging_us, 5000); /* not yet */
	drain_until(&f, source, before + 1);
	assert_int_equal(f.max_nr_accesses, 50);
	source_damon.attrs_in_force(source, &in_force);
	assert_int_equal(in_force.max_nr_regions, 77);
	source_damon.close(source);
	teardown_tree(&f);
}

/* Limited while it runs, by operations of another kind, and with everything again. */
static void test_range(void **state)
{
	struct err err = ERR_NONE;
	struct source *source;
	struct fixture f;
	unsigned before;

	(void)state;
	setup_tree(&f, 0);
	put_tried(&f);
	assert_int_equal(source_damon.open(&source, &f.params, &err), 0);
	drain_until(&f, source, 1);
	assert_int_equal(source_damon.set_range(source, 0x5800, 0x8800, &err), 0);
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/operations", "fvaddr"));
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/targets/0/regions/nr_regions", "1"));
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/targets/0/regions/0/start", "20480")); /* whole pages */
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/targets/0/regions/0/end", "36864"));
	before = f.nr_calls;
	drain_until(&f, source, before + 1);
	/* new attributes leave the range as it is */
	f.params.attrs.max_nr_regions = 77;
	assert_int_equal(source_damon.set_attrs(source, &f.params.attrs, &err), 0);
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/operations", "fvaddr"));
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/targets/0/regions/0/start", "20480"));
	drain_until(&f, source, before + 2);
	assert_int_equal(source_damon.set_range(source, 0, 0, &err), 0);
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/operations", "vaddr"));
	/* where the regions were last: vaddr then goes on from there to the mappings */
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/targets/0/regions/0/start", "4096"));
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/monitoring_attrs/nr_regions/max", "77"));
	source_damon.close(source);
	teardown_tree(&f);
}

/* The kernel tunes: what it has come to is asked for, and is what the snapshots say. */
static void test_tuning(void **state)
{
	struct err err = ERR_NONE;
	struct source *source;
	struct attrs in_force;
	struct fixture f;

	(void)state;
	setup_tree(&f, 0);
	put_tried(&f);
	f.params.attrs.access_bp = ATTRS_ACCESS_BP;
	assert_int_equal(source_damon.open(&source, &f.params, &err), -ENOTSUP);
	assert_null(source);
	assert_non_null(strstr(err.text, "does not tune"));
	assert_true(damon_tree_has(&f.tree, "nr_kdamonds", "0"));

	damon_tree_put_goal(&f.tree, 0);
	assert_int_equal(source_damon.open(&source, &f.params, &err), 0);
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/monitoring_attrs/intervals/intervals_goal/aggrs", "3"));
	drain_until(&f, source, 1);
	damon_tree_put(&f.tree, "0/contexts/0/monitoring_attrs/intervals/sample_us", "10000\n");
	damon_tree_put(&f.tree, "0/contexts/0/monitoring_attrs/intervals/aggr_us", "200000\n");
	drain_until(&f, source, f.nr_calls + 2 * DAMON_GOAL_AGGRS);
	in_force = f.params.attrs;
	source_damon.attrs_in_force(source, &in_force);
	assert_int_equal(in_force.aging_us, 10000);
	assert_int_equal(in_force.aggregation_us, 200000);
	assert_int_equal(in_force.access_bp, ATTRS_ACCESS_BP);
	assert_int_equal(f.max_nr_accesses, 20);
	assert_int_equal(f.duration_ns, 200 * NSEC_PER_MSEC);
	/* no longer: as it was asked for in the beginning */
	f.params.attrs.access_bp = 0;
	assert_int_equal(source_damon.set_attrs(source, &f.params.attrs, &err), 0);
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/monitoring_attrs/intervals/intervals_goal/aggrs", "0"));
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/monitoring_attrs/intervals/sample_us", "5000"));
	source_damon.close(source);
	teardown_tree(&f);
}

/* What the kernel lacks is told by the names of its functions; where it hides them, nothing is claimed. */
static void test_lacks(void **state)
{
	static const struct {
		const char *kallsyms, *says;
	} rows[] = {
		{ "0 t damon_va_update\n",
		  "without: intervals that the kernel tunes (intervals_goal), kinds of page where "
		  "no pagemap tells them (ops_filters)" },
		{ "0 t damon_sysfs_intervals_goal_release\n",
		  "without: kinds of page where no pagemap tells them (ops_filters)" },
		{ "0 t sz_filter_passed_show\n", "without: intervals that the kernel tunes (intervals_goal)" },
		{ "0 t sz_filter_passed_show\n0 t damon_sysfs_intervals_goal_release\n", "" },
		{ "", "" },
	};
	struct fixture f;
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setup_tree(&f, 0);
		file_tree_put(&f.tree, "/proc/kallsyms", rows[i].kallsyms);
		source_damon.permits(&f.params, text, sizeof(text));
		assert_string_equal(text, rows[i].says);
		teardown_tree(&f);
	}
}

/* ---- physical memory ---- */

#define MIB 0x100000UL

/* Two zones of two nodes, 64 MiB each, and three regions. */
static void setup_physical(struct fixture *f, int nr_schemes)
{
	setup_tree(f, 0);
	file_tree_put(&f->tree, "/proc/zoneinfo",
		      "Node 0, zone   DMA32\n        spanned  16384\n        present  16384\n  start_pfn:  16384\n"
		      "Node 1, zone   Normal\n        spanned  16384\n        present  16384\n  start_pfn:  32768\n");
	file_tree_put(&f->tree, "/proc/kallsyms", "0 t damon_pa_stat\n");
	damon_tree_put_filters(&f->tree, 0, nr_schemes);
	for (int scheme = 0; scheme < 4; scheme++) {
		static const unsigned long passed[4][3] = {
			{ 0, 0, 0 }, { 4 * MIB, 8 * MIB, 0 }, { 0, 2 * MIB, 1 * MIB }, { 0, 6 * MIB, 0 }
		};

		damon_tree_put_passed(&f->tree, scheme, 0, 64 * MIB, 96 * MIB, passed[scheme][0]);
		damon_tree_put_passed(&f->tree, scheme, 1, 96 * MIB, 160 * MIB, passed[scheme][1]);
		damon_tree_put_passed(&f->tree, scheme, 2, 160 * MIB, 192 * MIB, passed[scheme][2]);
	}
	target_close(f->params.target);
	f->params.target = NULL;
}

/* Until so many aggregations have come, and this is known of region i of the last one. */
static void drain_physical_until(struct fixture *f, struct source *source, unsigned nr_calls, size_t i, uint32_t valid)
{
	while (f->nr_calls < nr_calls || (f->all[i].valid & valid) != valid)
		drain_once(f, &source_damon_paddr, source);
}

/* The kernel's filters say what the pages are, in a round that is armed and put to rest; the addresses say the node. */
static void test_physical_kinds(void **state)
{
	struct source_stats stats;
	struct err err = ERR_NONE;
	struct source *source;
	struct fixture f;

	(void)state;
	setup_physical(&f, 4);
	assert_int_equal(source_damon_paddr.open(&source, &f.params, &err), 0);
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/schemes/nr_schemes", "4"));
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/schemes/0/access_pattern/sz/max", "18446744073709551615"));
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/schemes/1/ops_filters/0/type", "anon"));
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/schemes/2/ops_filters/0/matching", "N"));
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/schemes/3/ops_filters/0/type", "hugepage_size"));
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/schemes/3/access_pattern/sz/max", "0")); /* at rest */
	drain_physical_until(&f, source, 1, 0, 0);
	assert_int_equal(f.all[0].valid, REPORT_NODE); /* nothing has been counted yet, and that is not 0 */
	/* one zone after the other */
	drain_physical_until(&f, source, 2, 0, REPORT_KIND | REPORT_HUGE);
	assert_int_equal(f.nr_regions, 4); /* the one over the border of the zones in two halves */
	assert_int_equal(f.all[0].anon_bytes, 4 * MIB);
	assert_int_equal(f.all[1].anon_bytes, 4 * MIB);
	assert_int_equal(f.all[1].nodes[0].node, 0);
	assert_int_equal(f.all[1].nodes[0].bytes, 32 * MIB);
	assert_int_equal(f.all[2].valid, REPORT_NODE);
	assert_int_equal(f.all[2].start, 128 * MIB);
	assert_int_equal(f.all[2].nodes[0].node, 1);
	assert_int_equal(f.all[2].nodes[1].bytes, 0);
	assert_int_equal(f.all[2].nr_accesses, f.all[1].nr_accesses);
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/schemes/1/access_pattern/sz/max", "0"));
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/schemes/1/core_filters/0/addr_start", "67108864"));
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/schemes/1/core_filters/0/addr_end", "134217728"));
	/* far beyond a hundred times what reading the files has cost us */
	clock_virtual_advance(&f.clock, 1000 * NSEC_PER_SEC);
	drain_physical_until(&f, source, 3, 3, REPORT_KIND | REPORT_HUGE);
	assert_int_equal(f.all[2].file_bytes, 1 * MIB);
	assert_int_equal(f.all[2].huge_bytes, 3 * MIB);
	assert_int_equal(f.all[3].file_bytes, 1 * MIB);
	assert_int_equal(f.all[3].huge_bytes, 0);
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/schemes/1/core_filters/0/addr_start", "134217728"));
	drain_physical_until(&f, source, f.nr_calls + 1, 0, 0);
	source_damon_paddr.stats(source, &stats);
	assert_string_equal(stats.note, "anon, file, huge: counted up to 999 s ago");
	source_damon_paddr.close(source);
	assert_true(damon_tree_has(&f.tree, "nr_kdamonds", "0"));
	teardown_tree(&f);
}

/* A kernel without filters: no schemes but the one for regions, and kinds stay unknown. */
static void test_physical_without_filters(void **state)
{
	struct source_stats stats;
	struct err err = ERR_NONE;
	struct source *source;
	struct fixture f;

	(void)state;
	setup_physical(&f, 0);
	assert_int_equal(source_damon_paddr.open(&source, &f.params, &err), 0);
	assert_true(damon_tree_has(&f.tree, "0/contexts/0/schemes/nr_schemes", "1"));
	drain_physical_until(&f, source, 3, 0, 0);
	assert_int_equal(f.all[1].valid, REPORT_NODE);
	source_damon_paddr.stats(source, &stats);
	assert_string_equal(stats.note, "");
	source_damon_paddr.close(source);
	teardown_tree(&f);
}

static void test_open_fails(void **state)
{
	struct err err = ERR_NONE;
	struct source *source;
	struct fixture f;

	(void)state;
	setup_tree(&f, 0);
	damon_tree_put(&f.tree, "0/contexts/0/avail_operations", "paddr\n");
	assert_int_equal(source_damon.open(&source, &f.params, &err), -ENOTSUP);
	assert_null(source);
	assert_true(damon_tree_has(&f.tree, "nr_kdamonds", "0"));
	f.params.event = "cycles";
	err = ERR_NONE;
	assert_int_equal(source_damon.open(&source, &f.params, &err), -EINVAL);
	source_damon.close(NULL);
	teardown_tree(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guard_restores),
		cmocka_unit_test(test_guard_leaves_others_alone),
		cmocka_unit_test(test_guard_sees_a_takeover),
		cmocka_unit_test(test_guard_that_was_killed),
		cmocka_unit_test(test_sigkill),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_probe_has_no_side_effects),
		cmocka_unit_test(test_tried_regions),
		cmocka_unit_test(test_attrs),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_tuning),
		cmocka_unit_test(test_lacks),
		cmocka_unit_test(test_physical_kinds),
		cmocka_unit_test(test_physical_without_filters),
		cmocka_unit_test(test_open_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
