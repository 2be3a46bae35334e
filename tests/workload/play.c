/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * play.c - plays the phases of a plan. The workers are made once and meet the main thread at a barrier where a phase
 * begins and where it ends; between the two the main thread sleeps, and at the end of a slice reads the counts.
 */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "collector/rng.h"
#include "tests/workload/workload.h"

/* Accesses between two looks at what is shared: few enough for an even mix, enough that the looking does not show. */
#define BATCH 32
/* How long a worker with a rate sleeps after it has done what was due. */
#define REST_NS (2 * NSEC_PER_MSEC)
/* A worker that is further behind than this gives up what it has missed. */
#define MAX_BEHIND_S 0.1

struct player {
	const struct plan *plan;
	const struct phase *phase; /* NULL: the workers end */
	pthread_barrier_t barrier;
	_Atomic bool stop;     /* the phase is over */
	_Atomic unsigned turn; /* grows when offsets or active accesses have changed */
	int tids[MAX_THREADS];
	struct tally tallies[MAX_THREADS][MAX_ACCESS];
};

/* What a worker does at the moment. */
struct mix {
	unsigned nr, turn;
	unsigned access[MAX_ACCESS];
	double upto[MAX_ACCESS]; /* sums of weights */
	double rate;
	double done; /* since */
	uint64_t since_ns;
};

struct worker {
	struct player *player;
	unsigned index;
	pthread_t thread;
	struct rng rng;
	struct mix mix;
};

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static void rest(uint64_t ns)
{
	struct timespec ts = { .tv_sec = (time_t)(ns / NSEC_PER_SEC), .tv_nsec = (long)(ns % NSEC_PER_SEC) };

	nanosleep(&ts, NULL);
}

/* ---- accesses ---- */

static inline void read_line(const char *at)
{
	const volatile uint64_t *p = (const volatile uint64_t *)at;

	for (unsigned i = 0; i < SZ_LINE / sizeof(*p); i++)
		(void)p[i];
}

static inline void write_line(char *at, uint64_t v)
{
	volatile uint64_t *p = (volatile uint64_t *)at;

	for (unsigned i = 0; i < SZ_LINE / sizeof(*p); i++)
		p[i] = v;
}

static inline void access_line(bool write, char *at, uint64_t v)
{
	if (write)
		write_line(at, v);
	else
		read_line(at);
}

/*
 * Between two accesses of a batch nothing else in memory is touched, but for the bitmap where pages are counted: a
 * sampler that looks at what comes next would find that instead. What is needed is in local variables beforehand.
 */
static _Atomic uint64_t *pages_of(const struct tally *t, unsigned part)
{
	return t->pages ? t->pages + part * t->nr_words : NULL;
}

static inline void mark_page(_Atomic uint64_t *pages, size_t page)
{
	if (pages)
		atomic_fetch_or_explicit(&pages[page / 64], UINT64_C(1) << page % 64, memory_order_relaxed);
}

static unsigned play_random(const struct access *a, struct tally *t, unsigned part, char *base, struct rng *rng)
{
	_Atomic uint64_t *pages = pages_of(t, part);
	const size_t nr_lines = a->length / SZ_LINE;
	const bool write = a->write;
	struct rng local = *rng;

	for (unsigned i = 0; i < BATCH; i++) {
		size_t off = rng_below(&local, nr_lines) * SZ_LINE;

		access_line(write, base + off, off);
		mark_page(pages, off / SZ_PAGE);
	}
	*rng = local;
	return BATCH;
}

/* One access every step bytes, in order, around. Inlined, as the step is a constant of the loop then. */
static inline __attribute__((always_inline)) unsigned play_around(const struct access *a, struct tally *t,
								  unsigned part, char *base, size_t step)
{
	_Atomic uint64_t *pages = pages_of(t, part);
	const size_t length = a->length;
	const bool write = a->write;
	size_t off = t->cursor[part];

	for (unsigned i = 0; i < BATCH; i++) {
		access_line(write, base + off, off);
		mark_page(pages, off / SZ_PAGE);
		off = off + step < length ? off + step : 0;
	}
	t->cursor[part] = off;
	return BATCH;
}

