/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The source damon while it is tuned, for the guest: damon_tune PID EVENT START END.
 * New intervals and limits take effect within the running kdamond, which keeps
 * its regions and their ages; snapshots never mix two sets of attributes. It is
 * limited to START-END (hexadecimal, of the process) and freed again.
 * Prints result lines for tests/vm/cases.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/sources/sources.h"

/* Aggregations that some region is to last unchanged, before anything is tuned: the idle ones do. */
#define OLD 30

struct seen {
	struct sink sink; /* first */
	unsigned nr;
	size_t nr_regions;
	uint32_t max_nr_accesses, max_age, max_count;
	uint64_t duration_ns, start, end;
};

static void take(struct sink *sink, const struct region_report *v, size_t nr, uint32_t max_nr_accesses,
		 uint64_t duration_ns)
{
	struct seen *seen = (struct seen *)sink;

	seen->nr++;
	seen->nr_regions = nr;
	seen->max_nr_accesses = max_nr_accesses;
	seen->duration_ns = duration_ns;
	seen->max_age = seen->max_count = 0;
	seen->start = v[0].start;
	seen->end = v[nr - 1].end;
	for (size_t i = 0; i < nr; i++) {
		if (v[i].age > seen->max_age)
			seen->max_age = v[i].age;
		if (v[i].nr_accesses > seen->max_count)
			seen->max_count = v[i].nr_accesses;
	}
}

static void die(const char *what, const struct err *err)
{
	printf("not ok damon-tune: %s: %s\n", what, err->text);
	exit(1);
}

static void drain_until(struct seen *seen, struct source *source, unsigned nr)
{
	struct pollfd pfd = { .fd = source_damon.poll_fd(source), .events = POLLIN };
	struct err err = ERR_NONE;

	for (seen->nr = 0; seen->nr < nr;) {
		if (poll(&pfd, 1, 20000) <= 0)
			die("no aggregation in 20 s", &err);
		if (source_damon.drain(source, &seen->sink, &err))
			die("drain", &err);
	}
}

/* Until some region is so old. Waits for aggregations, not for time: how long they take is the machine's affair. */
static void drain_until_age(struct seen *seen, struct source *source, uint32_t age)
{
	for (unsigned n = 0; n < 20 * age; n++) {
		drain_until(seen, source, 1);
		if (seen->max_age >= age)
			return;
	}
}

static void check(const char *event, const char *name, bool ok, const struct seen *seen)
{
	printf("%s damon-tune-%s-%s", ok ? "ok" : "not ok", event, name);
	printf(ok ? "\n" : ": ");
	printf("%s%zu regions, max %u of %u, age %u, %llu us\n", ok ? "# " : "", seen->nr_regions, seen->max_count,
	       seen->max_nr_accesses, seen->max_age, (unsigned long long)(seen->duration_ns / NSEC_PER_USEC));
}

/* "Monitor only this range", and everything again. */
static void limit(const char *event, struct source *source, struct seen *seen, uint64_t start, uint64_t end)
{
	struct err err = ERR_NONE;
	unsigned n = 0;

	if (source_damon.set_range(source, start, end, &err))
		die("set_range", &err);
	drain_until(seen, source, 1);
	check(event, "range", seen->start == start && seen->end == end, seen);
	drain_until(seen, source, 6); /* mappings have been read again meanwhile */
	check(event, "range-later", seen->start == start && seen->end == end, seen);
	check(event, "range-splits", seen->nr_regions > 1, seen);
	if (source_damon.set_range(source, 0, 0, &err))
		die("set_range", &err);
	do
		drain_until(seen, source, 1);
	while ((seen->start >= start || seen->end <= end) && ++n < 100);
	check(event, "all-again", seen->start < start && seen->end > end, seen);
}

int main(int argc, char **argv)
{
	struct source_params params = { .attrs = attrs_default(), .root = "", .clock = &clock_system };
	struct seen seen = { .sink.regions = take };
	struct source *source;
	struct attrs attrs;
	struct err err = ERR_NONE;

	if (argc != 5)
		return 2;
	params.event = argv[2];
	source_damon.default_attrs(&params.attrs);
	if (target_open(&params.target, atoi(argv[1]), &err))
		die("target", &err);
	if (source_damon.open(&source, &params, &err))
		die("open", &err);
	drain_until_age(&seen, source, OLD);
	check(argv[2], "default", seen.max_nr_accesses == 20 && seen.max_count <= 20, &seen);

	attrs = params.attrs;
	attrs.aging_us = 20000;
	if (source_damon.set_attrs(source, &attrs, &err))
		die("set_attrs", &err);
	drain_until(&seen, source, 1);
	check(argv[2], "sampling", seen.max_nr_accesses == 5 && seen.max_count <= 5, &seen);
	/*
	 * How many there are says nothing: the kernel merges to a tenth and splits again from one aggregation to the
	 * next. But regions that were made anew would be young; the oldest of those kept may have been merged with a
	 * younger one, and is half as old at the least.
	 */
	check(argv[2], "keeps-regions", seen.max_age >= OLD / 2, &seen);
	drain_until(&seen, source, 2);
	check(argv[2], "sampling-later", seen.max_count <= 5, &seen);

	attrs.aggregation_us = 400000;
	attrs.max_nr_regions = 12;
	if (source_damon.set_attrs(source, &attrs, &err))
		die("set_attrs", &err);
	drain_until(&seen, source, 3);
	check(argv[2], "aggregation", seen.max_nr_accesses == 20 && seen.duration_ns >= 390 * NSEC_PER_MSEC, &seen);
	check(argv[2], "max-regions", seen.nr_regions <= 24, &seen);
	limit(argv[2], source, &seen, strtoull(argv[3], NULL, 16), strtoull(argv[4], NULL, 16));
	source_damon.close(source);
	target_close(params.target);
	return 0;
}
