/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The source damon, from nothing to a kdamond that watches: ours, or another program's that is looked on at. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "collector/damon_others.h"
#include "collector/pagemap.h"
#include "collector/sources/damon.h"

static const char *const way_names[DAMON_NR_WAYS] = {
	[DAMON_WAY_EVENTS] = "damon_aggregated",
	[DAMON_WAY_TRIED] = "tried_regions",
};

static int watch(struct damon *d, int fd, struct err *err)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? err_set(err, errno, "epoll: %s", strerror(errno))
								 : 0;
}

static int turn_on(struct damon *d, struct err *err)
{
	int rc = damon_write(d->io, d->guard.kdamond_fd, "state", "on");

	if (rc == -EBUSY)
		return err_set(err, EBUSY,
			       "DAMON is in use by somebody who shares it with nobody (damon_reclaim, damon_lru_sort, "
			       "damon_stat): "
			       "end that, or choose another source with -s");
	if (rc == -ENOENT || rc == -ENODEV)
		return err_set(err, EBUSY, "another program has taken DAMON over in this moment, and it is left alone");
	return rc ? err_set(err, -rc, "DAMON does not start: %s", strerror(-rc)) : 0;
}

/* The regions of our running kdamond, by this way. */
static int attach(struct damon *d, enum damon_way way, struct err *err)
{
	pid_t pid;
	int rc;

	if (way == DAMON_WAY_TRIED) {
		rc = damon_pace_open(&d->pace, err);
		if (!rc)
			rc = watch(d, d->pace.timer_fd, err);
		return rc ? rc : damon_ask_for_regions(d, true, err);
	}
	pid = damon_kdamond_pid(d->io, d->guard.kdamond_fd);
	if (pid < 0)
		return err_set(err, -pid, "the pid of the kdamond: %s", strerror(-pid));
	rc = damon_events_open(&d->events, d->root, pid, 0, d->attrs.max_nr_regions, err);
	return rc ? rc : watch(d, damon_events_fd(d->events), err);
}

/* What is watched, by which operations. ranges: room for those of physical memory. */
static int choose_operations(struct damon *d, struct damon_config *config, struct damon_range ranges[DAMON_MAX_RANGES],
			     struct err *err)
{
	int nr;

	config->operations = d->range.end ? "fvaddr" : "vaddr";
	config->ranges = &d->range;
	config->nr_ranges = d->range.end != 0;
	if (d->target)
		return 0;
	nr = damon_zones_read(d->root, d->zone, err);
	if (nr < 0)
		return nr;
	for (int i = 0; i < nr; i++)
		ranges[i] = d->zone[i].range;
	config->operations = "paddr";
	config->ranges = ranges;
	config->nr_ranges = d->nr_zones = (size_t)nr;
	mappings_put(d->zones);
	d->zones = damon_zones_mappings(d->zone, d->nr_zones, err);
	return d->zones ? 0 : -ENOMEM;
}

/* The target's pagemap, read by others, tells of each page more, and at less cost. Physical memory has none. */
static bool wants_kinds(const struct damon *d)
{
	struct pagemap pagemap;
	bool can_tell;

	if (!d->target)
		return true;
	if (pagemap_open(&pagemap, d->target, NULL))
		return true;
	can_tell = pagemap_can_tell(&pagemap, PAGEMAP_FILE | PAGEMAP_HUGE);
	pagemap_close(&pagemap);
	return !can_tell;
}

static int make_schemes(struct damon *d, enum damon_way way, struct damon_filters *filters, struct err *err)
{
	int rc = damon_filters_make(filters, d->io, d->guard.kdamond_fd, way == DAMON_WAY_TRIED);

	if (rc)
		return err_set(err, -rc, "DAMON refuses to make schemes: %s", strerror(-rc));
	return way == DAMON_WAY_TRIED ? damon_write_scheme(d->io, d->guard.kdamond_fd, err) : 0;
}

