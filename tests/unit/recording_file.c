/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/recording_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/record.h"
#include "collector/recording.h"
#include "collector/rng.h"

int recording_file_new(void **state)
{
	struct recording_file *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	file_tree_new(&f->tree);
	snprintf(f->path, sizeof(f->path), "%s%s", f->tree.root, RECORDING_NAME);
	*state = f;
	return 0;
}

int recording_file_free(void **state)
{
	struct recording_file *f = *state;

	file_tree_free(&f->tree);
	free(f);
	return 0;
}

struct mappings *sample_maps(unsigned i)
{
	char text[512];
	int len = snprintf(text, sizeof(text),
			   "1000-50000 r-xp 2000 0:0 77 /tmp/a \"q\" \\x1b[2J\n50000-90000 rw-p 0 0:0 0 [heap]\n"
			   "7f0000000000-7f000000%x000 rw-s 0 0:0 9 /dev/shm/x\n",
			   1 + i / 4);

	return mappings_parse(text, (size_t)len, NULL);
}

static void fill_region(struct snapshot *s, size_t i, struct rng *rng)
{
	struct snap_region *r = &s->regions[i];

	r->start = 0x1000 + i * 0x8000;
	r->end = r->start + 0x8000 - (i % 3) * 0x1000;
	r->nr_accesses = (uint32_t)rng_below(rng, 20);
	r->age = (uint32_t)rng_below(rng, 1000);
	r->nr_reports = (uint32_t)rng_below(rng, 5000);
	r->heat = i % 2 ? (float)rng_unit(rng) * 1000 : (float)r->nr_accesses / 19;
	if (i % 2)
		s->open.pages[i] = (struct snap_pages){ .valid = SNAP_PAGES_NODE | SNAP_PAGES_KIND,
							.node = { 1, 0 },
							.node_pages = { 5, 2 },
							.anon = 7,
							.swap_known = i % 2,
							.swapped = (i % 2) * 9 };
	if (s->open.access)
		s->open.access[i] = (struct snap_access){ .nr_reads = 3, .nr_latency = 2, .latency_sum = 1ull << 40 };
	if (i % 2)
		s->open.codes[i / 2] =
			(struct snap_code){ .region = (uint32_t)i, .count = 9, .ip = 0xffffffff81000000 + i };
}

struct snapshot *sample_snapshot(unsigned i, struct mappings *maps)
{
	struct snapshot *s = snapshot_new(16, i % 3 == 0, 8, mappings_get(maps));
	struct rng rng = rng_seeded(i);

	s->seq = i + (i > 5);
	s->time_ns = UINT64_C(1234567890123) + i * UINT64_C(1000000007);
	s->wall_ns = UINT64_C(1767268800123456789) + i;
	s->duration_ns = 999999999;
	s->pid = 4711;
	s->state = TARGET_STOPPED;
	s->source = "mglru";
	if (i % 3 == 1) {
		s->source = "clock+referenced";
		s->regions_from = "clock";
		s->mappings_from = "referenced";
	}
	s->heat_unit = i % 2 ? HEAT_RATE : HEAT_FRACTION;
	s->max_nr_accesses = i % 2 ? 0 : 19;
	s->attrs = attrs_default();
	s->attrs.policy = REGION_POLICY_RANDOM;
	s->attrs.aging_us = 50000 + i;
	s->flags = SNAP_WSS_KNOWN | SNAP_WSS_EXACT | SNAP_RSS_KNOWN | (i % 4 ? 0 : SNAP_MAPS) |
		   (i == 3 ? SNAP_EXEC : 0);
	s->wss_bytes = rng_below(&rng, 1u << 30);
	s->rss_bytes = 1;
	s->nr_threads = 3;
	s->target_cpu_us = 77;
	s->stats = (struct snap_stats){
		.reports = 1, .samples = UINT64_C(1) << 62, .lost = 3, .freq_hz = 250, .dropped = 4
	};
	snprintf(s->comm, sizeof(s->comm), "a \"b\" \\x07 \xc3\xa9");
	snprintf(s->note, sizeof(s->note), "note %u", i);
	for (size_t k = 0; k < s->nr_regions; k++)
		fill_region(s, k, &rng);
	if (i % 3 == 1) {
		struct mapping_report use[] = {
			{ .start = 0x1000,
			  .end = 0x50000,
			  .rss_bytes = 8192,
			  .referenced_bytes = 4096,
			  .window_ns = 5 },
			{ .start = 0x50000,
			  .end = 0x90000,
			  .rss_bytes = 1,
			  .valid = 3,
			  .nr_windows = 4,
			  .accesses_per_sec = 1.0 / 3 },
		};

		assert_int_equal(snapshot_set_mappings(s, use, 2), 0);
		s->nr_mappings_left_out = i;
	}
	return s;
}

