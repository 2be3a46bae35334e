/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/perf_maps.h"

#include <byteswap.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "collector/array.h"
#include "collector/report.h"
#include "collector/text_buf.h"

#define MAX_NR_MAPS 65536
#define CHUNK_BYTES UINT64_C(65536)
/* So many are of that size; then they are twice as large each time, so that there are never many. */
#define NR_OF_SIZE  256
#define MAX_DOUBLED 20

void perf_maps_clear(struct perf_maps *m)
{
	for (size_t i = 0; i < m->nr; i++)
		free(m->v[i].name);
	m->nr = 0;
	m->changed = true;
}

void perf_maps_free(struct perf_maps *m)
{
	perf_maps_clear(m);
	free(m->v);
	mappings_put(m->table);
	*m = (struct perf_maps){ 0 };
}

/* The first that ends above addr; nr where there is none. */
static size_t find(const struct perf_maps *m, uint64_t addr)
{
	return array_first_above(m->v, m->nr, sizeof(*m->v), offsetof(struct perf_map, end), addr);
}

/* Takes over map.name. Where there are too many already it is left out. */
static int insert(struct perf_maps *m, size_t at, struct perf_map map)
{
	struct perf_map *v = m->nr < MAX_NR_MAPS ? array_grow(m->v, &m->cap, m->nr + 1, sizeof(*v)) : NULL;

	if (!v) {
		free(map.name);
		return m->nr < MAX_NR_MAPS ? -ENOMEM : 0;
	}
	m->v = v;
	memmove(m->v + at + 1, m->v + at, (m->nr - at) * sizeof(*m->v));
	m->v[at] = map;
	m->nr++;
	m->changed = true;
	return 0;
}

/* Takes [start, end) out of what is there. *at: where one that lies there belongs. */
static int make_room(struct perf_maps *m, uint64_t start, uint64_t end, size_t *at)
{
	size_t i = find(m, start), nr_gone = 0;

	if (i < m->nr && m->v[i].start < start) {
		struct perf_map right = m->v[i];

		m->v[i++].end = start;
		if (right.end > end) {
			*at = i;
			right.offset += end - right.start;
			right.start = end;
			right.name = strdup(right.name);
			return right.name ? insert(m, i, right) : -ENOMEM;
		}
	}
	for (; i + nr_gone < m->nr && m->v[i + nr_gone].end <= end; nr_gone++)
		free(m->v[i + nr_gone].name);
	if (nr_gone)
		memmove(m->v + i, m->v + i + nr_gone, (m->nr - i - nr_gone) * sizeof(*m->v));
	m->nr -= nr_gone;
	if (i < m->nr && m->v[i].start < end) {
		m->v[i].offset += end - m->v[i].start;
		m->v[i].start = end;
	}
	*at = i;
	return 0;
}

static int add(struct perf_maps *m, struct perf_map map)
{
	size_t at;
	int rc = map.name ? make_room(m, map.start, map.end, &at) : -ENOMEM;

	if (rc) {
		free(map.name);
		return rc;
	}
	return insert(m, at, map);
}

/* "rw-p" of PROT_ and MAP_ bits. */
static void set_perms(char perms[5], uint32_t prot, uint32_t flags)
{
	memcpy(perms, "---p", 5);
	if (prot & PROT_READ)
		perms[0] = 'r';
	if (prot & PROT_WRITE)
		perms[1] = 'w';
	if (prot & PROT_EXEC)
		perms[2] = 'x';
	if (flags & MAP_SHARED)
		perms[3] = 's';
}

int perf_maps_add(struct perf_maps *m, const struct perf_event_header *rec, bool swapped, pid_t pid)
{
	/* pid, tid; start, length, offset; MMAP2: major, minor, inode, generation, prot, flags; the name */
	const size_t sz_fixed = rec->type == PERF_RECORD_MMAP2 ? 64 : 32;
	const char *body = (const char *)(rec + 1);
	struct perf_map map = { 0 };
	uint32_t ids[2], modes[2] = { PROT_READ | PROT_WRITE, 0 };
	uint64_t place[3];

	if (rec->size < sizeof(*rec) + sz_fixed + 8)
		return 0;
	memcpy(ids, body, sizeof(ids));
	memcpy(place, body + 8, sizeof(place));
	if (rec->type == PERF_RECORD_MMAP2) {
		memcpy(&map.inode, body + 40, sizeof(map.inode));
		memcpy(modes, body + 56, sizeof(modes));
	}
	if (swapped) {
		ids[0] = bswap_32(ids[0]);
		for (int i = 0; i < 3; i++)
			place[i] = bswap_64(place[i]);
		map.inode = bswap_64(map.inode);
		modes[0] = bswap_32(modes[0]);
		modes[1] = bswap_32(modes[1]);
	}
	if (rec->misc & PERF_RECORD_MISC_MMAP_BUILD_ID)
		map.inode = 0; /* the field is something else then */
	if ((pid && (pid_t)ids[0] != pid) || (rec->misc & PERF_RECORD_MISC_CPUMODE_MASK) == PERF_RECORD_MISC_KERNEL ||
	    (place[0] | place[1]) & (PAGE_BYTES - 1) || !place[1] || place[0] >> 63 || place[1] >> 63)
		return 0;
	map.start = place[0];
	map.end = place[0] + place[1];
	map.offset = place[2] & ~(PAGE_BYTES - 1);
	set_perms(map.perms, modes[0], modes[1]);
	map.name = strndup(body + sz_fixed, rec->size - sizeof(*rec) - sz_fixed);
	if (map.name && strcmp(map.name, "//anon") == 0)
		map.name[0] = '\0';
	return add(m, map);
}

int perf_maps_cover(struct perf_maps *m, uint64_t addr)
{
	size_t i = find(m, addr);
	unsigned doubled = m->nr_covers / NR_OF_SIZE < MAX_DOUBLED ? m->nr_covers / NR_OF_SIZE : MAX_DOUBLED;
	uint64_t chunk = CHUNK_BYTES << doubled, start = addr & ~(chunk - 1), end = start + chunk;
	struct perf_map map = { .perms = "rw-p" };

	if ((i < m->nr && m->v[i].start <= addr) || m->nr == MAX_NR_MAPS)
		return 0;
	if (i < m->nr && m->v[i].start < end)
		end = m->v[i].start;
	if (i && m->v[i - 1].end > start)
		start = m->v[i - 1].end;
	map.start = start;
	map.end = end;
	map.name = strdup("[recorded]");
	if (!map.name)
		return -ENOMEM;
	m->nr_covers++;
	return insert(m, i, map);
}

struct mappings *perf_maps_table(struct perf_maps *m, struct err *err)
{
	struct text_buf b = { 0 };

	if (m->table && !m->changed)
		return m->table;
	for (size_t i = 0; i < m->nr; i++) {
		const struct perf_map *map = &m->v[i];

		text_buf_printf(&b, "%" PRIx64 "-%" PRIx64 " %s %" PRIx64 " 0:0 %" PRIu64 " ", map->start, map->end,
				map->perms, map->offset, map->inode);
		for (const char *p = map->name ? map->name : ""; *p; p++)
			text_buf_add(&b, *p == '\n' ? "?" : p, 1);
		text_buf_add(&b, "\n", 1);
	}
	mappings_put(m->table);
	m->table = b.failed ? NULL : mappings_parse(b.v ? b.v : "", b.len, err);
	m->changed = !m->table;
	if (!m->table)
		err_set(err, ENOMEM, "no memory for mappings");
	text_buf_free(&b);
	return m->table;
}
