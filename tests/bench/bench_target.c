/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_target - what reading a target with 65 000 mappings takes: the first
 * time, when nothing has changed, and when mappings have changed since.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/clock.h"
#include "collector/target.h"
#include "tests/bench/bench_stat.h"

#define NR_MAPPINGS 65000
#define NR_PASSES   21

/* Every other page has other rights, so each is a mapping of its own; at each byte read one changes. */
_Noreturn static void run_child(int in, int out)
{
	size_t sz_page = (size_t)sysconf(_SC_PAGESIZE);
	char *base, c = 'y';

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	base = mmap(NULL, NR_MAPPINGS * sz_page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; base != MAP_FAILED && i < NR_MAPPINGS; i += 2)
		if (mprotect(base + i * sz_page, sz_page, PROT_READ | PROT_WRITE))
			c = 'n'; /* vm.max_map_count is lower here */
	for (int prot = PROT_READ | PROT_WRITE | PROT_EXEC; write(out, &c, 1) == 1 && read(in, &c, 1) == 1;
	     prot ^= PROT_EXEC)
		mprotect(base, sz_page, prot);
	_exit(0);
}

static double refresh_ms(struct target *target, int want)
{
	struct err err = ERR_NONE;
	uint64_t from = clock_now_ns(&clock_system);
	int changes = target_refresh(target, &err);

	bench_must(changes >= 0, err.text);
	bench_must((changes & TARGET_CHANGED_MAPPINGS) == want,
		   "the change of a mapping was not seen, or seen wrongly");
	return (double)(clock_now_ns(&clock_system) - from) / 1e6;
}

int main(void)
{
	double same[NR_PASSES], changed[NR_PASSES];
	int to[2], from[2];
	struct target *target;
	struct err err = ERR_NONE;
	uint64_t begin_ns;
	pid_t pid;
	char c;

	bench_must(!pipe(to) && !pipe(from), "no pipes");
	pid = fork();
	bench_must(pid >= 0, "fork");
	if (!pid)
		run_child(to[0], from[1]);
	bench_must(read(from[0], &c, 1) == 1, "the child has ended");
	begin_ns = clock_now_ns(&clock_system);
	bench_must(!target_open(&target, pid, &err), err.text);
	printf("target of %zu mappings: opened in %.1f ms\n", target->maps->nr,
	       (double)(clock_now_ns(&clock_system) - begin_ns) / 1e6);
	for (int i = 0; i < NR_PASSES; i++) {
		same[i] = refresh_ms(target, 0);
		bench_must(write(to[1], &c, 1) == 1 && read(from[0], &c, 1) == 1, "the child has ended");
		changed[i] = refresh_ms(target, TARGET_CHANGED_MAPPINGS);
	}
	printf("refresh: nothing changed %.1f ms (95 %% %.1f), changed %.1f ms (95 %% %.1f)\n",
	       bench_quantile(same, NR_PASSES, 0.5), bench_quantile(same, NR_PASSES, 0.95),
	       bench_quantile(changed, NR_PASSES, 0.5), bench_quantile(changed, NR_PASSES, 0.95));
	printf("figure\trefresh of %zu mappings, one changed\t%.1f ms (95 %% %.1f)\t<= 50 ms\n", target->maps->nr,
	       bench_quantile(changed, NR_PASSES, 0.5), bench_quantile(changed, NR_PASSES, 0.95));
	target_close(target);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 0;
}
