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
	{ "accesses_alone", SNAP_ACCESSES_ALONE },
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

float record_implied_heat(const struct snapshot *s, const struct snap_region *r)
{
	double nr = r->nr_accesses, size_mib = (double)(r->end - r->start) / (double)(1 << 20);

	switch (s->heat_unit) {
	case HEAT_FRACTION:
		return s->max_nr_accesses ? (float)r->nr_accesses / (float)s->max_nr_accesses : 0;
	case HEAT_RATE:
		return s->duration_ns ? (float)(nr / ((double)s->duration_ns / 1e9) / size_mib) : 0;
	case HEAT_TIME:
		return s->stats.samples ? (float)(nr / (double)s->stats.samples / size_mib) : 0;
	}
	return 0;
}

/* Pages that a single node would have. */
static uint64_t all_pages(const struct snap_pages *p, uint64_t bytes)
{
	return p->valid & SNAP_PAGES_KIND ? (uint64_t)p->anon + p->file : bytes / PAGE_BYTES;
}

size_t record_pages_pack(const struct snap_pages *p, uint64_t bytes, uint64_t v[RECORD_NR_PAGES])
{
	uint64_t all = bytes / PAGE_BYTES;
	size_t nr = 1;

	v[0] = p->valid;
	if (all && (uint64_t)p->anon + p->file == all && (!p->anon || !p->file)) {
		v[0] |= p->anon ? RECORD_ALL_ANON : RECORD_ALL_FILE;
	} else {
		v[nr++] = p->anon;
		v[nr++] = p->file;
	}
	if (p->huge)
		v[nr++] = p->huge;
	else
		v[0] |= RECORD_NO_HUGE;
	if (p->node_pages[0] && !p->node_pages[1] && p->node_pages[0] == all_pages(p, bytes)) {
		v[0] |= RECORD_ONE_NODE;
		v[nr++] = p->node[0];
		return nr;
	}
	for (int i = 0; i < SNAP_NR_NODES && p->node_pages[i]; i++) {
		v[nr++] = p->node[i];
		v[nr++] = p->node_pages[i];
	}
	return nr;
}

void record_pages_unpack(struct snap_pages *p, uint64_t bytes, const uint64_t v[RECORD_NR_PAGES])
{
	uint32_t all = bytes / PAGE_BYTES > UINT32_MAX ? UINT32_MAX : (uint32_t)(bytes / PAGE_BYTES);
	size_t nr = 1;

	p->valid = v[0] & 15;
	if (v[0] & (RECORD_ALL_ANON | RECORD_ALL_FILE)) {
		p->anon = v[0] & RECORD_ALL_ANON ? all : 0;
		p->file = v[0] & RECORD_ALL_ANON ? 0 : all;
	} else {
		p->anon = (uint32_t)v[nr++];
		p->file = (uint32_t)v[nr++];
	}
	p->huge = v[0] & RECORD_NO_HUGE ? 0 : v[nr++] & 0xfffffff;
	if (v[0] & RECORD_ONE_NODE) {
		p->node[0] = (uint8_t)v[nr];
		p->node_pages[0] = (uint32_t)all_pages(p, bytes);
		return;
	}
	for (size_t i = 0; i < SNAP_NR_NODES && nr + 1 < RECORD_NR_PAGES; i++) {
		p->node[i] = (uint8_t)v[nr++];
		p->node_pages[i] = (uint32_t)v[nr++];
	}
}
