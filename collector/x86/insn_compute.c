/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Those that compute: arithmetic, logic, shifts, bits. */
#include "collector/x86/insn.h"

#include "collector/x86/alu.h"
#include "collector/x86/run_state.h"

/* Writes a result, or forgets what it would have written where an input is not known. */
static void finish(struct x86_run *run, const struct uop *u, bool inputs_known, const struct alu *r, uint32_t writes)
{
	if (inputs_known && r->faults) {
		run->stop = X86_STOP_FAULT;
		return;
	}
	run_put(run, u->dst, u->size, known_if(inputs_known && !r->unknown, r->v));
	if (inputs_known)
		run_apply_flags(run, r);
	else
		run_forget_flags(run, writes);
}

static bool same_register(const struct uop *u)
{
	return u->dst == u->src && u->dst < OPND_HIGH + 4;
}

void insn_add(struct x86_run *run, const struct uop *u)
{
	struct val a = run_get(run, u, u->dst, u->size), b = run_get(run, u, u->src, u->size);
	struct val c = u->op == UOP_ADC ? run_carry(run) : known(0);
	struct alu r = alu_add(a.v, b.v, (unsigned)c.v, u->size);

	finish(run, u, a.known && b.known && c.known, &r, X86_ARITH);
}

void insn_sub(struct x86_run *run, const struct uop *u)
{
	struct val a = run_get(run, u, u->dst, u->size), b = run_get(run, u, u->src, u->size);
	struct val c = u->op == UOP_SBB ? run_carry(run) : known(0);
	struct alu r;

	/* What is taken from itself leaves 0, whatever it was. */
	if (same_register(u))
		a = b = known(0);
	r = alu_sub(a.v, b.v, (unsigned)c.v, u->size);
	if (u->op != UOP_CMP)
		finish(run, u, a.known && b.known && c.known, &r, X86_ARITH);
	else if (a.known && b.known)
		run_apply_flags(run, &r);
	else
		run_forget_flags(run, X86_ARITH);
}

/* Logical operations clear CF and OF even of what is not known. */
void insn_logic(struct x86_run *run, const struct uop *u)
{
	struct val a = run_get(run, u, u->dst, u->size), b = run_get(run, u, u->src, u->size), v;
	struct alu r;

	if (u->op == UOP_XOR && same_register(u))
		a = b = known(0);
	v.known = a.known && b.known;
	v.v = u->op == UOP_XOR ? a.v ^ b.v : u->op == UOP_OR ? a.v | b.v : a.v & b.v;
	if ((u->op == UOP_AND || u->op == UOP_TEST) && ((a.known && a.v == 0) || (b.known && b.v == 0)))
		v = known(0);
	if (u->op == UOP_OR && ((a.known && a.v == alu_mask(u->size)) || (b.known && b.v == alu_mask(u->size))))
		v = known(alu_mask(u->size));
	r = alu_logic(v.v, u->size);
	if (!v.known) {
		r.undefined = X86_SF | X86_ZF | X86_PF;
		r.defined = X86_CF | X86_OF;
		r.flags = 0;
	}
	run_apply_flags(run, &r);
	if (u->op != UOP_TEST)
		run_put(run, u->dst, u->size, v);
}

/* inc and dec leave CF. */
void insn_inc_dec(struct x86_run *run, const struct uop *u)
{
	struct val a = run_get(run, u, u->dst, u->size);
	struct alu r = u->op == UOP_INC ? alu_add(a.v, 1, 0, u->size) : alu_sub(a.v, 1, 0, u->size);

	r.defined &= ~X86_CF;
	r.flags &= ~X86_CF;
	finish(run, u, a.known, &r, X86_ARITH & ~X86_CF);
}

void insn_neg(struct x86_run *run, const struct uop *u)
{
	struct val a = run_get(run, u, u->dst, u->size);
	struct alu r = alu_sub(0, a.v, 0, u->size);

	finish(run, u, a.known, &r, X86_ARITH);
}

