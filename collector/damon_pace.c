/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/damon_pace.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "collector/clock.h"

/* How long before the expected end of an aggregation: its length varies, and the kernel tells 100 ms late (6.12). */
#define LEAD_NS	    (250 * NSEC_PER_MSEC)
#define LEAD_SHARE  16 /* and this part of the aggregation ... */
#define MAX_LEAD_NS (500 * NSEC_PER_MSEC)

uint64_t damon_pace_wait_ns(struct damon_pace *pace, bool first, uint64_t now_ns, uint64_t aggregation_ns)
{
	uint64_t since = now_ns - pace->answered_ns, lead = LEAD_NS + aggregation_ns / LEAD_SHARE, interval;

	if (lead > MAX_LEAD_NS)
		lead = MAX_LEAD_NS;
	/* Each sampling takes a little longer than it should. One that was asked for too late has cost a whole one. */
	interval = first || since < aggregation_ns || since > aggregation_ns + aggregation_ns / 2 ? 0 : since;
	pace->interval_ns = interval;
	pace->answered_ns = now_ns;
	if (aggregation_ns < 2 * lead)
		return 0;
	return (interval ? interval : aggregation_ns) - lead;
}

int damon_pace_open(struct damon_pace *pace, struct err *err)
{
	*pace = DAMON_PACE_CLOSED;
	pace->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return pace->timer_fd < 0 ? err_set(err, errno, "timerfd: %s", strerror(errno)) : 0;
}

bool damon_pace_set(struct damon_pace *pace, bool first, uint64_t aggregation_us)
{
	uint64_t ns = damon_pace_wait_ns(pace, first, clock_now_ns(&clock_system), aggregation_us * NSEC_PER_USEC);
	struct itimerspec timer = { .it_value = { .tv_sec = (time_t)(ns / NSEC_PER_SEC),
						  .tv_nsec = (long)(ns % NSEC_PER_SEC) } };

	timerfd_settime(pace->timer_fd, 0, &timer, NULL);
	return !ns;
}

bool damon_pace_is_due(struct damon_pace *pace)
{
	uint64_t expirations;

	return pace->timer_fd >= 0 && read(pace->timer_fd, &expirations, sizeof(expirations)) > 0;
}

bool damon_pace_is_set(const struct damon_pace *pace)
{
	struct itimerspec timer = { 0 };

	return pace->timer_fd >= 0 && !timerfd_gettime(pace->timer_fd, &timer) &&
	       (timer.it_value.tv_sec || timer.it_value.tv_nsec);
}

void damon_pace_close(struct damon_pace *pace)
{
	if (pace->timer_fd >= 0)
		close(pace->timer_fd);
	*pace = DAMON_PACE_CLOSED;
}
