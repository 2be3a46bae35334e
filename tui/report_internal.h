/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_internal.h - what report.c and the kinds of reports share.
 *
 * A kind has an own struct, made by its open(); add() and print() get it.
 * close() takes NULL.
 */
#ifndef TUI_REPORT_INTERNAL_H
#define TUI_REPORT_INTERNAL_H

#include <stdbool.h>

#include "collector/text_buf.h"
#include "tui/report.h"

struct report_kind {
	const char *name;
	void *(*open)(const struct report_options *options);
	int (*add)(void *data, const struct snapshot *snap);
	int (*print)(void *data, const struct report_kind *kind, FILE *out);
	void (*close)(void *data);
};

extern const struct report_kind report_heatmap, report_wss, report_regions, report_hot, report_mappings, report_ages;

/* Whose report it is, behind "report" in JSON: ,"comm":...,"pid":...,"source":... pid 0: none. */
void report_json_owner(struct text_buf *b, const char *comm, pid_t pid, const char *source);
/* The same for people: "NAME, pid 12, source clock". Returns dst. */
const char *report_owner(char *dst, size_t size, const char *comm, pid_t pid, const char *source);

/* A copy that is the caller's; NULL without memory. */
struct snapshot *report_copy(const struct snapshot *snap);

#endif
