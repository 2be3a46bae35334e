/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording, played at the pace at which it was recorded (or a multiple of
 * that). Its snapshots go to the screen as they are: what was live looks the
 * same again. Batch output and reports read recordings without this source, as
 * fast as they can.
 *
 * A place is reached by handing over all that lies before it, as fast as the
 * screen takes it, so that the picture there is the one that playing would have
 * made; a place further back by beginning anew. How long the whole is, a second
 * reader finds out beside playing, a few snapshots at a time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "collector/recording.h"
#include "collector/sources/sources.h"

/* Handed over in one go where it lags behind: commands are taken in between, and the screen keeps up. */
#define MAX_SNAPSHOTS 16
/* Messages that the channel keeps room for: a state, and an end. */
#define MIN_ROOM 4
/* Where the screen has to catch up first, or where there is more to measure. */
#define RETRY_NS   (2 * NSEC_PER_MSEC)
#define NO_TARGET  UINT64_MAX
#define NR_MEASURE 8 /* snapshots in one go */

struct replay {
	struct source source;
	const struct clock *clock;
	const char *file;
	pid_t pid;
	struct attrs attrs;
	bool stays;
	struct recording *recording;
	struct snapshot *next;
	bool exhausted; /* the recording has no more */
	struct play_state state;
	uint64_t origin_ns;	      /* begin of the first snapshot, on the recording's clock */
	uint64_t base_ns, base_at_ns; /* at base_ns on our clock it was at this place */
	uint64_t target_ns;	      /* a place to go to without waiting; NO_TARGET: none */
	unsigned nr_steps;	      /* to hand over though it is paused */
	bool patient;		      /* the first snapshot waits for its time, too: after a loop */
	bool has_order;
	struct play_place order;   /* a place that was asked for; its length has to be known first */
	bool changed;		   /* the state, since it was told */
	struct recording *measure; /* reads ahead for the whole length; NULL: done, or not possible */
	uint64_t measure_origin_ns, measure_ns, measure_nr;
	int timer_fd;
};

