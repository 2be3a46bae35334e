/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text that perf script makes of DAMON's trace events, one line a region:
 *
 *	kdamond.0 4452 [000] 82877.315633: damon:damon_aggregated: target_id=0 nr_regions=17 4096-8192: 3 12
 *
 * As many lines in a row as nr_regions says are a snapshot of that target. Only its end is known: it began when the one
 * before it ended, and the first is taken to be as long as the second.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/array.h"
#include "collector/clock.h"
#include "collector/recording_internal.h"

#define SZ_LINE 4096
/* Checks an aggregation, where no interval is known: DAMON's own default, 100 ms / 5 ms. */
#define DAMON_NR_CHECKS 20

struct line {
	uint64_t time_ns, target, nr_regions;
	struct snap_region region;
	bool fake; /* damo: region 0-0 of a snapshot that only says when the one before it began */
};

struct regions {
	struct snap_region *v;
	size_t nr, cap;
	uint64_t end_ns;
	bool complete;
};

struct reader {
	char buf[65536];
	size_t pos, nr;
	char text[SZ_LINE];
	uint64_t line; /* number of the one in text */
	bool eof;
	bool has_target;
	uint64_t target;
	struct regions now, next; /* next is read before now is handed over: the first gets its length from it */
	uint64_t last_end_ns;
};

/* ---- lines ---- */

/* 1, 0: the end, -errno. */
static int read_line(struct recording *r, struct reader *rd, struct err *err)
{
	size_t len = 0;

	for (;;) {
		char c;

		if (rd->pos == rd->nr) {
			ssize_t n = recording_read(r, rd->buf, sizeof(rd->buf), err);

			if (n < 0)
				return (int)n;
			rd->pos = 0;
			rd->nr = (size_t)n;
			if (!n) {
				rd->eof = true;
				break;
			}
		}
		c = rd->buf[rd->pos++];
		if (c == '\n')
			break;
		if (len < sizeof(rd->text) - 1)
			rd->text[len++] = c;
	}
	rd->text[len] = '\0';
	rd->line++;
	return len || !rd->eof;
}

/* A decimal number; what ends it must be ends_with. Returns what follows, or NULL. */
static const char *number(const char *s, char ends_with, uint64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)*s))
		return NULL;
	errno = 0;
	*value = strtoull(s, &end, 10);
	return errno || *end != ends_with ? NULL : end + 1;
}

/* "82877.315633:" that ends before event. */
static bool parse_time(const char *text, const char *event, uint64_t *ns)
{
	const char *p = event;
	uint64_t seconds, fraction = 0, place = NSEC_PER_SEC;
	char *end;

	while (p > text && p[-1] == ' ')
		p--;
	while (p > text && (isdigit((unsigned char)p[-1]) || p[-1] == '.' || p[-1] == ':'))
		p--;
	if (!isdigit((unsigned char)*p))
		return false;
	seconds = strtoull(p, &end, 10);
	if (seconds > UINT64_MAX / NSEC_PER_SEC / 4)
		return false;
	if (*end == '.')
		for (end++; isdigit((unsigned char)*end) && place > 1; end++)
			fraction += (uint64_t)(*end - '0') * (place /= 10);
	*ns = seconds * NSEC_PER_SEC + fraction;
	return true;
}

/* "START-END: NR [AGE]" */
static bool parse_region(const char *p, struct line *line)
{
	uint64_t nr, age = 0;

	p = number(p, '-', &line->region.start);
	p = p ? number(p, ':', &line->region.end) : NULL;
	if (!p || *p != ' ')
		return false;
	line->fake = strncmp(p, " -1", 3) == 0;
	if (line->fake)
		return true;
	nr = strtoull(p + 1, (char **)(uintptr_t)&p, 10);
	if (*p == ' ' && isdigit((unsigned char)p[1]))
		age = strtoull(p + 1, NULL, 10);
	line->region.nr_accesses = nr > UINT32_MAX ? UINT32_MAX : (uint32_t)nr;
	line->region.age = age > UINT32_MAX ? UINT32_MAX : (uint32_t)age;
	return true;
}

/* 1: a region; 0: a line of another event; -EBADMSG. */
static int parse_line(const char *text, struct line *line)
{
	static const char name[] = "damon_aggregated: ";
	const char *event = strstr(text, name), *p = event, *id, *nr;

	*line = (struct line){ 0 };
	if (!event)
		return 0;
	if (event - text >= 6 && strncmp(event - 6, "damon:", 6) == 0)
		event -= 6;
	p += sizeof(name) - 1;
	id = strncmp(p, "target_id=", 10) == 0 ? number(p + 10, ' ', &line->target) : NULL;
	nr = id && strncmp(id, "nr_regions=", 11) == 0 ? number(id + 11, ' ', &line->nr_regions) : NULL;
	if (!nr || !parse_time(text, event, &line->time_ns) || !parse_region(nr, line))
		return -EBADMSG;
	return 1;
}

