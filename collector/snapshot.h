/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snapshot.h - what one aggregation interval found.
 *
 * Made by the collector thread; immutable from the moment it is published and
 * then owned by whoever took it from the channel, who frees it with
 * snapshot_free(). One allocation beside the shared table of mappings; one more
 * for what is known of mappings.
 *
 * While it is made, what is known of each region beyond its heat lies in the
 * arrays of "open". snapshot_pack() ends that: it is kept for as long as the
 * history is, and takes as few bytes as the values need (snap_packed.h): 32 a
 * region and, mostly, 10 to 30 more. Readers ask snapshot_pages(),
 * snapshot_access() and snapshot_code(), which know both forms.
 */
#ifndef COLLECTOR_SNAPSHOT_H
#define COLLECTOR_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/attrs.h"
#include "collector/mappings.h"
#include "collector/report.h"
#include "collector/target.h"

/* What the heat of a region counts. */
enum heat_unit {
	HEAT_FRACTION, /* checks that found it accessed, of the checks made: 0 ... 1 */
	HEAT_RATE,     /* accesses a second and MiB */
	HEAT_TIME,     /* share of the target's CPU time, a MiB */
};

/* "fraction", "rate", "time": the names in JSON. */
const char *heat_unit_name(enum heat_unit unit);

#define SNAP_NR_NODES 4

/* A snapshot is kept for hours: 256 KiB of them are enough. */
#define SNAPSHOT_MAX_MAPPINGS 4096

/* Which page attributes of a region are known. */
enum snap_pages_valid {
	SNAP_PAGES_NODE = 1,
	SNAP_PAGES_KIND = 2,
	SNAP_PAGES_HUGE = 4,
	SNAP_PAGES_EXACT = 8, /* counted page by page; otherwise scaled up from a sample */
};

/* What the pages of a region are. In pages of 4 KiB; valid says which fields mean anything. */
struct snap_pages {
	uint32_t node_pages[SNAP_NR_NODES]; /* the most frequent nodes, by falling count */
	uint8_t node[SNAP_NR_NODES];	    /* their numbers, where node_pages > 0 */
	uint32_t anon, file;
	uint32_t huge : 28;
	uint32_t valid : 4; /* enum snap_pages_valid bits */
	/* In swap; known also where no page is present, and thus nothing else is. */
	uint32_t swapped;
	uint32_t swap_known; /* 0 or 1 */
};

struct snap_region {
	uint64_t start, end; /* [start, end) */
	uint32_t nr_accesses;
	uint32_t age;	     /* aggregations */
	float heat;	     /* in the snapshot's heat_unit */
	uint32_t nr_reports; /* how many reports it rests on */
};
_Static_assert(sizeof(struct snap_region) == 32, "half of the 64 bytes that a region of a kept snapshot may take");

/* Code that touched a region: the most frequent addresses, of the reports that carry one. */
struct snap_code {
	uint32_t region; /* index in regions */
	uint32_t count;
	uint64_t ip;
};

/* Reads and writes, latency, data source by region: there only where the source tells. */
struct snap_access {
	uint32_t nr_reads, nr_writes, nr_op_unknown;
	uint32_t nr_latency;
	uint64_t latency_sum; /* cycles */
	uint32_t nr_level[8]; /* enum snap_level */
};

enum snap_level {
	SNAP_LEVEL_L1,
	SNAP_LEVEL_L2,
	SNAP_LEVEL_L3,
	SNAP_LEVEL_LOCAL_DRAM,
	SNAP_LEVEL_REMOTE_DRAM,
	SNAP_LEVEL_REMOTE_CACHE,
	SNAP_LEVEL_CXL,
	SNAP_LEVEL_OTHER,
};

/* What the source did during the aggregation. Counts of this aggregation, not since the start. */
struct snap_stats {
	uint64_t reports;      /* handed over, with an address */
	uint64_t samples;      /* looked at, with or without one */
	uint64_t lost;	       /* by the kernel, for want of room in a ring */
	uint64_t throttled;    /* times that the kernel held the event back */
	uint64_t unattributed; /* samples without an address that is certain */
	uint64_t malformed;    /* records that made no sense */
	uint64_t outside;      /* reports outside of every region */
	uint64_t cpu_us;       /* the collector thread's own CPU time */
	uint64_t dropped;      /* snapshots that the reader was too slow for, since the start */
	uint32_t freq_hz;      /* sample frequency in force; 0: none */
	uint32_t cost_ns;      /* what a sample costs the target, as calibrated; 0: not known */
};

enum snap_flags {
	SNAP_WSS_KNOWN = 1,
	SNAP_WSS_EXACT = 2, /* distinct pages; otherwise the size of the regions with at least one report */
	SNAP_RSS_KNOWN = 4,
	SNAP_EXEC = 8,	/* the target has called exec during this aggregation */
	SNAP_MAPS = 16, /* its mappings have changed */
	SNAP_FINAL = 32,
	SNAP_MORE = 64, /* of several sources: another one's snapshot of the same aggregation follows */
	/*
	 * From a file that tells of accesses and not of the process: state, threads and CPU time are not known, and
	 * wall_ns is not the time of day: of a recording that is played, the time since its begin.
	 */
	SNAP_ACCESSES_ALONE = 128,
};

