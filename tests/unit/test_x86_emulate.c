/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the emulator takes for known, and what not, by small pieces of code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "collector/x86/decode.h"
#include "collector/x86/emulate.h"
#include "collector/x86/look_back.h"

#define CODE  UINT64_C(0x400000)
#define STACK UINT64_C(0x7ffc00001000)
#define DATA  UINT64_C(0x7f0000000000)

struct bench {
	unsigned char bytes[CODE_PAGE_BYTES];
	bool may_change;
	unsigned nr_reads;
	struct code_cache *cache;
	unsigned char stack[512];
	struct x86_sample sample;
};

static bool read_page(void *ctx, uint64_t addr, unsigned char dst[CODE_PAGE_BYTES], bool *may_change)
{
	struct bench *b = ctx;

	b->nr_reads++;
	*may_change = b->may_change;
	if (addr != CODE)
		return false;
	memcpy(dst, b->bytes, CODE_PAGE_BYTES);
	return true;
}

static int set_up(void **state)
{
	struct bench *b = test_calloc(1, sizeof(*b));
	struct code_reader reader = { .read = read_page, .ctx = b };

	memset(b->bytes, 0xcc, sizeof(b->bytes));
	b->cache = code_cache_new(&reader);
	b->sample = (struct x86_sample){ .ip = CODE,
					 .stack = b->stack,
					 .sz_stack = sizeof(b->stack),
					 .stack_start = STACK - 128,
					 .stack_end = STACK + 8192 };
	b->sample.gpr[X86_RSP] = STACK;
	b->sample.gpr[X86_RBX] = DATA;
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	code_cache_free(b->cache);
	test_free(b);
	return 0;
}

static void put_code(struct bench *b, const char *bytes, size_t len)
{
	memcpy(b->bytes, bytes, len);
}

#define PUT(b, bytes)  put_code(b, bytes, sizeof(bytes) - 1)
#define FIND(b, bytes) (PUT(b, bytes), x86_find_access(&(b)->sample, (b)->cache))

static void test_first_data_access(void **state)
{
	/* mov rax, [rsp+8]; add rax, 16; mov [rax], ecx */
	struct bench *b = *state;
	uint64_t pointer = DATA + 64;
	struct x86_found found;

	memcpy(b->stack + 8, &pointer, 8);
	found = FIND(b, "\x48\x8b\x44\x24\x08\x48\x83\xc0\x10\x89\x08");
	assert_int_equal(found.nr, 1);
	assert_int_equal(found.access[0].addr, DATA + 80);
	assert_int_equal(found.access[0].size, 4);
	assert_int_equal(found.access[0].op, X86_WRITE);
	assert_int_equal(found.ip, CODE + 9);
	assert_int_equal(found.nr_steps, 2);
}

/* loop: mov rax, [rax]; add dword [rbx], 1; jmp loop. The sample stands after the load. */
static void test_followed_pointer_is_waited_for(void **state)
{
	struct bench *b = *state;
	struct x86_found found;

	PUT(b, "\x48\x8b\x00\x83\x03\x01\xeb\xf8");
	b->sample.ip = CODE + 3;
	b->sample.gpr[X86_RAX] = DATA + 4096;
	assert_int_equal(look_back_followed(b->cache, b->sample.ip), CODE);
	found = x86_find_access_of(&b->sample, b->cache, CODE);
	assert_int_equal(found.nr, 1);
	assert_int_equal(found.access[0].addr, DATA + 4096);
	assert_int_equal(found.ip, CODE);
	/* elsewhere it does not come by, and says so */
	assert_int_equal(x86_find_access_of(&b->sample, b->cache, CODE + 1).nr, 0);
}

