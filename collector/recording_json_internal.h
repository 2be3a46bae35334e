/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recording_json_internal.h - what the parts of the JSON reader share:
 * recording_json.c goes through records and snapshots, recording_json_region.c
 * reads a region, recording_json_own.c our own fields of a snapshot, and
 * recording_json_value.c single values.
 *
 * Each function reads from rd->j what its name says, and returns false with err
 * set where that is not there; collector thread only. The reader belongs to
 * recording_json.c, which frees all that hangs on it.
 */
#ifndef COLLECTOR_RECORDING_JSON_INTERNAL_H
#define COLLECTOR_RECORDING_JSON_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/json_pull.h"
#include "collector/mappings.h"
#include "collector/recording_internal.h"
#include "collector/report.h"
#include "collector/snapshot.h"

#define RJ_NOT_GIVEN UINT64_MAX

/* What makes records one: the same target, seen by the same monitor. RJ_NOT_GIVEN: null, or missing. */
struct record_key {
	uint64_t kdamond, context, scheme, target;
};

struct rj_reader {
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

/* ---- values (recording_json_value.c): of the key that has just been read; null leaves *value alone ---- */

/* Says what is wrong and where; false. */
bool rj_bad(struct rj_reader *rd, const char *what, struct err *err);
bool rj_is_text(enum json_token token); /* a string, or a number, whose text is in j.text */
bool rj_bytes(struct rj_reader *rd, uint64_t *value, struct err *err); /* a whole number, damo's suffixes too */
/* A time, to ns; a bare number is in unit_ns. */
bool rj_ns(struct rj_reader *rd, uint64_t unit_ns, uint64_t *value, struct err *err);
bool rj_us(struct rj_reader *rd, uint64_t *value, struct err *err);
bool rj_real(struct rj_reader *rd, double *value, struct err *err); /* not below 0 */
bool rj_bool(struct rj_reader *rd, bool *value, struct err *err);
/* Text, made printable. */
bool rj_clean(struct rj_reader *rd, char *dst, size_t size, struct err *err);
/* An array of at most max whole numbers. Those that it has not are 0. */
bool rj_numbers(struct rj_reader *rd, uint64_t *v, size_t max, size_t *nr, struct err *err);
bool rj_skip_value(struct rj_reader *rd, struct err *err);
bool rj_is(const char *a, const char *b);
/*
 * Goes through the members of an object: take() gets each with its name in j.text, and has to read its value. The
 * opening bracket has been read (members), or is read here (object).
 */
typedef bool (*rj_take_fn)(struct rj_reader *rd, const char *name, void *ctx, struct err *err);
bool rj_members(struct rj_reader *rd, rj_take_fn take, void *ctx, struct err *err);
bool rj_object(struct rj_reader *rd, rj_take_fn take, void *ctx, struct err *err);

static inline uint32_t rj_to_u32(uint64_t v)
{
	return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

/* ---- a snapshot's regions (recording_json_region.c) ---- */

/* The list of them, behind its name; into rd. False with err. */
bool rj_regions(struct rj_reader *rd, struct err *err);

/* ---- our own fields of a snapshot (recording_json_own.c) ---- */

bool rj_own_member(struct rj_reader *rd, const char *name, void *ctx, struct err *err); /* rj_take_fn */
/* After them: the mappings in force are those of the processes that were read. */
bool rj_use_processes(struct rj_reader *rd, struct err *err);

#endif
