/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/perf_attach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "collector/clock.h"
#include "collector/cpu_list.h"
#include "collector/perf_set.h"

static size_t ring_pages(size_t bytes)
{
	size_t want = bytes / (size_t)sysconf(_SC_PAGESIZE), nr = 1;

	while (nr * 2 <= want)
		nr *= 2;
	return nr;
}

static int copy_spec(struct perf_attach *pa, const struct perf_attach_spec *spec, struct err *err)
{
	pa->spec = *spec;
	pa->root = strdup(spec->root ? spec->root : "");
	pa->spec.root = pa->root;
	for (size_t i = 0; i < spec->nr_events; i++) {
		pa->names[i] = strdup(spec->event_name[i] ? spec->event_name[i] : "perf event");
		pa->spec.event_name[i] = pa->names[i];
		pa->cpus_files[i] = strdup(spec->cpus_file[i] ? spec->cpus_file[i] : "");
		pa->spec.cpus_file[i] = pa->cpus_files[i];
		/* As the samples will be; perf_set.c completes the rest. */
		pa->spec.attr[i].sample_type |= PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID;
		pa->spec.attr[i].sample_id_all = 1;
		if (!pa->names[i] || !pa->cpus_files[i])
			return err_set(err, ENOMEM, "no memory for perf events");
	}
	return pa->root ? 0 : err_set(err, ENOMEM, "no memory for perf events");
}

static int check_spec(const struct perf_attach_spec *spec, struct err *err)
{
	if (!spec->nr_events || spec->nr_events > PERF_ATTACH_NR_EVENTS)
		return err_set(err, EINVAL, "%zu perf events at once: at most %d", spec->nr_events,
			       PERF_ATTACH_NR_EVENTS);
	/* The drain finds TID behind IDENTIFIER and IP: one layout for all. */
	for (size_t i = 1; i < spec->nr_events; i++)
		if ((spec->attr[i].sample_type ^ spec->attr[0].sample_type) & PERF_SAMPLE_IP)
			return err_set(err, EINVAL, "perf events that share rings need PERF_SAMPLE_IP in all or none");
	return 0;
}

/* All but the descriptors. */
static int attach_new(struct perf_attach **out, pid_t pid, const struct perf_attach_spec *spec, struct err *err)
{
	struct perf_attach *pa;
	int rc = check_spec(spec, err);

	if (rc)
		return rc;
	pa = calloc(1, sizeof(*pa));
	if (!pa)
		return err_set(err, ENOMEM, "no memory for perf events");
	pa->pid = pid;
	pa->proc_fd = -1;
	pa->nr_pages_wanted = pa->nr_pages = ring_pages(spec->ring_bytes);
	pa->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	rc = pa->epoll_fd < 0 ? err_set(err, errno, "epoll_create1 failed: %s", strerror(errno)) : 0;
	if (!rc)
		rc = copy_spec(pa, spec, err);
	if (rc)
		perf_attach_close(pa);
	else
		*out = pa;
	return rc;
}

int perf_attach_open(struct perf_attach **out, const struct target *target, const struct perf_attach_spec *spec,
		     struct err *err)
{
	struct perf_attach *pa = NULL;
	int rc;

	*out = NULL;
	rc = attach_new(&pa, target->pid, spec, err);
	if (rc)
		return rc;
	pa->proc_fd = fcntl(target->proc_fd, F_DUPFD_CLOEXEC, 0);
	rc = pa->proc_fd < 0 ? err_set(err, errno, "cannot duplicate a descriptor: %s", strerror(errno)) : 0;
	if (!rc)
		rc = perf_set_open(pa, &pa->set, err);
	if (rc)
		perf_attach_close(pa);
	else
		*out = pa;
	return rc;
}

int perf_attach_open_files(struct perf_attach **out, pid_t pid, const struct perf_attach_spec *spec, const int *fds,
			   size_t nr_fds, size_t nr_pages, struct err *err)
{
	struct perf_attach *pa = NULL;
	int rc;

	*out = NULL;
	rc = attach_new(&pa, pid, spec, err);
	if (rc)
		return rc;
	pa->nr_pages = nr_pages;
	rc = perf_set_open_files(pa, &pa->set, fds, nr_fds, err);
	if (rc)
		perf_attach_close(pa);
	else
		*out = pa;
	return rc;
}

void perf_attach_close(struct perf_attach *pa)
{
	if (!pa)
		return;
	perf_set_free(&pa->old);
	perf_set_free(&pa->set);
	if (pa->epoll_fd >= 0)
		close(pa->epoll_fd);
	if (pa->proc_fd >= 0)
		close(pa->proc_fd);
	for (size_t i = 0; i < PERF_ATTACH_NR_EVENTS; i++)
		free(pa->names[i]);
	for (size_t i = 0; i < PERF_ATTACH_NR_EVENTS; i++)
		free(pa->cpus_files[i]);
	free(pa->root);
	free(pa);
}

int perf_attach_poll_fd(const struct perf_attach *pa)
{
	return pa->epoll_fd;
}

static int enable_set(const struct perf_set *set, bool on, struct err *err)
{
	unsigned long request = on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE;

	for (size_t i = 0; i < set->nr_fds; i++)
		if (set->fds[i].fd >= 0 && ioctl(set->fds[i].fd, request, 0))
			return err_set(err, errno, "cannot %s a perf event: %s", on ? "enable" : "disable",
				       strerror(errno));
	return 0;
}

int perf_attach_enable(struct perf_attach *pa, bool on, struct err *err)
{
	int rc = enable_set(&pa->set, on, err);

	if (!rc)
		pa->enabled = on;
	else if (on)
		enable_set(&pa->set, false, NULL);
	return rc;
}

