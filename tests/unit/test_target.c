/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Targets that are real processes: children of the test, which it ends by their pidfd's process. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/target.h"

/* A child that does what it is told by a byte, and answers with one. */
struct child {
	pid_t pid;
	int to, from;
};

static void *idle_thread(void *arg)
{
	(void)arg;
	pause();
	return NULL;
}

static void start_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, idle_thread, NULL);
}

static void child_main(int in, int out)
{
	char order, self[64];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(in, &order, 1) == 1) {
		switch (order) {
		case 'm':
			mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			break;
		case 't':
			start_thread();
			break;
		case 'n':
			prctl(PR_SET_NAME, "a) R \033[2J");
			break;
		case 'x':
			snprintf(self, sizeof(self), "/proc/self/fd/%d", in);
			dup2(in, 0);
			execlp("cat", "cat", "-", (char *)NULL);
			break;
		case 'e': /* only the first thread ends */
			start_thread();
			if (write(out, &order, 1) == 1)
				pthread_exit(NULL);
			break;
		}
		if (write(out, &order, 1) != 1)
			_exit(1);
	}
	_exit(0);
}

static void child_start(struct child *child)
{
	int to[2], from[2];

	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	child->pid = fork();
	if (child->pid == 0) {
		close(to[1]);
		close(from[0]);
		child_main(to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	child->to = to[1];
	child->from = from[0];
}

static void child_do(struct child *child, char order)
{
	char answer;

	assert_int_equal(write(child->to, &order, 1), 1);
	assert_int_equal(read(child->from, &answer, 1), 1);
}

static void child_end(struct child *child)
{
	kill(child->pid, SIGKILL);
	waitpid(child->pid, NULL, 0);
	close(child->to);
	close(child->from);
}

static void wait_for_end(const struct target *target)
{
	struct pollfd pfd = { .fd = target->pidfd, .events = POLLIN };

	assert_int_equal(poll(&pfd, 1, 10000), 1);
}

static void a_running_process_is_read(void **state)
{
	struct target *target;
	struct child child;

	(void)state;
	child_start(&child);
	assert_int_equal(target_open(&target, child.pid, NULL), 0);
	assert_int_equal(target->pid, child.pid);
	assert_int_equal(target->state, TARGET_RUNNING);
	assert_true(target->maps->nr > 5);
	assert_int_equal(target->nr_tids, 1);
	assert_int_equal(target->tids[0], child.pid);
	assert_true(target->rss_known && target->rss_bytes > 0);
	target_close(target);
	child_end(&child);
}

static void changes_are_said(void **state)
{
	struct target *target;
	struct child child;
	int changes;

	(void)state;
	child_start(&child);
	assert_int_equal(target_open(&target, child.pid, NULL), 0);
	child_do(&child, ' ');
	target_refresh(target, NULL);
	assert_int_equal(target_refresh(target, NULL) & ~TARGET_CHANGED_STATE, 0);
	child_do(&child, 'm');
	assert_true(target_refresh(target, NULL) & TARGET_CHANGED_MAPPINGS);
	child_do(&child, 't');
	changes = target_refresh(target, NULL);
	assert_true(changes & TARGET_CHANGED_THREADS);
	assert_int_equal(target->nr_tids, 2);
	target_close(target);
	child_end(&child);
}

static void a_hostile_name_is_escaped_and_does_not_confuse(void **state)
{
	struct target *target;
	struct child child;

	(void)state;
	child_start(&child);
	child_do(&child, 'n');
	assert_int_equal(target_open(&target, child.pid, NULL), 0);
	assert_string_equal(target->comm, "a) R \\x1b[2J");
	assert_int_equal(target->state, TARGET_RUNNING);
	target_close(target);
	child_end(&child);
}

static void exec_is_recognised(void **state)
{
	struct target *target;
	struct child child;
	int changes = 0;
	char order = 'x';

	(void)state;
	child_start(&child);
	assert_int_equal(target_open(&target, child.pid, NULL), 0);
	assert_int_equal(write(child.to, &order, 1), 1);
	for (int tries = 0; tries < 5000 && !(changes & TARGET_CHANGED_EXEC); tries++) {
		changes = target_refresh(target, NULL);
		assert_true(changes >= 0);
		usleep(1000);
	}
	assert_true(changes & TARGET_CHANGED_EXEC);
	assert_int_equal(target->nr_execs, 1);
	target_close(target);
	child_end(&child);
}

static void an_end_is_a_state_and_keeps_the_mappings(void **state)
{
	struct target *target;
	struct child child;

	(void)state;
	child_start(&child);
	assert_int_equal(target_open(&target, child.pid, NULL), 0);
	assert_false(target_has_ended(target));
	kill(child.pid, SIGKILL);
	wait_for_end(target);
	assert_true(target_refresh(target, NULL) & TARGET_CHANGED_STATE);
	assert_int_equal(target->state, TARGET_ZOMBIE);
	assert_true(target_has_ended(target));
	assert_true(target->maps->nr > 5);
	child_end(&child); /* takes its status: the number is free now */
	target_refresh(target, NULL);
	assert_int_equal(target->state, TARGET_EXITED);
	assert_true(target->maps->nr > 5);
	target_close(target);
}

static void a_first_thread_that_ends_does_not_end_the_process(void **state)
{
	struct target *target;
	struct child child;

	(void)state;
	child_start(&child);
	child_do(&child, 'e');
	for (int tries = 0; tries < 5000; tries++) {
		assert_int_equal(target_open(&target, child.pid, NULL), 0);
		if (target->state == TARGET_ZOMBIE)
			break;
		target_close(target);
		target = NULL;
		usleep(1000);
	}
	assert_non_null(target);
	assert_false(target_has_ended(target));
	assert_true(target->maps->nr > 5); /* read through the thread that lives */
	target_close(target);
	child_end(&child);
}

static void what_cannot_be_watched_is_refused_with_a_reason(void **state)
{
	struct target *target;
	struct err err = ERR_NONE;
	struct child child;

	(void)state;
	assert_int_equal(target_open(&target, 0, &err), -EINVAL);
	err = ERR_NONE;
	assert_int_equal(target_open(&target, 2147483646, &err), -ESRCH);
	assert_non_null(strstr(err.text, "no process"));
	err = ERR_NONE;
	if (access("/proc/2/exe", F_OK)) { /* kthreadd; in a container number 2 may be anything */
		int rc = target_open(&target, 2, &err);

		assert_true(rc == -EINVAL || rc == -ESRCH);
	}
	child_start(&child);
	kill(child.pid, SIGKILL);
	waitid(P_PID, (id_t)child.pid, NULL, WEXITED | WNOWAIT);
	err = ERR_NONE;
	assert_int_equal(target_open(&target, child.pid, &err), -ESRCH);
	assert_non_null(strstr(err.text, "ended"));
	assert_null(target);
	child_end(&child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_running_process_is_read),
		cmocka_unit_test(changes_are_said),
		cmocka_unit_test(a_hostile_name_is_escaped_and_does_not_confuse),
		cmocka_unit_test(exec_is_recognised),
		cmocka_unit_test(an_end_is_a_state_and_keeps_the_mappings),
		cmocka_unit_test(a_first_thread_that_ends_does_not_end_the_process),
		cmocka_unit_test(what_cannot_be_watched_is_refused_with_a_reason),
	};

	return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