static void test_other_loads_are_no_followed_pointers(void **state)
{
	static const struct {
		const char *code;
		unsigned len;
	} cases[] = {
		{ "\x48\x8b\x03", 3 },	   /* mov rax, [rbx] */
		{ "\x48\x89\x00", 3 },	   /* mov [rax], rax */
		{ "\x48\x8d\x00", 3 },	   /* lea rax, [rax] */
		{ "\x48\x8b\x24\x24", 4 }, /* mov rsp, [rsp] */
		{ "\x48\x89\xc0", 3 },	   /* mov rax, rax */
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		code_cache_drop(b->cache);
		put_code(b, cases[i].code, cases[i].len);
		assert_int_equal(look_back_followed(b->cache, CODE + cases[i].len), 0);
	}
	code_cache_drop(b->cache);
	PUT(b, "\x8b\x04\x87"); /* mov eax, [rdi + rax*4] */
	assert_int_equal(look_back_followed(b->cache, CODE + 3), CODE);
}

static void test_unknown_address_is_passed_over(void **state)
{
	/* mov rax, [rbx] is one; of what is known then: mov rcx, [rax]; mov [rbx+4], cl */
	struct bench *b = *state;
	struct x86_run run;
	struct uop u;

	PUT(b, "\x48\x8b\x03\x48\x8b\x08\x88\x4b\x04");
	x86_begin(&run, &b->sample);
	for (unsigned at = 0; at < 6; at += u.len) {
		u = uop_decode(b->bytes + at, 15);
		x86_step(&run, &u);
	}
	assert_int_equal(run.nr_accesses, 0);
	assert_true(run.has_unknown_access);
	assert_false(run.gpr_known & 1u << X86_RCX);
}

static void test_stops_at_unknown_branch(void **state)
{
	/* mov rax, [rsp+600], beyond the copy; test rax, rax; jz */
	struct bench *b = *state;
	struct x86_found found = FIND(b, "\x48\x8b\x84\x24\x58\x02\x00\x00\x48\x85\xc0\x74\x10\x8b\x03");

	assert_int_equal(found.nr, 0);
	assert_int_equal(found.stop, X86_STOP_BRANCH);
}

static void test_unknown_store_may_hit_the_stack(void **state)
{
	/* mov rax, [rsp+600]; mov [rax], ecx; pop rdx; mov ecx, [rdx] */
	struct bench *b = *state;
	uint64_t pointer = DATA;
	struct x86_found found;

	memcpy(b->stack, &pointer, 8);
	found = FIND(b, "\x48\x8b\x84\x24\x58\x02\x00\x00\x89\x08\x5a\x8b\x0a\x0f\x05");
	assert_int_equal(found.nr, 0);
	assert_int_equal(found.stop, X86_STOP_SYSTEM);
	/* Without the store it is known. */
	code_cache_drop(b->cache);
	found = FIND(b, "\x48\x8b\x84\x24\x58\x02\x00\x00\x90\x90\x5a\x8b\x0a\x0f\x05");
	assert_int_equal(found.nr, 1);
	assert_int_equal(found.access[0].addr, DATA);
}

static void test_thread_local_store_does_not(void **state)
{
	/* mov fs:[0x10], ecx; pop rdx; mov ecx, [rdx] */
	struct bench *b = *state;
	uint64_t pointer = DATA;
	struct x86_found found;

	memcpy(b->stack, &pointer, 8);
	found = FIND(b, "\x64\x89\x0c\x25\x10\x00\x00\x00\x5a\x8b\x0a\x0f\x05");
	assert_int_equal(found.nr, 1);
}

static void test_partial_overlap(void **state)
{
	/* mov dword [rsp], 0x11223344; mov byte [rsp+1], 0x55; mov eax, [rsp] */
	static const char code[] = "\xc7\x04\x24\x44\x33\x22\x11\xc6\x44\x24\x01\x55\x8b\x04\x24";
	struct bench *b = *state;
	struct x86_run run;
	struct uop u;

	PUT(b, code);
	x86_begin(&run, &b->sample);
	for (unsigned at = 0; at < sizeof(code) - 1; at += u.len) {
		u = uop_decode(b->bytes + at, 15);
		assert_int_equal(x86_step(&run, &u), X86_GOES_ON);
		assert_true(run.access[0].stack || !run.nr_accesses);
	}
	assert_true(run.gpr_known & 1u << X86_RAX);
	assert_int_equal(run.gpr[X86_RAX], 0x11225544);
}

