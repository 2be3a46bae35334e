/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * damo's JSON, with or without our own fields: a list of records, each with a
 * list of snapshots. Read as a stream: a function for each level of the format,
 * none of which calls itself.
 */
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/clock.h"
#include "collector/damo_number.h"
#include "collector/json_pull.h"
#include "collector/record_fields.h"
#include "collector/recording_internal.h"
#include "collector/snapshot_json.h"
#include "collector/source.h"
#include "collector/space.h"
#include "collector/text.h"

#define NR_ACCESS_NUMBERS 13 /* of "access" */
#define NR_USE_NUMBERS	  8  /* of each in "mapping_use" */
#define NOT_GIVEN	  UINT64_MAX

/* What makes records one: the same target, seen by the same monitor. NOT_GIVEN: null, or missing. */
struct record_key {
	uint64_t kdamond, context, scheme, target;
};

struct reader {
	struct json_pull j;
	enum { IN_FILE, IN_LIST, IN_RECORD, IN_SNAPSHOTS } level;
	struct record_key key, chosen;
	bool has_chosen;
	uint64_t nr_others; /* records of other targets */
	struct damo_intervals intervals;
	/* the snapshot that is being read */
	struct snapshot head;
	bool own;
	uint64_t start_ns, end_ns;
	struct snap_region *v;
	struct snap_pages *pages;
	struct snap_access *access;
	struct snap_code *codes;
	size_t nr, cap, nr_codes, cap_codes;
	bool with_access;
	struct mapping_report *use; /* SNAPSHOT_MAX_MAPPINGS of them, once there are any */
	size_t nr_use;
	uint64_t nr_use_left_out;
	bool with_use;
	struct mappings *maps; /* of our own files: in force since the snapshot that brought them */
	bool maps_are_new;     /* this one has brought them */
	struct mappings_process processes[MAPPINGS_MAX_PROCESSES];
	struct snap_process process_uses[MAPPINGS_MAX_PROCESSES];
	size_t nr_processes;
	uint64_t nr_processes_left_out, nr_processes_refused;
};

/* ---- values ---- */

static bool bad(struct reader *rd, const char *what, struct err *err)
{
	err_set(err, EBADMSG, "%s at byte %" PRIu64 " of the JSON text (line %" PRIu64 ")", what,
		json_pull_offset(&rd->j), json_pull_line(&rd->j));
	return false;
}

static bool is_text(enum json_token token)
{
	return token == JSON_STRING || token == JSON_NUMBER;
}

/* The value of the key that has just been read, as a number. null leaves *value alone. */
static bool take_bytes(struct reader *rd, uint64_t *value, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);

	if (token == JSON_NULL)
		return true;
	if (token == JSON_ERROR)
		return false;
	return (is_text(token) && damo_number_bytes(rd->j.text, value)) || bad(rd, "a number is wrong", err);
}

static bool take_ns(struct reader *rd, uint64_t unit_ns, uint64_t *value, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);

	if (token == JSON_NULL)
		return true;
	if (token == JSON_ERROR)
		return false;
	return (is_text(token) && damo_number_ns(rd->j.text, unit_ns, value)) || bad(rd, "a time is wrong", err);
}

static bool take_us(struct reader *rd, uint64_t *value, struct err *err)
{
	uint64_t ns = *value * NSEC_PER_USEC;

	if (!take_ns(rd, NSEC_PER_USEC, &ns, err))
		return false;
	*value = ns / NSEC_PER_USEC;
	return true;
}

static bool take_real(struct reader *rd, double *value, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);
	char *end;

	if (token == JSON_NULL)
		return true;
	if (token == JSON_ERROR)
		return false;
	*value = is_text(token) ? strtod(rd->j.text, &end) : -1;
	return (*value >= 0 && *value <= FLT_MAX) || bad(rd, "a number is wrong", err);
}

static bool take_bool(struct reader *rd, bool *value, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);

	*value = token == JSON_TRUE;
	return json_pull_skip(&rd->j, token, err);
}

