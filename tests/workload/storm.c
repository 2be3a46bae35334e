/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * storm.c - modes that are hard on a monitor: processes and threads that come and go, hostile names, tens of thousands
 * of mappings. Each says "ready PID" on stdout when it is in the state that it is named after, and then goes on until
 * it is killed (or for as long as its description says).
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collector/rng.h"
#include "tests/workload/workload.h"

#define SZ_LOAD ((size_t)64 << 20)

static void pause_s(double s)
{
	struct timespec ts = { .tv_sec = (time_t)s, .tv_nsec = (long)((s - (double)(time_t)s) * 1e9) };

	nanosleep(&ts, NULL);
}

/* Random reads in the first quarter of 64 MiB, about a tenth of a CPU, so that there is something to see. */
static void *load_main(void *arg)
{
	struct rng rng = rng_seeded(7);
	volatile char *mem =
		mmap(NULL, SZ_LOAD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	(void)arg;
	if (mem == MAP_FAILED)
		die(1, "64 MiB: %s", strerror(errno));
	for (;;) {
		for (unsigned i = 0; i < 10000; i++)
			(void)mem[rng_below(&rng, SZ_LOAD / 4)];
		pause_s(0.001);
	}
	return NULL;
}

static void start_load(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, load_main, NULL))
		die(1, "no thread");
}

static int for_ever(void)
{
	while (true)
		pause();
	return 0;
}

static void ready(int pid)
{
	printf("ready %d\n", pid);
	fflush(stdout);
}

static double argument(const char *arg, double otherwise)
{
	return arg ? strtod(arg, NULL) : otherwise;
}

static int run_idle(const char *arg)
{
	(void)arg;
	ready(getpid());
	return for_ever();
}

static int run_load(const char *arg)
{
	start_load();
	ready(getpid());
	pause_s(argument(arg, 1e6));
	return 0;
}

static int run_fork(const char *arg)
{
	double per_s = argument(arg, 1000);

	start_load();
	ready(getpid());
	while (true) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		pause_s(1 / per_s);
	}
	return 0;
}

static void *short_thread(void *arg)
{
	volatile char page[4096];

	(void)arg;
	for (unsigned i = 0; i < sizeof(page); i += 64)
		page[i] = (char)i;
	pause_s(0.01);
	return NULL;
}

static int run_threads(const char *arg)
{
	double per_s = argument(arg, 1000);
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	start_load();
	ready(getpid());
	while (true) {
		pthread_create(&thread, &attr, short_thread, NULL);
		pause_s(1 / per_s);
	}
	return 0;
}

static int run_main_exits(const char *arg)
{
	(void)arg;
	start_load();
	ready(getpid());
	pthread_exit(NULL);
}

static int run_exec(const char *arg)
{
	start_load();
	ready(getpid());
	pause_s(argument(arg, 2));
	execl("/proc/self/exe", "workload", "load", (char *)NULL);
	die(1, "exec: %s", strerror(errno));
}

/* A child that has ended and is not waited for: ready names the child. */
static int run_zombie(const char *arg)
{
	pid_t pid = fork();

	(void)arg;
	if (!pid)
		_exit(0);
	waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT);
	ready(pid);
	return for_ever();
}

/* A child that does not outlive its parent. */
static pid_t fork_bound(void)
{
	pid_t pid = fork();

	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* A child that works for a while and then ends without being waited for: ready names the child. */
static int run_zombie_later(const char *arg)
{
	pid_t pid = fork_bound();

	if (!pid) {
		start_load();
		ready(getpid());
		pause_s(argument(arg, 3));
		_exit(0);
	}
	return for_ever();
}

static int run_stop(const char *arg)
{
	start_load();
	ready(getpid());
	pause_s(argument(arg, 2));
	raise(SIGSTOP);
	pause_s(1e6);
	return 0;
}

static const char *const hostile[] = {
	"\033]0;PWNED\a\033[7m",
	"a\nok PWNED\r\tx",
	"\xe2\x80\xaeleft\xe2\x80\x8b",
	"\xff\xfe\xc0\xaf",
	("\xc2\x9b"
	 "31mC1"),
	"e\033[2J\033[H",
	") S 1 (x",
	"%n%s%x\\x1b",
	"\033P+q544e\033\\\033[6n",
};

/* A file with a hostile name, mapped, in a directory that is gone again before "ready". */
static void map_hostile(unsigned i, const char *dir)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%u%s", dir, i, hostile[i]);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, 1 << 20))
		die(1, "hostile name %u: %s", i, strerror(errno));
	volatile char *mem = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	for (size_t off = 0; mem != MAP_FAILED && off < 1 << 20; off += SZ_PAGE)
		mem[off] = 1;
	unlink(path);
	close(fd);
}

