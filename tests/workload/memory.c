/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memory.c - makes the maps of a plan, and lays the chains of its pointer chases. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/workload/workload.h"

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif
#ifndef PR_SET_VMA_ANON_NAME
#define PR_SET_VMA_ANON_NAME 0
#endif

/* Unmapped space on both sides of a map, so that neighbours are not joined into one mapping. */
#define SZ_GUARD (16 * SZ_PAGE)

#define MAX_CHAINS (SZ_LINE / sizeof(uint64_t *))

/* A file of the right size for the map, or -1 for memory without one. */
static int open_backing(const struct map *map)
{
	char template[] = "/tmp/workload-XXXXXX";
	int fd = -1;

	if (map->kind == MAP_KIND_MEMFD) {
		fd = memfd_create(map->name, MFD_CLOEXEC);
	} else if (map->kind == MAP_KIND_HUGETLB) {
		fd = memfd_create(map->name, MFD_CLOEXEC | MFD_HUGETLB);
	} else if (map->kind == MAP_KIND_FILE && map->path[0]) {
		fd = open(map->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	} else if (map->kind == MAP_KIND_FILE) {
		fd = mkostemp(template, O_CLOEXEC);
		unlink(template);
	} else {
		return -1;
	}
	if (fd < 0 || ftruncate(fd, map->size * map->count))
		die(1, "map %s: no file for it: %s", map->name, strerror(errno));
	return fd;
}

static void bind_node(const struct map *map, char *at)
{
	unsigned long mask[16] = { 0 };
	unsigned bits = 8 * sizeof(mask[0]);

	if (map->node < 0)
		return;
	if ((size_t)map->node >= 8 * sizeof(mask))
		die(1, "map %s: no node %d", map->name, map->node);
	mask[(unsigned)map->node / bits] = 1UL << ((unsigned)map->node % bits);
	if (syscall(SYS_mbind, at, map->size, MPOL_BIND, mask, 8 * sizeof(mask), 0))
		die(1, "map %s: cannot be bound to node %d: %s", map->name, map->node, strerror(errno));
}

static void map_member(const struct map *map, unsigned i, int fd)
{
	int flags = MAP_FIXED | (map->kind == MAP_KIND_ANON ? MAP_PRIVATE : MAP_SHARED) | (fd < 0 ? MAP_ANONYMOUS : 0);
	char *at = map->base + i * map->stride;

	if (mmap(at, map->size, PROT_READ | PROT_WRITE, flags, fd, fd < 0 ? 0 : (off_t)(i * map->size)) == MAP_FAILED)
		die(1, "map %s: %s", map->name, strerror(errno));
	/* Refused by kernels without huge pages: then there are none, as asked. */
	if (map->kind != MAP_KIND_HUGETLB && madvise(at, map->size, map->huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) &&
	    map->huge)
		die(1, "map %s: no huge pages: %s", map->name, strerror(errno));
	bind_node(map, at);
	if (map->kind == MAP_KIND_ANON) /* a name is a convenience: older kernels have none */
		prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, at, map->size, map->name);
	for (size_t off = 0; map->populate && off < map->size; off += SZ_PAGE)
		*(volatile uint64_t *)(at + off) = off;
}

