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
/* Types from 64 on are perf's own, in its files (enum perf_user_event_type): the kernel writes none of them. */
#define NR_KERNEL_TYPES 64
/* Records that have to follow one that was looked for. */
#define NR_WITNESSES 3

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

/* Copies len bytes from position pos, which may lie across the end of the ring. */
static void copy_out(const struct perf_ring *ring, uint64_t pos, void *dst, size_t len)
{
	size_t off = pos & (ring->sz_data - 1);
	size_t first = ring->sz_data - off < len ? ring->sz_data - off : len;

	memcpy(dst, ring->data + off, first);
	memcpy((char *)dst + first, ring->data, len - first);
}

/* Can a record of any type, known or not, be of this size, with waiting bytes to its end? */
static bool has_sane_size(const struct perf_event_header *header, uint64_t waiting)
{
	return header->size >= sizeof(*header) && header->size <= waiting && header->size % 8 == 0;
}

static struct perf_event_header header_at(const struct perf_ring *ring, uint64_t pos)
{
	struct perf_event_header header;

	copy_out(ring, pos, &header, sizeof(header));
	return header;
}

/*
 * Does a record start at pos? What is inside of one may look like one by chance, so a few more have to follow it, each
 * where the one before ends, or the end of what is written. More is asked than of a record in its place: its type.
 */
static bool starts_record(const struct perf_ring *ring, uint64_t pos)
{
	for (int i = 0; i <= NR_WITNESSES && pos != ring->head; i++) {
		uint64_t waiting = ring->head - pos;
		struct perf_event_header header;

		if (waiting < sizeof(header))
			return false;
		header = header_at(ring, pos);
		if (!has_sane_size(&header, waiting) || !header.type || header.type >= NR_KERNEL_TYPES)
			return false;
		pos += header.size;
	}
	return true;
}

/* The record at tail makes no sense: moves tail to the next one, or to the end where there is none. */
static void resynchronise(struct perf_ring *ring)
{
	ring->nr_malformed++;
	/* The kernel writes words only: also where tail itself is none. */
	ring->tail += 8 - ring->tail % 8;
	while ((int64_t)(ring->head - ring->tail) > 0 && !starts_record(ring, ring->tail))
		ring->tail += 8;
	if ((int64_t)(ring->head - ring->tail) < 0)
		ring->tail = ring->head;
}

/* Moves tail to a record that makes sense and fills header with how it begins. False: there is none. */
static bool find_record(struct perf_ring *ring, struct perf_event_header *header)
{
	uint64_t waiting = ring->head - ring->tail;

	if (waiting > ring->sz_data) { /* nothing there is what was written here */
		ring->nr_malformed++;
		ring->tail = ring->head;
		return false;
	}
	if (!waiting)
		return false;
	if (waiting >= sizeof(*header)) {
		*header = header_at(ring, ring->tail);
		if (has_sane_size(header, waiting))
			return true;
	}
	resynchronise(ring);
	if (ring->tail == ring->head)
		return false;
	*header = header_at(ring, ring->tail);
	return true;
}

const struct perf_event_header *perf_ring_next(struct perf_ring *ring)
{
	struct perf_event_header header;
	size_t off;

	if (!find_record(ring, &header))
		return NULL;
	off = ring->tail & (ring->sz_data - 1);
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
