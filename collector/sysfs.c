/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool join(char path[PATH_MAX], const char *root, const char *file)
{
	int len = snprintf(path, PATH_MAX, "%s%s", root ? root : "", file);

	return len > 0 && len < PATH_MAX;
}

/* Fills buf up to size - 1 bytes; a read(2) of sysfs may give less than there is. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t got;

	while (len < size - 1) {
		got = read(fd, buf + len, size - 1 - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got) {
			buf[len] = '\0';
			return (ssize_t)strlen(buf);
		}
		len += (size_t)got;
	}
	return -EFBIG;
}

/* A regular file's fd, or -errno. */
static int open_file(const char *root, const char *file)
{
	char path[PATH_MAX];
	struct stat st;
	int fd;

	if (!join(path, root, file))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -EINVAL;
}

ssize_t sysfs_read(const char *root, const char *file, char *buf, size_t size)
{
	int fd = open_file(root, file);
	ssize_t len;

	if (fd < 0)
		return fd;
	len = read_all(fd, buf, size);
	close(fd);
	return len;
}

size_t sysfs_read_start(const char *root, const char *file, char *buf, size_t size)
{
	int fd = open_file(root, file);
	ssize_t len = 0;

	if (fd >= 0) {
		len = read(fd, buf, size - 1);
		close(fd);
	}
	buf[len > 0 ? len : 0] = '\0';
	return len > 0 ? (size_t)len : 0;
}

int sysfs_read_long(const char *root, const char *file, long *value)
{
	char text[64], *end;
	ssize_t len = sysfs_read(root, file, text, sizeof(text));

	if (len < 0)
		return (int)len;
	errno = 0;
	*value = strtol(text, &end, 10);
	return errno || end == text || (*end && *end != '\n') ? -EBADMSG : 0;
}

bool sysfs_exists(const char *root, const char *file)
{
	char path[PATH_MAX];

	return join(path, root, file) && access(path, F_OK) == 0;
}
