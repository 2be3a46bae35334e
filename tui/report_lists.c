/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reports that are lists of the last snapshot: regions by address, by heat,
 * and bytes by age. And of all snapshots: what each mapping has had.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/array.h"
#include "collector/report.h"
#include "collector/snapshot_json.h"
#include "collector/space.h"
#include "tui/inspect.h"
#include "tui/report_internal.h"
#include "tui/report_svg.h"

#define MIB	 ((double)(1 << 20))
#define MAX_BARS 200

struct lists {
	struct report_options options;
	struct snapshot *last;
};

static void *lists_open(const struct report_options *options)
{
	struct lists *l = calloc(1, sizeof(*l));

	if (l)
		l->options = *options;
	return l;
}

static int lists_add(void *data, const struct snapshot *snap)
{
	struct lists *l = data;

	snapshot_free(l->last);
	l->last = report_copy(snap);
	return l->last ? 0 : -ENOMEM;
}

static void lists_close(void *data)
{
	struct lists *l = data;

	if (!l)
		return;
	snapshot_free(l->last);
	free(l);
}

/* ---- regions ---- */

enum {
	REGION_START,
	REGION_END,
	REGION_SIZE,
	REGION_HEAT,
	REGION_ACCESSES,
	REGION_AGE,
	REGION_NODE,
	REGION_MAPPING,
	REGION_PID
};

static const struct report_column region_columns[] = {
	{ "start", "start", REPORT_ADDRESS },
	{ "end", "end", REPORT_ADDRESS },
	{ "size", "size_bytes", REPORT_BYTES },
	{ "heat", "heat", REPORT_HEAT },
	{ "accesses", "nr_accesses", REPORT_COUNT },
	{ "age", "age_us", REPORT_US },
	{ "node", "node", REPORT_COUNT },
	{ "mapping", "mapping", REPORT_WORDS },
	{ "pid", "pid", REPORT_COUNT }, /* of several processes */
};

static size_t nr_region_columns(const struct snapshot *s)
{
	return s->processes ? REGION_PID + 1 : REGION_PID;
}

static void add_region(struct report_table *t, const struct snapshot *s, const struct snap_region *r)
{
	struct snap_pages pages = snapshot_pages(s, (size_t)(r - s->regions));
	const struct mappings_process *process;

	report_table_row(t);
	report_table_number(t, REGION_START, space_address(r->start));
	report_table_number(t, REGION_END, space_end_address(r->end));
	report_table_number(t, REGION_SIZE, r->end - r->start);
	report_table_real(t, REGION_HEAT, (double)r->heat);
	report_table_number(t, REGION_ACCESSES, r->nr_accesses);
	report_table_number(t, REGION_AGE, r->age * s->attrs.aggregation_us);
	if (pages.valid & SNAP_PAGES_NODE && pages.node_pages[0])
		report_table_number(t, REGION_NODE, pages.node[0]);
	report_table_words(t, REGION_MAPPING, snapshot_mapping_name(s, r->start, r->end));
	process = s->processes ? mappings_process_of(s->maps, r->start) : NULL;
	if (process)
		report_table_number(t, REGION_PID, (uint64_t)process->pid);
}

/* bars: the picture of it, without its subtitle. */
static int print_table(struct lists *l, struct report_table *t, const struct report_kind *kind,
		       const struct report_bars *bars, FILE *out)
{
	const struct snapshot *s = l->last;
	struct report_bars picture = *bars;
	struct text_buf fields = { 0 };
	char owner[256];
	int rc;

	t->heat_unit = s->heat_unit;
	picture.subtitle = report_owner(owner, sizeof(owner), s->comm, s->pid, s->source);
	report_json_owner(&fields, s->comm, s->pid, s->source);
	text_buf_printf(&fields, ",\"heat_unit\":\"%s\"", heat_unit_name(s->heat_unit));
	text_buf_add(&fields, "", 1);
	if (l->options.format == REPORT_TEXT)
		fprintf(out, "# %s  heat: %s\n", owner, inspect_heat_words(s->heat_unit));
	if (fields.failed)
		rc = -ENOMEM;
	else if (l->options.format == REPORT_SVG)
		rc = report_svg_bars(t, &picture, out);
	else
		rc = report_table_print(t, kind->name, fields.v, l->options.format, out);
	text_buf_free(&fields);
	report_table_free(t);
	return rc;
}

static int print_regions(struct lists *l, struct report_table *t, const struct report_kind *kind, const char *title,
			 FILE *out)
{
	const struct report_bars bars = { .title = title,
					  .axis = inspect_heat_words(l->last->heat_unit),
					  .labels = { REGION_START, REGION_SIZE, REGION_MAPPING },
					  .nr_labels = 3,
					  .series = { REGION_HEAT },
					  .nr_series = 1,
					  .logarithmic = true,
					  .max_rows = MAX_BARS };

	return print_table(l, t, kind, &bars, out);
}

