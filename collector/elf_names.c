/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/elf_names.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libiberty/demangle.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/text.h"

#define MAX_TABLE_BYTES (UINT64_C(256) << 20)
#define MAX_MANGLED	4096 /* longer ones stay as they are */
#define MAX_NOTE_BYTES	65536
#define MAX_ID_BYTES	64

/* A file's segments: a symbol's value is an address, a mapping knows of offsets. */
struct segments {
	Elf *elf;
	size_t nr;
};

static bool address_of(const struct segments *s, uint64_t offset, uint64_t *address)
{
	GElf_Phdr p;

	for (size_t i = 0; i < s->nr; i++)
		if (gelf_getphdr(s->elf, (int)i, &p) && p.p_type == PT_LOAD && offset >= p.p_offset &&
		    offset - p.p_offset < p.p_filesz) {
			*address = p.p_vaddr + (offset - p.p_offset);
			return true;
		}
	return false;
}

/* ---- names ---- */

static void put_name(struct elf_name *name, const char *mangled, size_t len)
{
	char *plain = NULL, copy[MAX_MANGLED];

	if (len < sizeof(copy)) {
		memcpy(copy, mangled, len);
		copy[len] = '\0';
		plain = cplus_demangle(copy, DMGL_AUTO);
	}
	if (plain)
		text_clean_str(name->text, sizeof(name->text), plain);
	else
		text_clean(name->text, sizeof(name->text), mangled, len);
	free(plain);
}

/* What one pass over a table of symbols is about. */
struct search {
	struct elf_name *names;
	uint64_t *addresses; /* of each, UINT64_MAX: in no segment, or found */
	size_t nr;
	const Elf_Data *strings;
};

static void take_symbol(const struct search *s, const GElf_Sym *sym)
{
	const char *text;
	size_t room;

	if ((GELF_ST_TYPE(sym->st_info) != STT_FUNC && GELF_ST_TYPE(sym->st_info) != STT_GNU_IFUNC) ||
	    sym->st_shndx == SHN_UNDEF || sym->st_name >= s->strings->d_size)
		return;
	text = (const char *)s->strings->d_buf + sym->st_name;
	room = s->strings->d_size - sym->st_name;
	for (size_t i = 0; i < s->nr; i++) {
		struct elf_name *name = &s->names[i];
		uint64_t within = s->addresses[i] - sym->st_value;

		/* Of another segment at its beginning: its place in the file would be before the file. */
		if (s->addresses[i] == UINT64_MAX || s->addresses[i] < sym->st_value || within >= sym->st_size ||
		    within > name->offset || sym->st_size > UINT64_MAX - name->offset)
			continue;
		name->start = name->offset - within;
		name->end = name->start + sym->st_size;
		put_name(name, text, strnlen(text, room));
		s->addresses[i] = UINT64_MAX;
	}
}

static void search_table(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, struct search *s)
{
	Elf_Scn *strings = elf_getscn(elf, header->sh_link);
	GElf_Shdr strings_header;
	Elf_Data *data;
	GElf_Sym sym;

	if (!strings || !gelf_getshdr(strings, &strings_header) || strings_header.sh_type != SHT_STRTAB ||
	    strings_header.sh_size > MAX_TABLE_BYTES || header->sh_size > MAX_TABLE_BYTES || !header->sh_entsize)
		return;
	data = elf_getdata(section, NULL);
	s->strings = elf_getdata(strings, NULL);
	if (!data || !s->strings || !s->strings->d_buf)
		return;
	for (size_t i = 0; i < header->sh_size / header->sh_entsize && i < INT_MAX; i++)
		if (gelf_getsym(data, (int)i, &sym))
			take_symbol(s, &sym);
}

/* False: it has no table of this type. */
static bool search_tables(Elf *elf, uint32_t type, struct search *s)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	bool found = false;

	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_type == type) {
			search_table(elf, section, &header, s);
			found = true;
		}
	return found;
}

/* ---- the debug file ---- */

/* The build id among the notes of a section; its length, 0: none. */
static size_t id_in_notes(Elf_Data *data, unsigned char id[MAX_ID_BYTES])
{
	size_t at = 0, next, name_at, desc_at;
	GElf_Nhdr note;

	while ((next = gelf_getnote(data, at, &note, &name_at, &desc_at)) > at) {
		const unsigned char *bytes = data->d_buf;

		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof(ELF_NOTE_GNU) &&
		    !memcmp(bytes + name_at, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) && note.n_descsz >= 2 &&
		    note.n_descsz <= MAX_ID_BYTES) {
			memcpy(id, bytes + desc_at, note.n_descsz);
			return note.n_descsz;
		}
		at = next;
	}
	return 0;
}

static size_t build_id(Elf *elf, unsigned char id[MAX_ID_BYTES])
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t len = 0;

	while (!len && (section = elf_nextscn(elf, section))) {
		Elf_Data *data;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_NOTE || header.sh_size > MAX_NOTE_BYTES)
			continue;
		data = elf_getdata(section, NULL);
		if (data && data->d_buf)
			len = id_in_notes(data, id);
	}
	return len;
}

/* DIR/.build-id/ab/cdef….debug, as distributions lay them out. -1: there is none. */
static int open_debug_file(Elf *elf, const char *debug_dir)
{
	unsigned char id[MAX_ID_BYTES];
	char path[PATH_MAX];
	size_t len = debug_dir ? build_id(elf, id) : 0, at;

	if (!len)
		return -1;
	at = (size_t)snprintf(path, sizeof(path), "%s/.build-id/%02x/", debug_dir, id[0]);
	for (size_t i = 1; i < len && at + 16 < sizeof(path); i++)
		at += (size_t)snprintf(path + at, sizeof(path) - at, "%02x", id[i]);
	snprintf(path + at, sizeof(path) - at, ".debug");
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static bool search_debug_file(Elf *elf, const char *debug_dir, struct search *s)
{
	int fd = open_debug_file(elf, debug_dir);
	Elf *debug = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
	bool found = debug && elf_kind(debug) == ELF_K_ELF && search_tables(debug, SHT_SYMTAB, s);

	elf_end(debug);
	if (fd >= 0)
		close(fd);
	return found;
}

/* ---- the whole ---- */

static int search_file(Elf *elf, const char *debug_dir, struct search *s)
{
	struct segments segments = { .elf = elf };

	if (elf_kind(elf) != ELF_K_ELF || elf_getphdrnum(elf, &segments.nr))
		return -EBADMSG;
	for (size_t i = 0; i < s->nr; i++)
		if (!address_of(&segments, s->names[i].offset, &s->addresses[i]))
			s->addresses[i] = UINT64_MAX;
	if (!search_tables(elf, SHT_SYMTAB, s))
		search_debug_file(elf, debug_dir, s);
	/* A debug file may be another's, or leave some out. */
	search_tables(elf, SHT_DYNSYM, s);
	return 0;
}

int elf_names_find(int fd, const char *debug_dir, struct elf_name *names, size_t nr)
{
	struct search search = { .names = names, .nr = nr };
	Elf *elf;
	int rc;

	for (size_t i = 0; i < nr; i++) {
		names[i].start = names[i].end = names[i].offset;
		names[i].text[0] = '\0';
	}
	if (elf_version(EV_CURRENT) == EV_NONE)
		return -EBADMSG;
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf)
		return -EBADMSG;
	search.addresses = calloc(nr ? nr : 1, sizeof(*search.addresses));
	rc = search.addresses ? search_file(elf, debug_dir, &search) : -ENOMEM;
	free(search.addresses);
	elf_end(elf);
	return rc;
}
