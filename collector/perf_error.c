/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/perf_error.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "collector/perf_attach.h"
#include "collector/sysfs.h"
#include "collector/text.h"

/* What a template may name. */
struct facts {
	const struct perf_attempt *a;
	char devices[128], cpu[80], paranoid[16], release[80], attr[160];
};

typedef void explain_fn(char *dst, size_t size, const struct facts *f);

struct explanation {
	int code;
	explain_fn *explain;
};

const char *perf_cpu_name(char *dst, size_t size, const char *root)
{
	char text[1024], *name;

	sysfs_read_start(root, "/proc/cpuinfo", text, sizeof(text));
	name = strstr(text, "model name");
	name = name ? strstr(name, ": ") : NULL;
	if (!name) {
		snprintf(dst, size, "this CPU");
		return dst;
	}
	text_clean(dst, size, name + 2, strcspn(name + 2, "\n"));
	return dst;
}

const char *perf_device_names(char *dst, size_t size, const char *root)
{
	char path[PATH_MAX], name[64];
	struct dirent *entry;
	size_t len = 0;
	DIR *dir;

	snprintf(dst, size, "none");
	snprintf(path, sizeof(path), "%s/sys/bus/event_source/devices", root ? root : "");
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		text_clean_str(name, sizeof(name), entry->d_name);
		if (len + strlen(name) + 2 > size)
			break;
		len += (size_t)snprintf(dst + len, size - len, "%s%s", len ? " " : "", name);
	}
	if (dir)
		closedir(dir);
	return dst;
}

static void dump_attr(char *dst, size_t size, const struct perf_event_attr *a)
{
	snprintf(dst, size, "type %u config %#llx config1 %#llx %s %llu precise %u sample_type %#llx%s%s%s%s", a->type,
		 (unsigned long long)a->config, (unsigned long long)a->config1, a->freq ? "freq" : "period",
		 (unsigned long long)a->sample_period, a->precise_ip, (unsigned long long)a->sample_type,
		 a->exclude_user ? " exclude_user" : "", a->exclude_kernel ? " exclude_kernel" : "",
		 a->exclude_guest ? " exclude_guest" : "", a->inherit ? " inherit" : "");
}

static void gather(struct facts *f, const struct perf_attempt *a)
{
	struct utsname name;
	int paranoid = perf_paranoid(a->root);

	f->a = a;
	perf_device_names(f->devices, sizeof(f->devices), a->root);
	perf_cpu_name(f->cpu, sizeof(f->cpu), a->root);
	if (paranoid == PERF_PARANOID_UNKNOWN)
		snprintf(f->paranoid, sizeof(f->paranoid), "unknown");
	else
		snprintf(f->paranoid, sizeof(f->paranoid), "%d", paranoid);
	snprintf(f->release, sizeof(f->release), "%s", uname(&name) ? "?" : name.release);
	dump_attr(f->attr, sizeof(f->attr), a->attr);
}

static void no_pmu(char *dst, size_t size, const struct facts *f)
{
	snprintf(dst, size,
		 "%s: this machine has no usable hardware PMU for it (a VM or a container?). CPU: %s. Devices: %s. "
		 "damontop --sources lists what works here instead",
		 f->a->event, f->cpu, f->devices);
}

/* The highest perf_event_paranoid that allows the attempt on a process of one's own. */
static int paranoid_allowed(const struct perf_attempt *a)
{
	if (a->tid < 0)
		return 0;
	return !a->attr->exclude_kernel || a->attr->sample_type & PERF_SAMPLE_PHYS_ADDR ? 1 : 2;
}

static void not_permitted(char *dst, size_t size, const struct facts *f)
{
	int paranoid = perf_paranoid(f->a->root);

	/* The sysctl would let it pass, so it is the other check: that of ptrace(2). */
	if (f->a->tid > 0 && paranoid <= paranoid_allowed(f->a)) {
		snprintf(dst, size,
			 "%s: not permitted for process or thread %d: it is another user's, or has privileges of its "
			 "own. Be that user, or add CAP_PERFMON: setcap cap_perfmon,cap_ipc_lock+ep on the program",
			 f->a->event, (int)f->a->tid);
		return;
	}
	snprintf(dst, size,
		 "%s: not permitted (kernel.perf_event_paranoid is %s%s). Needs CAP_PERFMON: setcap "
		 "cap_perfmon,cap_ipc_lock+ep on the program, or sysctl kernel.perf_event_paranoid=%d",
		 f->a->event, f->paranoid, f->a->tid < 0 ? ", and CPU-wide events see every process" : "",
		 paranoid_allowed(f->a));
}

static void refused(char *dst, size_t size, const struct facts *f)
{
	snprintf(dst, size,
		 "%s: the kernel, or a container's seccomp filter, refuses perf_event_open. In a container: allow the "
		 "call and add CAP_PERFMON",
		 f->a->event);
}

