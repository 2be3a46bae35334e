/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording, played at the pace at which it was recorded (or a multiple of
 * that). Its snapshots go to the screen as they are: what was live looks the
 * same again. Batch output and reports read recordings without this source, as
 * fast as they can.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "collector/recording.h"
#include "collector/sources/sources.h"

/* Handed over in one go where it lags behind: commands are taken in between, and the screen keeps up. */
#define MAX_SNAPSHOTS 16

struct replay {
	struct source source;
	const struct clock *clock;
	double speed;
	struct recording *recording;
	struct snapshot *next;
	uint64_t begin_ns, first_ns; /* on our clock, and on that of the recording */
	uint64_t nr_snapshots;
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
	snapshot_free(p->next);
	if (p->timer_fd >= 0)
		close(p->timer_fd);
	free(p);
}

static int replay_open(struct source **source, const struct source_params *params, struct err *err)
{
	struct replay *p;
	int rc;

	*source = NULL;
	if (!params->file)
		return err_set(err, EINVAL, "nothing to replay: give -r FILE");
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_set(err, ENOMEM, "no memory to replay");
	p->source.ops = &source_replay;
	p->clock = params->clock;
	p->speed = params->speed > 0 ? params->speed : 1;
	p->begin_ns = clock_now_ns(p->clock);
	p->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	rc = p->timer_fd < 0 ? err_set(err, errno, "timerfd: %s", strerror(errno))
			     : recording_open(&p->recording, params->file, params->file_pid, &params->attrs, err);
	if (rc) {
		replay_close(&p->source);
		return rc;
	}
	*source = &p->source;
	return 0;
}

static uint64_t due_ns(const struct replay *p)
{
	double recorded_ns = p->next->time_ns > p->first_ns ? (double)(p->next->time_ns - p->first_ns) : 0;
	double ns = recorded_ns / p->speed;

	return ns < 0x1p62 ? p->begin_ns + (uint64_t)ns : UINT64_MAX;
}

static void set_timer(const struct replay *p, uint64_t at_ns)
{
	struct itimerspec timer = { .it_value = { .tv_sec = (time_t)(at_ns / NSEC_PER_SEC),
						  .tv_nsec = (long)(at_ns % NSEC_PER_SEC) + !at_ns } };

	timerfd_settime(p->timer_fd, TFD_TIMER_ABSTIME, &timer, NULL);
}

static int replay_drain(struct source *source, struct sink *sink, struct err *err)
{
	struct replay *p = (struct replay *)source;

	for (int i = 0; i < MAX_SNAPSHOTS; i++) {
		if (!p->next) {
			int rc = recording_next(p->recording, &p->next, err);

			if (rc <= 0)
				return rc ? rc : -ESRCH;
			if (!p->nr_snapshots++)
				p->first_ns = p->next->time_ns;
		}
		if (due_ns(p) > clock_now_ns(p->clock))
			break;
		sink->snapshot(sink, p->next);
		p->next = NULL;
	}
	set_timer(p, p->next ? due_ns(p) : 1);
	return 0;
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
};
