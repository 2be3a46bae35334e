/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/pagemap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/param.h>
#include <unistd.h>

#include "collector/report.h"

/* struct pm_scan_arg of include/uapi/linux/fs.h since Linux 6.7, under a name that no header can collide with. */
struct scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define SCAN_IOCTL _IOWR('f', 16, struct scan_arg)

/* What the entries themselves tell. */
#define ENTRY_CATEGORIES (PAGEMAP_FILE | PAGEMAP_PRESENT | PAGEMAP_SWAPPED | PAGEMAP_SOFT_DIRTY)

static long scan_once(int fd, const struct pagemap_query *query, struct pagemap_range *v, size_t max, uint64_t *next)
{
	struct scan_arg arg = {
		.size = sizeof(arg),
		.start = query->start,
		.end = query->end,
		.vec = (uintptr_t)v,
		.vec_len = max,
		.category_mask = query->all,
		.category_anyof_mask = query->any,
		.return_mask = query->tell,
	};
	int nr = ioctl(fd, SCAN_IOCTL, &arg);

	if (nr < 0)
		return -errno;
	*next = arg.walk_end;
	return nr;
}

/* The kernel refuses a mask with a bit that it does not know: ask for an empty range with each. */
static uint32_t find_scannable(int fd)
{
	const uint32_t categories[] = { PAGEMAP_FILE, PAGEMAP_PRESENT, PAGEMAP_SWAPPED, PAGEMAP_HUGE,
					PAGEMAP_SOFT_DIRTY };
	uint32_t known = 0;

	for (size_t i = 0; i < sizeof(categories) / sizeof(categories[0]); i++) {
		struct pagemap_query query = {
			.start = 0, .end = PAGE_BYTES, .all = categories[i], .tell = categories[i]
		};
		struct pagemap_range range;
		uint64_t next;

		if (scan_once(fd, &query, &range, 1, &next) >= 0)
			known |= categories[i];
	}
	return known;
}

int pagemap_open(struct pagemap *pm, const struct target *target, struct err *err)
{
	int fd = target_open_file(target, "pagemap", O_RDONLY);

	*pm = PAGEMAP_CLOSED;
	if (fd >= 0) {
		pm->fd = fd;
		pm->scannable = find_scannable(fd);
		return 0;
	}
	if (fd == -EACCES || fd == -EPERM)
		return err_set(err, -fd,
			       "the pagemap of process %d may not be read (%s): run as its owner, or with "
			       "CAP_SYS_PTRACE",
			       target->pid, strerror(-fd));
	if (fd == -ENOENT)
		return err_set(err, ENOENT,
			       "there is no pagemap: the kernel is built without CONFIG_PROC_PAGE_MONITOR");
	return err_set(err, -fd, "opening the pagemap of process %d: %s", target->pid, strerror(-fd));
}

void pagemap_close(struct pagemap *pm)
{
	if (pm->fd >= 0)
		close(pm->fd);
	*pm = PAGEMAP_CLOSED;
}

bool pagemap_can_tell(const struct pagemap *pm, uint32_t categories)
{
	return pm->fd >= 0 && (!(categories & ~(uint32_t)ENTRY_CATEGORIES) || !(categories & ~pm->scannable));
}

long pagemap_read(const struct pagemap *pm, uint64_t start, uint64_t *entries, size_t nr)
{
	ssize_t len = pread(pm->fd, entries, nr * sizeof(*entries), (off_t)(start / PAGE_BYTES * sizeof(*entries)));

	return len < 0 ? -errno : len / (ssize_t)sizeof(*entries);
}

static uint32_t categories_of(uint64_t entry)
{
	uint32_t categories = 0;

	if (entry & PAGEMAP_ENTRY_FILE)
		categories |= PAGEMAP_FILE;
	if (entry & PAGEMAP_ENTRY_PRESENT)
		categories |= PAGEMAP_PRESENT;
	if (entry & PAGEMAP_ENTRY_SWAPPED)
		categories |= PAGEMAP_SWAPPED;
	if (entry & PAGEMAP_ENTRY_SOFT_DIRTY)
		categories |= PAGEMAP_SOFT_DIRTY;
	return categories;
}

static bool wanted(const struct pagemap_query *query, uint32_t categories)
{
	return (categories & query->all) == query->all && (!query->any || (categories & query->any));
}

/* Ranges being collected from single pages. */
struct ranges_out {
	struct pagemap_range *v;
	size_t nr, max;
};

/* False: no room for it. */
static bool add_page(struct ranges_out *out, uint64_t start, uint32_t categories)
{
	struct pagemap_range *last = out->nr ? &out->v[out->nr - 1] : NULL;

	if (last && last->end == start && last->categories == categories) {
		last->end += PAGE_BYTES;
		return true;
	}
	if (out->nr == out->max)
		return false;
	out->v[out->nr++] = (struct pagemap_range){ start, start + PAGE_BYTES, categories };
	return true;
}

static long scan_entries(const struct pagemap *pm, const struct pagemap_query *query, struct pagemap_range *v,
			 size_t max, uint64_t *next)
{
	struct ranges_out out = { .v = v, .max = max };
	uint64_t entries[512];
	uint64_t at = query->start;

	while (at < query->end) {
		size_t nr = MIN(sizeof(entries) / sizeof(entries[0]), (query->end - at) / PAGE_BYTES);
		long got = pagemap_read(pm, at, entries, nr);

		if (got <= 0) {
			*next = query->end;
			return got < 0 ? got : (long)out.nr;
		}
		for (long i = 0; i < got; i++, at += PAGE_BYTES) {
			uint32_t categories = categories_of(entries[i]);

			if (wanted(query, categories) && !add_page(&out, at, categories & query->tell)) {
				*next = at;
				return (long)out.nr;
			}
		}
	}
	*next = query->end;
	return (long)out.nr;
}

/* The query is copied: callers like to have next written to its start. */
long pagemap_scan(const struct pagemap *pm, const struct pagemap_query *query, struct pagemap_range *v, size_t max,
		  uint64_t *next)
{
	const struct pagemap_query q = *query;
	uint32_t asked = q.all | q.any | q.tell;

	*next = q.end;
	if (!pagemap_can_tell(pm, asked))
		return -EOPNOTSUPP;
	if (q.start >= q.end || !max)
		return 0;
	if (!(asked & ~pm->scannable))
		return scan_once(pm->fd, &q, v, max, next);
	return scan_entries(pm, &q, v, max, next);
}
