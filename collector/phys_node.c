/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/phys_node.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/array.h"
#include "collector/cpu_list.h"
#include "collector/sysfs.h"

#define NODE_DIR "/sys/devices/system/node"

/* Hexadecimal without 0x. */
static int read_block_bytes(const char *root, uint64_t *bytes)
{
	char text[64], *end;
	ssize_t len = sysfs_read(root, "/sys/devices/system/memory/block_size_bytes", text, sizeof(text));

	if (len < 0)
		return (int)len;
	errno = 0;
	*bytes = strtoull(text, &end, 16);
	return errno || end == text || (*end && *end != '\n') || !*bytes ? -EBADMSG : 0;
}

/* "memory123" */
static bool block_number(const char *name, uint64_t *number)
{
	char *end;

	if (strncmp(name, "memory", 6) || name[6] < '0' || name[6] > '9')
		return false;
	errno = 0;
	*number = strtoull(name + 6, &end, 10);
	return !errno && !*end;
}

static int add_block(struct phys_nodes *nodes, size_t *cap, uint64_t number, int node)
{
	struct phys_block *v = array_grow(nodes->v, cap, nodes->nr + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	nodes->v = v;
	v[nodes->nr++] = (struct phys_block){ .number = number, .node = node };
	return 0;
}

static int read_node(struct phys_nodes *nodes, size_t *cap, const char *root, int node)
{
	char path[PATH_MAX];
	struct dirent *entry;
	uint64_t number;
	DIR *dir;
	int rc = 0;

	snprintf(path, sizeof(path), "%s" NODE_DIR "/node%d", root ? root : "", node);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (!rc && (entry = readdir(dir)))
		if (block_number(entry->d_name, &number))
			rc = add_block(nodes, cap, number, node);
	closedir(dir);
	return rc;
}

static int by_number(const void *a, const void *b)
{
	const struct phys_block *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

int phys_nodes_read(struct phys_nodes *nodes, const char *root, struct err *err)
{
	size_t cap = 0, nr_online;
	int *online = NULL, rc;

	*nodes = (struct phys_nodes){ 0 };
	rc = read_block_bytes(root, &nodes->block_bytes);
	/* A list of nodes has the form of a list of CPUs. */
	if (!rc)
		rc = cpu_list_read(root, NODE_DIR "/online", &online, &nr_online, NULL);
	for (size_t i = 0; !rc && i < nr_online; i++)
		rc = read_node(nodes, &cap, root, online[i]);
	free(online);
	if (rc) {
		phys_nodes_free(nodes);
		return err_set(err, -rc, "cannot read which memory is on which node: %s", strerror(-rc));
	}
	if (nodes->nr)
		qsort(nodes->v, nodes->nr, sizeof(*nodes->v), by_number);
	return 0;
}

void phys_nodes_free(struct phys_nodes *nodes)
{
	free(nodes->v);
	*nodes = (struct phys_nodes){ 0 };
}

int phys_nodes_find(const struct phys_nodes *nodes, uint64_t phys)
{
	const struct phys_block key = { .number = nodes->block_bytes ? phys / nodes->block_bytes : 0 };
	const struct phys_block *found;

	if (!nodes->nr)
		return -1;
	found = bsearch(&key, nodes->v, nodes->nr, sizeof(key), by_number);
	return found ? found->node : -1;
}
