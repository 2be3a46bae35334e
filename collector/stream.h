/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream.h - one source and what becomes of what it sees: reports -> regions ->
 * snapshots.
 *
 * The collector has one for each source that watches the target. A stream owns
 * the source, the sink that the source hands over to, and the regions; it knows
 * no time and no thread. What goes wrong in a sink, where nothing can be
 * returned, is kept in failure. Collector thread only; stream_close() frees.
 */
#ifndef COLLECTOR_STREAM_H
#define COLLECTOR_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/aggregate.h"
#include "collector/channel.h"
#include "collector/source.h"

struct watched;

struct stream {
	struct watched *watched; /* the collector's: whose it is */
	unsigned index;		 /* ... and of which of the sources, from 0 */
	const struct source_ops *ops;
	struct source *source; /* NULL: not open yet, or lost */
	struct sink sink;
	struct aggregate agg;
	struct channel *channel; /* for what is handed over whole: a recording's snapshots, and where it is */
	struct mappings *maps;	 /* in force for the regions; one reference */
	struct source_stats last_stats;
	struct err failure; /* why it cannot go on; code 0: it can */
	bool played;	    /* it brings its own target, and has nothing more */
	bool wakes;	    /* its fd is among those waited for */
	/* SOURCE_REGIONS: snapshots of the regions it has made, oldest first. */
	struct snapshot **ready;
	size_t nr_ready, cap_ready;
};

/*
 * Opens the source on params->target (NULL: it has its own), with regions for its mappings. What has been opened
 * halfway is for stream_close(). 0 or -errno.
 */
int stream_open(struct stream *s, const struct source_ops *ops, const struct source_params *params,
		struct channel *channel, struct err *err);
/* Leaves nothing open; failure and ops stay. One that never was open is fine. */
void stream_close(struct stream *s);
/* Is it among those that watch? */
bool stream_is_open(const struct stream *s);

/* The target's mappings from now on; fresh: of another program. Nothing happens where they are the same ones. */
void stream_use_mappings(struct stream *s, struct mappings *maps, const struct attrs *attrs, bool fresh);
/* Other attributes, or another limit: regions for the same mappings. */
void stream_use_attrs(struct stream *s, const struct attrs *attrs);

/*
 * The end of an aggregation of duration_ns: a snapshot with all that source and regions tell, and what the source has
 * counted since the one before. Of a source that makes regions itself: the oldest one that is ready. NULL: there is
 * none, or no memory (failure).
 */
struct snapshot *stream_finish(struct stream *s, const struct attrs *attrs, uint64_t duration_ns);

#endif
