/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clock_code.h - the target's code for the clock source: read a page at a time
 * and kept decoded for as long as the executable mappings stay.
 *
 * Code is read from the target's memory through its /proc folder, which a
 * later process of the same number cannot be taken for; where that is refused
 * (Yama's ptrace_scope) from the mapped files. Data is never read. Collector
 * thread only; the target must outlive it.
 */
#ifndef COLLECTOR_SOURCES_CLOCK_CODE_H
#define COLLECTOR_SOURCES_CLOCK_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/err.h"
#include "collector/target.h"
#include "collector/x86/code_cache.h"
#include "collector/x86/look_back.h"

struct clock_code {
	const struct target *target;
	struct code_cache *cache;
	struct look_back *back;
	int mem_fd;		 /* -1: refused, code comes from the files */
	uint64_t exec_signature; /* of the executable mappings that the decodings rest on */
};

/* 0, or -ENOMEM with nothing left behind. */
int clock_code_open(struct clock_code *code, const struct target *target, struct err *err);
/* A zeroed one is fine. */
void clock_code_close(struct clock_code *code);

/* After an update of the target: enum target_change bits. Forgets what may have changed. */
void clock_code_update(struct clock_code *code, unsigned changes);

/* Forget all: executable mappings are about to change. */
void clock_code_drop(struct clock_code *code);

/*
 * The data access that the sample stands for: the next one, or where the way there is not certain the one just made.
 * nr 0: neither is.
 */
struct x86_found clock_code_find(struct clock_code *code, const struct x86_sample *sample);

/*
 * What counts as stack for code whose stack pointer is sp: all of [stack]; of any other mapping (threads, coroutines)
 * 64 KiB above the stack pointer at most, for a thread's stack may have grown together with a large allocation above
 * it.
 */
void clock_stack_window(const struct mappings *maps, uint64_t sp, uint64_t *start, uint64_t *end);

#endif
