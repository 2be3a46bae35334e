/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * harvest.bpf.c - sees every page of the target whose access bit somebody tests and clears.
 *
 * Who walks the page tables (MGLRU aging, clear_refs, reclaim, DAMON) is not our matter: on x86 all of them
 * clear a leaf's access bit through ptep_test_and_clear_young() and pmdp_test_and_clear_young(), and a program
 * on these sees the mapping, the address and the entry. Several sets of hooks do the same by
 * different means; user space looks into the kernel's BTF and loads one set. Nothing is pinned.
 *
 * Hundreds of thousands of pages are seen in one walk, and entering a program is most of what one costs. So where the
 * walk is known to be that of clear_refs, one program is entered for each page table and reads all of it; elsewhere
 * one for each page, under the page table's lock, without a helper call where the kernel allows that, and with as few
 * branches as can be.
 */
#include "bpf/kernel_types.h"

#include <bpf/bpf_helpers.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "bpf/harvest.h"

char LICENSE[] SEC("license") = "GPL";

#define PAGE_SHIFT   12
#define PAGE_BYTES   (1ULL << PAGE_SHIFT)
#define X86_PRESENT  (1ULL << 0)
#define X86_ACCESSED (1ULL << 5)
#define X86_PSE	     (1ULL << 7)	   /* of a pmd: a leaf, a huge page */
#define X86_PROTNONE (1ULL << 8)	   /* present, without access rights */
#define X86_SPECIAL  (1ULL << 9)	   /* of a pte: no struct page behind it that walkers look at */
#define X86_PFN_MASK 0x000ffffffffff000ULL /* of an entry, where physical_mask says no more */

/* Set by user space before loading. */
const volatile __u32 node_shift; /* of page->flags, whose top it is; 64: the kernel knows one node only */
const volatile __u8 can_cast;	 /* the kernel has bpf_rdonly_cast() */

/* Shared with user space while running. */
__u32 want_tgid; /* find_target: only this process; 0: the iterator is limited to it already */
__u64 target_mm; /* the address space that counts */
__u64 reached;	 /* how far MGLRU's walk of target_mm has come; ~0: to its end. User space sets it to 0 */
__u64 nr_tables; /* page tables of target_mm whose own access bit was cleared: see mglru.c */
__u64 found_mm;	 /* find_target's answers */
__u32 found_memcg;
__u32 found_tgid;
__u64 vmemmap;	  /* 0: struct page cannot be found */
__u64 knows;	  /* HARVEST_UNKNOWN then, else HARVEST_KNOWN */
__u64 direct_map; /* where all of memory is mapped; 0: not known, page tables cannot be read */
__u64 pfn_mask;
__u64 lost_pages; /* since the programs were loaded: pages of records that found no room in the ring, but for those seen
		   */
__u64 nr_seen;	  /* elements of seen */

extern const void vmemmap_base __ksym __weak;
extern const void page_offset_base __ksym __weak;
extern const void physical_mask __ksym __weak;
extern const void xen_domain_type __ksym __weak;
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

#define XEN_PV_DOMAIN 1

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20); /* user space sets another */
} ring SEC(".maps");

/* Here and not in a map for each CPU, since looking one up takes three branches for every page. */
struct harvest_cpu cpus[HARVEST_MAX_CPUS];

/* What earlier walks of the harvest under way have delivered: address of a chunk, and its pages. Filled by user space.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 20);
	__type(key, __u64);
	__type(value, struct harvest_pages);
} seen SEC(".maps");

/*
 * The first words of a struct page: flags, compound_head and mapping are among them in every kernel so far. Where they
 * are not, can_copy() says so.
 */
#define NR_WORDS 4

struct page_words {
	__u64 v[NR_WORDS];
};

static __always_inline int is_known_layout(void)
{
	return bpf_core_field_exists(((struct page *)0)->compound_head) &&
	       bpf_core_field_exists(((struct page *)0)->mapping);
}

