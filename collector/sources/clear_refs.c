/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ages just the target, by writing 1 to its clear_refs: the kernel tests and clears the access bit of every present
 * page of it, locked and huge ones included, and leaves soft-dirty alone. Needs no MGLRU.
 */
#include "collector/clear_bits.h"
#include "collector/sources/harvest.h"
#include "collector/sources/sources.h"

static int clear_refs_ager_probe(const struct source_params *params, struct err *err)
{
	struct clear_bits bits = CLEAR_BITS_CLOSED;
	int rc = params->target ? clear_bits_open(&bits, params->target, err) : 0;

	clear_bits_close(&bits);
	return rc;
}

static int clear_refs_ager_open(void *state, const struct source_params *params, struct err *err)
{
	return clear_bits_open(state, params->target, err);
}

static int clear_refs_age(void *state, struct harvest *harvest, char *note, struct err *err)
{
	(void)harvest;
	(void)note;
	return clear_bits_write(state, CLEAR_BITS_ACCESSED, err);
}

static void clear_refs_ager_close(void *state)
{
	clear_bits_close(state);
}

const struct ager ager_clear_refs = {
	.sz_state = sizeof(struct clear_bits),
	.probe = clear_refs_ager_probe,
	.open = clear_refs_ager_open,
	.age = clear_refs_age,
	.close = clear_refs_ager_close,
};

static int clear_refs_probe(const struct source_params *params, struct err *err)
{
	return harvest_probe(params, &ager_clear_refs, err);
}

static void clear_refs_permits(const struct source_params *params, char *dst, size_t size)
{
	harvest_permits(params, &ager_clear_refs, dst, size);
}

static int clear_refs_open(struct source **source, const struct source_params *params, struct err *err)
{
	return harvest_source_open(source, &source_clear_refs, &ager_clear_refs, params, NULL, err);
}

const struct source_ops source_clear_refs = {
	.name = "clear_refs",
	.sees = "every page touched since the last harvest, by 4 KiB, with node, anon/file, huge",
	.side_effect =
		"clears the target's access bits: reclaim takes its memory for colder than it is, and two that clear "
		"them take them from each other",
	.heat_unit = HEAT_FRACTION,
	.flags = SOURCE_AUTO | SOURCE_CHECKS | SOURCE_WSS_EXACT | SOURCE_CLEARS | SOURCE_NO_HUGETLB,
	.probe = clear_refs_probe,
	.permits = clear_refs_permits,
	.open = clear_refs_open,
	.drain = harvest_source_drain,
	.stats = harvest_source_stats,
	.close = harvest_source_close,
};
