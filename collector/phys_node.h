/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * phys_node.h - which NUMA node a physical address belongs to.
 *
 * Read once from sysfs: /sys/devices/system/node/nodeN lists the blocks of
 * memory that the node has (Linux's ABI/stable/sysfs-devices-node). Memory that
 * is plugged in later is unknown. Immutable after reading, so for any thread;
 * the owner frees.
 */
#ifndef COLLECTOR_PHYS_NODE_H
#define COLLECTOR_PHYS_NODE_H

#include <stddef.h>
#include <stdint.h>

#include "collector/err.h"

struct phys_block {
	uint64_t number; /* physical address / block_bytes */
	int node;
};

struct phys_nodes {
	uint64_t block_bytes;
	struct phys_block *v; /* by rising number */
	size_t nr;
};

/* 0; -ENOENT where this kernel has no such folders (no NUMA, no hotplug of memory), -EBADMSG, -ENOMEM. */
int phys_nodes_read(struct phys_nodes *nodes, const char *root, struct err *err);
/* A zeroed one is fine. */
void phys_nodes_free(struct phys_nodes *nodes);

/* The node, or -1: not known. */
int phys_nodes_find(const struct phys_nodes *nodes, uint64_t phys);

#endif
