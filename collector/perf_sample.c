/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A sample's record taken apart by what its event asked for: the one place that knows the order of the fields. */
#include <byteswap.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "collector/perf_ring.h"

/* The newest field that perf_sample_parse() knows, PERF_SAMPLE_WEIGHT_STRUCT, and all before it. */
#define KNOWN_FIELDS ((UINT64_C(1) << 25) - 1)

/* Since Linux 6.8: counts beside the branches. */
#define BRANCH_COUNTERS (UINT64_C(1) << 19)

/* What is left of the record, in units of 8 bytes: all fields but the inner ones of RAW are multiples. */
struct cursor {
	const uint64_t *p, *end;
	bool swapped; /* of the other byte order */
};

static bool take(struct cursor *c, uint64_t *value)
{
	if (c->p == c->end)
		return false;
	*value = c->swapped ? bswap_64(*c->p) : *c->p;
	c->p++;
	return true;
}

static bool skip(struct cursor *c, uint64_t nr)
{
	if (nr > (uint64_t)(c->end - c->p))
		return false;
	c->p += nr;
	return true;
}

/* Two of 32 bits, as they follow each other. */
static bool take_pair(struct cursor *c, uint32_t *first, uint32_t *second)
{
	uint32_t halves[2];

	if (c->p == c->end)
		return false;
	memcpy(halves, c->p++, sizeof(halves));
	*first = c->swapped ? bswap_32(halves[0]) : halves[0];
	*second = c->swapped ? bswap_32(halves[1]) : halves[1];
	return true;
}

static bool skip_read(struct cursor *c, uint64_t format)
{
	uint64_t times = !!(format & PERF_FORMAT_TOTAL_TIME_ENABLED) + !!(format & PERF_FORMAT_TOTAL_TIME_RUNNING);
	uint64_t each = 1 + !!(format & PERF_FORMAT_ID) + !!(format & PERF_FORMAT_LOST);
	uint64_t nr = 1;

	if ((format & PERF_FORMAT_GROUP) && !take(c, &nr))
		return false;
	return nr < UINT16_MAX && skip(c, times + nr * each);
}

static bool skip_counted(struct cursor *c)
{
	uint64_t nr;

	return take(c, &nr) && skip(c, nr);
}

/* u32 size and that many bytes, both together padded to 8. */
static bool skip_raw(struct cursor *c)
{
	uint32_t size, content;

	return take_pair(c, &size, &content) && skip(c, ((uint64_t)size + 4 + 7) / 8 - 1);
}

static bool skip_branches(struct cursor *c, uint64_t branch_type)
{
	uint64_t nr;

	return take(c, &nr) && nr < UINT16_MAX &&
	       skip(c, nr * (branch_type & BRANCH_COUNTERS ? 4 : 3) + !!(branch_type & PERF_SAMPLE_BRANCH_HW_INDEX));
}

static bool take_regs(struct cursor *c, uint64_t mask, uint64_t *abi, const uint64_t **regs, unsigned *nr_regs)
{
	unsigned nr = (unsigned)__builtin_popcountll(mask);

	if (!take(c, abi))
		return false;
	if (*abi == PERF_SAMPLE_REGS_ABI_NONE)
		return true;
	*regs = c->p;
	*nr_regs = c->swapped ? 0 : nr; /* those of another machine are of no use here */
	return skip(c, nr);
}

/* The size set aside, the bytes, and how many of them the kernel could copy. */
static bool take_stack(struct cursor *c, struct perf_sample *sample)
{
	uint64_t size, valid;

	if (!take(c, &size))
		return false;
	if (!size)
		return true;
	sample->stack = (const unsigned char *)c->p;
	if (size % 8 || !skip(c, size / 8) || !take(c, &valid))
		return false;
	sample->sz_stack = valid < size ? valid : size;
	return true;
}

