/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/hint.h"

#include <stdbool.h>
#include <stdio.h>

#include "collector/text.h"
#include "tui/tune.h"

#define MAX_LOOKED_AT	   8 /* snapshots */
#define FEW_REPORTS	   50
#define SATURATED_SHARE	   0.9 /* of the bytes accessed at all, those accessed at every check */
#define UNATTRIBUTED_SHARE 0.2
/* What is not suggested: looks that cost more than they tell, pictures that hardly move. */
#define MIN_AGING_US	   5000
#define MAX_AGGREGATION_US 60000000

static bool harvest_loses(const struct snapshot *snap)
{
	return snap->stats.lost > 0 && snap->heat_unit == HEAT_FRACTION;
}

static bool samples_lose(const struct snapshot *snap)
{
	return snap->stats.lost > 0 && snap->heat_unit != HEAT_FRACTION;
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

/* ---- what would help; false: no step of it does ---- */

static bool age_more_often(const struct snapshot *snap, struct hint *hint)
{
	char text[TEXT_NUMBER_SIZE];

	hint->attrs.aging_us = tune_step(snap->attrs.aging_us, -1);
	snprintf(hint->remedy, sizeof(hint->remedy), "aging %s", text_duration_us(text, hint->attrs.aging_us));
	return hint->attrs.aging_us >= MIN_AGING_US && !snap->attrs.access_bp;
}

static bool aggregate_for(struct hint *hint, uint64_t us)
{
	char text[TEXT_NUMBER_SIZE];

	hint->attrs.aggregation_us = us;
	snprintf(hint->remedy, sizeof(hint->remedy), "aggregation %s", text_duration_us(text, us));
	return us <= MAX_AGGREGATION_US && !hint->attrs.access_bp;
}

static bool aggregate_longer(const struct snapshot *snap, struct hint *hint)
{
	return aggregate_for(hint, tune_step(snap->attrs.aggregation_us, 1));
}

/* Until there are half as many again as are few, but not at once more than ten times as long. */
static bool aggregate_enough(const struct snapshot *snap, struct hint *hint)
{
	uint64_t reports = snap->stats.reports ? snap->stats.reports : 1,
		 factor = (FEW_REPORTS * 3 / 2 - 1) / reports + 1;
	uint64_t wanted = snap->attrs.aggregation_us * (factor < 10 ? factor : 10);

	return aggregate_for(hint, tune_step(wanted - 1, 1));
}

static bool sample_less(const struct snapshot *snap, struct hint *hint)
{
	if (snap->attrs.period) {
		hint->attrs.period = tune_step(snap->attrs.period, 1);
		snprintf(hint->remedy, sizeof(hint->remedy), "1 in %llu events",
			 (unsigned long long)hint->attrs.period);
		return true;
	}
	hint->attrs.freq_hz = (uint32_t)tune_step(tune_sample_rate(snap), -1);
	snprintf(hint->remedy, sizeof(hint->remedy), "%u Hz", hint->attrs.freq_hz);
	return hint->attrs.freq_hz < tune_sample_rate(snap);
}

static bool allow_regions(const struct snapshot *snap, struct hint *hint)
{
	hint->attrs.max_nr_regions = (uint32_t)tune_step(snap->attrs.max_nr_regions, 1);
	snprintf(hint->remedy, sizeof(hint->remedy), "%u regions", hint->attrs.max_nr_regions);
	return true;
}

static const struct {
	bool (*applies)(const struct snapshot *snap);
	const char *problem;
	bool (*remedy)(const struct snapshot *snap, struct hint *hint); /* NULL: no one value */
} hints[] = {
	{ harvest_loses, "reports are lost, heat is too low: age more often", age_more_often },
	{ samples_lose, "reports are lost, heat is too low: take fewer samples", sample_less },
	{ is_throttled, "the kernel holds the event back: take fewer samples", sample_less },
	{ does_nothing, "the target does nothing: it has used no CPU time", NULL },
	{ sees_nothing, "no access was seen: aggregate longer", aggregate_longer },
	{ has_few_reports, "few reports an aggregation: aggregate longer", aggregate_enough },
	{ is_saturated, "cells are saturated: age more often to tell hot from warm", age_more_often },
	{ is_at_region_limit, "regions are at their limit: allow more", allow_regions },
	{ is_unattributed, "many samples have no certain address: the heat of all places together is too low", NULL },
};

/* The first of the snapshots that have to agree; false: there are not enough. */
static bool first_of(const struct history *history, size_t *first)
{
	const struct snapshot *newest = history_last(history);
	size_t nr = history_nr(history), at = nr;
	uint64_t ns = 0;

	while (at && (nr - at < HINT_NR_SNAPSHOTS || ns < HINT_MIN_NS)) {
		const struct snapshot *snap = history_at(history, --at);

		if (!attrs_equal(&snap->attrs, &newest->attrs))
			return false;
		ns += snap->duration_ns;
	}
	*first = at;
	return nr - at >= HINT_NR_SNAPSHOTS && ns >= HINT_MIN_NS;
}

/* The newest and, where aggregations are short, some of those before it: this is done for each frame. */
static bool agree(const struct history *history, size_t first, bool (*applies)(const struct snapshot *snap))
{
	size_t at = history_nr(history), step = (at - first) / MAX_LOOKED_AT + 1;

	while (at > first) {
		if (!applies(history_at(history, at - 1)))
			return false;
		at -= at - first > step ? step : at - first;
	}
	return true;
}

struct hint hint_of(const struct history *history)
{
	struct hint hint = { .problem = NULL };
	size_t i, first;

	if (!history_nr(history) || !first_of(history, &first))
		return hint;
	for (i = 0; i < sizeof(hints) / sizeof(*hints) && !hint.problem; i++) {
		if (!agree(history, first, hints[i].applies))
			continue;
		hint.problem = hints[i].problem;
		hint.attrs = history_last(history)->attrs;
		hint.has_remedy = hints[i].remedy && hints[i].remedy(history_last(history), &hint) &&
				  !attrs_check(&hint.attrs, NULL);
	}
	return hint;
}
