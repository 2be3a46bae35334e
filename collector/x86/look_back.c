/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/x86/look_back.h"

#include <stdlib.h>
#include <string.h>

#include "collector/x86/decode.h"

#define SWEEP_BYTES   96    /* decodings are begun at each of so many addresses before */
#define SWEEP_SETTLED 32    /* those from so far away count: they have fallen in step by then */
#define SWEEP_LEAST   8	    /* so many must come through */
#define JUMP_BYTES    32768 /* direct jumps are looked for so far to either side; most stay in their function */
#define TABLE_BEFORE  8192  /* a switch's jump is looked for so far before, */
#define TABLE_AFTER   1024  /* and after */
#define NR_WAYS	      1024

/* Where the last instructions before an address begin, as distances from it, nearest first. */
struct way {
	uint64_t ip; /* 0: empty */
	uint8_t nr;
	uint8_t back[LOOK_BACK_MAX];
};

struct look_back {
	struct code_cache *code;
	struct way ways[NR_WAYS];
	unsigned char window[2 * JUMP_BYTES];
};

struct look_back *look_back_new(struct code_cache *code)
{
	struct look_back *back = calloc(1, sizeof(*back));

	if (back)
		back->code = code;
	return back;
}

void look_back_free(struct look_back *back)
{
	free(back);
}

void look_back_drop(struct look_back *back)
{
	memset(back->ways, 0, sizeof(back->ways));
}

/* ---- the straight line ---- */

/* Lengths of the instructions that would begin 1 ... SWEEP_BYTES before ip; 0: none, or one that does not go on. */
static void decode_before(struct look_back *back, uint64_t ip, uint8_t len[SWEEP_BYTES + 1], bool *may_change)
{
	unsigned char bytes[SWEEP_BYTES];

	memset(len, 0, SWEEP_BYTES + 1);
	if (ip < SWEEP_BYTES ||
	    code_cache_read(back->code, ip - SWEEP_BYTES, bytes, SWEEP_BYTES, may_change) != SWEEP_BYTES)
		return;
	for (unsigned d = 1; d <= SWEEP_BYTES; d++) {
		struct uop u = uop_decode(bytes + SWEEP_BYTES - d, d);

		len[d] = u.len;
	}
}

/*
 * The start of the last instruction before the one at distance to, on the way from distance from. 0: that way does not
 * meet it.
 */
static unsigned last_before(const uint8_t len[SWEEP_BYTES + 1], unsigned from, unsigned to)
{
	while (from > to) {
		if (!len[from] || len[from] > from - to)
			return 0;
		if (len[from] == from - to)
			return from;
		from -= len[from];
	}
	return 0;
}

/* The same, where all ways from far enough agree; else 0. */
static unsigned agreed_before(const uint8_t len[SWEEP_BYTES + 1], unsigned to)
{
	unsigned agreed = 0, nr = 0;

	for (unsigned from = SWEEP_BYTES; from >= to + SWEEP_SETTLED; from--) {
		unsigned at = last_before(len, from, to);

		if (!at)
			continue;
		if (agreed && at != agreed)
			return 0;
		agreed = at;
		nr++;
	}
	return nr >= SWEEP_LEAST ? agreed : 0;
}

/* ---- other ways in ---- */

static bool is_near_jump(unsigned char byte)
{
	return byte == 0xeb || (byte >= 0x70 && byte <= 0x7f) || (byte >= 0xe0 && byte <= 0xe3);
}

/* Opcode of a jump or call with a 32-bit distance, right before it? */
static bool is_long_jump(const unsigned char *distance)
{
	return distance[-1] == 0xe8 || distance[-1] == 0xe9 || ((distance[-1] & 0xf0) == 0x80 && distance[-2] == 0x0f);
}

/*
 * Distance from ip of the farthest address in (ip - far, ip] that bytes look like jumping to, at least; far where there
 * is none: straight-line code goes on up to there. Anything that could be read as a jump counts, wherever it begins.
 */
