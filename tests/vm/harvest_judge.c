/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * harvest_judge - harvests a workload page by page and holds the result against its truth file.
 *
 * harvest_judge -s SOURCE -p PID [-t TRUTH] [-n HARVESTS] [-i MS] [-u FILE] [-k HOOKS] [-r RING_BYTES [-f]]
 *	one line of key=value a harvest. Only pages inside the truth's maps are judged; others are counted as "other".
 *	A harvest over more than one phase says phase=mixed and is not judged.
 *	A harvest comes MS after the one before it at the earliest, and when by the truth every page has been accessed
 *	since, after the TLB was flushed: however slow the machine is, a page that is missing then has not been seen.
 *	Before those that are judged there are others until FILE is there: a line "early=N" for each, at once.
 *	The ring begins with RING_BYTES, and with -f stays so.
 * harvest_judge -l
 *	prints how many BPF programs the kernel holds.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "collector/clock.h"
#include "collector/sources/harvest.h"
#include "collector/sources/sources.h"
#include "collector/target.h"

#define MAX_MAPS     4096
#define MAX_HARVESTS 64
#define MAX_WAITS    3000 /* for the truth */
#define WAIT_US	     20000
/* The workload counts in batches of so many. */
#define BATCH	   32
#define MAX_RANGES 512
/* Slices in which all ranges of the phase under way are met. */
#define MAX_LOOK_BACK 16

struct map {
	uint64_t start, end;
	char name[32];
	int node; /* -1: not bound */
	bool file, huge;
};

struct range_list {
	struct report *v;
	size_t nr, cap;
};

struct harvest_result {
	uint64_t begin_ns, end_ns, cost_us;
	struct range_list pages;
	struct source_stats stats;
	uint64_t lost; /* by this harvest */
};

struct catcher {
	struct sink sink;
	struct range_list *into;
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "harvest_judge: %s: %s\n", what, why);
	exit(1);
}

static void add(struct range_list *list, const struct report *r)
{
	if (list->nr == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 1024;
		list->v = realloc(list->v, list->cap * sizeof(*list->v));
		if (!list->v)
			die("memory", "none");
	}
	list->v[list->nr++] = *r;
}

static void catch_reports(struct sink *sink, const struct report *v, size_t nr)
{
	struct catcher *c = (struct catcher *)sink;

	for (size_t i = 0; i < nr; i++)
		add(c->into, &v[i]);
}

/* ---- truth ---- */

static uint64_t address(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? strtoull(s, NULL, 16) : 0;
}

/* Every member of every map. */
static size_t read_maps(const json_t *start, struct map *maps)
{
	size_t i, nr = 0;
	json_t *m;

	json_array_foreach(json_object_get(start, "maps"), i, m)
	{
		json_int_t count = json_integer_value(json_object_get(m, "count"));
		const char *kind = json_string_value(json_object_get(m, "kind"));
		json_t *node = json_object_get(m, "node");

		for (json_int_t k = 0; k < (count ? count : 1) && nr < MAX_MAPS; k++) {
			struct map *map = &maps[nr++];

			map->start =
				address(m, "start") + (uint64_t)(k * json_integer_value(json_object_get(m, "stride")));
			map->end = map->start + (uint64_t)json_integer_value(json_object_get(m, "size"));
			map->node = node ? (int)json_integer_value(node) : -1;
			map->file = kind && strcmp(kind, "anon") != 0;
			map->huge = json_is_true(json_object_get(m, "huge"));
			snprintf(map->name, sizeof(map->name), "%s", json_string_value(json_object_get(m, "name")));
		}
	}
	return nr;
}

/* The lines that there are so far. */
struct truth {
	const char *path; /* NULL: there is none */
	FILE *file;
	json_t **lines;
	size_t nr, cap;
};

