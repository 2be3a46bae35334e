/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/x86_lines.h"

#include <string.h>

#include <Zydis/Zydis.h>

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

static ZydisEncoderOperand reg_operand(struct rng *rng, unsigned size)
{
	ZydisRegister r = scratch[rng_below(rng, sizeof(scratch) / sizeof(scratch[0]))];
	ZydisEncoderOperand op = { .type = ZYDIS_OPERAND_TYPE_REGISTER };

	op.reg.value = sized(r, size);
	if (size == 1 && rng_below(rng, 4) == 0)
		op.reg.value = (ZydisRegister)(ZYDIS_REGISTER_AH + rng_below(rng, 3));
	return op;
}

static ZydisEncoderOperand mem_operand(struct rng *rng, unsigned size)
{
	static const ZydisRegister bases[] = { ZYDIS_REGISTER_RBX, ZYDIS_REGISTER_RSP, ZYDIS_REGISTER_R13,
					       ZYDIS_REGISTER_RSP };
	ZydisEncoderOperand op = { .type = ZYDIS_OPERAND_TYPE_MEMORY };

	op.mem.base = bases[rng_below(rng, 4)];
	/* Few distinct places, so that loads and stores meet, also in part. */
	op.mem.displacement = (int64_t)rng_below(rng, 24);
	if (rng_below(rng, 4) == 0) {
		op.mem.index = ZYDIS_REGISTER_R12;
		op.mem.scale = (ZyanU8)(1u << rng_below(rng, 4));
	}
	if (rng_below(rng, 16) == 0)
		op.mem.base = scratch[rng_below(rng, 12)];
	op.mem.size = (ZyanU16)size;
	return op;
}

static ZydisEncoderOperand rm_operand(struct rng *rng, unsigned size)
{
	return rng_below(rng, 3) == 0 ? mem_operand(rng, size) : reg_operand(rng, size);
}

static ZydisEncoderOperand imm_operand(struct rng *rng, unsigned bits)
{
	ZydisEncoderOperand op = { .type = ZYDIS_OPERAND_TYPE_IMMEDIATE };
	uint64_t v = rng_next(rng);

	op.imm.s = (int64_t)(v << (64 - bits)) >> (64 - bits);
	return op;
}

static unsigned any_size(struct rng *rng, unsigned from)
{
	unsigned size = 1u << rng_below(rng, 4);

	return size < from ? 8 : size;
}

static void set_rm_r(struct rng *rng, ZydisEncoderRequest *rq, ZydisMnemonic m)
{
	unsigned size = any_size(rng, 1);

	rq->operand_count = 2;
	rq->operands[0] = rm_operand(rng, size);
	rq->operands[1] = reg_operand(rng, size);
	if (m == ZYDIS_MNEMONIC_XCHG || m == ZYDIS_MNEMONIC_XADD || m == ZYDIS_MNEMONIC_CMPXCHG)
		return;
	if (rng_below(rng, 4) == 0)
		rq->operands[1] = imm_operand(rng, size == 1 ? 8 : size == 2 ? 16 : 32);
	else if (rng_below(rng, 6) == 0)
		rq->operands[1] = rq->operands[0];
	else if (rq->operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER && m != ZYDIS_MNEMONIC_TEST)
		rq->operands[1] = rm_operand(rng, size);
}

static ZydisEncoderOperand shift_operand(struct rng *rng)
{
	ZydisEncoderOperand op = { .type = ZYDIS_OPERAND_TYPE_IMMEDIATE };

	op.imm.u = rng_below(rng, 3) ? rng_below(rng, 70) : 1;
	if (rng_below(rng, 3) == 0) {
		op.type = ZYDIS_OPERAND_TYPE_REGISTER;
		op.reg.value = ZYDIS_REGISTER_CL;
	}
	return op;
}

static void set_bit(struct rng *rng, ZydisEncoderRequest *rq)
{
	unsigned size = any_size(rng, 2);

	rq->operand_count = 2;
	rq->operands[0] = reg_operand(rng, size);
	rq->operands[1] = reg_operand(rng, size);
	if (rng_below(rng, 2)) {
		rq->operands[0] = rm_operand(rng, size);
		rq->operands[1] = (ZydisEncoderOperand){ .type = ZYDIS_OPERAND_TYPE_IMMEDIATE };
		rq->operands[1].imm.u = rng_below(rng, 64);
	}
}

