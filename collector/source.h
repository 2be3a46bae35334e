/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source.h - the interface of a source: one mechanism that observes the
 * accesses of one target.
 *
 * A source knows nothing of regions, snapshots or screens. It hands access
 * reports (or ready-made regions) to a sink. All hooks are called by the
 * collector thread, probe() excepted, which any thread may call. Hooks marked
 * "may be NULL" are tested where the collector calls them.
 *
 * To add a source: write collector/sources/NAME.c with one const struct
 * source_ops, and name it in the table of source.c, at its place in the order
 * of preference.
 */
#ifndef COLLECTOR_SOURCE_H
#define COLLECTOR_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/attrs.h"
#include "collector/clock.h"
#include "collector/err.h"
#include "collector/play.h"
#include "collector/report.h"
#include "collector/snapshot.h"
#include "collector/target.h"

struct source;

struct source_params {
	struct target *target; /* NULL: none chosen yet (probe), or the source has its own (demo, replay) */
	struct attrs attrs;
	uint64_t range_start, range_end; /* nothing else is watched; both 0: everything. See source_takes_range(). */
	const char *event;		 /* perf, damon: the user's event, or NULL */
	bool physical_addresses;	 /* perf: sampled as well, where that is permitted */
	const char *file;		 /* replay: the recording, or NULL */
	pid_t file_pid;			 /* replay: which target of it, 0: the first */
	double speed;			 /* replay: times as fast as it was; 0: once */
	bool loop;			 /* replay: from the beginning again at the end */
	bool stays;			 /* replay: stays at the end, for orders to play on from elsewhere */
	const struct play_place *seek;	 /* replay: where it begins; NULL: at the beginning */
	bool unasked;			 /* nobody has asked for this source: it stays below what that excuses */
	uint32_t own_share_bp; /* referenced: 1/10 000 of a CPU that its checks may take; 0: one an aggregation */
	const char *root;      /* where /sys and /proc are, "" for the machine itself: the seam for tests */
	const struct clock *clock;
	uint64_t seed;
	bool children; /* the target's descendants are watched too, each by an instance of its own */
	/* Of those: how many there are now, who share the thread and its CPU time; NULL: one. */
	const uint32_t *nr_targets;
	/* Of those: one that is open on another process. What has been measured of the machine holds here too. Or NULL.
	 */
	const struct source *sibling;
};

/* Counts since open(); the collector makes differences. */
struct source_stats {
	uint64_t reports, samples, lost, throttled, unattributed, malformed;
	uint64_t stretched;	/* checks that have found what was used before the check before them, too */
	uint32_t freq_hz;	/* in force now */
	uint32_t cost_ns;	/* of a sample, to the target */
	uint64_t check_cost_ns; /* what the last check has cost the target; 0: not known */
	bool rests;		/* it could be used, but is not for now: the note says why */
	char note[128];		/* printable; "" where there is nothing to say */
};

enum source_flags {
	SOURCE_AUTO = 1,      /* "auto" may choose it */
	SOURCE_NO_TARGET = 2, /* brings its own (demo, replay) */
	SOURCE_REGIONS = 4,   /* hands over ready-made regions */
	SOURCE_CHECKS = 8,    /* checks access bits: prepare() and drain() every aging interval */
	SOURCE_WSS_EXACT = 16,
	SOURCE_RANGE = 32,	 /* can be limited to a range of addresses */
	SOURCE_CLEARS = 64,	 /* clears the access bits of page table entries: of two that do, each sees a part */
	SOURCE_TUNES = 128,	 /* may tune its intervals itself: attrs.access_bp */
	SOURCE_NO_HUGETLB = 256, /* sees nothing of pages of hugetlbfs: these are unknown to it */
};

/* What drain() may return besides 0 and -errno. */
#define SOURCE_NO_CHECK 1

/* The first member of every source's own struct. */
struct source {
	const struct source_ops *ops;
};

struct source_ops {
	const char *name;
	const char *sees;	 /* one line: what its picture is */
	const char *side_effect; /* one line: what it does to the target or the system; NULL: nothing lasting */
	/* Two as one: which makes the regions, and which tells of mappings and the working set. NULL: it is one. */
	const char *regions_from, *mappings_from;
	enum heat_unit heat_unit;
	uint32_t flags; /* enum source_flags bits */

