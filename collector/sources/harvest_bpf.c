/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/sources/harvest_bpf.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collector/cpu_list.h"
#include "harvest.skel.h"

#define VMLINUX_BTF "/sys/kernel/btf/vmlinux"
#define NR_LINKS    4

#define MIN_RING_BYTES 4096

/* A program, the kernel function that it hooks, and the number of arguments that it must have. */
struct hook {
	const char *program, *function;
	unsigned nr_args;
};

/* Whose walks a set sees. */
enum { SEES_MGLRU = 1, SEES_CLEAR_REFS = 2, SEES_ALL = SEES_MGLRU | SEES_CLEAR_REFS };

struct hook_set {
	enum harvest_hooks hooks;
	const char *name;
	unsigned sees;
	bool kprobe;
	bool direct_map; /* needs the address at which all of memory is mapped: it may be hidden, and is unknown on Xen
			    PV */
	struct hook v[NR_LINKS]; /* the first one decides whether the kernel has the set */
};

/* In order of preference. */
static const struct hook_set hook_sets[] = {
	{ .hooks = HARVEST_HOOKS_RFC,
	  .name = "mglru_pte_probe, for each page",
	  .sees = SEES_MGLRU,
	  .v = { { "pte_rfc", "mglru_pte_probe", 5 }, { "pmd_rfc", "mglru_pmd_probe", 5 } } },
#if defined(__x86_64__)
	{ .hooks = HARVEST_HOOKS_TABLE,
	  .name = "clear_refs_pte_range by fentry, for each page table",
	  .sees = SEES_CLEAR_REFS,
	  .direct_map = true,
	  .v = { { "table_fentry", "clear_refs_pte_range", 4 }, { "pmd_fentry", "pmdp_test_and_clear_young", 3 } } },
	{ .hooks = HARVEST_HOOKS_FENTRY,
	  .name = "ptep_test_and_clear_young by fentry, for each page",
	  .sees = SEES_ALL,
	  .v = { { "pte_fentry", "ptep_test_and_clear_young", 3 }, { "pmd_fentry", "pmdp_test_and_clear_young", 3 } } },
	{ .hooks = HARVEST_HOOKS_KPROBE,
	  .name = "ptep_test_and_clear_young by kprobe, for each page",
	  .sees = SEES_ALL,
	  .kprobe = true,
	  .v = { { "pte_kprobe", "ptep_test_and_clear_young", 3 }, { "pmd_kprobe", "pmdp_test_and_clear_young", 3 } } },
#endif
	{ .hooks = HARVEST_HOOKS_FOLIO,
	  .name = "folio_update_gen by fentry, for each folio",
	  .sees = SEES_MGLRU,
	  .v = { { "folio_young", "folio_update_gen", 2 },
		 { "walk_enter", "walk_pud_range", 4 },
		 { "walk_exit", "walk_pud_range", 4 } } },
};

#define NR_SETS (sizeof(hook_sets) / sizeof(hook_sets[0]))

/* Sees how far a walk comes; useful with every set where MGLRU ages. */
static const struct hook walk_hook = { "walk_reached", "walk_pud_range", 4 };

struct harvest_bpf {
	const struct hook_set *hooks;
	struct harvest_bpf_skel *skel;
	struct bpf_link *links[NR_LINKS + 1];
	struct bpf_link *iter;
	bool sees_walks;
	struct ring_buffer *ring;
	int end_cpu;	       /* above the last one that has slots */
	uint64_t *seen_starts; /* what the programs hold to be seen, and room for more */
	struct harvest_pages *seen_pages;
	uint32_t cap_seen;
	struct harvest_set *into; /* during harvest_bpf_collect() */
	int failure;
};

/* ---- what the kernel has ---- */

static struct btf *load_btf(const char *root, struct err *err)
{
	char path[256];
	struct btf *btf;

	snprintf(path, sizeof(path), "%s" VMLINUX_BTF, root ? root : "");
	btf = access(path, R_OK) ? NULL : btf__parse(path, NULL);
	if (!btf)
		err_set(err, errno == EACCES ? EACCES : ENOTSUP,
			"the kernel's type information cannot be read (%s: %s): needs a kernel built with "
			"CONFIG_DEBUG_INFO_BTF, and /sys mounted",
			path, strerror(errno));
	return btf;
}

