/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/inspect.h"

#include <stdio.h>
#include <string.h>

#include "collector/clock.h"
#include "collector/report.h"
#include "collector/text.h"

#define NR_SCRATCH_CODES 32 /* told apart at one place; what comes later counts as other */

const unsigned inspect_cold_s[INSPECT_NR_COLD] = { 10, 60, 600 };

static uint64_t overlap(uint64_t a_start, uint64_t a_end, uint64_t b_start, uint64_t b_end)
{
	uint64_t start = a_start > b_start ? a_start : b_start, end = a_end < b_end ? a_end : b_end;

	return start < end ? end - start : 0;
}

const struct mapping *inspect_main_mapping(const struct mappings *maps, uint64_t start, uint64_t end)
{
	const struct mapping *m = mappings_from(maps, start), *best = NULL;
	uint64_t most = 0;

	for (; m && m < maps->v + maps->nr && m->start < end; m++) {
		uint64_t bytes = overlap(m->start, m->end, start, end);

		if (bytes > most) {
			most = bytes;
			best = m;
		}
	}
	return best;
}

static void add_nodes(struct inspect *in, const struct snap_pages *pages, uint64_t bytes)
{
	uint64_t all = 0;
	unsigned i;

	if (!(pages->valid & SNAP_PAGES_NODE))
		return;
	for (i = 0; i < SNAP_NR_NODES; i++)
		all += pages->node_pages[i];
	for (i = 0; i < SNAP_NR_NODES && all; i++) {
		uint64_t share = (uint64_t)((double)bytes * pages->node_pages[i] / (double)all);

		if (pages->node[i] < 8)
			in->node_bytes[pages->node[i]] += share;
		else
			in->node_other_bytes += share;
		in->node_all_bytes += share;
	}
}

/* Pages of a region are taken to be spread evenly over it. */
static void add_kinds(struct inspect *in, const struct snap_pages *pages, const struct snap_region *region,
		      uint64_t bytes)
{
	double share = (double)bytes / (double)(region->end - region->start) * (double)PAGE_BYTES;

	in->seen_bytes += bytes;
	if (pages->valid & SNAP_PAGES_KIND) {
		in->kind_known = true;
		in->anon_bytes += (uint64_t)(share * pages->anon + 0.5);
		in->file_bytes += (uint64_t)(share * pages->file + 0.5);
	}
	if (pages->valid & SNAP_PAGES_HUGE) {
		in->huge_known = true;
		in->huge_bytes += (uint64_t)(share * pages->huge + 0.5);
	}
	if (pages->swap_known) {
		in->swap_known_bytes += bytes;
		in->swapped_bytes += (uint64_t)(share * pages->swapped + 0.5);
	}
}

static void add_access(struct inspect *in, const struct snap_access *access)
{
	in->nr_reads += access->nr_reads;
	in->nr_writes += access->nr_writes;
	in->nr_latency += access->nr_latency;
	in->latency_sum += access->latency_sum;
	for (unsigned i = 0; i < 8; i++)
		in->nr_level[i] += access->nr_level[i];
}

/* Codes of a region, added up by address. */
static size_t add_codes(const struct snapshot *snap, size_t *at, size_t region, struct snap_code *sum, size_t nr,
			uint64_t *all)
{
	for (; *at < snap->nr_codes; (*at)++) {
		const struct snap_code code = snapshot_code(snap, *at);
		size_t i;

		if (code.region > region)
			break;
		if (code.region < region)
			continue;
		*all += code.count;
		for (i = 0; i < nr && sum[i].ip != code.ip; i++)
			;
		if (i == nr && nr == NR_SCRATCH_CODES)
			continue;
		if (i == nr)
			sum[nr++] = (struct snap_code){ .ip = code.ip };
		sum[i].count += code.count;
	}
	return nr;
}

