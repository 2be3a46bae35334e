/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * damo's JSON, with or without our own fields: a list of records, each with a
 * list of snapshots. Read as a stream: a function for each level of the format,
 * none of which calls itself.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/clock.h"
#include "collector/record_fields.h"
#include "collector/recording_json_internal.h"

/* ---- a snapshot ---- */

static void clamp_us(uint64_t *us, uint64_t max)
{
	if (*us < ATTRS_MIN_INTERVAL_US)
		*us = ATTRS_MIN_INTERVAL_US;
	if (*us > max)
		*us = max;
}

/* What is out of bounds would be divided by, or multiplied with. */
static void clamp_attrs(struct attrs *a)
{
	clamp_us(&a->aggregation_us, ATTRS_MAX_INTERVAL_US);
	clamp_us(&a->aging_us, a->aggregation_us);
	clamp_us(&a->update_us, ATTRS_MAX_INTERVAL_US);
	if (a->policy != REGION_POLICY_RANDOM)
		a->policy = REGION_POLICY_DATA;
}

static bool take_snapshot_member(struct rj_reader *rd, const char *name, void *ctx, struct err *err)
{
	(void)ctx;
	if (rj_is(name, "start_time"))
		return rj_ns(rd, 1, &rd->start_ns, err);
	if (rj_is(name, "end_time"))
		return rj_ns(rd, 1, &rd->end_ns, err);
	if (rj_is(name, "regions"))
		return rj_regions(rd, err);
	if (rj_is(name, RECORD_OWN)) {
		rd->own = true;
		return rj_object(rd, rj_own_member, NULL, err) && rj_use_processes(rd, err);
	}
	return rj_skip_value(rd, err);
}

static void begin_snapshot(struct rj_reader *rd)
{
	rd->head = (struct snapshot){ .source = "replay", .attrs = attrs_default() };
	rd->own = rd->with_access = rd->with_use = rd->maps_are_new = false;
	rd->nr_processes = 0;
	rd->nr_processes_left_out = rd->nr_processes_refused = 0;
	rd->nr_use_left_out = 0;
	rd->nr = rd->nr_codes = 0;
	rd->start_ns = rd->end_ns = 0;
}

static void fill_heat(struct snapshot *s)
{
	for (size_t i = 0; i < s->nr_regions; i++)
		if (s->regions[i].heat < 0)
			s->regions[i].heat = record_implied_heat(s, &s->regions[i]);
}

static struct snapshot *own_snapshot(struct rj_reader *rd, struct err *err)
{
	struct mappings *maps = rd->maps ? mappings_get(rd->maps) : mappings_parse("", 0, NULL);
	struct snapshot *s = maps ? snapshot_new(rd->nr, rd->with_access, rd->nr_codes, maps) : NULL, made;

	if (!s) {
		err_set(err, ENOMEM, "no memory for a snapshot of the recording");
		return NULL;
	}
	made = *s;
	*s = rd->head;
	s->time_ns = rd->end_ns;
	s->maps = made.maps;
	s->nr_regions = made.nr_regions;
	s->regions = made.regions;
	s->nr_codes = made.nr_codes;
	s->open = made.open;
	s->sz_details = made.sz_details;
	if (rd->nr) {
		memcpy(s->regions, rd->v, rd->nr * sizeof(*rd->v));
		memcpy(s->open.pages, rd->pages, rd->nr * sizeof(*rd->pages));
	}
	if (rd->with_access && rd->nr)
		memcpy(s->open.access, rd->access, rd->nr * sizeof(*rd->access));
	if (rd->nr_codes)
		memcpy(s->open.codes, rd->codes, rd->nr_codes * sizeof(*rd->codes));
	clamp_attrs(&s->attrs);
	fill_heat(s);
	if (rd->with_use && snapshot_set_mappings(s, rd->use, rd->nr_use)) {
		snapshot_free(s);
		err_set(err, ENOMEM, "no memory for a snapshot of the recording");
		return NULL;
	}
	s->nr_mappings_left_out = rd->nr_use_left_out;
	s->nr_processes_left_out = rj_to_u32(rd->nr_processes_left_out);
	s->nr_processes_refused = rj_to_u32(rd->nr_processes_refused);
	if (rd->nr_processes && snapshot_set_processes(s, rd->process_uses)) {
		snapshot_free(s);
		err_set(err, ENOMEM, "no memory for a snapshot of the recording");
		return NULL;
	}
	return s;
}

