/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/x86/emulate.h"

#include <string.h>

#include "collector/x86/alu.h"

/* The ABI's red zone; and how much above the stack pointer counts as stack in any case. */
#define RED_ZONE   128
#define FRAME_ROOM 4096

/* No program maps what is below, and nothing of user space is above. */
#define LOWEST_DATA  UINT64_C(4096)
#define HIGHEST_DATA (UINT64_C(1) << 56)

struct val {
	uint64_t v;
	bool known;
};

static const struct val UNKNOWN;

static struct val known(uint64_t v)
{
	return (struct val){ .v = v, .known = true };
}

static struct val known_if(bool is_known, uint64_t v)
{
	return is_known ? known(v) : UNKNOWN;
}

/* ---- registers and flags ---- */

static struct val get_gpr(const struct x86_run *run, unsigned reg)
{
	return known_if(run->gpr_known >> reg & 1, run->gpr[reg]);
}

static void set_gpr(struct x86_run *run, unsigned reg, struct val v)
{
	run->gpr[reg] = v.v;
	run->gpr_known = (run->gpr_known & ~(1u << reg)) | (uint32_t)v.known << reg;
}

/* A register of 1, 2, 4 or 8 bytes; shift is 8 for AH and the like. */
static struct val get_part(const struct x86_run *run, unsigned reg, unsigned shift, unsigned size)
{
	struct val v = get_gpr(run, reg);

	v.v = v.v >> shift & alu_mask(size);
	return v;
}

/* 4 bytes clear the upper half; 1 and 2 leave the rest, so that the whole is known only if that is, too. */
static void set_part(struct x86_run *run, unsigned reg, unsigned shift, unsigned size, struct val v)
{
	uint64_t mask = alu_mask(size) << shift;
	struct val old = get_gpr(run, reg);

	if (size < 4)
		v = known_if(v.known && old.known, (old.v & ~mask) | (v.v << shift & mask));
	v.v &= size == 4 ? alu_mask(4) : UINT64_MAX;
	set_gpr(run, reg, v);
}

static void forget_flags(struct x86_run *run, uint32_t mask)
{
	run->flags_known &= ~mask;
	run->flags &= ~mask;
}

static void set_flags(struct x86_run *run, uint32_t mask, uint32_t flags)
{
	run->flags_known |= mask;
	run->flags = (run->flags & ~mask) | flags;
}

static void apply_flags(struct x86_run *run, const struct alu *r)
{
	forget_flags(run, r->undefined);
	set_flags(run, r->defined, r->flags);
}

static struct val carry_of(const struct x86_run *run)
{
	return known_if(run->flags_known & X86_CF, run->flags & X86_CF ? 1 : 0);
}

/* ---- memory ---- */

static bool is_within(uint64_t addr, uint64_t start, uint64_t end)
{
	return addr >= start && addr < end;
}

/* Within the window that is stack for certain, or near the stack pointer of the moment? */
static bool is_stack(const struct x86_run *run, uint64_t addr)
{
	struct val sp = get_gpr(run, X86_RSP);

	if (is_within(addr, run->stack_start, run->stack_end))
		return true;
	return sp.known && addr - (sp.v - RED_ZONE) < RED_ZONE + FRAME_ROOM;
}

static void note_access(struct x86_run *run, struct val addr, uint32_t size, unsigned op)
{
	struct x86_access *last = run->nr_accesses ? &run->access[run->nr_accesses - 1] : NULL;

	if (!addr.known) {
		run->has_unknown_access = true;
	} else if (last && last->addr == addr.v && last->size == size) {
		last->op |= (uint8_t)op;
	} else if (run->nr_accesses < 2) {
		run->access[run->nr_accesses++] = (struct x86_access){
			.addr = addr.v, .size = size, .op = (uint8_t)op, .stack = is_stack(run, addr.v)
		};
	}
}

static bool read_byte(const struct x86_run *run, uint64_t addr, unsigned char *byte)
{
	for (unsigned i = run->nr_stores; i-- > 0;) {
		const struct x86_store *s = &run->stores[i];

		if (addr - s->addr < s->size) {
			*byte = (unsigned char)(s->value >> (8 * ((addr - s->addr) & 7)));
			return s->known;
		}
	}
	if (addr - run->stack_at >= run->sz_stack)
		return false;
	*byte = run->stack[addr - run->stack_at];
	return true;
}

