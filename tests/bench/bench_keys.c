/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_keys - how long a key takes until its frame is painted, at 200 x 60, while a real target has 65 000 mappings of
 * which one changes ten times a second, and a source delivers a million reports a second. And how many frames are drawn
 * while nothing changes.
 *
 * The collector, its thread, the channel, the app and its loop are the program's own; the source makes its reports up,
 * and the terminal is a pipe for keys and a counter of frames (term_sim.h), so that writing to a real one is left out.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "collector/clock.h"
#include "collector/collector.h"
#include "collector/rng.h"
#include "tests/bench/bench_stat.h"
#include "tests/term_sim.h"
#include "tui/app.h"

#define NR_MAPPINGS	65000
#define REPORTS_PER_SEC 1000000
#define DRAIN_NS	(10 * NSEC_PER_MSEC)
#define MAX_BATCH	50000
#define NR_KEYS		120
#define KEY_GAP_US	37000
#define WARM_UP_US	2500000

/* ---- the target ---- */

_Noreturn static void run_child(int out)
{
	size_t sz_page = (size_t)sysconf(_SC_PAGESIZE);
	char *base, c = 'y';
	int prot = PROT_READ | PROT_WRITE;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	base = mmap(NULL, NR_MAPPINGS * sz_page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; base != MAP_FAILED && i < NR_MAPPINGS; i += 2)
		if (mprotect(base + i * sz_page, sz_page, PROT_READ | PROT_WRITE))
			c = 'n'; /* vm.max_map_count is lower here */
	if (write(out, &c, 1) != 1)
		_exit(1);
	for (;; prot ^= PROT_EXEC) {
		mprotect(base, sz_page, prot);
		usleep(100000);
	}
}

/* ---- the source ---- */

struct flood {
	struct source source;
	uint64_t begin_ns, done, start, end;
	int timer_fd;
	struct rng rng;
	struct report *batch;
};

static _Atomic uint64_t nr_reports;

static int flood_probe(const struct source_params *params, struct err *err)
{
	(void)params;
	(void)err;
	return 0;
}

static const struct source_ops flood_ops;

static int flood_open(struct source **source, const struct source_params *params, struct err *err)
{
	struct itimerspec every = { { 0, DRAIN_NS }, { 0, DRAIN_NS } };
	struct flood *flood = calloc(1, sizeof(*flood));
	const struct mappings *maps = params->target->maps;
	const struct mapping *m = &maps->v[0];

	(void)err;
	bench_must(flood != NULL, "no memory");
	/* where the many mappings are: the 65 000 in one row */
	for (size_t i = 0; i + 60000 < maps->nr; i++)
		if (maps->v[i + 60000].end - maps->v[i].start < UINT64_C(1) << 30)
			m = &maps->v[i];
	flood->start = m->start;
	flood->end = m[60000].end;
	flood->batch = calloc(MAX_BATCH, sizeof(*flood->batch));
	flood->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	bench_must(flood->batch && flood->timer_fd >= 0 && !timerfd_settime(flood->timer_fd, 0, &every, NULL), "timer");
	flood->begin_ns = clock_now_ns(&clock_system);
	flood->rng = rng_seeded(1);
	flood->source.ops = &flood_ops;
	*source = &flood->source;
	return 0;
}

static int flood_poll_fd(struct source *source)
{
	return ((struct flood *)(void *)source)->timer_fd;
}

static int flood_drain(struct source *source, struct sink *sink, struct err *err)
{
	struct flood *flood = (struct flood *)(void *)source;
	uint64_t due = (clock_now_ns(&clock_system) - flood->begin_ns) / (NSEC_PER_SEC / REPORTS_PER_SEC), expirations;

	(void)err;
	if (read(flood->timer_fd, &expirations, sizeof(expirations)) < 0) {
		/* EAGAIN: it was the aging interval that has called */
	}
	while (flood->done < due) {
		size_t nr = due - flood->done < MAX_BATCH ? due - flood->done : MAX_BATCH;

		for (size_t i = 0; i < nr; i++) {
			uint64_t addr = flood->start + rng_below(&flood->rng, flood->end - flood->start - 8);

			flood->batch[i] = (struct report){ .start = addr,
							   .end = addr + 8,
							   .count = 1,
							   .valid = REPORT_IP | REPORT_OP,
							   .ip = 0x401000 + rng_below(&flood->rng, 64) * 16,
							   .op = REPORT_READ };
		}
		sink->reports(sink, flood->batch, nr);
		flood->done += nr;
	}
	atomic_store(&nr_reports, flood->done);
	return 0;
}

static void flood_stats(struct source *source, struct source_stats *stats)
{
	stats->reports = stats->samples = ((struct flood *)(void *)source)->done;
}

static void flood_close(struct source *source)
{
	struct flood *flood = (struct flood *)(void *)source;

	if (!flood)
		return;
	close(flood->timer_fd);
	free(flood->batch);
	free(flood);
}

static const struct source_ops flood_ops = {
	.name = "flood",
	.sees = "made up",
	.heat_unit = HEAT_RATE,
	.probe = flood_probe,
	.open = flood_open,
	.poll_fd = flood_poll_fd,
	.drain = flood_drain,
	.stats = flood_stats,
	.close = flood_close,
};

/* ---- who types ---- */

struct typist {
	struct term *term;
	int shown_fd;		   /* raised by each frame that follows a key */
	_Atomic unsigned nr_shown; /* as the loop sees it */
	unsigned nr_answered;	   /* keys that a frame has followed; the loop's thread alone */
	double ms[NR_KEYS];
	double reports_per_sec;
	unsigned idle_frames;
	bool floods;
};

