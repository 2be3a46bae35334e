/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/rng.h"
#include "collector/snapshot.h"

#define NR_REGIONS 37
#define NR_CODES   51

/* Any number of at most so many bits, each number of bits as likely as another. */
static uint64_t any(struct rng *rng, unsigned max_bits)
{
	uint64_t bits = rng_below(rng, max_bits + 1);

	return bits ? (rng_below(rng, UINT64_C(1) << 32) << 32 | rng_below(rng, UINT64_C(1) << 32)) >> (64 - bits) : 0;
}

struct known {
	struct snap_pages pages[NR_REGIONS];
	struct snap_access access[NR_REGIONS];
	struct snap_code codes[NR_CODES];
};

/* Numbers of at most so many bits, in some of the attributes: seed chooses. */
static void fill(struct known *known, struct rng *rng, unsigned bits)
{
	unsigned max_nodes = (unsigned)rng_below(rng, SNAP_NR_NODES + 1), which = (unsigned)rng_below(rng, 16);

	memset(known, 0, sizeof(*known));
	for (size_t i = 0; i < NR_REGIONS; i++) {
		struct snap_pages *p = &known->pages[i];
		struct snap_access *a = &known->access[i];

		p->valid = rng_below(rng, 4) ? which & 15 : 0;
		for (unsigned k = 0; k < max_nodes && p->valid; k++) {
			p->node[k] = (uint8_t)any(rng, bits < 8 ? bits : 8);
			p->node_pages[k] = (uint32_t)any(rng, bits < 32 ? bits : 32);
		}
		if (p->valid) {
			p->anon = (uint32_t)any(rng, bits < 32 ? bits : 32);
			p->huge = any(rng, bits < 28 ? bits : 28) & 0xfffffff;
		}
		if (which & 1 && i % 5) {
			p->swap_known = 1;
			p->swapped = (uint32_t)any(rng, bits < 32 ? bits : 32);
		}
		a->nr_reads = (uint32_t)any(rng, bits < 32 ? bits : 32);
		a->nr_op_unknown = (uint32_t)(i % 3);
		a->latency_sum = any(rng, bits);
		a->nr_level[which % 8] = (uint32_t)any(rng, bits < 32 ? bits : 32);
	}
	for (size_t k = 0; k < NR_CODES; k++)
		known->codes[k] = (struct snap_code){
			.region = (uint32_t)(k * NR_REGIONS / NR_CODES),
			.count = (uint32_t)any(rng, bits < 32 ? bits : 32),
			.ip = k % 3 ? UINT64_C(0xffffffff81000000) + k % 7 : any(rng, 64),
		};
}

static void check(const struct snapshot *snap, const struct known *known, bool with_access)
{
	static const struct snap_access no_access;

	assert_int_equal(snapshot_has_access(snap), with_access);
	for (size_t i = 0; i < NR_REGIONS; i++) {
		struct snap_pages pages = snapshot_pages(snap, i);
		struct snap_access access = snapshot_access(snap, i);

		assert_memory_equal(&pages, &known->pages[i], sizeof(pages));
		assert_memory_equal(&access, with_access ? &known->access[i] : &no_access, sizeof(access));
	}
	for (size_t k = 0; k < NR_CODES; k++) {
		struct snap_code code = snapshot_code(snap, k);

		assert_memory_equal(&code, &known->codes[k], sizeof(code));
	}
}

/* Whatever was filled in is read again, before and after. */
static void test_all_comes_back(void **state)
{
	struct rng rng = rng_seeded(1);

	(void)state;
	for (unsigned round = 0; round < 400; round++) {
		bool with_access = round % 3;
		struct snapshot *snap = snapshot_new(NR_REGIONS, with_access, NR_CODES, NULL), *packed;
		struct known known;
		size_t before;

		fill(&known, &rng, round % 65);
		memcpy(snap->open.pages, known.pages, sizeof(known.pages));
		memcpy(snap->open.codes, known.codes, sizeof(known.codes));
		if (with_access)
			memcpy(snap->open.access, known.access, sizeof(known.access));
		for (size_t i = 0; i < NR_REGIONS; i++)
			snap->regions[i] = (struct snap_region){ .start = i << 12, .end = (i + 1) << 12, .age = 7 };
		snap->seq = round;
		check(snap, &known, with_access);
		before = snapshot_sz(snap);
		packed = snapshot_pack(snap);
		assert_non_null(packed->packed);
		assert_null(packed->open.pages);
		assert_int_equal(packed->seq, round);
		assert_int_equal(packed->regions[NR_REGIONS - 1].end, NR_REGIONS << 12);
		check(packed, &known, with_access);
		if (round % 65 < 20)
			assert_true(snapshot_sz(packed) < before);
		/* it is packed already */
		assert_ptr_equal(snapshot_pack(packed), packed);
		snapshot_free(packed);
	}
}

static void test_nothing_takes_nothing(void **state)
{
	struct snapshot *empty = snapshot_pack(snapshot_new(0, false, 0, NULL));
	struct snapshot *few = snapshot_pack(snapshot_new(1, true, 0, NULL));
	struct snapshot *many = snapshot_pack(snapshot_new(1001, true, 0, NULL));

	(void)state;
	assert_int_equal(empty->nr_regions, 0);
	assert_int_equal(snapshot_pages(many, 1000).valid, 0);
	assert_int_equal(snapshot_access(many, 1000).nr_reads, 0);
	/* of what is not known not a byte is kept */
	assert_int_equal(snapshot_sz(many) - snapshot_sz(few), 1000 * sizeof(struct snap_region));
	snapshot_free(empty);
	snapshot_free(few);
	snapshot_free(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_comes_back),
		cmocka_unit_test(test_nothing_takes_nothing),
	};

	return cmocka_run_group_tests_name("snap_packed", tests, NULL, NULL);
}