/* What is known of regions, as it is filled in. All NULL in a snapshot that is packed. */
struct snap_open {
	struct snap_pages *pages;   /* nr_regions of them */
	struct snap_access *access; /* NULL, or nr_regions of them */
	struct snap_code *codes;    /* nr_codes of them, sorted by region, then by falling count */
};

struct snap_packed;

/* One of several processes: what mappings->processes does not say of it. */
struct snap_process {
	uint64_t wss_bytes, rss_bytes;
	uint64_t cpu_us; /* CPU time during this aggregation */
	uint32_t nr_threads;
	uint8_t state; /* enum target_state */
	uint8_t flags; /* SNAP_WSS_KNOWN, SNAP_WSS_EXACT, SNAP_RSS_KNOWN */
};

struct snapshot {
	uint64_t seq;
	uint64_t time_ns; /* CLOCK_MONOTONIC at the end of the aggregation */
	uint64_t wall_ns; /* real time there */
	uint64_t duration_ns;
	pid_t pid;
	char comm[TARGET_COMM_SIZE];
	enum target_state state;
	uint8_t source_index;	   /* of several sources at once, whose aggregations end together: which, from 0 */
	const char *source;	   /* its name; a constant */
	const char *regions_from;  /* of two sources as one: which of them has made the regions; NULL: it is one */
	const char *mappings_from; /* ... and which tells of mappings and the working set */
	enum heat_unit heat_unit;
	struct attrs attrs;
	uint32_t max_nr_accesses; /* HEAT_FRACTION: checks made; otherwise 0 */
	uint32_t flags;		  /* enum snap_flags bits */
	uint64_t wss_bytes, rss_bytes;
	uint64_t wss_window_ns; /* wss_bytes were used in a window of this length (of several processes the longest); 0:
				   in this aggregation */
	uint64_t wss_age_ns;	/* that ended so long before the aggregation did */
	uint64_t target_cpu_us; /* CPU time of the target during this aggregation */
	uint32_t nr_threads;
	struct snap_stats stats;
	char note[192]; /* what the user should know of this aggregation: a badge; "" mostly */
	struct mappings *maps;
	size_t nr_regions;
	struct snap_region *regions; /* sorted by address */
	size_t nr_codes;
	struct snap_open open;	    /* while it is made */
	struct snap_packed *packed; /* from then on; NULL: not yet */
	size_t sz_details;	    /* bytes of the one or the other */
	size_t nr_mappings;
	struct mapping_report *mappings; /* sorted by address; NULL: the source knows none. A block of its own */
	size_t nr_mappings_left_out;	 /* beside them, for want of room: those that are used least */
	/*
	 * Where children are watched too: one for each of maps->processes, in their order. pid and comm are those of
	 * the first process then, and everything else is of all together; addresses are places (space.h). NULL: one
	 * process. A block of its own.
	 */
	struct snap_process *processes;
	uint32_t nr_processes_left_out; /* descendants beside them: above the number that is watched at once */
	uint32_t nr_processes_refused;	/* ... and that may not be watched */
};

/* How many are watched; 1 where children are not watched too. */
size_t snapshot_nr_processes(const struct snapshot *snap);

/* A snapshot with room for these, all zero; NULL without memory. maps is taken over as one reference. */
struct snapshot *snapshot_new(size_t nr_regions, bool with_access, size_t nr_codes, struct mappings *maps);
void snapshot_free(struct snapshot *snap);
/*
 * Its final form, in as few bytes as the values need. The snapshot moves: snap is freed, unless there is no memory or
 * it is packed already; then it is what is returned. Nothing may be filled in any more.
 */
struct snapshot *snapshot_pack(struct snapshot *snap);
/* What is known of the pages of region i; valid 0: nothing. */
struct snap_pages snapshot_pages(const struct snapshot *snap, size_t i);
/* Does the source tell what struct snap_access holds? */
bool snapshot_has_access(const struct snapshot *snap);
/* Of region i; all 0 where the source does not tell. */
struct snap_access snapshot_access(const struct snapshot *snap, size_t i);
/* k in [0, nr_codes): sorted by region, then by falling count. */
struct snap_code snapshot_code(const struct snapshot *snap, size_t k);
/*
 * What a source knows of whole mappings: a copy, of those that hold anything. Of more than SNAPSHOT_MAX_MAPPINGS those
 * that are used most. v is sorted by address. 0 or -ENOMEM: then what it had stays.
 */
int snapshot_set_mappings(struct snapshot *snap, const struct mapping_report *v, size_t nr);
/* Those of maps->processes, which are as many: a copy. 0 or -ENOMEM: then it has none. */
int snapshot_set_processes(struct snapshot *snap, const struct snap_process *v);
#define SNAPSHOT_WHEN_SIZE 64
/*
 * When what its working set is made of was used, where that is not this aggregation: " in 41s", " in 41s until 3s ago",
 * or
 * "". Returns dst.
 */
const char *snapshot_wss_when(char dst[SNAPSHOT_WHEN_SIZE], const struct snapshot *snap);
/* Memory that it takes, the shared table of mappings not counted. */
size_t snapshot_sz(const struct snapshot *snap);
/* The first region that ends above addr; nr_regions where there is none. */
size_t snapshot_from(const struct snapshot *snap, uint64_t addr);
/* The region that holds addr, or NULL. */
const struct snap_region *snapshot_find(const struct snapshot *snap, uint64_t addr);

#endif
