/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * look_back.h - which data access a program has just made.
 *
 * Where the way forward is not certain (a comparison whose outcome decides the
 * next branch), the access that the program has just waited for mostly stands a
 * few instructions before. It is certain if there is one way only to come from
 * there: straight-line code of which every possible decoding agrees, which no
 * direct jump enters in between, and whose effects, worked out again, agree
 * with the registers as they are.
 *
 * A pointer that is followed is a case of its own, see look_back_followed().
 *
 * What remains is a jump table's label in the middle of straight-line code:
 * docs/sources.md. One thread; the creator frees.
 */
#ifndef COLLECTOR_X86_LOOK_BACK_H
#define COLLECTOR_X86_LOOK_BACK_H

#include "collector/x86/code_cache.h"
#include "collector/x86/emulate.h"

/* So many instructions back at most. */
#define LOOK_BACK_MAX 8

struct look_back;

/* Remembers the ways that lead to an address, 16 KiB. NULL without memory. */
struct look_back *look_back_new(struct code_cache *code);
void look_back_free(struct look_back *back);

/* Forget what is known of code that may change, or of all code: as code_cache_age() and code_cache_drop(). */
void look_back_drop(struct look_back *back);

/* The latest data access before the sample. nr 0: none is certain. nr_steps: instructions from it to the sample. */
struct x86_found look_back_find(struct look_back *back, const struct x86_sample *sample);

/*
 * Does an instruction end at ip that loads a register from where the same register pointed, "p = p->next" or "i =
 * a[i]"? A program that follows pointers waits there, and where it has waited is overwritten. Returns the instruction's
 * address, or 0. Whether the program has come from there is not certain: the caller only looks out for it ahead.
 */
uint64_t look_back_followed(struct code_cache *code, uint64_t ip);

#endif
