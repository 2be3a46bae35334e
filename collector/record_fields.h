/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record_fields.h - the numbers of a snapshot by the names that they have in a
 * recording: one table, that record.c writes by and recording_json.c reads by.
 *
 * Constants; any thread. docs/recording.md describes each field.
 */
#ifndef COLLECTOR_RECORD_FIELDS_H
#define COLLECTOR_RECORD_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "collector/snapshot.h"

/* A recording's own fields are in an object of this name: damo passes it over. */
#define RECORD_OWN "damontop"

/* An unsigned number of a struct: 4 or 8 bytes at offset. */
struct record_field {
	const char *name;
	size_t offset;
	size_t size;
};

#define RECORD_NR_ATTRS 10
#define RECORD_NR_STATS 11

extern const struct record_field record_attrs_fields[RECORD_NR_ATTRS]; /* of struct attrs */
extern const struct record_field record_stats_fields[RECORD_NR_STATS]; /* of struct snap_stats */

/* Of an object of the kind that the field is of. */
uint64_t record_field_get(const struct record_field *field, const void *object);
/* A value that the field has no room for becomes the largest it has room for. */
void record_field_set(const struct record_field *field, void *object, uint64_t value);

/* Flags of a snapshot that are written as they are: SNAP_EXEC, SNAP_MAPS ... by name. */
struct record_flag {
	const char *name;
	uint32_t flag;
};

#define RECORD_NR_FLAGS 4

extern const struct record_flag record_flags[RECORD_NR_FLAGS];

/*
 * The heat that follows from the other fields of a snapshot: what is not written where it is the same. Pure, as all
 * below.
 */
float record_implied_heat(const struct snapshot *s, const struct snap_region *r);

/* struct snap_pages as numbers: valid and these bits, then anon, file, huge, {node, pages} ..., without what follows.
 */
enum record_pages {
	RECORD_ALL_ANON = 16, /* anon and file are not written: all pages of the region are anon */
	RECORD_ALL_FILE = 32, /* ... are file */
	RECORD_NO_HUGE = 64,  /* huge is not written: 0 */
	RECORD_ONE_NODE = 128 /* a node without its pages: it has all, anon and file, or those of the region */
};

#define RECORD_NR_PAGES (4 + 2 * SNAP_NR_NODES)

/* bytes: of the region. Returns how many numbers. */
size_t record_pages_pack(const struct snap_pages *pages, uint64_t bytes, uint64_t v[RECORD_NR_PAGES]);
/* The other way round; v beyond what was written is 0. */
void record_pages_unpack(struct snap_pages *pages, uint64_t bytes, const uint64_t v[RECORD_NR_PAGES]);

#endif