static __always_inline int can_copy(void)
{
	return bpf_core_field_offset(struct page, mapping) < sizeof(struct page_words) &&
	       bpf_core_field_offset(struct page, compound_head) < sizeof(struct page_words);
}

/*
 * A struct page is read in place where the kernel lets us (6.2 and newer), which spares a helper call for every page;
 * else its first words are copied. It is cast to registers, since there a word is a number to the verifier, while a
 * pointer of struct page may not be computed with.
 */
static __always_inline const struct page *cast_page(__u64 page)
{
	return bpf_rdonly_cast((void *)page, bpf_core_type_id_kernel(struct pt_regs));
}

/* NULL: it cannot be read. */
static __always_inline const struct page *copy_page(__u64 page, struct page_words *copy)
{
	return !can_copy() || bpf_probe_read_kernel(copy, sizeof(*copy), (void *)page) ? 0 : (void *)copy;
}

static __always_inline __u64 page_flags(const struct page *page)
{
	__u64 flags;

	/* The barriers keep the compiler from joining the two, which takes another branch for every page. */
	if (__builtin_expect(bpf_core_field_exists(((struct page___wrapped *)0)->flags.f), 0)) {
		flags = ((const struct page___wrapped *)page)->flags.f;
		barrier_var(flags);
	} else {
		flags = page->flags;
		barrier_var(flags);
	}
	return flags;
}

/* Only the first page of a compound one says what it is: its address, page's own where that is none or the first. */
static __always_inline __u64 head_of(const struct page *page, __u64 address)
{
	__u64 head = page->compound_head, is_tail = -(head & 1);

	barrier_var(is_tail); /* or it becomes a branch */
	return (address & ~is_tail) | ((head - 1) & is_tail);
}

static __always_inline __u64 known_of(const struct page *page)
{
	__u32 shift = node_shift;
	__u64 node = shift < 64 ? page_flags(page) >> shift << HARVEST_NODE_SHIFT : 0;

	return node | ((__u64)page->mapping & HARVEST_ANON);
}

/* What is known of a page by its struct page (or folio, which begins as one): see harvest.h. */
static __always_inline __u64 page_known(__u64 address)
{
	const struct page *page;
	struct page_words copy;
	__u64 head;

	if (!is_known_layout())
		return HARVEST_UNKNOWN;
	if (can_cast)
		return known_of(cast_page(head_of(cast_page(address), address)));
	page = copy_page(address, &copy);
	head = page ? head_of(page, address) : address;
	if (head != address)
		page = copy_page(head, &copy);
	return page ? known_of(page) : HARVEST_UNKNOWN;
}

/* The same for a folio, which is no page's tail; to the verifier it is a pointer, with which nothing may be computed.
 */
static __always_inline __u64 folio_known(struct folio *folio)
{
	const struct page *page;
	struct page_words copy;

	if (!is_known_layout())
		return HARVEST_UNKNOWN;
	page = can_cast ? cast_page((__u64)folio) : copy_page((__u64)folio, &copy);
	return page ? known_of(page) : HARVEST_UNKNOWN;
}

/* The same for a page table entry, a leaf that maps so many bytes. */
static __always_inline __u64 entry_known(__u64 entry, __u64 bytes)
{
	/* An entry without access rights (NUMA balancing) is kept inverted against L1TF. */
	if (!(entry & X86_PRESENT))
		entry = ~entry;
	entry &= pfn_mask & ~(bytes - 1);
	return page_known(vmemmap + (entry >> PAGE_SHIFT) * bpf_core_type_size(struct page)) | knows;
}

/* ---- what finds no room in the ring ---- */

static __always_inline void count_lost(__u64 nr_pages)
{
	__sync_fetch_and_add(&lost_pages, nr_pages);
}

static __always_inline __u32 nr_bits(__u64 word)
{
	word -= (word >> 1) & 0x5555555555555555ULL;
	word = (word & 0x3333333333333333ULL) + ((word >> 2) & 0x3333333333333333ULL);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (word * 0x0101010101010101ULL) >> 56;
}

