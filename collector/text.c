/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Characters that are legal UTF-8 and yet move, hide or reorder what is around them; half-open ranges. */
static const struct {
	uint32_t start, end;
} invisible[] = {
	{ 0x00, 0x20 },	    { 0x7f, 0xa0 },	{ 0xad, 0xae },	     { 0x034f, 0x0350 },   { 0x061c, 0x061d },
	{ 0x115f, 0x1161 }, { 0x17b4, 0x17b6 }, { 0x180b, 0x1810 },  { 0x200b, 0x2010 },   { 0x2028, 0x202f },
	{ 0x2060, 0x2070 }, { 0x3164, 0x3165 }, { 0xd800, 0xf900 },  { 0xfe00, 0xfe10 },   { 0xfeff, 0xff00 },
	{ 0xffa0, 0xffa1 }, { 0xfff0, 0xfffc }, { 0xfffe, 0x10000 }, { 0x1d173, 0x1d17b }, { 0xe0000, 0x110000 },
};

static bool is_invisible(uint32_t c)
{
	for (size_t i = 0; i < sizeof(invisible) / sizeof(invisible[0]); i++)
		if (c >= invisible[i].start && c < invisible[i].end)
			return true;
	return false;
}

size_t text_utf8_decode(const char *s, const char *end, uint32_t *code_point)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)s;
	size_t len, i;
	uint32_t c;

	if (s >= end)
		return 0;
	if (p[0] < 0x80) {
		*code_point = p[0];
		return 1;
	}
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if ((size_t)(end - s) < len)
		return 0;
	c = p[0] & (0x7fu >> len);
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < smallest[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*code_point = c;
	return len;
}

size_t text_clean(char *dst, size_t size, const char *src, size_t len)
{
	const char *end = src + len;
	size_t used = 0;

	if (!size)
		return 0;
	while (src < end) {
		char piece[16];
		uint32_t c = 0;
		size_t n = text_utf8_decode(src, end, &c), sz;

		if (n && !is_invisible(c)) {
			memcpy(piece, src, n);
			sz = n;
		} else if (n > 1 && c > 0xff) {
			sz = (size_t)snprintf(piece, sizeof(piece), "\\u%04x", c);
		} else {
			/* One byte, or a character below U+0100: shown as the byte or character number. */
			sz = (size_t)snprintf(piece, sizeof(piece), "\\x%02x", n ? c : (unsigned char)*src);
		}
		if (used + sz >= size)
			break;
		memcpy(dst + used, piece, sz);
		used += sz;
		src += n ? n : 1;
	}
	dst[used] = '\0';
	return used;
}

size_t text_clean_str(char *dst, size_t size, const char *src)
{
	return text_clean(dst, size, src, strlen(src));
}

/* value / unit with two or three significant digits: "4.0K", "128M". */
static const char *scaled(char *dst, double value, double step, const char *const *units)
{
	size_t i = 0;

	while (value >= step * (1 - 0.5e-3) && units[i + 1]) {
		value /= step;
		i++;
	}
	if (i > 0 && value < 9.95)
		snprintf(dst, TEXT_NUMBER_SIZE, "%.1f%s", value, units[i]);
	else
		snprintf(dst, TEXT_NUMBER_SIZE, "%.0f%s", value, units[i]);
	return dst;
}

const char *text_bytes(char dst[TEXT_NUMBER_SIZE], uint64_t bytes)
{
	static const char *const units[] = { "", "K", "M", "G", "T", "P", "E", NULL };

	return scaled(dst, (double)bytes, 1024, units);
}

const char *text_count(char dst[TEXT_NUMBER_SIZE], uint64_t count)
{
	static const char *const units[] = { "", "k", "M", "G", "T", "P", "E", NULL };

	return scaled(dst, (double)count, 1000, units);
}

const char *text_duration_us(char dst[TEXT_NUMBER_SIZE], uint64_t us)
{
	const uint64_t minute = 60 * 1000000ull, hour = 60 * minute;

	if (us < 1000)
		snprintf(dst, TEXT_NUMBER_SIZE, "%uus", (unsigned)us);
	else if (us < 1000000)
		snprintf(dst, TEXT_NUMBER_SIZE, us % 1000 ? "%.4gms" : "%.0fms", (double)us / 1e3);
	else if (us < minute)
		snprintf(dst, TEXT_NUMBER_SIZE, "%.4gs", (double)us / 1e6);
	else if (us < hour && us % minute < 1000000)
		snprintf(dst, TEXT_NUMBER_SIZE, "%um", (unsigned)(us / minute));
	else if (us < hour)
		snprintf(dst, TEXT_NUMBER_SIZE, "%um%us", (unsigned)(us / minute), (unsigned)(us % minute / 1000000));
	else if (us % hour < minute)
		snprintf(dst, TEXT_NUMBER_SIZE, "%lluh", (unsigned long long)(us / hour));
	else
		snprintf(dst, TEXT_NUMBER_SIZE, "%lluh%um", (unsigned long long)(us / hour),
			 (unsigned)(us % hour / minute));
	return dst;
}

