/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "collector/sources/sources.h"

/* One a line: a new source is a new line, at its place in the order of preference. */
const struct source_ops *const source_table[] = {
	/* clang-format off */
	&source_perf,
	&source_mglru,
	&source_clear_refs,
	&source_damon,
	&source_clock,
	&source_clock_referenced,
	&source_soft_dirty,
	&source_referenced,
	&source_damon_paddr,
	&source_replay,
	&source_demo,
	NULL,
	/* clang-format on */
};

const struct source_ops *source_find(const char *name)
{
	for (size_t i = 0; source_table[i]; i++)
		if (strcmp(source_table[i]->name, name) == 0)
			return source_table[i];
	return NULL;
}

/* Appends "name: reason" to why, as far as there is room. */
static void add_reason(char *why, size_t sz_why, const char *name, const char *reason)
{
	size_t used = why ? strlen(why) : 0;

	if (used + 1 < sz_why)
		snprintf(why + used, sz_why - used, "%s%s: %s", used ? "; " : "", name, reason);
}

bool source_takes_range(const struct source_ops *ops)
{
	return (ops->flags & SOURCE_RANGE) || !(ops->flags & SOURCE_REGIONS);
}

const struct source_ops *source_choose(const struct source_params *params, char *why, size_t sz_why, struct err *err)
{
	if (why && sz_why)
		why[0] = '\0';
	for (size_t i = 0; source_table[i]; i++) {
		const struct source_ops *ops = source_table[i];
		struct err reason = ERR_NONE;

		if (!(ops->flags & SOURCE_AUTO) || (params->range_end && !source_takes_range(ops)))
			continue;
		if (ops->probe(params, &reason) == 0)
			return ops;
		add_reason(why, sz_why, ops->name, reason.text);
	}
	err_set(err, ENOTSUP,
		"no source can watch this process here: \"damontop --sources\" says why for each, and what "
		"would help");
	return NULL;
}
