/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recording that is played: places and speeds, the source's answers to orders, and what the keys order. */
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

#include "collector/clock.h"
#include "collector/collector.h"
#include "collector/record.h"
#include "collector/sources/sources.h"
#include "tests/unit/file_tree.h"
#include "tests/unit/screen_dump.h"
#include "tests/unit/screen_fixture.h"
#include "tui/app_state.h"

#define NR_SNAPSHOTS 40 /* of one second each */

/* ---- places ---- */

static void places_are_parsed(void **state)
{
	static const struct {
		const char *text;
		double offset_s, share;
		bool relative;
	} good[] = {
		{ "50%", 0, 0.5, false },  { "0%", 0, 0, false },     { "100%", 0, 1, false },
		{ "90s", 90, 0, false },   { "1m30s", 90, 0, false }, { "1:30", 90, 0, false },
		{ "+10s", 10, 0, true },   { "-5%", 0, -0.05, true }, { "1:02:03.5", 3723.5, 0, false },
		{ "-1:00", -60, 0, true }, { "2.5s", 2.5, 0, false }, { "1h5m", 3900, 0, false },
	};
	static const char *const bad[] = { "",	     "5",    "x",    "101%",  "50%x", "1:60", "1:2:3:4",
					   "1.5:30", "--5s", "nan%", "1:",    ":30",  "5s5",  "inf",
					   "1e300s", "+",    "0x5s", "1:-30", "- 5s", "%" };
	struct play_place place;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct err err = ERR_NONE;

		if (play_place_parse(good[i].text, &place, &err))
			fail_msg("%s: %s", good[i].text, err.text);
		assert_int_equal(place.offset_ns, (int64_t)(good[i].offset_s * 1e9));
		assert_true(place.share > good[i].share - 1e-9 && place.share < good[i].share + 1e-9);
		assert_int_equal(place.relative, good[i].relative);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = ERR_NONE;

		if (!play_place_parse(bad[i], &place, &err) || !strstr(err.text, "1m30s"))
			fail_msg("\"%s\" is taken for a place", bad[i]);
	}
}

static void places_stay_within(void **state)
{
	(void)state;
	assert_int_equal(play_place_ns(&(struct play_place){ .share = 0.25 }, 7, 1000), 250);
	assert_int_equal(play_place_ns(&(struct play_place){ .offset_ns = 5000 }, 7, 1000), 1000);
	assert_int_equal(play_place_ns(&(struct play_place){ .offset_ns = -5, .relative = true }, 7, 1000), 2);
	assert_int_equal(play_place_ns(&(struct play_place){ .offset_ns = -50, .relative = true }, 7, 1000), 0);
	assert_int_equal(play_place_ns(&(struct play_place){ .share = -0.1, .relative = true }, 500, 1000), 400);
	assert_int_equal(play_place_ns(&(struct play_place){ .offset_ns = 5000 }, 7, 0), 5000); /* length not known */
}

static void speeds_go_in_steps(void **state)
{
	double speed = 1;

	(void)state;
	assert_true(play_next_speed(1, 1) == 2 && play_next_speed(2, 1) == 5 && play_next_speed(3, 1) == 5);
	assert_true(play_next_speed(1, -1) == 0.5 && play_next_speed(3, -1) == 2);
	for (int i = 0; i < 40; i++)
		speed = play_next_speed(speed, 1);
	assert_true(speed == PLAY_MAX_SPEED);
	for (int i = 0; i < 40; i++)
		speed = play_next_speed(speed, -1);
	assert_true(speed == PLAY_MIN_SPEED);
}

/* ---- the source ---- */

struct player {
	struct file_tree tree;
	char path[96];
	struct clock_virtual clock;
	struct channel *channel;
	struct collector *collector;
	bool running;
	/* what came */
	uint64_t seqs[4 * NR_SNAPSHOTS];
	size_t nr;
	struct play_state state;
	unsigned nr_restarts;
};

static void write_recording(const char *path)
{
	struct mappings *maps = fixture_server_maps();
	struct err err = ERR_NONE;
	struct record *record;

	assert_int_equal(record_open(&record, path, 0, &err), 0);
	for (unsigned i = 0; i < NR_SNAPSHOTS; i++) {
		struct snapshot *s = fixture_server(maps, i, 20, HEAT_FRACTION);

		assert_int_equal(record_add(record, s, &err), 0);
		snapshot_free(s);
	}
	assert_int_equal(record_close(record, &err), 0);
	mappings_put(maps);
}

