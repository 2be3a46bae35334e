/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/family.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/array.h"
#include "collector/target.h"

#define SZ_PATH 320

/* Of the scan of all processes. */
struct parenthood {
	pid_t pid, ppid;
};

void family_free(struct family *f)
{
	free(f->v);
	free(f->queue);
	free(f->all);
	free(f->former);
	*f = (struct family){ 0 };
}

/* ---- reading ---- */

struct stat_fields {
	char state;
	pid_t ppid;
	uint64_t start_ticks, vsize_bytes, rss_pages;
};

/* False: it has ended. The name in parentheses may hold anything: what follows the last one counts. */
static bool read_stat(const char *root, pid_t pid, struct stat_fields *stat)
{
	char path[SZ_PATH], text[1024], *at;
	unsigned long long start, vsize, rss;
	int ppid;

	snprintf(path, sizeof(path), "%s/proc/%d/stat", root, (int)pid);
	if (target_read_at(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return false;
	at = strrchr(text, ')');
	if (!at ||
	    sscanf(at + 1, " %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu %llu",
		   &stat->state, &ppid, &start, &vsize, &rss) != 5)
		return false;
	stat->ppid = ppid;
	stat->start_ticks = start;
	stat->vsize_bytes = vsize;
	stat->rss_pages = rss;
	return true;
}

static int add_relative(struct family *f, const struct relative *relative)
{
	struct relative *v = array_grow(f->v, &f->cap, f->nr + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	f->v = v;
	v[f->nr++] = *relative;
	return 0;
}

/* ---- generations ---- */

/* Those above the bound stay out: they are found again when others have gone. */
static int enqueue(struct family *f, pid_t pid)
{
	pid_t *queue;

	if (f->nr_queue >= FAMILY_MAX_NR)
		return 0;
	queue = array_grow(f->queue, &f->cap_queue, f->nr_queue + 1, sizeof(*queue));
	if (!queue)
		return -ENOMEM;
	f->queue = queue;
	queue[f->nr_queue++] = pid;
	return 0;
}

static int enqueue_new(struct family *f, pid_t pid)
{
	for (size_t i = 0; i < f->nr_queue; i++)
		if (f->queue[i] == pid)
			return 0;
	return enqueue(f, pid);
}

/* "12 13 14 " */
static int take_children(struct family *f, const char *text)
{
	int rc = 0;

	for (char *end; !rc; text = end) {
		long pid = strtol(text, &end, 10);

		if (end == text || *end != ' ') /* a number that was cut off is another one */
			break;
		if (pid > 0)
			rc = enqueue_new(f, (pid_t)pid);
	}
	return rc;
}

/* Of all its threads. -ENOENT: the kernel has no such files. */
static int children_by_threads(struct family *f, const char *root, pid_t pid)
{
	char path[SZ_PATH], text[16384];
	struct dirent *entry;
	DIR *dir;
	int rc = 0;

	snprintf(path, sizeof(path), "%s/proc/%d/task", root, (int)pid);
	dir = opendir(path);
	while (!rc && dir && (entry = readdir(dir))) {
		ssize_t n;

		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "%s/proc/%d/task/%.20s/children", root, (int)pid, entry->d_name);
		n = target_read_at(AT_FDCWD, path, text, sizeof(text));
		if (n > 0)
			rc = take_children(f, text);
	}
	if (dir)
		closedir(dir);
	return rc;
}

static bool has_files_of_children(const char *root)
{
	char path[SZ_PATH];

	snprintf(path, sizeof(path), "%s/proc/thread-self/children", root);
	return access(path, R_OK) == 0;
}

static int scan_all(struct family *f, const char *root)
{
	char path[SZ_PATH];
	struct parenthood *all;
	struct dirent *entry;
	DIR *dir;
	int rc = 0;

	f->nr_all = 0;
	snprintf(path, sizeof(path), "%s/proc", root);
	dir = opendir(path);
	while (!rc && dir && (entry = readdir(dir))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
		struct stat_fields stat;

		if (pid <= 0 || !read_stat(root, pid, &stat))
			continue;
		all = array_grow(f->all, &f->cap_all, f->nr_all + 1, sizeof(*all));
		if (!all) {
			rc = -ENOMEM;
			break;
		}
		f->all = all;
		all[f->nr_all++] = (struct parenthood){ pid, stat.ppid };
	}
	if (dir)
		closedir(dir);
	return rc;
}

static int children_by_parents(struct family *f, pid_t pid)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < f->nr_all; i++)
		if (f->all[i].ppid == pid)
			rc = enqueue_new(f, f->all[i].pid);
	return rc;
}

