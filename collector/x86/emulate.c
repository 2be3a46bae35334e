/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/x86/emulate.h"

#include <string.h>

#include "collector/x86/insn.h"
#include "collector/x86/run_state.h"

static insn_fn *const handlers[UOP_NR] = {
	[UOP_STOP] = insn_stop,
	[UOP_OTHER] = insn_other,
	[UOP_NOP] = insn_nop,
	[UOP_MOV] = insn_mov,
	[UOP_MOVABS] = insn_movabs,
	[UOP_MOVZX] = insn_movzx,
	[UOP_MOVSX] = insn_movsx,
	[UOP_MOVBE] = insn_movbe,
	[UOP_LEA] = insn_lea,
	[UOP_ADD] = insn_add,
	[UOP_ADC] = insn_add,
	[UOP_SUB] = insn_sub,
	[UOP_SBB] = insn_sub,
	[UOP_CMP] = insn_sub,
	[UOP_AND] = insn_logic,
	[UOP_OR] = insn_logic,
	[UOP_XOR] = insn_logic,
	[UOP_TEST] = insn_logic,
	[UOP_INC] = insn_inc_dec,
	[UOP_DEC] = insn_inc_dec,
	[UOP_NEG] = insn_neg,
	[UOP_NOT] = insn_not,
	[UOP_IMUL] = insn_imul,
	[UOP_MUL_WIDE] = insn_mul_wide,
	[UOP_IMUL_WIDE] = insn_mul_wide,
	[UOP_MULX] = insn_mulx,
	[UOP_DIV] = insn_div,
	[UOP_IDIV] = insn_div,
	[UOP_SHL] = insn_shift,
	[UOP_SHR] = insn_shift,
	[UOP_SAR] = insn_shift,
	[UOP_ROL] = insn_shift,
	[UOP_ROR] = insn_shift,
	[UOP_SHLD] = insn_shift_double,
	[UOP_SHRD] = insn_shift_double,
	[UOP_SHLX] = insn_shift_x,
	[UOP_SHRX] = insn_shift_x,
	[UOP_SARX] = insn_shift_x,
	[UOP_RORX] = insn_shift_x,
	[UOP_BT] = insn_bit_test,
	[UOP_BTS] = insn_bit_test,
	[UOP_BTR] = insn_bit_test,
	[UOP_BTC] = insn_bit_test,
	[UOP_BSF] = insn_bit_count,
	[UOP_BSR] = insn_bit_count,
	[UOP_TZCNT] = insn_bit_count,
	[UOP_LZCNT] = insn_bit_count,
	[UOP_POPCNT] = insn_bit_count,
	[UOP_BSWAP] = insn_bswap,
	[UOP_ANDN] = insn_andn,
	[UOP_BLSR] = insn_lowest_bit,
	[UOP_BLSI] = insn_lowest_bit,
	[UOP_BLSMSK] = insn_lowest_bit,
	[UOP_BZHI] = insn_bzhi,
	[UOP_XCHG] = insn_xchg,
	[UOP_XADD] = insn_xadd,
	[UOP_CMPXCHG] = insn_cmpxchg,
	[UOP_PUSH] = insn_push,
	[UOP_POP] = insn_pop,
	[UOP_POPF] = insn_popf,
	[UOP_LEAVE] = insn_leave,
	[UOP_CALL] = insn_call,
	[UOP_RET] = insn_ret,
	[UOP_JMP] = insn_jmp,
	[UOP_JCC] = insn_jcc,
	[UOP_JRCXZ] = insn_jrcxz,
	[UOP_CMOV] = insn_cmov,
	[UOP_SETCC] = insn_setcc,
	[UOP_SIGN_HIGH] = insn_sign_high,
	[UOP_SIGN_LOW] = insn_sign_low,
	[UOP_FLAG_CLEAR] = insn_flag,
	[UOP_FLAG_SET] = insn_flag,
	[UOP_FLAG_FLIP] = insn_flag,
	[UOP_MOVS] = insn_movs,
	[UOP_STOS] = insn_stos,
	[UOP_LODS] = insn_lods,
	[UOP_SCAS] = insn_compare,
	[UOP_CMPS] = insn_compare,
	[UOP_CANARY] = insn_canary,
	[UOP_KMOV] = insn_kmov,
};

void x86_begin(struct x86_run *run, const struct x86_sample *sample)
{
	/* Not the array of stores: nr_stores says what of it is valid. */
	memset(run, 0, offsetof(struct x86_run, stores));
	memcpy(run->gpr, sample->gpr, sizeof(run->gpr));
	run->gpr_known = (1u << X86_NR_GPRS) - 1;
	run->flags = (uint32_t)sample->flags & X86_FLAGS;
	run->flags_known = X86_FLAGS;
	run->ip = sample->ip;
	run->stack = sample->stack;
	run->stack_at = sample->gpr[X86_RSP];
	run->sz_stack = sample->sz_stack;
	run->stack_start = sample->stack_start;
	run->stack_end = sample->stack_end;
}

enum x86_stop x86_step(struct x86_run *run, const struct uop *u)
{
	if (run->stop)
		return run->stop;
	run->nr_accesses = 0;
	run->has_unknown_access = false;
	run->next_ip = run->ip + u->len;
	if (u->mem)
		run_set_ea(run, u);
	handlers[u->op](run, u);
	if (!run->stop)
		run->ip = run->next_ip;
	run->nr_steps++;
	return run->stop;
}

static bool is_data(const struct x86_access *a)
{
	return !a->stack && a->addr >= LOWEST_DATA && a->addr < HIGHEST_DATA - a->size;
}

unsigned x86_data_accesses(const struct x86_run *run, struct x86_access dst[2])
{
	unsigned nr = 0;

	for (unsigned i = 0; i < run->nr_accesses; i++)
		if (is_data(&run->access[i]))
			dst[nr++] = run->access[i];
	return nr;
}

/* of: the instruction whose access is wanted; 0: whichever comes first. */
static struct x86_found find_access(const struct x86_sample *sample, struct code_cache *code, uint64_t of)
{
	struct x86_found found = { .stop = X86_STOP_STEPS };
	struct x86_run run;

	x86_begin(&run, sample);
	for (; found.nr_steps < X86_MAX_STEPS; found.nr_steps++) {
		found.ip = run.ip;
		found.stop = x86_step(&run, code_cache_get(code, run.ip));
		/* jmp [table] stops, and yet its access is certain. */
		found.nr = !of || found.ip == of ? x86_data_accesses(&run, found.access) : 0;
		if (found.nr || found.stop)
			return found;
	}
	found.stop = X86_STOP_STEPS;
	return found;
}

struct x86_found x86_find_access(const struct x86_sample *sample, struct code_cache *code)
{
	return find_access(sample, code, 0);
}

struct x86_found x86_find_access_of(const struct x86_sample *sample, struct code_cache *code, uint64_t ip)
{
	return find_access(sample, code, ip);
}