static struct val load(struct x86_run *run, struct val addr, unsigned size)
{
	uint64_t v = 0;

	note_access(run, addr, size, X86_READ);
	if (!addr.known || size > 8)
		return UNKNOWN;
	for (unsigned i = 0; i < size; i++) {
		unsigned char byte = 0;

		if (!read_byte(run, addr.v + i, &byte))
			return UNKNOWN;
		v |= (uint64_t)byte << (8 * i);
	}
	return known(v);
}

/* From now on nothing is known of memory. */
static void forget_memory(struct x86_run *run)
{
	run->nr_stores = 0;
	run->sz_stack = 0;
}

/* Memory of any size gets a value; v is known for up to 8 bytes only. */
static void remember_store(struct x86_run *run, struct val addr, uint64_t size, struct val v)
{
	if (!addr.known || addr.v + size < addr.v || run->nr_stores > X86_MAX_STEPS) {
		forget_memory(run);
		return;
	}
	run->stores[run->nr_stores++] =
		(struct x86_store){ .addr = addr.v, .size = size, .value = v.v, .known = v.known && size <= 8 };
}

static void store(struct x86_run *run, struct val addr, unsigned size, struct val v)
{
	note_access(run, addr, size, X86_WRITE);
	remember_store(run, addr, size, v);
}

/* ---- operands ---- */

static struct val address_of(const struct x86_run *run, const struct uop *u)
{
	uint64_t addr = (uint64_t)(int64_t)u->disp;
	bool is_known = true;

	if (u->base == UOP_BASE_IMM)
		return known((uint64_t)(uint32_t)u->disp << 32 | (uint32_t)u->imm);
	if (u->base == UOP_BASE_RIP) {
		addr += run->ip + u->len;
	} else if (u->base != UOP_NO_REG) {
		addr += run->gpr[u->base];
		is_known = run->gpr_known >> u->base & 1;
	}
	if (u->index != UOP_NO_REG) {
		addr += run->gpr[u->index] << u->scale;
		is_known = is_known && (run->gpr_known >> u->index & 1);
	}
	if (u->mem & UOP_MEM_ADDR32)
		addr &= alu_mask(4);
	return known_if(is_known, addr);
}

static void set_ea(struct x86_run *run, const struct uop *u)
{
	struct val ea = address_of(run, u);

	run->ea = ea.v;
	run->ea_known = ea.known && !(u->mem & UOP_MEM_UNKNOWN);
	run->ea_segment = u->mem & UOP_MEM_SEGMENT;
}

static struct val ea_of(const struct x86_run *run)
{
	return known_if(run->ea_known, run->ea);
}

static struct val get(struct x86_run *run, const struct uop *u, unsigned operand, unsigned size)
{
	if (operand < X86_NR_GPRS)
		return get_part(run, operand, 0, size);
	if (operand < OPND_HIGH + 4)
		return get_part(run, operand - OPND_HIGH, 8, 1);
	if (operand == OPND_MEM)
		return load(run, ea_of(run), size);
	if (operand == OPND_IMM)
		return known((uint64_t)(int64_t)u->imm & alu_mask(size));
	return UNKNOWN;
}

static void put_ea(struct x86_run *run, unsigned size, struct val v)
{
	note_access(run, ea_of(run), size, X86_WRITE);
	/* Thread-local storage is nowhere that we know of. */
	if (!run->ea_segment)
		remember_store(run, ea_of(run), size, v);
}

static void put(struct x86_run *run, unsigned operand, unsigned size, struct val v)
{
	if (operand < X86_NR_GPRS)
		set_part(run, operand, 0, size, v);
	else if (operand < OPND_HIGH + 4)
		set_part(run, operand - OPND_HIGH, 8, 1, v);
	else if (operand == OPND_MEM)
		put_ea(run, size, v);
}

/* ---- handlers ---- */

static void do_stop(struct x86_run *run, const struct uop *u)
{
	run->stop = u->len ? X86_STOP_SYSTEM : X86_STOP_CODE;
}

