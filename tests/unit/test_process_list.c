/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/file_tree.h"
#include "tests/unit/screen_dump.h"
#include "tests/unit/screen_fixture.h"
#include "tui/app_state.h"

static struct file_tree proc; /* stands for /proc */

/* Of process pid. */
static void put(int pid, const char *name, const char *text, size_t len)
{
	char path[64];

	snprintf(path, sizeof(path), "/%d/%s", pid, name);
	file_tree_put_bytes(&proc, path, text, len);
}

static void add_process(int pid, const char *comm, const char *cmdline, size_t sz_cmdline, unsigned rss_kb)
{
	char status[512];

	snprintf(status, sizeof(status), "Name:\t%s\nUid:\t%u\t0\t0\t0\nVmRSS:\t%u kB\n", comm, getuid(), rss_kb);
	/* a kernel thread has no such line */
	if (!rss_kb)
		*strstr(status, "VmRSS") = '\0';
	put(pid, "status", status, strlen(status));
	put(pid, "comm", comm, strlen(comm));
	put(pid, "cmdline", cmdline, sz_cmdline);
	put(pid, "maps", "", 0);
}

static int setup(void **state)
{
	(void)state;
	file_tree_new(&proc);
	add_process(10, "small\n", "small\0-v", 9, 1000);
	add_process(20, "big\n", "/usr/bin/big\0--all", 19, 500000);
	add_process(30, "kthread\n", "", 0, 0);
	add_process(40, "evil\x1b[2J\n", "evil\x1b[31m\0\xff\n", 13, 20000);
	add_process(50, "self\n", "self", 5, 900000);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	file_tree_free(&proc);
	return 0;
}

static void test_reads_by_falling_rss(void **state)
{
	struct process_list list;
	struct err err = ERR_NONE;

	(void)state;
	process_list_init(&list);
	assert_int_equal(process_list_read(&list, proc.root, 50, &err), 0);
	assert_int_equal(list.nr, 3);
	assert_int_equal(list.v[0].pid, 20);
	assert_int_equal(list.v[0].rss_bytes, UINT64_C(500000) << 10);
	assert_string_equal(list.v[0].cmdline, "/usr/bin/big --all");
	assert_int_equal(list.v[1].pid, 40);
	assert_int_equal(list.v[2].pid, 10);
	/* hostile names are printable from here on */
	assert_string_equal(list.v[1].comm, "evil\\x1b[2J");
	assert_string_equal(list.v[1].cmdline, "evil\\x1b[31m \\xff\\x0a");
	process_list_free(&list);
}

static void test_filter_and_selection(void **state)
{
	struct process_list list;
	struct err err = ERR_NONE;

	(void)state;
	process_list_init(&list);
	assert_null(process_list_selected(&list));
	process_list_read(&list, proc.root, 50, &err);
	process_list_move(&list, 2);
	assert_int_equal(process_list_selected(&list)->pid, 10);
	/* the selected process stays selected over a new reading and a filter that it passes */
	process_list_read(&list, proc.root, 50, &err);
	assert_int_equal(process_list_selected(&list)->pid, 10);
	process_list_filter(&list, "SMALL -v");
	assert_int_equal(list.nr_shown, 1);
	assert_int_equal(process_list_selected(&list)->pid, 10);
	process_list_filter(&list, "nothing");
	assert_int_equal(list.nr_shown, 0);
	assert_null(process_list_selected(&list));
	process_list_move(&list, -5);
	process_list_filter(&list, "20");
	assert_int_equal(process_list_selected(&list)->pid, 20);
	process_list_filter(&list, "");
	process_list_move(&list, 1000);
	assert_int_equal(process_list_selected(&list)->pid, 10);
	process_list_move(&list, -1000);
	assert_int_equal(process_list_selected(&list)->pid, 20);
	process_list_free(&list);
}

