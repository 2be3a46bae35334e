/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/snapshot_json.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "collector/report.h"
#include "collector/space.h"

const char *target_state_name(enum target_state state)
{
	static const char *const names[] = {
		[TARGET_RUNNING] = "running",
		[TARGET_STOPPED] = "stopped",
		[TARGET_ZOMBIE] = "zombie",
		[TARGET_EXITED] = "exited",
	};

	return names[state];
}

const char *snapshot_mapping_name(const struct snapshot *snap, uint64_t start, uint64_t end)
{
	const struct mappings *maps = snap->maps;
	const struct mapping *m = maps ? mappings_from(maps, start) : NULL, *best = NULL;
	uint64_t best_bytes = 0;

	for (; m && m < maps->v + maps->nr && m->start < end; m++) {
		uint64_t bytes = (m->end < end ? m->end : end) - (m->start > start ? m->start : start);

		if (bytes > best_bytes) {
			best = m;
			best_bytes = bytes;
		}
	}
	if (!best)
		return NULL;
	return *mappings_name(maps, best) ? mappings_name(maps, best) : "anon";
}

static json_t *u64(uint64_t v)
{
	return json_integer((json_int_t)v);
}

/* Addresses as text: a JSON number has 53 bits in many a reader. */
static json_t *address(uint64_t place)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, space_address(place));
	return json_string(text);
}

static json_t *end_address(uint64_t end)
{
	return address(space_end_address(end));
}

/* Of several processes: whose it is. */
static void add_pid(json_t *object, const struct snapshot *snap, uint64_t place)
{
	const struct mappings_process *process = snap->processes ? mappings_process_of(snap->maps, place) : NULL;

	if (process)
		json_object_set_new(object, "pid", json_integer(process->pid));
}

static json_t *attrs_json(const struct attrs *a)
{
	json_t *attrs = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "aging_us", u64(a->aging_us), "aggregation_us",
				  u64(a->aggregation_us), "update_us", u64(a->update_us), "min_nr_regions",
				  u64(a->min_nr_regions), "max_nr_regions", u64(a->max_nr_regions), "budget_bp",
				  u64(a->budget_bp));

	if (a->access_bp)
		json_object_set_new(attrs, "access_bp", u64(a->access_bp));
	return attrs;
}

static json_t *stats_json(const struct snap_stats *s)
{
	json_t *stats = json_object();
	const struct {
		const char *name;
		uint64_t value;
	} counts[] = {
		{ "reports", s->reports },
		{ "samples", s->samples },
		{ "lost", s->lost },
		{ "throttled", s->throttled },
		{ "unattributed", s->unattributed },
		{ "malformed", s->malformed },
		{ "outside", s->outside },
		{ "cpu_us", s->cpu_us },
		{ "dropped", s->dropped },
	};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		json_object_set_new(stats, counts[i].name, u64(counts[i].value));
	if (s->freq_hz)
		json_object_set_new(stats, "freq_hz", u64(s->freq_hz));
	if (s->cost_ns)
		json_object_set_new(stats, "cost_ns", u64(s->cost_ns));
	return stats;
}

static void add_pages(json_t *region, const struct snap_pages *pages)
{
	if (pages->valid & SNAP_PAGES_NODE) {
		json_t *nodes = json_object();

		for (int i = 0; i < SNAP_NR_NODES && pages->node_pages[i]; i++) {
			char node[8];

			snprintf(node, sizeof(node), "%u", pages->node[i]);
			json_object_set_new(nodes, node, u64(pages->node_pages[i]));
		}
		json_object_set_new(region, "nodes", nodes);
	}
	if (pages->valid & SNAP_PAGES_KIND) {
		json_object_set_new(region, "anon_bytes", u64(pages->anon * PAGE_BYTES));
		json_object_set_new(region, "file_bytes", u64(pages->file * PAGE_BYTES));
	}
	if (pages->valid & SNAP_PAGES_HUGE)
		json_object_set_new(region, "huge_bytes", u64(pages->huge * PAGE_BYTES));
	if (pages->swap_known)
		json_object_set_new(region, "swapped_bytes", u64(pages->swapped * PAGE_BYTES));
	if (pages->valid)
		json_object_set_new(region, "pages_exact", json_boolean(pages->valid & SNAP_PAGES_EXACT));
}

