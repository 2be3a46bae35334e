/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clock_steps PID SAMPLES [SEED]: are the addresses that the clock source
 * would report the ones that a real program accesses?
 *
 * Stops the process's first thread at random moments, takes what a perf sample
 * holds (registers, flags, 512 bytes of stack), lets the emulator say what
 * comes, and then single-steps the thread along the same way. Prints one line
 * of figures; exit status 1 if a single claim was wrong.
 */
#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collector/rng.h"
#include "collector/sources/clock_code.h"
#include "collector/target.h"
#include "collector/x86/decode.h"
#include "collector/x86/look_back.h"
#include "tests/live/x86_truth.h"

#define SZ_COPY	      512
#define MAX_REPEATS   100000
#define MAX_STOP_US   3000
#define MAX_ATTEMPTS  40 /* for each sample wanted: many stops are in system calls */
#define MAX_COMPLAINT 10
#define MORE_STEPS    24 /* past the end of the plan, for looking back from there */
#define NR_TRACE      128

/* An instruction that the thread has run, and what it accessed. */
struct executed {
	uint64_t ip;
	unsigned nr;
	struct truth t[TRUTH_MAX];
};

struct steps {
	struct target *target;
	struct clock_code code;
	pid_t tid;
	struct rng rng;
	uint64_t nr_samples, nr_found, nr_claims, nr_data, nr_wrong, nr_off_path, nr_wrong_regs, nr_interrupted,
		nr_repeated;
	uint64_t nr_stops[X86_NR_STOPS];
	/* looking back */
	struct look_back *back;
	uint64_t nr_back_asked, nr_back, nr_back_wrong, nr_either;
	unsigned nr_trace; /* instructions that the thread has run since it was stopped */
	struct executed trace[NR_TRACE];
};

/* One predicted instruction. */
struct planned {
	uint64_t ip;
	unsigned nr;
	struct x86_access access[2];
	uint32_t gpr_known; /* before it */
	uint64_t gpr[X86_NR_GPRS];
};

static void die(const char *what)
{
	fprintf(stderr, "clock_steps: %s: %s\n", what, strerror(errno));
	exit(2);
}

static bool read_target(const struct steps *s, uint64_t addr, void *dst, size_t len)
{
	struct iovec local = { dst, len }, remote = { (void *)addr, len }; // NOLINT

	return process_vm_readv(s->tid, &local, 1, &remote, 1, 0) == (ssize_t)len;
}

/* Waits for the thread's next stop. Returns the signal it stopped for, 0 for the stop we asked for. */
static int wait_stop(const struct steps *s)
{
	int status;

	if (waitpid(s->tid, &status, __WALL) != s->tid)
		die("waitpid");
	if (!WIFSTOPPED(status)) {
		fprintf(stderr, "clock_steps: the process has ended\n");
		exit(2);
	}
	return status >> 16 == PTRACE_EVENT_STOP ? 0 : WSTOPSIG(status);
}

static void go_on(const struct steps *s, int sig)
{
	if (ptrace(PTRACE_CONT, s->tid, NULL, sig))
		die("PTRACE_CONT");
}

/* Stops the thread somewhere; other signals are passed on. */
static void stop_somewhere(struct steps *s)
{
	struct timespec ts = { .tv_nsec = (long)rng_below(&s->rng, MAX_STOP_US * 1000) };
	int sig;

	nanosleep(&ts, NULL);
	if (ptrace(PTRACE_INTERRUPT, s->tid, NULL, NULL))
		die("PTRACE_INTERRUPT");
	while ((sig = wait_stop(s)) != 0)
		go_on(s, sig);
}

enum stepped { STEP_DONE, STEP_SIGNAL, STEP_REPEATS };

/* One instruction of the real program, all repetitions of it. */
static enum stepped step(const struct steps *s, struct user_regs_struct *regs)
{
	uint64_t ip = regs->rip;
	int repeats = 0;

	do {
		int sig;

		if (ptrace(PTRACE_SINGLESTEP, s->tid, NULL, NULL))
			die("PTRACE_SINGLESTEP");
		sig = wait_stop(s);
		if (sig != SIGTRAP) {
			/* Its handler's code is not what was asked about. */
			go_on(s, sig);
			return STEP_SIGNAL;
		}
		if (ptrace(PTRACE_GETREGS, s->tid, NULL, regs))
			die("PTRACE_GETREGS");
		if (++repeats > MAX_REPEATS)
			return STEP_REPEATS;
	} while (regs->rip == ip);
	return STEP_DONE;
}

