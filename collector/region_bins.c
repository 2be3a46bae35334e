/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * region_bins.c - a histogram over each region: the evidence where the reports
 * are too many to be kept one by one.
 *
 * Every region has some bins, and large ones have more: where few regions
 * cover much memory, a border has to be found from far away. All are in one
 * array, laid out when the first reports of an aggregation arrive.
 */
#include <stdlib.h>
#include <string.h>

#include "collector/region_internal.h"

/* Of each region: a cut leaves at worst 1/64 of it on the wrong side, the next aggregation 1/64 of that. */
#define NR_BINS_EACH 32
/* And as many again for all of them by size: 64 KiB of 512 MiB. */
#define NR_BINS_BY_SIZE 8192

static uint64_t total_pages(const struct regions *rs)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < rs->nr; i++)
		sum += region_nr_pages(&rs->v[i]);
	return sum;
}

static void choose_bins(struct region *r, uint64_t total)
{
	uint64_t pages = region_nr_pages(r), wanted = NR_BINS_EACH + pro_rata(NR_BINS_BY_SIZE, pages, total);

	r->bin_pages = (pages + wanted - 1) / wanted;
	r->nr_bins = (uint32_t)((pages + r->bin_pages - 1) / r->bin_pages);
	/* 2^63 / bin_pages, rounded up: a product instead of a division for each report, see bin_of(). */
	r->bin_recip = (UINT64_C(1) << 63) / r->bin_pages + 1;
}

static inline void bin_add(uint32_t *bin, uint64_t nr_hits)
{
	uint32_t room = UINT32_MAX - *bin;

	*bin += nr_hits < room ? (uint32_t)nr_hits : room;
}

static void spread(uint32_t *bins, uint32_t nr, uint64_t nr_hits)
{
	for (uint32_t i = 0; i < nr; i++)
		bin_add(&bins[i], pro_rata(nr_hits, i + 1, nr) - pro_rata(nr_hits, i, nr));
}

/* Bins of a region that has none yet: bin_first says so until they are laid out. */
#define BIN_FIRST_NONE UINT32_MAX

/* Regions that have bins keep them, whatever the total was when they were chosen. Returns how many there are of all. */
static size_t choose_missing_bins(struct regions *rs)
{
	uint64_t total = total_pages(rs);
	size_t nr = 0;

	for (size_t i = 0; i < rs->nr; i++) {
		struct region *r = &rs->v[i];

		if (!r->nr_bins) {
			choose_bins(r, total);
			r->bin_first = BIN_FIRST_NONE;
		}
		nr += r->nr_bins;
	}
	return nr;
}

void bins_prepare(struct regions *rs)
{
	uint32_t *bins = region_realloc(NULL, choose_missing_bins(rs), sizeof(*bins));
	uint32_t at = 0;

	for (size_t i = 0; i < rs->nr; i++) {
		struct region *r = &rs->v[i];

		if (r->bin_first != BIN_FIRST_NONE) {
			memcpy(&bins[at], &rs->bins[r->bin_first], r->nr_bins * sizeof(*bins));
		} else {
			memset(&bins[at], 0, r->nr_bins * sizeof(*bins));
			if (r->nr_hits)
				spread(&bins[at], r->nr_bins, r->nr_hits);
		}
		r->bin_first = at;
		at += r->nr_bins;
	}
	free(rs->bins);
	rs->bins = bins;
	rs->bins_ready = true;
}

/*
 * page / bin_pages for a page of the region. Exact while page * bin_pages < 2^63, which holds for regions below 2^35
 * pages (128 TiB); beyond that a report may land in the next bin.
 */
static inline uint32_t bin_of(const struct region *r, uint64_t page)
{
	uint64_t bin = (uint64_t)(((unsigned __int128)(page << 1) * r->bin_recip) >> 64);

	return bin < r->nr_bins ? (uint32_t)bin : r->nr_bins - 1;
}

void bins_add(struct regions *rs, const struct region *r, uint64_t page, uint64_t end_page, uint64_t nr_hits)
{
	uint64_t base = r->start >> PAGE_SHIFT, nr_pages = end_page - page, given = 0;
	uint32_t *bins = rs->bins + r->bin_first;
	uint32_t bin = bin_of(r, page - base);

	for (; given < nr_hits; bin++) {
		uint64_t end = base + (bin + 1) * r->bin_pages;
		uint64_t upto = end >= end_page ? nr_hits : pro_rata(nr_hits, end - page, nr_pages);

		bin_add(&bins[bin], upto - given);
		given = upto;
	}
}
