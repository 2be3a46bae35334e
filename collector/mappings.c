/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/mappings.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "collector/array.h"
#include "collector/text.h"

/* Longer names are cut: a path may have 4 096 bytes, each of which may become an escape. */
#define NAME_SIZE 512

/* A table while it is made. */
struct builder {
	struct mapping *v;
	size_t nr, cap;
	char *names;
	size_t sz_names, cap_names;
	const char *last_raw; /* the previous line's name, as the kernel gave it: mappings of one file stand together */
	size_t last_raw_len;
	uint32_t last_name;
	const struct hugetlb_devices *hugetlb;
};

static int name_append(struct builder *b, const char *raw, size_t len, uint32_t *name)
{
	char *names;

	if (b->last_raw && len == b->last_raw_len && memcmp(raw, b->last_raw, len) == 0) {
		*name = b->last_name;
		return 0;
	}
	names = array_grow(b->names, &b->cap_names, b->sz_names + NAME_SIZE, 1);
	if (!names)
		return -ENOMEM;
	b->names = names;
	*name = (uint32_t)b->sz_names;
	b->sz_names += text_clean(b->names + b->sz_names, NAME_SIZE, raw, len) + 1;
	b->last_raw = raw;
	b->last_raw_len = len;
	b->last_name = *name;
	return 0;
}

/* One hexadecimal number up to the character that ends it; returns what follows that, or NULL. */
static const char *parse_hex(const char *p, const char *end, char ends_with, uint64_t *value)
{
	uint64_t v = 0;
	int digits = 0;

	for (; p < end && *p != ends_with; p++, digits++) {
		unsigned digit;

		if (*p >= '0' && *p <= '9')
			digit = (unsigned)(*p - '0');
		else if (*p >= 'a' && *p <= 'f')
			digit = (unsigned)(*p - 'a') + 10;
		else
			return NULL;
		v = v << 4 | digit;
	}
	if (p == end || digits < 1 || digits > 16)
		return NULL;
	*value = v;
	return p + 1;
}

static const char *parse_decimal(const char *p, const char *end, uint64_t *value)
{
	uint64_t v = 0;
	const char *start = p;

	for (; p < end && *p >= '0' && *p <= '9' && p - start < 20; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	*value = v;
	return p == start ? NULL : p;
}

static const char *parse_perms(const char *p, const char *end, uint8_t *perms)
{
	static const char letters[] = "rwxs";

	*perms = 0;
	if (end - p < 5 || p[4] != ' ')
		return NULL;
	for (int i = 0; i < 4; i++) {
		if (p[i] == letters[i])
			*perms |= (uint8_t)(1 << i);
		else if (p[i] != (i == 3 ? 'p' : '-'))
			return NULL;
	}
	return p + 5;
}

static bool has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static enum mapping_kind kind_of(const char *name, uint64_t inode)
{
	static const struct {
		const char *prefix;
		enum mapping_kind kind;
	} kinds[] = {
		{ "[heap]", MAPPING_HEAP },   { "[stack", MAPPING_STACK },     { "[anon_shmem:", MAPPING_SHM },
		{ "[anon", MAPPING_ANON },    { "[node ", MAPPING_ZONE },      { "[", MAPPING_VDSO },
		{ "/memfd:", MAPPING_SHM },   { "/dev/zero", MAPPING_SHM },    { "/SYSV", MAPPING_SHM },
		{ "/dev/shm/", MAPPING_SHM }, { "anon_inode:", MAPPING_FILE },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (has_prefix(name, kinds[i].prefix))
			return kinds[i].kind;
	return inode || *name ? MAPPING_FILE : MAPPING_ANON;
}

/* "start-end perms offset major:minor inode   name" */
static int parse_line(struct builder *b, const char *p, const char *end)
{
	struct mapping m = { 0 }, *v;
	uint64_t major, minor;

	if (!(p = parse_hex(p, end, '-', &m.start)) || !(p = parse_hex(p, end, ' ', &m.end)) ||
	    !(p = parse_perms(p, end, &m.perms)) || !(p = parse_hex(p, end, ' ', &m.offset)) ||
	    !(p = parse_hex(p, end, ':', &major)) || !(p = parse_hex(p, end, ' ', &minor)) ||
	    !(p = parse_decimal(p, end, &m.inode)))
		return -EBADMSG;
	while (p < end && *p == ' ')
		p++;
	if (m.start >= m.end || (m.start | m.end) & 4095 || (b->nr && m.start < b->v[b->nr - 1].end))
		return -EBADMSG;
	v = array_grow(b->v, &b->cap, b->nr + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	b->v = v;
	if (name_append(b, p, (size_t)(end - p), &m.name))
		return -ENOMEM;
	m.kind = (uint8_t)kind_of(b->names + m.name, m.inode);
	if (m.inode && hugetlb_has(b->hugetlb, makedev((unsigned)major, (unsigned)minor)))
		m.perms |= MAPPING_HUGETLB;
	v[b->nr++] = m;
	return 0;
}

static struct mappings *table_of(struct builder *b)
{
	struct mappings *maps = calloc(1, sizeof(*maps));
	uint64_t bytes = 0;

	if (!maps)
		return NULL;
	for (size_t i = 0; i < b->nr; i++)
		if (b->v[i].perms & (MAPPING_READ | MAPPING_WRITE | MAPPING_EXEC))
			bytes += b->v[i].end - b->v[i].start;
	*maps = (struct mappings){
		.nr = b->nr, .v = b->v, .mapped_bytes = bytes, .names = b->names, .sz_names = b->sz_names
	};
	atomic_init(&maps->nr_refs, 1);
	return maps;
}

struct mappings *mappings_parse(const char *text, size_t len, struct err *err)
{
	return mappings_parse_with(text, len, NULL, err);
}

uint64_t mappings_hugetlb_bytes(const struct mappings *maps)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < maps->nr; i++)
		if (maps->v[i].perms & MAPPING_HUGETLB)
			bytes += maps->v[i].end - maps->v[i].start;
	return bytes;
}

struct mappings *mappings_parse_with(const char *text, size_t len, const struct hugetlb_devices *hugetlb,
				     struct err *err)
{
	const char *p = text, *end = text + len;
	struct builder b = { .hugetlb = hugetlb };
	struct mappings *maps;
	size_t line = 1;
	int rc = 0;

	for (; p < end && !rc; line++) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));

		if (!eol)
			eol = end;
		rc = parse_line(&b, p, eol);
		p = eol + 1;
	}
	if (rc == -EBADMSG) {
		err_set(err, EBADMSG, "line %zu of the process's maps is not of the form that the kernel writes",
			line - 1);
		maps = NULL;
	} else {
		maps = rc ? NULL : table_of(&b);
		if (!maps)
			err_set(err, ENOMEM, "no memory for %zu mappings", b.nr);
	}
	if (!maps) {
		free(b.v);
		free(b.names);
	}
	return maps;
}

