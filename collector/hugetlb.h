/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hugetlb.h - which mappings are of hugetlbfs, by the device number that /proc/PID/maps has.
 *
 * No walker that tests access bits or soft-dirty marks for us looks at their pages (only DAMON does), so what is not
 * told of them is unknown. Name and size do not say what they are: anonymous ones, memfds and SysV segments are files
 * of mounts that the kernel makes for itself, one for each size. Collector thread; plain data, nothing to free.
 */
#ifndef COLLECTOR_HUGETLB_H
#define COLLECTOR_HUGETLB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HUGETLB_MAX_DEVICES 32

struct hugetlb_devices {
	dev_t v[HUGETLB_MAX_DEVICES];
	size_t nr;
};

/*
 * The devices of the kernel's own mounts, found by an empty file on each that is closed again, and of those that are
 * mounted where proc_fd, a directory of /proc, sees them (mountinfo). What cannot be found out is left out.
 */
void hugetlb_find(struct hugetlb_devices *devices, int proc_fd);
/* Adds those of a mountinfo file's text (proc(5)); lines that are not of its form are passed over. */
void hugetlb_add_mounts(struct hugetlb_devices *devices, const char *mountinfo);
/* NULL knows none. */
bool hugetlb_has(const struct hugetlb_devices *devices, dev_t device);

#endif