/* The fields before the variable ones. */
static bool parse_head(struct cursor *c, uint64_t type, struct perf_sample *s)
{
	uint64_t stream_id;
	uint32_t reserved;

	return (!(type & PERF_SAMPLE_IDENTIFIER) || take(c, &s->id)) && (!(type & PERF_SAMPLE_IP) || take(c, &s->ip)) &&
	       (!(type & PERF_SAMPLE_TID) || take_pair(c, &s->pid, &s->tid)) &&
	       (!(type & PERF_SAMPLE_TIME) || take(c, &s->time)) && (!(type & PERF_SAMPLE_ADDR) || take(c, &s->addr)) &&
	       (!(type & PERF_SAMPLE_ID) || take(c, &s->id)) &&
	       (!(type & PERF_SAMPLE_STREAM_ID) || take(c, &stream_id)) &&
	       (!(type & PERF_SAMPLE_CPU) || take_pair(c, &s->cpu, &reserved)) &&
	       (!(type & PERF_SAMPLE_PERIOD) || take(c, &s->period));
}

static bool parse_variable(struct cursor *c, const struct perf_event_attr *attr, struct perf_sample *s)
{
	uint64_t type = attr->sample_type;

	return (!(type & PERF_SAMPLE_READ) || skip_read(c, attr->read_format)) &&
	       (!(type & PERF_SAMPLE_CALLCHAIN) || skip_counted(c)) && (!(type & PERF_SAMPLE_RAW) || skip_raw(c)) &&
	       (!(type & PERF_SAMPLE_BRANCH_STACK) || skip_branches(c, attr->branch_sample_type)) &&
	       (!(type & PERF_SAMPLE_REGS_USER) ||
		take_regs(c, attr->sample_regs_user, &s->regs_abi, &s->regs, &s->nr_regs)) &&
	       (!(type & PERF_SAMPLE_STACK_USER) || take_stack(c, s));
}

static bool take_weight(struct cursor *c, uint64_t type, struct perf_sample *s)
{
	if (!take(c, &s->weight))
		return false;
	if (type & PERF_SAMPLE_WEIGHT_STRUCT)
		s->weight &= UINT32_MAX;
	return true;
}

static bool parse_tail(struct cursor *c, const struct perf_event_attr *attr, struct perf_sample *s)
{
	uint64_t type = attr->sample_type, ignored;
	const uint64_t *regs;
	unsigned nr;

	return (!(type & PERF_SAMPLE_WEIGHT_TYPE) || take_weight(c, type, s)) &&
	       (!(type & PERF_SAMPLE_DATA_SRC) || take(c, &s->data_src)) &&
	       (!(type & PERF_SAMPLE_TRANSACTION) || take(c, &ignored)) &&
	       (!(type & PERF_SAMPLE_REGS_INTR) || take_regs(c, attr->sample_regs_intr, &ignored, &regs, &nr)) &&
	       (!(type & PERF_SAMPLE_PHYS_ADDR) || take(c, &s->phys_addr)) &&
	       (!(type & PERF_SAMPLE_CGROUP) || take(c, &ignored)) &&
	       (!(type & PERF_SAMPLE_DATA_PAGE_SIZE) || take(c, &s->data_page_size)) &&
	       (!(type & PERF_SAMPLE_CODE_PAGE_SIZE) || take(c, &ignored));
}

int perf_sample_parse(const struct perf_event_attr *attr, const struct perf_event_header *rec,
		      struct perf_sample *sample)
{
	return perf_sample_parse_of(attr, rec, false, sample);
}

int perf_sample_parse_of(const struct perf_event_attr *attr, const struct perf_event_header *rec, bool swapped,
			 struct perf_sample *sample)
{
	uint64_t type = attr->sample_type;
	struct cursor c = { .swapped = swapped };

	*sample = (struct perf_sample){ .have = type };
	if (rec->size < sizeof(*rec) || rec->size % 8 || (type & ~KNOWN_FIELDS))
		return -EBADMSG;
	c.p = (const uint64_t *)(const void *)(rec + 1);
	c.end = c.p + (rec->size - sizeof(*rec)) / 8;
	if (!parse_head(&c, type, sample))
		return -EBADMSG;
	if ((type & (PERF_SAMPLE_READ | PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_RAW | PERF_SAMPLE_BRANCH_STACK |
		     PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER)) &&
	    !parse_variable(&c, attr, sample))
		return -EBADMSG;
	return parse_tail(&c, attr, sample) ? 0 : -EBADMSG;
}
