/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/page_query.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "collector/report.h"

#define HUGE_BYTES (UINT64_C(2) << 20)

/* Questions of one system call: its arrays live on the stack. */
#define NR_BATCH 512

/*
 * Pages this near to each other are looked at in one walk of the page tables: a call costs 0.3 us, a step of the walk
 * some 5 ns (both measured on a 2-CPU VM).
 */
#define NEAR_BYTES (64 * PAGE_BYTES)

/* "0" is the whole list of nodes with memory where there is just one. */
static int find_only_node(void)
{
	char text[32] = "";
	char *end;
	int fd = open("/sys/devices/system/node/has_memory", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	long node = strtol(text, &end, 10);

	if (fd >= 0)
		close(fd);
	return len > 0 && end != text && *end == '\n' && node >= 0 && node <= UINT8_MAX ? (int)node : -1;
}

void page_query_open(struct page_query *pq, const struct target *target)
{
	*pq = (struct page_query){ .only_node = find_only_node() };
	pagemap_open(&pq->pagemap, target, NULL);
}

void page_query_close(struct page_query *pq)
{
	pagemap_close(&pq->pagemap);
}

/*
 * move_pages(2) with nodes == NULL moves nothing and tells the node of each page that is in the page tables, or a
 * negative errno: -ENOENT and -EFAULT where there is none. It takes a number, hence the second look at the pidfd
 * before an answer is believed.
 */
static void ask_nodes(struct page_query *pq, const struct target *target, struct page_question *v, size_t nr)
{
	void *pages[NR_BATCH];
	int status[NR_BATCH];

	for (size_t i = 0; i < nr; i++)
		pages[i] = (void *)(uintptr_t)v[i].addr;
	if (syscall(SYS_move_pages, (long)target->pid, nr, pages, NULL, status, 0L) != 0) {
		/* A seccomp filter, a kernel without NUMA: it will be the same the next time. */
		pq->move_pages_refused = errno != ESRCH;
		return;
	}
	if (target_has_ended(target))
		return;
	for (size_t i = 0; i < nr; i++) {
		struct page_answer *answer = &v[i].answer;

		answer->known |= PAGE_KNOWN_PRESENT;
		answer->present = status[i] >= 0;
		if (status[i] >= 0 && status[i] <= UINT8_MAX) {
			answer->known |= PAGE_KNOWN_NODE;
			answer->node = (uint8_t)status[i];
		}
	}
}

/*
 * A shared mapping holds file pages alone (shared memory is a file to the kernel), one without a file anon pages alone.
 * Only in a private mapping of a file each page has its own answer: anon once it has been written.
 */
static bool kind_is_open(const struct mapping *m)
{
	return !(m->perms & MAPPING_SHARED) && (m->kind == MAPPING_FILE || m->kind == MAPPING_SHM);
}

static uint8_t kind_of_mapping(const struct mapping *m)
{
	return m->perms & MAPPING_SHARED || m->kind == MAPPING_FILE ? PAGE_FILE : PAGE_ANON;
}

/* Shared memory that is in swap has left the page tables: of a file's pages they cannot say that none is. */
static bool holds_anon_alone(const struct mapping *m)
{
	return kind_of_mapping(m) == PAGE_ANON && !kind_is_open(m);
}

/* Is the whole 2 MiB block of this page mapped? Otherwise no huge page can be there. */
static bool may_be_huge(const struct page_question *q)
{
	uint64_t block = q->addr & ~(HUGE_BYTES - 1);

	return block >= q->mapping->start && q->mapping->end - block >= HUGE_BYTES;
}

static void answer_by_mapping(struct page_question *q)
{
	q->answer.known |= PAGE_KNOWN_KIND;
	q->answer.kind = kind_of_mapping(q->mapping);
	if (!may_be_huge(q)) {
		q->answer.known |= PAGE_KNOWN_HUGE;
		q->answer.huge = false;
	}
}

/* A block is mapped as one huge page or not at all so: the present page before this one in its block answers for it. */
static bool follows(const struct page_question *v, size_t i)
{
	return i > 0 && v[i - 1].addr / HUGE_BYTES == v[i].addr / HUGE_BYTES && v[i - 1].mapping == v[i].mapping &&
	       v[i - 1].answer.present;
}

static bool needs_pagemap(const struct page_query *pq, const struct page_question *v, size_t i)
{
	const struct page_question *q = &v[i];

	if (pq->pagemap.fd < 0)
		return false;
	if (!(q->answer.known & PAGE_KNOWN_PRESENT))
		return true;
	if (!q->answer.present)
		return pq->has_swap && !(q->mapping->perms & MAPPING_SHARED);
	if (kind_is_open(q->mapping))
		return true;
	return may_be_huge(q) && pagemap_can_tell(&pq->pagemap, PAGEMAP_HUGE) && !follows(v, i);
}

static void answer_followers(struct page_question *v, size_t nr)
{
	for (size_t i = 1; i < nr; i++) {
		const struct page_answer *before = &v[i - 1].answer;
		struct page_answer *answer = &v[i].answer;

		if (!answer->present || answer->known & PAGE_KNOWN_HUGE || !follows(v, i))
			continue;
		answer->known |= before->known & PAGE_KNOWN_HUGE;
		answer->huge = before->huge;
	}
}

static void answer_by_pagemap(const struct page_query *pq, struct page_question *q, uint64_t categories, uint32_t told)
{
	struct page_answer *answer = &q->answer;

	if (!(answer->known & PAGE_KNOWN_PRESENT)) {
		answer->known |= PAGE_KNOWN_PRESENT;
		answer->present = categories & PAGEMAP_PRESENT;
		if (answer->present && pq->only_node >= 0) {
			answer->known |= PAGE_KNOWN_NODE;
			answer->node = (uint8_t)pq->only_node;
		}
	}
	answer->swapped = !answer->present && (categories & PAGEMAP_SWAPPED);
	if (answer->swapped || holds_anon_alone(q->mapping))
		answer->known |= PAGE_KNOWN_SWAP;
	if (!answer->present || !(categories & PAGEMAP_PRESENT)) /* gone between the two questions, or never there */
		return;
	answer->kind = categories & PAGEMAP_FILE ? PAGE_FILE : PAGE_ANON;
	if (told & PAGEMAP_HUGE) {
		answer->known |= PAGE_KNOWN_HUGE;
		answer->huge = categories & PAGEMAP_HUGE;
	}
}

/* One walk over [start, end) for the questions in it. More ranges than fit leave the rest as the mapping has it. */
static void ask_pagemap_run(const struct page_query *pq, struct page_question *v, const bool *needed, size_t nr)
{
	struct pagemap_range ranges[64];
	struct pagemap_query query = { .start = v[0].addr,
				       .end = v[nr - 1].addr + PAGE_BYTES,
				       .any = PAGEMAP_PRESENT | PAGEMAP_SWAPPED,
				       .tell = PAGEMAP_PRESENT | PAGEMAP_SWAPPED | PAGEMAP_FILE };
	uint64_t next;
	size_t at = 0;
	long found;

	if (pagemap_can_tell(&pq->pagemap, PAGEMAP_HUGE))
		query.tell |= PAGEMAP_HUGE;
	found = pagemap_scan(&pq->pagemap, &query, ranges, sizeof(ranges) / sizeof(ranges[0]), &next);
	for (size_t i = 0; found >= 0 && i < nr && v[i].addr < next; i++) {
		bool in_range;

		while (at < (size_t)found && ranges[at].end <= v[i].addr)
			at++;
		in_range = at < (size_t)found && ranges[at].start <= v[i].addr;
		if (needed[i])
			answer_by_pagemap(pq, &v[i], in_range ? ranges[at].categories : 0, query.tell);
	}
}

/* At most NR_BATCH questions. */
static void ask_pagemap(const struct page_query *pq, struct page_question *v, size_t nr)
{
	bool needed[NR_BATCH];

	for (size_t i = 0; i < nr; i++)
		needed[i] = needs_pagemap(pq, v, i);
	for (size_t first = 0; first < nr; first++) {
		size_t last = first;

		if (!needed[first])
			continue;
		for (size_t i = first + 1; i < nr && v[i].addr - v[last].addr <= NEAR_BYTES; i++)
			if (needed[i])
				last = i;
		ask_pagemap_run(pq, &v[first], &needed[first], last - first + 1);
		first = last;
	}
	answer_followers(v, nr);
}

static bool find_swap(void)
{
	struct sysinfo info;

	return sysinfo(&info) || info.totalswap > 0;
}

/* Present, or there is no swap that it could be in. */
static void answer_unswapped(const struct page_query *pq, struct page_answer *answer)
{
	if ((answer->known & PAGE_KNOWN_PRESENT) && (answer->present || !pq->has_swap))
		answer->known |= PAGE_KNOWN_SWAP;
}

void page_query_ask(struct page_query *pq, const struct target *target, struct page_question *v, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		v[i].answer = (struct page_answer){ 0 };
		answer_by_mapping(&v[i]);
	}
	pq->has_swap = find_swap();
	for (size_t at = 0; at < nr; at += NR_BATCH) {
		size_t batch = MIN(nr - at, NR_BATCH);

		if (!pq->move_pages_refused)
			ask_nodes(pq, target, v + at, batch);
		ask_pagemap(pq, v + at, batch);
	}
	for (size_t i = 0; i < nr; i++)
		answer_unswapped(pq, &v[i].answer);
}
