/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_recording FILE [attrs]: makes the recording that reports are measured on: 600 snapshots of 1 000 regions, of a
 * target whose hot part moves; and says how long a snapshot took to record and how many bytes it takes. attrs: with
 * what only we record, node and kind of the pages and code addresses; otherwise with what damo records, and no more.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "collector/clock.h"
#include "collector/record.h"
#include "collector/report.h"
#include "collector/rng.h"

#define NR_SNAPSHOTS 600
#define NR_REGIONS   1000
#define MAX_ACCESSES 20
#define BASE	     UINT64_C(0x7f0000000000)
#define REGION_BYTES (UINT64_C(4) << 20) /* on average */

/* Edges and counts of the regions, which change slowly, as those of a real target do. */
struct model {
	uint64_t edges[NR_REGIONS + 1];
	uint32_t nr_accesses[NR_REGIONS], age[NR_REGIONS];
	struct rng rng;
};

static void model_init(struct model *m)
{
	memset(m, 0, sizeof(*m));
	m->rng = rng_seeded(7);
	for (size_t i = 0; i <= NR_REGIONS; i++)
		m->edges[i] = BASE + i * REGION_BYTES;
}

/* A third of the regions changes its edge, one in eight its count; what is hot moves through the target once. */
static void model_step(struct model *m, unsigned snapshot)
{
	size_t hot = (size_t)snapshot * (NR_REGIONS - 100) / NR_SNAPSHOTS;

	for (size_t i = 1; i < NR_REGIONS; i++)
		if (rng_below(&m->rng, 3) == 0)
			m->edges[i] = BASE + i * REGION_BYTES +
				      rng_below(&m->rng, REGION_BYTES / 2 / PAGE_BYTES) * PAGE_BYTES;
	for (size_t i = 0; i < NR_REGIONS; i++) {
		uint32_t nr = m->nr_accesses[i];

		if (i >= hot && i < hot + 100)
			nr = 12 + (uint32_t)rng_below(&m->rng, 8);
		else if (rng_below(&m->rng, 8) == 0)
			nr = (uint32_t)rng_below(&m->rng, 3);
		m->age[i] = nr > m->nr_accesses[i] + 2 || m->nr_accesses[i] > nr + 2 ? 0 : m->age[i] + 1;
		m->nr_accesses[i] = nr;
	}
}

static struct snapshot *make(struct model *m, unsigned i, bool with_attrs, struct mappings *maps)
{
	struct snapshot *s = snapshot_new(NR_REGIONS, false, with_attrs ? NR_REGIONS : 0, mappings_get(maps));

	if (!s)
		return NULL;
	s->seq = i;
	s->duration_ns = NSEC_PER_SEC;
	s->time_ns = (1000 + i) * NSEC_PER_SEC;
	s->wall_ns = (UINT64_C(1800000000) + i) * NSEC_PER_SEC;
	s->pid = 4711;
	memcpy(s->comm, "bench", 6);
	s->source = "mglru";
	s->attrs = attrs_default();
	s->attrs.aging_us = s->attrs.aggregation_us / MAX_ACCESSES;
	s->max_nr_accesses = MAX_ACCESSES;
	s->flags = SNAP_WSS_KNOWN;
	for (size_t k = 0; k < NR_REGIONS; k++) {
		struct snap_region *r = &s->regions[k];

		*r = (struct snap_region){ .start = m->edges[k],
					   .end = m->edges[k + 1],
					   .nr_accesses = m->nr_accesses[k],
					   .age = m->age[k],
					   .heat = (float)m->nr_accesses[k] / MAX_ACCESSES,
					   .nr_reports = m->nr_accesses[k] };
		if (r->nr_accesses)
			s->wss_bytes += r->end - r->start;
		if (!with_attrs)
			continue;
		s->open.pages[k].valid = SNAP_PAGES_NODE | SNAP_PAGES_KIND;
		s->open.pages[k].node_pages[0] = s->open.pages[k].anon = (uint32_t)((r->end - r->start) / PAGE_BYTES);
		s->open.codes[k] = (struct snap_code){ .region = (uint32_t)k,
						       .count = 1 + (uint32_t)rng_below(&m->rng, 9),
						       .ip = 0x401000 + rng_below(&m->rng, 4096) };
	}
	return snapshot_pack(s);
}

static int complain(const struct err *err)
{
	fprintf(stderr, "bench_recording: %s\n", err->text);
	return 1;
}

int main(int argc, char **argv)
{
	static const char text[] =
		"7f0000000000-7f0080000000 rw-p 0 0:0 0 [heap]\n7f0080000000-7f00fa000000 rw-p 0 0:0 0\n";
	bool with_attrs = argc > 2 && strcmp(argv[2], "attrs") == 0;
	struct mappings *maps;
	struct err err = ERR_NONE;
	struct record *record;
	struct model model;
	uint64_t ns = 0, bytes;

	if (argc < 2)
		return 2;
	maps = mappings_parse(text, sizeof(text) - 1, &err);
	if (!maps || record_open(&record, argv[1], 0, &err))
		return complain(&err);
	model_init(&model);
	for (unsigned i = 0; i < NR_SNAPSHOTS; i++) {
		struct snapshot *s;
		uint64_t begin;

		model_step(&model, i);
		s = make(&model, i, with_attrs, maps);
		begin = clock_now_ns(&clock_system);
		if (!s || record_add(record, s, &err))
			return complain(&err);
		ns += clock_now_ns(&clock_system) - begin;
		snapshot_free(s);
	}
	bytes = record_bytes(record);
	mappings_put(maps);
	if (record_close(record, &err))
		return complain(&err);
	printf("recording %u snapshots of %u regions%s: %.2f ms a snapshot, %" PRIu64 " bytes, %.2f a region\n",
	       NR_SNAPSHOTS, NR_REGIONS, with_attrs ? " with nodes, kinds and code" : "",
	       (double)ns / NR_SNAPSHOTS / 1e6, bytes, (double)bytes / NR_SNAPSHOTS / NR_REGIONS);
	return 0;
}
