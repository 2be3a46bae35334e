/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/play.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "collector/clock.h"

#define MAX_PLACE_S 1e9 /* 30 years */

/* Decimal digits with an optional fraction; -1: there are none. *end: what follows them. */
static double number(const char *s, const char **end)
{
	size_t whole = strspn(s, "0123456789"), fraction = 0;
	char digits[32];

	if (s[whole] == '.')
		fraction = 1 + strspn(s + whole + 1, "0123456789");
	*end = s + whole + fraction;
	if (!whole || whole + fraction >= sizeof(digits))
		return -1;
	memcpy(digits, s, whole + fraction);
	digits[whole + fraction] = '\0';
	return strtod(digits, NULL);
}

/* "1:30", "1:02:30.5": the fields left of the last are whole. False: it is none. */
static bool parse_clock(const char *s, double *seconds)
{
	double sum = 0;

	if (!strchr(s, ':'))
		return false;
	for (int fields = 0; fields < 3; fields++) {
		const char *end;
		double value = number(s, &end);

		if (!(value >= 0 && value < MAX_PLACE_S) || (fields && value >= 60))
			return false;
		sum = sum * 60 + value;
		if (!*end) {
			*seconds = sum;
			return fields > 0;
		}
		if (*end != ':' || floor(value) < value)
			return false;
		s = end + 1;
	}
	return false;
}

/* "90s", "1m30s", "500ms". */
static bool parse_units(const char *s, double *seconds)
{
	static const struct {
		const char *unit;
		double seconds;
	} units[] = { { "ms", 1e-3 }, { "us", 1e-6 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 } };
	double sum = 0;

	if (!*s)
		return false;
	while (*s) {
		const char *end;
		double value = number(s, &end);
		size_t i = 0;

		if (!(value >= 0 && value < MAX_PLACE_S))
			return false;
		while (i < sizeof(units) / sizeof(units[0]) && strncmp(end, units[i].unit, strlen(units[i].unit)) != 0)
			i++;
		if (i == sizeof(units) / sizeof(units[0]))
			return false;
		sum += value * units[i].seconds;
		s = end + strlen(units[i].unit);
	}
	*seconds = sum;
	return sum < MAX_PLACE_S;
}

static bool parse_share(const char *s, double *share)
{
	const char *end;

	*share = number(s, &end) / 100;
	return *share >= 0 && *share <= 1 && strcmp(end, "%") == 0;
}

int play_place_parse(const char *text, struct play_place *place, struct err *err)
{
	const char *s = text + (*text == '+' || *text == '-');
	double seconds = 0, share = 0, sign = *text == '-' ? -1 : 1;

	if (!parse_share(s, &share)) {
		share = 0;
		if (!parse_clock(s, &seconds) && !parse_units(s, &seconds))
			return err_set(err, EINVAL,
				       "\"%s\" is no place in a recording: write 50%%, 90s, 1m30s or 1:30, with + or - "
				       "for so much from here",
				       text);
	}
	*place = (struct play_place){ .offset_ns = (int64_t)(sign * seconds * 1e9),
				      .share = sign * share,
				      .relative = s != text };
	return 0;
}

uint64_t play_place_ns(const struct play_place *place, uint64_t at_ns, uint64_t total_ns)
{
	double ns = (place->relative ? (double)at_ns : 0) + (double)place->offset_ns + place->share * (double)total_ns;

	if (!(ns > 0))
		return 0;
	return total_ns && ns >= (double)total_ns ? total_ns : (uint64_t)ns;
}

double play_next_speed(double speed, int direction)
{
	static const double steps[] = { 0.01, 0.02, 0.05, 0.1, 0.2, 0.5,  1,	2,    5,    10,
					20,   50,   100,  200, 500, 1000, 2000, 5000, 10000 };
	const size_t nr = sizeof(steps) / sizeof(steps[0]);
	size_t i = 0;

	if (direction > 0) {
		while (i + 1 < nr && steps[i] <= speed * 1.0001)
			i++;
		return steps[i];
	}
	i = nr - 1;
	while (i && steps[i] >= speed * 0.9999)
		i--;
	return steps[i];
}
