/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pages that were written, exactly, without privilege: the kernel marks
 * each page at its first write after a "4" to clear_refs (soft-dirty,
 * Documentation/admin-guide/mm/soft-dirty.rst). Each check reads the marks by
 * pagemap (PAGEMAP_SCAN where that knows them) and clears them.
 *
 * What is written between the look and the clear is not seen in either check:
 * a moment, against the aging interval. Where the faults that the marks cost
 * the target would exceed the budget, checks go on without a clear, and a mark
 * stands for a longer time; the note says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/clear_bits.h"
#include "collector/pagemap.h"
#include "collector/sources/sources.h"
#include "collector/text.h"

#define NR_BATCH	   512
#define NR_CALIBRATE_PAGES 256
#define NR_CALIBRATE_TRIES 5
#define UNKNOWN_FAULT_NS   2500 /* as measured in an emulator; a real machine takes less */

struct soft_dirty {
	struct source source;
	const struct target *target;
	const struct clock *clock;
	struct attrs attrs;
	struct pagemap pagemap;
	struct clear_bits clear_refs;
	uint64_t cleared_ns;	      /* when the marks were last cleared */
	bool goes_on;		      /* a check has found marks that were not cleared since */
	uint64_t nr_marked;	      /* pages found marked in this check */
	uint64_t last_marked;	      /* and in the one before */
	uint32_t fault_ns;	      /* what the first write of a page costs the target */
	struct report *batch;	      /* NR_BATCH */
	struct pagemap_range *ranges; /* NR_BATCH */
	struct source_stats stats;
};

static char *map_pages(size_t nr)
{
	char *v = mmap(NULL, nr * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (v == MAP_FAILED)
		return NULL;
	madvise(v, nr * PAGE_BYTES, MADV_NOHUGEPAGE);
	return v;
}

static void write_pages(char *v, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		*(volatile char *)(v + i * PAGE_BYTES) = 1;
}

/* A page of ours that we have just written: is it marked? */
static int probe_own_write(struct err *err)
{
	char *v = map_pages(1);
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;
	ssize_t n = -1;

	if (v && fd >= 0) {
		write_pages(v, 1);
		n = pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)v / PAGE_BYTES * sizeof(entry)));
	}
	if (fd >= 0)
		close(fd);
	if (v)
		munmap(v, PAGE_BYTES);
	if (n != sizeof(entry))
		return err_set(
			err, ENOTSUP,
			"/proc/self/pagemap cannot be read: CONFIG_PROC_PAGE_MONITOR is off, or /proc is restricted");
	if (!(entry & PAGEMAP_ENTRY_SOFT_DIRTY))
		return err_set(err, ENOTSUP,
			       "the kernel does not mark written pages (a write of our own was not marked): it needs "
			       "CONFIG_MEM_SOFT_DIRTY, which Debian's and Ubuntu's kernels have");
	return 0;
}

static int soft_dirty_probe(const struct source_params *params, struct err *err)
{
	struct clear_bits clear_refs = CLEAR_BITS_CLOSED;
	struct pagemap pagemap = PAGEMAP_CLOSED;
	int rc = probe_own_write(err);

	if (!rc && params->target)
		rc = clear_bits_open(&clear_refs, params->target, err);
	if (!rc && params->target)
		rc = pagemap_open(&pagemap, params->target, err);
	clear_bits_close(&clear_refs);
	pagemap_close(&pagemap);
	return rc;
}

