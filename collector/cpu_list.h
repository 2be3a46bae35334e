/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpu_list.h - the kernel's lists of CPUs, "0-3,8", read from sysfs.
 *
 * Plain values, freed by the caller with free(). Any thread.
 */
#ifndef COLLECTOR_CPU_LIST_H
#define COLLECTOR_CPU_LIST_H

#include <stddef.h>

#include "collector/err.h"

/* Above any kernel's NR_CPUS: a limit for hostile text. */
#define CPU_LIST_MAX 65536

/*
 * Parses a list such as "0-3,8\n" into rising CPU numbers. 0 and *cpus (the caller frees), *nr >= 1; -EBADMSG: not such
 * a list, or not rising; -ENOMEM. Pure.
 */
int cpu_list_parse(const char *text, int **cpus, size_t *nr, struct err *err);

/* The CPUs that are online, from sysfs below root. As above; where sysfs cannot be read, 0 to sysconf(3)'s count. */
int cpu_list_online(const char *root, int **cpus, size_t *nr, struct err *err);

/* The list in file below root, e.g. a PMU's "cpus" or "cpumask". As above, -ENOENT: no such file. */
int cpu_list_read(const char *root, const char *file, int **cpus, size_t *nr, struct err *err);

#endif
