/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x86_truth.h - for the tests of the emulator: what a real CPU does, told by
 * ptrace and by Zydis from real registers, independently of collector/x86.
 *
 * Included by the unit tests and the live ones; header only.
 */
#ifndef TESTS_LIVE_X86_TRUTH_H
#define TESTS_LIVE_X86_TRUTH_H

#include <Zydis/Zydis.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/user.h>

#include "collector/x86/emulate.h"

#define TRUTH_MAX 10

struct truth {
	uint64_t addr;
	uint32_t size;
	bool reads, writes;
};

static inline void truth_gprs(uint64_t gpr[X86_NR_GPRS], const struct user_regs_struct *regs)
{
	const uint64_t v[X86_NR_GPRS] = { regs->rax, regs->rcx, regs->rdx, regs->rbx, regs->rsp, regs->rbp,
					  regs->rsi, regs->rdi, regs->r8,  regs->r9,  regs->r10, regs->r11,
					  regs->r12, regs->r13, regs->r14, regs->r15 };

	memcpy(gpr, v, sizeof(v));
}

static inline struct truth truth_stack(uint64_t addr, bool writes)
{
	return (struct truth){ .addr = addr, .size = 8, .reads = !writes, .writes = writes };
}

/* Address of a memory operand by Zydis' own calculation. */
static inline bool truth_operand(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op,
				 const struct user_regs_struct *regs, uint64_t sp, struct truth *t)
{
	ZydisRegisterContext ctx;
	uint64_t gpr[X86_NR_GPRS];

	memset(&ctx, 0, sizeof(ctx));
	truth_gprs(gpr, regs);
	gpr[X86_RSP] = sp;
	for (int i = 0; i < X86_NR_GPRS; i++) {
		ctx.values[ZYDIS_REGISTER_RAX + i] = gpr[i];
		ctx.values[ZYDIS_REGISTER_EAX + i] = gpr[i] & 0xffffffff;
	}
	if (ZYAN_FAILED(ZydisCalcAbsoluteAddressEx(insn, op, regs->rip, &ctx, &t->addr)))
		return false;
	if (op->mem.segment == ZYDIS_REGISTER_FS)
		t->addr += regs->fs_base;
	if (op->mem.segment == ZYDIS_REGISTER_GS)
		t->addr += regs->gs_base;
	t->size = op->size / 8;
	if (insn->avx.broadcast.mode != ZYDIS_BROADCAST_MODE_INVALID && !insn->avx.broadcast.is_static)
		t->size = op->element_size / 8;
	t->reads = op->actions & ZYDIS_OPERAND_ACTION_MASK_READ;
	t->writes = op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
	return true;
}

/* Cuts a vector access to the elements that its mask selects. False: there are none, or the mask is not known. */
static inline bool truth_masked(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op,
				const uint64_t masks[8], struct truth *t)
{
	unsigned size = op->element_size / 8u, nr = insn->avx.mask.reg - ZYDIS_REGISTER_K0, first, last;
	uint64_t mask;

	if (insn->avx.mask.reg <= ZYDIS_REGISTER_K0 || insn->avx.mask.reg > ZYDIS_REGISTER_K7)
		return true;
	if (!masks || !size)
		return false;
	mask = masks[nr];
	if (t->size / size < 64)
		mask &= (UINT64_C(1) << (t->size / size)) - 1;
	if (!mask)
		return false;
	first = (unsigned)__builtin_ctzll(mask);
	last = 63 - (unsigned)__builtin_clzll(mask);
	t->addr += first * size;
	t->size = (last - first + 1) * size;
	return true;
}

/* The accesses that the instruction at regs->rip makes; masks: AVX-512's k0 ... k7, or NULL. Returns how many. */
static inline unsigned truth_accesses(const struct user_regs_struct *regs, const uint64_t masks[8],
				      const unsigned char *code, size_t len, struct truth t[TRUTH_MAX])
{
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction insn;
	ZydisDecoder decoder;
	uint64_t sp = regs->rsp;
	unsigned nr = 0;

	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, code, len, &insn, ops)))
		return 0;
	/* These name memory and do not access it. */
	if (insn.meta.category == ZYDIS_CATEGORY_NOP || insn.meta.category == ZYDIS_CATEGORY_WIDENOP ||
	    insn.meta.category == ZYDIS_CATEGORY_PREFETCH)
		return 0;
	if ((insn.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE)) &&
	    insn.meta.category == ZYDIS_CATEGORY_STRINGOP && regs->rcx == 0)
		return 0;
	if (insn.mnemonic == ZYDIS_MNEMONIC_PUSH || insn.mnemonic == ZYDIS_MNEMONIC_PUSHFQ ||
	    insn.mnemonic == ZYDIS_MNEMONIC_CALL)
		t[nr++] = truth_stack(sp - 8, true);
	if (insn.mnemonic == ZYDIS_MNEMONIC_POP || insn.mnemonic == ZYDIS_MNEMONIC_POPFQ ||
	    insn.mnemonic == ZYDIS_MNEMONIC_RET)
		t[nr++] = truth_stack(sp, false);
	if (insn.mnemonic == ZYDIS_MNEMONIC_LEAVE)
		t[nr++] = truth_stack(regs->rbp, false);
	/* pop takes its destination's address after the pop. */
	if (insn.mnemonic == ZYDIS_MNEMONIC_POP)
		sp += 8;
	for (unsigned i = 0; i < insn.operand_count && nr < TRUTH_MAX; i++)
		if (ops[i].type == ZYDIS_OPERAND_TYPE_MEMORY && ops[i].mem.type != ZYDIS_MEMOP_TYPE_AGEN &&
		    truth_operand(&insn, &ops[i], regs, sp, &t[nr]) && truth_masked(&insn, &ops[i], masks, &t[nr]))
			nr++;
	return nr;
}

/* Is the claimed access one that the instruction makes? */
static inline bool truth_has(const struct truth *t, unsigned nr, const struct x86_access *claim)
{
	unsigned seen = 0;

	for (unsigned i = 0; i < nr; i++)
		if (t[i].addr == claim->addr && t[i].size == claim->size)
			seen |= (t[i].reads ? X86_READ : 0u) | (t[i].writes ? X86_WRITE : 0u);
	return (claim->op & ~seen) == 0;
}

#endif
