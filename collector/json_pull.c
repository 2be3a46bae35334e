/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/json_pull.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void json_pull_init(struct json_pull *j, json_read_fn read, void *ctx, size_t max_text)
{
	*j = (struct json_pull){ .read = read, .ctx = ctx, .max_text = max_text, .line = 1 };
}

void json_pull_free(struct json_pull *j)
{
	free(j->text);
	j->text = NULL;
}

uint64_t json_pull_offset(const struct json_pull *j)
{
	return j->offset + j->pos;
}

uint64_t json_pull_line(const struct json_pull *j)
{
	return j->line;
}

static enum json_token bad(struct json_pull *j, const char *what, struct err *err)
{
	err_set(err, EBADMSG, "%s at byte %" PRIu64 " of the JSON text (line %" PRIu64 ")", what, json_pull_offset(j),
		j->line);
	return JSON_ERROR;
}

static enum json_token too_short(struct json_pull *j, struct err *err)
{
	if (!err->code)
		j->cut_off = true;
	return bad(j, "it ends in the middle,", err);
}

/* More bytes where there are none left. False: the end, or an error (err). */
static bool fill(struct json_pull *j, struct err *err)
{
	ssize_t n;

	if (j->eof)
		return false;
	j->offset += j->nr;
	j->pos = j->nr = 0;
	n = j->read(j->ctx, j->buf, sizeof(j->buf), err);
	if (n <= 0) {
		j->eof = true;
		return false;
	}
	j->nr = (size_t)n;
	return true;
}

/* The next byte without taking it; -1: the end. */
static int peek(struct json_pull *j, struct err *err)
{
	if (j->pos == j->nr && !fill(j, err))
		return -1;
	return (unsigned char)j->buf[j->pos];
}

static int peek_past_space(struct json_pull *j, struct err *err)
{
	do {
		/* indented JSON is half spaces */
		for (size_t pos = j->pos, nr = j->nr; pos < nr; pos++) {
			unsigned char c = (unsigned char)j->buf[pos];

			if (c > ' ' || (c != ' ' && c != '\t' && c != '\r' && c != '\n')) {
				j->pos = pos;
				return c;
			}
			j->line += c == '\n';
		}
		j->pos = j->nr;
	} while (fill(j, err));
	return -1;
}

/* ---- text ---- */

static bool reserve(struct json_pull *j, size_t len, struct err *err)
{
	size_t cap = j->cap ? j->cap : 256;
	char *text;

	if (len > j->max_text || j->len > j->max_text - len) {
		bad(j, "a string is too long", err);
		return false;
	}
	while (cap < j->len + len + 1)
		cap *= 2;
	if (cap == j->cap)
		return true;
	text = realloc(j->text, cap);
	if (!text) {
		err_set(err, ENOMEM, "no memory for a string of the recording");
		return false;
	}
	j->text = text;
	j->cap = cap;
	return true;
}

static bool append(struct json_pull *j, const char *s, size_t len, struct err *err)
{
	if (j->cap - j->len <= len && !reserve(j, len, err))
		return false;
	memcpy(j->text + j->len, s, len);
	j->len += len;
	return true;
}

static bool append_utf8(struct json_pull *j, uint32_t c, struct err *err)
{
	char s[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char heads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n; i-- > 1; c >>= 6)
		s[i] = (char)(0x80 | (c & 0x3f));
	s[0] = (char)(heads[n] | c);
	return append(j, s, n, err);
}

static bool hex4(struct json_pull *j, uint32_t *value, struct err *err)
{
	*value = 0;
	for (int i = 0; i < 4; i++) {
		int c = peek(j, err);
		int digit = c >= '0' && c <= '9'		 ? c - '0'
			    : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
								 : -1;

		if (digit < 0)
			return false;
		*value = *value << 4 | (uint32_t)digit;
		j->pos++;
	}
	return true;
}

/* After \u: a character, or two that make one. */
static bool unicode(struct json_pull *j, struct err *err)
{
	uint32_t c, low;

	if (!hex4(j, &c, err))
		return false;
	if (c >= 0xd800 && c < 0xdc00) {
		if (peek(j, err) != '\\')
			return false;
		j->pos++;
		if (peek(j, err) != 'u')
			return false;
		j->pos++;
		if (!hex4(j, &low, err) || low < 0xdc00 || low > 0xdfff)
			return false;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	} else if (!c || (c >= 0xdc00 && c < 0xe000)) {
		return false;
	}
	return append_utf8(j, c, err);
}

static bool escape(struct json_pull *j, struct err *err)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	int c = peek(j, err);
	const char *name;

	if (c < 0)
		return false;
	j->pos++;
	if (c == 'u')
		return unicode(j, err);
	name = c ? strchr(names, c) : NULL;
	return name && append(j, &values[name - names], 1, err);
}

