/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening one event: as this kernel wants it, with all the descriptors that we may have, or a message that helps. */
#include <errno.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collector/perf_attach.h"
#include "collector/perf_error.h"
#include "collector/sysfs.h"

int perf_paranoid(const char *root)
{
	long value;

	if (sysfs_read_long(root, "/proc/sys/kernel/perf_event_paranoid", &value))
		return PERF_PARANOID_UNKNOWN;
	return (int)value;
}

long perf_max_sample_rate(const char *root)
{
	long value;

	if (sysfs_read_long(root, "/proc/sys/kernel/perf_event_max_sample_rate", &value) || value < 0)
		return -1;
	return value;
}

/* The soft limit is a default for programs that use select(2); we do not. True where there is more room now. */
bool perf_raise_fd_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= limit.rlim_max)
		return false;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

int perf_open_quiet(struct perf_event_attr *attr, pid_t tid, int cpu, int group_fd)
{
	uint32_t size = attr->size;
	long fd;

	for (;;) {
		fd = syscall(SYS_perf_event_open, attr, tid, cpu, group_fd, PERF_FLAG_FD_CLOEXEC);
		if (fd >= 0)
			return (int)fd;
		if (errno == EINTR)
			continue;
		if (errno == EMFILE && perf_raise_fd_limit())
			continue;
		/* The kernel has written the size that it knows: an older one, which takes a shorter struct. */
		if (errno == E2BIG && attr->size < size && attr->size >= PERF_ATTR_SIZE_VER0) {
			size = attr->size;
			continue;
		}
		return -errno;
	}
}

int perf_open_one(struct perf_event_attr *attr, pid_t tid, int cpu, int group_fd, const char *event_name,
		  struct err *err)
{
	const struct perf_attempt attempt = { .event = event_name, .attr = attr, .tid = tid, .cpu = cpu, .root = "" };
	int fd;

	attr->size = sizeof(*attr);
	fd = perf_open_quiet(attr, tid, cpu, group_fd);
	return fd < 0 ? perf_error_open(err, -fd, &attempt) : fd;
}
