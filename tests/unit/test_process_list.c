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

#include "tests/unit/screen_dump.h"
#include "tui/app_state.h"

/* A /proc of our own in a temporary directory. */
static char root[64];

static void write_file(const char *dir, const char *name, const char *text, size_t len)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void add_process(int pid, const char *comm, const char *cmdline, size_t sz_cmdline, unsigned rss_kb)
{
	char dir[128], status[512];

	snprintf(dir, sizeof(dir), "%s/%d", root, pid);
	assert_int_equal(mkdir(dir, 0755), 0);
	snprintf(status, sizeof(status), "Name:\t%s\nUid:\t%u\t0\t0\t0\nVmRSS:\t%u kB\n", comm, getuid(), rss_kb);
	/* a kernel thread has no such line */
	if (!rss_kb)
		*strstr(status, "VmRSS") = '\0';
	write_file(dir, "status", status, strlen(status));
	write_file(dir, "comm", comm, strlen(comm));
	write_file(dir, "cmdline", cmdline, sz_cmdline);
	write_file(dir, "maps", "", 0);
}

static int setup(void **state)
{
	(void)state;
	strcpy(root, "/tmp/damontop-list-XXXXXX");
	assert_non_null(mkdtemp(root));
	add_process(10, "small\n", "small\0-v", 9, 1000);
	add_process(20, "big\n", "/usr/bin/big\0--all", 19, 500000);
	add_process(30, "kthread\n", "", 0, 0);
	add_process(40, "evil\x1b[2J\n", "evil\x1b[31m\0\xff\n", 13, 20000);
	add_process(50, "self\n", "self", 5, 900000);
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "status", "comm", "cmdline", "maps" };
	char path[256];
	size_t i;
	int pid;

	(void)state;
	for (pid = 10; pid <= 50; pid += 10) {
		for (i = 0; i < 4; i++) {
			snprintf(path, sizeof(path), "%s/%d/%s", root, pid, names[i]);
			unlink(path);
		}
		snprintf(path, sizeof(path), "%s/%d", root, pid);
		rmdir(path);
	}
	return rmdir(root);
}

static void test_reads_by_falling_rss(void **state)
{
	struct process_list list;
	struct err err = ERR_NONE;

	(void)state;
	process_list_init(&list);
	assert_int_equal(process_list_read(&list, root, 50, &err), 0);
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
	process_list_read(&list, root, 50, &err);
	process_list_move(&list, 2);
	assert_int_equal(process_list_selected(&list)->pid, 10);
	/* the selected process stays selected over a new reading and a filter that it passes */
	process_list_read(&list, root, 50, &err);
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
	config->proc = root;
}

static void test_choose_on_the_screen(void **state)
{
	struct screen s;

	(void)state;
	screen_open(&s, COLOR_DEPTH_MONO, false, 24, 80, with_list);
	assert_true(screen_holds(&s, "which process?"));
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

static void test_escape_leaves(void **state)
{
	struct screen s;

	(void)state;
	screen_open(&s, COLOR_DEPTH_MONO, false, 24, 80, with_list);
	assert_int_equal(screen_keys(&s, "<esc>") & APP_QUIT, APP_QUIT);
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
		cmocka_unit_test(test_escape_leaves),
		cmocka_unit_test(test_any_size),
	};

	return cmocka_run_group_tests_name("process_list", tests, setup, teardown);
}