static void rank_codes(struct inspect *in, struct snap_code *sum, size_t nr, uint64_t all)
{
	in->other_codes = 1;
	while (in->nr_codes < INSPECT_NR_CODES) {
		size_t i, best = nr;

		for (i = 0; i < nr; i++)
			if (sum[i].count && (best == nr || sum[i].count > sum[best].count))
				best = i;
		if (best == nr)
			break;
		in->codes[in->nr_codes].ip = sum[best].ip;
		in->codes[in->nr_codes].share = (double)sum[best].count / (double)all;
		in->other_codes -= in->codes[in->nr_codes++].share;
		sum[best].count = 0;
	}
	if (in->other_codes < 0)
		in->other_codes = 0;
}

static void inspect_regions(struct inspect *in)
{
	struct snap_code sum[NR_SCRATCH_CODES];
	const struct snapshot *snap = in->snap;
	size_t i = snapshot_from(snap, in->start), nr = 0, at = 0;
	uint64_t all = 0, most = 0;

	in->access_known = snapshot_has_access(snap);
	for (; i < snap->nr_regions && snap->regions[i].start < in->end; i++) {
		const struct snap_region *region = &snap->regions[i];
		const struct snap_pages pages = snapshot_pages(snap, i);
		const struct snap_access access = snapshot_access(snap, i);
		uint64_t bytes = overlap(region->start, region->end, in->start, in->end);

		in->nr_regions++;
		if (bytes > most) {
			most = bytes;
			in->largest = region;
		}
		add_nodes(in, &pages, bytes);
		add_kinds(in, &pages, region, bytes);
		add_access(in, &access);
		nr = add_codes(snap, &at, i, sum, nr, &all);
	}
	if (all)
		rank_codes(in, sum, nr, all);
}

void inspect_cell(struct inspect *in, const struct history *history, const struct view_cell *cell, uint64_t start,
		  uint64_t end, uint64_t first_tick, uint64_t end_tick)
{
	size_t first, after;

	history_range(history, first_tick, end_tick, &first, &after);
	memset(in, 0, sizeof(*in));
	in->start = start;
	in->end = end;
	in->cell = *cell;
	if (first == after)
		return;
	in->first = history_at(history, first);
	in->snap = history_at(history, after - 1);
	if (in->snap->maps) {
		in->mapping = inspect_main_mapping(in->snap->maps, start, end);
		in->mapped_bytes = axis_mapped_bytes(in->snap->maps, start, end);
	}
	inspect_regions(in);
}

void inspect_cold(const struct snapshot *snap, uint64_t bytes[INSPECT_NR_COLD])
{
	size_t i, k;

	memset(bytes, 0, INSPECT_NR_COLD * sizeof(*bytes));
	for (i = 0; i < snap->nr_regions; i++) {
		const struct snap_region *region = &snap->regions[i];
		double age_s = region->age * ((double)snap->duration_ns / (double)NSEC_PER_SEC);

		for (k = 0; k < INSPECT_NR_COLD && !(region->heat > 0) && age_s >= inspect_cold_s[k]; k++)
			bytes[k] += region->end - region->start;
	}
}

double inspect_watched_s(const struct history *history, const struct snapshot *snap)
{
	size_t at = history_find(history, snap->time_ns);
	uint64_t begin_ns = snap->time_ns - snap->duration_ns;
	double oldest_s = 0, kept_s;
	size_t i;

	for (i = at; i < history_nr(history) && history_at(history, i)->source == snap->source; i--) {
		begin_ns = history_at(history, i)->time_ns - history_at(history, i)->duration_ns;
		if (!i)
			break;
	}
	/* ages reach back beyond what is kept */
	for (i = 0; i < snap->nr_regions; i++)
		if (snap->regions[i].age * (double)snap->duration_ns > oldest_s * (double)NSEC_PER_SEC)
			oldest_s = snap->regions[i].age * (double)snap->duration_ns / (double)NSEC_PER_SEC;
	kept_s = (double)(snap->time_ns - begin_ns) / (double)NSEC_PER_SEC;
	return kept_s > oldest_s ? kept_s : oldest_s;
}

double inspect_total(double heat, uint64_t bytes, enum heat_unit unit)
{
	return unit == HEAT_FRACTION ? heat * (double)bytes : heat * (double)bytes / (1 << 20);
}

