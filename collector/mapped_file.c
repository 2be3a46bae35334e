/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int mapped_file_open(int proc_fd, const struct mappings *maps, const struct mapping *m)
{
	char path[PATH_MAX];
	struct stat st;
	int fd;

	if (m->kind != MAPPING_FILE)
		return -ENOENT;
	snprintf(path, sizeof(path), "root%s", mappings_name(maps, m));
	/* O_NONBLOCK: whatever has that name by now must not hold us up. */
	fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_ino == m->inode)
		return fd;
	close(fd);
	return -ESTALE;
}
