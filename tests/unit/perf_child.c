/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/perf_child.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define BURN_NS 300000000

/* Without the sanitizer's shadow, whose pages would fault as well. */
__attribute__((no_sanitize("address", "thread"))) static void touch_pages(unsigned char *start, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		((volatile unsigned char *)start)[i * PAGE] = 1;
}

static void touch(unsigned char *start)
{
	touch_pages(start, NR_COMMANDED);
}

static void *touch_in_thread(void *start)
{
	touch(start);
	return NULL;
}

static void burn(void)
{
	struct timespec now;
	volatile unsigned count;

	do {
		for (count = 0; count < 10000;)
			count = count + 1;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	} while (now.tv_nsec < BURN_NS && !now.tv_sec);
}

struct resident {
	int in[2], out[2];
	unsigned char *start;
};

/* A thread that lives on: touches a stretch for each byte it gets. */
static void *resident(void *arg)
{
	struct resident *r = arg;
	char c;

	while (read(r->in[0], &c, 1) == 1) {
		touch(r->start);
		if (write(r->out[1], &c, 1) != 1)
			break;
	}
	return NULL;
}

/* Threads that are made one after the other while the parent attaches, and touch their pages when told. */
struct crowd {
	pthread_barrier_t go, done;
	pthread_t maker;
	unsigned char *start;
	atomic_int nr_made;
};

static void *crowd_member(void *arg)
{
	struct crowd *crowd = arg;
	size_t i = (size_t)atomic_fetch_add(&crowd->nr_made, 1);

	pthread_barrier_wait(&crowd->go);
	touch_pages(crowd->start + i * CROWD_PAGES * PAGE, CROWD_PAGES);
	pthread_barrier_wait(&crowd->done);
	return NULL;
}

static void *make_crowd(void *arg)
{
	pthread_t thread;

	for (int i = 0; i < NR_CROWD; i++) {
		if (pthread_create(&thread, NULL, crowd_member, arg))
			_exit(1);
		sched_yield();
	}
	return NULL;
}

static void gather_crowd(struct crowd *crowd)
{
	pthread_barrier_init(&crowd->go, NULL, NR_CROWD + 1);
	pthread_barrier_init(&crowd->done, NULL, NR_CROWD + 1);
	if (pthread_create(&crowd->maker, NULL, make_crowd, crowd))
		_exit(1);
}

static void send_crowd(struct crowd *crowd, unsigned char *start)
{
	pthread_join(crowd->maker, NULL);
	crowd->start = start;
	pthread_barrier_wait(&crowd->go);
	pthread_barrier_wait(&crowd->done);
}

static void obey(char command, unsigned char *start, struct resident *r, struct crowd *crowd)
{
	pthread_t thread;
	char c = 0;

	switch (command) {
	case 't':
		touch(start);
		break;
	case 'n':
		pthread_create(&thread, NULL, touch_in_thread, start);
		pthread_join(thread, NULL);
		break;
	case 'f':
		if (!fork()) {
			touch(start);
			_exit(0);
		}
		wait(NULL);
		break;
	case 'r':
		if (pipe(r->in) || pipe(r->out) || pthread_create(&thread, NULL, resident, r))
			_exit(1);
		break;
	case 'R':
		r->start = start;
		if (write(r->in[1], &c, 1) != 1 || read(r->out[0], &c, 1) != 1)
			_exit(1);
		break;
	case 'c':
		gather_crowd(crowd);
		break;
	case 'C':
		send_crowd(crowd, start);
		break;
	case 'b':
		burn();
		break;
	}
}

static void serve(int from, int to, unsigned char *area)
{
	struct resident r = { 0 };
	struct crowd crowd = { 0 };
	uint64_t page = 0;
	char command;

	while (read(from, &command, 1) == 1) {
		obey(command, area + page * PAGE, &r, &crowd);
		page += NR_COMMANDED;
		if (write(to, &command, 1) != 1)
			break;
	}
	_exit(0);
}

void perf_child_tell(struct perf_child *c, char command)
{
	char back;

	assert_int_equal(write(c->to, &command, 1), 1);
	assert_int_equal(read(c->from, &back, 1), 1);
	assert_int_equal(back, command);
	c->next += NR_COMMANDED;
}

struct perf_child *perf_child_start(void)
{
	struct perf_child *c = calloc(1, sizeof(*c));
	struct err err = ERR_NONE;
	int to[2], from[2];

	assert_non_null(c);
	c->area = mmap(NULL, NR_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(c->area, MAP_FAILED);
	madvise(c->area, NR_PAGES * PAGE, MADV_NOHUGEPAGE);
	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	c->pid = fork();
	assert_true(c->pid >= 0);
	if (!c->pid) {
		close(to[1]);
		close(from[0]);
		serve(to[0], from[1], c->area);
	}
	close(to[0]);
	close(from[1]);
	c->to = to[1];
	c->from = from[0];
	assert_int_equal(target_open(&c->target, c->pid, &err), 0);
	return c;
}

void perf_child_end(struct perf_child *c)
{
	perf_attach_close(c->pa);
	target_close(c->target);
	close(c->to);
	close(c->from);
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	munmap(c->area, NR_PAGES * PAGE);
	free(c);
}