/* Text, made printable. */
static bool take_clean(struct reader *rd, char *dst, size_t size, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);

	if (token == JSON_STRING)
		text_clean(dst, size, rd->j.text, rd->j.len);
	return json_pull_skip(&rd->j, token, err);
}

/* An array of at most max whole numbers. Those that it has not are 0. */
static bool take_numbers(struct reader *rd, uint64_t *v, size_t max, size_t *nr, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);

	memset(v, 0, max * sizeof(*v));
	*nr = 0;
	if (token != JSON_ARRAY)
		return token != JSON_ERROR && bad(rd, "a list of numbers is missing", err);
	while ((token = json_pull_next(&rd->j, err)) != JSON_ARRAY_END) {
		if (token == JSON_ERROR)
			return false;
		if (*nr == max || !is_text(token) || !damo_number_bytes(rd->j.text, &v[(*nr)++]))
			return bad(rd, "a list of numbers is wrong", err);
	}
	return true;
}

/*
 * Goes through the members of an object: take() gets each with its name in j.text, and has to read its value. The
 * opening bracket is read here.
 */
typedef bool (*take_fn)(struct reader *rd, const char *name, void *ctx, struct err *err);

static bool skip_value(struct reader *rd, struct err *err)
{
	return json_pull_skip(&rd->j, json_pull_next(&rd->j, err), err);
}

static bool take_members(struct reader *rd, take_fn take, void *ctx, struct err *err)
{
	enum json_token token;

	while ((token = json_pull_next(&rd->j, err)) == JSON_KEY)
		if (!take(rd, rd->j.text, ctx, err))
			return false;
	return token == JSON_OBJECT_END;
}

static bool take_object(struct reader *rd, take_fn take, void *ctx, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);

	return token == JSON_OBJECT ? take_members(rd, take, ctx, err) : json_pull_skip(&rd->j, token, err);
}

static bool is(const char *a, const char *b)
{
	return *a == *b && strcmp(a, b) == 0;
}

/* ---- a region ---- */

static bool grow(struct reader *rd, struct err *err)
{
	size_t cap = rd->cap ? rd->cap * 2 : 256;
	struct snap_region *v;
	struct snap_pages *pages;
	struct snap_access *access;

	if (rd->nr == RECORDING_MAX_NR_REGIONS)
		return bad(rd, "too many regions in one snapshot", err);
	v = realloc(rd->v, cap * sizeof(*v));
	if (v)
		rd->v = v;
	pages = realloc(rd->pages, cap * sizeof(*pages));
	if (pages)
		rd->pages = pages;
	access = realloc(rd->access, cap * sizeof(*access));
	if (access)
		rd->access = access;
	if (!v || !pages || !access) {
		err_set(err, ENOMEM, "no memory for a snapshot of the recording");
		return false;
	}
	rd->cap = cap;
	return true;
}

static bool add_code(struct reader *rd, uint64_t ip, uint64_t count, struct err *err)
{
	if (rd->nr_codes == rd->cap_codes) {
		size_t cap = rd->cap_codes ? rd->cap_codes * 2 : 256;
		struct snap_code *codes =
			rd->nr_codes < RECORDING_MAX_NR_REGIONS ? realloc(rd->codes, cap * sizeof(*codes)) : NULL;

		if (!codes)
			return bad(rd, "no room for so many code addresses", err);
		rd->codes = codes;
		rd->cap_codes = cap;
	}
	rd->codes[rd->nr_codes++] = (struct snap_code){
		.region = (uint32_t)rd->nr,
		.count = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count,
		.ip = ip,
	};
	return true;
}

