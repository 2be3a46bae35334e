/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main.c - the workload's command line; README.md describes it. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
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
	fputs("usage: workload [-o TRUTH] [-s SEED] [-l LOOPS] [-w] PHASES\n"
	      "       workload MODE [ARGUMENT]\n"
	      "  -o TRUTH   where the JSON lines go; stdout then says \"ready PID\"\n"
	      "  -w         the first phase begins at SIGUSR1\n",
	      out);
	storm_usage(out);
}

static int run(struct plan *plan, const char *truth, bool wait)
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
	if (!sig)
		play(plan, &sigs, out);
	truth_event(out, "end");
	return fclose(out) ? 1 : 0;
}

int main(int argc, char **argv)
{
	static struct plan plan;
	const char *truth = NULL, *seed = NULL, *loops = NULL;
	bool wait = false;
	int opt, rc;

	while ((opt = getopt(argc, argv, "+o:s:l:wh")) != -1) {
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
			wait = true;
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
	return run(&plan, truth, wait);
}
