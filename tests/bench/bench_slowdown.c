/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_slowdown memory|pingpong|writes|few_writes [CYCLES [HZ|SOURCE [SECONDS]]] - by how much a process
 * gets slower while the clock source, or another one, watches it.
 *
 * A child works without an end and counts its operations; the collector, its
 * thread and all, is started and ended beside it. A cycle is four windows, off off off on: the window that is on is
 * compared with the mean of the two beside it, and, as the null, the middle one of the three that are off in the same
 * way. Only whole windows count. The rate is the one that the default budget leads to on this load, found in a first
 * run, or HZ. Another source has its own defaults and windows of 5 s, or of SECONDS: within the budget a clear of bits
 * is seconds apart, and each window that is on begins with one, so that it has its share of them or more.
 *
 * Stretches in which somebody else had the CPU do not count: "memory" and "pingpong" leave out those that no sample
 * would make as long. What a clear costs comes page by page, as faults, and may be longer; "writes" counts CPU time.
 */
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collector/collector.h"
#include "collector/rng.h"
#include "collector/sources/sources.h"
#include "tests/bench/bench_stat.h"

#define WINDOW_NS      (400 * NSEC_PER_MSEC)
#define LONG_WINDOW_NS (5 * NSEC_PER_SEC)
#define SETTLE_NS      (50 * NSEC_PER_MSEC) /* after a start or an end, in no window */
#define PREEMPT_NS     (400 * NSEC_PER_USEC)
/* Mappings read and regions made once in every window that is on: more often than by default. */
#define INTERVAL_US 350000
#define MAX_CYCLES  200

#define READ_BYTES  (UINT64_C(256) << 20)
#define WRITE_BYTES (UINT64_C(64) << 20)
#define FEW_BYTES   (UINT64_C(16) << 20)
#define NR_READS    512
#define NR_WRITES   64
#define NR_TRIPS    32

/* Written by the load, read by us: it is a batch in 10 000 that is torn. */
struct counts {
	_Atomic uint64_t nr, ns, lost_ns;
};

struct load {
	const char *name;
	void (*prepare)(void);
	uint64_t (*batch)(void); /* operations done */
	bool by_cpu_time;
};

/* ---- loads, in the child ---- */

static uint64_t *words, nr_words;
static uint64_t read_sum;
static struct rng read_rng = { 1 };
static int pipes[2][2];

static void map_words(size_t size)
{
	words = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bench_must(words != MAP_FAILED, "no memory for the load");
	nr_words = size / sizeof(*words);
	madvise(words, size, MADV_NOHUGEPAGE);
	memset(words, 1, size);
	read_rng = rng_seeded(1);
}

static void prepare_memory(void)
{
	map_words(READ_BYTES);
}

static void prepare_writes(void)
{
	map_words(WRITE_BYTES);
}

static void prepare_few_writes(void)
{
	map_words(FEW_BYTES);
}

static uint64_t batch_writes(void)
{
	for (int i = 0; i < NR_WRITES; i++)
		words[rng_below(&read_rng, nr_words)] = (uint64_t)i;
	return NR_WRITES;
}

static uint64_t batch_memory(void)
{
	for (int i = 0; i < NR_READS; i++)
		read_sum += words[rng_below(&read_rng, nr_words)];
	return NR_READS;
}

static void *answer(void *arg)
{
	char c;

	(void)arg;
	while (read(pipes[0][0], &c, 1) == 1 && write(pipes[1][1], &c, 1) == 1)
		;
	return NULL;
}

static void prepare_pingpong(void)
{
	pthread_t thread;

	bench_must(!pipe(pipes[0]) && !pipe(pipes[1]) && !pthread_create(&thread, NULL, answer, NULL), "no pipes");
}

static uint64_t batch_pingpong(void)
{
	char c = 0;

	for (int i = 0; i < NR_TRIPS; i++)
		bench_must(write(pipes[0][1], &c, 1) == 1 && read(pipes[1][0], &c, 1) == 1, "pipe");
	return NR_TRIPS;
}

static const struct load loads[] = {
	{ "memory", prepare_memory, batch_memory, false },
	{ "pingpong", prepare_pingpong, batch_pingpong, false },
	{ "writes", prepare_writes, batch_writes, true },
	{ "few_writes", prepare_few_writes, batch_writes, true },
};