static uint64_t time_to_write_ns(const struct clock *clock, char *v)
{
	uint64_t begin = clock_now_ns(clock);

	write_pages(v, NR_CALIBRATE_PAGES);
	return clock_now_ns(clock) - begin;
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/*
 * The first write of a page after a clear takes a fault. Its cost here and now: pages of our own, cleared and written,
 * less the time of writing them once more; the middle one of some tries, since others may have the CPU meanwhile. (This
 * clears the marks of all our own memory.) Where it cannot be measured, a cost that is high: with none the budget would
 * not hold.
 */
static uint32_t calibrate_fault_ns(const struct clock *clock)
{
	uint32_t costs[NR_CALIBRATE_TRIES] = { 0 };
	char *v = map_pages(NR_CALIBRATE_PAGES);
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

	if (v)
		write_pages(v, NR_CALIBRATE_PAGES);
	for (size_t i = 0; v && fd >= 0 && i < NR_CALIBRATE_TRIES && write(fd, "4", 1) == 1; i++) {
		uint64_t first = time_to_write_ns(clock, v), again = time_to_write_ns(clock, v);

		costs[i] = first > again ? (uint32_t)((first - again) / NR_CALIBRATE_PAGES) : 0;
	}
	if (fd >= 0)
		close(fd);
	if (v)
		munmap(v, NR_CALIBRATE_PAGES * PAGE_BYTES);
	qsort(costs, NR_CALIBRATE_TRIES, sizeof(*costs), compare_u32);
	return costs[NR_CALIBRATE_TRIES / 2] ? costs[NR_CALIBRATE_TRIES / 2] : UNKNOWN_FAULT_NS;
}

static void soft_dirty_close(struct source *source)
{
	struct soft_dirty *sd = (struct soft_dirty *)source;

	if (!sd)
		return;
	pagemap_close(&sd->pagemap);
	clear_bits_close(&sd->clear_refs);
	free(sd->batch);
	free(sd->ranges);
	free(sd);
}

static int attach(struct soft_dirty *sd, struct err *err)
{
	int rc;

	pagemap_close(&sd->pagemap);
	clear_bits_close(&sd->clear_refs);
	rc = clear_bits_open(&sd->clear_refs, sd->target, err);
	return rc ? rc : pagemap_open(&sd->pagemap, sd->target, err);
}

static int soft_dirty_open(struct source **source, const struct source_params *params, struct err *err)
{
	struct soft_dirty *sd;
	int rc = probe_own_write(err);

	*source = NULL;
	if (rc)
		return rc;
	sd = calloc(1, sizeof(*sd));
	if (!sd)
		return err_set(err, ENOMEM, "no memory");
	sd->source.ops = &source_soft_dirty;
	sd->target = params->target;
	sd->clock = params->clock;
	sd->attrs = params->attrs;
	sd->pagemap = PAGEMAP_CLOSED;
	sd->clear_refs = CLEAR_BITS_CLOSED;
	sd->batch = calloc(NR_BATCH, sizeof(*sd->batch));
	sd->ranges = calloc(NR_BATCH, sizeof(*sd->ranges));
	rc = sd->batch && sd->ranges ? attach(sd, err) : err_set(err, ENOMEM, "no memory");
	if (rc) {
		soft_dirty_close(&sd->source);
		return rc;
	}
	sd->fault_ns = params->sibling ? ((const struct soft_dirty *)params->sibling)->fault_ns
				       : calibrate_fault_ns(sd->clock);
	*source = &sd->source;
	return 0;
}

/* Clears the marks, unless the budget wants them to stand for longer. */
static int soft_dirty_prepare(struct source *source, struct err *err)
{
	struct soft_dirty *sd = (struct soft_dirty *)source;
	uint64_t now = clock_now_ns(sd->clock);
	int rc;

	if (sd->cleared_ns)
		clear_bits_paid(&sd->clear_refs, sd->cleared_ns, sd->last_marked * sd->fault_ns, sd->attrs.budget_bp);
	if (!clear_bits_is_due(&sd->clear_refs, now))
		return 0;
	rc = clear_bits_write(&sd->clear_refs, CLEAR_BITS_SOFT_DIRTY, err);
	sd->goes_on = false;
	if (!rc)
		sd->cleared_ns = now;
	return rc;
}

static void report_ranges(struct soft_dirty *sd, struct sink *sink, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		const struct pagemap_range *range = &sd->ranges[i];
		uint64_t nr_pages = (range->end - range->start) / PAGE_BYTES;

		sd->batch[i] = (struct report){ .start = range->start,
						.end = range->end,
						.count = nr_pages,
						.valid = REPORT_OP,
						.op = REPORT_WRITE };
		sd->nr_marked += nr_pages;
	}
	sd->stats.reports += nr;
	sd->stats.samples += nr;
	if (nr)
		sink->reports(sink, sd->batch, nr);
}

/*
 * All marked pages of [start, end). A page counts only if there is one: in a mapping that is newer than the last clear
 * every address is marked. Where PAGEMAP_SCAN is missing, pages of such a mapping that were only read are marked too.
 */
