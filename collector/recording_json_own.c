/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our own fields of a snapshot in a JSON recording. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "collector/damo_number.h"
#include "collector/record_fields.h"
#include "collector/recording_json_internal.h"
#include "collector/snapshot_json.h"
#include "collector/source.h"
#include "collector/space.h"
#include "collector/text.h"

#define NR_USE_NUMBERS 8 /* of each in "mapping_use" */

#define HEAD(name)                                                                           \
	{                                                                                    \
#name, offsetof(struct snapshot, name), sizeof(((struct snapshot *)0)->name) \
	}

static const struct record_field head_fields[] = {
	HEAD(seq),	     HEAD(wall_ns),	    HEAD(duration_ns), HEAD(nr_threads),
	HEAD(target_cpu_us), HEAD(max_nr_accesses), HEAD(wss_bytes),   HEAD(rss_bytes),
	HEAD(wss_window_ns), HEAD(wss_age_ns),
};

static bool take_field(struct rj_reader *rd, const struct record_field *fields, size_t nr, const char *name,
		       void *object, bool *found, struct err *err)
{
	uint64_t value = 0;

	for (size_t i = 0; i < nr; i++) {
		if (!rj_is(name, fields[i].name))
			continue;
		*found = true;
		if (!rj_bytes(rd, &value, err))
			return false;
		record_field_set(&fields[i], object, value);
		return true;
	}
	*found = false;
	return true;
}

static bool take_attr(struct rj_reader *rd, const char *name, void *ctx, struct err *err)
{
	bool found, good = take_field(rd, record_attrs_fields, RECORD_NR_ATTRS, name, ctx, &found, err);

	return found || !good ? good : rj_skip_value(rd, err);
}

static bool take_stat(struct rj_reader *rd, const char *name, void *ctx, struct err *err)
{
	bool found, good = take_field(rd, record_stats_fields, RECORD_NR_STATS, name, ctx, &found, err);

	return found || !good ? good : rj_skip_value(rd, err);
}

static bool take_maps(struct rj_reader *rd, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);
	struct err inner = ERR_NONE;
	struct mappings *maps;

	if (token != JSON_STRING)
		return json_pull_skip(&rd->j, token, err);
	maps = mappings_parse(rd->j.text, rd->j.len, &inner);
	if (!maps) {
		err_set(err, inner.code ? inner.code : EBADMSG,
			"the mappings before byte %" PRIu64 " of the JSON text: %s", json_pull_offset(&rd->j),
			inner.text);
		return false;
	}
	mappings_put(rd->maps);
	rd->maps = maps;
	rd->maps_are_new = true;
	return true;
}

/* Text numbers from here on in a list, which is not left. */
static bool take_next_number(struct rj_reader *rd, uint64_t *value, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);

	return rj_is_text(token) && damo_number_bytes(rd->j.text, value);
}

/* One list of "processes", whose opening bracket has been read. */
static bool take_process(struct rj_reader *rd, struct mappings_process *p, struct snap_process *use, struct err *err)
{
	uint64_t head[3] = { 0 }, v[6] = { 0 };
	bool good = true;
	size_t i;

	for (i = 0; good && i < 3; i++)
		good = take_next_number(rd, &head[i], err);
	good = good && json_pull_next(&rd->j, err) == JSON_STRING;
	if (good)
		text_clean(p->comm, sizeof(p->comm), rd->j.text, rd->j.len);
	for (i = 0; good && i < 6; i++)
		good = take_next_number(rd, &v[i], err);
	good = good && json_pull_next(&rd->j, err) == JSON_ARRAY_END;
	/* sorted by space, as what is looked for is */
	if (!good || head[0] >= SPACE_MAX || !head[1] || head[1] > INT32_MAX || v[4] > TARGET_EXITED ||
	    (rd->nr_processes && head[0] <= p[-1].space))
		return rj_bad(rd, "a process is wrong", err);
	p->space = (uint8_t)head[0];
	p->pid = (pid_t)head[1];
	p->start_ticks = head[2];
	*use = (struct snap_process){ .wss_bytes = v[0],
				      .rss_bytes = v[1],
				      .cpu_us = v[2],
				      .nr_threads = rj_to_u32(v[3]),
				      .state = (uint8_t)v[4],
				      .flags = (uint8_t)(v[5] & (SNAP_WSS_KNOWN | SNAP_WSS_EXACT | SNAP_RSS_KNOWN)) };
	return true;
}