void insn_not(struct x86_run *run, const struct uop *u)
{
	struct val a = run_get(run, u, u->dst, u->size);

	a.v = ~a.v & alu_mask(u->size);
	run_put(run, u->dst, u->size, a);
}

void insn_imul(struct x86_run *run, const struct uop *u)
{
	struct val a = run_get(run, u, u->src, u->size), b = run_get(run, u, u->aux, u->size);
	struct alu r = alu_imul(a.v, b.v, u->size);

	finish(run, u, a.known && b.known, &r, X86_ARITH);
}

/* The pair of registers that wide multiplications and divisions use: rdx:rax, or the bytes ah:al. */
static void put_pair(struct x86_run *run, unsigned size, struct val high, struct val low)
{
	if (size == 1) {
		run_set_part(run, X86_RAX, 0, 2, known_if(low.known && high.known, high.v << 8 | low.v));
		return;
	}
	run_set_part(run, X86_RAX, 0, size, low);
	run_set_part(run, X86_RDX, 0, size, high);
}

void insn_mul_wide(struct x86_run *run, const struct uop *u)
{
	struct val a = run_get_part(run, X86_RAX, 0, u->size), b = run_get(run, u, u->dst, u->size);
	struct alu r = alu_mul_wide(a.v, b.v, u->size, u->op == UOP_IMUL_WIDE);
	bool ok = a.known && b.known;

	put_pair(run, u->size, known_if(ok, r.high), known_if(ok, r.v));
	if (ok)
		run_apply_flags(run, &r);
	else
		run_forget_flags(run, X86_ARITH);
}

void insn_mulx(struct x86_run *run, const struct uop *u)
{
	struct val a = run_get_part(run, X86_RDX, 0, u->size), b = run_get(run, u, u->aux, u->size);
	struct alu r = alu_mul_wide(a.v, b.v, u->size, false);
	bool ok = a.known && b.known;

	/* Where both name one register it gets the upper half. */
	run_put(run, u->src, u->size, known_if(ok, r.v));
	run_put(run, u->dst, u->size, known_if(ok, r.high));
}

void insn_div(struct x86_run *run, const struct uop *u)
{
	struct val low = run_get_part(run, X86_RAX, 0, u->size), b = run_get(run, u, u->dst, u->size), high;
	struct alu r;
	bool ok;

	high = u->size == 1 ? run_get_part(run, X86_RAX, 8, 1) : run_get_part(run, X86_RDX, 0, u->size);
	ok = low.known && b.known && high.known;
	r = ok ? alu_div(high.v, low.v, b.v, u->size, u->op == UOP_IDIV) : (struct alu){ .undefined = X86_ARITH };
	if (r.faults) {
		run->stop = X86_STOP_FAULT;
		return;
	}
	put_pair(run, u->size, known_if(ok, r.high), known_if(ok, r.v));
	run_forget_flags(run, X86_ARITH);
}

void insn_shift(struct x86_run *run, const struct uop *u)
{
	struct val a = run_get(run, u, u->dst, u->size), count = run_get(run, u, u->src, 1);
	struct alu r = alu_shift(u->op, a.v, (unsigned)count.v, u->size);
	uint32_t writes = u->op == UOP_ROL || u->op == UOP_ROR ? X86_CF | X86_OF : X86_ARITH;

	/* By 0 the flags stay. */
	if (count.known && (count.v & (u->size == 8 ? 63 : 31)) == 0)
		writes = 0;
	finish(run, u, a.known && count.known, &r, writes);
}

void insn_shift_double(struct x86_run *run, const struct uop *u)
{
	struct val a = run_get(run, u, u->dst, u->size), b = run_get(run, u, u->src, u->size),
		   count = run_get(run, u, u->aux, 1);
	struct alu r = alu_shift_double(u->op, a.v, b.v, (unsigned)count.v, u->size);

	finish(run, u, a.known && b.known && count.known, &r, X86_ARITH);
}