static int begin(struct damon *d, enum damon_way way, struct err *err)
{
	bool with_kinds = wants_kinds(d);
	struct damon_config config = { .pid = d->pid, .attrs = d->attrs };
	struct damon_range ranges[DAMON_MAX_RANGES];
	struct damon_filters filters = { 0 };
	int rc = choose_operations(d, &config, ranges, err);

	config.with_scheme = way == DAMON_WAY_TRIED && !with_kinds;
	if (!rc)
		rc = damon_configure(d->io, d->guard.kdamond_fd, &config, err);
	if (!rc && with_kinds)
		rc = make_schemes(d, way, &filters, err);
	if (!rc)
		rc = turn_on(d, err);
	if (!rc)
		damon_count_open(&d->count, d->io, d->clock, d->root, d->guard.kdamond_fd, &filters);
	if (!rc)
		rc = attach(d, way, err);
	d->way = way;
	return rc;
}

/* The tracepoint where it can be used; the kdamond's pid may be one of a pid namespace that is not ours. */
static int start_by_any(struct damon *d, const char *wanted, struct err *err)
{
	struct err why = ERR_NONE;
	int rc = damon_events_probe(d->root, &why);

	if (wanted && strcmp(wanted, way_names[DAMON_WAY_TRIED]) == 0)
		return begin(d, DAMON_WAY_TRIED, err);
	if (!rc)
		rc = begin(d, DAMON_WAY_EVENTS, &why);
	if (!rc)
		return 0;
	if (wanted || rc == -EBUSY)
		return err_set(err, why.code, "%s", why.text);
	damon_events_close(d->events);
	d->events = NULL;
	rc = damon_turn_off(d->io, d->kdamonds_fd, &d->guard.identity, d->pid);
	return rc ? err_set(err, -rc, "DAMON does not stop: %s", strerror(-rc)) : begin(d, DAMON_WAY_TRIED, err);
}

static int open_own(struct damon *d, const char *wanted, struct err *err)
{
	int rc = damon_guard_open(&d->guard, d->io, d->kdamonds_fd, d->pid, err);

	if (!rc)
		rc = watch(d, d->guard.worker_fd, err);
	return rc ? rc : start_by_any(d, wanted, err);
}

/* Another program's kdamond watches our target: look on. Its intervals are in force. */
static int open_other(struct damon *d, const struct damon_others *others, struct err *err)
{
	char name[16];
	int rc;

	snprintf(name, sizeof(name), "%u", others->kdamond);
	d->other_fd = openat(d->kdamonds_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d->other_pid = others->kdamond_pid;
	d->attrs.access_bp = 0; /* only who may command it is told what it has tuned */
	rc = d->other_fd < 0 ? -errno : damon_read_attrs(d->io, d->other_fd, &d->attrs);
	if (rc)
		return err_set(err, -rc, "reading the other program's DAMON: %s", strerror(-rc));
	rc = damon_events_open(&d->events, d->root, others->kdamond_pid, others->target_id, d->attrs.max_nr_regions,
			       err);
	return rc ? rc : watch(d, damon_events_fd(d->events), err);
}

int damon_start(struct damon *d, const char *wanted, struct err *err)
{
	struct damon_others others;
	int rc;

	if (wanted && strcmp(wanted, way_names[0]) != 0 && strcmp(wanted, way_names[1]) != 0)
		return err_set(err, EINVAL, "damon has no event \"%s\": %s or %s", wanted, way_names[0], way_names[1]);
	d->kdamonds_fd = damon_open_kdamonds(d->root, err);
	if (d->kdamonds_fd < 0)
		return d->kdamonds_fd;
	d->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (d->epoll_fd < 0)
		return err_set(err, errno, "epoll: %s", strerror(errno));
	rc = damon_others_find(&others, d->io, d->root, d->kdamonds_fd, d->pid, err);
	if (rc)
		return rc;
	if (others.watches && !d->range.end)
		return open_other(d, &others, err);
	rc = damon_others_refuse(&others, err);
	return rc ? rc : open_own(d, wanted, err);
}