static void do_nop(struct x86_run *run, const struct uop *u)
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
	struct val at = ea_of(run);
	uint32_t size = u->sz_mem;

	if (u->mask && !(u->mem & UOP_MEM_UNKNOWN) && !select_elements(run, u, &at, &size))
		size = 0;
	if (size && (u->mem & UOP_MEM_READ))
		note_access(run, at, size, X86_READ);
	if (size && (u->mem & UOP_MEM_WRITE))
		note_access(run, at, size, X86_WRITE);
	/* What is written may be less than the whole; what it was is not known any more in any case. */
	if ((u->mem & UOP_MEM_WRITE) && !run->ea_segment)
		remember_store(run, ea_of(run), u->sz_mem, UNKNOWN);
}

static void do_other(struct x86_run *run, const struct uop *u)
{
	if (u->mem)
		other_memory(run, u);
	run->gpr_known &= ~(uint32_t)u->writes;
	run->masks_known &= ~(uint32_t)u->clobbers.masks;
	forget_flags(run, u->clobbers.flags);
}

static void do_kmov(struct x86_run *run, const struct uop *u)
{
	struct val v = get(run, u, u->src, u->size);

	run->masks[u->aux & 7] = v.v;
	run->masks_known = (run->masks_known & ~(1u << (u->aux & 7))) | (uint32_t)v.known << (u->aux & 7);
}

static void do_mov(struct x86_run *run, const struct uop *u)
{
	put(run, u->dst, u->size, get(run, u, u->src, u->size));
}

static void do_movabs(struct x86_run *run, const struct uop *u)
{
	set_gpr(run, u->dst, known((uint64_t)(uint32_t)u->disp << 32 | (uint32_t)u->imm));
}

static void do_movzx(struct x86_run *run, const struct uop *u)
{
	put(run, u->dst, u->size, get(run, u, u->src, u->src_size));
}

static void do_movsx(struct x86_run *run, const struct uop *u)
{
	struct val v = get(run, u, u->src, u->src_size);

	v.v = (uint64_t)alu_sign_extend(v.v, u->src_size) & alu_mask(u->size);
	put(run, u->dst, u->size, v);
}

static uint64_t swap_bytes(uint64_t v, unsigned size)
{
	return __builtin_bswap64(v) >> (64 - 8 * size);
}

static void do_movbe(struct x86_run *run, const struct uop *u)
{
	struct val v = get(run, u, u->src, u->size);

	put(run, u->dst, u->size, known_if(v.known, swap_bytes(v.v, u->size)));
}

static void do_bswap(struct x86_run *run, const struct uop *u)
{
	struct val v = get(run, u, u->dst, u->size);

	/* Of 16 bits: undefined. */
	put(run, u->dst, u->size, known_if(v.known && u->size >= 4, swap_bytes(v.v, u->size)));
}

static void do_lea(struct x86_run *run, const struct uop *u)
{
	struct val v = address_of(run, u);

	v.v &= alu_mask(u->size);
	put(run, u->dst, u->size, v);
}

/* Writes a result, or forgets what it would have written where an input is not known. */
static void finish(struct x86_run *run, const struct uop *u, bool inputs_known, const struct alu *r, uint32_t writes)
{
	if (inputs_known && r->faults) {
		run->stop = X86_STOP_FAULT;
		return;
	}
	put(run, u->dst, u->size, known_if(inputs_known && !r->unknown, r->v));
	if (inputs_known)
		apply_flags(run, r);
	else
		forget_flags(run, writes);
}

static bool same_register(const struct uop *u)
{
	return u->dst == u->src && u->dst < OPND_HIGH + 4;
}

static void do_add(struct x86_run *run, const struct uop *u)
{
	struct val a = get(run, u, u->dst, u->size), b = get(run, u, u->src, u->size);
	struct val c = u->op == UOP_ADC ? carry_of(run) : known(0);
	struct alu r = alu_add(a.v, b.v, (unsigned)c.v, u->size);

	finish(run, u, a.known && b.known && c.known, &r, X86_ARITH);
}

static void do_sub(struct x86_run *run, const struct uop *u)
{
	struct val a = get(run, u, u->dst, u->size), b = get(run, u, u->src, u->size);
	struct val c = u->op == UOP_SBB ? carry_of(run) : known(0);
	struct alu r;

	/* What is taken from itself leaves 0, whatever it was. */
	if (same_register(u))
		a = b = known(0);
	r = alu_sub(a.v, b.v, (unsigned)c.v, u->size);
	if (u->op != UOP_CMP)
		finish(run, u, a.known && b.known && c.known, &r, X86_ARITH);
	else if (a.known && b.known)
		apply_flags(run, &r);
	else
		forget_flags(run, X86_ARITH);
}

