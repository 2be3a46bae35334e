/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * collector_rig.h - the collector on a clock of the test's own, with sources of
 * the test's own: no thread, no sleeping, and sources that fail when they are
 * told to.
 *
 * One at a time in a program; rig_set_up() and rig_tear_down() are cmocka's
 * fixture, whose state is the rig.
 */
#ifndef TESTS_UNIT_COLLECTOR_RIG_H
#define TESTS_UNIT_COLLECTOR_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/collector.h"

/* The target of rig_checks: 64 MiB from here on, and a heap elsewhere. */
#define RIG_BASE UINT64_C(0x10000000)
#define MIB	 (UINT64_C(1) << 20)
#define RIG_SEED 1 /* that a collector on the rig has to be opened with */

/* What the source was asked to do, and what it was to answer. */
struct script {
	const struct clock_virtual *clock;
	unsigned nr_open, nr_close, nr_prepare, nr_drain, nr_set_attrs;
	unsigned fail_open_with, fail_drain_at, refuse_attrs;
	bool puts_off;	    /* each check */
	struct attrs attrs; /* as told last */
	uint64_t range_start, range_end;
	unsigned refuse_range;
	struct region_report regions;  /* handed over at each drain by one that makes them; end 0: none */
	unsigned nr_regions_at_a_time; /* ... so many times */
	uint64_t drained_at[64];
	unsigned nr_end_aggregation;
	struct mapping_report last_words; /* handed over at each end of an aggregation, where the table asks for it */
	struct mapping_report mapping;	  /* handed over at each drain, with its number as bytes; end 0: none */
	struct report report;		  /* handed over at each drain */
	struct source_stats stats;
};

struct rig {
	struct clock_virtual clock;
	struct script script, second; /* of the first source, and of the second where there is one */
	struct channel *channel;
	struct collector *collector;
};

/* A source that makes checks and reports; a test may change a copy, which has to stay until rig_close(). */
extern const struct source_ops rig_checks;
/* Hooks that it does not have, for copies of it. */
int rig_end_aggregation(struct source *source, struct sink *sink, struct err *err);
int rig_set_range(struct source *source, uint64_t start, uint64_t end, struct err *err);

int rig_set_up(void **state);
/* Fails the test where a source was opened and not closed. */
int rig_tear_down(void **state);

/* A collector of rig_checks alone, of ops alone, of ops alone with these parameters; as collector_open(). */
int rig_open(struct rig *rig, struct err *err);
int rig_open_as(struct rig *rig, const struct source_ops *ops, struct err *err);
int rig_open_with(struct rig *rig, const struct source_ops *ops, const struct source_params *params, struct err *err);
/* Before its end where the sources' tables are the test's own, or another is to be opened. */
void rig_close(struct rig *rig);

/* Lets this much time pass, deadline by deadline. False: it has ended. */
bool rig_pass_ms(struct rig *rig, uint64_t ms);
/* The next message, which has to be a snapshot; for the caller to free. */
struct snapshot *rig_next_snapshot(struct rig *rig);

#endif
