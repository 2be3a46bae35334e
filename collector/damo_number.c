/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/damo_number.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *name;
	double factor;
};

static const struct unit byte_units[] = {
	{ "B", 1 },	 { "K", 0x1p10 }, { "M", 0x1p20 }, { "G", 0x1p30 },
	{ "T", 0x1p40 }, { "P", 0x1p50 }, { "E", 0x1p60 }, { NULL, 0 },
};

static const struct unit time_units[] = {
	{ "ns", 1 },  { "us", 1e3 }, { "usec", 1e3 }, { "ms", 1e6 },	{ "msec", 1e6 },
	{ "s", 1e9 }, { "m", 60e9 }, { "h", 3600e9 }, { "d", 86400e9 }, { NULL, 0 },
};

static const char *skip_space(const char *s)
{
	while (*s == ' ')
		s++;
	return s;
}

/*
 * Digits with commas among them, and perhaps a fraction. Returns what follows, or NULL. Whole numbers are exact;
 * *fraction is what comes on top.
 */
static const char *digits(const char *s, uint64_t *whole, double *fraction)
{
	const char *start = s;
	double place = 1;

	*whole = 0;
	*fraction = 0;
	for (; (*s >= '0' && *s <= '9') || (*s == ',' && s > start); s++) {
		unsigned digit = (unsigned)(*s - '0');

		if (*s == ',')
			continue;
		*whole = *whole > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *whole * 10 + digit;
	}
	if (s == start)
		return NULL;
	if (*s == '.')
		for (s++; *s >= '0' && *s <= '9'; s++) {
			place /= 10;
			*fraction += place * (*s - '0');
		}
	return s;
}

static uint64_t scaled(uint64_t whole, double fraction, double factor)
{
	double value = ((double)whole + fraction) * factor;

	if (value >= 0x1p64)
		return UINT64_MAX;
	/* exact as long as it can be */
	if (whole <= UINT64_MAX / (uint64_t)factor && factor * fraction < 0x1p53)
		return whole * (uint64_t)factor + (uint64_t)(factor * fraction + (fraction > 0 ? 0.5 : 0));
	return (uint64_t)value;
}

static bool special(const char *s, uint64_t *value)
{
	bool max = strcmp(s, "max") == 0;

	*value = max ? UINT64_MAX : 0;
	return max || strcmp(s, "min") == 0;
}

/* The unit at s, which ends at a space or the end of the text. */
static const struct unit *unit_at(const struct unit *units, const char *s, size_t *len)
{
	*len = strcspn(s, " ");
	for (; units->name; units++)
		if (strlen(units->name) == *len && strncmp(units->name, s, *len) == 0)
			return units;
	return NULL;
}

/* "KiB" and "KB" are "K". */
static const struct unit *byte_unit(const char *s)
{
	for (const struct unit *u = byte_units; u->name; u++)
		if (*s == *u->name && (!s[1] || (u->factor > 1 && (!strcmp(s + 1, "B") || !strcmp(s + 1, "iB")))))
			return u;
	return NULL;
}

bool damo_number_bytes(const char *s, uint64_t *value)
{
	const struct unit *unit;
	double fraction;
	uint64_t whole;

	if (special(s, value))
		return true;
	s = digits(skip_space(s), &whole, &fraction);
	if (!s)
		return false;
	s = skip_space(s);
	unit = *s ? byte_unit(s) : &byte_units[0];
	if (unit)
		*value = scaled(whole, fraction, unit->factor);
	return unit;
}

bool damo_number_ns(const char *s, uint64_t unit_ns, uint64_t *value)
{
	uint64_t sum = 0;

	if (special(s, value))
		return true;
	s = skip_space(s);
	do {
		const struct unit *unit;
		double fraction;
		uint64_t whole, ns;
		size_t len = 0;

		s = digits(s, &whole, &fraction);
		if (!s)
			return false;
		s = skip_space(s);
		unit = *s ? unit_at(time_units, s, &len) : NULL;
		if (*s && !unit)
			return false;
		ns = scaled(whole, fraction, unit ? unit->factor : (double)unit_ns);
		sum = sum > UINT64_MAX - ns ? UINT64_MAX : sum + ns;
		s = skip_space(s + len);
	} while (*s);
	*value = sum;
	return true;
}