/* Young pages of the chunk at start; what an earlier walk of the same harvest has delivered is not lost. */
static __noinline void lose_pages(__u64 start, const struct harvest_pages *young)
{
	struct harvest_pages *had = nr_seen ? bpf_map_lookup_elem(&seen, &start) : 0;
	__u32 nr = 0;

	for (int i = 0; i < HARVEST_CHUNK_WORDS; i++)
		nr += nr_bits(young->bits[i] & ~(had ? had->bits[i] : 0));
	count_lost(nr);
}

static __noinline void lose_range(__u64 start, __u64 end)
{
	struct harvest_pages all;

	/* Other ranges than those of huge pages are of folios. Whether they were seen before is not looked up. */
	if (start % HARVEST_CHUNK_BYTES || end - start != HARVEST_CHUNK_BYTES) {
		count_lost((end - start) >> PAGE_SHIFT);
		return;
	}
	__builtin_memset(&all, 0xff, sizeof(all));
	lose_pages(start, &all);
}

/* ---- what is sent ---- */

static __always_inline void send_range(__u64 start, __u64 end, __u64 known, int huge)
{
	struct harvest_range range = { .start = start, .end = end, .known = known, .huge = huge };

	if (bpf_ringbuf_output(&ring, &range, sizeof(range), BPF_RB_NO_WAKEUP))
		lose_range(start, end);
}

/* Sends what the slot holds, unless user space has fetched it already, and starts another chunk in it. */
static __noinline void turn_slot(struct harvest_chunk *slot, __u64 place)
{
	if (slot->place && bpf_ringbuf_output(&ring, slot, sizeof(*slot), BPF_RB_NO_WAKEUP))
		lose_pages(slot->place & ~(HARVEST_CHUNK_BYTES - 1), (struct harvest_pages *)slot->young);
	__builtin_memset(slot, 0, sizeof(*slot));
	slot->place = place;
}

/* The page at addr. */
static __always_inline void note_page(struct harvest_cpu *cpu, __u64 addr, __u64 known)
{
	struct harvest_chunk *slot = &cpu->slot[known & (HARVEST_NR_SLOTS - 1)];
	__u64 place = (addr & ~(HARVEST_CHUNK_BYTES - 1)) | known;

	if (slot->place != place)
		turn_slot(slot, place);
	slot->young[(addr >> (PAGE_SHIFT + 6)) & (HARVEST_CHUNK_WORDS - 1)] |= 1ULL << ((addr >> PAGE_SHIFT) & 63);
}

static __always_inline void note_addr(__u64 addr, __u64 known)
{
	__u64 cpu = bpf_get_smp_processor_id();

	if (__builtin_expect(cpu >= HARVEST_MAX_CPUS, 0))
		count_lost(1);
	else
		note_page(&cpus[cpu], addr, known);
}

static __always_inline void note_pte(__u64 addr, __u64 entry)
{
	note_addr(addr, entry_known(entry, PAGE_BYTES));
}

static __always_inline void note_pmd(__u64 addr, __u64 entry)
{
	/* The bit of an entry that points to a table says nothing of any one page. */
	if (!(entry & X86_PSE)) {
		nr_tables++;
		return;
	}
	addr &= ~(HARVEST_CHUNK_BYTES - 1);
	send_range(addr, addr + HARVEST_CHUNK_BYTES, entry_known(entry, HARVEST_CHUNK_BYTES), 1);
}

/*
 * ---- x86: a whole page table of clear_refs' walk ----
 * clear_refs_pte_range() clears the bits of the entries of one table that lie within one mapping. In front of it, all
 * of them are read at once, and the young ones among those that it is going to look at are noted. A page that is
 * touched for the first time in the microseconds between our look at its table and the kernel's test is missed.
 *
 * The slots are safe although the table's lock is not held yet: a program is not entered again on a CPU where it runs,
 * and no other one of this set uses them.
 */

#define TABLE_ENTRIES 512