/* [address, count, address, count ...] */
static bool take_codes(struct reader *rd, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);
	uint64_t pair[2];
	size_t nr = 0;

	if (token != JSON_ARRAY)
		return token != JSON_ERROR && bad(rd, "a list of code addresses is missing", err);
	while ((token = json_pull_next(&rd->j, err)) != JSON_ARRAY_END) {
		if (token == JSON_ERROR)
			return false;
		if (!is_text(token) || !damo_number_bytes(rd->j.text, &pair[nr % 2]))
			return bad(rd, "a list of code addresses is wrong", err);
		if (nr++ % 2 && !add_code(rd, pair[0], pair[1], err))
			return false;
	}
	return true;
}

static bool take_swapped(struct reader *rd, struct snap_pages *p, struct err *err)
{
	uint64_t swapped;

	if (!take_bytes(rd, &swapped, err))
		return false;
	p->swap_known = 1;
	p->swapped = swapped > UINT32_MAX ? UINT32_MAX : (uint32_t)swapped;
	return true;
}

static bool take_access(struct reader *rd, struct err *err)
{
	struct snap_access *a = &rd->access[rd->nr];
	uint64_t v[NR_ACCESS_NUMBERS];
	size_t nr;

	if (!take_numbers(rd, v, NR_ACCESS_NUMBERS, &nr, err))
		return false;
	a->nr_reads = (uint32_t)v[0];
	a->nr_writes = (uint32_t)v[1];
	a->nr_op_unknown = (uint32_t)v[2];
	a->nr_latency = (uint32_t)v[3];
	a->latency_sum = v[4];
	for (size_t i = 0; i < 8; i++)
		a->nr_level[i] = (uint32_t)v[5 + i];
	rd->with_access = true;
	return true;
}

/* What a region says of itself, before it is known to be one. */
struct raw_region {
	uint64_t start, end, samples, age, age_ns, nr_reports;
	double percent, heat;
	uint64_t pages[RECORD_NR_PAGES];
	size_t nr_pages;
	bool fake; /* damo: a last snapshot that only says when the one before it began */
};

static bool take_nr_accesses(struct reader *rd, const char *name, void *ctx, struct err *err)
{
	struct raw_region *raw = ctx;
	enum json_token token;

	if (is(name, "percent"))
		return take_real(rd, &raw->percent, err);
	if (!is(name, "samples"))
		return skip_value(rd, err);
	token = json_pull_next(&rd->j, err);
	if (is_text(token) && is(rd->j.text, "-1"))
		raw->fake = true;
	else if (is_text(token) && !damo_number_bytes(rd->j.text, &raw->samples))
		return bad(rd, "a number is wrong", err);
	return json_pull_skip(&rd->j, token, err);
}

static bool take_age(struct reader *rd, const char *name, void *ctx, struct err *err)
{
	struct raw_region *raw = ctx;
	enum json_token token;

	if (is(name, "usec"))
		return take_ns(rd, NSEC_PER_USEC, &raw->age_ns, err);
	if (!is(name, "aggr_intervals"))
		return skip_value(rd, err);
	token = json_pull_next(&rd->j, err);
	if (is_text(token) && rd->j.text[0] != '-' && !damo_number_bytes(rd->j.text, &raw->age))
		return bad(rd, "an age is wrong", err);
	return json_pull_skip(&rd->j, token, err);
}

static bool take_region_member(struct reader *rd, const char *name, void *ctx, struct err *err)
{
	struct raw_region *raw = ctx;

	if (is(name, "start"))
		return take_bytes(rd, &raw->start, err);
	if (is(name, "end"))
		return take_bytes(rd, &raw->end, err);
	if (is(name, "nr_accesses"))
		return take_object(rd, take_nr_accesses, raw, err);
	if (is(name, "age"))
		return take_object(rd, take_age, raw, err);
	if (is(name, "heat"))
		return take_real(rd, &raw->heat, err);
	if (is(name, "nr_reports"))
		return take_bytes(rd, &raw->nr_reports, err);
	if (is(name, "pages"))
		return take_numbers(rd, raw->pages, RECORD_NR_PAGES, &raw->nr_pages, err);
	if (is(name, "swapped"))
		return take_swapped(rd, &rd->pages[rd->nr], err);
	if (is(name, "access"))
		return take_access(rd, err);
	if (is(name, "codes"))
		return take_codes(rd, err);
	return skip_value(rd, err);
}

