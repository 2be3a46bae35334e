/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a frame costs: microseconds to paint a screen of 200 x 50 with a full
 * history of snapshots of 1 000 regions each, in the cases that occur.
 *
 * Each figure is the median of many frames, in CPU time, so that a busy machine does not change it. "new snapshot" is
 * what happens once an aggregation, "same" what a key that moves the cursor costs, "new axis" what a change of mappings
 * does: every column is made again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/clock.h"
#include "collector/rng.h"
#include "tests/bench/bench_stat.h"
#include "tui/app.h"

#define NR_REGIONS 1000
#define NR_HISTORY 1000
#define NR_FRAMES  201
#define PIECE	   (UINT64_C(1) << 21)

static const char maps_text[] = "555500000000-555510000000 rw-p 00000000 00:00 0 [heap]\n"
				"7f0000000000-7f0070000000 rw-p 00000000 00:00 0 \n"
				"7f1000000000-7f1000200000 r-xp 00000000 08:01 7 /usr/lib/libc.so.6\n";
/* The same with one small mapping more. */
static const char maps_text2[] = "555500000000-555510000000 rw-p 00000000 00:00 0 [heap]\n"
				 "7f0000000000-7f0070000000 rw-p 00000000 00:00 0 \n"
				 "7f0080000000-7f0080100000 rw-p 00000000 00:00 0 \n"
				 "7f1000000000-7f1000200000 r-xp 00000000 08:01 7 /usr/lib/libc.so.6\n";

static struct snapshot *make_snapshot(struct mappings *maps, uint64_t seq, struct rng *rng)
{
	struct snapshot *snap = snapshot_new(NR_REGIONS, false, 0, mappings_get(maps));
	size_t i;

	if (!snap)
		abort();
	snap->seq = seq;
	snap->time_ns = seq * NSEC_PER_SEC;
	snap->duration_ns = NSEC_PER_SEC;
	snap->pid = 1;
	snap->source = "bench";
	snap->heat_unit = HEAT_TIME;
	snap->attrs = attrs_default();
	for (i = 0; i < NR_REGIONS; i++) {
		struct snap_region *region = &snap->regions[i];

		region->start = i < 120 ? UINT64_C(0x555500000000) + i * PIECE
					: UINT64_C(0x7f0000000000) + (i - 120) * PIECE;
		region->end = region->start + PIECE;
		region->heat = (float)(rng_unit(rng) * rng_unit(rng) * 0.004);
		region->age = (uint32_t)rng_below(rng, 100);
		region->nr_reports = (uint32_t)rng_below(rng, 1000);
		snap->open.pages[i] =
			(struct snap_pages){ .node_pages = { 300, 212 }, .node = { 0, 1 }, .anon = 512, .valid = 7 };
	}
	return snapshot_pack(snap);
}

static void push(struct app *app, struct snapshot *snap)
{
	struct message message = { .type = MESSAGE_SNAPSHOT, .snapshot = snap };

	app_message(app, &message);
}

static int compare(const void *va, const void *vb)
{
	double a = *(const double *)va, b = *(const double *)vb;

	return (a > b) - (a < b);
}

enum what { SAME, NEW_SNAPSHOT, NEW_AXIS };

struct bench {
	struct theme theme;
	struct app *app;
	struct grid grid;
	struct mappings *maps[2];
	struct rng rng;
	uint64_t seq;
};

static void measure(struct bench *b, const char *name, enum what what, uint32_t overlay)
{
	struct term_event key = { .key = overlay };
	double us[NR_FRAMES];
	int i;

	app_key(b->app, &key);
	app_paint(b->app, &b->grid);
	for (i = 0; i < NR_FRAMES; i++) {
		uint64_t begin;

		if (what != SAME)
			push(b->app, make_snapshot(b->maps[what == NEW_AXIS ? i % 2 : 0], b->seq++, &b->rng));
		begin = clock_thread_cpu_ns();
		app_paint(b->app, &b->grid);
		us[i] = (double)(clock_thread_cpu_ns() - begin) / NSEC_PER_USEC;
	}
	qsort(us, NR_FRAMES, sizeof(*us), compare);
	printf("frame %dx%d %-28s median %6.0f us   95 %% %6.0f us\n", b->grid.cols, b->grid.rows, name,
	       us[NR_FRAMES / 2], us[NR_FRAMES * 95 / 100]);
}