static void open_player(struct player *p, struct source_params params)
{
	const struct source_ops *const sources[] = { &source_replay, NULL };
	struct err err = ERR_NONE;

	clock_virtual_init(&p->clock, 1000 * NSEC_PER_SEC, 1800000000 * NSEC_PER_SEC);
	params.attrs = attrs_default();
	params.file = p->path;
	params.clock = &p->clock.clock;
	p->channel = channel_new(&err);
	assert_int_equal(collector_open(&p->collector, sources, &params, p->channel, &err), 0);
	p->running = true;
}

static void take(struct player *p)
{
	struct message message;

	while (channel_receive(p->channel, &message)) {
		if (message.type == MESSAGE_SNAPSHOT && p->nr < sizeof(p->seqs) / sizeof(p->seqs[0]))
			p->seqs[p->nr++] = message.snapshot->seq;
		snapshot_free(message.snapshot);
		if (message.type == MESSAGE_PLAY) {
			p->state = message.play;
			p->nr_restarts += message.play.restarted;
		}
		if (message.type == MESSAGE_ENDED) {
			assert_int_equal(message.err.code, 0);
			p->running = false;
		}
	}
}

/* Lets so much time pass, in steps of 10 ms. */
static void pass_ms(struct player *p, uint64_t ms)
{
	for (uint64_t i = 0; i < ms && p->running; i += 10) {
		clock_virtual_advance(&p->clock, p->clock.now_ns + 10 * NSEC_PER_MSEC);
		collector_step(p->collector);
		take(p);
	}
}

static void order(struct player *p, struct play_order play)
{
	struct command command = { .type = COMMAND_PLAY, .play = play };

	assert_true(channel_send(p->channel, &command));
	pass_ms(p, 50);
}

static int make_player(void **state)
{
	struct player *p = calloc(1, sizeof(*p));

	file_tree_new(&p->tree);
	snprintf(p->path, sizeof(p->path), "%s/rec", p->tree.root);
	write_recording(p->path);
	*state = p;
	return 0;
}

static int free_player(void **state)
{
	struct player *p = *state;

	collector_close(p->collector);
	channel_free(p->channel);
	file_tree_free(&p->tree);
	free(p);
	return 0;
}

static void it_plays_at_its_pace(void **state)
{
	struct player *p = *state;

	open_player(p, (struct source_params){ .stays = true });
	pass_ms(p, 50);
	assert_int_equal(p->nr, 1); /* the first at once */
	pass_ms(p, 5000);
	assert_int_equal(p->nr, 6);
	assert_int_equal(p->state.nr, 6);
	assert_int_equal(p->state.at_ns, 6 * NSEC_PER_SEC);
	assert_int_equal(p->state.total_nr, NR_SNAPSHOTS);
	assert_int_equal(p->state.total_ns, NR_SNAPSHOTS * NSEC_PER_SEC);
	order(p, (struct play_order){ .action = PLAY_SPEED, .value = 10, .serial = 1 });
	assert_int_equal(p->state.serial, 1);
	pass_ms(p, 1000);
	assert_in_range(p->nr, 16, 17);
	pass_ms(p, 5000);
	assert_int_equal(p->nr, NR_SNAPSHOTS);
	assert_true(p->state.ended && p->running);
	for (size_t i = 0; i < p->nr; i++)
		assert_int_equal(p->seqs[i], i);
}

static void paused_it_steps(void **state)
{
	struct player *p = *state;

	open_player(p, (struct source_params){ .stays = true });
	pass_ms(p, 3010);
	order(p, (struct play_order){ .action = PLAY_PAUSE });
	pass_ms(p, 20000);
	assert_int_equal(p->nr, 4);
	assert_true(p->state.paused);
	order(p, (struct play_order){ .action = PLAY_STEP, .serial = 7 });
	pass_ms(p, 5000);
	assert_int_equal(p->nr, 5);
	assert_false(p->state.seeking);
	order(p, (struct play_order){ .action = PLAY_GO });
	assert_int_equal(p->nr, 5); /* a whole second from here on, not at once */
	pass_ms(p, 1000);
	assert_int_equal(p->nr, 6);
}

