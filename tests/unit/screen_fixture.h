/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * screen_fixture.h - synthetic targets for the tests of the screen.
 *
 * A server of 3 G with a hot range that wanders through its arena and moves at
 * half time, two nodes, files and a stack: what the drawings in the docs show.
 * Everything follows from the number of the snapshot; no time, no chance.
 */
#ifndef TESTS_UNIT_SCREEN_FIXTURE_H
#define TESTS_UNIT_SCREEN_FIXTURE_H

#include "collector/rng.h"
#include "collector/snapshot.h"

/* 2026-03-01 14:00:00 UTC */
#define FIXTURE_WALL_NS UINT64_C(1772373600000000000)

/* A table of mappings from lines of /proc/PID/maps; fails the test where they are not of its form. */
struct mappings *fixture_maps(const char *text);
/* The server's. */
struct mappings *fixture_server_maps(void);
/* nr mappings at random, gaps and permissions too. */
struct mappings *fixture_random_maps(struct rng *rng, size_t nr);

/* A snapshot with one region a mapping that is accessible, heat 0. One second each, aggregation seq. */
struct snapshot *fixture_flat(struct mappings *maps, uint64_t seq);
/* The server's snapshot of second seq, with about nr_regions regions. */
struct snapshot *fixture_server(struct mappings *maps, uint64_t seq, size_t nr_regions, enum heat_unit unit);

/* The server and two that it has forked, each at another place of the same course: maps are those of each, joined
 * theirs. */
struct mappings *fixture_family_maps(struct mappings *maps);
struct snapshot *fixture_family(struct mappings *maps, struct mappings *joined, uint64_t seq, size_t nr_regions,
				enum heat_unit unit);

#endif