static uint32_t to_u32(uint64_t v)
{
	return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

/* The opening bracket has been read. */
static bool take_region(struct reader *rd, struct err *err)
{
	struct raw_region raw = {
		.samples = NOT_GIVEN, .age = NOT_GIVEN, .nr_reports = NOT_GIVEN, .percent = 0, .heat = -1
	};
	uint64_t max = rd->intervals.sample_us ? rd->intervals.aggr_us / rd->intervals.sample_us : 0;
	struct snap_region *r;
	char where[64];

	if (rd->nr == rd->cap && !grow(rd, err))
		return false;
	rd->v[rd->nr] = (struct snap_region){ 0 };
	rd->pages[rd->nr] = (struct snap_pages){ 0 };
	rd->access[rd->nr] = (struct snap_access){ 0 };
	if (!take_members(rd, take_region_member, &raw, err))
		return err->code ? false : bad(rd, "a region is wrong", err);
	if (raw.fake) {
		while (rd->nr_codes && rd->codes[rd->nr_codes - 1].region == rd->nr)
			rd->nr_codes--;
		return true;
	}
	r = &rd->v[rd->nr];
	r->start = raw.start;
	r->end = raw.end;
	if (raw.samples == NOT_GIVEN)
		raw.samples = (uint64_t)(raw.percent * (double)max / 100);
	if (raw.age == NOT_GIVEN)
		raw.age = rd->intervals.aggr_us ? raw.age_ns / NSEC_PER_USEC / rd->intervals.aggr_us : 0;
	r->nr_accesses = to_u32(raw.samples);
	r->age = to_u32(raw.age);
	r->nr_reports = raw.nr_reports == NOT_GIVEN ? r->nr_accesses : to_u32(raw.nr_reports);
	r->heat = (float)raw.heat;
	if (recording_check_region(rd->v, rd->nr, "", NULL)) {
		snprintf(where, sizeof(where), "at byte %" PRIu64 " of the JSON text (line %" PRIu64 ")",
			 json_pull_offset(&rd->j), json_pull_line(&rd->j));
		recording_check_region(rd->v, rd->nr, where, err);
		return false;
	}
	if (raw.nr_pages)
		record_pages_unpack(&rd->pages[rd->nr], r->end - r->start, raw.pages);
	rd->nr++;
	return true;
}

static bool take_regions(struct reader *rd, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);

	if (token != JSON_ARRAY)
		return token != JSON_ERROR && bad(rd, "a list of regions is missing", err);
	while ((token = json_pull_next(&rd->j, err)) == JSON_OBJECT)
		if (!take_region(rd, err))
			return false;
	return token == JSON_ARRAY_END || (token != JSON_ERROR && bad(rd, "a region is missing", err));
}

/* ---- our own fields of a snapshot ---- */

#define HEAD(name)                                                                           \
	{                                                                                    \
#name, offsetof(struct snapshot, name), sizeof(((struct snapshot *)0)->name) \
	}

static const struct record_field head_fields[] = {
	HEAD(seq),	     HEAD(wall_ns),	    HEAD(duration_ns), HEAD(nr_threads),
	HEAD(target_cpu_us), HEAD(max_nr_accesses), HEAD(wss_bytes),   HEAD(rss_bytes),
	HEAD(wss_window_ns), HEAD(wss_age_ns),
};

static bool take_field(struct reader *rd, const struct record_field *fields, size_t nr, const char *name, void *object,
		       bool *found, struct err *err)
{
	uint64_t value = 0;

	for (size_t i = 0; i < nr; i++) {
		if (!is(name, fields[i].name))
			continue;
		*found = true;
		if (!take_bytes(rd, &value, err))
			return false;
		record_field_set(&fields[i], object, value);
		return true;
	}
	*found = false;
	return true;
}

