/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel.h - all that the two threads share.
 *
 * A bounded ring of messages from the collector thread to the tui thread, a
 * bounded ring of commands the other way, an eventfd each. Where the message
 * ring is full the oldest snapshot is dropped and counted: the collector never
 * waits for the screen. A mutex guards a handful of pointer moves; nobody holds
 * it while doing anything else. The creator owns the channel and frees it after
 * the collector thread has ended.
 */
#ifndef COLLECTOR_CHANNEL_H
#define COLLECTOR_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/attrs.h"
#include "collector/err.h"
#include "collector/play.h"
#include "collector/snapshot.h"

#define CHANNEL_NR_MESSAGES 64
#define CHANNEL_NR_COMMANDS 64

enum message_type {
	MESSAGE_SNAPSHOT, /* snapshot is the receiver's now */
	MESSAGE_NOTICE,	  /* err: a command was refused; collection goes on as it was */
	MESSAGE_LOST,	  /* err: why one of several sources (source_index) is watched no more; the others go on */
	MESSAGE_PLAY,	  /* play: where a replay is, behind the snapshots that it has handed over */
	MESSAGE_ENDED,	  /* the last message. err.code 0: as asked, or the target has ended; else why not */
};

struct message {
	enum message_type type;
	unsigned source_index; /* MESSAGE_LOST */
	struct snapshot *snapshot;
	struct err err;
	struct play_state play;
};

enum command_type {
	COMMAND_ATTRS,	  /* new attributes, from the next aggregation on */
	COMMAND_RANGE,	  /* only [start, end) from the next aggregation on; both 0: everything */
	COMMAND_PLAY,	  /* play: of a recording */
	COMMAND_SOURCE,	  /* another source as number source_index of those that watch, from the next aggregation on */
	COMMAND_CHILDREN, /* with_children: the target's descendants too, or not any more */
	COMMAND_STOP,
};

/* COMMAND_SOURCE: which. One that cannot be had is told: as MESSAGE_LOST, or where nothing has changed as a notice. */
enum command_source {
	COMMAND_SOURCE_BEST, /* in the order of preference, that can be used beside the other */
	COMMAND_SOURCE_NEXT, /* ... behind the one there is now, and round */
	COMMAND_SOURCE_NONE,
	COMMAND_SOURCE_NAMED, /* ops, with event */
};

#define COMMAND_EVENT_SIZE 96

struct source_ops;

struct command {
	enum command_type type;
	struct attrs attrs;
	uint64_t start, end;
	struct play_order play;
	enum command_source source;
	unsigned source_index;
	bool with_children;
	const struct source_ops *ops;	/* COMMAND_SOURCE_NAMED */
	char event[COMMAND_EVENT_SIZE]; /* ... of perf, in libpfm4's notation; "": what it chooses */
};

struct channel;

struct channel *channel_new(struct err *err);
void channel_free(struct channel *ch);

/* Collector thread. A MESSAGE_ENDED is never dropped. Takes over message->snapshot. */
void channel_publish(struct channel *ch, const struct message *message);
/* Collector thread. True and *command, or false: there is none. */
bool channel_next_command(struct channel *ch, struct command *command);
/* Readable when a command waits. */
int channel_command_fd(const struct channel *ch);
/* Messages that it has room for before a snapshot is dropped. Either thread. */
size_t channel_room(struct channel *ch);
/* Snapshots dropped so far, for want of a reader. Either thread. */
uint64_t channel_nr_dropped(struct channel *ch);

/* Tui thread. False: the ring of commands is full, try at the next key. */
bool channel_send(struct channel *ch, const struct command *command);
/* Tui thread. True and *message, or false: there is none. */
bool channel_receive(struct channel *ch, struct message *message);
/* Readable when a message waits. */
int channel_message_fd(const struct channel *ch);

#endif