static bool take_processes(struct rj_reader *rd, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);

	if (token != JSON_ARRAY)
		return json_pull_skip(&rd->j, token, err);
	rd->nr_processes = 0;
	while ((token = json_pull_next(&rd->j, err)) == JSON_ARRAY) {
		if (rd->nr_processes == MAPPINGS_MAX_PROCESSES)
			return rj_bad(rd, "too many processes", err);
		if (!take_process(rd, &rd->processes[rd->nr_processes], &rd->process_uses[rd->nr_processes], err))
			return false;
		rd->nr_processes++;
	}
	return token == JSON_ARRAY_END || (token != JSON_ERROR && rj_bad(rd, "a process is wrong", err));
}

/* The mappings in force are theirs. */
bool rj_use_processes(struct rj_reader *rd, struct err *err)
{
	if (!rd->nr_processes)
		return true;
	if (!rd->maps_are_new && rd->maps && rd->maps->nr_processes == rd->nr_processes)
		return true;
	if (!rd->maps_are_new)
		return rj_bad(rd, "processes without their mappings", err);
	if (!mappings_set_processes(rd->maps, rd->processes, rd->nr_processes))
		return true;
	err_set(err, ENOMEM, "no memory for the processes of a recording");
	return false;
}

/* One list of "mapping_use", whose opening bracket has been read. */
static bool take_use(struct rj_reader *rd, struct mapping_report *m, struct err *err)
{
	uint64_t v[NR_USE_NUMBERS - 1] = { 0 };
	enum json_token token;

	for (size_t i = 0; i < NR_USE_NUMBERS - 1; i++) {
		token = json_pull_next(&rd->j, err);
		if (!rj_is_text(token) || !damo_number_bytes(rd->j.text, &v[i]))
			return rj_bad(rd, "the use of a mapping is wrong", err);
	}
	*m = (struct mapping_report){ .start = v[0],
				      .end = v[1],
				      .rss_bytes = v[2],
				      .referenced_bytes = v[3],
				      .window_ns = v[4],
				      .valid = (uint32_t)v[5],
				      .nr_windows = (uint32_t)v[6] };
	if (!rj_real(rd, &m->accesses_per_sec, err))
		return false;
	if (m->start >= m->end || (rd->nr_use && m->start < rd->use[rd->nr_use - 1].end))
		return rj_bad(rd, "the mappings in use are not in order", err);
	return json_pull_next(&rd->j, err) == JSON_ARRAY_END || rj_bad(rd, "the use of a mapping is wrong", err);
}

static bool take_mapping_use(struct rj_reader *rd, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);

	if (token != JSON_ARRAY)
		return json_pull_skip(&rd->j, token, err);
	if (!rd->use)
		rd->use = calloc(SNAPSHOT_MAX_MAPPINGS, sizeof(*rd->use));
	if (!rd->use) {
		err_set(err, ENOMEM, "no memory for the use of mappings");
		return false;
	}
	rd->with_use = true;
	rd->nr_use = 0;
	while ((token = json_pull_next(&rd->j, err)) == JSON_ARRAY) {
		if (rd->nr_use == SNAPSHOT_MAX_MAPPINGS)
			return rj_bad(rd, "too many mappings in use", err);
		if (!take_use(rd, &rd->use[rd->nr_use], err))
			return false;
		rd->nr_use++;
	}
	return token == JSON_ARRAY_END || (token != JSON_ERROR && rj_bad(rd, "the use of a mapping is wrong", err));
}

/* One of names, by its index; the first where it is none of them. */
static bool take_name(struct rj_reader *rd, const char *const *names, size_t nr, unsigned *index, struct err *err)
{
	char name[32] = "";

	if (!rj_clean(rd, name, sizeof(name), err))
		return false;
	*index = 0;
	for (unsigned i = 0; i < nr; i++)
		if (rj_is(name, names[i]))
			*index = i;
	return true;
}

