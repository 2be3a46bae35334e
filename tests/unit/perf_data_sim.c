/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/perf_data_sim.h"

#include <byteswap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SZ_HEADER      104
#define SZ_ATTR	       128
#define FEATURE_EVENTS 12 /* HEADER_EVENT_DESC */
#define FEATURE_BUILD  2  /* HEADER_BUILD_ID */

enum { TYPE_ATTR = 64, TYPE_TRACING_DATA = 66, TYPE_FINISHED_ROUND = 68, TYPE_AUXTRACE = 71 };

static void put(struct perf_data *d, const void *bytes, size_t len)
{
	if (d->len + len > d->cap) {
		d->cap = (d->len + len) * 2;
		d->v = realloc(d->v, d->cap);
		if (!d->v)
			abort();
	}
	memcpy(d->v + d->len, bytes, len);
	d->len += len;
}

static void put16(struct perf_data *d, uint16_t v)
{
	v = d->swapped ? bswap_16(v) : v;
	put(d, &v, sizeof(v));
}

static void put32(struct perf_data *d, uint32_t v)
{
	v = d->swapped ? bswap_32(v) : v;
	put(d, &v, sizeof(v));
}

static void put64(struct perf_data *d, uint64_t v)
{
	v = d->swapped ? bswap_64(v) : v;
	put(d, &v, sizeof(v));
}

static void put_zeros(struct perf_data *d, size_t nr)
{
	while (nr--)
		put(d, "", 1);
}

static void patch64(struct perf_data *d, size_t at, uint64_t v)
{
	v = d->swapped ? bswap_64(v) : v;
	memcpy(d->v + at, &v, sizeof(v));
}

/* ---- records ---- */

static void begin_record(struct perf_data *d, uint32_t type, uint16_t misc)
{
	d->at_record = d->len;
	put32(d, type);
	put16(d, misc);
	put16(d, 0);
}

static void end_record(struct perf_data *d)
{
	uint16_t size = (uint16_t)(d->len - d->at_record);

	size = d->swapped ? bswap_16(size) : size;
	memcpy(d->v + d->at_record + 6, &size, sizeof(size));
}

static const struct perf_event_attr *attr_of(const struct perf_data *d, uint64_t id)
{
	for (size_t i = 0; i < d->nr_events; i++)
		for (size_t k = 0; k < d->events[i].nr_ids; k++)
			if (d->events[i].ids[k] == id)
				return &d->events[i].attr;
	return &d->events[0].attr;
}

/* At the end of every record that is no sample. */
static void put_stamp(struct perf_data *d, const struct perf_data_stamp *s)
{
	uint64_t type = attr_of(d, s->id)->sample_type;

	if (type & PERF_SAMPLE_TID) {
		put32(d, s->pid);
		put32(d, s->tid);
	}
	if (type & PERF_SAMPLE_TIME)
		put64(d, s->time);
	if (type & PERF_SAMPLE_ID)
		put64(d, s->id);
	if (type & PERF_SAMPLE_CPU) {
		put32(d, s->cpu);
		put32(d, 0);
	}
	if (type & PERF_SAMPLE_IDENTIFIER)
		put64(d, s->id);
}

/* With its end, padded to a word. */
static void put_name(struct perf_data *d, const char *name)
{
	size_t len = strlen(name) + 1;

	put(d, name, len);
	put_zeros(d, (8 - len % 8) % 8);
}

void perf_data_comm(struct perf_data *d, const struct perf_data_stamp *stamp, const char *name, bool exec)
{
	begin_record(d, PERF_RECORD_COMM, exec ? PERF_RECORD_MISC_COMM_EXEC : 0);
	put32(d, stamp->pid);
	put32(d, stamp->tid);
	put_name(d, name);
	put_stamp(d, stamp);
	end_record(d);
}

void perf_data_fork(struct perf_data *d, const struct perf_data_stamp *stamp, uint32_t parent)
{
	begin_record(d, PERF_RECORD_FORK, 0);
	put32(d, stamp->pid);
	put32(d, parent);
	put32(d, stamp->tid);
	put32(d, parent);
	put64(d, stamp->time);
	put_stamp(d, stamp);
	end_record(d);
}