static bool has_function(const struct btf *btf, const struct hook *hook, int *id)
{
	const struct btf_type *type;

	*id = btf__find_by_name_kind(btf, hook->function, BTF_KIND_FUNC);
	if (*id < 0)
		return false;
	type = btf__type_by_id(btf, btf__type_by_id(btf, (__u32)*id)->type);
	return type && btf_is_func_proto(type) && btf_vlen(type) == hook->nr_args;
}

static bool has_set(const struct btf *btf, const struct hook_set *set, bool mglru)
{
	int id;

	return (set->sees & (mglru ? SEES_MGLRU : SEES_CLEAR_REFS)) && has_function(btf, &set->v[0], &id);
}

/* Bits of page->flags that hold the node: from the length of a zone list, which is nodes x zones and one. */
static uint32_t node_bits(const struct btf *btf)
{
	int list = btf__find_by_name_kind(btf, "zonelist", BTF_KIND_STRUCT);
	int ref = btf__find_by_name_kind(btf, "zoneref", BTF_KIND_STRUCT);
	int zones = btf__find_by_name_kind(btf, "zone_type", BTF_KIND_ENUM);
	const struct btf_type *type;
	uint32_t nr_zones = 0, nr_nodes, bits = 0;

	if (list < 0 || ref < 0 || zones < 0)
		return 0;
	type = btf__type_by_id(btf, (__u32)zones);
	for (unsigned i = 0; i < btf_vlen(type); i++)
		if (strcmp(btf__name_by_offset(btf, btf_enum(type)[i].name_off), "__MAX_NR_ZONES") == 0)
			nr_zones = (uint32_t)btf_enum(type)[i].val;
	if (!nr_zones)
		return 0;
	nr_nodes = (uint32_t)(btf__resolve_size(btf, (__u32)list) / btf__resolve_size(btf, (__u32)ref) - 1) / nr_zones;
	while (nr_nodes >> (bits + 1))
		bits++;
	return bits;
}

/* ---- whether we may ---- */

static bool has_capability(const struct __user_cap_data_struct *data, unsigned cap)
{
	return data[cap / 32].effective >> (cap % 32) & 1;
}

static int check_capabilities(struct err *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };
	bool bpf, perfmon;

	if (syscall(SYS_capget, &header, data))
		return 0; /* the kernel will say */
	bpf = has_capability(data, CAP_BPF) || has_capability(data, CAP_SYS_ADMIN);
	perfmon = has_capability(data, CAP_PERFMON) || has_capability(data, CAP_SYS_ADMIN);
	if (bpf && perfmon)
		return 0;
	return err_set(err, EPERM, "needs %s%s%s to load BPF programs: run as root", bpf ? "" : "CAP_BPF",
		       bpf || perfmon ? "" : " and ", perfmon ? "" : "CAP_PERFMON");
}

/* Loads "return 0" as the kind of program that the hook needs, and drops it. 0 or -errno. */
static int try_load(const struct hook_set *set, int btf_id)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	int fd;

	if (!set->kprobe) {
		opts.expected_attach_type = BPF_TRACE_FENTRY;
		opts.attach_btf_id = (__u32)btf_id;
	}
	fd = bpf_prog_load(set->kprobe ? BPF_PROG_TYPE_KPROBE : BPF_PROG_TYPE_TRACING, "damontop_probe", "GPL", insns,
			   sizeof(insns) / sizeof(insns[0]), &opts);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int refusal(int error, struct err *err)
{
	if (error == EPERM || error == EACCES)
		return err_set(
			err, error,
			"the kernel refuses BPF tracing programs (%s) although the capabilities are there: locked "
			"down (kernel_lockdown(7)), built without them, or a container's or seccomp's policy",
			strerror(error));
	return err_set(err, error, "the kernel refuses BPF tracing programs: %s", strerror(error));
}

/* Whether the set's programs may be loaded. kprobes, having no function in the program, need the kernel's support. */
static int probe_set(const struct btf *btf, const struct hook_set *set, const char *root)
{
	char path[256];
	int id;

	has_function(btf, &set->v[0], &id);
	snprintf(path, sizeof(path), "%s/sys/bus/event_source/devices/kprobe/type", root ? root : "");
	if (set->kprobe && access(path, F_OK))
		return -ENOTSUP;
	return try_load(set, id);
}

