/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The emulator against the CPU that runs this test: random instructions of
 * every class are single-stepped in a child, and whatever the emulator claims
 * to know (registers, flags, where it goes, which memory it accesses) must be
 * what the CPU did.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/rng.h"
#include "collector/x86/decode.h"
#include "collector/x86/emulate.h"
#include "tests/live/x86_truth.h"

#if defined(__x86_64__)

#define CODE  UINT64_C(0x10000000)
#define DATA  UINT64_C(0x20000000)
#define STACK UINT64_C(0x30000000)
#define ROOM  65536
#define LINES 24

#define NR_SEQUENCES 1500
#define SZ_COPY	     512

enum shape {
	RM_R,	  /* reg or memory, reg or memory or immediate */
	RM,	  /* reg or memory */
	RM_SHIFT, /* reg or memory by an immediate or CL */
	RM_R_SHIFT,
	R_RM, /* reg, reg or memory: 2, 4 or 8 bytes */
	R_RM_IMM,
	R_SMALL, /* reg, a smaller reg or memory */
	RM_BIT,	 /* reg or memory with an immediate; reg with reg */
	R,	 /* 4 or 8 bytes */
	RM8,
	R_R_RM, /* VEX, 4 or 8 bytes */
	R_RM_R,
	R_RM_I8,
	R_RM_VEX,
	NONE,
	STACK64, /* 8 bytes, reg or memory */
	RAW,	 /* bytes as they are */
};

struct line {
	const char *name;
	ZydisMnemonic mnemonic;
	enum shape shape;
	const char *raw;
	size_t sz_raw;
};

#define L(m, s)                                    \
	{                                          \
#m, ZYDIS_MNEMONIC_##m, s, NULL, 0 \
	}
#define BYTES(n, raw)                                                \
	{                                                            \
		n, ZYDIS_MNEMONIC_INVALID, RAW, raw, sizeof(raw) - 1 \
	}