static int regions_print(void *data, const struct report_kind *kind, FILE *out)
{
	struct lists *l = data;
	struct report_table t;

	report_table_init(&t, region_columns, nr_region_columns(l->last));
	for (size_t i = 0; i < l->last->nr_regions; i++)
		add_region(&t, l->last, &l->last->regions[i]);
	return print_regions(l, &t, kind, "regions by address: heat", out);
}

static int hotter_first(const void *a, const void *b)
{
	const struct snap_region *x = *(const struct snap_region *const *)a, *y = *(const struct snap_region *const *)b;

	if (x->heat < y->heat || x->heat > y->heat)
		return x->heat < y->heat ? 1 : -1;
	return (x->start > y->start) - (x->start < y->start);
}

static int hot_print(void *data, const struct report_kind *kind, FILE *out)
{
	struct lists *l = data;
	struct report_table t;
	/* The regions themselves stay in their order: what is known of their pages is kept by number. */
	const struct snap_region **hot = malloc((l->last->nr_regions + 1) * sizeof(*hot));
	size_t nr = 0;

	if (!hot)
		return -ENOMEM;
	for (size_t i = 0; i < l->last->nr_regions; i++)
		if (l->last->regions[i].heat > 0)
			hot[nr++] = &l->last->regions[i];
	qsort(hot, nr, sizeof(*hot), hotter_first);
	report_table_init(&t, region_columns, nr_region_columns(l->last));
	for (size_t i = 0; i < nr; i++)
		add_region(&t, l->last, hot[i]);
	free(hot);
	return print_regions(l, &t, kind, "regions by heat", out);
}

/* ---- ages ---- */

/* Seconds: from this on. */
static const uint64_t age_classes_s[] = { 0, 1, 3, 10, 30, 60, 300, 600, 3600 };

#define NR_AGES (sizeof(age_classes_s) / sizeof(age_classes_s[0]))

static const struct report_column age_columns[] = {
	{ "same heat for", "age_us", REPORT_US },
	{ "accessed", "accessed_bytes", REPORT_BYTES },
	{ "idle", "idle_bytes", REPORT_BYTES },
	{ "idle as long or longer", "idle_since_bytes", REPORT_BYTES },
};

static size_t class_of(uint64_t age_us)
{
	size_t i = NR_AGES - 1;

	while (i && age_us < age_classes_s[i] * 1000000)
		i--;
	return i;
}

static int ages_print(void *data, const struct report_kind *kind, FILE *out)
{
	struct lists *l = data;
	uint64_t accessed[NR_AGES] = { 0 }, idle[NR_AGES] = { 0 }, since = 0;
	const struct snapshot *s = l->last;
	struct report_table t;

	for (size_t i = 0; i < s->nr_regions; i++) {
		const struct snap_region *r = &s->regions[i];

		(r->heat > 0 ? accessed : idle)[class_of(r->age * s->attrs.aggregation_us)] += r->end - r->start;
	}
	for (size_t i = 0; i < NR_AGES; i++)
		since += idle[i];
	report_table_init(&t, age_columns, sizeof(age_columns) / sizeof(age_columns[0]));
	for (size_t i = 0; i < NR_AGES; i++) {
		report_table_row(&t);
		report_table_number(&t, 0, age_classes_s[i] * 1000000);
		report_table_number(&t, 1, accessed[i]);
		report_table_number(&t, 2, idle[i]);
		report_table_number(&t, 3, since);
		since -= idle[i];
	}
	return print_table(
		l, &t, kind,
		&(const struct report_bars){ .title = "bytes by the time for which their heat has been the same",
					     .axis = "bytes of the regions, from this age up to the next",
					     .labels = { 0 },
					     .nr_labels = 1,
					     .series = { 1, 2 },
					     .nr_series = 2,
					     .names = { "accessed", "idle" },
					     .max_rows = MAX_BARS },
		out);
}

/* ---- mappings: of all snapshots ---- */

#define MAX_NAMES 65536

struct by_name {
	char *name;
	uint64_t size_bytes;	/* in the last snapshot that has it */
	double accessed_bytes;	/* sum over the snapshots */
	double heat, heat_peak; /* heat x MiB, summed; heat of the hottest region */
};

struct by_mapping {
	struct lists lists; /* first: print_table() */
	struct by_name *v;
	size_t nr, cap;
	const struct mappings *maps; /* that slots are for; lists.last holds it */
	uint32_t *slots;	     /* of each mapping: index in v */
	uint64_t nr_snapshots;
};

static void *mappings_open(const struct report_options *options)
{
	struct by_mapping *m = calloc(1, sizeof(*m));

	if (m)
		m->lists.options = *options;
	return m;
}