struct table {
	__u64 entry[TABLE_ENTRIES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct table);
} tables SEC(".maps");

struct table_walk {
	struct table *table;
	struct harvest_cpu *cpu;
	__u64 addr; /* of the page of the first entry in table */
};

/* Present, young, and with a page that the walk counts (vm_normal_page()). */
static __always_inline int is_harvested(__u64 entry)
{
	return (entry & (X86_PRESENT | X86_PROTNONE)) && (entry & (X86_ACCESSED | X86_SPECIAL)) == X86_ACCESSED;
}

static long note_entry(__u32 i, struct table_walk *walk)
{
	__u64 entry;

	if (i >= TABLE_ENTRIES)
		return 1;
	entry = walk->table->entry[i];
	if (is_harvested(entry))
		note_page(walk->cpu, walk->addr + i * PAGE_BYTES, entry_known(entry, PAGE_BYTES));
	return 0;
}

/* The entries of [addr, end) in the table that pmd points to. */
static __always_inline void note_table(__u64 pmd, __u64 addr, __u64 end)
{
	__u32 zero = 0, first = (addr >> PAGE_SHIFT) & (TABLE_ENTRIES - 1);
	__u64 cpu = bpf_get_smp_processor_id();
	struct table_walk walk = { bpf_map_lookup_elem(&tables, &zero), 0, addr & ~(PAGE_BYTES - 1) };
	__u64 table = direct_map + (pmd & pfn_mask) + first * sizeof(__u64), nr = (end - addr) >> PAGE_SHIFT;

	/* A huge page has a hook of its own; what is not present has no table. */
	if (!walk.table || !direct_map || (pmd & (X86_PRESENT | X86_PSE)) != X86_PRESENT)
		return;
	if (nr > TABLE_ENTRIES - first)
		nr = TABLE_ENTRIES - first;
	/* The same bound as a constant, which is what the verifiers of older kernels understand. */
	barrier_var(nr);
	if (nr > TABLE_ENTRIES)
		return;
	if (cpu >= HARVEST_MAX_CPUS || bpf_probe_read_kernel(walk.table, nr * sizeof(__u64), (void *)table)) {
		count_lost(nr);
		return;
	}
	barrier_var(cpu);
	walk.cpu = &cpus[cpu & (HARVEST_MAX_CPUS - 1)];
	bpf_loop(nr, note_entry, &walk, 0);
}

SEC("fentry/clear_refs_pte_range")
int BPF_PROG(table_fentry, unsigned long *pmd, unsigned long addr, unsigned long end, struct mm_walk *walk)
{
	struct clear_refs_private *private;

	if ((__u64)walk->mm != target_mm)
		return 0;
	/* The same walk clears soft-dirty bits, and leaves these alone then. */
	private = walk->private;
	if (BPF_CORE_READ(private, type) != CLEAR_REFS_SOFT_DIRTY)
		note_table(*pmd, addr, end);
	return 0;
}

/*
 * ---- x86: before the test ----
 * The entry's own bit is the answer. After the test (fexit) the returned value would be, but a trampoline around the
 * function costs nearly twice what one in front of it does (measured: docs/sources.md), and its type changes between
 * kernels. A page that is touched for the first time in the nanoseconds between this look and the test is missed.
 */

SEC("fentry/ptep_test_and_clear_young")
int BPF_PROG(pte_fentry, struct vm_area_struct *vma, unsigned long addr, unsigned long *ptep)
{
	__u64 entry = *ptep;

	if ((entry & X86_ACCESSED) && (__u64)vma->vm_mm == target_mm)
		note_pte(addr, entry);
	return 0;
}

SEC("fentry/pmdp_test_and_clear_young")
int BPF_PROG(pmd_fentry, struct vm_area_struct *vma, unsigned long addr, unsigned long *pmdp)
{
	__u64 entry = *pmdp;

	if ((entry & X86_ACCESSED) && (__u64)vma->vm_mm == target_mm)
		note_pmd(addr, entry);
	return 0;
}