/* After the opening quote. */
static enum json_token string(struct json_pull *j, enum json_token token, struct err *err)
{
	j->len = 0;
	for (;;) {
		size_t end;
		int c = peek(j, err);

		if (c < 0)
			return too_short(j, err);
		for (end = j->pos; end < j->nr; end++) {
			unsigned char b = (unsigned char)j->buf[end];

			if (b == '"' || b == '\\' || b < 0x20)
				break;
		}
		if (!append(j, j->buf + j->pos, end - j->pos, err))
			return JSON_ERROR;
		j->pos = end;
		if (end == j->nr)
			continue;
		c = (unsigned char)j->buf[j->pos];
		if (c < 0x20)
			return bad(j, "a control character in a string", err);
		j->pos++;
		if (c == '"')
			break;
		if (!escape(j, err))
			return j->eof ? too_short(j, err) : bad(j, "an escape that does not exist", err);
	}
	j->text[j->len] = '\0';
	return token;
}

static bool is_number(const char *s)
{
	s += *s == '-';
	if (*s < '0' || *s > '9')
		return false;
	while (*s >= '0' && *s <= '9')
		s++;
	if (*s == '.' && s[1] >= '0' && s[1] <= '9')
		for (s++; *s >= '0' && *s <= '9';)
			s++;
	if ((*s | 32) == 'e') {
		s++;
		s += *s == '-' || *s == '+';
		if (*s < '0' || *s > '9')
			return false;
		while (*s >= '0' && *s <= '9')
			s++;
	}
	return !*s;
}

/* A number, or true, false, null. */
static enum json_token word(struct json_pull *j, struct err *err)
{
	static const struct {
		const char *text;
		enum json_token token;
	} words[] = { { "true", JSON_TRUE }, { "false", JSON_FALSE }, { "null", JSON_NULL } };
	int c;

	j->len = 0;
	while ((c = peek(j, err)) >= 0 &&
	       ((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '-' || c == '+' || c == '.')) {
		char byte = (char)c;

		if (j->len == 64)
			return bad(j, "a number is too long", err);
		if (!append(j, &byte, 1, err))
			return JSON_ERROR;
		j->pos++;
	}
	if (c < 0 && j->depth)
		return too_short(j, err);
	if (!j->len)
		return bad(j, "a value is missing", err);
	j->text[j->len] = '\0';
	if (is_number(j->text))
		return JSON_NUMBER;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(j->text, words[i].text) == 0)
			return words[i].token;
	return bad(j, "neither a number nor true, false or null", err);
}

/* ---- structure ---- */

static void after_value(struct json_pull *j)
{
	j->want = j->depth ? JSON_WANT_COMMA : JSON_WANT_NOTHING;
}

static enum json_token open_level(struct json_pull *j, bool object, struct err *err)
{
	if (j->depth == JSON_MAX_DEPTH)
		return bad(j, "too many levels", err);
	j->pos++;
	j->in_object[j->depth++] = object;
	j->want = JSON_WANT_FIRST;
	return object ? JSON_OBJECT : JSON_ARRAY;
}

static enum json_token value(struct json_pull *j, int c, struct err *err)
{
	enum json_token token;

	if (c == '{' || c == '[')
		return open_level(j, c == '{', err);
	if (c == '"') {
		j->pos++;
		token = string(j, JSON_STRING, err);
	} else {
		token = word(j, err);
	}
	after_value(j);
	return token;
}

/* A key, or a value, or the end of the level that we are in. c is the next character. */
static enum json_token member(struct json_pull *j, int c, struct err *err)
{
	if (!j->in_object[j->depth - 1])
		return value(j, c, err);
	if (c != '"')
		return bad(j, "a name in quotes is missing", err);
	j->pos++;
	j->want = JSON_WANT_COLON;
	return string(j, JSON_KEY, err);
}

static enum json_token close_level(struct json_pull *j)
{
	bool object = j->in_object[--j->depth];

	j->pos++;
	after_value(j);
	return object ? JSON_OBJECT_END : JSON_ARRAY_END;
}

enum json_token json_pull_next(struct json_pull *j, struct err *err)
{
	int c = peek_past_space(j, err);

	if (err->code)
		return JSON_ERROR;
	if (c < 0)
		return j->want == JSON_WANT_NOTHING ? JSON_END : too_short(j, err);
	switch (j->want) {
	case JSON_WANT_NOTHING:
		return bad(j, "more text after the end", err);
	case JSON_WANT_COLON:
		if (c != ':')
			return bad(j, "a colon is missing", err);
		j->pos++;
		c = peek_past_space(j, err);
		return c < 0 ? too_short(j, err) : value(j, c, err);
	case JSON_WANT_VALUE:
		return value(j, c, err);
	case JSON_WANT_FIRST:
	case JSON_WANT_COMMA:
		break;
	}
	if (c == (j->in_object[j->depth - 1] ? '}' : ']'))
		return close_level(j);
	if (j->want == JSON_WANT_COMMA) {
		if (c != ',')
			return bad(j, "a comma is missing", err);
		j->pos++;
		c = peek_past_space(j, err);
		if (c < 0)
			return too_short(j, err);
	}
	return member(j, c, err);
}

bool json_pull_skip(struct json_pull *j, enum json_token token, struct err *err)
{
	unsigned depth = j->depth;

	if (token == JSON_ERROR || token == JSON_END)
		return false;
	if (token != JSON_OBJECT && token != JSON_ARRAY)
		return true;
	while (j->depth >= depth)
		if (json_pull_next(j, err) == JSON_ERROR)
			return false;
	return true;
}
