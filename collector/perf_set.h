/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * perf_set.h - the descriptors and rings of one attachment: private to
 * perf_attach.c and perf_drain.c.
 *
 * A set is made disabled and as a whole. It only grows (threads and CPUs that
 * come); where something has to go, perf_attach.c makes a new set and keeps
 * the old one until its last records are read.
 */
#ifndef COLLECTOR_PERF_SET_H
#define COLLECTOR_PERF_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/perf_attach.h"

struct set_fd {
	int fd;
	int cpu;
	pid_t tid; /* -1: CPU-wide */
	uint16_t event;
	uint64_t id;
};

struct set_ring {
	int cpu;
	int owner;  /* the event's fd that was mapped: others send their output there */
	int polled; /* the fd that stands for this ring in the epoll set, -1: none is left alive */
	struct perf_ring ring;
	uint64_t last[6]; /* of an ambiguous set: how the last sample began, header left out; sz_last bytes of it */
	size_t sz_last;
};

struct set_cpus {
	int *v;
	size_t nr;
};

/* Which of the descriptors that cover a thread on a CPU its samples are taken from. */
struct set_claim {
	uint64_t thread, id; /* id 0: free */
};

struct perf_set {
	struct set_fd *fds; /* by rising id: the kernel hands ids out in rising order */
	size_t nr_fds, cap_fds;
	struct set_ring *rings;
	size_t nr_rings;
	int *cpus;
	size_t nr_cpus;
	struct set_cpus event_cpus[PERF_ATTACH_NR_EVENTS]; /* where the event's PMU is; NULL: everywhere */
	pid_t *tids;					   /* opened, sorted */
	size_t nr_tids;
	bool cpu_wide;
	bool stable; /* every thread that comes from now on inherits the events */
	bool inherit_thread;
	bool ring_refused; /* mapping a ring failed with EPERM: try a smaller one */
	/*
	 * Threads appeared while others were being opened: those may have inherited the events from one or more and
	 * have been opened as well. Each is covered at least once; where it is more often the first descriptor that is
	 * heard of counts, and the samples of the others are dropped. See perf_drain.c.
	 */
	bool ambiguous;
	struct set_claim *claims; /* open addressing, cap_claims is a power of two */
	size_t nr_claims, cap_claims;
};

struct perf_attach {
	struct perf_attach_spec spec;
	char *root;
	char *names[PERF_ATTACH_NR_EVENTS], *cpus_files[PERF_ATTACH_NR_EVENTS];
	pid_t pid;
	int proc_fd; /* O_PATH, /proc/PID; -1: simulated rings */
	int epoll_fd;
	bool enabled;
	size_t nr_pages; /* of data in each ring */
	size_t nr_pages_wanted;
	struct perf_set set;
	struct perf_set old; /* disabled, to be read once more and then closed */
	struct perf_attach_stats stats;
};

/* The index in set->fds of the one with this id, or -1. */
ptrdiff_t perf_set_find_id(const struct perf_set *set, uint64_t id);

/* Closes everything; a zeroed set is fine. */
void perf_set_free(struct perf_set *set);

/* The ring's polled thread has ended: lets another descriptor stand for the ring. */
void perf_set_poll_another(struct perf_attach *pa, struct perf_set *set, struct set_ring *ring);

/* Opens all of pa->spec on all threads (or CPUs), disabled. On failure the set is empty. */
int perf_set_open(struct perf_attach *pa, struct perf_set *set, struct err *err);

/* Opens what has come since, and enables it if pa is. */
int perf_set_extend(struct perf_attach *pa, struct perf_set *set, struct err *err);

/* Rings that are memory files: see perf_attach_open_files(). On failure the set is empty. */
int perf_set_open_files(struct perf_attach *pa, struct perf_set *set, const int *fds, size_t nr_fds, struct err *err);

/* One of the kernel's two timer events: it turns their frequency into a period, and each has samples of its own. */
bool perf_attr_is_timer(const struct perf_event_attr *attr);

/* Is there a thread that the set has not opened itself, so that it can only have inherited? */
bool perf_set_has_heirs(struct perf_attach *pa, const struct perf_set *set);

#endif
