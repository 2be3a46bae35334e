/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * harvest.h - access bits seen by BPF while somebody clears them.
 *
 * One implementation for every source that ages a target and hears from
 * bpf/harvest.bpf.c which of its pages were young. The sources differ in the
 * aging alone: struct ager. harvest_source_*() are the source hooks that they
 * share. The kernel objects belong to the process by descriptors: nothing is
 * pinned, and nothing stays behind however it ends. Collector thread only, but
 * for harvest_probe() and harvest_permits().
 */
#ifndef COLLECTOR_SOURCES_HARVEST_H
#define COLLECTOR_SOURCES_HARVEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/clear_bits.h"
#include "collector/source.h"

/* The means by which the kernel tells of a young page; see bpf/harvest.bpf.c. */
enum harvest_hooks {
	HARVEST_HOOKS_AUTO,
	HARVEST_HOOKS_RFC,    /* mglru_pte_probe, mglru_pmd_probe: patched kernels, MGLRU aging alone */
	HARVEST_HOOKS_TABLE,  /* clear_refs_pte_range: clear_refs alone, once for each page table: x86 */
	HARVEST_HOOKS_FENTRY, /* ptep_ and pmdp_test_and_clear_young: x86 */
	HARVEST_HOOKS_KPROBE, /* the same functions, without fentry */
	HARVEST_HOOKS_FOLIO,  /* folio_update_gen: MGLRU aging alone, as fine as folios (untested on arm64, its use) */
};

/* What tests and benchmarks set; all zero: as the product does. */
struct harvest_options {
	enum harvest_hooks hooks;
	uint32_t ring_bytes; /* at the start; a power of two */
	bool ring_is_fixed;  /* it never grows */
};

/* The target as the kernel sees it, learnt anew for each harvest. */
struct harvest_target {
	uint64_t mm;
	uint32_t memcg; /* 0: none, or not known */
};

struct harvest;

/* A way to have the target's access bits tested and cleared. One const for each source; state is its own. */
struct ager {
	size_t sz_state; /* of what open() initializes; zeroed memory */
	bool mglru;	 /* drives MGLRU, so that hooks into it see something */
	int (*probe)(const struct source_params *params, struct err *err);
	int (*open)(void *state, const struct source_params *params, struct err *err);
	/* Walks the whole target. -ESRCH: it has ended. note (NOTE_SIZE bytes) may get a line for the user. */
	int (*age)(void *state, struct harvest *harvest, char *note, struct err *err);
	void (*close)(void *state);
};

#define HARVEST_NOTE_SIZE 128

/* BTF, capabilities, and whether the kernel lets tracing programs in. Loads the smallest one, attaches nothing. */
int harvest_probe(const struct source_params *params, const struct ager *ager, struct err *err);
/* A line that names the hooks it would take here; "" where it cannot run. */
void harvest_permits(const struct source_params *params, const struct ager *ager, char *dst, size_t size);

/* For agers: the state of one that is open, as params->sibling has it. */
void *harvest_state(const struct source *source);
/* For agers, during age(): who the target is now. */
const struct harvest_target *harvest_target(const struct harvest *harvest);
/* Looks again: it may have moved to another cgroup. -ESRCH: it has ended. */
int harvest_find_target(struct harvest *harvest, struct err *err);
/*
 * Around one aging by MGLRU: whether its walk of the target has come to the end. Also true where this kernel does not
 * let us see it.
 */
void harvest_begin_walk(struct harvest *harvest);
bool harvest_walk_is_complete(const struct harvest *harvest);
/* Page tables of the target, so far, whose own access bit was found set and cleared, not only those of its pages. */
uint64_t harvest_nr_tables(const struct harvest *harvest);

/*
 * Whether this harvest has lost pages so far, for want of room in the ring. Another walk would find, and count, them
 * again: it has to be left to the next harvest. Never of the first walk, which is not counted.
 */
bool harvest_has_lost(const struct harvest *harvest);
/* Before another walk of the same pages in one harvest: those that were seen already are not lost by it. 0 or -errno.
 */
int harvest_walk_again(struct harvest *harvest, struct err *err);

/*
 * After an aging that has lost nothing: walks once more by the target's clear_refs, to see what the aging has left out.
 * Stores the number of pages that it had found and of those found now beside them. These are kept only where they are
 * more than one in HARVEST_AUDIT_SHARE: the touch of a few that MGLRU never sees may be long ago. 0 or -errno; -EAGAIN:
 * the ring was too small to tell.
 */
#define HARVEST_AUDIT_SHARE 50
int harvest_audit(struct harvest *harvest, struct clear_bits *bits, uint64_t *nr_found, uint64_t *nr_missed,
		  struct err *err);

/* What the sources that age a target by *ager have in common. options NULL: the defaults. As source_ops has them. */
int harvest_source_open(struct source **source, const struct source_ops *ops, const struct ager *ager,
			const struct source_params *params, const struct harvest_options *options, struct err *err);
int harvest_source_drain(struct source *source, struct sink *sink, struct err *err);
void harvest_source_stats(struct source *source, struct source_stats *stats);
void harvest_source_close(struct source *source);

extern const struct ager ager_mglru, ager_clear_refs;

#endif
