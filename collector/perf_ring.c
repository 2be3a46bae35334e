/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/perf_ring.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* header.size has 16 bits. */
#define MAX_RECORD 65536

int perf_ring_open_fd(struct perf_ring *ring, int fd, size_t nr_pages, struct err *err)
{
	size_t sz_page = (size_t)sysconf(_SC_PAGESIZE);
	size_t sz_map = (nr_pages + 1) * sz_page;
	void *map;
	int code;

	*ring = (struct perf_ring){ 0 };
	if (!nr_pages || (nr_pages & (nr_pages - 1)))
		return err_set(err, EINVAL, "a perf ring of %zu pages: not a power of two", nr_pages);
	ring->scratch = malloc(MAX_RECORD);
	if (!ring->scratch)
		return err_set(err, ENOMEM, "no memory for a perf ring");
	map = mmap(NULL, sz_map, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		code = errno;
		perf_ring_close(ring);
		return err_set(err, code, "cannot map a perf ring of %zu KiB: %s", nr_pages * sz_page / 1024,
			       strerror(code));
	}
	ring->page = map;
	ring->data = (unsigned char *)map + sz_page;
	ring->sz_data = nr_pages * sz_page;
	ring->sz_map = sz_map;
	return 0;
}

void perf_ring_close(struct perf_ring *ring)
{
	if (ring->page)
		munmap(ring->page, ring->sz_map);
	free(ring->scratch);
	*ring = (struct perf_ring){ 0 };
}

void perf_ring_begin(struct perf_ring *ring)
{
	/* Pairs with the kernel's barrier between writing a record and moving data_head. */
	ring->head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	ring->tail = ring->page->data_tail;
}

static const void *skip_pass(struct perf_ring *ring)
{
	ring->nr_malformed++;
	ring->tail = ring->head;
	return NULL;
}

/* Copies len bytes from position pos, which may lie across the end of the ring. */
static void copy_out(const struct perf_ring *ring, uint64_t pos, void *dst, size_t len)
{
	size_t off = pos & (ring->sz_data - 1);
	size_t first = ring->sz_data - off < len ? ring->sz_data - off : len;

	memcpy(dst, ring->data + off, first);
	memcpy((char *)dst + first, ring->data, len - first);
}

const struct perf_event_header *perf_ring_next(struct perf_ring *ring)
{
	uint64_t waiting = ring->head - ring->tail;
	size_t off = ring->tail & (ring->sz_data - 1);
	struct perf_event_header header;

	if (!waiting)
		return NULL;
	if (waiting > ring->sz_data || waiting < sizeof(header))
		return skip_pass(ring);
	copy_out(ring, ring->tail, &header, sizeof(header));
	if (header.size < sizeof(header) || header.size > waiting || header.size % 8)
		return skip_pass(ring);
	if (off % 8 || off + header.size > ring->sz_data) {
		copy_out(ring, ring->tail, ring->scratch, header.size);
		ring->tail += header.size;
		return (const struct perf_event_header *)(void *)ring->scratch;
	}
	ring->tail += header.size;
	return (const struct perf_event_header *)(void *)(ring->data + off);
}

void perf_ring_end(struct perf_ring *ring)
{
	/* Our reads of the records must be over before the kernel may write there again. */
	__atomic_store_n(&ring->page->data_tail, ring->tail, __ATOMIC_RELEASE);
}
