/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/record_fields.h"

#include <string.h>

#define ATTR(name)                                                                     \
	{                                                                              \
#name, offsetof(struct attrs, name), sizeof(((struct attrs *)0)->name) \
	}
#define STAT(name)                                                                               \
	{                                                                                        \
#name, offsetof(struct snap_stats, name), sizeof(((struct snap_stats *)0)->name) \
	}

const struct record_field record_attrs_fields[RECORD_NR_ATTRS] = {
	ATTR(aging_us), ATTR(aggregation_us), ATTR(update_us), ATTR(min_nr_regions), ATTR(max_nr_regions),
	ATTR(freq_hz),	ATTR(period),	      ATTR(budget_bp), ATTR(policy),	     ATTR(access_bp),
};

const struct record_field record_stats_fields[RECORD_NR_STATS] = {
	STAT(reports), STAT(samples), STAT(lost),    STAT(throttled), STAT(unattributed), STAT(malformed),
	STAT(outside), STAT(cpu_us),  STAT(dropped), STAT(freq_hz),   STAT(cost_ns),
};

const struct record_flag record_flags[RECORD_NR_FLAGS] = {
	{ "exec", SNAP_EXEC },
	{ "maps_changed", SNAP_MAPS },
	{ "final", SNAP_FINAL },
};

uint64_t record_field_get(const struct record_field *field, const void *object)
{
	const char *at = (const char *)object + field->offset;
	uint64_t wide;
	uint32_t narrow;

	if (field->size == sizeof(wide)) {
		memcpy(&wide, at, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, at, sizeof(narrow));
	return narrow;
}

void record_field_set(const struct record_field *field, void *object, uint64_t value)
{
	uint32_t narrow = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
	char *at = (char *)object + field->offset;

	if (field->size == sizeof(value))
		memcpy(at, &value, sizeof(value));
	else
		memcpy(at, &narrow, sizeof(narrow));
}
