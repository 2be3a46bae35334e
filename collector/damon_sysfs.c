/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/damon_sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "collector/array.h"

/* Waits between tries double from 1 ms up to this, ... */
#define MAX_PAUSE_MS 64
/* ... and add up to this at most. */
#define MAX_BUSY_MS 1000

#define CONTEXT	   "contexts/0/"
#define MONITORING CONTEXT "monitoring_attrs/"
#define GOAL	   MONITORING "intervals/intervals_goal/"
#define TARGET	   CONTEXT "targets/0/"
#define SCHEME	   CONTEXT "schemes/0/"
#define FILE_SIZE  128 /* of a file's name below a kdamond */

/* ---- files ---- */

static int kernel_write(int dir_fd, const char *file, const char *text)
{
	int fd = openat(dir_fd, file, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;
	int rc;

	if (fd < 0)
		return -errno;
	do
		n = write(fd, text, strlen(text));
	while (n < 0 && errno == EINTR);
	rc = n < 0 ? -errno : 0;
	close(fd);
	return rc;
}

static ssize_t kernel_read(int dir_fd, const char *file, char *buf, size_t size)
{
	int fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do
		n = read(fd, buf, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		n = -errno;
	close(fd);
	return n;
}

static void kernel_pause(unsigned ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

const struct damon_io damon_io_kernel = { kernel_write, kernel_read, kernel_pause };

/* After a try that was refused as busy: waits, and says whether there may be another. */
static bool pause_for(const struct damon_io *io, unsigned *waited_ms)
{
	unsigned ms = *waited_ms + 1;

	if (*waited_ms >= MAX_BUSY_MS)
		return false;
	if (ms > MAX_PAUSE_MS)
		ms = MAX_PAUSE_MS;
	io->pause(ms);
	*waited_ms += ms;
	return true;
}

int damon_write(const struct damon_io *io, int dir_fd, const char *file, const char *text)
{
	unsigned waited_ms = 0;
	int rc;

	do
		rc = io->write(dir_fd, file, text);
	while (rc == -EBUSY && pause_for(io, &waited_ms));
	return rc;
}

ssize_t damon_read(const struct damon_io *io, int dir_fd, const char *file, char *buf, size_t size)
{
	unsigned waited_ms = 0;
	ssize_t n;

	do
		n = io->read(dir_fd, file, buf, size);
	while (n == -EBUSY && pause_for(io, &waited_ms));
	if (n < 0)
		return n;
	if ((size_t)n == size)
		return -EFBIG;
	while (n > 0 && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	return n;
}

/* strtoll() is no help with 2^64 - 1, and locks nothing less than we would. */
static int parse_u64(const char *s, uint64_t *value)
{
	*value = 0;
	if (!*s)
		return -EBADMSG;
	for (; *s; s++)
		if (*s < '0' || *s > '9' || __builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(*s - '0'), value))
			return -EBADMSG;
	return 0;
}

static int read_u64(const struct damon_io *io, int dir_fd, const char *file, uint64_t *value)
{
	char text[32];
	ssize_t n = damon_read(io, dir_fd, file, text, sizeof(text));

	return n < 0 ? (int)n : parse_u64(text, value);
}

int damon_read_number(const struct damon_io *io, int dir_fd, const char *file, int64_t *value)
{
	char text[32];
	ssize_t n = damon_read(io, dir_fd, file, text, sizeof(text));
	bool negative = n > 0 && text[0] == '-';
	uint64_t magnitude;

	if (n < 0)
		return (int)n;
	if (parse_u64(text + negative, &magnitude) || magnitude > INT64_MAX)
		return -EBADMSG;
	*value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
	return 0;
}

int damon_open_kdamonds(const char *root, struct err *err)
{
	char path[PATH_MAX];
	int fd, error;

	snprintf(path, sizeof(path), "%s%s", root ? root : "", DAMON_KDAMONDS);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	error = errno;
	if (fd < 0 && (error == ENOENT || error == ENOTDIR))
		return err_set(err, ENOTSUP,
			       "the kernel has no DAMON (no %s): it needs CONFIG_DAMON_VADDR and CONFIG_DAMON_SYSFS",
			       path);
	if (fd < 0)
		return err_set(err, error, "%s: %s", path, strerror(error));
	if (faccessat(fd, "nr_kdamonds", R_OK | W_OK, AT_EACCESS) == 0)
		return fd;
	error = errno;
	close(fd);
	if (error == EACCES)
		return err_set(err, EACCES, "not permitted to use DAMON (%s): run as root", DAMON_KDAMONDS);
	return err_set(err, error, "%s/nr_kdamonds: %s", path, strerror(error));
}

/* ---- configuration ---- */

static int set(const struct damon_io *io, int kdamond_fd, const char *file, const char *text, struct err *err)
{
	int rc = damon_write(io, kdamond_fd, file, text);

	if (rc == -ENOENT || rc == -ENODEV)
		return err_set(err, -rc,
			       "DAMON has no file %s: another program has just taken it over, or the kernel is too old",
			       file);
	return rc ? err_set(err, -rc, "DAMON refuses %s = %s: %s", file, text, strerror(-rc)) : 0;
}

static int set_number(const struct damon_io *io, int kdamond_fd, const char *file, uint64_t value, struct err *err)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return set(io, kdamond_fd, file, text, err);
}

/*
 * The kernel's own tuning. Its limits are those that its documentation recommends, wide enough for the intervals it
 * begins with: it refuses those outside.
 */
static int write_goal(const struct damon_io *io, int kdamond_fd, const struct attrs *attrs, struct err *err)
{
	const uint64_t min_us = 5000, max_us = 10000000;
	const struct {
		const char *file;
		uint64_t value;
	} rows[] = {
		{ GOAL "access_bp", attrs->access_bp },
		{ GOAL "min_sample_us", attrs->aging_us < min_us ? attrs->aging_us : min_us },
		{ GOAL "max_sample_us", attrs->aging_us > max_us ? attrs->aging_us : max_us },
		{ GOAL "aggrs", DAMON_GOAL_AGGRS },
	};
	uint64_t aggrs;
	int rc = read_u64(io, kdamond_fd, GOAL "aggrs", &aggrs);

	if (rc == -ENOENT && attrs->access_bp)
		return err_set(err, ENOTSUP, "the kernel's DAMON does not tune its intervals: it has no %s",
			       MONITORING "intervals/intervals_goal");
	if (rc == -ENOENT || (!rc && !aggrs && !attrs->access_bp))
		return 0;
	if (!attrs->access_bp)
		return set_number(io, kdamond_fd, GOAL "aggrs", 0, err);
	rc = 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && !rc; i++)
		rc = set_number(io, kdamond_fd, rows[i].file, rows[i].value, err);
	return rc;
}

int damon_write_attrs(const struct damon_io *io, int kdamond_fd, const struct attrs *attrs, struct err *err)
{
	const struct {
		const char *file;
		uint64_t value;
	} rows[] = {
		{ MONITORING "intervals/sample_us", attrs->aging_us },
		{ MONITORING "intervals/aggr_us", attrs->aggregation_us },
		{ MONITORING "intervals/update_us", attrs->update_us },
		{ MONITORING "nr_regions/min", attrs->min_nr_regions },
		{ MONITORING "nr_regions/max", attrs->max_nr_regions },
	};
	int rc = write_goal(io, kdamond_fd, attrs, err);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && !rc; i++)
		rc = set_number(io, kdamond_fd, rows[i].file, rows[i].value, err);
	return rc;
}

