/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/snapshot_join.h"

#include <stdlib.h>
#include <string.h>

#include "collector/space.h"

struct join {
	struct snapshot **parts;
	size_t nr;
	struct snapshot *out;
	size_t nr_regions, nr_codes; /* so far */
	double time_sum;	     /* HEAT_TIME: what all samples stand for */
};

/* CPU time that the samples of a part stand for, in seconds; where no rate is known, as many as there are. */
static double sampled_time(const struct snapshot *part)
{
	return (double)part->stats.samples / (part->stats.freq_hz ? part->stats.freq_hz : 1);
}

static float heat_scale(const struct join *j, const struct snapshot *part)
{
	if (part->heat_unit != HEAT_TIME)
		return 1;
	return j->time_sum > 0 ? (float)(sampled_time(part) / j->time_sum) : 0;
}

static void append_regions(struct join *j, const struct snapshot *part, unsigned space)
{
	struct snapshot *out = j->out;
	float scale = heat_scale(j, part);

	for (size_t i = 0; i < part->nr_regions; i++) {
		struct snap_region *r = &out->regions[j->nr_regions + i];

		*r = part->regions[i];
		r->start = space_place(space, r->start);
		r->end = space_place(space, r->end);
		r->heat *= scale;
	}
	memcpy(out->open.pages + j->nr_regions, part->open.pages, part->nr_regions * sizeof(*part->open.pages));
	if (part->open.access)
		memcpy(out->open.access + j->nr_regions, part->open.access,
		       part->nr_regions * sizeof(*part->open.access));
	for (size_t i = 0; i < part->nr_codes; i++) {
		struct snap_code *code = &out->open.codes[j->nr_codes + i];

		*code = part->open.codes[i];
		code->region += (uint32_t)j->nr_regions;
		code->ip = space_place(space, code->ip);
	}
	j->nr_regions += part->nr_regions;
	j->nr_codes += part->nr_codes;
}

static void add_stats(struct snap_stats *sum, const struct snap_stats *part)
{
	sum->reports += part->reports;
	sum->samples += part->samples;
	sum->lost += part->lost;
	sum->throttled += part->throttled;
	sum->unattributed += part->unattributed;
	sum->malformed += part->malformed;
	sum->outside += part->outside;
	if (part->freq_hz > sum->freq_hz)
		sum->freq_hz = part->freq_hz;
	if (part->cost_ns > sum->cost_ns)
		sum->cost_ns = part->cost_ns;
}

static void add_process(struct snapshot *out, size_t index, const struct snapshot *part)
{
	out->processes[index] = (struct snap_process){
		.wss_bytes = part->wss_bytes,
		.rss_bytes = part->rss_bytes,
		.cpu_us = part->target_cpu_us,
		.nr_threads = part->nr_threads,
		.state = (uint8_t)part->state,
		.flags = (uint8_t)(part->flags & (SNAP_WSS_KNOWN | SNAP_WSS_EXACT | SNAP_RSS_KNOWN)),
	};
	out->wss_bytes += part->wss_bytes;
	if (part->wss_window_ns > out->wss_window_ns)
		out->wss_window_ns = part->wss_window_ns;
	if (part->wss_age_ns > out->wss_age_ns)
		out->wss_age_ns = part->wss_age_ns;
	if (part->mappings_from)
		out->mappings_from = part->mappings_from;
	out->rss_bytes += part->rss_bytes;
	out->target_cpu_us += part->target_cpu_us;
	out->nr_threads += part->nr_threads;
	out->nr_mappings_left_out += part->nr_mappings_left_out;
	if (part->max_nr_accesses > out->max_nr_accesses)
		out->max_nr_accesses = part->max_nr_accesses;
	/* of several the liveliest tells */
	if (part->state < out->state)
		out->state = part->state;
	/* the sum is known, and exact, where each of them is */
	out->flags |= part->flags & ~(uint32_t)(SNAP_WSS_KNOWN | SNAP_WSS_EXACT | SNAP_RSS_KNOWN);
	out->flags &= part->flags | ~(uint32_t)(SNAP_WSS_KNOWN | SNAP_WSS_EXACT | SNAP_RSS_KNOWN);
	if (!*out->note)
		memcpy(out->note, part->note, sizeof(out->note));
	add_stats(&out->stats, &part->stats);
}