/* The whole way that the emulator is sure of. */
static unsigned plan(struct steps *s, const struct x86_sample *sample, struct planned v[X86_MAX_STEPS + 1])
{
	struct x86_run run;
	unsigned nr = 0;

	x86_begin(&run, sample);
	while (nr < X86_MAX_STEPS) {
		v[nr].ip = run.ip;
		v[nr].gpr_known = run.gpr_known;
		memcpy(v[nr].gpr, run.gpr, sizeof(run.gpr));
		x86_step(&run, code_cache_get(s->code.cache, run.ip));
		v[nr].nr = run.nr_accesses;
		memcpy(v[nr].access, run.access, sizeof(run.access));
		nr++;
		if (run.stop)
			break;
	}
	s->nr_stops[run.stop]++;
	return nr;
}

static void complain(struct steps *s, const char *what, const struct planned *p, const struct user_regs_struct *regs)
{
	unsigned char code[X86_MAX_INSN];
	ZydisDisassembledInstruction insn;

	if (s->nr_wrong + s->nr_off_path + s->nr_wrong_regs + s->nr_back_wrong > MAX_COMPLAINT)
		return;
	insn.text[0] = '\0';
	if (read_target(s, regs->rip, code, sizeof(code)))
		ZydisDisassembleIntel(ZYDIS_MACHINE_MODE_LONG_64, regs->rip, code, sizeof(code), &insn);
	fprintf(stderr, "%s: at %#llx %s, planned %#lx, claims %u: %#lx+%u\n", what, regs->rip, insn.text, p->ip, p->nr,
		p->access[0].addr, p->access[0].size);
}

/* AVX-512's mask registers, where the CPU has them: component 5 of the extended state. */
static bool read_masks(const struct steps *s, uint64_t masks[8])
{
	unsigned char state[16384];
	struct iovec io = { state, sizeof(state) };
	unsigned size, offset, c, d;

	if (!__get_cpuid_count(0xd, 5, &size, &offset, &c, &d) || size < 64)
		return false;
	if (ptrace(PTRACE_GETREGSET, s->tid, (void *)NT_X86_XSTATE, &io) || io.iov_len < offset + 64)
		return false;
	memcpy(masks, state + offset, 64);
	return true;
}

/* What the instruction at regs->rip is about to access goes to the trace. */
static const struct executed *record(struct steps *s, const struct user_regs_struct *regs)
{
	struct executed *e = &s->trace[s->nr_trace++ % NR_TRACE];
	unsigned char code[X86_MAX_INSN];
	size_t len = sizeof(code);
	uint64_t masks[8];

	while (len && !read_target(s, regs->rip, code, len))
		len--;
	e->ip = regs->rip;
	e->nr = truth_accesses(regs, read_masks(s, masks) ? masks : NULL, code, len, e->t);
	return e;
}

static void check_accesses(struct steps *s, const struct planned *p, const struct user_regs_struct *regs)
{
	const struct executed *e = record(s, regs);

	for (unsigned i = 0; i < p->nr; i++) {
		s->nr_claims++;
		s->nr_data += !p->access[i].stack;
		if (!truth_has(e->t, e->nr, &p->access[i])) {
			s->nr_wrong++;
			complain(s, "wrong address", p, regs);
		}
	}
}

static void make_sample(struct steps *s, struct x86_sample *sample, const struct user_regs_struct *regs)
{
	truth_gprs(sample->gpr, regs);
	sample->ip = regs->rip;
	sample->flags = regs->eflags;
	clock_stack_window(s->target->maps, regs->rsp, &sample->stack_start, &sample->stack_end);
}

/* Were a sample taken here, before regs->rip: what would looking back claim, and was it so? */
static void check_back(struct steps *s, const struct user_regs_struct *regs)
{
	struct x86_sample sample = { .sz_stack = 0 };
	struct x86_found found;
	const struct executed *e;

	make_sample(s, &sample, regs);
	found = look_back_find(s->back, &sample);
	if (found.nr_steps > s->nr_trace || s->nr_trace < LOOK_BACK_MAX)
		return; /* from before it was stopped */
	s->nr_back_asked++;
	if (!found.nr)
		return;
	e = &s->trace[(s->nr_trace - found.nr_steps) % NR_TRACE];
	for (unsigned i = 0; i < found.nr; i++) {
		struct planned p = { .ip = found.ip, .nr = found.nr, .access = { found.access[i] } };

		s->nr_back++;
		if (e->ip == found.ip && truth_has(e->t, e->nr, &found.access[i]))
			continue;
		s->nr_back_wrong++;
		complain(s, "wrong looking back", &p, regs);
	}
}

static void check_regs(struct steps *s, const struct planned *p, const struct user_regs_struct *regs)
{
	uint64_t gpr[X86_NR_GPRS];

	truth_gprs(gpr, regs);
	for (unsigned i = 0; i < X86_NR_GPRS; i++)
		if ((p->gpr_known >> i & 1) && gpr[i] != p->gpr[i]) {
			s->nr_wrong_regs++;
			complain(s, "wrong register", p, regs);
			return;
		}
}

/* There a step would be as long as the call. */
static bool is_system_call(const struct steps *s, const struct user_regs_struct *regs)
{
	unsigned char code[2];

	return read_target(s, regs->rip, code, 2) && code[0] == 0x0f && code[1] == 0x05;
}

