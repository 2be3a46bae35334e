/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/symbols.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/elf_names.h"
#include "collector/mapped_file.h"

#define NR_ORDERS  32
#define NR_ANSWERS 512
#define DEBUG_DIR  "/usr/lib/debug"

struct order {
	uint64_t file; /* file_key() */
	pid_t pid;
	struct mappings *maps; /* one reference */
	const struct mapping *m;
	uint64_t offset; /* in the file */
};

/* A function, or an offset where there is none: no text. */
struct answer {
	uint64_t file, start, end;
	char text[ELF_NAME_SIZE];
};

struct symbols {
	const char *proc;
	enum symbols_mode mode;
	pthread_mutex_t lock; /* of all below */
	struct order orders[NR_ORDERS];
	size_t nr_orders, nr_in_work; /* the first of them are being looked up */
	struct answer answers[NR_ANSWERS];
	size_t nr_answers, next_answer;
	pthread_t thread;
	bool has_thread; /* to be joined */
	bool thread_done;
};

struct symbols *symbols_new(const char *proc, enum symbols_mode mode)
{
	struct symbols *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->proc = proc;
	s->mode = mode;
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

/* FNV-1a: which file, by inode and name. Two file systems may have the same inodes. */
static uint64_t file_key(const struct mappings *maps, const struct mapping *m)
{
	uint64_t key = UINT64_C(0xcbf29ce484222325) ^ m->inode;

	for (const char *p = mappings_name(maps, m); *p; p++)
		key = (key ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
	return key;
}

/* ---- looking up: without the lock ---- */

static int open_order(const struct symbols *s, const struct order *o)
{
	char path[64];
	int proc_fd, fd;

	snprintf(path, sizeof(path), "%s/%d", s->proc, (int)o->pid);
	proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc_fd < 0)
		return -1;
	fd = mapped_file_open(proc_fd, o->maps, o->m);
	close(proc_fd);
	return fd;
}

/* All of one file. Those without a name are answered as well: nobody asks for them again. */
static void look_up(const struct symbols *s, const struct order *orders, struct elf_name *names, size_t nr)
{
	int fd = open_order(s, orders);

	for (size_t i = 0; i < nr; i++)
		names[i] = (struct elf_name){ .offset = orders[i].offset,
					      .start = orders[i].offset,
					      .end = orders[i].offset };
	if (fd < 0)
		return;
	elf_names_find(fd, DEBUG_DIR, names, nr);
	close(fd);
}

/* ---- orders and answers: under the lock ---- */

static void keep_answer(struct symbols *s, uint64_t file, const struct elf_name *name)
{
	struct answer *a = &s->answers[s->next_answer];

	*a = (struct answer){ .file = file,
			      .start = name->start,
			      .end = name->end > name->start ? name->end : name->start + 1 };
	memcpy(a->text, name->text, sizeof(a->text));
	s->next_answer = (s->next_answer + 1) % NR_ANSWERS;
	if (s->nr_answers < NR_ANSWERS)
		s->nr_answers++;
}

/* Moves the orders of the first one's file to the front, and returns how many they are. */
static size_t group_orders(struct symbols *s)
{
	size_t nr = 0;

	for (size_t i = 0; i < s->nr_orders; i++) {
		const struct order o = s->orders[i];

		if (o.file != s->orders[0].file || o.pid != s->orders[0].pid)
			continue;
		s->orders[i] = s->orders[nr];
		s->orders[nr++] = o;
	}
	return nr;
}

static void drop_orders(struct symbols *s, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		mappings_put(s->orders[i].maps);
	memmove(s->orders, s->orders + nr, (s->nr_orders - nr) * sizeof(*s->orders));
	s->nr_orders -= nr;
}

/* The lock is given up meanwhile. Orders in work are neither moved nor dropped by anybody else. */
static void work_off(struct symbols *s)
{
	struct order orders[NR_ORDERS];
	struct elf_name names[NR_ORDERS];

	while (s->nr_orders) {
		s->nr_in_work = group_orders(s);
		memcpy(orders, s->orders, s->nr_in_work * sizeof(*orders));
		pthread_mutex_unlock(&s->lock);
		look_up(s, orders, names, s->nr_in_work);
		pthread_mutex_lock(&s->lock);
		for (size_t i = 0; i < s->nr_in_work; i++)
			keep_answer(s, orders[i].file, &names[i]);
		drop_orders(s, s->nr_in_work);
		s->nr_in_work = 0;
	}
}

static void *thread_main(void *arg)
{
	struct symbols *s = arg;

	pthread_mutex_lock(&s->lock);
	work_off(s);
	s->thread_done = true;
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* Signals are for the thread that waits for them. */
static bool start_thread(struct symbols *s)
{
	sigset_t all, before;

	if (s->has_thread && !s->thread_done)
		return true;
	if (s->has_thread)
		pthread_join(s->thread, NULL);
	s->thread_done = false;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	s->has_thread = !pthread_create(&s->thread, NULL, thread_main, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return s->has_thread;
}

static bool is_ordered(const struct symbols *s, const struct order *o)
{
	for (size_t i = 0; i < s->nr_orders; i++)
		if (s->orders[i].pid == o->pid && s->orders[i].file == o->file && s->orders[i].offset == o->offset)
			return true;
	return false;
}

static void order(struct symbols *s, const struct order *o)
{
	if (s->nr_orders == NR_ORDERS || is_ordered(s, o))
		return;
	s->orders[s->nr_orders++] = *o;
	mappings_get(o->maps);
	if (s->mode == SYMBOLS_NOW)
		work_off(s);
	else if (!start_thread(s))
		drop_orders(s, s->nr_orders);
}

static const struct answer *find_answer(const struct symbols *s, const struct order *o)
{
	for (size_t i = 0; i < s->nr_answers; i++) {
		const struct answer *a = &s->answers[i];

		if (a->file == o->file && a->start <= o->offset && o->offset < a->end)
			return a;
	}
	return NULL;
}

bool symbols_name(struct symbols *s, pid_t pid, struct mappings *maps, uint64_t ip, char *dst, size_t size,
		  uint64_t *within)
{
	const struct mapping *m = s && maps ? mappings_find(maps, ip) : NULL;
	struct order o = { .pid = pid, .maps = maps, .m = m };
	const struct answer *a;
	bool found;

	if (!m || m->kind != MAPPING_FILE)
		return false;
	o.file = file_key(maps, m);
	o.offset = m->offset + (ip - m->start);
	pthread_mutex_lock(&s->lock);
	a = find_answer(s, &o);
	if (!a) {
		order(s, &o);
		a = find_answer(s, &o);
	}
	found = a && a->text[0];
	if (found) {
		snprintf(dst, size, "%s", a->text);
		*within = o.offset - a->start;
	}
	pthread_mutex_unlock(&s->lock);
	return found;
}

void symbols_free(struct symbols *s)
{
	if (!s)
		return;
	if (s->mode == SYMBOLS_LATER) {
		/* What is not begun need not be. */
		pthread_mutex_lock(&s->lock);
		for (size_t i = s->nr_in_work; i < s->nr_orders; i++)
			mappings_put(s->orders[i].maps);
		s->nr_orders = s->nr_in_work;
		pthread_mutex_unlock(&s->lock);
	}
	if (s->has_thread)
		pthread_join(s->thread, NULL);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
