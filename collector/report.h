/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.h - access reports: what a source says.
 *
 * "This address range was accessed, so often, with these attributes, where
 * known." A report is valid during the call that hands it over; the receiver
 * copies what it wants to keep. Collector thread only.
 */
#ifndef COLLECTOR_REPORT_H
#define COLLECTOR_REPORT_H

#include <stddef.h>
#include <stdint.h>

#define PAGE_BYTES UINT64_C(4096)
#define PAGE_SHIFT 12

/* Which optional attributes of a report are known. Unknown is never 0. */
enum report_valid {
	REPORT_TIME = 1 << 0,
	REPORT_TID = 1 << 1,
	REPORT_IP = 1 << 2,	  /* code address of the access */
	REPORT_LATENCY = 1 << 3,  /* in the unit of latency_unit(): cycles */
	REPORT_OP = 1 << 4,	  /* op says read or write */
	REPORT_DATA_SRC = 1 << 5, /* perf's data_src word */
	REPORT_NODE = 1 << 6,	  /* NUMA node of the memory */
	REPORT_KIND = 1 << 7,	  /* anon or file */
	REPORT_HUGE = 1 << 8,	  /* whether a huge page backs it */
	REPORT_PHYS = 1 << 9,	  /* physical address of start */
};

enum report_op { REPORT_READ = 1, REPORT_WRITE = 2 };
enum page_kind { PAGE_ANON = 1, PAGE_FILE = 2 };

struct report {
	uint64_t start, end; /* [start, end): pages for harvests, the bytes accessed for events */
	uint64_t count;	     /* events: accesses this report stands for; harvests: pages accessed in the range */
	uint32_t valid;	     /* enum report_valid bits */
	uint32_t tid;
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	uint64_t ip;
	uint64_t data_src;
	uint64_t phys;
	uint32_t latency; /* cycles */
	int16_t node;
	uint8_t op;   /* enum report_op */
	uint8_t kind; /* enum page_kind */
	uint8_t huge; /* 0 or 1 */
};

/*
 * A region that a source has made itself (kernel DAMON, a recording): it goes to the snapshot as it
 * is, without our split and merge.
 */
#define REPORT_NR_NODES 4
struct region_report {
	uint64_t start, end;
	uint32_t nr_accesses;
	uint32_t age;	/* aggregations */
	uint32_t valid; /* of enum report_valid: REPORT_NODE, REPORT_KIND, REPORT_HUGE, for what follows */
	uint64_t anon_bytes, file_bytes;
	uint64_t huge_bytes;
	struct {
		uint32_t node;
		uint64_t bytes; /* 0: here and behind there are no more */
	} nodes[REPORT_NR_NODES];
};

enum mapping_report_valid {
	MAPPING_REPORT_RATE = 1,     /* accesses_per_sec is an estimate */
	MAPPING_REPORT_RATE_MIN = 2, /* ... and there are more: too many pages are used in the shortest window */
};

/* What a source knows of a whole mapping, and of nothing smaller. */
struct mapping_report {
	uint64_t start, end;	   /* [start, end) */
	uint64_t rss_bytes;	   /* present */
	uint64_t referenced_bytes; /* of those, used in the last window_ns; a huge page counts whole */
	uint64_t window_ns;
	double accesses_per_sec; /* each use of a page counts, as far as the uses are independent */
	uint32_t nr_windows;	 /* that the rate rests on */
	uint32_t valid;		 /* enum mapping_report_valid bits */
};

struct snapshot;
struct play_state;

/* Where a source hands over what it saw. Either call may come any number of times during one drain. */
struct sink {
	void (*reports)(struct sink *sink, const struct report *v, size_t nr);
	/* The whole target at once, sorted by address; ends an aggregation of the source's own. */
	void (*regions)(struct sink *sink, const struct region_report *v, size_t nr, uint32_t max_nr_accesses,
			uint64_t duration_ns);
	/* A whole snapshot, taken over: a recording is played. Nothing is added to it. */
	void (*snapshot)(struct sink *sink, struct snapshot *snap);
	/* All mappings, sorted by address, beside the reports of the same check. NULL: nobody asks for them. */
	void (*mappings)(struct sink *sink, const struct mapping_report *v, size_t nr);
	/*
	 * The working set, where the source knows it exactly though it has not looked in this aggregation: what was
	 * used in the window_ns that ended age_ns ago. NULL: nobody asks for it.
	 */
	void (*working_set)(struct sink *sink, uint64_t bytes, uint64_t window_ns, uint64_t age_ns);
	/* Where a recording is, behind its snapshots. NULL: nobody asks for it. */
	void (*play)(struct sink *sink, const struct play_state *state);
	/* Snapshots that can be handed over before one would be dropped. NULL: any number. */
	size_t (*room)(struct sink *sink);
};

#endif
