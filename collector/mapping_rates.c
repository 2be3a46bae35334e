/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/mapping_rates.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "collector/array.h"

#define HUGE_BYTES (UINT64_C(2) << 20)
#define MAX_STEPS  20

void mapping_rates_init(struct mapping_rates *mr)
{
	*mr = (struct mapping_rates){ 0 };
}

void mapping_rates_free(struct mapping_rates *mr)
{
	free(mr->v);
	free(mr->next);
	mapping_rates_init(mr);
}

void mapping_rates_begin(struct mapping_rates *mr)
{
	mr->nr_next = mr->at = 0;
	mr->no_memory = false;
}

/* The same mapping in the last reading: its end may have moved. */
static const struct mapping_rate *find_last(struct mapping_rates *mr, uint64_t start)
{
	while (mr->at < mr->nr && mr->v[mr->at].start < start)
		mr->at++;
	return mr->at < mr->nr && mr->v[mr->at].start == start ? &mr->v[mr->at] : NULL;
}

static struct mapping_rate *next_slot(struct mapping_rates *mr)
{
	struct mapping_rate *next = array_grow(mr->next, &mr->cap_next, mr->nr_next + 1, sizeof(*next));

	if (!next)
		return NULL;
	mr->next = next;
	return &next[mr->nr_next++];
}

/* The shortest is for 2 ms and what is nearer to that than to 8 ms. */
static unsigned class_of(uint64_t window_ns)
{
	uint64_t limit_ns = 5000000;
	unsigned class = 0;

	for (; class < MAPPING_RATES_NR_CLASSES - 1 && window_ns >= limit_ns; class ++)
		limit_ns *= 4;
	return class;
}

static void count_window(struct mapping_rate *rate, uint64_t window_ns, double keep)
{
	struct window_sums *sums = &rate->sums[class_of(window_ns)];

	sums->weight = (float)(sums->weight * keep + 1);
	sums->share = (float)(sums->share * keep + (double)rate->referenced_bytes / (double)rate->rss_bytes);
	sums->time_s = (float)(sums->time_s * keep + (double)window_ns / 1e9);
	sums->hits = (float)(sums->hits * keep + (rate->referenced_bytes > 0));
	rate->nr_windows++;
}

void mapping_rates_add(struct mapping_rates *mr, uint64_t start, uint64_t end, uint64_t rss_bytes,
		       uint64_t referenced_bytes, uint64_t huge_bytes, uint64_t window_ns)
{
	const struct mapping_rate *last = find_last(mr, start);
	struct mapping_rate *rate = next_slot(mr);

	if (!rate) {
		mr->no_memory = true;
		return;
	}
	*rate = last ? *last : (struct mapping_rate){ .start = start };
	rate->end = end;
	rate->rss_bytes = rss_bytes;
	huge_bytes = huge_bytes < rss_bytes ? huge_bytes : rss_bytes;
	rate->nr_pages = (rss_bytes - huge_bytes) / PAGE_BYTES + (huge_bytes + HUGE_BYTES - 1) / HUGE_BYTES;
	rate->referenced_bytes = referenced_bytes < rss_bytes ? referenced_bytes : rss_bytes;
	if (window_ns && rss_bytes)
		count_window(rate, window_ns, 1 - 1.0 / MAPPING_RATES_NR_WINDOWS);
}

int mapping_rates_end(struct mapping_rates *mr)
{
	struct mapping_rate *v = mr->v;
	size_t cap = mr->cap;

	if (mr->no_memory)
		return -ENOMEM;
	mr->v = mr->next;
	mr->nr = mr->nr_next;
	mr->cap = mr->cap_next;
	mr->next = v;
	mr->cap_next = cap;
	return 0;
}

/* What one class of windows says. */
struct class_says {
	double share;	       /* of the pages, used in a window on average */
	double per_sec;	       /* accesses */
	double used, not_used; /* pages, over all its windows */
	double time_s, hits;   /* of all its windows */
	double page_s;	       /* length of a window, for each page */
};

/* Where all pages were used in all windows, half a page of them is taken as not used: a bound that is finite. */
static struct class_says ask_class(const struct window_sums *sums, double pages)
{
	double weight = (double)sums->weight, all = pages * weight;
	struct class_says says = { .share = (double)sums->share / weight };

	says.used = says.share * all;
	if (says.used > all - 0.5)
		says.used = all - 0.5;
	says.not_used = all - says.used;
	says.time_s = (double)sums->time_s;
	says.page_s = says.time_s / all;
	says.hits = (double)sums->hits;
	says.per_sec = -log1p(-says.used / all) / says.page_s;
	return says;
}

/*
 * The one rate that makes what all classes have seen most likely. A window of length T has a page in use with
 * 1 - exp(-rate T / pages), so with t = T / pages the rate solves
 *	sum of used t / (exp(rate t) - 1)  =  sum of not_used t
 * of which the left side falls: Newton's method on logarithms, from below.
 */
static double most_likely(const struct class_says *v, size_t nr)
{
	double used = 0, time = 0, idle = 0, rate;

	for (size_t i = 0; i < nr; i++) {
		used += v[i].used;
		time += v[i].time_s;
		idle += v[i].not_used * v[i].page_s;
	}
	if (used <= 0)
		return 0;
	rate = used / time;
	for (int k = 0; k < MAX_STEPS; k++) {
		double sum = 0, slope = 0, step;

		for (size_t i = 0; i < nr; i++) {
			double x = rate * v[i].page_s, term = v[i].used * v[i].page_s / expm1(x);

			sum += term;
			slope += term * x / -expm1(-x);
		}
		if (!(sum > 0))
			break;
		step = log(sum / idle) * sum / slope;
		rate *= exp(step);
		if (fabs(step) < 1e-4)
			break;
	}
	return rate;
}

/* Some windows with use are no chance, nor are that many more pages than all windows together let expect. */
static bool clearly_more(const struct class_says *says, double per_sec)
{
	double expected = per_sec * says->time_s;

	return says->hits >= MAPPING_RATES_MIN_HITS && says->used > expected &&
	       says->used - expected > 3 * sqrt(says->used);
}

void mapping_rates_estimate(const struct mapping_rate *rate, struct mapping_report *report)
{
	double pages = (double)rate->nr_pages, best;
	struct class_says says[MAPPING_RATES_NR_CLASSES]; /* the shortest first */
	size_t nr = 0;

	report->nr_windows = rate->nr_windows;
	for (int class = 0; class < MAPPING_RATES_NR_CLASSES && rate->rss_bytes; class ++)
		if (rate->sums[class].time_s > 0)
			says[nr++] = ask_class(&rate->sums[class], pages);
	if (!nr || rate->nr_windows < MAPPING_RATES_MIN_WINDOWS)
		return;
	best = most_likely(says, nr);
	for (size_t i = nr; i-- > 0;)
		if (clearly_more(&says[i], best))
			best = says[i].per_sec;
	report->accesses_per_sec = best;
	report->valid |= MAPPING_REPORT_RATE | (says[0].share >= MAPPING_RATES_MAX_SHARE ? MAPPING_REPORT_RATE_MIN : 0);
}