static void it_goes_to_a_place(void **state)
{
	struct player *p = *state;

	open_player(p, (struct source_params){ .stays = true });
	order(p, (struct play_order){ .action = PLAY_PAUSE });
	order(p, (struct play_order){ .action = PLAY_SEEK, .place = { .share = 0.5 } });
	assert_int_equal(p->nr, NR_SNAPSHOTS / 2); /* with all that lies before it */
	assert_int_equal(p->nr_restarts, 0);
	assert_int_equal(p->state.at_ns, NR_SNAPSHOTS / 2 * NSEC_PER_SEC);
	p->nr = 0;
	order(p, (struct play_order){ .action = PLAY_SEEK, .place = { .offset_ns = 5 * NSEC_PER_SEC } });
	assert_int_equal(p->nr_restarts, 1);
	assert_int_equal(p->nr, 5);
	assert_int_equal(p->seqs[0], 0);
	order(p,
	      (struct play_order){ .action = PLAY_SEEK, .place = { .offset_ns = 3 * NSEC_PER_SEC, .relative = true } });
	assert_int_equal(p->nr, 8);
	order(p, (struct play_order){ .action = PLAY_SEEK, .place = { .offset_ns = 3600 * NSEC_PER_SEC } });
	assert_int_equal(p->state.nr, NR_SNAPSHOTS);
	assert_false(p->state.seeking);
	order(p, (struct play_order){ .action = PLAY_SEEK }); /* the begin: its first snapshot */
	assert_int_equal(p->state.nr, 1);
	assert_false(p->state.ended);
}

static void it_loops(void **state)
{
	struct player *p = *state;

	open_player(p, (struct source_params){ .loop = true, .speed = 10 });
	pass_ms(p, 6000); /* one and a half times */
	assert_in_range(p->nr, 58, 62);
	assert_int_equal(p->nr_restarts, 1);
	assert_int_equal(p->seqs[NR_SNAPSHOTS], 0);
	order(p, (struct play_order){ .action = PLAY_LOOP, .value = 0 });
	pass_ms(p, 9000);
	assert_false(p->running);
	assert_int_equal(p->nr, 2 * NR_SNAPSHOTS);
}

/* Nothing of a recording is lost, however slow the screen is. */
static void it_waits_for_the_screen(void **state)
{
	struct player *p = *state;
	struct command command = { .type = COMMAND_PLAY, .play = { .action = PLAY_SEEK, .place = { .share = 1 } } };

	open_player(p, (struct source_params){ .stays = true, .loop = true, .speed = PLAY_MAX_SPEED });
	channel_send(p->channel, &command);
	for (int i = 0; i < 1000; i++) { /* nobody takes anything */
		clock_virtual_advance(&p->clock, p->clock.now_ns + NSEC_PER_SEC);
		collector_step(p->collector);
	}
	assert_int_equal(channel_nr_dropped(p->channel), 0);
	pass_ms(p, 1000);
	assert_int_equal(channel_nr_dropped(p->channel), 0);
	assert_true(p->nr > NR_SNAPSHOTS);
	for (size_t i = 0; i < p->nr; i++)
		assert_int_equal(p->seqs[i], i % NR_SNAPSHOTS);
}

static void it_begins_where_it_is_told(void **state)
{
	const struct play_place place = { .share = 0.75 };
	struct player *p = *state;

	open_player(p, (struct source_params){ .seek = &place });
	pass_ms(p, 50);
	assert_int_equal(p->nr, 30);
}

static void what_is_no_file_is_played_once(void **state)
{
	struct player *p = *state;
	char fifo[256];

	snprintf(fifo, sizeof(fifo), "cat %s > %s.fifo &", p->path, p->path);
	memcpy(p->path + strlen(p->path), ".fifo", 6);
	assert_int_equal(mkfifo(p->path, 0600), 0);
	assert_int_equal(system(fifo), 0);
	open_player(p, (struct source_params){ .stays = true, .loop = true, .speed = 100 });
	pass_ms(p, 3000);
	assert_int_equal(p->nr, NR_SNAPSHOTS);
	assert_true(p->state.ended && !p->state.rewindable && !p->state.total_ns);
	order(p, (struct play_order){ .action = PLAY_SEEK });
	assert_int_equal(p->nr, NR_SNAPSHOTS);
	unlink(p->path);
	p->path[strlen(p->path) - 5] = '\0';
}

/* ---- keys ---- */

static void a_recording(struct app_config *config)
{
	config->fixed = "a recording";
}

static void tell(struct screen *s, struct play_state state)
{
	struct message message = { .type = MESSAGE_PLAY, .play = state };

	app_message(s->app, &message);
}

/* A screen on the first 30 of 60 seconds. */
static void open_screen(struct screen *s)
{
	screen_open(s, COLOR_DEPTH_MONO, false, 30, 120, a_recording);
	screen_play(s, 30, 100, HEAT_FRACTION);
	tell(s, (struct play_state){ .at_ns = 30 * NSEC_PER_SEC,
				     .total_ns = 60 * NSEC_PER_SEC,
				     .nr = 30,
				     .total_nr = 60,
				     .speed = 1,
				     .rewindable = true });
}