/* ---- snapshots ---- */

static int add_region(struct reader *rd, const struct line *line, struct err *err)
{
	struct regions *s = &rd->next;
	struct snap_region *v;
	char where[48];

	snprintf(where, sizeof(where), "in line %" PRIu64, rd->line);
	if (line->nr_regions > RECORDING_MAX_NR_REGIONS)
		return err_set(err, EBADMSG, "too many regions (%" PRIu64 ") %s", line->nr_regions, where);
	v = array_grow(s->v, &s->cap, s->nr + 1, sizeof(*v));
	if (!v)
		return err_set(err, ENOMEM, "no memory for a snapshot of the recording");
	s->v = v;
	v[s->nr] = line->region;
	if (recording_check_region(v, s->nr, where, err))
		return -EBADMSG;
	s->nr++;
	return 0;
}

static bool is_chosen(const struct recording *r, struct reader *rd, uint64_t target)
{
	if (!rd->has_target && (!r->pid || target == (uint64_t)r->pid)) {
		rd->has_target = true;
		rd->target = target;
	}
	return rd->has_target && target == rd->target;
}

/* Reads the next snapshot to rd->next. 1, 0: the end, -errno. */
static int read_snapshot(struct recording *r, struct reader *rd, struct err *err)
{
	struct line line;

	rd->next.nr = 0;
	rd->next.complete = false;
	for (;;) {
		int rc = read_line(r, rd, err);

		if (rc <= 0)
			return rc;
		rc = parse_line(rd->text, &line);
		if (rc < 0 && rd->eof)
			return 0; /* cut off */
		if (rc < 0)
			return err_set(err, EBADMSG, "line %" PRIu64 " is not of the form that damon_aggregated has",
				       rd->line);
		if (!rc || !is_chosen(r, rd, line.target))
			continue;
		if (line.time_ns < rd->now.end_ns)
			return err_set(err, EBADMSG, "line %" PRIu64 " is older than those before it", rd->line);
		rd->next.end_ns = line.time_ns;
		rc = line.fake ? 0 : add_region(rd, &line, err);
		if (rc)
			return rc;
		if (line.fake || rd->next.nr == line.nr_regions) {
			rd->next.complete = true;
			return 1;
		}
	}
}

static void advance(struct reader *rd)
{
	struct regions now = rd->now;

	rd->last_end_ns = now.end_ns;
	rd->now = rd->next;
	rd->next = now;
	rd->next.nr = 0;
	rd->next.complete = false;
}

static struct snapshot *make(struct recording *r, struct reader *rd, struct err *err)
{
	const struct regions *s = &rd->now;
	uint64_t duration_ns = rd->last_end_ns	   ? s->end_ns - rd->last_end_ns
			       : rd->next.complete ? rd->next.end_ns - s->end_ns
						   : 0;
	struct damo_intervals intervals = { .aggr_us = duration_ns / NSEC_PER_USEC };

	intervals.sample_us = intervals.aggr_us / DAMON_NR_CHECKS;
	return recording_damo_snapshot(r, s->v, s->nr, &intervals, s->end_ns, duration_ns, err);
}

static int script_next(struct recording *r, struct snapshot **snap, struct err *err)
{
	struct reader *rd = r->format_data;
	int rc;

	if (!rd->next.complete && !rd->last_end_ns && !rd->now.complete) {
		rc = read_snapshot(r, rd, err);
		if (rc < 0)
			return rc;
	}
	if (!rd->next.complete || !rd->next.nr)
		return 0;
	advance(rd);
	rc = read_snapshot(r, rd, err);
	if (rc < 0)
		return rc;
	*snap = make(r, rd, err);
	return *snap ? 1 : -err->code;
}

static bool script_accepts(const char *head, size_t len)
{
	return !memchr(head, '\0', len) && memmem(head, len, "damon_", 6);
}

static int script_open(struct recording *r, struct err *err)
{
	r->format_data = calloc(1, sizeof(struct reader));
	return r->format_data ? 0 : err_set(err, ENOMEM, "no memory to read a recording");
}

static void script_close(struct recording *r)
{
	struct reader *rd = r->format_data;

	if (!rd)
		return;
	free(rd->now.v);
	free(rd->next.v);
	free(rd);
}

const struct recording_ops recording_script = {
	.name = "perf-script",
	.accepts = script_accepts,
	.open = script_open,
	.next = script_next,
	.close = script_close,
};
