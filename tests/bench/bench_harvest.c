/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_harvest - what a harvest costs: the bare walk of clear_refs over a child's memory; the same with our hooks, for
 * each page table and for each page (mglru's), and the reports read; with a hash map updated for every page; and with a
 * program for every page that does nothing. And MGLRU's aging of the child's memcg on every node, bare and with our
 * hooks. In one run, by turns, the fastest of each. Needs a kernel that lets BPF in, and one with MGLRU.
 *
 * bench_harvest [MIB [ROUNDS]]
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/clock.h"
#include "collector/lru_gen.h"
#include "collector/sources/harvest_bpf.h"
#include "collector/sources/sources.h"
#include "per_page.skel.h"

#define MAX_ROUNDS 31

/* The last three are MGLRU's walks, the others clear_refs'. */
enum kind { BARE, HASH_MAP, NOTHING, TABLE, TABLE_WHOLE, PAGE, PAGE_WHOLE, AGING, AGED, AGED_WHOLE, NR_KINDS };
static const char *const kind_names[NR_KINDS] = {
	"bare walk",	  "hash map for each page", "nothing for each page", "ours for each table",
	"  and reported", "ours for each page",	    "  and reported",	     "bare aging by MGLRU",
	"  with ours",	  "  and reported",
};

struct bench {
	struct source_params params;
	int to_child, from_child;
	struct clear_bits clear_refs;
	uint64_t nr_pages;
	struct harvest_target target;
	uint64_t ns[NR_KINDS][MAX_ROUNDS], seen[NR_KINDS];
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench_harvest: %s: %s\n", what, why);
	exit(1);
}

/* Touches every page once for each byte that it reads. */
static void child(int in, int out, size_t bytes)
{
	char *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), byte = 0;

	if (mem == MAP_FAILED || madvise(mem, bytes, MADV_NOHUGEPAGE))
		_exit(1);
	do {
		/* A change of protection flushes the TLB, so that each touch sets the access bit again. */
		if (mprotect(mem, bytes, PROT_READ) || mprotect(mem, bytes, PROT_READ | PROT_WRITE))
			_exit(1);
		for (size_t i = 0; i < bytes; i += PAGE_BYTES)
			((volatile char *)mem)[i] = 1;
	} while (write(out, &byte, 1) == 1 && read(in, &byte, 1) == 1);
	_exit(0);
}

static void touch(struct bench *b)
{
	char byte = 0;

	if (write(b->to_child, &byte, 1) != 1 || read(b->from_child, &byte, 1) != 1)
		die("child", "has ended");
}

struct counter {
	struct sink sink;
	uint64_t nr_pages;
};

static void count_pages(struct sink *sink, const struct report *v, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		((struct counter *)sink)->nr_pages += v[i].count;
}

static uint64_t walk(struct bench *b)
{
	uint64_t begin = clock_now_ns(&clock_system);
	int rc = clear_bits_write(&b->clear_refs, CLEAR_BITS_ACCESSED, NULL);

	if (rc)
		die("clear_refs", strerror(-rc));
	return clock_now_ns(&clock_system) - begin;
}

/* The nodes of the child's memcg, and the file, which is open then. */
static int find_nodes(struct bench *b, FILE **file, struct lru_gen_node nodes[LRU_GEN_MAX_NODES])
{
	static char text[1 << 20];
	size_t len;
	int nr;

	*file = fopen("/sys/kernel/debug/lru_gen", "r+e");
	if (!*file)
		die("lru_gen", strerror(errno));
	len = fread(text, 1, sizeof(text), *file);
	nr = lru_gen_find(text, len, b->target.memcg, nodes, LRU_GEN_MAX_NODES);
	if (nr <= 0)
		die("lru_gen", "the child's memcg is not in it");
	return nr;
}

/* As the source does it: all nodes, one after the other. */
static uint64_t age(struct bench *b)
{
	struct lru_gen_node nodes[LRU_GEN_MAX_NODES];
	char command[LRU_GEN_COMMAND_SIZE];
	FILE *file;
	int nr = find_nodes(b, &file, nodes);
	uint64_t begin = clock_now_ns(&clock_system);

	for (int i = 0; i < nr; i++) {
		size_t len = lru_gen_aging_command(command, b->target.memcg, &nodes[i]);

		if (write(fileno(file), command, len) != (ssize_t)len)
			die("lru_gen", strerror(errno));
	}
	begin = clock_now_ns(&clock_system) - begin;
	fclose(file);
	return begin;
}