static const struct line lines[] = {
	L(MOV, RM_R),
	L(MOV, RM_R),
	L(MOV, RM_R),
	L(ADD, RM_R),
	L(ADC, RM_R),
	L(SUB, RM_R),
	L(SBB, RM_R),
	L(CMP, RM_R),
	L(AND, RM_R),
	L(OR, RM_R),
	L(XOR, RM_R),
	L(TEST, RM_R),
	L(INC, RM),
	L(DEC, RM),
	L(NEG, RM),
	L(NOT, RM),
	L(MUL, RM),
	L(IMUL, RM),
	L(IMUL, R_RM),
	L(IMUL, R_RM_IMM),
	L(DIV, RM),
	L(IDIV, RM),
	L(SHL, RM_SHIFT),
	L(SHR, RM_SHIFT),
	L(SAR, RM_SHIFT),
	L(ROL, RM_SHIFT),
	L(ROR, RM_SHIFT),
	L(RCL, RM_SHIFT),
	L(SHLD, RM_R_SHIFT),
	L(SHRD, RM_R_SHIFT),
	L(MOVZX, R_SMALL),
	L(MOVSX, R_SMALL),
	L(LEA, R_RM),
	L(LEA, R_RM),
	L(BT, RM_BIT),
	L(BTS, RM_BIT),
	L(BTR, RM_BIT),
	L(BTC, RM_BIT),
	L(BSF, R_RM),
	L(BSR, R_RM),
	L(TZCNT, R_RM),
	L(LZCNT, R_RM),
	L(POPCNT, R_RM),
	L(BSWAP, R),
	L(MOVBE, R_RM),
	L(ANDN, R_R_RM),
	L(BLSR, R_RM_VEX),
	L(BLSI, R_RM_VEX),
	L(BLSMSK, R_RM_VEX),
	L(BZHI, R_RM_R),
	L(BEXTR, R_RM_R),
	L(SHLX, R_RM_R),
	L(SHRX, R_RM_R),
	L(SARX, R_RM_R),
	L(RORX, R_RM_I8),
	L(MULX, R_R_RM),
	L(PDEP, R_R_RM),
	L(XCHG, RM_R),
	L(XADD, RM_R),
	L(CMPXCHG, RM_R),
	L(CMPXCHG, RM_R),
	L(PUSH, STACK64),
	L(POP, STACK64),
	L(PUSH, STACK64),
	L(POP, STACK64),
	L(CWD, NONE),
	L(CDQ, NONE),
	L(CQO, NONE),
	L(CBW, NONE),
	L(CWDE, NONE),
	L(CDQE, NONE),
	L(CLC, NONE),
	L(STC, NONE),
	L(CMC, NONE),
	L(CLD, NONE),
	L(STD, NONE),
	L(LAHF, NONE),
	L(SAHF, NONE),
	L(MOVSB, NONE),
	L(MOVSD, NONE),
	L(MOVSQ, NONE),
	L(STOSW, NONE),
	L(STOSQ, NONE),
	L(LODSB, NONE),
	L(LODSQ, NONE),
	L(SCASB, NONE),
	L(SCASD, NONE),
	L(CMPSB, NONE),
	L(CMPSQ, NONE),
	L(CPUID, NONE),
	L(RDTSC, NONE),
	L(CMOVB, R_RM),
	L(CMOVNB, R_RM),
	L(CMOVZ, R_RM),
	L(CMOVNZ, R_RM),
	L(CMOVBE, R_RM),
	L(CMOVNBE, R_RM),
	L(CMOVS, R_RM),
	L(CMOVNS, R_RM),
	L(CMOVP, R_RM),
	L(CMOVNP, R_RM),
	L(CMOVL, R_RM),
	L(CMOVNL, R_RM),
	L(CMOVLE, R_RM),
	L(CMOVNLE, R_RM),
	L(CMOVO, R_RM),
	L(CMOVNO, R_RM),
	L(SETB, RM8),
	L(SETNB, RM8),
	L(SETZ, RM8),
	L(SETNZ, RM8),
	L(SETBE, RM8),
	L(SETNBE, RM8),
	L(SETS, RM8),
	L(SETNS, RM8),
	L(SETP, RM8),
	L(SETNP, RM8),
	L(SETL, RM8),
	L(SETNL, RM8),
	L(SETLE, RM8),
	L(SETNLE, RM8),
	L(SETO, RM8),
	L(SETNO, RM8),
	/* Over two bytes of nop, so that a wrong decision shows. */
	BYTES("jo", "\x70\x02\x90\x90"),
	BYTES("jno", "\x71\x02\x90\x90"),
	BYTES("jb", "\x72\x02\x90\x90"),
	BYTES("jnb", "\x73\x02\x90\x90"),
	BYTES("jz", "\x74\x02\x90\x90"),
	BYTES("jnz", "\x75\x02\x90\x90"),
	BYTES("jbe", "\x76\x02\x90\x90"),
	BYTES("jnbe", "\x77\x02\x90\x90"),
	BYTES("js", "\x78\x02\x90\x90"),
	BYTES("jns", "\x79\x02\x90\x90"),
	BYTES("jp", "\x7a\x02\x90\x90"),
	BYTES("jnp", "\x7b\x02\x90\x90"),
	BYTES("jl", "\x7c\x02\x90\x90"),
	BYTES("jnl", "\x7d\x02\x90\x90"),
	BYTES("jle", "\x7e\x02\x90\x90"),
	BYTES("jnle", "\x7f\x02\x90\x90"),
	BYTES("jrcxz", "\xe3\x02\x90\x90"),
	BYTES("jecxz", "\x67\xe3\x02\x90\x90"),
	BYTES("jmp", "\xeb\x02\x90\x90"),
	/* call L; jmp M; L: ret; M: */
	BYTES("call ret", "\xe8\x02\x00\x00\x00\xeb\x01\xc3"),
	/* call L; L: push; leave comes from rbp = rsp */
	BYTES("enter by hand, leave", "\x55\x48\x89\xe5\x48\x83\xec\x20\xc9"),
	BYTES("lea rax, [rip+3]; push rax; ret; nop", "\x48\x8d\x05\x02\x00\x00\x00\x50\xc3"),
	BYTES("pushfq; popfq", "\x9c\x9d"),
	BYTES("movabs", "\x48\xb9\x11\x22\x33\x44\x55\x66\x77\x88"),
	BYTES("movsxd", "\x48\x63\xc8"),
	BYTES("movsxd mem", "\x48\x63\x43\x08"),
	BYTES("mov rax, [moffs]", "\x48\xa1\x10\x00\x00\x20\x00\x00\x00\x00"),
	BYTES("endbr64", "\xf3\x0f\x1e\xfa"),
	BYTES("nop [rax]", "\x0f\x1f\x00"),
	BYTES("prefetch", "\x0f\x18\x0b"),
	BYTES("movq xmm0, rax", "\x66\x48\x0f\x6e\xc0"),
	BYTES("movq rax, xmm0", "\x66\x48\x0f\x7e\xc0"),
	BYTES("movdqu xmm0, [rbx]", "\xf3\x0f\x6f\x03"),
	BYTES("movdqu [rsp+8], xmm0", "\xf3\x0f\x7f\x44\x24\x08"),
	BYTES("movdqu [rbx+4], xmm0", "\xf3\x0f\x7f\x43\x04"),
	BYTES("pmovmskb eax, xmm0", "\x66\x0f\xd7\xc0"),
	BYTES("ucomisd xmm0, [rbx]", "\x66\x0f\x2e\x03"),
	BYTES("cvttsd2si rax, xmm0", "\xf2\x48\x0f\x2c\xc0"),
	BYTES("lea rdi, [rbx+64]", "\x48\x8d\x7b\x40"),
	BYTES("lea rsi, [rbx+128]", "\x48\x8d\xb3\x80\x00\x00\x00"),
	BYTES("mov ecx,3; rep movsb", "\xb9\x03\x00\x00\x00\xf3\xa4"),
	BYTES("mov ecx,5; rep stosd", "\xb9\x05\x00\x00\x00\xf3\xab"),
	BYTES("mov ecx,4; rep lodsb", "\xb9\x04\x00\x00\x00\xf3\xac"),
	BYTES("mov ecx,4; repe cmpsb", "\xb9\x04\x00\x00\x00\xf3\xa6"),
	BYTES("mov ecx,4; repne scasb", "\xb9\x04\x00\x00\x00\xf2\xae"),
	BYTES("xor ecx,ecx; rep movsq", "\x31\xc9\xf3\x48\xa5"),
};
#define NR_LINES (sizeof(lines) / sizeof(lines[0]))