int harvest_bpf_probe(const struct source_params *params, bool mglru, struct err *err)
{
	struct btf *btf = load_btf(params->root, err);
	int rc = -ENOENT, first = 0;

	if (!btf)
		return err ? -err->code : -ENOTSUP;
	if (check_capabilities(err)) {
		btf__free(btf);
		return -EPERM;
	}
	libbpf_set_print(NULL); /* it would write over the screen */
	for (size_t i = 0; i < NR_SETS && rc; i++) {
		if (!has_set(btf, &hook_sets[i], mglru))
			continue;
		rc = probe_set(btf, &hook_sets[i], params->root);
		if (!first)
			first = rc;
	}
	btf__free(btf);
	if (rc == 0)
		return 0;
	if (!first)
		return err_set(err, ENOTSUP,
			       "this kernel has none of the functions to hook (ptep_test_and_clear_young on x86, "
			       "folio_update_gen elsewhere)");
	return refusal(-first, err);
}

/* ---- loading ---- */

static void unload(struct harvest_bpf *bpf)
{
	for (size_t i = 0; i < NR_LINKS + 1; i++) {
		bpf_link__destroy(bpf->links[i]);
		bpf->links[i] = NULL;
	}
	bpf_link__destroy(bpf->iter);
	ring_buffer__free(bpf->ring);
	harvest_bpf_skel__destroy(bpf->skel);
	bpf->iter = NULL;
	bpf->ring = NULL;
	bpf->skel = NULL;
	bpf->sees_walks = false;
}

static void want_program(struct harvest_bpf *bpf, const struct btf *btf, const struct hook *hook)
{
	struct bpf_program *program = bpf_object__find_program_by_name(bpf->skel->obj, hook->program);
	int id;

	if (program && has_function(btf, hook, &id))
		bpf_program__set_autoload(program, true);
}

static int attach(struct harvest_bpf *bpf, const struct hook *hook, struct bpf_link **link)
{
	struct bpf_program *program = bpf_object__find_program_by_name(bpf->skel->obj, hook->program);

	if (!program || !bpf_program__autoload(program))
		return 0;
	*link = bpf_program__attach(program);
	return *link ? 0 : -errno;
}

/* The iterator that finds the target: limited to its process by the pidfd (6.1 and newer), or over all tasks. */
static int attach_iter(struct harvest_bpf *bpf, pid_t pid, int pidfd)
{
	union bpf_iter_link_info info = { .task = { .pid_fd = (__u32)pidfd } };
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));

	bpf->iter = bpf_program__attach_iter(bpf->skel->progs.find_target, &opts);
	if (!bpf->iter) {
		bpf->skel->bss->want_tgid = (__u32)pid;
		bpf->iter = bpf_program__attach_iter(bpf->skel->progs.find_target, NULL);
	}
	return bpf->iter ? 0 : -errno;
}

static int take_record(void *ctx, void *data, size_t size)
{
	struct harvest_bpf *bpf = ctx;
	int rc = 0;

	if (!bpf->into)
		return 0;
	if (size == sizeof(struct harvest_chunk))
		rc = harvest_set_add_chunk(bpf->into, data);
	else if (size == sizeof(struct harvest_range))
		rc = harvest_set_add_range(bpf->into, data);
	if (rc == -ENOMEM)
		bpf->failure = rc;
	return 0;
}

/* The programs of bpf->hooks, verified by the kernel and ready to find the process. Hooks nothing yet. */
static int load_programs(struct harvest_bpf *bpf, const struct btf *btf, pid_t pid, int pidfd, bool mglru,
			 uint32_t ring_bytes)
{
	struct bpf_program *program;
	struct harvest_target found;
	int rc;

	bpf->skel = harvest_bpf_skel__open();
	if (!bpf->skel)
		return -errno;
	bpf_object__for_each_program(program, bpf->skel->obj)
		bpf_program__set_autoload(program, program == bpf->skel->progs.find_target);
	for (size_t i = 0; i < NR_LINKS && bpf->hooks->v[i].program; i++)
		want_program(bpf, btf, &bpf->hooks->v[i]);
	if (mglru)
		want_program(bpf, btf, &walk_hook);
	bpf->skel->rodata->node_shift = 64 - node_bits(btf);
	bpf->skel->rodata->can_cast = btf__find_by_name_kind(btf, "bpf_rdonly_cast", BTF_KIND_FUNC) > 0;
	bpf_map__set_max_entries(bpf->skel->maps.ring, ring_bytes);
	rc = harvest_bpf_skel__load(bpf->skel);
	if (!rc)
		rc = attach_iter(bpf, pid, pidfd);
	if (!rc && bpf->hooks->direct_map && !harvest_bpf_find_target(bpf, &found, NULL) && !bpf->skel->bss->direct_map)
		rc = -ENOTSUP;
	return rc;
}

