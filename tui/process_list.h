/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * process_list.h - the processes that can be watched, to choose one from.
 *
 * Those whose mappings the user may read, by falling RSS or as a tree of
 * children, filtered by what is typed. Names are printable from the moment they
 * are read. Tui thread only; process_list_free() frees.
 */
#ifndef TUI_PROCESS_LIST_H
#define TUI_PROCESS_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/err.h"
#include "tui/process_tree.h"

struct process {
	pid_t pid, ppid;		 /* ppid 0: not known */
	uint64_t start_ticks, cpu_ticks; /* since boot; used since then. In clock ticks; 0: not known */
	uint64_t recent_ticks;		 /* of cpu_ticks, since the reading before this one */
	bool recent_known;
	uint64_t rss_bytes;
	uint32_t uid;
	char comm[64];	   /* printable */
	char cmdline[256]; /* printable, spaces between arguments; "" where it has none */
	char user[32];	   /* printable; the number where it has no name */
};

struct process_list {
	size_t nr, cap;
	struct process *v; /* by falling RSS */
	size_t nr_shown, nr_matching;
	struct process_row *shown; /* those that match the filter */
	bool tree;		   /* children below their parents */
	double between_s;	   /* seconds from the reading before this one; 0: not known */
	double uptime_s;	   /* at this one; 0: not known */
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
/* Children below their parents, or one list by falling RSS. The selected process stays selected. */
void process_list_set_tree(struct process_list *list, bool tree);
/* CPU time since the reading before, as a share of one CPU; negative: not known. */
double process_list_cpu(const struct process_list *list, const struct process *process);
/* Selects this process, where it is shown. */
void process_list_select(struct process_list *list, pid_t pid);
/* Moves the selection by rows, within the list. */
void process_list_move(struct process_list *list, long rows);
/* The selected one, or NULL. */
const struct process *process_list_selected(const struct process_list *list);

#endif
