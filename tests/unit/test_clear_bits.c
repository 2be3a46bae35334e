/* SPDX-License-Identifier: GPL-2.0-or-later */
/* On a real process, a child of the test. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/clear_bits.h"
#include "collector/report.h"
#include "collector/smaps.h"
#include "collector/target.h"

#define NR_TEST_PAGES 16
#define MAP_SIZE      (NR_TEST_PAGES * PAGE_BYTES)

/* In the parent and, by fork, at the same address in the child, which touches it. */
static char *shared;

static void *idle_thread(void *arg)
{
	(void)arg;
	pause();
	return NULL;
}

/* Starts a thread, touches the memory, answers; ends its first thread when it is told to. */
static void child_main(int in, int out)
{
	pthread_t thread;
	char byte = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (pthread_create(&thread, NULL, idle_thread, NULL))
		_exit(1);
	memset(shared, 1, MAP_SIZE);
	if (write(out, &byte, 1) == 1 && read(in, &byte, 1) == 1)
		pthread_exit(NULL);
	_exit(1);
}

static void add_referenced(void *ctx, const struct smaps_entry *entry)
{
	uint64_t *bytes = ctx;

	if (entry->start <= (uintptr_t)shared && (uintptr_t)shared < entry->end)
		*bytes = entry->referenced_bytes;
}

static uint64_t referenced_bytes(const struct target *target)
{
	int fd = target_open_file(target, "smaps", O_RDONLY);
	uint64_t bytes = UINT64_MAX;

	assert_true(fd >= 0);
	assert_int_equal(smaps_read(fd, add_referenced, &bytes, NULL), 0);
	close(fd);
	return bytes;
}

/* A zombie's file takes the write and clears nothing: that is why another thread's has to be found. */
static void is_cleared_after_the_first_thread_has_ended(void **state)
{
	struct clear_bits bits = CLEAR_BITS_CLOSED;
	int to[2], from[2], tries = 5000;
	struct target *target;
	char byte = 0;
	pid_t pid;

	(void)state;
	shared = mmap(NULL, MAP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(shared != MAP_FAILED);
	assert_int_equal(pipe(to) | pipe(from), 0);
	pid = fork();
	if (pid == 0)
		child_main(to[0], from[1]);
	assert_int_equal(read(from[0], &byte, 1), 1);
	assert_int_equal(target_open(&target, pid, NULL), 0);
	assert_int_equal(clear_bits_open(&bits, target, NULL), 0);
	bits.due_ns = 7;
	assert_int_equal(referenced_bytes(target), MAP_SIZE);

	assert_int_equal(write(to[1], &byte, 1), 1);
	while (target_live_tid(target) == pid && --tries)
		usleep(1000);
	assert_true(tries > 0);
	assert_int_equal(referenced_bytes(target), MAP_SIZE);
	assert_int_equal(clear_bits_write(&bits, CLEAR_BITS_ACCESSED, NULL), 0);
	assert_int_equal(referenced_bytes(target), 0);
	assert_int_equal(bits.due_ns, 7); /* what is owed stays owed */

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(clear_bits_write(&bits, CLEAR_BITS_ACCESSED, NULL), -ESRCH);
	clear_bits_close(&bits);
	target_close(target);
	munmap(shared, MAP_SIZE);
	for (int i = 0; i < 2; i++) {
		close(to[i]);
		close(from[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_cleared_after_the_first_thread_has_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