static unsigned play_sequential(const struct access *a, struct tally *t, unsigned part, char *base, struct rng *rng)
{
	(void)rng;
	return play_around(a, t, part, base, SZ_LINE);
}

static unsigned play_chase(const struct access *a, struct tally *t, unsigned part, char *base, struct rng *rng)
{
	_Atomic uint64_t *pages = pages_of(t, part);
	uint64_t *at = t->link[part];

	(void)a;
	(void)rng;
	for (unsigned i = 0; i < BATCH; i++) {
		mark_page(pages, (size_t)((char *)at - base) / SZ_PAGE);
		at = *(uint64_t *volatile *)at;
	}
	t->link[part] = at;
	return BATCH;
}

/* One line of each page, in order, around: so many accesses as there are pages have touched them all. */
static unsigned play_sweep(const struct access *a, struct tally *t, unsigned part, char *base, struct rng *rng)
{
	(void)rng;
	return play_around(a, t, part, base, SZ_PAGE);
}

/* Each page once, in order; 0 when there is none left. */
static unsigned play_touch(const struct access *a, struct tally *t, unsigned part, char *base, struct rng *rng)
{
	_Atomic uint64_t *pages = pages_of(t, part);
	const size_t length = a->length;
	const bool write = a->write;
	size_t off = t->cursor[part];
	unsigned nr = 0;

	(void)rng;
	for (; nr < BATCH && off < length; nr++, off += SZ_PAGE) {
		access_line(write, base + off, off + 1);
		mark_page(pages, off / SZ_PAGE);
	}
	t->cursor[part] = off;
	return nr;
}

typedef unsigned (*play_fn)(const struct access *, struct tally *, unsigned part, char *base, struct rng *);
static const play_fn play_table[NR_PATTERNS] = { play_random, play_sequential, play_chase, play_touch, play_sweep };

/* ---- workers ---- */

/* Active accesses with their shares: by rate where they have rates, else by weight. */
static void mix_make(struct worker *w, unsigned turn)
{
	const struct phase *phase = w->player->phase;
	double sum = 0, rate = 0;

	w->mix = (struct mix){ .turn = turn, .since_ns = now_ns() };
	for (unsigned i = 0; i < phase->nr_access; i++) {
		const struct access *a = &phase->access[i];
		struct tally *t = &w->player->tallies[w->index][i];

		if (!t->nr || !atomic_load_explicit(&t->active, memory_order_relaxed))
			continue;
		sum += a->rate > 0 ? a->rate : a->weight;
		rate += a->rate;
		w->mix.access[w->mix.nr] = i;
		w->mix.upto[w->mix.nr++] = sum;
	}
	w->mix.rate = rate > 0 ? rate : phase->rate;
}

static unsigned mix_pick(struct worker *w)
{
	double x = rng_unit(&w->rng) * w->mix.upto[w->mix.nr - 1];
	unsigned i = 0;

	while (i + 1 < w->mix.nr && x >= w->mix.upto[i])
		i++;
	return w->mix.access[i];
}

static unsigned play_batch(struct worker *w)
{
	unsigned i = mix_pick(w), nr;
	const struct access *a = &w->player->phase->access[i];
	struct tally *t = &w->player->tallies[w->index][i];
	unsigned part = a->nr_parts > 1 ? (unsigned)rng_below(&w->rng, a->nr_parts) : 0;
	size_t offset = atomic_load_explicit(&t->offset, memory_order_relaxed);
	char *base = a->map->base + (a->first + part * a->step) * a->map->stride + offset;

	nr = play_table[a->pattern](a, t, part, base, &w->rng);
	for (unsigned n = 1; !nr && n < a->nr_parts; n++) { /* this part has been touched: the next one */
		part = (part + 1) % a->nr_parts;
		base = a->map->base + (a->first + part * a->step) * a->map->stride + offset;
		nr = play_table[a->pattern](a, t, part, base, &w->rng);
	}
	if (!nr) { /* all has been touched */
		atomic_store_explicit(&t->active, false, memory_order_relaxed);
		mix_make(w, w->mix.turn);
	}
	atomic_store_explicit(&t->nr[part], atomic_load_explicit(&t->nr[part], memory_order_relaxed) + nr,
			      memory_order_relaxed);
	return nr;
}

