/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Those that move values: as they are, extended, with their bytes turned round, on a condition, by the stack. */
#include "collector/x86/insn.h"

#include "collector/x86/alu.h"
#include "collector/x86/run_state.h"

void insn_mov(struct x86_run *run, const struct uop *u)
{
	run_put(run, u->dst, u->size, run_get(run, u, u->src, u->size));
}

void insn_movabs(struct x86_run *run, const struct uop *u)
{
	run_set_gpr(run, u->dst, known((uint64_t)(uint32_t)u->disp << 32 | (uint32_t)u->imm));
}

void insn_movzx(struct x86_run *run, const struct uop *u)
{
	run_put(run, u->dst, u->size, run_get(run, u, u->src, u->src_size));
}

void insn_movsx(struct x86_run *run, const struct uop *u)
{
	struct val v = run_get(run, u, u->src, u->src_size);

	v.v = (uint64_t)alu_sign_extend(v.v, u->src_size) & alu_mask(u->size);
	run_put(run, u->dst, u->size, v);
}

static uint64_t swap_bytes(uint64_t v, unsigned size)
{
	return __builtin_bswap64(v) >> (64 - 8 * size);
}

void insn_movbe(struct x86_run *run, const struct uop *u)
{
	struct val v = run_get(run, u, u->src, u->size);

	run_put(run, u->dst, u->size, known_if(v.known, swap_bytes(v.v, u->size)));
}

void insn_bswap(struct x86_run *run, const struct uop *u)
{
	struct val v = run_get(run, u, u->dst, u->size);

	/* Of 16 bits: undefined. */
	run_put(run, u->dst, u->size, known_if(v.known && u->size >= 4, swap_bytes(v.v, u->size)));
}

void insn_lea(struct x86_run *run, const struct uop *u)
{
	struct val v = run_address_of(run, u);

	v.v &= alu_mask(u->size);
	run_put(run, u->dst, u->size, v);
}

void insn_xchg(struct x86_run *run, const struct uop *u)
{
	struct val a = run_get(run, u, u->dst, u->size), b = run_get(run, u, u->src, u->size);

	run_put(run, u->dst, u->size, b);
	run_put(run, u->src, u->size, a);
}

void insn_push(struct x86_run *run, const struct uop *u)
{
	run_push(run, run_get(run, u, u->dst, 8));
}

void insn_pop(struct x86_run *run, const struct uop *u)
{
	struct val v = run_pop(run);

	/* An address by rsp is taken after the pop. */
	if (u->mem)
		run_set_ea(run, u);
	run_put(run, u->dst, 8, v);
}

void insn_popf(struct x86_run *run, const struct uop *u)
{
	struct val v = run_pop(run);

	(void)u;
	run_forget_flags(run, X86_FLAGS);
	if (v.known)
		run_set_flags(run, X86_FLAGS, (uint32_t)v.v & X86_FLAGS);
}

void insn_leave(struct x86_run *run, const struct uop *u)
{
	(void)u;
	run_set_gpr(run, X86_RSP, run_get_gpr(run, X86_RBP));
	run_set_gpr(run, X86_RBP, run_pop(run));
}

/* The source is read and the destination written whatever the condition says. */
void insn_cmov(struct x86_run *run, const struct uop *u)
{
	struct val src = run_get(run, u, u->src, u->size), dst = run_get(run, u, u->dst, u->size);
	int condition = alu_condition(u->aux, run->flags, run->flags_known);

	if (condition < 0)
		dst = known_if(src.known && dst.known && src.v == dst.v, dst.v);
	run_put(run, u->dst, u->size, condition > 0 ? src : dst);
}

void insn_setcc(struct x86_run *run, const struct uop *u)
{
	int condition = alu_condition(u->aux, run->flags, run->flags_known);

	run_put(run, u->dst, 1, known_if(condition >= 0, condition > 0));
}

void insn_sign_high(struct x86_run *run, const struct uop *u)
{
	struct val v = run_get_part(run, X86_RAX, 0, u->size);

	v.v = (alu_sign_extend(v.v, u->size) < 0 ? UINT64_MAX : 0) & alu_mask(u->size);
	run_set_part(run, X86_RDX, 0, u->size, v);
}

void insn_sign_low(struct x86_run *run, const struct uop *u)
{
	struct val v = run_get_part(run, X86_RAX, 0, u->size / 2);

	v.v = (uint64_t)alu_sign_extend(v.v, u->size / 2) & alu_mask(u->size);
	run_set_part(run, X86_RAX, 0, u->size, v);
}

void insn_flag(struct x86_run *run, const struct uop *u)
{
	uint32_t flag = (uint32_t)u->imm;

	if (u->op == UOP_FLAG_FLIP)
		run->flags ^= flag & run->flags_known;
	else
		run_set_flags(run, flag, u->op == UOP_FLAG_SET ? flag : 0);
}
