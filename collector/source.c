/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "collector/sources/sources.h"

/*
 * One a line: a new source is a new line, at its place in the order of preference. source_replay is none of them: it
 * plays what others have seen, and -r FILE alone leads to it.
 */
const struct source_ops *const source_table[] = {
	/* clang-format off */
	&source_perf,
	&source_mglru,
	&source_clear_refs,
	&source_damon,
	&source_clock_referenced,
	&source_clock,
	&source_soft_dirty,
	&source_referenced,
	&source_damon_paddr,
	&source_demo,
	NULL,
	/* clang-format on */
};

int source_check_children(const struct source_ops *ops, struct err *err)
{
	if (!(ops->flags & (SOURCE_REGIONS | SOURCE_NO_TARGET)))
		return 0;
	return err_set(
		err, ENOTSUP,
		"%s does not watch children: it has one target; clock, perf, referenced, soft_dirty, clear_refs and "
		"mglru do (--source)",
		ops->name);
}

const struct source_ops *source_find(const char *name)
{
	for (size_t i = 0; source_table[i]; i++)
		if (strcmp(source_table[i]->name, name) == 0)
			return source_table[i];
	return NULL;
}

/* Is it one of two sources in one? */
static bool is_part(const struct source_ops *ops, const struct source_ops *both)
{
	return both->regions_from &&
	       (!strcmp(ops->name, both->regions_from) || !strcmp(ops->name, both->mappings_from));
}

int source_check_pair(const struct source_ops *a, const struct source_ops *b, struct err *err)
{
	const struct source_ops *own = a->flags & SOURCE_NO_TARGET ? a : b, *both = a->regions_from ? a : b;

	if (a == b)
		return err_set(err, EINVAL, "%s twice shows nothing that it does not show once", a->name);
	if (own->flags & SOURCE_NO_TARGET)
		return err_set(err, EINVAL, "%s brings its own target: no other source can watch that", own->name);
	if (is_part(a, b) || is_part(b, a))
		return err_set(err, EINVAL, "%s is two sources in one: for both side by side, -s %s,%s", both->name,
			       both->regions_from, both->mappings_from);
	if (a->flags & b->flags & SOURCE_CLEARS)
		return err_set(err, EINVAL,
			       "%s and %s both clear the access bits of the target's pages: each would see only what "
			       "the other has left; perf, clock and soft_dirty go with either",
			       a->name, b->name);
	return 0;
}

int source_parse_list(const char *text, const struct source_ops *list[SOURCE_MAX_AT_ONCE + 1], struct err *err)
{
	size_t nr = 0;

	do {
		char name[64];
		int len = (int)strcspn(text, ",");

		if (nr == SOURCE_MAX_AT_ONCE)
			return err_set(err, EINVAL, "two sources can be watched side by side, not more");
		snprintf(name, sizeof(name), "%.*s", len, text);
		list[nr] = source_find(name);
		if (strcmp(name, source_replay.name) == 0)
			return err_set(err, EINVAL, "a recording is played by -r FILE, without -s");
		if (!list[nr++])
			return err_set(err, EINVAL, "there is no source \"%s\"; \"damontop --sources\" lists them",
				       name);
		text += len;
	} while (*text++ == ',');
	list[nr] = NULL;
	return nr > 1 ? source_check_pair(list[0], list[1], err) : 0;
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

		if (!(ops->flags & SOURCE_AUTO) || (params->range_end && !source_takes_range(ops)) ||
		    (params->children && source_check_children(ops, NULL)))
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