/*
 * Digits with an optional fraction, as an exact number of nano-units: no exponent, no sign, no hex, no locale. Returns
 * what follows, or NULL. *overflow is set where the number is too large for any purpose here.
 */
static const char *parse_decimal(const char *s, unsigned __int128 *nano, bool *overflow)
{
	const unsigned __int128 billion = 1000000000;
	unsigned __int128 whole = 0, fraction = 0, place = billion;
	const char *start = s;
	bool digits = false;

	*overflow = false;
	for (; *s >= '0' && *s <= '9'; s++) {
		digits = true;
		if (whole < (unsigned __int128)UINT64_MAX * 16)
			whole = whole * 10 + (unsigned)(*s - '0');
		else
			*overflow = true;
	}
	if (*s == '.') {
		s++;
		for (; *s >= '0' && *s <= '9'; s++) {
			digits = true;
			place /= 10;
			fraction += place * (unsigned)(*s - '0');
		}
	}
	if (!digits || s == start)
		return NULL;
	*nano = whole * billion + fraction;
	return s;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit *find_unit(const struct unit *units, const char *name)
{
	for (; units->name; units++)
		if (strcmp(units->name, name) == 0)
			return units;
	return NULL;
}

int text_parse_duration_us(const char *s, const char *what, uint64_t *us, struct err *err)
{
	static const struct unit units[] = { { "us", 1 },	{ "ms", 1000 },	     { "s", 1000000 },
					     { "m", 60000000 }, { "h", 3600000000 }, { NULL, 0 } };
	const uint64_t day_us = 86400000000;
	unsigned __int128 nano, value;
	const struct unit *unit;
	const char *rest;
	bool overflow;

	rest = parse_decimal(s, &nano, &overflow);
	if (rest && !*rest)
		return err_set(err, EINVAL, "%s: \"%s\" has no unit: write %sms or %ss", what, s, s, s);
	unit = rest ? find_unit(units, rest) : NULL;
	if (!unit)
		return err_set(err, EINVAL, "%s: \"%s\" is not a duration: write 500ms, 1.5s or 5000us", what, s);
	value = overflow ? (unsigned __int128)day_us + 1 : nano * unit->factor / 1000000000;
	if (value > day_us)
		return err_set(err, ERANGE, "%s: \"%s\" is too long: at most 24h", what, s);
	if (value == 0)
		return err_set(err, ERANGE, "%s: \"%s\" is too short: it must be above zero", what, s);
	*us = (uint64_t)value;
	return 0;
}

int text_parse_bytes(const char *s, const char *what, uint64_t *bytes, struct err *err)
{
	static const struct unit units[] = { { "", 1 },
					     { "K", 1ull << 10 },
					     { "M", 1ull << 20 },
					     { "G", 1ull << 30 },
					     { "T", 1ull << 40 },
					     { "KiB", 1ull << 10 },
					     { "MiB", 1ull << 20 },
					     { "GiB", 1ull << 30 },
					     { "TiB", 1ull << 40 },
					     { NULL, 0 } };
	unsigned __int128 nano, value;
	const struct unit *unit;
	const char *rest;
	bool overflow;

	rest = parse_decimal(s, &nano, &overflow);
	unit = rest ? find_unit(units, rest) : NULL;
	if (!unit)
		return err_set(err, EINVAL, "%s: \"%s\" is not a size: write 4096, 64K, 512M or 1.5G", what, s);
	value = overflow ? (unsigned __int128)UINT64_MAX + 1 : nano * unit->factor / 1000000000;
	if (value > UINT64_MAX)
		return err_set(err, ERANGE, "%s: \"%s\" is too large", what, s);
	*bytes = (uint64_t)value;
	return 0;
}

int text_parse_u64(const char *s, const char *what, uint64_t min, uint64_t max, uint64_t *value, struct err *err)
{
	const char *p = s;
	bool overflow = false;
	uint64_t v = 0;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (v > (UINT64_MAX - 9) / 10)
			overflow = true;
		else
			v = v * 10 + (unsigned)(*p - '0');
	}
	if (p == s || *p)
		return err_set(err, EINVAL, "%s: \"%s\" is not a whole number", what, s);
	if (overflow || v < min || v > max)
		return err_set(err, ERANGE, "%s: %s is out of bounds: %llu to %llu", what, s, (unsigned long long)min,
			       (unsigned long long)max);
	*value = v;
	return 0;
}
