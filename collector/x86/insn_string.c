/* SPDX-License-Identifier: GPL-2.0-or-later */
/* String instructions, of which the first element is an access. */
#include "collector/x86/insn.h"

#include "collector/x86/alu.h"
#include "collector/x86/run_state.h"

/* How many elements a string instruction handles: not known, 0, or more. */
static struct val nr_elements(const struct x86_run *run, const struct uop *u)
{
	return u->aux == REP_NONE ? known(1) : run_get_gpr(run, X86_RCX);
}

/* Moves rsi or rdi past n elements. */
static void advance(struct x86_run *run, unsigned reg, struct val n, unsigned size)
{
	struct val at = run_get_gpr(run, reg);
	bool ok = at.known && n.known && (run->flags_known & X86_DF);
	uint64_t by = n.v * size;

	run_set_gpr(run, reg, known_if(ok, run->flags & X86_DF ? at.v - by : at.v + by));
}

/* n elements from rdi on get a value; the direction flag says which way. */
static void store_elements(struct x86_run *run, const struct uop *u, struct val n, struct val v)
{
	struct val at = run_get_gpr(run, X86_RDI);
	uint64_t bytes = n.v * u->size;

	at.known = at.known && n.known && (run->flags_known & X86_DF) && n.v <= HIGHEST_DATA;
	if (run->flags & X86_DF)
		at.v -= bytes - u->size;
	run_remember_store(run, at, bytes, n.v == 1 ? v : UNKNOWN);
}

static void end_repeat(struct x86_run *run, const struct uop *u)
{
	if (u->aux != REP_NONE)
		run_set_gpr(run, X86_RCX, known(0));
}

/* Address of the first element, or not known: then there may be none. */
static struct val element_at(const struct x86_run *run, unsigned reg, struct val n)
{
	return n.known ? run_get_gpr(run, reg) : UNKNOWN;
}

void insn_movs(struct x86_run *run, const struct uop *u)
{
	struct val n = nr_elements(run, u), v;

	if (n.known && n.v == 0)
		return;
	v = run_load(run, element_at(run, X86_RSI, n), u->size);
	run_note_access(run, element_at(run, X86_RDI, n), u->size, X86_WRITE);
	store_elements(run, u, n, v);
	advance(run, X86_RSI, n, u->size);
	advance(run, X86_RDI, n, u->size);
	end_repeat(run, u);
}

void insn_stos(struct x86_run *run, const struct uop *u)
{
	struct val n = nr_elements(run, u);

	if (n.known && n.v == 0)
		return;
	run_note_access(run, element_at(run, X86_RDI, n), u->size, X86_WRITE);
	store_elements(run, u, n, run_get_part(run, X86_RAX, 0, u->size));
	advance(run, X86_RDI, n, u->size);
	end_repeat(run, u);
}

void insn_lods(struct x86_run *run, const struct uop *u)
{
	struct val n = nr_elements(run, u), v;

	if (n.known && n.v == 0)
		return;
	v = run_load(run, element_at(run, X86_RSI, n), u->size);
	run_set_part(run, X86_RAX, 0, u->size, n.known && n.v == 1 ? v : UNKNOWN);
	if (!n.known || n.v != 1)
		run_set_gpr(run, X86_RAX, UNKNOWN);
	advance(run, X86_RSI, n, u->size);
	end_repeat(run, u);
}

/* A comparison that may end a repetition early: after it nothing that it writes is known. */
static void forget_compare(struct x86_run *run, const struct uop *u)
{
	run_forget_flags(run, X86_ARITH);
	run->gpr_known &= ~(1u << X86_RCX | 1u << X86_RDI);
	if (u->op == UOP_CMPS)
		run->gpr_known &= ~(1u << X86_RSI);
}

void insn_compare(struct x86_run *run, const struct uop *u)
{
	struct val n = nr_elements(run, u), a, b;
	struct alu r;

	if (n.known && n.v == 0)
		return;
	a = u->op == UOP_CMPS ? run_load(run, element_at(run, X86_RSI, n), u->size)
			      : run_get_part(run, X86_RAX, 0, u->size);
	b = run_load(run, element_at(run, X86_RDI, n), u->size);
	if (u->aux != REP_NONE) {
		forget_compare(run, u);
		return;
	}
	r = alu_sub(a.v, b.v, 0, u->size);
	if (a.known && b.known)
		run_apply_flags(run, &r);
	else
		run_forget_flags(run, X86_ARITH);
	advance(run, X86_RDI, n, u->size);
	if (u->op == UOP_CMPS)
		advance(run, X86_RSI, n, u->size);
}
