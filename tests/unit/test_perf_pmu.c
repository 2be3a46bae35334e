/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which events are chosen, on trees that stand for machines, and what libpfm4 makes of names. The CPU that libpfm4
 * detects is this program's own under qemu-x86_64 -cpu.
 */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/pfm.h"
#include "collector/pmu.h"
#include "collector/sysfs_event.h"
#include "tests/unit/file_tree.h"

#define CPUINFO_INTEL "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: A CPU of Intel's\n"
#define CPUINFO_AMD   "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: A CPU of AMD's\n"

static void put_pmu(const struct file_tree *tree, const char *pmu, const char *file, const char *text)
{
	char path[160];

	snprintf(path, sizeof(path), SYSFS_PMU_DIR "%s/%s", pmu, file);
	file_tree_put(tree, path, text);
}

static void put_intel_core(const struct file_tree *tree, const char *pmu, const char *type)
{
	put_pmu(tree, pmu, "type", type);
	put_pmu(tree, pmu, "caps/max_precise", "3\n");
	put_pmu(tree, pmu, "format/event", "config:0-7\n");
	put_pmu(tree, pmu, "format/umask", "config:8-15\n");
	put_pmu(tree, pmu, "format/ldlat", "config1:0-15\n");
	put_pmu(tree, pmu, "events/mem-loads", "event=0xcd,umask=0x1,ldlat=3\n");
	put_pmu(tree, pmu, "events/mem-stores", "event=0xd0,umask=0x82\n");
}

static void machine(struct file_tree *tree, const char *cpuinfo)
{
	file_tree_new(tree);
	file_tree_put(tree, "/proc/cpuinfo", cpuinfo);
	put_pmu(tree, "software", "type", "1\n");
}

static struct pmu_event v[PMU_NR_CANDIDATES];

static void test_skylake_server(void **state)
{
	struct file_tree tree;

	(void)state;
	machine(&tree, CPUINFO_INTEL);
	put_intel_core(&tree, "cpu", "4\n");
	assert_int_equal(pmu_present(tree.root, NULL), 0);
	assert_true(pmu_candidates(tree.root, v) >= 1);
	assert_int_equal(v[0].nr, 2);
	assert_string_equal(v[0].name[0], "cpu/mem-loads/");
	assert_int_equal(v[0].attr[0].type, 4);
	assert_int_equal(v[0].attr[0].config, 0x1cd);
	assert_int_equal(v[0].attr[0].config1, 3);
	assert_int_equal(v[0].attr[0].precise_ip, 3);
	assert_int_equal(v[0].attr[1].config, 0x82d0);
	assert_int_equal(v[0].leader[0], -1);
	assert_true(v[0].attr[0].exclude_kernel);
	assert_false(v[0].guessed);
	assert_true(v[0].hardware);
	file_tree_free(&tree);
}

static void test_sapphire_rapids_has_an_auxiliary_leader(void **state)
{
	struct file_tree tree;

	(void)state;
	machine(&tree, CPUINFO_INTEL);
	put_intel_core(&tree, "cpu", "4\n");
	put_pmu(&tree, "cpu", "events/mem-loads-aux", "event=0x03,umask=0x82\n");
	pmu_candidates(tree.root, v);
	assert_int_equal(v[0].nr, 3);
	assert_int_equal(v[0].attr[0].config, 0x8203);
	assert_int_equal(v[0].attr[0].sample_period, 0);
	assert_int_equal(v[0].attr[0].precise_ip, 0);
	assert_int_equal(v[0].attr[1].config, 0x1cd);
	assert_int_equal(v[0].leader[1], 0);
	assert_int_equal(v[0].leader[2], -1);
	file_tree_free(&tree);
}

static void test_a_hybrid_cpu_uses_both_kinds_of_core(void **state)
{
	struct file_tree tree;

	(void)state;
	machine(&tree, CPUINFO_INTEL);
	put_intel_core(&tree, "cpu_core", "4\n");
	put_intel_core(&tree, "cpu_atom", "10\n");
	put_pmu(&tree, "cpu_core", "events/mem-loads-aux", "event=0x03,umask=0x82\n");
	put_pmu(&tree, "cpu_core", "cpus", "0-15\n");
	put_pmu(&tree, "cpu_atom", "cpus", "16-23\n");
	pmu_candidates(tree.root, v);
	assert_int_equal(v[0].nr, 5);
	assert_int_equal(v[0].attr[1].type, 4);
	assert_int_equal(v[0].attr[3].type, 10);
	assert_int_equal(v[0].leader[1], 0);
	assert_int_equal(v[0].leader[3], -1);
	assert_string_equal(v[0].cpus_file[1], SYSFS_PMU_DIR "cpu_core/cpus");
	assert_string_equal(v[0].cpus_file[4], SYSFS_PMU_DIR "cpu_atom/cpus");
	file_tree_free(&tree);
}