static int attach_all(struct harvest_bpf *bpf, bool mglru)
{
	int rc = 0;

	for (size_t i = 0; i < NR_LINKS && bpf->hooks->v[i].program && !rc; i++)
		rc = attach(bpf, &bpf->hooks->v[i], &bpf->links[i]);
	if (rc)
		return rc;
	if (mglru && attach(bpf, &walk_hook, &bpf->links[NR_LINKS]) == 0)
		bpf->sees_walks = bpf->links[NR_LINKS];
	bpf->ring = ring_buffer__new(bpf_map__fd(bpf->skel->maps.ring), take_record, bpf, NULL);
	return bpf->ring ? 0 : -errno;
}

/* Loads the first set that the kernel has and takes. */
static int load_any(struct harvest_bpf *bpf, const struct btf *btf, const struct target *target, bool mglru,
		    enum harvest_hooks hooks, uint32_t ring_bytes, struct err *err)
{
	int rc, first = 0;

	for (size_t i = 0; i < NR_SETS; i++) {
		bpf->hooks = &hook_sets[i];
		if ((hooks && hooks != bpf->hooks->hooks) || !has_set(btf, bpf->hooks, mglru))
			continue;
		rc = load_programs(bpf, btf, target->pid, target->pidfd, mglru, ring_bytes);
		if (!rc)
			rc = attach_all(bpf, mglru);
		if (rc == 0)
			return 0;
		unload(bpf);
		if (!first)
			first = rc;
	}
	if (first)
		return refusal(-first, err);
	return err_set(err, ENOTSUP, "this kernel has none of the functions to hook");
}

const char *harvest_bpf_hooks(const struct source_params *params, bool mglru)
{
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	struct btf *btf = load_btf(params->root, NULL);
	struct harvest_bpf bpf = { 0 };
	const char *name = NULL;

	libbpf_set_print(NULL);
	for (size_t i = 0; i < NR_SETS && !name && btf; i++) {
		bpf.hooks = &hook_sets[i];
		if (has_set(btf, bpf.hooks, mglru) && !probe_set(btf, bpf.hooks, params->root) &&
		    !load_programs(&bpf, btf, getpid(), pidfd, mglru, MIN_RING_BYTES))
			name = bpf.hooks->name;
		unload(&bpf);
	}
	btf__free(btf);
	if (pidfd >= 0)
		close(pidfd);
	return name;
}

/* Above the highest number that a CPU can have here, as far as CPUs have slots. */
static int find_end_cpu(void)
{
	int *cpus = NULL, end = HARVEST_MAX_CPUS;
	size_t nr;

	if (cpu_list_read("", "/sys/devices/system/cpu/possible", &cpus, &nr, NULL) == 0 && cpus[nr - 1] < end)
		end = cpus[nr - 1] + 1;
	free(cpus);
	return end;
}

int harvest_bpf_open(struct harvest_bpf **out, const struct target *target, bool mglru, enum harvest_hooks hooks,
		     uint32_t ring_bytes, struct err *err)
{
	struct harvest_bpf *bpf = calloc(1, sizeof(*bpf));
	struct btf *btf = load_btf("", err);
	int rc = btf ? 0 : -ENOTSUP;

	*out = NULL;
	libbpf_set_print(NULL); /* it would write over the screen */
	if (!rc && !bpf)
		rc = err_set(err, ENOMEM, "no memory for the harvest");
	if (!rc)
		bpf->end_cpu = find_end_cpu();
	if (!rc)
		rc = load_any(bpf, btf, target, mglru, hooks, ring_bytes, err);
	btf__free(btf);
	if (rc) {
		harvest_bpf_close(bpf);
		return rc;
	}
	*out = bpf;
	return 0;
}

void harvest_bpf_close(struct harvest_bpf *bpf)
{
	if (!bpf)
		return;
	unload(bpf);
	free(bpf->seen_starts);
	free(bpf->seen_pages);
	free(bpf);
}

/* ---- using ---- */

int harvest_bpf_find_target(struct harvest_bpf *bpf, struct harvest_target *found, struct err *err)
{
	int fd = bpf_iter_create(bpf_link__fd(bpf->iter));
	char rest[64];
	ssize_t n;

	if (fd < 0)
		return err_set(err, errno, "looking for the target's address space: %s", strerror(errno));
	bpf->skel->bss->found_mm = 0;
	bpf->skel->bss->found_memcg = 0;
	while ((n = read(fd, rest, sizeof(rest))) > 0 || (n < 0 && errno == EINTR))
		;
	close(fd);
	if (!bpf->skel->bss->found_mm)
		return -ESRCH;
	*found = (struct harvest_target){ .mm = bpf->skel->bss->found_mm, .memcg = bpf->skel->bss->found_memcg };
	return 0;
}

