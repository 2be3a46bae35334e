/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * smaps.h - /proc/PID/smaps: what each mapping holds, in bytes.
 *
 * Read in pieces by a parser of fixed size that hands over one mapping after
 * the other: 65 000 mappings take no more memory than one. Names are not looked
 * at: the table of mappings has them. The parser is pure; one thread, the
 * caller owns the struct.
 */
#ifndef COLLECTOR_SMAPS_H
#define COLLECTOR_SMAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/err.h"

struct smaps_entry {
	uint64_t start, end; /* [start, end) */
	uint64_t rss_bytes;
	uint64_t referenced_bytes; /* of those, with the access bit or PG_referenced set; a huge page counts whole */
	uint64_t anon_huge_bytes;
};

typedef void smaps_fn(void *ctx, const struct smaps_entry *entry);

#define SMAPS_LINE_SIZE 128 /* of a longer line (a name) the rest is skipped */

struct smaps_parser {
	smaps_fn *fn;
	void *ctx;
	struct smaps_entry entry;
	bool has_entry, has_referenced;
	char line[SMAPS_LINE_SIZE];
	size_t len;
	size_t nr_lines;
};

void smaps_begin(struct smaps_parser *p, smaps_fn *fn, void *ctx);
/* The next piece of the text, of any length. -EBADMSG with the line's number: not of the kernel's form. */
int smaps_feed(struct smaps_parser *p, const char *text, size_t len, struct err *err);
/* The text ends here. -EBADMSG: in the middle of a line, or of an entry. */
int smaps_end(struct smaps_parser *p, struct err *err);

/* Reads the file from its beginning and calls fn for each mapping. -ESRCH: the target has ended; -EBADMSG; -errno. */
int smaps_read(int fd, smaps_fn *fn, void *ctx, struct err *err);

#endif