void sample_check_equal(const struct snapshot *a, const struct snapshot *b)
{
	struct snapshot x = *a, y = *b;

	assert_int_equal(a->nr_regions, b->nr_regions);
	assert_memory_equal(a->regions, b->regions, a->nr_regions * sizeof(*a->regions));
	assert_int_equal(snapshot_has_access(a), snapshot_has_access(b));
	for (size_t i = 0; i < a->nr_regions; i++) {
		struct snap_pages pages_a = snapshot_pages(a, i), pages_b = snapshot_pages(b, i);
		struct snap_access access_a = snapshot_access(a, i), access_b = snapshot_access(b, i);

		assert_memory_equal(&pages_a, &pages_b, sizeof(pages_a));
		assert_memory_equal(&access_a, &access_b, sizeof(access_a));
	}
	assert_int_equal(a->nr_codes, b->nr_codes);
	for (size_t i = 0; i < a->nr_codes; i++) {
		struct snap_code code_a = snapshot_code(a, i), code_b = snapshot_code(b, i);

		assert_memory_equal(&code_a, &code_b, sizeof(code_a));
	}
	assert_true(mappings_equal(a->maps, b->maps));
	assert_string_equal(a->source, b->source);
	assert_true(a->regions_from ? b->regions_from && strcmp(a->regions_from, b->regions_from) == 0
				    : !b->regions_from);
	assert_true(a->mappings_from ? b->mappings_from && strcmp(a->mappings_from, b->mappings_from) == 0
				     : !b->mappings_from);
	assert_string_equal(a->comm, b->comm);
	assert_string_equal(a->note, b->note);
	assert_memory_equal(&a->attrs, &b->attrs, sizeof(a->attrs));
	assert_memory_equal(&a->stats, &b->stats, sizeof(a->stats));
	assert_int_equal(a->nr_mappings, b->nr_mappings);
	assert_int_equal(a->mappings != NULL, b->mappings != NULL);
	for (size_t i = 0; i < a->nr_mappings; i++)
		assert_memory_equal(&a->mappings[i], &b->mappings[i], sizeof(*a->mappings));
	assert_int_equal(a->nr_mappings_left_out, b->nr_mappings_left_out);
	x.source = y.source = "";
	x.maps = y.maps = NULL;
	x.regions = y.regions = NULL;
	x.packed = y.packed = NULL;
	memset(&x.open, 0, sizeof(x.open));
	memset(&y.open, 0, sizeof(y.open));
	x.sz_details = y.sz_details = 0;
	assert_int_equal(x.seq, y.seq);
	assert_int_equal(x.time_ns, y.time_ns);
	assert_int_equal(x.wall_ns, y.wall_ns);
	assert_int_equal(x.duration_ns, y.duration_ns);
	assert_int_equal(x.pid, y.pid);
	assert_int_equal(x.state, y.state);
	assert_int_equal(x.heat_unit, y.heat_unit);
	assert_int_equal(x.max_nr_accesses, y.max_nr_accesses);
	assert_int_equal(x.flags, y.flags);
	assert_int_equal(x.wss_bytes, y.wss_bytes);
	assert_int_equal(x.rss_bytes, y.rss_bytes);
	assert_int_equal(x.nr_threads, y.nr_threads);
	assert_int_equal(x.target_cpu_us, y.target_cpu_us);
}

void recording_file_write(const char *path, unsigned nr, uint64_t max_bytes)
{
	struct err err = ERR_NONE;
	struct record *record;

	assert_int_equal(record_open(&record, path, max_bytes, &err), 0);
	for (unsigned i = 0; i < nr; i++) {
		struct mappings *maps = sample_maps(i);
		struct snapshot *s = sample_snapshot(i, maps);

		assert_int_equal(record_add(record, s, &err), 0);
		snapshot_free(s);
		mappings_put(maps);
	}
	assert_int_equal(record_close(record, &err), 0);
}

int recording_file_read(const char *path, unsigned first, bool compare, char note[256], struct err *err)
{
	struct attrs attrs = attrs_default();
	struct recording *recording;
	struct snapshot *s;
	int rc = recording_open(&recording, path, 0, &attrs, err), nr = 0;

	if (rc)
		return rc;
	while ((rc = recording_next(recording, &s, err)) > 0) {
		struct mappings *maps = sample_maps(first + (unsigned)nr);
		struct snapshot *wanted = sample_snapshot(first + (unsigned)nr, maps);

		if (compare)
			sample_check_equal(wanted, s);
		snapshot_free(wanted);
		snapshot_free(s);
		mappings_put(maps);
		nr++;
	}
	if (note)
		snprintf(note, 256, "%s", recording_note(recording));
	recording_close(recording);
	return rc ? rc : nr;
}

struct snapshot *recording_file_first(const char *path, pid_t pid, struct err *err)
{
	struct attrs attrs = attrs_default();
	struct recording *recording;
	struct snapshot *s = NULL;

	if (recording_open(&recording, path, pid, &attrs, err))
		return NULL;
	recording_next(recording, &s, err);
	recording_close(recording);
	return s;
}
