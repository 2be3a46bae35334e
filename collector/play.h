/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * play.h - how a recording is played: orders from the screen, and the state
 * that comes back.
 *
 * Places are durations since the recording's begin, which is the begin of its
 * first snapshot. Plain values; pure functions, any thread.
 */
#ifndef COLLECTOR_PLAY_H
#define COLLECTOR_PLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/err.h"

enum play_action {
	PLAY_PAUSE,
	PLAY_GO,
	PLAY_STEP,  /* one more snapshot, also while it is paused */
	PLAY_SEEK,  /* to place */
	PLAY_SPEED, /* value: times as fast as it was */
	PLAY_LOOP,  /* value: 0 or 1 */
};

/* offset_ns and a share of the whole length, added up; relative: to where it is. */
struct play_place {
	int64_t offset_ns;
	double share;
	bool relative;
};

struct play_order {
	enum play_action action;
	uint64_t serial; /* comes back in the state once it has been carried out */
	double value;
	struct play_place place;
};

struct play_state {
	uint64_t serial;	  /* of the last order that has been carried out; 0: none */
	uint64_t at_ns, total_ns; /* total 0: not known (yet) */
	uint64_t nr, total_nr;	  /* snapshots handed over since the begin; of the whole recording */
	double speed;
	bool paused, loop;
	bool seeking;	 /* on its way to a place, or to a step */
	bool ended;	 /* the last snapshot has been handed over */
	bool rewindable; /* false: read from a pipe, once */
	bool restarted;	 /* since the state before: what comes begins anew, and does not follow what came */
	char note[160];	 /* what the user should know of the file, at its end; "" mostly */
};

#define PLAY_MIN_SPEED 0.01
#define PLAY_MAX_SPEED 10000

/*
 * Reads a place: "50%", "90s", "1m30s", "1:30", "1:02:30"; with + or - before it, relative to where it is. 0 or
 * -EINVAL with what is allowed.
 */
int play_place_parse(const char *text, struct play_place *place, struct err *err);

/* Where that is, in [0, total_ns]. total_ns has to be known where share is not 0. */
uint64_t play_place_ns(const struct play_place *place, uint64_t at_ns, uint64_t total_ns);

/* The next of 0.01, 0.02, 0.05, 0.1 ... 10000 above (direction > 0) or below speed. */
double play_next_speed(double speed, int direction);

#endif
