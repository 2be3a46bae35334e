/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/mapping_rates.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

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
	if (mr->nr_next == mr->cap_next) {
		size_t cap = mr->cap_next ? mr->cap_next * 2 : 256;
		struct mapping_rate *next = realloc(mr->next, cap * sizeof(*next));

		if (!next)
			return NULL;
		mr->next = next;
		mr->cap_next = cap;
	}
	return &mr->next[mr->nr_next++];
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
		       uint64_t referenced_bytes, uint64_t window_ns)
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
	double share;	     /* of the pages, used in a window on average */
	double per_sec;	     /* accesses */
	double nr_pages;     /* used, over all its windows */
	double time_s, hits; /* of all its windows */
};

/* Where all pages were used in all windows, half a page of them is taken as not used: a bound that is finite. */
static struct class_says ask_class(const struct window_sums *sums, double pages)
{
	struct class_says says = { .share = (double)sums->share / (double)sums->weight };
	double most = 1 - 0.5 / (pages * (double)sums->weight);

	says.time_s = (double)sums->time_s;
	says.hits = (double)sums->hits;
	says.nr_pages = (double)sums->share * pages;
	says.per_sec = -log1p(-(says.share < most ? says.share : most)) * pages * (double)sums->weight / says.time_s;
	return says;
}

static bool is_full(const struct class_says *says)
{
	return says->share >= MAPPING_RATES_MAX_SHARE;
}

/* Some windows with use are no chance, nor are that many more pages than the longer windows let expect. */
static bool clearly_more(const struct class_says *shorter, const struct class_says *longer)
{
	double expected = longer->per_sec * shorter->time_s;

	return shorter->hits >= MAPPING_RATES_MIN_HITS && shorter->nr_pages > expected &&
	       shorter->nr_pages - expected > 3 * sqrt(shorter->nr_pages);
}

void mapping_rates_estimate(const struct mapping_rate *rate, struct mapping_report *report)
{
	double pages = (double)rate->rss_bytes / (double)PAGE_BYTES;
	struct class_says best = { 0 };
	bool any = false;

	report->nr_windows = rate->nr_windows;
	for (int class = MAPPING_RATES_NR_CLASSES - 1; class >= 0 && rate->rss_bytes; class --) {
		struct class_says says;

		if (rate->sums[class].time_s <= 0)
			continue;
		says = ask_class(&rate->sums[class], pages);
		if (!any || clearly_more(&says, &best) || (is_full(&best) && says.hits >= MAPPING_RATES_MIN_HITS))
			best = says;
		any = true;
	}
	if (!any)
		return;
	report->accesses_per_sec = best.per_sec;
	report->valid |= MAPPING_REPORT_RATE | (is_full(&best) ? MAPPING_REPORT_RATE_MIN : 0);
}