/* rsp, rbx (data), r12 (a small index) and r13 (into the stack) are written by raw bytes and strings alone. */
static const ZydisRegister scratch[] = {
	ZYDIS_REGISTER_RAX, ZYDIS_REGISTER_RCX, ZYDIS_REGISTER_RDX, ZYDIS_REGISTER_RBP,
	ZYDIS_REGISTER_RSI, ZYDIS_REGISTER_RDI, ZYDIS_REGISTER_R8,  ZYDIS_REGISTER_R9,
	ZYDIS_REGISTER_R10, ZYDIS_REGISTER_R11, ZYDIS_REGISTER_R14, ZYDIS_REGISTER_R15
};

struct bench {
	struct rng rng;
	pid_t child;
	unsigned char *code;
	size_t sz_code;
	/* what was seen */
	uint64_t nr_steps, nr_known, nr_values, nr_flags_known, nr_flags, nr_claims, nr_accesses;
	uint64_t nr_ran[NR_LINES];
	uint16_t line_at[512];
};

static ZydisRegister sized(ZydisRegister r, unsigned size)
{
	unsigned nr = r - ZYDIS_REGISTER_RAX;

	if (size == 8)
		return r;
	if (size == 4)
		return (ZydisRegister)(ZYDIS_REGISTER_EAX + nr);
	if (size == 2)
		return (ZydisRegister)(ZYDIS_REGISTER_AX + nr);
	/* al cl dl bl ah ch dh bh spl bpl ... */
	return (ZydisRegister)(ZYDIS_REGISTER_AL + (nr < 4 ? nr : nr + 4));
}

