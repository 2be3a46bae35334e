/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * per_page.bpf.c - for the benchmark alone: the harvest as the RFC of 2022 did it, a cell of a hash map read, changed
 * and written back for every page. Here too only the target's pages count. Node and kind, which the RFC's kernel handed
 * over, cost nothing here. And a program that does nothing: what entering one costs.
 */
#include "bpf/kernel_types.h"

#include <bpf/bpf_helpers.h>

#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#define CELL_SHIFT   21
#define X86_ACCESSED (1ULL << 5)

enum { BPF_NOEXIST = 1, BPF_EXIST = 2 };

__u64 target_mm;

struct cell {
	__u64 nr_accesses;
	__s32 node;
	__u32 anon;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct cell);
} cells SEC(".maps");

SEC("fentry/ptep_test_and_clear_young")
int BPF_PROG(pte_young, struct vm_area_struct *vma, unsigned long addr, unsigned long *ptep)
{
	struct cell fresh = { .nr_accesses = 1, .anon = 1 }, copy, *cell;
	__u64 key = addr >> CELL_SHIFT;

	if (!(*ptep & X86_ACCESSED) || (__u64)vma->vm_mm != target_mm)
		return 0;
	cell = bpf_map_lookup_elem(&cells, &key);
	if (!cell) {
		bpf_map_update_elem(&cells, &key, &fresh, BPF_NOEXIST);
		return 0;
	}
	copy = *cell;
	copy.nr_accesses++;
	bpf_map_update_elem(&cells, &key, &copy, BPF_EXIST);
	return 0;
}

SEC("fentry/ptep_test_and_clear_young")
int BPF_PROG(pte_nothing, struct vm_area_struct *vma, unsigned long addr, unsigned long *ptep)
{
	return 0;
}
