/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inflate_in.h - the bytes of a file, decompressed where it is zlib or gzip.
 *
 * Memory is two fixed buffers, whatever the file holds. A stream that grows
 * beyond all measure when it is decompressed is refused. Owned by who opened
 * it; one thread.
 */
#ifndef COLLECTOR_INFLATE_IN_H
#define COLLECTOR_INFLATE_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/err.h"

struct inflate_in;

/* Takes over fd, also on failure. 0 or -errno. */
int inflate_in_open(struct inflate_in **in, int fd, struct err *err);
/* NULL is fine. */
void inflate_in_close(struct inflate_in *in);

/*
 * Up to size bytes to buf. 0: the end; -EBADMSG: the stream is damaged; -EFBIG: it is a bomb; -errno of read(). What
 * came before an error has been handed over before.
 */
ssize_t inflate_in_read(struct inflate_in *in, void *buf, size_t size, struct err *err);
/* At the end: a compressed stream that has no end of its own; its writer has been killed. */
bool inflate_in_cut_off(const struct inflate_in *in);
/* Bytes of the file that have been used so far. */
uint64_t inflate_in_offset(const struct inflate_in *in);

#endif
