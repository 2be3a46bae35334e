/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/screen_fixture.h"
#include "collector/snapshot_join.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/report.h"

#define MIB (UINT64_C(1) << 20)

static const char server_text[] =
	"55d0c2a00000-55d0c2b00000 r-xp 00000000 08:01 1001 /usr/bin/redis-server\n"
	"55d0c2b00000-55d0c2c00000 rw-p 00100000 08:01 1001 /usr/bin/redis-server\n"
	"55d0c4e21000-55d0d0e21000 rw-p 00000000 00:00 0 [heap]\n"
	"7f05f3e00000-7f066be00000 rw-p 00000000 00:00 0 \n"
	"7f0e12a00000-7f0e1aa00000 r--s 00000000 08:01 1002 /var/lib/redis/dump.rdb\n"
	"7f0e1ae00000-7f0e1ae26000 r--p 00000000 08:01 1003 /usr/lib/x86_64-linux-gnu/libc.so.6\n"
	"7f0e1ae26000-7f0e1af7b000 r-xp 00026000 08:01 1003 /usr/lib/x86_64-linux-gnu/libc.so.6\n"
	"7f0e1af7b000-7f0e1afce000 r--p 0017b000 08:01 1003 /usr/lib/x86_64-linux-gnu/libc.so.6\n"
	"7f0e1afce000-7f0e1afd4000 rw-p 001ce000 08:01 1003 /usr/lib/x86_64-linux-gnu/libc.so.6\n"
	"7f0e1afd4000-7f0e1afe1000 rw-p 00000000 00:00 0 \n"
	"7ffc5f1c3000-7ffc5f1e4000 rw-p 00000000 00:00 0 [stack]\n"
	"7ffc5f1f6000-7ffc5f1fa000 r--p 00000000 00:00 0 [vvar]\n"
	"7ffc5f1fa000-7ffc5f1fc000 r-xp 00000000 00:00 0 [vdso]\n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n";

struct mappings *fixture_maps(const char *text)
{
	struct err err = ERR_NONE;
	struct mappings *maps = mappings_parse(text, strlen(text), &err);

	if (!maps) {
		fprintf(stderr, "fixture: %s\n", err.text);
		abort();
	}
	return maps;
}

struct mappings *fixture_server_maps(void)
{
	return fixture_maps(server_text);
}

struct mappings *fixture_random_maps(struct rng *rng, size_t nr)
{
	static const char *const names[] = { "", "", "", "/usr/lib/libx.so", "/usr/lib/liby.so", "[heap]", "[stack]" };
	static const char *const perms[] = { "rw-p", "r-xp", "r--s", "---p" };
	char *text = malloc(nr * 128 + 1), *p = text;
	uint64_t at = UINT64_C(0x10000);
	struct mappings *maps;
	size_t i;

	*p = '\0';
	for (i = 0; i < nr; i++) {
		uint64_t len = PAGE_BYTES << rng_below(rng, 12);
		const char *name = names[rng_below(rng, 7)];

		if (rng_below(rng, 2))
			at += PAGE_BYTES << rng_below(rng, 16);
		if (!rng_below(rng, 50))
			len <<= 14;
		p += sprintf(p, "%llx-%llx %s 00000000 00:00 %d %s\n", (unsigned long long)at,
			     (unsigned long long)(at + len), perms[rng_below(rng, 4)], *name == '/' ? 7 : 0, name);
		at += len;
	}
	maps = fixture_maps(text);
	free(text);
	return maps;
}

static void stamp(struct snapshot *snap, uint64_t seq)
{
	snap->seq = seq;
	snap->time_ns = (seq + 1) * 1000000000;
	snap->wall_ns = FIXTURE_WALL_NS + snap->time_ns;
	snap->duration_ns = 1000000000;
	snap->pid = 4711;
	strcpy(snap->comm, "redis-server");
	snap->source = "mglru";
	snap->attrs = attrs_default();
	snap->max_nr_accesses = 5;
	snap->flags = SNAP_RSS_KNOWN | SNAP_WSS_KNOWN;
	snap->rss_bytes = 3100 * MIB;
	snap->nr_threads = 5;
	snap->target_cpu_us = 900000;
}

static bool is_covered(const struct mapping *m)
{
	return (m->perms & 7) && m->start < UINT64_C(1) << 63;
}

