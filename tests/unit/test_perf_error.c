/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an errno of perf_event_open(2) is explained with: what failed, why, what would help. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector/perf_error.h"
#include "tests/unit/file_tree.h"

static const struct perf_event_attr own = { .type = 4, .config = 0x20d1, .precise_ip = 2, .exclude_kernel = 1 };

static const char *explain(char text[512], const char *root, int code, const struct perf_event_attr *attr, pid_t tid)
{
	const struct perf_attempt attempt = {
		.event = "EVENT", .attr = attr, .tid = tid, .cpu = 3, .root = root, .nr_for_thread = 192
	};
	struct err err = ERR_NONE;

	assert_int_equal(perf_error_open(&err, code, &attempt), -code);
	assert_int_equal(err.code, code);
	snprintf(text, 512, "%s", err.text);
	return text;
}

static void put_machine(struct file_tree *tree, const char *paranoid)
{
	file_tree_new(tree);
	file_tree_put(tree, "/proc/cpuinfo", "processor\t: 0\nmodel name\t: Example CPU\n");
	file_tree_put(tree, "/sys/bus/event_source/devices/software/type", "1\n");
	file_tree_put(tree, "/proc/sys/kernel/perf_event_paranoid", paranoid);
	file_tree_put(tree, "/proc/sys/kernel/perf_event_mlock_kb", "516\n");
}

/* Each names the event, and has the words that say why and what helps. */
static void test_every_errno(void **state)
{
	static const struct {
		int code;
		const char *why, *help;
	} cases[] = {
		{ ENOENT, "no usable hardware PMU", "--sources" },
		{ ENOENT, "Devices: software", "Example CPU" },
		{ EACCES, "perf_event_paranoid is 3", "setcap cap_perfmon,cap_ipc_lock+ep" },
		{ EACCES, "not permitted", "perf_event_paranoid=2" },
		{ EPERM, "seccomp", "CAP_PERFMON" },
		{ EINVAL, "refuses this event setup", "config 0x20d1" },
		{ EOPNOTSUPP, "addresses would be wrong", "another event with -e" },
		{ ENODATA, "mem-loads-aux", "Example CPU" },
		{ ESRCH, "4711", "does not exist (any more)" },
		{ EMFILE, "here 192 a thread", "ulimit -Hn" },
		{ ENFILE, "one is needed for each event, thread and CPU", "a source that needs none" },
		{ ENOSPC, "no free counter or breakpoint", "Another program" },
		{ EBUSY, "another program holds the PMU", "profiler" },
		{ E2BIG, "does not know all of this event setup", "type 4" },
		{ ENODEV, "CPU 3 is offline", "no such unit" },
		{ ENXIO, "CPU 3 is offline", "no such unit" },
		{ ENOSYS, "CONFIG_PERF_EVENTS", "built without" },
		{ ENOMEM, "out of memory", "kernel" },
		{ EIO, "perf_event_open failed", "Input/output error" },
	};
	struct file_tree tree;
	char text[512];

	(void)state;
	put_machine(&tree, "3\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		explain(text, tree.root, cases[i].code, &own, 4711);
		assert_ptr_equal(strstr(text, "EVENT"), text);
		if (!strstr(text, cases[i].why) || !strstr(text, cases[i].help))
			fail_msg("errno %d: %s", cases[i].code, text);
	}
	file_tree_free(&tree);
}

/* What would let it pass: the highest value of the sysctl that does, and not the sysctl where it is not in the way. */
static void test_not_permitted(void **state)
{
	struct perf_event_attr kernel = own, phys = own;
	struct file_tree tree;
	char text[512];

	(void)state;
	kernel.exclude_kernel = 0;
	phys.sample_type = PERF_SAMPLE_PHYS_ADDR;
	put_machine(&tree, "2\n");
	assert_non_null(strstr(explain(text, tree.root, EACCES, &kernel, 4711), "perf_event_paranoid=1"));
	assert_non_null(strstr(explain(text, tree.root, EACCES, &phys, 4711), "perf_event_paranoid=1"));
	assert_non_null(strstr(explain(text, tree.root, EACCES, &own, -1), "perf_event_paranoid=0"));
	assert_non_null(strstr(text, "CPU-wide events see every process"));
	explain(text, tree.root, EACCES, &own, 4711);
	assert_non_null(strstr(text, "another user's"));
	assert_null(strstr(text, "perf_event_paranoid"));
	file_tree_free(&tree);
}

static void test_ring_memory(void **state)
{
	struct err err = ERR_NONE;
	struct file_tree tree;

	(void)state;
	put_machine(&tree, "2\n");
	assert_int_equal(perf_error_ring(&err, EPERM, 4096, 8, tree.root), -EPERM);
	assert_non_null(strstr(err.text, "4 KiB for each of 8 CPUs"));
	assert_non_null(strstr(err.text, "516"));
	assert_non_null(strstr(err.text, "CAP_IPC_LOCK"));
	file_tree_free(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_errno),
		cmocka_unit_test(test_not_permitted),
		cmocka_unit_test(test_ring_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