static ZydisEncoderOperand reg_operand(struct bench *b, unsigned size)
{
	ZydisRegister r = scratch[rng_below(&b->rng, sizeof(scratch) / sizeof(scratch[0]))];
	ZydisEncoderOperand op = { .type = ZYDIS_OPERAND_TYPE_REGISTER };

	op.reg.value = sized(r, size);
	if (size == 1 && rng_below(&b->rng, 4) == 0)
		op.reg.value = (ZydisRegister)(ZYDIS_REGISTER_AH + rng_below(&b->rng, 3));
	return op;
}

static ZydisEncoderOperand mem_operand(struct bench *b, unsigned size)
{
	static const ZydisRegister bases[] = { ZYDIS_REGISTER_RBX, ZYDIS_REGISTER_RSP, ZYDIS_REGISTER_R13,
					       ZYDIS_REGISTER_RSP };
	ZydisEncoderOperand op = { .type = ZYDIS_OPERAND_TYPE_MEMORY };

	op.mem.base = bases[rng_below(&b->rng, 4)];
	/* Few distinct places, so that loads and stores meet, also in part. */
	op.mem.displacement = (int64_t)rng_below(&b->rng, 24);
	if (rng_below(&b->rng, 4) == 0) {
		op.mem.index = ZYDIS_REGISTER_R12;
		op.mem.scale = (ZyanU8)(1u << rng_below(&b->rng, 4));
	}
	if (rng_below(&b->rng, 16) == 0)
		op.mem.base = scratch[rng_below(&b->rng, 12)];
	op.mem.size = (ZyanU16)size;
	return op;
}

static ZydisEncoderOperand rm_operand(struct bench *b, unsigned size)
{
	return rng_below(&b->rng, 3) == 0 ? mem_operand(b, size) : reg_operand(b, size);
}

static ZydisEncoderOperand imm_operand(struct bench *b, unsigned bits)
{
	ZydisEncoderOperand op = { .type = ZYDIS_OPERAND_TYPE_IMMEDIATE };
	uint64_t v = rng_next(&b->rng);

	op.imm.s = (int64_t)(v << (64 - bits)) >> (64 - bits);
	return op;
}

static unsigned any_size(struct bench *b, unsigned from)
{
	unsigned size = 1u << rng_below(&b->rng, 4);

	return size < from ? 8 : size;
}

static void set_rm_r(struct bench *b, ZydisEncoderRequest *rq, ZydisMnemonic m)
{
	unsigned size = any_size(b, 1);

	rq->operand_count = 2;
	rq->operands[0] = rm_operand(b, size);
	rq->operands[1] = reg_operand(b, size);
	if (m == ZYDIS_MNEMONIC_XCHG || m == ZYDIS_MNEMONIC_XADD || m == ZYDIS_MNEMONIC_CMPXCHG)
		return;
	if (rng_below(&b->rng, 4) == 0)
		rq->operands[1] = imm_operand(b, size == 1 ? 8 : size == 2 ? 16 : 32);
	else if (rng_below(&b->rng, 6) == 0)
		rq->operands[1] = rq->operands[0];
	else if (rq->operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER && m != ZYDIS_MNEMONIC_TEST)
		rq->operands[1] = rm_operand(b, size);
}

static ZydisEncoderOperand shift_operand(struct bench *b)
{
	ZydisEncoderOperand op = { .type = ZYDIS_OPERAND_TYPE_IMMEDIATE };

	op.imm.u = rng_below(&b->rng, 3) ? rng_below(&b->rng, 70) : 1;
	if (rng_below(&b->rng, 3) == 0) {
		op.type = ZYDIS_OPERAND_TYPE_REGISTER;
		op.reg.value = ZYDIS_REGISTER_CL;
	}
	return op;
}

static void set_bit(struct bench *b, ZydisEncoderRequest *rq)
{
	unsigned size = any_size(b, 2);

	rq->operand_count = 2;
	rq->operands[0] = reg_operand(b, size);
	rq->operands[1] = reg_operand(b, size);
	if (rng_below(&b->rng, 2)) {
		rq->operands[0] = rm_operand(b, size);
		rq->operands[1] = (ZydisEncoderOperand){ .type = ZYDIS_OPERAND_TYPE_IMMEDIATE };
		rq->operands[1].imm.u = rng_below(&b->rng, 64);
	}
}