/* Accesses that are due now and not done yet. */
static double mix_due(struct mix *mix)
{
	double due = mix->rate * (double)(now_ns() - mix->since_ns) / NSEC_PER_SEC - mix->done;

	if (due > mix->rate * MAX_BEHIND_S + BATCH) {
		mix->done += due - mix->rate * MAX_BEHIND_S;
		due = mix->rate * MAX_BEHIND_S;
	}
	return due;
}

static void play_phase(struct worker *w)
{
	struct player *pl = w->player;
	double due = 0;

	mix_make(w, atomic_load(&pl->turn));
	while (!atomic_load_explicit(&pl->stop, memory_order_relaxed)) {
		unsigned turn = atomic_load_explicit(&pl->turn, memory_order_acquire);

		if (turn != w->mix.turn)
			mix_make(w, turn);
		if (!w->mix.nr) {
			rest(REST_NS);
			continue;
		}
		if (w->mix.rate > 0 && due < 1) {
			due = mix_due(&w->mix);
			if (due < 1) {
				rest(REST_NS);
				continue;
			}
		}
		unsigned nr = play_batch(w);

		w->mix.done += nr;
		due -= nr;
	}
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct player *pl = w->player;

	pl->tids[w->index] = (int)syscall(SYS_gettid);
	for (;;) {
		pthread_barrier_wait(&pl->barrier);
		if (!pl->phase)
			return NULL;
		if (w->index < pl->phase->nr_threads)
			play_phase(w);
		pthread_barrier_wait(&pl->barrier);
	}
}

/* ---- the main thread ---- */

static void *zalloc(size_t nr, size_t size)
{
	void *p = calloc(nr ? nr : 1, size);

	if (!p)
		die(1, "out of memory");
	return p;
}

static void tally_make(const struct plan *plan, const struct access *a, struct tally *t)
{
	t->offset = a->offset;
	t->nr = zalloc(a->nr_parts, sizeof(*t->nr));
	t->nr_told = zalloc(a->nr_parts, sizeof(*t->nr_told));
	t->cursor = zalloc(a->nr_parts, sizeof(*t->cursor));
	t->link = zalloc(a->nr_parts, sizeof(*t->link));
	for (unsigned i = 0; a->heads && i < a->nr_parts; i++)
		t->link[i] = a->heads[i];
	t->nr_words = ((a->length + SZ_PAGE - 1) / SZ_PAGE + 63) / 64;
	if (plan->count_pages)
		t->pages = zalloc(a->nr_parts * t->nr_words, sizeof(*t->pages));
}

static void tallies_make(struct player *pl)
{
	memset(pl->tallies, 0, sizeof(pl->tallies));
	for (unsigned thread = 0; thread < pl->phase->nr_threads; thread++)
		for (unsigned i = 0; i < pl->phase->nr_access; i++)
			if (pl->phase->access[i].thread < 0 || pl->phase->access[i].thread == (int)thread)
				tally_make(pl->plan, &pl->phase->access[i], &pl->tallies[thread][i]);
}

static void tallies_free(struct player *pl)
{
	for (unsigned thread = 0; thread < pl->phase->nr_threads; thread++)
		for (unsigned i = 0; i < pl->phase->nr_access; i++) {
			struct tally *t = &pl->tallies[thread][i];

			free(t->nr);
			free(t->nr_told);
			free(t->cursor);
			free(t->link);
			free(t->pages);
		}
}

