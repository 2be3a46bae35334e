/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/hugetlb.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define SIZES "/sys/kernel/mm/hugepages"

/* memfd_create(2): log2 of the size in bytes, from this bit on. */
#define SIZE_SHIFT 26

bool hugetlb_has(const struct hugetlb_devices *devices, dev_t device)
{
	for (size_t i = 0; devices && i < devices->nr; i++)
		if (devices->v[i] == device)
			return true;
	return false;
}

static void add(struct hugetlb_devices *devices, dev_t device)
{
	if (devices->nr < HUGETLB_MAX_DEVICES && !hugetlb_has(devices, device))
		devices->v[devices->nr++] = device;
}

/* The kernel's mount for pages of so many KiB. An empty file takes none of them. */
static void add_size(struct hugetlb_devices *devices, uint64_t kib)
{
	unsigned log2 = 10;
	struct stat st;
	int fd;

	while (kib >>= 1)
		log2++;
	fd = memfd_create("damontop", MFD_CLOEXEC | MFD_HUGETLB | log2 << SIZE_SHIFT);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0)
		add(devices, st.st_dev);
	close(fd);
}

static void add_sizes(struct hugetlb_devices *devices)
{
	DIR *dir = opendir(SIZES);
	struct dirent *entry;
	uint64_t kib;

	while (dir && (entry = readdir(dir)))
		if (sscanf(entry->d_name, "hugepages-%" SCNu64 "kB", &kib) == 1 && kib)
			add_size(devices, kib);
	if (dir)
		closedir(dir);
}

/* "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [FIELD ...] - TYPE SOURCE OPTIONS" */
void hugetlb_add_mounts(struct hugetlb_devices *devices, const char *mountinfo)
{
	static const char type[] = " - hugetlbfs ";
	const char *end;

	for (const char *line = mountinfo; *line; line = *end ? end + 1 : end) {
		unsigned major, minor;
		const char *found = strstr(line, type);

		end = strchrnul(line, '\n');
		if (found && found < end && sscanf(line, "%*d %*d %u:%u ", &major, &minor) == 2)
			add(devices, makedev(major, minor));
	}
}

void hugetlb_find(struct hugetlb_devices *devices, int proc_fd)
{
	int fd = openat(proc_fd, "mountinfo", O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char *line = NULL;
	size_t size = 0;

	devices->nr = 0;
	add_sizes(devices);
	while (file && getline(&line, &size, file) > 0)
		hugetlb_add_mounts(devices, line);
	free(line);
	if (file)
		fclose(file);
	else if (fd >= 0)
		close(fd);
}