/* The walk as kind, and all of it with the reports as the kind after it. */
static void run_ours(struct bench *b, int i, enum kind kind, enum harvest_hooks hooks)
{
	struct counter counter = { .sink = { .reports = count_pages } };
	struct harvest_set set = { 0 };
	struct err err = ERR_NONE;
	struct harvest_bpf *bpf;
	uint64_t begin;

	if (harvest_bpf_open(&bpf, b->params.target, kind == AGED, hooks, 1 << 20, &err) ||
	    harvest_bpf_find_target(bpf, &b->target, &err))
		die(kind_names[kind], err.text);
	harvest_bpf_set_mm(bpf, b->target.mm);
	touch(b);
	b->ns[kind][i] = kind == AGED ? age(b) : walk(b);
	begin = clock_now_ns(&clock_system);
	if (harvest_bpf_collect(bpf, &set, &err))
		die(kind_names[kind], err.text);
	harvest_set_report(&set, &counter.sink);
	b->ns[kind + 1][i] = b->ns[kind][i] + clock_now_ns(&clock_system) - begin;
	b->seen[kind] = b->seen[kind + 1] = counter.nr_pages;
	harvest_set_free(&set);
	harvest_bpf_close(bpf);
}

static uint64_t sum_of_cells(struct per_page_bpf_skel *skel)
{
	uint64_t key = 0, next, *last = NULL, sum = 0;
	struct {
		uint64_t nr_accesses, rest;
	} cell;

	for (; bpf_map__get_next_key(skel->maps.cells, last, &next, sizeof(next)) == 0; last = &key) {
		key = next;
		if (bpf_map__lookup_elem(skel->maps.cells, &key, sizeof(key), &cell, sizeof(cell), 0) == 0)
			sum += cell.nr_accesses;
	}
	return sum;
}

static void run_per_page(struct bench *b, int i, enum kind kind)
{
	struct per_page_bpf_skel *skel = per_page_bpf_skel__open();

	if (!skel)
		die(kind_names[kind], "cannot be opened");
	bpf_program__set_autoload(kind == NOTHING ? skel->progs.pte_young : skel->progs.pte_nothing, false);
	if (per_page_bpf_skel__load(skel) || per_page_bpf_skel__attach(skel))
		die(kind_names[kind], "cannot be loaded");
	skel->bss->target_mm = b->target.mm;
	touch(b);
	b->ns[kind][i] = walk(b);
	b->seen[kind] = sum_of_cells(skel);
	per_page_bpf_skel__destroy(skel);
}

/* The fastest pass: what else runs on the machine only adds. */
static double best_ms(struct bench *b, enum kind kind, int rounds)
{
	uint64_t best = b->ns[kind][0];

	for (int i = 1; i < rounds; i++)
		best = b->ns[kind][i] < best ? b->ns[kind][i] : best;
	return (double)best / 1e6;
}

static void report(struct bench *b, int rounds)
{
	double ms[NR_KINDS], page[NR_KINDS];

	for (enum kind k = BARE; k < NR_KINDS; k++)
		ms[k] = best_ms(b, k, rounds);
	for (enum kind k = BARE; k < NR_KINDS; k++) {
		page[k] = (ms[k] - ms[k < AGING ? BARE : AGING]) * 1e6 / (double)b->nr_pages;
		printf("%-23s %8.1f ms a pass over %llu pages, %6.0f ns a page above the bare one, %llu pages seen\n",
		       kind_names[k], ms[k], (unsigned long long)b->nr_pages, page[k], (unsigned long long)b->seen[k]);
	}
	printf("harvest-cost table=%.3f page=%.3f nothing=%.3f table_pass=%.2f page_pass=%.2f aging_pass=%.2f\n",
	       page[TABLE] / page[HASH_MAP], page[PAGE] / page[HASH_MAP], page[NOTHING] / page[HASH_MAP],
	       ms[TABLE_WHOLE] / ms[BARE], ms[PAGE_WHOLE] / ms[BARE], ms[AGED_WHOLE] / ms[AGING]);
}

int main(int argc, char **argv)
{
	struct bench b = { .params = { .attrs = attrs_default(), .root = "", .clock = &clock_system } };
	size_t bytes = (argc > 1 ? strtoul(argv[1], NULL, 10) : 1024) << 20;
	int rounds = argc > 2 ? atoi(argv[2]) : 5, to[2], from[2];
	struct err err = ERR_NONE;
	char byte;
	pid_t pid;

	if (rounds < 1 || rounds > MAX_ROUNDS || pipe(to) || pipe(from))
		return 2;
	pid = fork();
	if (pid == 0)
		child(to[0], from[1], bytes);
	b.to_child = to[1];
	b.from_child = from[0];
	b.nr_pages = bytes / PAGE_BYTES;
	if (pid < 0 || read(from[0], &byte, 1) != 1 || target_open(&b.params.target, pid, &err) ||
	    clear_bits_open(&b.clear_refs, b.params.target, &err))
		die("child", err.text);
	for (int i = 0; i < rounds; i++) {
		touch(&b);
		b.ns[BARE][i] = walk(&b);
		run_ours(&b, i, TABLE, HARVEST_HOOKS_TABLE);
		run_ours(&b, i, PAGE, HARVEST_HOOKS_FENTRY);
		run_per_page(&b, i, HASH_MAP);
		run_per_page(&b, i, NOTHING);
		touch(&b);
		b.ns[AGING][i] = age(&b);
		run_ours(&b, i, AGED, HARVEST_HOOKS_FENTRY);
	}
	report(&b, rounds);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	clear_bits_close(&b.clear_refs);
	target_close(b.params.target);
	return 0;
}