static bool take_attr(struct reader *rd, const char *name, void *ctx, struct err *err)
{
	bool found, good = take_field(rd, record_attrs_fields, RECORD_NR_ATTRS, name, ctx, &found, err);

	return found || !good ? good : skip_value(rd, err);
}

static bool take_stat(struct reader *rd, const char *name, void *ctx, struct err *err)
{
	bool found, good = take_field(rd, record_stats_fields, RECORD_NR_STATS, name, ctx, &found, err);

	return found || !good ? good : skip_value(rd, err);
}

static bool take_maps(struct reader *rd, struct err *err)
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
static bool take_next_number(struct reader *rd, uint64_t *value, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);

	return is_text(token) && damo_number_bytes(rd->j.text, value);
}

/* One list of "processes", whose opening bracket has been read. */
static bool take_process(struct reader *rd, struct mappings_process *p, struct snap_process *use, struct err *err)
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
		return bad(rd, "a process is wrong", err);
	p->space = (uint8_t)head[0];
	p->pid = (pid_t)head[1];
	p->start_ticks = head[2];
	*use = (struct snap_process){ .wss_bytes = v[0],
				      .rss_bytes = v[1],
				      .cpu_us = v[2],
				      .nr_threads = to_u32(v[3]),
				      .state = (uint8_t)v[4],
				      .flags = (uint8_t)(v[5] & (SNAP_WSS_KNOWN | SNAP_WSS_EXACT | SNAP_RSS_KNOWN)) };
	return true;
}

static bool take_processes(struct reader *rd, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);

	if (token != JSON_ARRAY)
		return json_pull_skip(&rd->j, token, err);
	rd->nr_processes = 0;
	while ((token = json_pull_next(&rd->j, err)) == JSON_ARRAY) {
		if (rd->nr_processes == MAPPINGS_MAX_PROCESSES)
			return bad(rd, "too many processes", err);
		if (!take_process(rd, &rd->processes[rd->nr_processes], &rd->process_uses[rd->nr_processes], err))
			return false;
		rd->nr_processes++;
	}
	return token == JSON_ARRAY_END || (token != JSON_ERROR && bad(rd, "a process is wrong", err));
}

/* The mappings in force are theirs. */
static bool use_processes(struct reader *rd, struct err *err)
{
	if (!rd->nr_processes)
		return true;
	if (!rd->maps_are_new && rd->maps && rd->maps->nr_processes == rd->nr_processes)
		return true;
	if (!rd->maps_are_new)
		return bad(rd, "processes without their mappings", err);
	if (!mappings_set_processes(rd->maps, rd->processes, rd->nr_processes))
		return true;
	err_set(err, ENOMEM, "no memory for the processes of a recording");
	return false;
}

/* One list of "mapping_use", whose opening bracket has been read. */
static bool take_use(struct reader *rd, struct mapping_report *m, struct err *err)
{
	uint64_t v[NR_USE_NUMBERS - 1] = { 0 };
	enum json_token token;

	for (size_t i = 0; i < NR_USE_NUMBERS - 1; i++) {
		token = json_pull_next(&rd->j, err);
		if (!is_text(token) || !damo_number_bytes(rd->j.text, &v[i]))
			return bad(rd, "the use of a mapping is wrong", err);
	}
	*m = (struct mapping_report){ .start = v[0],
				      .end = v[1],
				      .rss_bytes = v[2],
				      .referenced_bytes = v[3],
				      .window_ns = v[4],
				      .valid = (uint32_t)v[5],
				      .nr_windows = (uint32_t)v[6] };
	if (!take_real(rd, &m->accesses_per_sec, err))
		return false;
	if (m->start >= m->end || (rd->nr_use && m->start < rd->use[rd->nr_use - 1].end))
		return bad(rd, "the mappings in use are not in order", err);
	return json_pull_next(&rd->j, err) == JSON_ARRAY_END || bad(rd, "the use of a mapping is wrong", err);
}

