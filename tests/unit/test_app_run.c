/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loop: what it draws a frame for, and what it does not. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/term_sim.h"
#include "tests/unit/screen_dump.h"
#include "tests/unit/screen_fixture.h"

#define NO_KEY "\x01"

/* Frames that the keys made, before the last of them, q. */
static unsigned frames_of(const char *keys, struct channel *channel)
{
	struct screen s;
	struct term term;
	struct err err = ERR_NONE;

	screen_open_server(&s, 5);
	term_sim_open(&term, 40, 160);
	assert_int_equal(write(term.keys[1], keys, strlen(keys)), strlen(keys));
	assert_int_equal(app_run(s.app, &term, channel, &err), 0);
	assert_int_equal(term.nr_read, strlen(keys));
	term_sim_close(&term);
	screen_close(&s);
	return term.nr_shown;
}

static void test_a_key_that_changes_the_picture_is_a_frame(void **state)
{
	(void)state;
	assert_int_equal(frames_of("q", NULL), 1);
	assert_int_equal(frames_of("2q", NULL), 2);
	assert_int_equal(frames_of("2341q", NULL), 5);
}

/* Keys without a meaning, 200 of them: not one frame more; one for what is said of a key that others have. */
static void test_nothing_changed_is_no_frame(void **state)
{
	char keys[203];

	(void)state;
	memset(keys, NO_KEY[0], sizeof(keys));
	strcpy(keys + 200, "q");
	assert_int_equal(frames_of(keys, NULL), 1);
	keys[100] = '2';
	assert_int_equal(frames_of(keys, NULL), 2);
	memset(keys, '@', 200);
	assert_int_equal(frames_of(keys, NULL), 2);
}

/* A snapshot is drawn once, however often the loop turns after it. */
static void test_a_snapshot_is_a_frame_at_most(void **state)
{
	struct err err = ERR_NONE;
	struct channel *channel = channel_new(&err);
	struct mappings *maps = fixture_server_maps();
	struct message message = { .type = MESSAGE_SNAPSHOT, .snapshot = fixture_server(maps, 6, 50, HEAT_FRACTION) };
	char keys[203];
	unsigned nr;

	(void)state;
	assert_non_null(channel);
	memset(keys, NO_KEY[0], sizeof(keys));
	strcpy(keys + 200, "q");
	channel_publish(channel, &message);
	nr = frames_of(keys, channel);
	assert_in_range(nr, 1, 2);
	/* the channel is empty now */
	assert_int_equal(frames_of(keys, channel), 1);
	channel_free(channel);
	mappings_put(maps);
}

static void test_a_resize_is_a_frame(void **state)
{
	(void)state;
	raise(SIGWINCH); /* blocked: it waits for the loop */
	assert_in_range(frames_of(NO_KEY NO_KEY "q", NULL), 2, 2);
	assert_int_equal(frames_of(NO_KEY NO_KEY "q", NULL), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_key_that_changes_the_picture_is_a_frame),
		cmocka_unit_test(test_nothing_changed_is_no_frame),
		cmocka_unit_test(test_a_snapshot_is_a_frame_at_most),
		cmocka_unit_test(test_a_resize_is_a_frame),
	};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return cmocka_run_group_tests_name("app_run", tests, NULL, NULL);
}