void perf_data_mmap2(struct perf_data *d, const struct perf_data_stamp *stamp, uint64_t start, uint64_t len,
		     uint64_t offset, uint64_t inode, uint32_t prot, const char *name, bool build_id)
{
	static const unsigned char id[24] = { 20, 0, 0, 0, 0xab, 0xcd };

	begin_record(d, PERF_RECORD_MMAP2, PERF_RECORD_MISC_USER | (build_id ? PERF_RECORD_MISC_MMAP_BUILD_ID : 0));
	put32(d, stamp->pid);
	put32(d, stamp->tid);
	put64(d, start);
	put64(d, len);
	put64(d, offset);
	if (build_id) {
		put(d, id, sizeof(id));
	} else {
		put32(d, 8);
		put32(d, 1);
		put64(d, inode);
		put64(d, 7);
	}
	put32(d, prot);
	put32(d, 2); /* MAP_PRIVATE */
	put_name(d, name);
	put_stamp(d, stamp);
	end_record(d);
}

void perf_data_lost(struct perf_data *d, const struct perf_data_stamp *stamp, uint64_t nr)
{
	begin_record(d, PERF_RECORD_LOST, 0);
	put64(d, stamp->id);
	put64(d, nr);
	put_stamp(d, stamp);
	end_record(d);
}

void perf_data_lost_samples(struct perf_data *d, const struct perf_data_stamp *stamp, uint64_t nr)
{
	begin_record(d, PERF_RECORD_LOST_SAMPLES, 0);
	put64(d, nr);
	put_stamp(d, stamp);
	end_record(d);
}

void perf_data_finished_round(struct perf_data *d)
{
	begin_record(d, TYPE_FINISHED_ROUND, 0);
	end_record(d);
}

void perf_data_raw(struct perf_data *d, uint32_t type, const void *bytes, size_t len)
{
	begin_record(d, type, 0);
	put(d, bytes, len);
	end_record(d);
}

void perf_data_auxtrace(struct perf_data *d, size_t nr_bytes)
{
	begin_record(d, TYPE_AUXTRACE, 0);
	put64(d, nr_bytes);
	for (int i = 0; i < 4; i++)
		put64(d, 0);
	end_record(d);
	for (size_t i = 0; i < nr_bytes; i++)
		put(d, "\xff", 1);
}

void perf_data_tracing_data(struct perf_data *d, uint32_t nr_bytes)
{
	begin_record(d, TYPE_TRACING_DATA, 0);
	put32(d, nr_bytes);
	put32(d, 0);
	end_record(d);
	for (uint32_t i = 0; i < (nr_bytes + 7) / 8 * 8; i++)
		put(d, "\x17", 1);
}

static void put_first_fields(struct perf_data *d, uint64_t type, const struct perf_data_sample *s)
{
	if (type & PERF_SAMPLE_IDENTIFIER)
		put64(d, s->stamp.id);
	if (type & PERF_SAMPLE_IP)
		put64(d, s->ip);
	if (type & PERF_SAMPLE_TID) {
		put32(d, s->stamp.pid);
		put32(d, s->stamp.tid);
	}
	if (type & PERF_SAMPLE_TIME)
		put64(d, s->stamp.time);
	if (type & PERF_SAMPLE_ADDR)
		put64(d, s->addr);
	if (type & PERF_SAMPLE_ID)
		put64(d, s->stamp.id);
	if (type & PERF_SAMPLE_CPU) {
		put32(d, s->stamp.cpu);
		put32(d, 0);
	}
	if (type & PERF_SAMPLE_PERIOD)
		put64(d, s->period);
}

/* Its highest part comes first where bytes go from the highest down. */
static void put_weight_struct(struct perf_data *d, const struct perf_data_sample *s)
{
	put64(d, s->weight | (uint64_t)s->weight_2 << 32 | (uint64_t)s->weight_3 << 48);
}

void perf_data_sample(struct perf_data *d, const struct perf_data_sample *s)
{
	uint64_t type = attr_of(d, s->stamp.id)->sample_type;

	begin_record(d, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER);
	put_first_fields(d, type, s);
	if (type & PERF_SAMPLE_CALLCHAIN) {
		put64(d, 2);
		put64(d, UINT64_C(0xfffffffffffffe00)); /* PERF_CONTEXT_USER */
		put64(d, s->ip);
	}
	if (type & PERF_SAMPLE_RAW) {
		put32(d, s->sz_raw);
		put_zeros(d, s->sz_raw + (8 - (s->sz_raw + 4) % 8) % 8);
	}
	if (type & PERF_SAMPLE_WEIGHT_STRUCT)
		put_weight_struct(d, s);
	else if (type & PERF_SAMPLE_WEIGHT)
		put64(d, s->weight);
	if (type & PERF_SAMPLE_DATA_SRC)
		put64(d, s->data_src);
	if (type & PERF_SAMPLE_DATA_PAGE_SIZE)
		put64(d, s->data_page_size);
	end_record(d);
}