const char *inspect_total_text(char dst[32], double total, enum heat_unit unit)
{
	char number[TEXT_NUMBER_SIZE];

	if (unit == HEAT_FRACTION)
		return text_bytes(dst, (uint64_t)(total + 0.5));
	if (unit == HEAT_RATE)
		snprintf(dst, 32, "%.20s/s", text_count(number, (uint64_t)(total + 0.5)));
	else
		snprintf(dst, 32, "%.3g%%", total * 100);
	return dst;
}

static double total_of(const struct snapshot *snap, const struct snap_region *region)
{
	return inspect_total((double)region->heat, region->end - region->start, snap->heat_unit);
}

size_t inspect_hottest(const struct snapshot *snap, const struct snap_region *hot[INSPECT_NR_HOT])
{
	double totals[INSPECT_NR_HOT] = { 0 };
	size_t i, k, nr = 0;

	for (i = 0; i < snap->nr_regions; i++) {
		double total = total_of(snap, &snap->regions[i]);

		if (!(total > 0) || (nr == INSPECT_NR_HOT && total <= totals[nr - 1]))
			continue;
		nr += nr < INSPECT_NR_HOT;
		for (k = nr - 1; k && totals[k - 1] < total; k--) {
			hot[k] = hot[k - 1];
			totals[k] = totals[k - 1];
		}
		hot[k] = &snap->regions[i];
		totals[k] = total;
	}
	return nr;
}

const char *inspect_heat_number(char dst[32], double heat, enum heat_unit unit)
{
	if (unit == HEAT_TIME)
		heat *= 100;
	if (heat >= 100)
		return text_count(dst, (uint64_t)(heat + 0.5));
	if (unit == HEAT_FRACTION && (heat >= 0.01 || heat == 0))
		snprintf(dst, 32, "%.2f", heat);
	else
		snprintf(dst, 32, "%.3g", heat);
	return dst;
}

const char *inspect_heat_text(char dst[32], double heat, enum heat_unit unit)
{
	static const char *const units[] = { "", "/s/MiB", "%/MiB" };
	char number[32];

	snprintf(dst, 32, "%.20s%s", inspect_heat_number(number, heat, unit), units[unit]);
	return dst;
}

bool inspect_rate_text(char dst[48], double heat, uint64_t bytes, const struct snapshot *snap)
{
	double rate = inspect_total(heat, bytes, snap->heat_unit);
	char count[TEXT_NUMBER_SIZE];

	if (snap->heat_unit == HEAT_TIME || (snap->heat_unit == HEAT_FRACTION && !snap->attrs.aging_us))
		return false;
	if (snap->heat_unit == HEAT_FRACTION)
		rate = rate / (double)PAGE_BYTES * (double)USEC_PER_SEC / (double)snap->attrs.aging_us;
	snprintf(dst, 48, "%s%.20s accesses/s", snap->heat_unit == HEAT_FRACTION && rate > 0 ? "≥ " : "",
		 text_count(count, (uint64_t)(rate + 0.5)));
	return true;
}

const char *inspect_level_name(unsigned level)
{
	static const char *const names[8] = {
		[SNAP_LEVEL_L1] = "L1",
		[SNAP_LEVEL_L2] = "L2",
		[SNAP_LEVEL_L3] = "L3",
		[SNAP_LEVEL_LOCAL_DRAM] = "local DRAM",
		[SNAP_LEVEL_REMOTE_DRAM] = "remote DRAM",
		[SNAP_LEVEL_REMOTE_CACHE] = "remote cache",
		[SNAP_LEVEL_CXL] = "CXL",
		[SNAP_LEVEL_OTHER] = "other",
	};

	return level < 8 ? names[level] : "";
}

const char *inspect_heat_words(enum heat_unit unit)
{
	static const char *const words[] = {
		"share of checks that found it accessed",
		"accesses a second per MiB",
		"% of CPU time per MiB",
	};

	return words[unit];
}

const char *inspect_age_text(char dst[32], const struct view_cell *cell)
{
	uint64_t tenths = (uint64_t)((double)cell->age_s * 10);

	if (!tenths)
		return strcpy(dst, "new");
	return text_duration_us(dst, cell->age_s < 10 ? tenths * 100000 : tenths / 10 * USEC_PER_SEC);
}