static bool take_mapping_use(struct reader *rd, struct err *err)
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
			return bad(rd, "too many mappings in use", err);
		if (!take_use(rd, &rd->use[rd->nr_use], err))
			return false;
		rd->nr_use++;
	}
	return token == JSON_ARRAY_END || (token != JSON_ERROR && bad(rd, "the use of a mapping is wrong", err));
}

/* One of names, by its index; the first where it is none of them. */
static bool take_name(struct reader *rd, const char *const *names, size_t nr, unsigned *index, struct err *err)
{
	char name[32] = "";

	if (!take_clean(rd, name, sizeof(name), err))
		return false;
	*index = 0;
	for (unsigned i = 0; i < nr; i++)
		if (is(name, names[i]))
			*index = i;
	return true;
}

static bool take_state(struct reader *rd, struct err *err)
{
	const char *names[] = { target_state_name(TARGET_RUNNING), target_state_name(TARGET_STOPPED),
				target_state_name(TARGET_ZOMBIE), target_state_name(TARGET_EXITED) };
	unsigned i;

	if (!take_name(rd, names, 4, &i, err))
		return false;
	rd->head.state = (enum target_state)i;
	return true;
}

static bool take_heat_unit(struct reader *rd, struct err *err)
{
	const char *names[] = { heat_unit_name(HEAT_FRACTION), heat_unit_name(HEAT_RATE), heat_unit_name(HEAT_TIME) };
	unsigned i;

	if (!take_name(rd, names, 3, &i, err))
		return false;
	rd->head.heat_unit = (enum heat_unit)i;
	return true;
}

/* The name of a source, as its own constant. */
static bool take_source(struct reader *rd, const char **source, struct err *err)
{
	const struct source_ops *ops;
	char name[32] = "";

	if (!take_clean(rd, name, sizeof(name), err))
		return false;
	ops = source_find(name);
	*source = ops ? ops->name : "replay";
	return true;
}

static bool take_pid(struct reader *rd, struct err *err)
{
	uint64_t pid = 0;

	if (!take_bytes(rd, &pid, err))
		return false;
	rd->head.pid = pid <= INT32_MAX ? (pid_t)pid : 0;
	return true;
}

/* Those that are there or not, and say something by that. */
static bool take_flag(struct reader *rd, const char *name, bool *found, struct err *err)
{
	bool value;

	*found = true;
	for (size_t i = 0; i < RECORD_NR_FLAGS; i++) {
		if (!is(name, record_flags[i].name))
			continue;
		if (!take_bool(rd, &value, err))
			return false;
		rd->head.flags |= value ? record_flags[i].flag : 0;
		return true;
	}
	*found = is(name, "wss_exact");
	if (!*found)
		return true;
	if (!take_bool(rd, &value, err))
		return false;
	rd->head.flags |= value ? SNAP_WSS_EXACT : 0;
	return true;
}

static bool take_own_member(struct reader *rd, const char *name, void *ctx, struct err *err)
{
	struct snapshot *s = &rd->head;
	bool found;

	(void)ctx;
	s->flags |= is(name, "wss_bytes") ? SNAP_WSS_KNOWN : is(name, "rss_bytes") ? SNAP_RSS_KNOWN : 0;
	if (!take_field(rd, head_fields, sizeof(head_fields) / sizeof(head_fields[0]), name, s, &found, err))
		return false;
	if (found)
		return true;
	if (is(name, "attrs"))
		return take_object(rd, take_attr, &s->attrs, err);
	if (is(name, "stats"))
		return take_object(rd, take_stat, &s->stats, err);
	if (is(name, "pid"))
		return take_pid(rd, err);
	if (is(name, "state"))
		return take_state(rd, err);
	if (is(name, "comm"))
		return take_clean(rd, s->comm, sizeof(s->comm), err);
	if (is(name, "note"))
		return take_clean(rd, s->note, sizeof(s->note), err);
	if (is(name, "source"))
		return take_source(rd, &s->source, err);
	if (is(name, "regions_from"))
		return take_source(rd, &s->regions_from, err);
	if (is(name, "mappings_from"))
		return take_source(rd, &s->mappings_from, err);
	if (is(name, "heat_unit"))
		return take_heat_unit(rd, err);
	if (is(name, "maps"))
		return take_maps(rd, err);
	if (is(name, "processes"))
		return take_processes(rd, err);
	if (is(name, "processes_left_out"))
		return take_bytes(rd, &rd->nr_processes_left_out, err);
	if (is(name, "processes_refused"))
		return take_bytes(rd, &rd->nr_processes_refused, err);
	if (is(name, "mapping_use"))
		return take_mapping_use(rd, err);
	if (is(name, "mapping_use_left_out"))
		return take_bytes(rd, &rd->nr_use_left_out, err);
	if (!take_flag(rd, name, &found, err))
		return false;
	return found || skip_value(rd, err);
}

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

