/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json_pull.h - JSON of any length, one token after another.
 *
 * For recordings, which may be larger than memory: nothing is kept but the
 * present token. Strict as to commas and nesting; no recursion, at most
 * JSON_MAX_DEPTH levels, strings of at most max_text bytes. The reader function
 * is called for more bytes and returns their number, 0 at the end, or -errno.
 * Owned by who initialized it; json_pull_free() frees. One thread.
 */
#ifndef COLLECTOR_JSON_PULL_H
#define COLLECTOR_JSON_PULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/err.h"

#define JSON_MAX_DEPTH 32
#define SZ_JSON_BUF    65536

enum json_token {
	JSON_END,   /* of the text, after one whole value */
	JSON_ERROR, /* err says what and where; cut_off: only that the text ended too early */
	JSON_OBJECT,
	JSON_OBJECT_END,
	JSON_ARRAY,
	JSON_ARRAY_END,
	JSON_KEY,    /* text */
	JSON_STRING, /* text */
	JSON_NUMBER, /* text, as it is written */
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL,
};

typedef ssize_t (*json_read_fn)(void *ctx, void *buf, size_t size, struct err *err);

struct json_pull {
	char *text; /* of the present token, with a NUL behind it */
	size_t len;
	bool cut_off;
	/* the rest is private to json_pull.c */
	json_read_fn read;
	void *ctx;
	size_t cap, max_text;
	unsigned depth;
	bool in_object[JSON_MAX_DEPTH];
	enum { JSON_WANT_VALUE, JSON_WANT_FIRST, JSON_WANT_COMMA, JSON_WANT_COLON, JSON_WANT_NOTHING } want;
	uint64_t offset; /* of buf[0] in the text */
	uint64_t line;
	size_t pos, nr;
	bool eof;
	char buf[SZ_JSON_BUF];
};

/* read is asked for more text when it is needed; no string may be longer than max_text bytes. */
void json_pull_init(struct json_pull *j, json_read_fn read, void *ctx, size_t max_text);
void json_pull_free(struct json_pull *j);

/* The next token, whose text or number is in *j until the one after it. */
enum json_token json_pull_next(struct json_pull *j, struct err *err);
/* Passes over the value that begins with this token (all of an object or array). False with err: it has no end. */
bool json_pull_skip(struct json_pull *j, enum json_token token, struct err *err);

/* Where it is, for messages: bytes and lines of the (decompressed) text. */
uint64_t json_pull_offset(const struct json_pull *j);
uint64_t json_pull_line(const struct json_pull *j);

#endif
