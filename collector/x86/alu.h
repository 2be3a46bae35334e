/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * alu.h - the arithmetic of x86-64: operands to result and flags.
 *
 * Sizes are in bytes: 1, 2, 4 or 8. Operands are cut to the size by the
 * caller. Flags that the manuals leave undefined are reported as undefined,
 * whatever a given CPU leaves in them. Pure; any thread. After the
 * descriptions of the instructions in AMD's Architecture Programmer's Manual,
 * volume 3.
 */
#ifndef COLLECTOR_X86_ALU_H
#define COLLECTOR_X86_ALU_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/x86/uop.h"

struct alu {
	uint64_t v;
	uint64_t high;	      /* wide multiplications and divisions: the upper half, the remainder */
	uint32_t defined;     /* flags that have now the value in flags */
	uint32_t flags;	      /* subset of defined */
	uint32_t undefined;   /* flags that nobody knows now */
	bool unknown, faults; /* the result is undefined; the instruction faults */
};

/* All bits of an operand of this size; and one that is signed, as 64 bits. */
uint64_t alu_mask(unsigned size);
int64_t alu_sign_extend(uint64_t v, unsigned size);

struct alu alu_add(uint64_t a, uint64_t b, unsigned carry, unsigned size);
struct alu alu_sub(uint64_t a, uint64_t b, unsigned borrow, unsigned size);
/* The flags of a logical result v. */
struct alu alu_logic(uint64_t v, unsigned size);
/* op: UOP_SHL, UOP_SHR, UOP_SAR, UOP_ROL or UOP_ROR; count as in CL. */
struct alu alu_shift(enum uop_op op, uint64_t a, unsigned count, unsigned size);
/* op: UOP_SHLD or UOP_SHRD. */
struct alu alu_shift_double(enum uop_op op, uint64_t a, uint64_t b, unsigned count, unsigned size);
/* op: UOP_BT, UOP_BTS, UOP_BTR or UOP_BTC. */
struct alu alu_bit_test(enum uop_op op, uint64_t a, uint64_t bit, unsigned size);
/* op: UOP_BSF, UOP_BSR, UOP_TZCNT, UOP_LZCNT or UOP_POPCNT. */
struct alu alu_bit_count(enum uop_op op, uint64_t a, unsigned size);
/* op: UOP_BLSR, UOP_BLSI or UOP_BLSMSK. */
struct alu alu_lowest_bit(enum uop_op op, uint64_t a, unsigned size);
struct alu alu_bzhi(uint64_t a, uint64_t index, unsigned size);
/* Signed, truncated. */
struct alu alu_imul(uint64_t a, uint64_t b, unsigned size);
/* Both halves: v and high. */
struct alu alu_mul_wide(uint64_t a, uint64_t b, unsigned size, bool is_signed);
/* high:low by b: quotient in v, remainder in high. */
struct alu alu_div(uint64_t high, uint64_t low, uint64_t b, unsigned size, bool is_signed);

/* The condition with this number (the low 4 bits of jcc's opcode): 1, 0, or -1 where the known flags do not tell. */
int alu_condition(unsigned cc, uint32_t flags, uint32_t known);

#endif