static void add_line(struct truth *t, json_t *json)
{
	if (t->nr == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 256;
		t->lines = realloc(t->lines, t->cap * sizeof(*t->lines));
		if (!t->lines)
			die("memory", "none");
	}
	t->lines[t->nr++] = json;
}

/* Reads what has been added. A file that is not there yet has nothing. */
static void read_on(struct truth *t)
{
	char *line = NULL;
	size_t sz = 0;
	ssize_t len;

	if (t->path && !t->file)
		t->file = fopen(t->path, "r");
	if (!t->file)
		return;
	clearerr(t->file);
	while ((len = getline(&line, &sz, t->file)) > 0) {
		json_t *json = line[len - 1] == '\n' ? json_loads(line, 0, NULL) : NULL;

		if (!json) { /* the last one, being written */
			fseek(t->file, -len, SEEK_CUR);
			break;
		}
		add_line(t, json);
	}
	free(line);
}

static void close_truth(struct truth *t)
{
	for (size_t i = 0; i < t->nr; i++)
		json_decref(t->lines[i]);
	free(t->lines);
	if (t->file)
		fclose(t->file);
}

static uint64_t number(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

static const char *phase_of(const json_t *line)
{
	return json_string_value(json_object_get(line, "phase"));
}

static uint64_t end_of(const struct truth *t)
{
	return t->nr ? number(t->lines[t->nr - 1], "end_ns") : 0;
}

/* ---- has everything been accessed? ---- */

/* The first line after the slice in which the TLB was flushed after begin_ns; t->nr: not yet. */
static size_t flushed_since(const struct truth *t, uint64_t begin_ns)
{
	bool flushes = number(t->lines[0], "flush_ns") > 0;
	size_t i = t->nr;

	while (i > 1 && number(t->lines[i - 1], "begin_ns") >= begin_ns)
		i--;
	while (flushes && i < t->nr && !number(t->lines[i++], "flushes"))
		;
	return i;
}

/* A range of the phase under way, and what has been done in it. */
struct progress {
	uint64_t start, end, thread, accesses;
	bool whole;
};

/* Each slice has its ranges in the same order, some left out: looks on from *at. */
static struct progress *progress_of(struct progress v[MAX_RANGES], size_t *nr, size_t *at, const json_t *range)
{
	struct progress p = { .start = address(range, "start"),
			      .end = address(range, "end"),
			      .thread = number(range, "thread") };

	for (size_t n = 0; n < *nr; n++, ++*at) {
		struct progress *q;

		*at %= *nr;
		q = &v[*at];
		if (q->start == p.start && q->end == p.end && q->thread == p.thread)
			return ++*at, q;
	}
	if (*nr == MAX_RANGES)
		die("truth", "too many ranges");
	v[*nr] = p;
	return &v[(*nr)++];
}

/* A range of which the truth does not count pages counts as whole: nobody can know. */
static void go_on(struct progress *p, const json_t *range)
{
	uint64_t pages = (p->end - p->start + PAGE_BYTES - 1) / PAGE_BYTES;
	const char *pattern = json_string_value(json_object_get(range, "pattern"));
	bool sweep = pattern && strcmp(pattern, "sweep") == 0, counted = json_object_get(range, "pages") != NULL;

	p->accesses += number(range, "accesses");
	p->whole |= number(range, "pages") == pages || (sweep && p->accesses >= pages + 2 * BATCH) ||
		    (!sweep && !counted);
}

/* Every page of all the ranges of the phase under way, since begin_ns. */
static bool is_whole(const struct truth *t, uint64_t begin_ns)
{
	size_t first = t->nr ? flushed_since(t, begin_ns) : 0, nr = 0, at = 0, k;
	struct progress v[MAX_RANGES];
	const json_t *range;

	if (first >= t->nr)
		return false;
	for (size_t i = t->nr > MAX_LOOK_BACK ? t->nr - MAX_LOOK_BACK : 1; i < t->nr; i++) {
		if (!phase_of(t->lines[i]) || strcmp(phase_of(t->lines[i]), phase_of(t->lines[t->nr - 1])) != 0)
			continue;
		json_array_foreach(json_object_get(t->lines[i], "ranges"), k, range)
		{
			struct progress *p = progress_of(v, &nr, &at, range);

			if (i >= first)
				go_on(p, range);
		}
	}
	for (size_t i = 0; i < nr; i++)
		if (!v[i].whole)
			return false;
	return nr > 0;
}

/* ---- truth against harvest ---- */

/* Adds what the slices between begin and end touched; returns the phase, "mixed" or "none". */
static const char *expected(const struct truth *t, const struct harvest_result *r, struct range_list *hot)
{
	const char *phase = "none";
	json_t *range;
	size_t k;

	for (size_t i = 0; i < t->nr; i++) {
		const char *name = phase_of(t->lines[i]);

		if (!name || number(t->lines[i], "end_ns") <= r->begin_ns ||
		    number(t->lines[i], "begin_ns") >= r->end_ns)
			continue;
		if (strcmp(phase, "none") != 0 && strcmp(phase, name) != 0)
			return "mixed";
		phase = name;
		json_array_foreach(json_object_get(t->lines[i], "ranges"), k, range) add(
			hot, &(struct report){ .start = address(range, "start") & ~(PAGE_BYTES - 1),
					       .end = (address(range, "end") + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1) });
	}
	return phase;
}

static int compare(const void *a, const void *b)
{
	const struct report *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* Sorts and joins. */
static void normalize(struct range_list *list)
{
	size_t nr = 0;

	if (!list->nr)
		return;
	qsort(list->v, list->nr, sizeof(*list->v), compare);
	for (size_t i = 1; i < list->nr; i++) {
		if (list->v[i].start <= list->v[nr].end) {
			if (list->v[i].end > list->v[nr].end)
				list->v[nr].end = list->v[i].end;
		} else {
			list->v[++nr] = list->v[i];
		}
	}
	list->nr = nr + 1;
}

static bool contains(const struct range_list *list, uint64_t addr)
{
	size_t low = 0, high = list->nr;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (list->v[mid].end <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low < list->nr && list->v[low].start <= addr;
}

static const struct map *map_of(const struct map *maps, size_t nr, uint64_t addr)
{
	for (size_t i = 0; i < nr; i++)
		if (addr >= maps[i].start && addr < maps[i].end)
			return &maps[i];
	return NULL;
}

struct counts {
	uint64_t pages, in_maps, hit, node_wrong, kind_wrong, huge_wrong, huge, anon, file, unknown, node[2];
};

/* Counts one page that was reported. m NULL: no map of the truth. */
static void count_page(struct counts *c, const struct report *r, const struct map *m, bool hot)
{
	c->pages++;
	if (!m)
		return;
	c->in_maps++;
	c->hit += hot;
	c->huge += r->huge;
	c->unknown += (r->valid & (REPORT_NODE | REPORT_KIND)) != (REPORT_NODE | REPORT_KIND);
	c->anon += (r->valid & REPORT_KIND) && r->kind == PAGE_ANON;
	c->file += (r->valid & REPORT_KIND) && r->kind == PAGE_FILE;
	if ((r->valid & REPORT_NODE) && r->node >= 0 && r->node < 2)
		c->node[r->node]++;
	c->node_wrong += m->node >= 0 && (!(r->valid & REPORT_NODE) || r->node != m->node);
	c->kind_wrong += !(r->valid & REPORT_KIND) || (r->kind == PAGE_FILE) != m->file;
	c->huge_wrong += !(r->valid & REPORT_HUGE) || r->huge != m->huge;
}

static void judge(int i, const struct harvest_result *r, const struct map *maps, size_t nr_maps,
		  const struct truth *truth)
{
	struct range_list hot = { 0 };
	struct counts c = { 0 };
	const char *phase = expected(truth, r, &hot);
	uint64_t nr_hot = 0;
	const struct map *m = NULL;

	normalize(&hot);
	for (size_t k = 0; k < hot.nr; k++)
		nr_hot += (hot.v[k].end - hot.v[k].start) / PAGE_BYTES;
	for (size_t k = 0; k < r->pages.nr; k++) {
		const struct report *p = &r->pages.v[k];

		for (uint64_t a = p->start; a < p->end; a += PAGE_BYTES) {
			if (!m || a < m->start || a >= m->end)
				m = map_of(maps, nr_maps, a);
			count_page(&c, p, m, contains(&hot, a));
		}
	}
	printf("harvest=%d phase=%s ms=%.1f cost_us=%llu pages=%llu other=%llu hot=%llu hit=%llu", i, phase,
	       (double)(r->end_ns - r->begin_ns) / 1e6, (unsigned long long)r->cost_us, (unsigned long long)c.pages,
	       (unsigned long long)(c.pages - c.in_maps), (unsigned long long)nr_hot, (unsigned long long)c.hit);
	printf(" precision=%.5f recall=%.5f", c.in_maps ? (double)c.hit / (double)c.in_maps : 0,
	       nr_hot ? (double)c.hit / (double)nr_hot : 0);
	printf(" node0=%llu node1=%llu node_wrong=%llu anon=%llu file=%llu kind_wrong=%llu huge=%llu huge_wrong=%llu",
	       (unsigned long long)c.node[0], (unsigned long long)c.node[1], (unsigned long long)c.node_wrong,
	       (unsigned long long)c.anon, (unsigned long long)c.file, (unsigned long long)c.kind_wrong,
	       (unsigned long long)c.huge, (unsigned long long)c.huge_wrong);
	printf(" unknown=%llu ranges=%zu lost=%llu note=%s\n", (unsigned long long)c.unknown, r->pages.nr,
	       (unsigned long long)r->lost, r->stats.note);
	free(hot.v);
}

/* ---- harvesting ---- */

static void sleep_until(uint64_t ns)
{
	struct timespec t = { .tv_sec = (time_t)(ns / NSEC_PER_SEC), .tv_nsec = (long)(ns % NSEC_PER_SEC) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

struct harvester {
	struct source *source;
	struct truth truth;
	const struct target *target;
	uint64_t interval_ns;
	uint64_t at_ns, drained_ns; /* when the harvest before this one began and was over */
};

/* Until everything has been accessed since the last harvest, or until line "until_ns" of the truth is there. */
static void wait_for_truth(struct harvester *h, uint64_t until_ns)
{
	for (int i = 0; i < MAX_WAITS && h->truth.path; i++) {
		read_on(&h->truth);
		if ((until_ns ? end_of(&h->truth) >= until_ns : is_whole(&h->truth, h->drained_ns)) ||
		    target_has_ended(h->target))
			return;
		usleep(WAIT_US);
	}
}

/* One harvest; lost: as of the one before it. */
static int harvest_one(struct harvester *h, struct harvest_result *r, uint64_t lost, struct err *err)
{
	struct catcher catcher = { .sink = { .reports = catch_reports }, .into = &r->pages };
	uint64_t now = clock_now_ns(&clock_system);
	int rc = h->source->ops->drain(h->source, &catcher.sink, err);

	h->drained_ns = clock_now_ns(&clock_system);
	r->begin_ns = h->at_ns;
	r->end_ns = h->at_ns = now;
	r->cost_us = (h->drained_ns - now) / 1000;
	h->source->ops->stats(h->source, &r->stats);
	r->lost = r->stats.lost - lost;
	return rc;
}

/* Harvests until the file is there. */
static void harvest_early(struct harvester *h, const char *until)
{
	for (int i = 0; until && access(until, F_OK); i++) {
		struct harvest_result early = { 0 };
		struct err err = ERR_NONE;

		sleep_until(h->at_ns + h->interval_ns);
		if (harvest_one(h, &early, 0, &err))
			die("early", err.text);
		printf("early=%d pages=%zu\n", i, early.pages.nr);
		fflush(stdout);
		free(early.pages.v);
	}
}

static int harvest_all(struct harvester *h, struct harvest_result *results, int nr)
{
	struct source_stats before = { 0 };

	h->source->ops->stats(h->source, &before);
	for (int i = 0; i < nr; i++) {
		struct err err = ERR_NONE;
		int rc;

		sleep_until(h->at_ns + h->interval_ns);
		wait_for_truth(h, 0);
		rc = harvest_one(h, &results[i], i ? results[i - 1].stats.lost : before.lost, &err);
		if (rc) {
			printf("harvest=%d error=%d text=%s\n", i, rc, err.text);
			return i;
		}
	}
	return nr;
}

static int count_programs(void)
{
	__u32 id = 0;
	int nr = 0;

	while (bpf_prog_get_next_id(id, &id) == 0)
		nr++;
	return nr;
}

static enum harvest_hooks hooks_by_name(const char *name)
{
	static const char *const names[] = { "auto", "rfc", "table", "fentry", "kprobe", "folio" };

	for (int i = 0; i < 6; i++)
		if (strcmp(name, names[i]) == 0)
			return (enum harvest_hooks)i;
	die(name, "auto rfc table fentry kprobe folio");
	return HARVEST_HOOKS_AUTO;
}

int main(int argc, char **argv)
{
	static struct harvest_result results[MAX_HARVESTS];
	static struct map maps[MAX_MAPS];
	struct source_params params = { .attrs = attrs_default(), .root = "", .clock = &clock_system };
	struct harvest_options options = { 0 };
	const struct source_ops *ops = &source_mglru;
	struct harvester h = { .interval_ns = NSEC_PER_SEC };
	const char *until = NULL;
	struct err err = ERR_NONE;
	int opt, nr = 1, done;
	pid_t pid = 0;

	while ((opt = getopt(argc, argv, "s:p:t:n:i:u:k:r:fl")) != -1) {
		if (opt == 's')
			ops = source_find(optarg);
		else if (opt == 'p')
			pid = atoi(optarg);
		else if (opt == 't')
			h.truth.path = optarg;
		else if (opt == 'n')
			nr = atoi(optarg);
		else if (opt == 'i')
			h.interval_ns = strtoull(optarg, NULL, 10) * NSEC_PER_MSEC;
		else if (opt == 'u')
			until = optarg;
		else if (opt == 'k')
			options.hooks = hooks_by_name(optarg);
		else if (opt == 'r')
			options.ring_bytes = (uint32_t)strtoul(optarg, NULL, 10);
		else if (opt == 'f')
			options.ring_is_fixed = true;
		else if (opt == 'l')
			return printf("%d\n", count_programs()) < 0;
		else
			return 2;
	}
	if (nr > MAX_HARVESTS || !ops)
		return 2;
	if (target_open(&params.target, pid, &err) || ops->probe(&params, &err))
		die(ops->name, err.text);
	if (harvest_source_open(&h.source, ops, ops == &source_mglru ? &ager_mglru : &ager_clear_refs, &params,
				&options, &err))
		die(ops->name, err.text);
	h.target = params.target;
	h.at_ns = h.drained_ns = clock_now_ns(&clock_system);
	harvest_early(&h, until);
	done = harvest_all(&h, results, nr);
	ops->close(h.source);
	if (done) /* a slice is written when it ends, and on busy CPUs that is late */
		wait_for_truth(&h, results[done - 1].end_ns);
	for (int i = 0; i < done; i++)
		judge(i, &results[i], maps, h.truth.nr ? read_maps(h.truth.lines[0], maps) : 0, &h.truth);
	close_truth(&h.truth);
	target_close(params.target);
	return 0;
}