/* The operands for a shape. */
static void set_shape(struct bench *b, ZydisEncoderRequest *rq, const struct line *l)
{
	unsigned size = any_size(b, l->shape == RM || l->shape == RM_SHIFT ? 1 : 2);
	unsigned wide = rng_below(&b->rng, 2) ? 8 : 4, small = size > 2 && rng_below(&b->rng, 2) ? 2 : 1;

	if (l->mnemonic == ZYDIS_MNEMONIC_MOVBE || l->mnemonic == ZYDIS_MNEMONIC_LEA)
		rq->operands[1] = mem_operand(b, size);
	else
		rq->operands[1] = rm_operand(b, l->shape == R_SMALL ? small : size);
	rq->operands[0] = reg_operand(b, size);
	rq->operand_count = 2;
	switch (l->shape) {
	case RM_R:
		set_rm_r(b, rq, l->mnemonic);
		break;
	case RM_BIT:
		set_bit(b, rq);
		break;
	case RM:
	case RM8:
	case STACK64:
		rq->operand_count = 1;
		rq->operands[0] = rm_operand(b, l->shape == RM ? size : l->shape == RM8 ? 1 : 8);
		break;
	case R:
		rq->operand_count = 1;
		rq->operands[0] = reg_operand(b, wide);
		break;
	case RM_SHIFT:
		rq->operands[0] = rm_operand(b, size);
		rq->operands[1] = shift_operand(b);
		break;
	case RM_R_SHIFT:
		rq->operand_count = 3;
		rq->operands[0] = rm_operand(b, size);
		rq->operands[1] = reg_operand(b, size);
		rq->operands[2] = shift_operand(b);
		break;
	case R_RM_IMM:
		rq->operand_count = 3;
		rq->operands[2] = imm_operand(b, size == 2 ? 16 : 32);
		break;
	case R_R_RM:
		rq->operand_count = 3;
		rq->operands[0] = reg_operand(b, wide);
		rq->operands[1] = reg_operand(b, wide);
		rq->operands[2] = rm_operand(b, wide);
		break;
	case R_RM_R:
		rq->operand_count = 3;
		rq->operands[0] = reg_operand(b, wide);
		rq->operands[1] = rm_operand(b, wide);
		rq->operands[2] = reg_operand(b, wide);
		break;
	case R_RM_I8:
		rq->operand_count = 3;
		rq->operands[0] = reg_operand(b, wide);
		rq->operands[1] = rm_operand(b, wide);
		rq->operands[2] = (ZydisEncoderOperand){ .type = ZYDIS_OPERAND_TYPE_IMMEDIATE };
		rq->operands[2].imm.u = rng_below(&b->rng, 64);
		break;
	case R_RM_VEX:
		rq->operands[0] = reg_operand(b, wide);
		rq->operands[1] = rm_operand(b, wide);
		break;
	case NONE:
		rq->operand_count = 0;
		break;
	default:
		break;
	}
}

/* Appends one line's code; a combination that cannot be encoded is tried again with other operands. */
static void append(struct bench *b, unsigned nr)
{
	const struct line *l = &lines[nr];
	ZyanUSize len = X86_MAX_INSN;

	b->line_at[b->sz_code] = (uint16_t)nr;
	if (l->shape == RAW) {
		memcpy(b->code + b->sz_code, l->raw, l->sz_raw);
		b->sz_code += l->sz_raw;
		return;
	}
	for (int tries = 0; tries < 64; tries++) {
		ZydisEncoderRequest rq = { .machine_mode = ZYDIS_MACHINE_MODE_LONG_64, .mnemonic = l->mnemonic };

		set_shape(b, &rq, l);
		len = X86_MAX_INSN;
		if (ZYAN_SUCCESS(ZydisEncoderEncodeInstruction(&rq, b->code + b->sz_code, &len))) {
			b->sz_code += len;
			return;
		}
	}
	fail_msg("%s cannot be encoded", l->name);
}

