/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * damon_probe.h - what kernel DAMON can do here. Reads only, and nothing is
 * left behind: as the files of a kdamond are there only when somebody has made
 * one, the rest is told from the names of the kernel's functions. Any thread.
 */
#ifndef COLLECTOR_DAMON_PROBE_H
#define COLLECTOR_DAMON_PROBE_H

#include <stddef.h>

#include "collector/err.h"
#include "collector/source.h"

/* Of the sources damon and damon_paddr: see struct source_ops. */
int damon_probe(const struct source_params *params, struct err *err);
int damon_probe_physical(const struct source_params *params, struct err *err);
void damon_permits(const struct source_params *params, char *text, size_t size);

#endif
