/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/record_json.h"

#include <inttypes.h>

#include "collector/record_fields.h"
#include "collector/snapshot_json.h"

/* "name":"123": damo writes numbers of the upper levels as text. */
static void quoted(struct text_buf *b, const char *name, uint64_t value)
{
	text_buf_str(b, name);
	text_buf_add(b, "\"", 1);
	text_buf_u64(b, value);
	text_buf_add(b, "\"", 1);
}

static void number(struct text_buf *b, const char *name, uint64_t value)
{
	text_buf_str(b, name);
	text_buf_u64(b, value);
}

static void text(struct text_buf *b, const char *name, const char *value)
{
	text_buf_str(b, name);
	text_buf_json(b, value);
}

/* A list, or the rest of one, behind what begins it. nr > 0. */
static void numbers(struct text_buf *b, const char *begin, const uint64_t *v, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		number(b, i ? "," : begin, v[i]);
}

#define NUMBERS(b, begin, ...) \
	numbers(b, begin, (const uint64_t[]){ __VA_ARGS__ }, sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

void record_json_begin(struct text_buf *b, const struct snapshot *first, uint64_t set, unsigned part)
{
	/* damo divides by the ratio of these two */
	uint64_t aging_us = first->attrs.aging_us ? first->attrs.aging_us : 1;

	text_buf_str(b, "{\"kdamond_idx\":0,\"context_idx\":0,\"intervals\":{");
	quoted(b, "\"sample_us\":", aging_us);
	quoted(b, ",\"aggr_us\":", first->attrs.aggregation_us < aging_us ? aging_us : first->attrs.aggregation_us);
	quoted(b, ",\"ops_update_us\":", first->attrs.update_us);
	text_buf_str(b, ",\"intervals_goal\":{\"access_bp\":\"0\",\"aggrs\":\"0\",\"min_sample_us\":\"0\","
			"\"max_sample_us\":\"0\"}},\"scheme_idx\":null,\"target_id\":");
	text_buf_u64(b, (uint64_t)first->pid);
	text_buf_str(b, ",\"scheme_filters\":[],\"" RECORD_OWN "\":{\"version\":2,\"set\":");
	text_buf_u64(b, set);
	number(b, ",\"part\":", part);
	text_buf_str(b, "},\"snapshots\":[");
}

static void add_fields(struct text_buf *b, const struct record_field *fields, size_t nr, const void *object)
{
	for (size_t i = 0; i < nr; i++) {
		text_buf_str(b, i ? ",\"" : "{\"");
		text_buf_str(b, fields[i].name);
		text_buf_add(b, "\":", 2);
		text_buf_u64(b, record_field_get(&fields[i], object));
	}
	text_buf_add(b, "}", 1);
}

/* As the kernel's /proc/PID/maps. */
static void add_maps(struct text_buf *b, const struct mappings *maps)
{
	struct text_buf lines = { 0 };

	for (size_t i = 0; i < maps->nr; i++) {
		const struct mapping *m = &maps->v[i];
		char perms[5];

		text_buf_printf(&lines, "%" PRIx64 "-%" PRIx64 " %s %" PRIx64 " 0:0 %" PRIu64 " ", m->start, m->end,
				mapping_perms_text(perms, m), m->offset, m->inode);
		text_buf_str(&lines, mappings_name(maps, m));
		text_buf_add(&lines, "\n", 1);
	}
	text_buf_add(&lines, "", 1);
	if (lines.failed)
		b->failed = true;
	else
		text(b, ",\"maps\":", lines.v);
	text_buf_free(&lines);
}

static void add_target(struct text_buf *b, const struct snapshot *s)
{
	if (s->pid) {
		number(b, ",\"pid\":", (uint64_t)s->pid);
		number(b, ",\"nr_threads\":", s->nr_threads);
		number(b, ",\"target_cpu_us\":", s->target_cpu_us);
		text(b, ",\"state\":", target_state_name(s->state));
	}
	text(b, ",\"comm\":", s->comm);
}

/* [space, pid, start, name, working set, resident, CPU time, threads, state, flags] of each. */
static void add_processes(struct text_buf *b, const struct snapshot *s)
{
	for (size_t i = 0; i < s->maps->nr_processes; i++) {
		const struct mappings_process *p = &s->maps->processes[i];
		const struct snap_process *use = &s->processes[i];

		NUMBERS(b, i ? ",[" : ",\"processes\":[[", p->space, (uint64_t)p->pid, p->start_ticks);
		text(b, ",", p->comm);
		NUMBERS(b, ",", use->wss_bytes, use->rss_bytes, use->cpu_us, use->nr_threads, use->state, use->flags);
		text_buf_str(b, "]");
	}
	text_buf_str(b, "]");
	number(b, ",\"processes_left_out\":", s->nr_processes_left_out);
	number(b, ",\"processes_refused\":", s->nr_processes_refused);
}

/* [start, end, present, referenced, window, valid, windows, accesses a second] of each. */
static void add_mapping_use(struct text_buf *b, const struct snapshot *s)
{
	text_buf_str(b, ",\"mapping_use\":[");
	for (size_t i = 0; i < s->nr_mappings; i++) {
		const struct mapping_report *m = &s->mappings[i];

		quoted(b, i ? ",[" : "[", m->start);
		quoted(b, ",", m->end);
		NUMBERS(b, ",", m->rss_bytes, m->referenced_bytes, m->window_ns, m->valid, m->nr_windows);
		text_buf_printf(b, ",%.17g]", m->accesses_per_sec);
	}
	text_buf_str(b, "]");
	if (s->nr_mappings_left_out)
		number(b, ",\"mapping_use_left_out\":", s->nr_mappings_left_out);
}

/* All of the snapshot that damo has no field for, its regions excepted. */
static void add_own(struct text_buf *b, const struct snapshot *s, bool with_maps)
{
	number(b, ",\"" RECORD_OWN "\":{\"seq\":", s->seq);
	number(b, ",\"wall_ns\":", s->wall_ns);
	number(b, ",\"duration_ns\":", s->duration_ns);
	add_target(b, s);
	text(b, ",\"source\":", s->source);
	if (s->regions_from)
		text(b, ",\"regions_from\":", s->regions_from);
	if (s->mappings_from)
		text(b, ",\"mappings_from\":", s->mappings_from);
	text(b, ",\"heat_unit\":", heat_unit_name(s->heat_unit));
	number(b, ",\"max_nr_accesses\":", s->max_nr_accesses);
	if (s->flags & SNAP_WSS_KNOWN)
		number(b, s->flags & SNAP_WSS_EXACT ? ",\"wss_exact\":true,\"wss_bytes\":" : ",\"wss_bytes\":",
		       s->wss_bytes);
	if (s->wss_window_ns)
		number(b, ",\"wss_window_ns\":", s->wss_window_ns);
	if (s->wss_age_ns)
		number(b, ",\"wss_age_ns\":", s->wss_age_ns);
	if (s->flags & SNAP_RSS_KNOWN)
		number(b, ",\"rss_bytes\":", s->rss_bytes);
	for (size_t i = 0; i < RECORD_NR_FLAGS; i++)
		if (s->flags & record_flags[i].flag)
			text_buf_printf(b, ",\"%s\":true", record_flags[i].name);
	text_buf_str(b, ",\"attrs\":");
	add_fields(b, record_attrs_fields, RECORD_NR_ATTRS, &s->attrs);
	text_buf_str(b, ",\"stats\":");
	add_fields(b, record_stats_fields, RECORD_NR_STATS, &s->stats);
	if (s->note[0])
		text(b, ",\"note\":", s->note);
	if (s->mappings)
		add_mapping_use(b, s);
	if (with_maps && s->maps)
		add_maps(b, s->maps);
	/* behind the mappings: they are of these processes */
	if (s->processes && s->maps->nr_processes)
		add_processes(b, s);
	text_buf_add(b, "}", 1);
}

static void add_pages(struct text_buf *b, const struct snap_pages *p, uint64_t bytes)
{
	uint64_t v[RECORD_NR_PAGES];
	size_t nr = record_pages_pack(p, bytes, v);

	numbers(b, ",\"pages\":[", v, nr);
	text_buf_add(b, "]", 1);
}

static void add_access(struct text_buf *b, const struct snap_access *a)
{
	NUMBERS(b, ",\"access\":[", a->nr_reads, a->nr_writes, a->nr_op_unknown, a->nr_latency, a->latency_sum);
	for (size_t i = 0; i < sizeof(a->nr_level) / sizeof(a->nr_level[0]); i++)
		number(b, ",", a->nr_level[i]);
	text_buf_add(b, "]", 1);
}

/* Those of region i, from *code on. */
static void add_codes(struct text_buf *b, const struct snapshot *s, size_t i, size_t *code)
{
	bool first = true;

	for (; *code < s->nr_codes; (*code)++, first = false) {
		struct snap_code c = snapshot_code(s, *code);

		if (c.region != i)
			break;
		quoted(b, first ? ",\"codes\":[" : ",", c.ip);
		number(b, ",", c.count);
	}
	if (!first)
		text_buf_add(b, "]", 1);
}

/* What follows from the fields that damo has is left out. */
static void add_region(struct text_buf *b, const struct snapshot *s, size_t i, size_t *code)
{
	const struct snap_region *r = &s->regions[i];
	struct snap_pages pages = snapshot_pages(s, i);
	float implied = record_implied_heat(s, r);

	quoted(b, i ? ",{\"start\":" : "{\"start\":", r->start);
	quoted(b, ",\"end\":", r->end);
	number(b, ",\"nr_accesses\":{\"samples\":", r->nr_accesses);
	quoted(b, ",\"percent\":null},\"age\":{\"usec\":null,\"aggr_intervals\":", r->age);
	text_buf_add(b, "}", 1);
	if (r->heat < implied || r->heat > implied)
		text_buf_printf(b, ",\"heat\":%.9g", (double)r->heat); /* 9 digits: every float comes back as it was */
	if (r->nr_reports != r->nr_accesses)
		number(b, ",\"nr_reports\":", r->nr_reports);
	if (pages.valid)
		add_pages(b, &pages, r->end - r->start);
	if (pages.swap_known)
		number(b, ",\"swapped\":", pages.swapped);
	if (snapshot_has_access(s)) {
		struct snap_access access = snapshot_access(s, i);

		add_access(b, &access);
	}
	add_codes(b, s, i, code);
	text_buf_add(b, "}", 1);
}

void record_json_snapshot(struct text_buf *b, const struct snapshot *s, const struct attrs *record_attrs,
			  bool with_maps)
{
	uint64_t total_bytes = 0;
	size_t code = 0;

	quoted(b, "{\"start_time\":", s->time_ns - s->duration_ns);
	quoted(b, ",\"end_time\":", s->time_ns);
	add_own(b, s, with_maps);
	text_buf_str(b, ",\"regions\":[");
	for (size_t i = 0; i < s->nr_regions; i++) {
		add_region(b, s, i, &code);
		total_bytes += s->regions[i].end - s->regions[i].start;
	}
	quoted(b, "],\"total_bytes\":", total_bytes);
	if (s->attrs.aging_us != record_attrs->aging_us)
		quoted(b, ",\"damos_stats\":null,\"sample_interval_us\":", s->attrs.aging_us);
	else
		text_buf_str(b, ",\"damos_stats\":null,\"sample_interval_us\":null");
	text_buf_add(b, "}", 1);
}