/* ---- x86 without fentry: the same by a kprobe ---- */

static __always_inline __u64 young_entry(struct vm_area_struct *vma, void *entryp)
{
	__u64 entry = 0;

	if ((__u64)BPF_CORE_READ(vma, vm_mm) != target_mm)
		return 0;
	bpf_probe_read_kernel(&entry, sizeof(entry), entryp);
	return entry & X86_ACCESSED ? entry : 0;
}

SEC("kprobe/ptep_test_and_clear_young")
int BPF_KPROBE(pte_kprobe, struct vm_area_struct *vma, unsigned long addr, void *ptep)
{
	__u64 entry = young_entry(vma, ptep);

	if (entry)
		note_pte(addr, entry);
	return 0;
}

SEC("kprobe/pmdp_test_and_clear_young")
int BPF_KPROBE(pmd_kprobe, struct vm_area_struct *vma, unsigned long addr, void *pmdp)
{
	__u64 entry = young_entry(vma, pmdp);

	if (entry)
		note_pmd(addr, entry);
	return 0;
}

/* ---- kernels with the RFC's probes: MGLRU says it all by itself ---- */

static __always_inline void note_probe(__u32 pid, __u32 nid, __u64 addr, __u64 len, int anon, __u8 huge)
{
	__u64 known = HARVEST_KNOWN | (__u64)(nid & HARVEST_MAX_NODE) << HARVEST_NODE_SHIFT | (anon ? HARVEST_ANON : 0);

	if (pid != found_tgid)
		return;
	if (huge || len != PAGE_BYTES)
		send_range(addr, addr + len, known, huge);
	else
		note_addr(addr, known);
}

SEC("fentry/mglru_pte_probe")
int BPF_PROG(pte_rfc, pid_t pid, unsigned int nid, unsigned long addr, unsigned long len, _Bool anon)
{
	note_probe(pid, nid, addr, len, anon, 0);
	return 0;
}

SEC("fentry/mglru_pmd_probe")
int BPF_PROG(pmd_rfc, pid_t pid, unsigned int nid, unsigned long addr, unsigned long len, _Bool anon)
{
	note_probe(pid, nid, addr, len, anon, 1);
	return 0;
}

/*
 * ---- where the test is inlined (arm64): the folio that MGLRU moves to the youngest generation ----
 * The walk in hand is remembered for each thread that walks; the address follows from the folio's place in its
 * mapping. As fine as folios are.
 */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u64); /* task_struct of the walker */
	__type(value, __u64);
} walks SEC(".maps");

SEC("fentry/walk_pud_range")
int BPF_PROG(walk_enter, void *p4d, unsigned long start, unsigned long end, struct mm_walk *walk)
{
	__u64 task = bpf_get_current_task(), value = (__u64)walk;

	if ((__u64)walk->mm == target_mm)
		bpf_map_update_elem(&walks, &task, &value, BPF_ANY);
	return 0;
}

SEC("fexit/walk_pud_range")
int BPF_PROG(walk_exit)
{
	__u64 task = bpf_get_current_task();

	bpf_map_delete_elem(&walks, &task);
	return 0;
}

/* Pages of a folio: 1, unless it is a compound one. */
static __always_inline __u64 folio_nr_pages(struct folio *folio)
{
	struct page_words words;
	__u64 nr = 1;

	if (!can_copy() || bpf_probe_read_kernel(&words, sizeof(words), folio))
		return 1;
	if (!(page_flags((void *)&words) & (1ULL << bpf_core_enum_value(enum pageflags, PG_head))))
		return 1;
	if (bpf_core_field_exists(folio->_folio_nr_pages))
		nr = BPF_CORE_READ(folio, _folio_nr_pages);
	else if (bpf_core_field_exists(((struct folio___nr_pages *)folio)->_nr_pages))
		nr = BPF_CORE_READ((struct folio___nr_pages *)folio, _nr_pages);
	return nr;
}