static unsigned nearest_way_in(const unsigned char *window, size_t len, size_t ip_at, unsigned far)
{
	unsigned nearest = far;

	for (size_t i = 2; i + 4 <= len; i++) {
		int32_t distance;
		uint64_t back;

		memcpy(&distance, window + i, sizeof(distance));
		back = ip_at - (i + 4 + (uint64_t)(int64_t)distance);
		if (back < nearest && is_long_jump(window + i))
			nearest = (unsigned)back;
		back = ip_at - (i + 1 + (uint64_t)(int64_t)(signed char)window[i]);
		if (back < nearest && is_near_jump(window[i - 1]))
			nearest = (unsigned)back;
	}
	return nearest;
}

/*
 * A jump by a table may enter straight-line code anywhere (a case that falls through to the next), and its targets are
 * data that we do not read. Where one stands near nothing is sure. jmp reg and jmp [table + reg]; a PLT's jmp [rip]
 * not.
 */
static bool has_table_jump(const unsigned char *window, size_t len, size_t ip_at)
{
	size_t from = ip_at > TABLE_BEFORE ? ip_at - TABLE_BEFORE : 0;
	size_t to = len - ip_at > TABLE_AFTER ? ip_at + TABLE_AFTER : len;

	for (size_t i = from; i + 1 < to; i++)
		if (window[i] == 0xff && ((window[i + 1] & 0xf8) == 0xe0 || window[i + 1] == 0x24))
			return true;
	return false;
}

/* How far back from ip nothing jumps in, far at most; 0: something jumps to ip itself, or the code cannot be read. */
static unsigned way_in(struct look_back *back, uint64_t ip, unsigned far)
{
	uint64_t page = ip & ~(uint64_t)(CODE_PAGE_BYTES - 1), from = page, to = page;
	bool may_change;

	/* As far as there is code around: a mapping may end anywhere. */
	while (from > CODE_PAGE_BYTES && page - from < JUMP_BYTES - CODE_PAGE_BYTES &&
	       code_cache_read(back->code, from - CODE_PAGE_BYTES, back->window, CODE_PAGE_BYTES, &may_change))
		from -= CODE_PAGE_BYTES;
	while (to - from < sizeof(back->window) &&
	       code_cache_read(back->code, to, back->window + (to - from), CODE_PAGE_BYTES, &may_change))
		to += CODE_PAGE_BYTES;
	if (to <= page)
		return 0;
	code_cache_read(back->code, from, back->window, to - from, &may_change);
	if (has_table_jump(back->window, to - from, ip - from))
		return 0;
	return nearest_way_in(back->window, to - from, ip - from, far);
}

/* ---- ways ---- */

/* The instructions before ip that lead there and nowhere else, as long as each is sure. */
static void find_way(struct look_back *back, uint64_t ip, struct way *way, bool *may_change)
{
	uint8_t len[SWEEP_BYTES + 1];
	unsigned at = 0;

	*way = (struct way){ .ip = ip };
	decode_before(back, ip, len, may_change);
	while (way->nr < LOOK_BACK_MAX && (at = agreed_before(len, at)) != 0)
		way->back[way->nr++] = (uint8_t)at;
	if (!way->nr)
		return;
	/* A jump to an address k bytes back leaves only what begins there or later sure, and what begins there is new.
	 */
	at = way_in(back, ip, way->back[way->nr - 1]);
	while (way->nr && way->back[way->nr - 1] > at)
		way->nr--;
}

static const struct way *get_way(struct look_back *back, uint64_t ip, struct way *fresh)
{
	struct way *way = &back->ways[(ip ^ ip >> 10) % NR_WAYS];
	bool may_change = false;

	if (way->ip == ip)
		return way;
	find_way(back, ip, fresh, &may_change);
	if (may_change)
		return fresh;
	*way = *fresh;
	return way;
}

/* ---- what happened on the way ---- */

/* Does the instruction go on to the next one, perhaps (jcc) among others? */
static bool falls_through(const struct uop *u)
{
	return u->len && u->op != UOP_STOP && u->op != UOP_JMP && u->op != UOP_CALL && u->op != UOP_RET;
}

