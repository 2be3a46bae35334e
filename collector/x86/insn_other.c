/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Those that end the run or do nothing, and those outside of the model: what they access is told, what they write is
 * not known any more.
 */
#include "collector/x86/insn.h"

#include "collector/x86/alu.h"
#include "collector/x86/run_state.h"

void insn_stop(struct x86_run *run, const struct uop *u)
{
	run->stop = u->len ? X86_STOP_SYSTEM : X86_STOP_CODE;
}

void insn_nop(struct x86_run *run, const struct uop *u)
{
	(void)run;
	(void)u;
}

/* The elements that a mask selects: where and how many bytes. False: none, or not known. */
static bool select_elements(struct x86_run *run, const struct uop *u, struct val *at, uint32_t *size)
{
	uint64_t mask = run->masks[u->mask] & (UINT64_MAX >> (64 - u->sz_mem / u->size));
	unsigned first, last;

	if (!(run->masks_known >> u->mask & 1) || !at->known) {
		run->has_unknown_access = true;
		return false;
	}
	if (!mask)
		return false;
	first = (unsigned)__builtin_ctzll(mask);
	last = 63 - (unsigned)__builtin_clzll(mask);
	at->v += first * u->size;
	*size = (last - first + 1) * u->size;
	return true;
}

static void other_memory(struct x86_run *run, const struct uop *u)
{
	struct val at = run_get_ea(run);
	uint32_t size = u->sz_mem;

	if (u->mask && !(u->mem & UOP_MEM_UNKNOWN) && !select_elements(run, u, &at, &size))
		size = 0;
	if (size && (u->mem & UOP_MEM_READ))
		run_note_access(run, at, size, X86_READ);
	if (size && (u->mem & UOP_MEM_WRITE))
		run_note_access(run, at, size, X86_WRITE);
	/* What is written may be less than the whole; what it was is not known any more in any case. */
	if ((u->mem & UOP_MEM_WRITE) && !run->ea_segment)
		run_remember_store(run, run_get_ea(run), u->sz_mem, UNKNOWN);
}

void insn_other(struct x86_run *run, const struct uop *u)
{
	if (u->mem)
		other_memory(run, u);
	run->gpr_known &= ~(uint32_t)u->writes;
	run->masks_known &= ~(uint32_t)u->clobbers.masks;
	run_forget_flags(run, u->clobbers.flags);
}

void insn_kmov(struct x86_run *run, const struct uop *u)
{
	struct val v = run_get(run, u, u->src, u->size);

	run->masks[u->aux & 7] = v.v;
	run->masks_known = (run->masks_known & ~(1u << (u->aux & 7))) | (uint32_t)v.known << (u->aux & 7);
}

void insn_canary(struct x86_run *run, const struct uop *u)
{
	struct alu equal = alu_sub(0, 0, 0, 8);

	run->has_unknown_access = true;
	run_apply_flags(run, &equal);
	if (u->aux)
		run_put(run, u->dst, 8, known(0));
}
