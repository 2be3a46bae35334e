/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * harvest_judge - harvests a workload page by page and holds the result against its truth file.
 *
 * harvest_judge -s SOURCE -p PID [-t TRUTH] [-n HARVESTS] [-i MS] [-k HOOKS] [-r RING_BYTES [-f]]
 *	one line of key=value a harvest. Only pages inside the truth's maps are judged; others are counted as "other".
 *	A harvest over more than one phase says phase=mixed and is not judged.
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
#define MAX_WAITS    300 /* for the truth */
#define WAIT_US	     100000

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

/* Adds what the slices between begin and end touched; returns the phase, "mixed" or "none". */
static const char *expected(json_t **lines, size_t nr_lines, const struct harvest_result *r, struct range_list *hot)
{
	const char *phase = "none";
	json_t *range;
	size_t k;

	for (size_t i = 0; i < nr_lines; i++) {
		uint64_t begin = (uint64_t)json_integer_value(json_object_get(lines[i], "begin_ns"));
		uint64_t end = (uint64_t)json_integer_value(json_object_get(lines[i], "end_ns"));
		const char *name = json_string_value(json_object_get(lines[i], "phase"));

		if (!name || end <= r->begin_ns || begin >= r->end_ns)
			continue;
		if (strcmp(phase, "none") != 0 && strcmp(phase, name) != 0)
			return "mixed";
		phase = name;
		json_array_foreach(json_object_get(lines[i], "ranges"), k, range) add(
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

static void judge(int i, const struct harvest_result *r, const struct map *maps, size_t nr_maps, json_t **lines,
		  size_t nr_lines)
{
	struct range_list hot = { 0 };
	struct counts c = { 0 };
	const char *phase = expected(lines, nr_lines, r, &hot);
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

static size_t read_truth(const char *path, json_t ***lines)
{
	FILE *file = fopen(path, "r");
	size_t nr = 0, cap = 0, sz = 0;
	char *line = NULL;

	*lines = NULL;
	if (!file)
		die(path, strerror(errno));
	while (getline(&line, &sz, file) > 0) {
		json_t *json = json_loads(line, 0, NULL);

		if (!json)
			continue; /* the last one, being written */
		if (nr == cap) {
			cap = cap ? cap * 2 : 64;
			*lines = realloc(*lines, cap * sizeof(**lines));
			if (!*lines)
				die("memory", "none");
		}
		(*lines)[nr++] = json;
	}
	free(line);
	fclose(file);
	return nr;
}

static void free_truth(json_t **lines, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		json_decref(lines[i]);
	free(lines);
}

/* A slice is written when it ends, and on busy CPUs that is late: waits for the one that ns is in. */
static size_t read_truth_until(const char *path, uint64_t ns, const struct target *target, json_t ***lines)
{
	size_t nr;

	for (int i = 0;; i++) {
		bool is_last = i == MAX_WAITS || target_has_ended(target);

		nr = read_truth(path, lines);
		if (is_last || (nr && (uint64_t)json_integer_value(json_object_get((*lines)[nr - 1], "end_ns")) >= ns))
			return nr;
		free_truth(*lines, nr);
		usleep(WAIT_US);
	}
}

/* ---- harvesting ---- */

static void sleep_until(uint64_t ns)
{
	struct timespec t = { .tv_sec = (time_t)(ns / NSEC_PER_SEC), .tv_nsec = (long)(ns % NSEC_PER_SEC) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static int harvest_all(struct source *source, struct harvest_result *results, int nr, uint64_t interval_ns)
{
	uint64_t at = clock_now_ns(&clock_system);

	for (int i = 0; i < nr; i++) {
		struct catcher catcher = { .sink = { .reports = catch_reports }, .into = &results[i].pages };
		struct err err = ERR_NONE;
		uint64_t now;
		int rc;

		results[i].begin_ns = at;
		sleep_until(at + interval_ns);
		now = clock_now_ns(&clock_system);
		rc = source->ops->drain(source, &catcher.sink, &err);
		results[i].end_ns = now;
		results[i].cost_us = (clock_now_ns(&clock_system) - now) / 1000;
		source->ops->stats(source, &results[i].stats);
		results[i].lost = results[i].stats.lost - (i ? results[i - 1].stats.lost : 0);
		at = now;
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
	const char *truth = NULL;
	uint64_t interval_ms = 1000;
	struct err err = ERR_NONE;
	struct source *source;
	json_t **lines = NULL;
	int opt, nr = 1, done;
	size_t nr_lines = 0;
	pid_t pid = 0;

	while ((opt = getopt(argc, argv, "s:p:t:n:i:k:r:fl")) != -1) {
		if (opt == 's')
			ops = source_find(optarg);
		else if (opt == 'p')
			pid = atoi(optarg);
		else if (opt == 't')
			truth = optarg;
		else if (opt == 'n')
			nr = atoi(optarg);
		else if (opt == 'i')
			interval_ms = strtoull(optarg, NULL, 10);
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
	if (harvest_source_open(&source, ops, ops == &source_mglru ? &ager_mglru : &ager_clear_refs, &params, &options,
				&err))
		die(ops->name, err.text);
	done = harvest_all(source, results, nr, interval_ms * NSEC_PER_MSEC);
	ops->close(source);
	if (truth)
		nr_lines = read_truth_until(truth, done ? results[done - 1].end_ns : 0, params.target, &lines);
	for (int i = 0; i < done; i++)
		judge(i, &results[i], maps, nr_lines ? read_maps(lines[0], maps) : 0, lines, nr_lines);
	free_truth(lines, nr_lines);
	target_close(params.target);
	return 0;
}