static struct typist *typist; /* of on_show(): there is one */

static void on_show(struct term *term)
{
	uint64_t one = 1;

	atomic_store(&typist->nr_shown, term->nr_shown);
	/* a frame that follows a key, not one for a snapshot alone */
	if (term->nr_read != typist->nr_answered && write(typist->shown_fd, &one, sizeof(one)) < 0)
		abort();
	typist->nr_answered = term->nr_read;
}

static void type(const struct typist *t, char key)
{
	bench_must(write(t->term->keys[1], &key, 1) == 1, "the keys' pipe is full");
}

/* Milliseconds from the key to the end of the next frame. */
static double answer_ms(const struct typist *t, char key)
{
	struct pollfd fd = { .fd = t->shown_fd, .events = POLLIN };
	uint64_t count, from;

	if (read(t->shown_fd, &count, sizeof(count)) < 0) {
		/* EAGAIN: nothing has been shown since */
	}
	from = clock_now_ns(&clock_system);
	type(t, key);
	bench_must(poll(&fd, 1, 10000) == 1, "a key was not answered within ten seconds");
	return (double)(clock_now_ns(&clock_system) - from) / 1e6;
}

/* Overlays, zoom in and out, the hot list and back: each changes the whole screen. */
static void *type_keys(void *arg)
{
	static const char keys[] = "2134+-M\033h\033#1";
	struct typist *t = arg;
	uint64_t from_ns, from_reports;

	usleep(WARM_UP_US);
	if (!t->floods) { /* a second of nothing but keys that mean nothing */
		unsigned before = atomic_load(&t->nr_shown);

		for (int i = 0; i < 100; i++, usleep(10000))
			type(t, 1); /* ctrl-a: of a letter the screen would say that it is none */
		t->idle_frames = atomic_load(&t->nr_shown) - before;
		type(t, 'q');
		return NULL;
	}
	from_ns = clock_now_ns(&clock_system);
	from_reports = atomic_load(&nr_reports);
	for (int i = 0; i < NR_KEYS; i++, usleep(KEY_GAP_US))
		t->ms[i] = answer_ms(t, keys[(size_t)i % (sizeof(keys) - 1)]);
	t->reports_per_sec = (double)(atomic_load(&nr_reports) - from_reports) /
			     ((double)(clock_now_ns(&clock_system) - from_ns) / 1e9);
	type(t, 'q');
	return NULL;
}

/* ---- all of it ---- */

static void run(struct typist *t, pid_t pid)
{
	const struct source_ops *const sources[] = { &flood_ops, NULL };
	struct source_params params = { .attrs = attrs_default(), .clock = &clock_system, .root = "", .seed = 1 };
	struct command stop = { .type = COMMAND_STOP };
	struct theme theme;
	struct err err = ERR_NONE;
	struct app_config config = { .theme = &theme,
				     .look = { COLOR_DEPTH_TRUE, false },
				     .history_bytes = (size_t)64 << 20,
				     .attrs = attrs_default(),
				     .has_target = true };
	struct channel *channel = channel_new(&err);
	struct collector *collector = NULL;
	struct term term;
	struct app *app;
	pthread_t thread;

	bench_must(channel && !theme_load(&theme, THEME_DEFAULT, &err), err.text);
	app = app_new(&config, &err);
	bench_must(app != NULL, err.text);
	term_sim_open(&term, 60, 200);
	term.on_show = on_show;
	t->term = &term;
	t->shown_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	typist = t;
	if (t->floods) {
		bench_must(!target_open(&params.target, pid, &err), err.text);
		bench_must(params.target->maps->nr >= NR_MAPPINGS, "the target has too few mappings");
		bench_must(!collector_start(&collector, sources, &params, channel, &err), err.text);
	}
	bench_must(t->shown_fd >= 0, "no eventfd");
	bench_must(!pthread_create(&thread, NULL, type_keys, t), "no thread");
	bench_must(!app_run(app, &term, channel, &err), err.text);
	pthread_join(thread, NULL);
	if (collector) {
		channel_send(channel, &stop);
		collector_join(collector);
	}
	close(t->shown_fd);
	term_sim_close(&term);
	app_free(app);
	channel_free(channel);
}

int main(void)
{
	static struct typist busy = { .floods = true }, idle;
	int out[2];
	pid_t pid;
	char c;

	bench_must(!pipe(out), "no pipe");
	pid = fork();
	bench_must(pid >= 0, "fork");
	if (!pid)
		run_child(out[1]);
	bench_must(read(out[0], &c, 1) == 1 && c == 'y', "no target with so many mappings: is vm.max_map_count lower?");
	run(&busy, pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	printf("keys: %d, %d mappings, %.2f million reports/s: median %.1f ms, 95 %% %.1f, worst %.1f\n", NR_KEYS,
	       NR_MAPPINGS, busy.reports_per_sec / 1e6, bench_quantile(busy.ms, NR_KEYS, 0.5),
	       bench_quantile(busy.ms, NR_KEYS, 0.95), bench_quantile(busy.ms, NR_KEYS, 1));
	printf("figure\tkey to frame, 65 000 mappings, 1 million reports/s\t%.1f ms (worst; median %.1f, at %.2f M/s)\t"
	       "<= 50 ms\n",
	       bench_quantile(busy.ms, NR_KEYS, 1), bench_quantile(busy.ms, NR_KEYS, 0.5), busy.reports_per_sec / 1e6);
	run(&idle, 0);
	printf("figure\tframes in a second in which nothing changed\t%u (100 keys without a meaning)\t<= 0\n",
	       idle.idle_frames);
	return 0;
}