static void do_canary(struct x86_run *run, const struct uop *u)
{
	struct alu equal = alu_sub(0, 0, 0, 8);

	run->has_unknown_access = true;
	apply_flags(run, &equal);
	if (u->aux)
		put(run, u->dst, 8, known(0));
}

/* Logical operations clear CF and OF even of what is not known. */
static void do_logic(struct x86_run *run, const struct uop *u)
{
	struct val a = get(run, u, u->dst, u->size), b = get(run, u, u->src, u->size), v;
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
	apply_flags(run, &r);
	if (u->op != UOP_TEST)
		put(run, u->dst, u->size, v);
}

/* inc and dec leave CF. */
static void do_inc_dec(struct x86_run *run, const struct uop *u)
{
	struct val a = get(run, u, u->dst, u->size);
	struct alu r = u->op == UOP_INC ? alu_add(a.v, 1, 0, u->size) : alu_sub(a.v, 1, 0, u->size);

	r.defined &= ~X86_CF;
	r.flags &= ~X86_CF;
	finish(run, u, a.known, &r, X86_ARITH & ~X86_CF);
}

static void do_neg(struct x86_run *run, const struct uop *u)
{
	struct val a = get(run, u, u->dst, u->size);
	struct alu r = alu_sub(0, a.v, 0, u->size);

	finish(run, u, a.known, &r, X86_ARITH);
}

static void do_not(struct x86_run *run, const struct uop *u)
{
	struct val a = get(run, u, u->dst, u->size);

	a.v = ~a.v & alu_mask(u->size);
	put(run, u->dst, u->size, a);
}

static void do_imul(struct x86_run *run, const struct uop *u)
{
	struct val a = get(run, u, u->src, u->size), b = get(run, u, u->aux, u->size);
	struct alu r = alu_imul(a.v, b.v, u->size);

	finish(run, u, a.known && b.known, &r, X86_ARITH);
}

/* The pair of registers that wide multiplications and divisions use: rdx:rax, or the bytes ah:al. */
static void put_pair(struct x86_run *run, unsigned size, struct val high, struct val low)
{
	if (size == 1) {
		set_part(run, X86_RAX, 0, 2, known_if(low.known && high.known, high.v << 8 | low.v));
		return;
	}
	set_part(run, X86_RAX, 0, size, low);
	set_part(run, X86_RDX, 0, size, high);
}

static void do_mul_wide(struct x86_run *run, const struct uop *u)
{
	struct val a = get_part(run, X86_RAX, 0, u->size), b = get(run, u, u->dst, u->size);
	struct alu r = alu_mul_wide(a.v, b.v, u->size, u->op == UOP_IMUL_WIDE);
	bool ok = a.known && b.known;

	put_pair(run, u->size, known_if(ok, r.high), known_if(ok, r.v));
	if (ok)
		apply_flags(run, &r);
	else
		forget_flags(run, X86_ARITH);
}

static void do_mulx(struct x86_run *run, const struct uop *u)
{
	struct val a = get_part(run, X86_RDX, 0, u->size), b = get(run, u, u->aux, u->size);
	struct alu r = alu_mul_wide(a.v, b.v, u->size, false);
	bool ok = a.known && b.known;

	/* Where both name one register it gets the upper half. */
	put(run, u->src, u->size, known_if(ok, r.v));
	put(run, u->dst, u->size, known_if(ok, r.high));
}

static void do_div(struct x86_run *run, const struct uop *u)
{
	struct val low = get_part(run, X86_RAX, 0, u->size), b = get(run, u, u->dst, u->size), high;
	struct alu r;
	bool ok;

	high = u->size == 1 ? get_part(run, X86_RAX, 8, 1) : get_part(run, X86_RDX, 0, u->size);
	ok = low.known && b.known && high.known;
	r = ok ? alu_div(high.v, low.v, b.v, u->size, u->op == UOP_IDIV) : (struct alu){ .undefined = X86_ARITH };
	if (r.faults) {
		run->stop = X86_STOP_FAULT;
		return;
	}
	put_pair(run, u->size, known_if(ok, r.high), known_if(ok, r.v));
	forget_flags(run, X86_ARITH);
}