static const struct play_order *last_order(const struct screen *s)
{
	assert_true(s->nr_sent > 0);
	assert_int_equal(s->sent[s->nr_sent - 1].type, COMMAND_PLAY);
	return &s->sent[s->nr_sent - 1].play;
}

static void freezing_pauses(void **state)
{
	struct screen s;

	(void)state;
	open_screen(&s);
	assert_true(screen_holds(&s, "50%") && screen_holds(&s, "30 of 60") && screen_holds(&s, "replay"));
	screen_keys(&s, " ");
	assert_int_equal(last_order(&s)->action, PLAY_PAUSE);
	assert_true(screen_holds(&s, "paused"));
	screen_keys(&s, " ");
	assert_int_equal(last_order(&s)->action, PLAY_GO);
	screen_keys(&s, "<pgup>");
	assert_int_equal(last_order(&s)->action, PLAY_PAUSE);
	screen_keys(&s, "<end>");
	assert_int_equal(last_order(&s)->action, PLAY_GO);
	assert_int_equal(s.nr_sent, 4);
	screen_keys(&s, "hh<esc>nm");
	assert_int_equal(s.nr_sent, 4);
	screen_close(&s);
}

static void steps_go_back_in_what_is_kept_and_forward_beyond_it(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct screen s;

	(void)state;
	open_screen(&s);
	screen_keys(&s, "EEE");
	assert_int_equal(s.nr_sent, 1); /* the pause */
	assert_int_equal(app_shown(s.app)->seq, 26);
	assert_true(screen_holds(&s, "0:27"));
	screen_keys(&s, "eee");
	assert_int_equal(app_shown(s.app)->seq, 29);
	assert_int_equal(s.nr_sent, 1);
	screen_keys(&s, "e");
	assert_int_equal(last_order(&s)->action, PLAY_STEP);
	screen_push(&s, fixture_server(maps, 30, 100, HEAT_FRACTION));
	assert_int_equal(app_shown(s.app)->seq, 30);
	/* the step is done: what comes by itself does not move a frozen picture */
	tell(&s, (struct play_state){ .serial = last_order(&s)->serial, .nr = 31, .paused = true, .speed = 1 });
	screen_push(&s, fixture_server(maps, 31, 100, HEAT_FRACTION));
	assert_int_equal(app_shown(s.app)->seq, 30);
	mappings_put(maps);
	screen_close(&s);
}

static void speed_and_loop_are_ordered(void **state)
{
	struct screen s;

	(void)state;
	open_screen(&s);
	screen_keys(&s, "))");
	assert_int_equal(last_order(&s)->action, PLAY_SPEED);
	assert_true(last_order(&s)->value == 5); /* from what was ordered last, not from what has been told */
	assert_true(screen_holds(&s, "5x"));
	screen_keys(&s, "(");
	assert_true(last_order(&s)->value == 2);
	screen_keys(&s, "L");
	assert_int_equal(last_order(&s)->action, PLAY_LOOP);
	assert_true(last_order(&s)->value == 1);
	screen_keys(&s, "<esc>");
	assert_true(screen_holds(&s, "loop"));
	screen_close(&s);
}

static void a_place_is_typed(void **state)
{
	struct mappings *maps = fixture_server_maps();
	struct screen s;

	(void)state;
	open_screen(&s);
	screen_keys(&s, "J12<enter>");
	assert_true(screen_holds(&s, "is no place in a recording"));
	assert_int_equal(s.nr_sent, 0);
	screen_keys(&s, "<backspace><backspace>-10s<enter>");
	assert_int_equal(last_order(&s)->action, PLAY_SEEK);
	assert_true(last_order(&s)->place.relative);
	assert_int_equal(last_order(&s)->place.offset_ns, -10 * (int64_t)NSEC_PER_SEC);
	assert_int_equal(s.app->mode, APP_MAP);
	/* the player begins anew */
	tell(&s, (struct play_state){ .serial = last_order(&s)->serial,
				      .restarted = true,
				      .seeking = true,
				      .rewindable = true,
				      .total_ns = 60 * NSEC_PER_SEC });
	assert_int_equal(history_nr(s.app->history), 0);
	screen_push(&s, fixture_server(maps, 0, 100, HEAT_FRACTION));
	assert_int_equal(app_shown(s.app)->seq, 0);
	screen_keys(&s, "k");
	assert_true(last_order(&s)->place.share > 0.049 && last_order(&s)->place.share < 0.051);
	mappings_put(maps);
	screen_close(&s);
}

