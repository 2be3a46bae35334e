/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/perf_set.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "collector/array.h"
#include "collector/cpu_list.h"
#include "collector/perf_error.h"

/* Rounds of listing and opening before a target that makes threads all the time is left as it is. */
#define MAX_ROUNDS 16
/* Fresh attempts, as long as threads appear during each. */
#define MAX_ATTEMPTS 8

struct tid_list {
	pid_t *v;
	size_t nr;
};

static int by_tid(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

static int open_task_dir(int proc_fd)
{
	int fd;

	do {
		fd = openat(proc_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	} while (fd < 0 && errno == EMFILE && perf_raise_fd_limit());
	return fd < 0 ? -errno : fd;
}

/* The threads there are now, sorted. -ESRCH: the process has ended. */
static int list_threads(int proc_fd, struct tid_list *list, struct err *err)
{
	int fd = open_task_dir(proc_fd);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	size_t cap = 0;
	pid_t *v;

	*list = (struct tid_list){ 0 };
	if (fd == -ENOENT || fd == -ESRCH)
		return err_set(err, ESRCH, "the process has ended");
	if (!dir)
		return err_set(err, fd < 0 ? -fd : errno, "cannot list the threads of the process: %s",
			       strerror(fd < 0 ? -fd : errno));
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		v = array_grow(list->v, &cap, list->nr + 1, sizeof(*v));
		if (!v)
			break;
		list->v = v;
		v[list->nr++] = (pid_t)strtol(entry->d_name, NULL, 10);
	}
	closedir(dir);
	if (entry) {
		free(list->v);
		return err_set(err, ENOMEM, "no memory for a list of threads");
	}
	if (list->nr)
		qsort(list->v, list->nr, sizeof(*list->v), by_tid);
	return 0;
}

static bool has_tid(const pid_t *v, size_t nr, pid_t tid)
{
	return nr && bsearch(&tid, v, nr, sizeof(*v), by_tid);
}

bool perf_set_has_heirs(struct perf_attach *pa, const struct perf_set *set)
{
	struct tid_list now;
	bool heirs = false;

	if (set->cpu_wide || pa->proc_fd < 0 || list_threads(pa->proc_fd, &now, NULL))
		return false;
	for (size_t i = 0; i < now.nr && !heirs; i++)
		heirs = !has_tid(set->tids, set->nr_tids, now.v[i]);
	free(now.v);
	return heirs;
}

/* ---- rings ----------------------------------------------------------------------------------- */

static int poll_ring(struct perf_attach *pa, struct perf_set *set, struct set_ring *ring, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = (uint64_t)(ring - set->rings) };

	ring->polled = -1;
	if (epoll_ctl(pa->epoll_fd, EPOLL_CTL_ADD, fd, &event))
		return -errno;
	ring->polled = fd;
	return 0;
}

void perf_set_poll_another(struct perf_attach *pa, struct perf_set *set, struct set_ring *ring)
{
	int dead = ring->polled;
	bool passed = false;

	epoll_ctl(pa->epoll_fd, EPOLL_CTL_DEL, dead, NULL);
	ring->polled = -1;
	for (size_t i = 0; i < set->nr_fds; i++) {
		const struct set_fd *f = &set->fds[i];

		if (passed && f->cpu == ring->cpu && !poll_ring(pa, set, ring, f->fd))
			return;
		passed = passed || f->fd == dead;
	}
}

static struct set_ring *find_ring(const struct perf_set *set, int cpu)
{
	for (size_t i = 0; i < set->nr_rings; i++)
		if (set->rings[i].cpu == cpu)
			return &set->rings[i];
	return NULL;
}

