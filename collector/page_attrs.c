/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/page_attrs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "collector/array.h"
#include "collector/page_memory.h"
#include "collector/report.h"

/* Pages a region is judged by, at least and at most: between these and twice as many. */
#define MIN_QUOTA 4
#define MAX_QUOTA 128
/* Pages looked at in one snapshot, in budgets: what is not asked now is remembered from before. */
#define BUDGETS_LOOKED_AT 4
/* Different nodes counted in one region; the rarest of more are left out. */
#define NR_TALLY_NODES 16

/* A page that stands for a part of a region. */
struct want {
	uint64_t page;
	uint64_t asked_ns;
	const struct mapping *mapping;
	uint32_t tag;
	uint32_t region;
	struct page_answer answer;
	bool known, chosen;
};

/* An array that grows and is kept from one snapshot to the next. */
struct wants {
	struct want *v;
	size_t nr, cap;
};

struct kernel_asker {
	struct page_asker asker; /* first */
	struct page_query query;
	bool open;
};

struct page_attrs {
	struct page_asker *asker;
	struct kernel_asker kernel;
	struct page_memory memory;
	struct mappings *maps; /* of the last snapshot: one reference */
	struct wants wants;
	uint64_t *mapped_pages; /* by region */
	size_t cap_regions;
	struct page_question *questions;
	size_t cap_questions;
	uint64_t *times; /* ages of the stale ones, for choosing */
	size_t cap_times;
	size_t turn; /* where the next round of new questions starts */
	unsigned last_budget;
};

static void ask_kernel(struct page_asker *asker, const struct target *target, struct page_question *v, size_t nr)
{
	struct kernel_asker *kernel = (struct kernel_asker *)asker;

	if (!kernel->open)
		page_query_open(&kernel->query, target);
	kernel->open = true;
	page_query_ask(&kernel->query, target, v, nr);
}

struct page_attrs *page_attrs_new_asking(struct page_asker *asker, struct err *err)
{
	struct page_attrs *pa = calloc(1, sizeof(*pa));

	if (!pa) {
		err_set(err, ENOMEM, "no memory for page attributes");
		return NULL;
	}
	pa->asker = asker;
	page_memory_init(&pa->memory);
	return pa;
}

struct page_attrs *page_attrs_new(const struct target *target, struct err *err)
{
	struct page_attrs *pa = page_attrs_new_asking(NULL, err);

	if (!pa)
		return NULL;
	pa->kernel.asker.ask = ask_kernel;
	pa->asker = &pa->kernel.asker;
	page_query_open(&pa->kernel.query, target);
	pa->kernel.open = true;
	return pa;
}

static void close_kernel(struct page_attrs *pa)
{
	if (pa->kernel.open)
		page_query_close(&pa->kernel.query);
	pa->kernel.open = false;
}

void page_attrs_free(struct page_attrs *pa)
{
	if (!pa)
		return;
	close_kernel(pa);
	page_memory_free(&pa->memory);
	mappings_put(pa->maps);
	free(pa->wants.v);
	free(pa->mapped_pages);
	free(pa->questions);
	free(pa->times);
	free(pa);
}

/* The pagemap that is open still shows the old program: it is opened again at the next question. */
void page_attrs_reset(struct page_attrs *pa)
{
	close_kernel(pa);
	page_memory_clear(&pa->memory);
}

uint64_t page_attrs_sample(uint64_t cell, unsigned level)
{
	while (level-- > 0) {
		uint64_t hash = (cell + level * UINT64_C(0x632be59bd9b4e019)) * UINT64_C(0x9e3779b97f4a7c15);

		hash = (hash ^ (hash >> 32)) * UINT64_C(0xbf58476d1ce4e5b9);
		cell = cell * 2 + (hash >> 63);
	}
	return cell << PAGE_SHIFT;
}

/* Has a page at this address the same content as before? Not if the mapping is of another kind or file. */
static uint32_t tag_of(const struct mapping *m)
{
	uint64_t hash = m->inode * 31 + m->kind * 2 + !!(m->perms & MAPPING_SHARED);

	if (m->inode)
		hash = hash * 31 + (m->offset - m->start);
	hash *= UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(hash >> 32);
}

/* A part of a region that lies in one mapping. */
struct part {
	const struct mapping *mapping;
	uint64_t start, end;
};