int damon_read_attrs(const struct damon_io *io, int kdamond_fd, struct attrs *attrs)
{
	uint64_t min = 0, max = 0;
	int rc = read_u64(io, kdamond_fd, MONITORING "intervals/sample_us", &attrs->aging_us);

	if (!rc)
		rc = read_u64(io, kdamond_fd, MONITORING "intervals/aggr_us", &attrs->aggregation_us);
	if (!rc)
		rc = read_u64(io, kdamond_fd, MONITORING "intervals/update_us", &attrs->update_us);
	if (!rc)
		rc = read_u64(io, kdamond_fd, MONITORING "nr_regions/min", &min);
	if (!rc)
		rc = read_u64(io, kdamond_fd, MONITORING "nr_regions/max", &max);
	if (rc)
		return rc;
	attrs->min_nr_regions = min < UINT32_MAX ? (uint32_t)min : UINT32_MAX;
	attrs->max_nr_regions = max < UINT32_MAX ? (uint32_t)max : UINT32_MAX;
	return attrs->aging_us && attrs->aggregation_us >= attrs->aging_us ? 0 : -EBADMSG;
}

int damon_write_ranges(const struct damon_io *io, int kdamond_fd, const struct damon_range *v, size_t nr,
		       struct err *err)
{
	char file[FILE_SIZE];
	int rc = set_number(io, kdamond_fd, TARGET "regions/nr_regions", nr, err);