/* How many of the way's instructions lead from one to the next; the registers that they write. */
static unsigned straight_part(struct look_back *back, const struct way *way, uint32_t *writes)
{
	unsigned nr = 0;

	*writes = 0;
	for (; nr < way->nr; nr++) {
		const struct uop *u = code_cache_get(back->code, way->ip - way->back[nr]);

		if (!falls_through(u))
			break;
		*writes |= u->writes;
	}
	return nr;
}

static bool agrees(const struct x86_run *run, const struct x86_sample *sample)
{
	for (unsigned i = 0; i < X86_NR_GPRS; i++)
		if ((run->gpr_known >> i & 1) && run->gpr[i] != sample->gpr[i])
			return false;
	return !((run->flags ^ (uint32_t)sample->flags) & run->flags_known);
}

/* One instruction of the way. False: it did not go the way. */
static bool step_along(struct look_back *back, struct x86_run *run, uint64_t next_ip)
{
	const struct uop *u = code_cache_get(back->code, run->ip);

	x86_step(run, u);
	/* That a branch was not taken is what we know here. */
	if (run->stop == X86_STOP_BRANCH && (u->op == UOP_JCC || u->op == UOP_JRCXZ)) {
		run->stop = X86_GOES_ON;
		run->ip = next_ip;
	}
	return !run->stop && run->ip == next_ip;
}

/*
 * Runs the way again from its start, with the registers that nothing on it has written; nothing is known of flags and
 * memory. The last data access stands.
 */
static struct x86_found run_again(struct look_back *back, const struct way *way, unsigned nr, uint32_t writes,
				  const struct x86_sample *sample)
{
	struct x86_found found = { .nr = 0 };
	struct x86_run run;

	x86_begin(&run, sample);
	run.gpr_known &= ~writes;
	run.flags_known = 0;
	run.flags = 0;
	run.sz_stack = 0;
	run.ip = way->ip - way->back[nr - 1];
	while (nr-- > 0) {
		struct x86_access access[2];
		uint64_t ip = run.ip;
		unsigned nr_accesses;

		if (!step_along(back, &run, nr ? way->ip - way->back[nr - 1] : way->ip))
			return (struct x86_found){ .nr = 0 };
		nr_accesses = x86_data_accesses(&run, access);
		if (nr_accesses) {
			found = (struct x86_found){ .nr = nr_accesses, .ip = ip, .nr_steps = nr + 1 };
			memcpy(found.access, access, sizeof(access));
		}
	}
	return agrees(&run, sample) ? found : (struct x86_found){ .nr = 0 };
}

struct x86_found look_back_find(struct look_back *back, const struct x86_sample *sample)
{
	struct x86_found found = { .nr = 0 };
	struct way fresh;
	const struct way *way = get_way(back, sample->ip, &fresh);

	/* From each start: what is overwritten on a longer way may be known on a shorter one. The nearest access wins.
	 */
	for (unsigned nr = 1; nr <= way->nr && !found.nr; nr++) {
		uint32_t writes;
		struct way part = *way;

		part.nr = (uint8_t)nr;
		if (straight_part(back, &part, &writes) < nr)
			break;
		found = run_again(back, &part, nr, writes, sample);
	}
	return found;
}

/* ---- pointers that are followed ---- */

/* The shortest (mov eax, [rax]) and the longest (with prefix, SIB and a 32-bit displacement) encodings. */
#define FOLLOWED_MIN_LEN 2
#define FOLLOWED_MAX_LEN 8

static bool replaces_its_pointer(const struct uop *u)
{
	if (u->op != UOP_MOV || !(u->mem & UOP_MEM_READ) || u->mem & UOP_MEM_UNKNOWN || u->src != OPND_MEM ||
	    u->size < 4)
		return false;
	return u->dst < X86_NR_GPRS && u->dst != X86_RSP && (u->dst == u->base || u->dst == u->index);
}

uint64_t look_back_followed(struct code_cache *code, uint64_t ip)
{
	/* The longest first: without its prefix a load is one, too. */
	for (unsigned len = FOLLOWED_MAX_LEN; len >= FOLLOWED_MIN_LEN && len < ip; len--) {
		const struct uop *u = code_cache_get(code, ip - len);

		if (u->len == len && replaces_its_pointer(u))
			return ip - len;
	}
	return 0;
}
