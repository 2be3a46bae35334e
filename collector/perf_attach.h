/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * perf_attach.h - perf events on every thread of a target, present and future.
 *
 * events x threads x CPUs with inherit (threads only, where the kernel has
 * inherit_thread), output redirected to one ring per CPU; CPU-wide with a
 * filter by pid where that needs fewer descriptors and is permitted and asked
 * for. Created disabled and enabled together, all or nothing. Leaves nothing
 * behind. Collector thread only.
 */
#ifndef COLLECTOR_PERF_ATTACH_H
#define COLLECTOR_PERF_ATTACH_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/err.h"
#include "collector/perf_ring.h"
#include "collector/target.h"

#define PERF_ATTACH_NR_EVENTS 8

struct perf_attach_spec {
	/*
	 * attr.size, disabled, inherit, inherit_thread, read_format, sample_id_all and the watermark are set by
	 * perf_attach, which also adds PERF_SAMPLE_IDENTIFIER and PERF_SAMPLE_TID; all else is the caller's.
	 */
	struct perf_event_attr attr[PERF_ATTACH_NR_EVENTS];
	const char *event_name[PERF_ATTACH_NR_EVENTS]; /* for messages */
	int group_leader[PERF_ATTACH_NR_EVENTS];       /* index of its leader, or -1 */
	const char *cpus_file[PERF_ATTACH_NR_EVENTS];  /* sysfs list of the CPUs that have the PMU; NULL or "": all */
	size_t nr_events;
	size_t ring_bytes; /* wanted per CPU; halved where it is refused, and said so */
	/* Where per thread is impossible (refused by the PMU, more descriptors than allowed) or not certain to see all
	 * threads: the target makes them without pause. */
	bool allow_cpu_wide;
	bool want_cpu_wide; /* wherever it is permitted: fewer descriptors, but every process pays for its samples */
	const char *root;   /* "" or the seam for tests (sysctl, CPU list) */
};

struct perf_attach;

/*
 * Attaches to every thread of the target; the events stay disabled until perf_attach_enable(). The spec and what it
 * points to are copied. Errors: errno table of docs/sources.md: what failed, why, what would help; -ESRCH: the
 * target has ended.
 */
int perf_attach_open(struct perf_attach **pa, const struct target *target, const struct perf_attach_spec *spec,
		     struct err *err);
/*
 * The same on rings that are memory files laid out like a perf event's mapping, nr_pages of data each: for tests. Event
 * i of the spec has the id i + 1. Nothing is enabled or polled.
 */
int perf_attach_open_files(struct perf_attach **pa, pid_t pid, const struct perf_attach_spec *spec, const int *fds,
			   size_t nr_fds, size_t nr_pages, struct err *err);
/* NULL is fine. */
void perf_attach_close(struct perf_attach *pa);

/* Readable when a ring has passed its watermark (an epoll fd). */
int perf_attach_poll_fd(const struct perf_attach *pa);

/* One record of any ring. attr is the one of the event that made it (for a sample), else the first. */
typedef void perf_attach_fn(void *ctx, const struct perf_event_header *rec, const struct perf_event_attr *attr);

/*
 * Hands over all records that wait, ring by ring. LOST, LOST_SAMPLES, THROTTLE and UNTHROTTLE are counted here as well
 * as handed over. CPU-wide: samples of other processes are filtered out and counted.
 */
void perf_attach_drain(struct perf_attach *pa, perf_attach_fn *fn, void *ctx);

/* Threads have come that inherit did not see (a tracer's, or between listing and opening); CPUs have come or gone. */
int perf_attach_rescan(struct perf_attach *pa, const struct target *target, struct err *err);

/* Another sample frequency (freq != 0) or period for event i, while running. */
int perf_attach_set_freq(struct perf_attach *pa, size_t i, uint64_t freq_hz, struct err *err);
int perf_attach_set_period(struct perf_attach *pa, size_t i, uint64_t period, struct err *err);
int perf_attach_enable(struct perf_attach *pa, bool on, struct err *err);
/* Whether CPU-wide is wanted, while running: new events. stats.cpu_wide says whether it was permitted. */
int perf_attach_want_cpu_wide(struct perf_attach *pa, bool want, struct err *err);

struct perf_attach_stats {
	uint64_t lost, throttled, malformed;
	uint64_t foreign; /* samples of other processes, filtered out */
	size_t nr_fds, nr_rings;
	size_t ring_bytes; /* what each ring has got */
	bool ring_halved;
	bool cpu_wide;
};
void perf_attach_stats(const struct perf_attach *pa, struct perf_attach_stats *stats);

/*
 * For spec.ring_bytes: of several targets (source_params.nr_targets) each has smaller rings, the later the smaller:
 * what a user may lock is enough for all. At least PERF_ATTACH_LEAST_RING_BYTES.
 */
#define PERF_ATTACH_LEAST_RING_BYTES ((size_t)16 << 10)
size_t perf_attach_ring_share(size_t bytes, const uint32_t *nr_targets);

/* kernel.perf_event_paranoid below root; -1 is one of its values. */
#define PERF_PARANOID_UNKNOWN 1000
int perf_paranoid(const char *root);
/* kernel.perf_event_max_sample_rate below root, in Hz; -1: cannot be read. The kernel lowers it by itself. */
long perf_max_sample_rate(const char *root);

/* One perf_event_open(2) with the errno table's message on failure. Returns the fd or -errno. For probes and
 * calibration. */
int perf_open_one(struct perf_event_attr *attr, pid_t tid, int cpu, int group_fd, const char *event_name,
		  struct err *err);
/* The same without a message; attr->size is the caller's, and made smaller where the kernel is older. */
int perf_open_quiet(struct perf_event_attr *attr, pid_t tid, int cpu, int group_fd);
/* Raises the soft limit of descriptors to the hard one. False: it is there already, or that is refused. */
bool perf_raise_fd_limit(void);

#endif