	for (size_t i = 0; i < nr && !rc; i++) {
		snprintf(file, sizeof(file), TARGET "regions/%zu/start", i);
		rc = set_number(io, kdamond_fd, file, v[i].start, err);
		snprintf(file, sizeof(file), TARGET "regions/%zu/end", i);
		if (!rc)
			rc = set_number(io, kdamond_fd, file, v[i].end, err);
	}
	return rc;
}

/* Everything matches: the scheme is there to be asked for the regions it has tried. */
int damon_write_scheme(const struct damon_io *io, int kdamond_fd, struct err *err)
{
	static const struct {
		const char *file, *text;
	} rows[] = {
		{ SCHEME "action", "stat" },
		{ SCHEME "access_pattern/sz/min", "0" },
		{ SCHEME "access_pattern/sz/max", "18446744073709551615" },
		{ SCHEME "access_pattern/nr_accesses/min", "0" },
		{ SCHEME "access_pattern/nr_accesses/max", "4294967295" },
		{ SCHEME "access_pattern/age/min", "0" },
		{ SCHEME "access_pattern/age/max", "4294967295" },
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && !rc; i++)
		rc = set(io, kdamond_fd, rows[i].file, rows[i].text, err);
	return rc;
}

/* The word among the lines of text? */
static bool has_line(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		if (strncmp(text, word, len) == 0 && (text[len] == '\n' || !text[len]))
			return true;
	return false;
}

int damon_write_operations(const struct damon_io *io, int kdamond_fd, const char *operations, struct err *err)
{
	char have[256];

	/* Kernels before 6.0 have no such file. */
	if (damon_read(io, kdamond_fd, CONTEXT "avail_operations", have, sizeof(have)) >= 0 &&
	    !has_line(have, operations))
		return err_set(err, ENOTSUP, "the kernel's DAMON has no operations \"%s\"", operations);
	return set(io, kdamond_fd, CONTEXT "operations", operations, err);
}

int damon_configure(const struct damon_io *io, int kdamond_fd, const struct damon_config *config, struct err *err)
{
	int rc = set(io, kdamond_fd, "contexts/nr_contexts", "1", err);

	if (!rc)
		rc = damon_write_operations(io, kdamond_fd, config->operations, err);
	if (!rc)
		rc = damon_write_attrs(io, kdamond_fd, &config->attrs, err);
	if (!rc)
		rc = set(io, kdamond_fd, CONTEXT "targets/nr_targets", "1", err);
	if (!rc && config->pid)
		rc = set_number(io, kdamond_fd, TARGET "pid_target", (uint64_t)config->pid, err);
	if (!rc && config->nr_ranges)
		rc = damon_write_ranges(io, kdamond_fd, config->ranges, config->nr_ranges, err);
	if (!rc && config->with_scheme)
		rc = set(io, kdamond_fd, CONTEXT "schemes/nr_schemes", "1", err);
	return rc || !config->with_scheme ? rc : damon_write_scheme(io, kdamond_fd, err);
}

/* ---- regions ---- */

