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

uint64_t record_field_get(const struct record_field *field, const void *object);
/* A value that the field has no room for becomes the largest it has room for. */
void record_field_set(const struct record_field *field, void *object, uint64_t value);

/* Flags of a snapshot that are written as they are: SNAP_EXEC, SNAP_MAPS ... by name. */
struct record_flag {
	const char *name;
	uint32_t flag;
};

#define RECORD_NR_FLAGS 3

extern const struct record_flag record_flags[RECORD_NR_FLAGS];

#endif