/* Single-steps the plan, and some way on. Returns whether the thread is still stopped. */
static bool follow(struct steps *s, const struct planned *v, unsigned nr, struct user_regs_struct regs)
{
	s->nr_trace = 0;
	for (unsigned i = 0; i < nr + MORE_STEPS; i++) {
		enum stepped how;

		check_back(s, &regs);
		if (i < nr && regs.rip != v[i].ip) {
			s->nr_off_path++;
			complain(s, "off the path", &v[i], &regs);
			return true;
		}
		if (i < nr) {
			check_regs(s, &v[i], &regs);
			check_accesses(s, &v[i], &regs);
		} else {
			record(s, &regs);
		}
		if (is_system_call(s, &regs))
			return true;
		how = step(s, &regs);
		if (how == STEP_SIGNAL) {
			s->nr_interrupted++;
			return false;
		}
		if (how == STEP_REPEATS) {
			s->nr_repeated++;
			return true;
		}
	}
	return true;
}

/* The thread is stopped. Returns whether it was in user code, and leaves it running. */
static bool take_sample(struct steps *s)
{
	struct planned v[X86_MAX_STEPS + 1];
	struct user_regs_struct regs;
	unsigned char copy[SZ_COPY];
	struct x86_sample sample = { .stack = copy, .sz_stack = sizeof(copy) };
	struct x86_found found;

	if (ptrace(PTRACE_GETREGS, s->tid, NULL, &regs))
		die("PTRACE_GETREGS");
	if ((int64_t)regs.orig_rax >= 0 || !read_target(s, regs.rsp, copy, sizeof(copy))) {
		go_on(s, 0);
		return false;
	}
	make_sample(s, &sample, &regs);
	found = x86_find_access(&sample, s->code.cache);
	s->nr_samples++;
	s->nr_found += found.nr != 0;
	s->nr_either += found.nr || look_back_find(s->back, &sample).nr;
	if (follow(s, v, plan(s, &sample, v), regs))
		go_on(s, 0);
	return true;
}

static void set_up(struct steps *s, const char *pid)
{
	struct err err = ERR_NONE;

	s->tid = (pid_t)atoi(pid);
	if (target_open(&s->target, s->tid, &err) || clock_code_open(&s->code, s->target, &err)) {
		fprintf(stderr, "clock_steps: %s\n", err.text);
		exit(2);
	}
	s->back = look_back_new(s->code.cache);
	if (!s->back)
		die("look_back_new");
	if (ptrace(PTRACE_SEIZE, s->tid, NULL, NULL))
		die("PTRACE_SEIZE");
}

static void refresh(struct steps *s)
{
	int changes = target_refresh(s->target, NULL);

	if (changes > 0) {
		clock_code_update(&s->code, (unsigned)changes);
		look_back_drop(s->back);
	}
}

static double share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static void print_figures(const struct steps *s)
{
	printf("%s samples %lu found %.4f either %.4f", s->target->comm, s->nr_samples,
	       share(s->nr_found, s->nr_samples), share(s->nr_either, s->nr_samples));
	printf(" claims %lu data %lu wrong %lu off_path %lu wrong_registers %lu", s->nr_claims, s->nr_data, s->nr_wrong,
	       s->nr_off_path, s->nr_wrong_regs);
	printf(" looked_back %lu claims_back %lu wrong_back %lu", s->nr_back_asked, s->nr_back, s->nr_back_wrong);
	printf(" signals %lu repeats %lu\n", s->nr_interrupted, s->nr_repeated);
	printf("%s ended by: branch %lu system %lu code %lu fault %lu\n", s->target->comm, s->nr_stops[X86_STOP_BRANCH],
	       s->nr_stops[X86_STOP_SYSTEM], s->nr_stops[X86_STOP_CODE], s->nr_stops[X86_STOP_FAULT]);
}

int main(int argc, char **argv)
{
	struct steps s = { .tid = 0 };
	uint64_t wanted, attempts;

	if (argc < 3) {
		fprintf(stderr, "usage: clock_steps PID SAMPLES [SEED]\n");
		return 2;
	}
	wanted = strtoull(argv[2], NULL, 10);
	s.rng = rng_seeded(argc > 3 ? strtoull(argv[3], NULL, 10) : 1);
	set_up(&s, argv[1]);
	for (attempts = 0; s.nr_samples < wanted && attempts < wanted * MAX_ATTEMPTS; attempts++) {
		if (attempts % 256 == 255)
			refresh(&s);
		stop_somewhere(&s);
		take_sample(&s);
	}
	print_figures(&s);
	look_back_free(s.back);
	clock_code_close(&s.code);
	target_close(s.target);
	return s.nr_back_wrong || s.nr_wrong || s.nr_off_path || s.nr_wrong_regs;
}
