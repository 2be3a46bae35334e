/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/damon_filters.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define SCHEMES	  "contexts/0/schemes/"
#define FILE_SIZE 128 /* of a file's name below a kdamond */
#define MAX_U64	  "18446744073709551615"

/* Below the folder of a scheme. */
struct row {
	const char *file, *text;
};

static int write_in(const struct damon_io *io, int kdamond_fd, unsigned scheme, const char *name, const char *text)
{
	char file[FILE_SIZE];

	snprintf(file, sizeof(file), SCHEMES "%u/%s", scheme, name);
	return damon_write(io, kdamond_fd, file, text);
}

static int write_number_in(const struct damon_io *io, int kdamond_fd, unsigned scheme, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return write_in(io, kdamond_fd, scheme, name, text);
}

static int write_rows(const struct damon_io *io, int kdamond_fd, unsigned scheme, const struct row *rows, size_t nr)
{
	int rc = 0;

	for (size_t i = 0; i < nr && !rc; i++)
		rc = write_in(io, kdamond_fd, scheme, rows[i].file, rows[i].text);
	return rc;
}

/* ---- making ---- */

static const char *const types[DAMON_NR_FILTERS][2] = {
	/* type, matching */
	[DAMON_FILTER_ANON] = { "anon", "Y" },
	[DAMON_FILTER_FILE] = { "anon", "N" },
	[DAMON_FILTER_HUGE] = { "hugepage_size", "Y" },
};

/*
 * At rest: no region is of 0 bytes. Where there is a filter for pages, the kernel lets through what no filter for
 * addresses decides about; so that one says what it keeps out: all that does not match.
 */
static int make_scheme(const struct damon_io *io, int kdamond_fd, unsigned scheme, enum damon_filter filter)
{
	const struct row rows[] = {
		{ "action", "stat" },
		{ "access_pattern/sz/min", "0" },
		{ "access_pattern/sz/max", "0" },
		{ "access_pattern/nr_accesses/min", "0" },
		{ "access_pattern/nr_accesses/max", "4294967295" },
		{ "access_pattern/age/min", "0" },
		{ "access_pattern/age/max", "4294967295" },
		{ "core_filters/nr_filters", "1" },
		{ "core_filters/0/type", "addr" },
		{ "core_filters/0/matching", "N" },
		{ "core_filters/0/allow", "N" },
		{ "ops_filters/nr_filters", "1" },
		{ "ops_filters/0/type", types[filter][0] },
		{ "ops_filters/0/matching", types[filter][1] },
		{ "ops_filters/0/allow", "Y" },
	};
	static const struct row sizes[] = {
		{ "ops_filters/0/max", MAX_U64 },
		{ "ops_filters/0/min", "2097152" },
	};
	int rc = write_rows(io, kdamond_fd, scheme, rows, sizeof(rows) / sizeof(rows[0]));

	if (!rc && filter == DAMON_FILTER_HUGE)
		rc = write_rows(io, kdamond_fd, scheme, sizes, 2);
	return rc ? rc : write_number_in(io, kdamond_fd, scheme, "apply_interval_us", DAMON_FILTERS_APPLY_US);
}

static int write_nr_schemes(const struct damon_io *io, int kdamond_fd, unsigned nr)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", nr);
	return damon_write(io, kdamond_fd, SCHEMES "nr_schemes", text);
}

int damon_filters_make(struct damon_filters *filters, const struct damon_io *io, int kdamond_fd, unsigned nr_before)
{
	int rc = write_nr_schemes(io, kdamond_fd, nr_before + DAMON_NR_FILTERS);

	*filters = (struct damon_filters){ .first = nr_before };
	if (rc)
		return rc;
	for (unsigned i = 0; i < DAMON_NR_FILTERS; i++)
		if (make_scheme(io, kdamond_fd, nr_before + i, (enum damon_filter)i) == 0)
			filters->has |= 1U << i;
	return filters->has ? 0 : write_nr_schemes(io, kdamond_fd, nr_before);
}

/* ---- one application ---- */

int damon_filters_arm(const struct damon_filters *filters, const struct damon_io *io, int kdamond_fd,
		      const struct damon_range *range)
{
	int rc = 0;

	for (unsigned i = 0; i < DAMON_NR_FILTERS && !rc; i++) {
		unsigned scheme = filters->first + i;

		if (!(filters->has & 1U << i))
			continue;
		rc = write_number_in(io, kdamond_fd, scheme, "core_filters/0/addr_start", range->start);
		if (!rc)
			rc = write_number_in(io, kdamond_fd, scheme, "core_filters/0/addr_end", range->end);
		if (!rc)
			rc = write_in(io, kdamond_fd, scheme, "access_pattern/sz/max", MAX_U64);
	}
	return rc;
}

int damon_filters_rest(const struct damon_filters *filters, const struct damon_io *io, int kdamond_fd)
{
	int rc = 0;

	for (unsigned i = 0; i < DAMON_NR_FILTERS; i++) {
		int failed = 0;

		if (filters->has & 1U << i)
			failed = write_in(io, kdamond_fd, filters->first + i, "access_pattern/sz/max", "0");
		rc = rc ? rc : failed;
	}
	return rc;
}

static int read_in(const struct damon_io *io, int kdamond_fd, unsigned scheme, size_t region, const char *name,
		   uint64_t *value)
{
	char file[FILE_SIZE];
	int64_t number;
	int rc;

	snprintf(file, sizeof(file), SCHEMES "%u/tried_regions/%zu/%s", scheme, region, name);
	rc = damon_read_number(io, kdamond_fd, file, &number);
	if (!rc && number < 0)
		rc = -EBADMSG;
	*value = rc ? 0 : (uint64_t)number;
	return rc;
}

/*
 * The schemes may have been applied more than once until the last of them was: then each application follows the one
 * before it, and the last one counts. Targets, too, follow each other, but there is only one.
 */
long damon_filters_read(const struct damon_filters *filters, const struct damon_io *io, int kdamond_fd,
			enum damon_filter filter, struct damon_passed *v, size_t max)
{
	unsigned scheme = filters->first + filter;
	struct damon_passed passed;
	size_t nr = 0;
	int rc = 0;

	for (size_t i = 0; !rc; i++) {
		rc = read_in(io, kdamond_fd, scheme, i, "start", &passed.start);
		if (!rc)
			rc = read_in(io, kdamond_fd, scheme, i, "end", &passed.end);
		if (!rc)
			rc = read_in(io, kdamond_fd, scheme, i, "sz_filter_passed", &passed.bytes);
		if (rc)
			break;
		if (passed.start >= passed.end)
			return -EBADMSG;
		if (nr && passed.start < v[nr - 1].end)
			nr = 0;
		if (nr == max)
			return -EFBIG;
		v[nr++] = passed;
	}
	return rc == -ENOENT ? (long)nr : rc;
}
