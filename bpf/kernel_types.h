/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel_types.h - the few kernel types that our BPF programs look into.
 *
 * Only the fields used; where they lie in the running kernel is settled when a
 * program is loaded (CO-RE), so neither order nor size matters here. Takes the
 * place of a generated vmlinux.h.
 */
#ifndef BPF_KERNEL_TYPES_H
#define BPF_KERNEL_TYPES_H

#define __VMLINUX_H__ /* bpf_tracing.h: struct pt_regs has the kernel's names */

typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef int pid_t;

/* Part of the BPF system call's interface, so the numbers are fixed. */
enum { BPF_MAP_TYPE_HASH = 1, BPF_MAP_TYPE_PERCPU_ARRAY = 6, BPF_MAP_TYPE_RINGBUF = 27 };
enum { BPF_ANY = 0 };
enum { BPF_F_NO_PREALLOC = 1 };
enum { BPF_RB_NO_WAKEUP = 1 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct mm_struct;

struct vm_area_struct {
	unsigned long vm_start, vm_end;
	struct mm_struct *vm_mm;
	unsigned long vm_pgoff;
};

struct mm_walk {
	struct mm_struct *mm;
	struct vm_area_struct *vma;
	void *private;
};

enum clear_refs_types { CLEAR_REFS_SOFT_DIRTY = 4 }; /* what is written to the file: fixed */

struct clear_refs_private {
	enum clear_refs_types type;
};

struct lru_gen_mm_walk {
	unsigned long next_addr;
};

struct address_space;

struct page {
	unsigned long flags;
	unsigned long compound_head;
	struct address_space *mapping;
};

/* Since 6.18 the flags are wrapped. */
typedef struct {
	unsigned long f;
} memdesc_flags_t;

struct page___wrapped {
	memdesc_flags_t flags;
};

struct folio {
	unsigned long index;
	unsigned int _folio_nr_pages;
};

/* The same under its newer name. */
struct folio___nr_pages {
	unsigned int _nr_pages;
};

enum pageflags { PG_head = 6 };

struct cgroup_subsys_state;

enum cgroup_subsys_id { memory_cgrp_id = 4 };

struct css_set {
	struct cgroup_subsys_state *subsys[16];
};

struct mem_cgroup_id {
	int id;
};

struct mem_cgroup {
	struct mem_cgroup_id id;
};

struct task_struct {
	struct mm_struct *mm;
	pid_t tgid;
	struct css_set *cgroups;
};

struct mm_struct {
	struct task_struct *owner;
};

struct bpf_iter_meta;

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

/* The registers that carry a function's arguments. */
#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long di, si, dx, cx, r8, r9, ax, sp, ip;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	unsigned long long regs[31];
	unsigned long long sp, pc, pstate;
};
struct pt_regs;
#endif

#pragma clang attribute pop

#endif