static void bad_setup(char *dst, size_t size, const struct facts *f)
{
	snprintf(dst, size, "%s: kernel %s refuses this event setup: %s", f->a->event, f->release, f->attr);
}

static void not_precise(char *dst, size_t size, const struct facts *f)
{
	snprintf(dst, size,
		 "%s: %s cannot sample it precisely enough (precise level %u), and without that the addresses would be "
		 "wrong. Choose another event with -e, or another source",
		 f->a->event, f->cpu, f->a->attr->precise_ip);
}

static void no_data_source(char *dst, size_t size, const struct facts *f)
{
	snprintf(dst, size, "%s: %s wants the event mem-loads-aux in front of it, and that one is not there",
		 f->a->event, f->cpu);
}

static void no_process(char *dst, size_t size, const struct facts *f)
{
	snprintf(dst, size, "%s: process or thread %d does not exist (any more)", f->a->event, (int)f->a->tid);
}

static void no_fds(char *dst, size_t size, const struct facts *f)
{
	struct rlimit limit = { 0 };
	char number[48] = "";

	getrlimit(RLIMIT_NOFILE, &limit);
	if (f->a->nr_for_thread)
		snprintf(number, sizeof(number), ", here %zu a thread", f->a->nr_for_thread);
	snprintf(dst, size,
		 "%s: out of file descriptors at %llu: one is needed for each event, thread and CPU%s. Raise the hard "
		 "limit (ulimit -Hn), or watch with a source that needs none",
		 f->a->event, (unsigned long long)limit.rlim_cur, number);
}

static void no_counter(char *dst, size_t size, const struct facts *f)
{
	snprintf(dst, size, "%s: no free counter or breakpoint. Another program may be using them", f->a->event);
}

static void busy(char *dst, size_t size, const struct facts *f)
{
	snprintf(dst, size, "%s: another program holds the PMU (a profiler, a watchdog or a hypervisor)", f->a->event);
}

static void too_new(char *dst, size_t size, const struct facts *f)
{
	snprintf(dst, size, "%s: kernel %s does not know all of this event setup: %s", f->a->event, f->release,
		 f->attr);
}

static void no_device(char *dst, size_t size, const struct facts *f)
{
	snprintf(dst, size, "%s: CPU %d is offline, or %s has no such unit", f->a->event, f->a->cpu, f->cpu);
}

static void no_perf(char *dst, size_t size, const struct facts *f)
{
	snprintf(dst, size, "%s: kernel %s is built without CONFIG_PERF_EVENTS", f->a->event, f->release);
}

static void no_memory(char *dst, size_t size, const struct facts *f)
{
	snprintf(dst, size, "%s: the kernel is out of memory", f->a->event);
}

static const struct explanation explanations[] = {
	{ ENOENT, no_pmu },	   { ENODEV, no_device },	{ ENXIO, no_device },
	{ EACCES, not_permitted }, { EPERM, refused },		{ EINVAL, bad_setup },
	{ ESRCH, no_process },	   { EOPNOTSUPP, not_precise }, { ENODATA, no_data_source },
	{ EMFILE, no_fds },	   { ENFILE, no_fds },		{ ENOSPC, no_counter },
	{ EBUSY, busy },	   { E2BIG, too_new },		{ ENOSYS, no_perf },
	{ ENOMEM, no_memory },
};

int perf_error_open(struct err *err, int code, const struct perf_attempt *attempt)
{
	char text[sizeof(ERR_NONE.text)];
	struct facts facts;

	if (!err || err->code)
		return -code;
	gather(&facts, attempt);
	for (size_t i = 0; i < sizeof(explanations) / sizeof(explanations[0]); i++) {
		if (explanations[i].code != code)
			continue;
		explanations[i].explain(text, sizeof(text), &facts);
		return err_set(err, code, "%s", text);
	}
	return err_set(err, code, "%s: perf_event_open failed: %s", attempt->event, strerror(code));
}

int perf_error_ring(struct err *err, int code, size_t sz_ring, size_t nr_rings, const char *root)
{
	long mlock_kb;

	if (code != EPERM)
		return err_set(err, code, "cannot map a perf ring of %zu KiB: %s", sz_ring / 1024, strerror(code));
	if (sysfs_read_long(root, "/proc/sys/kernel/perf_event_mlock_kb", &mlock_kb))
		mlock_kb = -1;
	return err_set(
		err, code,
		"ring memory is over the limit even at %zu KiB for each of %zu CPUs (kernel.perf_event_mlock_kb is "
		"%ld for each, and RLIMIT_MEMLOCK). Raise one of them, or add CAP_IPC_LOCK",
		sz_ring / 1024, nr_rings, mlock_kb);
}
