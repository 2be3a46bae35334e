/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/x86/alu.h"

uint64_t alu_mask(unsigned size)
{
	return size >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * size)) - 1;
}

int64_t alu_sign_extend(uint64_t v, unsigned size)
{
	unsigned shift = 64 - 8 * size;

	return (int64_t)(v << shift) >> shift;
}

static uint32_t sign_of(uint64_t v, unsigned size)
{
	return v >> (8 * size - 1) & 1;
}

static uint32_t flag_if(bool on, uint32_t flag)
{
	return on ? flag : 0;
}

/* SF, ZF and PF of a result. */
static uint32_t result_flags(uint64_t v, unsigned size)
{
	return flag_if(v == 0, X86_ZF) | flag_if(sign_of(v, size), X86_SF) |
	       flag_if(!__builtin_parity((unsigned)(v & 0xff)), X86_PF);
}

struct alu alu_add(uint64_t a, uint64_t b, unsigned carry, unsigned size)
{
	uint64_t v = (a + b + carry) & alu_mask(size);
	bool cf = v < a || (carry && v == a);

	return (struct alu){ .v = v,
			     .defined = X86_ARITH,
			     .flags = result_flags(v, size) | flag_if(cf, X86_CF) |
				      flag_if(sign_of((a ^ v) & (b ^ v), size), X86_OF) };
}

struct alu alu_sub(uint64_t a, uint64_t b, unsigned borrow, unsigned size)
{
	uint64_t v = (a - b - borrow) & alu_mask(size);
	bool cf = a < b || (borrow && a == b);

	return (struct alu){ .v = v,
			     .defined = X86_ARITH,
			     .flags = result_flags(v, size) | flag_if(cf, X86_CF) |
				      flag_if(sign_of((a ^ b) & (a ^ v), size), X86_OF) };
}

struct alu alu_logic(uint64_t v, unsigned size)
{
	return (struct alu){ .v = v, .defined = X86_ARITH, .flags = result_flags(v, size) };
}

/* Rotations: CF and OF alone change. */
static struct alu rotate(enum uop_op op, uint64_t a, unsigned count, unsigned size)
{
	unsigned bits = 8 * size, by = count % bits;
	bool left = op == UOP_ROL;
	uint64_t v = a, cf, of;

	if (by)
		v = left ? a << by | a >> (bits - by) : a >> by | a << (bits - by);
	v &= alu_mask(size);
	cf = left ? v & 1 : sign_of(v, size);
	of = left ? sign_of(v, size) ^ cf : sign_of(v, size) ^ (v >> (bits - 2) & 1);
	return (struct alu){ .v = v,
			     .defined = count == 1 ? X86_CF | X86_OF : X86_CF,
			     .flags = flag_if(cf, X86_CF) | flag_if(count == 1 && of, X86_OF),
			     .undefined = count == 1 ? 0 : X86_OF };
}

struct alu alu_shift(enum uop_op op, uint64_t a, unsigned count, unsigned size)
{
	unsigned bits = 8 * size;
	uint64_t v, cf, of;
	struct alu r;

	count &= size == 8 ? 63 : 31;
	if (count == 0)
		return (struct alu){ .v = a };
	if (op == UOP_ROL || op == UOP_ROR)
		return rotate(op, a, count, size);
	if (op == UOP_SHL) {
		v = a << count & alu_mask(size);
		cf = count <= bits ? a >> (bits - count) & 1 : 0;
		of = sign_of(v, size) ^ cf;
	} else if (op == UOP_SHR) {
		v = a >> count;
		cf = a >> (count - 1) & 1;
		of = sign_of(a, size);
	} else {
		v = (uint64_t)(alu_sign_extend(a, size) >> count) & alu_mask(size);
		cf = (uint64_t)(alu_sign_extend(a, size) >> (count - 1)) & 1;
		of = 0;
	}
	r = alu_logic(v, size);
	r.flags |= flag_if(cf, X86_CF) | flag_if(of, X86_OF);
	if (count != 1)
		r.undefined |= X86_OF;
	if (count >= bits)
		r.undefined |= X86_CF;
	r.defined &= ~r.undefined;
	r.flags &= r.defined;
	return r;
}

