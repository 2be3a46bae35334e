/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/sysfs_event.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/sysfs.h"
#include "collector/text.h"

#define MAX_TEXT 512

/* PMU, event and term names: a path must not be made of them. */
static bool is_name(const char *s)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	return *s && strlen(s) < 64 && !s[strspn(s, allowed)];
}

static int read_below(const char *root, const char *pmu, const char *folder, const char *file, char text[MAX_TEXT])
{
	char path[PATH_MAX];
	ssize_t len;

	if (!is_name(pmu) || !is_name(file))
		return -EBADMSG;
	snprintf(path, sizeof(path), SYSFS_PMU_DIR "%s/%s%s", pmu, folder, file);
	len = sysfs_read(root, path, text, MAX_TEXT);
	return len < 0 ? (int)len : 0;
}

/* A number of at most 64 bits, decimal or 0x hexadecimal, up to one of the characters in stop or the end. */
static int parse_number(const char **s, const char *stop, uint64_t *value)
{
	char *end;

	if (**s < '0' || **s > '9')
		return -EBADMSG;
	errno = 0;
	*value = strtoull(*s, &end, 0);
	if (errno || (*end && !strchr(stop, *end)))
		return -EBADMSG;
	*s = end;
	return 0;
}

int sysfs_pmu_type(const char *root, const char *pmu, uint32_t *type)
{
	char text[MAX_TEXT];
	const char *s = text;
	uint64_t value;
	int rc = read_below(root, pmu, "", "type", text);

	if (!rc)
		rc = parse_number(&s, "\n", &value);
	if (rc)
		return rc;
	*type = (uint32_t)value;
	return value <= INT32_MAX ? 0 : -EBADMSG;
}

long sysfs_pmu_number(const char *root, const char *pmu, const char *file, long fallback)
{
	char path[PATH_MAX];
	long value;

	snprintf(path, sizeof(path), SYSFS_PMU_DIR "%s/%s", pmu, file);
	return sysfs_read_long(root, path, &value) ? fallback : value;
}

static __u64 *config_word(const char *name, size_t len, struct perf_event_attr *attr)
{
	if (len == 6 && !strncmp(name, "config", len))
		return &attr->config;
	if (len == 7 && !strncmp(name, "config1", len))
		return &attr->config1;
	if (len == 7 && !strncmp(name, "config2", len))
		return &attr->config2;
	return NULL;
}

/* Moves the low bits of *value to [first, last] of *word; *value keeps the rest. */
static void place(__u64 *word, uint64_t first, uint64_t last, uint64_t *value)
{
	uint64_t width = last - first + 1, mask = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;

	*word = (*word & ~(mask << first)) | (*value & mask) << first;
	*value = width == 64 ? 0 : *value >> width;
}

/* "config1:0-7,32-35": the value's bits go to the named ones from the lowest on. */
int sysfs_format_apply(const char *format, uint64_t value, struct perf_event_attr *attr)
{
	const char *s = strchr(format, ':');
	__u64 *word = s ? config_word(format, (size_t)(s - format), attr) : NULL;
	uint64_t first, last;

	if (!word)
		return -EBADMSG;
	do {
		s++;
		if (parse_number(&s, "-,\n", &first))
			return -EBADMSG;
		last = first;
		if (*s == '-') {
			s++;
			if (parse_number(&s, ",\n", &last))
				return -EBADMSG;
		}
		if (last > 63 || first > last)
			return -EBADMSG;
		place(word, first, last, &value);
	} while (*s == ',');
	return value ? -ERANGE : 0;
}

int sysfs_event_term(const char *root, const char *pmu, const char *term, uint64_t value, struct perf_event_attr *attr)
{
	char text[MAX_TEXT];
	int rc = read_below(root, pmu, "format/", term, text);

	return rc ? rc : sysfs_format_apply(text, value, attr);
}

/* One "term=value" or "term" (1). */
static int apply_term(const char *root, const char *pmu, char *term, struct perf_event_attr *attr)
{
	char *equals = strchr(term, '=');
	const char *s = equals ? equals + 1 : "1";
	uint64_t value;

	if (equals)
		*equals = '\0';
	if (parse_number(&s, "", &value))
		return -EBADMSG;
	return sysfs_event_term(root, pmu, term, value, attr);
}

int sysfs_event_read(const char *root, const char *pmu, const char *event, struct perf_event_attr *attr,
		     struct err *err)
{
	char text[MAX_TEXT], *save = NULL;
	uint32_t type;
	int rc = read_below(root, pmu, "events/", event, text);

	if (!rc)
		rc = sysfs_pmu_type(root, pmu, &type);
	if (rc)
		return err_set(err, -rc, "%s/%s/: %s", pmu, event, strerror(-rc));
	attr->type = type;
	text[strcspn(text, "\n")] = '\0';
	for (char *term = strtok_r(text, ",", &save); term; term = strtok_r(NULL, ",", &save)) {
		rc = apply_term(root, pmu, term, attr);
		if (rc)
			return err_set(err, rc == -ENOENT ? EBADMSG : -rc,
				       "%s/%s/ cannot be read from sysfs: its term %s", pmu, event, term);
	}
	return 0;
}
