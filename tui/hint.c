/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/hint.h"

#include <stdbool.h>

#define FEW_REPORTS	   50
#define SATURATED_SHARE	   0.9 /* of the bytes accessed at all, those accessed at every check */
#define UNATTRIBUTED_SHARE 0.2

static bool loses_reports(const struct snapshot *snap)
{
	return snap->stats.lost > 0;
}

static bool is_throttled(const struct snapshot *snap)
{
	return snap->stats.throttled > 0;
}

/* Asleep: that is no fault of the intervals. */
static bool does_nothing(const struct snapshot *snap)
{
	return !snap->stats.samples && !snap->stats.reports && !snap->target_cpu_us;
}

static bool sees_nothing(const struct snapshot *snap)
{
	size_t i;

	for (i = 0; i < snap->nr_regions; i++)
		if (snap->regions[i].heat > 0)
			return false;
	return snap->nr_regions > 0;
}

static bool has_few_reports(const struct snapshot *snap)
{
	return snap->heat_unit != HEAT_FRACTION && snap->stats.reports < FEW_REPORTS;
}

static bool is_saturated(const struct snapshot *snap)
{
	uint64_t accessed = 0, always = 0;
	size_t i;

	if (snap->heat_unit != HEAT_FRACTION || !snap->max_nr_accesses)
		return false;
	for (i = 0; i < snap->nr_regions; i++) {
		const struct snap_region *region = &snap->regions[i];

		if (region->nr_accesses)
			accessed += region->end - region->start;
		if (region->nr_accesses >= snap->max_nr_accesses)
			always += region->end - region->start;
	}
	return accessed && (double)always > SATURATED_SHARE * (double)accessed;
}

static bool is_at_region_limit(const struct snapshot *snap)
{
	return snap->nr_regions >= (uint64_t)snap->attrs.max_nr_regions * 98 / 100;
}

static bool is_unattributed(const struct snapshot *snap)
{
	return snap->stats.samples >= FEW_REPORTS &&
	       (double)snap->stats.unattributed > UNATTRIBUTED_SHARE * (double)snap->stats.samples;
}

static const struct {
	bool (*applies)(const struct snapshot *snap);
	const char *text;
} hints[] = {
	{ loses_reports, "reports are lost, heat is too low: age more often (a), or take fewer samples (i)" },
	{ is_throttled, "the kernel holds the event back: take fewer samples (i)" },
	{ does_nothing, "the target does nothing: it has used no CPU time" },
	{ sees_nothing, "no access was seen: aggregate longer (G)" },
	{ has_few_reports, "few reports an aggregation: aggregate longer (G), or allow more samples (i)" },
	{ is_saturated,
	  "what is accessed at all is accessed at every check: age more often (a) to tell hot from warm" },
	{ is_at_region_limit, "regions are at their limit: allow more (])" },
	{ is_unattributed, "many samples have no certain address: the heat of all places together is too low" },
};

static bool agree(const struct history *history, bool (*applies)(const struct snapshot *snap))
{
	size_t i, nr = history_nr(history);

	for (i = nr - HINT_NR_SNAPSHOTS; i < nr; i++)
		if (!applies(history_at(history, i)))
			return false;
	return true;
}

const char *hint_of(const struct history *history)
{
	size_t i;

	if (history_nr(history) < HINT_NR_SNAPSHOTS)
		return NULL;
	for (i = 0; i < sizeof(hints) / sizeof(*hints); i++)
		if (agree(history, hints[i].applies))
			return hints[i].text;
	return NULL;
}