static void add_access(json_t *region, const struct snap_access *access)
{
	static const char *const levels[] = {
		[SNAP_LEVEL_L1] = "l1",
		[SNAP_LEVEL_L2] = "l2",
		[SNAP_LEVEL_L3] = "l3",
		[SNAP_LEVEL_LOCAL_DRAM] = "local_dram",
		[SNAP_LEVEL_REMOTE_DRAM] = "remote_dram",
		[SNAP_LEVEL_REMOTE_CACHE] = "remote_cache",
		[SNAP_LEVEL_CXL] = "cxl",
		[SNAP_LEVEL_OTHER] = "other",
	};
	json_t *by_level = NULL;

	if (access->nr_reads + access->nr_writes) {
		json_object_set_new(region, "reads", u64(access->nr_reads));
		json_object_set_new(region, "writes", u64(access->nr_writes));
	}
	if (access->nr_latency)
		json_object_set_new(region, "latency_cycles",
				    json_real((double)access->latency_sum / access->nr_latency));
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (!access->nr_level[i])
			continue;
		if (!by_level)
			by_level = json_object();
		json_object_set_new(by_level, levels[i], u64(access->nr_level[i]));
	}
	if (by_level)
		json_object_set_new(region, "levels", by_level);
}

/* Takes the codes of region i from *code on. */
static void add_codes(json_t *region, const struct snapshot *snap, size_t i, size_t *code)
{
	json_t *codes = NULL;

	for (; *code < snap->nr_codes; (*code)++) {
		struct snap_code c = snapshot_code(snap, *code);

		if (c.region != i)
			break;
		if (!codes)
			codes = json_array();
		json_array_append_new(codes, json_pack("{s:o, s:o}", "ip", address(c.ip), "count", u64(c.count)));
	}
	if (codes)
		json_object_set_new(region, "codes", codes);
}

static json_t *region_json(const struct snapshot *snap, size_t i, size_t *code)
{
	const struct snap_region *r = &snap->regions[i];
	const char *mapping = snapshot_mapping_name(snap, r->start, r->end);
	struct snap_pages pages = snapshot_pages(snap, i);
	struct snap_access access = snapshot_access(snap, i);
	json_t *region = json_pack("{s:o, s:o, s:o, s:f, s:o, s:o}", "start", address(r->start), "end",
				   end_address(r->end), "nr_accesses", u64(r->nr_accesses), "heat", (double)r->heat,
				   "age", u64(r->age), "nr_reports", u64(r->nr_reports));

	add_pid(region, snap, r->start);
	if (mapping)
		json_object_set_new(region, "mapping", json_string(mapping));
	add_pages(region, &pages);
	add_access(region, &access);
	add_codes(region, snap, i, code);
	return region;
}

static json_t *regions_json(const struct snapshot *snap)
{
	json_t *regions = json_array();
	size_t code = 0;

	for (size_t i = 0; i < snap->nr_regions; i++)
		json_array_append_new(regions, region_json(snap, i, &code));
	return regions;
}

static json_t *mapping_json(const struct snapshot *snap, const struct mapping_report *m)
{
	const char *name = snapshot_mapping_name(snap, m->start, m->end);
	json_t *mapping = json_pack("{s:o, s:o, s:o, s:o, s:o}", "start", address(m->start), "end", end_address(m->end),
				    "rss_bytes", u64(m->rss_bytes), "referenced_bytes", u64(m->referenced_bytes),
				    "window_ns", u64(m->window_ns));

	if (m->valid & MAPPING_REPORT_RATE) {
		json_object_set_new(mapping, "accesses_per_sec", json_real(m->accesses_per_sec));
		json_object_set_new(mapping, "at_least", json_boolean(m->valid & MAPPING_REPORT_RATE_MIN));
		json_object_set_new(mapping, "nr_windows", u64(m->nr_windows));
	}
	add_pid(mapping, snap, m->start);
	if (name)
		json_object_set_new(mapping, "mapping", json_string(name));
	return mapping;
}

static json_t *process_json(const struct mappings_process *process, const struct snap_process *use)
{
	json_t *object = json_pack("{s:i, s:s, s:s, s:o, s:o}", "pid", (int)process->pid, "comm", process->comm,
				   "state", target_state_name((enum target_state)use->state), "nr_threads",
				   u64(use->nr_threads), "target_cpu_us", u64(use->cpu_us));

	if (use->flags & SNAP_WSS_KNOWN) {
		json_object_set_new(object, "wss_bytes", u64(use->wss_bytes));
		json_object_set_new(object, "wss_exact", json_boolean(use->flags & SNAP_WSS_EXACT));
	}
	if (use->flags & SNAP_RSS_KNOWN)
		json_object_set_new(object, "rss_bytes", u64(use->rss_bytes));
	return object;
}

