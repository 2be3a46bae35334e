/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sources.h - the sources by name, one per file of this folder.
 * source.h says what a source is; source.c has their order of preference.
 */
#ifndef COLLECTOR_SOURCES_SOURCES_H
#define COLLECTOR_SOURCES_SOURCES_H

#include "collector/source.h"

extern const struct source_ops source_perf;
extern const struct source_ops source_mglru;
extern const struct source_ops source_clear_refs;
extern const struct source_ops source_damon;
extern const struct source_ops source_damon_paddr;
extern const struct source_ops source_clock;
extern const struct source_ops source_clock_referenced;
extern const struct source_ops source_soft_dirty;
extern const struct source_ops source_referenced;
extern const struct source_ops source_replay;
extern const struct source_ops source_demo;

#endif
