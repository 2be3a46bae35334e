/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * harvest_bpf.h - bpf/harvest.bpf.c loaded, attached and read.
 *
 * Chooses the hooks by the kernel's BTF, program by program, before anything
 * is loaded. Owned by the harvest; harvest_bpf_close() takes NULL and
 * half-open ones. Collector thread only.
 */
#ifndef COLLECTOR_SOURCES_HARVEST_BPF_H
#define COLLECTOR_SOURCES_HARVEST_BPF_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/err.h"
#include "collector/sources/harvest.h"
#include "collector/sources/harvest_set.h"
#include "collector/target.h"

struct harvest_bpf;

/* Whether this process may load the programs here, and if not, why. */
int harvest_bpf_probe(const struct source_params *params, bool mglru, struct err *err);

/*
 * Loads and attaches what hooks says (or, where it leaves that open, the best that the kernel takes), for MGLRU's aging
 * or for clear_refs. ring_bytes: of its ring, a power of two. 0, or -errno with why.
 */
int harvest_bpf_open(struct harvest_bpf **bpf, const struct target *target, bool mglru, enum harvest_hooks hooks,
		     uint32_t ring_bytes, struct err *err);
void harvest_bpf_close(struct harvest_bpf *bpf);

/* Learns address space and memcg of the target. -ESRCH: it has none any more. */
int harvest_bpf_find_target(struct harvest_bpf *bpf, struct harvest_target *found, struct err *err);
/* From now on this address space counts; what waits of another one is thrown away. */
void harvest_bpf_set_mm(struct harvest_bpf *bpf, uint64_t mm);
/* See harvest_begin_walk(). */
void harvest_bpf_begin_walk(struct harvest_bpf *bpf);
uint64_t harvest_bpf_reached(const struct harvest_bpf *bpf);
uint64_t harvest_bpf_nr_tables(const struct harvest_bpf *bpf);
/* Ends a harvest: everything that the programs saw since the last one goes to the set. 0 or -errno. */
int harvest_bpf_collect(struct harvest_bpf *bpf, struct harvest_set *set, struct err *err);
/*
 * Within a harvest, before another walk of it: the same, and until the harvest ends what is in the set now does not
 * count as lost if it is seen again. (It does where there is no memory for that.)
 */
int harvest_bpf_collect_walk(struct harvest_bpf *bpf, struct harvest_set *set, struct err *err);
/* Pages lost for want of room in the ring, since open. */
uint64_t harvest_bpf_lost_pages(const struct harvest_bpf *bpf);
/*
 * Which hooks harvest_bpf_open() would take here, as text for the user; NULL: none, harvest_bpf_probe() says why. Has
 * the kernel verify the programs, hooks nothing.
 */
const char *harvest_bpf_hooks(const struct source_params *params, bool mglru);

#endif
