/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A region of a JSON recording: damo's fields, and our own. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/clock.h"
#include "collector/damo_number.h"
#include "collector/record_fields.h"
#include "collector/recording_json_internal.h"

#define NR_ACCESS_NUMBERS 13 /* of "access" */

static bool grow(struct rj_reader *rd, struct err *err)
{
	size_t cap = rd->cap ? rd->cap * 2 : 256;
	struct snap_region *v;
	struct snap_pages *pages;
	struct snap_access *access;

	if (rd->nr == RECORDING_MAX_NR_REGIONS)
		return rj_bad(rd, "too many regions in one snapshot", err);
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

static bool add_code(struct rj_reader *rd, uint64_t ip, uint64_t count, struct err *err)
{
	if (rd->nr_codes == rd->cap_codes) {
		size_t cap = rd->cap_codes ? rd->cap_codes * 2 : 256;
		struct snap_code *codes =
			rd->nr_codes < RECORDING_MAX_NR_REGIONS ? realloc(rd->codes, cap * sizeof(*codes)) : NULL;

		if (!codes)
			return rj_bad(rd, "no room for so many code addresses", err);
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
static bool take_codes(struct rj_reader *rd, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);
	uint64_t pair[2];
	size_t nr = 0;

	if (token != JSON_ARRAY)
		return token != JSON_ERROR && rj_bad(rd, "a list of code addresses is missing", err);
	while ((token = json_pull_next(&rd->j, err)) != JSON_ARRAY_END) {
		if (token == JSON_ERROR)
			return false;
		if (!rj_is_text(token) || !damo_number_bytes(rd->j.text, &pair[nr % 2]))
			return rj_bad(rd, "a list of code addresses is wrong", err);
		if (nr++ % 2 && !add_code(rd, pair[0], pair[1], err))
			return false;
	}
	return true;
}

static bool take_swapped(struct rj_reader *rd, struct snap_pages *p, struct err *err)
{
	uint64_t swapped;

	if (!rj_bytes(rd, &swapped, err))
		return false;
	p->swap_known = 1;
	p->swapped = swapped > UINT32_MAX ? UINT32_MAX : (uint32_t)swapped;
	return true;
}

static bool take_access(struct rj_reader *rd, struct err *err)
{
	struct snap_access *a = &rd->access[rd->nr];
	uint64_t v[NR_ACCESS_NUMBERS];
	size_t nr;

	if (!rj_numbers(rd, v, NR_ACCESS_NUMBERS, &nr, err))
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

static bool take_nr_accesses(struct rj_reader *rd, const char *name, void *ctx, struct err *err)
{
	struct raw_region *raw = ctx;
	enum json_token token;

	if (rj_is(name, "percent"))
		return rj_real(rd, &raw->percent, err);
	if (!rj_is(name, "samples"))
		return rj_skip_value(rd, err);
	token = json_pull_next(&rd->j, err);
	if (rj_is_text(token) && rj_is(rd->j.text, "-1"))
		raw->fake = true;
	else if (rj_is_text(token) && !damo_number_bytes(rd->j.text, &raw->samples))
		return rj_bad(rd, "a number is wrong", err);
	return json_pull_skip(&rd->j, token, err);
}

static bool take_age(struct rj_reader *rd, const char *name, void *ctx, struct err *err)
{
	struct raw_region *raw = ctx;
	enum json_token token;

	if (rj_is(name, "usec"))
		return rj_ns(rd, NSEC_PER_USEC, &raw->age_ns, err);
	if (!rj_is(name, "aggr_intervals"))
		return rj_skip_value(rd, err);
	token = json_pull_next(&rd->j, err);
	if (rj_is_text(token) && rd->j.text[0] != '-' && !damo_number_bytes(rd->j.text, &raw->age))
		return rj_bad(rd, "an age is wrong", err);
	return json_pull_skip(&rd->j, token, err);
}

static bool take_region_member(struct rj_reader *rd, const char *name, void *ctx, struct err *err)
{
	struct raw_region *raw = ctx;

	if (rj_is(name, "start"))
		return rj_bytes(rd, &raw->start, err);
	if (rj_is(name, "end"))
		return rj_bytes(rd, &raw->end, err);
	if (rj_is(name, "nr_accesses"))
		return rj_object(rd, take_nr_accesses, raw, err);
	if (rj_is(name, "age"))
		return rj_object(rd, take_age, raw, err);
	if (rj_is(name, "heat"))
		return rj_real(rd, &raw->heat, err);
	if (rj_is(name, "nr_reports"))
		return rj_bytes(rd, &raw->nr_reports, err);
	if (rj_is(name, "pages"))
		return rj_numbers(rd, raw->pages, RECORD_NR_PAGES, &raw->nr_pages, err);
	if (rj_is(name, "swapped"))
		return take_swapped(rd, &rd->pages[rd->nr], err);
	if (rj_is(name, "access"))
		return take_access(rd, err);
	if (rj_is(name, "codes"))
		return take_codes(rd, err);
	return rj_skip_value(rd, err);
}

/* The opening bracket has been read. */
static bool take_region(struct rj_reader *rd, struct err *err)
{
	struct raw_region raw = {
		.samples = RJ_NOT_GIVEN, .age = RJ_NOT_GIVEN, .nr_reports = RJ_NOT_GIVEN, .percent = 0, .heat = -1
	};
	uint64_t max = rd->intervals.sample_us ? rd->intervals.aggr_us / rd->intervals.sample_us : 0;
	struct snap_region *r;
	char where[64];

	if (rd->nr == rd->cap && !grow(rd, err))
		return false;
	rd->v[rd->nr] = (struct snap_region){ 0 };
	rd->pages[rd->nr] = (struct snap_pages){ 0 };
	rd->access[rd->nr] = (struct snap_access){ 0 };
	if (!rj_members(rd, take_region_member, &raw, err))
		return err->code ? false : rj_bad(rd, "a region is wrong", err);
	if (raw.fake) {
		while (rd->nr_codes && rd->codes[rd->nr_codes - 1].region == rd->nr)
			rd->nr_codes--;
		return true;
	}
	r = &rd->v[rd->nr];
	r->start = raw.start;
	r->end = raw.end;
	if (raw.samples == RJ_NOT_GIVEN)
		raw.samples = (uint64_t)(raw.percent * (double)max / 100);
	if (raw.age == RJ_NOT_GIVEN)
		raw.age = rd->intervals.aggr_us ? raw.age_ns / NSEC_PER_USEC / rd->intervals.aggr_us : 0;
	r->nr_accesses = rj_to_u32(raw.samples);
	r->age = rj_to_u32(raw.age);
	r->nr_reports = raw.nr_reports == RJ_NOT_GIVEN ? r->nr_accesses : rj_to_u32(raw.nr_reports);
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

bool rj_regions(struct rj_reader *rd, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);

	if (token != JSON_ARRAY)
		return token != JSON_ERROR && rj_bad(rd, "a list of regions is missing", err);
	while ((token = json_pull_next(&rd->j, err)) == JSON_OBJECT)
		if (!take_region(rd, err))
			return false;
	return token == JSON_ARRAY_END || (token != JSON_ERROR && rj_bad(rd, "a region is missing", err));
}
