/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/perf_report.h"

#include <linux/perf_event.h>

/* Linux gives user space the lower half, and nothing at address 0. */
static bool is_user(uint64_t addr)
{
	return addr && !(addr >> 63);
}

/* The operation in perf's data_src word: bits of PERF_MEM_OP_*. */
static unsigned mem_op(uint64_t data_src)
{
	return (unsigned)(data_src >> PERF_MEM_OP_SHIFT) & 0x1f;
}

/*
 * IBS tags any instruction, and PEBS any event: for those that are neither load nor store the kernel leaves
 * PERF_MEM_NA, and the address is what an earlier one left behind.
 */
static bool address_is_valid(const struct perf_sample *s)
{
	if (!(s->have & PERF_SAMPLE_ADDR) || !is_user(s->addr))
		return false;
	return !(s->have & PERF_SAMPLE_DATA_SRC) || (mem_op(s->data_src) & ~(unsigned)PERF_MEM_OP_NA);
}

static void add_data_src(const struct perf_sample *s, struct report *r)
{
	unsigned op = mem_op(s->data_src) & (PERF_MEM_OP_LOAD | PERF_MEM_OP_STORE);

	r->data_src = s->data_src;
	r->valid |= REPORT_DATA_SRC;
	if (op == PERF_MEM_OP_LOAD || op == PERF_MEM_OP_STORE) {
		r->op = op == PERF_MEM_OP_LOAD ? REPORT_READ : REPORT_WRITE;
		r->valid |= REPORT_OP;
	}
}

/* Fields that are 0 where the PMU or the kernel does not know them. */
static void add_where_known(const struct perf_sample *s, struct report *r)
{
	if (s->weight) {
		r->latency = s->weight > UINT32_MAX ? UINT32_MAX : (uint32_t)s->weight;
		r->valid |= REPORT_LATENCY;
	}
	if (s->phys_addr) {
		r->phys = s->phys_addr;
		r->valid |= REPORT_PHYS;
	}
	if (s->data_page_size) {
		r->huge = s->data_page_size > PAGE_BYTES;
		r->valid |= REPORT_HUGE;
	}
	if (is_user(s->ip)) {
		r->ip = s->ip;
		r->valid |= REPORT_IP;
	}
}

bool perf_report(const struct perf_sample *s, uint64_t count, struct report *r)
{
	if (!address_is_valid(s))
		return false;
	/* How many bytes were accessed is not in a sample: one at least. */
	*r = (struct report){ .start = s->addr, .end = s->addr + 1, .count = count };
	if (s->have & PERF_SAMPLE_TID) {
		r->tid = s->tid;
		r->valid |= REPORT_TID;
	}
	if (s->have & PERF_SAMPLE_TIME) {
		r->time_ns = s->time;
		r->valid |= REPORT_TIME;
	}
	if (s->have & PERF_SAMPLE_DATA_SRC)
		add_data_src(s, r);
	add_where_known(s, r);
	return true;
}