static void test_two_places(void **state)
{
	/* rep movsq */
	struct bench *b = *state;
	struct x86_found found;

	b->sample.gpr[X86_RSI] = DATA;
	b->sample.gpr[X86_RDI] = DATA + 4096;
	b->sample.gpr[X86_RCX] = 9;
	found = FIND(b, "\xf3\x48\xa5");
	assert_int_equal(found.nr, 2);
	assert_int_equal(found.access[0].op, X86_READ);
	assert_int_equal(found.access[1].addr, DATA + 4096);
	assert_int_equal(found.access[1].op, X86_WRITE);
	b->sample.gpr[X86_RCX] = 0;
	assert_int_equal(x86_find_access(&b->sample, b->cache).nr, 0);
}

static void test_masks(void **state)
{
	/* kmovd k2, ecx; vmovdqu8 ymm18{k2}{z}, [rbx] */
	struct bench *b = *state;
	struct x86_found found;

	b->sample.gpr[X86_RCX] = 0xff0;
	found = FIND(b, "\xc5\xfb\x92\xd1\x62\xe1\x7f\xaa\x6f\x13");
	assert_int_equal(found.nr, 1);
	assert_int_equal(found.access[0].addr, DATA + 4);
	assert_int_equal(found.access[0].size, 8);
	/* Without the first the mask is not known, with a mask of 0 nothing is accessed. */
	b->sample.ip = CODE + 4;
	assert_int_equal(x86_find_access(&b->sample, b->cache).nr, 0);
	b->sample.ip = CODE;
	b->sample.gpr[X86_RCX] = 0;
	assert_int_equal(x86_find_access(&b->sample, b->cache).nr, 0);
}

static void test_gathers_are_unknown(void **state)
{
	/* vpgatherdd xmm0, [rbx+xmm1*4], xmm2; syscall */
	struct bench *b = *state;

	assert_int_equal(FIND(b, "\xc4\xe2\x69\x90\x04\x8b\x0f\x05").nr, 0);
}

static void test_canary(void **state)
{
	/* sub rdx, fs:[0x28]; jnz +2; mov eax, [rbx] */
	struct bench *b = *state;
	struct x86_found found = FIND(b, "\x64\x48\x2b\x14\x25\x28\x00\x00\x00\x75\x02\x8b\x03");

	assert_int_equal(found.nr, 1);
	assert_int_equal(found.access[0].addr, DATA);
}

static void test_low_and_far_addresses(void **state)
{
	struct bench *b = *state;

	b->sample.gpr[X86_RBX] = 8;
	assert_int_equal(FIND(b, "\x8b\x03\x0f\x05").nr, 0);
	b->sample.gpr[X86_RBX] = UINT64_C(0xffffffffff600000);
	assert_int_equal(FIND(b, "\x8b\x03\x0f\x05").nr, 0);
}

static void test_step_limit(void **state)
{
	/* jmp to itself */
	struct bench *b = *state;
	struct x86_found found = FIND(b, "\xeb\xfe");

	assert_int_equal(found.stop, X86_STOP_STEPS);
	assert_int_equal(found.nr_steps, X86_MAX_STEPS);
}

static void test_code_is_read_once(void **state)
{
	struct bench *b = *state;

	FIND(b, "\x90\x90\x8b\x03");
	x86_find_access(&b->sample, b->cache);
	assert_int_equal(b->nr_reads, 1);
	code_cache_age(b->cache);
	x86_find_access(&b->sample, b->cache);
	assert_int_equal(b->nr_reads, 1);
	code_cache_drop(b->cache);
	x86_find_access(&b->sample, b->cache);
	assert_int_equal(b->nr_reads, 2);
}