static void stop_polling(struct perf_attach *pa, const struct perf_set *set)
{
	for (size_t i = 0; i < set->nr_rings; i++)
		if (set->rings[i].polled >= 0)
			epoll_ctl(pa->epoll_fd, EPOLL_CTL_DEL, set->rings[i].polled, NULL);
}

/* A whole new set in place of the present one, which is read once more by the next drain. */
static int renew(struct perf_attach *pa, struct err *err)
{
	struct perf_set set;
	int rc = perf_set_open(pa, &set, err);

	if (rc)
		return rc;
	if (pa->enabled) {
		enable_set(&pa->set, false, NULL);
		rc = enable_set(&set, true, err);
	}
	if (rc) {
		perf_set_free(&set);
		enable_set(&pa->set, true, NULL);
		return rc;
	}
	stop_polling(pa, &pa->set);
	perf_set_free(&pa->old);
	pa->old = pa->set;
	pa->set = set;
	return 0;
}

int perf_attach_want_cpu_wide(struct perf_attach *pa, bool want, struct err *err)
{
	bool before = pa->spec.want_cpu_wide;
	int rc = 0;

	pa->spec.want_cpu_wide = want;
	if (pa->proc_fd >= 0 && want != pa->set.cpu_wide)
		rc = renew(pa, err);
	if (rc)
		pa->spec.want_cpu_wide = before;
	return rc;
}

/* CPU-wide events of a CPU that went offline are dead for good, so the list must be the same. */
static bool cpus_differ(const struct perf_attach *pa)
{
	size_t nr;
	bool differ;
	int *now;

	if (cpu_list_online(pa->spec.root, &now, &nr, NULL))
		return false;
	differ = nr != pa->set.nr_cpus || memcmp(now, pa->set.cpus, nr * sizeof(*now));
	free(now);
	return differ;
}

int perf_attach_rescan(struct perf_attach *pa, const struct target *target, struct err *err)
{
	(void)target; /* its /proc folder is held here as well */
	if (pa->proc_fd < 0)
		return 0;
	/* Numbers of threads are used again. */
	pa->set.nr_claims = 0;
	if (pa->set.claims)
		memset(pa->set.claims, 0, pa->set.cap_claims * sizeof(*pa->set.claims));
	if (pa->set.cpu_wide)
		return cpus_differ(pa) ? renew(pa, err) : 0;
	return perf_set_extend(pa, &pa->set, err);
}

/* ---- rates ----------------------------------------------------------------------------------- */

static int set_rate(struct perf_attach *pa, size_t i, uint64_t value, struct err *err)
{
	for (size_t f = 0; f < pa->set.nr_fds; f++) {
		const struct set_fd *fd = &pa->set.fds[f];

		if (fd->event != i)
			continue;
		if (ioctl(fd->fd, PERF_EVENT_IOC_PERIOD, &value) && errno != ESRCH)
			return err_set(err, errno, "%s: the kernel refuses the rate %llu: %s", pa->names[i],
				       (unsigned long long)value, strerror(errno));
	}
	return 0;
}

/* The kernel's own way: PERF_EVENT_IOC_PERIOD. It does not reach threads that have inherited, so they need new events.
 */
static int change_rate(struct perf_attach *pa, size_t i, const struct perf_event_attr *attr, uint64_t value,
		       struct err *err)
{
	struct perf_event_attr before = pa->spec.attr[i];
	int rc;

	pa->spec.attr[i] = *attr;
	if (pa->proc_fd < 0)
		return 0;
	rc = attr->freq != before.freq || perf_set_has_heirs(pa, &pa->set) ? renew(pa, err)
									   : set_rate(pa, i, value, err);
	if (rc)
		pa->spec.attr[i] = before;
	return rc;
}

bool perf_attr_is_timer(const struct perf_event_attr *attr)
{
	return attr->type == PERF_TYPE_SOFTWARE &&
	       (attr->config == PERF_COUNT_SW_CPU_CLOCK || attr->config == PERF_COUNT_SW_TASK_CLOCK);
}

int perf_attach_set_freq(struct perf_attach *pa, size_t i, uint64_t freq_hz, struct err *err)
{
	struct perf_event_attr attr = pa->spec.attr[i];

	if (!freq_hz)
		return err_set(err, EINVAL, "%s: a sample frequency of 0", pa->names[i]);
	attr.freq = 1;
	attr.sample_freq = freq_hz;
	return change_rate(pa, i, &attr, perf_attr_is_timer(&attr) ? NSEC_PER_SEC / freq_hz : freq_hz, err);
}

int perf_attach_set_period(struct perf_attach *pa, size_t i, uint64_t period, struct err *err)
{
	struct perf_event_attr attr = pa->spec.attr[i];

	if (!period)
		return err_set(err, EINVAL, "%s: a sample period of 0", pa->names[i]);
	attr.freq = 0;
	attr.sample_period = period;
	return change_rate(pa, i, &attr, period, err);
}

size_t perf_attach_ring_share(size_t bytes, const uint32_t *nr_targets)
{
	uint32_t nr = nr_targets ? *nr_targets : 1;

	for (; nr > 1 && bytes > PERF_ATTACH_LEAST_RING_BYTES; nr = (nr + 1) / 2)
		bytes /= 2;
	return bytes;
}

void perf_attach_stats(const struct perf_attach *pa, struct perf_attach_stats *stats)
{
	*stats = pa->stats;
	stats->nr_fds = pa->set.nr_fds;
	stats->nr_rings = pa->set.nr_rings;
	stats->ring_bytes = pa->nr_pages * (size_t)sysconf(_SC_PAGESIZE);
	stats->cpu_wide = pa->set.cpu_wide;
}