struct alu alu_shift_double(enum uop_op op, uint64_t a, uint64_t b, unsigned count, unsigned size)
{
	unsigned bits = 8 * size;
	bool left = op == UOP_SHLD;
	uint64_t v, cf;
	struct alu r;

	count &= size == 8 ? 63 : 31;
	if (count == 0)
		return (struct alu){ .v = a };
	if (count >= bits)
		return (struct alu){ .unknown = true, .undefined = X86_ARITH };
	v = left ? a << count | b >> (bits - count) : a >> count | b << (bits - count);
	cf = left ? a >> (bits - count) : a >> (count - 1);
	v &= alu_mask(size);
	r = alu_logic(v, size);
	r.flags |= flag_if(cf & 1, X86_CF) | flag_if(sign_of(a ^ v, size), X86_OF);
	if (count != 1)
		r.undefined = X86_OF;
	r.defined &= ~r.undefined;
	r.flags &= r.defined;
	return r;
}

struct alu alu_bit_test(enum uop_op op, uint64_t a, uint64_t bit, unsigned size)
{
	uint64_t one = UINT64_C(1) << (bit % (8 * size));
	struct alu r = {
		.v = a, .defined = X86_CF, .flags = flag_if(a & one, X86_CF), .undefined = X86_OF | X86_SF | X86_PF
	};

	if (op == UOP_BTS)
		r.v |= one;
	else if (op == UOP_BTR)
		r.v &= ~one;
	else if (op == UOP_BTC)
		r.v ^= one;
	return r;
}

struct alu alu_bit_count(enum uop_op op, uint64_t a, unsigned size)
{
	unsigned bits = 8 * size;
	struct alu r = { .undefined = X86_ARITH };

	if (op == UOP_POPCNT)
		return (struct alu){ .v = (uint64_t)__builtin_popcountll(a),
				     .defined = X86_ARITH,
				     .flags = flag_if(a == 0, X86_ZF) };
	if (op == UOP_BSF || op == UOP_BSR) {
		r.defined = X86_ZF;
		r.flags = flag_if(a == 0, X86_ZF);
		r.undefined &= ~X86_ZF;
	}
	/*
	 * Of zero: bsf and bsr leave an undefined result. tzcnt is bsf, flags included, on CPUs before BMI1, and
	 * compilers use it as such, so that neither its flags nor its result for 0 is certain. lzcnt is asked for by
	 * name only.
	 */
	if (a == 0) {
		r.unknown = op != UOP_LZCNT;
		r.v = bits;
	} else if (op == UOP_BSF || op == UOP_TZCNT) {
		r.v = (uint64_t)__builtin_ctzll(a);
	} else {
		unsigned top = 63 - (unsigned)__builtin_clzll(a);

		r.v = op == UOP_BSR ? top : bits - 1 - top;
	}
	return r;
}

struct alu alu_lowest_bit(enum uop_op op, uint64_t a, unsigned size)
{
	bool cf = op == UOP_BLSI ? a != 0 : a == 0;
	struct alu r;

	if (op == UOP_BLSI)
		r = alu_logic(a & -a & alu_mask(size), size);
	else if (op == UOP_BLSR)
		r = alu_logic(a & (a - 1) & alu_mask(size), size);
	else
		r = alu_logic((a ^ (a - 1)) & alu_mask(size), size);
	r.undefined = X86_PF;
	r.defined &= ~X86_PF;
	r.flags = (r.flags & r.defined) | flag_if(cf, X86_CF);
	return r;
}

struct alu alu_bzhi(uint64_t a, uint64_t index, unsigned size)
{
	unsigned n = index & 0xff, bits = 8 * size;
	struct alu r = alu_logic(n < bits ? a & ((UINT64_C(1) << n) - 1) : a, size);