/* What sources know of whole mappings. False: no memory. */
static bool join_mappings(struct join *j)
{
	const struct mappings_process *processes = j->out->maps->processes;
	size_t left_out = j->out->nr_mappings_left_out, nr = 0, i, k;
	struct mapping_report *v;
	bool known = false, good;

	for (i = 0; i < j->nr; i++) {
		nr += j->parts[i] ? j->parts[i]->nr_mappings : 0;
		known |= j->parts[i] && j->parts[i]->mappings;
	}
	if (!known)
		return true;
	v = malloc((nr + 1) * sizeof(*v));
	if (!v)
		return false;
	nr = 0;
	for (i = 0; i < j->nr; i++)
		for (k = 0; j->parts[i] && k < j->parts[i]->nr_mappings; k++) {
			v[nr] = j->parts[i]->mappings[k];
			v[nr].start = space_place(processes[i].space, v[nr].start);
			v[nr].end = space_place(processes[i].space, v[nr].end);
			nr++;
		}
	good = !snapshot_set_mappings(j->out, v, nr);
	j->out->nr_mappings_left_out += left_out;
	free(v);
	return good;
}

/* All but the parts' own: from the first of them. */
static void take_head(struct snapshot *out, const struct snapshot *first)
{
	out->seq = first->seq;
	out->time_ns = first->time_ns;
	out->wall_ns = first->wall_ns;
	out->duration_ns = first->duration_ns;
	out->pid = first->pid;
	memcpy(out->comm, first->comm, sizeof(out->comm));
	out->source_index = first->source_index;
	out->source = first->source;
	out->regions_from = first->regions_from;
	out->heat_unit = first->heat_unit;
	out->attrs = first->attrs;
	out->stats.cpu_us = first->stats.cpu_us;
	out->stats.dropped = first->stats.dropped;
	out->state = TARGET_EXITED;
	out->flags = SNAP_WSS_KNOWN | SNAP_WSS_EXACT | SNAP_RSS_KNOWN;
}

/* Room for all parts. */
static struct snapshot *new_snapshot(struct join *j, struct mappings *maps, const struct snapshot **first)
{
	size_t nr_regions = 0, nr_codes = 0;
	bool with_access = false;

	for (size_t i = 0; i < j->nr; i++) {
		const struct snapshot *part = j->parts[i];

		if (!part)
			continue;
		if (!*first)
			*first = part;
		nr_regions += part->nr_regions;
		nr_codes += part->nr_codes;
		with_access |= part->open.access != NULL;
		j->time_sum += sampled_time(part);
	}
	if (*first)
		return snapshot_new(nr_regions, with_access, nr_codes, maps);
	mappings_put(maps);
	return NULL;
}

struct snapshot *snapshot_join(struct snapshot **parts, struct mappings *maps)
{
	struct join j = { .parts = parts, .nr = maps->nr_processes };
	const struct snapshot *first = NULL;
	bool good = false;
	size_t i;

	j.out = new_snapshot(&j, maps, &first);
	if (j.out) {
		j.out->processes = calloc(j.nr, sizeof(*j.out->processes));
		take_head(j.out, first);
	}
	for (i = 0; j.out && j.out->processes && i < j.nr; i++) {
		if (!parts[i])
			continue;
		append_regions(&j, parts[i], maps->processes[i].space);
		add_process(j.out, i, parts[i]);
	}
	if (j.out && j.out->processes)
		good = join_mappings(&j);
	for (i = 0; i < j.nr; i++) {
		snapshot_free(parts[i]);
		parts[i] = NULL;
	}
	if (good)
		return j.out;
	snapshot_free(j.out);
	return NULL;
}
