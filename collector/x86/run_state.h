/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run_state.h - what is known of registers, flags and memory in the middle of a
 * run: how the instructions of the emulator (insn.h) read and write them.
 *
 * Internal to the emulator; see emulate.h for what a run is. Sizes are in bytes.
 */
#ifndef COLLECTOR_X86_RUN_STATE_H
#define COLLECTOR_X86_RUN_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/x86/alu.h"
#include "collector/x86/emulate.h"
#include "collector/x86/uop.h"

/* No program maps what is below, and nothing of user space is above. */
#define LOWEST_DATA  UINT64_C(4096)
#define HIGHEST_DATA (UINT64_C(1) << 56)

struct val {
	uint64_t v;
	bool known;
};

#define UNKNOWN ((struct val){ .known = false })

static inline struct val known(uint64_t v)
{
	return (struct val){ .v = v, .known = true };
}

static inline struct val known_if(bool is_known, uint64_t v)
{
	return is_known ? known(v) : UNKNOWN;
}

static inline struct val run_get_gpr(const struct x86_run *run, unsigned reg)
{
	return known_if(run->gpr_known >> reg & 1, run->gpr[reg]);
}

static inline void run_set_gpr(struct x86_run *run, unsigned reg, struct val v)
{
	run->gpr[reg] = v.v;
	run->gpr_known = (run->gpr_known & ~(1u << reg)) | (uint32_t)v.known << reg;
}

static inline void run_forget_flags(struct x86_run *run, uint32_t mask)
{
	run->flags_known &= ~mask;
	run->flags &= ~mask;
}

static inline void run_set_flags(struct x86_run *run, uint32_t mask, uint32_t flags)
{
	run->flags_known |= mask;
	run->flags = (run->flags & ~mask) | flags;
}

static inline struct val run_carry(const struct x86_run *run)
{
	return known_if(run->flags_known & X86_CF, run->flags & X86_CF ? 1 : 0);
}

static inline struct val run_get_ea(const struct x86_run *run)
{
	return known_if(run->ea_known, run->ea);
}

/* A register of 1, 2, 4 or 8 bytes; shift is 8 for AH and the like. */
struct val run_get_part(const struct x86_run *run, unsigned reg, unsigned shift, unsigned size);
/* 4 bytes clear the upper half; 1 and 2 leave the rest, so that the whole is known only if that is, too. */
void run_set_part(struct x86_run *run, unsigned reg, unsigned shift, unsigned size, struct val v);
/* The flags that r defines, and those that it leaves undefined. */
void run_apply_flags(struct x86_run *run, const struct alu *r);

/* Adds to the accesses of the latest step; op: enum x86_access_op bits. */
void run_note_access(struct x86_run *run, struct val addr, uint32_t size, unsigned op);
/* From and to memory, as an access; of more than 8 bytes nothing is known. */
struct val run_load(struct x86_run *run, struct val addr, unsigned size);
void run_store(struct x86_run *run, struct val addr, unsigned size, struct val v);
/* Memory of any size gets a value, without an access; v is known for up to 8 bytes only. */
void run_remember_store(struct x86_run *run, struct val addr, uint64_t size, struct val v);

/* The address of the memory operand, and the same kept in run: see run_get_ea(). */
struct val run_address_of(const struct x86_run *run, const struct uop *u);
void run_set_ea(struct x86_run *run, const struct uop *u);
/* An operand of the instruction (enum uop_operand): read, and written. In memory that is an access. */
struct val run_get(struct x86_run *run, const struct uop *u, unsigned operand, unsigned size);
void run_put(struct x86_run *run, unsigned operand, unsigned size, struct val v);
/* 8 bytes on the stack, and off it. */
void run_push(struct x86_run *run, struct val v);
struct val run_pop(struct x86_run *run);

#endif
