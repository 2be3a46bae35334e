/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/damon_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* The guard waits for a command that is under way: that takes an aggregation or two. */
#define CLOSE_TIMEOUT_MS 10000

/* What the guard says once it has, or has not, made the kdamond. */
struct hello {
	int32_t rc;
	bool was_taken; /* there are kdamonds already */
	struct damon_identity identity;
};

/* ---- in the children: no malloc, no locks, no stdio ---- */

/* Keeps the descriptors of v, and those below 3 as /dev/null. */
static void keep_fds(const int *v, size_t nr)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd <= 2 && null_fd >= 0; fd++)
		dup2(null_fd, fd);
	for (unsigned fd = 3, next; fd; fd = next + 1) {
		next = ~0U;
		for (size_t i = 0; i < nr; i++)
			if ((unsigned)v[i] >= fd && (unsigned)v[i] < next)
				next = (unsigned)v[i];
		if (next > fd)
			close_range(fd, next - (next != ~0U), 0);
		if (next == ~0U)
			break;
	}
}

static void become_child(const char *name)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, name);
}

static const char *text_of(char command)
{
	switch ((enum damon_command)command) {
	case DAMON_COMMAND_UPDATE:
		return "update_schemes_tried_regions";
	case DAMON_COMMAND_TUNED:
		return "update_tuned_intervals";
	case DAMON_COMMAND_COMMIT:
	case DAMON_COMMAND_COUNT:
	case DAMON_COMMAND_REST:
		break;
	}
	return "commit";
}

/* Ends when there is nobody any more to send a command. */
_Noreturn static void work(const struct damon_io *io, int kdamond_fd, int fd)
{
	char command;

	while (recv(fd, &command, 1, 0) == 1) {
		struct damon_answer answer = { .command = command };

		answer.rc = damon_write(io, kdamond_fd, "state", text_of(command));
		if (!answer.rc && command == DAMON_COMMAND_COUNT)
			answer.rc = damon_write(io, kdamond_fd, "state", text_of(DAMON_COMMAND_UPDATE));
		if (send(fd, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}

/* nr_kdamonds says 0: makes it 1. Two of us at the same moment are kept apart by the lock. */
static int make_kdamond(const struct damon_io *io, int kdamonds_fd, struct hello *hello)
{
	int64_t nr;
	int rc, fd;

	if (flock(kdamonds_fd, LOCK_EX | LOCK_NB))
		return -EBUSY;
	rc = damon_read_number(io, kdamonds_fd, "nr_kdamonds", &nr);
	hello->was_taken = !rc && nr != 0;
	if (!rc)
		rc = nr ? -EBUSY : damon_write(io, kdamonds_fd, "nr_kdamonds", "1");
	fd = rc ? -1 : openat(kdamonds_fd, "0", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!rc && fd < 0)
		rc = -errno;
	hello->identity = damon_identity_of(fd);
	flock(kdamonds_fd, LOCK_UN);
	return rc ? rc : fd;
}

static void wait_for_end(int fd)
{
	char byte;
	ssize_t n;

	do
		n = recv(fd, &byte, 1, 0);
	while (n > 0 || (n < 0 && errno == EINTR));
}

/*
 * A command that is under way keeps the kernel's files busy for an aggregation or two, and cannot be broken off: "off"
 * is tried again for as long as the worker is in it, and once more after. Returns when the worker has ended.
 */
static int turn_off_with_worker(const struct damon_guard *g, const struct damon_identity *identity, pid_t worker)
{
	int rc = damon_turn_off(g->io, g->kdamonds_fd, identity, g->target_pid);

	while (rc == -EBUSY && worker > 0) {
		pid_t ended = waitpid(worker, NULL, WNOHANG);

		if (ended == worker || (ended < 0 && errno != EINTR))
			worker = -1;
		rc = damon_turn_off(g->io, g->kdamonds_fd, identity, g->target_pid);
	}
	if (worker > 0)
		while (waitpid(worker, NULL, 0) < 0 && errno == EINTR)
			;
	return rc;
}

_Noreturn static void guard_main(const struct damon_guard *g, int guard_fd, int worker_fd)
{
	const int kept[] = { g->kdamonds_fd, guard_fd, worker_fd };
	struct hello hello = { 0 };
	int32_t rc;
	pid_t worker;
	int fd;

	setsid();
	become_child("damontop-guard");
	keep_fds(kept, 3);
	fd = make_kdamond(g->io, g->kdamonds_fd, &hello);
	hello.rc = fd < 0 ? fd : 0;
	worker = fd < 0 ? -1 : fork();
	if (worker == 0) {
		close(guard_fd);
		become_child("damontop-damon");
		work(g->io, fd, worker_fd);
	}
	if (fd >= 0 && worker < 0)
		hello.rc = -EAGAIN;
	close(worker_fd);
	if (send(guard_fd, &hello, sizeof(hello), MSG_NOSIGNAL) == (ssize_t)sizeof(hello))
		wait_for_end(guard_fd);
	rc = fd < 0 ? 0 : turn_off_with_worker(g, &hello.identity, worker);
	if (fd >= 0 && !rc)
		rc = damon_remove(g->io, g->kdamonds_fd, &hello.identity, g->target_pid);
	send(guard_fd, &rc, sizeof(rc), MSG_NOSIGNAL);
	_exit(rc ? 1 : 0);
}

/* ---- in the collector ---- */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Forks with two sockets; the ends of the child are closed here. */
static int fork_guard(struct damon_guard *g, struct err *err)
{
	int guard[2], worker[2], code;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, guard))
		return err_set(err, errno, "socketpair: %s", strerror(errno));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, worker)) {
		code = errno;
		close(guard[0]);
		close(guard[1]);
		return err_set(err, code, "socketpair: %s", strerror(code));
	}
	g->guard_fd = guard[0];
	g->worker_fd = worker[0];
	g->guard_pid = fork();
	code = errno;
	if (g->guard_pid == 0)
		guard_main(g, guard[1], worker[1]);
	close(guard[1]);
	close(worker[1]);
	if (g->guard_pid < 0)
		return err_set(err, code, "cannot start the process that restores DAMON: %s", strerror(code));
	return 0;
}