static void test_amd_by_ibs(void **state)
{
	struct file_tree tree;

	(void)state;
	machine(&tree, CPUINFO_AMD);
	put_pmu(&tree, "cpu", "type", "4\n");
	put_pmu(&tree, "ibs_op", "type", "11\n");
	put_pmu(&tree, "ibs_op", "format/cnt_ctl", "config:19\n");
	assert_int_equal(pmu_present(tree.root, NULL), 0);
	pmu_candidates(tree.root, v);
	assert_true(v[0].ibs);
	assert_int_equal(v[0].nr, 1);
	assert_int_equal(v[0].attr[0].type, 11);
	assert_int_equal(v[0].attr[0].config, 0x80000);
	assert_int_equal(v[0].attr[0].precise_ip, 0);
	assert_int_equal(v[0].attr[0].sample_period % 16, 0);
	assert_int_equal(v[0].period_align, 16);
	assert_false(v[0].attr[0].exclude_kernel || v[0].attr[0].exclude_guest || v[0].attr[0].exclude_hv);
	put_pmu(&tree, "ibs_op", "format/swfilt", "config2:0\n");
	pmu_candidates(tree.root, v);
	assert_int_equal(v[0].attr[0].config2, 1);
	assert_true(v[0].attr[0].exclude_kernel);
	file_tree_free(&tree);
}

static void test_an_unknown_intel_cpu_gets_a_guess_that_says_so(void **state)
{
	struct file_tree tree;
	size_t nr;

	(void)state;
	machine(&tree, CPUINFO_INTEL);
	put_pmu(&tree, "cpu", "type", "4\n");
	put_pmu(&tree, "cpu", "caps/max_precise", "3\n");
	nr = pmu_candidates(tree.root, v);
	assert_true(nr >= 2);
	assert_true(v[nr - 2].guessed && v[nr - 1].guessed);
	assert_string_equal(v[nr - 2].name[0], "spr::MEM_LOAD_RETIRED:L3_MISS");
	assert_int_equal(v[nr - 2].attr[0].config, 0x20d1);
	assert_int_equal(v[nr - 1].attr[0].type, PERF_TYPE_RAW);
	assert_int_equal(v[nr - 1].attr[0].config, 0x20d1);
	assert_int_equal(v[nr - 1].attr[0].precise_ip, 3);
	file_tree_free(&tree);
}

static void test_a_pmu_without_precise_sampling_is_none(void **state)
{
	struct err err = ERR_NONE;
	struct file_tree tree;

	(void)state;
	machine(&tree, CPUINFO_INTEL);
	put_intel_core(&tree, "cpu", "4\n");
	put_pmu(&tree, "cpu", "caps/max_precise", "0\n");
	assert_int_equal(pmu_present(tree.root, &err), -ENOENT);
	assert_int_equal(pmu_candidates(tree.root, v), 0);
	assert_non_null(strstr(err.text, "A CPU of Intel's"));
	assert_non_null(strstr(err.text, "software"));
	file_tree_free(&tree);
}

static void test_a_machine_without_anything(void **state)
{
	struct err err = ERR_NONE;
	struct file_tree tree;

	(void)state;
	file_tree_new(&tree);
	assert_int_equal(pmu_present(tree.root, &err), -ENOENT);
	assert_non_null(strstr(err.text, "Devices: none"));
	assert_int_equal(pmu_candidates(tree.root, v), 0);
	file_tree_free(&tree);
}

