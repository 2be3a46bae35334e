/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pagemap.h and page_query.h, asked about memory of our own whose state we know. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/page_query.h"
#include "collector/report.h"

#define NR_PAGES 64

struct memory {
	struct target self;
	char *v; /* NR_PAGES anon pages, of which 8 to 15 and 32 are present */
	uint64_t start;
};

static void touch(char *v, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		*(volatile char *)(v + i * PAGE_BYTES) = 1;
}

static int setup(void **state)
{
	struct memory *mem = calloc(1, sizeof(*mem));

	assert_non_null(mem);
	mem->self = (struct target){ .pid = getpid(), .pidfd = -1 };
	mem->self.proc_fd = open("/proc/self", O_PATH | O_CLOEXEC);
	assert_true(mem->self.proc_fd >= 0);
	mem->v = mmap(NULL, NR_PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(mem->v != MAP_FAILED);
	madvise(mem->v, NR_PAGES * PAGE_BYTES, MADV_NOHUGEPAGE);
	mem->start = (uintptr_t)mem->v;
	touch(mem->v, 8, 16);
	touch(mem->v, 32, 33);
	*state = mem;
	return 0;
}

static int teardown(void **state)
{
	struct memory *mem = *state;

	munmap(mem->v, NR_PAGES * PAGE_BYTES);
	close(mem->self.proc_fd);
	free(mem);
	return 0;
}

static void check_present(const struct pagemap *pm, const struct memory *mem)
{
	struct pagemap_query query = { .start = mem->start,
				       .end = mem->start + NR_PAGES * PAGE_BYTES,
				       .all = PAGEMAP_PRESENT,
				       .tell = PAGEMAP_PRESENT | PAGEMAP_FILE };
	struct pagemap_range v[4];
	uint64_t next;

	assert_int_equal(pagemap_scan(pm, &query, v, 4, &next), 2);
	assert_int_equal(next, query.end);
	assert_int_equal(v[0].start, mem->start + 8 * PAGE_BYTES);
	assert_int_equal(v[0].end, mem->start + 16 * PAGE_BYTES);
	assert_int_equal(v[0].categories, PAGEMAP_PRESENT);
	assert_int_equal(v[1].start, mem->start + 32 * PAGE_BYTES);
	assert_int_equal(v[1].end, mem->start + 33 * PAGE_BYTES);

	/* With room for one range it goes on where it stopped. */
	assert_int_equal(pagemap_scan(pm, &query, v, 1, &next), 1);
	assert_int_equal(v[0].start, mem->start + 8 * PAGE_BYTES);
	assert_true(next >= v[0].end && next <= mem->start + 32 * PAGE_BYTES);
	query.start = next;
	assert_int_equal(pagemap_scan(pm, &query, v, 1, &query.start), 1);
	assert_int_equal(v[0].start, mem->start + 32 * PAGE_BYTES);

	query.start = query.end;
	assert_int_equal(pagemap_scan(pm, &query, v, 1, &next), 0);
	assert_int_equal(next, query.end);
}

static void test_both_ways_say_the_same(void **state)
{
	struct memory *mem = *state;
	struct pagemap pm;

	assert_int_equal(pagemap_open(&pm, &mem->self, NULL), 0);
	check_present(&pm, mem);
	pm.scannable = 0; /* a kernel before 6.7 */
	check_present(&pm, mem);
	pagemap_close(&pm);
	pagemap_close(&pm);
}

static void test_categories_that_no_entry_has_are_refused(void **state)
{
	struct memory *mem = *state;
	struct pagemap_query query = { .start = mem->start, .end = mem->start + PAGE_BYTES, .tell = PAGEMAP_HUGE };
	struct pagemap_range range;
	struct pagemap pm;
	uint64_t next;

	assert_int_equal(pagemap_open(&pm, &mem->self, NULL), 0);
	pm.scannable = 0;
	assert_false(pagemap_can_tell(&pm, PAGEMAP_HUGE));
	assert_true(pagemap_can_tell(&pm, PAGEMAP_FILE | PAGEMAP_SOFT_DIRTY));
	assert_int_equal(pagemap_scan(&pm, &query, &range, 1, &next), -EOPNOTSUPP);
	pagemap_close(&pm);
	assert_false(pagemap_can_tell(&pm, PAGEMAP_PRESENT));
}

static void test_a_closed_directory_is_an_error(void **state)
{
	struct target nobody = { .pid = 1, .pidfd = -1, .proc_fd = -1 };
	struct err err = ERR_NONE;
	struct pagemap pm;

	(void)state;
	assert_int_equal(pagemap_open(&pm, &nobody, &err), -EBADF);
	assert_int_equal(err.code, EBADF);
	assert_int_equal(pm.fd, -1);
}

static void test_entries(void **state)
{
	struct memory *mem = *state;
	uint64_t entries[NR_PAGES];
	struct pagemap pm;

	assert_int_equal(pagemap_open(&pm, &mem->self, NULL), 0);
	assert_int_equal(pagemap_read(&pm, mem->start, entries, NR_PAGES), NR_PAGES);
	for (size_t i = 0; i < NR_PAGES; i++)
		assert_int_equal(!!(entries[i] & PAGEMAP_ENTRY_PRESENT), (i >= 8 && i < 16) || i == 32);
	pagemap_close(&pm);
}

/* A private mapping of a file: read pages are the file's, written ones are anon. */
static char *map_file(size_t nr_pages)
{
	char name[] = "/tmp/damontop-test-XXXXXX";
	char page[PAGE_BYTES] = { 0 };
	int fd = mkstemp(name);
	char *v;

	assert_true(fd >= 0);
	unlink(name);
	for (size_t i = 0; i < nr_pages; i++)
		assert_int_equal(write(fd, page, sizeof(page)), sizeof(page));
	v = mmap(NULL, nr_pages * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	assert_true(v != MAP_FAILED);
	close(fd);
	for (size_t i = 0; i < nr_pages; i++)
		assert_int_equal(*(volatile char *)(v + i * PAGE_BYTES), 0);
	return v;
}

/* Our own mappings are given by hand: no other part of the process matters. */
static struct mapping mapping_of(const char *v, size_t nr_pages, uint8_t kind, uint8_t perms)
{
	uint64_t start = (uintptr_t)v;

	return (struct mapping){ .start = start, .end = start + nr_pages * PAGE_BYTES, .kind = kind, .perms = perms };
}

static void ask(struct page_query *pq, struct page_question *v, size_t nr)
{
	struct target target = { .pid = getpid(), .pidfd = -1, .proc_fd = -1 };

	page_query_ask(pq, &target, v, nr);
}

static struct page_query open_query(const struct memory *mem)
{
	struct page_query pq;

	page_query_open(&pq, &mem->self);
	return pq;
}

static void check_anon(struct page_query *pq, const struct memory *mem)
{
	struct mapping m = mapping_of(mem->v, NR_PAGES, MAPPING_ANON, MAPPING_READ | MAPPING_WRITE);
	struct page_question v[NR_PAGES];

	for (size_t i = 0; i < NR_PAGES; i++)
		v[i] = (struct page_question){ .addr = mem->start + i * PAGE_BYTES, .mapping = &m };
	ask(pq, v, NR_PAGES);
	for (size_t i = 0; i < NR_PAGES; i++) {
		assert_true(v[i].answer.known & PAGE_KNOWN_PRESENT);
		assert_int_equal(v[i].answer.present, (i >= 8 && i < 16) || i == 32);
		/* never touched, so never written to swap; a touched page may be there by now, and then says so */
		assert_true(v[i].answer.known & PAGE_KNOWN_SWAP);
		assert_false(v[i].answer.swapped);
		if (!v[i].answer.present)
			continue;
		assert_true(v[i].answer.known & PAGE_KNOWN_KIND);
		assert_int_equal(v[i].answer.kind, PAGE_ANON);
		assert_true(v[i].answer.known & PAGE_KNOWN_HUGE); /* 256 KiB hold no huge page */
		assert_false(v[i].answer.huge);
	}
}

static void test_anon_pages(void **state)
{
	struct memory *mem = *state;
	struct page_query pq = open_query(mem);

	check_anon(&pq, mem);
	pq.move_pages_refused = true; /* a container's filter: pagemap alone */
	check_anon(&pq, mem);
	page_query_close(&pq);
}

static void test_a_private_file_mapping_has_both_kinds(void **state)
{
	struct memory *mem = *state;
	struct page_query pq = open_query(mem);
	char *file = map_file(16);
	struct mapping m = mapping_of(file, 16, MAPPING_FILE, MAPPING_READ | MAPPING_WRITE);
	struct page_question v[16];

	touch(file, 4, 8);
	for (size_t i = 0; i < 16; i++)
		v[i] = (struct page_question){ .addr = m.start + i * PAGE_BYTES, .mapping = &m };
	ask(&pq, v, 16);
	for (size_t i = 0; i < 16; i++) {
		assert_true(v[i].answer.present);
		assert_int_equal(v[i].answer.kind, i >= 4 && i < 8 ? PAGE_ANON : PAGE_FILE);
	}
	munmap(file, 16 * PAGE_BYTES);
	page_query_close(&pq);
}

static void test_shared_memory_is_a_file(void **state)
{
	struct memory *mem = *state;
	struct page_query pq = open_query(mem);
	char *shm = mmap(NULL, 4 * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct mapping m = mapping_of(shm, 4, MAPPING_SHM, MAPPING_READ | MAPPING_WRITE | MAPPING_SHARED);
	struct page_question v[4];

	assert_true(shm != MAP_FAILED);
	touch(shm, 0, 2);
	for (size_t i = 0; i < 4; i++)
		v[i] = (struct page_question){ .addr = m.start + i * PAGE_BYTES, .mapping = &m };
	ask(&pq, v, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(v[i].answer.present, i < 2);
		/* what is absent might be in swap, where there is any */
		assert_int_equal(!!(v[i].answer.known & PAGE_KNOWN_SWAP), i < 2 || !pq.has_swap);
	}
	assert_int_equal(v[0].answer.kind, PAGE_FILE);
	munmap(shm, 4 * PAGE_BYTES);
	page_query_close(&pq);
}

static uint64_t size_of_block(void)
{
	return UINT64_C(2) << 20;
}

/* What the kernel makes of MADV_HUGEPAGE is its own affair: the answer must be the one that its entries support. */
static void test_huge_pages(void **state)
{
	struct memory *mem = *state;
	struct page_query pq = open_query(mem);
	uint64_t size = 3 * size_of_block();
	char *v = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *block = (char *)(((uintptr_t)v + size_of_block() - 1) & ~(size_of_block() - 1));
	struct mapping m = mapping_of(v, size / PAGE_BYTES, MAPPING_ANON, MAPPING_READ | MAPPING_WRITE);
	struct page_question q[3];
	bool huge;

	assert_true(v != MAP_FAILED);
	madvise(v, size, MADV_HUGEPAGE);
	touch(block, 0, 1); /* a huge page makes its 512th present too */
	for (size_t i = 0; i < 3; i++)
		q[i] = (struct page_question){ .addr = (uintptr_t)block + i * 511 / 2 * PAGE_BYTES, .mapping = &m };
	ask(&pq, q, 3);
	huge = q[2].answer.present;
	for (size_t i = 0; i < 3 && pagemap_can_tell(&pq.pagemap, PAGEMAP_HUGE); i++)
		if (q[i].answer.present) {
			assert_true(q[i].answer.known & PAGE_KNOWN_HUGE);
			assert_int_equal(q[i].answer.huge, huge);
		}
	munmap(v, size);
	page_query_close(&pq);
}

/* Nothing may be asked: what is not known stays so, and nothing is made up. */
static void test_refused(void **state)
{
	struct memory *mem = *state;
	struct page_query pq = { .pagemap = PAGEMAP_CLOSED, .move_pages_refused = true, .only_node = 0 };
	struct mapping m = mapping_of(mem->v, NR_PAGES, MAPPING_ANON, MAPPING_READ | MAPPING_WRITE);
	struct page_question q = { .addr = mem->start + 8 * PAGE_BYTES, .mapping = &m };

	ask(&pq, &q, 1);
	assert_false(q.answer.known & (PAGE_KNOWN_PRESENT | PAGE_KNOWN_NODE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways_say_the_same),
		cmocka_unit_test(test_categories_that_no_entry_has_are_refused),
		cmocka_unit_test(test_a_closed_directory_is_an_error),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_anon_pages),
		cmocka_unit_test(test_a_private_file_mapping_has_both_kinds),
		cmocka_unit_test(test_shared_memory_is_a_file),
		cmocka_unit_test(test_huge_pages),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