/* All of them: members first, then those below. */
static int walk(struct family *f, const char *root, const struct family_member *members, size_t nr)
{
	int rc = 0;

	f->nr_queue = 0;
	f->scans_all = !has_files_of_children(root);
	for (size_t i = 0; !rc && i < nr; i++)
		rc = enqueue(f, members[i].pid);
	if (!rc && f->scans_all)
		rc = scan_all(f, root);
	for (size_t i = 0; !rc && i < f->nr_queue; i++)
		rc = f->scans_all ? children_by_parents(f, f->queue[i]) : children_by_threads(f, root, f->queue[i]);
	return rc;
}

/* ---- who of them ---- */

static bool is_among(const struct family *f, pid_t pid)
{
	for (size_t i = 0; i < f->nr_queue; i++)
		if (f->queue[i] == pid)
			return true;
	return false;
}

static bool was_refused(const struct family *f, pid_t pid, uint64_t start_ticks)
{
	for (size_t i = 0; i < f->nr_former; i++)
		if (f->former[i].pid == pid && f->former[i].start_ticks == start_ticks)
			return f->former[i].refused;
	return false;
}

static int consider(struct family *f, const char *root, pid_t pid, uint64_t uptime_ms)
{
	uint64_t ticks_per_s = (uint64_t)sysconf(_SC_CLK_TCK);
	struct stat_fields stat;
	struct relative relative;
	int rc;

	/* no memory: a kernel thread, or one that has ended */
	if (!read_stat(root, pid, &stat) || !stat.vsize_bytes || stat.state == 'Z' || stat.state == 'X')
		return 0;
	/* the number may have been given away since it was read */
	if (!is_among(f, stat.ppid))
		return 0;
	if (stat.start_ticks * 1000 / ticks_per_s + FAMILY_LEAST_AGE_MS > uptime_ms)
		return 0;
	relative = (struct relative){
		.pid = pid,
		.start_ticks = stat.start_ticks,
		.rss_bytes = stat.rss_pages * (uint64_t)sysconf(_SC_PAGESIZE),
		.refused = was_refused(f, pid, stat.start_ticks),
	};
	rc = add_relative(f, &relative);
	f->nr_refused += !rc && relative.refused;
	return rc;
}

static int compare_rss_falling(const void *va, const void *vb)
{
	const struct relative *a = va, *b = vb;

	if (a->rss_bytes != b->rss_bytes)
		return a->rss_bytes < b->rss_bytes ? 1 : -1;
	return (a->pid > b->pid) - (a->pid < b->pid);
}

int family_look(struct family *f, const char *root, const struct family_member *members, size_t nr, pid_t self,
		uint64_t uptime_ms)
{
	int rc = walk(f, root, members, nr);

	free(f->former);
	f->former = f->v;
	f->nr_former = f->nr;
	f->v = NULL;
	f->nr = f->cap = 0;
	f->nr_refused = 0;
	for (size_t i = nr; !rc && i < f->nr_queue; i++)
		if (f->queue[i] != self)
			rc = consider(f, root, f->queue[i], uptime_ms);
	if (f->nr)
		qsort(f->v, f->nr, sizeof(*f->v), compare_rss_falling);
	return rc;
}

int family_refuse(struct family *f, pid_t pid, uint64_t start_ticks)
{
	size_t i = 0;
	int rc;

	while (i < f->nr && (f->v[i].pid != pid || f->v[i].start_ticks != start_ticks))
		i++;
	if (i == f->nr) {
		rc = add_relative(f, &(struct relative){ .pid = pid, .start_ticks = start_ticks });
		if (rc)
			return rc;
	}
	f->nr_refused += !f->v[i].refused;
	f->v[i].refused = true;
	return 0;
}
