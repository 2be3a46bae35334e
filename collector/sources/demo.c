/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A synthetic target with a known truth: for a first look, for documentation
 * and for tests. Its reports are a function of the time and the seed alone.
 *
 * The target is a small key-value server on a machine with two nodes: a hot
 * band that wanders through a large arena and jumps once a minute, a scan that
 * passes over everything, a snapshot file that is written every 20 s, a stack
 * that is always hot.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "collector/rng.h"
#include "collector/sources/sources.h"

#define MIB		(UINT64_C(1) << 20)
#define REPORTS_PER_SEC 20000
#define MAX_BATCH	(REPORTS_PER_SEC * 2) /* after a long pause no more than two seconds are made up for */

static const char demo_maps[] =
	"55d0c2a00000-55d0c2b80000 r-xp 00000000 fe:01 1835 /usr/bin/kv-server\n"
	"55d0c4e21000-55d0c5e21000 rw-p 00000000 00:00 0 [heap]\n"
	"7f05e0000000-7f05f8000000 rw-p 00000000 00:00 0 \n"
	"7f0e12a00000-7f0e14a00000 rw-s 00000000 fe:01 2020 /var/lib/kv/dump.snapshot\n"
	"7f0e1ae00000-7f0e1afc0000 r-xp 00000000 fe:01 3301 /usr/lib/x86_64-linux-gnu/libc.so.6\n"
	"7ffc5f1c3000-7ffc5f1e4000 rw-p 00000000 00:00 0 [stack]\n";

#define TEXT	   UINT64_C(0x55d0c2a00000)
#define HEAP	   UINT64_C(0x55d0c4e21000)
#define HEAP_SIZE  (16 * MIB)
#define ARENA	   UINT64_C(0x7f05e0000000)
#define ARENA_SIZE (384 * MIB)
#define DUMP	   UINT64_C(0x7f0e12a00000)
#define DUMP_SIZE  (32 * MIB)
#define LIBC	   UINT64_C(0x7f0e1ae00000)
#define LIBC_SIZE  (UINT64_C(0x1c0000))
#define STACK	   UINT64_C(0x7ffc5f1c3000)
#define STACK_SIZE (UINT64_C(0x21000))

struct demo {
	struct source source;
	const struct clock *clock;
	struct rng rng;
	uint64_t begin_ns, done; /* reports made since */
	struct report *batch;
	struct source_stats stats;
};

/* One access at second t of the play. Shares: 2 % text, 10 % heap, 60 % band, 8 % scan, 8 % all of the arena, 12 %
 * rest. */
static struct report access_at(struct demo *demo, double t)
{
	struct rng *rng = &demo->rng;
	double draw = rng_unit(rng), minute = t / 60, band;
	struct report r = { .count = 1,
			    .valid = REPORT_OP | REPORT_KIND | REPORT_NODE | REPORT_IP | REPORT_LATENCY,
			    .kind = PAGE_ANON,
			    .op = rng_below(rng, 4) ? REPORT_READ : REPORT_WRITE,
			    .latency = 40 };

