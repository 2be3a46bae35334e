/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/attrs.h"

#include <errno.h>
#include <stddef.h>

#include "collector/text.h"

#define MIN_NR_REGIONS 3 /* as damon_set_attrs() */
#define MAX_FREQ_HZ    1000000
#define MAX_BUDGET_BP  10000
#define MAX_ACCESS_BP  10000

struct attrs attrs_default(void)
{
	return (struct attrs){
		.aging_us = 200000,
		.aggregation_us = 1000000,
		.update_us = 1000000,
		.min_nr_regions = 10,
		.max_nr_regions = 1000,
		.budget_bp = 100,
		.policy = REGION_POLICY_DATA,
	};
}

static int check_interval(const char *name, uint64_t us, struct err *err)
{
	char text[TEXT_NUMBER_SIZE];

	if (us >= ATTRS_MIN_INTERVAL_US && us <= ATTRS_MAX_INTERVAL_US)
		return 0;
	return err_set(err, EINVAL, "%s interval %s is out of bounds: give 1ms to 24h", name,
		       text_duration_us(text, us));
}

int attrs_check(const struct attrs *attrs, struct err *err)
{
	const struct {
		const char *name;
		uint64_t us;
	} intervals[] = {
		{ "aging", attrs->aging_us },
		{ "aggregation", attrs->aggregation_us },
		{ "update", attrs->update_us },
	};

	for (size_t i = 0; i < sizeof(intervals) / sizeof(intervals[0]); i++) {
		int rc = check_interval(intervals[i].name, intervals[i].us, err);

		if (rc)
			return rc;
	}
	if (attrs->aging_us > attrs->aggregation_us)
		return err_set(err, EINVAL,
			       "aging interval is longer than aggregation: shorten aging, or lengthen aggregation");
	if (attrs->min_nr_regions < MIN_NR_REGIONS)
		return err_set(err, EINVAL, "min regions is %u: give at least %d", attrs->min_nr_regions,
			       MIN_NR_REGIONS);
	if (attrs->max_nr_regions < attrs->min_nr_regions)
		return err_set(err, EINVAL, "max regions %u is below min regions %u", attrs->max_nr_regions,
			       attrs->min_nr_regions);
	if (attrs->max_nr_regions > ATTRS_MAX_NR_REGIONS)
		return err_set(err, EINVAL, "max regions is %u: give at most %d", attrs->max_nr_regions,
			       ATTRS_MAX_NR_REGIONS);
	if (attrs->freq_hz > MAX_FREQ_HZ)
		return err_set(err, EINVAL, "frequency %u Hz is out of bounds: give at most %d", attrs->freq_hz,
			       MAX_FREQ_HZ);
	if (attrs->budget_bp < 1 || attrs->budget_bp > MAX_BUDGET_BP)
		return err_set(err, EINVAL, "budget is out of bounds: give 0.01%% to 100%%");
	if (attrs->access_bp > MAX_ACCESS_BP)
		return err_set(err, EINVAL, "share of accesses to tune for is out of bounds: give at most 100%%");
	return 0;
}

bool attrs_equal(const struct attrs *a, const struct attrs *b)
{
	bool tuned = a->access_bp && b->access_bp; /* then the intervals are the kernel's affair */

	return (tuned || (a->aging_us == b->aging_us && a->aggregation_us == b->aggregation_us)) &&
	       a->access_bp == b->access_bp && a->update_us == b->update_us && a->min_nr_regions == b->min_nr_regions &&
	       a->max_nr_regions == b->max_nr_regions && a->freq_hz == b->freq_hz && a->period == b->period &&
	       a->budget_bp == b->budget_bp && a->policy == b->policy;
}