struct mappings *mappings_get(struct mappings *maps)
{
	if (maps)
		atomic_fetch_add_explicit(&maps->nr_refs, 1, memory_order_relaxed);
	return maps;
}

void mappings_put(struct mappings *maps)
{
	if (!maps || atomic_fetch_sub_explicit(&maps->nr_refs, 1, memory_order_acq_rel) != 1)
		return;
	free((void *)(uintptr_t)maps->v);
	free((void *)(uintptr_t)maps->names);
	free((void *)(uintptr_t)maps->processes);
	free(maps);
}

const struct mapping *mappings_from(const struct mappings *maps, uint64_t addr)
{
	size_t i = array_first_above(maps->v, maps->nr, sizeof(*maps->v), offsetof(struct mapping, end), addr);

	return i < maps->nr ? &maps->v[i] : NULL;
}

const struct mapping *mappings_find(const struct mappings *maps, uint64_t addr)
{
	const struct mapping *m = mappings_from(maps, addr);

	return m && m->start <= addr ? m : NULL;
}

const char *mappings_name(const struct mappings *maps, const struct mapping *m)
{
	return maps->names + m->name;
}

/* Of the name without the kernel's mark. */
static size_t unmarked_len(const char *name)
{
	static const char mark[] = " (deleted)";
	size_t len = strlen(name), sz_mark = sizeof(mark) - 1;

	return len > sz_mark && strcmp(name + len - sz_mark, mark) == 0 ? len - sz_mark : len;
}

const char *mappings_short_name(char dst[MAPPINGS_SHORT_NAME_SIZE], const struct mappings *maps,
				const struct mapping *m)
{
	const char *name = mappings_name(maps, m), *slash;
	size_t len = unmarked_len(name);
	char zone[16];
	unsigned node;

	if (!*name)
		return strcpy(dst, "anon");
	/* "node0 DMA32": where names are cut short, zones must not look alike */
	if (m->kind == MAPPING_ZONE && sscanf(name, "[node %u %15[A-Za-z0-9]", &node, zone) == 2) {
		snprintf(dst, MAPPINGS_SHORT_NAME_SIZE, "node%u %s", node, zone);
		return dst;
	}
	slash = *name == '[' ? NULL : memrchr(name, '/', len);
	if (slash && slash + 1 < name + len) {
		len -= (size_t)(slash + 1 - name);
		name = slash + 1;
	}
	text_clean(dst, MAPPINGS_SHORT_NAME_SIZE, name, len);
	return dst;
}

bool mappings_is_deleted(const struct mappings *maps, const struct mapping *m)
{
	const char *name = mappings_name(maps, m);

	return m->kind == MAPPING_FILE && unmarked_len(name) < strlen(name);
}

const char *mapping_perms_text(char dst[5], const struct mapping *m)
{
	dst[0] = m->perms & MAPPING_READ ? 'r' : '-';
	dst[1] = m->perms & MAPPING_WRITE ? 'w' : '-';
	dst[2] = m->perms & MAPPING_EXEC ? 'x' : '-';
	dst[3] = m->perms & MAPPING_SHARED ? 's' : 'p';
	dst[4] = '\0';
	return dst;
}

static bool same_processes(const struct mappings *a, const struct mappings *b)
{
	if (a->nr_processes != b->nr_processes)
		return false;
	for (size_t i = 0; i < a->nr_processes; i++)
		if (a->processes[i].space != b->processes[i].space ||
		    mappings_process_key(&a->processes[i]) != mappings_process_key(&b->processes[i]) ||
		    strcmp(a->processes[i].comm, b->processes[i].comm) != 0)
			return false;
	return true;
}

bool mappings_equal(const struct mappings *a, const struct mappings *b)
{
	if (a == b)
		return true;
	/* Parsed from the same text they are the same to the byte: names are laid down in the order of the lines. */
	if (!a || !b || a->nr != b->nr || a->sz_names != b->sz_names || memcmp(a->names, b->names, a->sz_names) != 0)
		return false;
	for (size_t i = 0; i < a->nr; i++) {
		const struct mapping *x = &a->v[i], *y = &b->v[i];

		if (x->start != y->start || x->end != y->end || x->offset != y->offset || x->inode != y->inode ||
		    x->name != y->name || x->perms != y->perms)
			return false;
	}
	return same_processes(a, b);
}

size_t mappings_sz(const struct mappings *maps)
{
	return maps ? sizeof(*maps) + maps->nr * sizeof(*maps->v) + maps->sz_names +
			       maps->nr_processes * sizeof(*maps->processes)
		    : 0;
}
