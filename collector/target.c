/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collector/array.h"
#include "collector/text.h"

#define PF_KTHREAD 0x00200000 /* include/linux/sched.h; field 9 of stat */
#define FIRST_TEXT (64 << 10)

/* Fields of /proc/PID/stat by their number in proc(5). */
enum stat_field {
	STAT_STATE = 3,
	STAT_FLAGS = 9,
	STAT_UTIME = 14,
	STAT_STIME = 15,
	STAT_STARTTIME = 22,
	STAT_STARTCODE = 26,
	STAT_STARTSTACK = 28,
	STAT_NR_FIELDS = 53,
};

struct stat_line {
	char state;
	uint64_t v[STAT_NR_FIELDS];
};

ssize_t target_read_at(int dir_fd, const char *path, char *buf, size_t size)
{
	int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n = 0;

	if (fd < 0)
		return -errno;
	while (used < size - 1 && (n = read(fd, buf + used, size - 1 - used)) > 0)
		used += (size_t)n;
	if (n < 0)
		n = -errno;
	close(fd);
	buf[used] = '\0';
	return n < 0 ? n : (ssize_t)used;
}

ssize_t target_read(const struct target *target, const char *name, char *buf, size_t size)
{
	return target_read_at(target->proc_fd, name, buf, size);
}

/* The name in parentheses may hold spaces and parentheses of its own: fields are counted from the last one. */
static int read_stat(const struct target *target, const char *name, struct stat_line *line)
{
	char buf[2048], *p;
	ssize_t n = target_read(target, name, buf, sizeof(buf));

	if (n < 0)
		return (int)n;
	p = strrchr(buf, ')');
	if (!p || p[1] != ' ' || !p[2])
		return -EBADMSG;
	memset(line, 0, sizeof(*line));
	line->state = p[2];
	p += 3;
	for (int field = STAT_STATE + 1; field < STAT_NR_FIELDS; field++) {
		char *end;

		line->v[field] = strtoull(p, &end, 10);
		if (end == p)
			break;
		p = end;
	}
	return 0;
}

bool target_has_ended(const struct target *target)
{
	struct pollfd pfd = { .fd = target->pidfd, .events = POLLIN };

	return poll(&pfd, 1, 0) > 0;
}

static bool thread_lives(const struct target *target, const char *stat_name)
{
	struct stat_line line;

	return read_stat(target, stat_name, &line) == 0 && line.state != 'Z' && line.state != 'X';
}

pid_t target_live_tid(const struct target *target)
{
	char path[64];

	/* The first thread may be a zombie without memory, and others live. Asked anew: it may have just ended. */
	if (thread_lives(target, "stat") || target_has_ended(target))
		return target->pid;
	for (size_t i = 0; i < target->nr_tids; i++) {
		snprintf(path, sizeof(path), "task/%d/stat", target->tids[i]);
		if (target->tids[i] != target->pid && thread_lives(target, path))
			return target->tids[i];
	}
	return target->pid;
}