/* Where ranges are and which are active, elapsed_ns after the phase began. */
static void set_turn(struct player *pl, uint64_t elapsed_ns)
{
	for (unsigned thread = 0; thread < pl->phase->nr_threads; thread++)
		for (unsigned i = 0; i < pl->phase->nr_access; i++) {
			const struct access *a = &pl->phase->access[i];
			struct tally *t = &pl->tallies[thread][i];
			double room = (double)(a->map->size - a->length + SZ_PAGE);
			double at =
				fmod((double)a->offset + (double)a->drift * (double)elapsed_ns / NSEC_PER_SEC, room);

			if (a->drift)
				t->offset = (uint64_t)(at < 0 ? at + room : at) / SZ_PAGE * SZ_PAGE;
			if (!a->every_ns)
				t->active = !elapsed_ns || t->active;
			else
				t->active = elapsed_ns % a->every_ns < a->on_ns;
		}
	atomic_fetch_add(&pl->turn, 1);
}

/* Sleeps until then, with flushes between, which it counts; a signal's number if one came, else 0. */
static int wait_until(const struct plan *plan, uint64_t until_ns, uint64_t *flush_ns, unsigned *flushes,
		      const sigset_t *sigs)
{
	for (;;) {
		uint64_t now = now_ns(), next = until_ns;

		if (now >= until_ns)
			return 0;
		if (plan->flush_ns && now >= *flush_ns) {
			memory_flush_tlb(plan->scratch);
			*flush_ns = now + plan->flush_ns;
			++*flushes;
		}
		if (plan->flush_ns && *flush_ns < next)
			next = *flush_ns;
		next = next > now ? next - now : 1;
		struct timespec ts = { .tv_sec = (time_t)(next / NSEC_PER_SEC),
				       .tv_nsec = (long)(next % NSEC_PER_SEC) };
		int sig = sigtimedwait(sigs, NULL, &ts);

		if (sig > 0)
			return sig;
	}
}

/* Plays one phase. The first slice begins at the barrier, the last one ends after it. */
static int play_one(struct player *pl, unsigned loop, const sigset_t *sigs, FILE *out)
{
	const struct plan *plan = pl->plan;
	struct slice slice = { .loop = loop, .tids = pl->tids };
	int sig = 0;

	tallies_make(pl);
	set_turn(pl, 0);
	pl->stop = false;
	uint64_t begin = now_ns(), end = begin + pl->phase->duration_ns, flush = begin;

	slice.end_ns = begin;
	pthread_barrier_wait(&pl->barrier);
	while (!slice.last) {
		uint64_t until = begin + (slice.nr + 1) * plan->slice_ns;

		if (until + plan->slice_ns / 2 > end)
			until = end;
		slice.flushes = 0;
		sig = wait_until(plan, until, &flush, &slice.flushes, sigs);
		slice.begin_ns = slice.end_ns;
		slice.last = sig || until == end;
		if (slice.last) {
			pl->stop = true;
			pthread_barrier_wait(&pl->barrier);
		}
		slice.end_ns = now_ns();
		truth_slice(out, pl->phase, &slice, pl->tallies);
		slice.nr++;
		if (!slice.last)
			set_turn(pl, slice.nr * plan->slice_ns);
	}
	tallies_free(pl);
	return sig;
}

int play(struct plan *plan, const sigset_t *sigs, FILE *out)
{
	struct player *pl = zalloc(1, sizeof(*pl));
	struct worker *workers = zalloc(plan->nr_threads, sizeof(*workers));
	int sig = 0;

	pl->plan = plan;
	pthread_barrier_init(&pl->barrier, NULL, plan->nr_threads + 1);
	for (unsigned i = 0; i < plan->nr_threads; i++) {
		workers[i] = (struct worker){ .player = pl, .index = i, .rng = rng_seeded(plan->seed * 1000 + i) };
		if (pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]))
			die(1, "no thread");
	}
	for (unsigned loop = 0; !sig && (!plan->loops || loop < plan->loops); loop++)
		for (unsigned i = 0; !sig && i < plan->nr_phases; i++) {
			pl->phase = &plan->phases[i];
			sig = play_one(pl, loop, sigs, out);
			if (sig == SIGUSR2) /* the next phase */
				sig = 0;
		}
	pl->phase = NULL;
	pthread_barrier_wait(&pl->barrier);
	for (unsigned i = 0; i < plan->nr_threads; i++)
		pthread_join(workers[i].thread, NULL);
	pthread_barrier_destroy(&pl->barrier);
	free(workers);
	free(pl);
	return sig;
}
