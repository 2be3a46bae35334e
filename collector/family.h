/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * family.h - the descendants of the processes that are watched.
 *
 * Found by /proc/PID/task/TID/children of each thread, generation by
 * generation; where the kernel has no such files (CONFIG_PROC_CHILDREN), by the
 * parents of all processes. A process is known by pid and start time, so that a
 * number that is given away again is another process. One whose ancestors have
 * all ended before it was seen cannot be found.
 *
 * Collector thread only; family_free() frees, a struct of all zero is empty.
 */
#ifndef COLLECTOR_FAMILY_H
#define COLLECTOR_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Younger ones are passed over: of a storm of processes that each live for a few milliseconds none is opened. In
 * milliseconds.
 */
#define FAMILY_LEAST_AGE_MS 100
/* Descendants that are looked at in one look; the others count as left out. */
#define FAMILY_MAX_NR 4096

struct relative {
	pid_t pid;
	uint64_t start_ticks; /* since boot, in clock ticks */
	uint64_t rss_bytes;
	bool refused; /* family_refuse() */
};

struct family {
	struct relative *v; /* those that could be watched, and those refused; most resident first */
	size_t nr, cap;
	uint32_t nr_refused;  /* of them */
	uint32_t nr_left_out; /* for want of room: set by who takes them in */
	bool scans_all;	      /* there are no files of children */
	/* private: scratch of a look */
	pid_t *queue;
	size_t nr_queue, cap_queue;
	struct parenthood *all;
	size_t nr_all, cap_all;
	struct relative *former;
	size_t nr_former;
};

/* One that is watched, or has been. */
struct family_member {
	pid_t pid;
	uint64_t start_ticks;
};

void family_free(struct family *f);

/*
 * Looks for descendants of these nr processes below root ("" for the machine itself) that are none of them, nor
 * ourselves (self), are at least FAMILY_LEAST_AGE_MS old, and have memory. uptime_ms: since boot, as start times are.
 * 0 or -ENOMEM: then v is what it was, or less.
 */
int family_look(struct family *f, const char *root, const struct family_member *members, size_t nr, pid_t self,
		uint64_t uptime_ms);
/* It cannot be watched: it stays known while it lives, is counted, and not tried again. 0 or -ENOMEM. */
int family_refuse(struct family *f, pid_t pid, uint64_t start_ticks);

#endif