/* ---- a snapshot ---- */

static bool take_snapshot_member(struct reader *rd, const char *name, void *ctx, struct err *err)
{
	(void)ctx;
	if (is(name, "start_time"))
		return take_ns(rd, 1, &rd->start_ns, err);
	if (is(name, "end_time"))
		return take_ns(rd, 1, &rd->end_ns, err);
	if (is(name, "regions"))
		return take_regions(rd, err);
	if (is(name, RECORD_OWN)) {
		rd->own = true;
		return take_object(rd, take_own_member, NULL, err) && use_processes(rd, err);
	}
	return skip_value(rd, err);
}

static void begin_snapshot(struct reader *rd)
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

static struct snapshot *own_snapshot(struct reader *rd, struct err *err)
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
	s->nr_processes_left_out = to_u32(rd->nr_processes_left_out);
	s->nr_processes_refused = to_u32(rd->nr_processes_refused);
	if (rd->nr_processes && snapshot_set_processes(s, rd->process_uses)) {
		snapshot_free(s);
		err_set(err, ENOMEM, "no memory for a snapshot of the recording");
		return NULL;
	}
	return s;
}

static struct snapshot *foreign_snapshot(struct recording *r, struct reader *rd, struct err *err)
{
	uint64_t duration_ns = rd->end_ns > rd->start_ns ? rd->end_ns - rd->start_ns : 0;
	struct snapshot *s = recording_damo_snapshot(r, rd->v, rd->nr, &rd->intervals, rd->end_ns, duration_ns, err);

	if (s && rd->key.target > 0 && rd->key.target <= INT32_MAX)
		s->pid = (pid_t)rd->key.target;
	return s;
}

/* 1, 0: one that damo has put in for its own purposes, -errno. The opening bracket has been read. */
static int take_snapshot(struct recording *r, struct reader *rd, struct snapshot **snap, struct err *err)
{
	begin_snapshot(rd);
	if (!take_members(rd, take_snapshot_member, NULL, err)) {
		bad(rd, "a snapshot is wrong", err);
		return -EBADMSG;
	}
	if (!rd->nr && !rd->own)
		return 0;
	*snap = rd->own ? own_snapshot(rd, err) : foreign_snapshot(r, rd, err);
	return *snap ? 1 : -err->code;
}

/* ---- records ---- */

static bool take_interval(struct reader *rd, const char *name, void *ctx, struct err *err)
{
	struct damo_intervals *intervals = ctx;

	if (is(name, "sample_us"))
		return take_us(rd, &intervals->sample_us, err);
	if (is(name, "aggr_us"))
		return take_us(rd, &intervals->aggr_us, err);
	if (is(name, "ops_update_us"))
		return take_us(rd, &intervals->update_us, err);
	return skip_value(rd, err);
}

static bool same_key(const struct record_key *a, const struct record_key *b)
{
	return a->kdamond == b->kdamond && a->context == b->context && a->scheme == b->scheme && a->target == b->target;
}