static int add_ring(struct perf_attach *pa, struct perf_set *set, int fd, int cpu, struct err *err)
{
	struct set_ring *rings = realloc(set->rings, (set->nr_rings + 1) * sizeof(*rings));
	struct set_ring *ring;
	int rc;

	if (!rings)
		return err_set(err, ENOMEM, "no memory for perf rings");
	set->rings = rings;
	ring = &rings[set->nr_rings];
	*ring = (struct set_ring){ .cpu = cpu, .owner = fd, .polled = -1 };
	rc = perf_ring_open_fd(&ring->ring, fd, pa->nr_pages, NULL);
	if (rc) {
		set->ring_refused = rc == -EPERM;
		return perf_error_ring(err, -rc, pa->nr_pages * (size_t)sysconf(_SC_PAGESIZE), set->nr_cpus,
				       pa->spec.root);
	}
	set->nr_rings++;
	rc = poll_ring(pa, set, ring, fd);
	return rc ? err_set(err, -rc, "epoll_ctl failed: %s", strerror(-rc)) : 0;
}

/* The ring of the fd's CPU takes its output; the first fd of a CPU brings the ring. */
static int send_to_ring(struct perf_attach *pa, struct perf_set *set, int fd, int cpu, struct err *err)
{
	const struct set_ring *ring = find_ring(set, cpu);

	if (!ring)
		return add_ring(pa, set, fd, cpu, err);
	if (ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, ring->owner))
		return err_set(err, errno, "cannot redirect a perf event to the ring of CPU %d: %s", cpu,
			       strerror(errno));
	return 0;
}

/* ---- events ---------------------------------------------------------------------------------- */

static void complete_attr(const struct perf_attach *pa, const struct perf_set *set, struct perf_event_attr *attr)
{
	size_t sz_ring = pa->nr_pages * (size_t)sysconf(_SC_PAGESIZE);

	attr->size = sizeof(*attr);
	attr->disabled = 1;
	attr->inherit = !set->cpu_wide;
	attr->inherit_thread = set->inherit_thread && !set->cpu_wide;
	attr->read_format = 0; /* PERF_SAMPLE_READ and inherit exclude each other */
	attr->sample_id_all = 1;
	attr->sample_type |= PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID;
	attr->watermark = 1;
	attr->wakeup_watermark = (uint32_t)(sz_ring / 4);
}

static int open_event(struct perf_attach *pa, struct perf_set *set, size_t i, pid_t tid, int cpu, int group_fd,
		      struct err *err)
{
	struct perf_event_attr attr = pa->spec.attr[i];
	const struct perf_attempt attempt = {
		.event = pa->names[i],
		.attr = &attr,
		.tid = tid,
		.cpu = cpu,
		.root = pa->spec.root,
		.nr_for_thread = pa->spec.nr_events * set->nr_cpus,
	};
	int fd;

	complete_attr(pa, set, &attr);
	fd = perf_open_quiet(&attr, tid, cpu, group_fd);
	if (fd == -EINVAL && attr.inherit_thread) {
		/* Before Linux 5.13: child processes inherit as well, and their samples are filtered out. */
		attr.inherit_thread = 0;
		fd = perf_open_quiet(&attr, tid, cpu, group_fd);
		if (fd >= 0)
			set->inherit_thread = false;
	}
	return fd < 0 ? perf_error_open(err, -fd, &attempt) : fd;
}

static int remember_fd(struct perf_set *set, const struct set_fd *fd, struct err *err)
{
	struct set_fd *fds = array_grow(set->fds, &set->cap_fds, set->nr_fds + 1, sizeof(*fds));
	size_t i = set->nr_fds;

	if (!fds)
		return err_set(err, ENOMEM, "no memory for perf events");
	set->fds = fds;
	for (; i && set->fds[i - 1].id > fd->id; i--)
		set->fds[i] = set->fds[i - 1];
	set->fds[i] = *fd;
	set->nr_fds++;
	return 0;
}

static bool on_cpu(const struct set_cpus *cpus, int cpu)
{
	for (size_t i = 0; i < cpus->nr; i++)
		if (cpus->v[i] == cpu)
			return true;
	return !cpus->v;
}