static void do_shift(struct x86_run *run, const struct uop *u)
{
	struct val a = get(run, u, u->dst, u->size), count = get(run, u, u->src, 1);
	struct alu r = alu_shift(u->op, a.v, (unsigned)count.v, u->size);
	uint32_t writes = u->op == UOP_ROL || u->op == UOP_ROR ? X86_CF | X86_OF : X86_ARITH;

	/* By 0 the flags stay. */
	if (count.known && (count.v & (u->size == 8 ? 63 : 31)) == 0)
		writes = 0;
	finish(run, u, a.known && count.known, &r, writes);
}

static void do_shift_double(struct x86_run *run, const struct uop *u)
{
	struct val a = get(run, u, u->dst, u->size), b = get(run, u, u->src, u->size), count = get(run, u, u->aux, 1);
	struct alu r = alu_shift_double(u->op, a.v, b.v, (unsigned)count.v, u->size);

	finish(run, u, a.known && b.known && count.known, &r, X86_ARITH);
}

/* shlx and the like: no flags. */
static void do_shift_x(struct x86_run *run, const struct uop *u)
{
	enum uop_op op = u->op == UOP_SHLX   ? UOP_SHL
			 : u->op == UOP_SHRX ? UOP_SHR
			 : u->op == UOP_SARX ? UOP_SAR
					     : UOP_ROR;
	struct val a = get(run, u, u->src, u->size), count = get(run, u, u->aux, u->aux == OPND_IMM ? 1 : u->size);
	struct alu r = alu_shift(op, a.v, (unsigned)(count.v & 0xff), u->size);

	put(run, u->dst, u->size, known_if(a.known && count.known, r.v));
}

static void do_bit_test(struct x86_run *run, const struct uop *u)
{
	struct val a = get(run, u, u->dst, u->size), b = get(run, u, u->src, u->size);
	struct alu r = alu_bit_test(u->op, a.v, b.v, u->size);
	bool ok = a.known && b.known;

	if (u->op != UOP_BT)
		put(run, u->dst, u->size, known_if(ok, r.v));
	forget_flags(run, r.undefined | X86_CF);
	if (ok)
		apply_flags(run, &r);
}

static void do_bit_count(struct x86_run *run, const struct uop *u)
{
	struct val a = get(run, u, u->src, u->size);
	struct alu r = alu_bit_count(u->op, a.v, u->size);

	finish(run, u, a.known, &r, X86_ARITH);
}

static void do_andn(struct x86_run *run, const struct uop *u)
{
	struct val a = get(run, u, u->src, u->size), b = get(run, u, u->aux, u->size);
	struct alu r = alu_logic(~a.v & b.v & alu_mask(u->size), u->size);

	r.undefined = X86_PF;
	r.defined &= ~X86_PF;
	r.flags &= ~X86_PF;
	finish(run, u, a.known && b.known, &r, X86_ARITH);
}

static void do_lowest_bit(struct x86_run *run, const struct uop *u)
{
	struct val a = get(run, u, u->src, u->size);
	struct alu r = alu_lowest_bit(u->op, a.v, u->size);

	finish(run, u, a.known, &r, X86_ARITH);
}

static void do_bzhi(struct x86_run *run, const struct uop *u)
{
	struct val a = get(run, u, u->src, u->size), b = get(run, u, u->aux, u->size);
	struct alu r = alu_bzhi(a.v, b.v, u->size);

	finish(run, u, a.known && b.known, &r, X86_ARITH);
}

static void do_xchg(struct x86_run *run, const struct uop *u)
{
	struct val a = get(run, u, u->dst, u->size), b = get(run, u, u->src, u->size);

	put(run, u->dst, u->size, b);
	put(run, u->src, u->size, a);
}

static void do_xadd(struct x86_run *run, const struct uop *u)
{
	struct val a = get(run, u, u->dst, u->size), b = get(run, u, u->src, u->size);
	struct alu r = alu_add(a.v, b.v, 0, u->size);

	put(run, u->src, u->size, a);
	finish(run, u, a.known && b.known, &r, X86_ARITH);
}

/*
 * Memory is written in any case: with the old value where they differ. Whether a 4-byte register that is not exchanged
 * loses its upper half is not the same on all CPUs.
 */
