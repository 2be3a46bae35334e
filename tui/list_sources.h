/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list_sources.h - "--sources": each source, usable here or not, why, and what would help. */
#ifndef TUI_LIST_SOURCES_H
#define TUI_LIST_SOURCES_H

#include <stdio.h>

#include "collector/source.h"

/* Asks each source's probe; no side effects. params->target may be NULL. Any thread; nothing is kept. */
void list_sources(FILE *out, const struct source_params *params);

#endif