struct snapshot *fixture_flat(struct mappings *maps, uint64_t seq)
{
	struct snapshot *snap;
	size_t i, n = 0;

	for (i = 0; i < maps->nr; i++)
		n += is_covered(&maps->v[i]);
	snap = snapshot_new(n, false, 0, mappings_get(maps));
	if (!snap)
		abort();
	for (i = n = 0; i < maps->nr; i++)
		if (is_covered(&maps->v[i]))
			snap->regions[n++] = (struct snap_region){ .start = maps->v[i].start, .end = maps->v[i].end };
	stamp(snap, seq);
	return snap;
}

/* What the server does in second seq at addr, 0 ... 1. */
static double truth(const struct mapping *m, uint64_t addr, uint64_t seq)
{
	double at = (double)(addr - m->start) / (double)(m->end - m->start), t = (double)seq, hot;

	switch (m->kind) {
	case MAPPING_HEAP:
		return 0.35 + 0.2 * sin(at * 9 + t / 8);
	case MAPPING_STACK:
		return 0.9;
	case MAPPING_ANON:
		if (m->end - m->start < 64 * MIB)
			return 0.1;
		hot = seq < 50 ? 0.25 + t / 250 : 0.65 + (t - 50) / 250;
		return exp(-pow((at - hot) / 0.07, 2)) + 0.5 * exp(-pow((at - 0.12) / 0.03, 2)) * (seq >= 50);
	case MAPPING_FILE:
		if (m->perms & MAPPING_SHARED)
			return seq % 20 < 3 ? 0.8 : 0;
		return m->perms & MAPPING_EXEC ? 0.4 : (double)((addr >> 12 ^ seq * 7) % 5 == 0) * 0.2;
	default:
		return 0;
	}
}

static void fill_pages(struct snap_pages *pages, const struct snap_region *region, const struct mapping *m,
		       uint64_t seq)
{
	uint32_t nr = (uint32_t)((region->end - region->start) >> PAGE_SHIFT);
	bool anon = m->kind != MAPPING_FILE && m->kind != MAPPING_VDSO, big = m->end - m->start > 512 * MIB;
	double at = (double)(region->start - m->start) / (double)(m->end - m->start);

	pages->valid = SNAP_PAGES_NODE | SNAP_PAGES_KIND | SNAP_PAGES_HUGE;
	pages->anon = anon ? nr : 0;
	pages->file = anon ? 0 : nr;
	pages->huge = big ? nr / 2 : 0;
	pages->swap_known = anon;
	pages->swapped = big ? nr / 16 : 0;
	pages->node_pages[0] = nr;
	if (big && at > 0.5 && seq >= 20) {
		pages->node[0] = 1;
		if (at < 0.6) {
			pages->node_pages[0] = nr - nr / 3;
			pages->node_pages[1] = nr / 3;
		}
	}
}

/* Files are read; the arena is written in its lower half. Sources of HEAT_TIME tell no latency. */
static void fill_access(struct snap_access *access, const struct mapping *m, const struct snap_region *region,
			enum heat_unit unit)
{
	double at = (double)(region->start - m->start) / (double)(m->end - m->start);
	uint32_t nr = region->nr_reports;

	access->nr_writes = m->perms & MAPPING_WRITE ? (at < 0.4 ? nr * 4 / 5 : at < 0.5 ? nr / 2 : nr / 20) : 0;
	access->nr_reads = nr - access->nr_writes;
	if (unit != HEAT_RATE)
		return;
	access->nr_latency = nr;
	access->latency_sum = (uint64_t)nr * (m->kind == MAPPING_STACK	? 9
					      : m->kind == MAPPING_HEAP ? 60
					      : at < 0.5		? 190
									: 410);
	access->nr_level[SNAP_LEVEL_L1] = nr / 2;
	access->nr_level[at < 0.5 ? SNAP_LEVEL_LOCAL_DRAM : SNAP_LEVEL_REMOTE_DRAM] = nr - nr / 2;
}

static uint32_t age_of(const struct mapping *m, const struct snap_region *region, uint64_t seq)
{
	uint32_t age = 0;
	double now = truth(m, region->start, seq);

	while (age < seq && age < 40 && fabs(truth(m, region->start, seq - age - 1) - now) < 0.1)
		age++;
	return age;
}

static double heat_in_unit(double v, enum heat_unit unit)
{
	if (unit == HEAT_RATE)
		return v * v * v * 4e6;
	if (unit == HEAT_TIME)
		return v * v * v * 0.004;
	return v;
}

