/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mappings.h - the mappings of a process at one moment.
 *
 * A table is immutable once made and counted by references, so that many
 * snapshots share one: mappings_get() and mappings_put() may be called by any
 * thread, everything else only reads. Names are printable (text.h) from the
 * moment they are parsed.
 */
#ifndef COLLECTOR_MAPPINGS_H
#define COLLECTOR_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/err.h"
#include "collector/hugetlb.h"

enum mapping_kind {
	MAPPING_ANON,  /* no file, also [anon:NAME] */
	MAPPING_FILE,  /* a file, also a deleted one */
	MAPPING_HEAP,  /* [heap] */
	MAPPING_STACK, /* [stack] */
	MAPPING_SHM,   /* memfd, /dev/zero, SysV and /dev/shm: swaps like anon, counted as file by the kernel */
	MAPPING_VDSO,  /* [vdso], [vvar], [vsyscall] and other special ones */
	MAPPING_ZONE,  /* [node N ZONE]: of physical memory (damon_zones.h) */
};

enum mapping_perm {
	MAPPING_READ = 1,
	MAPPING_WRITE = 2,
	MAPPING_EXEC = 4,
	MAPPING_SHARED = 8,
	MAPPING_HUGETLB = 16, /* no permission: its pages are of hugetlbfs, as far as that is known */
};

struct mapping {
	uint64_t start, end; /* [start, end) */
	uint64_t offset;     /* into the file */
	uint64_t inode;	     /* 0: none */
	uint32_t name;	     /* mappings_name() */
	uint8_t perms;	     /* enum mapping_perm bits */
	uint8_t kind;	     /* enum mapping_kind */
};

#define MAPPINGS_COMM_SIZE 64 /* 15 bytes, each at most 4 as an escape */

/* One of several processes in a table. */
struct mappings_process {
	uint8_t space; /* which places are its own: space.h */
	pid_t pid;
	uint64_t start_ticks; /* since boot, in clock ticks: with the pid, which process it is */
	char comm[MAPPINGS_COMM_SIZE];
};

struct mappings {
	size_t nr;
	const struct mapping *v; /* sorted by address, not overlapping; of several processes: by place (space.h) */
	uint64_t mapped_bytes;	 /* all of them, those without any permission excepted */
	/* Where children are watched too: whose they are, by rising space. 0: of one process, which has no name here */
	size_t nr_processes;
	const struct mappings_process *processes;
	/* the rest is private to mappings.c */
	_Atomic unsigned nr_refs;
	const char *names;
	size_t sz_names;
};

/*
 * Parses the text of /proc/PID/maps. The caller owns the result (one reference).
 * Returns NULL with err: -EBADMSG and the line's number for a line that is not of the kernel's form,
 * -ENOMEM.
 */
struct mappings *mappings_parse(const char *text, size_t len, struct err *err);
/* The same; those of these devices bear MAPPING_HUGETLB. */
struct mappings *mappings_parse_with(const char *text, size_t len, const struct hugetlb_devices *hugetlb,
				     struct err *err);
/* Bytes of the mappings that bear MAPPING_HUGETLB. */
uint64_t mappings_hugetlb_bytes(const struct mappings *maps);

/* At most so many processes in a table. */
#define MAPPINGS_MAX_PROCESSES 64

/* A process and its own table. */
struct mappings_part {
	struct mappings_process process;
	const struct mappings *maps;
};

/*
 * One table of several processes', parts by rising space, with places for addresses. What lies in the kernel's half is
 * left out. The caller owns the result; NULL: no memory.
 */
struct mappings *mappings_join(const struct mappings_part *parts, size_t nr);
/* The same table, which must not be shared yet, with these processes: as it was written. 0 or -ENOMEM. */
int mappings_set_processes(struct mappings *maps, const struct mappings_process *v, size_t nr);
/* Whose place it is; NULL: of the only one, or of none. */
const struct mappings_process *mappings_process_of(const struct mappings *maps, uint64_t place);
/* The process as a number that no other one has, never 0: for comparing those of two tables. */
uint64_t mappings_process_key(const struct mappings_process *process);

/* Another reference to the same table; NULL gives NULL. */
struct mappings *mappings_get(struct mappings *maps);
/* Gives one back; the last one frees. NULL is fine. */
void mappings_put(struct mappings *maps);

/* The mapping that holds addr, or NULL. */
const struct mapping *mappings_find(const struct mappings *maps, uint64_t addr);
/* The first mapping that ends above addr, or NULL: where a walk over [addr, ...) starts. */
const struct mapping *mappings_from(const struct mappings *maps, uint64_t addr);

/* The name as the kernel gives it, made printable: a path, "[heap]"; "" where it has none. */
const char *mappings_name(const struct mappings *maps, const struct mapping *m);
#define MAPPINGS_SHORT_NAME_SIZE 256
/*
 * The name to show: the file's last component, "[heap]", or "anon". Without the kernel's " (deleted)", which shared
 * memory always has and which makes one think so of the memory: mappings_is_deleted() tells. Returns dst.
 */
const char *mappings_short_name(char dst[MAPPINGS_SHORT_NAME_SIZE], const struct mappings *maps,
				const struct mapping *m);
/* Is it of a file that has no name any more? Not of shared memory, which never had one. */
bool mappings_is_deleted(const struct mappings *maps, const struct mapping *m);

/* "rw-p" and so on. */
const char *mapping_perms_text(char dst[5], const struct mapping *m);

/* Same mappings with the same names, permissions and offsets? */
bool mappings_equal(const struct mappings *a, const struct mappings *b);

/* Memory that the table takes, in bytes. */
size_t mappings_sz(const struct mappings *maps);

#endif
