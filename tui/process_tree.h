/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * process_tree.h - processes in the order of their tree, and the busiest below
 * one of them. Pure; the caller owns all arrays.
 */
#ifndef TUI_PROCESS_TREE_H
#define TUI_PROCESS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct process;

/* A line of the list. */
struct process_row {
	size_t process; /* index */
	unsigned depth; /* generations below the first of its tree that can be watched; 0 in a plain list */
	bool matches;	/* the filter; else it is there for a child that does */
};

/*
 * Writes the rows of a tree: each process after its parent, siblings by the RSS of all below them, falling. matches has
 * nr flags; what does not match is left out, unless something below it does. rows has room for nr. Returns how many, or
 * -1 without memory. A process is in at most one row, whatever the parents say (they are not read at one moment).
 */
long process_tree_rows(const struct process *v, size_t nr, const bool *matches, struct process_row *rows);

/*
 * The index of the hottest process below pid, at any depth; nr where it has none that can be watched. Hottest: most CPU
 * time between the last two readings; where that is the same (0, or not known) most CPU time since its start; then RSS.
 */
size_t process_tree_hottest(const struct process *v, size_t nr, pid_t pid);

#endif
