/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/array.h"
#include "collector/text.h"

/* ---- what the source hands over ---- */

static struct stream *stream_of(struct sink *sink)
{
	return (struct stream *)((char *)sink - offsetof(struct stream, sink));
}

static void sink_reports(struct sink *sink, const struct report *v, size_t nr)
{
	struct stream *s = stream_of(sink);

	if (aggregate_add(&s->agg, v, nr))
		err_set(&s->failure, ENOMEM, "no memory for %zu reports", nr);
}

static void sink_mappings(struct sink *sink, const struct mapping_report *v, size_t nr)
{
	struct stream *s = stream_of(sink);

	if (aggregate_keep_mappings(&s->agg, v, nr))
		err_set(&s->failure, ENOMEM, "no memory for %zu mappings", nr);
}

static void sink_working_set(struct sink *sink, uint64_t bytes, uint64_t window_ns, uint64_t age_ns)
{
	aggregate_keep_working_set(&stream_of(sink)->agg, bytes, window_ns, age_ns);
}

/* Takes over snap; NULL: there was no memory for it. */
static void keep_ready(struct stream *s, struct snapshot *snap)
{
	struct snapshot **ready = array_grow(s->ready, &s->cap_ready, s->nr_ready + 1, sizeof(struct snapshot *));

	if (ready)
		s->ready = ready;
	if (!snap || !ready) {
		snapshot_free(snap);
		err_set(&s->failure, ENOMEM, "no memory for a snapshot");
		return;
	}
	ready[s->nr_ready++] = snap;
}

/* Of [start, end). All of it where there are no mappings. */
static uint64_t mapped_bytes(const struct mappings *maps, uint64_t start, uint64_t end)
{
	const struct mapping *m = maps ? mappings_from(maps, start) : NULL;
	uint64_t sum = 0;

	if (!maps)
		return end - start;
	for (; m && m < maps->v + maps->nr && m->start < end; m++)
		sum += (m->end < end ? m->end : end) - (m->start > start ? m->start : start);
	return sum;
}

static uint32_t pages_of(uint64_t bytes)
{
	uint64_t pages = bytes >> PAGE_SHIFT;

	return pages < UINT32_MAX ? (uint32_t)pages : UINT32_MAX;
}

/* What the source knows of the pages of a region that it has made; the most frequent node first. */
static void fill_pages(struct snap_pages *pages, const struct region_report *r)
{
	const uint32_t max_huge = (1U << 28) - 1;

	for (size_t i = 0; (r->valid & REPORT_NODE) && i < REPORT_NR_NODES && r->nodes[i].bytes; i++) {
		uint32_t nr = pages_of(r->nodes[i].bytes);
		size_t at = i;

		if (r->nodes[i].node > UINT8_MAX)
			continue;
		for (; at && pages->node_pages[at - 1] < nr; at--) {
			pages->node_pages[at] = pages->node_pages[at - 1];
			pages->node[at] = pages->node[at - 1];
		}
		pages->node_pages[at] = nr;
		pages->node[at] = (uint8_t)r->nodes[i].node;
		pages->valid |= SNAP_PAGES_NODE;
	}
	if (r->valid & REPORT_KIND) {
		pages->anon = pages_of(r->anon_bytes);
		pages->file = pages_of(r->file_bytes);
		pages->valid |= SNAP_PAGES_KIND;
	}
	if (r->valid & REPORT_HUGE) {
		pages->huge = (pages_of(r->huge_bytes) < max_huge ? pages_of(r->huge_bytes) : max_huge) & max_huge;
		pages->valid |= SNAP_PAGES_HUGE;
	}
}

/* The source has made the regions itself: they are the snapshot, and their end is the end of an aggregation. */
static void sink_regions(struct sink *sink, const struct region_report *v, size_t nr, uint32_t max_nr_accesses,
			 uint64_t duration_ns)
{
	struct stream *s = stream_of(sink);
	struct snapshot *snap = snapshot_new(nr, false, 0, mappings_get(s->maps));

	for (size_t i = 0; snap && i < nr; i++) {
		snap->regions[i] = (struct snap_region){
			.start = v[i].start,
			.end = v[i].end,
			.nr_accesses = v[i].nr_accesses,
			.age = v[i].age,
			.heat = max_nr_accesses ? (float)v[i].nr_accesses / (float)max_nr_accesses : 0,
			.nr_reports = max_nr_accesses,
		};
		fill_pages(&snap->open.pages[i], &v[i]);
		if (v[i].nr_accesses)
			snap->wss_bytes += mapped_bytes(s->maps, v[i].start, v[i].end);
	}
	if (snap) {
		snap->heat_unit = HEAT_FRACTION;
		snap->max_nr_accesses = max_nr_accesses;
		snap->duration_ns = duration_ns;
		snap->flags = SNAP_WSS_KNOWN;
		snap->stats.reports = nr;
	}
	keep_ready(s, snap);
}

/* A recording is played: it is complete, and goes past the regions. */
static void sink_snapshot(struct sink *sink, struct snapshot *snap)
{
	struct message message = { .type = MESSAGE_SNAPSHOT, .snapshot = snapshot_pack(snap) };

	channel_publish(stream_of(sink)->channel, &message);
}

static void sink_play(struct sink *sink, const struct play_state *state)
{
	struct message message = { .type = MESSAGE_PLAY, .play = *state };

	channel_publish(stream_of(sink)->channel, &message);
}

static size_t sink_room(struct sink *sink)
{
	return channel_room(stream_of(sink)->channel);
}

/* ---- opening and closing ---- */

int stream_open(struct stream *s, const struct source_ops *ops, const struct source_params *params,
		struct channel *channel, struct err *err)
{
	bool checks = ops->flags & SOURCE_CHECKS;
	struct mappings *maps;
	int rc;

