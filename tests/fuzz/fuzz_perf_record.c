/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_perf_record: any bytes in a perf ring, read as samples of any layout.
 *
 * Input: struct header, then what is in the ring. Each record is handed on in a
 * block of its own size, so that a read beyond it is seen. Where the first
 * corpus folder is empty, seeds of the generator are written to it.
 */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/perf_attach.h"
#include "collector/perf_report.h"
#include "tests/unit/perf_sim.h"

#define NR_PAGES 2
#define PID	 4711

struct header {
	uint64_t sample_type, read_format, branch_type, regs;
	uint16_t start; /* position in the ring, before rounding */
	uint8_t odd;	/* not rounded at all */
	uint8_t reserved[5];
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint64_t sink;

static void read_blocks(const struct perf_sample *s)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < s->nr_regs; i++)
		sum += s->regs[i];
	for (uint64_t i = 0; i < s->sz_stack; i++)
		sum += s->stack[i];
	sink = sum;
}

static void take(void *ctx, const struct perf_event_header *rec, const struct perf_event_attr *attr)
{
	struct perf_event_header *copy = malloc(rec->size);
	struct perf_sample sample;
	struct report report;

	(void)ctx;
	if (!copy)
		abort();
	memcpy(copy, rec, rec->size);
	if (rec->type == PERF_RECORD_SAMPLE && !perf_sample_parse(attr, copy, &sample)) {
		read_blocks(&sample);
		if (perf_report(&sample, 1, &report) && report.end <= report.start)
			abort();
	}
	free(copy);
}

static struct perf_attach_spec spec_of(const struct header *h)
{
	struct perf_attach_spec spec = { .nr_events = 2, .root = "", .ring_bytes = NR_PAGES * 4096 };

	for (size_t i = 0; i < spec.nr_events; i++) {
		spec.attr[i].sample_type = i ? h->sample_type : h->sample_type & ((1 << 25) - 1);
		spec.attr[i].read_format = h->read_format;
		spec.attr[i].branch_sample_type = h->branch_type;
		spec.attr[i].sample_regs_user = h->regs;
		spec.attr[i].sample_regs_intr = h->regs;
		spec.group_leader[i] = -1;
	}
	return spec;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct perf_attach_spec spec;
	struct perf_attach *pa;
	struct perf_sim sim;
	struct header h;

	if (size < sizeof(h))
		return 0;
	memcpy(&h, data, sizeof(h));
	spec = spec_of(&h);
	if (!perf_sim_open(&sim, NR_PAGES, h.odd & 1 ? h.start : h.start & ~7u))
		return 0;
	if (!perf_attach_open_files(&pa, PID, &spec, &sim.fd, 1, NR_PAGES, NULL)) {
		size = size - sizeof(h) < NR_PAGES * 4096 ? size - sizeof(h) : NR_PAGES * 4096;
		perf_sim_write_raw(&sim, data + sizeof(h), size);
		perf_attach_drain(pa, take, NULL);
		/* Reading goes on behind whatever that was. */
		perf_attach_drain(pa, take, NULL);
		perf_attach_close(pa);
	}
	perf_sim_close(&sim);
	return 0;
}

/* ---- seeds -------------------------------------------------------------------------------------- */

static void write_seed(const char *folder, unsigned nr, const struct header *h, const void *records, size_t size)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/seed-%02u", folder, nr);
	file = fopen(path, "wb");
	if (!file)
		return;
	fwrite(h, sizeof(*h), 1, file);
	fwrite(records, size, 1, file);
	fclose(file);
}

static size_t add_record(unsigned char *at, const struct perf_event_header *rec)
{
	memcpy(at, rec, rec->size);
	return rec->size;
}

/* A sample of this layout between records of other types. */
static size_t make_records(unsigned char *at, const struct header *h)
{
	static unsigned char buf[PERF_SIM_MAX_RECORD] __attribute__((aligned(8)));
	static const uint64_t words[8] = { 1, 2, 3 }, regs[64];
	static const unsigned char stack[64];
	struct perf_event_attr attr = { .sample_type = h->sample_type | PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID,
					.sample_regs_user = h->regs,
					.sample_stack_user = 64 };
	struct perf_sample s = { .id = 1,
				 .pid = PID,
				 .tid = PID,
				 .addr = 0x7f0000001000,
				 .ip = 0x401000,
				 .weight = 9,
				 .data_src = PERF_MEM_S(OP, LOAD),
				 .regs_abi = 2,
				 .regs = regs,
				 .stack = stack,
				 .sz_stack = 64,
				 .nr_regs = (unsigned)__builtin_popcountll(h->regs) };
	size_t len = add_record(at, perf_sim_record(buf, PERF_RECORD_LOST, words, 2));

	len += add_record(at + len, perf_sim_sample(buf, &attr, &s));
	len += add_record(at + len, perf_sim_record(buf, PERF_RECORD_THROTTLE, words, 3));
	s.id = 2;
	s.data_src = PERF_MEM_S(OP, NA);
	len += add_record(at + len, perf_sim_sample(buf, &attr, &s));
	return len + add_record(at + len, perf_sim_record(buf, 99, words, 8));
}

static void write_seeds(const char *folder)
{
	static unsigned char records[4 * PERF_SIM_MAX_RECORD];
	const uint64_t generated = ((1 << 25) - 1) & ~(PERF_SAMPLE_BRANCH_STACK | PERF_SAMPLE_REGS_INTR |
						       PERF_SAMPLE_AUX | PERF_SAMPLE_WEIGHT_STRUCT);

	for (unsigned i = 0; i < 28; i++) {
		struct header h = { .sample_type = generated, .regs = 0x1ff, .start = (uint16_t)(i * 8 + 8192 - 100) };

		if (i < 25)
			h.sample_type = generated & UINT64_C(1) << i;
		write_seed(folder, i, &h, records, make_records(records, &h));
	}
}

static bool is_empty(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	bool empty = true;

	if (!dir)
		return false;
	while (empty && (entry = readdir(dir)))
		empty = entry->d_name[0] == '.';
	closedir(dir);
	return empty;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	for (int i = 1; i < *argc; i++) {
		if ((*argv)[i][0] == '-')
			continue;
		if (is_empty((*argv)[i]))
			write_seeds((*argv)[i]);
		break;
	}
	return 0;
}
