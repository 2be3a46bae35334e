/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/perf_sim.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool perf_sim_open(struct perf_sim *sim, size_t nr_pages, uint64_t start)
{
	size_t sz_page = (size_t)sysconf(_SC_PAGESIZE), sz = (nr_pages + 1) * sz_page;
	void *map;

	*sim = (struct perf_sim){ .fd = memfd_create("perf_sim", MFD_CLOEXEC) };
	if (sim->fd < 0 || ftruncate(sim->fd, (off_t)sz))
		return false;
	map = mmap(NULL, sz, PROT_READ | PROT_WRITE, MAP_SHARED, sim->fd, 0);
	if (map == MAP_FAILED)
		return false;
	sim->page = map;
	sim->data = (unsigned char *)map + sz_page;
	sim->sz_data = nr_pages * sz_page;
	sim->head = start;
	sim->page->data_head = sim->page->data_tail = start;
	sim->page->data_offset = sz_page;
	sim->page->data_size = sim->sz_data;
	return true;
}

void perf_sim_close(struct perf_sim *sim)
{
	if (sim->page)
		munmap(sim->page, sim->sz_data + (size_t)sysconf(_SC_PAGESIZE));
	if (sim->fd >= 0)
		close(sim->fd);
	*sim = (struct perf_sim){ .fd = -1 };
}

void perf_sim_write_raw(struct perf_sim *sim, const void *bytes, size_t len)
{
	size_t off = sim->head & (sim->sz_data - 1), first = sim->sz_data - off < len ? sim->sz_data - off : len;

	memcpy(sim->data + off, bytes, first);
	memcpy(sim->data, (const unsigned char *)bytes + first, len - first);
	sim->head += len;
	__atomic_store_n(&sim->page->data_head, sim->head, __ATOMIC_RELEASE);
}

static bool has_room(const struct perf_sim *sim, size_t len)
{
	return sim->head - __atomic_load_n(&sim->page->data_tail, __ATOMIC_ACQUIRE) + len <= sim->sz_data;
}

bool perf_sim_write(struct perf_sim *sim, const struct perf_event_header *rec)
{
	const uint64_t words[2] = { 0, sim->nr_lost };
	size_t sz_lost = sim->nr_lost ? 24 : 0;
	uint64_t lost[3];

	if (!has_room(sim, sz_lost + rec->size)) {
		sim->nr_lost++;
		return false;
	}
	if (sz_lost) {
		perf_sim_write_raw(sim, perf_sim_record(lost, PERF_RECORD_LOST, words, 2), sz_lost);
		sim->nr_lost = 0;
	}
	perf_sim_write_raw(sim, rec, rec->size);
	return true;
}

struct perf_event_header *perf_sim_record(void *buf, uint32_t type, const uint64_t *words, size_t nr)
{
	struct perf_event_header *rec = buf;

	*rec = (struct perf_event_header){ .type = type, .size = (uint16_t)(sizeof(*rec) + nr * sizeof(*words)) };
	if (nr)
		memcpy(rec + 1, words, nr * sizeof(*words));
	return rec;
}

static void put(uint64_t **at, uint64_t type, uint64_t field, uint64_t value)
{
	if (type & field)
		*(*at)++ = value;
}

static uint64_t pair(uint32_t low, uint32_t high)
{
	return low | (uint64_t)high << 32;
}

static void put_regs(uint64_t **at, const struct perf_sample *s)
{
	*(*at)++ = s->regs_abi;
	for (unsigned i = 0; i < s->nr_regs; i++)
		*(*at)++ = s->regs[i];
}

static void put_stack(uint64_t **at, const struct perf_event_attr *attr, const struct perf_sample *s)
{
	*(*at)++ = attr->sample_stack_user;
	if (!attr->sample_stack_user)
		return;
	memset(*at, 0, attr->sample_stack_user);
	memcpy(*at, s->stack, s->sz_stack);
	*at += attr->sample_stack_user / 8;
	*(*at)++ = s->sz_stack;
}

static void put_fillers(uint64_t **at, uint64_t type)
{
	put(at, type, PERF_SAMPLE_READ, 0x1111);
	if (type & PERF_SAMPLE_CALLCHAIN) {
		*(*at)++ = 2;
		*(*at)++ = 0x2222;
		*(*at)++ = 0x3333;
	}
	if (type & PERF_SAMPLE_RAW) {
		*(*at)++ = pair(12, 0x44444444); /* 4 bytes of size and 12 of content */
		*(*at)++ = 0x5555;
	}
}

struct perf_event_header *perf_sim_sample(void *buf, const struct perf_event_attr *attr, const struct perf_sample *s)
{
	struct perf_event_header *rec = buf;
	uint64_t *at = (uint64_t *)(void *)(rec + 1), type = attr->sample_type;

	put(&at, type, PERF_SAMPLE_IDENTIFIER, s->id);
	put(&at, type, PERF_SAMPLE_IP, s->ip);
	put(&at, type, PERF_SAMPLE_TID, pair(s->pid, s->tid));
	put(&at, type, PERF_SAMPLE_TIME, s->time);
	put(&at, type, PERF_SAMPLE_ADDR, s->addr);
	put(&at, type, PERF_SAMPLE_ID, s->id);
	put(&at, type, PERF_SAMPLE_STREAM_ID, 0x6666);
	put(&at, type, PERF_SAMPLE_CPU, s->cpu);
	put(&at, type, PERF_SAMPLE_PERIOD, s->period);
	put_fillers(&at, type);
	if (type & PERF_SAMPLE_REGS_USER)
		put_regs(&at, s);
	if (type & PERF_SAMPLE_STACK_USER)
		put_stack(&at, attr, s);
	put(&at, type, PERF_SAMPLE_WEIGHT_TYPE, s->weight);
	put(&at, type, PERF_SAMPLE_DATA_SRC, s->data_src);
	put(&at, type, PERF_SAMPLE_TRANSACTION, 0x7777);
	put(&at, type, PERF_SAMPLE_PHYS_ADDR, s->phys_addr);
	put(&at, type, PERF_SAMPLE_CGROUP, 0x8888);
	put(&at, type, PERF_SAMPLE_DATA_PAGE_SIZE, s->data_page_size);
	put(&at, type, PERF_SAMPLE_CODE_PAGE_SIZE, 0x9999);
	*rec = (struct perf_event_header){ .type = PERF_RECORD_SAMPLE, .misc = PERF_RECORD_MISC_USER };
	rec->size = (uint16_t)((char *)at - (char *)rec);
	return rec;
}
