/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/x86/decode.h"

#include <Zydis/Zydis.h>
#include <stdbool.h>

/* How the operands of an instruction fill a uop. */
enum form {
	FORM_PLAIN,  /* dst src aux are its first three */
	FORM_COND,   /* arg is the condition */
	FORM_STRING, /* arg is the element's size */
	FORM_FLAG,   /* arg is the number of the flag's bit */
	FORM_SIZED,  /* arg is the size */
};

struct row {
	uint8_t op, form, arg;
};

#define PLAIN(name, o) [ZYDIS_MNEMONIC_##name] = { o, FORM_PLAIN, 0 }
#define SAME(name)     PLAIN(name, UOP_##name)
#define COND(name, cc)                                             \
	[ZYDIS_MNEMONIC_J##name] = { UOP_JCC, FORM_COND, cc },     \
	[ZYDIS_MNEMONIC_CMOV##name] = { UOP_CMOV, FORM_COND, cc }, \
	[ZYDIS_MNEMONIC_SET##name] = { UOP_SETCC, FORM_COND, cc }
#define STRING(name)                                                 \
	[ZYDIS_MNEMONIC_##name##B] = { UOP_##name, FORM_STRING, 1 }, \
	[ZYDIS_MNEMONIC_##name##W] = { UOP_##name, FORM_STRING, 2 }, \
	[ZYDIS_MNEMONIC_##name##D] = { UOP_##name, FORM_STRING, 4 }, \
	[ZYDIS_MNEMONIC_##name##Q] = { UOP_##name, FORM_STRING, 8 }
#define SIZED(name, o, size) [ZYDIS_MNEMONIC_##name] = { o, FORM_SIZED, size }
#define SAME_MASK(name)	     PLAIN(name, UOP_KMOV)
#define FLAG(name, o, bit)   [ZYDIS_MNEMONIC_##name] = { o, FORM_FLAG, bit }

/* The mnemonics of the model. What is not here is UOP_OTHER, or UOP_STOP where it changes the flow. */
static const struct row rows[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
	SAME(MOV),
	SAME(MOVZX),
	SAME(MOVSX),
	PLAIN(MOVSXD, UOP_MOVSX),
	SAME(MOVBE),
	PLAIN(MOVNTI, UOP_MOV),
	SAME(LEA),
	SAME(ADD),
	SAME(ADC),
	SAME(SUB),
	SAME(SBB),
	SAME(CMP),
	SAME(AND),
	SAME(OR),
	SAME(XOR),
	SAME(TEST),
	SAME(INC),
	SAME(DEC),
	SAME(NEG),
	SAME(NOT),
	SAME(IMUL),
	PLAIN(MUL, UOP_MUL_WIDE),
	SAME(MULX),
	SAME(DIV),
	SAME(IDIV),
	SAME(SHL),
	SAME(SHR),
	SAME(SAR),
	SAME(ROL),
	SAME(ROR),
	SAME(SHLD),
	SAME(SHRD),
	SAME(SHLX),
	SAME(SHRX),
	SAME(SARX),
	SAME(RORX),
	SAME(BT),
	SAME(BTS),
	SAME(BTR),
	SAME(BTC),
	SAME(BSF),
	SAME(BSR),
	SAME(TZCNT),
	SAME(LZCNT),
	SAME(POPCNT),
	SAME(BSWAP),
	SAME(ANDN),
	SAME(BLSR),
	SAME(BLSI),
	SAME(BLSMSK),
	SAME(BZHI),
	SAME(XCHG),
	SAME(XADD),
	SAME(CMPXCHG),
	SAME(PUSH),
	SAME(POP),
	PLAIN(POPFQ, UOP_POPF),
	PLAIN(PUSHFQ, UOP_PUSH),
	SAME(LEAVE),
	SAME(CALL),
	SAME(RET),
	SAME(JMP),
	COND(O, 0),
	COND(NO, 1),
	COND(B, 2),
	COND(NB, 3),
	COND(Z, 4),
	COND(NZ, 5),
	COND(BE, 6),
	COND(NBE, 7),
	COND(S, 8),
	COND(NS, 9),
	COND(P, 10),
	COND(NP, 11),
	COND(L, 12),
	COND(NL, 13),
	COND(LE, 14),
	COND(NLE, 15),
	SIZED(JECXZ, UOP_JRCXZ, 4),
	SIZED(JRCXZ, UOP_JRCXZ, 8),
	SIZED(CWD, UOP_SIGN_HIGH, 2),
	SIZED(CDQ, UOP_SIGN_HIGH, 4),
	SIZED(CQO, UOP_SIGN_HIGH, 8),
	SIZED(CBW, UOP_SIGN_LOW, 2),
	SIZED(CWDE, UOP_SIGN_LOW, 4),
	SIZED(CDQE, UOP_SIGN_LOW, 8),
	SAME_MASK(KMOVB),
	SAME_MASK(KMOVW),
	SAME_MASK(KMOVD),
	SAME_MASK(KMOVQ),
	FLAG(CLC, UOP_FLAG_CLEAR, 0),
	FLAG(STC, UOP_FLAG_SET, 0),
	FLAG(CMC, UOP_FLAG_FLIP, 0),
	FLAG(CLD, UOP_FLAG_CLEAR, 10),
	FLAG(STD, UOP_FLAG_SET, 10),
	STRING(MOVS),
	STRING(STOS),
	STRING(LODS),
	STRING(SCAS),
	STRING(CMPS),
};

/* 0 ... 15, or UOP_NO_REG. */
static uint8_t gpr_number(ZydisRegister reg)
{
	ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);

	if (whole < ZYDIS_REGISTER_RAX || whole > ZYDIS_REGISTER_R15)
		return UOP_NO_REG;
	return (uint8_t)(whole - ZYDIS_REGISTER_RAX);
}

static uint8_t operand_of_reg(ZydisRegister reg)
{
	uint8_t nr = gpr_number(reg);

	if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
		return (uint8_t)(OPND_HIGH + (reg - ZYDIS_REGISTER_AH));
	return nr == UOP_NO_REG ? OPND_OTHER : nr;
}

/* 1 ... 7: the mask register that says which elements of a vector are accessed; 0: all are. */
static uint8_t mask_of(const ZydisDecodedInstruction *insn)
{
	if (insn->avx.mask.reg <= ZYDIS_REGISTER_K0 || insn->avx.mask.reg > ZYDIS_REGISTER_K7)
		return 0;
	return (uint8_t)(insn->avx.mask.reg - ZYDIS_REGISTER_K0);
}

/* Elements side by side, one of memory for each of the register: not so where they are packed or repeated. */
static bool has_plain_elements(const ZydisDecodedInstruction *insn)
{
	switch (insn->meta.category) {
	case ZYDIS_CATEGORY_EXPAND:
	case ZYDIS_CATEGORY_COMPRESS:
	case ZYDIS_CATEGORY_CONVERT:
	case ZYDIS_CATEGORY_BROADCAST:
		return false;
	default:
		return insn->avx.broadcast.mode == ZYDIS_BROADCAST_MODE_INVALID;
	}
}

/* Which elements a vector instruction accesses. */
static void set_mask(struct uop *u, const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op)
{
	u->mask = mask_of(insn);
	u->size = (uint8_t)(op->element_size / 8);
	if (u->mask && (!has_plain_elements(insn) || !u->size || u->sz_mem % u->size || u->sz_mem / u->size > 64))
		u->mem |= UOP_MEM_UNKNOWN;
}

static uint16_t sz_access(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op)
{
	bool broadcast = insn->avx.broadcast.mode != ZYDIS_BROADCAST_MODE_INVALID && !insn->avx.broadcast.is_static;

	return (uint16_t)((broadcast ? op->element_size : op->size) / 8);
}

static uint8_t access_of(const ZydisDecodedOperand *op)
{
	uint8_t mem = 0;

	if (op->actions & ZYDIS_OPERAND_ACTION_MASK_READ)
		mem |= UOP_MEM_READ;
	if (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
		mem |= UOP_MEM_WRITE;
	if (op->actions & (ZYDIS_OPERAND_ACTION_CONDREAD | ZYDIS_OPERAND_ACTION_CONDWRITE))
		mem |= UOP_MEM_UNKNOWN;
	return mem;
}

static uint8_t log2_of(unsigned scale)
{
	return scale ? (uint8_t)__builtin_ctz(scale) : 0;
}

/* Address, size and kind of the memory operand. */
static void set_memory(struct uop *u, const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op)
{
	const ZydisDecodedOperandMem *m = &op->mem;
	bool rip = m->base == ZYDIS_REGISTER_RIP || m->base == ZYDIS_REGISTER_EIP;

	u->mem |= access_of(op);
	u->sz_mem = sz_access(insn, op);
	u->base = rip ? UOP_BASE_RIP : m->base == ZYDIS_REGISTER_NONE ? UOP_NO_REG : gpr_number(m->base);
	u->index = m->index == ZYDIS_REGISTER_NONE ? UOP_NO_REG : gpr_number(m->index);
	u->scale = log2_of(m->scale);
	u->disp = (int32_t)m->disp.value;
	if (m->disp.value != u->disp) {
		u->base = UOP_BASE_IMM;
		u->imm = (int32_t)m->disp.value;
		u->disp = (int32_t)(m->disp.value >> 32);
	}
	if (insn->address_width == 32)
		u->mem |= UOP_MEM_ADDR32;
	if (m->segment == ZYDIS_REGISTER_FS || m->segment == ZYDIS_REGISTER_GS)
		u->mem |= UOP_MEM_UNKNOWN | UOP_MEM_SEGMENT;
	/* xlat adds AL alone. */
	if (m->index != ZYDIS_REGISTER_NONE && ZydisRegisterGetWidth(insn->machine_mode, m->index) < 32)
		u->mem |= UOP_MEM_UNKNOWN;
	if (m->type == ZYDIS_MEMOP_TYPE_VSIB || m->type == ZYDIS_MEMOP_TYPE_MIB || u->sz_mem == 0)
		u->mem |= UOP_MEM_UNKNOWN;
}

static uint8_t set_operand(struct uop *u, const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op)
{
	switch (op->type) {
	case ZYDIS_OPERAND_TYPE_REGISTER:
		return operand_of_reg(op->reg.value);
	case ZYDIS_OPERAND_TYPE_MEMORY:
		set_memory(u, insn, op);
		return OPND_MEM;
	case ZYDIS_OPERAND_TYPE_IMMEDIATE:
		u->imm = (int32_t)op->imm.value.s;
		return op->imm.is_relative ? OPND_REL : OPND_IMM;
	default:
		return OPND_OTHER;
	}
}

static void set_operands(struct uop *u, const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *ops)
{
	unsigned nr = insn->operand_count_visible;

	u->dst = nr > 0 ? set_operand(u, insn, &ops[0]) : OPND_NONE;
	u->src = nr > 1 ? set_operand(u, insn, &ops[1]) : OPND_NONE;
	u->aux = nr > 2 ? set_operand(u, insn, &ops[2]) : OPND_NONE;
	u->size = nr > 0 ? (uint8_t)(ops[0].size / 8) : 0;
	u->src_size = nr > 1 ? (uint8_t)(ops[1].size / 8) : u->size;
}

/* General registers that it writes, hidden operands included. */
static uint16_t written_gprs(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *ops)
{
	unsigned regs = 0;

	for (unsigned i = 0; i < insn->operand_count; i++)
		if (ops[i].type == ZYDIS_OPERAND_TYPE_REGISTER && (ops[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) &&
		    gpr_number(ops[i].reg.value) != UOP_NO_REG)
			regs |= 1u << gpr_number(ops[i].reg.value);
	return (uint16_t)regs;
}

static unsigned written_mask(const ZydisDecodedOperand *op)
{
	if (op->type != ZYDIS_OPERAND_TYPE_REGISTER || !(op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) ||
	    op->reg.value < ZYDIS_REGISTER_K0 || op->reg.value > ZYDIS_REGISTER_K7)
		return 0;
	return 1u << (op->reg.value - ZYDIS_REGISTER_K0);
}

/* Registers, flags and memory that an instruction outside of the model writes, hidden operands included. */
static void set_other(struct uop *u, const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *ops)
{
	unsigned masks = 0, nr_memory = 0, flags = 0;

	if (insn->cpu_flags)
		flags = insn->cpu_flags->modified | insn->cpu_flags->set_0 | insn->cpu_flags->set_1 |
			insn->cpu_flags->undefined;
	u->op = UOP_OTHER;
	for (unsigned i = 0; i < insn->operand_count; i++) {
		const ZydisDecodedOperand *op = &ops[i];

		if (op->type == ZYDIS_OPERAND_TYPE_MEMORY && op->mem.type != ZYDIS_MEMOP_TYPE_AGEN) {
			set_memory(u, insn, op);
			set_mask(u, insn, op);
			nr_memory++;
		}
		masks |= written_mask(op);
	}
	if (nr_memory > 1 || u->base == UOP_BASE_IMM)
		u->mem |= UOP_MEM_UNKNOWN;
	u->clobbers.masks = (uint16_t)masks;
	u->clobbers.flags = (uint16_t)(flags & X86_FLAGS);
}

static uint8_t rep_of(const ZydisDecodedInstruction *insn)
{
	if (insn->attributes & ZYDIS_ATTRIB_HAS_REPNE)
		return REP_WHILE_NOT_EQUAL;
	if (insn->attributes & ZYDIS_ATTRIB_HAS_REPE)
		return REP_WHILE_EQUAL;
	return insn->attributes & ZYDIS_ATTRIB_HAS_REP ? REP_ALWAYS : REP_NONE;
}

/* String instructions with their usual addresses alone: anything else is outside of the model. */
static bool set_string(struct uop *u, const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *ops)
{
	if (insn->meta.category != ZYDIS_CATEGORY_STRINGOP || insn->address_width != 64)
		return false;
	for (unsigned i = 0; i < insn->operand_count; i++)
		if (ops[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    (ops[i].mem.segment == ZYDIS_REGISTER_FS || ops[i].mem.segment == ZYDIS_REGISTER_GS))
			return false;
	u->aux = rep_of(insn);
	return true;
}

static void set_stack_size(struct uop *u, const ZydisDecodedInstruction *insn)
{
	/* With an operand size prefix these move 2 bytes: nobody's compiler writes that. */
	if (insn->operand_width == 16)
		u->op = UOP_STOP;
	u->size = u->src_size = 8;
}

static bool is_far(const ZydisDecodedInstruction *insn)
{
	return insn->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
}

/* The rest of what belongs to one kind of instruction. False: outside of the model after all. */
static bool set_form(struct uop *u, const struct row *row, const ZydisDecodedInstruction *insn,
		     const ZydisDecodedOperand *ops)
{
	set_operands(u, insn, ops);
	if (row->form == FORM_COND)
		u->aux = row->arg;
	if (row->form == FORM_SIZED)
		u->src_size = u->size = row->arg;
	if (row->form == FORM_FLAG)
		u->imm = 1 << row->arg;
	if (row->form == FORM_STRING) {
		u->size = row->arg;
		return set_string(u, insn, ops);
	}
	return true;
}

/*
 * sub, xor or cmp of a register with fs:[0x28]: the stack protector's check at the end of a function. The word there is
 * not known, but a program that goes on has found it unchanged, so the outcome is.
 */
static bool is_canary(const struct uop *u, const ZydisDecodedOperand *ops)
{
	return (u->op == UOP_SUB || u->op == UOP_XOR || u->op == UOP_CMP) && u->dst < X86_NR_GPRS &&
	       u->src == OPND_MEM && u->size == 8 && ops[1].mem.segment == ZYDIS_REGISTER_FS && u->base == UOP_NO_REG &&
	       u->index == UOP_NO_REG && u->disp == 0x28;
}

/* What one mnemonic stands for more than one thing needs a second look. */
static bool set_variant(struct uop *u, const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *ops)
{
	if (is_canary(u, ops)) {
		u->aux = u->op != UOP_CMP;
		u->op = UOP_CANARY;
	}
	switch (u->op) {
	case UOP_MOV:
		if (u->dst == OPND_OTHER)
			return false; /* segment, control and debug registers */
		if (u->src == OPND_IMM && ops[1].imm.value.s != u->imm && u->size == 8) {
			u->op = UOP_MOVABS;
			u->disp = (int32_t)(ops[1].imm.value.u >> 32);
		}
		return true;
	case UOP_IMUL:
		if (insn->operand_count_visible == 1) {
			u->op = UOP_IMUL_WIDE;
		} else if (insn->operand_count_visible == 2) {
			u->aux = u->src;
			u->src = u->dst;
		}
		return true;
	case UOP_PUSH:
	case UOP_POP:
	case UOP_POPF:
	case UOP_LEAVE:
		set_stack_size(u, insn);
		return true;
	case UOP_CALL:
	case UOP_RET:
	case UOP_JMP:
		if (is_far(insn))
			u->op = UOP_STOP;
		else
			set_stack_size(u, insn);
		return true;
	case UOP_KMOV:
		if (ops[0].type != ZYDIS_OPERAND_TYPE_REGISTER || !written_mask(&ops[0]) || u->src >= X86_NR_GPRS)
			return false;
		u->aux = (uint8_t)(ops[0].reg.value - ZYDIS_REGISTER_K0);
		u->size = insn->mnemonic == ZYDIS_MNEMONIC_KMOVB   ? 1
			  : insn->mnemonic == ZYDIS_MNEMONIC_KMOVW ? 2
			  : insn->mnemonic == ZYDIS_MNEMONIC_KMOVD ? 4
								   : 8;
		return true;
	case UOP_BT:
	case UOP_BTS:
	case UOP_BTR:
	case UOP_BTC:
		/* In memory and by register, the offset moves the address. */
		return !(u->dst == OPND_MEM && u->src != OPND_IMM);
	default:
		return true;
	}
}

static bool is_nop(const ZydisDecodedInstruction *insn)
{
	switch (insn->meta.category) {
	case ZYDIS_CATEGORY_NOP:
	case ZYDIS_CATEGORY_WIDENOP:
	case ZYDIS_CATEGORY_PREFETCH:
	case ZYDIS_CATEGORY_PREFETCHWT1:
		return true;
	default:
		break;
	}
	switch (insn->mnemonic) {
	case ZYDIS_MNEMONIC_NOP:
	case ZYDIS_MNEMONIC_ENDBR64:
	case ZYDIS_MNEMONIC_ENDBR32:
	case ZYDIS_MNEMONIC_PAUSE:
	case ZYDIS_MNEMONIC_CLFLUSH:
	case ZYDIS_MNEMONIC_CLFLUSHOPT:
	case ZYDIS_MNEMONIC_CLWB:
	case ZYDIS_MNEMONIC_CLDEMOTE:
		return true;
	default:
		return false;
	}
}

/* Instructions that are not in the table and do not go on to the next one, or not as we see it. */
static bool is_stop(const ZydisDecodedInstruction *insn)
{
	switch (insn->meta.category) {
	case ZYDIS_CATEGORY_SYSCALL:
	case ZYDIS_CATEGORY_SYSRET:
	case ZYDIS_CATEGORY_INTERRUPT:
	case ZYDIS_CATEGORY_RET:
	case ZYDIS_CATEGORY_CALL:
	case ZYDIS_CATEGORY_UNCOND_BR:
	case ZYDIS_CATEGORY_COND_BR:
		return true;
	default:
		break;
	}
	switch (insn->mnemonic) {
	case ZYDIS_MNEMONIC_HLT:
	case ZYDIS_MNEMONIC_UD0:
	case ZYDIS_MNEMONIC_UD1:
	case ZYDIS_MNEMONIC_UD2:
	case ZYDIS_MNEMONIC_ENTER:
	case ZYDIS_MNEMONIC_XBEGIN:
	case ZYDIS_MNEMONIC_XABORT:
	case ZYDIS_MNEMONIC_XEND:
		return true;
	default:
		return (insn->attributes & ZYDIS_ATTRIB_IS_PRIVILEGED) != 0 ||
		       insn->meta.branch_type != ZYDIS_BRANCH_TYPE_NONE;
	}
}

struct uop uop_decode(const unsigned char *code, size_t len)
{
	struct uop u = { .op = UOP_STOP, .base = UOP_NO_REG, .index = UOP_NO_REG };
	struct uop blank = u;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction insn;
	ZydisDecoder decoder;
	const struct row *row;

	if (ZYAN_FAILED(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) ||
	    ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, code, len, &insn, ops)))
		return u;
	u.len = blank.len = insn.length;
	u.writes = blank.writes = written_gprs(&insn, ops);
	row = &rows[insn.mnemonic];
	u.op = row->op;
	if (is_nop(&insn)) {
		u.op = UOP_NOP;
		return u;
	}
	if (row->op != UOP_STOP && set_form(&u, row, &insn, ops) && set_variant(&u, &insn, ops))
		return u;
	u = blank;
	if (!is_stop(&insn))
		set_other(&u, &insn, ops);
	return u;
}
