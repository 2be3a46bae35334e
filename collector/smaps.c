/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/smaps.h"

#include <errno.h>
#include <string.h>
#include <sys/param.h>
#include <unistd.h>

/* The kernel hands out some 4 KiB a read. */
#define PIECE_SIZE (16 << 10)

void smaps_begin(struct smaps_parser *p, smaps_fn *fn, void *ctx)
{
	*p = (struct smaps_parser){ .fn = fn, .ctx = ctx };
}

/* A hexadecimal number of 1 to 16 digits; returns what follows it, or NULL. */
static const char *parse_hex(const char *s, const char *end, uint64_t *value)
{
	const char *p = s;

	for (*value = 0; p < end; p++) {
		unsigned digit = *p >= '0' && *p <= '9'	  ? (unsigned)(*p - '0')
				 : *p >= 'a' && *p <= 'f' ? (unsigned)(*p - 'a') + 10
							  : 16;

		if (digit == 16)
			break;
		if (p - s == 16)
			return NULL;
		*value = *value << 4 | digit;
	}
	return p > s ? p : NULL;
}

/* "   123 kB" */
static bool parse_kib(const char *p, const char *end, uint64_t *bytes)
{
	uint64_t kib = 0;
	const char *digits;

	while (p < end && *p == ' ')
		p++;
	for (digits = p; p < end && *p >= '0' && *p <= '9' && p - digits < 17; p++)
		kib = kib * 10 + (uint64_t)(*p - '0');
	if (p == digits || end - p != 3 || memcmp(p, " kB", 3) != 0 || kib > UINT64_MAX / 1024)
		return false;
	*bytes = kib * 1024;
	return true;
}

/* "7f05f3e00000-7f05f4600000 rw-p ...": the table of mappings has the rest. */
static bool parse_header(struct smaps_parser *p)
{
	const char *end = p->line + p->len, *at = parse_hex(p->line, end, &p->entry.start);

	if (!at || at == end || *at != '-')
		return false;
	at = parse_hex(at + 1, end, &p->entry.end);
	return at && at < end && *at == ' ' && p->entry.start < p->entry.end;
}

static bool hand_over(struct smaps_parser *p)
{
	if (!p->has_entry)
		return true;
	if (!p->has_referenced)
		return false;
	p->fn(p->ctx, &p->entry);
	return true;
}

static bool parse_field(struct smaps_parser *p)
{
	static const struct {
		const char *name;
		size_t offset;
	} fields[] = {
		{ "Rss:", offsetof(struct smaps_entry, rss_bytes) },
		{ "Referenced:", offsetof(struct smaps_entry, referenced_bytes) },
		{ "AnonHugePages:", offsetof(struct smaps_entry, anon_huge_bytes) },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		size_t len = strlen(fields[i].name);
		uint64_t bytes;

		if (p->len < len || memcmp(p->line, fields[i].name, len) != 0)
			continue;
		if (!p->has_entry || !parse_kib(p->line + len, p->line + p->len, &bytes))
			return false;
		memcpy((char *)&p->entry + fields[i].offset, &bytes, sizeof(bytes));
		p->has_referenced |= fields[i].offset == offsetof(struct smaps_entry, referenced_bytes);
		return true;
	}
	return p->has_entry;
}

/* Fields begin with a capital, a new mapping with a hexadecimal digit. */
static bool parse_line(struct smaps_parser *p)
{
	if (!p->len)
		return false;
	if (p->line[0] >= 'A' && p->line[0] <= 'Z')
		return parse_field(p);
	if (!hand_over(p))
		return false;
	p->entry = (struct smaps_entry){ 0 };
	p->has_entry = true;
	p->has_referenced = false;
	return parse_header(p);
}

int smaps_feed(struct smaps_parser *p, const char *text, size_t len, struct err *err)
{
	const char *end = text + len;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;
		size_t n = MIN((size_t)(stop - text), sizeof(p->line) - p->len);

		memcpy(p->line + p->len, text, n);
		p->len += n;
		text = stop;
		if (!newline)
			break;
		p->nr_lines++;
		if (!parse_line(p))
			return err_set(err, EBADMSG, "smaps: line %zu is not of the kernel's form", p->nr_lines);
		p->len = 0;
		text++;
	}
	return 0;
}

int smaps_end(struct smaps_parser *p, struct err *err)
{
	if (p->len || !hand_over(p))
		return err_set(err, EBADMSG, "smaps: ends in the middle, after line %zu", p->nr_lines);
	p->has_entry = false;
	return 0;
}

int smaps_read(int fd, smaps_fn *fn, void *ctx, struct err *err)
{
	struct smaps_parser parser;
	char piece[PIECE_SIZE];
	ssize_t n;
	int rc = 0;

	smaps_begin(&parser, fn, ctx);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_set(err, errno, "smaps: %s", strerror(errno));
	while (!rc && (n = read(fd, piece, sizeof(piece))) > 0)
		rc = smaps_feed(&parser, piece, (size_t)n, err);
	if (rc)
		return rc;
	if (n < 0)
		return errno == ESRCH ? -ESRCH : err_set(err, errno, "reading smaps: %s", strerror(errno));
	return parser.nr_lines ? smaps_end(&parser, err) : -ESRCH;
}