static uint64_t any_value(struct bench *b)
{
	static const uint64_t special[] = { 0,	      1,	  2,	      127,	  128,	      255,
					    32768,    0x7fffffff, 0x80000000, 0xffffffff, UINT64_MAX, UINT64_C(1) << 63,
					    INT64_MAX };

	if (rng_below(&b->rng, 3) == 0)
		return special[rng_below(&b->rng, sizeof(special) / sizeof(special[0]))];
	return rng_next(&b->rng) >> rng_below(&b->rng, 64);
}

static void get_regs(struct bench *b, struct user_regs_struct *regs)
{
	assert_int_equal(ptrace(PTRACE_GETREGS, b->child, NULL, regs), 0);
}

static void start_sequence(struct bench *b, struct user_regs_struct *regs)
{
	uint64_t *stack = (uint64_t *)(STACK + ROOM / 2 - 4096), *data = (uint64_t *)DATA;

	memset(b->code, 0x90, 512);
	b->sz_code = 0;
	memset(b->line_at, 0xff, sizeof(b->line_at));
	for (unsigned i = 0; i < LINES; i++)
		append(b, (unsigned)rng_below(&b->rng, NR_LINES));
	for (unsigned i = 0; i < 1024; i++) {
		stack[i] = any_value(b);
		data[i] = any_value(b);
	}
	get_regs(b, regs);
	regs->rax = any_value(b), regs->rcx = any_value(b), regs->rdx = any_value(b), regs->rbp = any_value(b);
	regs->r8 = any_value(b), regs->r9 = any_value(b), regs->r10 = any_value(b), regs->r11 = any_value(b);
	regs->r14 = any_value(b), regs->r15 = any_value(b);
	regs->rbx = DATA + 256, regs->rsi = DATA + 1024, regs->rdi = DATA + 2048;
	regs->r12 = rng_below(&b->rng, 4);
	regs->rsp = STACK + ROOM / 2, regs->r13 = regs->rsp + 16;
	regs->rip = CODE;
	regs->orig_rax = UINT64_MAX;
	regs->eflags = 0x202 | (rng_next(&b->rng) & X86_ARITH);
	assert_int_equal(ptrace(PTRACE_SETREGS, b->child, NULL, regs), 0);
}

/* One instruction, all repetitions of it. False: it faulted. */
static bool step(struct bench *b, struct user_regs_struct *regs)
{
	uint64_t ip = regs->rip;

	do {
		int status;

		assert_int_equal(ptrace(PTRACE_SINGLESTEP, b->child, NULL, NULL), 0);
		assert_int_equal(waitpid(b->child, &status, 0), b->child);
		assert_true(WIFSTOPPED(status));
		if (WSTOPSIG(status) != SIGTRAP)
			return false;
		get_regs(b, regs);
	} while (regs->rip == ip);
	return true;
}

static void print_code(const struct bench *b, uint64_t ip)
{
	ZydisDisassembledInstruction insn;

	if (ZYAN_SUCCESS(ZydisDisassembleIntel(ZYDIS_MACHINE_MODE_LONG_64, ip, b->code + (ip - CODE), 32, &insn)))
		print_error("at +%lu: %s\n", ip - CODE, insn.text);
}

/* Whatever the run claims to know must be so. */
static void check_state(struct bench *b, const struct x86_run *run, const struct user_regs_struct *regs, uint64_t ip)
{
	uint64_t gpr[X86_NR_GPRS];

	truth_gprs(gpr, regs);
	for (unsigned i = 0; i < X86_NR_GPRS; i++) {
		b->nr_values++;
		if (!(run->gpr_known >> i & 1))
			continue;
		b->nr_known++;
		if (run->gpr[i] == gpr[i])
			continue;
		print_code(b, ip);
		fail_msg("register %u: %#lx, not %#lx", i, gpr[i], run->gpr[i]);
	}
	b->nr_flags += 6;
	b->nr_flags_known += (unsigned)__builtin_popcount(run->flags_known);
	if ((regs->eflags ^ run->flags) & run->flags_known) {
		print_code(b, ip);
		fail_msg("flags: %#llx, not %#x of %#x", regs->eflags, run->flags, run->flags_known);
	}
}

