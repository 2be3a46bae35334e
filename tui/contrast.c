/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/contrast.h"

#include <math.h>
#include <string.h>

#include "collector/report.h"

#define MAX_WEIGHT_PAGES 16384
#define LOG_DECADES	 3    /* what the logarithmic scale shows below its upper bound */
#define LOG_FROM	 0.1  /* AUTO: logarithmic where the median is below this part of the upper bound */
#define LINEAR_FROM	 0.25 /* ... and linear again from here on */

void contrast_init(struct contrast *c)
{
	memset(c, 0, sizeof(*c));
	contrast_reset(c);
}

void contrast_reset(struct contrast *c)
{
	c->known = false;
	c->fixed = false;
	c->low = 0;
	c->high = 1;
	c->now = c->mode == CONTRAST_AUTO ? CONTRAST_LINEAR : c->mode;
}

void contrast_begin(struct contrast *c)
{
	memset(c->buckets, 0, sizeof(c->buckets));
	c->sum_values = 0;
	c->sum_zero = 0;
}

/*
 * The bucket of a positive value, by its bits: the exponent, and the upper bits of the mantissa. Within an octave the
 * steps are linear rather than logarithmic, which costs nothing here.
 */
static unsigned bucket_of(float value)
{
	uint32_t bits;
	int64_t b;

	memcpy(&bits, &value, sizeof(bits));
	b = (int64_t)(bits >> 20) - (127 - CONTRAST_OCTAVES / 2) * CONTRAST_STEPS;
	return b < 0 ? 0 : b < CONTRAST_BUCKETS ? (unsigned)b : CONTRAST_BUCKETS - 1;
}

/* The upper bound of a bucket. */
static double bucket_top(unsigned b)
{
	return ldexp(1 + (double)(b % CONTRAST_STEPS + 1) / CONTRAST_STEPS,
		     (int)(b / CONTRAST_STEPS) - CONTRAST_OCTAVES / 2);
}

void contrast_add(struct contrast *c, float value, uint32_t weight)
{
	c->sum_values += weight;
	if (value > 0)
		c->buckets[bucket_of(value)] += weight;
	else
		c->sum_zero += weight;
}

/* Rows of a sparse reserve must not outweigh everything else in their turn. */
uint32_t contrast_weight(uint64_t bytes)
{
	uint64_t pages = bytes >> PAGE_SHIFT;

	return pages < 1 ? 1 : pages < MAX_WEIGHT_PAGES ? (uint32_t)pages : MAX_WEIGHT_PAGES;
}

/* The value below which this share of the values above zero lies; 0: there are none. */
static double quantile(const struct contrast *c, double share)
{
	double want = share * (double)(c->sum_values - c->sum_zero), sum = 0;
	unsigned b;

	if (c->sum_values == c->sum_zero)
		return 0;
	for (b = 0; b < CONTRAST_BUCKETS; b++) {
		sum += (double)c->buckets[b];
		if (sum >= want && c->buckets[b])
			return bucket_top(b);
	}
	return bucket_top(CONTRAST_BUCKETS - 1);
}

/* The next of ... 0.5, 1, 2, 5, 10 ... that is not below v. */
static double round_up_125(double v)
{
	double unit = pow(10, floor(log10(v)));
	double digits = v / unit;

	return unit * (digits <= 1 + 1e-9 ? 1 : digits <= 2 + 1e-9 ? 2 : digits <= 5 + 1e-9 ? 5 : 10);
}

static void choose_high(struct contrast *c, enum heat_unit unit)
{
	double top = quantile(c, 0.995);

	if (unit == HEAT_FRACTION) {
		/* a fraction has bounds of its own: shown as they are, unless all of it would be dark */
		c->high = top > 0.4 || top == 0 ? 1 : top < (c->known ? 0.3 : 0.4) ? round_up_125(top) : c->high;
	} else if (top > 0 && (!c->known || top > c->high * 1.02 || top < c->high * 0.35)) {
		c->high = round_up_125(top);
	}
}

static void choose_mode(struct contrast *c)
{
	double median = quantile(c, 0.5);

	if (c->mode != CONTRAST_AUTO)
		c->now = c->mode;
	else if (!c->known)
		c->now = median < c->high * LOG_FROM ? CONTRAST_LOG : CONTRAST_LINEAR;
	else if (median < c->high * LOG_FROM)
		c->now = CONTRAST_LOG;
	else if (median > c->high * LINEAR_FROM)
		c->now = CONTRAST_LINEAR;
}

static void rank_buckets(struct contrast *c)
{
	double all = (double)(c->sum_values - c->sum_zero), sum = 0;
	unsigned b;

	for (b = 0; b < CONTRAST_BUCKETS; b++) {
		sum += (double)c->buckets[b];
		c->ranks[b] = all > 0 ? (float)((sum - (double)c->buckets[b] * 0.5) / all) : 0;
	}
}

void contrast_end(struct contrast *c, enum heat_unit unit)
{
	if (c->fixed || c->sum_values == c->sum_zero)
		return;
	choose_high(c, unit);
	choose_mode(c);
	c->low = c->now == CONTRAST_LOG ? c->high / pow(10, LOG_DECADES) : 0;
	if (c->now == CONTRAST_PERCENTILE)
		rank_buckets(c);
	c->known = true;
}

double contrast_scale(const struct contrast *c, float value)
{
	double v;

	if (!(value > 0))
		return 0;
	switch (c->now) {
	case CONTRAST_LOG:
		v = log2f(value / (float)c->low) / log2(c->high / c->low);
		break;
	case CONTRAST_PERCENTILE:
		v = (double)c->ranks[bucket_of(value)];
		break;
	default:
		v = (double)value / c->high;
	}
	v = CONTRAST_MIN_SHOWN + (1 - CONTRAST_MIN_SHOWN) * v;
	return v < CONTRAST_MIN_SHOWN ? CONTRAST_MIN_SHOWN : v < 1 ? v : 1;
}

const char *contrast_mode_name(enum contrast_mode mode)
{
	static const char *const names[CONTRAST_NR_MODES] = { "auto", "linear", "log", "percentile" };

	return names[mode];
}