/* The snapshots of a record are next: are they those to show? */
static bool choose_record(struct recording *r, struct reader *rd)
{
	if (!rd->has_chosen && (!r->pid || rd->key.target == (uint64_t)r->pid)) {
		rd->has_chosen = true;
		rd->chosen = rd->key;
		if (rd->key.target > 0 && rd->key.target <= INT32_MAX)
			r->chosen_pid = (pid_t)rd->key.target;
	}
	return rd->has_chosen && same_key(&rd->key, &rd->chosen);
}

static bool begin_snapshots(struct recording *r, struct reader *rd, struct err *err)
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
static bool take_own_of_record(struct reader *rd, const char *name, void *ctx, struct err *err)
{
	struct recording *r = ctx;
	uint64_t part = 0;

	if (is(name, "set"))
		return take_bytes(rd, &r->set, err);
	if (!is(name, "part"))
		return skip_value(rd, err);
	if (!take_bytes(rd, &part, err))
		return false;
	r->part = to_u32(part);
	return true;
}

static bool take_record_member(struct recording *r, struct reader *rd, struct err *err)
{
	const char *name = rd->j.text;

	if (is(name, "kdamond_idx"))
		return take_bytes(rd, &rd->key.kdamond, err);
	if (is(name, "context_idx"))
		return take_bytes(rd, &rd->key.context, err);
	if (is(name, "scheme_idx"))
		return take_bytes(rd, &rd->key.scheme, err);
	if (is(name, "target_id"))
		return take_bytes(rd, &rd->key.target, err);
	if (is(name, "intervals"))
		return take_object(rd, take_interval, &rd->intervals, err);
	if (is(name, RECORD_OWN))
		return take_object(rd, take_own_of_record, r, err);
	if (is(name, "snapshots"))
		return begin_snapshots(r, rd, err);
	return skip_value(rd, err);
}

/* The end of the text. */
static int finish(struct recording *r, const struct reader *rd, struct err *err)
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
static int failed(struct recording *r, const struct reader *rd, struct err *err)
{
	if (!rd->j.cut_off)
		return err->code ? -err->code : err_set(err, EBADMSG, "the recording is malformed");
	snprintf(r->note, sizeof(r->note),
		 "the recording is cut off after %" PRIu64 " snapshots; with -o a whole one is made", r->nr_snapshots);
	*err = ERR_NONE;
	return 0;
}

/* One token of what is above the snapshots. False with err, or without: it is done. */
static bool step(struct recording *r, struct reader *rd, enum json_token token, struct err *err)
{
	switch (rd->level) {
	case IN_FILE:
		rd->level = IN_LIST;
		return token == JSON_ARRAY || bad(rd, "a list of records is missing", err);
	case IN_LIST:
		rd->level = IN_RECORD;
		rd->key = (struct record_key){ NOT_GIVEN, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN };
		rd->intervals = (struct damo_intervals){ 0 };
		if (token == JSON_ARRAY_END) {
			json_pull_next(&rd->j, err); /* err, where there is more text */
			return false;
		}
		return token == JSON_OBJECT || bad(rd, "a record is missing", err);
	case IN_RECORD:
		if (token == JSON_KEY)
			return take_record_member(r, rd, err);
		rd->level = IN_LIST;
		return true;
	case IN_SNAPSHOTS:
		break;
	}
	if (token != JSON_ARRAY_END)
		return bad(rd, "a snapshot is missing", err);
	rd->level = IN_RECORD;
	return true;
}

static int json_next(struct recording *r, struct snapshot **snap, struct err *err)
{
	struct reader *rd = r->format_data;

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
	struct reader *rd = calloc(1, sizeof(*rd));

	if (!rd)
		return err_set(err, ENOMEM, "no memory to read a recording");
	json_pull_init(&rd->j, recording_read, r, RECORDING_MAX_TEXT);
	r->format_data = rd;
	return 0;
}

static void json_close(struct recording *r)
{
	struct reader *rd = r->format_data;

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