static int slot_of(struct by_mapping *m, const char *name, uint32_t *slot)
{
	struct by_name *v;

	for (size_t i = m->nr; i-- > 0;)
		if (strcmp(m->v[i].name, name) == 0) {
			*slot = (uint32_t)i;
			return 0;
		}
	if (m->nr == MAX_NAMES)
		return -E2BIG;
	v = array_grow(m->v, &m->cap, m->nr + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	m->v = v;
	m->v[m->nr] = (struct by_name){ .name = strdup(name) };
	*slot = (uint32_t)m->nr;
	return m->v[m->nr].name ? (m->nr++, 0) : -ENOMEM;
}

static int use_maps(struct by_mapping *m, const struct mappings *maps)
{
	uint32_t *slots = realloc(m->slots, (maps->nr + 1) * sizeof(*slots));
	int rc = slots ? 0 : -ENOMEM;

	if (slots)
		m->slots = slots;
	for (size_t i = 0; i < m->nr; i++)
		m->v[i].size_bytes = 0;
	for (size_t i = 0; !rc && i < maps->nr; i++) {
		const struct mappings_process *process = mappings_process_of(maps, maps->v[i].start);
		const char *name = mappings_name(maps, &maps->v[i]);
		char owned[640];

		/* of several processes each has its own */
		snprintf(owned, sizeof(owned), "%d %s: %s", process ? (int)process->pid : 0,
			 process ? process->comm : "", *name ? name : "anon");
		rc = slot_of(m, process ? owned : *name ? name : "anon", &m->slots[i]);
		if (!rc)
			m->v[m->slots[i]].size_bytes += maps->v[i].end - maps->v[i].start;
	}
	m->maps = rc ? NULL : maps;
	return rc;
}

static void add_to_mappings(struct by_mapping *m, const struct snap_region *r)
{
	const struct mapping *first = mappings_from(m->maps, r->start), *end = m->maps->v + m->maps->nr;

	for (const struct mapping *v = first; v && v < end && v->start < r->end; v++) {
		uint64_t from = v->start > r->start ? v->start : r->start, to = v->end < r->end ? v->end : r->end;
		struct by_name *name = &m->v[m->slots[v - m->maps->v]];

		name->accessed_bytes += r->heat > 0 ? (double)(to - from) : 0;
		name->heat += (double)r->heat * (double)(to - from) / MIB;
		if ((double)r->heat > name->heat_peak)
			name->heat_peak = (double)r->heat;
	}
}

static int mappings_add(void *data, const struct snapshot *snap)
{
	struct by_mapping *m = data;
	int rc = 0;

	if (!snap->maps)
		m->maps = NULL;
	else if (snap->maps != m->maps)
		rc = use_maps(m, snap->maps);
	for (size_t i = 0; !rc && m->maps && i < snap->nr_regions; i++)
		add_to_mappings(m, &snap->regions[i]);
	m->nr_snapshots++;
	return rc ? rc : lists_add(&m->lists, snap);
}

static const struct report_column mapping_columns[] = {
	{ "heat", "heat_share", REPORT_SHARE },		{ "size", "size_bytes", REPORT_BYTES },
	{ "accessed", "accessed_bytes", REPORT_BYTES }, { "hottest", "heat_peak", REPORT_HEAT },
	{ "mapping", "mapping", REPORT_WORDS },
};

static int more_heat_first(const void *a, const void *b)
{
	const struct by_name *x = a, *y = b;

	if (x->heat < y->heat || x->heat > y->heat)
		return x->heat < y->heat ? 1 : -1;
	return strcmp(x->name, y->name);
}

static int mappings_print(void *data, const struct report_kind *kind, FILE *out)
{
	struct by_mapping *m = data;
	struct report_table t;
	double sum = 0;

	qsort(m->v, m->nr, sizeof(*m->v), more_heat_first);
	for (size_t i = 0; i < m->nr; i++)
		sum += m->v[i].heat;
	report_table_init(&t, mapping_columns, sizeof(mapping_columns) / sizeof(mapping_columns[0]));
	for (size_t i = 0; i < m->nr; i++) {
		report_table_row(&t);
		if (sum > 0)
			report_table_real(&t, 0, m->v[i].heat / sum);
		report_table_number(&t, 1, m->v[i].size_bytes);
		report_table_number(&t, 2, (uint64_t)(m->v[i].accessed_bytes / (double)m->nr_snapshots));
		report_table_real(&t, 3, m->v[i].heat_peak);
		report_table_words(&t, 4, m->v[i].name);
	}
	return print_table(&m->lists, &t, kind,
			   &(const struct report_bars){ .title = "heat by mapping",
							.axis = "share of the heat (heat x size) of all snapshots",
							.labels = { 4, 1 },
							.nr_labels = 2,
							.series = { 0 },
							.nr_series = 1,
							.max_rows = MAX_BARS },
			   out);
}

static void mappings_close(void *data)
{
	struct by_mapping *m = data;

	if (!m)
		return;
	for (size_t i = 0; i < m->nr; i++)
		free(m->v[i].name);
	free(m->v);
	free(m->slots);
	snapshot_free(m->lists.last);
	free(m);
}

/* ---- the kinds ---- */

const struct report_kind report_regions = { "regions", lists_open, lists_add, regions_print, lists_close };
const struct report_kind report_hot = { "hot", lists_open, lists_add, hot_print, lists_close };
const struct report_kind report_ages = { "ages", lists_open, lists_add, ages_print, lists_close };
const struct report_kind report_mappings = { "mappings", mappings_open, mappings_add, mappings_print, mappings_close };