	/* Changes the intervals to those that suit it: where the user has given none. May be NULL. Any thread. */
	void (*default_attrs)(struct attrs *attrs);
	/*
	 * Can it run here? 0, or a negative errno with why and what would fix it. No side effects; params->target may
	 * be NULL ("for some process of mine").
	 */
	int (*probe)(const struct source_params *params, struct err *err);
	/* What else --sources says: what is permitted or lacks here. One line, "" where there is nothing to say. May be
	 * NULL.
	 */
	void (*permits)(const struct source_params *params, char *dst, size_t size);
	/* Attaches to the target. On failure nothing is left behind and *source is NULL. */
	int (*open)(struct source **source, const struct source_params *params, struct err *err);
	/* An fd to wait on, or -1: driven by the aging interval alone. May be NULL (-1). */
	int (*poll_fd)(struct source *source);
	/* Before each check: age, clear bits, arm. May be NULL. */
	int (*prepare)(struct source *source, struct err *err);
	/*
	 * After an aging interval, or when poll_fd is ready: hands over what there is, and never blocks. -ESRCH: the
	 * target has ended; a source that brings its own has nothing more. SOURCE_NO_CHECK: it has not looked this time
	 * (SOURCE_CHECKS), no check is to be counted.
	 */
	int (*drain)(struct source *source, struct sink *sink, struct err *err);
	/*
	 * poll_fd may be ready: do what is due between two checks, and hand over nothing. For SOURCE_CHECKS, where
	 * drain() is a check and belongs to the aging interval. Cheap if nothing is due. May be NULL.
	 */
	int (*wake)(struct source *source, struct err *err);
	/* An aggregation is about to end: what is only told once in each. Returns as drain(). May be NULL. */
	int (*end_aggregation)(struct source *source, struct sink *sink, struct err *err);
	/* New attributes at an aggregation boundary. A refusal leaves the old ones in force. May be NULL. */
	int (*set_attrs)(struct source *source, const struct attrs *attrs, struct err *err);
	/* replay: an order from the screen, carried out at the next drain(). May be NULL. */
	void (*play)(struct source *source, const struct play_order *order);
	/*
	 * SOURCE_REGIONS: only [start, end) from now on; both 0: everything. A refusal leaves what is watched as it
	 * is. NULL: cannot be changed while it runs. (The reports of other sources are limited where they are counted.)
	 */
	int (*set_range)(struct source *source, uint64_t start, uint64_t end, struct err *err);
	/*
	 * SOURCE_REGIONS: changes attrs to those that the regions handed over were made with, where they need not be
	 * the ones that were asked for. May be NULL.
	 */
	void (*attrs_in_force)(struct source *source, struct attrs *attrs);
	/* After an update of the target: enum target_change bits. May be NULL. */
	int (*target_changed)(struct source *source, unsigned changes, struct err *err);
	/* Counts since open. */
	void (*stats)(struct source *source, struct source_stats *stats);
	/* Leaves the system as it was found. NULL and half-open ones are fine. */
	void (*close)(struct source *source);
	/* SOURCE_NO_TARGET: the mappings it plays, one reference for the caller. NULL otherwise. */
	struct mappings *(*mappings)(struct source *source);
};

/* All sources that can be chosen, in order of preference, ended by NULL. */
extern const struct source_ops *const source_table[];

/* Can it be limited to a range: itself (SOURCE_RANGE), or by the regions that its reports are counted in. */
bool source_takes_range(const struct source_ops *ops);
/* Can it watch a target's children too? 0, or -ENOTSUP with what can. */
int source_check_children(const struct source_ops *ops, struct err *err);
/* By name, or NULL. */
const struct source_ops *source_find(const char *name);

/* Sources that may watch one target at once: as many as the screen has room for. */
#define SOURCE_MAX_AT_ONCE 2

/* May these two watch one target at once? 0, or -EINVAL with the reason. */
int source_check_pair(const struct source_ops *a, const struct source_ops *b, struct err *err);
/* "clock", or "mglru,clock": a list ended by NULL. 0, or -EINVAL with what is wrong. */
int source_parse_list(const char *text, const struct source_ops *list[SOURCE_MAX_AT_ONCE + 1], struct err *err);

/*
 * What "auto" takes: the first that may be chosen and whose probe accepts. NULL with err where none does. why (may be
 * NULL) gets one line that names the better ones and why they are off.
 */
const struct source_ops *source_choose(const struct source_params *params, char *why, size_t sz_why, struct err *err);

#endif