static int replay_probe(const struct source_params *params, struct err *err)
{
	struct recording *recording;
	struct stat st;
	int rc;

	/* what is no file can be read once only */
	if (!params->file || (!stat(params->file, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		return 0;
	rc = recording_open(&recording, params->file, params->file_pid, &params->attrs, err);
	if (!rc)
		recording_close(recording);
	return rc;
}

static void replay_close(struct source *source)
{
	struct replay *p = (struct replay *)source;

	if (!p)
		return;
	recording_close(p->recording);
	recording_close(p->measure);
	snapshot_free(p->next);
	if (p->timer_fd >= 0)
		close(p->timer_fd);
	free(p);
}

static int open_recording(const struct replay *p, struct recording **recording, struct err *err)
{
	return recording_open(recording, p->file, p->pid, &p->attrs, err);
}

static struct replay *replay_new(const struct source_params *params)
{
	struct replay *p = calloc(1, sizeof(*p));
	struct stat st;

	if (!p)
		return NULL;
	p->source.ops = &source_replay;
	p->clock = params->clock;
	p->file = params->file;
	p->pid = params->file_pid;
	p->attrs = params->attrs;
	p->stays = params->stays;
	p->state.speed = params->speed > 0 ? params->speed : 1;
	p->state.loop = params->loop;
	p->state.rewindable = !stat(params->file, &st) && S_ISREG(st.st_mode);
	p->target_ns = NO_TARGET;
	if (params->seek) {
		p->has_order = true;
		p->order = *params->seek;
	}
	p->base_ns = clock_now_ns(p->clock);
	p->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return p;
}

static int replay_open(struct source **source, const struct source_params *params, struct err *err)
{
	struct replay *p;
	struct err ignored = ERR_NONE;
	int rc;

	*source = NULL;
	if (!params->file)
		return err_set(err, EINVAL, "nothing to replay: give -r FILE");
	p = replay_new(params);
	if (!p)
		return err_set(err, ENOMEM, "no memory to replay");
	rc = p->timer_fd < 0 ? err_set(err, errno, "timerfd: %s", strerror(errno))
			     : open_recording(p, &p->recording, err);
	if (!rc && p->state.rewindable && open_recording(p, &p->measure, &ignored))
		p->measure = NULL;
	if (rc) {
		replay_close(&p->source);
		return rc;
	}
	*source = &p->source;
	return 0;
}

/* ---- how long it is ---- */

static uint64_t begin_of(const struct snapshot *snap)
{
	return snap->time_ns > snap->duration_ns ? snap->time_ns - snap->duration_ns : 0;
}

static uint64_t place_of(const struct snapshot *snap, uint64_t origin_ns)
{
	return snap->time_ns > origin_ns ? snap->time_ns - origin_ns : 0;
}

/* Reads so many snapshots ahead, and tells the length at the end. A file that is damaged is as long as it is good. */
static void measure(struct replay *p, size_t nr)
{
	struct err ignored = ERR_NONE;

	while (p->measure && nr--) {
		struct snapshot *snap;

		if (recording_next(p->measure, &snap, &ignored) <= 0) {
			p->state.total_ns = p->measure_ns;
			p->state.total_nr = p->measure_nr;
			p->changed = true;
			recording_close(p->measure);
			p->measure = NULL;
			return;
		}
		if (!p->measure_nr++)
			p->measure_origin_ns = begin_of(snap);
		if (place_of(snap, p->measure_origin_ns) > p->measure_ns)
			p->measure_ns = place_of(snap, p->measure_origin_ns);
		snapshot_free(snap);
	}
}

/* ---- where it is ---- */

/* From here on it goes by our clock again. */
static void rebase(struct replay *p)
{
	p->base_ns = clock_now_ns(p->clock);
	p->base_at_ns = p->state.at_ns;
}

static int rewind_to_begin(struct replay *p, struct err *err)
{
	struct recording *recording;
	int rc = open_recording(p, &recording, err);

	if (rc)
		return rc;
	recording_close(p->recording);
	p->recording = recording;
	snapshot_free(p->next);
	p->next = NULL;
	p->exhausted = p->state.ended = false;
	p->state.nr = p->state.at_ns = 0;
	p->state.restarted = p->changed = true;
	p->state.note[0] = '\0';
	rebase(p);
	return 0;
}

/* 1: there is a next snapshot; 0: there is none any more; -errno. */
static int load_next(struct replay *p, struct err *err)
{
	int rc;

	if (p->next)
		return 1;
	if (p->exhausted)
		return 0;
	rc = recording_next(p->recording, &p->next, err);
	p->exhausted = rc <= 0;
	if (rc > 0 && !p->state.nr) {
		p->origin_ns = begin_of(p->next);
		if (!p->patient)
			p->base_at_ns = place_of(p->next, p->origin_ns); /* the first is shown at once */
	}
	return rc;
}

/* Goes where it has been told to, as far as it is known where that is. */
static int follow_order(struct replay *p, struct err *err)
{
	uint64_t to_ns;

	if (!p->has_order)
		return 0;
	p->has_order = false;
	measure(p, SIZE_MAX); /* also a time: nothing lies behind the end */
	to_ns = play_place_ns(&p->order, p->state.at_ns, p->state.total_ns);
	if (to_ns < p->state.at_ns && !p->state.rewindable)
		return 0;
	p->target_ns = to_ns;
	p->changed = true;
	return to_ns < p->state.at_ns ? rewind_to_begin(p, err) : 0;
}

static uint64_t due_ns(const struct replay *p)
{
	uint64_t at_ns = place_of(p->next, p->origin_ns);
	double ns = at_ns > p->base_at_ns ? (double)(at_ns - p->base_at_ns) / p->state.speed : 0;

	return ns < 0x1p62 ? p->base_ns + (uint64_t)ns : UINT64_MAX;
}

/* Is the next snapshot to be handed over now? */
static bool is_wanted(struct replay *p)
{
	if (!p->state.nr && !p->patient)
		return true;
	if (p->target_ns != NO_TARGET) {
		if (place_of(p->next, p->origin_ns) <= p->target_ns)
			return true;
		p->target_ns = NO_TARGET;
		p->changed = true;
		rebase(p);
	}
	return p->nr_steps || (!p->state.paused && due_ns(p) <= clock_now_ns(p->clock));
}

static void hand_over(struct replay *p, struct sink *sink)
{
	p->state.at_ns = place_of(p->next, p->origin_ns);
	p->state.nr++;
	p->nr_steps -= p->nr_steps > 0;
	p->changed = true;
	p->patient = false;
	sink->snapshot(sink, p->next);
	p->next = NULL;
}

/* Tells the state; a new beginning before what follows it, all else behind. */
static void tell(struct replay *p, struct sink *sink)
{
	if (!p->changed || !sink->play)
		return;
	p->state.seeking = p->has_order || p->target_ns != NO_TARGET || p->nr_steps;
	sink->play(sink, &p->state);
	p->changed = p->state.restarted = false;
}

/* 1: it goes on, from the beginning; 0: it stays here; -errno, -ESRCH: it is over. */
static int at_end(struct replay *p, struct err *err)
{
	int rc;

	p->changed |= p->target_ns != NO_TARGET || p->nr_steps;
	p->target_ns = NO_TARGET;
	p->nr_steps = 0;
	if (p->state.loop && p->state.rewindable && p->state.nr && !p->state.paused) {
		rc = rewind_to_begin(p, err);
		p->patient = true;
		return rc ? rc : 1;
	}
	if (!p->stays)
		return -ESRCH;
	p->changed |= !p->state.ended;
	p->state.ended = true;
	snprintf(p->state.note, sizeof(p->state.note), "%s", recording_note(p->recording));
	return 0;
}

static size_t room_in(struct sink *sink)
{
	size_t room = sink->room ? sink->room(sink) : SIZE_MAX;

	return room > MIN_ROOM ? room - MIN_ROOM : 0;
}

/* 1: there is more to hand over now; 0: it waits; -errno, -ESRCH. */
static int play(struct replay *p, struct sink *sink, struct err *err)
{
	for (int i = 0; i < MAX_SNAPSHOTS; i++) {
		int rc = load_next(p, err);

		if (rc < 0)
			return rc;
		if (rc == 0) {
			rc = at_end(p, err);
			if (rc <= 0)
				return rc;
			tell(p, sink);
			continue;
		}
		if (!is_wanted(p))
			return 0;
		if (!room_in(sink))
			return 1;
		hand_over(p, sink);
	}
	return 1;
}

/* ---- waiting ---- */

static void set_timer(const struct replay *p, uint64_t at_ns)
{
	struct itimerspec timer = { .it_value = { .tv_sec = (time_t)(at_ns / NSEC_PER_SEC),
						  .tv_nsec = (long)(at_ns % NSEC_PER_SEC) + !at_ns } };

	timerfd_settime(p->timer_fd, TFD_TIMER_ABSTIME, &timer, NULL);
}

static void wait_for_more(const struct replay *p, bool more_now)
{
	uint64_t at_ns = UINT64_MAX;

	if (p->next && !p->state.paused)
		at_ns = due_ns(p);
	if (more_now || p->measure) {
		uint64_t retry_ns = clock_now_ns(p->clock) + RETRY_NS;

		at_ns = retry_ns < at_ns ? retry_ns : at_ns;
	}
	if (at_ns != UINT64_MAX) {
		set_timer(p, at_ns);
	} else {
		struct itimerspec never = { 0 };

		timerfd_settime(p->timer_fd, 0, &never, NULL);
	}
}

static int replay_drain(struct source *source, struct sink *sink, struct err *err)
{
	struct replay *p = (struct replay *)source;
	int rc = follow_order(p, err);

	tell(p, sink);
	if (!rc)
		rc = play(p, sink, err);
	if (rc < 0)
		return rc;
	measure(p, NR_MEASURE);
	tell(p, sink);
	wait_for_more(p, rc > 0);
	return 0;
}

static void replay_play(struct source *source, const struct play_order *order)
{
	struct replay *p = (struct replay *)source;

	switch (order->action) {
	case PLAY_PAUSE:
	case PLAY_GO:
		p->state.paused = order->action == PLAY_PAUSE;
		if (!p->state.paused && p->state.ended) { /* to play on from the end is to play again */
			p->has_order = true;
			p->order = (struct play_place){ 0 };
		}
		break;
	case PLAY_STEP:
		p->nr_steps++;
		break;
	case PLAY_SEEK:
		p->has_order = true;
		p->order = order->place;
		break;
	case PLAY_SPEED:
		if (order->value >= PLAY_MIN_SPEED && order->value <= PLAY_MAX_SPEED)
			p->state.speed = order->value;
		break;
	case PLAY_LOOP:
		p->state.loop = order->value > 0;
		break;
	}
	rebase(p);
	p->state.serial = order->serial;
	p->changed = true;
}

static int replay_poll_fd(struct source *source)
{
	return ((struct replay *)source)->timer_fd;
}

static void replay_stats(struct source *source, struct source_stats *stats)
{
	(void)source;
	*stats = (struct source_stats){ 0 };
}

/* Each snapshot brings its own. */
static struct mappings *replay_mappings(struct source *source)
{
	(void)source;
	return mappings_parse("", 0, NULL);
}

const struct source_ops source_replay = {
	.name = "replay",
	.sees = "a recording (-r FILE): what was seen when it was made",
	.heat_unit = HEAT_FRACTION,
	.flags = SOURCE_NO_TARGET | SOURCE_REGIONS,
	.probe = replay_probe,
	.open = replay_open,
	.poll_fd = replay_poll_fd,
	.drain = replay_drain,
	.stats = replay_stats,
	.close = replay_close,
	.mappings = replay_mappings,
	.play = replay_play,
};
