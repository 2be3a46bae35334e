/* SPDX-License-Identifier: GPL-2.0-or-later */
/* truth.c - what was really done, as JSON lines. All names in it are of [A-Za-z0-9_.-]. */
#include <inttypes.h>
#include <unistd.h>

#include "tests/workload/workload.h"

static void write_map(FILE *out, const struct map *map)
{
	fprintf(out,
		"{\"name\":\"%s\",\"kind\":\"%s\",\"start\":\"%#" PRIxPTR "\",\"end\":\"%#" PRIxPTR
		"\",\"size\":%zu,\"count\":%u,\"stride\":%zu,\"huge\":%s",
		map->name, map_kind_names[map->kind], (uintptr_t)map->base,
		(uintptr_t)(map->base + (map->count - 1) * map->stride + map->size), map->size, map->count, map->stride,
		map->huge ? "true" : "false");
	if (map->node >= 0)
		fprintf(out, ",\"node\":%d", map->node);
	fputc('}', out);
}

void truth_start(FILE *out, const struct plan *plan)
{
	fprintf(out,
		"{\"type\":\"start\",\"pid\":%d,\"page_size\":%zu,\"time_ns\":%" PRIu64 ",\"seed\":%" PRIu64
		",\"maps\":[",
		(int)getpid(), SZ_PAGE, now_ns(), plan->seed);
	for (unsigned i = 0; i < plan->nr_maps; i++) {
		fputs(i ? "," : "", out);
		write_map(out, &plan->maps[i]);
	}
	fprintf(out,
		"],\"scratch\":{\"start\":\"%#" PRIxPTR "\",\"end\":\"%#" PRIxPTR "\"},\"flush_ns\":%" PRIu64 "}\n",
		(uintptr_t)plan->scratch, (uintptr_t)(plan->scratch + SCRATCH_PAGES * SZ_PAGE), plan->flush_ns);
	fflush(out);
}

void truth_event(FILE *out, const char *type)
{
	fprintf(out, "{\"type\":\"%s\",\"pid\":%d,\"time_ns\":%" PRIu64 "}\n", type, (int)getpid(), now_ns());
	fflush(out);
}

/* Counts and clears the bits of one part. */
static uint64_t take_pages(struct tally *t, unsigned part)
{
	uint64_t nr = 0;

	for (size_t i = 0; i < t->nr_words; i++)
		nr += (unsigned)__builtin_popcountll(
			atomic_exchange_explicit(&t->pages[part * t->nr_words + i], 0, memory_order_relaxed));
	return nr;
}

static bool write_part(FILE *out, const struct access *a, struct tally *t, unsigned part, int thread, int tid,
		       bool first)
{
	uint64_t all = atomic_load_explicit(&t->nr[part], memory_order_relaxed), nr = all - t->nr_told[part];
	const char *base = a->map->base + (a->first + part * a->step) * a->map->stride;

	t->nr_told[part] = all;
	if (!nr)
		return false;
	fprintf(out,
		"%s{\"map\":\"%s\",\"part\":%u,\"thread\":%d,\"tid\":%d,\"op\":\"%s\",\"pattern\":\"%s\","
		"\"start\":\"%#" PRIxPTR "\",\"end\":\"%#" PRIxPTR "\",\"accesses\":%" PRIu64,
		first ? "" : ",", a->map->name, a->first + part * a->step, thread, tid, a->write ? "write" : "read",
		pattern_names[a->pattern], (uintptr_t)(base + t->offset), (uintptr_t)(base + t->offset + a->length),
		nr);
	if (t->pages)
		fprintf(out, ",\"pages\":%" PRIu64, take_pages(t, part));
	fputc('}', out);
	return true;
}

void truth_slice(FILE *out, const struct phase *phase, const struct slice *slice, struct tally (*tallies)[MAX_ACCESS])
{
	bool first = true;

	fprintf(out,
		"{\"type\":\"slice\",\"phase\":\"%s\",\"loop\":%u,\"slice\":%u,\"last\":%s,\"begin_ns\":%" PRIu64
		",\"end_ns\":%" PRIu64 ",\"flushes\":%u,\"ranges\":[",
		phase->name, slice->loop, slice->nr, slice->last ? "true" : "false", slice->begin_ns, slice->end_ns,
		slice->flushes);
	for (unsigned thread = 0; thread < phase->nr_threads; thread++)
		for (unsigned i = 0; i < phase->nr_access; i++)
			for (unsigned part = 0; tallies[thread][i].nr && part < phase->access[i].nr_parts; part++)
				if (write_part(out, &phase->access[i], &tallies[thread][i], part, (int)thread,
					       slice->tids[thread], first))
					first = false;
	fputs("]}\n", out);
	fflush(out);
}
