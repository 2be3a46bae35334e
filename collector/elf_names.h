/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * elf_names.h - names of functions in an ELF file, by their place in the file.
 *
 * The file is not trusted: it is read, never mapped (it may shrink), its tables
 * have a limit, and names come out printable. Any thread; keeps nothing.
 */
#ifndef COLLECTOR_ELF_NAMES_H
#define COLLECTOR_ELF_NAMES_H

#include <stddef.h>
#include <stdint.h>

#define ELF_NAME_SIZE 128

struct elf_name {
	uint64_t offset;	  /* asked for: of an instruction, in the file */
	uint64_t start, end;	  /* found: [start, end) of the file is the function; start == end: none is there */
	char text[ELF_NAME_SIZE]; /* demangled, printable, cut to fit */
};

/*
 * Looks all nr of them up in one pass: in the symbols of the file, or where it was stripped of them of the debug file
 * with its build id below debug_dir ("/usr/lib/debug"; NULL: none), or in those that it shares with other files. 0;
 * -EBADMSG: no ELF file; then nothing is found. -ENOMEM.
 */
int elf_names_find(int fd, const char *debug_dir, struct elf_name *names, size_t nr);

#endif
