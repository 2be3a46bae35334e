/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/process_list.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/text.h"

void process_list_init(struct process_list *list)
{
	memset(list, 0, sizeof(*list));
}

void process_list_free(struct process_list *list)
{
	free(list->v);
	free(list->shown);
	process_list_init(list);
}

/* Reads a small file below dir, NUL terminated. Its length, or -1. */
static ssize_t read_file(int dir, const char *name, char *buf, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n;
}

/* The number after "Name:\t" in the text of a status file. False: it has no such line. */
static bool status_number(const char *status, const char *name, uint64_t *value)
{
	const char *line = strstr(status, name);

	if (!line)
		return false;
	*value = strtoull(line + strlen(name), NULL, 10);
	return true;
}

/* May its mappings be read? The kernel decides when the file is opened. */
static bool may_watch(int dir)
{
	int fd = openat(dir, "maps", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static void read_names(int dir, struct process *p)
{
	char raw[512];
	ssize_t i, n = read_file(dir, "comm", raw, sizeof(raw));

	if (n > 0 && raw[n - 1] == '\n')
		n--;
	text_clean(p->comm, sizeof(p->comm), raw, n > 0 ? (size_t)n : 0);
	n = read_file(dir, "cmdline", raw, sizeof(raw));
	while (n > 0 && !raw[n - 1])
		n--;
	for (i = 0; i < n; i++)
		if (!raw[i])
			raw[i] = ' ';
	text_clean(p->cmdline, sizeof(p->cmdline), raw, n > 0 ? (size_t)n : 0);
}

/* Parent, CPU time and start from its stat line; what follows the name, which may hold anything. */
static void read_stat(int dir, struct process *p)
{
	char raw[1024], *at;
	unsigned long long utime, stime, start;
	int ppid;

	if (read_file(dir, "stat", raw, sizeof(raw)) <= 0)
		return;
	at = strrchr(raw, ')');
	if (!at || sscanf(at + 1, " %*c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu %*s %*s %*s %*s %*s %*s %llu",
			  &ppid, &utime, &stime, &start) != 4)
		return;
	p->ppid = ppid;
	p->cpu_ticks = utime + stime;
	p->start_ticks = start;
}

static void read_user(struct process *p, const struct process *before)
{
	char buf[1024];
	struct passwd pw, *found = NULL;

	if (before && before->uid == p->uid) {
		memcpy(p->user, before->user, sizeof(p->user));
		return;
	}
	if (getpwuid_r(p->uid, &pw, buf, sizeof(buf), &found) || !found)
		snprintf(p->user, sizeof(p->user), "%u", p->uid);
	else
		text_clean_str(p->user, sizeof(p->user), found->pw_name);
}

/* 1: filled; 0: not one to show (a kernel thread, a zombie, gone); -1: refused. */
static int read_process(int dir, struct process *p, const struct process *before)
{
	char status[4096];
	uint64_t uid = 0, rss_kb = 0;

	if (read_file(dir, "status", status, sizeof(status)) <= 0)
		return 0;
	/* the name comes first and may hold anything but a newline: look after it */
	if (!strchr(status, '\n') || !status_number(strchr(status, '\n'), "\nVmRSS:", &rss_kb))
		return 0;
	if (!may_watch(dir))
		return -1;
	status_number(strchr(status, '\n'), "\nUid:", &uid);
	p->uid = (uint32_t)uid;
	p->rss_bytes = rss_kb << 10;
	read_stat(dir, p);
	read_names(dir, p);
	read_user(p, before);
	return 1;
}

static struct process *next_slot(struct process_list *list)
{
	if (list->nr == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 256;
		struct process *v = realloc(list->v, cap * sizeof(*v));
		struct process_row *shown = v ? realloc(list->shown, cap * sizeof(*shown)) : NULL;

		if (v)
			list->v = v;
		if (!shown)
			return NULL;
		list->shown = shown;
		list->cap = cap;
	}
	memset(&list->v[list->nr], 0, sizeof(*list->v));
	return &list->v[list->nr];
}

static int add_process(struct process_list *list, int proc_fd, const char *name)
{
	struct process *p = next_slot(list);
	int dir, ret;

	if (!p)
		return -ENOMEM;
	dir = openat(proc_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return 0;
	p->pid = (pid_t)strtol(name, NULL, 10);
	ret = read_process(dir, p, list->nr ? p - 1 : NULL);
	close(dir);
	if (ret < 0)
		list->nr_refused++;
	if (ret > 0)
		list->nr++;
	return 0;
}

static int compare_rss_falling(const void *va, const void *vb)
{
	const struct process *a = va, *b = vb;

	if (a->rss_bytes != b->rss_bytes)
		return a->rss_bytes < b->rss_bytes ? 1 : -1;
	return (a->pid > b->pid) - (a->pid < b->pid);
}

void process_list_select(struct process_list *list, pid_t pid)
{
	size_t i;

	for (i = 0; i < list->nr_shown; i++)
		if (list->v[list->shown[i].process].pid == pid) {
			list->selected = i;
			return;
		}
	process_list_move(list, 0);
}

/* What a process had used at the reading before. */
struct usage {
	pid_t pid;
	uint64_t start_ticks, cpu_ticks;
};

static int compare_usage(const void *va, const void *vb)
{
	const struct usage *a = va, *b = vb;

	return (a->pid > b->pid) - (a->pid < b->pid);
}

/* By pid, for the caller to free. NULL: there is none, or no memory. */
static struct usage *usage_of(const struct process_list *list)
{
	struct usage *v = list->nr ? malloc(list->nr * sizeof(*v)) : NULL;
	size_t i;

	for (i = 0; v && i < list->nr; i++)
		v[i] = (struct usage){ list->v[i].pid, list->v[i].start_ticks, list->v[i].cpu_ticks };
	if (v)
		qsort(v, list->nr, sizeof(*v), compare_usage);
	return v;
}

static void compare_with(struct process_list *list, const struct usage *before, size_t nr)
{
	size_t i;

	for (i = 0; i < list->nr; i++) {
		struct process *p = &list->v[i];
		struct usage key = { .pid = p->pid };
		const struct usage *was = nr ? bsearch(&key, before, nr, sizeof(key), compare_usage) : NULL;

		if (!was || was->start_ticks != p->start_ticks || !p->start_ticks || p->cpu_ticks < was->cpu_ticks)
			continue;
		p->recent_ticks = p->cpu_ticks - was->cpu_ticks;
		p->recent_known = true;
	}
}

static void read_uptime(struct process_list *list, int proc_fd)
{
	double before_s = list->uptime_s;
	char text[64];

	list->uptime_s = read_file(proc_fd, "uptime", text, sizeof(text)) > 0 ? strtod(text, NULL) : 0;
	list->between_s = before_s > 0 && list->uptime_s > before_s ? list->uptime_s - before_s : 0;
}

double process_list_cpu(const struct process_list *list, const struct process *process)
{
	if (!process->recent_known || !(list->between_s > 0))
		return -1;
	return (double)process->recent_ticks / (double)sysconf(_SC_CLK_TCK) / list->between_s;
}

int process_list_read(struct process_list *list, const char *proc, pid_t self, struct err *err)
{
	/* at the top it stays at the top, whoever is there */
	const struct process *was = list->selected ? process_list_selected(list) : NULL;
	pid_t selected = was ? was->pid : 0;
	DIR *dir = opendir(proc);
	struct usage *before;
	struct dirent *entry;
	size_t nr_before = list->nr;
	int ret = 0;

	if (!dir)
		return err_set(err, errno, "%s: %s; damontop needs it mounted", proc, strerror(errno));
	before = usage_of(list);
	list->nr = list->nr_refused = 0;
	read_uptime(list, dirfd(dir));
	while (!ret && (entry = readdir(dir)))
		if (isdigit((unsigned char)*entry->d_name) && strtol(entry->d_name, NULL, 10) != self)
			ret = add_process(list, dirfd(dir), entry->d_name);
	closedir(dir);
	if (ret)
		err_set(err, ENOMEM, "no memory for the list of processes");
	if (list->nr)
		qsort(list->v, list->nr, sizeof(*list->v), compare_rss_falling);
	compare_with(list, before, before ? nr_before : 0);
	free(before);
	process_list_filter(list, NULL);
	if (selected)
		process_list_select(list, selected);
	else
		list->selected = 0;
	return ret;
}

static bool matches_word(const struct process *p, const char *word)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)p->pid);
	return strcasestr(p->comm, word) || strcasestr(p->cmdline, word) || strcasestr(p->user, word) ||
	       strstr(pid, word);
}