/* Names and what the kernel is to get, by the tables of libpfm4 4.13. */
static void test_encodings(void **state)
{
	static const struct {
		const char *name;
		uint32_t type;
		uint64_t config, config1;
		unsigned precise;
	} cases[] = {
		{ "perf::PAGE-FAULTS", 1, 2, 0, 0 },
		{ "skl::MEM_LOAD_RETIRED:L3_MISS:precise=2", 4, 0x20d1, 0, 2 },
		{ "skx::MEM_LOAD_RETIRED:L3_MISS:precise=2", 4, 0x20d1, 0, 2 },
		{ "clx::MEM_LOAD_RETIRED:L3_MISS:precise=2", 4, 0x20d1, 0, 2 },
		{ "icx::MEM_LOAD_RETIRED:L3_MISS:precise=2", 4, 0x20d1, 0, 2 },
		{ "spr::MEM_LOAD_RETIRED:L3_MISS:precise=2", 4, 0x20d1, 0, 2 },
		{ "hsw::MEM_LOAD_UOPS_RETIRED:L3_MISS:precise=2", 4, 0x20d1, 0, 2 },
		{ "skx::MEM_TRANS_RETIRED:LOAD_LATENCY:precise=2:ldlat=30", 4, 0x1cd, 0x1e, 2 },
		{ "spr::MEM_TRANS_RETIRED:LOAD_LATENCY:precise=2", 4, 0x1cd, 3, 2 },
		{ "snb::MEM_TRANS_RETIRED:LATENCY_ABOVE_THRESHOLD:ldlat=30:precise=2", 4, 0x1cd, 0x1e, 2 },
		{ "icx::MEM_INST_RETIRED:ALL_STORES:precise=2", 4, 0x82d0, 0, 2 },
		{ "bdw::MEM_UOPS_RETIRED:ALL_STORES:precise=2", 4, 0x82d0, 0, 2 },
		{ "perf_raw::r20d1:precise=2", 4, 0x20d1, 0, 2 },
		{ "raw:4,0x20d1", 4, 0x20d1, 0, 3 },
		{ "raw:4,0x1cd,0x1e", 4, 0x1cd, 0x1e, 3 },
	};
	struct pmu_event e;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_NONE;

		assert_int_equal(pmu_event_parse(cases[i].name, "", &e, &err), 0);
		assert_string_equal(err.text, "");
		assert_int_equal(e.attr[0].type, cases[i].type);
		assert_int_equal(e.attr[0].config, cases[i].config);
		assert_int_equal(e.attr[0].config1, cases[i].config1);
		assert_int_equal(e.attr[0].precise_ip, cases[i].precise);
		assert_int_equal(e.hardware, cases[i].type == 4);
		assert_true(e.attr[0].exclude_kernel);
	}
}

static void test_a_period_or_frequency_in_the_name(void **state)
{
	struct pmu_event e;

	(void)state;
	assert_int_equal(pmu_event_parse("perf::PAGE-FAULTS:period=7", "", &e, NULL), 0);
	assert_int_equal(e.given_period, 7);
	assert_int_equal(pmu_event_parse("perf::PAGE-FAULTS:freq=5003", "", &e, NULL), 0);
	assert_int_equal(e.given_hz, 5003);
	assert_int_equal(e.given_period, 0);
}

static void test_names_that_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"no-such-event",
		"skx::MEM_LOAD_RETIRED",
		"skx::MEM_LOAD_RETIRED:precise=4",
		"raw:",
		"raw:4",
		"raw:4,",
		"raw:4,0x1,2,3",
		"raw:x,1",
		"raw:../../etc,1",
		"raw:99999999999,1",
		"mem:",
		"mem:0x1001",
		"mem:0x1000/3",
		"mem:0x1000:x",
		"mem:0x1000/8:rwx",
		"\x1b]0;x\a",
		"cpu/mem-loads/",
		"perf::PAGE-FAULTS:period=1:freq=1",
	};
	char longest[5000];

	(void)state;
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i <= sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = ERR_NONE;
		struct pmu_event e;

		assert_int_equal(pmu_event_parse(i ? bad[i - 1] : longest, "", &e, &err), -EINVAL);
		assert_true(strlen(err.text) > 10);
		assert_null(strchr(err.text, '\x1b'));
	}
}

static void test_breakpoints(void **state)
{
	struct pmu_event e;

	(void)state;
	assert_int_equal(pmu_event_parse("mem:0x7f0000001000/4:w", "", &e, NULL), 0);
	assert_int_equal(e.attr[0].type, PERF_TYPE_BREAKPOINT);
	assert_int_equal(e.attr[0].bp_addr, 0x7f0000001000);
	assert_int_equal(e.attr[0].bp_len, 4);
	assert_int_equal(e.attr[0].bp_type, HW_BREAKPOINT_W);
	assert_int_equal(pmu_event_parse("mem:0x1000", "", &e, NULL), 0);
	assert_int_equal(e.attr[0].bp_len, 8);
	assert_int_equal(e.attr[0].bp_type, HW_BREAKPOINT_RW);
	assert_int_equal(pmu_event_parse("mem:0x1000:rw", "", &e, NULL), 0);
}

