/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/crash.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define NR_SIGNALS 5

static const int signals[NR_SIGNALS] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

static struct {
	volatile sig_atomic_t is_armed;
	bool is_installed;
	struct termios termios;
	char bytes[256];
	size_t nr_bytes;
	struct sigaction old[NR_SIGNALS];
} crash;

void crash_begin(const struct termios *termios)
{
	crash.is_armed = 0;
	crash.termios = *termios;
	crash.nr_bytes = 0;
}

void crash_add(const char *s)
{
	while (*s && crash.nr_bytes < sizeof(crash.bytes)) {
		const char *end = s[0] == '$' && s[1] == '<' ? strchr(s, '>') : NULL;

		if (end)
			s = end + 1;
		else
			crash.bytes[crash.nr_bytes++] = *s++;
	}
}

void crash_arm(void)
{
	crash.is_armed = 1;
}

static void give_terminal_back(void)
{
	const char *bytes = crash.bytes;
	size_t left = crash.nr_bytes;

	if (!crash.is_armed)
		return;
	crash.is_armed = 0;
	while (left > 0) {
		ssize_t n = write(STDOUT_FILENO, bytes, left);

		if (n <= 0)
			break;
		bytes += n;
		left -= (size_t)n;
	}
	tcsetattr(STDIN_FILENO, TCSANOW, &crash.termios);
}

/*
 * Returning from a fault runs the faulting instruction again, now with what handled the signal before, which sees the
 * true cause (a sanitizer's report, a core file); a signal that was sent is sent again.
 */
static void on_crash(int sig, siginfo_t *info, void *context)
{
	(void)context;
	give_terminal_back();
	for (size_t i = 0; i < NR_SIGNALS; i++) {
		if (signals[i] == sig)
			sigaction(sig, &crash.old[i], NULL);
	}
	if (info->si_code <= 0)
		raise(sig);
}

void crash_install(void)
{
	struct sigaction action = { .sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	if (crash.is_installed)
		return;
	crash.is_installed = true;
	/* tcsetattr() from the background must not stop a crashing program. */
	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGTTOU);
	for (size_t i = 0; i < NR_SIGNALS; i++)
		sigaction(signals[i], &action, &crash.old[i]);
}

void crash_remove(void)
{
	crash.is_armed = 0;
	if (!crash.is_installed)
		return;
	crash.is_installed = false;
	for (size_t i = 0; i < NR_SIGNALS; i++) {
		struct sigaction now;

		if (sigaction(signals[i], NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) &&
		    now.sa_sigaction == on_crash)
			sigaction(signals[i], &crash.old[i], NULL);
	}
}