/* The operands for a shape. */
static void set_shape(struct rng *rng, ZydisEncoderRequest *rq, const struct line *l)
{
	unsigned size = any_size(rng, l->shape == RM || l->shape == RM_SHIFT ? 1 : 2);
	unsigned wide = rng_below(rng, 2) ? 8 : 4, small = size > 2 && rng_below(rng, 2) ? 2 : 1;

	if (l->mnemonic == ZYDIS_MNEMONIC_MOVBE || l->mnemonic == ZYDIS_MNEMONIC_LEA)
		rq->operands[1] = mem_operand(rng, size);
	else
		rq->operands[1] = rm_operand(rng, l->shape == R_SMALL ? small : size);
	rq->operands[0] = reg_operand(rng, size);
	rq->operand_count = 2;
	switch (l->shape) {
	case RM_R:
		set_rm_r(rng, rq, l->mnemonic);
		break;
	case RM_BIT:
		set_bit(rng, rq);
		break;
	case RM:
	case RM8:
	case STACK64:
		rq->operand_count = 1;
		rq->operands[0] = rm_operand(rng, l->shape == RM ? size : l->shape == RM8 ? 1 : 8);
		break;
	case R:
		rq->operand_count = 1;
		rq->operands[0] = reg_operand(rng, wide);
		break;
	case RM_SHIFT:
		rq->operands[0] = rm_operand(rng, size);
		rq->operands[1] = shift_operand(rng);
		break;
	case RM_R_SHIFT:
		rq->operand_count = 3;
		rq->operands[0] = rm_operand(rng, size);
		rq->operands[1] = reg_operand(rng, size);
		rq->operands[2] = shift_operand(rng);
		break;
	case R_RM_IMM:
		rq->operand_count = 3;
		rq->operands[2] = imm_operand(rng, size == 2 ? 16 : 32);
		break;
	case R_R_RM:
		rq->operand_count = 3;
		rq->operands[0] = reg_operand(rng, wide);
		rq->operands[1] = reg_operand(rng, wide);
		rq->operands[2] = rm_operand(rng, wide);
		break;
	case R_RM_R:
		rq->operand_count = 3;
		rq->operands[0] = reg_operand(rng, wide);
		rq->operands[1] = rm_operand(rng, wide);
		rq->operands[2] = reg_operand(rng, wide);
		break;
	case R_RM_I8:
		rq->operand_count = 3;
		rq->operands[0] = reg_operand(rng, wide);
		rq->operands[1] = rm_operand(rng, wide);
		rq->operands[2] = (ZydisEncoderOperand){ .type = ZYDIS_OPERAND_TYPE_IMMEDIATE };
		rq->operands[2].imm.u = rng_below(rng, 64);
		break;
	case R_RM_VEX:
		rq->operands[0] = reg_operand(rng, wide);
		rq->operands[1] = rm_operand(rng, wide);
		break;
	case NONE:
		rq->operand_count = 0;
		break;
	default:
		break;
	}
}

_Static_assert(NR_LINES <= X86_LINES_MAX, "tables are made of them");
const size_t x86_lines_nr = NR_LINES;

const char *x86_line_name(size_t nr)
{
	return lines[nr].name;
}

size_t x86_line_encode(size_t nr, struct rng *rng, unsigned char *dst)
{
	const struct line *l = &lines[nr];

	if (l->shape == RAW) {
		memcpy(dst, l->raw, l->sz_raw);
		return l->sz_raw;
	}
	for (int tries = 0; tries < 64; tries++) {
		ZydisEncoderRequest rq = { .machine_mode = ZYDIS_MACHINE_MODE_LONG_64, .mnemonic = l->mnemonic };
		ZyanUSize len = X86_MAX_INSN;

		set_shape(rng, &rq, l);
		if (ZYAN_SUCCESS(ZydisEncoderEncodeInstruction(&rq, dst, &len)))
			return len;
	}
	return 0;
}