static void test_code_that_may_change(void **state)
{
	struct bench *b = *state;

	b->may_change = true;
	assert_int_equal(FIND(b, "\x8b\x03").access[0].op, X86_READ);
	/* Within one drain what was read stands. */
	assert_int_equal(FIND(b, "\x89\x03").access[0].op, X86_READ);
	for (unsigned i = 0; i < 600; i++) {
		b->bytes[0] = i & 1 ? 0x8b : 0x89;
		code_cache_age(b->cache);
		assert_int_equal(x86_find_access(&b->sample, b->cache).access[0].op, i & 1 ? X86_READ : X86_WRITE);
	}
}

static void test_code_across_pages(void **state)
{
	struct bench *b = *state;

	/* The second page cannot be read. */
	memcpy(b->bytes + CODE_PAGE_BYTES - 2, "\x48\x8b", 2);
	b->sample.ip = CODE + CODE_PAGE_BYTES - 2;
	assert_int_equal(x86_find_access(&b->sample, b->cache).stop, X86_STOP_CODE);
}

/* 64 bytes of nop, mov eax, [rbx]; cmp eax, ecx; jz ...: as a function would have it. */
static void put_function(struct bench *b)
{
	memset(b->bytes, 0x90, 256);
	memcpy(b->bytes + 128, "\x8b\x03\x39\xc8\x74\x10", 6);
	b->sample.ip = CODE + 130;
}

static struct x86_found look_back(struct bench *b)
{
	struct look_back *back = look_back_new(b->cache);
	struct x86_found found = look_back_find(back, &b->sample);

	look_back_free(back);
	code_cache_drop(b->cache);
	return found;
}

static void test_looks_back(void **state)
{
	struct bench *b = *state;
	struct x86_found found;

	put_function(b);
	b->sample.gpr[X86_RAX] = 7;
	found = look_back(b);
	assert_int_equal(found.nr, 1);
	assert_int_equal(found.access[0].addr, DATA);
	assert_int_equal(found.ip, CODE + 128);
	assert_int_equal(found.nr_steps, 1);
}

static void test_does_not_look_past_a_way_in(void **state)
{
	struct bench *b = *state;

	/* A jump to the sample's address: jmp rel32 at 200. */
	put_function(b);
	memcpy(b->bytes + 200, "\xe9\xb5\xff\xff\xff", 5);
	assert_int_equal(look_back(b).nr, 0);
	/* A short one to the access itself does not matter. */
	put_function(b);
	memcpy(b->bytes + 200, "\xeb\xb6", 2);
	assert_int_equal(look_back(b).nr, 1);
	/* A jump by a table near may lead anywhere. */
	put_function(b);
	memcpy(b->bytes + 100, "\xff\xe0", 2);
	assert_int_equal(look_back(b).nr, 0);
}

static void test_does_not_look_past_a_call(void **state)
{
	struct bench *b = *state;

	put_function(b);
	memcpy(b->bytes + 128, "\x8b\x03\xe8\x10\x00\x00\x00\x90", 8);
	b->sample.ip = CODE + 135;
	assert_int_equal(look_back(b).nr, 0);
}

static void test_lost_base(void **state)
{
	/* mov rbx, [rbx]: where it was is gone */
	struct bench *b = *state;

	put_function(b);
	memcpy(b->bytes + 127, "\x48\x8b\x1b", 3);
	assert_int_equal(look_back(b).nr, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first_data_access),
		TEST(test_followed_pointer_is_waited_for),
		TEST(test_other_loads_are_no_followed_pointers),
		TEST(test_unknown_address_is_passed_over),
		TEST(test_stops_at_unknown_branch),
		TEST(test_unknown_store_may_hit_the_stack),
		TEST(test_thread_local_store_does_not),
		TEST(test_partial_overlap),
		TEST(test_two_places),
		TEST(test_masks),
		TEST(test_gathers_are_unknown),
		TEST(test_canary),
		TEST(test_low_and_far_addresses),
		TEST(test_step_limit),
		TEST(test_code_is_read_once),
		TEST(test_code_that_may_change),
		TEST(test_code_across_pages),
		TEST(test_looks_back),
		TEST(test_does_not_look_past_a_way_in),
		TEST(test_does_not_look_past_a_call),
		TEST(test_lost_base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