static void test_a_pmu_by_its_name(void **state)
{
	struct file_tree tree;
	struct pmu_event e;

	(void)state;
	machine(&tree, CPUINFO_AMD);
	put_pmu(&tree, "ibs_op", "type", "11\n");
	assert_int_equal(pmu_event_parse("raw:ibs_op,0x80000", tree.root, &e, NULL), 0);
	assert_int_equal(e.attr[0].type, 11);
	assert_true(e.ibs);
	assert_int_equal(e.attr[0].precise_ip, 0);
	assert_false(e.attr[0].exclude_kernel || e.attr[0].exclude_hv);
	file_tree_free(&tree);
}

static void test_asking_for_less_on_einval(void **state)
{
	static const unsigned precise[] = { 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1 };
	struct pmu_event e;
	size_t i = 0;

	(void)state;
	assert_int_equal(pmu_event_parse("raw:4,0x20d1", "", &e, NULL), 0);
	pmu_event_want(&e, true);
	assert_true(e.attr[0].sample_type & PERF_SAMPLE_WEIGHT_STRUCT);
	assert_true(pmu_event_soften(&e, -EINVAL));
	assert_false(e.attr[0].sample_type & PERF_SAMPLE_WEIGHT_STRUCT);
	assert_true(e.attr[0].sample_type & PERF_SAMPLE_WEIGHT);
	assert_true(e.attr[0].sample_type & PERF_SAMPLE_DATA_PAGE_SIZE);
	for (; i < sizeof(precise) / sizeof(precise[0]); i++) {
		assert_int_equal(e.attr[0].precise_ip, precise[i]);
		if (!pmu_event_soften(&e, -EINVAL))
			break;
	}
	assert_int_equal(i, sizeof(precise) / sizeof(precise[0]) - 1);
	assert_int_equal(e.attr[0].precise_ip, 1);
}

/* A software event's address is what is wanted of it; a physical one only where it is asked for. */
static void test_fields_of_software_events(void **state)
{
	struct pmu_event e;

	(void)state;
	assert_int_equal(pmu_event_parse("perf::PAGE-FAULTS", "", &e, NULL), 0);
	pmu_event_want(&e, false);
	assert_false(e.attr[0].sample_type & PERF_SAMPLE_PHYS_ADDR);
	assert_true(e.attr[0].sample_type & PERF_SAMPLE_ADDR);
	pmu_event_want(&e, true);
	assert_true(e.attr[0].sample_type & PERF_SAMPLE_PHYS_ADDR);
	assert_true(pmu_event_soften(&e, -EACCES));
	assert_true(e.no_phys);
	assert_false(e.attr[0].sample_type & PERF_SAMPLE_PHYS_ADDR);
}

static void test_asking_for_less_on_other_answers(void **state)
{
	struct pmu_event e;

	(void)state;
	assert_int_equal(pmu_event_parse("raw:4,0x20d1", "", &e, NULL), 0);
	pmu_event_want(&e, true);
	assert_true(pmu_event_soften(&e, -EACCES));
	assert_true(e.no_phys);
	assert_false(pmu_event_soften(&e, -EACCES));
	assert_true(pmu_event_soften(&e, -ENODATA));
	assert_false(e.attr[0].sample_type & PERF_SAMPLE_DATA_SRC);
	assert_false(pmu_event_soften(&e, -ENODATA));
	assert_true(pmu_event_soften(&e, -EOPNOTSUPP));
	assert_int_equal(e.attr[0].precise_ip, 2);
	assert_true(pmu_event_soften(&e, -EOPNOTSUPP));
	assert_false(pmu_event_soften(&e, -EOPNOTSUPP));
	assert_int_equal(e.attr[0].precise_ip, 1);
	assert_false(e.attr[0].sample_type & (PERF_SAMPLE_DATA_SRC | PERF_SAMPLE_PHYS_ADDR));
	assert_false(pmu_event_soften(&e, -ENOENT));
	assert_false(pmu_event_soften(&e, -ESRCH));
}

/* ---- under another CPU -------------------------------------------------------------------------- */

/* What a run of this program as "--cpu ROOT" prints: libpfm4's name for the CPU, and the first candidate. */
static int print_cpu(const char *root)
{
	char name[64];
	size_t nr = pmu_candidates(root, v);

	printf("%s", pfm_core_name(name, sizeof(name)));
	for (size_t i = 0; nr && i < v[0].nr; i++)
		printf(" %s %llx%s", v[0].name[i], (unsigned long long)v[0].attr[i].config,
		       v[0].guessed ? " guessed" : "");
	printf("\n");
	return 0;
}