static int take_hello(struct damon_guard *g, struct err *err)
{
	struct hello hello;
	ssize_t n;

	do
		n = recv(g->guard_fd, &hello, sizeof(hello), 0);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(hello))
		return err_set(err, EPIPE, "the process that restores DAMON has ended");
	if (hello.rc == -EBUSY && !hello.was_taken)
		return err_set(err, EBUSY, "somebody else is setting DAMON up at this moment: try again");
	if (hello.rc == -EBUSY)
		return err_set(err, EBUSY, "another program has set DAMON up in this moment, and it is left alone");
	if (hello.rc)
		return err_set(err, -hello.rc, "%s/nr_kdamonds: %s", DAMON_KDAMONDS, strerror(-hello.rc));
	g->identity = hello.identity;
	g->kdamond_fd = openat(g->kdamonds_fd, "0", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!damon_is_ours(g->io, g->kdamonds_fd, &g->identity, g->target_pid))
		return err_set(err, EBUSY, "another program has taken DAMON over in this moment");
	return 0;
}

int damon_guard_open(struct damon_guard *g, const struct damon_io *io, int kdamonds_fd, pid_t target_pid,
		     struct err *err)
{
	int rc;

	*g = DAMON_GUARD_CLOSED;
	g->io = io;
	g->kdamonds_fd = kdamonds_fd;
	g->target_pid = target_pid;
	rc = fork_guard(g, err);
	if (!rc)
		rc = take_hello(g, err);
	if (rc)
		damon_guard_close(g);
	return rc;
}

int damon_guard_command(struct damon_guard *g, enum damon_command command)
{
	char byte = (char)command;

	return send(g->worker_fd, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int damon_guard_answer(struct damon_guard *g, struct damon_answer *answer)
{
	ssize_t n = recv(g->worker_fd, answer, sizeof(*answer), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return n == (ssize_t)sizeof(*answer) ? 1 : -EPIPE;
}

/* How the guard's work has ended, or -EPIPE: it has ended before its time. */
static int take_result(struct damon_guard *g)
{
	struct pollfd pfd = { .fd = g->guard_fd, .events = POLLIN };
	int32_t rc;

	if (poll(&pfd, 1, CLOSE_TIMEOUT_MS) <= 0)
		return -ETIMEDOUT;
	return recv(g->guard_fd, &rc, sizeof(rc), 0) == (ssize_t)sizeof(rc) ? rc : -EPIPE;
}

/* The other end has been closed: the worker has no command under way any more. */
static bool worker_has_ended(struct damon_guard *g)
{
	struct pollfd pfd = { .fd = g->worker_fd, .events = POLLIN };
	struct damon_answer answer;

	while (poll(&pfd, 1, CLOSE_TIMEOUT_MS) > 0)
		if (recv(g->worker_fd, &answer, sizeof(answer), 0) <= 0)
			return true;
	return false;
}

/* Somebody has killed the guard: what it would have done, here. */
static int stand_in(struct damon_guard *g)
{
	int rc = damon_turn_off(g->io, g->kdamonds_fd, &g->identity, g->target_pid);

	if (rc && rc != -EBUSY)
		return rc;
	if (!worker_has_ended(g))
		return -EBUSY;
	if (rc) /* busy by the command that has ended now */
		rc = damon_turn_off(g->io, g->kdamonds_fd, &g->identity, g->target_pid);
	return rc ? rc : damon_remove(g->io, g->kdamonds_fd, &g->identity, g->target_pid);
}

int damon_guard_close(struct damon_guard *g)
{
	int rc = 0;

	if (g->worker_fd >= 0)
		shutdown(g->worker_fd, SHUT_WR);
	if (g->guard_fd >= 0 && g->guard_pid > 0) {
		shutdown(g->guard_fd, SHUT_WR);
		rc = take_result(g);
		if (rc != -ETIMEDOUT) /* it goes on without us */
			waitpid(g->guard_pid, NULL, 0);
		if (rc == -EPIPE && g->identity.ino)
			rc = stand_in(g);
	}
	close_fd(&g->worker_fd);
	close_fd(&g->guard_fd);
	close_fd(&g->kdamond_fd);
	*g = DAMON_GUARD_CLOSED;
	return rc;
}
