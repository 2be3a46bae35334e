/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/x86/run_state.h"

/* The ABI's red zone; and how much above the stack pointer counts as stack in any case. */
#define RED_ZONE   128
#define FRAME_ROOM 4096

struct val run_get_part(const struct x86_run *run, unsigned reg, unsigned shift, unsigned size)
{
	struct val v = run_get_gpr(run, reg);

	v.v = v.v >> shift & alu_mask(size);
	return v;
}

void run_set_part(struct x86_run *run, unsigned reg, unsigned shift, unsigned size, struct val v)
{
	uint64_t mask = alu_mask(size) << shift;
	struct val old = run_get_gpr(run, reg);

	if (size < 4)
		v = known_if(v.known && old.known, (old.v & ~mask) | (v.v << shift & mask));
	v.v &= size == 4 ? alu_mask(4) : UINT64_MAX;
	run_set_gpr(run, reg, v);
}

void run_apply_flags(struct x86_run *run, const struct alu *r)
{
	run_forget_flags(run, r->undefined);
	run_set_flags(run, r->defined, r->flags);
}

static bool is_within(uint64_t addr, uint64_t start, uint64_t end)
{
	return addr >= start && addr < end;
}

/* Within the window that is stack for certain, or near the stack pointer of the moment? */
static bool is_stack(const struct x86_run *run, uint64_t addr)
{
	struct val sp = run_get_gpr(run, X86_RSP);

	if (is_within(addr, run->stack_start, run->stack_end))
		return true;
	return sp.known && addr - (sp.v - RED_ZONE) < RED_ZONE + FRAME_ROOM;
}

void run_note_access(struct x86_run *run, struct val addr, uint32_t size, unsigned op)
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

struct val run_load(struct x86_run *run, struct val addr, unsigned size)
{
	uint64_t v = 0;

	run_note_access(run, addr, size, X86_READ);
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

void run_remember_store(struct x86_run *run, struct val addr, uint64_t size, struct val v)
{
	if (!addr.known || addr.v + size < addr.v || run->nr_stores > X86_MAX_STEPS) {
		forget_memory(run);
		return;
	}
	run->stores[run->nr_stores++] =
		(struct x86_store){ .addr = addr.v, .size = size, .value = v.v, .known = v.known && size <= 8 };
}

void run_store(struct x86_run *run, struct val addr, unsigned size, struct val v)
{
	run_note_access(run, addr, size, X86_WRITE);
	run_remember_store(run, addr, size, v);
}

struct val run_address_of(const struct x86_run *run, const struct uop *u)
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

void run_set_ea(struct x86_run *run, const struct uop *u)
{
	struct val ea = run_address_of(run, u);

	run->ea = ea.v;
	run->ea_known = ea.known && !(u->mem & UOP_MEM_UNKNOWN);
	run->ea_segment = u->mem & UOP_MEM_SEGMENT;
}

struct val run_get(struct x86_run *run, const struct uop *u, unsigned operand, unsigned size)
{
	if (operand < X86_NR_GPRS)
		return run_get_part(run, operand, 0, size);
	if (operand < OPND_HIGH + 4)
		return run_get_part(run, operand - OPND_HIGH, 8, 1);
	if (operand == OPND_MEM)
		return run_load(run, run_get_ea(run), size);
	if (operand == OPND_IMM)
		return known((uint64_t)(int64_t)u->imm & alu_mask(size));
	return UNKNOWN;
}

static void put_ea(struct x86_run *run, unsigned size, struct val v)
{
	run_note_access(run, run_get_ea(run), size, X86_WRITE);
	/* Thread-local storage is nowhere that we know of. */
	if (!run->ea_segment)
		run_remember_store(run, run_get_ea(run), size, v);
}

void run_put(struct x86_run *run, unsigned operand, unsigned size, struct val v)
{
	if (operand < X86_NR_GPRS)
		run_set_part(run, operand, 0, size, v);
	else if (operand < OPND_HIGH + 4)
		run_set_part(run, operand - OPND_HIGH, 8, 1, v);
	else if (operand == OPND_MEM)
		put_ea(run, size, v);
}

void run_push(struct x86_run *run, struct val v)
{
	struct val sp = run_get_gpr(run, X86_RSP);

	sp.v -= 8;
	run_store(run, sp, 8, v);
	run_set_gpr(run, X86_RSP, sp);
}

struct val run_pop(struct x86_run *run)
{
	struct val sp = run_get_gpr(run, X86_RSP), v = run_load(run, sp, 8);

	sp.v += 8;
	run_set_gpr(run, X86_RSP, sp);
	return v;
}