static bool has_pages(const struct mapping *m)
{
	return (m->perms & (MAPPING_READ | MAPPING_WRITE | MAPPING_EXEC)) && m->kind != MAPPING_VDSO;
}

/* Steps to the next part of the region. part->mapping NULL: the first. False: there is none left. */
static bool next_part(const struct mappings *maps, const struct snap_region *region, struct part *part)
{
	const struct mapping *m = part->mapping ? part->mapping + 1 : mappings_from(maps, region->start);
	const struct mapping *end = maps->v + maps->nr;

	for (; m && m < end && m->start < region->end; m++) {
		if (!has_pages(m))
			continue;
		part->mapping = m;
		part->start = MAX(m->start, region->start);
		part->end = MIN(m->end, region->end);
		if (part->start < part->end)
			return true;
	}
	return false;
}

static uint64_t count_mapped_pages(const struct mappings *maps, const struct snap_region *region)
{
	struct part part = { 0 };
	uint64_t bytes = 0;

	while (next_part(maps, region, &part))
		bytes += part.end - part.start;
	return bytes >> PAGE_SHIFT;
}

static void want_page(struct page_attrs *pa, uint64_t page, const struct part *part, uint32_t tag, uint32_t region)
{
	const struct remembered *known = page_memory_find(&pa->memory, page, tag);
	struct want want = { .page = page, .mapping = part->mapping, .tag = tag, .region = region };
	struct want *v;

	if (known) {
		want.known = true;
		want.asked_ns = known->asked_ns;
		want.answer = known->answer;
	}
	v = array_grow(pa->wants.v, &pa->wants.cap, pa->wants.nr + 1, sizeof(want));
	if (!v)
		return;
	pa->wants.v = v;
	v[pa->wants.nr++] = want;
}

static void want_region(struct page_attrs *pa, const struct snapshot *snap, uint32_t region, uint64_t quota)
{
	struct part part = { 0 };
	unsigned level = 0;

	while (pa->mapped_pages[region] >> level >= 2 * quota)
		level++;
	while (next_part(snap->maps, &snap->regions[region], &part)) {
		uint64_t cell = part.start >> PAGE_SHIFT >> level, last = (part.end - 1) >> PAGE_SHIFT >> level;
		uint32_t tag = tag_of(part.mapping);

		for (; cell <= last; cell++) {
			uint64_t page = page_attrs_sample(cell, level);

			if (page >= part.start && page < part.end)
				want_page(pa, page, &part, tag, region);
		}
	}
}

static bool is_open(const struct snap_pages *pages)
{
	const unsigned all = SNAP_PAGES_NODE | SNAP_PAGES_KIND | SNAP_PAGES_HUGE;

	return !(pages->valid & SNAP_PAGES_EXACT) && (pages->valid & all) != all;
}

/* The largest power of two that is at most x: a quota that moves less often when the number of regions does. */
static uint64_t floor_power(uint64_t x)
{
	return x ? UINT64_C(1) << (63 - __builtin_clzll(x)) : 0;
}

static bool want_all(struct page_attrs *pa, const struct snapshot *snap)
{
	uint64_t looked_at = (uint64_t)pa->last_budget * BUDGETS_LOOKED_AT;
	uint64_t quota = floor_power(looked_at / MAX(snap->nr_regions, 1));
	uint64_t *mapped_pages;

	quota = MIN(MAX(quota, MIN_QUOTA), MAX_QUOTA);
	pa->wants.nr = 0;
	mapped_pages = array_grow(pa->mapped_pages, &pa->cap_regions, snap->nr_regions, sizeof(*mapped_pages));
	if (!mapped_pages)
		return false;
	pa->mapped_pages = mapped_pages;
	for (uint32_t i = 0; i < snap->nr_regions; i++) {
		if (!is_open(&snap->open.pages[i]))
			continue;
		pa->mapped_pages[i] = count_mapped_pages(snap->maps, &snap->regions[i]);
		want_region(pa, snap, i, quota);
	}
	return true;
}

/*
 * Chooses among the pages of which nothing is known. Where they are too many, every n-th of each region, so that
 * each region has its share; should even that be too much, the next snapshot goes on where this one stops.
 */