static struct snapshot *foreign_snapshot(struct recording *r, struct rj_reader *rd, struct err *err)
{
	uint64_t duration_ns = rd->end_ns > rd->start_ns ? rd->end_ns - rd->start_ns : 0;
	struct snapshot *s = recording_damo_snapshot(r, rd->v, rd->nr, &rd->intervals, rd->end_ns, duration_ns, err);

	if (s && rd->key.target > 0 && rd->key.target <= INT32_MAX)
		s->pid = (pid_t)rd->key.target;
	return s;
}

/* 1, 0: one that damo has put in for its own purposes, -errno. The opening bracket has been read. */
static int take_snapshot(struct recording *r, struct rj_reader *rd, struct snapshot **snap, struct err *err)
{
	begin_snapshot(rd);
	if (!rj_members(rd, take_snapshot_member, NULL, err)) {
		rj_bad(rd, "a snapshot is wrong", err);
		return -EBADMSG;
	}
	if (!rd->nr && !rd->own)
		return 0;
	*snap = rd->own ? own_snapshot(rd, err) : foreign_snapshot(r, rd, err);
	return *snap ? 1 : -err->code;
}

/* ---- records ---- */

static bool take_interval(struct rj_reader *rd, const char *name, void *ctx, struct err *err)
{
	struct damo_intervals *intervals = ctx;

	if (rj_is(name, "sample_us"))
		return rj_us(rd, &intervals->sample_us, err);
	if (rj_is(name, "aggr_us"))
		return rj_us(rd, &intervals->aggr_us, err);
	if (rj_is(name, "ops_update_us"))
		return rj_us(rd, &intervals->update_us, err);
	return rj_skip_value(rd, err);
}

static bool same_key(const struct record_key *a, const struct record_key *b)
{
	return a->kdamond == b->kdamond && a->context == b->context && a->scheme == b->scheme && a->target == b->target;
}

/* The snapshots of a record are next: are they those to show? */
static bool choose_record(struct recording *r, struct rj_reader *rd)
{
	if (!rd->has_chosen && (!r->pid || rd->key.target == (uint64_t)r->pid)) {
		rd->has_chosen = true;
		rd->chosen = rd->key;
		if (rd->key.target > 0 && rd->key.target <= INT32_MAX)
			r->chosen_pid = (pid_t)rd->key.target;
	}
	return rd->has_chosen && same_key(&rd->key, &rd->chosen);
}

static bool begin_snapshots(struct recording *r, struct rj_reader *rd, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);

	if (token == JSON_ARRAY && choose_record(r, rd)) {
		rd->level = IN_SNAPSHOTS;
		return true;
	}
	rd->nr_others++;
	return json_pull_skip(&rd->j, token, err);
}

/* Our own of a record: which files belong together. */
static bool take_own_of_record(struct rj_reader *rd, const char *name, void *ctx, struct err *err)
{
	struct recording *r = ctx;
	uint64_t part = 0;

	if (rj_is(name, "set"))
		return rj_bytes(rd, &r->set, err);
	if (!rj_is(name, "part"))
		return rj_skip_value(rd, err);
	if (!rj_bytes(rd, &part, err))
		return false;
	r->part = rj_to_u32(part);
	return true;
}

static bool take_record_member(struct recording *r, struct rj_reader *rd, struct err *err)
{
	const char *name = rd->j.text;

	if (rj_is(name, "kdamond_idx"))
		return rj_bytes(rd, &rd->key.kdamond, err);
	if (rj_is(name, "context_idx"))
		return rj_bytes(rd, &rd->key.context, err);
	if (rj_is(name, "scheme_idx"))
		return rj_bytes(rd, &rd->key.scheme, err);
	if (rj_is(name, "target_id"))
		return rj_bytes(rd, &rd->key.target, err);
	if (rj_is(name, "intervals"))
		return rj_object(rd, take_interval, &rd->intervals, err);
	if (rj_is(name, RECORD_OWN))
		return rj_object(rd, take_own_of_record, r, err);
	if (rj_is(name, "snapshots"))
		return begin_snapshots(r, rd, err);
	return rj_skip_value(rd, err);
}