static void do_cmpxchg(struct x86_run *run, const struct uop *u)
{
	struct val acc = get_part(run, X86_RAX, 0, u->size), dst = get(run, u, u->dst, u->size);
	struct val src = get(run, u, u->src, u->size);
	struct alu r = alu_sub(acc.v, dst.v, 0, u->size);

	if (!acc.known || !dst.known) {
		forget_flags(run, X86_ARITH);
		put(run, u->dst, u->size, UNKNOWN);
		set_gpr(run, X86_RAX, UNKNOWN);
		return;
	}
	apply_flags(run, &r);
	if (acc.v == dst.v) {
		put(run, u->dst, u->size, src);
		return;
	}
	if (u->size == 4 && u->dst < X86_NR_GPRS && run->gpr[u->dst] >> 32)
		set_gpr(run, u->dst, UNKNOWN);
	else
		put(run, u->dst, u->size, dst);
	put(run, X86_RAX, u->size, dst);
}

static void push(struct x86_run *run, struct val v)
{
	struct val sp = get_gpr(run, X86_RSP);

	sp.v -= 8;
	store(run, sp, 8, v);
	set_gpr(run, X86_RSP, sp);
}

static struct val pop(struct x86_run *run)
{
	struct val sp = get_gpr(run, X86_RSP), v = load(run, sp, 8);

	sp.v += 8;
	set_gpr(run, X86_RSP, sp);
	return v;
}

static void do_push(struct x86_run *run, const struct uop *u)
{
	push(run, get(run, u, u->dst, 8));
}

static void do_pop(struct x86_run *run, const struct uop *u)
{
	struct val v = pop(run);

	/* An address by rsp is taken after the pop. */
	if (u->mem)
		set_ea(run, u);
	put(run, u->dst, 8, v);
}

static void do_popf(struct x86_run *run, const struct uop *u)
{
	struct val v = pop(run);

	(void)u;
	forget_flags(run, X86_FLAGS);
	if (v.known)
		set_flags(run, X86_FLAGS, (uint32_t)v.v & X86_FLAGS);
}

static void do_leave(struct x86_run *run, const struct uop *u)
{
	(void)u;
	set_gpr(run, X86_RSP, get_gpr(run, X86_RBP));
	set_gpr(run, X86_RBP, pop(run));
}

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
	return get(run, u, u->dst, 8);
}

static void do_jmp(struct x86_run *run, const struct uop *u)
{
	go_to(run, target_of(run, u));
}

static void do_call(struct x86_run *run, const struct uop *u)
{
	struct val target = target_of(run, u);

	push(run, known(run->next_ip));
	go_to(run, target);
}