int damon_regions_add(struct damon_regions *regions, const struct region_report *region)
{
	struct region_report *v = array_grow(regions->v, &regions->room, regions->nr + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	regions->v = v;
	v[regions->nr++] = *region;
	return 0;
}

void damon_regions_free(struct damon_regions *regions)
{
	free(regions->v);
	*regions = (struct damon_regions){ 0 };
}

size_t damon_ranges_of(const struct region_report *v, size_t nr, struct damon_range ranges[DAMON_MAX_RANGES])
{
	size_t used = 0;

	for (size_t i = 0; i < nr; i++) {
		if (used && (ranges[used - 1].end == v[i].start || used == DAMON_MAX_RANGES))
			ranges[used - 1].end = v[i].end;
		else
			ranges[used++] = (struct damon_range){ v[i].start, v[i].end };
	}
	return used;
}

static int read_tried_region(const struct damon_io *io, int tried_fd, size_t i, struct region_report *region)
{
	uint64_t start, end, nr_accesses, age;
	const struct {
		const char *name;
		uint64_t *value;
	} rows[] = { { "start", &start }, { "end", &end }, { "nr_accesses", &nr_accesses }, { "age", &age } };
	char file[FILE_SIZE];

	for (size_t f = 0; f < sizeof(rows) / sizeof(rows[0]); f++) {
		int rc;

		snprintf(file, sizeof(file), "%zu/%s", i, rows[f].name);
		rc = read_u64(io, tried_fd, file, rows[f].value);
		if (rc)
			return rc;
	}
	if (start >= end || nr_accesses > UINT32_MAX || age > UINT32_MAX)
		return -EBADMSG;
	*region = (struct region_report){
		.start = start, .end = end, .nr_accesses = (uint32_t)nr_accesses, .age = (uint32_t)age
	};
	return 0;
}

int damon_read_tried(const struct damon_io *io, int kdamond_fd, struct damon_regions *regions)
{
	int fd = openat(kdamond_fd, SCHEME "tried_regions", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	struct region_report region;

	regions->nr = 0;
	if (fd < 0)
		return -errno;
	for (size_t i = 0; !rc; i++) {
		rc = read_tried_region(io, fd, i, &region);
		if (!rc && regions->nr && region.start < regions->v[regions->nr - 1].end)
			rc = -EBADMSG;
		if (!rc)
			rc = damon_regions_add(regions, &region);
	}
	close(fd);
	return rc == -ENOENT ? 0 : rc;
}

/* ---- state ---- */

int damon_is_on(const struct damon_io *io, int kdamond_fd)
{
	char state[64];
	ssize_t n = damon_read(io, kdamond_fd, "state", state, sizeof(state));

	return n < 0 ? (int)n : strcmp(state, "off") != 0;
}

pid_t damon_kdamond_pid(const struct damon_io *io, int kdamond_fd)
{
	int64_t pid;
	int rc = damon_read_number(io, kdamond_fd, "pid", &pid);

	if (rc)
		return rc;
	return pid > 0 && pid <= INT_MAX ? (pid_t)pid : -ESRCH;
}

/* ---- ownership ---- */

struct damon_identity damon_identity_of(int fd)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return (struct damon_identity){ 0 };
	return (struct damon_identity){ st.st_dev, st.st_ino };
}

/* The kdamond that we have made, or -ESTALE: it is another's now. */
static int open_ours(const struct damon_io *io, int kdamonds_fd, const struct damon_identity *identity, pid_t pid)
{
	int fd = openat(kdamonds_fd, "0", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct damon_identity found = damon_identity_of(fd);
	int64_t target;
	int rc;

	if (fd < 0)
		return -ESTALE;
	/* Before it is configured it has no target at all. */
	rc = damon_read_number(io, fd, TARGET "pid_target", &target);
	if (found.ino == identity->ino && found.dev == identity->dev &&
	    (rc == -ENOENT || (rc == 0 && (target == pid || target == 0))))
		return fd;
	close(fd);
	return -ESTALE;
}

bool damon_is_ours(const struct damon_io *io, int kdamonds_fd, const struct damon_identity *identity, pid_t pid)
{
	int fd = open_ours(io, kdamonds_fd, identity, pid);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

int damon_turn_off(const struct damon_io *io, int kdamonds_fd, const struct damon_identity *identity, pid_t pid)
{
	int fd = open_ours(io, kdamonds_fd, identity, pid), rc;

	if (fd < 0)
		return 0;
	rc = damon_write(io, fd, "state", "off");
	/* EPERM, EINVAL: it is off already. */
	if (rc && damon_is_on(io, fd) == 0)
		rc = 0;
	close(fd);
	return rc;
}

int damon_remove(const struct damon_io *io, int kdamonds_fd, const struct damon_identity *identity, pid_t pid)
{
	int64_t nr;

	if (!damon_is_ours(io, kdamonds_fd, identity, pid) || damon_read_number(io, kdamonds_fd, "nr_kdamonds", &nr) ||
	    nr != 1)
		return 0;
	return damon_write(io, kdamonds_fd, "nr_kdamonds", "0");
}
