/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * emulate.h - what a program will do next, as far as that is certain.
 *
 * From the registers, the flags and a copy of the stack at one moment the
 * emulator goes forward instruction by instruction. A register, a flag or a
 * byte of memory is either known or not; what an instruction makes of unknown
 * input, and what instructions outside of the model write, is unknown. It never
 * guesses: it stops where a branch depends on something unknown.
 *
 * Memory is known from two places only: what the run itself has stored, and the
 * copy of the stack that was taken with the registers. A store to an unknown
 * address could have hit either, but for thread-local storage (fs:, gs:), which
 * is never on the stack: from then on it knows neither.
 *
 * Pure but for the code that the cache's reader reads. One thread; the run is
 * the caller's.
 */
#ifndef COLLECTOR_X86_EMULATE_H
#define COLLECTOR_X86_EMULATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/x86/code_cache.h"
#include "collector/x86/uop.h"

#define X86_MAX_STEPS 64

/* What is known at the start. */
struct x86_sample {
	uint64_t gpr[X86_NR_GPRS];
	uint64_t ip;
	uint64_t flags;
	const unsigned char *stack; /* sz_stack bytes from gpr[X86_RSP] on; read during the run */
	size_t sz_stack;
	/*
	 * Accesses within [stack_start, stack_end) are stack, and so are those from the red zone below the stack
	 * pointer of the moment to some way above it. See clock.c for what it passes.
	 */
	uint64_t stack_start, stack_end;
};

enum x86_access_op { X86_READ = 1, X86_WRITE = 2 };

struct x86_access {
	uint64_t addr;
	uint32_t size; /* bytes; of a repeated string instruction the first element */
	uint8_t op;    /* enum x86_access_op bits */
	bool stack;
};

enum x86_stop {
	X86_GOES_ON,
	X86_STOP_BRANCH, /* its condition or its target is not known */
	X86_STOP_SYSTEM, /* a system call or the like */
	X86_STOP_CODE,	 /* no code can be read or decoded there */
	X86_STOP_FAULT,	 /* the instruction will fault */
	X86_STOP_STEPS,	 /* the limit */
	X86_NR_STOPS,
};

struct x86_store {
	uint64_t addr, size;
	uint64_t value; /* where known: size <= 8 */
	bool known;
};

struct x86_run {
	uint64_t gpr[X86_NR_GPRS]; /* valid where known */
	uint32_t gpr_known;	   /* bit by number */
	uint32_t flags, flags_known;
	uint64_t ip;
	uint64_t masks[8]; /* AVX-512's k0 ... k7, where known */
	uint32_t masks_known;
	/* Of the latest step: accesses at known addresses, in order. */
	struct x86_access access[2];
	unsigned nr_accesses;
	bool has_unknown_access; /* it has accessed memory somewhere else, too */
	enum x86_stop stop;
	unsigned nr_steps;
	/* the rest is for run_state.h */
	const unsigned char *stack;
	uint64_t stack_at, sz_stack;
	uint64_t stack_start, stack_end;
	uint64_t next_ip;
	uint64_t ea; /* address of the memory operand */
	bool ea_known;
	bool ea_segment;
	unsigned nr_stores;
	struct x86_store stores[X86_MAX_STEPS + 1];
};

/* A run stands before the instruction at sample->ip. sample->stack has to stay. */
void x86_begin(struct x86_run *run, const struct x86_sample *sample);

/* Runs one instruction, decoded from run->ip. Returns and stores run->stop; a stopped run stays where it is. */
enum x86_stop x86_step(struct x86_run *run, const struct uop *u);

/* The latest step's accesses that are data: not stack, and where a program can have any. Returns how many. */
unsigned x86_data_accesses(const struct x86_run *run, struct x86_access dst[2]);

/* Where a data access will be, or has been. */
struct x86_found {
	unsigned nr; /* 0: not certain; 2: one instruction that accesses two places (movs, cmps) */
	struct x86_access access[2];
	uint64_t ip;	    /* of the instruction that accesses */
	unsigned nr_steps;  /* instructions run before it */
	enum x86_stop stop; /* nr == 0: what ended the search */
};

/* The first access at a known address that is not stack, at most X86_MAX_STEPS instructions ahead. */
struct x86_found x86_find_access(const struct x86_sample *sample, struct code_cache *code);

/* The next data access of the instruction at ip, where the way leads there. */
struct x86_found x86_find_access_of(const struct x86_sample *sample, struct code_cache *code, uint64_t ip);

#endif
