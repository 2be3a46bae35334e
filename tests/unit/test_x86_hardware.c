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
#include "tests/unit/x86_lines.h"

#if defined(__x86_64__)

#define CODE  UINT64_C(0x10000000)
#define DATA  UINT64_C(0x20000000)
#define STACK UINT64_C(0x30000000)
#define ROOM  65536
#define LINES 24

#define NR_SEQUENCES 1500
#define SZ_COPY	     512

struct bench {
	struct rng rng;
	pid_t child;
	unsigned char *code;
	size_t sz_code;
	/* what was seen */
	uint64_t nr_steps, nr_known, nr_values, nr_flags_known, nr_flags, nr_claims, nr_accesses;
	uint64_t nr_ran[X86_LINES_MAX];
	uint16_t line_at[512];
};

static void append(struct bench *b, unsigned nr)
{
	size_t len = x86_line_encode(nr, &b->rng, b->code + b->sz_code);

	if (!len)
		fail_msg("%s cannot be encoded", x86_line_name(nr));
	b->line_at[b->sz_code] = (uint16_t)nr;
	b->sz_code += len;
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
		append(b, (unsigned)rng_below(&b->rng, x86_lines_nr));
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
		if (b->line_at[before.rip - CODE] < x86_lines_nr)
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
	for (unsigned i = 0; i < x86_lines_nr; i++)
		if (b->nr_ran[i] < 5)
			fail_msg("%s ran only %lu times", x86_line_name(i), b->nr_ran[i]);
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
