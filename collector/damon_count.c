/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/damon_count.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/sysfs.h"

/* The kernel may tell of an application or two before the last one. */
#define NR_APPLICATIONS 3
#define NR_MORE		1024

/* The first number of schedstat is the time on a CPU, in ns. Where it cannot be read the wall's time is too much, not
 * too little. */
static struct damon_moment moment_of(const struct damon_count *c)
{
	struct damon_moment now = { .now_ns = clock_now_ns(c->clock) };
	char path[64], text[128];

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)c->kdamond_pid);
	if (c->kdamond_pid <= 0 || sysfs_read(c->root, path, text, sizeof(text)) <= 0 ||
	    sscanf(text, "%" SCNu64, &now.cpu_ns) != 1)
		now.cpu_ns = now.now_ns;
	return now;
}

void damon_count_open(struct damon_count *c, const struct damon_io *io, const struct clock *clock, const char *root,
		      int kdamond_fd, const struct damon_filters *filters)
{
	pid_t pid = damon_kdamond_pid(io, kdamond_fd);

	damon_count_close(c);
	*c = (struct damon_count){
		.io = io, .clock = clock, .root = root, .kdamond_fd = kdamond_fd, .filters = *filters
	};
	c->kdamond_pid = pid > 0 ? pid : 0;
	damon_kinds_init(&c->kinds, filters->has, moment_of(c));
}

void damon_count_close(struct damon_count *c)
{
	damon_kinds_free(&c->kinds);
}

bool damon_count_is_due(const struct damon_count *c, uint64_t sample_us)
{
	return c->kinds.has && !c->resting && sample_us <= DAMON_COUNT_MAX_SAMPLE_US &&
	       damon_kinds_is_due(&c->kinds, clock_now_ns(c->clock));
}

int damon_count_begin(struct damon_count *c, const struct damon_range *ranges, size_t nr)
{
	struct damon_range window;
	int rc;

	damon_kinds_begin(&c->kinds, ranges, nr, moment_of(c), &window);
	rc = damon_filters_arm(&c->filters, c->io, c->kdamond_fd, &window);
	if (rc) {
		damon_filters_rest(&c->filters, c->io, c->kdamond_fd);
		damon_kinds_end(&c->kinds, moment_of(c), 0, false);
		c->kinds.has = 0;
	}
	return rc;
}

void damon_count_end(struct damon_count *c, int rc)
{
	damon_filters_rest(&c->filters, c->io, c->kdamond_fd);
	c->resting = true;
	if (!rc)
		return;
	damon_kinds_end(&c->kinds, moment_of(c), 0, false);
	if (rc != -EBUSY)
		c->kinds.has = 0;
}

void damon_count_read(struct damon_count *c, size_t nr_regions)
{
	size_t max = nr_regions * NR_APPLICATIONS + NR_MORE;
	struct damon_passed *v = malloc(max * sizeof(*v));
	struct damon_moment now = moment_of(c);
	uint64_t begin_ns = clock_thread_cpu_ns();
	bool done = v != NULL;

	for (unsigned i = 0; i < DAMON_NR_FILTERS && done; i++) {
		long nr = 0;

		if (!(c->filters.has & 1U << i))
			continue;
		nr = damon_filters_read(&c->filters, c->io, c->kdamond_fd, (enum damon_filter)i, v, max);
		done = nr >= 0 && damon_kinds_put(&c->kinds, (enum damon_filter)i, v, (size_t)nr, now.now_ns) == 0;
	}
	damon_kinds_end(&c->kinds, now, clock_thread_cpu_ns() - begin_ns, done);
	free(v);
}

bool damon_count_rested(struct damon_count *c, int rc)
{
	c->resting = rc == -EBUSY;
	return c->resting;
}

void damon_count_forget(struct damon_count *c)
{
	damon_kinds_forget(&c->kinds, clock_now_ns(c->clock));
}

void damon_count_fill(const struct damon_count *c, struct region_report *v, size_t nr, char *note, size_t sz_note)
{
	struct damon_kinds_known known;
	uint64_t percent, age_s;

	if (!c->filters.has)
		return;
	damon_kinds_fill(&c->kinds, v, nr, &known);
	if (!known.known_bytes)
		return;
	percent = (uint64_t)((double)known.known_bytes / (double)known.bytes * 100);
	age_s = (clock_now_ns(c->clock) - known.oldest_ns) / NSEC_PER_SEC;
	if (percent < 100)
		snprintf(note, sz_note, "anon, file, huge: %" PRIu64 " %% of it counted, up to %" PRIu64 " s ago",
			 percent, age_s);
	else
		snprintf(note, sz_note, "anon, file, huge: counted up to %" PRIu64 " s ago", age_s);
}
