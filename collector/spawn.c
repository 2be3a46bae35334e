/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TERM_WAIT_MS 1000

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* In the child: only async-signal-safe calls. Never returns. */
static void child_main(char **argv, bool quiet, int go_fd, int error_fd)
{
	int null_fd = open("/dev/null", O_RDWR);
	sigset_t none;
	char go;
	int code;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	dup2(null_fd, STDIN_FILENO);
	dup2(quiet ? null_fd : STDERR_FILENO, STDOUT_FILENO);
	if (quiet)
		dup2(null_fd, STDERR_FILENO);
	if (read(go_fd, &go, 1) != 1)
		_exit(0); /* the one who wanted to watch us has gone */
	execvp(argv[0], argv);
	code = errno;
	if (write(error_fd, &code, sizeof(code)) < 0)
		_exit(126);
	_exit(127);
}

int spawn_start(struct spawn *spawn, char **argv, bool quiet, struct err *err)
{
	int go[2], error[2];

	*spawn = (struct spawn){ .go_fd = -1, .error_fd = -1 };
	if (pipe2(go, O_CLOEXEC))
		return err_set(err, errno, "cannot start %s: pipe: %s", argv[0], strerror(errno));
	if (pipe2(error, O_CLOEXEC)) {
		close(go[0]);
		close(go[1]);
		return err_set(err, errno, "cannot start %s: pipe: %s", argv[0], strerror(errno));
	}
	spawn->pid = fork();
	if (spawn->pid == 0) {
		close(go[1]); /* or its own copy would keep it waiting when we are gone */
		child_main(argv, quiet, go[0], error[1]);
	}
	close(go[0]);
	close(error[1]);
	spawn->go_fd = go[1];
	spawn->error_fd = error[0];
	if (spawn->pid > 0)
		return 0;
	spawn->pid = 0;
	err_set(err, errno, "cannot start %s: fork: %s", argv[0], strerror(errno));
	spawn_end(spawn);
	return -err->code;
}

int spawn_release(struct spawn *spawn, const char *name, struct err *err)
{
	char go = 1;
	int code = 0;
	ssize_t n;

	n = write(spawn->go_fd, &go, 1);
	close_fd(&spawn->go_fd);
	if (n == 1)
		n = read(spawn->error_fd, &code, sizeof(code));
	close_fd(&spawn->error_fd);
	if (n <= 0)
		return 0;
	spawn_end(spawn);
	if (code == ENOENT)
		return err_set(err, code, "cannot start %s: no such command; is it installed, and in PATH?", name);
	if (code == EACCES)
		return err_set(err, code, "cannot start %s: it is not executable", name);
	return err_set(err, code, "cannot start %s: %s", name, strerror(code));
}

void spawn_end(struct spawn *spawn)
{
	struct pollfd pfd;

	if (spawn->pid <= 0)
		return;
	close_fd(&spawn->go_fd);
	close_fd(&spawn->error_fd);
	pfd = (struct pollfd){ .fd = (int)syscall(SYS_pidfd_open, spawn->pid, 0), .events = POLLIN };
	kill(spawn->pid, SIGTERM); /* our own child, not yet waited for: the number is still its own */
	if (pfd.fd >= 0 && poll(&pfd, 1, TERM_WAIT_MS) == 0)
		kill(spawn->pid, SIGKILL);
	if (pfd.fd >= 0)
		close(pfd.fd);
	waitpid(spawn->pid, NULL, 0);
	spawn->pid = 0;
}
