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
		.children = o->children,
		.seed = o->seed,
	};
}

/* The sources that were named: all of them, or -errno with why one cannot be used. */
static int named_sources(const struct options *o, const struct source_params *params, const struct source_ops **list,
			 struct err *err)
{
	int rc = source_parse_list(o->source, list, err);

	for (size_t i = 0; !rc && list[i]; i++) {
		if (params->range_end && !source_takes_range(list[i]))
			rc = err_set(err, EINVAL, "%s cannot be limited to a range: leave out --range", list[i]->name);
		else if (params->children)
			rc = source_check_children(list[i], err);
		if (!rc)
			rc = list[i]->probe(params, err);
	}
	return rc;
}

static int choose_sources(const struct options *o, const struct source_params *params, const struct source_ops **list,
			  struct err *err)
{
	list[1] = NULL;
	if (o->demo && !params->target) {
		list[0] = source_find("demo");
		return 0;
	}
	if (o->physical || o->replay) {
		list[0] = o->physical ? source_find("damon_paddr") : &source_replay;
		return list[0]->probe(params, err);
	}
	if (o->source)
		return named_sources(o, params, list, err);
	list[0] = source_choose(params, NULL, 0, err);
	return list[0] ? 0 : -err->code;
}

/* Where their defaults differ, the first one's are taken. */
static void apply_defaults(const struct options *o, const struct source_ops *const *list, struct attrs *attrs)
{
	size_t nr = 0;

	while (list[nr])
		nr++;
	while (nr--)
		options_apply_defaults(o, list[nr]->default_attrs, attrs);
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

/* Holds the target, which params then own, and chooses the sources for it. 0 or -errno. */
static int prepare_target(struct session *s, pid_t pid, struct source_params *params, const struct source_ops **list,
			  struct err *err)
{
	int rc;

	if (s->options->replay)
		pid = 0; /* it chooses among the targets of the recording */
	if (!pid && s->options->command) {
		rc = start_command(s, s->options->command, err);
		if (rc)
			return rc;
		pid = s->spawn.pid;
	}
	rc = pid ? target_open(&params->target, pid, err) : 0;
	if (rc)
		return rc;
	/* some sources exist once in the system: the former collector gives its own back before the next is probed */
	session_stop(s);
	params->unasked = !s->options->source;
	rc = choose_sources(s->options, params, list, err);
	if (rc) {
		target_close(params->target);
		params->target = NULL;
		return rc;
	}
	apply_defaults(s->options, list, &params->attrs);
	return 0;
}

int session_watch(struct session *s, pid_t pid, struct err *err)
{
	struct source_params params = session_params(s->options);
	const struct source_ops *sources[SOURCE_MAX_AT_ONCE + 1] = { NULL };
	int rc;

	params.stays = s->stays;
	rc = prepare_target(s, pid, &params, sources, err);
	if (rc)
		return rc;
	session_drain(s);
	return collector_start(&s->collector, sources, &params, s->channel, err);
}

int session_end(struct session *s, int rc, struct err *err)
{
	int close_rc = session_close(s, err);

	return rc ? rc : close_rc;
}
