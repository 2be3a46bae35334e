/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * collector_internal.h - what the files of the collector share: its state, for
 * the course of an aggregation (collector.c), for the sources that watch
 * (collector_streams.c), for the processes that are watched (collector_processes.c)
 * and for commands (collector_commands.c). Nobody else includes this. Collector thread only, thread and fds of waiting
 * excepted.
 */
#ifndef COLLECTOR_COLLECTOR_INTERNAL_H
#define COLLECTOR_COLLECTOR_INTERNAL_H

#include <pthread.h>

#include "collector/collector.h"
#include "collector/family.h"
#include "collector/page_attrs.h"
#include "collector/stream.h"

/* One of the processes that are watched, with what each source makes of it. */
struct watched {
	unsigned at;		       /* index in watched */
	uint8_t space;		       /* space.h */
	struct target *target;	       /* NULL: each source has its own */
	struct page_attrs *page_attrs; /* NULL: without a target */
	struct stream streams[SOURCE_MAX_AT_ONCE];
	bool ended;	   /* one of several: its last words are in the aggregation under way, then it goes */
	uint64_t begin_ns; /* of the aggregation, or when it came */
	uint64_t last_cpu_ns;
};

struct collector {
	struct source_params params;
	struct channel *channel;
	/* By rising space; the process that was asked for is the first while it lives. Never empty. */
	struct watched *watched[MAPPINGS_MAX_PROCESSES];
	uint32_t nr_watched;
	const struct source_ops *sources[SOURCE_MAX_AT_ONCE];
	unsigned nr_sources; /* open ones, and those that were lost */
	/* descendants */
	bool with_children;
	bool range_is_for_each; /* params.range_* are addresses of each process, not places: as given at the start */
	struct family family;
	pid_t first_pid; /* of the process that was asked for, also when it has ended */
	char first_comm[TARGET_COMM_SIZE];
	unsigned last_space;	 /* given away last */
	struct mappings *joined; /* of all that are watched, while with_children; NULL: not made yet */
	bool joined_is_stale;	 /* to be made anew */
	uint64_t look_ns;	 /* when descendants are looked for next */
	struct attrs attrs;	 /* of the aggregation that is under way */
	struct attrs next;	 /* asked for, from the next one on */
	bool has_next;
	struct range next_limit;
	bool has_next_limit;
	struct command next_source[SOURCE_MAX_AT_ONCE];
	bool has_next_source[SOURCE_MAX_AT_ONCE];
	char event[COMMAND_EVENT_SIZE]; /* params.event points to it once a command has set it */
	unsigned nr_sharing;		/* sources that the budget is for */
	unsigned nr_sharing_targets;	/* processes that the limits are for */
	bool has_next_children, next_children;
	bool stop;
	struct err failure;			      /* why it ends, if not as asked */
	uint64_t begin_ns;			      /* of the aggregation */
	uint64_t aging_ns, aggregation_ns, update_ns; /* due at */
	uint64_t seq;
	uint32_t flags; /* enum snap_flags for the next snapshots */
	uint64_t last_cpu_ns;
	/* with a thread */
	pthread_t thread;
	int epoll_fd, timer_fd;
};

/* The first of those that watch a process that lives (after: NULL), or the one behind after; NULL: there is none. */
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

/* Attributes for one source of one process: what is for all of them is shared. */
struct attrs collector_share(const struct collector *c);
/* Is it among those that watch? One that was lost is not. */
bool collector_has_source(const struct collector *c, unsigned i);
/* Source i on this process; -errno: nothing is left open. */
int collector_open_stream(struct collector *c, struct watched *w, unsigned i, const struct source_ops *ops,
			  struct err *err);
/* As many as there are now share what is for all. */
void collector_share_anew(struct collector *c);
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

/* ---- collector_processes.c ---- */

/* The process that was asked for, which takes over target (NULL: sources have their own). 0 or -errno. */
int collector_add_first(struct collector *c, struct target *target, struct err *err);
/* All of them, and what is known of their family. */
void collector_free_watched(struct collector *c);
/* Looks for descendants where that is due, and takes them in. */
void collector_look_for_children(struct collector *c);
/* Those that have ended while others live: their last words. True: all have ended. */
bool collector_see_ended(struct collector *c);
/* It cannot go on, and others do: what it has seen is lost. */
void collector_drop_process(struct collector *c, struct watched *w, const struct err *why);
/* The aggregation is over: who has ended goes. */
void collector_drop_ended(struct collector *c);
/* Descendants too from now on, or not any more. */
void collector_set_children(struct collector *c, bool with_children);
/* What of the range that is watched is this process's, as addresses; where nothing is, a range that holds nothing. */
void collector_range_of(const struct collector *c, const struct watched *w, uint64_t *start, uint64_t *end);
/* The mappings of all as one table; not a reference of the caller's. NULL: no memory. */
struct mappings *collector_joined_maps(struct collector *c);

/* ---- collector_commands.c ---- */

/* What the other thread has asked for. Most of it takes effect at the end of the aggregation. */
void collector_take_commands(struct collector *c);
bool collector_command_waits(const struct collector *c);
/* The aggregation has ended: what waits takes effect. */
void collector_apply_commands(struct collector *c);

#endif
