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

/* All that has come, into the history; regions and code addresses counted. */
static void keep(struct channel *channel, struct history *history, size_t *nr_regions, size_t *nr_codes)
{
	struct message message;

	while (channel_receive(channel, &message)) {
		bench_must(message.type != MESSAGE_ENDED, message.err.text);
		if (message.type != MESSAGE_SNAPSHOT)
			continue;
		*nr_regions += message.snapshot->nr_regions;
		*nr_codes += message.snapshot->nr_codes;
		history_push(history, message.snapshot);
	}
}

int main(void)
{
	struct clock_virtual clock;
	struct source_params params = { .attrs = attrs_default(), .clock = &clock.clock, .root = "", .seed = 1 };
	struct err err = ERR_NONE;
	struct channel *channel = channel_new(&err);
	struct history *history = history_new((size_t)1 << 30);
	struct collector *collector;
	size_t before, after, nr_regions = 0, nr_codes = 0;
	double all, extra, fixed;
	bool with_access;

	clock_virtual_init(&clock, NSEC_PER_SEC, NSEC_PER_SEC);
	params.attrs.min_nr_regions = params.attrs.max_nr_regions = NR_REGIONS;
	bench_must(channel && history && !collector_open(&collector, &source_demo, &params, channel, &err), err.text);
	while (history_nr(history) < NR_SNAPSHOTS) {
		clock_virtual_advance(&clock, collector_deadline_ns(collector));
		bench_must(collector_step(collector), "the collector has ended");
		keep(channel, history, &nr_regions, &nr_codes);
	}
	collector_close(collector);
	keep(channel, history, &nr_regions, &nr_codes);
	with_access = history_last(history)->access;
	after = allocated();
	history_free(history);
	before = allocated();
	all = (double)(after - before) / (double)nr_regions;
	fixed = (double)sizeof(struct snapshot) * NR_SNAPSHOTS / (double)nr_regions;
	extra = ((double)nr_codes * sizeof(struct snap_code) +
		 (with_access ? (double)nr_regions : 0) * sizeof(struct snap_access)) /
		(double)nr_regions;
	printf("history: %.1f bytes a region and snapshot in all (%d snapshots of %zu regions); of it %.1f for code "
	       "addresses\n"
	       "and access mixes, which only some sources deliver, and %.1f of the %zu bytes a snapshot\n",
	       all, NR_SNAPSHOTS, nr_regions / NR_SNAPSHOTS, extra, fixed, sizeof(struct snapshot));
	printf("figure\tbytes kept a region and snapshot\t%.0f (codes, reads and writes: %.0f; a snapshot: %zu)\t<= "
	       "64\n",
	       all - extra - fixed, extra, sizeof(struct snapshot));
	channel_free(channel);
	return 0;
}