	*s = (struct stream){
		.watched = s->watched,
		.index = s->index,
		.ops = ops,
		.channel = channel,
		.sink = {
			.reports = sink_reports,
			.regions = sink_regions,
			.mappings = sink_mappings,
			.working_set = sink_working_set,
			.snapshot = sink_snapshot,
			.play = sink_play,
			.room = sink_room,
		},
	};
	if (aggregate_init(&s->agg, checks, ops->flags & SOURCE_WSS_EXACT, ops->heat_unit, params->seed))
		return err_set(err, ENOMEM, "no memory for regions");
	s->agg.without = ops->flags & SOURCE_NO_HUGETLB ? MAPPING_HUGETLB : 0;
	rc = ops->open(&s->source, params, err);
	if (rc)
		return rc;
	if (!(ops->flags & SOURCE_REGIONS))
		aggregate_limit(&s->agg, params->range_start, params->range_end);
	maps = params->target ? mappings_get(params->target->maps) : ops->mappings(s->source);
	stream_use_mappings(s, maps, &params->attrs, false);
	mappings_put(maps);
	return s->failure.code ? err_set(err, s->failure.code, "%s", s->failure.text) : 0;
}

void stream_close(struct stream *s)
{
	if (s->source)
		s->ops->close(s->source);
	s->source = NULL;
	aggregate_free(&s->agg);
	memset(&s->agg, 0, sizeof(s->agg));
	mappings_put(s->maps);
	s->maps = NULL;
	while (s->nr_ready)
		snapshot_free(s->ready[--s->nr_ready]);
	free(s->ready);
	s->ready = NULL;
	s->cap_ready = 0;
}

bool stream_is_open(const struct stream *s)
{
	return s->source != NULL;
}

/* ---- regions ---- */

void stream_use_attrs(struct stream *s, const struct attrs *attrs)
{
	if (aggregate_set_mappings(&s->agg, s->maps, attrs, false))
		err_set(&s->failure, ENOMEM, "no memory for regions");
}

void stream_use_mappings(struct stream *s, struct mappings *maps, const struct attrs *attrs, bool fresh)
{
	if (maps == s->maps && !fresh)
		return;
	mappings_put(s->maps);
	s->maps = mappings_get(maps);
	if (aggregate_set_mappings(&s->agg, maps, attrs, fresh))
		err_set(&s->failure, ENOMEM, "no memory for regions");
}

/* ---- a snapshot ---- */

static void add_note(struct snapshot *snap, const char *what, const char *of_it)
{
	size_t len = strlen(snap->note);

	snprintf(snap->note + len, sizeof(snap->note) - len, "%s%s%s", len ? "; " : "", what, of_it);
}

/* What the source says of itself, and where and of how much memory it knows nothing. */
static void fill_note(const struct stream *s, struct snapshot *snap, const struct source_stats *now)
{
	uint64_t unseen = s->ops->flags & SOURCE_NO_HUGETLB ? mappings_hugetlb_bytes(s->maps) : 0;
	char bytes[TEXT_NUMBER_SIZE];

	snprintf(snap->note, sizeof(snap->note), "%s", now->note);
	if (unseen)
		add_note(snap, text_bytes(bytes, unseen), " of hugetlb pages: their use is unknown");
	if (s->agg.limit_is_empty)
		add_note(snap, "in the range that is watched nothing is mapped", "");
}

/* What the source counted since the previous one. */
static void fill_stats(struct stream *s, struct snapshot *snap, const struct source_stats *now)
{
	const struct source_stats *last = &s->last_stats;

	snap->stats.samples = now->samples - last->samples;
	snap->stats.lost = now->lost - last->lost;
	snap->stats.throttled = now->throttled - last->throttled;
	snap->stats.unattributed = now->unattributed - last->unattributed;
	snap->stats.malformed = now->malformed - last->malformed;
	snap->stats.freq_hz = now->freq_hz;
	snap->stats.cost_ns = now->cost_ns;
	if (now->stretched != last->stretched && !snap->wss_window_ns)
		snap->flags &= ~(uint32_t)SNAP_WSS_EXACT;
	fill_note(s, snap, now);
	s->last_stats = *now;
}

static struct snapshot *take_ready(struct stream *s)
{
	struct snapshot *snap;

	if (!s->nr_ready)
		return NULL;
	snap = s->ready[0];
	memmove(s->ready, s->ready + 1, --s->nr_ready * sizeof(struct snapshot *));
	return snap;
}

static struct snapshot *make(struct stream *s, const struct attrs *attrs, uint64_t duration_ns,
			     const struct source_stats *stats)
{
	struct snapshot *snap = aggregate_finish(&s->agg, attrs, mappings_get(s->maps), duration_ns,
						 stats->samples - s->last_stats.samples);

	if (!snap)
		err_set(&s->failure, ENOMEM, "no memory for a snapshot");
	return snap;
}

struct snapshot *stream_finish(struct stream *s, const struct attrs *attrs, uint64_t duration_ns)
{
	struct source_stats stats = { 0 };
	struct snapshot *snap;

	s->ops->stats(s->source, &stats);
	snap = s->ops->flags & SOURCE_REGIONS ? take_ready(s) : make(s, attrs, duration_ns, &stats);
	if (!snap)
		return snap;
	snap->source = s->ops->name;
	snap->regions_from = s->ops->regions_from;
	snap->mappings_from = s->agg.nr_mapping_checks || aggregate_wss_is_of_mappings(&s->agg) ? s->ops->mappings_from
												: NULL;
	fill_stats(s, snap, &stats);
	return snap;
}