SEC("fentry/folio_update_gen")
int BPF_PROG(folio_young, struct folio *folio)
{
	__u64 task = bpf_get_current_task();
	__u64 *walk = bpf_map_lookup_elem(&walks, &task);
	__u64 start, end, vm_start, vm_end;
	struct vm_area_struct *vma;
	__s64 offset;

	if (!walk)
		return 0;
	vma = BPF_CORE_READ((struct mm_walk *)*walk, vma);
	vm_start = BPF_CORE_READ(vma, vm_start);
	vm_end = BPF_CORE_READ(vma, vm_end);
	offset = (BPF_CORE_READ(folio, index) - BPF_CORE_READ(vma, vm_pgoff)) << PAGE_SHIFT;
	start = vm_start + offset;
	end = start + (folio_nr_pages(folio) << PAGE_SHIFT);
	/* A folio may begin before the mapping does, or end behind it. */
	if (offset < 0)
		start = vm_start;
	if (end > vm_end)
		end = vm_end;
	if (start < end)
		send_range(start, end, folio_known(folio), 0);
	return 0;
}

/*
 * ---- how far MGLRU walked, with any set of hooks ----
 * It takes the target's mmap lock anew for every GiB, and where that is held at the moment it leaves out the rest in
 * silence. A check that was not made must not count as one that found nothing.
 */

#define EAGAIN 11

SEC("fexit/walk_pud_range")
int BPF_PROG(walk_reached, void *p4d, unsigned long start, unsigned long end, struct mm_walk *walk, int ret)
{
	struct lru_gen_mm_walk *state;

	if ((__u64)walk->mm != target_mm)
		return 0;
	state = walk->private;
	reached = ret == -EAGAIN ? BPF_CORE_READ(state, next_addr) : ~0ULL;
	return 0;
}

/* ---- who the target is ---- */

/* The memory cgroup's number, as debugfs lru_gen has it. 0: there is none. */
static __always_inline __u32 memcg_of(struct task_struct *task)
{
	__u64 index = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct mem_cgroup *memcg = 0;

	/* A memory cgroup begins with its css. */
	bpf_probe_read_kernel(&memcg, sizeof(memcg),
			      (char *)set + bpf_core_field_offset(struct css_set, subsys) + index * sizeof(void *));
	return memcg ? BPF_CORE_READ(memcg, id.id) : 0;
}

/* Runs over the threads of the target (or all tasks, see want_tgid); the first that has an address space answers. */
SEC("iter/task")
int find_target(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task, *owner = 0;
	struct mm_struct *mm;
	__u32 xen = 0;

	if (!task || found_mm || (want_tgid && task->tgid != want_tgid))
		return 0;
	mm = task->mm;
	if (!mm)
		return 0;
	/* MGLRU keeps an address space with the cgroup of its owner. */
	if (bpf_core_field_exists(mm->owner))
		owner = BPF_CORE_READ(mm, owner);
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id) &&
	    bpf_core_field_exists(((struct mem_cgroup *)0)->id.id))
		found_memcg = memcg_of(owner ? owner : task);
	if (&vmemmap_base)
		bpf_probe_read_kernel(&vmemmap, sizeof(vmemmap), &vmemmap_base);
	if (&page_offset_base)
		bpf_probe_read_kernel(&direct_map, sizeof(direct_map), &page_offset_base);
	if (&physical_mask)
		bpf_probe_read_kernel(&pfn_mask, sizeof(pfn_mask), &physical_mask);
	pfn_mask = (pfn_mask ? pfn_mask : ~0ULL) & X86_PFN_MASK;
	/* There an entry holds the machine's frame number, not the guest's, which nothing here translates. */
	if (&xen_domain_type)
		bpf_probe_read_kernel(&xen, sizeof(xen), &xen_domain_type);
	if (xen == XEN_PV_DOMAIN)
		vmemmap = direct_map = 0;
	knows = vmemmap ? HARVEST_KNOWN : HARVEST_UNKNOWN;
	found_tgid = task->tgid;
	found_mm = (__u64)mm;
	return 0;
}
