/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/perf_file.h"

#include <byteswap.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC	   UINT64_C(0x32454c4946524550) /* "PERFILE2" */
#define SZ_HEADER  104
#define SZ_PIPE	   16
#define MAX_PREFIX (UINT64_C(16) << 20) /* all before the data: attributes and ids */
#define MAX_NR_IDS (1u << 17)
#define SZ_OLDEST  64 /* of struct perf_event_attr: PERF_ATTR_SIZE_VER0 */
#define AT_FLAGS   40 /* in struct perf_event_attr: the word of bit fields, from "disabled" on */

static uint64_t order64(const struct perf_file *f, uint64_t v)
{
	return f->swapped ? bswap_64(v) : v;
}

static uint32_t order32(const struct perf_file *f, uint32_t v)
{
	return f->swapped ? bswap_32(v) : v;
}

uint64_t perf_file_u64(const struct perf_file *f, size_t i)
{
	return (i + 1) * 8 <= perf_file_record(f)->size ? order64(f, f->record[i]) : 0;
}

uint32_t perf_file_u32(const struct perf_file *f, size_t i, unsigned h)
{
	uint32_t halves[2] = { 0 };

	if ((i + 1) * 8 <= perf_file_record(f)->size)
		memcpy(halves, &f->record[i], sizeof(halves));
	return order32(f, halves[h & 1]);
}

int perf_file_bad(const struct perf_file *f, const char *what, struct err *err)
{
	return err_set(err, EBADMSG, "perf.data: %s at byte %" PRIu64, what, f->offset);
}

static int no_memory(struct err *err)
{
	return err_set(err, ENOMEM, "no memory to read perf.data");
}

/* Exactly size bytes. 1; 0: the file ends before; -errno. */
static int read_all(struct perf_file *f, void *buf, size_t size, struct err *err)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = f->read(f->ctx, (char *)buf + done, size - done, err);

		if (n < 0)
			return (int)n;
		if (n == 0)
			return 0;
		done += (size_t)n;
	}
	return 1;
}

/* ---- attributes ---- */

/*
 * Compilers lay bit fields out from the lowest bit of the first byte up where bytes go from the lowest up, and from the
 * highest bit down where they go the other way: the bytes stay where they are, and each is turned round.
 */
static void turn_bits(void *word)
{
	unsigned char *bytes = word;

	for (int i = 0; i < 8; i++) {
		unsigned b = bytes[i], turned = 0;

		for (int k = 0; k < 8; k++)
			turned |= (b >> k & 1) << (7 - k);
		bytes[i] = (unsigned char)turned;
	}
}

/* The fields that are used, of one that may be shorter or longer than ours. */
static void add_attr(struct perf_file *f, const void *from, size_t size)
{
	struct perf_event_attr a = { 0 }, *to = &f->attrs[f->nr_attrs++];

	memcpy(&a, from, size < sizeof(a) ? size : sizeof(a));
	if (f->swapped)
		turn_bits((char *)&a + AT_FLAGS);
	*to = (struct perf_event_attr){ .type = order32(f, a.type),
					.config = order64(f, a.config),
					.sample_period = order64(f, a.sample_period),
					.sample_type = order64(f, a.sample_type),
					.read_format = order64(f, a.read_format),
					.branch_sample_type = order64(f, a.branch_sample_type),
					.sample_regs_user = order64(f, a.sample_regs_user),
					.sample_stack_user = order32(f, a.sample_stack_user),
					.sample_regs_intr = order64(f, a.sample_regs_intr) };
	to->freq = a.freq;
	to->sample_id_all = a.sample_id_all;
}

