/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * process_list.h - the processes that can be watched, to choose one from.
 *
 * Those whose mappings the user may read, by falling RSS, filtered by what is
 * typed. Names are printable from the moment they are read. Tui thread only;
 * process_list_free() frees.
 */
#ifndef TUI_PROCESS_LIST_H
#define TUI_PROCESS_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/err.h"

struct process {
	pid_t pid;
	uint64_t rss_bytes;
	uint32_t uid;
	char comm[64];	   /* printable */
	char cmdline[256]; /* printable, spaces between arguments; "" where it has none */
	char user[32];	   /* printable; the number where it has no name */
};

struct process_list {
	size_t nr, cap;
	struct process *v; /* by falling RSS */
	size_t nr_shown;
	size_t *shown; /* indices of those that match the filter */
	char filter[64];
	size_t selected;   /* index into shown */
	size_t nr_refused; /* processes of others, left out */
	struct err err;	   /* why it could not be read */
};

void process_list_init(struct process_list *list);
void process_list_free(struct process_list *list);

/* Reads again from proc ("/proc"); the selected process stays selected. self is left out. 0 or -errno with err. */
int process_list_read(struct process_list *list, const char *proc, pid_t self, struct err *err);
/* Matches each word of the filter against pid, name, command line and user, small and capital letters alike. */
void process_list_filter(struct process_list *list, const char *filter);
/* Moves the selection by rows, within the list. */
void process_list_move(struct process_list *list, long rows);
/* The selected one, or NULL. */
const struct process *process_list_selected(const struct process_list *list);

#endif
