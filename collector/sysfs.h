/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysfs.h - small files below /sys and /proc, read once and bounded.
 *
 * root is "" for the machine itself, or a folder that holds a copy (tests).
 * What is read is text from outside: parse it strictly, or clean it (text.h)
 * before it is shown. Any thread.
 */
#ifndef COLLECTOR_SYSFS_H
#define COLLECTOR_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Reads root/file into buf, NUL terminated; a text with a NUL inside ends there. Returns its length, or -errno; -EFBIG
 * where it does not fit, -EINVAL where it is not a regular file (a pipe would block).
 */
ssize_t sysfs_read(const char *root, const char *file, char *buf, size_t size);

/* The first size - 1 bytes of a file that may be of any length, such as /proc/cpuinfo. Returns how many; 0: none. */
size_t sysfs_read_start(const char *root, const char *file, char *buf, size_t size);

/* A file that holds one decimal number, maybe negative. 0 or -errno (-EBADMSG: something else is in it). */
int sysfs_read_long(const char *root, const char *file, long *value);

/* Is there a file or folder of this name? */
bool sysfs_exists(const char *root, const char *file);

#endif