/* All events of the spec on one thread and CPU. -ENODEV, -ESRCH: that CPU or thread is gone. */
static int open_events(struct perf_attach *pa, struct perf_set *set, pid_t tid, int cpu, struct err *err)
{
	struct set_fd f = { .cpu = cpu, .tid = tid };
	int opened[PERF_ATTACH_NR_EVENTS], leader, rc;

	for (size_t i = 0; i < pa->spec.nr_events; i++) {
		if (!on_cpu(&set->event_cpus[i], cpu))
			continue;
		leader = pa->spec.group_leader[i];
		f.event = (uint16_t)i;
		f.fd = open_event(pa, set, i, tid, cpu, leader < 0 ? -1 : opened[leader], err);
		if (f.fd < 0)
			return f.fd;
		opened[i] = f.fd;
		rc = ioctl(f.fd, PERF_EVENT_IOC_ID, &f.id) ? -errno : 0;
		if (rc)
			err_set(err, -rc, "PERF_EVENT_IOC_ID failed: %s", strerror(-rc));
		else
			rc = remember_fd(set, &f, err);
		if (rc) {
			close(f.fd);
			return rc;
		}
		rc = send_to_ring(pa, set, f.fd, cpu, err);
		if (rc)
			return rc;
		if (pa->enabled && ioctl(f.fd, PERF_EVENT_IOC_ENABLE, 0))
			return err_set(err, errno, "cannot enable a perf event: %s", strerror(errno));
	}
	return 0;
}

/* As open_events(), but a thread or CPU that is gone is no error. */
static int try_events(struct perf_attach *pa, struct perf_set *set, pid_t tid, int cpu, struct err *err)
{
	struct err local = ERR_NONE;
	int rc = open_events(pa, set, tid, cpu, &local);

	if (!rc || rc == -ENODEV || rc == -ESRCH)
		return 0;
	return err_set(err, local.code, "%s", local.text);
}

static int add_tid(struct tid_list *known, pid_t tid, struct err *err)
{
	pid_t *v = realloc(known->v, (known->nr + 1) * sizeof(*v));
	size_t i = known->nr;

	if (!v)
		return err_set(err, ENOMEM, "no memory for a list of threads");
	known->v = v;
	for (; i && v[i - 1] > tid; i--)
		v[i] = v[i - 1];
	v[i] = tid;
	known->nr++;
	return 0;
}

/* One listing: opens the threads that are not known yet. Returns how many there were, or -errno. */
static int open_new_threads(struct perf_attach *pa, struct perf_set *set, struct tid_list *known, const int *cpus,
			    size_t nr_cpus, struct err *err)
{
	struct tid_list now;
	int rc = list_threads(pa->proc_fd, &now, err), nr_new = 0;

	for (size_t i = 0; !rc && i < now.nr; i++) {
		if (has_tid(known->v, known->nr, now.v[i]))
			continue;
		nr_new++;
		rc = add_tid(known, now.v[i], err);
		for (size_t c = 0; !rc && c < nr_cpus; c++)
			rc = try_events(pa, set, now.v[i], cpus[c], err);
	}
	free(now.v);
	return rc ? rc : nr_new;
}

/*
 * Opens all threads but the known ones on these CPUs. A thread that appears meanwhile may or may not have inherited, so
 * it is opened as well; when a listing shows nothing new, all threads that come later inherit.
 */
static int open_threads(struct perf_attach *pa, struct perf_set *set, struct tid_list *known, const int *cpus,
			size_t nr_cpus, struct err *err)
{
	bool first = !known->nr;

	set->stable = false;
	for (int round = 0; round < MAX_ROUNDS && !set->stable; round++) {
		int nr_new = open_new_threads(pa, set, known, cpus, nr_cpus, err);

		if (nr_new < 0)
			return nr_new;
		set->stable = !nr_new;
		set->ambiguous = set->ambiguous || (nr_new && !first);
		first = false;
	}
	return 0;
}

static int open_per_thread(struct perf_attach *pa, struct perf_set *set, struct err *err)
{
	struct tid_list known = { 0 };
	int rc = open_threads(pa, set, &known, set->cpus, set->nr_cpus, err);

	set->tids = known.v;
	set->nr_tids = known.nr;
	if (!rc && !set->nr_fds)
		rc = err_set(err, ESRCH, "process %d has ended", (int)pa->pid);
	return rc;
}

