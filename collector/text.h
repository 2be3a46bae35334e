/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text.h - text from outside made safe, and numbers as people write them.
 *
 * Process names, mapping names, file contents and sysfs text are hostile: a
 * process may call itself an escape sequence. Everything that comes from
 * outside passes text_clean() once, where it enters; whatever is stored after
 * that is printable UTF-8. Pure functions, any thread.
 */
#ifndef COLLECTOR_TEXT_H
#define COLLECTOR_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/err.h"

/*
 * Copies len bytes of src to dst (size bytes, always NUL terminated) so that
 * the result is printable UTF-8: C0, DEL, C1, line and paragraph separators,
 * bidirectional and zero-width characters, and bytes that are not strict
 * UTF-8 become a visible escape such as \x1b or \u202e. A backslash stays as it
 * is. What does not fit is cut before a character, never inside one.
 * Returns the length of dst.
 */
size_t text_clean(char *dst, size_t size, const char *src, size_t len);

/* The same for a NUL-terminated string. */
size_t text_clean_str(char *dst, size_t size, const char *src);

/*
 * Reads one strict UTF-8 character from [s, end), at most 4 bytes. Returns its
 * length and stores the code point, or returns 0 where the bytes are not UTF-8.
 */
size_t text_utf8_decode(const char *s, const char *end, uint32_t *code_point);

/* Room for any text that the functions below make. */
#define TEXT_NUMBER_SIZE 32

/* Bytes with a unit of 1024: "0", "512", "4.0K", "3.1G", "128M". Returns dst. */
const char *text_bytes(char dst[TEXT_NUMBER_SIZE], uint64_t bytes);

/* A duration: "250us", "500ms", "1.5s", "2m30s", "3h". Returns dst. Whole ms or us are kept exactly below 10 s. */
const char *text_duration_us(char dst[TEXT_NUMBER_SIZE], uint64_t us);

/* A count with a unit of 1000: "950", "12.3k", "4.0M". Returns dst. */
const char *text_count(char dst[TEXT_NUMBER_SIZE], uint64_t count);

/*
 * Reads a duration such as 500ms, 1.5s, 5000us, 2m, 1h: digits with an optional fraction and a
 * unit, nothing else. -EINVAL: not a duration, or without a unit (the message says so); -ERANGE:
 * zero or above a day. what names the thing in the message ("--aggr").
 */
int text_parse_duration_us(const char *s, const char *what, uint64_t *us, struct err *err);

/* Reads a size such as 4096, 64K, 1.5G (1024). -EINVAL, -ERANGE as above; 0 is allowed. */
int text_parse_bytes(const char *s, const char *what, uint64_t *bytes, struct err *err);

/* Reads a whole decimal number in [min, max]. -EINVAL: not a number; -ERANGE: outside. */
int text_parse_u64(const char *s, const char *what, uint64_t min, uint64_t max, uint64_t *value, struct err *err);

#endif
