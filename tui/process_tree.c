/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/process_tree.h"

#include <stdlib.h>

#include "tui/process_list.h"

#define NONE SIZE_MAX

struct node {
	pid_t pid;
	size_t parent, first_child, next; /* indices, or NONE */
	uint64_t rss_bytes;		  /* of it and all below */
	bool kept, shown;
};

struct by_number {
	uint64_t number;
	size_t index;
};

static int compare_rising(const void *va, const void *vb)
{
	const struct by_number *a = va, *b = vb;

	return a->number != b->number ? (a->number > b->number ? 1 : -1)
				      : (a->index > b->index) - (a->index < b->index);
}

static size_t index_of(const struct by_number *pids, size_t nr, pid_t pid)
{
	size_t low = 0, high = nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (pids[mid].number < (uint64_t)pid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < nr && pids[low].number == (uint64_t)pid ? pids[low].index : NONE;
}

/* Parents by index. A parent that has been born after its child is another process of that number. */
static void find_parents(struct node *nodes, struct by_number *order, const struct process *v, size_t nr)
{
	size_t i, parent;

	for (i = 0; i < nr; i++)
		order[i] = (struct by_number){ (uint64_t)v[i].pid, i };
	qsort(order, nr, sizeof(*order), compare_rising);
	for (i = 0; i < nr; i++) {
		parent = v[i].ppid > 0 ? index_of(order, nr, v[i].ppid) : NONE;
		if (parent == i || (parent != NONE && v[parent].start_ticks > v[i].start_ticks))
			parent = NONE;
		nodes[i] = (struct node){ v[i].pid, parent, NONE, NONE, 0, false, false };
	}
}

/* What a process holds counts for all above it. At most nr steps: start times may be equal in a circle. */
static void add_up(struct node *nodes, const struct process *v, const bool *matches, size_t nr)
{
	size_t i, at, steps;

	for (i = 0; i < nr; i++)
		for (at = i, steps = 0; at != NONE && steps < nr; at = nodes[at].parent, steps++) {
			nodes[at].rss_bytes += v[i].rss_bytes;
			nodes[at].kept |= matches[i];
		}
}

/* Children in lists of their parents, those with most RSS first. Returns the first without a parent. */
static size_t link_children(struct node *nodes, struct by_number *order, size_t nr)
{
	size_t i, roots = NONE;

	for (i = 0; i < nr; i++)
		order[i] = (struct by_number){ nodes[i].rss_bytes, i };
	qsort(order, nr, sizeof(*order), compare_rising);
	/* each goes to the front: the largest last */
	for (i = 0; i < nr; i++) {
		struct node *node = &nodes[order[i].index];
		size_t *list = node->parent == NONE ? &roots : &nodes[node->parent].first_child;

		node->next = *list;
		*list = order[i].index;
	}
	return roots;
}

/* Parents before their children, without recursion: a chain may be as long as the list. */
static size_t walk(struct node *nodes, size_t at, const bool *matches, struct process_row *rows)
{
	unsigned depth = 0;
	size_t nr = 0;

	while (at != NONE) {
		if (nodes[at].kept && !nodes[at].shown)
			rows[nr++] = (struct process_row){ at, depth, matches[at] };
		nodes[at].shown = true;
		if (nodes[at].first_child != NONE) {
			at = nodes[at].first_child;
			depth++;
			continue;
		}
		while (at != NONE && nodes[at].next == NONE) {
			at = nodes[at].parent;
			depth -= depth > 0;
		}
		if (at != NONE)
			at = nodes[at].next;
	}
	return nr;
}

long process_tree_rows(const struct process *v, size_t nr, const bool *matches, struct process_row *rows)
{
	struct node *nodes = malloc((nr + 1) * sizeof(*nodes));
	struct by_number *order = malloc((nr + 1) * sizeof(*order));
	size_t nr_rows, i;

	if (!nodes || !order) {
		free(nodes);
		free(order);
		return -1;
	}
	find_parents(nodes, order, v, nr);
	add_up(nodes, v, matches, nr);
	nr_rows = walk(nodes, link_children(nodes, order, nr), matches, rows);
	/* what is in a circle has no first one */
	for (i = 0; i < nr; i++)
		if (nodes[i].kept && !nodes[i].shown)
			rows[nr_rows++] = (struct process_row){ i, 0, matches[i] };
	free(nodes);
	free(order);
	return (long)nr_rows;
}

static bool is_hotter(const struct process *a, const struct process *b)
{
	if (a->recent_ticks != b->recent_ticks)
		return a->recent_ticks > b->recent_ticks;
	if (a->cpu_ticks != b->cpu_ticks)
		return a->cpu_ticks > b->cpu_ticks;
	return a->rss_bytes > b->rss_bytes;
}

size_t process_tree_hottest(const struct process *v, size_t nr, pid_t pid)
{
	struct node *nodes = malloc((nr + 1) * sizeof(*nodes));
	struct by_number *order = malloc((nr + 1) * sizeof(*order));
	size_t best = nr, i, at, steps;

	if (nodes && order)
		find_parents(nodes, order, v, nr);
	for (i = 0; nodes && order && i < nr; i++) {
		for (at = nodes[i].parent, steps = 0; at != NONE && v[at].pid != pid && steps < nr; steps++)
			at = nodes[at].parent;
		if (at != NONE && v[at].pid == pid && v[i].pid != pid && (best == nr || is_hotter(&v[i], &v[best])))
			best = i;
	}
	free(nodes);
	free(order);
	return best;
}