/* All members lie in one reservation; what is not a member is given back. */
static void map_one(struct map *map)
{
	size_t align = map->huge || map->kind == MAP_KIND_HUGETLB ? SZ_HUGE : SZ_PAGE, span = map->stride * map->count;
	size_t sz = span + align + 2 * SZ_GUARD;
	char *area = mmap(NULL, sz, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int fd = open_backing(map);

	if (area == MAP_FAILED)
		die(1, "map %s: %s", map->name, strerror(errno));
	map->base = (char *)(((uintptr_t)area + SZ_GUARD + align - 1) / align * align);
	for (unsigned i = 0; i < map->count; i++) {
		char *end = map->base + i * map->stride + map->size;

		map_member(map, i, fd);
		if (i + 1 < map->count && map->stride > map->size)
			munmap(end, map->stride - map->size);
	}
	munmap(area, map->base - area);
	munmap(map->base + span - (map->stride - map->size), area + sz - map->base - span + map->stride - map->size);
	if (fd >= 0)
		close(fd);
}

/* A bijection of [0, 2^bits): shifts and odd factors, so that the steps of a chain look random. */
static uint64_t scatter(uint64_t i, unsigned bits)
{
	uint64_t mask = (UINT64_C(1) << bits) - 1;

	for (unsigned round = 0; round < 3; round++) {
		i = i * UINT64_C(0x9e3779b97f4a7c15) & mask;
		i ^= i >> (bits / 2 + 1);
	}
	return i;
}

/*
 * Links all lines of a part to one cycle in an order that looks random, without memory beside it: a full-period
 * congruential sequence over the next power of two, values outside of the part left out, each one scattered.
 */
static uint64_t *lay_chain(char *at, size_t length, unsigned word, uint64_t seed)
{
	uint64_t nr = length / SZ_LINE, i = 0, *first = NULL, *last = NULL;
	unsigned bits = 1;

	while ((UINT64_C(1) << bits) < nr)
		bits++;
	for (uint64_t n = UINT64_C(1) << bits; n; n--) {
		uint64_t cell = scatter(i, bits), *link = (uint64_t *)(at + cell * SZ_LINE) + word;

		i = (i * UINT64_C(6364136223846793005) + (2 * seed + 1)) & ((UINT64_C(1) << bits) - 1);
		if (cell >= nr)
			continue;
		if (last)
			*last = (uintptr_t)link;
		else
			first = link;
		last = link;
	}
	*last = (uintptr_t)first;
	return first;
}

static bool same_range(const struct access *a, const struct access *b)
{
	return a->pattern == PATTERN_CHASE && a->heads && a->map == b->map && a->offset == b->offset &&
	       a->length == b->length && a->first == b->first && a->nr_parts == b->nr_parts && a->step == b->step;
}

static void lay_chains(struct plan *plan, struct access *a)
{
	for (unsigned i = 0; i < plan->nr_phases; i++)
		for (unsigned j = 0; j < plan->phases[i].nr_access; j++)
			if (same_range(&plan->phases[i].access[j], a)) {
				a->heads = plan->phases[i].access[j].heads;
				return;
			}
	if (a->map->nr_chains == MAX_CHAINS)
		die(2, "map %s: more than %zu different chases", a->map->name, MAX_CHAINS);
	a->chain = a->map->nr_chains++;
	a->heads = calloc(a->nr_parts, sizeof(*a->heads));
	for (unsigned i = 0; a->heads && i < a->nr_parts; i++)
		a->heads[i] = lay_chain(a->map->base + (a->first + i * a->step) * a->map->stride + a->offset, a->length,
					a->chain, plan->seed + i);
}

void memory_map(struct plan *plan)
{
	for (unsigned i = 0; i < plan->nr_maps; i++)
		map_one(&plan->maps[i]);
	for (unsigned i = 0; i < plan->nr_phases; i++)
		for (unsigned j = 0; j < plan->phases[i].nr_access; j++)
			if (plan->phases[i].access[j].pattern == PATTERN_CHASE)
				lay_chains(plan, &plan->phases[i].access[j]);
	plan->scratch = mmap(NULL, SCRATCH_PAGES * SZ_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (plan->scratch == MAP_FAILED)
		die(1, "scratch: %s", strerror(errno));
}

void memory_flush_tlb(char *scratch)
{
	for (size_t i = 0; i < SCRATCH_PAGES; i++)
		*(volatile char *)(scratch + i * SZ_PAGE) = 1;
	madvise(scratch, SCRATCH_PAGES * SZ_PAGE, MADV_DONTNEED);
}