	/* Per minute: 40 s in the lower half, drifting up, then a jump to the upper half. */
	band = fmod(minute, 1) < 2.0 / 3 ? 0.10 + 0.25 * fmod(minute, 1) : 0.62 + 0.2 * (fmod(minute, 1) - 2.0 / 3);
	r.ip = TEXT + 0x1000 + 64 * rng_below(rng, 4);
	if (draw < 0.02) {
		r.start = TEXT + rng_below(rng, 8) * 0x8000;
		r.kind = PAGE_FILE;
		r.op = REPORT_READ;
	} else if (draw < 0.12) {
		r.start = HEAP + (uint64_t)((double)HEAP_SIZE * (0.5 + 0.5 * sin(t / 5)) * rng_unit(rng));
		r.ip = TEXT + 0x41000;
	} else if (draw < 0.72) {
		/* Two uniform numbers make a band with soft borders, 64 MiB wide. */
		r.start = ARENA + (uint64_t)((double)ARENA_SIZE * (band + (rng_unit(rng) + rng_unit(rng)) / 12));
		r.latency = 180;
	} else if (draw < 0.80) {
		r.start = ARENA + (uint64_t)((double)ARENA_SIZE * (fmod(t, 30) / 30 * 0.98 + rng_unit(rng) / 50));
		r.ip = TEXT + 0x9a000;
	} else if (draw < 0.88) {
		r.start = ARENA + rng_below(rng, ARENA_SIZE);
		r.latency = 300;
	} else if (draw < 0.92 && fmod(t, 20) < 3) {
		r.start = DUMP + (uint64_t)((double)DUMP_SIZE * (fmod(t, 20) / 3.2 + rng_unit(rng) / 20));
		r.kind = PAGE_FILE;
		r.op = REPORT_WRITE;
	} else if (draw < 0.95) {
		r.start = LIBC + rng_below(rng, LIBC_SIZE / 4);
		r.kind = PAGE_FILE;
		r.op = REPORT_READ;
	} else {
		r.start = STACK + STACK_SIZE - 0x6000 + rng_below(rng, 0x5000);
	}
	r.start &= ~UINT64_C(7);
	r.end = r.start + 8;
	r.node = r.start >= ARENA + ARENA_SIZE * 55 / 100 && r.start < ARENA + ARENA_SIZE ? 1 : 0;
	return r;
}

static int demo_probe(const struct source_params *params, struct err *err)
{
	(void)params;
	(void)err;
	return 0;
}

static void demo_close(struct source *source)
{
	struct demo *demo = (struct demo *)source;

	if (!demo)
		return;
	free(demo->batch);
	free(demo);
}

static int demo_open(struct source **source, const struct source_params *params, struct err *err)
{
	struct demo *demo = calloc(1, sizeof(*demo));

	*source = NULL;
	if (demo)
		demo->batch = calloc(MAX_BATCH, sizeof(*demo->batch));
	if (!demo || !demo->batch) {
		demo_close(demo ? &demo->source : NULL);
		return err_set(err, ENOMEM, "no memory for the demo");
	}
	demo->source.ops = &source_demo;
	demo->clock = params->clock;
	demo->rng = rng_seeded(params->seed);
	demo->begin_ns = clock_now_ns(demo->clock);
	*source = &demo->source;
	return 0;
}

static int demo_drain(struct source *source, struct sink *sink, struct err *err)
{
	struct demo *demo = (struct demo *)source;
	uint64_t due = (clock_now_ns(demo->clock) - demo->begin_ns) * REPORTS_PER_SEC / NSEC_PER_SEC;
	size_t nr = 0;

	(void)err;
	if (due - demo->done > MAX_BATCH)
		demo->done = due - MAX_BATCH;
	for (; demo->done < due; demo->done++)
		demo->batch[nr++] = access_at(demo, (double)demo->done / REPORTS_PER_SEC);
	demo->stats.reports += nr;
	demo->stats.samples += nr;
	if (nr)
		sink->reports(sink, demo->batch, nr);
	return 0;
}

static void demo_stats(struct source *source, struct source_stats *stats)
{
	*stats = ((struct demo *)source)->stats;
}

static struct mappings *demo_mappings(struct source *source)
{
	(void)source;
	return mappings_parse(demo_maps, sizeof(demo_maps) - 1, NULL);
}

const struct source_ops source_demo = {
	.name = "demo",
	.sees = "a synthetic target with known truth: for a first look, documentation and tests",
	.heat_unit = HEAT_RATE,
	.flags = SOURCE_NO_TARGET,
	.probe = demo_probe,
	.open = demo_open,
	.drain = demo_drain,
	.stats = demo_stats,
	.close = demo_close,
	.mappings = demo_mappings,
};