/* ---- head and end ---- */

/* The bit fields from "disabled" on, in the order in which a compiler for that machine lays them out. */
static uint64_t flags_of(const struct perf_data *d, const struct perf_event_attr *a)
{
	const unsigned char bits[3] = {
		/* disabled, inherit: bits 0 and 1; mmap: 8; comm: 9; freq: 10; precise_ip: 15 and 16; sample_id_all: 18
		 */
		[0] = (unsigned char)(a->disabled | a->inherit << 1),
		[1] = (unsigned char)(a->mmap | a->comm << 1 | a->freq << 2 | (a->precise_ip & 1) << 7),
		[2] = (unsigned char)(a->precise_ip >> 1 | a->sample_id_all << 2),
	};
	uint64_t word = 0;

	for (unsigned i = 0; i < 24; i++)
		if (bits[i / 8] >> i % 8 & 1)
			word |= UINT64_C(1) << (d->swapped ? 63 - i : i);
	return word;
}

static void put_attr(struct perf_data *d, const struct perf_event_attr *a)
{
	size_t begin = d->len;

	put32(d, a->type);
	put32(d, SZ_ATTR);
	put64(d, a->config);
	put64(d, a->sample_period);
	put64(d, a->sample_type);
	put64(d, a->read_format);
	put64(d, flags_of(d, a));
	put_zeros(d, SZ_ATTR - (d->len - begin));
}

static void begin_pipe(struct perf_data *d)
{
	for (size_t i = 0; i < d->nr_events; i++) {
		begin_record(d, TYPE_ATTR, 0);
		put_attr(d, &d->events[i].attr);
		for (size_t k = 0; k < d->events[i].nr_ids; k++)
			put64(d, d->events[i].ids[k]);
		end_record(d);
	}
}

/* Ids first, then attributes that say where theirs are, then data. */
static void begin_file(struct perf_data *d)
{
	size_t at_ids = SZ_HEADER, at_attrs;

	put64(d, SZ_ATTR + 16);
	for (int i = 0; i < 6; i++) /* attributes, data, types: filled in later */
		put64(d, 0);
	put64(d, 1 << FEATURE_BUILD | 1 << FEATURE_EVENTS);
	for (int i = 0; i < 3; i++)
		put64(d, 0);
	for (size_t i = 0; i < d->nr_events; i++)
		for (size_t k = 0; k < d->events[i].nr_ids; k++)
			put64(d, d->events[i].ids[k]);
	at_attrs = d->len;
	for (size_t i = 0; i < d->nr_events; i++) {
		put_attr(d, &d->events[i].attr);
		put64(d, at_ids);
		put64(d, d->events[i].nr_ids * 8);
		at_ids += d->events[i].nr_ids * 8;
	}
	d->at_data = d->len;
	patch64(d, 24, at_attrs);
	patch64(d, 32, d->at_data - at_attrs);
	patch64(d, 40, d->at_data);
}

void perf_data_begin(struct perf_data *d, bool swapped, bool piped, const struct perf_data_event *events, size_t nr)
{
	*d = (struct perf_data){ .swapped = swapped, .piped = piped, .events = events, .nr_events = nr };
	put64(d, UINT64_C(0x32454c4946524550)); /* "PERFILE2", by a machine of that order */
	put64(d, piped ? 16 : SZ_HEADER);
	if (piped)
		begin_pipe(d);
	else
		begin_file(d);
}

void perf_data_end(struct perf_data *d)
{
	size_t at;

	if (d->piped)
		return;
	patch64(d, 48, d->len - d->at_data);
	/* a table of {offset, size} of each feature, and what these say */
	at = d->len;
	put64(d, at + 32);
	put64(d, 40);
	put64(d, at + 72);
	put64(d, 24);
	for (int i = 0; i < 8; i++)
		put64(d, UINT64_C(0x0102030405060708));
}

void perf_data_free(struct perf_data *d)
{
	free(d->v);
	*d = (struct perf_data){ 0 };
}

void perf_data_save(const struct perf_data *d, const char *path)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(d->v, 1, d->len, f) != d->len || fclose(f))
		abort();
}