static void live_there_is_nothing_to_play(void **state)
{
	struct screen s;

	(void)state;
	screen_open(&s, COLOR_DEPTH_MONO, false, 30, 120, NULL);
	screen_play(&s, 10, 100, HEAT_FRACTION);
	screen_keys(&s, "ekJL)");
	assert_int_equal(s.nr_sent, 0);
	assert_int_equal(s.app->mode, APP_MAP);
	assert_true(screen_holds(&s, "not a recording"));
	screen_close(&s);
}

/* ---- recording by key ---- */

static struct {
	char path[64];
	bool anew, is_there;
	unsigned nr_ended;
} recorder;

static int record(void *ctx, const char *path, bool anew, struct err *err)
{
	(void)ctx;
	if (!path) {
		recorder.nr_ended++;
		recorder.path[0] = '\0';
		return 0;
	}
	if (recorder.is_there && !anew)
		return err_set(err, EEXIST, "%s is there", path);
	recorder.anew = anew;
	snprintf(recorder.path, sizeof(recorder.path), "%s", path);
	return 0;
}

static struct app_recording recorded(void *ctx)
{
	(void)ctx;
	return (struct app_recording){ recorder.path[0] ? recorder.path : NULL, 123 << 10 };
}

static void can_record(struct app_config *config)
{
	config->record = record;
	config->recorded = recorded;
}

static void a_recording_is_begun_and_ended(void **state)
{
	struct screen s;

	(void)state;
	memset(&recorder, 0, sizeof(recorder));
	screen_open(&s, COLOR_DEPTH_MONO, false, 30, 120, can_record);
	screen_play(&s, 10, 100, HEAT_FRACTION);
	assert_false(screen_holds(&s, "REC"));
	screen_keys(&s, "R");
	assert_true(screen_holds(&s, "damontop-4711.rec"));
	screen_keys(&s, "<esc>");
	assert_string_equal(recorder.path, "");
	screen_keys(&s, "R<backspace><backspace><backspace>x<enter>");
	assert_string_equal(recorder.path, "damontop-4711.x");
	assert_true(screen_holds(&s, "REC 123K"));
	screen_keys(&s, "R");
	assert_int_equal(recorder.nr_ended, 1);
	assert_true(screen_holds(&s, "recorded 123K to damontop-4711.x"));
	assert_false(screen_holds(&s, "REC"));
	screen_close(&s);
}

/* A file that is there takes a second Enter, and that of the same name. */
static void nothing_is_written_over_silently(void **state)
{
	struct screen s;

	(void)state;
	memset(&recorder, 0, sizeof(recorder));
	recorder.is_there = true;
	screen_open(&s, COLOR_DEPTH_MONO, false, 30, 120, can_record);
	screen_play(&s, 10, 100, HEAT_FRACTION);
	screen_keys(&s, "R<enter>");
	assert_true(screen_holds(&s, "is there"));
	screen_keys(&s, "x<enter>");
	assert_string_equal(recorder.path, "");
	screen_keys(&s, "<enter>");
	assert_string_equal(recorder.path, "damontop-4711.recx");
	assert_true(recorder.anew);
	screen_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_are_parsed),
		cmocka_unit_test(places_stay_within),
		cmocka_unit_test(speeds_go_in_steps),
		cmocka_unit_test_setup_teardown(it_plays_at_its_pace, make_player, free_player),
		cmocka_unit_test_setup_teardown(paused_it_steps, make_player, free_player),
		cmocka_unit_test_setup_teardown(it_goes_to_a_place, make_player, free_player),
		cmocka_unit_test_setup_teardown(it_loops, make_player, free_player),
		cmocka_unit_test_setup_teardown(it_waits_for_the_screen, make_player, free_player),
		cmocka_unit_test_setup_teardown(it_begins_where_it_is_told, make_player, free_player),
		cmocka_unit_test_setup_teardown(what_is_no_file_is_played_once, make_player, free_player),
		cmocka_unit_test(freezing_pauses),
		cmocka_unit_test(steps_go_back_in_what_is_kept_and_forward_beyond_it),
		cmocka_unit_test(speed_and_loop_are_ordered),
		cmocka_unit_test(a_place_is_typed),
		cmocka_unit_test(live_there_is_nothing_to_play),
		cmocka_unit_test(a_recording_is_begun_and_ended),
		cmocka_unit_test(nothing_is_written_over_silently),
	};

	return cmocka_run_group_tests_name("play", tests, NULL, NULL);
}