/* shlx and the like: no flags. */
void insn_shift_x(struct x86_run *run, const struct uop *u)
{
	enum uop_op op = u->op == UOP_SHLX   ? UOP_SHL
			 : u->op == UOP_SHRX ? UOP_SHR
			 : u->op == UOP_SARX ? UOP_SAR
					     : UOP_ROR;
	struct val a = run_get(run, u, u->src, u->size),
		   count = run_get(run, u, u->aux, u->aux == OPND_IMM ? 1 : u->size);
	struct alu r = alu_shift(op, a.v, (unsigned)(count.v & 0xff), u->size);

	run_put(run, u->dst, u->size, known_if(a.known && count.known, r.v));
}

void insn_bit_test(struct x86_run *run, const struct uop *u)
{
	struct val a = run_get(run, u, u->dst, u->size), b = run_get(run, u, u->src, u->size);
	struct alu r = alu_bit_test(u->op, a.v, b.v, u->size);
	bool ok = a.known && b.known;

	if (u->op != UOP_BT)
		run_put(run, u->dst, u->size, known_if(ok, r.v));
	run_forget_flags(run, r.undefined | X86_CF);
	if (ok)
		run_apply_flags(run, &r);
}

void insn_bit_count(struct x86_run *run, const struct uop *u)
{
	struct val a = run_get(run, u, u->src, u->size);
	struct alu r = alu_bit_count(u->op, a.v, u->size);

	finish(run, u, a.known, &r, X86_ARITH);
}

void insn_andn(struct x86_run *run, const struct uop *u)
{
	struct val a = run_get(run, u, u->src, u->size), b = run_get(run, u, u->aux, u->size);
	struct alu r = alu_logic(~a.v & b.v & alu_mask(u->size), u->size);

	r.undefined = X86_PF;
	r.defined &= ~X86_PF;
	r.flags &= ~X86_PF;
	finish(run, u, a.known && b.known, &r, X86_ARITH);
}

void insn_lowest_bit(struct x86_run *run, const struct uop *u)
{
	struct val a = run_get(run, u, u->src, u->size);
	struct alu r = alu_lowest_bit(u->op, a.v, u->size);

	finish(run, u, a.known, &r, X86_ARITH);
}

void insn_bzhi(struct x86_run *run, const struct uop *u)
{
	struct val a = run_get(run, u, u->src, u->size), b = run_get(run, u, u->aux, u->size);
	struct alu r = alu_bzhi(a.v, b.v, u->size);

	finish(run, u, a.known && b.known, &r, X86_ARITH);
}

void insn_xadd(struct x86_run *run, const struct uop *u)
{
	struct val a = run_get(run, u, u->dst, u->size), b = run_get(run, u, u->src, u->size);
	struct alu r = alu_add(a.v, b.v, 0, u->size);

	run_put(run, u->src, u->size, a);
	finish(run, u, a.known && b.known, &r, X86_ARITH);
}

/*
 * Memory is written in any case: with the old value where they differ. Whether a 4-byte register that is not exchanged
 * loses its upper half is not the same on all CPUs.
 */
void insn_cmpxchg(struct x86_run *run, const struct uop *u)
{
	struct val acc = run_get_part(run, X86_RAX, 0, u->size), dst = run_get(run, u, u->dst, u->size);
	struct val src = run_get(run, u, u->src, u->size);
	struct alu r = alu_sub(acc.v, dst.v, 0, u->size);

	if (!acc.known || !dst.known) {
		run_forget_flags(run, X86_ARITH);
		run_put(run, u->dst, u->size, UNKNOWN);
		run_set_gpr(run, X86_RAX, UNKNOWN);
		return;
	}
	run_apply_flags(run, &r);
	if (acc.v == dst.v) {
		run_put(run, u->dst, u->size, src);
		return;
	}
	if (u->size == 4 && u->dst < X86_NR_GPRS && run->gpr[u->dst] >> 32)
		run_set_gpr(run, u->dst, UNKNOWN);
	else
		run_put(run, u->dst, u->size, dst);
	run_put(run, X86_RAX, u->size, dst);
}
