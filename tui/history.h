/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history.h - the snapshots that are kept, within a budget of memory.
 *
 * The newest half is kept whole. Where the budget is used up the older half is
 * thinned, more the older it is, so that hours are kept and the first snapshot
 * never goes. A snapshot whose neighbour has gone stands for its ticks too.
 *
 * Owns the snapshots it holds. Tui thread only. Index 0 is the oldest; an index
 * moves when others are thinned. A tick does not: it is the number of the
 * aggregation since the first snapshot, and a tick that no snapshot stands for
 * is an aggregation that was lost on the way to the screen.
 */
#ifndef TUI_HISTORY_H
#define TUI_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "collector/snapshot.h"

#define HISTORY_DEFAULT_BYTES (UINT64_C(64) << 20)
/* The most ticks left empty between two snapshots, whatever their seq says. */
#define HISTORY_MAX_HOLE 1000

struct history;

struct history *history_new(size_t max_bytes);
void history_free(struct history *h);

/* Takes over snap; makes room by thinning. The newest is always kept. */
void history_push(struct history *h, struct snapshot *snap);
/* The tick that this does to snap: where it would be the next. */
uint64_t history_next_tick(const struct history *h, const struct snapshot *snap);
/* The same with another tick, larger than the last: so that two histories count alike. */
void history_push_at(struct history *h, struct snapshot *snap, uint64_t tick);
/* Another budget; what is too much for it is thinned. */
void history_limit(struct history *h, size_t max_bytes);
size_t history_nr(const struct history *h);
/* i in [0, nr). Valid until the next push. */
const struct snapshot *history_at(const struct history *h, size_t i);
const struct snapshot *history_last(const struct history *h); /* NULL: none */
uint64_t history_tick(const struct history *h, size_t i);
/* How many ticks it stands for: its own, and those before it that were thinned. */
uint64_t history_span(const struct history *h, size_t i);
/* The first with at least this tick; nr where there is none. */
size_t history_find_tick(const struct history *h, uint64_t tick);
/* Those that stand for any of the ticks [first_tick, end_tick): [*first, *end). */
void history_range(const struct history *h, uint64_t first_tick, uint64_t end_tick, size_t *first, size_t *end);
/* The one that was the newest at time_ns, or the oldest there is; nr where empty. */
size_t history_find(const struct history *h, uint64_t time_ns);
/* Memory held, each shared table of mappings counted once. */
size_t history_bytes(const struct history *h);
/* Snapshots that were thinned so far. */
uint64_t history_nr_dropped(const struct history *h);
/* Drops all: another target. */
void history_clear(struct history *h);

#endif