static void add_codes(struct snapshot *snap)
{
	static const uint32_t counts[] = { 38, 21, 9 };
	size_t i, k, n = 0;

	for (i = 0; i < snap->nr_regions && n + 3 <= snap->nr_codes; i++)
		for (k = 0; snap->regions[i].nr_reports > 100 && k < 3; k++)
			snap->open.codes[n++] = (struct snap_code){
				.region = (uint32_t)i,
				.count = counts[k],
				.ip = UINT64_C(0x55d0c2a31041) + k * 0x5e31 + (k == 2) * UINT64_C(0x2a3d5869f000),
			};
	snap->nr_codes = n;
}

/* Not packed yet. */
static struct snapshot *server(struct mappings *maps, uint64_t seq, size_t nr_regions, enum heat_unit unit)
{
	struct snapshot *snap =
		snapshot_new(nr_regions + maps->nr, unit != HEAT_FRACTION, nr_regions, mappings_get(maps));
	uint64_t piece = (maps->mapped_bytes / nr_regions + PAGE_BYTES) & ~(PAGE_BYTES - 1);
	size_t i, n = 0;

	if (!snap)
		abort();
	stamp(snap, seq);
	snap->heat_unit = unit;
	for (i = 0; i < maps->nr; i++) {
		const struct mapping *m = &maps->v[i];
		uint64_t at;

		for (at = m->start; is_covered(m) && at < m->end && n < nr_regions + maps->nr; at += piece) {
			struct snap_region *region = &snap->regions[n++];
			double v = truth(m, at, seq);

			region->start = at;
			region->end = at + piece < m->end ? at + piece : m->end;
			region->nr_accesses = (uint32_t)(v * 5 + 0.5);
			region->heat = (float)heat_in_unit(v < 0.01 ? 0 : v, unit);
			region->nr_reports = (uint32_t)(v * 400);
			region->age = age_of(m, region, seq);
			fill_pages(&snap->open.pages[n - 1], region, m, seq);
			if (snap->open.access)
				fill_access(&snap->open.access[n - 1], m, region, unit);
			if (v > 0.2)
				snap->wss_bytes += region->end - region->start;
		}
	}
	snap->nr_regions = n;
	add_codes(snap);
	snap->stats.reports = 21504;
	snap->stats.samples = 22000;
	snap->stats.cpu_us = 4000;
	if (unit == HEAT_TIME) {
		snap->source = "clock";
		snap->stats.unattributed = 496;
		snap->stats.freq_hz = 250;
	}
	return snap;
}

struct snapshot *fixture_server(struct mappings *maps, uint64_t seq, size_t nr_regions, enum heat_unit unit)
{
	return snapshot_pack(server(maps, seq, nr_regions, unit));
}

/* Mappings of the server, by a fork: the same addresses. */
struct mappings *fixture_family_maps(struct mappings *maps)
{
	struct mappings_part parts[] = {
		{ { .space = 0, .pid = 4711, .start_ticks = 1000, .comm = "redis-server" }, maps },
		{ { .space = 1, .pid = 4720, .start_ticks = 2000, .comm = "redis-rdb-bgsave" }, maps },
		{ { .space = 4, .pid = 4733, .start_ticks = 3000, .comm = "redis-aof-rewrite" }, maps },
	};
	struct mappings *joined = mappings_join(parts, 3);

	if (!joined)
		abort();
	return joined;
}

struct snapshot *fixture_family(struct mappings *maps, struct mappings *joined, uint64_t seq, size_t nr_regions,
				enum heat_unit unit)
{
	struct snapshot *parts[3], *snap;
	size_t i;

	for (i = 0; i < 3; i++) {
		parts[i] = server(maps, seq + 30 * i, nr_regions / 3, unit);
		parts[i]->wss_bytes >>= i;
	}
	for (i = 0; i < parts[2]->nr_regions; i++)
		parts[2]->regions[i].heat /= 4;
	stamp(parts[0], seq);
	snap = snapshot_join(parts, mappings_get(joined));
	if (!snap)
		abort();
	snap->seq = seq;
	snap->source = unit == HEAT_TIME ? "clock" : "mglru";
	snap->nr_processes_left_out = seq > 60 ? 2 : 0;
	return snapshot_pack(snap);
}
