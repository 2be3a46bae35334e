/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mapped_file.h - the file behind a mapping, as the target's own root shows it.
 *
 * Any thread. The caller closes what it gets.
 */
#ifndef COLLECTOR_MAPPED_FILE_H
#define COLLECTOR_MAPPED_FILE_H

#include "collector/mappings.h"

/*
 * Opens it for reading, below proc_fd (/proc/PID). The fd or -errno: -ENOENT where there is no file, -ESTALE where
 * another one has its name by now or it is no regular file.
 */
int mapped_file_open(int proc_fd, const struct mappings *maps, const struct mapping *m);

#endif