static bool take_state(struct rj_reader *rd, struct err *err)
{
	const char *names[] = { target_state_name(TARGET_RUNNING), target_state_name(TARGET_STOPPED),
				target_state_name(TARGET_ZOMBIE), target_state_name(TARGET_EXITED) };
	unsigned i;

	if (!take_name(rd, names, 4, &i, err))
		return false;
	rd->head.state = (enum target_state)i;
	return true;
}

static bool take_heat_unit(struct rj_reader *rd, struct err *err)
{
	const char *names[] = { heat_unit_name(HEAT_FRACTION), heat_unit_name(HEAT_RATE), heat_unit_name(HEAT_TIME) };
	unsigned i;

	if (!take_name(rd, names, 3, &i, err))
		return false;
	rd->head.heat_unit = (enum heat_unit)i;
	return true;
}

/* The name of a source, as its own constant. */
static bool take_source(struct rj_reader *rd, const char **source, struct err *err)
{
	const struct source_ops *ops;
	char name[32] = "";

	if (!rj_clean(rd, name, sizeof(name), err))
		return false;
	ops = source_find(name);
	*source = ops ? ops->name : "replay";
	return true;
}

static bool take_pid(struct rj_reader *rd, struct err *err)
{
	uint64_t pid = 0;

	if (!rj_bytes(rd, &pid, err))
		return false;
	rd->head.pid = pid <= INT32_MAX ? (pid_t)pid : 0;
	return true;
}

/* Those that are there or not, and say something by that. */
static bool take_flag(struct rj_reader *rd, const char *name, bool *found, struct err *err)
{
	bool value;

	*found = true;
	for (size_t i = 0; i < RECORD_NR_FLAGS; i++) {
		if (!rj_is(name, record_flags[i].name))
			continue;
		if (!rj_bool(rd, &value, err))
			return false;
		rd->head.flags |= value ? record_flags[i].flag : 0;
		return true;
	}
	*found = rj_is(name, "wss_exact");
	if (!*found)
		return true;
	if (!rj_bool(rd, &value, err))
		return false;
	rd->head.flags |= value ? SNAP_WSS_EXACT : 0;
	return true;
}

bool rj_own_member(struct rj_reader *rd, const char *name, void *ctx, struct err *err)
{
	struct snapshot *s = &rd->head;
	bool found;

	(void)ctx;
	s->flags |= rj_is(name, "wss_bytes") ? SNAP_WSS_KNOWN : rj_is(name, "rss_bytes") ? SNAP_RSS_KNOWN : 0;
	if (!take_field(rd, head_fields, sizeof(head_fields) / sizeof(head_fields[0]), name, s, &found, err))
		return false;
	if (found)
		return true;
	if (rj_is(name, "attrs"))
		return rj_object(rd, take_attr, &s->attrs, err);
	if (rj_is(name, "stats"))
		return rj_object(rd, take_stat, &s->stats, err);
	if (rj_is(name, "pid"))
		return take_pid(rd, err);
	if (rj_is(name, "state"))
		return take_state(rd, err);
	if (rj_is(name, "comm"))
		return rj_clean(rd, s->comm, sizeof(s->comm), err);
	if (rj_is(name, "note"))
		return rj_clean(rd, s->note, sizeof(s->note), err);
	if (rj_is(name, "source"))
		return take_source(rd, &s->source, err);
	if (rj_is(name, "regions_from"))
		return take_source(rd, &s->regions_from, err);
	if (rj_is(name, "mappings_from"))
		return take_source(rd, &s->mappings_from, err);
	if (rj_is(name, "heat_unit"))
		return take_heat_unit(rd, err);
	if (rj_is(name, "maps"))
		return take_maps(rd, err);
	if (rj_is(name, "processes"))
		return take_processes(rd, err);
	if (rj_is(name, "processes_left_out"))
		return rj_bytes(rd, &rd->nr_processes_left_out, err);
	if (rj_is(name, "processes_refused"))
		return rj_bytes(rd, &rd->nr_processes_refused, err);
	if (rj_is(name, "mapping_use"))
		return take_mapping_use(rd, err);
	if (rj_is(name, "mapping_use_left_out"))
		return rj_bytes(rd, &rd->nr_use_left_out, err);
	if (!take_flag(rd, name, &found, err))
		return false;
	return found || rj_skip_value(rd, err);
}
