/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/session.h"

#include <errno.h>
#include <string.h>

#include "collector/sources/sources.h"
#include "collector/target.h"

struct source_params session_params(const struct options *o)
{
	return (struct source_params){
		.attrs = o->attrs,
		.range_start = o->range_start,
		.range_end = o->range_end,
		.event = o->event,
		.physical_addresses = o->physical_addresses,
		.file = o->replay,
		.file_pid = o->replay ? o->pid : 0,
		.speed = o->speed,
		.loop = o->loop,
		.seek = o->has_seek ? &o->seek : NULL,
		.root = o->root,
		.clock = &clock_system,
		.seed = o->seed,
	};
}

static const struct source_ops *choose_source(const struct options *o, const struct source_params *params,
					      struct err *err)
{
	const struct source_ops *ops;

	if (o->demo && !params->target)
		return source_find("demo");
	if (o->physical)
		return source_find("damon_paddr")->probe(params, err) ? NULL : source_find("damon_paddr");
	if (o->replay)
		return source_replay.probe(params, err) ? NULL : &source_replay;
	if (!o->source)
		return source_choose(params, NULL, 0, err);
	ops = source_find(o->source);
	if (params->range_end && !source_takes_range(ops)) {
		err_set(err, EINVAL, "%s cannot be limited to a range: leave out --range", ops->name);
		return NULL;
	}
	return ops->probe(params, err) ? NULL : ops;
}

int session_open(struct session *s, const struct options *o, bool quiet, struct err *err)
{
	*s = (struct session){ .options = o, .quiet = quiet, .channel = channel_new(err) };
	return s->channel ? output_open(&s->output, o, err) : -err->code;
}

/* Ends the collector, if there is one. What it has said last stays in the channel. */
static void session_stop(struct session *s)
{
	struct command command = { .type = COMMAND_STOP };

	if (!s->collector)
		return;
	channel_send(s->channel, &command);
	collector_join(s->collector);
	s->collector = NULL;
	/* one that had ended before has not read them: they are not for the next */
	while (channel_next_command(s->channel, &command))
		;
}

/* What a collector that has ended has left behind is of no interest any more. */
static void session_drain(struct session *s)
{
	struct message message;

	while (channel_receive(s->channel, &message))
		snapshot_free(message.snapshot);
}

/* 0, or -errno where the recording has failed before, or only now. */
static int session_close(struct session *s, struct err *err)
{
	session_stop(s);
	channel_free(s->channel);
	spawn_end(&s->spawn);
	return output_close(s->output, err);
}

static int start_command(struct session *s, char **command, struct err *err)
{
	int rc = spawn_start(&s->spawn, command, s->quiet, err);

	return rc ? rc : spawn_release(&s->spawn, command[0], err);
}

/* Holds the target, which params then own, and chooses the source for it. NULL with err. */
static const struct source_ops *prepare_target(struct session *s, pid_t pid, struct source_params *params,
					       struct err *err)
{
	const struct source_ops *ops;

	if (s->options->replay)
		pid = 0; /* it chooses among the targets of the recording */
	if (!pid && s->options->command) {
		if (start_command(s, s->options->command, err))
			return NULL;
		pid = s->spawn.pid;
	}
	if (pid && target_open(&params->target, pid, err))
		return NULL;
	/* some sources exist once in the system: the former collector gives its own back before the next is probed */
	session_stop(s);
	ops = choose_source(s->options, params, err);
	if (ops)
		options_apply_defaults(s->options, ops->default_attrs, &params->attrs);
	if (!ops) {
		target_close(params->target);
		params->target = NULL;
	}
	return ops;
}

int session_watch(struct session *s, pid_t pid, struct err *err)
{
	struct source_params params = session_params(s->options);
	const struct source_ops *sources[] = { NULL, NULL };

	params.stays = s->stays;
	sources[0] = prepare_target(s, pid, &params, err);

	if (!sources[0])
		return -err->code;
	session_drain(s);
	return collector_start(&s->collector, sources, &params, s->channel, err);
}

int session_end(struct session *s, int rc, struct err *err)
{
	int close_rc = session_close(s, err);

	return rc ? rc : close_rc;
}
