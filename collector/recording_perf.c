/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * perf.data with data addresses (perf mem record, perf record -d): samples become reports, in the order of their time,
 * and regions are made of them as of those of a live source. Either byte order, as a file or as a pipe wrote it.
 *
 * perf writes the rings of its CPUs in rounds: what is older than the newest event of the round before is complete when
 * a round ends, and is sorted then.
 */
#include <byteswap.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/aggregate.h"
#include "collector/clock.h"
#include "collector/perf_maps.h"
#include "collector/perf_report.h"
#include "collector/perf_ring.h"
#include "collector/recording_internal.h"
#include "collector/source.h"
#include "collector/text.h"

#define MAGIC	     UINT64_C(0x32454c4946524550) /* "PERFILE2" */
#define SZ_HEADER    104
#define SZ_PIPE	     16
#define MAX_PREFIX   (UINT64_C(16) << 20) /* all before the data: attributes and ids */
#define MAX_NR_ATTRS 64
#define MAX_NR_IDS   (1u << 17)
#define MAX_PENDING  (1u << 17) /* reports of two rounds */
#define SZ_RECORD    65536
#define NR_COUNTS    4096
#define MAX_GAP	     1000 /* empty snapshots in a row; a longer pause is skipped */

/* Of perf's own, beside those of the kernel: tools/perf's perf_user_event_type. */
enum {
	RECORD_ATTR = 64,
	RECORD_FINISHED_ROUND = 68,
	RECORD_AUXTRACE = 71,
	RECORD_COMPRESSED = 81,
	RECORD_COMPRESSED2 = 83
};

struct id {
	uint64_t id;
	unsigned attr;
};

struct pid_count {
	pid_t pid;
	uint64_t nr;
};

struct reader {
	bool swapped;
	uint64_t left;	 /* of the data; UINT64_MAX: until the file ends */
	uint64_t offset; /* of the next record in the file */
	struct perf_event_attr attrs[MAX_NR_ATTRS];
	unsigned nr_attrs;
	struct id *ids;
	size_t nr_ids;
	bool ids_sorted;
	pid_t pid; /* 0: not chosen yet */
	char comm[TARGET_COMM_SIZE];
	struct pid_count *counts; /* NR_COUNTS, by pid modulo that: a first pass looks for who has most samples */
	uint64_t nr_other_samples, nr_without, nr_malformed, nr_lost;
	struct perf_maps maps;
	bool fresh, cut_off, at_end;
	/* reports: [0, nr_ready) are in order, and nothing older comes; from done on they are not used yet */
	struct report *v;
	size_t nr, nr_ready, done;
	uint64_t round_max_ns, last_round_max_ns;
	/* aggregation */
	bool has_agg;
	struct aggregate agg;
	uint64_t begin_ns, seq, counted_reports, counted_lost, counted_malformed, nr_reports;
	uint64_t record[SZ_RECORD / 8];
};

static uint64_t u64(const struct reader *rd, uint64_t v)
{
	return rd->swapped ? bswap_64(v) : v;
}

static uint32_t u32(const struct reader *rd, uint32_t v)
{
	return rd->swapped ? bswap_32(v) : v;
}

static int bad(const struct reader *rd, const char *what, struct err *err)
{
	return err_set(err, EBADMSG, "perf.data: %s at byte %" PRIu64, what, rd->offset);
}

/* Exactly size bytes. 1; 0: the file ends before; -errno. */
static int read_all(struct recording *r, void *buf, size_t size, struct err *err)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = recording_read(r, (char *)buf + done, size - done, err);

		if (n < 0)
			return (int)n;
		if (n == 0)
			return 0;
		done += (size_t)n;
	}
	return 1;
}

/* ---- attributes ---- */