static unsigned choose_new(struct page_attrs *pa, unsigned budget)
{
	struct wants *wants = &pa->wants;
	size_t nr_new = 0, every, nth = 0, i = 0;
	unsigned chosen = 0;

	for (size_t j = 0; j < wants->nr; j++)
		nr_new += !wants->v[j].known;
	if (!nr_new)
		return 0;
	every = (nr_new + budget - 1) / budget;
	for (; i < wants->nr; i++) {
		size_t at = (pa->turn + i) % wants->nr;
		struct want *want = &wants->v[at];
		bool first = !at || wants->v[at - 1].region != want->region;

		if (first && chosen >= budget)
			break;
		if (first)
			nth = 0;
		if (want->known || chosen >= budget)
			continue;
		want->chosen = nth++ % every == 0;
		chosen += want->chosen;
	}
	pa->turn = i < wants->nr ? (pa->turn + i) % wants->nr : 0;
	return chosen;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Chooses up to budget stale answers of an age between these two. */
static unsigned choose_between(struct wants *wants, uint64_t from_ns, uint64_t to_ns, unsigned budget)
{
	unsigned chosen = 0;

	for (size_t i = 0; i < wants->nr && chosen < budget; i++) {
		struct want *want = &wants->v[i];

		if (!want->known || want->asked_ns < from_ns || want->asked_ns > to_ns)
			continue;
		want->chosen = true;
		chosen++;
	}
	return chosen;
}

/* Chooses the oldest answers that are to be asked again. */
static unsigned choose_stale(struct page_attrs *pa, unsigned budget, uint64_t now_ns)
{
	struct wants *wants = &pa->wants;
	uint64_t limit;
	unsigned chosen;
	size_t nr = 0;

	if (now_ns < PAGE_ATTRS_MAX_AGE_NS)
		return 0;
	limit = now_ns - PAGE_ATTRS_MAX_AGE_NS;
	for (size_t i = 0; i < wants->nr; i++)
		if (wants->v[i].known && wants->v[i].asked_ns <= limit)
			pa->times[nr++] = wants->v[i].asked_ns;
	if (nr <= budget)
		return choose_between(wants, 0, limit, budget);
	qsort(pa->times, nr, sizeof(*pa->times), compare_u64);
	limit = pa->times[budget];
	chosen = limit ? choose_between(wants, 0, limit - 1, budget) : 0;
	return chosen + choose_between(wants, limit, limit, budget - chosen);
}

/* Room for a question and a time for each wanted page. */
static bool reserve_questions(struct page_attrs *pa)
{
	struct page_question *questions;
	uint64_t *times;

	times = array_grow(pa->times, &pa->cap_times, pa->wants.nr, sizeof(*times));
	if (!times)
		return false;
	pa->times = times;
	questions = array_grow(pa->questions, &pa->cap_questions, pa->wants.nr, sizeof(*questions));
	if (!questions)
		return false;
	pa->questions = questions;
	return true;
}

static void ask_chosen(struct page_attrs *pa, const struct target *target, uint64_t now_ns)
{
	struct wants *wants = &pa->wants;
	size_t nr = 0;

	for (size_t i = 0; i < wants->nr; i++)
		if (wants->v[i].chosen)
			pa->questions[nr++] =
				(struct page_question){ .addr = wants->v[i].page, .mapping = wants->v[i].mapping };
	pa->asker->ask(pa->asker, target, pa->questions, nr);
	nr = 0;
	for (size_t i = 0; i < wants->nr; i++) {
		struct want *want = &wants->v[i];

		if (!want->chosen)
			continue;
		want->answer = pa->questions[nr++].answer;
		want->known = true;
		page_memory_put(&pa->memory, want->page, want->tag, now_ns, want->answer);
	}
}

/* What the sample of one region says. */
struct tally {
	unsigned nr, present, anon, file, huge, huge_known, node_known, swapped, swap_known;
	unsigned nr_nodes;
	struct {
		uint8_t node;
		unsigned nr;
	} nodes[NR_TALLY_NODES];
};

static void tally_node(struct tally *t, uint8_t node)
{
	unsigned i = 0;

	t->node_known++;
	while (i < t->nr_nodes && t->nodes[i].node != node)
		i++;
	if (i == NR_TALLY_NODES)
		return;
	if (i == t->nr_nodes) {
		t->nodes[t->nr_nodes].node = node;
		t->nodes[t->nr_nodes++].nr = 0;
	}
	t->nodes[i].nr++;
}

static void tally_add(struct tally *t, const struct page_answer *answer)
{
	if (!(answer->known & PAGE_KNOWN_PRESENT))
		return;
	t->nr++;
	t->swap_known += (answer->known & PAGE_KNOWN_SWAP) != 0;
	t->swapped += answer->swapped;
	if (!answer->present)
		return;
	t->present++;
	if (answer->known & PAGE_KNOWN_NODE)
		tally_node(t, answer->node);
	if (answer->known & PAGE_KNOWN_KIND) {
		t->anon += answer->kind == PAGE_ANON;
		t->file += answer->kind == PAGE_FILE;
	}
	if (answer->known & PAGE_KNOWN_HUGE) {
		t->huge_known++;
		t->huge += answer->huge;
	}
}

static uint32_t scale(uint64_t mapped_pages, unsigned part, unsigned nr)
{
	uint64_t pages = (uint64_t)((unsigned __int128)mapped_pages * part / nr);

	return pages < UINT32_MAX ? (uint32_t)pages : UINT32_MAX;
}

/* The most frequent nodes first; the smaller number first where they are equal. */
static void fill_nodes(struct snap_pages *pages, struct tally *t, uint64_t mapped_pages)
{
	for (unsigned i = 0; i < SNAP_NR_NODES && i < t->nr_nodes; i++) {
		unsigned best = i;

		for (unsigned j = i + 1; j < t->nr_nodes; j++)
			if (t->nodes[j].nr > t->nodes[best].nr ||
			    (t->nodes[j].nr == t->nodes[best].nr && t->nodes[j].node < t->nodes[best].node))
				best = j;
		pages->node[i] = t->nodes[best].node;
		pages->node_pages[i] = scale(mapped_pages, t->nodes[best].nr, t->nr);
		t->nodes[best] = t->nodes[i];
	}
	pages->valid |= SNAP_PAGES_NODE;
}

/* A sample without any page present says nothing but what is in swap: unknown stays unknown. */
static void fill_region(struct snap_pages *pages, struct tally *t, uint64_t mapped_pages)
{
	const uint32_t max_huge = (UINT32_C(1) << 28) - 1;

	if (!(pages->valid & SNAP_PAGES_NODE) && t->node_known)
		fill_nodes(pages, t, mapped_pages);
	if (!(pages->valid & SNAP_PAGES_KIND) && t->anon + t->file > 0) {
		pages->anon = scale(mapped_pages, t->anon, t->nr);
		pages->file = scale(mapped_pages, t->file, t->nr);
		pages->valid |= SNAP_PAGES_KIND;
	}
	if (!(pages->valid & SNAP_PAGES_HUGE) && t->present && t->huge_known == t->present) {
		pages->huge = MIN(scale(mapped_pages, t->huge, t->nr), max_huge) & max_huge;
		pages->valid |= SNAP_PAGES_HUGE;
	}
	if (t->nr && t->swap_known == t->nr) {
		pages->swap_known = 1;
		pages->swapped = scale(mapped_pages, t->swapped, t->nr);
	}
}

static void fill_all(struct page_attrs *pa, struct snapshot *snap)
{
	const struct wants *wants = &pa->wants;

	for (size_t i = 0; i < wants->nr;) {
		uint32_t region = wants->v[i].region;
		struct tally tally = { 0 };

		for (; i < wants->nr && wants->v[i].region == region; i++)
			if (wants->v[i].known)
				tally_add(&tally, &wants->v[i].answer);
		fill_region(&snap->open.pages[region], &tally, pa->mapped_pages[region]);
	}
}

static void begin_round(struct page_attrs *pa, struct mappings *maps)
{
	page_memory_begin(&pa->memory, maps != pa->maps);
	if (maps == pa->maps)
		return;
	mappings_put(pa->maps);
	pa->maps = mappings_get(maps);
}

void page_attrs_fill(struct page_attrs *pa, const struct target *target, struct snapshot *snap, unsigned budget,
		     uint64_t now_ns)
{
	unsigned chosen = 0;

	if (!snap->maps)
		return;
	if (budget)
		pa->last_budget = budget;
	begin_round(pa, snap->maps);
	if (!want_all(pa, snap) || !pa->wants.nr)
		return;
	if (budget && reserve_questions(pa)) {
		chosen = choose_new(pa, budget);
		if (chosen < budget)
			chosen += choose_stale(pa, budget - chosen, now_ns);
	}
	if (chosen)
		ask_chosen(pa, target, now_ns);
	fill_all(pa, snap);
}