static int scan(struct soft_dirty *sd, struct sink *sink, uint64_t start, uint64_t end)
{
	struct pagemap_query query = {
		.start = start, .end = end, .all = PAGEMAP_SOFT_DIRTY, .any = PAGEMAP_PRESENT | PAGEMAP_SWAPPED
	};

	while (query.start < query.end) {
		uint64_t next;
		long nr = pagemap_scan(&sd->pagemap, &query, sd->ranges, NR_BATCH, &next);

		if (nr < 0)
			return (int)nr;
		report_ranges(sd, sink, (size_t)nr);
		if (next <= query.start)
			break;
		query.start = next;
	}
	return 0;
}

/*
 * The kernel's own pages ([vdso] and the like) have no entries that could be asked for; the marks of hugetlb pages are
 * never cleared.
 */
static bool can_be_scanned(const struct mapping *m)
{
	return m->kind != MAPPING_VDSO && !(m->perms & MAPPING_HUGETLB);
}

static int soft_dirty_drain(struct source *source, struct sink *sink, struct err *err)
{
	struct soft_dirty *sd = (struct soft_dirty *)source;
	const struct mappings *maps = sd->target->maps;
	int rc = 0;

	sd->nr_marked = 0;
	for (size_t i = 0; i < maps->nr && !rc;) {
		uint64_t start = maps->v[i].start, end = start;

		for (; i < maps->nr && maps->v[i].start == end && can_be_scanned(&maps->v[i]); i++)
			end = maps->v[i].end;
		if (end == start)
			i++;
		else
			rc = scan(sd, sink, start, end);
	}
	sd->last_marked = sd->nr_marked;
	sd->stats.stretched += sd->goes_on;
	sd->goes_on = true;
	if (rc && rc != -ESRCH)
		return err_set(err, -rc, "reading pagemap: %s", strerror(-rc));
	return rc;
}

static int soft_dirty_set_attrs(struct source *source, const struct attrs *attrs, struct err *err)
{
	(void)err;
	((struct soft_dirty *)source)->attrs = *attrs;
	return 0;
}

static int soft_dirty_target_changed(struct source *source, unsigned changes, struct err *err)
{
	return changes & (TARGET_CHANGED_EXEC | TARGET_CHANGED_STATE) ? attach((struct soft_dirty *)source, err) : 0;
}

static void soft_dirty_stats(struct source *source, struct source_stats *stats)
{
	struct soft_dirty *sd = (struct soft_dirty *)source;
	uint64_t cost_us = sd->last_marked * sd->fault_ns / NSEC_PER_USEC, age_us;
	char cost[TEXT_NUMBER_SIZE], age[TEXT_NUMBER_SIZE];

	age_us = (clock_now_ns(sd->clock) - sd->cleared_ns) / NSEC_PER_USEC;
	*stats = sd->stats;
	stats->cost_ns = sd->fault_ns;
	if (age_us > 2 * sd->attrs.aging_us)
		snprintf(stats->note, sizeof(stats->note),
			 "marks of the last %s: a clear costs the target %s, more than the budget for one aging "
			 "interval",
			 text_duration_us(age, age_us), text_duration_us(cost, cost_us));
	else
		snprintf(stats->note, sizeof(stats->note), "writes only; each check costs the target %s",
			 text_duration_us(cost, cost_us));
}

const struct source_ops source_soft_dirty = {
	.name = "soft_dirty",
	.sees = "pages written, each of them (a huge page counts whole), and no reads; not how often",
	.side_effect =
		"clears the target's soft-dirty marks (checkpointing tools and other monitors use them too); the next "
		"write of each page takes a fault",
	.heat_unit = HEAT_FRACTION,
	.flags = SOURCE_CHECKS | SOURCE_AUTO | SOURCE_WSS_EXACT | SOURCE_NO_HUGETLB,
	.probe = soft_dirty_probe,
	.open = soft_dirty_open,
	.prepare = soft_dirty_prepare,
	.drain = soft_dirty_drain,
	.set_attrs = soft_dirty_set_attrs,
	.target_changed = soft_dirty_target_changed,
	.stats = soft_dirty_stats,
	.close = soft_dirty_close,
};