/* The end of the text. */
static int finish(struct recording *r, const struct rj_reader *rd, struct err *err)
{
	if (!rd->has_chosen && r->pid)
		return err_set(err, ENOENT, "the recording has nothing of process %d (of %" PRIu64 " other targets)",
			       (int)r->pid, rd->nr_others);
	if (rd->nr_others)
		snprintf(r->note, sizeof(r->note),
			 "the recording has %" PRIu64 " more records: -p PID chooses the target", rd->nr_others);
	return 0;
}

/* A file whose writer has been killed is good as far as it goes. */
static int failed(struct recording *r, const struct rj_reader *rd, struct err *err)
{
	if (!rd->j.cut_off)
		return err->code ? -err->code : err_set(err, EBADMSG, "the recording is malformed");
	snprintf(r->note, sizeof(r->note),
		 "the recording is cut off after %" PRIu64 " snapshots; with -o a whole one is made", r->nr_snapshots);
	*err = ERR_NONE;
	return 0;
}

/* One token of what is above the snapshots. False with err, or without: it is done. */
static bool step(struct recording *r, struct rj_reader *rd, enum json_token token, struct err *err)
{
	switch (rd->level) {
	case IN_FILE:
		rd->level = IN_LIST;
		return token == JSON_ARRAY || rj_bad(rd, "a list of records is missing", err);
	case IN_LIST:
		rd->level = IN_RECORD;
		rd->key = (struct record_key){ RJ_NOT_GIVEN, RJ_NOT_GIVEN, RJ_NOT_GIVEN, RJ_NOT_GIVEN };
		rd->intervals = (struct damo_intervals){ 0 };
		if (token == JSON_ARRAY_END) {
			json_pull_next(&rd->j, err); /* err, where there is more text */
			return false;
		}
		return token == JSON_OBJECT || rj_bad(rd, "a record is missing", err);
	case IN_RECORD:
		if (token == JSON_KEY)
			return take_record_member(r, rd, err);
		rd->level = IN_LIST;
		return true;
	case IN_SNAPSHOTS:
		break;
	}
	if (token != JSON_ARRAY_END)
		return rj_bad(rd, "a snapshot is missing", err);
	rd->level = IN_RECORD;
	return true;
}

static int json_next(struct recording *r, struct snapshot **snap, struct err *err)
{
	struct rj_reader *rd = r->format_data;

	for (;;) {
		enum json_token token = json_pull_next(&rd->j, err);
		int rc = 0;

		if (token == JSON_ERROR)
			return failed(r, rd, err);
		if (rd->level == IN_SNAPSHOTS && token == JSON_OBJECT) {
			rc = take_snapshot(r, rd, snap, err);
			if (rc)
				return rc > 0 ? rc : failed(r, rd, err);
		} else if (!step(r, rd, token, err)) {
			return err->code ? failed(r, rd, err) : finish(r, rd, err);
		}
	}
}

static bool json_accepts(const char *head, size_t len)
{
	size_t i = 0;

	while (i < len && strchr(" \t\r\n", head[i]) && head[i])
		i++;
	return i < len && head[i] == '[';
}

static int json_open(struct recording *r, struct err *err)
{
	struct rj_reader *rd = calloc(1, sizeof(*rd));

	if (!rd)
		return err_set(err, ENOMEM, "no memory to read a recording");
	json_pull_init(&rd->j, recording_read, r, RECORDING_MAX_TEXT);
	r->format_data = rd;
	return 0;
}

static void json_close(struct recording *r)
{
	struct rj_reader *rd = r->format_data;

	if (!rd)
		return;
	json_pull_free(&rd->j);
	mappings_put(rd->maps);
	free(rd->v);
	free(rd->pages);
	free(rd->access);
	free(rd->codes);
	free(rd->use);
	free(rd);
}

const struct recording_ops recording_json = {
	.name = "json",
	.accepts = json_accepts,
	.open = json_open,
	.next = json_next,
	.close = json_close,
};
