/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * target.h - the process that is watched.
 *
 * Held by a pidfd and an O_PATH fd of its /proc directory and never opened
 * again by number, so that a process which later gets the same number is never
 * mistaken for it. Collector thread only (target_probe() excepted); close with
 * target_close().
 */
#ifndef COLLECTOR_TARGET_H
#define COLLECTOR_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/err.h"
#include "collector/mappings.h"

#define TARGET_COMM_SIZE MAPPINGS_COMM_SIZE

enum target_state {
	TARGET_RUNNING,
	TARGET_STOPPED, /* by a signal or a tracer */
	TARGET_ZOMBIE,	/* ended, not yet waited for */
	TARGET_EXITED,
};

/* What a refresh found. */
enum target_change {
	TARGET_CHANGED_MAPPINGS = 1,
	TARGET_CHANGED_THREADS = 2,
	TARGET_CHANGED_EXEC = 4, /* another program in the same process: everything known of it is void */
	TARGET_CHANGED_STATE = 8,
};

struct target {
	pid_t pid;
	int pidfd;   /* readable when the process has ended */
	int proc_fd; /* O_PATH, /proc/PID */
	uid_t uid;
	uint64_t start_ticks; /* when it was started, since boot, in clock ticks */
	enum target_state state;
	char comm[TARGET_COMM_SIZE]; /* printable */
	struct mappings *maps;	     /* never NULL after target_open() */
	pid_t *tids;		     /* sorted */
	size_t nr_tids;
	bool rss_known;
	uint64_t rss_bytes;
	uint64_t cpu_ns;   /* user + system time of the process so far */
	uint32_t nr_execs; /* seen so far */
	/* the rest is private to target.c */
	uint64_t exec_id;
	char *text; /* of the maps file, kept from one refresh to the next */
	size_t sz_text;
	struct hugetlb_devices hugetlb; /* as at the start */
};

/*
 * Opens process pid. -ESRCH: there is none; -EINVAL: a kernel thread, or pid < 1; -EACCES: it belongs
 * to somebody else; messages with a remedy.
 */
int target_open(struct target **target, pid_t pid, struct err *err);

/*
 * Reads state, threads, RSS and mappings again. Returns enum target_change bits (0: nothing has
 * changed) or a negative errno. An ended process is a change of state, not an error; its last
 * mappings are kept.
 */
int target_refresh(struct target *target, struct err *err);

/* Has the process ended (the pidfd says so)? A zombie has, unless other threads of it still run. */
bool target_has_ended(const struct target *target);

/* NULL is fine. */
void target_close(struct target *target);

/*
 * Opens a file that shows the target's memory (maps, pagemap, clear_refs, smaps ...): of the process, or of a thread
 * that still runs where the first thread has ended before the others. Returns the fd or -errno; -ESRCH: it has ended.
 */
int target_open_file(const struct target *target, const char *name, int flags);

/* The process's number, or a thread that still runs where the first one has ended before the others: for perf and the
 * like. */
pid_t target_live_tid(const struct target *target);

/* What is resident at this moment; it may not have been at the last refresh. False: not known. */
bool target_read_rss(const struct target *target, uint64_t *bytes);

/* Reads a small file below dir_fd into buf, NUL terminated. Returns its length or -errno. */
ssize_t target_read_at(int dir_fd, const char *path, char *buf, size_t size);
/* ... below the target's /proc directory. */
ssize_t target_read(const struct target *target, const char *name, char *buf, size_t size);

#endif
