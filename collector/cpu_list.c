/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/cpu_list.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/sysfs.h"

/* A decimal number below CPU_LIST_MAX at *s; moves *s behind it. */
static bool parse_cpu(const char **s, int *cpu)
{
	int value = 0;

	if (**s < '0' || **s > '9')
		return false;
	for (; **s >= '0' && **s <= '9'; (*s)++) {
		value = value * 10 + (**s - '0');
		if (value >= CPU_LIST_MAX)
			return false;
	}
	*cpu = value;
	return true;
}

/* One "a" or "a-b" at *s. */
static bool parse_range(const char **s, int *first, int *last)
{
	if (!parse_cpu(s, first))
		return false;
	*last = *first;
	if (**s != '-')
		return true;
	(*s)++;
	return parse_cpu(s, last) && *last >= *first;
}

int cpu_list_parse(const char *text, int **cpus, size_t *nr, struct err *err)
{
	int *v = malloc(CPU_LIST_MAX * sizeof(*v));
	int first, last, next = 0;
	size_t n = 0;

	if (!v)
		return err_set(err, ENOMEM, "no memory for a list of CPUs");
	for (const char *s = text;; s++) {
		if (!parse_range(&s, &first, &last) || first < next || (*s != ',' && *s != '\n' && *s)) {
			free(v);
			return err_set(err, EBADMSG, "not a list of CPUs: \"%.60s\"", text);
		}
		for (int cpu = first; cpu <= last; cpu++)
			v[n++] = cpu;
		next = last + 1;
		if (*s != ',')
			break;
	}
	*cpus = realloc(v, n * sizeof(*v));
	*nr = n;
	return 0;
}

int cpu_list_read(const char *root, const char *file, int **cpus, size_t *nr, struct err *err)
{
	char text[4096];
	ssize_t len = sysfs_read(root, file, text, sizeof(text));

	if (len < 0)
		return err_set(err, (int)-len, "cannot read %s: %s", file, strerror((int)-len));
	return cpu_list_parse(text, cpus, nr, err);
}

int cpu_list_online(const char *root, int **cpus, size_t *nr, struct err *err)
{
	long count;
	int *v;

	if (!cpu_list_read(root, "/sys/devices/system/cpu/online", cpus, nr, NULL))
		return 0;
	count = sysconf(_SC_NPROCESSORS_ONLN);
	v = calloc(count > 0 ? (size_t)count : 1, sizeof(*v));
	if (!v)
		return err_set(err, ENOMEM, "no memory for a list of CPUs");
	for (long i = 0; i < count; i++)
		v[i] = (int)i;
	*cpus = v;
	*nr = count > 0 ? (size_t)count : 1;
	return 0;
}