static bool matches(const struct process *p, const char *filter)
{
	char words[sizeof(((struct process_list *)0)->filter)], *save, *word;

	snprintf(words, sizeof(words), "%s", filter);
	for (word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
		if (!matches_word(p, word))
			return false;
	return true;
}

static void show_plain(struct process_list *list)
{
	size_t i;

	list->nr_shown = 0;
	for (i = 0; i < list->nr; i++)
		if (matches(&list->v[i], list->filter))
			list->shown[list->nr_shown++] = (struct process_row){ .process = i, .matches = true };
	list->nr_matching = list->nr_shown;
}

/* False: no memory. */
static bool show_tree(struct process_list *list)
{
	bool *match = malloc(list->nr + 1);
	long nr = -1;
	size_t i;

	for (i = 0; match && i < list->nr; i++) {
		match[i] = matches(&list->v[i], list->filter);
		list->nr_matching += match[i];
	}
	if (match)
		nr = process_tree_rows(list->v, list->nr, match, list->shown);
	free(match);
	list->nr_shown = nr < 0 ? 0 : (size_t)nr;
	return nr >= 0;
}

/* Enter is to take what was typed for, not its parent. */
static void to_first_match(struct process_list *list)
{
	size_t i;

	for (i = 0; i < list->nr_shown; i++) {
		size_t at = (list->selected + i) % list->nr_shown;

		if (list->shown[at].matches) {
			list->selected = at;
			return;
		}
	}
}

/* NULL: the filter stays, the processes are others. */
void process_list_filter(struct process_list *list, const char *filter)
{
	const struct process *was = filter ? process_list_selected(list) : NULL;
	pid_t selected = was ? was->pid : 0;

	if (filter)
		snprintf(list->filter, sizeof(list->filter), "%s", filter);
	list->nr_matching = 0;
	if (!list->tree || !show_tree(list))
		show_plain(list);
	if (filter) {
		list->selected = 0;
		if (selected)
			process_list_select(list, selected);
		to_first_match(list);
	}
}

void process_list_set_tree(struct process_list *list, bool tree)
{
	char filter[sizeof(list->filter)];

	memcpy(filter, list->filter, sizeof(filter));
	list->tree = tree;
	process_list_filter(list, filter);
}

void process_list_move(struct process_list *list, long rows)
{
	long at = (long)list->selected + rows, last = (long)list->nr_shown - 1;

	at = at > last ? last : at;
	list->selected = at < 0 ? 0 : (size_t)at;
}

const struct process *process_list_selected(const struct process_list *list)
{
	return list->selected < list->nr_shown ? &list->v[list->shown[list->selected].process] : NULL;
}