static uint64_t load_time_ns(const struct load *load)
{
	return load->by_cpu_time ? clock_thread_cpu_ns() : clock_now_ns(&clock_system);
}

_Noreturn static void run_load(const struct load *load, struct counts *counts)
{
	cpu_set_t cpus;
	int cpu = (int)sysconf(_SC_NPROCESSORS_ONLN) - 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* On one CPU, all threads of it: a move to another is noise, and ping-pong is to switch. */
	CPU_ZERO(&cpus);
	CPU_SET((size_t)cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	load->prepare();
	for (uint64_t from = load_time_ns(load), to;; from = to) {
		uint64_t nr = load->batch();

		to = load_time_ns(load);
		if (load->by_cpu_time || to - from < PREEMPT_NS) {
			atomic_fetch_add_explicit(&counts->nr, nr, memory_order_relaxed);
			atomic_fetch_add_explicit(&counts->ns, to - from, memory_order_relaxed);
		} else {
			atomic_fetch_add_explicit(&counts->lost_ns, to - from, memory_order_relaxed);
		}
	}
}

/* ---- windows ---- */

struct bench {
	struct counts *counts;
	pid_t pid;
	const struct source_ops *ops;
	uint64_t window_ns;
	struct attrs attrs;
	uint32_t freq_hz; /* of the last snapshot */
	char note[128];
	uint64_t nr_samples, nr_snapshots;
};

static void sleep_ns(uint64_t ns)
{
	struct timespec ts = { (time_t)(ns / NSEC_PER_SEC), (long)(ns % NSEC_PER_SEC) };

	clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

/* Operations a second of the load over one window; < 0: too much of it was somebody else's. */
static double window(struct bench *b)
{
	uint64_t nr = b->counts->nr, ns = b->counts->ns, lost_ns = b->counts->lost_ns;

	sleep_ns(b->window_ns);
	nr = b->counts->nr - nr;
	ns = b->counts->ns - ns;
	lost_ns = b->counts->lost_ns - lost_ns;
	return !ns || lost_ns > ns ? -1 : (double)nr / (double)ns * 1e9;
}

static void start(struct bench *b, struct collector **collector, struct channel **channel)
{
	struct source_params params = { .attrs = b->attrs, .clock = &clock_system, .root = "", .seed = 1 };
	const struct source_ops *const sources[] = { b->ops, NULL };
	struct err err = ERR_NONE;

	bench_must(!target_open(&params.target, b->pid, &err), err.text);
	*channel = channel_new(&err);
	bench_must(*channel && !collector_start(collector, sources, &params, *channel, &err), err.text);
}

static void take_message(struct bench *b, const struct message *m)
{
	if (m->type == MESSAGE_SNAPSHOT) {
		b->freq_hz = m->snapshot->stats.freq_hz;
		b->nr_samples += m->snapshot->stats.samples;
		b->nr_snapshots++;
		memcpy(b->note, m->snapshot->note, sizeof(b->note));
		snapshot_free(m->snapshot);
	}
	bench_must(m->type != MESSAGE_ENDED || !m->err.code, m->err.text);
}

static void stop(struct bench *b, struct collector *collector, struct channel *channel)
{
	struct message message;

	bench_must(channel_send(channel, &(struct command){ .type = COMMAND_STOP }), "a command was not taken");
	collector_join(collector);
	while (channel_receive(channel, &message))
		take_message(b, &message);
	channel_free(channel);
}

static double window_on(struct bench *b)
{
	struct collector *collector;
	struct channel *channel;
	double rate;

	start(b, &collector, &channel);
	sleep_ns(SETTLE_NS);
	rate = window(b);
	stop(b, collector, channel);
	sleep_ns(SETTLE_NS);
	return rate;
}

static double window_off(struct bench *b)
{
	double rate;

	sleep_ns(SETTLE_NS);
	rate = window(b);
	sleep_ns(SETTLE_NS);
	return rate;
}

/* Adds a value where all three windows are whole. */
static void compare(double before, double here, double after, double *v, size_t *nr)
{
	if (before > 0 && here > 0 && after > 0)
		v[(*nr)++] = 100 * (1 - here / ((before + after) / 2));
}

static void run_cycles(struct bench *b, int nr_cycles, const char *name)
{
	double on[MAX_CYCLES], null[MAX_CYCLES], off[3], rate_on, last = -1;
	size_t nr_on = 0, nr_null = 0;

	for (int i = 0; i < nr_cycles; i++) {
		for (int k = 0; k < 3; k++)
			off[k] = window_off(b);
		if (i) /* the window that was on lies between two cycles */
			compare(last, rate_on, off[0], on, &nr_on);
		compare(off[0], off[1], off[2], null, &nr_null);
		rate_on = window_on(b);
		last = off[2];
	}
	compare(last, rate_on, window_off(b), on, &nr_on);
	bench_must(nr_on > 1 && nr_null > 1, "others kept the CPU busy: no whole windows");
	printf("%s: slowdown %.2f %% (quartiles %.2f to %.2f), null %.2f %% (quartiles %.2f to %.2f), %zu pairs, %u "
	       "Hz\n",
	       name, bench_quantile(on, nr_on, 0.5), bench_quantile(on, nr_on, 0.25), bench_quantile(on, nr_on, 0.75),
	       bench_quantile(null, nr_null, 0.5), bench_quantile(null, nr_null, 0.25),
	       bench_quantile(null, nr_null, 0.75), nr_on, b->freq_hz);
	printf("figure\tslowdown, %s\t%.2f %% (null %.2f; quartiles %.2f to %.2f, null %.2f to %.2f)\t<= 1 %%\n", name,
	       bench_quantile(on, nr_on, 0.5), bench_quantile(null, nr_null, 0.5), bench_quantile(on, nr_on, 0.25),
	       bench_quantile(on, nr_on, 0.75), bench_quantile(null, nr_null, 0.25),
	       bench_quantile(null, nr_null, 0.75));
}

/* The rate that the default budget comes to once it has seen the load. */
static void find_rate(struct bench *b)
{
	struct collector *collector;
	struct channel *channel;

	b->attrs = attrs_default();
	start(b, &collector, &channel);
	sleep_ns(3 * NSEC_PER_SEC + NSEC_PER_SEC / 2);
	stop(b, collector, channel);
	bench_must(b->freq_hz > 0, "no rate");
	printf("by default %u Hz; %s\n", b->freq_hz, b->note);
}

/* By a rate, or by the name of another source; or neither. */
static void choose(struct bench *b, const char *arg)
{
	const struct source_ops *ops = arg ? source_find(arg) : NULL;

	if (ops) {
		b->ops = ops;
		b->window_ns = LONG_WINDOW_NS;
		if (ops->default_attrs)
			ops->default_attrs(&b->attrs);
		return;
	}
	if (arg)
		b->freq_hz = (uint32_t)atoi(arg);
	else
		find_rate(b);
	b->attrs.freq_hz = b->freq_hz;
	b->attrs.aggregation_us = b->attrs.update_us = INTERVAL_US;
}

int main(int argc, char **argv)
{
	int nr_cycles = argc > 2 ? atoi(argv[2]) : 20;
	struct bench b = { .attrs = attrs_default(), .ops = &source_clock, .window_ns = WINDOW_NS };
	char name[64];
	const struct load *load = NULL;

	for (size_t i = 0; argc > 1 && i < sizeof(loads) / sizeof(loads[0]); i++)
		load = strcmp(argv[1], loads[i].name) ? load : &loads[i];
	bench_must(load && nr_cycles > 1 && nr_cycles <= MAX_CYCLES,
		   "usage: bench_slowdown memory|pingpong|writes|few_writes [CYCLES [HZ|SOURCE [SECONDS]]]");
	b.counts = mmap(NULL, sizeof(*b.counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bench_must(b.counts != MAP_FAILED, "no memory");
	b.pid = fork();
	bench_must(b.pid >= 0, "fork");
	if (!b.pid)
		run_load(load, b.counts);
	while (!b.counts->nr)
		sleep_ns(SETTLE_NS);
	choose(&b, argc > 3 ? argv[3] : NULL);
	if (argc > 4)
		b.window_ns = (uint64_t)atoi(argv[4]) * NSEC_PER_SEC;
	snprintf(name, sizeof(name), "%s%s%s", load->name, b.ops == &source_clock ? "" : ", ",
		 b.ops == &source_clock ? "" : b.ops->name);
	run_cycles(&b, nr_cycles, name);
	if (b.note[0])
		printf("last note: %s\n", b.note);
	kill(b.pid, SIGKILL);
	waitpid(b.pid, NULL, 0);
	return 0;
}
