/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_history - memory that a kept snapshot takes for each of its regions,
 * as the allocator counts it: snapshots of the demo source, made by the collector on a virtual clock.
 */
#include <malloc.h>

#include "collector/collector.h"
#include "collector/sources/sources.h"
#include "tests/bench/bench_stat.h"
#include "tui/history.h"

#define NR_SNAPSHOTS 100
#define NR_REGIONS   1000

static size_t allocated(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* All that has come, into the history. */
static void keep(struct channel *channel, struct history *history, size_t *nr_regions)
{
	struct message message;

	while (channel_receive(channel, &message)) {
		bench_must(message.type != MESSAGE_ENDED, message.err.text);
		if (message.type != MESSAGE_SNAPSHOT)
			continue;
		*nr_regions += message.snapshot->nr_regions;
		history_push(history, message.snapshot);
	}
}

/* All that is kept of a snapshot counts: regions, pages, codes, access mixes, and the snapshot itself. */
static void measure(const char *what, unsigned min_regions, unsigned max_regions)
{
	struct clock_virtual clock;
	struct source_params params = { .attrs = attrs_default(), .clock = &clock.clock, .root = "", .seed = 1 };
	struct err err = ERR_NONE;
	struct channel *channel = channel_new(&err);
	struct history *history = history_new((size_t)1 << 30);
	const struct source_ops *const sources[] = { &source_demo, NULL };
	struct collector *collector;
	size_t before, after, nr_regions = 0;

	clock_virtual_init(&clock, NSEC_PER_SEC, NSEC_PER_SEC);
	params.attrs.min_nr_regions = min_regions;
	params.attrs.max_nr_regions = max_regions;
	bench_must(channel && history && !collector_open(&collector, sources, &params, channel, &err), err.text);
	while (history_nr(history) < NR_SNAPSHOTS) {
		clock_virtual_advance(&clock, collector_deadline_ns(collector));
		bench_must(collector_step(collector), "the collector has ended");
		keep(channel, history, &nr_regions);
	}
	collector_close(collector);
	keep(channel, history, &nr_regions);
	after = allocated();
	history_free(history);
	before = allocated();
	printf("figure\tbytes kept a region and snapshot, %s\t%.1f in all (%zu regions; %zu a snapshot)\t<= 64\n", what,
	       (double)(after - before) / (double)nr_regions, nr_regions / NR_SNAPSHOTS, sizeof(struct snapshot));
	channel_free(channel);
}

int main(void)
{
	measure("1 000 regions", NR_REGIONS, NR_REGIONS);
	measure("default limits", attrs_default().min_nr_regions, attrs_default().max_nr_regions);
	return 0;
}
