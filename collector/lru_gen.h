/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lru_gen.h - the text of debugfs lru_gen, MGLRU's interface to user space.
 *
 * Pure: text in, numbers out. The kernel's format (Documentation/admin-guide/
 * mm/multigen_lru.rst): a line "memcg ID PATH", below it for each node with
 * memory a line "node ID" and one line a generation, oldest first. A path may
 * hold any byte but a newline, so a memcg is told by its number alone.
 */
#ifndef COLLECTOR_LRU_GEN_H
#define COLLECTOR_LRU_GEN_H

#include <stddef.h>
#include <stdint.h>

#define LRU_GEN_MAX_NODES 64 /* with memory; more than any machine has had */

struct lru_gen_node {
	uint32_t node;
	uint64_t max_gen; /* number of the youngest generation */
};

/*
 * The nodes of one memcg. Writes at most max of them and returns how many there are; 0: no such memcg; -EBADMSG: not
 * the kernel's form.
 */
int lru_gen_find(const char *text, size_t len, uint64_t memcg, struct lru_gen_node *v, size_t max);

#define LRU_GEN_COMMAND_SIZE 96

/*
 * The command that ages one memcg on one node: swappable memory too, and every page table, also those that MGLRU holds
 * to be cold. Returns its length.
 */
size_t lru_gen_aging_command(char dst[LRU_GEN_COMMAND_SIZE], uint64_t memcg, const struct lru_gen_node *node);

#endif