static int open_cpu_wide(struct perf_attach *pa, struct perf_set *set, struct err *err)
{
	int rc = 0;

	for (size_t c = 0; !rc && c < set->nr_cpus; c++)
		rc = try_events(pa, set, -1, set->cpus[c], err);
	if (!rc && !set->nr_fds)
		rc = err_set(err, ENODEV, "no CPU takes the event %s", pa->names[0]);
	set->stable = true;
	return rc;
}

/* Hybrid CPUs: each PMU has the cores of one kind. */
static int read_event_cpus(const struct perf_attach *pa, struct perf_set *set, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < pa->spec.nr_events; i++) {
		const char *file = pa->spec.cpus_file[i];

		if (file && *file)
			rc = cpu_list_read(pa->spec.root, file, &set->event_cpus[i].v, &set->event_cpus[i].nr, err);
	}
	return rc;
}

static int open_once(struct perf_attach *pa, struct perf_set *set, bool cpu_wide, struct err *err)
{
	bool enabled = pa->enabled, refused;
	int rc;

	*set = (struct perf_set){ .cpu_wide = cpu_wide, .inherit_thread = true };
	pa->enabled = false; /* a new set is enabled as a whole */
	rc = cpu_list_online(pa->spec.root, &set->cpus, &set->nr_cpus, err);
	if (!rc)
		rc = read_event_cpus(pa, set, err);
	if (!rc)
		rc = cpu_wide ? open_cpu_wide(pa, set, err) : open_per_thread(pa, set, err);
	pa->enabled = enabled;
	if (!rc)
		return 0;
	refused = set->ring_refused;
	perf_set_free(set);
	set->ring_refused = refused;
	return rc;
}

/*
 * A target that is starting its threads: once it has, a fresh attempt leaves no doubt who has inherited. Dropping
 * duplicates (perf_drain.c) is for targets that never stop, and is not exact: a thread may inherit between two CPUs'
 * events of its parent, or have inherited before it can be listed, and one id may then stand for two events.
 */
static int open_clearly(struct perf_attach *pa, struct perf_set *set, bool cpu_wide, struct err *err)
{
	int rc = open_once(pa, set, cpu_wide, err);

	for (int i = 0; i < MAX_ATTEMPTS && !rc && set->ambiguous; i++) {
		perf_set_free(set);
		rc = open_once(pa, set, cpu_wide, err);
	}
	return rc;
}

/* Halves the rings until the kernel has room for them. */
static int open_sized(struct perf_attach *pa, struct perf_set *set, bool cpu_wide, struct err *err)
{
	struct err local;
	int rc;

	for (pa->nr_pages = pa->nr_pages_wanted;; pa->nr_pages /= 2) {
		local = ERR_NONE;
		rc = open_clearly(pa, set, cpu_wide, &local);
		pa->stats.ring_halved = pa->nr_pages < pa->nr_pages_wanted;
		if (!rc)
			return 0;
		if (!set->ring_refused || pa->nr_pages == 1)
			return err_set(err, local.code, "%s", local.text);
	}
}

/* Per thread is impossible: too many descriptors, or the PMU does not do it (IBS before Linux 6.2: -EINVAL). */
static bool cpu_wide_may_help(int rc)
{
	return rc == -EMFILE || rc == -ENFILE || rc == -EINVAL || rc == -EOPNOTSUPP;
}

/*
 * Threads have come during every attempt: which of them have inherited is not certain. A whole CPU's events see all
 * threads, whoever made them and when.
 */
static int open_wide_instead(struct perf_attach *pa, struct perf_set *set, struct err *err)
{
	perf_set_free(set);
	return open_sized(pa, set, true, NULL) ? open_sized(pa, set, false, err) : 0;
}

int perf_set_open(struct perf_attach *pa, struct perf_set *set, struct err *err)
{
	struct err local = ERR_NONE;
	int rc;

	if (pa->spec.want_cpu_wide && !open_sized(pa, set, true, NULL))
		return 0;
	rc = open_sized(pa, set, false, &local);
	if (!rc && pa->spec.allow_cpu_wide && (set->ambiguous || !set->stable))
		return open_wide_instead(pa, set, err);
	if (cpu_wide_may_help(rc) && pa->spec.allow_cpu_wide && !open_sized(pa, set, true, NULL))
		return 0;
	return rc ? err_set(err, local.code, "%s", local.text) : 0;
}

