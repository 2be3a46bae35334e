/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * workload.h - a process whose memory accesses are known.
 *
 * A plan (phases.c) is parsed from a text file: maps and phases. memory.c makes
 * the maps, play.c plays the phases with one worker per thread of the plan,
 * truth.c writes what was really done as JSON lines. The main thread owns the
 * plan and writes the truth; a worker changes nothing but the counts of its own
 * accesses. storm.c has the modes that are hard on a monitor instead.
 */
#ifndef TESTS_WORKLOAD_WORKLOAD_H
#define TESTS_WORKLOAD_WORKLOAD_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define NAME_SIZE   32
#define MAX_MAPS    32
#define MAX_PHASES  64
#define MAX_ACCESS  16 /* in one phase */
#define MAX_THREADS 32

#define SZ_PAGE	      ((size_t)4096)
#define SZ_LINE	      ((size_t)64) /* what one access reads or writes */
#define SZ_HUGE	      ((size_t)2 << 20)
#define NSEC_PER_SEC  UINT64_C(1000000000)
#define NSEC_PER_MSEC UINT64_C(1000000)

enum map_kind { MAP_KIND_ANON, MAP_KIND_SHARED, MAP_KIND_MEMFD, MAP_KIND_FILE, MAP_KIND_HUGETLB, NR_MAP_KINDS };
extern const char *const map_kind_names[NR_MAP_KINDS];

struct map {
	char name[NAME_SIZE];
	enum map_kind kind;
	size_t size;	/* of one member */
	unsigned count; /* members: separate mappings, stride apart */
	size_t stride;
	int node; /* bound to this node; -1: not bound */
	bool huge;
	bool populate; /* every page written before the first phase */
	char path[256];
	char *base;	    /* member i begins at base + i * stride */
	unsigned nr_chains; /* pointer chases laid into it so far: one word of each line each */
	bool written;	    /* some access writes to it */
};

enum pattern { PATTERN_RANDOM, PATTERN_SEQUENTIAL, PATTERN_CHASE, PATTERN_TOUCH, PATTERN_SWEEP, NR_PATTERNS };
extern const char *const pattern_names[NR_PATTERNS];

struct access {
	struct map *map;
	enum pattern pattern;
	bool write;
	int thread; /* -1: all of the phase */
	unsigned weight;
	double rate; /* accesses a second; 0: the phase's */
	size_t offset, length;
	int64_t drift;			/* bytes a second; wraps within the member */
	unsigned first, nr_parts, step; /* which members */
	uint64_t on_ns, every_ns;	/* active in the first on_ns of every every_ns; 0: always */
	uint64_t **heads;		/* chase: where each part's chain begins */
	unsigned chain;			/* chase: which word of the line */
};

struct phase {
	char name[NAME_SIZE];
	uint64_t duration_ns;
	double rate; /* accesses a second and thread; 0: full speed */
	unsigned nr_threads;
	unsigned nr_access;
	struct access access[MAX_ACCESS];
};

struct plan {
	unsigned nr_maps, nr_phases, nr_threads; /* nr_threads: most of any phase */
	unsigned loops;				 /* 0: for ever */
	uint64_t seed, slice_ns, flush_ns;	 /* flush_ns 0: never */
	bool count_pages;
	char *scratch; /* what a flush touches */
	struct map maps[MAX_MAPS];
	struct phase phases[MAX_PHASES];
};

/* Counts of one access of one thread. Written by that thread, read by the main thread. */
struct tally {
	_Atomic uint64_t offset; /* where the range begins in a member; written by the main thread (drift) */
	_Atomic bool active;	 /* written by the main thread */
	_Atomic uint64_t *nr;	 /* by part, since the phase began */
	uint64_t *nr_told;	 /* main thread: as of the last slice */
	_Atomic uint64_t *pages; /* bitmap of touched pages by part, or NULL */
	uint64_t *cursor;	 /* worker: bytes into the part (sequential, touch, sweep) */
	uint64_t **link;	 /* worker: chase */
	size_t nr_words;	 /* of pages, for each part */
};

/* phases.c: reads a plan; exits with 2 and a message where it is wrong. */
void plan_read(struct plan *plan, const char *file);

/* memory.c: exits with 1 and a message where it cannot be had. */
void memory_map(struct plan *plan);
/* Touches and drops more pages than the kernel flushes one by one, so that every TLB entry of the process goes. */
void memory_flush_tlb(char *scratch);
#define SCRATCH_PAGES 64

/* play.c: plays the plan until its end or a signal of sigs; returns that signal or 0. SIGUSR2 ends a phase only. */
int play(struct plan *plan, const sigset_t *sigs, FILE *out);
uint64_t now_ns(void);

/* truth.c: one JSON object on one line each, flushed. */
struct slice {
	unsigned loop, nr; /* nr: of the phase */
	uint64_t begin_ns, end_ns;
	const int *tids;  /* by thread */
	bool last;	  /* of its phase */
	unsigned flushes; /* in it */
};
void truth_start(FILE *out, const struct plan *plan);
void truth_event(FILE *out, const char *type);
void truth_slice(FILE *out, const struct phase *phase, const struct slice *slice, struct tally (*tallies)[MAX_ACCESS]);

/* storm.c: argv[0] is the mode's name. Returns the exit status; -1: there is no such mode. */
int storm(int argc, char **argv);
void storm_usage(FILE *out);

/* Message to stderr, exit with that status. */
_Noreturn void die(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