/* The fields that are used, of one that may be shorter or longer than ours. */
static void add_attr(struct reader *rd, const void *from, size_t size)
{
	struct perf_event_attr a = { 0 }, *to = &rd->attrs[rd->nr_attrs++];

	memcpy(&a, from, size < sizeof(a) ? size : sizeof(a));
	*to = (struct perf_event_attr){ .type = u32(rd, a.type),
					.sample_period = u64(rd, a.sample_period),
					.sample_type = u64(rd, a.sample_type),
					.read_format = u64(rd, a.read_format),
					.branch_sample_type = u64(rd, a.branch_sample_type),
					.sample_regs_user = u64(rd, a.sample_regs_user),
					.sample_stack_user = u32(rd, a.sample_stack_user),
					.sample_regs_intr = u64(rd, a.sample_regs_intr) };
	to->freq = rd->swapped
			   ? 1
			   : a.freq; /* where bits lie is not the same in the other order: each sample counts once */
}

static int add_ids(struct reader *rd, const void *from, size_t nr, struct err *err)
{
	struct id *ids;

	if (nr > MAX_NR_IDS - rd->nr_ids)
		return bad(rd, "too many ids", err);
	ids = realloc(rd->ids, (rd->nr_ids + nr + 1) * sizeof(*ids));
	if (!ids)
		return err_set(err, ENOMEM, "no memory to read perf.data");
	rd->ids = ids;
	for (size_t i = 0; i < nr; i++) {
		uint64_t id;

		memcpy(&id, (const char *)from + i * sizeof(id), sizeof(id));
		rd->ids[rd->nr_ids++] = (struct id){ u64(rd, id), rd->nr_attrs - 1 };
	}
	rd->ids_sorted = false;
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	const struct id *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* A sample begins with its id where there are events of different layouts. */
static const struct perf_event_attr *attr_of(struct reader *rd)
{
	struct id key = { rd->record[1], 0 };
	const struct id *found = NULL;

	if (!(rd->attrs[0].sample_type & PERF_SAMPLE_IDENTIFIER) || rd->nr_attrs == 1)
		return &rd->attrs[0];
	if (!rd->ids_sorted)
		qsort(rd->ids, rd->nr_ids, sizeof(*rd->ids), compare_ids);
	rd->ids_sorted = true;
	if (rd->nr_ids)
		found = bsearch(&key, rd->ids, rd->nr_ids, sizeof(key), compare_ids);
	return found ? &rd->attrs[found->attr] : NULL;
}

/* ---- the beginning of a file ---- */

/* Entry i of the attributes, with its ids. */
static int take_attr(struct reader *rd, const char *prefix, uint64_t sz_prefix, uint64_t at, uint64_t sz_entry,
		     struct err *err)
{
	uint64_t section[2];

	if (rd->nr_attrs == MAX_NR_ATTRS)
		return bad(rd, "too many events", err);
	add_attr(rd, prefix + at, sz_entry - sizeof(section));
	memcpy(section, prefix + at + sz_entry - sizeof(section), sizeof(section));
	section[0] = u64(rd, section[0]);
	section[1] = u64(rd, section[1]);
	if (section[1] > sz_prefix || section[0] > sz_prefix - section[1])
		return bad(rd, "ids outside of the file's head", err);
	return add_ids(rd, prefix + section[0], section[1] / 8, err);
}

static int take_prefix(struct reader *rd, const char *prefix, uint64_t sz_prefix, const uint64_t head[13],
		       struct err *err)
{
	uint64_t sz_entry = head[2], at = head[3], size = head[4];

	if (sz_entry < 64 + 16 || sz_entry > 4096 || size % sz_entry || size > sz_prefix || at > sz_prefix - size)
		return bad(rd, "the table of events is wrong", err);
	for (uint64_t i = 0; i < size; i += sz_entry) {
		int rc = take_attr(rd, prefix, sz_prefix, at + i, sz_entry, err);

		if (rc)
			return rc;
	}
	return rd->nr_attrs ? 0 : bad(rd, "no events", err);
}

/* A file: magic, size, attr_size, {offset, size} of attrs, data and types, features. Read up to its data. */
static int open_file(struct recording *r, struct reader *rd, struct err *err)
{
	uint64_t head[13];
	char *prefix;
	int rc;

	memcpy(head, r->head, sizeof(head));
	for (size_t i = 0; i < 13; i++)
		head[i] = u64(rd, head[i]);
	if (head[5] < SZ_HEADER || head[5] > MAX_PREFIX)
		return bad(rd, "the place of the data is wrong", err);
	prefix = malloc(head[5]);
	if (!prefix)
		return err_set(err, ENOMEM, "no memory to read perf.data");
	rc = read_all(r, prefix, head[5], err);
	if (rc == 0)
		rc = bad(rd, "it ends before its data,", err);
	if (rc > 0)
		rc = take_prefix(rd, prefix, head[5], head, err);
	free(prefix);
	rd->offset = head[5];
	rd->left = head[6] ? head[6] : UINT64_MAX; /* perf writes the size last: it was killed */
	return rc;
}

static bool perf_accepts(const char *head, size_t len)
{
	uint64_t magic;

	if (len < SZ_PIPE)
		return false;
	memcpy(&magic, head, sizeof(magic));
	return magic == MAGIC || magic == bswap_64(MAGIC);
}

static int perf_open(struct recording *r, struct err *err)
{
	struct reader *rd = calloc(1, sizeof(*rd));
	uint64_t head[2];

	r->format_data = rd;
	if (rd)
		rd->v = malloc(MAX_PENDING * sizeof(*rd->v));
	if (!rd || !rd->v)
		return err_set(err, ENOMEM, "no memory to read perf.data");
	memcpy(head, r->head, sizeof(head));
	rd->swapped = head[0] != MAGIC;
	rd->pid = r->pid;
	rd->left = UINT64_MAX;
	snprintf(rd->comm, sizeof(rd->comm), "%s", r->comm);
	if (u64(rd, head[1]) == SZ_PIPE) {
		r->pos_head = SZ_PIPE;
		rd->offset = SZ_PIPE;
		return 0;
	}
	if (u64(rd, head[1]) != SZ_HEADER || r->nr_head < SZ_HEADER)
		return bad(rd, "a header of unknown size", err);
	return open_file(r, rd, err);
}

static void perf_close(struct recording *r)
{
	struct reader *rd = r->format_data;

	if (!rd)
		return;
	if (rd->has_agg)
		aggregate_free(&rd->agg);
	perf_maps_free(&rd->maps);
	free(rd->ids);
	free(rd->counts);
	free(rd->v);
	free(rd);
}

/* ---- records ---- */

/* Pairs of 32 bits lie the other way round in a word of the other byte order. */
static void unswap_pairs(const struct reader *rd, struct perf_sample *s)
{
	uint32_t pid = s->pid;

	if (!rd->swapped)
		return;
	s->pid = s->tid;
	s->tid = pid;
	if (s->have & PERF_SAMPLE_WEIGHT_STRUCT)
		s->weight = 0;
}

static uint64_t count_of(const struct perf_event_attr *attr, const struct perf_sample *s)
{
	if (s->have & PERF_SAMPLE_PERIOD && s->period)
		return s->period < UINT32_MAX ? s->period : UINT32_MAX;
	return attr->freq || !attr->sample_period ? 1
	       : attr->sample_period < UINT32_MAX ? attr->sample_period
						  : UINT32_MAX;
}

static void take_sample(struct reader *rd, const struct perf_event_header *rec)
{
	const struct perf_event_attr *attr = rd->nr_attrs ? attr_of(rd) : NULL;
	struct report report;
	struct perf_sample s;

	if (!attr || perf_sample_parse(attr, rec, &s)) {
		rd->nr_malformed++;
		return;
	}
	unswap_pairs(rd, &s);
	if (attr->type == PERF_TYPE_SOFTWARE)
		s.have &= ~(uint64_t)PERF_SAMPLE_DATA_SRC; /* always "not available", and the address is right all the
							      same */
	if (!perf_report(&s, count_of(attr, &s), &report) || !(s.have & PERF_SAMPLE_TIME)) {
		rd->nr_without++;
		return;
	}
	if (rd->counts) {
		struct pid_count *count = &rd->counts[s.pid % NR_COUNTS];

		if (!count->nr)
			count->pid = (pid_t)s.pid;
		count->nr += count->pid == (pid_t)s.pid;
		return;
	}
	if (!rd->pid)
		rd->pid = (pid_t)s.pid;
	if ((pid_t)s.pid != rd->pid && s.have & PERF_SAMPLE_TID) {
		rd->nr_other_samples++;
		return;
	}
	if (s.time > rd->round_max_ns)
		rd->round_max_ns = s.time;
	rd->v[rd->nr++] = report;
}

static void take_comm(struct reader *rd, const struct perf_event_header *rec)
{
	const uint32_t *ids = (const uint32_t *)(rec + 1);
	const char *name = (const char *)(ids + 2);

	if (rec->size < sizeof(*rec) + 16 || (pid_t)u32(rd, ids[0]) != rd->pid || !rd->pid)
		return;
	if (ids[0] == ids[1]) /* the first thread's name is the process' */
		text_clean(rd->comm, sizeof(rd->comm), name, strnlen(name, rec->size - sizeof(*rec) - 8));
	if (rec->misc & PERF_RECORD_MISC_COMM_EXEC) {
		perf_maps_clear(&rd->maps);
		rd->fresh = true;
	}
}

/* The body in our byte order where it is all words of 64 bits. */
static void unswap_words(struct reader *rd, size_t size)
{
	for (size_t i = 1; rd->swapped && i < size / 8; i++)
		rd->record[i] = bswap_64(rd->record[i]);
}

static int take_header_attr(struct reader *rd, const struct perf_event_header *rec, struct err *err)
{
	uint32_t sz_attr;

	memcpy(&sz_attr, (const char *)(rec + 1) + 4, sizeof(sz_attr));
	sz_attr = u32(rd, sz_attr);
	if (rec->size < sizeof(*rec) + 64 || sz_attr < 64 || sz_attr > rec->size - sizeof(*rec) ||
	    rd->nr_attrs == MAX_NR_ATTRS)
		return bad(rd, "an event is wrong", err);
	add_attr(rd, rec + 1, sz_attr);
	return add_ids(rd, (const char *)(rec + 1) + sz_attr, (rec->size - sizeof(*rec) - sz_attr) / 8, err);
}

/* The trace bytes that follow an AUXTRACE record. */
static int skip_bytes(struct recording *r, struct reader *rd, uint64_t size, struct err *err)
{
	while (size) {
		size_t n = size < sizeof(rd->record) ? (size_t)size : sizeof(rd->record);
		int rc = read_all(r, rd->record, n, err);

		if (rc <= 0)
			return rc;
		size -= n;
		rd->offset += n;
		rd->left -= rd->left == UINT64_MAX ? 0 : n < rd->left ? n : rd->left;
	}
	return 1;
}

static int compare_times(const void *a, const void *b)
{
	const struct report *x = a, *y = b;

	return (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

/* Lets go of those that have been used, and sorts the others. */
static void compact(struct reader *rd)
{
	memmove(rd->v, rd->v + rd->done, (rd->nr - rd->done) * sizeof(*rd->v));
	rd->nr -= rd->done;
	rd->done = rd->nr_ready = 0;
	qsort(rd->v, rd->nr, sizeof(*rd->v), compare_times);
}

/* Those up to until_ns are complete. */
static void release(struct reader *rd, uint64_t until_ns)
{
	compact(rd);
	for (rd->nr_ready = 0; rd->nr_ready < rd->nr && rd->v[rd->nr_ready].time_ns <= until_ns; rd->nr_ready++)
		;
}

static void end_round(struct reader *rd)
{
	release(rd, rd->last_round_max_ns);
	rd->last_round_max_ns = rd->round_max_ns;
}

/* 1, -errno. */
static int take_record(struct recording *r, struct reader *rd, struct err *err)
{
	struct perf_event_header *rec = (struct perf_event_header *)rd->record;
	int rc = 0;

	switch (rec->type) {
	case PERF_RECORD_SAMPLE:
		unswap_words(rd, rec->size);
		take_sample(rd, rec);
		break;
	case PERF_RECORD_MMAP:
	case PERF_RECORD_MMAP2:
		rc = perf_maps_add(&rd->maps, rec, rd->swapped, rd->pid);
		break;
	case PERF_RECORD_COMM:
		take_comm(rd, rec);
		break;
	case PERF_RECORD_LOST:
		unswap_words(rd, rec->size);
		rd->nr_lost += rec->size >= 24 ? rd->record[2] : 0;
		break;
	case RECORD_ATTR:
		return take_header_attr(rd, rec, err) ? -err->code : 1;
	case RECORD_FINISHED_ROUND:
		end_round(rd);
		break;
	case RECORD_AUXTRACE:
		unswap_words(rd, rec->size);
		return rec->size >= 16 ? skip_bytes(r, rd, rd->record[1], err) : 1;
	case RECORD_COMPRESSED:
	case RECORD_COMPRESSED2:
		return bad(rd, "it is compressed: record without -z;", err);
	default:
		break;
	}
	return rc ? err_set(err, -rc, "no memory for the mappings of perf.data") : 1;
}

/* 1; 0: the end; -errno. */
static int read_record(struct recording *r, struct reader *rd, struct err *err)
{
	struct perf_event_header *rec = (struct perf_event_header *)rd->record;
	int rc = rd->left < sizeof(*rec) ? 0 : read_all(r, rec, sizeof(*rec), err);

	if (rc <= 0)
		return rc;
	rec->type = u32(rd, rec->type);
	rec->misc = rd->swapped ? bswap_16(rec->misc) : rec->misc;
	rec->size = rd->swapped ? bswap_16(rec->size) : rec->size;
	if (rec->size < sizeof(*rec) || rec->size % 8 || rec->size > rd->left)
		return bad(rd, "a record of impossible size", err);
	rc = read_all(r, rec + 1, rec->size - sizeof(*rec), err);
	if (rc <= 0) {
		rd->cut_off = rc == 0;
		return rc;
	}
	rd->offset += rec->size;
	rd->left -= rd->left == UINT64_MAX ? 0 : rec->size;
	return take_record(r, rd, err);
}

/* Reads until there are reports in order. 1; 0: there are none any more; -errno. */
static int read_reports(struct recording *r, struct reader *rd, struct err *err)
{
	while (rd->done == rd->nr_ready) {
		int rc;

		if (rd->at_end)
			return 0;
		if (rd->nr == MAX_PENDING) { /* rounds without end: the older half is as good as in order */
			compact(rd);
			release(rd, rd->v[rd->nr / 2].time_ns);
			continue;
		}
		rc = read_record(r, rd, err);
		if (rc < 0)
			return rc;
		if (rc == 0) {
			rd->at_end = true;
			release(rd, UINT64_MAX);
		}
	}
	return 1;
}

/* ---- snapshots ---- */

/* The table that the regions follow, with a place for every address that is reported. */
static int use_maps(struct recording *r, struct reader *rd, struct err *err)
{
	struct mappings *maps;
	int rc;

	if (!rd->maps.changed && rd->has_agg)
		return 0;
	maps = perf_maps_table(&rd->maps, err);
	if (!maps)
		return -err->code;
	rc = rd->has_agg ? 0 : aggregate_init(&rd->agg, false, false, HEAT_RATE, 1);
	rd->has_agg = !rc;
	if (!rc)
		rc = aggregate_set_mappings(&rd->agg, maps, &r->attrs, rd->fresh);
	rd->fresh = false;
	return rc ? err_set(err, ENOMEM, "no memory for regions") : 0;
}

static struct snapshot *finish(struct recording *r, struct reader *rd, uint64_t end_ns, struct err *err)
{
	struct mappings *maps = perf_maps_table(&rd->maps, err);
	struct snapshot *s;

	if (!maps)
		return NULL;
	aggregate_end_check(&rd->agg);
	s = aggregate_finish(&rd->agg, &r->attrs, mappings_get(maps), end_ns - rd->begin_ns,
			     rd->nr_reports - rd->counted_reports);
	if (!s) {
		err_set(err, ENOMEM, "no memory for a snapshot");
		return NULL;
	}
	s->seq = rd->seq++;
	s->time_ns = s->wall_ns = end_ns;
	s->duration_ns = end_ns - rd->begin_ns;
	s->pid = rd->pid > 0 ? rd->pid : 0;
	s->source = source_find("perf")->name;
	s->attrs = r->attrs;
	memcpy(s->comm, rd->comm, sizeof(s->comm));
	s->stats.reports = s->stats.samples = rd->nr_reports - rd->counted_reports;
	s->stats.lost = rd->nr_lost - rd->counted_lost;
	s->stats.malformed = rd->nr_malformed - rd->counted_malformed;
	rd->counted_reports = rd->nr_reports;
	rd->counted_lost = rd->nr_lost;
	rd->counted_malformed = rd->nr_malformed;
	aggregate_begin(&rd->agg, &r->attrs, &r->attrs);
	return s;
}

/* Hands reports before end_ns to the aggregation. 1: there are later ones; 0: no more at all; -errno. */
static int collect(struct recording *r, struct reader *rd, uint64_t end_ns, struct err *err)
{
	for (;;) {
		int rc = read_reports(r, rd, err);
		const struct report *report = &rd->v[rd->done];

		if (rc <= 0)
			return rc;
		if (report->time_ns >= end_ns)
			return 1;
		rc = perf_maps_cover(&rd->maps, report->start) ? err_set(err, ENOMEM, "no memory for mappings")
							       : use_maps(r, rd, err);
		if (!rc && aggregate_add(&rd->agg, report, 1))
			rc = err_set(err, ENOMEM, "no memory for reports");
		if (rc)
			return rc;
		rd->done++;
		rd->nr_reports++;
	}
}

static int at_end(struct recording *r, const struct reader *rd, struct err *err)
{
	if (!rd->seq)
		return err_set(err, ENODATA,
			       "perf.data has no data addresses%s: record with perf record -d, or perf mem record",
			       r->pid ? " of this process" : "");
	if (rd->nr_other_samples)
		snprintf(r->note, sizeof(r->note), "%" PRIu64 " samples are of other processes than %d: -p PID chooses",
			 rd->nr_other_samples, (int)rd->pid);
	else if (rd->cut_off)
		snprintf(r->note, sizeof(r->note), "perf.data is cut off");
	return 0;
}

static int perf_next(struct recording *r, struct snapshot **snap, struct err *err)
{
	struct reader *rd = r->format_data;
	uint64_t interval_ns = r->attrs.aggregation_us * NSEC_PER_USEC, end_ns;
	int rc = read_reports(r, rd, err);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return at_end(r, rd, err);
	if (!rd->seq || rd->v[rd->done].time_ns - rd->begin_ns > interval_ns * MAX_GAP)
		rd->begin_ns = rd->v[rd->done].time_ns;
	end_ns = rd->begin_ns + interval_ns;
	rc = collect(r, rd, end_ns, err);
	if (rc < 0)
		return rc;
	*snap = rd->has_agg ? finish(r, rd, end_ns, err) : NULL;
	rd->begin_ns = end_ns;
	return *snap ? 1 : err->code ? -err->code : bad(rd, "no mapping is known", err);
}

/* Who has most samples with an address: which mappings are its own is known from the beginning only then. */
static pid_t perf_first_pid(struct recording *r)
{
	struct reader *rd = r->format_data;
	struct err err = ERR_NONE;
	pid_t pid = 0;

	rd->counts = calloc(NR_COUNTS, sizeof(*rd->counts));
	if (!rd->counts)
		return 0;
	while (read_record(r, rd, &err) > 0)
		;
	for (size_t i = 0, most = 0; i < NR_COUNTS; i++)
		if (rd->counts[i].nr > most) {
			most = rd->counts[i].nr;
			pid = rd->counts[i].pid;
		}
	return pid;
}

const struct recording_ops recording_perf = {
	.name = "perf.data",
	.accepts = perf_accepts,
	.open = perf_open,
	.next = perf_next,
	.close = perf_close,
	.first_pid = perf_first_pid,
};
