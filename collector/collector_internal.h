/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * collector_internal.h - what the files of the collector share: its state, for
 * the course of an aggregation (collector.c), for the sources that watch
 * (collector_streams.c) and for commands (collector_commands.c). Nobody else
 * includes this. Collector thread only, thread and fds of waiting excepted.
 */
#ifndef COLLECTOR_COLLECTOR_INTERNAL_H
#define COLLECTOR_COLLECTOR_INTERNAL_H

#include <pthread.h>

#include "collector/collector.h"
#include "collector/page_attrs.h"
#include "collector/stream.h"

struct collector {
	struct source_params params;
	struct channel *channel;
	struct target *target;	       /* NULL: each source has its own */
	struct page_attrs *page_attrs; /* NULL: without a target */
	struct stream streams[SOURCE_MAX_AT_ONCE];
	unsigned nr_streams; /* open ones, and those that were lost */
	struct attrs attrs;  /* of the aggregation that is under way */
	struct attrs next;   /* asked for, from the next one on */
	bool has_next;
	struct range next_limit;
	bool has_next_limit;
	struct command next_source[SOURCE_MAX_AT_ONCE];
	bool has_next_source[SOURCE_MAX_AT_ONCE];
	char event[COMMAND_EVENT_SIZE]; /* params.event points to it once a command has set it */
	unsigned nr_sharing;		/* sources that the budget is for */
	bool stop;
	struct err failure;			      /* why it ends, if not as asked */
	uint64_t begin_ns;			      /* of the aggregation */
	uint64_t aging_ns, aggregation_ns, update_ns; /* due at */
	uint64_t seq;
	uint32_t flags; /* enum snap_flags for the next snapshots */
	uint64_t last_cpu_ns, last_target_cpu_ns;
	/* with a thread */
	pthread_t thread;
	int epoll_fd, timer_fd;
};

/* The first of those that watch (after: NULL), or the one behind after; NULL: there is none. */
struct stream *collector_next_stream(const struct collector *c, const struct stream *after);
#define for_each_open_stream(s, c) \
	for (struct stream *s = collector_next_stream(c, NULL); s; s = collector_next_stream(c, s))

uint64_t collector_now_ns(const struct collector *c);
/* snap is taken over. err: NULL where there is nothing to say. */
void collector_publish(struct collector *c, enum message_type type, struct snapshot *snap, const struct err *err);

/* A hook that hands over; NULL is fine. False: the source has not looked. */
bool collector_take(struct collector *c, struct stream *s,
		    int (*hook)(struct source *source, struct sink *sink, struct err *err));
/* A hook without a sink; NULL is fine. */
void collector_call(struct stream *s, int (*hook)(struct source *source, struct err *err));

/* ---- collector_streams.c ---- */

/* All that can be opened. 0; -errno where none can, with the reason of the first. */
int collector_open_streams(struct collector *c, struct err *err);
void collector_close_streams(struct collector *c);
/* Those that cannot go on end, and the others go on; with the last one all ends. */
void collector_drop_failed(struct collector *c);
/* Attributes that ask the kernel to tune its intervals: -ENOTSUP where no source of ours has it do so. */
int collector_check_tuning(const struct collector *c, const struct attrs *attrs, struct err *err);
/* Another source as number i, or none. */
void collector_choose_source(struct collector *c, unsigned i, const struct command *command);
/* To all sources, or where one refuses to none. 0 or -errno. */
int collector_set_attrs(struct collector *c, const struct attrs *attrs, struct err *err);
/* Waits for this fd too; -1: there is none. 0 or -1 with errno. */
int collector_watch(struct collector *c, int fd);

/* ---- collector_commands.c ---- */

/* What the other thread has asked for. Most of it takes effect at the end of the aggregation. */
void collector_take_commands(struct collector *c);
bool collector_command_waits(const struct collector *c);
/* The aggregation has ended: what waits takes effect. */
void collector_apply_commands(struct collector *c);

#endif
