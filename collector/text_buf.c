/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/text_buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_buf_free(struct text_buf *b)
{
	free(b->v);
	*b = (struct text_buf){ 0 };
}

/* Room for len more bytes, or NULL. */
static char *reserve(struct text_buf *b, size_t len)
{
	size_t cap = b->cap ? b->cap : 4096;
	char *v;

	while (cap - b->len < len)
		cap *= 2;
	if (cap == b->cap)
		return b->v + b->len;
	v = b->failed ? NULL : realloc(b->v, cap);
	if (!v) {
		b->failed = true;
		return NULL;
	}
	b->v = v;
	b->cap = cap;
	return v + b->len;
}

void text_buf_add(struct text_buf *b, const char *s, size_t len)
{
	char *to = reserve(b, len);

	if (!to)
		return;
	memcpy(to, s, len);
	b->len += len;
}

void text_buf_str(struct text_buf *b, const char *s)
{
	text_buf_add(b, s, strlen(s));
}

static void add_number(struct text_buf *b, uint64_t value, unsigned base)
{
	char digits[20], *p = digits + sizeof(digits);

	do {
		*--p = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	text_buf_add(b, p, (size_t)(digits + sizeof(digits) - p));
}

void text_buf_u64(struct text_buf *b, uint64_t value)
{
	add_number(b, value, 10);
}

void text_buf_hex(struct text_buf *b, uint64_t value)
{
	add_number(b, value, 16);
}

void text_buf_json(struct text_buf *b, const char *s)
{
	text_buf_add(b, "\"", 1);
	while (*s) {
		size_t plain = 0;

		while ((unsigned char)s[plain] >= 0x20 && s[plain] != '"' && s[plain] != '\\')
			plain++;
		text_buf_add(b, s, plain);
		s += plain;
		if (*s == '\n')
			text_buf_add(b, "\\n", 2);
		else if (*s == '"' || *s == '\\')
			text_buf_add(b, *s == '"' ? "\\\"" : "\\\\", 2);
		else if (*s)
			text_buf_printf(b, "\\u%04x", (unsigned char)*s);
		s += *s != '\0';
	}
	text_buf_add(b, "\"", 1);
}

void text_buf_printf(struct text_buf *b, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len > 0)
		text_buf_add(b, text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1);
}