void harvest_bpf_set_mm(struct harvest_bpf *bpf, uint64_t mm)
{
	struct harvest_set rest = { 0 };

	bpf->skel->bss->target_mm = 0;
	harvest_bpf_collect(bpf, &rest, NULL);
	harvest_set_free(&rest);
	bpf->skel->bss->target_mm = mm;
}

void harvest_bpf_begin_walk(struct harvest_bpf *bpf)
{
	bpf->skel->bss->reached = 0;
}

uint64_t harvest_bpf_nr_tables(const struct harvest_bpf *bpf)
{
	return bpf->skel->bss->nr_tables;
}

uint64_t harvest_bpf_reached(const struct harvest_bpf *bpf)
{
	return bpf->sees_walks ? bpf->skel->bss->reached : UINT64_MAX;
}

/* The chunks that each CPU still has in hand. What reclaim clears at this very moment is lost to the harvest. */
static int collect_slots(struct harvest_bpf *bpf, struct harvest_set *set)
{
	int rc = 0;

	for (int cpu = 0; cpu < bpf->end_cpu && !rc; cpu++) {
		for (int i = 0; i < HARVEST_NR_SLOTS && !rc; i++) {
			struct harvest_chunk *slot = &bpf->skel->bss->cpus[cpu].slot[i];
			struct harvest_chunk copy = *slot;

			__atomic_store_n(&slot->place, 0, __ATOMIC_SEQ_CST);
			if (copy.place)
				rc = harvest_set_add_chunk(set, &copy);
		}
	}
	return rc;
}

static int collect(struct harvest_bpf *bpf, struct harvest_set *set, struct err *err)
{
	int rc;

	bpf->into = set;
	bpf->failure = 0;
	rc = ring_buffer__consume(bpf->ring);
	bpf->into = NULL;
	if (rc >= 0)
		rc = bpf->failure ? bpf->failure : collect_slots(bpf, set);
	return rc ? err_set(err, -rc, "reading the harvest: %s", strerror(-rc)) : 0;
}

static void forget_seen(struct harvest_bpf *bpf)
{
	uint32_t nr = (uint32_t)bpf->skel->bss->nr_seen;

	bpf->skel->bss->nr_seen = 0;
	if (nr)
		bpf_map_delete_batch(bpf_map__fd(bpf->skel->maps.seen), bpf->seen_starts, &nr, NULL);
}

static bool make_room_for_seen(struct harvest_bpf *bpf, size_t nr)
{
	uint64_t *starts;
	struct harvest_pages *pages;

	if (nr <= bpf->cap_seen)
		return true;
	starts = realloc(bpf->seen_starts, nr * sizeof(*starts));
	if (starts)
		bpf->seen_starts = starts;
	pages = realloc(bpf->seen_pages, nr * sizeof(*pages));
	if (pages)
		bpf->seen_pages = pages;
	if (!starts || !pages)
		return false;
	bpf->cap_seen = (uint32_t)nr;
	return true;
}

int harvest_bpf_collect(struct harvest_bpf *bpf, struct harvest_set *set, struct err *err)
{
	forget_seen(bpf);
	return collect(bpf, set, err);
}

int harvest_bpf_collect_walk(struct harvest_bpf *bpf, struct harvest_set *set, struct err *err)
{
	int rc = collect(bpf, set, err);
	uint32_t nr = 0;

	forget_seen(bpf);
	if (rc || set->nr > UINT32_MAX || !make_room_for_seen(bpf, set->nr))
		return rc;
	nr = (uint32_t)harvest_set_pages(set, bpf->seen_starts, bpf->seen_pages);
	/* As many as there is room for: the kernel says how many these were. */
	if (nr)
		bpf_map_update_batch(bpf_map__fd(bpf->skel->maps.seen), bpf->seen_starts, bpf->seen_pages, &nr, NULL);
	bpf->skel->bss->nr_seen = nr;
	return 0;
}

uint64_t harvest_bpf_lost_pages(const struct harvest_bpf *bpf)
{
	return bpf->skel->bss->lost_pages;
}
