/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uop.h - one decoded x86-64 instruction in 24 bytes, all that the emulator
 * needs of it.
 *
 * Plain values; made by decode.c, kept by code_cache.c, run by emulate.c.
 */
#ifndef COLLECTOR_X86_UOP_H
#define COLLECTOR_X86_UOP_H

#include <stdint.h>

/* Numbers of the general registers, as the instruction set has them. */
enum x86_gpr {
	X86_RAX,
	X86_RCX,
	X86_RDX,
	X86_RBX,
	X86_RSP,
	X86_RBP,
	X86_RSI,
	X86_RDI,
	X86_R8,
	X86_R15 = 15,
	X86_NR_GPRS = 16,
};

/* The flags that are modelled, at their places in RFLAGS. AF is not: no branch looks at it. */
#define X86_CF	  0x001u
#define X86_PF	  0x004u
#define X86_ZF	  0x040u
#define X86_SF	  0x080u
#define X86_DF	  0x400u
#define X86_OF	  0x800u
#define X86_ARITH (X86_CF | X86_PF | X86_ZF | X86_SF | X86_OF)
#define X86_FLAGS (X86_ARITH | X86_DF)

/* What an instruction does; each has a row in the emulator's table of handlers. */
enum uop_op {
	UOP_STOP,  /* leaves user mode, cannot be decoded, or goes where nobody can tell */
	UOP_OTHER, /* outside of the model: what it writes becomes unknown */
	UOP_NOP,
	UOP_MOV,
	UOP_MOVABS, /* a 64-bit immediate: imm low, disp high */
	UOP_MOVZX,
	UOP_MOVSX,
	UOP_MOVBE,
	UOP_LEA,
	UOP_ADD,
	UOP_ADC,
	UOP_SUB,
	UOP_SBB,
	UOP_CMP,
	UOP_AND,
	UOP_OR,
	UOP_XOR,
	UOP_TEST,
	UOP_INC,
	UOP_DEC,
	UOP_NEG,
	UOP_NOT,
	UOP_IMUL, /* dst = src * aux */
	UOP_MUL_WIDE,
	UOP_IMUL_WIDE,
	UOP_MULX,
	UOP_DIV,
	UOP_IDIV,
	UOP_SHL,
	UOP_SHR,
	UOP_SAR,
	UOP_ROL,
	UOP_ROR,
	UOP_SHLD,
	UOP_SHRD,
	UOP_SHLX,
	UOP_SHRX,
	UOP_SARX,
	UOP_RORX,
	UOP_BT,
	UOP_BTS,
	UOP_BTR,
	UOP_BTC,
	UOP_BSF,
	UOP_BSR,
	UOP_TZCNT,
	UOP_LZCNT,
	UOP_POPCNT,
	UOP_BSWAP,
	UOP_ANDN,
	UOP_BLSR,
	UOP_BLSI,
	UOP_BLSMSK,
	UOP_BZHI,
	UOP_XCHG,
	UOP_XADD,
	UOP_CMPXCHG,
	UOP_PUSH,
	UOP_POP,
	UOP_POPF,
	UOP_LEAVE,
	UOP_CALL,
	UOP_RET,
	UOP_JMP,
	UOP_JCC,   /* aux: enum of the opcode's low 4 bits */
	UOP_JRCXZ, /* size: of the counter */
	UOP_CMOV,
	UOP_SETCC,
	UOP_SIGN_HIGH, /* cwd cdq cqo */
	UOP_SIGN_LOW,  /* cbw cwde cdqe */
	UOP_FLAG_CLEAR,
	UOP_FLAG_SET,
	UOP_FLAG_FLIP,
	UOP_MOVS,
	UOP_STOS,
	UOP_LODS,
	UOP_SCAS,
	UOP_CMPS,
	UOP_CANARY, /* the stack protector's comparison, see decode.c; aux: dst is written */
	UOP_KMOV,   /* to mask register aux from a general register */
	UOP_NR,
};

/* Operands: 0 ... 15 a register, or one of these. */
enum uop_operand {
	OPND_HIGH = 16, /* + 0 ... 3: AH CH DH BH */
	OPND_MEM = 32,
	OPND_IMM,
	OPND_REL,   /* imm is relative to the next instruction */
	OPND_OTHER, /* a register outside of the model: read as unknown, writes go nowhere */
	OPND_NONE,
};

/* uop.base beside 0 ... 15. */
#define UOP_BASE_RIP  16
#define UOP_NO_REG    17
#define UOP_BASE_IMM  18 /* the whole address is in disp (high) and imm (low): moffs */
#define UOP_SCALE_MAX 3

enum uop_mem {
	UOP_MEM_READ = 1,
	UOP_MEM_WRITE = 2,
	UOP_MEM_UNKNOWN = 4, /* where or whether it accesses cannot be told: segments, gathers, masks */
	UOP_MEM_SEGMENT = 8, /* fs: or gs:, never the stack */
	UOP_MEM_ADDR32 = 16, /* the address is cut to 32 bits */
};

enum uop_rep { REP_NONE, REP_ALWAYS, REP_WHILE_EQUAL, REP_WHILE_NOT_EQUAL };

struct uop {
	uint8_t op;	  /* enum uop_op */
	uint8_t len;	  /* bytes of the instruction; 0: could not be read or decoded */
	uint8_t dst, src; /* enum uop_operand */
	uint8_t aux;	  /* a third operand, the condition, or enum uop_rep */
	uint8_t size;	  /* bytes of dst (strings: of the element) */
	uint8_t src_size; /* bytes of src */
	uint8_t base;
	uint8_t index;
	uint8_t scale;	 /* log2 */
	uint8_t mem;	 /* enum uop_mem bits; 0: no memory operand */
	uint8_t mask;	 /* 1 ... 7: it accesses elements (of size bytes) that this mask register selects */
	uint16_t sz_mem; /* bytes accessed there */
	uint16_t writes; /* general registers that it writes, bit by number */
	int32_t disp;
	union {
		int32_t imm;
		struct {
			uint16_t masks; /* mask registers that it writes, bit by number */
			uint16_t flags; /* flags that it writes */
		} clobbers;		/* UOP_OTHER */
	};
};
_Static_assert(sizeof(struct uop) == 24, "a cached decoding is 24 bytes");

#endif
