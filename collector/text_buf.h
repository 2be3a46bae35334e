/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text_buf.h - text that grows: JSON of a recording is made in one.
 *
 * Memory that could not be had is remembered, so that a row of additions is
 * checked once at its end. Owned by who zeroed it; text_buf_free() frees. One
 * thread at a time.
 */
#ifndef COLLECTOR_TEXT_BUF_H
#define COLLECTOR_TEXT_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text_buf {
	char *v; /* not terminated */
	size_t len, cap;
	bool failed; /* no memory: what is there is not all */
};

void text_buf_free(struct text_buf *b);
void text_buf_add(struct text_buf *b, const char *s, size_t len);
void text_buf_str(struct text_buf *b, const char *s);
void text_buf_u64(struct text_buf *b, uint64_t value);
void text_buf_hex(struct text_buf *b, uint64_t value);
/* As a JSON string, in quotes. s is UTF-8. */
void text_buf_json(struct text_buf *b, const char *s);
void text_buf_printf(struct text_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