	r.undefined = X86_PF;
	r.defined &= ~X86_PF;
	r.flags = (r.flags & r.defined) | flag_if(n >= bits, X86_CF);
	return r;
}

static struct alu mul_flags(uint64_t v, uint64_t high, bool overflow)
{
	return (struct alu){ .v = v,
			     .high = high,
			     .defined = X86_CF | X86_OF,
			     .flags = overflow ? X86_CF | X86_OF : 0,
			     .undefined = X86_SF | X86_ZF | X86_PF };
}

struct alu alu_imul(uint64_t a, uint64_t b, unsigned size)
{
	__int128 p = (__int128)alu_sign_extend(a, size) * alu_sign_extend(b, size);
	uint64_t v = (uint64_t)p & alu_mask(size);

	return mul_flags(v, 0, p != alu_sign_extend(v, size));
}

struct alu alu_mul_wide(uint64_t a, uint64_t b, unsigned size, bool is_signed)
{
	unsigned __int128 p = (unsigned __int128)a * b;
	uint64_t v, high;

	if (is_signed)
		p = (unsigned __int128)((__int128)alu_sign_extend(a, size) * alu_sign_extend(b, size));
	v = (uint64_t)p & alu_mask(size);
	high = (uint64_t)(p >> (8 * size)) & alu_mask(size);
	if (is_signed)
		return mul_flags(v, high, (__int128)p != alu_sign_extend(v, size));
	return mul_flags(v, high, high != 0);
}

static struct alu div_fault(void)
{
	return (struct alu){ .faults = true, .unknown = true, .undefined = X86_ARITH };
}

static struct alu div_signed(unsigned __int128 n, uint64_t b, unsigned size)
{
	__int128 num = (__int128)n, den = alu_sign_extend(b, size), quot;

	/* The one quotient that __int128 cannot hold. */
	if (den == -1 && n == (unsigned __int128)1 << 127)
		return div_fault();
	quot = num / den;
	if (quot != alu_sign_extend((uint64_t)quot & alu_mask(size), size))
		return div_fault();
	return (struct alu){ .v = (uint64_t)quot & alu_mask(size),
			     .high = (uint64_t)(num % den) & alu_mask(size),
			     .undefined = X86_ARITH };
}

struct alu alu_div(uint64_t high, uint64_t low, uint64_t b, unsigned size, bool is_signed)
{
	unsigned __int128 n = (unsigned __int128)high << (8 * size) | low;
	unsigned unused = 128 - 16 * size;

	if (b == 0)
		return div_fault();
	if (is_signed)
		return div_signed((unsigned __int128)((__int128)(n << unused) >> unused), b, size);
	if (n / b > alu_mask(size))
		return div_fault();
	return (struct alu){ .v = (uint64_t)(n / b), .high = (uint64_t)(n % b), .undefined = X86_ARITH };
}

/* One flag as 1, 0, -1. */
static int flag_value(uint32_t flag, uint32_t flags, uint32_t known)
{
	return known & flag ? (flags & flag) != 0 : -1;
}

/* a or b, where one that is known to be set decides. */
static int either(int a, int b)
{
	if (a == 1 || b == 1)
		return 1;
	return a < 0 || b < 0 ? -1 : 0;
}

static int differ(int a, int b)
{
	return a < 0 || b < 0 ? -1 : a != b;
}

int alu_condition(unsigned cc, uint32_t flags, uint32_t known)
{
	int cf = flag_value(X86_CF, flags, known), zf = flag_value(X86_ZF, flags, known);
	int sf = flag_value(X86_SF, flags, known), of = flag_value(X86_OF, flags, known);
	int pf = flag_value(X86_PF, flags, known);
	int less = differ(sf, of);
	const int v[8] = { of, cf, zf, either(cf, zf), sf, pf, less, either(zf, less) };
	int r = v[cc >> 1 & 7];

	return r < 0 ? r : r ^ (int)(cc & 1);
}
