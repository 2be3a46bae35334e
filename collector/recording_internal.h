/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recording_internal.h - what recording.c and its formats share.
 *
 * A format is one const table. open() gets the recording with its first bytes
 * in head, and sets format_data; next() and close() as in recording.h.
 */
#ifndef COLLECTOR_RECORDING_INTERNAL_H
#define COLLECTOR_RECORDING_INTERNAL_H

#include <stdbool.h>

#include "collector/inflate_in.h"
#include "collector/recording.h"

#define SZ_RECORDING_HEAD 4096
#define RECORDING_SZ_PATH 4096

struct recording_ops {
	const char *name;
	bool (*accepts)(const char *head, size_t len);
	int (*open)(struct recording *r, struct err *err);
	int (*next)(struct recording *r, struct snapshot **snap, struct err *err);
	void (*close)(struct recording *r);
	/*
	 * Reads all of a regular file first: what has to be known from the beginning. Then it is opened anew, and
	 * open() finds the result in r->survey; free_survey() frees it. NULL: nothing. May be NULL.
	 */
	void *(*survey)(struct recording *r);
	void (*free_survey)(void *survey);
};

struct recording {
	const struct recording_ops *ops;
	struct inflate_in *in;
	char *path;
	pid_t pid;		    /* asked for; 0: the first */
	pid_t chosen_pid;	    /* of the target that is shown, where the file says; or 0 */
	uint64_t set;		    /* what the files of one recording have in common; 0: the file does not say */
	unsigned part;		    /* the number of the file among them */
	struct recording *follower; /* the next files of the set, of which one is open; NULL: none yet */
	struct attrs attrs;
	char comm[TARGET_COMM_SIZE]; /* of targets that the file has no name of: the file's */
	char head[SZ_RECORDING_HEAD];
	size_t nr_head, pos_head;
	uint64_t nr_snapshots; /* handed over */
	uint64_t origin_ns;    /* begin of the first of them */
	bool done;
	char note[256];
	void *format_data;
	void *survey; /* of ops; or NULL */
	/* mappings made from regions, where the file has none */
	struct mappings *run_maps;
	char *run_text;
	size_t sz_run_text;
};

extern const struct recording_ops recording_json;
extern const struct recording_ops recording_script;
extern const struct recording_ops recording_perf;

/* Bytes of the file, the head among them; a json_read_fn with ctx = the recording. */
ssize_t recording_read(void *ctx, void *buf, size_t size, struct err *err);

/*
 * A snapshot of these regions, for files that have nothing but damo's fields: heat, working set, attributes and
 * mappings are made from them. duration_ns 0: one aggregation. NULL: no memory.
 */
struct damo_intervals {
	uint64_t sample_us, aggr_us, update_us; /* 0: not known */
};
struct snapshot *recording_damo_snapshot(struct recording *r, const struct snap_region *v, size_t nr,
					 const struct damo_intervals *intervals, uint64_t end_ns, uint64_t duration_ns,
					 struct err *err);

/* Region i of v, if it may follow region i - 1: 0 or -EBADMSG with what is wrong; err may be NULL. */
int recording_check_region(const struct snap_region *v, size_t i, const char *where, struct err *err);

#endif
