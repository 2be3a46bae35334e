/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Those that go elsewhere, as far as it is known where to. */
#include "collector/x86/insn.h"

#include "collector/x86/alu.h"
#include "collector/x86/run_state.h"

static void go_to(struct x86_run *run, struct val target)
{
	if (target.known)
		run->next_ip = target.v;
	else
		run->stop = X86_STOP_BRANCH;
}

static struct val target_of(struct x86_run *run, const struct uop *u)
{
	if (u->dst == OPND_REL)
		return known(run->next_ip + (uint64_t)(int64_t)u->imm);
	return run_get(run, u, u->dst, 8);
}

void insn_jmp(struct x86_run *run, const struct uop *u)
{
	go_to(run, target_of(run, u));
}

void insn_call(struct x86_run *run, const struct uop *u)
{
	struct val target = target_of(run, u);

	run_push(run, known(run->next_ip));
	go_to(run, target);
}

void insn_ret(struct x86_run *run, const struct uop *u)
{
	go_to(run, run_pop(run));
	if (u->dst == OPND_IMM)
		run->gpr[X86_RSP] += (uint16_t)u->imm;
}

static void branch_if(struct x86_run *run, const struct uop *u, int condition)
{
	if (condition < 0)
		run->stop = X86_STOP_BRANCH;
	else if (condition)
		go_to(run, target_of(run, u));
}

void insn_jcc(struct x86_run *run, const struct uop *u)
{
	branch_if(run, u, alu_condition(u->aux, run->flags, run->flags_known));
}

void insn_jrcxz(struct x86_run *run, const struct uop *u)
{
	struct val v = run_get_part(run, X86_RCX, 0, u->size);

	branch_if(run, u, v.known ? v.v == 0 : -1);
}