/* Of the attribute that was added last. */
static int add_ids(struct perf_file *f, const void *from, size_t nr, struct err *err)
{
	struct perf_file_id *ids;

	if (nr > MAX_NR_IDS - f->nr_ids)
		return perf_file_bad(f, "too many ids", err);
	ids = realloc(f->ids, (f->nr_ids + nr + 1) * sizeof(*ids));
	if (!ids)
		return no_memory(err);
	f->ids = ids;
	for (size_t i = 0; i < nr; i++) {
		uint64_t id;

		memcpy(&id, (const char *)from + i * sizeof(id), sizeof(id));
		f->ids[f->nr_ids++] = (struct perf_file_id){ order64(f, id), f->nr_attrs - 1 };
	}
	f->ids_sorted = false;
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	const struct perf_file_id *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static const struct perf_event_attr *attr_of_id(struct perf_file *f, uint64_t id)
{
	struct perf_file_id key = { id, 0 };
	const struct perf_file_id *found = NULL;

	if (!f->ids_sorted && f->nr_ids)
		qsort(f->ids, f->nr_ids, sizeof(*f->ids), compare_ids);
	f->ids_sorted = true;
	if (f->nr_ids)
		found = bsearch(&key, f->ids, f->nr_ids, sizeof(key), compare_ids);
	return found ? &f->attrs[found->attr] : NULL;
}

bool perf_file_has_all_events(const struct perf_file *f)
{
	bool any = false;

	for (unsigned i = 0; i < f->nr_attrs; i++) {
		const struct perf_event_attr *a = &f->attrs[i];

		if (!(a->sample_type & PERF_SAMPLE_ADDR) ||
		    (a->type == PERF_TYPE_SOFTWARE && a->config == PERF_COUNT_SW_DUMMY))
			continue;
		if (a->freq || a->sample_period != 1)
			return false;
		any = true;
	}
	return any;
}

/* ---- the beginning ---- */

/* The attribute at byte at of the head, with its ids. */
static int take_attr(struct perf_file *f, const char *prefix, uint64_t sz_prefix, uint64_t at, uint64_t sz_entry,
		     struct err *err)
{
	uint64_t section[2];

	if (f->nr_attrs == PERF_FILE_MAX_NR_ATTRS)
		return perf_file_bad(f, "too many events", err);
	add_attr(f, prefix + at, sz_entry - sizeof(section));
	memcpy(section, prefix + at + sz_entry - sizeof(section), sizeof(section));
	section[0] = order64(f, section[0]);
	section[1] = order64(f, section[1]);
	if (section[1] > sz_prefix || section[0] > sz_prefix - section[1])
		return perf_file_bad(f, "ids outside of the file's head", err);
	return add_ids(f, prefix + section[0], section[1] / 8, err);
}

/* Header: magic, size, size of an attribute, {offset, size} of attributes, data and types, features. */
static int take_prefix(struct perf_file *f, const char *prefix, const uint64_t head[13], struct err *err)
{
	uint64_t sz_entry = head[2], at = head[3], size = head[4], sz_prefix = head[5];

	if (sz_entry < SZ_OLDEST + 16 || sz_entry > 4096 || size % sz_entry || size > sz_prefix ||
	    at > sz_prefix - size)
		return perf_file_bad(f, "the table of events is wrong", err);
	for (uint64_t i = 0; i < size; i += sz_entry) {
		int rc = take_attr(f, prefix, sz_prefix, at + i, sz_entry, err);

		if (rc)
			return rc;
	}
	return f->nr_attrs ? 0 : perf_file_bad(f, "no events", err);
}

/* Of a file, whose header has been read: up to its data. */
static int read_prefix(struct perf_file *f, const uint64_t head[13], struct err *err)
{
	char *prefix;
	int rc;

	if (head[5] < SZ_HEADER || head[5] > MAX_PREFIX)
		return perf_file_bad(f, "the place of the data is wrong", err);
	prefix = calloc(1, head[5]);
	if (!prefix)
		return no_memory(err);
	rc = read_all(f, prefix + SZ_HEADER, head[5] - SZ_HEADER, err);
	if (rc > 0)
		rc = take_prefix(f, prefix, head, err);
	else if (rc == 0)
		rc = perf_file_bad(f, "it ends before its data,", err);
	free(prefix);
	f->offset = head[5];
	f->left = head[6] ? head[6] : UINT64_MAX; /* perf writes the size last: it was killed */
	return rc;
}

bool perf_file_accepts(const char *head, size_t len)
{
	uint64_t magic;

	if (len < SZ_PIPE)
		return false;
	memcpy(&magic, head, sizeof(magic));
	return magic == MAGIC || magic == bswap_64(MAGIC);
}

int perf_file_open(struct perf_file *f, perf_file_read_fn read, void *ctx, struct err *err)
{
	uint64_t head[SZ_HEADER / 8] = { 0 };
	int rc;

	*f = (struct perf_file){ .read = read, .ctx = ctx, .left = UINT64_MAX };
	rc = read_all(f, head, SZ_PIPE, err);
	if (rc < 0)
		return rc;
	f->swapped = head[0] != MAGIC;
	if (order64(f, head[1]) == SZ_PIPE) {
		f->offset = SZ_PIPE;
		return 0;
	}
	if (order64(f, head[1]) != SZ_HEADER)
		return perf_file_bad(f, "a header of unknown size", err);
	rc = read_all(f, head + SZ_PIPE / 8, SZ_HEADER - SZ_PIPE, err);
	if (rc <= 0)
		return rc ? rc : perf_file_bad(f, "it ends before its data,", err);
	for (size_t i = 0; i < SZ_HEADER / 8; i++)
		head[i] = order64(f, head[i]);
	return read_prefix(f, head, err);
}

void perf_file_close(struct perf_file *f)
{
	free(f->ids);
	f->ids = NULL;
	f->nr_ids = f->nr_attrs = 0;
}

/* ---- records ---- */

static int take_header_attr(struct perf_file *f, struct err *err)
{
	const struct perf_event_header *rec = perf_file_record(f);
	uint32_t sz_attr = perf_file_u32(f, 1, 1); /* its second field */

	if (rec->size < sizeof(*rec) + SZ_OLDEST || sz_attr < SZ_OLDEST || sz_attr > rec->size - sizeof(*rec) ||
	    f->nr_attrs == PERF_FILE_MAX_NR_ATTRS)
		return perf_file_bad(f, "an event is wrong", err);
	add_attr(f, rec + 1, sz_attr);
	return add_ids(f, (const char *)(rec + 1) + sz_attr, (rec->size - sizeof(*rec) - sz_attr) / 8, err);
}

/* Bytes that follow a record and are none. 0, also where the file ends within; -errno. */
static int skip_bytes(struct perf_file *f, uint64_t size, struct err *err)
{
	uint64_t scratch[512];

	while (size) {
		size_t n = size < sizeof(scratch) ? (size_t)size : sizeof(scratch);
		int rc = read_all(f, scratch, n, err);

		if (rc <= 0) {
			f->cut_off = rc == 0;
			f->left = 0;
			return rc;
		}
		size -= n;
		f->offset += n;
		f->left -= f->left == UINT64_MAX ? 0 : n < f->left ? n : f->left;
	}
	return 0;
}

/* What the file says of itself. 0 or -errno. */
static int take_own(struct perf_file *f, struct err *err)
{
	const struct perf_event_header *rec = perf_file_record(f);

	switch (rec->type) {
	case PERF_FILE_ATTR:
		return take_header_attr(f, err);
	case PERF_FILE_TRACING_DATA: /* of tracepoints: so many bytes, padded to 8 */
		return skip_bytes(f, ((uint64_t)perf_file_u32(f, 1, 0) + 7) & ~UINT64_C(7), err);
	case PERF_FILE_AUXTRACE:
		return skip_bytes(f, perf_file_u64(f, 1), err);
	case PERF_FILE_COMPRESSED:
	case PERF_FILE_COMPRESSED2:
		return perf_file_bad(f, "it is compressed: record without -z;", err);
	default:
		return 0;
	}
}

int perf_file_next(struct perf_file *f, struct err *err)
{
	struct perf_event_header *rec = (struct perf_event_header *)(void *)f->record;
	int rc = f->left < sizeof(*rec) ? 0 : read_all(f, rec, sizeof(*rec), err);

	if (rc <= 0)
		return rc;
	rec->type = order32(f, rec->type);
	rec->misc = f->swapped ? bswap_16(rec->misc) : rec->misc;
	rec->size = f->swapped ? bswap_16(rec->size) : rec->size;
	/* perf's own have any size */
	if (rec->size < sizeof(*rec) || (rec->type < PERF_FILE_ATTR && rec->size % 8) || rec->size > f->left)
		return perf_file_bad(f, "a record of impossible size", err);
	rc = read_all(f, rec + 1, rec->size - sizeof(*rec), err);
	if (rc <= 0) {
		f->cut_off = rc == 0;
		return rc;
	}
	rc = take_own(f, err);
	if (rc)
		return rc;
	f->offset += rec->size;
	f->left -= f->left == UINT64_MAX ? 0 : rec->size < f->left ? rec->size : f->left;
	return 1;
}

const struct perf_event_attr *perf_file_sample(struct perf_file *f, struct perf_sample *sample)
{
	const struct perf_event_attr *attr = f->nr_attrs ? &f->attrs[0] : NULL;

	/* It begins with its id where there are events of different layouts. */
	if (attr && f->nr_attrs > 1 && attr->sample_type & PERF_SAMPLE_IDENTIFIER)
		attr = attr_of_id(f, perf_file_u64(f, 1));
	if (!attr || perf_sample_parse_of(attr, perf_file_record(f), f->swapped, sample))
		return NULL;
	if (f->nr_attrs > 1 && attr->sample_type & PERF_SAMPLE_ID) {
		const struct perf_event_attr *own = attr_of_id(f, sample->id);

		return own ? own : attr;
	}
	return attr;
}

uint64_t perf_file_time_ns(struct perf_file *f)
{
	const struct perf_event_attr *attr = f->nr_attrs ? &f->attrs[0] : NULL;
	size_t nr = perf_file_record(f)->size / 8, nr_behind;
	uint64_t type;

	if (attr && f->nr_attrs > 1 && attr->sample_type & PERF_SAMPLE_IDENTIFIER && nr > 1)
		attr = attr_of_id(f, perf_file_u64(f, nr - 1));
	if (!attr || !attr->sample_id_all || !(attr->sample_type & PERF_SAMPLE_TIME))
		return 0;
	/* at the end of the record: pid and tid, time, id, stream, CPU, id once more; those that samples have */
	type = attr->sample_type;
	nr_behind = !!(type & PERF_SAMPLE_ID) + !!(type & PERF_SAMPLE_STREAM_ID) + !!(type & PERF_SAMPLE_CPU) +
		    !!(type & PERF_SAMPLE_IDENTIFIER);
	return nr > nr_behind + 2 ? perf_file_u64(f, nr - 1 - nr_behind) : 0;
}