static void add_processes(json_t *root, const struct snapshot *snap)
{
	json_t *processes = json_array();

	for (size_t i = 0; i < snap->maps->nr_processes; i++)
		json_array_append_new(processes, process_json(&snap->maps->processes[i], &snap->processes[i]));
	json_object_set_new(root, "processes", processes);
	json_object_set_new(root, "processes_left_out", u64(snap->nr_processes_left_out));
	json_object_set_new(root, "processes_refused", u64(snap->nr_processes_refused));
}

static void add_mappings(json_t *root, const struct snapshot *snap)
{
	json_t *mappings = json_array();

	for (size_t i = 0; i < snap->nr_mappings; i++)
		json_array_append_new(mappings, mapping_json(snap, &snap->mappings[i]));
	json_object_set_new(root, "mappings", mappings);
	if (snap->nr_mappings_left_out)
		json_object_set_new(root, "mappings_left_out", u64(snap->nr_mappings_left_out));
}

static json_t *snapshot_json(const struct snapshot *snap)
{
	json_t *root = json_pack("{s:o, s:o}", "seq", u64(snap->seq), "time_ns", u64(snap->time_ns));
	bool alone = snap->flags & SNAP_ACCESSES_ALONE;

	if (!alone)
		json_object_set_new(root, "wall_ns", u64(snap->wall_ns));
	json_object_set_new(root, "duration_ns", u64(snap->duration_ns));
	if (snap->pid)
		json_object_set_new(root, "pid", json_integer(snap->pid));
	if (snap->pid && !alone) {
		json_object_set_new(root, "state", json_string(target_state_name(snap->state)));
		json_object_set_new(root, "nr_threads", u64(snap->nr_threads));
		json_object_set_new(root, "target_cpu_us", u64(snap->target_cpu_us));
	}
	json_object_set_new(root, "comm", json_string(snap->comm));
	json_object_set_new(root, "source", json_string(snap->source));
	json_object_set_new(root, "source_index", json_integer(snap->source_index));
	if (snap->regions_from)
		json_object_set_new(root, "regions_from", json_string(snap->regions_from));
	if (snap->mappings_from)
		json_object_set_new(root, "mappings_from", json_string(snap->mappings_from));
	json_object_set_new(root, "attrs", attrs_json(&snap->attrs));
	json_object_set_new(root, "heat_unit", json_string(heat_unit_name(snap->heat_unit)));
	if (snap->heat_unit == HEAT_FRACTION)
		json_object_set_new(root, "max_nr_accesses", u64(snap->max_nr_accesses));
	json_object_set_new(root, "stats", stats_json(&snap->stats));
	if (snap->flags & SNAP_WSS_KNOWN) {
		json_object_set_new(root, "wss_bytes", u64(snap->wss_bytes));
		json_object_set_new(root, "wss_exact", json_boolean(snap->flags & SNAP_WSS_EXACT));
		if (snap->wss_window_ns)
			json_object_set_new(root, "wss_window_ns", u64(snap->wss_window_ns));
		if (snap->wss_age_ns)
			json_object_set_new(root, "wss_age_ns", u64(snap->wss_age_ns));
	}
	if (snap->flags & SNAP_RSS_KNOWN)
		json_object_set_new(root, "rss_bytes", u64(snap->rss_bytes));
	if (snap->flags & SNAP_EXEC)
		json_object_set_new(root, "exec", json_true());
	if (snap->note[0])
		json_object_set_new(root, "note", json_string(snap->note));
	if (snap->processes)
		add_processes(root, snap);
	json_object_set_new(root, "regions", regions_json(snap));
	if (snap->mappings)
		add_mappings(root, snap);
	return root;
}

int snapshot_json_write(FILE *out, const struct snapshot *snap)
{
	json_t *root = snapshot_json(snap);
	int rc = 0;

	if (!root)
		return -ENOMEM;
	errno = 0;
	if (json_dumpf(root, out, JSON_COMPACT | JSON_REAL_PRECISION(7)) || putc('\n', out) == EOF)
		rc = errno ? -errno : -EIO;
	json_decref(root);
	return rc;
}
