/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * insn.h - the instructions of the emulator, each a function that does to the
 * run what u says.
 *
 * run->next_ip is behind the instruction, and the address of its memory operand
 * is in the run already (run_get_ea()). An instruction that ends the run sets
 * run->stop. Internal to the emulator.
 */
#ifndef COLLECTOR_X86_INSN_H
#define COLLECTOR_X86_INSN_H

struct uop;
struct x86_run;

typedef void insn_fn(struct x86_run *run, const struct uop *u);

/* insn_compute.c */
insn_fn insn_add, insn_sub, insn_logic, insn_inc_dec, insn_neg, insn_not, insn_imul, insn_mul_wide, insn_mulx, insn_div,
	insn_shift, insn_shift_double, insn_shift_x, insn_bit_test, insn_bit_count, insn_andn, insn_lowest_bit,
	insn_bzhi, insn_xadd, insn_cmpxchg;
/* insn_move.c */
insn_fn insn_mov, insn_movabs, insn_movzx, insn_movsx, insn_movbe, insn_bswap, insn_lea, insn_xchg, insn_push, insn_pop,
	insn_popf, insn_leave, insn_cmov, insn_setcc, insn_sign_high, insn_sign_low, insn_flag;
/* insn_branch.c */
insn_fn insn_jmp, insn_call, insn_ret, insn_jcc, insn_jrcxz;
/* insn_string.c */
insn_fn insn_movs, insn_stos, insn_lods, insn_compare;
/* insn_other.c */
insn_fn insn_stop, insn_nop, insn_other, insn_kmov, insn_canary;

#endif
