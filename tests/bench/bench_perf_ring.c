/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_perf_ring: reports a second from a ring through parsing and sorting to
 * the counts of 1 000 regions, by the real perf source, on one core.
 *
 * The ring is a memory file that is filled before each pass; filling is the
 * kernel's work and is not timed. Prints the median and the quartiles.
 */
#include <stdio.h>
#include <time.h>

#include "collector/attrs.h"
#include "collector/clock.h"
#include "collector/region.h"
#include "collector/rng.h"
#include "collector/sources/perf.h"
#include "tests/bench/bench_stat.h"
#include "tests/unit/perf_sim.h"

#define PID	   4711
#define NR_PAGES   128 /* as the source takes them by default */
#define NR_PASSES  400
#define NR_REGIONS 1000
#define BASE	   UINT64_C(0x7f0000000000)
#define SPAN	   (UINT64_C(4) << 30)

/* What a PEBS or IBS sample looks like with all that the source asks for on one node. */
struct record {
	struct perf_event_header header;
	uint64_t id, ip;
	uint32_t pid, tid;
	uint64_t addr, period, weight, data_src, page_size;
};

struct bench {
	struct sink sink;
	struct regions regions;
	uint64_t nr_reports;
	struct perf_sim ring;
	struct rng rng;
};

static void count(struct sink *sink, const struct report *v, size_t nr)
{
	struct bench *b = (struct bench *)(void *)sink;

	regions_add(&b->regions, v, nr);
	b->nr_reports += nr;
}

static void make_regions(struct bench *b)
{
	const struct range range = { .start = BASE, .end = BASE + SPAN };
	struct attrs attrs = attrs_default();

	attrs.min_nr_regions = attrs.max_nr_regions = NR_REGIONS;
	regions_init(&b->regions, REGION_COUNT_EVENTS);
	regions_set_ranges(&b->regions, &range, 1, &attrs);
}

/* Nine of ten accesses in an eighth of the range. */
static uint64_t address(struct rng *rng)
{
	return BASE + (rng_below(rng, 10) ? SPAN / 4 + rng_below(rng, SPAN / 8) : rng_below(rng, SPAN));
}

static void fill(struct bench *b)
{
	struct record r = {
		.header = { .type = PERF_RECORD_SAMPLE, .misc = PERF_RECORD_MISC_USER, .size = sizeof(r) },
		.id = 1,
		.ip = 0x401000,
		.pid = PID,
		.tid = PID,
		.period = 1009,
		.weight = 200,
		.page_size = 4096,
		.data_src = PERF_MEM_S(OP, LOAD) | PERF_MEM_S(LVL, L3) | PERF_MEM_S(LVL, HIT),
	};

	while (b->ring.head - b->ring.page->data_tail + sizeof(r) <= b->ring.sz_data) {
		r.addr = address(&b->rng);
		perf_sim_write_raw(&b->ring, &r, sizeof(r));
	}
}

static struct source *open_source(struct bench *b)
{
	struct source_params params = { .clock = &clock_system, .root = "", .attrs = attrs_default() };
	struct err err = ERR_NONE;
	struct pmu_event event;
	struct source *source;

	params.attrs.period = 1009;
	bench_must(!pmu_event_parse("raw:4,0x20d1", "", &event, &err), err.text);
	pmu_event_want(&event, false);
	event.attr[0].sample_type &= ~(uint64_t)PERF_SAMPLE_WEIGHT_STRUCT;
	event.attr[0].sample_type |= PERF_SAMPLE_WEIGHT;
	bench_must(!perf_source_open_files(&source, &params, &event, PID, &b->ring.fd, 1, NR_PAGES, &err), err.text);
	return source;
}

int main(void)
{
	static double rates[NR_PASSES];
	struct bench b = { .sink = { .reports = count }, .rng = rng_seeded(1) };
	struct source *source;
	struct timespec from, to;
	uint64_t before;

	bench_must(perf_sim_open(&b.ring, NR_PAGES, 0), "no ring");
	make_regions(&b);
	source = open_source(&b);
	for (int i = 0; i < NR_PASSES; i++) {
		fill(&b);
		before = b.nr_reports;
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
		bench_must(!source_perf.drain(source, &b.sink, NULL), "drain");
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
		rates[i] = (double)(b.nr_reports - before) /
			   ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) * 1e3;
	}
	bench_must(b.nr_reports == NR_PASSES * (b.ring.sz_data / sizeof(struct record)), "reports are missing");
	bench_must(b.regions.nr_outside == 0, "reports outside of every region");
	printf("perf ring to %zu regions: %.1f million reports/s (quartiles %.1f to %.1f), %zu a pass\n", b.regions.nr,
	       bench_quantile(rates, NR_PASSES, 0.5), bench_quantile(rates, NR_PASSES, 0.25),
	       bench_quantile(rates, NR_PASSES, 0.75), b.ring.sz_data / sizeof(struct record));
	source_perf.close(source);
	perf_sim_close(&b.ring);
	regions_free(&b.regions);
	return 0;
}