static void do_ret(struct x86_run *run, const struct uop *u)
{
	go_to(run, pop(run));
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

static void do_jcc(struct x86_run *run, const struct uop *u)
{
	branch_if(run, u, alu_condition(u->aux, run->flags, run->flags_known));
}

static void do_jrcxz(struct x86_run *run, const struct uop *u)
{
	struct val v = get_part(run, X86_RCX, 0, u->size);

	branch_if(run, u, v.known ? v.v == 0 : -1);
}

/* The source is read and the destination written whatever the condition says. */
static void do_cmov(struct x86_run *run, const struct uop *u)
{
	struct val src = get(run, u, u->src, u->size), dst = get(run, u, u->dst, u->size);
	int condition = alu_condition(u->aux, run->flags, run->flags_known);

	if (condition < 0)
		dst = known_if(src.known && dst.known && src.v == dst.v, dst.v);
	put(run, u->dst, u->size, condition > 0 ? src : dst);
}

static void do_setcc(struct x86_run *run, const struct uop *u)
{
	int condition = alu_condition(u->aux, run->flags, run->flags_known);

	put(run, u->dst, 1, known_if(condition >= 0, condition > 0));
}

static void do_sign_high(struct x86_run *run, const struct uop *u)
{
	struct val v = get_part(run, X86_RAX, 0, u->size);

	v.v = (alu_sign_extend(v.v, u->size) < 0 ? UINT64_MAX : 0) & alu_mask(u->size);
	set_part(run, X86_RDX, 0, u->size, v);
}

static void do_sign_low(struct x86_run *run, const struct uop *u)
{
	struct val v = get_part(run, X86_RAX, 0, u->size / 2);

	v.v = (uint64_t)alu_sign_extend(v.v, u->size / 2) & alu_mask(u->size);
	set_part(run, X86_RAX, 0, u->size, v);
}

static void do_flag(struct x86_run *run, const struct uop *u)
{
	uint32_t flag = (uint32_t)u->imm;

	if (u->op == UOP_FLAG_FLIP)
		run->flags ^= flag & run->flags_known;
	else
		set_flags(run, flag, u->op == UOP_FLAG_SET ? flag : 0);
}

/* ---- string instructions ---- */

/* How many elements a string instruction handles: not known, 0, or more. */
static struct val nr_elements(const struct x86_run *run, const struct uop *u)
{
	return u->aux == REP_NONE ? known(1) : get_gpr(run, X86_RCX);
}

/* Moves rsi or rdi past n elements. */
static void advance(struct x86_run *run, unsigned reg, struct val n, unsigned size)
{
	struct val at = get_gpr(run, reg);
	bool ok = at.known && n.known && (run->flags_known & X86_DF);
	uint64_t by = n.v * size;

	set_gpr(run, reg, known_if(ok, run->flags & X86_DF ? at.v - by : at.v + by));
}

/* n elements from rdi on get a value; the direction flag says which way. */
static void store_elements(struct x86_run *run, const struct uop *u, struct val n, struct val v)
{
	struct val at = get_gpr(run, X86_RDI);
	uint64_t bytes = n.v * u->size;

	at.known = at.known && n.known && (run->flags_known & X86_DF) && n.v <= HIGHEST_DATA;
	if (run->flags & X86_DF)
		at.v -= bytes - u->size;
	remember_store(run, at, bytes, n.v == 1 ? v : UNKNOWN);
}

static void end_repeat(struct x86_run *run, const struct uop *u)
{
	if (u->aux != REP_NONE)
		set_gpr(run, X86_RCX, known(0));
}

/* Address of the first element, or not known: then there may be none. */
static struct val element_at(const struct x86_run *run, unsigned reg, struct val n)
{
	return n.known ? get_gpr(run, reg) : UNKNOWN;
}

static void do_movs(struct x86_run *run, const struct uop *u)
{
	struct val n = nr_elements(run, u), v;

	if (n.known && n.v == 0)
		return;
	v = load(run, element_at(run, X86_RSI, n), u->size);
	note_access(run, element_at(run, X86_RDI, n), u->size, X86_WRITE);
	store_elements(run, u, n, v);
	advance(run, X86_RSI, n, u->size);
	advance(run, X86_RDI, n, u->size);
	end_repeat(run, u);
}

static void do_stos(struct x86_run *run, const struct uop *u)
{
	struct val n = nr_elements(run, u);

	if (n.known && n.v == 0)
		return;
	note_access(run, element_at(run, X86_RDI, n), u->size, X86_WRITE);
	store_elements(run, u, n, get_part(run, X86_RAX, 0, u->size));
	advance(run, X86_RDI, n, u->size);
	end_repeat(run, u);
}

static void do_lods(struct x86_run *run, const struct uop *u)
{
	struct val n = nr_elements(run, u), v;

	if (n.known && n.v == 0)
		return;
	v = load(run, element_at(run, X86_RSI, n), u->size);
	set_part(run, X86_RAX, 0, u->size, n.known && n.v == 1 ? v : UNKNOWN);
	if (!n.known || n.v != 1)
		set_gpr(run, X86_RAX, UNKNOWN);
	advance(run, X86_RSI, n, u->size);
	end_repeat(run, u);
}

/* A comparison that may end a repetition early: after it nothing that it writes is known. */
static void forget_compare(struct x86_run *run, const struct uop *u)
{
	forget_flags(run, X86_ARITH);
	run->gpr_known &= ~(1u << X86_RCX | 1u << X86_RDI);
	if (u->op == UOP_CMPS)
		run->gpr_known &= ~(1u << X86_RSI);
}

static void do_compare(struct x86_run *run, const struct uop *u)
{
	struct val n = nr_elements(run, u), a, b;
	struct alu r;

	if (n.known && n.v == 0)
		return;
	a = u->op == UOP_CMPS ? load(run, element_at(run, X86_RSI, n), u->size) : get_part(run, X86_RAX, 0, u->size);
	b = load(run, element_at(run, X86_RDI, n), u->size);
	if (u->aux != REP_NONE) {
		forget_compare(run, u);
		return;
	}
	r = alu_sub(a.v, b.v, 0, u->size);
	if (a.known && b.known)
		apply_flags(run, &r);
	else
		forget_flags(run, X86_ARITH);
	advance(run, X86_RDI, n, u->size);
	if (u->op == UOP_CMPS)
		advance(run, X86_RSI, n, u->size);
}

/* ---- the run ---- */

typedef void handler_fn(struct x86_run *run, const struct uop *u);

static handler_fn *const handlers[UOP_NR] = {
	[UOP_STOP] = do_stop,
	[UOP_OTHER] = do_other,
	[UOP_NOP] = do_nop,
	[UOP_MOV] = do_mov,
	[UOP_MOVABS] = do_movabs,
	[UOP_MOVZX] = do_movzx,
	[UOP_MOVSX] = do_movsx,
	[UOP_MOVBE] = do_movbe,
	[UOP_LEA] = do_lea,
	[UOP_ADD] = do_add,
	[UOP_ADC] = do_add,
	[UOP_SUB] = do_sub,
	[UOP_SBB] = do_sub,
	[UOP_CMP] = do_sub,
	[UOP_AND] = do_logic,
	[UOP_OR] = do_logic,
	[UOP_XOR] = do_logic,
	[UOP_TEST] = do_logic,
	[UOP_INC] = do_inc_dec,
	[UOP_DEC] = do_inc_dec,
	[UOP_NEG] = do_neg,
	[UOP_NOT] = do_not,
	[UOP_IMUL] = do_imul,
	[UOP_MUL_WIDE] = do_mul_wide,
	[UOP_IMUL_WIDE] = do_mul_wide,
	[UOP_MULX] = do_mulx,
	[UOP_DIV] = do_div,
	[UOP_IDIV] = do_div,
	[UOP_SHL] = do_shift,
	[UOP_SHR] = do_shift,
	[UOP_SAR] = do_shift,
	[UOP_ROL] = do_shift,
	[UOP_ROR] = do_shift,
	[UOP_SHLD] = do_shift_double,
	[UOP_SHRD] = do_shift_double,
	[UOP_SHLX] = do_shift_x,
	[UOP_SHRX] = do_shift_x,
	[UOP_SARX] = do_shift_x,
	[UOP_RORX] = do_shift_x,
	[UOP_BT] = do_bit_test,
	[UOP_BTS] = do_bit_test,
	[UOP_BTR] = do_bit_test,
	[UOP_BTC] = do_bit_test,
	[UOP_BSF] = do_bit_count,
	[UOP_BSR] = do_bit_count,
	[UOP_TZCNT] = do_bit_count,
	[UOP_LZCNT] = do_bit_count,
	[UOP_POPCNT] = do_bit_count,
	[UOP_BSWAP] = do_bswap,
	[UOP_ANDN] = do_andn,
	[UOP_BLSR] = do_lowest_bit,
	[UOP_BLSI] = do_lowest_bit,
	[UOP_BLSMSK] = do_lowest_bit,
	[UOP_BZHI] = do_bzhi,
	[UOP_XCHG] = do_xchg,
	[UOP_XADD] = do_xadd,
	[UOP_CMPXCHG] = do_cmpxchg,
	[UOP_PUSH] = do_push,
	[UOP_POP] = do_pop,
	[UOP_POPF] = do_popf,
	[UOP_LEAVE] = do_leave,
	[UOP_CALL] = do_call,
	[UOP_RET] = do_ret,
	[UOP_JMP] = do_jmp,
	[UOP_JCC] = do_jcc,
	[UOP_JRCXZ] = do_jrcxz,
	[UOP_CMOV] = do_cmov,
	[UOP_SETCC] = do_setcc,
	[UOP_SIGN_HIGH] = do_sign_high,
	[UOP_SIGN_LOW] = do_sign_low,
	[UOP_FLAG_CLEAR] = do_flag,
	[UOP_FLAG_SET] = do_flag,
	[UOP_FLAG_FLIP] = do_flag,
	[UOP_MOVS] = do_movs,
	[UOP_STOS] = do_stos,
	[UOP_LODS] = do_lods,
	[UOP_SCAS] = do_compare,
	[UOP_CMPS] = do_compare,
	[UOP_CANARY] = do_canary,
	[UOP_KMOV] = do_kmov,
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
		set_ea(run, u);
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