/* The CPUs in now that the set does not have; moves them to the front of now and returns their number. */
static size_t new_cpus(const struct perf_set *set, int *now, size_t nr_now)
{
	size_t nr = 0;

	for (size_t i = 0; i < nr_now; i++) {
		size_t c = 0;

		while (c < set->nr_cpus && set->cpus[c] != now[i])
			c++;
		if (c == set->nr_cpus)
			now[nr++] = now[i];
	}
	return nr;
}

static int extend_cpus(struct perf_attach *pa, struct perf_set *set, int *now, size_t nr_now, struct err *err)
{
	size_t nr = new_cpus(set, now, nr_now);
	struct tid_list known = { 0 };
	int *cpus, rc;

	if (!nr)
		return 0;
	cpus = realloc(set->cpus, (set->nr_cpus + nr) * sizeof(*cpus));
	if (!cpus)
		return err_set(err, ENOMEM, "no memory for a list of CPUs");
	memcpy(cpus + set->nr_cpus, now, nr * sizeof(*cpus));
	set->cpus = cpus;
	set->nr_cpus += nr;
	rc = open_threads(pa, set, &known, now, nr, err);
	free(known.v);
	return rc;
}

int perf_set_extend(struct perf_attach *pa, struct perf_set *set, struct err *err)
{
	struct tid_list known = { .v = set->tids, .nr = set->nr_tids };
	size_t nr_now;
	int *now, rc = 0;

	if (!set->stable)
		rc = open_threads(pa, set, &known, set->cpus, set->nr_cpus, err);
	set->tids = known.v;
	set->nr_tids = known.nr;
	if (rc)
		return rc;
	rc = cpu_list_online(pa->spec.root, &now, &nr_now, err);
	if (rc)
		return rc;
	rc = extend_cpus(pa, set, now, nr_now, err);
	free(now);
	return rc;
}

int perf_set_open_files(struct perf_attach *pa, struct perf_set *set, const int *fds, size_t nr_fds, struct err *err)
{
	int rc = 0;

	*set = (struct perf_set){ .stable = true };
	for (size_t i = 0; !rc && i < pa->spec.nr_events; i++) {
		const struct set_fd f = { .fd = -1, .tid = pa->pid, .event = (uint16_t)i, .id = i + 1 };

		rc = remember_fd(set, &f, err);
	}
	set->rings = calloc(nr_fds, sizeof(*set->rings));
	if (!rc && !set->rings)
		rc = err_set(err, ENOMEM, "no memory for perf rings");
	for (size_t i = 0; !rc && i < nr_fds; i++) {
		set->rings[i] = (struct set_ring){ .cpu = (int)i, .owner = -1, .polled = -1 };
		rc = perf_ring_open_fd(&set->rings[i].ring, fds[i], pa->nr_pages, err);
		set->nr_rings += !rc;
	}
	if (rc)
		perf_set_free(set);
	return rc;
}

/* ---- the whole ------------------------------------------------------------------------------- */

ptrdiff_t perf_set_find_id(const struct perf_set *set, uint64_t id)
{
	size_t low = 0, high = set->nr_fds, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (set->fds[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low < set->nr_fds && set->fds[low].id == id ? (ptrdiff_t)low : -1;
}

void perf_set_free(struct perf_set *set)
{
	/* Rings first: a mapping keeps its event alive, and with it its place in the epoll set. */
	for (size_t i = 0; i < set->nr_rings; i++)
		perf_ring_close(&set->rings[i].ring);
	for (size_t i = 0; i < set->nr_fds; i++)
		if (set->fds[i].fd >= 0)
			close(set->fds[i].fd);
	for (size_t i = 0; i < PERF_ATTACH_NR_EVENTS; i++)
		free(set->event_cpus[i].v);
	free(set->claims);
	free(set->rings);
	free(set->fds);
	free(set->cpus);
	free(set->tids);
	*set = (struct perf_set){ 0 };
}
