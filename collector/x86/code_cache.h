/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * code_cache.h - decoded instructions of one process by address, within fixed
 * memory.
 *
 * Code is read a page at a time by a function of the caller's and decoded as it
 * is met. Code that may change under us (a JIT's) is marked volatile by the
 * reader and forgotten at code_cache_age(); the rest until code_cache_drop().
 * About 1.3 MiB; one thread; the creator frees.
 */
#ifndef COLLECTOR_X86_CODE_CACHE_H
#define COLLECTOR_X86_CODE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/x86/uop.h"

#define CODE_PAGE_BYTES 4096

/*
 * Reads the page of code at addr (page aligned) to dst. Returns false where there is none. Sets *may_change where the
 * bytes need not stay what they are while the mappings stay.
 */
struct code_reader {
	bool (*read)(void *ctx, uint64_t addr, unsigned char dst[CODE_PAGE_BYTES], bool *may_change);
	void *ctx;
};

struct code_cache;

/* NULL without memory. */
struct code_cache *code_cache_new(const struct code_reader *reader);
void code_cache_free(struct code_cache *cache);

/* The instruction at addr. Never NULL; where there is none it is a UOP_STOP of length 0. Valid until the next call. */
const struct uop *code_cache_get(struct code_cache *cache, uint64_t addr);

/* Copies up to len bytes of code from addr on. Returns how many could be read; *may_change as the reader says. */
size_t code_cache_read(struct code_cache *cache, uint64_t addr, unsigned char *dst, size_t len, bool *may_change);

/* Forget code that may change. */
void code_cache_age(struct code_cache *cache);
/* Forget all: executable mappings have changed, or the process has called exec. */
void code_cache_drop(struct code_cache *cache);

/* Decodings made so far. */
uint64_t code_cache_nr_decoded(const struct code_cache *cache);

#endif
