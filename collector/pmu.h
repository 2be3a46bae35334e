/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pmu.h - which events sample data addresses on this machine, best first.
 *
 * The ladder: AMD's ibs_op from sysfs; sysfs' mem-loads (behind mem-loads-aux
 * where there is one) and mem-stores, on both kinds of core of a hybrid CPU;
 * libpfm4's events for the CPU it detects; the nearest family's; the
 * architectural L3 miss. The last two are guesses and say so. Reads sysfs and
 * opens nothing. Any thread; plain values.
 */
#ifndef COLLECTOR_PMU_H
#define COLLECTOR_PMU_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/err.h"
#include "collector/perf_attach.h"

#define PMU_NR_CANDIDATES 6

/* One way to sample: a few events that are opened together. */
struct pmu_event {
	struct perf_event_attr attr[PERF_ATTACH_NR_EVENTS];
	char name[PERF_ATTACH_NR_EVENTS][64];
	char cpus_file[PERF_ATTACH_NR_EVENTS][80]; /* sysfs list of the CPUs that have the PMU; "": all */
	int leader[PERF_ATTACH_NR_EVENTS];	   /* index of its group's leader, or -1 */
	size_t nr;
	char label[96];	       /* for people */
	bool hardware;	       /* addresses come from a PMU: precise levels 1 ... 3 only */
	bool ibs;	       /* AMD's: its addresses are precise by themselves, precise_ip stays 0 */
	bool guessed;	       /* the encoding is another CPU's */
	uint64_t given_period; /* by the event's name, 0: none */
	uint64_t given_hz;     /* likewise */
	bool no_phys;	       /* physical addresses were asked for and refused */
	uint64_t sample_type;  /* as asked for; pmu_event_soften() starts again from it at each precise level */
	uint64_t first_period; /* to begin with, where it adapts */
	uint64_t min_period;
	uint64_t period_align; /* a power of two */
};

/* Fills v with what this machine may be able to do, best first. Returns how many. */
size_t pmu_candidates(const char *root, struct pmu_event v[PMU_NR_CANDIDATES]);

/*
 * The user's event: libpfm4's notation, "raw:TYPE,CONFIG[,CONFIG1]" (TYPE a number or the name of a PMU in sysfs), or
 * "mem:ADDR[/LEN][:r|w|rw]", a breakpoint. 0, -EINVAL, -ENOENT.
 */
int pmu_event_parse(const char *name, const char *root, struct pmu_event *event, struct err *err);

/* Is there any PMU in sysfs that could sample addresses? -ENOENT with what there is instead. */
int pmu_present(const char *root, struct err *err);

/* Which fields the samples shall carry: all that a report can use, physical addresses where wanted. */
void pmu_event_want(struct pmu_event *event, bool phys);

/*
 * perf_event_open(2) has answered -rc: changes event to ask for less, newest field first, then a lower precise level.
 * False: there is nothing left that could help. Never goes to precise level 0: addresses would be wrong.
 */
bool pmu_event_soften(struct pmu_event *event, int rc);

#endif
