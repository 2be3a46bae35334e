/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main.c - the workload's command line; README.md describes it. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/workload/workload.h"

void die(int status, const char *fmt, ...)
{
	va_list args;

	fputs("workload: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(status);
}

static void usage(FILE *out)
{
	fputs("usage: workload [-o TRUTH] [-s SEED] [-l LOOPS] [-w] [-z] PHASES\n"
	      "       workload MODE [ARGUMENT]\n"
	      "  -o TRUTH   where the JSON lines go; stdout then says \"ready PID\"\n"
	      "  -w         the first phase begins at SIGUSR1\n"
	      "             (SIGUSR2: the phase under way ends, the next one begins)\n"
	      "  -z         the first thread ends when the first phase begins, the others go on\n",
	      out);
	storm_usage(out);
}

/* begun is posted when the first phase begins. */
static int run(struct plan *plan, const char *truth, bool wait, sem_t *begun)
{
	FILE *out = truth ? fopen(truth, "we") : stdout;
	sigset_t sigs;
	int sig = 0;

	if (!out)
		die(1, "%s: %s", truth, strerror(errno));
	sigemptyset(&sigs);
	sigaddset(&sigs, SIGTERM);
	sigaddset(&sigs, SIGINT);
	sigaddset(&sigs, SIGUSR1);
	sigaddset(&sigs, SIGUSR2);
	sigprocmask(SIG_BLOCK, &sigs, NULL);
	memory_map(plan);
	truth_start(out, plan);
	if (truth) {
		printf("ready %d\n", (int)getpid());
		fflush(stdout);
	}
	if (wait)
		sigwait(&sigs, &sig);
	if (sig == SIGUSR1)
		sig = 0;
	sigdelset(&sigs, SIGUSR1);
	sem_post(begun);
	if (!sig)
		play(plan, &sigs, out);
	truth_event(out, "end");
	return fclose(out) ? 1 : 0;
}

struct job {
	struct plan *plan;
	const char *truth;
	bool wait;
	sem_t begun;
};

static void *run_and_exit(void *arg)
{
	struct job *job = arg;

	exit(run(job->plan, job->truth, job->wait, &job->begun));
}

/* In a second thread, while the first one is left as a zombie. */
static void run_without_first_thread(struct job *job)
{
	pthread_t thread;
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	if (pthread_create(&thread, NULL, run_and_exit, job))
		die(1, "no thread");
	sem_wait(&job->begun);
	syscall(SYS_exit, 0); /* pthread_exit() wants libgcc to be there */
}

int main(int argc, char **argv)
{
	static struct plan plan;
	static struct job job = { .plan = &plan };
	const char *truth = NULL, *seed = NULL, *loops = NULL;
	bool zombie = false;
	int opt, rc;

	while ((opt = getopt(argc, argv, "+o:s:l:wzh")) != -1) {
		switch (opt) {
		case 'o':
			truth = optarg;
			break;
		case 's':
			seed = optarg;
			break;
		case 'l':
			loops = optarg;
			break;
		case 'w':
			job.wait = true;
			break;
		case 'z':
			zombie = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind >= argc) {
		usage(stderr);
		return 2;
	}
	rc = storm(argc - optind, argv + optind);
	if (rc >= 0)
		return rc;
	plan_read(&plan, argv[optind]);
	if (seed)
		plan.seed = strtoull(seed, NULL, 0);
	if (loops)
		plan.loops = (unsigned)strtoul(loops, NULL, 0);
	job.truth = truth;
	sem_init(&job.begun, 0, 0);
	if (zombie)
		run_without_first_thread(&job);
	return run(&plan, truth, job.wait, &job.begun);
}
