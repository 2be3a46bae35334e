/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/damon_events.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/perf_attach.h"
#include "collector/perf_ring.h"
#include "collector/sysfs.h"

#define EVENT "/events/damon/damon_aggregated"

/* A sample: header, time, size of the raw data, the data and their padding. */
#define RECORD_BYTES	80
#define NR_AGGREGATIONS 4 /* that there is room for */
#define MIN_RING_PAGES	64
#define MAX_RING_PAGES	8192

static const char *const trace_dirs[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };

static const char *const field_names[DAMON_NR_FIELDS] = {
	[DAMON_FIELD_TARGET_ID] = "target_id",
	[DAMON_FIELD_NR_REGIONS] = "nr_regions",
	[DAMON_FIELD_START] = "start",
	[DAMON_FIELD_END] = "end",
	[DAMON_FIELD_NR_ACCESSES] = "nr_accesses",
	[DAMON_FIELD_AGE] = "age",
};

struct damon_events {
	struct damon_format format;
	uint64_t target_id;
	int fd;
	bool owns_fd;
	struct perf_ring ring;
	struct damon_regions batch;
	uint32_t expected;    /* regions of the batch, as its records say */
	uint64_t batch_ns;    /* of its first record */
	uint64_t previous_ns; /* of the batch before; 0: not known */
	struct damon_events_stats stats;
};

/* ---- the format file ---- */

/* "offset:8;" after the key, in this line. */
static bool take_key(const char *line, const char *end, const char *key, uint32_t *value)
{
	const char *at = strstr(line, key);
	char *stop;
	unsigned long n;

	if (!at || at >= end)
		return false;
	at += strlen(key);
	n = strtoul(at, &stop, 10);
	*value = (uint32_t)n;
	return stop > at && *stop == ';' && n < 4096;
}

/* The last word of the declaration "field:unsigned long start;". */
static bool declares(const char *line, const char *end, const char *name)
{
	const char *semicolon = memchr(line, ';', (size_t)(end - line));
	size_t len = strlen(name);

	return semicolon && (size_t)(semicolon - line) > len && semicolon[-(long)len - 1] == ' ' &&
	       strncmp(semicolon - len, name, len) == 0;
}

static int find_field(const char *text, const char *name, struct damon_field *field)
{
	for (const char *line = text, *end; *line; line = end + (*end == '\n')) {
		end = line + strcspn(line, "\n");
		if (!declares(line, end, name))
			continue;
		if (!take_key(line, end, "offset:", &field->offset) || !take_key(line, end, "size:", &field->size) ||
		    (field->size != 4 && field->size != 8))
			return -EBADMSG;
		return 0;
	}
	return -EBADMSG;
}

int damon_format_parse(struct damon_format *format, const char *text)
{
	int rc = 0;

	for (size_t i = 0; i < DAMON_NR_FIELDS && !rc; i++)
		rc = find_field(text, field_names[i], &format->field[i]);
	return rc;
}

/* ---- opening ---- */

static int read_format(const char *root, struct damon_format *format, long *id, struct err *err)
{
	char path[128], text[4096];
	ssize_t len = -ENOENT;

	for (size_t i = 0; i < sizeof(trace_dirs) / sizeof(trace_dirs[0]) && len < 0; i++) {
		snprintf(path, sizeof(path), "%s%s/id", trace_dirs[i], EVENT);
		if (sysfs_read_long(root, path, id))
			continue;
		snprintf(path, sizeof(path), "%s%s/format", trace_dirs[i], EVENT);
		len = sysfs_read(root, path, text, sizeof(text));
	}
	if (len < 0)
		return err_set(err, ENOTSUP,
			       "no tracepoint damon:damon_aggregated: mount -t tracefs none /sys/kernel/tracing");
	if (damon_format_parse(format, text))
		return err_set(err, EBADMSG, "the tracepoint damon:damon_aggregated is not in the form that is known");
	return 0;
}