/* Takes over both tables of mappings; the history is on the first. */
static void begin(struct bench *b, int rows, int cols, enum color_depth depth, struct mappings *first,
		  struct mappings *second, int nr_history)
{
	struct err err = ERR_NONE;
	struct app_config config = { .theme = &b->theme,
				     .look = { depth, false },
				     .history_bytes = (size_t)256 << 20,
				     .attrs = attrs_default() };

	*b = (struct bench){ .grid = GRID_EMPTY, .rng = rng_seeded(1), .maps = { first, second } };
	bench_must(!theme_load(&b->theme, THEME_DEFAULT, &err), err.text);
	b->app = app_new(&config, &err);
	bench_must(b->app && !grid_resize(&b->grid, rows, cols), err.text);
	for (int i = 0; i < nr_history; i++)
		push(b->app, make_snapshot(first, b->seq++, &b->rng));
}

static void end(struct bench *b)
{
	app_free(b->app);
	grid_free(&b->grid);
	mappings_put(b->maps[0]);
	mappings_put(b->maps[1]);
}

static void run(int rows, int cols, enum color_depth depth)
{
	struct bench b;

	begin(&b, rows, cols, depth, mappings_parse(maps_text, strlen(maps_text), NULL),
	      mappings_parse(maps_text2, strlen(maps_text2), NULL), NR_HISTORY);
	measure(&b, "same, heat", SAME, '1');
	measure(&b, "new snapshot, heat", NEW_SNAPSHOT, '1');
	measure(&b, "new snapshot, node", NEW_SNAPSHOT, '2');
	measure(&b, "new axis, heat", NEW_AXIS, '1');
	measure(&b, "new axis, node", NEW_AXIS, '2');
	end(&b);
}

/* A table of many mappings, each with a gap before it; shift: a table that differs. */
static struct mappings *many_mappings(unsigned nr, unsigned shift)
{
	char *text = malloc((size_t)nr * 80), *p = text;
	struct mappings *maps;
	unsigned i;

	if (!text)
		abort();
	for (i = 0; i < nr; i++) {
		uint64_t start = UINT64_C(0x7f0000000000) + (uint64_t)(i + shift) * 0x20000;

		p += sprintf(p, "%llx-%llx %s 00000000 00:00 0 \n", (unsigned long long)start,
			     (unsigned long long)(start + 0x8000 + (i % 7) * 0x1000), i % 3 ? "rw-p" : "r--p");
	}
	maps = mappings_parse(text, (size_t)(p - text), NULL);
	free(text);
	return maps;
}

/* A target of 65 000 mappings that maps and unmaps: the worst that a frame has to do between two keys. */
static void run_many(void)
{
	struct bench b;

	begin(&b, 60, 200, COLOR_DEPTH_TRUE, many_mappings(65000, 0), many_mappings(65000, 1), 200);
	measure(&b, "65 000 mappings, same", SAME, '1');
	measure(&b, "65 000 mappings, new axis", NEW_AXIS, '1');
	measure(&b, "65 000 mappings, its nodes", NEW_AXIS, '2');
	end(&b);
}

int main(void)
{
	printf("history of %d snapshots of %d regions\n", NR_HISTORY, NR_REGIONS);
	run(50, 200, COLOR_DEPTH_TRUE);
	run(60, 200, COLOR_DEPTH_TRUE);
	run(24, 80, COLOR_DEPTH_256);
	run_many();
	return 0;
}