static void expect_cpu(const char *environment, const char *cpu, const char *root, const char *want)
{
	char command[512], line[256] = "";
	FILE *out;

	snprintf(command, sizeof(command), "%s qemu-x86_64 -cpu %s /proc/%d/exe --cpu %s 2>/dev/null", environment, cpu,
		 (int)getpid(), root);
	out = popen(command, "r");
	assert_non_null(out);
	assert_non_null(fgets(line, sizeof(line), out));
	assert_int_equal(pclose(out), 0);
	line[strcspn(line, "\n")] = '\0';
	assert_string_equal(line, want);
}

/* As the ladder would go where sysfs names no memory events. */
static void test_other_cpus_in_an_emulator(void **state)
{
	static const struct {
		const char *environment, *cpu, *want;
	} cases[] = {
		{ "", "Skylake-Server", "skx MEM_LOAD_RETIRED:L3_MISS 20d1 MEM_INST_RETIRED:ALL_STORES 82d0" },
		{ "", "Cascadelake-Server", "clx MEM_LOAD_RETIRED:L3_MISS 20d1 MEM_INST_RETIRED:ALL_STORES 82d0" },
		{ "", "max,vendor=GenuineIntel,family=6,model=106",
		  "icx MEM_LOAD_RETIRED:L3_MISS 20d1 MEM_INST_RETIRED:ALL_STORES 82d0" },
		{ "", "max,vendor=GenuineIntel,family=6,model=143",
		  "spr MEM_LOAD_RETIRED:L3_MISS 20d1 MEM_INST_RETIRED:ALL_STORES 82d0" },
		{ "", "max,vendor=GenuineIntel,family=6,model=173",
		  " spr::MEM_LOAD_RETIRED:L3_MISS 20d1 guessed spr::MEM_INST_RETIRED:ALL_STORES 82d0 guessed" },
		{ "LIBPFM_FORCE_PMU=skx", "Skylake-Server",
		  "skx MEM_LOAD_RETIRED:L3_MISS 20d1 MEM_INST_RETIRED:ALL_STORES 82d0" },
	};
	struct file_tree tree;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	print_message("SKIP: qemu-user cannot run a program with AddressSanitizer\n");
	skip();
#endif
	if (system("command -v qemu-x86_64 >/dev/null")) {
		print_message("SKIP: qemu-x86_64 (package qemu-user) is not installed\n");
		skip();
	}
	machine(&tree, CPUINFO_INTEL);
	put_pmu(&tree, "cpu", "type", "4\n");
	put_pmu(&tree, "cpu", "caps/max_precise", "3\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_cpu(cases[i].environment, cases[i].cpu, tree.root, cases[i].want);
	file_tree_free(&tree);
	machine(&tree, CPUINFO_AMD);
	put_pmu(&tree, "cpu", "type", "4\n");
	put_pmu(&tree, "ibs_op", "type", "11\n");
	put_pmu(&tree, "ibs_op", "format/cnt_ctl", "config:19\n");
	expect_cpu("", "max,vendor=AuthenticAMD,family=25,model=1", tree.root, "amd64_fam19h_zen3 ibs_op 80000");
	expect_cpu("", "max,vendor=AuthenticAMD,family=25,model=17", tree.root, "amd64_fam19h_zen4 ibs_op 80000");
	expect_cpu("", "max,vendor=AuthenticAMD,family=26,model=2", tree.root, " ibs_op 80000");
	expect_cpu("LIBPFM_FORCE_PMU=bogus", "max", tree.root, " ibs_op 80000");
	file_tree_free(&tree);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_skylake_server),
		cmocka_unit_test(test_sapphire_rapids_has_an_auxiliary_leader),
		cmocka_unit_test(test_a_hybrid_cpu_uses_both_kinds_of_core),
		cmocka_unit_test(test_amd_by_ibs),
		cmocka_unit_test(test_an_unknown_intel_cpu_gets_a_guess_that_says_so),
		cmocka_unit_test(test_a_pmu_without_precise_sampling_is_none),
		cmocka_unit_test(test_a_machine_without_anything),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_a_period_or_frequency_in_the_name),
		cmocka_unit_test(test_names_that_are_refused),
		cmocka_unit_test(test_breakpoints),
		cmocka_unit_test(test_a_pmu_by_its_name),
		cmocka_unit_test(test_asking_for_less_on_einval),
		cmocka_unit_test(test_fields_of_software_events),
		cmocka_unit_test(test_asking_for_less_on_other_answers),
		cmocka_unit_test(test_other_cpus_in_an_emulator),
	};

	if (argc == 3 && !strcmp(argv[1], "--cpu"))
		return print_cpu(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