/* The process's name (number of one of the hostile ones) and those of its mappings are hostile. */
static int run_hostile(const char *arg)
{
	unsigned nr = sizeof(hostile) / sizeof(hostile[0]);
	char dir[] = "/tmp/workload-XXXXXX";

	if (!mkdtemp(dir))
		die(1, "%s: %s", dir, strerror(errno));
	for (unsigned i = 0; i < nr; i++)
		map_hostile(i, dir);
	rmdir(dir);
	start_load();
	prctl(PR_SET_NAME, hostile[(unsigned)argument(arg, 0) % nr]);
	ready(getpid());
	return for_ever();
}

/* N mappings: pages of alternating permissions. */
static int run_vmas(const char *arg)
{
	size_t nr = (size_t)argument(arg, 65000), made = 0;
	char *mem = mmap(NULL, nr * SZ_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		die(1, "%zu pages: %s", nr, strerror(errno));
	start_load();
	for (size_t i = 0; i < nr; i++)
		mem[i * SZ_PAGE] = 1;
	for (size_t i = 0; i < nr; i += 2, made++)
		if (mprotect(mem + i * SZ_PAGE, SZ_PAGE, PROT_READ))
			break; /* vm.max_map_count: as many as there can be */
	fprintf(stderr, "workload: about %zu mappings\n", 2 * made);
	ready(getpid());
	return for_ever();
}

/* N times a second 64 pages are mapped and written, and the oldest of 256 such mappings goes. */
static int run_churn(const char *arg)
{
	double per_s = argument(arg, 2000);
	char *maps[256] = { NULL };
	size_t size = 64 * SZ_PAGE;

	start_load();
	ready(getpid());
	for (unsigned n = 0;; n = (n + 1) % 256) {
		if (maps[n])
			munmap(maps[n], size);
		/* Permissions differ, so that neighbours stay apart. */
		maps[n] = mmap(NULL, size, PROT_READ | PROT_WRITE | (n & 1 ? PROT_EXEC : 0),
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (maps[n] == MAP_FAILED)
			die(1, "churn: %s", strerror(errno));
		for (size_t off = 0; off < size; off += SZ_PAGE)
			maps[n][off] = 1;
		pause_s(1 / per_s);
	}
	return 0;
}

/* Two processes that wake each other through pipes: ready names the first. */
static int run_pingpong(const char *arg)
{
	int there[2], back[2];
	char c = 0;

	(void)arg;
	if (pipe2(there, O_CLOEXEC) || pipe2(back, O_CLOEXEC))
		die(1, "pipe: %s", strerror(errno));
	if (!fork_bound()) {
		close(there[1]);
		close(back[0]);
		while (read(there[0], &c, 1) == 1 && write(back[1], &c, 1) == 1)
			;
		_exit(0);
	}
	close(there[0]);
	close(back[1]);
	ready(getpid());
	while (write(there[1], &c, 1) == 1 && read(back[0], &c, 1) == 1)
		;
	return 0;
}

#define SZ_FAMILY_PART ((size_t)16 << 20)
#define SZ_FAMILY_HOT  ((size_t)4 << 20)
#define FAMILY_PARTS   4

/* Reads and writes at random in the first 4 MiB of part number k, about half of the time. */
static void family_child(volatile char *mem, unsigned k)
{
	struct rng rng = rng_seeded(k);
	char name[16];

	snprintf(name, sizeof(name), "child-%u", k);
	prctl(PR_SET_NAME, name);
	mem += k % FAMILY_PARTS * SZ_FAMILY_PART;
	for (;;) {
		for (unsigned i = 0; i < 100000; i++) {
			volatile char *at = mem + rng_below(&rng, SZ_FAMILY_HOT);

			*at = (char)(i % 8 ? *at : *at + 1);
		}
		pause_s(0.001);
	}
}

/* Forks one, and says where it is and which range is hot in it: "child PID START END". */
static pid_t family_fork(volatile char *mem, unsigned k)
{
	uint64_t hot = (uint64_t)(uintptr_t)mem + k % FAMILY_PARTS * SZ_FAMILY_PART;
	pid_t pid = fork_bound();

	if (!pid)
		family_child(mem, k);
	printf("child %d 0x%llx 0x%llx\n", (int)pid, (unsigned long long)hot,
	       (unsigned long long)(hot + SZ_FAMILY_HOT));
	fflush(stdout);
	return pid;
}

/* Written before they are forked, so that all have it at the same addresses. */
static volatile char *family_memory(void)
{
	volatile char *mem = mmap(NULL, FAMILY_PARTS * SZ_FAMILY_PART, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (mem == MAP_FAILED)
		die(1, "64 MiB: %s", strerror(errno));
	return mem;
}

static int run_family(const char *arg)
{
	unsigned nr = (unsigned)argument(arg, 3);
	volatile char *mem = family_memory();

	ready(getpid());
	for (unsigned k = 0; k < nr; k++)
		family_fork(mem, k);
	return for_ever();
}

/* Each is killed when the second one after it comes. */
static int run_brood(const char *arg)
{
	volatile char *mem = family_memory();
	pid_t last[2] = { 0 };

	ready(getpid());
	for (unsigned k = 0;; k++) {
		pid_t pid = family_fork(mem, k);

		if (last[k % 2] > 0) {
			kill(last[k % 2], SIGKILL);
			waitpid(last[k % 2], NULL, 0);
		}
		last[k % 2] = pid;
		pause_s(argument(arg, 2));
	}
	return 0;
}

struct mode {
	const char *name;
	int (*run)(const char *arg);
	const char *what;
};

static const struct mode modes[] = {
	{ "idle", run_idle, "sleeps" },
	{ "load", run_load,
	  "[SECONDS]: reads 16 MiB at random, about a tenth of a CPU; the others but idle, zombie, pingpong do so "
	  "too" },
	{ "fork", run_fork, "[PER_S=1000]: children that end at once" },
	{ "threads", run_threads, "[PER_S=1000]: threads that live for 10 ms" },
	{ "main-exits", run_main_exits, "the first thread ends, another goes on" },
	{ "exec", run_exec, "[SECONDS=2]: then executes itself" },
	{ "zombie", run_zombie, "a child that has ended (its pid is the one in \"ready\")" },
	{ "zombie-later", run_zombie_later, "[SECONDS=3]: a child that then ends, not waited for" },
	{ "stop", run_stop, "[SECONDS=2]: then stops itself by SIGSTOP" },
	{ "hostile", run_hostile, "[0...8]: hostile bytes in the names of process and mappings" },
	{ "vmas", run_vmas, "[N=65000]: mappings, one page each" },
	{ "churn", run_churn, "[PER_S=2000]: mappings made and dropped" },
	{ "family", run_family,
	  "[N=3]: children that each use another part of memory at the same addresses (\"child PID START END\")" },
	{ "brood", run_brood, "[SECONDS=2]: such a child each so many seconds, two at once" },
	{ "pingpong", run_pingpong, "context switches as fast as they go" },
};

#define NR_MODES (sizeof(modes) / sizeof(modes[0]))

void storm_usage(FILE *out)
{
	fputs("modes:\n", out);
	for (size_t i = 0; i < NR_MODES; i++)
		fprintf(out, "  %-13s %s\n", modes[i].name, modes[i].what);
}

int storm(int argc, char **argv)
{
	for (size_t i = 0; i < NR_MODES; i++)
		if (!strcmp(modes[i].name, argv[0]))
			return modes[i].run(argc > 1 ? argv[1] : NULL);
	return -1;
}