static struct perf_event_attr event_attr(long id)
{
	return (struct perf_event_attr){
		.type = PERF_TYPE_TRACEPOINT,
		.config = (uint64_t)id,
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_TIME | PERF_SAMPLE_RAW,
		.use_clockid = 1,
		.clockid = 1, /* CLOCK_MONOTONIC */
		.watermark = 1,
		.wakeup_watermark = 1,
	};
}

int damon_events_probe(const char *root, struct err *err)
{
	struct perf_event_attr attr;
	struct damon_format format;
	long id;
	int rc = read_format(root, &format, &id, err), fd;

	if (rc)
		return rc;
	attr = event_attr(id);
	fd = perf_open_one(&attr, 0, -1, -1, "damon:damon_aggregated", err);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static struct damon_events *events_new(const struct damon_format *format, uint64_t target_id, int fd)
{
	struct damon_events *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->format = *format;
	e->target_id = target_id;
	e->fd = fd;
	return e;
}

int damon_events_open_file(struct damon_events **events, const struct damon_format *format, uint64_t target_id, int fd,
			   size_t nr_pages, struct err *err)
{
	struct damon_events *e = events_new(format, target_id, fd);
	int rc = e ? perf_ring_open_fd(&e->ring, fd, nr_pages, err) : err_set(err, ENOMEM, "no memory");

	*events = rc ? NULL : e;
	if (rc)
		damon_events_close(e);
	return rc;
}

/* A ring that holds some aggregations; smaller where the kernel grants no such ring. */
static int open_ring(struct damon_events *e, uint32_t max_nr_regions, struct err *err)
{
	uint64_t want = (uint64_t)max_nr_regions * RECORD_BYTES * NR_AGGREGATIONS / 4096;
	size_t nr_pages = MIN_RING_PAGES;
	int rc;

	while (nr_pages < want && nr_pages < MAX_RING_PAGES)
		nr_pages *= 2;
	for (;; nr_pages /= 2) {
		struct err last = ERR_NONE;

		rc = perf_ring_open_fd(&e->ring, e->fd, nr_pages, &last);
		if (!rc || nr_pages == 1 || (rc != -EPERM && rc != -ENOMEM))
			return rc ? err_set(err, last.code, "%s", last.text) : 0;
	}
}

int damon_events_open(struct damon_events **events, const char *root, pid_t kdamond_pid, uint64_t target_id,
		      uint32_t max_nr_regions, struct err *err)
{
	struct perf_event_attr attr;
	struct damon_format format;
	struct damon_events *e;
	long id;
	int rc = read_format(root, &format, &id, err), fd;

	*events = NULL;
	if (rc)
		return rc;
	attr = event_attr(id);
	fd = perf_open_one(&attr, kdamond_pid, -1, -1, "damon:damon_aggregated", err);
	if (fd < 0)
		return fd;
	e = events_new(&format, target_id, fd);
	if (!e) {
		close(fd);
		return err_set(err, ENOMEM, "no memory");
	}
	e->owns_fd = true;
	rc = open_ring(e, max_nr_regions, err);
	if (rc)
		damon_events_close(e);
	else
		*events = e;
	return rc;
}

void damon_events_close(struct damon_events *e)
{
	if (!e)
		return;
	perf_ring_close(&e->ring);
	damon_regions_free(&e->batch);
	if (e->owns_fd)
		close(e->fd);
	free(e);
}

int damon_events_fd(const struct damon_events *e)
{
	return e->fd;
}

bool damon_events_hung_up(const struct damon_events *e)
{
	struct pollfd pfd = { .fd = e->fd, .events = POLLIN };

	return poll(&pfd, 1, 0) > 0 && (pfd.revents & POLLHUP);
}

/* ---- records to batches ---- */

static uint64_t field_value(const struct damon_events *e, const unsigned char *raw, enum damon_field_index i)
{
	uint64_t wide;
	uint32_t narrow;

	if (e->format.field[i].size == 8) {
		memcpy(&wide, raw + e->format.field[i].offset, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, raw + e->format.field[i].offset, sizeof(narrow));
	return narrow;
}

struct traced_region {
	uint64_t time_ns, target_id, nr_regions;
	struct region_report region;
};

/* The sample of event_attr(): header, u64 time, u32 size, size bytes. */
static bool parse_sample(const struct damon_events *e, const struct perf_event_header *rec, struct traced_region *t)
{
	const unsigned char *p = (const unsigned char *)(rec + 1);
	uint64_t start, end;
	uint32_t size;

	if (rec->size < sizeof(*rec) + sizeof(t->time_ns) + sizeof(size))
		return false;
	memcpy(&t->time_ns, p, sizeof(t->time_ns));
	memcpy(&size, p + sizeof(t->time_ns), sizeof(size));
	p += sizeof(t->time_ns) + sizeof(size);
	if (size > rec->size - sizeof(*rec) - sizeof(t->time_ns) - sizeof(size))
		return false;
	for (size_t i = 0; i < DAMON_NR_FIELDS; i++)
		if (e->format.field[i].offset + e->format.field[i].size > size)
			return false;
	t->target_id = field_value(e, p, DAMON_FIELD_TARGET_ID);
	t->nr_regions = field_value(e, p, DAMON_FIELD_NR_REGIONS);
	start = field_value(e, p, DAMON_FIELD_START);
	end = field_value(e, p, DAMON_FIELD_END);
	t->region = (struct region_report){
		.start = start,
		.end = end,
		.nr_accesses = (uint32_t)field_value(e, p, DAMON_FIELD_NR_ACCESSES),
		.age = (uint32_t)field_value(e, p, DAMON_FIELD_AGE),
	};
	return start < end && t->nr_regions > 0 && t->nr_regions <= UINT32_MAX;
}

/* What has been collected of a batch is not complete and never will be. */
static void drop_batch(struct damon_events *e)
{
	if (e->batch.nr) {
		e->stats.nr_incomplete++;
		e->previous_ns = 0;
	}
	e->batch.nr = 0;
}

/* Is this region the first of another batch than the one that is being collected? */
static bool begins_batch(const struct damon_events *e, const struct traced_region *t)
{
	return e->batch.nr && (t->nr_regions != e->expected || t->region.start < e->batch.v[e->batch.nr - 1].end);
}

static int add_region(struct damon_events *e, const struct traced_region *t, damon_events_fn *fn, void *ctx)
{
	if (begins_batch(e, t))
		drop_batch(e);
	if (!e->batch.nr) {
		e->expected = (uint32_t)t->nr_regions;
		e->batch_ns = t->time_ns;
	}
	if (damon_regions_add(&e->batch, &t->region))
		return -ENOMEM;
	if (e->batch.nr < e->expected)
		return 0;
	e->stats.nr_aggregations++;
	fn(ctx, &e->batch, e->previous_ns && e->batch_ns > e->previous_ns ? e->batch_ns - e->previous_ns : 0);
	e->previous_ns = e->batch_ns;
	e->batch.nr = 0;
	return 0;
}

static int take_record(struct damon_events *e, const struct perf_event_header *rec, damon_events_fn *fn, void *ctx)
{
	struct traced_region traced;
	uint64_t lost;

	if (rec->type == PERF_RECORD_LOST && rec->size >= sizeof(*rec) + 2 * sizeof(lost)) {
		memcpy(&lost, (const unsigned char *)(rec + 1) + sizeof(lost), sizeof(lost));
		e->stats.lost += lost;
		e->previous_ns = 0;
		drop_batch(e);
	}
	if (rec->type != PERF_RECORD_SAMPLE)
		return 0;
	if (!parse_sample(e, rec, &traced)) {
		e->stats.malformed++;
		drop_batch(e);
		return 0;
	}
	return traced.target_id == e->target_id ? add_region(e, &traced, fn, ctx) : 0;
}

int damon_events_drain(struct damon_events *e, damon_events_fn *fn, void *ctx)
{
	const struct perf_event_header *rec;
	int rc = 0;

	perf_ring_begin(&e->ring);
	while (!rc && (rec = perf_ring_next(&e->ring)))
		rc = take_record(e, rec, fn, ctx);
	perf_ring_end(&e->ring);
	return rc;
}

void damon_events_stats(const struct damon_events *e, struct damon_events_stats *stats)
{
	*stats = e->stats;
	stats->malformed += e->ring.nr_malformed;
}
