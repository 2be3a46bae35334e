/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The source soft_dirty against the truth, for the guest: a child writes 20 MiB
 * in order and 2 MiB at random in 200 MiB and reads elsewhere. Exactly those
 * pages must be reported, by PAGEMAP_SCAN and by pagemap alike. Prints result
 * lines for tests/vm/cases.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/pagemap.h"
#include "collector/rng.h"
#include "collector/sources/sources.h"

#define MIB	  ((size_t)1 << 20)
#define PAGE	  ((size_t)4096)
#define NR_PAGES  (200 * MIB / PAGE)
#define SEQ_FIRST (91 * MIB / PAGE)
#define SEQ_NR	  (20 * MIB / PAGE)
#define RND_FIRST (150 * MIB / PAGE)
#define RND_NR	  (20 * MIB / PAGE)
#define RND_HITS  (2 * MIB / PAGE)

struct trial {
	struct sink sink; /* first */
	unsigned char *v; /* the child's memory, at the same address in ours */
	unsigned char truth[NR_PAGES];
	unsigned char seen[NR_PAGES];
	size_t nr_twice;
	int to_child[2], from_child[2];
};

static void make_truth(struct trial *t)
{
	struct rng rng = rng_seeded(7);
	size_t nr = 0;

	memset(t->truth + SEQ_FIRST, 1, SEQ_NR);
	while (nr < RND_HITS) {
		size_t page = RND_FIRST + rng_below(&rng, RND_NR);

		nr += !t->truth[page];
		t->truth[page] = 1;
	}
}

/* 'w': write what the truth says and read all else; 'r': read everything. Answers with one byte. */
static void child(struct trial *t)
{
	volatile unsigned char *v = t->v;
	unsigned sum = 0;
	char what;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(t->to_child[0], &what, 1) == 1) {
		for (size_t i = 0; i < NR_PAGES; i++)
			if (what == 'w' && t->truth[i])
				v[i * PAGE]++;
			else
				sum += v[i * PAGE];
		if (write(t->from_child[1], &what, 1) != 1)
			break;
	}
	_exit(sum == 1);
}

static void tell_child(struct trial *t, char what)
{
	if (write(t->to_child[1], &what, 1) != 1 || read(t->from_child[0], &what, 1) != 1)
		exit(2);
}

static void mark(struct trial *t, uint64_t start, uint64_t end)
{
	uint64_t first = (uintptr_t)t->v, last = first + NR_PAGES * PAGE;

	for (uint64_t at = start; at < end; at += PAGE)
		if (at >= first && at < last) {
			t->nr_twice += t->seen[(at - first) / PAGE];
			t->seen[(at - first) / PAGE] = 1;
		}
}

static void take_reports(struct sink *sink, const struct report *v, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		mark((struct trial *)sink, v[i].start, v[i].end);
}

static void clear_seen(struct trial *t)
{
	memset(t->seen, 0, sizeof(t->seen));
	t->nr_twice = 0;
}

/* Compares what was seen with the truth, or with nothing at all. */
static int judge(const struct trial *t, const char *name, int wrote)
{
	size_t missed = 0, wrong = 0;

	for (size_t i = 0; i < NR_PAGES; i++) {
		missed += wrote && t->truth[i] && !t->seen[i];
		wrong += (!wrote || !t->truth[i]) && t->seen[i];
	}
	if (!missed && !wrong && !t->nr_twice)
		return printf("ok %s\n", name) < 0;
	printf("not ok %s: %zu pages missed, %zu too many, %zu twice\n", name, missed, wrong, t->nr_twice);
	return 1;
}

static int drain(struct trial *t, struct source *source, const char *name, int wrote)
{
	struct err err = ERR_NONE;

	clear_seen(t);
	if (source_soft_dirty.drain(source, &t->sink, &err)) {
		printf("not ok %s: %s\n", name, err.text);
		return 1;
	}
	return judge(t, name, wrote);
}

/* Asks by one way alone, and says how long it takes. */
static int ask(struct trial *t, struct pagemap pm, uint32_t scannable, const char *name)
{
	struct pagemap_query query = { .start = (uintptr_t)t->v,
				       .end = (uintptr_t)t->v + NR_PAGES * PAGE,
				       .all = PAGEMAP_SOFT_DIRTY,
				       .any = PAGEMAP_PRESENT | PAGEMAP_SWAPPED };
	uint64_t begin = clock_now_ns(&clock_system);
	struct pagemap_range v[100];

	pm.scannable = scannable;
	clear_seen(t);
	while (query.start < query.end) {
		long nr = pagemap_scan(&pm, &query, v, 100, &query.start);

		if (nr < 0) {
			printf("not ok %s: error %ld\n", name, nr);
			return 1;
		}
		for (long i = 0; i < nr; i++)
			mark(t, v[i].start, v[i].end);
	}
	printf("# %s: %llu us\n", name, (unsigned long long)(clock_now_ns(&clock_system) - begin) / 1000);
	return judge(t, name, 1);
}

static int check_both_ways(struct trial *t, const struct target *target)
{
	struct pagemap pm;
	int bad;

	if (pagemap_open(&pm, target, NULL))
		return 1;
	bad = ask(t, pm, 0, "soft_dirty-pagemap");
	if (pm.scannable & PAGEMAP_SOFT_DIRTY)
		bad |= ask(t, pm, pm.scannable, "soft_dirty-scan");
	else
		puts("# no soft_dirty-scan: this kernel's PAGEMAP_SCAN does not know soft-dirty");
	pagemap_close(&pm);
	return bad;
}

static int check_source(struct trial *t, struct target *target)
{
	struct source_params params = { .target = target, .attrs = attrs_default(), .clock = &clock_system };
	struct source_stats stats;
	struct err err = ERR_NONE;
	struct source *source;
	int bad;

	params.attrs.budget_bp = 10000000; /* a clear whenever we want one */
	if (source_soft_dirty.probe(&params, &err) || source_soft_dirty.open(&source, &params, &err) ||
	    source_soft_dirty.prepare(source, &err)) {
		printf("not ok soft_dirty-open: %s\n", err.text);
		return 1;
	}
	tell_child(t, 'w');
	bad = drain(t, source, "soft_dirty-source", 1);
	source_soft_dirty.stats(source, &stats);
	printf("# a write after a clear costs %u ns; %s\n", stats.cost_ns, stats.note);
	bad |= check_both_ways(t, target);
	source_soft_dirty.prepare(source, &err);
	tell_child(t, 'r');
	bad |= drain(t, source, "soft_dirty-reads-are-not-writes", 0);
	source_soft_dirty.close(source);
	return bad;
}

int main(void)
{
	struct trial *t = calloc(1, sizeof(*t));
	struct target *target;
	struct err err = ERR_NONE;
	pid_t pid;
	int bad;

	t->sink.reports = take_reports;
	t->v = mmap(NULL, NR_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (t->v == MAP_FAILED || pipe(t->to_child) || pipe(t->from_child))
		return 2;
	madvise(t->v, NR_PAGES * PAGE, MADV_NOHUGEPAGE);
	make_truth(t);
	pid = fork();
	if (pid == 0) {
		memset(t->v, 0, NR_PAGES * PAGE);
		child(t);
	}
	tell_child(t, 'r');
	if (target_open(&target, pid, &err)) {
		printf("not ok soft_dirty-target: %s\n", err.text);
		return 1;
	}
	bad = check_source(t, target);
	target_close(target);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	free(t);
	return bad;
}