static void test_proc_is_not_there(void **state)
{
	struct process_list list;
	struct err err = ERR_NONE;

	(void)state;
	process_list_init(&list);
	assert_int_equal(process_list_read(&list, "/nowhere/proc", 1, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nowhere/proc"));
	process_list_free(&list);
}

/* ---- the tree: pure ---- */

static struct process process_of(pid_t pid, pid_t ppid, uint64_t rss_bytes, uint64_t cpu_ticks)
{
	return (struct process){
		.pid = pid, .ppid = ppid, .start_ticks = (uint64_t)pid, .rss_bytes = rss_bytes, .cpu_ticks = cpu_ticks
	};
}

static void test_tree_rows(void **state)
{
	/* by falling RSS; 2 is small, but what is below it is not */
	const struct process v[] = { process_of(4, 2, 900, 1), process_of(3, 1, 500, 1), process_of(5, 4, 50, 9),
				     process_of(1, 0, 10, 1),  process_of(2, 1, 5, 1),	 process_of(7, 99, 1, 1) };
	const bool all[] = { true, true, true, true, true, true }, one[] = { false, false, true, false, false, false };
	static const size_t order[] = { 3, 4, 0, 2, 1, 5 };
	static const unsigned depths[] = { 0, 1, 2, 3, 1, 0 };
	struct process_row rows[6];
	size_t i;

	(void)state;
	assert_int_equal(process_tree_rows(v, 6, all, rows), 6);
	for (i = 0; i < 6; i++) {
		assert_int_equal(rows[i].process, order[i]);
		assert_int_equal(rows[i].depth, depths[i]);
		assert_true(rows[i].matches);
	}
	/* what matches is shown with all above it, and says which it is */
	assert_int_equal(process_tree_rows(v, 6, one, rows), 4);
	assert_int_equal(rows[3].process, 2);
	assert_true(rows[3].matches && !rows[0].matches && !rows[2].matches);
}

/* Parents are not read at one moment: circles and wrong ones lose nobody, and show nobody twice. */
static void test_tree_of_anything(void **state)
{
	unsigned seed, i, at;

	(void)state;
	for (seed = 1; seed < 400; seed++) {
		struct process v[40];
		struct process_row rows[40];
		bool match[40], seen[40] = { false };
		unsigned nr = 1 + seed % 40, rnd = seed;

		for (i = 0; i < nr; i++) {
			rnd = rnd * 1103515245 + 12345;
			v[i] = process_of((pid_t)i + 1, (pid_t)(rnd >> 16) % (pid_t)(nr + 3), rnd >> 8, rnd >> 20);
			if (seed % 2)
				v[i].start_ticks = 7;
			match[i] = true;
		}
		assert_int_equal(process_tree_rows(v, nr, match, rows), nr);
		for (at = 0; at < nr; at++) {
			assert_false(seen[rows[at].process]);
			seen[rows[at].process] = true;
		}
		assert_true(process_tree_hottest(v, nr, 1) <= nr);
	}
}

static void test_hottest_child(void **state)
{
	struct process v[] = { process_of(1, 0, 900, 999), process_of(2, 1, 500, 10), process_of(3, 2, 50, 40),
			       process_of(9, 0, 1, 5000) };

	(void)state;
	/* nobody below has used CPU time just now: most in all; and a grandchild counts */
	assert_int_equal(process_tree_hottest(v, 4, 1), 2);
	v[1].recent_ticks = 3;
	assert_int_equal(process_tree_hottest(v, 4, 1), 1);
	assert_int_equal(process_tree_hottest(v, 4, 3), 4);
	assert_int_equal(process_tree_hottest(v, 4, 9), 4);
}

/* ---- on the screen ---- */

static int choose(void *ctx, pid_t pid, struct err *err)
{
	struct screen *s = ctx;

	s->chosen = pid;
	return s->choose_result ? err_set(err, -s->choose_result, "process %d cannot be watched", (int)pid) : 0;
}

static void with_list(struct app_config *config)
{
	config->choose = choose;
	config->proc = proc.root;
}

static void test_choose_on_the_screen(void **state)
{
	struct screen s;

	(void)state;
	screen_open(&s, COLOR_DEPTH_MONO, false, 24, 80, with_list);
	assert_true(screen_holds(&s, "which process?"));
	/* of a command its arguments matter more than where it lies */
	assert_true(screen_holds(&s, "  big --all"));
	assert_false(screen_holds(&s, "/usr/bin/big"));
	assert_true(app_tick_ms(s.app) > 0);
	assert_int_equal(app_tick(s.app), APP_REDRAW);
	screen_keys(&s, "evil");
	assert_true(screen_holds(&s, "filter: evil"));
	assert_true(screen_holds(&s, "1 of "));
	s.choose_result = -EACCES;
	screen_keys(&s, "<enter>");
	assert_int_equal(s.chosen, 40);
	assert_true(screen_holds(&s, "process 40 cannot be watched"));
	/* escape empties the filter, and only then leaves */
	assert_int_equal(screen_keys(&s, "<esc>") & APP_QUIT, 0);
	s.choose_result = 0;
	screen_keys(&s, "small<enter>");
	assert_int_equal(s.chosen, 10);
	assert_true(screen_holds(&s, "waiting for the first aggregation"));
	assert_int_equal(app_tick_ms(s.app), -1);
	screen_close(&s);
}

static void with_target(struct app_config *config)
{
	with_list(config);
	config->has_target = true;
}

/* p: another process without leaving. Nothing of the former one is kept. */
static void test_switch(void **state)
{
	struct screen s;

	(void)state;
	screen_open(&s, COLOR_DEPTH_MONO, false, 24, 80, with_target);
	screen_play(&s, 10, 100, HEAT_FRACTION);
	screen_keys(&s, "++ p");
	assert_true(screen_holds(&s, "which process?"));
	assert_true(screen_holds(&s, "esc back"));
	assert_true(app_tick_ms(s.app) > 0);
	screen_keys(&s, "<esc>");
	assert_true(screen_holds(&s, "redis-server"));
	s.choose_result = -EACCES;
	screen_keys(&s, "psmall<enter>");
	assert_true(screen_holds(&s, "cannot be watched"));
	/* refused: what was seen is still there */
	screen_keys(&s, "<esc><esc>");
	assert_true(screen_holds(&s, "frozen"));
	s.choose_result = 0;
	screen_keys(&s, "psmall<enter>");
	assert_int_equal(s.chosen, 10);
	assert_true(screen_holds(&s, "waiting for the first aggregation"));
	assert_false(screen_holds(&s, "redis-server"));
	screen_play(&s, 2, 100, HEAT_FRACTION);
	assert_true(screen_holds(&s, "live"));
	screen_close(&s);
}

static void write_stat(int pid, int ppid, unsigned ticks)
{
	char text[256];

	snprintf(text, sizeof(text), "%d (a) b) R %d 1 1 0 -1 0 0 0 0 0 %u 1 0 0 20 0 1 0 %d 0 0\n", pid, ppid, ticks,
		 pid);
	put(pid, "stat", text, strlen(text));
}

static void write_uptime(double seconds)
{
	char text[64];

	snprintf(text, sizeof(text), "%.2f 1.00\n", seconds);
	file_tree_put(&proc, "/uptime", text);
}

/* 20 and 40 are children of 10; then 40 uses most CPU time, and f goes to it; F back. */
static void test_follow_the_hottest_child(void **state)
{
	struct screen s;
	struct snapshot *snap;
	struct mappings *maps = fixture_server_maps();

	(void)state;
	write_uptime(100);
	write_stat(10, 1, 50);
	write_stat(20, 10, 5000);
	write_stat(40, 10, 10);
	screen_open(&s, COLOR_DEPTH_MONO, false, 24, 120, with_target);
	screen_keys(&s, "f");
	assert_true(screen_holds(&s, "nothing with children"));
	snap = fixture_server(maps, 0, 100, HEAT_FRACTION);
	snap->pid = 10;
	screen_push(&s, snap);
	screen_keys(&s, "f");
	assert_true(screen_holds(&s, "looking for the hottest child of process 10"));
	assert_true(app_tick_ms(s.app) > 0);
	assert_int_equal(s.chosen, 0);
	write_uptime(100.5);
	write_stat(20, 10, 5001);
	write_stat(40, 10, 35);
	assert_int_equal(app_tick(s.app), APP_REDRAW);
	assert_int_equal(s.chosen, 40);
	assert_true(screen_holds(&s, "50% of a CPU"));
	assert_int_equal(app_tick_ms(s.app), -1);
	snap = fixture_server(maps, 0, 100, HEAT_FRACTION);
	snap->pid = 40;
	screen_push(&s, snap);
	screen_keys(&s, "f");
	assert_true(screen_holds(&s, "process 40 has no children"));
	screen_keys(&s, "F");
	assert_int_equal(s.chosen, 10);
	mappings_put(maps);
	screen_close(&s);
}

static void test_tree_on_the_screen(void **state)
{
	struct screen s;

	(void)state;
	write_uptime(200);
	write_stat(10, 1, 50);
	write_stat(20, 10, 5000);
	write_stat(40, 20, 10);
	screen_open(&s, COLOR_DEPTH_MONO, false, 24, 120, with_list);
	assert_true(screen_holds(&s, "tab tree"));
	screen_keys(&s, "<tab>evil");
	assert_true(screen_holds(&s, "tab by RSS"));
	/* with its parents; enter takes what was typed for */
	assert_true(screen_holds(&s, "└ big"));
	assert_true(screen_holds(&s, "  └ evil"));
	assert_true(screen_holds(&s, "1 of "));
	write_uptime(202);
	write_stat(40, 20, 60);
	app_tick(s.app);
	assert_true(screen_holds(&s, "  25% "));
	screen_keys(&s, "<enter>");
	assert_int_equal(s.chosen, 40);
	screen_close(&s);
}

static void test_escape_leaves(void **state)
{
	struct screen s;

	(void)state;
	screen_open(&s, COLOR_DEPTH_MONO, false, 24, 80, with_list);
	assert_int_equal(screen_keys(&s, "<esc>") & APP_QUIT, APP_QUIT);
	screen_close(&s);
}

/* Who knows no key but one asks here already; in the middle of a name it is a character. */
static void test_help_in_the_list(void **state)
{
	struct screen s;

	(void)state;
	screen_open(&s, COLOR_DEPTH_MONO, false, 100, 100, with_list);
	screen_keys(&s, "?");
	assert_true(screen_holds(&s, "letters filter"));
	assert_int_equal(screen_keys(&s, "q") & APP_QUIT, 0);
	assert_true(screen_holds(&s, "which process?") && screen_holds(&s, "big"));
	screen_keys(&s, "b?");
	assert_true(screen_holds(&s, "no such process"));
	screen_keys(&s, "<f1>");
	assert_true(screen_holds(&s, "letters filter"));
	screen_close(&s);
}

static void test_any_size(void **state)
{
	int rows, cols;

	(void)state;
	for (rows = 1; rows < 12; rows++)
		for (cols = 1; cols < 90; cols += 7) {
			struct screen s;

			screen_open(&s, COLOR_DEPTH_16, true, rows, cols, with_list);
			screen_keys(&s, "s<down><down><pgdn><end><up><backspace>");
			screen_close(&s);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_by_falling_rss),
		cmocka_unit_test(test_filter_and_selection),
		cmocka_unit_test(test_proc_is_not_there),
		cmocka_unit_test(test_choose_on_the_screen),
		cmocka_unit_test(test_switch),
		cmocka_unit_test(test_tree_rows),
		cmocka_unit_test(test_tree_of_anything),
		cmocka_unit_test(test_hottest_child),
		cmocka_unit_test(test_follow_the_hottest_child),
		cmocka_unit_test(test_tree_on_the_screen),
		cmocka_unit_test(test_escape_leaves),
		cmocka_unit_test(test_help_in_the_list),
		cmocka_unit_test(test_any_size),
	};

	return cmocka_run_group_tests_name("process_list", tests, setup, teardown);
}