int target_open_file(const struct target *target, const char *name, int flags)
{
	pid_t tid = target_live_tid(target);
	char path[64];
	int fd;

	if (tid == target->pid)
		snprintf(path, sizeof(path), "%s", name);
	else
		snprintf(path, sizeof(path), "task/%d/%s", tid, name);
	fd = openat(target->proc_fd, path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static uint64_t exec_id_of(const struct target *target, const struct stat_line *line)
{
	struct stat exe;
	uint64_t id = line->v[STAT_STARTCODE] * 0x9e3779b97f4a7c15 + line->v[STAT_STARTSTACK];

	/* Follows the link to the file itself: nothing is opened by its name. */
	if (fstatat(target->proc_fd, "exe", &exe, 0) == 0)
		id = id * 31 + (uint64_t)exe.st_ino * 0x9e3779b97f4a7c15 + (uint64_t)exe.st_dev;
	return id;
}

static void read_comm(struct target *target)
{
	char raw[TARGET_COMM_SIZE];
	ssize_t n = target_read(target, "comm", raw, sizeof(raw));

	if (n <= 0)
		return;
	if (raw[n - 1] == '\n')
		n--;
	text_clean(target->comm, sizeof(target->comm), raw, (size_t)n);
}

bool target_read_rss(const struct target *target, uint64_t *bytes)
{
	unsigned long long size, resident;
	char buf[128];
	ssize_t n = 0;
	int fd = target_open_file(target, "statm", O_RDONLY);

	if (fd < 0)
		return false;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return false;
	buf[n] = '\0';
	if (sscanf(buf, "%llu %llu", &size, &resident) != 2 || !size)
		return false;
	*bytes = resident * (uint64_t)sysconf(_SC_PAGESIZE);
	return true;
}

static int compare_tids(const void *a, const void *b)
{
	const pid_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Returns TARGET_CHANGED_THREADS, 0 or -errno. */
static int read_threads(struct target *target, struct err *err)
{
	pid_t *tids = NULL, *more;
	size_t nr = 0, cap = 0;
	struct dirent *entry;
	int fd, same;
	DIR *dir;

	fd = openat(target->proc_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ESRCH ? -ESRCH : -errno;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return err_set(err, ENOMEM, "no memory to list threads");
	}
	while ((entry = readdir(dir))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (tid <= 0)
			continue;
		more = array_grow(tids, &cap, nr + 1, sizeof(*tids));
		if (!more) {
			closedir(dir);
			free(tids);
			return err_set(err, ENOMEM, "no memory to list threads");
		}
		tids = more;
		tids[nr++] = tid;
	}
	closedir(dir);
	if (!nr) {
		free(tids);
		return -ESRCH;
	}
	qsort(tids, nr, sizeof(*tids), compare_tids);
	same = nr == target->nr_tids && memcmp(tids, target->tids, nr * sizeof(*tids)) == 0;
	free(target->tids);
	target->tids = tids;
	target->nr_tids = nr;
	return same ? 0 : TARGET_CHANGED_THREADS;
}

static int grow_text(struct target *target)
{
	size_t size = target->sz_text ? target->sz_text * 2 : FIRST_TEXT;
	char *text = realloc(target->text, size);

	if (!text)
		return -ENOMEM;
	target->text = text;
	target->sz_text = size;
	return 0;
}

/* Reads the whole maps file into target->text; returns its length or -errno. */
static ssize_t read_maps_text(struct target *target)
{
	int fd = target_open_file(target, "maps", O_RDONLY);
	size_t used = 0;
	ssize_t n;

	if (fd < 0)
		return fd;
	do {
		if (target->sz_text - used < FIRST_TEXT / 2 && grow_text(target)) {
			n = -ENOMEM;
			break;
		}
		n = read(fd, target->text + used, target->sz_text - used);
		if (n < 0)
			n = -errno;
		else
			used += (size_t)n;
	} while (n > 0);
	close(fd);
	return n < 0 ? n : (ssize_t)used;
}

/* Returns TARGET_CHANGED_MAPPINGS, 0 or -errno. An empty file is a process that ends: the last table stays. */
static int read_mappings(struct target *target, struct err *err)
{
	ssize_t len = read_maps_text(target);
	struct mappings *maps;

	if (len == -ESRCH || len == -ENOENT || len == 0)
		return -ESRCH;
	if (len == -EACCES || len == -EPERM)
		return err_set(err, EACCES,
			       "not permitted to read the mappings of process %d (%s): it belongs to user %u or is "
			       "protected; run as that user, as root, or with CAP_SYS_PTRACE",
			       target->pid, target->comm, target->uid);
	if (len < 0)
		return err_set(err, (int)-len, "reading the mappings of process %d: %s", target->pid,
			       strerror((int)-len));
	maps = mappings_parse_with(target->text, (size_t)len, &target->hugetlb, err);
	if (!maps)
		return -EBADMSG;
	if (mappings_equal(maps, target->maps)) {
		mappings_put(maps);
		return 0;
	}
	mappings_put(target->maps);
	target->maps = maps;
	return TARGET_CHANGED_MAPPINGS;
}

static enum target_state state_of(const struct target *target, char letter)
{
	if (letter == 'Z' || letter == 'X')
		return TARGET_ZOMBIE;
	if (target_has_ended(target))
		return TARGET_EXITED;
	return letter == 'T' || letter == 't' ? TARGET_STOPPED : TARGET_RUNNING;
}

/* Sets the state; returns TARGET_CHANGED_STATE or 0. */
static unsigned set_state(struct target *target, enum target_state state)
{
	bool same = target->state == state;

	target->state = state;
	return same ? 0 : TARGET_CHANGED_STATE;
}

static unsigned read_state(struct target *target)
{
	struct stat_line line;
	unsigned changes = 0;
	uint64_t id;

	if (read_stat(target, "stat", &line))
		return set_state(target, TARGET_EXITED);
	changes |= set_state(target, state_of(target, line.state));
	target->cpu_ns = (line.v[STAT_UTIME] + line.v[STAT_STIME]) * (1000000000u / (unsigned)sysconf(_SC_CLK_TCK));
	if (target->state == TARGET_ZOMBIE)
		return changes;
	id = exec_id_of(target, &line);
	if (target->exec_id && id != target->exec_id) {
		target->nr_execs++;
		changes |= TARGET_CHANGED_EXEC;
	}
	target->exec_id = id;
	return changes;
}

int target_refresh(struct target *target, struct err *err)
{
	unsigned changes = read_state(target);
	int rc;

	if (target->state == TARGET_EXITED || (target->state == TARGET_ZOMBIE && target_has_ended(target)))
		return (int)changes;
	read_comm(target);
	rc = read_threads(target, err);
	if (rc == -ESRCH)
		return (int)(changes | set_state(target, TARGET_EXITED));
	if (rc < 0)
		return rc;
	changes |= (unsigned)rc;
	target->rss_known = target_read_rss(target, &target->rss_bytes);
	rc = read_mappings(target, err);
	if (rc == -ESRCH) /* between its last instruction and its end: the pidfd will tell */
		return (int)changes;
	return rc < 0 ? rc : (int)(changes | (unsigned)rc);
}

static int open_pid(struct target *target, pid_t pid, struct err *err)
{
	char path[32];
	struct stat st;

	if (pid < 1)
		return err_set(err, EINVAL, "process id %d: give a number above 0", pid);
	target->pid = pid;
	target->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (target->pidfd < 0 && (errno == ESRCH || errno == EINVAL)) {
		/* EINVAL (ENOENT since 6.x): the number of a thread, not of a process. */
		return err_set(err, ESRCH,
			       "there is no process %d: it has ended, or the number is a thread's; "
			       "\"ps -e\" lists processes",
			       pid);
	}
	if (target->pidfd < 0)
		return err_set(err, errno == ENOENT ? ESRCH : errno, "cannot hold process %d (pidfd_open): %s", pid,
			       errno == ENOENT ? "it is a thread's number; give its process's" : strerror(errno));
	snprintf(path, sizeof(path), "/proc/%d", pid);
	target->proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (target->proc_fd < 0)
		return err_set(err, errno, "%s: %s; is /proc mounted, and not with hidepid for other users' processes?",
			       path, strerror(errno));
	/* The number might have been given away between the two calls: the pidfd says whether its process still is. */
	if (target_has_ended(target))
		return err_set(err, ESRCH, "process %d has ended", pid);
	if (fstat(target->proc_fd, &st) == 0)
		target->uid = st.st_uid;
	return 0;
}

static int check_kind(struct target *target, struct err *err)
{
	struct stat_line line;
	int rc = read_stat(target, "stat", &line);

	if ((rc == -ESRCH || rc == -ENOENT) && target_has_ended(target))
		return err_set(err, ESRCH, "process %d has ended", target->pid);
	if (rc == -ESRCH || rc == -ENOENT)
		return err_set(
			err, EACCES,
			"process %d is there, but /proc does not show it: it is mounted with hidepid and the process "
			"is another user's; run as that user or as root",
			target->pid);
	if (rc)
		return err_set(err, -rc, "reading the state of process %d: %s", target->pid, strerror(-rc));
	read_comm(target);
	target->start_ticks = line.v[STAT_STARTTIME];
	if (line.v[STAT_FLAGS] & PF_KTHREAD)
		return err_set(err, EINVAL, "process %d (%s) is a kernel thread: it has no memory of its own to watch",
			       target->pid, target->comm);
	if (line.state == 'Z' && target_has_ended(target))
		return err_set(err, ESRCH, "process %d (%s) has ended and waits for its parent (zombie)", target->pid,
			       target->comm);
	return 0;
}

int target_open(struct target **out, pid_t pid, struct err *err)
{
	struct target *target = calloc(1, sizeof(*target));
	int rc;

	*out = NULL;
	if (!target)
		return err_set(err, ENOMEM, "no memory");
	target->pidfd = target->proc_fd = -1;
	rc = open_pid(target, pid, err);
	if (!rc)
		rc = check_kind(target, err);
	if (!rc)
		hugetlb_find(&target->hugetlb, target->proc_fd);
	if (!rc)
		rc = target_refresh(target, err);
	if (rc >= 0 && !target->maps)
		rc = err_set(err, ESRCH, "process %d has ended", pid);
	if (rc < 0) {
		target_close(target);
		return rc;
	}
	*out = target;
	return 0;
}

void target_close(struct target *target)
{
	if (!target)
		return;
	if (target->pidfd >= 0)
		close(target->pidfd);
	if (target->proc_fd >= 0)
		close(target->proc_fd);
	mappings_put(target->maps);
	free(target->tids);
	free(target->text);
	free(target);
}