static void check_accesses(struct bench *b, const struct x86_run *run, const struct user_regs_struct *before)
{
	struct truth t[TRUTH_MAX];
	unsigned nr = truth_accesses(before, NULL, b->code + (before->rip - CODE), 32, t);

	b->nr_accesses += nr;
	b->nr_claims += run->nr_accesses;
	for (unsigned i = 0; i < run->nr_accesses; i++)
		if (!truth_has(t, nr, &run->access[i])) {
			print_code(b, before->rip);
			fail_msg("claims an access at %#lx, %u bytes, op %u", run->access[i].addr, run->access[i].size,
				 run->access[i].op);
		}
	if (nr && !run->nr_accesses && !run->has_unknown_access) {
		print_code(b, before->rip);
		fail_msg("misses the access at %#lx", t[0].addr);
	}
}

static void run_sequence(struct bench *b)
{
	struct user_regs_struct regs, before;
	unsigned char copy[SZ_COPY];
	struct x86_sample sample = { .stack = copy, .sz_stack = sizeof(copy) };
	struct x86_run run;

	start_sequence(b, &regs);
	memcpy(copy, (void *)regs.rsp, sizeof(copy));
	truth_gprs(sample.gpr, &regs);
	sample.ip = regs.rip;
	sample.flags = regs.eflags;
	x86_begin(&run, &sample);
	for (unsigned i = 0; i < 60 && regs.rip < CODE + b->sz_code; i++) {
		struct uop u = uop_decode(b->code + (regs.rip - CODE), 32);
		bool went_on;

		before = regs;
		x86_step(&run, &u);
		if (b->line_at[before.rip - CODE] < NR_LINES)
			b->nr_ran[b->line_at[before.rip - CODE]]++;
		went_on = step(b, &regs);
		if (run.stop == X86_STOP_FAULT && went_on) {
			print_code(b, before.rip);
			fail_msg("did not fault");
		}
		if (!went_on || run.stop)
			return;
		b->nr_steps++;
		if (run.ip != regs.rip) {
			print_code(b, before.rip);
			fail_msg("goes to %#llx, not %#lx", regs.rip, run.ip);
		}
		check_accesses(b, &run, &before);
		check_state(b, &run, &regs, before.rip);
	}
}

static void share_memory(uint64_t at, int prot)
{
	assert_ptr_equal(mmap((void *)at, ROOM, prot, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
			 (void *)at);
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	int status;

	share_memory(CODE, PROT_READ | PROT_WRITE | PROT_EXEC);
	share_memory(DATA, PROT_READ | PROT_WRITE);
	share_memory(STACK, PROT_READ | PROT_WRITE);
	b->rng = rng_seeded(7);
	b->code = (unsigned char *)CODE;
	b->child = fork();
	if (b->child == 0) {
		/* Stores at random addresses must not change the code. */
		mprotect((void *)CODE, ROOM, PROT_READ | PROT_EXEC);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(0);
	}
	assert_true(b->child > 0);
	assert_int_equal(waitpid(b->child, &status, 0), b->child);
	assert_true(WIFSTOPPED(status));
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	kill(b->child, SIGKILL);
	waitpid(b->child, NULL, 0);
	munmap((void *)CODE, ROOM);
	munmap((void *)DATA, ROOM);
	munmap((void *)STACK, ROOM);
	free(b);
	return 0;
}

static void test_known_is_right(void **state)
{
	struct bench *b = *state;

	for (unsigned i = 0; i < NR_SEQUENCES; i++)
		run_sequence(b);
	for (unsigned i = 0; i < NR_LINES; i++)
		if (b->nr_ran[i] < 5)
			fail_msg("%s ran only %lu times", lines[i].name, b->nr_ran[i]);
	print_message("%lu steps: %.3f of the registers known, %.3f of the flags, %.3f of the accesses\n", b->nr_steps,
		      (double)b->nr_known / b->nr_values, (double)b->nr_flags_known / b->nr_flags,
		      (double)b->nr_claims / b->nr_accesses);
	assert_true(b->nr_steps > 10000);
	assert_true(b->nr_known * 100 > b->nr_values * 80);
	assert_true(b->nr_flags_known * 100 > b->nr_flags * 60);
	assert_true(b->nr_claims * 100 > b->nr_accesses * 75);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_known_is_right, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
	return 0;
}

#endif
